#ifndef CONSENTRY_GATEWAY_SCREENING_PRESSURE_WORDS_H_
#define CONSENTRY_GATEWAY_SCREENING_PRESSURE_WORDS_H_

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "policy/conduct/pressure.h"

// How an entry of the log tells of what a budget was charged, or of a refusal,
// so that a restore can count it again: one of Leaf.details for each, which
// names the customer by her position in Leaf.subjects.
//
//   charged=<subject>/<purpose class>/<channel>/<pressing>/<time>/<decided>/
//           <purpose>
//   refused=<subject>/<channel>/<time>/<purpose>
//
// Numbers are decimal, times microseconds. Stateless; any thread.
namespace consentry::screening {

std::string ChargeDetail(int subject, const conduct::Contact& contact);
std::string RefusalDetail(int subject, const conduct::Refusal& refusal);

struct ToldPressure {
  int subject = 0;
  std::variant<conduct::Contact, conduct::Refusal> what;
};
// nullopt for a detail of another kind, or one that this program cannot read.
std::optional<ToldPressure> ParsePressureDetail(std::string_view detail);

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_PRESSURE_WORDS_H_
