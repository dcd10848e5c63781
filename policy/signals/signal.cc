#include "policy/signals/signal.h"

#include <utility>

#include "policy/signals/signal_error.h"

namespace consentry::signals {
namespace {

template <class T>
absl::StatusOr<Signal> Wrap(absl::StatusOr<T> decoded) {
  if (!decoded.ok()) return decoded.status();
  return Signal(*std::move(decoded));
}

}  // namespace

absl::StatusOr<Signal> DecodeSignal(std::string_view text) {
  if (IsGpc(text)) return Signal(GpcSignal{});
  const char first = text.empty() ? '\0' : text.front();
  if (first >= '0' && first <= '9') return Wrap(DecodeUsp(text));
  if (first == 'D') return Wrap(DecodeGpp(text));
  if (first == 'B' || first == 'C') return Wrap(DecodeTcf(text));
  return ToStatus({Fault::kFormat, "signal", 0, 0});
}

}  // namespace consentry::signals
