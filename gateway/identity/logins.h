#ifndef CONSENTRY_GATEWAY_IDENTITY_LOGINS_H_
#define CONSENTRY_GATEWAY_IDENTITY_LOGINS_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/identity.pb.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/epoch_keys.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/store/change.h"
#include "gateway/store/engine.h"

namespace consentry::identity {

// Logins that one customer may have.
inline constexpr int kMaxLogins = 8;

// Which customer a login of the identity provider is: explicit links and
// nothing else, never an e-mail address of a token (PROTOCOLS H2). A login is
// found by a keyed hash of issuer and `sub`; the fact sealed under the
// customer's key vouches for the row, so that one that was moved to somebody
// else is DATA_CORRUPT. Safe for many threads, each with a connection of its
// own.
class Logins {
 public:
  struct Link {
    uint64_t subject = 0;
    std::string subject_id;  // "cus_..."
  };

  // Both outlive this.
  Logins(const crypto::EpochFile* epochs, const crypto::SlotFile* slots)
      : epochs_(epochs), slots_(slots) {}

  // nullopt for a login that nobody linked, and for one of a customer whose
  // keys are gone.
  absl::StatusOr<std::optional<Link>> Find(store::Connection* connection,
                                           std::string_view issuer,
                                           std::string_view login) const;

  // Rises with every change of a link. Taken before Find, it says how long the
  // answer holds.
  uint64_t generation() const {
    return generation_.load(std::memory_order_acquire);
  }

  // The rest is for Change::apply.

  // ALREADY_EXISTS for a login of another customer, TOO_LARGE beyond
  // kMaxLogins. False: this customer has it already.
  absl::StatusOr<bool> Add(store::ChangeContext* context,
                           const crypto::SubjectKeys& keys,
                           const store::v1::LoginFact& fact);
  // All logins of a customer with this issuer. How many there were.
  absl::StatusOr<int> Remove(store::ChangeContext* context,
                             const crypto::SubjectKeys& keys,
                             std::string_view issuer);

 private:
  // Has Find forget once the store holds the change.
  void Bump(store::ChangeContext* context);

  const crypto::EpochFile* const epochs_;
  const crypto::SlotFile* const slots_;
  std::atomic<uint64_t> generation_{1};
};

// For upkeep and erasure, which hold the writer themselves.

// Makes the keyed hashes of one customer's logins anew under the current epoch:
// for a rotation, and for a restore, which brings sealed facts alone. A fact
// that is sealed under a key that is no more is removed. Idempotent.
absl::Status ReindexLogins(store::Connection* writer,
                           const crypto::EpochKeys& epochs,
                           const crypto::SubjectKeys& keys);
// All logins of a customer with this issuer. How many there were.
absl::StatusOr<int> RemoveLogins(store::Connection* writer,
                                 const crypto::SubjectKeys& keys,
                                 std::string_view issuer);

}  // namespace consentry::identity

#endif  // CONSENTRY_GATEWAY_IDENTITY_LOGINS_H_
