#include "audit/merkle/proof.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "audit/merkle/compact_range.h"
#include "tests/testing/status_matchers.h"

namespace consentry::audit {
namespace {

using testing::IsOk;
using testing::StatusIs;

// The definitions of RFC 6962 2.1 as they stand there, over plain vectors.
size_t Split(size_t n) {
  size_t k = 1;
  while (2 * k < n) k *= 2;
  return k;
}

std::vector<Hash> Slice(const std::vector<Hash>& d, size_t from, size_t to) {
  return {d.begin() + static_cast<long>(from),
          d.begin() + static_cast<long>(to)};
}

Hash NaiveRoot(const std::vector<Hash>& d) {
  if (d.empty()) return EmptyRoot();
  if (d.size() == 1) return d[0];
  const size_t k = Split(d.size());
  return NodeHash(NaiveRoot(Slice(d, 0, k)), NaiveRoot(Slice(d, k, d.size())));
}

std::vector<Hash> NaivePath(size_t m, const std::vector<Hash>& d) {
  if (d.size() == 1) return {};
  const size_t k = Split(d.size());
  std::vector<Hash> path;
  if (m < k) {
    path = NaivePath(m, Slice(d, 0, k));
    path.push_back(NaiveRoot(Slice(d, k, d.size())));
  } else {
    path = NaivePath(m - k, Slice(d, k, d.size()));
    path.push_back(NaiveRoot(Slice(d, 0, k)));
  }
  return path;
}

std::vector<Hash> NaiveSubproof(size_t m, const std::vector<Hash>& d, bool b) {
  if (m == d.size()) {
    if (b) return {};
    return {NaiveRoot(d)};
  }
  const size_t k = Split(d.size());
  std::vector<Hash> proof;
  if (m <= k) {
    proof = NaiveSubproof(m, Slice(d, 0, k), b);
    proof.push_back(NaiveRoot(Slice(d, k, d.size())));
  } else {
    proof = NaiveSubproof(m - k, Slice(d, k, d.size()), false);
    proof.push_back(NaiveRoot(Slice(d, 0, k)));
  }
  return proof;
}

Hash Leaf(size_t i) { return LeafHash("entry " + std::to_string(i)); }

// Subtree hashes over leaves 0, 1, 2, ..., each computed once.
class Nodes {
 public:
  absl::StatusOr<Hash> operator()(int level, uint64_t index) const {
    if (level == 0) return Leaf(index);
    const auto [it, made] = known_.try_emplace({level, index});
    if (made) {
      const Hash left = *(*this)(level - 1, 2 * index);
      const Hash right = *(*this)(level - 1, 2 * index + 1);
      known_[{level, index}] = NodeHash(left, right);
    }
    return known_[{level, index}];
  }

 private:
  mutable std::map<std::pair<int, uint64_t>, Hash> known_;
};

TEST(CompactRangeTest, ItsRootIsThatOfTheDefinition) {
  CompactRange range;
  std::vector<Hash> leaves;
  EXPECT_EQ(range.Root(), EmptyRoot());
  for (size_t i = 0; i < 130; ++i) {
    leaves.push_back(Leaf(i));
    range.Append(leaves.back());
    ASSERT_EQ(range.size(), leaves.size());
    ASSERT_EQ(range.Root(), NaiveRoot(leaves)) << leaves.size();
  }
}

TEST(ProofTest, ProofsAreThoseOfTheDefinition) {
  std::vector<Hash> leaves;
  Nodes nodes;
  for (size_t n = 1; n <= 40; ++n) {
    leaves.push_back(Leaf(n - 1));
    ASSERT_EQ(*RootAt(n, nodes), NaiveRoot(leaves));
    for (size_t m = 0; m < n; ++m) {
      ASSERT_EQ(*InclusionProof(m, n, nodes), NaivePath(m, leaves));
      ASSERT_EQ(*ConsistencyProof(m + 1, n, nodes),
                NaiveSubproof(m + 1, leaves, true));
    }
  }
}

TEST(ProofTest, WhatCannotBeProvedIsRefused) {
  Nodes nodes;
  EXPECT_THAT(InclusionProof(5, 5, nodes),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(InclusionProof(0, 0, nodes),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(ConsistencyProof(0, 5, nodes),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(ConsistencyProof(6, 5, nodes),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(VerifyConsistency(0, 5, EmptyRoot(), *RootAt(5, nodes), {}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_OK(VerifyConsistency(5, 5, *RootAt(5, nodes), *RootAt(5, nodes), {}));
  EXPECT_THAT(VerifyConsistency(5, 5, *RootAt(5, nodes), *RootAt(4, nodes), {}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

// Every proof of every size up to 100 holds, and with any one bit of it
// flipped it does not.
TEST(ProofTest, EveryInclusionProofHoldsAndNoBitOfItCanChange) {
  Nodes nodes;
  for (uint64_t size = 1; size <= 100; ++size) {
    const Hash root = *RootAt(size, nodes);
    for (uint64_t index = 0; index < size; ++index) {
      std::vector<Hash> proof = *InclusionProof(index, size, nodes);
      ASSERT_THAT(VerifyInclusion(index, size, Leaf(index), proof, root),
                  IsOk());
      // All bits of one hash in turn; one bit of each of the others, so that
      // over all sizes every bit of every place is flipped.
      for (size_t h = 0; h < proof.size(); ++h) {
        const bool all = (size + index) % proof.size() == h && size % 9 == 0;
        for (size_t bit = 0; bit < 256; ++bit) {
          if (!all && bit != (size * 31 + index * 7 + h) % 256) continue;
          proof[h][bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
          ASSERT_FALSE(
              VerifyInclusion(index, size, Leaf(index), proof, root).ok());
          proof[h][bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
        }
      }
      ASSERT_FALSE(VerifyInclusion(index, size, Leaf(size), proof, root).ok());
      ASSERT_FALSE(
          VerifyInclusion(index ^ 1, size, Leaf(index), proof, root).ok());
      proof.push_back(root);
      ASSERT_FALSE(VerifyInclusion(index, size, Leaf(index), proof, root).ok());
      proof.pop_back();
      if (proof.empty()) continue;
      proof.pop_back();
      ASSERT_FALSE(VerifyInclusion(index, size, Leaf(index), proof, root).ok());
    }
  }
}

TEST(ProofTest, EveryConsistencyProofHoldsAndNoBitOfItCanChange) {
  Nodes nodes;
  for (uint64_t size2 = 1; size2 <= 100; ++size2) {
    const Hash root2 = *RootAt(size2, nodes);
    for (uint64_t size1 = 1; size1 <= size2; ++size1) {
      const Hash root1 = *RootAt(size1, nodes);
      std::vector<Hash> proof = *ConsistencyProof(size1, size2, nodes);
      ASSERT_THAT(VerifyConsistency(size1, size2, root1, root2, proof), IsOk());
      for (size_t h = 0; h < proof.size(); ++h) {
        const bool all = (size1 + size2) % proof.size() == h && size2 % 9 == 0;
        for (size_t bit = 0; bit < 256; ++bit) {
          if (!all && bit != (size2 * 31 + size1 * 7 + h) % 256) continue;
          proof[h][bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
          ASSERT_FALSE(
              VerifyConsistency(size1, size2, root1, root2, proof).ok());
          proof[h][bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
        }
      }
      if (size1 < size2) {
        ASSERT_FALSE(VerifyConsistency(size1, size2, root2, root1, proof).ok());
        ASSERT_FALSE(VerifyConsistency(size2, size1, root2, root1, proof).ok());
      }
      proof.push_back(root1);
      ASSERT_FALSE(VerifyConsistency(size1, size2, root1, root2, proof).ok());
    }
  }
}

// Sizes beyond what a vector can hold: only the shape of the tree is new.
TEST(ProofTest, LargeTreesProveToo) {
  const auto nodes = [](int level, uint64_t index) -> absl::StatusOr<Hash> {
    return Sha256(
        {"node " + std::to_string(level) + " " + std::to_string(index)});
  };
  EXPECT_TRUE(rc::check("large trees", [&] {
    const uint64_t size2 = *rc::gen::inRange<uint64_t>(2, uint64_t{1} << 62);
    const uint64_t size1 = *rc::gen::inRange<uint64_t>(1, size2);
    const uint64_t index = size1 - 1;
    // The made-up source says nothing of leaves below a node: take the leaf
    // that it gives for level 0, and recompute roots along the proofs.
    const std::vector<Hash> path = *InclusionProof(index, size2, nodes);
    RC_ASSERT(path.size() <= 63u);
    const absl::StatusOr<Hash> root =
        RootFromInclusion(index, size2, *nodes(0, index), path);
    RC_ASSERT(root.ok());
    RC_ASSERT(
        VerifyInclusion(index, size2, *nodes(0, index), path, *root).ok());
    RC_ASSERT(!RootFromInclusion(size2, size2, *nodes(0, index), path).ok());
  }));
}

}  // namespace
}  // namespace consentry::audit
