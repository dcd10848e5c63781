#include "audit/merkle/proof.h"

#include <bit>

#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

// The largest power of two smaller than n, for n > 1.
uint64_t SplitOf(uint64_t n) { return std::bit_floor(n - 1); }

// The hash of the leaves [begin, end), where begin is a multiple of the
// smallest power of two that is not below end - begin.
absl::StatusOr<Hash> SubtreeHash(uint64_t begin, uint64_t end,
                                 NodeSource nodes) {
  const uint64_t n = end - begin;
  if (std::has_single_bit(n)) {
    const int level = std::countr_zero(n);
    return nodes(level, begin >> level);
  }
  const uint64_t split = begin + SplitOf(n);
  CONSENTRY_ASSIGN_OR_RETURN(const Hash left, SubtreeHash(begin, split, nodes));
  CONSENTRY_ASSIGN_OR_RETURN(const Hash right, SubtreeHash(split, end, nodes));
  return NodeHash(left, right);
}

// PATH(index, [begin, end)) of RFC 9162 2.1.3.1, deepest hash first.
absl::Status Path(uint64_t index, uint64_t begin, uint64_t end,
                  NodeSource nodes, std::vector<Hash>* proof) {
  if (end - begin == 1) return absl::OkStatus();
  const uint64_t split = begin + SplitOf(end - begin);
  const bool left = index < split;
  CONSENTRY_RETURN_IF_ERROR(left ? Path(index, begin, split, nodes, proof)
                                 : Path(index, split, end, nodes, proof));
  CONSENTRY_ASSIGN_OR_RETURN(
      const Hash sibling,
      left ? SubtreeHash(split, end, nodes) : SubtreeHash(begin, split, nodes));
  proof->push_back(sibling);
  return absl::OkStatus();
}

// SUBPROOF(size1, [begin, end), whole) of RFC 9162 2.1.4.1.
absl::Status Subproof(uint64_t size1, uint64_t begin, uint64_t end, bool whole,
                      NodeSource nodes, std::vector<Hash>* proof) {
  if (size1 == end) {
    if (whole) return absl::OkStatus();
    CONSENTRY_ASSIGN_OR_RETURN(const Hash hash, SubtreeHash(begin, end, nodes));
    proof->push_back(hash);
    return absl::OkStatus();
  }
  const uint64_t split = begin + SplitOf(end - begin);
  const bool left = size1 <= split;
  CONSENTRY_RETURN_IF_ERROR(
      left ? Subproof(size1, begin, split, whole, nodes, proof)
           : Subproof(size1, split, end, /*whole=*/false, nodes, proof));
  CONSENTRY_ASSIGN_OR_RETURN(
      const Hash sibling,
      left ? SubtreeHash(split, end, nodes) : SubtreeHash(begin, split, nodes));
  proof->push_back(sibling);
  return absl::OkStatus();
}

absl::Status Refused(const char* why) {
  return absl::InvalidArgumentError(why);
}

}  // namespace

absl::StatusOr<Hash> RootAt(uint64_t size, NodeSource nodes) {
  if (size == 0) return EmptyRoot();
  return SubtreeHash(0, size, nodes);
}

absl::StatusOr<std::vector<Hash>> InclusionProof(uint64_t index, uint64_t size,
                                                 NodeSource nodes) {
  if (index >= size) {
    return absl::OutOfRangeError("index is not below the size of the tree");
  }
  std::vector<Hash> proof;
  CONSENTRY_RETURN_IF_ERROR(Path(index, 0, size, nodes, &proof));
  return proof;
}

absl::StatusOr<std::vector<Hash>> ConsistencyProof(uint64_t size1,
                                                   uint64_t size2,
                                                   NodeSource nodes) {
  if (size1 == 0 || size1 > size2) {
    return absl::OutOfRangeError(
        "the first size is zero or larger than the second");
  }
  std::vector<Hash> proof;
  CONSENTRY_RETURN_IF_ERROR(
      Subproof(size1, 0, size2, /*whole=*/true, nodes, &proof));
  return proof;
}

absl::StatusOr<Hash> RootFromInclusion(uint64_t index, uint64_t size,
                                       const Hash& leaf_hash,
                                       std::span<const Hash> proof) {
  if (index >= size) return Refused("index is not below the size of the tree");
  uint64_t fn = index;
  uint64_t sn = size - 1;
  Hash r = leaf_hash;
  for (const Hash& p : proof) {
    if (sn == 0) return Refused("inclusion proof is too long");
    if ((fn & 1) != 0 || fn == sn) {
      r = NodeHash(p, r);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      r = NodeHash(r, p);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return Refused("inclusion proof is too short");
  return r;
}

absl::Status VerifyInclusion(uint64_t index, uint64_t size,
                             const Hash& leaf_hash, std::span<const Hash> proof,
                             const Hash& root) {
  CONSENTRY_ASSIGN_OR_RETURN(const Hash computed,
                             RootFromInclusion(index, size, leaf_hash, proof));
  if (computed != root) {
    return Refused("inclusion proof leads to another root");
  }
  return absl::OkStatus();
}

absl::Status VerifyConsistency(uint64_t size1, uint64_t size2,
                               const Hash& root1, const Hash& root2,
                               std::span<const Hash> proof) {
  if (size1 == 0) return Refused("consistency with nothing shows nothing");
  if (size1 > size2) return Refused("the first size is larger than the second");
  if (size1 == size2) {
    if (!proof.empty()) return Refused("consistency proof is too long");
    if (root1 != root2) return Refused("two roots of one size differ");
    return absl::OkStatus();
  }
  if (proof.empty()) return Refused("consistency proof is empty");
  uint64_t fn = size1 - 1;
  uint64_t sn = size2 - 1;
  while ((fn & 1) != 0) {
    fn >>= 1;
    sn >>= 1;
  }
  // Where size1 is a power of two, root1 itself is the first hash and is left
  // out of the proof.
  const bool implied = fn == 0;
  Hash fr = implied ? root1 : proof.front();
  Hash sr = fr;
  for (const Hash& c : proof.subspan(implied ? 0 : 1)) {
    if (sn == 0) return Refused("consistency proof is too long");
    if ((fn & 1) != 0 || fn == sn) {
      fr = NodeHash(c, fr);
      sr = NodeHash(c, sr);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      sr = NodeHash(sr, c);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return Refused("consistency proof is too short");
  if (fr != root1)
    return Refused("consistency proof leads to another old root");
  if (sr != root2)
    return Refused("consistency proof leads to another new root");
  return absl::OkStatus();
}

}  // namespace consentry::audit
