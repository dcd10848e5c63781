#ifndef CONSENTRY_GATEWAY_SERVER_WIRE_FAIRNESS_H_
#define CONSENTRY_GATEWAY_SERVER_WIRE_FAIRNESS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "audit/log/signer.h"
#include "gateway/access/audited_answer.h"
#include "gateway/base/threads.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/page_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/delivery/digest.h"
#include "gateway/delivery/sender.h"
#include "gateway/fairness/audit_cases.h"
#include "gateway/fairness/audit_desk.h"
#include "gateway/fairness/fairness_desk.h"
#include "gateway/fairness/fairness_rows.h"
#include "gateway/fairness/fairness_watch.h"
#include "gateway/fairness/report_rows.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/subject_reader.h"
#include "proto/support/mutex.h"

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
    clients::Proposals* proposals = nullptr;
    // Tells staff what was found. Not started yet.
    delivery::Digest* digest = nullptr;
    // For how many days outputs are held.
    int64_t keep_days = 0;
  };
  // DATA_CORRUPT where a kept monitor does not open: nobody is judged by what
  // may be false.
  static absl::StatusOr<std::unique_ptr<Fairness>> Open(const Options& options);

  // Audits stand on the outputs that were screened, and those on the watch.
  struct AuditOptions {
    const screening::ScreeningRows* screenings = nullptr;
    const screening::OutcomeRows* outcomes = nullptr;
    const audit::Signer* signer = nullptr;
    std::string log_origin;
    const delivery::Sender* sender = nullptr;
  };
  // Once, before anything is served.
  void OpenAudits(AuditOptions options);
  Fairness(const Fairness&) = delete;
  Fairness& operator=(const Fairness&) = delete;
  ~Fairness() { Stop(); }

  // Runs audits when they are due, and those that are asked for at once.
  void Start();
  // Waits for the end of a step; whoever waits for an audit is told STOPPING.
  // Before the committer stops.
  void Stop();

  fairness::AuditDesk* audits() { return audits_.get(); }
  fairness::FairnessWatch* watch() { return watch_.get(); }
  const fairness::FairnessDesk* desk() const { return desk_.get(); }

 private:
  explicit Fairness(const Options& options) : options_(options) {}

  const Options options_;
  std::unique_ptr<fairness::FairnessRows> rows_;
  std::unique_ptr<fairness::FairnessWatch> watch_;
  std::unique_ptr<fairness::FairnessDesk> desk_;
  std::unique_ptr<fairness::ReportRows> report_rows_;
  std::unique_ptr<fairness::AuditCases> cases_;
  std::unique_ptr<fairness::AuditDesk> audits_;
  Mutex mu_;
  std::unique_ptr<base::Periodic> thread_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_WIRE_FAIRNESS_H_
