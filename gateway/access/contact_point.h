#ifndef CONSENTRY_GATEWAY_ACCESS_CONTACT_POINT_H_
#define CONSENTRY_GATEWAY_ACCESS_CONTACT_POINT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gateway/access/caller.h"
#include "gateway/crypto/seal_context.h"
#include "gateway/crypto/secret.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::access {

// Opens the address at which a customer is written to about her own rights: a
// read like any other, decided under the purpose of class RIGHTS_FULFILMENT and
// logged before the address is given out, but asked for by the gateway itself.
//
// Safe for many threads. Both methods wait for the entry: not on threads of the
// committer or of gRPC.
class ContactPoint {
 public:
  struct Options {
    // All outlive the object.
    ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    std::string log_origin;
  };
  explicit ContactPoint(Options options) : options_(std::move(options)) {}

  // The e-mail address of the subject or of one joined with it: a verified one
  // before others, the newest of them. `reason` stands in the entry, such as
  // "message=msg_...": ids alone.
  //
  // NO_VALUE: she has none. ACCESS_DENIED: no such subject, its keys are gone,
  // or the decision denies. STATE_INVALID: the registry has no purpose of class
  // RIGHTS_FULFILMENT that takes an e-mail address and the channel e-mail.
  // Those of the committer.
  absl::StatusOr<crypto::Plaintext> Find(uint64_t subject,
                                         std::string_view reason) const;

  // An address that was sealed under the subject's key when it was handed over
  // for one message; under the same decision and entry.
  absl::StatusOr<crypto::Plaintext> Open(uint64_t subject,
                                         const crypto::FieldContext& context,
                                         std::string_view sealed,
                                         std::string_view reason) const;

 private:
  struct Sealed {
    const crypto::FieldContext* context = nullptr;
    std::string_view bytes;
  };
  absl::StatusOr<crypto::Plaintext> Read(uint64_t subject, const Sealed* sealed,
                                         std::string_view reason) const;

  const Options options_;
};

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_CONTACT_POINT_H_
