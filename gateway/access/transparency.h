#ifndef CONSENTRY_GATEWAY_ACCESS_TRANSPARENCY_H_
#define CONSENTRY_GATEWAY_ACCESS_TRANSPARENCY_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/rights_service.pb.h"
#include "gateway/access/audited_answer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/trail/trail_index.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::access {

// What is held of a customer and what happens with it, in plain language and
// without a value. An entry about her stands behind each answer. Safe for many
// threads; answers are made on the workers.
class Transparency {
 public:
  struct Options {
    // All outlive the object.
    AnswerParts parts;
    trail::TrailIndex* trail = nullptr;
    const audit::LogReader* log = nullptr;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    std::string log_origin;
    // Whether a hash of erased identifiers is kept for this name. Empty: no
    // such thing is kept. Any thread.
    std::function<absl::StatusOr<bool>(store::Connection*,
                                       const v1::SubjectRef&)>
        is_suppressed;
    // Up to `most` outputs of models for these subjects, newest first. Empty:
    // there are none.
    std::function<absl::StatusOr<std::vector<v1::AutomatedOutput>>(
        store::Connection*,
        const std::vector<std::shared_ptr<const vault::CachedSubject>>& members,
        size_t most)>
        outputs = nullptr;
    // The same of reviews by humans.
    std::function<absl::StatusOr<std::vector<v1::HumanReview>>(
        store::Connection*,
        const std::vector<std::shared_ptr<const vault::CachedSubject>>& members,
        size_t most)>
        reviews = nullptr;
  };
  explicit Transparency(Options options) : options_(std::move(options)) {}

  // An unknown customer is an answer: nothing is held. FIELD_INVALID;
  // STORE_UNAVAILABLE while the index of the log lags behind.
  void View(Caller caller, const v1::GetTransparencyViewRequest& request,
            Done<v1::TransparencyView> done);

 private:
  absl::StatusOr<v1::TransparencyView> Make(
      const v1::GetTransparencyViewRequest& request, AnswerEntry* entry) const;

  const Options options_;
};

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_TRANSPARENCY_H_
