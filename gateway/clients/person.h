#ifndef CONSENTRY_GATEWAY_CLIENTS_PERSON_H_
#define CONSENTRY_GATEWAY_CLIENTS_PERSON_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "consentry/v1/admin_service.pb.h"

namespace consentry::clients {

// How old a login may be for what needs a fresh one: access, portability and
// erasure (PROTOCOLS H2).
inline constexpr int64_t kFreshLoginUs = int64_t{10} * 60 * 1'000'000;

// Who stands behind a call: what the gateway established from a token that it
// verified. Nothing of it was claimed by the caller, and the token's own name
// for the person is not in it. Immutable once made.
struct Person {
  // What she is for this call: her roles of those that the registration may
  // carry tokens of. Bits 1 << v1::Role.
  uint32_t roles = 0;
  // Staff: "stf_" and 24 characters, a keyed pseudonym of issuer and login. It
  // is the acting person of the entry. Empty for customers.
  std::string id;
  // Customers: the number and the public id ("cus_...") of her subject, to
  // which an explicit link led, and nothing else may be acted on. 0 for staff.
  uint64_t subject = 0;
  std::string subject_id;
  // When she logged in, microseconds; 0 where the token does not say.
  int64_t auth_time_us = 0;

  bool IsCustomer() const { return subject != 0; }
  bool Is(v1::Role role) const { return (roles >> role & 1) != 0; }
};

// LOGIN_TOO_OLD unless she logged in at most kFreshLoginUs before `now_us`, and
// not after it.
absl::Status CheckFreshLogin(const Person& person, int64_t now_us);

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_PERSON_H_
