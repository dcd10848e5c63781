#ifndef CONSENTRY_GATEWAY_ACCESS_GOVERNED_READS_H_
#define CONSENTRY_GATEWAY_ACCESS_GOVERNED_READS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/v1/data_service.pb.h"
#include "gateway/access/caller.h"
#include "gateway/access/chunk.h"
#include "gateway/access/read_plan.h"
#include "gateway/access/snapshot.h"
#include "gateway/store/committer.h"

namespace consentry::access {

// An answer that may be handed to the transport. Keep the tickets until it was
// handed over or dropped, and not longer: a withdrawal waits for them.
template <class Response>
struct Released {
  Response response;
  std::vector<store::ReleaseTicket> tickets;

  // A withdrawal waits: whoever still holds the answer back drops it.
  bool MustDrop() const {
    for (const auto& ticket : tickets) {
      if (ticket.MustDrop()) return true;
    }
    return false;
  }
};

// Called once: on the committer's completion thread, or on the calling thread
// for what is refused at once. Must not block.
template <class Response>
using Done = absl::AnyInvocable<void(absl::StatusOr<Released<Response>>)>;

// The governed read, in five steps for each subject: Snapshot (one read of the
// subject at one version), Decide (policy, pure), Shape (open and reduce what
// was released), Commit (the entry, if nothing that was decided on changed;
// else again from the start, three times at most, then CONTENDED), Release.
//
// A denial is an answer with effect DENY; errors are about the caller, the
// request or the gateway. What was refused for a reason about the caller has
// its entry too.
//
// Safe for many threads. Read and Check of one subject run on the calling
// thread up to Commit: short page reads, no wait. Larger ones are handed to
// the workers.
class GovernedReads {
 public:
  using Options = ReadParts;
  explicit GovernedReads(Options options);

  void Read(Caller caller, const v1::ReadSubjectRequest& request,
            Done<v1::ReadSubjectResponse> done);
  void Check(Caller caller, const v1::CheckAccessRequest& request,
             Done<v1::CheckAccessResponse> done);
  void Batch(Caller caller, const v1::BatchReadSubjectsRequest& request,
             Done<v1::BatchReadSubjectsResponse> done);
  // One message of a stream: subjects [first, first + count) of the request.
  void StreamChunk(Caller caller, const v1::StreamReadsRequest& request,
                   size_t first, size_t count,
                   Done<v1::StreamReadsResponse> done);

  using JobDone = Done<std::vector<v1::ReadSubjectResponse>>;

  // For a walk over subjects by number. What `keep` refuses is not handed over:
  // its response is empty. Of subjects that are joined only the one with the
  // lowest number is looked at. `reset` is called before each attempt.
  void ReadNumbers(Caller caller, ReadQuestion question,
                   const std::vector<uint64_t>& subjects, bool want_pseudonym,
                   std::function<void()> reset,
                   std::function<bool(const v1::ReadSubjectResponse&)> keep,
                   JobDone done);

  template <class Request>
  static ReadQuestion QuestionOf(const Request& request) {
    ReadQuestion question;
    question.purpose = request.purpose();
    question.fields = {request.fields().begin(), request.fields().end()};
    question.channel = request.channel();
    return question;
  }

 private:
  struct Job;

  // Names of the subjects; FIELD_INVALID with every fault.
  absl::StatusOr<std::vector<SubjectName>> Names(
      const Caller& caller,
      const google::protobuf::RepeatedPtrField<v1::SubjectRef>& refs,
      size_t first, size_t count) const;

  void Start(std::shared_ptr<Job> job);
  void Attempt(const std::shared_ptr<Job>& job);
  void Commit(const std::shared_ptr<Job>& job);
  void Complete(const std::shared_ptr<Job>& job);
  void Refuse(const std::shared_ptr<Job>& job, absl::Status status);

  const Options options_;
};

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_GOVERNED_READS_H_
