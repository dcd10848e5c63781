#include "gateway/clients/person.h"

#include "proto/support/error.h"

namespace consentry::clients {
namespace {

// Clocks of the identity provider and ours differ.
constexpr int64_t kLeewayUs = int64_t{60} * 1'000'000;

}  // namespace

absl::Status CheckFreshLogin(const Person& person, int64_t now_us) {
  if (person.auth_time_us != 0 && person.auth_time_us <= now_us + kLeewayUs &&
      now_us - person.auth_time_us <= kFreshLoginUs) {
    return absl::OkStatus();
  }
  return MakeError(v1::ERROR_REASON_LOGIN_TOO_OLD,
                   "this needs a login within the last ten minutes");
}

}  // namespace consentry::clients
