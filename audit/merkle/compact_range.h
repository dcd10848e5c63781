#ifndef CONSENTRY_AUDIT_MERKLE_COMPACT_RANGE_H_
#define CONSENTRY_AUDIT_MERKLE_COMPACT_RANGE_H_

#include <cstdint>
#include <vector>

#include "audit/merkle/hash.h"

namespace consentry::audit {

// The right edge of a growing tree: the roots of the perfect subtrees that
// make it up, largest first. At most 64 hashes, whatever the size. Copyable;
// one thread at a time.
class CompactRange {
 public:
  void Append(const Hash& leaf_hash);
  uint64_t size() const { return size_; }
  // The root over all that was appended. RFC 6962 2.1.
  Hash Root() const;
  const std::vector<Hash>& edge() const { return edge_; }

 private:
  uint64_t size_ = 0;
  std::vector<Hash> edge_;
};

// The root over `hashes`, a power of two of them, at least one.
Hash RootOfPerfect(std::vector<Hash> hashes);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_MERKLE_COMPACT_RANGE_H_
