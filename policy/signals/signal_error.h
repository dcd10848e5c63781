#ifndef CONSENTRY_POLICY_SIGNALS_SIGNAL_ERROR_H_
#define CONSENTRY_POLICY_SIGNALS_SIGNAL_ERROR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace consentry::signals {

// Why a privacy signal is not taken. The names (FaultName) are stable.
enum class Fault : uint8_t {
  // Nothing, or none of the formats known here.
  kFormat,
  // Above kMaxSignalBytes.
  kTooLong,
  // A character that the format does not have.
  kBadCharacter,
  // Ends inside a field.
  kTruncated,
  // Bits or characters behind the last field that are not padding.
  kTrailing,
  // A version of the format that is not read here.
  kVersion,
  // A TC string that is not service-specific: global scope is void.
  kScope,
  // A TCF policy version that was void when the string was made.
  kPolicyVersion,
  // A segment that has to be there is not.
  kSegmentMissing,
  // A segment of a type that has no meaning, or that may not be there.
  kSegmentUnknown,
  kSegmentRepeated,
  // A number, letter or range outside what its field allows.
  kValue,
  // Header and sections do not agree in number.
  kSectionCount,
};

// "BAD_CHARACTER".
std::string_view FaultName(Fault fault);

// Where a string is faulty. No part of the string.
struct SignalError {
  Fault fault = Fault::kFormat;
  // Dotted, of a fixed vocabulary: "tcf.core.Version".
  std::string field;
  // From the start of the string, counted from 0.
  size_t character = 0;
  // From the start of the segment that the character is in.
  size_t bit = 0;

  friend bool operator==(const SignalError&, const SignalError&) = default;
};

// INVALID_ARGUMENT with fault, field and place in its message.
absl::Status ToStatus(const SignalError& error);

// What ToStatus was given; none for any other status.
std::optional<SignalError> ErrorOf(const absl::Status& status);

// No signal is longer than this: a TC string of which every vendor section is
// full stays below it.
inline constexpr size_t kMaxSignalBytes = 64 * 1024;

}  // namespace consentry::signals

#endif  // CONSENTRY_POLICY_SIGNALS_SIGNAL_ERROR_H_
