#include "gateway/trail/trail_index.h"

#include <algorithm>
#include <set>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/store/schema.h"
#include "proto/support/status_macros.h"

namespace consentry::trail {
namespace {

constexpr int64_t kFormatVersion = 1;
constexpr char kIndexedKey[] = "indexed";
constexpr char kFormatKey[] = "format";

// Entries that the index's thread takes in one step.
constexpr uint64_t kEntriesPerStep = 16384;
// Of a gap: steps that are written at once, and steps for which the subjects
// are resolved once, which takes a keyed hash for each living subject.
constexpr uint64_t kStepsPerFlush = 16;
constexpr uint64_t kStepsPerResolve = 128;

constexpr base::LogEvent kIndexFailed{base::LogLevel::kError, 3401,
                                      "trail.index_failed"};
constexpr base::LogEvent kIndexRebuilding{base::LogLevel::kInfo, 3402,
                                          "trail.index_catching_up"};

constexpr const char* kTables[] = {
    "CREATE TABLE IF NOT EXISTS meta (k TEXT NOT NULL PRIMARY KEY, "
    "v {blob} NOT NULL)",
    "CREATE TABLE IF NOT EXISTS blocks (block {int} NOT NULL PRIMARY KEY, "
    "summary {blob} NOT NULL)",
    "CREATE TABLE IF NOT EXISTS runs (run {int} NOT NULL PRIMARY KEY, "
    "postings {int} NOT NULL, first_index {int} NOT NULL, "
    "last_index {int} NOT NULL)",
    "CREATE TABLE IF NOT EXISTS postings (run {int} NOT NULL, "
    "first_subject {int} NOT NULL, chunk {int} NOT NULL, "
    "last_subject {int} NOT NULL, bytes {blob} NOT NULL, "
    "PRIMARY KEY (run, first_subject, chunk)) {clustered}"};

absl::Status WriteRun(store::Connection* connection, uint64_t run,
                      std::span<const Posting> sorted) {
  uint64_t first = UINT64_MAX, last = 0;
  for (const Posting& posting : sorted) {
    first = std::min(first, posting.index);
    last = std::max(last, posting.index);
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      auto insert_run,
      connection->Prepare("INSERT INTO runs (run, postings, first_index, "
                          "last_index) VALUES ($1, $2, $3, $4)"));
  insert_run.Bind(static_cast<int64_t>(run),
                  static_cast<int64_t>(sorted.size()),
                  static_cast<int64_t>(first), static_cast<int64_t>(last));
  CONSENTRY_RETURN_IF_ERROR(insert_run.Run());
  const std::vector<PostingChunk> chunks = EncodePostings(sorted);
  return store::RunMany(
      connection,
      "INSERT INTO postings (run, first_subject, chunk, last_subject, bytes) "
      "VALUES ($1, $2, $3, $4, $5)",
      chunks.size(), [&](store::Query& query, size_t i) {
        query.Bind(static_cast<int64_t>(run),
                   static_cast<int64_t>(chunks[i].first_subject),
                   static_cast<int64_t>(i),
                   static_cast<int64_t>(chunks[i].last_subject),
                   std::string_view(chunks[i].bytes));
      });
}

}  // namespace

TrailIndex::TrailIndex(store::Engine* engine, const audit::LogReader* reader,
                       TagResolver resolve, const Options& options)
    : engine_(engine),
      reader_(reader),
      resolve_(std::move(resolve)),
      options_(options) {}

absl::StatusOr<std::unique_ptr<TrailIndex>> TrailIndex::Open(
    store::Engine* engine, const audit::LogReader* reader, TagResolver resolve,
    const Options& options) {
  std::unique_ptr<TrailIndex> index(
      new TrailIndex(engine, reader, std::move(resolve), options));
  CONSENTRY_RETURN_IF_ERROR(index->Load());
  TrailIndex* raw = index.get();
  // Not make_unique: the name has to be a constant expression.
  index->thread_.reset(new base::Thread("trail", [raw] { raw->Run(); }));
  return index;
}

TrailIndex::~TrailIndex() { Stop(); }

void TrailIndex::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
    changed_.SignalAll();
  }
  if (thread_) thread_->Join();
}

absl::Status TrailIndex::Load() {
  CONSENTRY_ASSIGN_OR_RETURN(writer_, engine_->ConnectWriter());
  for (const char* table : kTables) {
    CONSENTRY_RETURN_IF_ERROR(writer_->Execute(engine_->Dialect(table)));
  }
  CONSENTRY_ASSIGN_OR_RETURN(const int64_t format,
                             store::GetMetaInt64(writer_.get(), kFormatKey));
  if (format > kFormatVersion) {
    return absl::FailedPreconditionError(
        "the audit query index was made by a newer version: delete its file "
        "and it is built anew");
  }
  CONSENTRY_RETURN_IF_ERROR(
      store::PutMetaInt64(writer_.get(), kFormatKey, kFormatVersion));
  CONSENTRY_ASSIGN_OR_RETURN(const int64_t indexed,
                             store::GetMetaInt64(writer_.get(), kIndexedKey));
  if (static_cast<uint64_t>(indexed) > reader_->size()) {
    return absl::DataLossError(
        "the audit query index covers more entries than the log holds");
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      auto last, writer_->Prepare("SELECT COALESCE(MAX(run), 0) FROM runs"));
  CONSENTRY_ASSIGN_OR_RETURN(const bool any, last.Step());
  next_run_ = any ? static_cast<uint64_t>(last.Int64(0)) + 1 : 1;
  CONSENTRY_ASSIGN_OR_RETURN(readers_, store::ReaderPool::Open(engine_, 2));
  observed_from_ = reader_->size();
  // A block goes on to be added to after a restart: its summary is made again
  // from the entries that it has so far.
  const uint64_t open_block = static_cast<uint64_t>(indexed) / kEntriesPerBlock;
  BlockSummary summary;
  bool sound = true;
  CONSENTRY_RETURN_IF_ERROR(reader_->Scan(
      open_block * kEntriesPerBlock, static_cast<uint64_t>(indexed),
      [&](uint64_t, std::string_view bytes) {
        store::v1::Leaf leaf;
        sound =
            leaf.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
        if (sound) summary.Add(leaf);
        return sound;
      }));
  if (!sound) return absl::DataLossError("an entry of the log is no leaf");
  MutexLock lock(&mu_);
  if (summary.entries() > 0) open_blocks_[open_block] = std::move(summary);
  indexed_ = flushed_ = static_cast<uint64_t>(indexed);
  return absl::OkStatus();
}

void TrailIndex::Observe(uint64_t index, std::span<const int64_t> subjects) {
  MutexLock lock(&mu_);
  observed_.push_back({index, {subjects.begin(), subjects.end()}});
}

uint64_t TrailIndex::indexed_size() const {
  MutexLock lock(&mu_);
  return indexed_;
}

bool TrailIndex::WaitUntilIndexed(uint64_t size,
                                  std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  MutexLock lock(&mu_);
  while (indexed_ < size && !failed_ && !stopping_) {
    wanted_ = true;
    changed_.SignalAll();
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    changed_.WaitFor(&mu_, left);
  }
  return indexed_ >= size;
}

// The index's thread: takes what is readable and observed, and writes when
// enough has gathered or nothing comes.
void TrailIndex::Run() {
  absl::Status status;
  bool stopping = false;
  if (observed_from_ > indexed_size()) {
    base::Log(kIndexRebuilding, {{"entries", observed_from_ - indexed_size()}});
    status = IndexGap(observed_from_);
  }
  while (status.ok() && !stopping) {
    status = IndexUpTo(reader_->size());
    if (!status.ok()) break;
    bool flush;
    {
      MutexLock lock(&mu_);
      wanted_ = false;
      changed_.SignalAll();
      if (!stopping_) {
        // A quarter of the idle time: entries wait for company, queries wake
        // the thread at once.
        const auto bound = std::min<std::chrono::nanoseconds>(
            options_.idle_flush / 4, std::chrono::milliseconds(200));
        if (!wanted_ && oblivions_.empty()) changed_.WaitFor(&mu_, bound);
      }
      stopping = stopping_;
      flush = stopping || recent_.size() >= options_.postings_per_run ||
              indexed_ - flushed_ >= kEntriesPerStep ||
              (indexed_ > flushed_ && observed_.empty());
    }
    if (stopping) status = IndexUpTo(reader_->size());
    if (status.ok() && flush) status = Flush();
    if (status.ok() && !stopping) status = ForgetWhatIsAsked();
  }
  if (!status.ok()) {
    base::Log(kIndexFailed, {{"status", status}});
    MutexLock lock(&mu_);
    failed_ = true;
    changed_.SignalAll();
  }
}

absl::Status TrailIndex::AddEntry(uint64_t index, std::string_view bytes,
                                  std::span<const uint64_t> subjects) {
  store::v1::Leaf leaf;
  if (!leaf.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("an entry of the log is no leaf");
  }
  MutexLock lock(&mu_);
  open_blocks_[index / kEntriesPerBlock].Add(leaf);
  for (size_t i = 0; i < subjects.size() && i <= UINT16_MAX; ++i) {
    if (subjects[i] != 0) {
      recent_.push_back({subjects[i], index, static_cast<uint16_t>(i)});
    }
  }
  indexed_ = index + 1;
  return absl::OkStatus();
}

// Entries of earlier processes: the subjects are found by their tags.
absl::Status TrailIndex::IndexGap(uint64_t end) {
  for (uint64_t begin = indexed_size(); begin < end; begin = indexed_size()) {
    const uint64_t stop =
        std::min(end, begin + kStepsPerResolve * kEntriesPerStep);
    std::set<uint32_t> months;
    absl::Status status;
    CONSENTRY_RETURN_IF_ERROR(
        reader_->Scan(begin, stop, [&](uint64_t, std::string_view bytes) {
          store::v1::Leaf leaf;
          if (!leaf.ParseFromArray(bytes.data(),
                                   static_cast<int>(bytes.size()))) {
            status = absl::DataLossError("an entry of the log is no leaf");
            return false;
          }
          if (leaf.subjects_size() > 0) {
            months.insert(crypto::MonthOf(leaf.time_us()));
          }
          return true;
        }));
    CONSENTRY_RETURN_IF_ERROR(status);
    Tags tags;
    if (!months.empty()) {
      CONSENTRY_ASSIGN_OR_RETURN(
          tags, resolve_(std::vector<uint32_t>(months.begin(), months.end())));
    }
    CONSENTRY_RETURN_IF_ERROR(IndexByTags(stop, tags));
    MutexLock lock(&mu_);
    if (stopping_) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status TrailIndex::IndexByTags(uint64_t end, const Tags& tags) {
  for (uint64_t begin = indexed_size(); begin < end; begin = indexed_size()) {
    const uint64_t stop =
        std::min(end, begin + kStepsPerFlush * kEntriesPerStep);
    absl::Status status;
    CONSENTRY_RETURN_IF_ERROR(
        reader_->Scan(begin, stop, [&](uint64_t index, std::string_view bytes) {
          store::v1::Leaf leaf;
          std::vector<uint64_t> subjects;
          if (leaf.ParseFromArray(bytes.data(),
                                  static_cast<int>(bytes.size()))) {
            for (const auto& subject : leaf.subjects()) {
              const auto found = tags.find(subject.tag());
              subjects.push_back(found == tags.end() ? 0 : found->second);
            }
          }
          status = AddEntry(index, bytes, subjects);
          return status.ok();
        }));
    CONSENTRY_RETURN_IF_ERROR(status);
    CONSENTRY_RETURN_IF_ERROR(Flush());
    MutexLock lock(&mu_);
    changed_.SignalAll();
    if (stopping_) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status TrailIndex::IndexUpTo(uint64_t end) {
  while (true) {
    std::deque<Observed> ready;
    uint64_t begin;
    {
      MutexLock lock(&mu_);
      begin = indexed_;
      if (begin < observed_from_) return absl::OkStatus();
      while (!observed_.empty() && observed_.front().index < end &&
             ready.size() < kEntriesPerStep) {
        ready.push_back(std::move(observed_.front()));
        observed_.pop_front();
      }
    }
    if (ready.empty()) return absl::OkStatus();
    const uint64_t stop = ready.back().index + 1;
    absl::Status status;
    CONSENTRY_RETURN_IF_ERROR(
        reader_->Scan(begin, stop, [&](uint64_t index, std::string_view bytes) {
          if (ready.empty() || ready.front().index != index) {
            status = absl::InternalError("an entry was not observed in order");
            return false;
          }
          status = AddEntry(index, bytes, ready.front().subjects);
          ready.pop_front();
          return status.ok();
        }));
    CONSENTRY_RETURN_IF_ERROR(status);
    bool full;
    {
      MutexLock lock(&mu_);
      changed_.SignalAll();
      full = recent_.size() >= options_.postings_per_run;
    }
    if (full) CONSENTRY_RETURN_IF_ERROR(Flush());
  }
}

absl::Status TrailIndex::Flush() {
  std::vector<Posting> postings;
  std::vector<std::pair<uint64_t, std::string>> blocks;
  uint64_t indexed;
  {
    MutexLock lock(&mu_);
    postings = recent_;
    for (const auto& [block, summary] : open_blocks_) {
      blocks.emplace_back(block, summary.Encode());
    }
    indexed = indexed_;
  }
  std::sort(postings.begin(), postings.end());
  CONSENTRY_ASSIGN_OR_RETURN(auto transaction,
                             store::WriteTransaction::Begin(writer_.get()));
  if (!postings.empty()) {
    CONSENTRY_RETURN_IF_ERROR(WriteRun(writer_.get(), next_run_++, postings));
  }
  CONSENTRY_RETURN_IF_ERROR(store::RunMany(
      writer_.get(),
      "INSERT INTO blocks (block, summary) VALUES ($1, $2) "
      "ON CONFLICT (block) DO UPDATE SET summary = excluded.summary",
      blocks.size(), [&](store::Query& query, size_t i) {
        query.Bind(static_cast<int64_t>(blocks[i].first),
                   std::string_view(blocks[i].second));
      }));
  CONSENTRY_RETURN_IF_ERROR(store::PutMetaInt64(writer_.get(), kIndexedKey,
                                                static_cast<int64_t>(indexed)));
  CONSENTRY_RETURN_IF_ERROR(transaction.Commit());
  {
    // Only this thread adds, so what was copied is still the beginning.
    MutexLock lock(&mu_);
    recent_.clear();
    flushed_ = indexed;
    const uint64_t last_block = indexed / kEntriesPerBlock;
    std::erase_if(open_blocks_,
                  [&](const auto& entry) { return entry.first != last_block; });
  }
  return MergeShortRuns();
}

absl::Status TrailIndex::MergeShortRuns() {
  std::vector<int64_t> runs;
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        writer_->Prepare("SELECT run FROM runs WHERE postings < $1"));
    query.Bind(static_cast<int64_t>(options_.postings_per_run));
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      runs.push_back(query.Int64(0));
    }
  }
  if (runs.size() <= options_.max_short_runs) return absl::OkStatus();
  std::vector<Posting> merged;
  for (const int64_t run : runs) {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        writer_->Prepare("SELECT bytes FROM postings WHERE run = $1"));
    query.Bind(run);
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      CONSENTRY_ASSIGN_OR_RETURN(const auto chunk,
                                 DecodePostings(query.Blob(0)));
      merged.insert(merged.end(), chunk.begin(), chunk.end());
    }
  }
  std::sort(merged.begin(), merged.end());
  CONSENTRY_ASSIGN_OR_RETURN(auto transaction,
                             store::WriteTransaction::Begin(writer_.get()));
  for (const char* sql : {"DELETE FROM postings WHERE run = $1",
                          "DELETE FROM runs WHERE run = $1"}) {
    CONSENTRY_RETURN_IF_ERROR(store::RunMany(
        writer_.get(), sql, runs.size(),
        [&](store::Query& query, size_t i) { query.Bind(runs[i]); }));
  }
  if (!merged.empty()) {
    CONSENTRY_RETURN_IF_ERROR(WriteRun(writer_.get(), next_run_++, merged));
  }
  return transaction.Commit();
}

}  // namespace consentry::trail
