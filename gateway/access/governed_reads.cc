#include "gateway/access/governed_reads.h"

#include <sodium.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <utility>

#include "gateway/access/answer.h"
#include "gateway/access/grant_issuer.h"
#include "gateway/access/read_leaf.h"
#include "gateway/access/shape.h"
#include "gateway/access/snapshot.h"
#include "policy/engine/engine.h"
#include "proto/support/error.h"
#include "proto/support/mutex.h"
#include "proto/support/status_macros.h"

namespace consentry::access {
namespace {

// Snapshots of one read before it answers CONTENDED.
constexpr int kMaxAttempts = 4;
// Subjects that are read on the calling thread.
constexpr size_t kInlineSubjects = 2;

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

}  // namespace

// One chunk on its way through the five steps. Used by one thread at a time:
// the caller's or a worker's up to Commit, the committer's after it.
struct GovernedReads::Job {
  Caller caller;
  ReadQuestion question;
  std::vector<SubjectName> names;
  // Decides and releases nothing.
  bool check_only = false;
  bool want_pseudonym = false;
  // A walk: see ReadNumbers.
  std::function<void()> reset;
  std::function<bool(const v1::ReadSubjectResponse&)> keep;
  JobDone done;

  int attempts = 0;
  bool charged = false;
  ReadPlan plan;
  int64_t now_us = 0;
  int64_t as_of_change = 0;
  int64_t until_us = INT64_MAX;

  struct Entry {
    store::ReadCommit commit;
    // Which response is which item.
    std::vector<std::pair<size_t, uint16_t>> items;
  };
  std::vector<Entry> entries;
  std::vector<v1::ReadSubjectResponse> responses;

  std::atomic<size_t> open{0};
  Mutex mu;
  std::vector<store::ReleaseTicket> tickets ABSL_GUARDED_BY(mu);
  bool stale ABSL_GUARDED_BY(mu) = false;
  absl::Status failure ABSL_GUARDED_BY(mu);
};

GovernedReads::GovernedReads(Options options) : options_(std::move(options)) {}

absl::StatusOr<std::vector<SubjectName>> GovernedReads::Names(
    const Caller& caller,
    const google::protobuf::RepeatedPtrField<v1::SubjectRef>& refs,
    size_t first, size_t count) const {
  std::vector<SubjectName> names;
  names.reserve(count);
  absl::Status faults;
  for (size_t i = first; i < first + count; ++i) {
    const v1::SubjectRef& ref = refs.at(static_cast<int>(i));
    SubjectName name;
    absl::Status fault;
    if (ref.ref_case() == v1::SubjectRef::kPseudonym) {
      const auto subject =
          options_.tokens->Decode(crypto::TokenKind::kPseudonym,
                                  ref.pseudonym(), caller.client_id);
      if (subject.ok() && *subject != 0) {
        name.subject = *subject;
      } else {
        fault = MakeError(v1::ERROR_REASON_FIELD_INVALID,
                          "a pseudonym is not one of this caller");
      }
    } else {
      auto key = options_.subjects->MakeKey(ref);
      if (key.ok()) {
        name.key = *std::move(key);
      } else {
        fault = key.status();
      }
    }
    if (!fault.ok()) {
      if (faults.ok()) faults = fault;
      AddFieldViolation(&faults, {"subjects[" + std::to_string(i) + "]",
                                  std::string(fault.message())});
    }
    names.push_back(std::move(name));
  }
  if (!faults.ok()) return faults;
  return names;
}

void GovernedReads::Start(std::shared_ptr<Job> job) {
  if (job->names.size() <= kInlineSubjects) {
    Attempt(job);
    return;
  }
  const auto submitted =
      options_.workers->TrySubmit([this, job] { Attempt(job); });
  if (!submitted) {
    job->done(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                        "too many large reads are waiting"));
  }
}

void GovernedReads::Attempt(const std::shared_ptr<Job>& job) {
  ++job->attempts;
  if (absl::Status status = Decide(job); !status.ok()) {
    Refuse(job, std::move(status));
    return;
  }
  Commit(job);
}

void GovernedReads::Refuse(const std::shared_ptr<Job>& job,
                           absl::Status status) {
  options_.refusals->Record(
      *options_.configuration(), job->caller, job->question.purpose,
      std::move(status),
      [job](absl::Status told) { job->done(std::move(told)); });
}

// Steps 1 to 3 for all subjects of the chunk.
absl::Status GovernedReads::Decide(const std::shared_ptr<Job>& job) {
  // In this order: whatever changes after is found by the committer.
  job->as_of_change = options_.committer->LastStored();
  auto configuration = options_.configuration();
  job->now_us = options_.committer->NowUs();
  CONSENTRY_ASSIGN_OR_RETURN(
      job->plan, MakeReadPlan(std::move(configuration), job->caller,
                              job->question, job->now_us));
  if (job->reset) job->reset();
  job->entries.clear();
  job->responses.assign(job->names.size(), {});
  job->until_us = INT64_MAX;

  std::vector<Snapshot> snapshots;
  snapshots.reserve(job->names.size());
  {
    auto lease = options_.readers->Acquire();
    if (!lease.ok()) return lease.status();
    vault::SubjectReader::HeadOptions options;
    options.as_of_change = job->as_of_change;
    options.past_cache = job->attempts > 1;
    options.keep = job->names.size() <= kMaxChunk && job->keep == nullptr;
    for (const SubjectName& name : job->names) {
      CONSENTRY_ASSIGN_OR_RETURN(
          Snapshot snapshot,
          TakeSnapshot(*options_.subjects, lease->get(), job->plan, name,
                       options));
      snapshots.push_back(std::move(snapshot));
    }
  }
  // A walk meets each member of a group; the first stands for all.
  const auto passed_over = [&](const Snapshot& snapshot) {
    return job->keep != nullptr &&
           (!snapshot.known() ||
            std::any_of(snapshot.members.begin(), snapshot.members.end(),
                        [&](const auto& member) {
                          return member->subject() <
                                 snapshot.members[0]->subject();
                        }));
  };
  if (!job->charged) {
    std::vector<uint64_t> numbers;
    numbers.reserve(snapshots.size());
    for (size_t i = 0; i < snapshots.size(); ++i) {
      if (passed_over(snapshots[i])) continue;
      numbers.push_back(snapshots[i].known()
                            ? snapshots[i].members[0]->subject()
                            : BudgetNumber(job->names[i]));
    }
    if (!job->plan.registration->use().budget.ChargeAll(
            numbers, options_.clock->MonotonicUs())) {
      absl::Status status =
          MakeError(v1::ERROR_REASON_BUDGET_EXHAUSTED,
                    "the registration's customers per hour are used up");
      AddErrorMetadata(
          &status, "limit",
          std::to_string(
              job->plan.registration->client().limits().subjects_per_hour()));
      return status;
    }
    job->charged = true;
  }

  policy::DecisionRequest request;
  request.purpose = job->plan.purpose;
  request.channel = job->plan.channel;
  request.fields = job->plan.fields;
  request.time_us = job->now_us;
  request.gpc = job->caller.context.signals().global_privacy_control();
  request.recipient = job->plan.registration->country();
  request.safeguard = job->plan.registration->safeguard();

  const std::string& client = job->caller.client_id;
  const auto pseudonym = [&](std::string_view value) {
    return options_.tokens->Encode(crypto::TokenKind::kPseudonym,
                                   Hash64(value), client + "/value");
  };

  std::optional<ReadLeaf> leaf;
  Job::Entry entry;
  const auto close = [&] {
    if (!leaf) return;
    if (job->check_only) leaf->SetReleasedNothing();
    entry.commit.entry = leaf->Serialize();
    entry.commit.subjects = leaf->subjects();
    job->entries.push_back(std::move(entry));
    entry = {};
    leaf.reset();
  };
  int64_t decided_until_us = policy::kNever;
  policy::Decision decision;
  for (size_t i = 0; i < snapshots.size(); ++i) {
    const Snapshot& snapshot = snapshots[i];
    if (passed_over(snapshot)) continue;
    if (snapshot.known()) {
      if (!policy::Decide(job->plan.bundle(), *snapshot.facts, request,
                          &decision)
               .ok()) {
        return MakeError(v1::ERROR_REASON_INTERNAL,
                         "a read could not be decided");
      }
    } else {
      decision = DenyAll(job->plan, v1::ERROR_REASON_SUBJECT_UNKNOWN);
    }
    v1::ReadSubjectResponse* response = &job->responses[i];
    uint64_t released = 0;
    int64_t until_us = INT64_MAX;
    if (const auto grant = GrantIssuer::Issue(job->plan.bundle(),
                                              job->plan.purpose, decision);
        grant && !job->check_only) {
      CONSENTRY_ASSIGN_OR_RETURN(
          Shaped shaped, Shape(job->plan, snapshot, decision, *grant,
                               job->now_us, pseudonym));
      released = shaped.released;
      until_us = shaped.until_us;
      *response->mutable_fields() = std::move(shaped.fields);
      *response->mutable_records() = std::move(shaped.records);
      const vault::CachedSubject& subject = *snapshot.members[0];
      response->set_subject_id(subject.head().public_id());
      if (job->want_pseudonym) {
        response->set_pseudonym(options_.tokens->Encode(
            crypto::TokenKind::kPseudonym, subject.subject(), client));
      }
    }
    *response->mutable_decision() =
        MakeAnswer(job->plan, decision, job->caller.may_explain, job->now_us,
                   until_us);
    if (job->keep && !job->keep(*response)) {
      // Not handed over, and not claimed to be.
      released = 0;
      response->Clear();
    }
    decided_until_us = std::min(decided_until_us, decision.decided_until_us);
    if (leaf && !leaf->HasRoom(snapshot.members.size())) close();
    if (!leaf) {
      leaf.emplace(job->plan, job->caller, job->now_us, options_.log_origin);
    }
    entry.items.emplace_back(i, leaf->Add(snapshot, decision, released));
  }
  close();
  for (Job::Entry& made : job->entries) {
    made.commit.as_of_change = job->as_of_change;
    made.commit.configuration_epoch = job->plan.configuration->epoch();
    made.commit.decided_at_us = job->now_us;
    made.commit.decided_until_us = decided_until_us;
  }
  return absl::OkStatus();
}

void GovernedReads::Commit(const std::shared_ptr<Job>& job) {
  {
    MutexLock lock(&job->mu);
    job->tickets.clear();
    job->stale = false;
    job->failure = absl::OkStatus();
  }
  const size_t count = job->entries.size();
  job->open.store(count);
  if (count == 0) {
    Complete(job);
    return;
  }
  // The last completion may begin the next attempt, which rewrites entries: so
  // nothing of the job is touched after its last commit was given away.
  for (size_t i = 0; i < count; ++i) {
    auto items = std::move(job->entries[i].items);
    options_.committer->CommitRead(
        std::move(job->entries[i].commit),
        [this, job,
         items = std::move(items)](store::ReadOutcome outcome) mutable {
          {
            MutexLock lock(&job->mu);
            switch (outcome.kind) {
              case store::ReadOutcome::Kind::kCommitted:
                job->tickets.push_back(std::move(outcome.ticket));
                break;
              case store::ReadOutcome::Kind::kStale:
                job->stale = true;
                break;
              case store::ReadOutcome::Kind::kFailed:
                job->failure = std::move(outcome.status);
                break;
            }
          }
          if (outcome.kind == store::ReadOutcome::Kind::kCommitted) {
            for (const auto& [response, item] : items) {
              const uint64_t position =
                  crypto::LogPosition{outcome.log_index, item}.Pack();
              v1::Decision* decision =
                  job->responses[response].mutable_decision();
              decision->set_id(options_.tokens->Encode(
                  crypto::TokenKind::kDecision, position));
              decision->set_audit_reference(options_.tokens->Encode(
                  crypto::TokenKind::kAudit, position));
            }
          }
          if (job->open.fetch_sub(1) == 1) Complete(job);
        });
  }
}

void GovernedReads::Complete(const std::shared_ptr<Job>& job) {
  bool stale;
  absl::Status failure;
  std::vector<store::ReleaseTicket> tickets;
  {
    MutexLock lock(&job->mu);
    stale = job->stale;
    failure = std::move(job->failure);
    tickets = std::move(job->tickets);
    job->tickets.clear();
  }
  if (!failure.ok()) {
    tickets.clear();
    job->done(std::move(failure));
    return;
  }
  if (!stale) {
    job->done(Released<std::vector<v1::ReadSubjectResponse>>{
        std::move(job->responses), std::move(tickets)});
    return;
  }
  tickets.clear();
  if (job->attempts >= kMaxAttempts) {
    job->done(MakeError(v1::ERROR_REASON_CONTENDED,
                        "what the read was decided on kept changing"));
    return;
  }
  // Not here: this may be the committer's own thread.
  if (!options_.workers->TrySubmit([this, job] { Attempt(job); })) {
    job->done(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                        "too many reads are waiting"));
  }
}

namespace {

google::protobuf::RepeatedPtrField<v1::SubjectRef> One(
    const v1::SubjectRef& ref) {
  google::protobuf::RepeatedPtrField<v1::SubjectRef> refs;
  *refs.Add() = ref;
  return refs;
}

}  // namespace

void GovernedReads::Read(Caller caller, const v1::ReadSubjectRequest& request,
                         Done<v1::ReadSubjectResponse> done) {
  auto names = Names(caller, One(request.subject()), 0, 1);
  if (!names.ok()) {
    done(names.status());
    return;
  }
  auto job = std::make_shared<Job>();
  job->caller = std::move(caller);
  job->question = QuestionOf(request);
  job->names = *std::move(names);
  job->want_pseudonym = request.want_pseudonym();
  job->done = [done = std::move(done)](auto result) mutable {
    if (!result.ok()) {
      done(result.status());
      return;
    }
    done(Released<v1::ReadSubjectResponse>{
        std::move(result->response[0]), std::move(result->tickets)});
  };
  Start(std::move(job));
}

void GovernedReads::Check(Caller caller,
                          const v1::CheckAccessRequest& request,
                          Done<v1::CheckAccessResponse> done) {
  auto names = Names(caller, One(request.subject()), 0, 1);
  if (!names.ok()) {
    done(names.status());
    return;
  }
  auto job = std::make_shared<Job>();
  job->caller = std::move(caller);
  job->question = QuestionOf(request);
  job->names = *std::move(names);
  job->check_only = true;
  job->done = [done = std::move(done)](auto result) mutable {
    if (!result.ok()) {
      done(result.status());
      return;
    }
    Released<v1::CheckAccessResponse> checked;
    *checked.response.mutable_decision() =
        std::move(*result->response[0].mutable_decision());
    checked.tickets = std::move(result->tickets);
    done(std::move(checked));
  };
  Start(std::move(job));
}

void GovernedReads::Batch(Caller caller,
                          const v1::BatchReadSubjectsRequest& request,
                          Done<v1::BatchReadSubjectsResponse> done) {
  auto names = Names(caller, request.subjects(), 0,
                     static_cast<size_t>(request.subjects_size()));
  if (!names.ok()) {
    done(names.status());
    return;
  }
  auto job = std::make_shared<Job>();
  job->caller = std::move(caller);
  job->question = QuestionOf(request);
  job->names = *std::move(names);
  job->want_pseudonym = request.want_pseudonym();
  job->done = [done = std::move(done)](auto result) mutable {
    if (!result.ok()) {
      done(result.status());
      return;
    }
    Released<v1::BatchReadSubjectsResponse> batch;
    for (v1::ReadSubjectResponse& response : result->response) {
      *batch.response.add_results() = std::move(response);
    }
    batch.tickets = std::move(result->tickets);
    done(std::move(batch));
  };
  Start(std::move(job));
}

void GovernedReads::StreamChunk(Caller caller,
                                const v1::StreamReadsRequest& request,
                                size_t first, size_t count,
                                Done<v1::StreamReadsResponse> done) {
  auto names = Names(caller, request.subjects(), first, count);
  if (!names.ok()) {
    done(names.status());
    return;
  }
  auto job = std::make_shared<Job>();
  job->caller = std::move(caller);
  job->question = QuestionOf(request);
  job->names = *std::move(names);
  job->want_pseudonym = request.want_pseudonym();
  job->done = [done = std::move(done), first](auto result) mutable {
    if (!result.ok()) {
      done(result.status());
      return;
    }
    Released<v1::StreamReadsResponse> message;
    message.response.set_first(static_cast<uint32_t>(first));
    for (v1::ReadSubjectResponse& response : result->response) {
      *message.response.add_results() = std::move(response);
    }
    message.tickets = std::move(result->tickets);
    done(std::move(message));
  };
  Start(std::move(job));
}

void GovernedReads::ReadNumbers(
    Caller caller, ReadQuestion question, const std::vector<uint64_t>& subjects,
    bool want_pseudonym, std::function<void()> reset,
    std::function<bool(const v1::ReadSubjectResponse&)> keep, JobDone done) {
  auto job = std::make_shared<Job>();
  job->caller = std::move(caller);
  job->question = std::move(question);
  for (const uint64_t subject : subjects) {
    SubjectName name;
    name.subject = subject;
    job->names.push_back(std::move(name));
  }
  job->want_pseudonym = want_pseudonym;
  job->reset = std::move(reset);
  job->keep = std::move(keep);
  job->done = std::move(done);
  Start(std::move(job));
}

}  // namespace consentry::access
