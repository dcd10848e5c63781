#include "tools/consentry/bench_log.h"

#include <sodium.h>

#include <array>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "audit/io/file.h"
#include "audit/log/audit_log.h"
#include "audit/log/note.h"
#include "audit/verify/verify.h"
#include "consentry/config/v1/gateway.pb.h"
#include "consentry/store/v1/leaf.pb.h"
#include "policy/engine/text_config.h"
#include "proto/support/mutex.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/bench_run.h"

namespace consentry::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kOrigin[] = "bench.example/log";
// What an entry about a read of one customer takes.
constexpr size_t kEntryBytes = 320;
constexpr size_t kWaiters = 64;
constexpr size_t kFillBatch = 4096;
// Of one customer.
constexpr size_t kMaxReadEntry = 900;

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// A key that lives for one run.
class RunSigner final : public audit::Signer {
 public:
  RunSigner() { crypto_sign_keypair(public_.data(), secret_.data()); }
  std::string name() const override { return kOrigin; }
  std::string public_key() const override {
    return {reinterpret_cast<const char*>(public_.data()), public_.size()};
  }
  absl::StatusOr<std::string> Sign(std::string_view message) const override {
    std::string signature(crypto_sign_BYTES, '\0');
    crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()),
                         nullptr,
                         reinterpret_cast<const unsigned char*>(message.data()),
                         message.size(), secret_.data());
    return signature;
  }

 private:
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> public_;
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret_;
};

std::vector<std::string> SomeEntries() {
  std::mt19937_64 random(1);
  std::vector<std::string> entries(kFillBatch);
  for (std::string& entry : entries) {
    entry.resize(kEntryBytes);
    for (char& c : entry) c = static_cast<char>(random());
  }
  return entries;
}

// Waiters that hand in their next entry as soon as their last one is on stable
// storage, and one thread that takes what waits, appends it and tells them:
// the shape of the gateway's committer.
class GroupCommit {
 public:
  GroupCommit(audit::AuditLog* log, const std::vector<std::string>* entries)
      : log_(log), entries_(entries) {}

  // `latencies_us` gets one for each entry.
  absl::Status Run(std::chrono::milliseconds span,
                   std::vector<double>* latencies_us, double* seconds) {
    const auto begin = Clock::now();
    const auto end = begin + span;
    std::thread committer([this] { Commit(); });
    {
      MutexLock lock(&mu_);
      for (size_t i = 0; i < kWaiters; ++i) waiting_.push_back(begin);
      changed_.SignalAll();
    }
    size_t open = kWaiters;
    while (open > 0) {
      std::vector<Clock::time_point> done;
      {
        MutexLock lock(&mu_);
        while (done_.empty() && status_.ok()) changed_.Wait(&mu_);
        if (!status_.ok()) break;
        done.swap(done_);
      }
      const auto now = Clock::now();
      for (const auto handed_in : done) {
        latencies_us->push_back(
            std::chrono::duration<double, std::micro>(now - handed_in).count());
      }
      if (now >= end) {
        open -= done.size();
        continue;
      }
      MutexLock lock(&mu_);
      waiting_.insert(waiting_.end(), done.size(), now);
      changed_.SignalAll();
    }
    *seconds = SecondsSince(begin);
    {
      MutexLock lock(&mu_);
      stopping_ = true;
      changed_.SignalAll();
    }
    committer.join();
    MutexLock lock(&mu_);
    return status_;
  }

 private:
  void Commit() {
    size_t next = 0;
    for (;;) {
      std::vector<Clock::time_point> batch;
      {
        MutexLock lock(&mu_);
        while (waiting_.empty() && !stopping_) changed_.Wait(&mu_);
        if (waiting_.empty()) return;
        batch.swap(waiting_);
      }
      std::vector<std::string_view> entries;
      for (size_t i = 0; i < batch.size(); ++i) {
        entries.push_back((*entries_)[next++ % entries_->size()]);
      }
      const absl::Status status = log_->Append(entries).status();
      MutexLock lock(&mu_);
      if (!status.ok()) {
        status_ = status;
        changed_.SignalAll();
        return;
      }
      done_.insert(done_.end(), batch.begin(), batch.end());
      changed_.SignalAll();
    }
  }

  audit::AuditLog* const log_;
  const std::vector<std::string>* const entries_;
  Mutex mu_;
  CondVar changed_;
  // When each entry was handed in.
  std::vector<Clock::time_point> waiting_ ABSL_GUARDED_BY(mu_);
  std::vector<Clock::time_point> done_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
};

absl::Status AppendUpTo(uint64_t entries, const std::vector<std::string>& some,
                        audit::LogWriter* writer) {
  std::vector<std::string_view> batch;
  while (writer->size() < entries) {
    batch.clear();
    const uint64_t count =
        std::min<uint64_t>(kFillBatch, entries - writer->size());
    for (uint64_t i = 0; i < count; ++i) batch.push_back(some[i % some.size()]);
    CONSENTRY_RETURN_IF_ERROR(writer->Append(batch).status());
  }
  return absl::OkStatus();
}

absl::Status MeasureProofs(BenchRun* run, uint64_t size, audit::AuditLog* log) {
  std::mt19937_64 random(2);
  std::vector<double> times_us;
  for (int i = 0; i < 2000; ++i) {
    const auto begin = Clock::now();
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto proof, log->Prove(random() % size, std::chrono::minutes(2)));
    if (i >= 100) times_us.push_back(SecondsSince(begin) * 1e6);
  }
  const Summary summary = Summarise(std::move(times_us));
  Figure* const figure = run->Add("proof_us_1m", summary.p50);
  figure->AddSummary("", summary);
  figure->Add("entries", static_cast<double>(size));
  return absl::OkStatus();
}

absl::Status MeasureLogIn(BenchRun* run, const std::string& folder) {
  audit::FileSystem* const fs = audit::FileSystem::Posix();
  const RunSigner signer;
  const std::vector<std::string> some = SomeEntries();
  audit::RecoveryReport report;
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto log, audit::AuditLog::Open(fs, folder, &signer, {}, &report));
  if (run->Wants("audit_entries_per_s")) {
    GroupCommit commit(log.get(), &some);
    std::vector<double> latencies_us;
    double seconds = 0;
    CONSENTRY_RETURN_IF_ERROR(commit.Run(run->span(), &latencies_us, &seconds));
    Figure* const figure =
        run->Add("audit_entries_per_s",
                 static_cast<double>(latencies_us.size()) / seconds);
    figure->AddSummary("entry_us_", Summarise(std::move(latencies_us)));
    figure->Add("entry_bytes", kEntryBytes);
  }
  if (!run->Wants("proof_us_1m") && !run->Wants("verify_s_1m")) {
    return log->Close();
  }
  CONSENTRY_RETURN_IF_ERROR(AppendUpTo(run->million(), some, &log->writer()));
  const uint64_t size = log->size();
  CONSENTRY_RETURN_IF_ERROR(
      log->integrator().WaitForCheckpoint(size, std::chrono::minutes(5)));
  if (run->Wants("proof_us_1m")) {
    CONSENTRY_RETURN_IF_ERROR(MeasureProofs(run, size, log.get()));
  }
  CONSENTRY_RETURN_IF_ERROR(log->Close());
  if (run->Wants("verify_s_1m")) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto key,
        audit::NoteVerifier::Create(signer.name(), signer.public_key()));
    const auto begin = Clock::now();
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto verified,
        audit::Verify(fs, folder, {key, std::nullopt, {}}));
    const double seconds = SecondsSince(begin);
    if (!verified.ok() || verified.signed_size != size) {
      return absl::InternalError("the log does not verify");
    }
    Figure* const figure = run->Add("verify_s_1m", seconds);
    figure->Add("entries", static_cast<double>(size));
    figure->Add("entries_per_s", static_cast<double>(size) / seconds);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureLog(BenchRun* run) {
  const std::string folder = run->folder() + "/log";
  std::error_code fault;
  std::filesystem::remove_all(folder, fault);
  const absl::Status status = MeasureLogIn(run, folder);
  std::filesystem::remove_all(folder, fault);
  return status;
}

absl::Status FillLog(const std::string& gateway_folder, uint64_t entries) {
  const std::string path = gateway_folder + "/consentry.txtpb";
  std::ifstream file(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto config,
      policy::ParseText<config::v1::GatewayConfig>(path, text));
  const std::string folder = gateway_folder + "/data/log";
  audit::FileSystem* const fs = audit::FileSystem::Posix();
  audit::LogWriter::Options options;
  options.origin = config.message.storage().log_origin();
  audit::RecoveryReport report;
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto writer, audit::LogWriter::Open(fs, folder, options, &report));
  std::vector<std::string> newest;
  const uint64_t size = writer->size();
  CONSENTRY_RETURN_IF_ERROR(writer->NewReader()->Scan(
      size - std::min<uint64_t>(size, 4 * kFillBatch), size,
      [&](uint64_t, std::string_view entry) {
        store::v1::Leaf leaf;
        if (entry.size() < kMaxReadEntry &&
            leaf.ParseFromArray(entry.data(), static_cast<int>(entry.size())) &&
            leaf.event() == "data.read") {
          newest.emplace_back(entry);
        }
        return newest.size() < kFillBatch;
      }));
  if (newest.empty()) {
    return absl::FailedPreconditionError("the log ends without reads");
  }
  CONSENTRY_RETURN_IF_ERROR(AppendUpTo(entries, newest, writer.get()));
  return writer->Close();
}

}  // namespace consentry::tools
