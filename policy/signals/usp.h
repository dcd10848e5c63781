#ifndef CONSENTRY_POLICY_SIGNALS_USP_H_
#define CONSENTRY_POLICY_SIGNALS_USP_H_

#include <cstddef>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"

namespace consentry::signals {

// An IAB US Privacy string, version 1: "1" and three of Y, N, - (does not
// apply).
struct UspString {
  char notice = '-';
  char opt_out_sale = '-';
  char lspa_covered = '-';
};

// Decodes strictly: four characters, capitals. INVALID_ARGUMENT (ErrorOf).
absl::StatusOr<UspString> DecodeUsp(std::string_view text, size_t offset = 0);

// Whether values of Sec-GPC, one for each header or metadata entry, tell of a
// Global Privacy Control signal: one of them is exactly "1". Any other value is
// as if it were not there.
bool IsGpc(std::span<const std::string_view> values);
bool IsGpc(std::string_view value);

}  // namespace consentry::signals

#endif  // CONSENTRY_POLICY_SIGNALS_USP_H_
