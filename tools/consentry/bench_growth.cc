#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "consentry/v1/consent_service.pb.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/bench_run.h"

namespace consentry::tools {
namespace {

using Channels = std::vector<std::shared_ptr<grpc::Channel>>;

constexpr uint64_t kSeed = 10000;
constexpr size_t kWithdrawalsInFlight = 8;
// Who enters cases, and who approves them.
constexpr char kStaff[] = "compliance";
constexpr char kOfficer[] = "dpo";

struct Latencies {
  std::vector<double> all_us;
  std::vector<double> medians_us;

  void Take(const LoadResult& result) {
    medians_us.push_back(Summarise(result.latencies_us).p50);
    all_us.insert(all_us.end(), result.latencies_us.begin(),
                  result.latencies_us.end());
  }
};

double RatioOf(const Latencies& over, const Latencies& under) {
  std::vector<double> ratios;
  for (size_t i = 0; i < over.medians_us.size(); ++i) {
    ratios.push_back(over.medians_us[i] / under.medians_us[i]);
  }
  return Median(std::move(ratios));
}

// One of the two gateways that are compared.
struct Side {
  BenchSite* site = nullptr;
  Channels channels;
};

absl::Status ReadRound(BenchRun* run, const Side& side, double exponent,
                       size_t in_flight, uint64_t seed, Latencies* out) {
  auto draw = std::make_shared<Zipf>(side.site->readable(), exponent, seed);
  LoadOptions load = ReadLoad(side.channels, [draw] { return draw->Next(); });
  load.in_flight = in_flight;
  load.span = run->span() / 2;
  CONSENTRY_ASSIGN_OR_RETURN(const LoadResult result, RunLoad(load));
  out->Take(result);
  return absl::OkStatus();
}

absl::Status WithdrawRound(const Side& side, uint64_t count, Latencies* out) {
  std::vector<std::string> requests;
  for (uint64_t i = 0; i < count; ++i) {
    CONSENTRY_ASSIGN_OR_RETURN(const uint64_t number, side.site->TakeSpare());
    v1::WithdrawConsentRequest request;
    *request.mutable_subject() = BenchSubject(number);
    request.add_purposes(kBenchPurpose);
    request.set_channel(v1::CHANNEL_EMAIL);
    request.set_method("link in e-mail");
    requests.push_back(request.SerializeAsString());
  }
  LoadOptions load;
  load.channels = side.channels;
  load.method = "/consentry.v1.ConsentService/WithdrawConsent";
  load.in_flight = kWithdrawalsInFlight;
  load.span = std::chrono::minutes(1);
  load.max_calls = count;
  load.request = [&requests, next = size_t{0}]() mutable {
    return requests[next++];
  };
  CONSENTRY_ASSIGN_OR_RETURN(const LoadResult result, RunLoad(load));
  out->Take(result);
  return absl::OkStatus();
}

absl::Status MeasureReads(BenchRun* run, const Side& big, const Side& small) {
  struct Kind {
    double exponent;
    size_t in_flight;
    Latencies big;
    Latencies small;
  };
  Kind zipf{kZipfExponent, kBenchInFlight, {}, {}};
  Kind uniform{0, kBenchInFlight, {}, {}};
  Kind alone{kZipfExponent, 1, {}, {}};
  for (int round = -1; round < run->rounds(); ++round) {
    for (Kind* const kind : {&zipf, &uniform, &alone}) {
      Latencies warm_up;
      const uint64_t seed = kSeed + static_cast<uint64_t>(round + 1);
      CONSENTRY_RETURN_IF_ERROR(ReadRound(run, big, kind->exponent,
                                          kind->in_flight, seed,
                                          round < 0 ? &warm_up : &kind->big));
      CONSENTRY_RETURN_IF_ERROR(ReadRound(run, small, kind->exponent,
                                          kind->in_flight, seed,
                                          round < 0 ? &warm_up : &kind->small));
    }
  }
  Figure* const figure = run->Add("growth_read", RatioOf(zipf.big, zipf.small));
  figure->Add("uniform", RatioOf(uniform.big, uniform.small));
  figure->Add("one_in_flight", RatioOf(alone.big, alone.small));
  figure->AddSummary("large_us_", Summarise(zipf.big.all_us));
  figure->AddSummary("small_us_", Summarise(zipf.small.all_us));
  figure->AddSummary("large_alone_us_", Summarise(alone.big.all_us));
  figure->AddSummary("small_alone_us_", Summarise(alone.small.all_us));
  return absl::OkStatus();
}

absl::Status MeasureWithdrawals(BenchRun* run, const Side& big,
                                const Side& small) {
  const uint64_t count = run->quick() ? 50 : 200;
  Latencies warm_up;
  CONSENTRY_RETURN_IF_ERROR(WithdrawRound(big, count / 2, &warm_up));
  CONSENTRY_RETURN_IF_ERROR(WithdrawRound(small, count / 2, &warm_up));
  Latencies of_big;
  Latencies of_small;
  for (int round = 0; round < run->rounds(); ++round) {
    CONSENTRY_RETURN_IF_ERROR(WithdrawRound(big, count, &of_big));
    CONSENTRY_RETURN_IF_ERROR(WithdrawRound(small, count, &of_small));
  }
  Figure* const figure = run->Add("growth_withdraw", RatioOf(of_big, of_small));
  figure->AddSummary("large_us_", Summarise(of_big.all_us));
  figure->AddSummary("small_us_", Summarise(of_small.all_us));
  return absl::OkStatus();
}

// Who asks for an erasure and who approves it, at one of the two gateways.
struct Erasers {
  BenchSite* site = nullptr;
  Channels staff;
  Channels officer;
};

absl::StatusOr<Erasers> ConnectErasers(const Side& side) {
  Erasers erasers;
  erasers.site = side.site;
  CONSENTRY_ASSIGN_OR_RETURN(erasers.staff, side.site->Connect(kStaff, 1));
  CONSENTRY_ASSIGN_OR_RETURN(erasers.officer, side.site->Connect(kOfficer, 1));
  return erasers;
}

// One after the other, the gateways in turn: an erasure is a chain of steps
// on stable storage, and whatever else the disk does then slows both.
absl::Status EraseRound(const Erasers& big, const Erasers& small, int count,
                        Latencies* of_big, Latencies* of_small) {
  LoadResult results[2];
  for (int i = 0; i < 2 * count; ++i) {
    const Erasers& one = i % 2 == 0 ? big : small;
    CONSENTRY_ASSIGN_OR_RETURN(const uint64_t number, one.site->TakeSpare());
    CONSENTRY_ASSIGN_OR_RETURN(const double us,
                               EraseOne(one.staff[0], one.officer[0], number));
    results[i % 2].latencies_us.push_back(us);
  }
  of_big->Take(results[0]);
  of_small->Take(results[1]);
  return absl::OkStatus();
}

absl::Status MeasureErasures(BenchRun* run, const Side& big,
                             const Side& small) {
  const int count = run->quick() ? 8 : 40;
  CONSENTRY_ASSIGN_OR_RETURN(const Erasers large, ConnectErasers(big));
  CONSENTRY_ASSIGN_OR_RETURN(const Erasers little, ConnectErasers(small));
  Latencies warm_up;
  CONSENTRY_RETURN_IF_ERROR(
      EraseRound(large, little, count / 2, &warm_up, &warm_up));
  Latencies of_big;
  Latencies of_small;
  for (int round = 0; round < run->rounds(); ++round) {
    CONSENTRY_RETURN_IF_ERROR(
        EraseRound(large, little, count, &of_big, &of_small));
  }
  Figure* const figure = run->Add("growth_erase", RatioOf(of_big, of_small));
  figure->AddSummary("large_us_", Summarise(of_big.all_us));
  figure->AddSummary("small_us_", Summarise(of_small.all_us));
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureGrowth(BenchRun* run) {
  Side big;
  Side small;
  CONSENTRY_ASSIGN_OR_RETURN(big.site, run->Big());
  CONSENTRY_ASSIGN_OR_RETURN(small.site, run->Small());
  for (Side* const side : {&big, &small}) {
    CONSENTRY_ASSIGN_OR_RETURN(
        side->channels, side->site->Connect(kBenchReader, kBenchConnections));
  }
  if (run->Wants("growth_read")) {
    CONSENTRY_RETURN_IF_ERROR(MeasureReads(run, big, small));
  }
  if (run->Wants("growth_withdraw")) {
    CONSENTRY_RETURN_IF_ERROR(MeasureWithdrawals(run, big, small));
  }
  if (run->Wants("growth_erase")) {
    CONSENTRY_RETURN_IF_ERROR(MeasureErasures(run, big, small));
  }
  run->StopSmall();
  return absl::OkStatus();
}

}  // namespace consentry::tools
