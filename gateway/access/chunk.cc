#include "gateway/access/chunk.h"

#include <sodium.h>

#include <algorithm>
#include <optional>

#include "gateway/access/answer.h"
#include "gateway/access/grant_issuer.h"
#include "gateway/access/read_leaf.h"
#include "gateway/access/shape.h"
#include "policy/engine/engine.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::access {
namespace {

uint64_t Hash64(std::string_view bytes) {
  uint8_t hash[crypto_generichash_BYTES_MIN];
  crypto_generichash(hash, sizeof hash,
                     reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size(), nullptr, 0);
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof value; ++i) value = value << 8 | hash[i];
  return value;
}

// What a name that leads nowhere counts as in a budget: apart from all numbers
// of subjects.
uint64_t BudgetNumber(const SubjectName& name) {
  constexpr uint64_t kNobody = uint64_t{1} << 63;
  if (name.key.keys.empty()) return kNobody | name.subject;
  const crypto::BlindIndex& key = name.key.keys.front();
  return kNobody |
         Hash64({reinterpret_cast<const char*>(key.data()), key.size()});
}

absl::Status Charge(const clients::Registration& registration,
                    const std::vector<uint64_t>& numbers,
                    int64_t monotonic_us) {
  if (registration.use().budget.ChargeAll(numbers, monotonic_us)) {
    return absl::OkStatus();
  }
  absl::Status status =
      MakeError(v1::ERROR_REASON_BUDGET_EXHAUSTED,
                "the registration's customers per hour are used up");
  AddErrorMetadata(
      &status, "limit",
      std::to_string(registration.client().limits().subjects_per_hour()));
  return status;
}
absl::Status Charge(const ReadPlan& plan, const std::vector<uint64_t>& numbers,
                    int64_t monotonic_us) {
  return Charge(*plan.registration, numbers, monotonic_us);
}

uint64_t BudgetNumber(const SubjectName& name, const Snapshot& snapshot) {
  return snapshot.known() ? snapshot.members[0]->subject() : BudgetNumber(name);
}

policy::DecisionRequest RequestOf(const ReadPlan& plan, const Caller& caller,
                                  int64_t now_us) {
  policy::DecisionRequest request;
  request.purpose = plan.purpose;
  request.channel = plan.channel;
  request.fields = plan.fields;
  request.time_us = now_us;
  request.gpc = caller.context.signals().global_privacy_control();
  request.recipient = plan.registration->country();
  request.safeguard = plan.registration->safeguard();
  return request;
}

// One attempt at a chunk.
class Decider {
 public:
  Decider(const ReadParts& parts, const Chunk& chunk)
      : parts_(parts), chunk_(chunk) {}

  absl::StatusOr<DecidedChunk> Run(bool past_cache, bool charge) {
    // In this order: whatever changes after is found by the committer.
    as_of_change_ = parts_.committer->LastStored();
    auto configuration = parts_.configuration();
    now_us_ = parts_.committer->NowUs();
    CONSENTRY_ASSIGN_OR_RETURN(
        plan_, MakeReadPlan(std::move(configuration), chunk_.caller,
                            chunk_.question, now_us_));
    CONSENTRY_RETURN_IF_ERROR(TakeSnapshots(past_cache));
    if (charge) CONSENTRY_RETURN_IF_ERROR(Charge());
    request_ = RequestOf(plan_, chunk_.caller, now_us_);
    decided_.responses.resize(chunk_.names.size());
    for (size_t i = 0; i < snapshots_.size(); ++i) {
      if (PassedOver(snapshots_[i])) continue;
      CONSENTRY_RETURN_IF_ERROR(DecideOne(i));
    }
    CloseEntry();
    for (DecidedChunk::Entry& entry : decided_.entries) {
      entry.commit.as_of_change = as_of_change_;
      entry.commit.configuration_epoch = plan_.configuration->epoch();
      entry.commit.decided_at_us = now_us_;
      entry.commit.decided_until_us = decided_until_us_;
    }
    return std::move(decided_);
  }

 private:
  absl::Status TakeSnapshots(bool past_cache) {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
    vault::SubjectReader::HeadOptions options;
    options.as_of_change = as_of_change_;
    options.past_cache = past_cache;
    options.keep = chunk_.names.size() <= kMaxChunk && chunk_.keep == nullptr;
    snapshots_.reserve(chunk_.names.size());
    for (const SubjectName& name : chunk_.names) {
      CONSENTRY_ASSIGN_OR_RETURN(
          Snapshot snapshot,
          TakeSnapshot(*parts_.subjects, lease.get(), plan_, name, options));
      snapshots_.push_back(std::move(snapshot));
    }
    return absl::OkStatus();
  }

  // A walk meets each member of a group; the first stands for all.
  bool PassedOver(const Snapshot& snapshot) const {
    if (chunk_.keep == nullptr) return false;
    if (!snapshot.known()) return true;
    const uint64_t self = snapshot.members[0]->subject();
    return std::any_of(
        snapshot.members.begin(), snapshot.members.end(),
        [self](const auto& member) { return member->subject() < self; });
  }

  absl::Status Charge() const {
    std::vector<uint64_t> numbers;
    numbers.reserve(snapshots_.size());
    for (size_t i = 0; i < snapshots_.size(); ++i) {
      if (PassedOver(snapshots_[i])) continue;
      numbers.push_back(BudgetNumber(chunk_.names[i], snapshots_[i]));
    }
    return access::Charge(plan_, numbers, parts_.clock->MonotonicUs());
  }

  // A signal is one customer's: in a batch nobody knows whose.
  void NoteSignal(const Snapshot& snapshot) {
    if (request_.gpc && snapshots_.size() == 1 && !chunk_.check_only &&
        chunk_.keep == nullptr && snapshot.known() && !snapshot.facts->gpc) {
      decided_.gpc_subject = snapshot.members[0]->subject();
    }
  }

  absl::Status DecideOne(size_t i) {
    const Snapshot& snapshot = snapshots_[i];
    NoteSignal(snapshot);
    if (!snapshot.known()) {
      decision_ = DenyAll(plan_, v1::ERROR_REASON_SUBJECT_UNKNOWN);
    } else if (!policy::Decide(plan_.bundle(), *snapshot.facts, request_,
                               &decision_)
                    .ok()) {
      return MakeError(v1::ERROR_REASON_INTERNAL,
                       "a read could not be decided");
    }
    v1::ReadSubjectResponse* response = &decided_.responses[i];
    uint64_t released = 0;
    int64_t until_us = INT64_MAX;
    if (const auto grant =
            GrantIssuer::Issue(plan_.bundle(), plan_.purpose, decision_);
        grant && !chunk_.check_only) {
      CONSENTRY_RETURN_IF_ERROR(
          Fill(snapshot, *grant, &released, &until_us, response));
    }
    *response->mutable_decision() =
        MakeAnswer(plan_, decision_, MayExplain(), now_us_, until_us);
    if (chunk_.keep && !chunk_.keep(*response)) {
      // Not handed over, and not claimed to be.
      released = 0;
      response->Clear();
    }
    decided_until_us_ = std::min(decided_until_us_, decision_.decided_until_us);
    AddToEntry(i, released);
    return absl::OkStatus();
  }

  // Asked anew for each chunk: a stream outlives a permission.
  bool MayExplain() const {
    static const clients::PermissionSet explain =
        *clients::PermissionSet::Of("decisions.explain");
    return chunk_.caller.may_explain &&
           plan_.registration->permissions().Contains(explain);
  }

  absl::Status Fill(const Snapshot& snapshot, const crypto::Grant& grant,
                    uint64_t* released, int64_t* until_us,
                    v1::ReadSubjectResponse* response) const {
    const std::string& client = chunk_.caller.client_id;
    CONSENTRY_ASSIGN_OR_RETURN(Shaped shaped,
                               Shape(plan_, snapshot, decision_, grant, now_us_,
                                     [&](std::string_view value) {
                                       return parts_.tokens->Encode(
                                           crypto::TokenKind::kPseudonym,
                                           Hash64(value), client + "/value");
                                     }));
    *released = shaped.released;
    *until_us = shaped.until_us;
    *response->mutable_fields() = std::move(shaped.fields);
    *response->mutable_records() = std::move(shaped.records);
    const vault::CachedSubject& subject = *snapshot.members[0];
    response->set_subject_id(subject.head().public_id());
    if (chunk_.want_pseudonym) {
      response->set_pseudonym(parts_.tokens->Encode(
          crypto::TokenKind::kPseudonym, subject.subject(), client));
    }
    return absl::OkStatus();
  }

  void AddToEntry(size_t i, uint64_t released) {
    const Snapshot& snapshot = snapshots_[i];
    if (leaf_ && !leaf_->HasRoom(snapshot.members.size())) CloseEntry();
    if (!leaf_) {
      leaf_.emplace(plan_, chunk_.caller, now_us_, parts_.log_origin);
    }
    entry_.items.emplace_back(i, leaf_->Add(snapshot, decision_, released));
  }

  void CloseEntry() {
    if (!leaf_) return;
    if (chunk_.check_only) leaf_->SetReleasedNothing();
    entry_.commit.entry = leaf_->Serialize();
    entry_.commit.subjects = leaf_->subjects();
    decided_.entries.push_back(std::exchange(entry_, {}));
    leaf_.reset();
  }

  const ReadParts& parts_;
  const Chunk& chunk_;
  int64_t as_of_change_ = 0;
  int64_t now_us_ = 0;
  ReadPlan plan_;
  policy::DecisionRequest request_;
  std::vector<Snapshot> snapshots_;
  // Of the subject at hand; kept to reuse its memory.
  policy::Decision decision_;
  int64_t decided_until_us_ = policy::kNever;
  // The entry that is being gathered.
  std::optional<ReadLeaf> leaf_;
  DecidedChunk::Entry entry_;
  DecidedChunk decided_;
};

}  // namespace

absl::StatusOr<DecidedChunk> DecideChunk(const ReadParts& parts,
                                         const Chunk& chunk, bool past_cache,
                                         bool charge) {
  return Decider(parts, chunk).Run(past_cache, charge);
}

absl::Status ChargeBudget(const ReadPlan& plan, const SubjectName& name,
                          const Snapshot& snapshot, int64_t monotonic_us) {
  return Charge(plan, {BudgetNumber(name, snapshot)}, monotonic_us);
}

absl::Status ChargeBudget(const clients::Configuration& configuration,
                          const Caller& caller, const SubjectName& name,
                          uint64_t known, int64_t monotonic_us) {
  if (caller.IsCustomer()) return absl::OkStatus();
  const clients::Registration* const registration =
      configuration.FindById(caller.client_id);
  if (registration == nullptr) {
    return MakeError(v1::ERROR_REASON_CLIENT_UNKNOWN,
                     "the registration is gone");
  }
  return Charge(*registration, {known != 0 ? known : BudgetNumber(name)},
                monotonic_us);
}

}  // namespace consentry::access
