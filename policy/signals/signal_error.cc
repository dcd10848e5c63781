#include "policy/signals/signal_error.h"

#include <array>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace consentry::signals {
namespace {

constexpr char kPayload[] = "type.consentry.dev/consentry.signals.Error";

constexpr std::array<std::string_view, 13> kNames = {
    "FORMAT",          "TOO_LONG",         "BAD_CHARACTER",
    "TRUNCATED",       "TRAILING",         "VERSION",
    "SCOPE",           "POLICY_VERSION",   "SEGMENT_MISSING",
    "SEGMENT_UNKNOWN", "SEGMENT_REPEATED", "VALUE",
    "SECTION_COUNT"};
static_assert(kNames.size() == static_cast<size_t>(Fault::kSectionCount) + 1);

std::string_view Words(Fault fault) {
  switch (fault) {
    case Fault::kFormat:
      return "is none of the formats known";
    case Fault::kTooLong:
      return "is longer than 64 KiB";
    case Fault::kBadCharacter:
      return "has a character that the format does not have";
    case Fault::kTruncated:
      return "ends too early";
    case Fault::kTrailing:
      return "goes on behind its end";
    case Fault::kVersion:
      return "is of a version that is not read";
    case Fault::kScope:
      return "is not service-specific";
    case Fault::kPolicyVersion:
      return "is of a policy version that was void when it was made";
    case Fault::kSegmentMissing:
      return "is missing";
    case Fault::kSegmentUnknown:
      return "is of a type that may not be there";
    case Fault::kSegmentRepeated:
      return "is there twice";
    case Fault::kValue:
      return "has a value that its field does not allow";
    case Fault::kSectionCount:
      return "does not agree with the number of sections";
  }
  return "is faulty";
}

}  // namespace

std::string_view FaultName(Fault fault) {
  return kNames[static_cast<size_t>(fault)];
}

absl::Status ToStatus(const SignalError& error) {
  const std::string_view words = Words(error.fault);
  absl::Status status = absl::InvalidArgumentError(absl::StrCat(
      error.field, " ", absl::string_view(words.data(), words.size()),
      " (character ", error.character, ", bit ", error.bit, ")"));
  status.SetPayload(
      kPayload, absl::Cord(absl::StrCat(static_cast<int>(error.fault), "|",
                                        error.character, "|", error.bit, "|",
                                        error.field)));
  return status;
}

std::optional<SignalError> ErrorOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload) return std::nullopt;
  const std::string text(*payload);
  const std::vector<std::string> parts =
      absl::StrSplit(text, absl::MaxSplits('|', 3));
  SignalError error;
  uint32_t fault = 0;
  uint64_t character = 0;
  uint64_t bit = 0;
  if (parts.size() != 4 || !absl::SimpleAtoi(parts[0], &fault) ||
      fault >= kNames.size() || !absl::SimpleAtoi(parts[1], &character) ||
      !absl::SimpleAtoi(parts[2], &bit)) {
    return std::nullopt;
  }
  error.fault = static_cast<Fault>(fault);
  error.character = character;
  error.bit = bit;
  error.field = parts[3];
  return error;
}

}  // namespace consentry::signals
