#ifndef CONSENTRY_POLICY_SIGNALS_SIGNAL_H_
#define CONSENTRY_POLICY_SIGNALS_SIGNAL_H_

#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "policy/signals/gpp.h"
#include "policy/signals/tcf.h"
#include "policy/signals/usp.h"

namespace consentry::signals {

// The value of a Sec-GPC header that is exactly "1".
struct GpcSignal {};

// Any privacy signal. A value.
using Signal = std::variant<TcString, GppString, UspString, GpcSignal>;

// Decodes whatever `text` is, by its first characters: "1" is GPC, four
// characters that begin with a digit are US Privacy, D is GPP, B and C are TCF
// (of which version 1 is refused). INVALID_ARGUMENT (ErrorOf) as the decoders,
// and kFormat for all else. Pure.
absl::StatusOr<Signal> DecodeSignal(std::string_view text);

}  // namespace consentry::signals

#endif  // CONSENTRY_POLICY_SIGNALS_SIGNAL_H_
