#ifndef CONSENTRY_GATEWAY_ACCESS_READ_PLAN_H_
#define CONSENTRY_GATEWAY_ACCESS_READ_PLAN_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/common.pb.h"
#include "gateway/access/caller.h"
#include "gateway/clients/configuration.h"
#include "policy/engine/types.h"

namespace consentry::access {

// What a read asks for, apart from the subject.
struct ReadQuestion {
  std::string purpose;
  // "kind.field" or "kind.*".
  std::vector<std::string> fields;
  v1::Channel channel = v1::CHANNEL_UNSPECIFIED;
};

// A question that this caller may ask, bound to one configuration. Made once
// per attempt and used for every subject of the call. Immutable.
struct ReadPlan {
  std::shared_ptr<const clients::Configuration> configuration;
  // Owned by `configuration`.
  const clients::Registration* registration = nullptr;
  policy::PurposeId purpose{};
  policy::Channel channel = config::v1::Channel::INTERNAL;
  // Each field once, in the order asked for; a wildcard in the catalog's.
  std::vector<policy::FieldId> fields;
  // For each field the number that stands for it in records.
  std::vector<uint32_t> numbers;
  // The kinds of record that hold them, each once. Owned by the bundle.
  std::vector<std::string_view> kinds;
  // For each field, position of its kind in `kinds`.
  std::vector<size_t> kind_of_field;
  // For each kind, whether it occurs once per source and feeds the profile.
  std::vector<bool> kind_is_single;

  const policy::Bundle& bundle() const { return configuration->bundle(); }
};

// Checks all that depends on the caller alone, in this order, and refuses with
// the first: state of the registration, purpose, channel, context, then every
// field (all faults at once).
//   CLIENT_UNKNOWN, CLIENT_REVOKED, CLIENT_EXPIRED, SUSPENDED,
//   PURPOSE_NOT_ALLOWED, CHANNEL_NOT_ALLOWED, CONTEXT_REQUIRED,
//   FIELD_NOT_ALLOWED (unknown, or not needed for the purpose),
//   CATEGORY_NOT_ALLOWED, FIELD_INVALID (none, or too many).
absl::StatusOr<ReadPlan> MakeReadPlan(
    std::shared_ptr<const clients::Configuration> configuration,
    const Caller& caller, const ReadQuestion& question, int64_t now_us);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_READ_PLAN_H_
