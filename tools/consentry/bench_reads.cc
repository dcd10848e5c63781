#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include <utility>
#include <vector>

#include "consentry/bench/v1/echo.grpc.pb.h"
#include "consentry/v1/data_service.pb.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/bench_run.h"

namespace consentry::tools {
namespace {

using Channels = std::vector<std::shared_ptr<grpc::Channel>>;

constexpr uint64_t kSeed = 20261122;
constexpr int kBatch = 100;
constexpr size_t kBatchesInFlight = 8;

// One kind of load over all rounds.
struct Series {
  std::vector<double> rates;
  std::vector<double> p99s;
  std::vector<double> latencies_us;
  uint64_t calls = 0;
  double server_seconds = 0;
  double client_seconds = 0;

  double PerCallUs(double seconds) const {
    return calls == 0 ? 0 : seconds * 1e6 / static_cast<double>(calls);
  }
};

absl::StatusOr<LoadResult> RunRound(const LoadOptions& load, pid_t server,
                                    Series* series) {
  const double server_begin = ProcessorSeconds(server);
  const double client_begin = ProcessorSeconds(getpid());
  CONSENTRY_ASSIGN_OR_RETURN(LoadResult result, RunLoad(load));
  series->server_seconds += ProcessorSeconds(server) - server_begin;
  series->client_seconds += ProcessorSeconds(getpid()) - client_begin;
  series->calls += result.calls;
  series->rates.push_back(result.rate());
  series->latencies_us.insert(series->latencies_us.end(),
                              result.latencies_us.begin(),
                              result.latencies_us.end());
  series->p99s.push_back(Summarise(result.latencies_us).p99);
  return result;
}

// Median over the rounds of `over`'s round by `under`'s.
double RatioOf(const std::vector<double>& over,
               const std::vector<double>& under) {
  std::vector<double> ratios;
  for (size_t i = 0; i < over.size() && i < under.size(); ++i) {
    ratios.push_back(over[i] / under[i]);
  }
  return Median(std::move(ratios));
}

// Draws made before the clock runs.
std::function<uint64_t()> Draws(uint64_t count, double exponent) {
  Zipf zipf(count, exponent, kSeed);
  auto numbers = std::make_shared<std::vector<uint32_t>>(1 << 20);
  for (uint32_t& number : *numbers) {
    number = static_cast<uint32_t>(zipf.Next());
  }
  return [numbers, at = std::make_shared<std::atomic<size_t>>(0)] {
    return uint64_t{(*numbers)[at->fetch_add(1) % numbers->size()]};
  };
}

bench::v1::EchoRequest EchoRequest(size_t answer_bytes) {
  bench::v1::EchoRequest request;
  request.set_answer_bytes(static_cast<uint32_t>(answer_bytes));
  // Tags, lengths and the number itself.
  constexpr size_t kAround = 6;
  request.set_payload(std::string(ReadRequest(0).size() - kAround, 'x'));
  return request;
}

LoadOptions EchoLoad(Channels channels, size_t answer_bytes) {
  LoadOptions load;
  load.channels = std::move(channels);
  load.method = "/consentry.bench.v1.EchoService/Echo";
  load.in_flight = kBenchInFlight;
  load.request = [bytes = EchoRequest(answer_bytes).SerializeAsString()] {
    return bytes;
  };
  return load;
}

LoadOptions BlockingEchoLoad(Channels channels, size_t answer_bytes) {
  LoadOptions load;
  load.channels = std::move(channels);
  load.in_flight = kBenchInFlight;
  load.make_caller = [request =
                          EchoRequest(answer_bytes)](const auto& channel) {
    std::shared_ptr<bench::v1::EchoService::Stub> stub =
        bench::v1::EchoService::NewStub(channel);
    return [request, stub]() -> absl::Status {
      grpc::ClientContext context;
      bench::v1::EchoResponse response;
      const grpc::Status status = stub->Echo(&context, request, &response);
      if (!status.ok()) return absl::InternalError(status.error_message());
      return absl::OkStatus();
    };
  };
  return load;
}

// The loads that take turns.
struct Turn {
  LoadOptions load;
  pid_t server = 0;
  Series series;
};

absl::Status TakeTurns(BenchRun* run, std::vector<Turn>* turns) {
  for (int round = 0; round < run->rounds(); ++round) {
    // The order changes, so that what drifts hits all alike.
    for (size_t i = 0; i < turns->size(); ++i) {
      Turn& turn = (*turns)[(i + static_cast<size_t>(round)) % turns->size()];
      turn.load.span = run->span();
      CONSENTRY_RETURN_IF_ERROR(
          RunRound(turn.load, turn.server, &turn.series).status());
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureUnaryReads(BenchRun* run) {
  CONSENTRY_ASSIGN_OR_RETURN(BenchSite* const site, run->Big());
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto echo, ServerProcess::Start({"bench-echo", site->folder()},
                                            site->folder() + ".echo.log"));
  CONSENTRY_ASSIGN_OR_RETURN(const Channels to_site,
                             site->Connect(kBenchReader, kBenchConnections));
  CONSENTRY_ASSIGN_OR_RETURN(const Channels to_echo,
                             ConnectMany(echo->address(), site->folder(),
                                         kBenchReader, kBenchConnections));
  const auto zipf = Draws(site->readable(), kZipfExponent);
  const auto uniform = Draws(site->readable(), 0);

  // Fills the caches and tells how long an answer is.
  LoadOptions warm_up = ReadLoad(to_site, zipf);
  warm_up.span = run->span();
  CONSENTRY_ASSIGN_OR_RETURN(const LoadResult warm, RunLoad(warm_up));
  const auto answer_bytes = static_cast<size_t>(warm.answer_bytes);
  const pid_t gateway_pid = site->process()->pid();
  enum { kEcho, kRead, kUniform, kLeanEcho, kLeanRead };
  std::vector<Turn> turns(5);
  turns[kEcho] = {BlockingEchoLoad(to_echo, answer_bytes), echo->pid(), {}};
  turns[kRead] = {BlockingReadLoad(to_site, zipf), gateway_pid, {}};
  turns[kUniform] = {BlockingReadLoad(to_site, uniform), gateway_pid, {}};
  turns[kLeanEcho] = {EchoLoad(to_echo, answer_bytes), echo->pid(), {}};
  turns[kLeanRead] = {ReadLoad(to_site, zipf), gateway_pid, {}};
  CONSENTRY_RETURN_IF_ERROR(TakeTurns(run, &turns));

  const auto& echoes = turns[kEcho].series;
  const auto& reads = turns[kRead].series;
  const auto& uniform_reads = turns[kUniform].series;
  const auto& lean_echoes = turns[kLeanEcho].series;
  const auto& lean_reads = turns[kLeanRead].series;
  if (run->Wants("unary_over_echo")) {
    Figure* const figure =
        run->Add("unary_over_echo", RatioOf(reads.rates, echoes.rates));
    figure->Add("uniform", RatioOf(uniform_reads.rates, echoes.rates));
    figure->Add("lean_client", RatioOf(lean_reads.rates, lean_echoes.rates));
    const auto add = [&](const std::string& name, const Series& series) {
      figure->Add(name + "_per_s", Median(series.rates));
      figure->Add(name + "_server_us", series.PerCallUs(series.server_seconds));
      figure->Add(name + "_client_us", series.PerCallUs(series.client_seconds));
    };
    add("echo", echoes);
    add("read", reads);
    add("uniform_read", uniform_reads);
    add("lean_echo", lean_echoes);
    add("lean_read", lean_reads);
    figure->Add("request_bytes", static_cast<double>(ReadRequest(0).size()));
    figure->Add("answer_bytes", static_cast<double>(answer_bytes));
    if (site->import_seconds() > 0) {
      figure->Add("imported_rows_per_s", static_cast<double>(site->subjects()) /
                                             site->import_seconds());
    }
  }
  if (run->Wants("unary_p99_over_echo")) {
    Figure* const figure =
        run->Add("unary_p99_over_echo", RatioOf(reads.p99s, echoes.p99s));
    figure->Add("uniform", RatioOf(uniform_reads.p99s, echoes.p99s));
    figure->Add("lean_client", RatioOf(lean_reads.p99s, lean_echoes.p99s));
    figure->AddSummary("read_us_", Summarise(reads.latencies_us));
    figure->AddSummary("uniform_read_us_",
                       Summarise(uniform_reads.latencies_us));
    figure->AddSummary("echo_us_", Summarise(echoes.latencies_us));
    figure->AddSummary("lean_read_us_", Summarise(lean_reads.latencies_us));
    figure->AddSummary("lean_echo_us_", Summarise(lean_echoes.latencies_us));
  }
  return absl::OkStatus();
}

absl::Status MeasureMemory(BenchRun* run) {
  CONSENTRY_ASSIGN_OR_RETURN(BenchSite* const site, run->Big());
  CONSENTRY_ASSIGN_OR_RETURN(const Channels channels,
                             site->Connect(kBenchReader, kBenchConnections));
  LoadOptions load = ReadLoad(channels, Draws(site->readable(), 0));
  load.span = run->span() * 2;
  CONSENTRY_ASSIGN_OR_RETURN(const LoadResult result, RunLoad(load));
  const pid_t pid = site->process()->pid();
  Figure* const figure = run->Add("rss_mib_1m", MemoryMib(pid, "VmRSS"));
  figure->Add("highest", MemoryMib(pid, "VmHWM"));
  figure->Add("anonymous", MemoryMib(pid, "RssAnon"));
  figure->Add("of_files", MemoryMib(pid, "RssFile"));
  figure->Add("locked", MemoryMib(pid, "VmLck"));
  figure->Add("reads_before", static_cast<double>(result.calls));
  return absl::OkStatus();
}

absl::Status MeasureBatches(BenchRun* run) {
  CONSENTRY_ASSIGN_OR_RETURN(BenchSite* const site, run->Big());
  CONSENTRY_ASSIGN_OR_RETURN(const Channels channels,
                             site->Connect(kBenchReader, kBenchConnections));
  const auto batches = [&](double exponent) {
    LoadOptions load;
    load.channels = channels;
    load.method = "/consentry.v1.DataService/BatchReadSubjects";
    load.in_flight = kBatchesInFlight;
    load.span = run->span();
    load.request = [draw = Draws(site->readable(), exponent)] {
      v1::ReadSubjectRequest one;
      one.ParseFromString(ReadRequest(0));
      v1::BatchReadSubjectsRequest request;
      for (int i = 0; i < kBatch; ++i) {
        *request.add_subjects() = BenchSubject(draw());
      }
      request.set_purpose(one.purpose());
      *request.mutable_fields() = one.fields();
      request.set_channel(one.channel());
      return request.SerializeAsString();
    };
    load.expected = [](const std::string& answer) {
      v1::BatchReadSubjectsResponse response;
      if (!response.ParseFromString(answer)) return false;
      for (const auto& result : response.results()) {
        if (result.decision().effect() != v1::EFFECT_PERMIT) return false;
      }
      return response.results_size() == kBatch;
    };
    return load;
  };
  const LoadOptions zipf = batches(kZipfExponent);
  const LoadOptions uniform = batches(0);
  CONSENTRY_RETURN_IF_ERROR(RunLoad(zipf).status());
  Series by_zipf;
  Series by_uniform;
  for (int round = 0; round < run->rounds() / 2; ++round) {
    const pid_t pid = site->process()->pid();
    CONSENTRY_RETURN_IF_ERROR(RunRound(zipf, pid, &by_zipf).status());
    CONSENTRY_RETURN_IF_ERROR(RunRound(uniform, pid, &by_uniform).status());
  }
  Figure* const figure =
      run->Add("batch_subjects_per_s", Median(by_zipf.rates) * kBatch);
  figure->Add("uniform_per_s", Median(by_uniform.rates) * kBatch);
  figure->Add("server_us_per_subject",
              by_zipf.PerCallUs(by_zipf.server_seconds) / kBatch);
  figure->Add("server_us_per_uniform_subject",
              by_uniform.PerCallUs(by_uniform.server_seconds) / kBatch);
  figure->AddSummary("batch_us_", Summarise(by_zipf.latencies_us));
  return absl::OkStatus();
}

}  // namespace consentry::tools
