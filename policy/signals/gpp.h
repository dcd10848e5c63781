#ifndef CONSENTRY_POLICY_SIGNALS_GPP_H_
#define CONSENTRY_POLICY_SIGNALS_GPP_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/signals/tcf.h"
#include "policy/signals/us_section.h"
#include "policy/signals/usp.h"

namespace consentry::signals {

// One section of a GPP string.
struct GppSection {
  uint16_t id = 0;
  // "tcfeuv2", "uspv1", "usnat", ...; empty where the id is not known here.
  std::string_view name;
  // As it stands in the string.
  std::string raw;
  // monostate: of an id that is not decoded here (TCF Canada, TCF v1, ids to
  // come).
  std::variant<std::monostate, TcString, UspString, UsSection> content;
};

// An IAB Global Privacy Platform string. A value.
struct GppString {
  // Ascending by id.
  std::vector<GppSection> sections;
};

inline constexpr size_t kMaxGppSections = 64;

// Decodes strictly. INVALID_ARGUMENT (ErrorOf) for a header that is not type 3,
// version 1, a header that names itself, more or fewer sections than it names,
// more than kMaxGppSections, and whatever the decoder of a section refuses.
// Both paddings of the specification and its library are taken: to 6 bits, and
// to 8 then 6. A section of an unknown id is kept as it is, if it is base64url
// and dots: it may not make the others unreadable. Pure; linear in the length
// of the string.
absl::StatusOr<GppString> DecodeGpp(std::string_view text);

}  // namespace consentry::signals

#endif  // CONSENTRY_POLICY_SIGNALS_GPP_H_
