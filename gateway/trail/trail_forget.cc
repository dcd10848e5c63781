#include <algorithm>
#include <utility>

#include "gateway/trail/trail_index.h"
#include "proto/support/status_macros.h"

// What the index no longer says once somebody was erased.
namespace consentry::trail {

absl::Status TrailIndex::Forget(std::span<const uint64_t> subjects,
                                uint64_t below) {
  auto asked = std::make_shared<Oblivion>();
  asked->subjects.assign(subjects.begin(), subjects.end());
  asked->below = below;
  MutexLock lock(&mu_);
  oblivions_.push_back(asked);
  changed_.SignalAll();
  while (!asked->done && !failed_ && !stopping_) changed_.Wait(&mu_);
  if (asked->done) return asked->status;
  return absl::UnavailableError("the audit query index does not follow");
}

// On the index's thread.
absl::Status TrailIndex::ForgetWhatIsAsked() {
  while (true) {
    std::shared_ptr<Oblivion> asked;
    {
      MutexLock lock(&mu_);
      // An entry that is in the log was observed before.
      if (oblivions_.empty() || indexed_ < oblivions_.front()->below) {
        return absl::OkStatus();
      }
      asked = std::move(oblivions_.front());
      oblivions_.pop_front();
    }
    const absl::Status status = RemovePostings(*asked);
    {
      MutexLock lock(&mu_);
      asked->status = status;
      asked->done = true;
      changed_.SignalAll();
    }
    CONSENTRY_RETURN_IF_ERROR(status);
  }
}

absl::Status TrailIndex::RemovePostings(const Oblivion& asked) {
  {
    MutexLock lock(&mu_);
    std::erase_if(recent_, [&](const Posting& posting) {
      return posting.index < asked.below &&
             std::find(asked.subjects.begin(), asked.subjects.end(),
                       posting.subject) != asked.subjects.end();
    });
  }
  std::vector<int64_t> runs;
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        writer_->Prepare("SELECT run FROM runs WHERE first_index < $1"));
    query.Bind(static_cast<int64_t>(asked.below));
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      runs.push_back(query.Int64(0));
    }
  }
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto transaction,
                               store::WriteTransaction::Begin(writer_.get()));
    for (const uint64_t subject : asked.subjects) {
      for (const int64_t run : runs) {
        CONSENTRY_RETURN_IF_ERROR(RemoveFromRun(run, subject, asked.below));
      }
    }
    CONSENTRY_RETURN_IF_ERROR(transaction.Commit());
  }
  // Deleted bytes stand in the write-ahead log until it is cut. A reader in
  // the way: with a later one.
  engine_->Checkpoint(writer_.get()).IgnoreError();
  return absl::OkStatus();
}

absl::Status TrailIndex::RemoveFromRun(int64_t run, uint64_t subject,
                                       uint64_t below) {
  struct Found {
    int64_t first_subject;
    int64_t chunk;
    std::vector<Posting> postings;
  };
  std::vector<Found> chunks;
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        writer_->Prepare("SELECT last_subject, bytes, first_subject, chunk "
                         "FROM postings WHERE run = $1 AND first_subject <= $2 "
                         "ORDER BY first_subject DESC, chunk DESC"));
    query.Bind(run, static_cast<int64_t>(subject));
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row || query.Int64(0) < static_cast<int64_t>(subject)) break;
      CONSENTRY_ASSIGN_OR_RETURN(auto postings, DecodePostings(query.Blob(1)));
      chunks.push_back({query.Int64(2), query.Int64(3), std::move(postings)});
    }
  }
  for (Found& found : chunks) {
    const size_t gone = std::erase_if(found.postings, [&](const Posting& one) {
      return one.subject == subject && one.index < below;
    });
    if (gone == 0) continue;
    CONSENTRY_ASSIGN_OR_RETURN(
        auto remove, writer_->Prepare("DELETE FROM postings WHERE run = $1 AND "
                                      "first_subject = $2 AND chunk = $3"));
    CONSENTRY_RETURN_IF_ERROR(
        remove.Bind(run, found.first_subject, found.chunk).Run());
    for (const PostingChunk& chunk : EncodePostings(found.postings)) {
      CONSENTRY_ASSIGN_OR_RETURN(
          auto insert,
          writer_->Prepare("INSERT INTO postings (run, first_subject, chunk, "
                           "last_subject, bytes) VALUES ($1, $2, $3, $4, $5)"));
      CONSENTRY_RETURN_IF_ERROR(
          insert
              .Bind(run, static_cast<int64_t>(chunk.first_subject), found.chunk,
                    static_cast<int64_t>(chunk.last_subject),
                    std::string_view(chunk.bytes))
              .Run());
    }
  }
  return absl::OkStatus();
}

}  // namespace consentry::trail
