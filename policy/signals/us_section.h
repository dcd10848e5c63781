#ifndef CONSENTRY_POLICY_SIGNALS_US_SECTION_H_
#define CONSENTRY_POLICY_SIGNALS_US_SECTION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace consentry::signals {

// The sections of GPP about the United States: usnat (versions 1 and 2), usca
// and the other states. They differ only in which fields they have, so one
// reader walks over a table of layouts.

// What a field tells, as far as choices follow from it.
enum class UsMeaning : uint8_t {
  kNotice,             // 0 not applicable, 1 given, 2 not given.
  kSaleOptOut,         // 0 not applicable, 1 opted out, 2 did not.
  kSharingOptOut,      // Likewise.
  kTargetedOptOut,     // Likewise.
  kSensitive,          // Each: 0 not applicable, 1 no, 2 yes.
  kChild,              // Likewise.
  kChildSellAndShare,  // Likewise: first to sell, second to share.
  kFurtherUse,         // Likewise: use beyond what was told.
  kMspa,               // About the industry's contract, not the customer.
  kMspaCovered,        // Likewise; 1 or 2.
};

struct UsField {
  // As the specification has it: "SaleOptOut".
  std::string_view name;
  UsMeaning meaning;
  // Numbers of two bits. More than one is a list.
  uint8_t count = 1;
};

// The segment behind the core.
enum class UsSecond : uint8_t {
  kNone,
  // Type 1 in two bits, then one bit: Global Privacy Control.
  kGpc,
  // Eight numbers about sensitive data.
  kSensitive,
};

struct UsLayout {
  uint16_t section = 0;
  std::string_view name;  // "usca".
  uint8_t version = 1;
  // The version's name: "Version" or "MspaVersion". Six bits, first of all.
  std::string_view version_field;
  std::span<const UsField> core;
  UsSecond second = UsSecond::kNone;
};

// Every layout known, by section and version.
std::span<const UsLayout> UsLayouts();

// A decoded section. A value.
struct UsSection {
  const UsLayout* layout = nullptr;
  // The numbers of the core, in the order of layout->core, lists spread out.
  std::vector<uint8_t> core;
  // With UsSecond::kGpc, where the string has the segment.
  std::optional<bool> gpc;
  // With UsSecond::kSensitive, where the string has it: eight.
  std::vector<uint8_t> sensitive;
};

// Decodes strictly: INVALID_ARGUMENT (ErrorOf) for a version that the section
// does not have, a number 3, which nothing means, MspaCoveredTransaction 0, a
// second segment where the section has none, anything but zeros behind a
// segment. Both paddings are taken, to 6 bits and to 8 then 6. `section` must
// be one of UsLayouts().
absl::StatusOr<UsSection> DecodeUs(uint16_t section, std::string_view text,
                                   size_t offset);

}  // namespace consentry::signals

#endif  // CONSENTRY_POLICY_SIGNALS_US_SECTION_H_
