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

Hash RootOfPerfect(std::vector<Hash> hashes) {
  while (hashes.size() > 1) {
    for (size_t i = 0; i < hashes.size() / 2; ++i) {
      hashes[i] = NodeHash(hashes[2 * i], hashes[2 * i + 1]);
    }
    hashes.resize(hashes.size() / 2);
  }
  return hashes.front();
}

}  // namespace consentry::audit
