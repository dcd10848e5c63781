#ifndef CONSENTRY_GATEWAY_OVERSIGHT_OVERSIGHT_H_
#define CONSENTRY_GATEWAY_OVERSIGHT_OVERSIGHT_H_

#include <memory>
#include <string>

#include "audit/log/reader.h"
#include "gateway/access/caller.h"
#include "gateway/base/threads.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/page_token.h"
#include "gateway/oversight/breach_register.h"
#include "gateway/oversight/exposures.h"
#include "gateway/oversight/records_of_processing.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/trail/trail_index.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::oversight {

// What compliance staff look at the whole business by, on two threads of its
// own: sums over a long log must not hold up calls about customers.
class Oversight {
 public:
  struct Options {
    // All outlive the object.
    access::ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    trail::TrailIndex* trail = nullptr;
    const audit::LogReader* log = nullptr;
    const crypto::EpochFile* epochs = nullptr;
    const crypto::PageTokens* page_tokens = nullptr;
    std::string log_origin;
    // Where the data protection officer is reached; empty: there is none.
    std::string dpo_contact;
  };
  explicit Oversight(const Options& options)
      : workers_(std::make_unique<base::WorkerPool>(base::Constant("oversight"),
                                                    2, 32)),
        parts_{options.configuration, options.committer, workers_.get()},
        processing_({.parts = parts_,
                     .trail = options.trail,
                     .log = options.log,
                     .dpo_contact = options.dpo_contact}),
        exposures_({.parts = parts_,
                    .trail = options.trail,
                    .log = options.log,
                    .readers = options.readers,
                    .subjects = options.subjects,
                    .page_tokens = options.page_tokens,
                    .log_origin = options.log_origin}),
        breaches_({.parts = parts_,
                   .readers = options.readers,
                   .epochs = options.epochs,
                   .page_tokens = options.page_tokens,
                   .dpo_contact = options.dpo_contact}) {}

  Oversight(const Oversight&) = delete;
  Oversight& operator=(const Oversight&) = delete;
  // What was accepted still uses the parts.
  ~Oversight() { workers_.reset(); }

  RecordsOfProcessing* processing() { return &processing_; }
  Exposures* exposures() { return &exposures_; }
  BreachRegister* breaches() { return &breaches_; }

 private:
  std::unique_ptr<base::WorkerPool> workers_;
  const access::AnswerParts parts_;
  RecordsOfProcessing processing_;
  Exposures exposures_;
  BreachRegister breaches_;
};

}  // namespace consentry::oversight

#endif  // CONSENTRY_GATEWAY_OVERSIGHT_OVERSIGHT_H_
