#include "gateway/access/policy_diff.h"

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gateway/access/read_leaf.h"
#include "gateway/access/replay.h"
#include "gateway/access/subject_facts.h"
#include "policy/engine/engine.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::access {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;
constexpr int64_t kDefaultSpanUs = int64_t{30} * 24 * 3600 * kUsPerSecond;
constexpr std::chrono::milliseconds kIndexWait(5000);

int64_t MicrosOf(const google::protobuf::Timestamp& time) {
  return time.seconds() * kUsPerSecond + time.nanos() / 1000;
}

void SetTime(int64_t time_us, google::protobuf::Timestamp* out) {
  out->set_seconds(time_us / kUsPerSecond);
  out->set_nanos(static_cast<int32_t>(time_us % kUsPerSecond * 1000));
}

bool IsDecision(const store::v1::LeafSubject& subject) {
  return !subject.effects_digest().empty();
}

// What a decision releases: the transform of each field that is permitted.
std::map<std::string, policy::Transform> ReleasedBy(
    const policy::Bundle& bundle, const policy::Decision& decision) {
  std::map<std::string, policy::Transform> out;
  for (const policy::FieldDecision& field : decision.fields) {
    if (field.permitted) out[bundle.field_name(field.field)] = field.transform;
  }
  if (decision.fields.empty() && decision.permitted) {
    out[""] = config::v1::Transform::NONE;
  }
  return out;
}

// The sums of one answer.
class Comparison {
 public:
  Comparison(const PolicyDiff::Options& options, store::Connection* connection,
             const policy::Bundle& candidate)
      : options_(options), connection_(connection), candidate_(candidate) {}

  absl::Status Add(const store::v1::Leaf& leaf,
                   std::span<const uint64_t> subjects) {
    for (int item = 0; item < leaf.subjects_size(); ++item) {
      if (!IsDecision(leaf.subjects(item))) continue;
      CONSENTRY_RETURN_IF_ERROR(AddDecision(leaf, subjects, item));
    }
    return absl::OkStatus();
  }

  v1::DiffPolicyResponse Finish() {
    for (auto& [key, sum] : sums_) {
      if (sum.gained + sum.lost + sum.reshaped == 0) continue;
      v1::PolicyDifference* out = response_.add_differences();
      out->set_purpose(key.first);
      out->set_field(key.second);
      out->set_gained(sum.gained);
      out->set_lost(sum.lost);
      out->set_reshaped(sum.reshaped);
      out->set_customers(static_cast<int64_t>(sum.customers.size()));
    }
    return std::move(response_);
  }

 private:
  struct Sum {
    int64_t gained = 0;
    int64_t lost = 0;
    int64_t reshaped = 0;
    std::set<uint64_t> customers;
  };

  absl::Status AddDecision(const store::v1::Leaf& leaf,
                           std::span<const uint64_t> subjects, int item) {
    // A customer who is not held is denied whatever the policy.
    if (leaf.subjects(item).version() == 0) {
      response_.set_replayed(response_.replayed() + 1);
      return absl::OkStatus();
    }
    CONSENTRY_ASSIGN_OR_RETURN(const auto heads, HeadsOf(leaf, subjects, item));
    if (heads.empty()) {
      response_.set_erased(response_.erased() + 1);
      return absl::OkStatus();
    }
    std::vector<const store::v1::SubjectHead*> views;
    for (const auto& head : heads) views.push_back(&head);
    CONSENTRY_ASSIGN_OR_RETURN(
        const ReadPlan plan,
        PlanOf(options_.archive->Load(connection_, leaf.bundle_hash()), leaf));
    policy::Decision before;
    CONSENTRY_RETURN_IF_ERROR(policy::Decide(plan.bundle(),
                                             MakeFacts(plan.bundle(), views),
                                             RequestOf(plan, leaf), &before));
    if (EffectsDigest(plan.bundle(), before) !=
        leaf.subjects(item).effects_digest()) {
      response_.set_unproved(response_.unproved() + 1);
      return absl::OkStatus();
    }
    response_.set_replayed(response_.replayed() + 1);
    CONSENTRY_ASSIGN_OR_RETURN(const auto after, Candidate(plan, leaf, views));
    Compare(leaf.purpose(), subjects[static_cast<size_t>(item)],
            ReleasedBy(plan.bundle(), before), after);
    return absl::OkStatus();
  }

  static absl::StatusOr<ReadPlan> PlanOf(
      absl::StatusOr<std::shared_ptr<const clients::Configuration>> of_its_time,
      const store::v1::Leaf& leaf) {
    if (!of_its_time.ok()) return of_its_time.status();
    return access::PlanOf(*std::move(of_its_time), leaf);
  }

  // Heads of the subject and all joined with it, at the versions in the leaf;
  // none when one of them is gone.
  absl::StatusOr<std::vector<store::v1::SubjectHead>> HeadsOf(
      const store::v1::Leaf& leaf, std::span<const uint64_t> subjects,
      int item) {
    std::vector<store::v1::SubjectHead> heads;
    for (int i = item; i < leaf.subjects_size(); ++i) {
      const auto& member = leaf.subjects(i);
      if (i != item && !member.member()) break;
      const uint64_t subject = subjects[static_cast<size_t>(i)];
      absl::StatusOr<store::v1::SubjectHead> head =
          subject == 0 ? absl::NotFoundError("")
                       : options_.subjects->ReadHeadAt(
                             connection_, subject,
                             static_cast<int64_t>(member.version()));
      if (absl::IsNotFound(head.status())) {
        return std::vector<store::v1::SubjectHead>();
      }
      if (!head.ok()) return head.status();
      heads.push_back(*std::move(head));
    }
    return heads;
  }

  // What the candidate releases of what was asked. A purpose or field that it
  // does not know is denied.
  absl::StatusOr<std::map<std::string, policy::Transform>> Candidate(
      const ReadPlan& plan, const store::v1::Leaf& leaf,
      std::span<const store::v1::SubjectHead* const> heads) {
    std::map<std::string, policy::Transform> out;
    const auto purpose = candidate_.FindPurpose(leaf.purpose());
    if (!purpose) return out;
    std::vector<policy::FieldId> fields;
    for (const std::string& name : leaf.fields()) {
      if (const auto field = candidate_.FindField(name)) {
        fields.push_back(*field);
      }
    }
    if (fields.empty() && leaf.fields_size() > 0) return out;
    policy::DecisionRequest request = RequestOf(plan, leaf);
    request.purpose = *purpose;
    request.fields = fields;
    request.recipient = policy::kNoJurisdiction;
    if (const auto country = candidate_.FindJurisdiction(
            plan.registration->client().country())) {
      request.recipient = *country;
    }
    policy::Decision decision;
    CONSENTRY_RETURN_IF_ERROR(policy::Decide(
        candidate_, MakeFacts(candidate_, heads), request, &decision));
    return ReleasedBy(candidate_, decision);
  }

  void Compare(const std::string& purpose, uint64_t subject,
               const std::map<std::string, policy::Transform>& before,
               const std::map<std::string, policy::Transform>& after) {
    const auto note = [&](const std::string& field, int64_t Sum::*count) {
      Sum& sum = sums_[{purpose, field}];
      ++(sum.*count);
      sum.customers.insert(subject);
    };
    for (const auto& [field, transform] : before) {
      const auto found = after.find(field);
      if (found == after.end()) {
        note(field, &Sum::lost);
      } else if (found->second != transform) {
        note(field, &Sum::reshaped);
      }
    }
    for (const auto& [field, transform] : after) {
      if (!before.contains(field)) note(field, &Sum::gained);
    }
  }

  const PolicyDiff::Options& options_;
  store::Connection* const connection_;
  const policy::Bundle& candidate_;
  v1::DiffPolicyResponse response_;
  std::map<std::pair<std::string, std::string>, Sum> sums_;
};

}  // namespace

absl::StatusOr<v1::DiffPolicyResponse> PolicyDiff::Run(
    const v1::DiffPolicyRequest& request, int64_t now_us) const {
  store::v1::StoredPolicy sources = options_.configuration()->policy().sources;
  if (!request.catalog().empty()) sources.set_catalog(request.catalog());
  if (!request.purposes().empty()) sources.set_purposes(request.purposes());
  if (!request.owner_pack().empty()) {
    sources.set_owner_pack(request.owner_pack());
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto candidate,
                             clients::CompilePolicy(std::move(sources)));
  trail::EntryFilter filter;
  filter.from_us = request.has_from_time() ? MicrosOf(request.from_time())
                                           : now_us - kDefaultSpanUs;
  if (filter.from_us > now_us) {
    return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                     "from_time: must not be in the future");
  }
  const uint64_t size = options_.log->size();
  if (!options_.trail->WaitUntilIndexed(size, kIndexWait)) {
    return MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                     "the index of the log is still catching up");
  }
  // The newest decisions that fit.
  struct Counted {
    uint64_t index;
    int64_t time_us;
    size_t decisions;
  };
  std::deque<Counted> entries;
  size_t decisions = 0;
  int64_t from_us = filter.from_us;
  CONSENTRY_RETURN_IF_ERROR(options_.trail->Walk(
      0, size, filter, [&](const trail::TrailIndex::Walked& entry) {
        Counted counted{entry.index, entry.leaf->time_us(), 0};
        for (const auto& subject : entry.leaf->subjects()) {
          if (IsDecision(subject)) ++counted.decisions;
        }
        if (counted.decisions == 0) return absl::OkStatus();
        decisions += counted.decisions;
        entries.push_back(counted);
        while (decisions > kMaxDecisions && entries.size() > 1) {
          decisions -= entries.front().decisions;
          entries.pop_front();
          from_us = entries.front().time_us;
        }
        return absl::OkStatus();
      }));
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  Comparison comparison(options_, lease.get(), *candidate->bundle);
  if (!entries.empty()) {
    CONSENTRY_RETURN_IF_ERROR(options_.trail->Walk(
        entries.front().index, size, filter,
        [&](const trail::TrailIndex::Walked& entry) {
          return comparison.Add(*entry.leaf, entry.subjects);
        }));
  }
  v1::DiffPolicyResponse response = comparison.Finish();
  SetTime(from_us, response.mutable_from_time());
  return response;
}

}  // namespace consentry::access
