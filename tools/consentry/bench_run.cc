#include "tools/consentry/bench_run.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/bench_decide.h"
#include "tools/consentry/bench_monitor.h"
#include "tools/consentry/bench_signals.h"

namespace consentry::tools {
namespace {

constexpr uint64_t kSmall = 10'000;
// Withdrawals and erasures that one run makes at most, of each gateway.
constexpr uint64_t kBigSpare = 2500;
constexpr uint64_t kSmallSpare = 1700;

struct Step {
  absl::Status (*measure)(BenchRun* run);
  std::vector<std::string_view> names;
};

const std::vector<Step>& Steps() {
  static const auto* const steps = new std::vector<Step>{
      {MeasureDeciding, {"decide_ns"}},
      {MeasureSignals, {"tc_decode_us"}},
      {MeasureMonitors, {"monitor_update_us"}},
      {MeasureLog, {"audit_entries_per_s", "proof_us_1m", "verify_s_1m"}},
      {MeasureUnaryReads, {"unary_over_echo", "unary_p99_over_echo"}},
      {MeasureMemory, {"rss_mib_1m"}},
      {MeasureBatches, {"batch_subjects_per_s"}},
      {MeasureGrowth, {"growth_read", "growth_withdraw", "growth_erase"}},
      {MeasureWithdrawal, {"withdraw_to_deny_over_read"}},
      {MeasureAccessReport, {"access_report_s"}},
      {MeasureScreening,
       {"screen_over_read", "screen_watched_over_read",
        "watched_over_unwatched"}},
      {MeasureStart, {"start_s_1m"}},
  };
  return *steps;
}

}  // namespace

BenchRun::BenchRun(BenchOptions options) : options_(std::move(options)) {
  report_.machine = ThisMachine();
  report_.quick = options_.quick;
  report_.subjects = million();
}

BenchRun::~BenchRun() = default;

bool BenchRun::Wants(std::string_view name) const {
  return options_.only.empty() || options_.only.contains(name);
}

Figure* BenchRun::Add(std::string_view name, double value) {
  Figure figure;
  figure.spec = FindFigure(name);
  figure.value = value;
  report_.figures.push_back(std::move(figure));
  return &report_.figures.back();
}

void BenchRun::Run() {
  for (const Step& step : Steps()) {
    std::string wanted;
    for (const std::string_view name : step.names) {
      if (!Wants(name)) continue;
      absl::StrAppend(&wanted, wanted.empty() ? "" : ", ", std::string(name));
    }
    if (wanted.empty()) continue;
    std::cerr << "measuring " << wanted << std::endl;
    const absl::Status status = step.measure(this);
    if (status.ok()) continue;
    for (const std::string_view name : step.names) {
      if (!Wants(name)) continue;
      report_.failed.emplace_back(name, std::string(status.message()));
    }
  }
}

absl::StatusOr<BenchSite*> BenchRun::Big() {
  if (big_ == nullptr) {
    CONSENTRY_ASSIGN_OR_RETURN(
        big_,
        BenchSite::Open(absl::StrCat(options_.folder, "/subjects-", million()),
                        million(), kBigSpare));
  }
  if (big_->process() == nullptr) CONSENTRY_RETURN_IF_ERROR(big_->Start());
  return big_.get();
}

absl::StatusOr<BenchSite*> BenchRun::Small() {
  if (small_ == nullptr) {
    CONSENTRY_ASSIGN_OR_RETURN(
        small_,
        BenchSite::Open(absl::StrCat(options_.folder, "/subjects-", kSmall),
                        kSmall, kSmallSpare));
  }
  return small_.get();
}

void BenchRun::StopSmall() { small_.reset(); }

absl::Status MeasureDeciding(BenchRun* run) {
  CONSENTRY_ASSIGN_OR_RETURN(const DecideTimes times,
                             MeasureDecide(run->quick() ? 100'000 : 1'000'000));
  Figure* const figure = run->Add("decide_ns", times.p50_ns);
  figure->Add("p50", times.p50_ns);
  figure->Add("p95", times.p95_ns);
  figure->Add("p99", times.p99_ns);
  figure->Add("decisions", static_cast<double>(times.decisions));
  figure->Add("permitted", static_cast<double>(times.permitted));
  return absl::OkStatus();
}

absl::Status MeasureMonitors(BenchRun* run) {
  const MonitorTimes times =
      MeasureMonitorUpdates(run->quick() ? 200'000 : 2'000'000);
  Figure* const figure =
      run->Add("monitor_update_us", std::max(times.binary_us, times.score_us));
  figure->Add("outcome_us", times.binary_us);
  figure->Add("outcome_p99_us", times.binary_p99_us);
  figure->Add("score_us", times.score_us);
  figure->Add("score_p99_us", times.score_p99_us);
  figure->Add("state_bytes", static_cast<double>(times.state_bytes));
  figure->Add("updates", static_cast<double>(times.updates));
  return absl::OkStatus();
}

absl::Status MeasureSignals(BenchRun* run) {
  CONSENTRY_ASSIGN_OR_RETURN(const TcDecodeTimes times,
                             MeasureTcDecode(run->quick() ? 20'000 : 200'000));
  Figure* const figure = run->Add("tc_decode_us", times.p50_us);
  figure->Add("p50", times.p50_us);
  figure->Add("p95", times.p95_us);
  figure->Add("p99", times.p99_us);
  figure->Add("decodings", static_cast<double>(times.decodings));
  figure->Add("characters", static_cast<double>(times.characters));
  figure->Add("vendors", static_cast<double>(times.vendors));
  if (times.npm_us) {
    figure->Add("npm_us", *times.npm_us);
    figure->Add("npm_over_ours", *times.npm_us / times.p50_us);
  }
  return absl::OkStatus();
}

namespace {

v1::ReadSubjectRequest Question(uint64_t number) {
  v1::ReadSubjectRequest request;
  *request.mutable_subject() = BenchSubject(number);
  request.set_purpose(kBenchPurpose);
  for (const char* field : {"profile.given_name", "profile.family_name",
                            "profile.email", "profile.language"}) {
    request.add_fields(field);
  }
  request.set_channel(v1::CHANNEL_EMAIL);
  return request;
}

bool Permits(const v1::ReadSubjectResponse& response) {
  return response.decision().effect() == v1::EFFECT_PERMIT &&
         response.fields_size() == 4;
}

}  // namespace

std::string ReadRequest(uint64_t number) {
  return Question(number).SerializeAsString();
}

bool IsPermitted(const std::string& answer) {
  v1::ReadSubjectResponse response;
  return response.ParseFromString(answer) && Permits(response);
}

LoadOptions BlockingReadLoad(
    std::vector<std::shared_ptr<grpc::Channel>> channels,
    std::function<uint64_t()> numbers) {
  LoadOptions load;
  load.channels = std::move(channels);
  load.in_flight = kBenchInFlight;
  load.make_caller = [numbers = std::move(numbers)](const auto& channel) {
    std::shared_ptr<v1::DataService::Stub> stub =
        v1::DataService::NewStub(channel);
    return [numbers, stub]() -> absl::Status {
      grpc::ClientContext context;
      v1::ReadSubjectResponse response;
      const grpc::Status status =
          stub->ReadSubject(&context, Question(numbers()), &response);
      if (!status.ok()) return absl::InternalError(status.error_message());
      if (!Permits(response)) {
        return absl::InternalError("a read was not permitted");
      }
      return absl::OkStatus();
    };
  };
  return load;
}

LoadOptions ReadLoad(std::vector<std::shared_ptr<grpc::Channel>> channels,
                     std::function<uint64_t()> numbers) {
  LoadOptions load;
  load.channels = std::move(channels);
  load.method = "/consentry.v1.DataService/ReadSubject";
  load.in_flight = kBenchInFlight;
  load.request = [numbers = std::move(numbers)] {
    return ReadRequest(numbers());
  };
  load.expected = IsPermitted;
  return load;
}

}  // namespace consentry::tools
