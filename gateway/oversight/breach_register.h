#ifndef CONSENTRY_GATEWAY_OVERSIGHT_BREACH_REGISTER_H_
#define CONSENTRY_GATEWAY_OVERSIGHT_BREACH_REGISTER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/v1/audit_service.pb.h"
#include "gateway/access/audited_answer.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/page_token.h"
#include "gateway/store/reader_pool.h"

namespace consentry::oversight {

// The register of all breaches (GDPR Art. 33(5)), with what an authority is
// told (Art. 33(3)) and by when. Every version of an entry is kept, sealed;
// the digest of each stands in the log, so that none can be swapped later.
// Holds no data about a customer. Safe for many threads.
class BreachRegister {
 public:
  struct Options {
    // All outlive the register.
    access::AnswerParts parts;
    store::ReaderPool* readers = nullptr;
    const crypto::EpochFile* epochs = nullptr;
    const crypto::PageTokens* page_tokens = nullptr;
    // For entries that name no contact of their own.
    std::string dpo_contact;
  };
  explicit BreachRegister(Options options) : options_(std::move(options)) {}

  // Called once, on a thread of the committer or the calling thread.
  using Done = absl::AnyInvocable<void(absl::StatusOr<v1::Breach>)>;

  // FIELD_INVALID: a regime that no pack knows, an awareness in the future.
  void Create(const access::Caller& caller,
              const v1::CreateBreachRequest& request, Done done);
  // The same, NOT_FOUND, ETAG_MISMATCH.
  void Update(const access::Caller& caller,
              const v1::UpdateBreachRequest& request, Done done);

  // Newest first. PAGE_TOKEN_INVALID.
  void List(const access::Caller& caller,
            const v1::ListBreachesRequest& request,
            access::Done<v1::ListBreachesResponse> done);

  // Which of the newest 200 breaches want somebody: lines of ids, regimes and
  // times (UTC) for staff. For a worker.
  //   "breach_authority_due: brc_... eu-gdpr 2026-11-25 10:00", or _late: the
  //       authority was not told, nor why it need not be;
  //   "breach_supplement_due: ...": more must be told until then;
  //   "breach_customers_open: ...": nor were the customers, nor why not.
  absl::StatusOr<std::vector<std::string>> DueLines(int64_t now_us) const;

 private:
  absl::Status Check(const v1::Breach& breach) const;
  v1::Breach Shown(std::string id, int64_t version, v1::Breach breach) const;
  absl::StatusOr<v1::Breach> Open(int64_t number, int64_t version,
                                  std::string_view id,
                                  std::string_view sealed) const;
  absl::StatusOr<v1::ListBreachesResponse> Page(
      const access::Caller& caller,
      const v1::ListBreachesRequest& request) const;
  absl::StatusOr<v1::Breach> Find(const std::string& id) const;
  absl::StatusOr<std::string> Write(store::ChangeContext& context,
                                    int64_t number, int64_t version,
                                    const std::string& id,
                                    const v1::Breach& breach) const;
  void Commit(store::Change change, Done done) const;

  const Options options_;
};

}  // namespace consentry::oversight

#endif  // CONSENTRY_GATEWAY_OVERSIGHT_BREACH_REGISTER_H_
