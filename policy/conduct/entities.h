#ifndef CONSENTRY_POLICY_CONDUCT_ENTITIES_H_
#define CONSENTRY_POLICY_CONDUCT_ENTITIES_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace consentry::conduct {

// A character reference of HTML at the front of a text.
struct Entity {
  // Unicode scalar value; U+FFFD for a number that is none.
  uint32_t code_point = 0;
  // Bytes, with & and ;. 0: there is none.
  size_t length = 0;
};

// Reads "&#50;", "&#x32;" and the names that occur in texts of Western Europe:
// spaces, signs that are not seen, punctuation, Latin letters with accents, the
// Greek letters that look Latin. The semicolon may be missing after a number,
// as browsers have it.
Entity ReadEntity(std::string_view text);

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_ENTITIES_H_
