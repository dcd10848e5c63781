#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/bench_run.h"

namespace consentry::tools {
namespace {

using Clock = std::chrono::steady_clock;

// Two readers ask about the customer one after the other without a pause; the
// rest of the calls in flight are reads of others.
constexpr size_t kReaders = 2;
constexpr std::chrono::seconds kPatience{10};

absl::Status FromRpc(const grpc::Status& status, const char* what) {
  if (status.ok()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(what, " failed: ", status.error_message()));
}

// Asks about one customer until she is denied, and notes when.
class Reader {
 public:
  Reader(const std::shared_ptr<grpc::Channel>& channel, uint64_t number)
      : stub_(v1::DataService::NewStub(channel)),
        thread_([this, number] { Run(number); }) {}
  ~Reader() {
    if (thread_.joinable()) thread_.join();
  }

  bool permitted_once() const { return permitted_.load(); }
  bool ended() const { return ended_.load(); }
  // After ended().
  const absl::Status& status() const { return status_; }
  Clock::time_point denied_at() const { return denied_at_; }
  void Join() { thread_.join(); }

 private:
  void Run(uint64_t number) {
    v1::ReadSubjectRequest request;
    request.ParseFromString(ReadRequest(number));
    const auto end = Clock::now() + kPatience;
    while (status_.ok() && !ended_.load()) {
      grpc::ClientContext context;
      v1::ReadSubjectResponse response;
      status_ =
          FromRpc(stub_->ReadSubject(&context, request, &response), "a read");
      if (status_.ok() && response.decision().effect() == v1::EFFECT_DENY) {
        denied_at_ = Clock::now();
        break;
      }
      permitted_.store(true);
      if (Clock::now() > end) {
        status_ = absl::InternalError("a withdrawal did not bite");
      }
    }
    ended_.store(true);
  }

  const std::unique_ptr<v1::DataService::Stub> stub_;
  std::atomic<bool> permitted_{false};
  std::atomic<bool> ended_{false};
  absl::Status status_;
  Clock::time_point denied_at_;
  std::thread thread_;
};

struct Trial {
  double to_deny_us = 0;
  double to_answer_us = 0;
};

absl::StatusOr<Trial> RunTrial(
    BenchSite* site,
    const std::vector<std::shared_ptr<grpc::Channel>>& channels) {
  CONSENTRY_ASSIGN_OR_RETURN(const uint64_t number, site->TakeSpare());
  v1::WithdrawConsentRequest request;
  *request.mutable_subject() = BenchSubject(number);
  request.add_purposes(kBenchPurpose);
  const auto stub = v1::ConsentService::NewStub(channels[0]);
  std::vector<std::unique_ptr<Reader>> readers;
  for (size_t i = 0; i < kReaders; ++i) {
    readers.push_back(
        std::make_unique<Reader>(channels[(i + 1) % channels.size()], number));
  }
  for (const auto& reader : readers) {
    while (!reader->permitted_once() && !reader->ended()) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
  grpc::ClientContext context;
  v1::WithdrawConsentResponse response;
  const auto begin = Clock::now();
  const absl::Status withdrawn = FromRpc(
      stub->WithdrawConsent(&context, request, &response), "a withdrawal");
  const auto answered = Clock::now();
  const auto us = [begin](Clock::time_point time) {
    return std::chrono::duration<double, std::micro>(time - begin).count();
  };
  Trial trial;
  trial.to_answer_us = us(answered);
  absl::Status status = withdrawn;
  auto first = Clock::time_point::max();
  for (const auto& reader : readers) {
    reader->Join();
    if (status.ok()) status = reader->status();
    first = std::min(first, reader->denied_at());
  }
  if (!status.ok()) return status;
  trial.to_deny_us = us(first);
  return trial;
}

}  // namespace

absl::Status MeasureWithdrawal(BenchRun* run) {
  CONSENTRY_ASSIGN_OR_RETURN(BenchSite* const site, run->Big());
  CONSENTRY_ASSIGN_OR_RETURN(const auto probes,
                             site->Connect(kBenchReader, kReaders + 1));
  CONSENTRY_ASSIGN_OR_RETURN(const auto channels,
                             site->Connect(kBenchReader, kBenchConnections));
  std::atomic<bool> stop{false};
  auto draw = std::make_shared<Zipf>(site->readable(), kZipfExponent, 7);
  LoadOptions load = ReadLoad(channels, [draw] { return draw->Next(); });
  load.in_flight = kBenchInFlight - kReaders;
  load.span = std::chrono::minutes(10);
  load.stop = &stop;
  absl::StatusOr<LoadResult> background = absl::UnknownError("");
  std::thread others([&] { background = RunLoad(load); });

  const int trials = run->quick() ? 100 : 500;
  std::vector<double> to_deny;
  std::vector<double> to_answer;
  absl::Status status;
  for (int i = 0; status.ok() && i < trials; ++i) {
    const auto trial = RunTrial(site, probes);
    status = trial.status();
    if (!status.ok()) break;
    to_deny.push_back(trial->to_deny_us);
    to_answer.push_back(trial->to_answer_us);
  }
  stop.store(true);
  others.join();
  CONSENTRY_RETURN_IF_ERROR(status);
  CONSENTRY_RETURN_IF_ERROR(background.status());

  // The same without any other call.
  std::vector<double> alone;
  for (int i = 0; i < trials / 5; ++i) {
    CONSENTRY_ASSIGN_OR_RETURN(const Trial trial, RunTrial(site, probes));
    alone.push_back(trial.to_deny_us);
  }
  const Summary deny = Summarise(std::move(to_deny));
  const Summary read = Summarise(background->latencies_us);
  Figure* const figure =
      run->Add("withdraw_to_deny_over_read", deny.p99 / read.p99);
  figure->AddSummary("to_deny_us_", deny);
  figure->AddSummary("to_answer_us_", Summarise(std::move(to_answer)));
  figure->AddSummary("read_us_", read);
  figure->AddSummary("alone_to_deny_us_", Summarise(std::move(alone)));
  return absl::OkStatus();
}

}  // namespace consentry::tools
