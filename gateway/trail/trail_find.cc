#include <algorithm>
#include <utility>

#include "gateway/trail/trail_index.h"
#include "proto/support/status_macros.h"

// What is asked of the index; trail_index.cc writes it.
namespace consentry::trail {
namespace {

// Blocks that one call of Find looks at without finding a page full: some
// milliseconds of work.
constexpr uint64_t kBlocksPerFind = 16384;
// Entries of one subject that one call of Find reads from the log.
constexpr size_t kEntriesPerFind = 4096;

}  // namespace

absl::StatusOr<std::vector<Posting>> TrailIndex::PostingsOf(
    std::span<const uint64_t> subjects, uint64_t below) {
  std::vector<Posting> found;
  const auto keep = [&](const Posting& posting) {
    if (posting.index < below && std::find(subjects.begin(), subjects.end(),
                                           posting.subject) != subjects.end()) {
      found.push_back(posting);
    }
  };
  // Memory first: a run that is written meanwhile is then seen twice, not
  // missed.
  {
    MutexLock lock(&mu_);
    for (const Posting& posting : recent_) keep(posting);
  }
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, readers_->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(auto transaction,
                             store::ReadTransaction::Begin(lease.get()));
  std::vector<int64_t> runs;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto query,
                               lease->Prepare("SELECT run FROM runs"));
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      runs.push_back(query.Int64(0));
    }
  }
  for (const uint64_t subject : subjects) {
    for (const int64_t run : runs) {
      // Chunks that begin at or before the subject, from the nearest back: one,
      // or as many as the subject fills.
      CONSENTRY_ASSIGN_OR_RETURN(
          auto query,
          lease->Prepare("SELECT last_subject, bytes FROM postings "
                         "WHERE run = $1 AND first_subject <= $2 "
                         "ORDER BY first_subject DESC, chunk DESC"));
      query.Bind(run, static_cast<int64_t>(subject));
      while (true) {
        CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
        if (!row || query.Int64(0) < static_cast<int64_t>(subject)) break;
        CONSENTRY_ASSIGN_OR_RETURN(const auto chunk,
                                   DecodePostings(query.Blob(1)));
        for (const Posting& posting : chunk) keep(posting);
      }
    }
  }
  // Newest first; each once.
  std::sort(found.begin(), found.end(), [](const Posting& a, const Posting& b) {
    return a.index != b.index ? a.index > b.index : a.item < b.item;
  });
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

absl::StatusOr<uint64_t> TrailIndex::SubjectOf(uint64_t index, uint16_t item) {
  const auto matches = [&](const Posting& posting) {
    return posting.index == index && posting.item == item;
  };
  {
    MutexLock lock(&mu_);
    for (const Posting& posting : recent_) {
      if (matches(posting)) return posting.subject;
    }
  }
  // Postings are sorted by subject, so this looks through all of the run that
  // covers the entry: a millisecond.
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, readers_->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, lease->Prepare("SELECT p.bytes FROM runs r, postings p WHERE "
                                 "r.first_index <= $1 AND r.last_index >= $1 "
                                 "AND p.run = r.run"));
  query.Bind(static_cast<int64_t>(index));
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return 0;
    CONSENTRY_ASSIGN_OR_RETURN(const auto chunk, DecodePostings(query.Blob(0)));
    for (const Posting& posting : chunk) {
      if (matches(posting)) return posting.subject;
    }
  }
}

absl::StatusOr<TrailIndex::Page> TrailIndex::Find(
    std::span<const uint64_t> subjects, const EntryFilter& filter,
    uint64_t below, size_t limit) {
  below = std::min(below, indexed_size());
  return subjects.empty() ? FindByScan(filter, below, limit)
                          : FindBySubject(subjects, filter, below, limit);
}

absl::StatusOr<TrailIndex::Page> TrailIndex::FindBySubject(
    std::span<const uint64_t> subjects, const EntryFilter& filter,
    uint64_t below, size_t limit) {
  CONSENTRY_ASSIGN_OR_RETURN(const auto postings, PostingsOf(subjects, below));
  Page page;
  size_t read = 0;
  for (size_t i = 0; i < postings.size();) {
    const uint64_t index = postings[i].index;
    if (page.hits.size() >= limit || read >= kEntriesPerFind) {
      page.next = index + 1;
      return page;
    }
    Hit hit;
    hit.index = index;
    CONSENTRY_ASSIGN_OR_RETURN(hit.bytes, reader_->Read(index));
    ++read;
    if (!hit.leaf.ParseFromString(hit.bytes)) {
      return absl::DataLossError("an entry of the log is no leaf");
    }
    for (; i < postings.size() && postings[i].index == index; ++i) {
      const uint16_t item = postings[i].item;
      if (item >= hit.leaf.subjects_size()) continue;
      const auto& subject = hit.leaf.subjects(item);
      if (filter.effect && subject.effect() != *filter.effect) continue;
      if (filter.reason && subject.reason() != *filter.reason) continue;
      hit.items.push_back(item);
    }
    if (!hit.items.empty() && filter.Matches(hit.leaf)) {
      page.hits.push_back(std::move(hit));
    }
  }
  return page;
}

absl::StatusOr<BlockSummary> TrailIndex::SummaryOf(
    store::Connection* connection, uint64_t block) {
  {
    MutexLock lock(&mu_);
    const auto found = open_blocks_.find(block);
    if (found != open_blocks_.end()) return found->second;
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("SELECT summary FROM blocks WHERE block = $1"));
  query.Bind(static_cast<int64_t>(block));
  CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
  if (!row) return absl::DataLossError("the audit index lacks a block");
  return BlockSummary::Decode(query.Blob(0));
}

absl::StatusOr<TrailIndex::Page> TrailIndex::FindByScan(
    const EntryFilter& filter, uint64_t below, size_t limit) {
  Page page;
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, readers_->Acquire());
  for (uint64_t looked = 0; below > 0; ++looked) {
    const uint64_t block = (below - 1) / kEntriesPerBlock;
    const uint64_t begin = block * kEntriesPerBlock;
    if (looked >= kBlocksPerFind || page.hits.size() >= limit) {
      page.next = below;
      return page;
    }
    CONSENTRY_ASSIGN_OR_RETURN(const BlockSummary summary,
                               SummaryOf(lease.get(), block));
    if (summary.MayMatch(filter)) {
      std::vector<Hit> hits;
      absl::Status status;
      CONSENTRY_RETURN_IF_ERROR(reader_->Scan(
          begin, below, [&](uint64_t index, std::string_view bytes) {
            Hit hit;
            hit.index = index;
            if (!hit.leaf.ParseFromArray(bytes.data(),
                                         static_cast<int>(bytes.size()))) {
              status = absl::DataLossError("an entry of the log is no leaf");
              return false;
            }
            if (filter.Matches(hit.leaf)) {
              hit.bytes = std::string(bytes);
              hits.push_back(std::move(hit));
            }
            return true;
          }));
      CONSENTRY_RETURN_IF_ERROR(status);
      while (!hits.empty() && page.hits.size() < limit) {
        page.hits.push_back(std::move(hits.back()));
        hits.pop_back();
      }
      if (!hits.empty()) {
        page.next = page.hits.back().index;
        return page;
      }
    }
    below = begin;
  }
  return page;
}
}  // namespace consentry::trail
