#include "gateway/crypto/calling_codes.h"

#include <algorithm>
#include <iterator>

namespace consentry::crypto {
namespace {

// Sorted by country. Trunk is empty where numbers are dialled whole, Italy
// among them: its leading zero belongs to the number.
constexpr CallingCode kCodes[] = {
    {"AD", "376", "", "00"},  {"AE", "971", "0", "00"},
    {"AL", "355", "0", "00"}, {"AR", "54", "0", "00"},
    {"AT", "43", "0", "00"},  {"AU", "61", "0", "0011"},
    {"BA", "387", "0", "00"}, {"BE", "32", "0", "00"},
    {"BG", "359", "0", "00"}, {"BR", "55", "0", "00"},
    {"CA", "1", "1", "011"},  {"CH", "41", "0", "00"},
    {"CL", "56", "0", "00"},  {"CN", "86", "0", "00"},
    {"CY", "357", "", "00"},  {"CZ", "420", "", "00"},
    {"DE", "49", "0", "00"},  {"DK", "45", "", "00"},
    {"EE", "372", "", "00"},  {"ES", "34", "", "00"},
    {"FI", "358", "0", "00"}, {"FR", "33", "0", "00"},
    {"GB", "44", "0", "00"},  {"GI", "350", "", "00"},
    {"GR", "30", "", "00"},   {"HK", "852", "", "001"},
    {"HR", "385", "0", "00"}, {"HU", "36", "06", "00"},
    {"IE", "353", "0", "00"}, {"IL", "972", "0", "00"},
    {"IN", "91", "0", "00"},  {"IS", "354", "", "00"},
    {"IT", "39", "", "00"},   {"JP", "81", "0", "010"},
    {"KR", "82", "0", "00"},  {"LI", "423", "", "00"},
    {"LT", "370", "0", "00"}, {"LU", "352", "", "00"},
    {"LV", "371", "", "00"},  {"MC", "377", "", "00"},
    {"MD", "373", "0", "00"}, {"ME", "382", "0", "00"},
    {"MK", "389", "0", "00"}, {"MT", "356", "", "00"},
    {"MX", "52", "", "00"},   {"NL", "31", "0", "00"},
    {"NO", "47", "", "00"},   {"NZ", "64", "0", "00"},
    {"PL", "48", "", "00"},   {"PT", "351", "", "00"},
    {"RO", "40", "0", "00"},  {"RS", "381", "0", "00"},
    {"SE", "46", "0", "00"},  {"SG", "65", "", "000"},
    {"SI", "386", "0", "00"}, {"SK", "421", "0", "00"},
    {"SM", "378", "", "00"},  {"TR", "90", "0", "00"},
    {"UA", "380", "0", "00"}, {"US", "1", "1", "011"},
    {"ZA", "27", "0", "00"},
};

constexpr bool Before(const CallingCode& a, std::string_view country) {
  return a.country < country;
}

}  // namespace

const CallingCode* FindCallingCode(std::string_view country) {
  const CallingCode* found =
      std::lower_bound(std::begin(kCodes), std::end(kCodes), country, Before);
  if (found == std::end(kCodes) || found->country != country) return nullptr;
  return found;
}

const CallingCode* CallingCodeOf(std::string_view digits) {
  // No code is the beginning of another one.
  const CallingCode* found = std::find_if(
      std::begin(kCodes), std::end(kCodes), [digits](const CallingCode& c) {
        return digits.substr(0, c.code.size()) == c.code;
      });
  return found == std::end(kCodes) ? nullptr : found;
}

}  // namespace consentry::crypto
