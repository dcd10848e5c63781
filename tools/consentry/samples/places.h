#ifndef CONSENTRY_TOOLS_CONSENTRY_SAMPLES_PLACES_H_
#define CONSENTRY_TOOLS_CONSENTRY_SAMPLES_PLACES_H_

#include <string_view>

#include "absl/types/span.h"

namespace consentry::tools {

// A town with the beginning of its postal codes; the last digits are drawn.
struct SampleTown {
  std::string_view name;
  // '#' stands for a digit.
  std::string_view postal_code;
};

// Where sample customers live: common given and family names of the place,
// which name nobody when drawn together at random, and its towns.
struct SamplePlace {
  // "DE", "US-CA".
  std::string_view residence;
  // BCP 47.
  std::string_view language;
  // Out of a thousand customers.
  int share;
  absl::Span<const std::string_view> given_names;
  absl::Span<const std::string_view> family_names;
  absl::Span<const std::string_view> streets;
  absl::Span<const SampleTown> towns;
  // A block of numbers that its regulator keeps for fiction; the last digits
  // count up. Empty: there is none, and its customers have no number.
  // International form, digits to be filled in are '#'.
  std::string_view phone;
};

// Shares add up to 1000.
absl::Span<const SamplePlace> SamplePlaces();

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_SAMPLES_PLACES_H_
