#ifndef CONSENTRY_GATEWAY_ACCESS_READ_LEAF_H_
#define CONSENTRY_GATEWAY_ACCESS_READ_LEAF_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consentry/store/v1/leaf.pb.h"
#include "gateway/access/caller.h"
#include "gateway/access/read_plan.h"
#include "gateway/access/snapshot.h"
#include "gateway/store/change.h"
#include "policy/engine/decision.h"

namespace consentry::access {

// Subjects, joined ones included, that one leaf holds at most.
inline constexpr size_t kSubjectsPerLeaf = 256;

// BLAKE2b-128 over policy::CanonicalEffects: what a replay must reproduce.
std::string EffectsDigest(const policy::Bundle& bundle,
                          const policy::Decision& decision);

// Step 4, its first half. Gathers decisions about subjects into one entry.
class ReadLeaf {
 public:
  ReadLeaf(const ReadPlan& plan, const Caller& caller, int64_t now_us,
           std::string_view log_origin);

  // Whether a subject joined with `members` - 1 others still has room.
  bool HasRoom(size_t members) const {
    return members == 0 ? subjects_.size() < kSubjectsPerLeaf
                        : subjects_.size() + members <= kSubjectsPerLeaf;
  }

  // Adds one decision; its item number. `released` has bit i for
  // plan.fields[i].
  uint16_t Add(const Snapshot& snapshot, const policy::Decision& decision,
               uint64_t released);

  void SetReleasedNothing() { leaf_.set_released_nothing(true); }

  // Serialised, and what the committer compares.
  std::string Serialize() const { return leaf_.SerializeAsString(); }
  // For an entry that tells more than a decision.
  store::v1::Leaf Take() && { return std::move(leaf_); }
  const std::vector<store::SubjectVersion>& subjects() const {
    return subjects_;
  }

 private:
  uint32_t RulePosition(const policy::Bundle& bundle, policy::RuleId rule);
  void SetTag(const vault::CachedSubject* member,
              store::v1::LeafSubject* subject) const;

  const ReadPlan& plan_;
  const std::string_view log_origin_;
  store::v1::Leaf leaf_;
  std::vector<store::SubjectVersion> subjects_;
  std::map<policy::RuleId, uint32_t> rules_;
};

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_READ_LEAF_H_
