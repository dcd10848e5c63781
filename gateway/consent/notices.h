#ifndef CONSENTRY_GATEWAY_CONSENT_NOTICES_H_
#define CONSENTRY_GATEWAY_CONSENT_NOTICES_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/clients/caller_context.h"
#include "gateway/consent/notice_book.h"
#include "gateway/crypto/page_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"

namespace consentry::consent {

// The register of notices: each version in each language once, with the hash of
// its text (SHA-256) and how the interface shows it; never changed, never
// removed. Safe for many threads.
class Notices {
 public:
  struct Options {
    // All outlive the register.
    clients::ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    NoticeBook* book = nullptr;
    const crypto::PageTokens* page_tokens = nullptr;
    const crypto::RequestDigests* digests = nullptr;
  };
  explicit Notices(Options options) : options_(std::move(options)) {}

  // Called once, on a thread of the committer or the calling one, with the
  // notice as registered, without its text.
  using Done = absl::AnyInvocable<void(absl::StatusOr<v1::Notice>)>;

  // Registers a text. Consents are held against it from then on. FIELD_INVALID,
  // PURPOSE_NOT_ALLOWED (a purpose that the registry lacks), ALREADY_EXISTS
  // (the same id, version and language with other content; with the same it is
  // answered as before).
  void Create(const clients::CallerContext& caller,
              const v1::CreateNoticeRequest& request, Done done) const;

  // A page, by id, version and language. PAGE_TOKEN_INVALID. Reads the store:
  // for a worker.
  absl::StatusOr<v1::ListNoticesResponse> List(
      const clients::CallerContext& caller,
      const v1::ListNoticesRequest& request) const;

 private:
  const Options options_;
};

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_NOTICES_H_
