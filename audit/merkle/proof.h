#ifndef CONSENTRY_AUDIT_MERKLE_PROOF_H_
#define CONSENTRY_AUDIT_MERKLE_PROOF_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/merkle/hash.h"

namespace consentry::audit {

// Proofs over a tree of leaves, made and checked. Pure; safe for many threads.

// Where the hash of a complete subtree is found: of the leaves
// [index << level, (index + 1) << level). Only such hashes are asked for that
// lie wholly within the size given.
using NodeSource =
    absl::FunctionRef<absl::StatusOr<Hash>(int level, uint64_t index)>;

// The root of the first `size` leaves.
absl::StatusOr<Hash> RootAt(uint64_t size, NodeSource nodes);

// That leaf `index` stands in the tree of `size` leaves. RFC 9162 2.1.3.1.
// OutOfRange unless index < size.
absl::StatusOr<std::vector<Hash>> InclusionProof(uint64_t index, uint64_t size,
                                                 NodeSource nodes);

// That the tree of `size1` leaves is the start of the one of `size2`.
// RFC 9162 2.1.4.1. OutOfRange unless 0 < size1 <= size2; empty where equal.
absl::StatusOr<std::vector<Hash>> ConsistencyProof(uint64_t size1,
                                                   uint64_t size2,
                                                   NodeSource nodes);

// RFC 9162 2.1.3.2. InvalidArgument where the proof does not show it.
absl::Status VerifyInclusion(uint64_t index, uint64_t size,
                             const Hash& leaf_hash, std::span<const Hash> proof,
                             const Hash& root);

// The root that an inclusion proof leads to; InvalidArgument where it has the
// wrong length for index and size.
absl::StatusOr<Hash> RootFromInclusion(uint64_t index, uint64_t size,
                                       const Hash& leaf_hash,
                                       std::span<const Hash> proof);

// RFC 9162 2.1.4.2. InvalidArgument where the proof does not show it, and for
// size1 = 0, which shows nothing: a caller who has nothing yet needs no proof.
absl::Status VerifyConsistency(uint64_t size1, uint64_t size2,
                               const Hash& root1, const Hash& root2,
                               std::span<const Hash> proof);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_MERKLE_PROOF_H_
