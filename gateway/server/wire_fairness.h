#ifndef CONSENTRY_GATEWAY_SERVER_WIRE_FAIRNESS_H_
#define CONSENTRY_GATEWAY_SERVER_WIRE_FAIRNESS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "gateway/access/audited_answer.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/page_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/delivery/digest.h"
#include "gateway/fairness/fairness_desk.h"
#include "gateway/fairness/fairness_rows.h"
#include "gateway/fairness/fairness_watch.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::server {

// What watches models, in the order in which its parts stand on one another.
// Outlives the committer's last change.
class Fairness {
 public:
  struct Options {
    access::AnswerParts answers;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    const crypto::EpochFile* epochs = nullptr;
    const crypto::RequestDigests* digests = nullptr;
    const crypto::PageTokens* page_tokens = nullptr;
    // Tells staff what was found. Not started yet.
    delivery::Digest* digest = nullptr;
  };
  // DATA_CORRUPT where a kept monitor does not open: nobody is judged by what
  // may be false.
  static absl::StatusOr<std::unique_ptr<Fairness>> Open(const Options& options);

  fairness::FairnessWatch* watch() { return watch_.get(); }
  const fairness::FairnessDesk* desk() const { return desk_.get(); }

 private:
  Fairness() = default;

  std::unique_ptr<fairness::FairnessRows> rows_;
  std::unique_ptr<fairness::FairnessWatch> watch_;
  std::unique_ptr<fairness::FairnessDesk> desk_;
};

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_WIRE_FAIRNESS_H_
