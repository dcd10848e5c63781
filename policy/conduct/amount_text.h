#ifndef CONSENTRY_POLICY_CONDUCT_AMOUNT_TEXT_H_
#define CONSENTRY_POLICY_CONDUCT_AMOUNT_TEXT_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace consentry::conduct {

// The greatest amount that a text names, in minor units of a currency (ISO
// 4217): "was $1,299.00", "statt 1.299,- EUR". A sign before the last group of
// one or two digits (three for currencies with three) divides; one before three
// digits separates thousands. nullopt where no number stands in it.
std::optional<int64_t> AmountIn(std::string_view text,
                                std::string_view currency);

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_AMOUNT_TEXT_H_
