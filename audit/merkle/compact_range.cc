#include "audit/merkle/compact_range.h"

namespace consentry::audit {

void CompactRange::Append(const Hash& leaf_hash) {
  Hash hash = leaf_hash;
  // Each trailing one of the size is a subtree that the new leaf completes.
  for (uint64_t rest = size_; (rest & 1) != 0; rest >>= 1) {
    hash = NodeHash(edge_.back(), hash);
    edge_.pop_back();
  }
  edge_.push_back(hash);
  ++size_;
}

Hash CompactRange::Root() const {
  if (edge_.empty()) return EmptyRoot();
  Hash root = edge_.back();
  for (size_t i = edge_.size() - 1; i > 0; --i) {
    root = NodeHash(edge_[i - 1], root);
  }
  return root;
}

}  // namespace consentry::audit
