// Any bytes as a TC string, and a good one with some of its characters changed:
// the decoder ends, keeps its bounds, tells every fault at a place inside the
// string, and what it takes obeys the framework's rules.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "policy/signals/signal_error.h"
#include "policy/signals/tcf.h"
#include "tests/fuzz/input.h"

namespace consentry::signals {
namespace {

using fuzz::Require;

// Sound ranges, and agreement with the questions about single ids.
void CheckVendors(const VendorSet& vendors) {
  size_t count = 0;
  uint32_t free = 0;  // The lowest id that may follow.
  for (const VendorRange& range : vendors.Ranges()) {
    Require(range.first > free && range.first <= range.last);
    Require(vendors.Contains(range.first) && vendors.Contains(range.last));
    Require(!vendors.Contains(static_cast<uint16_t>(range.first - 1)));
    count += size_t{range.last} - range.first + 1;
    free = range.last + 1u;
  }
  Require(count == vendors.Count());
  Require(!vendors.Contains(0));
}

void Check(std::string_view text) {
  const auto tc = DecodeTcf(text);
  if (!tc.ok()) {
    const auto error = ErrorOf(tc.status());
    Require(error.has_value());
    Require(error->character <= text.size());
    return;
  }
  Require(tc->consent_language.size() == 2 &&
          tc->publisher_country.size() == 2);
  Require(tc->last_updated_us >= tc->created_us && tc->cmp_id > 1);
  CheckVendors(tc->vendor_consents);
  CheckVendors(tc->vendor_legitimate_interests);
  if (tc->disclosed_vendors) CheckVendors(*tc->disclosed_vendors);
  for (const PublisherRestriction& restriction : tc->restrictions) {
    Require(restriction.purpose >= 1 && restriction.purpose <= 24);
    CheckVendors(restriction.vendors);
  }
  for (uint8_t purpose = 0; purpose < 30; ++purpose) {
    for (const uint16_t vendor : {uint16_t{0}, uint16_t{1}, uint16_t{755}}) {
      VendorUse use;
      use.purpose = purpose;
      use.vendor = vendor;
      const auto basis = VendorMay(*tc, use);
      Require(!basis || (purpose >= 1 && purpose <= 24 &&
                         (tc->purpose_consents >> (purpose - 1) & 1) != 0 &&
                         tc->vendor_consents.Contains(vendor)));
    }
  }
}

}  // namespace
}  // namespace consentry::signals

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  consentry::fuzz::Input input(data, size);
  if (!input.Flag()) {
    consentry::signals::Check(input.Rest());
    return 0;
  }
  // Restrictions, ranges, bits, disclosed vendors, a publisher's segment.
  std::string good =
      "CQWzukAQWzukAQ8wA4IT4_F3MTrhGgMr6wpHrnQBwn3EqrsyYzOZyk-ThZOg48_64Prnetl"
      "AFlfIV8prljv2dpZ2mX6vnrZAAAAA.cgJi_EQKIy_o.IGrwBYArgC8AKqAooClQI7AmiBnY"
      "GrgA";
  while (!input.empty()) {
    const size_t at = static_cast<size_t>(input.Number());
    const auto character = static_cast<char>(input.Byte());
    switch (input.Below(3)) {
      case 0:
        good[at % good.size()] = character;
        break;
      case 1:
        good.insert(at % (good.size() + 1), 1, character);
        break;
      default:
        if (good.size() > 1) good.erase(at % good.size(), 1);
        break;
    }
  }
  consentry::signals::Check(good);
  return 0;
}
