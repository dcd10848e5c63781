// Every proof of every tree of up to 100 leaves, with every bit of it flipped.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "audit/merkle/compact_range.h"
#include "audit/merkle/proof.h"
#include "tests/testing/status_matchers.h"

namespace consentry::audit {
namespace {

constexpr uint64_t kMaxSize = 100;

Hash Leaf(uint64_t i) { return LeafHash("entry " + std::to_string(i)); }

absl::StatusOr<Hash> Node(int level, uint64_t index) {
  std::vector<Hash> leaves;
  for (uint64_t i = 0; i < uint64_t{1} << level; ++i) {
    leaves.push_back(Leaf((index << level) + i));
  }
  return RootOfPerfect(std::move(leaves));
}

// Flips each bit of `proof` in turn; `holds` must never be true.
template <class F>
void ExpectNoFlipHolds(std::vector<Hash>* proof, F holds) {
  for (Hash& hash : *proof) {
    for (size_t bit = 0; bit < 8 * kHashSize; ++bit) {
      hash[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
      ASSERT_FALSE(holds());
      hash[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    }
  }
}

TEST(ProofExhaustiveTest, NoBitOfAnInclusionProofCanChange) {
  for (uint64_t size = 1; size <= kMaxSize; ++size) {
    const Hash root = *RootAt(size, Node);
    for (uint64_t index = 0; index < size; ++index) {
      std::vector<Hash> proof = *InclusionProof(index, size, Node);
      const Hash leaf = Leaf(index);
      ASSERT_OK(VerifyInclusion(index, size, leaf, proof, root));
      ExpectNoFlipHolds(&proof, [&] {
        return VerifyInclusion(index, size, leaf, proof, root).ok();
      });
      ASSERT_FALSE(HasFatalFailure()) << size << " " << index;
    }
  }
}

TEST(ProofExhaustiveTest, NoBitOfAConsistencyProofCanChange) {
  for (uint64_t size2 = 1; size2 <= kMaxSize; ++size2) {
    const Hash root2 = *RootAt(size2, Node);
    for (uint64_t size1 = 1; size1 <= size2; ++size1) {
      const Hash root1 = *RootAt(size1, Node);
      std::vector<Hash> proof = *ConsistencyProof(size1, size2, Node);
      ASSERT_OK(VerifyConsistency(size1, size2, root1, root2, proof));
      ExpectNoFlipHolds(&proof, [&] {
        return VerifyConsistency(size1, size2, root1, root2, proof).ok();
      });
      ASSERT_FALSE(HasFatalFailure()) << size1 << " " << size2;
    }
  }
}

}  // namespace
}  // namespace consentry::audit
