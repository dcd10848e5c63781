#ifndef CONSENTRY_TOOLS_CONSENTRY_SIGNAL_TEXT_H_
#define CONSENTRY_TOOLS_CONSENTRY_SIGNAL_TEXT_H_

#include <string>

#include "policy/signals/signal.h"

namespace consentry::tools {

// Decoded privacy signals for people and for scripts. Pure.

// One JSON object on one line, with every field of the signal under the name
// that its specification gives it, and "meaning", what the gateway makes of it.
//   "format": "tcf", "gpp", "uspv1" or "gpc".
//   Masks of purposes and features: the numbers that are set.
//   Sets of vendors: {"MaxVendorId": n, "Ranges": [[first, last], ...]}.
//   Times: RFC 3339 with milliseconds.
//   GPP: "Sections": one object for each, with "Id", "Name" (null where the id
//   is not known) and "Raw" before its fields.
std::string SignalJson(const signals::Signal& signal);

// Lines as a person reads them.
std::string SignalWords(const signals::Signal& signal);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_SIGNAL_TEXT_H_
