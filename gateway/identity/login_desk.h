#ifndef CONSENTRY_GATEWAY_IDENTITY_LOGIN_DESK_H_
#define CONSENTRY_GATEWAY_IDENTITY_LOGIN_DESK_H_

#include <cstdint>
#include <set>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/identity/logins.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/head_cache.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::identity {

// Links customers to logins and ends that. Whoever holds a linked login is the
// customer, so that only registrations that were given subjects.login may do
// it. Safe for many threads; its methods read the store and are for a worker.
class LoginDesk {
 public:
  struct Options {
    // All outlive the desk.
    clients::ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    const crypto::SlotFile* slots = nullptr;
    vault::HeadCache* cache = nullptr;
    Logins* logins = nullptr;
    const crypto::OpaqueTokens* tokens = nullptr;
    const crypto::RequestDigests* digests = nullptr;
    // Issuers of customers' tokens, by `iss`.
    std::set<std::string, std::less<>> issuers;
    std::string log_origin;
  };
  explicit LoginDesk(Options options) : options_(std::move(options)) {}

  // Each is in force, and logged, when `done` is called. The entry names
  // issuer and customer's tag, never the login. FIELD_INVALID for an issuer of
  // nobody or of staff; ACCESS_DENIED for an unknown customer; those of Logins
  // and of the committer.
  template <class Response>
  using Done = absl::AnyInvocable<void(absl::StatusOr<Response>)>;
  void Link(const clients::CallerContext& caller,
            const v1::LinkLoginRequest& request,
            Done<v1::LinkLoginResponse> done) const;
  // OK also when there was none. Ends calls in flight.
  void Unlink(const clients::CallerContext& caller,
              const v1::UnlinkLoginRequest& request,
              Done<v1::UnlinkLoginResponse> done) const;

 private:
  // What a change does to the logins of one customer; the word that tells the
  // outcome in the entry.
  using Edit = std::function<absl::StatusOr<std::string>(
      store::ChangeContext*, const crypto::SubjectKeys&)>;

  absl::StatusOr<uint64_t> FindSubject(const clients::CallerContext& caller,
                                       const v1::SubjectRef& ref) const;
  template <class Request, class Response>
  void Commit(const clients::CallerContext& caller, const Request& request,
              bool negative, Edit edit, Done<Response> done) const;

  const Options options_;
};

}  // namespace consentry::identity

#endif  // CONSENTRY_GATEWAY_IDENTITY_LOGIN_DESK_H_
