#ifndef CONSENTRY_PROTO_SUPPORT_ERROR_H_
#define CONSENTRY_PROTO_SUPPORT_ERROR_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "consentry/v1/errors.pb.h"

namespace consentry {

// An absl::Status that carries a stable reason of the public API. The canonical
// code follows from the reason (see CodeOf). `message` is for people, starts in
// lower case, ends without a period, and holds no value of anybody's data:
// names of fields, purposes, files and settings, counts and limits only.
absl::Status MakeError(v1::ErrorReason reason, std::string_view message);

// The canonical code that a reason always comes with.
absl::StatusCode CodeOf(v1::ErrorReason reason);

// The reason that MakeError attached, if any.
std::optional<v1::ErrorReason> ReasonOf(const absl::Status& status);

// Adds one key of ErrorInfo.metadata. Keys are lower_snake_case; values obey
// the rule for messages above.
void AddErrorMetadata(absl::Status* status, std::string_view key,
                      std::string_view value);

// One fault of a request or file: `field` is a path such as "subject.id".
struct FieldViolation {
  std::string field;
  std::string description;
};

// Attaches a violation; all faults of a request are told at once, up to 32.
void AddFieldViolation(absl::Status* status, const FieldViolation& violation);

}  // namespace consentry

#endif  // CONSENTRY_PROTO_SUPPORT_ERROR_H_
