#include "gateway/access/governed_reads.h"

#include <atomic>
#include <utility>

#include "proto/support/error.h"
#include "proto/support/mutex.h"
#include "proto/support/status_macros.h"

namespace consentry::access {
namespace {

// Snapshots of one read before it answers CONTENDED.
constexpr int kMaxAttempts = 4;
// Subjects that are read on the calling thread.
constexpr size_t kInlineSubjects = 2;

}  // namespace

// One chunk on its way through the five steps. Used by one thread at a time:
// the caller's or a worker's up to Commit, the committer's after it.
struct GovernedReads::Job {
  Chunk chunk;
  // Called before each attempt of a walk.
  std::function<void()> reset;
  JobDone done;

  int attempts = 0;
  bool charged = false;
  DecidedChunk decided;

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
      const auto subject = options_.tokens->Decode(
          crypto::TokenKind::kPseudonym, ref.pseudonym(), caller.client_id);
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
  if (job->chunk.names.size() <= kInlineSubjects) {
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
  if (job->reset) job->reset();
  auto decided = DecideChunk(options_, job->chunk, job->attempts > 1,
                             /*charge=*/!job->charged);
  if (!decided.ok()) {
    Refuse(job, decided.status());
    return;
  }
  job->charged = true;
  job->decided = *std::move(decided);
  Commit(job);
}

void GovernedReads::Refuse(const std::shared_ptr<Job>& job,
                           absl::Status status) {
  options_.refusals->Record(
      *options_.configuration(), job->chunk.caller, job->chunk.question.purpose,
      std::move(status),
      [job](absl::Status told) { job->done(std::move(told)); });
}

void GovernedReads::Commit(const std::shared_ptr<Job>& job) {
  {
    MutexLock lock(&job->mu);
    job->tickets.clear();
    job->stale = false;
    job->failure = absl::OkStatus();
  }
  const size_t count = job->decided.entries.size();
  job->open.store(count);
  if (count == 0) {
    Complete(job);
    return;
  }
  // The last completion may begin the next attempt, which rewrites entries: so
  // nothing of the job is touched after its last commit was given away.
  for (size_t i = 0; i < count; ++i) {
    auto items = std::move(job->decided.entries[i].items);
    options_.committer->CommitRead(
        std::move(job->decided.entries[i].commit),
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
                  job->decided.responses[response].mutable_decision();
              decision->set_id(options_.tokens->Encode(
                  crypto::TokenKind::kDecision, position));
              decision->set_audit_reference(
                  options_.tokens->Encode(crypto::TokenKind::kAudit, position));
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
        std::move(job->decided.responses), std::move(tickets)});
    if (job->decided.gpc_subject != 0 && options_.on_gpc) {
      options_.on_gpc(job->chunk.caller, job->decided.gpc_subject);
    }
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
  job->chunk.caller = std::move(caller);
  job->chunk.question = QuestionOf(request);
  job->chunk.names = *std::move(names);
  job->chunk.want_pseudonym = request.want_pseudonym();
  job->done = [done = std::move(done)](auto result) mutable {
    if (!result.ok()) {
      done(result.status());
      return;
    }
    done(Released<v1::ReadSubjectResponse>{std::move(result->response[0]),
                                           std::move(result->tickets)});
  };
  Start(std::move(job));
}

void GovernedReads::Check(Caller caller, const v1::CheckAccessRequest& request,
                          Done<v1::CheckAccessResponse> done) {
  auto names = Names(caller, One(request.subject()), 0, 1);
  if (!names.ok()) {
    done(names.status());
    return;
  }
  auto job = std::make_shared<Job>();
  job->chunk.caller = std::move(caller);
  job->chunk.question = QuestionOf(request);
  job->chunk.names = *std::move(names);
  job->chunk.check_only = true;
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
  job->chunk.caller = std::move(caller);
  job->chunk.question = QuestionOf(request);
  job->chunk.names = *std::move(names);
  job->chunk.want_pseudonym = request.want_pseudonym();
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
  job->chunk.caller = std::move(caller);
  job->chunk.question = QuestionOf(request);
  job->chunk.names = *std::move(names);
  job->chunk.want_pseudonym = request.want_pseudonym();
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
  job->chunk.caller = std::move(caller);
  job->chunk.question = std::move(question);
  for (const uint64_t subject : subjects) {
    SubjectName name;
    name.subject = subject;
    job->chunk.names.push_back(std::move(name));
  }
  job->chunk.want_pseudonym = want_pseudonym;
  job->reset = std::move(reset);
  job->chunk.keep = std::move(keep);
  job->done = std::move(done);
  Start(std::move(job));
}

}  // namespace consentry::access
