#ifndef CONSENTRY_AUDIT_VERIFY_DIFF_H_
#define CONSENTRY_AUDIT_VERIFY_DIFF_H_

#include <cstdint>
#include <span>
#include <vector>

#include "audit/merkle/hash.h"
#include "audit/verify/findings.h"

namespace consentry::audit {

// Compares the leaf hashes of the entries as they stand with those that were
// signed, and says what was done; nothing where both are equal. Pure.
//
// Behind the common start, both are lined up again and again at the nearest
// pair of hashes that agree: of all pairs (a steps ahead in `standing`, b steps
// ahead in `reference`) that with the smallest a + b, then the smallest
// difference of a and b, then the smallest a. What lies between is a run of
// changed, removed or inserted entries; when the runs hold the same hashes on
// both sides, entries only changed places. With `open_end`,
// `standing` may go on behind the end of `reference`.
std::vector<Finding> CompareLeaves(std::span<const Hash> standing,
                                   std::span<const Hash> reference,
                                   bool open_end = false);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_VERIFY_DIFF_H_
