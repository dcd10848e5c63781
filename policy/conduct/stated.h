#ifndef CONSENTRY_POLICY_CONDUCT_STATED_H_
#define CONSENTRY_POLICY_CONDUCT_STATED_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace consentry::conduct {

// What folded text states in figures and words.

// "12", "1,204", "1.204", "1 204", or one of `words`. Absent: neither, or more
// than 15 digits.
std::optional<int64_t> ReadQuantity(
    std::string_view text, const std::map<std::string, int64_t>& words);

// Seconds of a length of time: "02:59:50", "1:02:59:50" (with days), "14:53"
// (minutes and seconds, but hours and minutes before "h"), "9 hours", "2 tage 3
// std", "16h 59m 06s", "00days00hours14minutes". Units by how they begin in
// English, German, French and Spanish. Absent: it is none.
std::optional<int64_t> ReadDuration(std::string_view text);

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_STATED_H_
