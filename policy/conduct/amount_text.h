#ifndef CONSENTRY_POLICY_CONDUCT_AMOUNT_TEXT_H_
#define CONSENTRY_POLICY_CONDUCT_AMOUNT_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace consentry::conduct {

// Digits behind the point of a currency (ISO 4217): 2 for those not known.
size_t MinorDigits(std::string_view currency);

// "12.50 EUR", "-0.05 EUR", "1250 JPY".
std::string AmountText(int64_t minor_units, std::string_view currency);

// The greatest amount that a text names, in minor units of a currency (ISO
// 4217): "was $1,299.00", "statt 1.299,- EUR". A sign before the last group of
// one or two digits (three for currencies with three) divides; one before three
// digits separates thousands. nullopt where no number stands in it.
std::optional<int64_t> AmountIn(std::string_view text,
                                std::string_view currency);

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_AMOUNT_TEXT_H_
