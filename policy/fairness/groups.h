#ifndef CONSENTRY_POLICY_FAIRNESS_GROUPS_H_
#define CONSENTRY_POLICY_FAIRNESS_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Names of groups, which of them are put together, and which stay untold. Pure;
// any thread.
namespace consentry::policy::fairness {

// Whose group is not known: a group of its own, told and compared with nobody.
inline constexpr std::string_view kUnknownGroupName = "unknown";
// Sparse groups put together.
inline constexpr std::string_view kPooledGroupName = "other (pooled)";
// All others that are told, where each group is compared with them.
inline constexpr std::string_view kRestGroupName = "rest";
// The remark of a figure that is withheld; it has no counts either.
inline constexpr std::string_view kTooFewToTell = "too few cases to be told";
// The remark of a figure of values of which too many were cut to their range.
inline constexpr std::string_view kTooManyBeyond =
    "more than 1 % of the values lie beyond the declared range";
// Joins the attributes of an intersection, and their groups: "sex*age".
inline constexpr char kGroupJoin = '*';

// "female*over 60" from its parts. A '*' or '\' inside a part is escaped by a
// '\', so that no two lists of parts share a name.
std::string JoinGroups(std::span<const std::string_view> parts);

// Which of the groups, given by their sizes, go into the pooled one: those with
// fewer than `minimum` cases. Where a single one would go alone nothing would
// be pooled, and it stays by itself. A group without cases goes nowhere.
std::vector<bool> SparseGroups(std::span<const int64_t> cases, int64_t minimum);

// Which of the groups must not be told at all, when their sum is known to
// whoever reads: those with 1 to `minimum` - 1 cases, and, where these sum to
// fewer than `minimum` or are a single one, the next larger until they do not,
// so that no size follows from the others.
std::vector<bool> SuppressedGroups(std::span<const int64_t> cases,
                                   int64_t minimum);

// Place of the largest, the first of equals. `cases` must not be empty.
size_t LargestGroup(std::span<const int64_t> cases);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_GROUPS_H_
