#include <algorithm>
#include <set>
#include <utility>

#include "gateway/trail/trail_index.h"
#include "proto/support/status_macros.h"

// Sums over a span of the log: entries come from the log, their subjects from
// the runs of postings that cover them, one stretch at a time.
namespace consentry::trail {
namespace {

bool InOrderOfLog(const Posting& a, const Posting& b) {
  return a.index != b.index ? a.index < b.index : a.item < b.item;
}

}  // namespace

absl::StatusOr<std::vector<TrailIndex::Stretch>> TrailIndex::StretchesOf(
    uint64_t from, uint64_t to) {
  struct Run {
    int64_t run;
    uint64_t begin;
    uint64_t end;
  };
  std::vector<Run> runs;
  std::set<uint64_t> edges = {from, to};
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, readers_->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      lease->Prepare("SELECT run, first_index, last_index FROM runs "
                     "WHERE first_index < $1 AND last_index >= $2"));
  query.Bind(static_cast<int64_t>(to), static_cast<int64_t>(from));
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) break;
    const Run run = {query.Int64(0),
                     std::max(from, static_cast<uint64_t>(query.Int64(1))),
                     std::min(to, static_cast<uint64_t>(query.Int64(2)) + 1)};
    edges.insert({run.begin, run.end});
    runs.push_back(run);
  }
  std::vector<Stretch> stretches;
  for (auto edge = edges.begin(); std::next(edge) != edges.end(); ++edge) {
    Stretch stretch;
    stretch.begin = *edge;
    stretch.end = *std::next(edge);
    for (const Run& run : runs) {
      if (run.begin <= stretch.begin && stretch.end <= run.end) {
        stretch.runs.push_back(run.run);
      }
    }
    stretches.push_back(std::move(stretch));
  }
  return stretches;
}

absl::Status TrailIndex::WalkStretch(
    const Stretch& stretch, std::span<const Posting> recent,
    const EntryFilter& filter,
    absl::FunctionRef<absl::Status(const Walked&)> visit) {
  std::vector<Posting> postings;
  bool loaded = false;
  const auto load = [&]() -> absl::Status {
    if (std::exchange(loaded, true)) return absl::OkStatus();
    const auto keep = [&](const Posting& posting) {
      if (posting.index >= stretch.begin && posting.index < stretch.end) {
        postings.push_back(posting);
      }
    };
    for (const Posting& posting : recent) keep(posting);
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, readers_->Acquire());
    for (const int64_t run : stretch.runs) {
      CONSENTRY_ASSIGN_OR_RETURN(
          auto query,
          lease->Prepare("SELECT bytes FROM postings WHERE run = $1"));
      query.Bind(run);
      while (true) {
        CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
        if (!row) break;
        CONSENTRY_ASSIGN_OR_RETURN(const auto chunk,
                                   DecodePostings(query.Blob(0)));
        for (const Posting& posting : chunk) keep(posting);
      }
    }
    std::sort(postings.begin(), postings.end(), InOrderOfLog);
    return absl::OkStatus();
  };

  store::v1::Leaf leaf;
  std::vector<uint64_t> subjects;
  for (uint64_t begin = stretch.begin; begin < stretch.end;) {
    const uint64_t block = begin / kEntriesPerBlock;
    const uint64_t end = std::min(stretch.end, (block + 1) * kEntriesPerBlock);
    {
      CONSENTRY_ASSIGN_OR_RETURN(auto lease, readers_->Acquire());
      CONSENTRY_ASSIGN_OR_RETURN(const BlockSummary summary,
                                 SummaryOf(lease.get(), block));
      if (!summary.MayMatch(filter)) {
        begin = end;
        continue;
      }
    }
    CONSENTRY_RETURN_IF_ERROR(load());
    absl::Status status;
    CONSENTRY_RETURN_IF_ERROR(
        reader_->Scan(begin, end, [&](uint64_t index, std::string_view bytes) {
          if (!leaf.ParseFromArray(bytes.data(),
                                   static_cast<int>(bytes.size()))) {
            status = absl::DataLossError("an entry of the log is no leaf");
            return false;
          }
          if (!filter.Matches(leaf)) return true;
          subjects.assign(static_cast<size_t>(leaf.subjects_size()), 0);
          for (auto posting =
                   std::lower_bound(postings.begin(), postings.end(),
                                    Posting{0, index, 0}, InOrderOfLog);
               posting != postings.end() && posting->index == index;
               ++posting) {
            if (posting->item < subjects.size()) {
              subjects[posting->item] = posting->subject;
            }
          }
          status = visit({index, &leaf, subjects});
          return status.ok();
        }));
    CONSENTRY_RETURN_IF_ERROR(status);
    begin = end;
  }
  return absl::OkStatus();
}

absl::Status TrailIndex::Walk(
    uint64_t from, uint64_t to, const EntryFilter& filter,
    absl::FunctionRef<absl::Status(const Walked&)> visit) {
  to = std::min(to, indexed_size());
  if (from >= to) return absl::OkStatus();
  // Memory first: a run that is written meanwhile is then seen twice, which
  // changes nothing, and not missed.
  std::vector<Posting> recent;
  {
    MutexLock lock(&mu_);
    for (const Posting& posting : recent_) {
      if (posting.index >= from && posting.index < to) {
        recent.push_back(posting);
      }
    }
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto stretches, StretchesOf(from, to));
  for (const Stretch& stretch : stretches) {
    CONSENTRY_RETURN_IF_ERROR(WalkStretch(stretch, recent, filter, visit));
  }
  return absl::OkStatus();
}

}  // namespace consentry::trail
