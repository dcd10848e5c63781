#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/bench_run.h"

namespace consentry::tools {
namespace {

using Channels = std::vector<std::shared_ptr<grpc::Channel>>;

constexpr uint64_t kSeed = 20261123;
// Customers who are sent many outputs.
constexpr uint64_t kOften = 20;

// What a shop sends: two sentences and a price, with a claim that is proved.
v1::ScreenOutputRequest Message(uint64_t number, const std::string& id) {
  v1::ScreenOutputRequest request;
  *request.mutable_subject() = BenchSubject(number);
  request.set_purpose(kBenchPurpose);
  request.set_channel(v1::CHANNEL_EMAIL);
  v1::Output* output = request.mutable_output();
  output->set_id(id);
  output->set_kind(v1::OUTPUT_KIND_MESSAGE);
  output->set_model("letters");
  output->set_model_version("1");
  output->set_item("chair-7");
  output->set_text(
      "Our garden chairs are back. Oak, oiled, and delivered within a week; "
      "have a look at the new catalogue.");
  output->add_input_categories("user.contact.email");
  return request;
}

v1::ScreenOutputRequest Price(uint64_t number, const std::string& id) {
  v1::ScreenOutputRequest request = Message(number, id);
  v1::Output* output = request.mutable_output();
  output->set_kind(v1::OUTPUT_KIND_PRICE);
  output->clear_text();
  output->mutable_price()->set_currency("EUR");
  output->mutable_price()->set_minor_units(12900);
  *output->mutable_base_price() = output->price();
  return request;
}

// A model that five comparisons watch, and one that nobody does.
constexpr char kWatched[] = "offers";
constexpr char kUnwatched[] = "letters";
constexpr char kProfile[] = R"pb(
  id: "offers"
  model: "offers"
  favourable { stated: true }
  purpose: "bias_detection"
  attributes {
    name: "age"
    source: BIRTH_DATE
    field: "profile.birth_date"
    bands: [ 25, 35, 45, 55, 65 ]
    reference: "35_44"
  }
  metrics { kind: SELECTION_RATE }
  unit { period: VERSION }
)pb";

absl::Status Failed(const char* what, const grpc::Status& status) {
  return absl::InternalError(absl::StrCat(what, ": ", status.error_message()));
}

// Once for a folder.
absl::Status Watch(v1::ScreeningService::Stub* staff) {
  v1::FairnessProfile profile;
  {
    grpc::ClientContext call;
    v1::GetFairnessProfileRequest get;
    get.set_id(kWatched);
    if (staff->GetFairnessProfile(&call, get, &profile).ok()) {
      return absl::OkStatus();
    }
  }
  grpc::ClientContext call;
  v1::PutFairnessProfileRequest put;
  put.mutable_profile()->set_text(kProfile);
  const grpc::Status status = staff->PutFairnessProfile(&call, put, &profile);
  return status.ok() ? absl::OkStatus() : Failed("no fairness profile", status);
}

// Outputs that monitors counted of versions whose names begin so. Groups that
// are too small to be told are none.
absl::StatusOr<int64_t> Counted(v1::ScreeningService::Stub* staff,
                                const std::string& versions) {
  v1::ListFairnessMonitorsRequest request;
  request.set_profile_id(kWatched);
  request.set_page_size(1000);
  int64_t counted = 0;
  std::set<std::string> seen;
  for (;;) {
    grpc::ClientContext call;
    v1::ListFairnessMonitorsResponse page;
    const grpc::Status status =
        staff->ListFairnessMonitors(&call, request, &page);
    if (!status.ok()) return Failed("no monitors", status);
    for (const v1::FairnessMonitor& one : page.monitors()) {
      if (one.model_version().rfind(versions, 0) != 0) continue;
      counted += one.group_count();
      if (seen.insert(one.model_version()).second) {
        counted += one.reference_count();
      }
    }
    if (page.next_page_token().empty()) return counted;
    request.set_page_token(page.next_page_token());
  }
}

using MakeRequest =
    std::function<v1::ScreenOutputRequest(uint64_t, const std::string&)>;

LoadOptions ScreenLoad(Channels channels, std::function<uint64_t()> numbers,
                       MakeRequest make, bool stored, const std::string& run) {
  LoadOptions load;
  load.channels = std::move(channels);
  load.method = "/consentry.v1.ScreeningService/ScreenOutput";
  load.in_flight = kBenchInFlight;
  load.request = [numbers = std::move(numbers), make = std::move(make), stored,
                  run, count = std::make_shared<std::atomic<uint64_t>>(0)] {
    v1::ScreenOutputRequest request =
        make(numbers(), absl::StrCat(run, "-", count->fetch_add(1)));
    request.set_validate_only(!stored);
    return request.SerializeAsString();
  };
  load.expected = [](const std::string& answer) {
    v1::ScreenOutputResponse response;
    return response.ParseFromString(answer) &&
           response.verdict() != v1::VERDICT_UNSPECIFIED &&
           response.verdict_class() != v1::VERDICT_CLASS_NOT_PERMITTED;
  };
  return load;
}

struct Series {
  std::vector<double> rates;
  std::vector<double> latencies_us;
  int64_t calls() const { return static_cast<int64_t>(latencies_us.size()); }
};

absl::Status Round(BenchRun* run, LoadOptions load, Series* series) {
  load.span = run->span();
  CONSENTRY_ASSIGN_OR_RETURN(const LoadResult result, RunLoad(load));
  series->rates.push_back(result.rate());
  series->latencies_us.insert(series->latencies_us.end(),
                              result.latencies_us.begin(),
                              result.latencies_us.end());
  return absl::OkStatus();
}

double RatioOf(const Series& over, const Series& under) {
  std::vector<double> ratios;
  for (size_t i = 0; i < over.rates.size() && i < under.rates.size(); ++i) {
    ratios.push_back(over.rates[i] / under.rates[i]);
  }
  return Median(std::move(ratios));
}

}  // namespace

absl::Status MeasureScreening(BenchRun* run) {
  if (!run->Wants("screen_over_read") &&
      !run->Wants("screen_watched_over_read") &&
      !run->Wants("watched_over_unwatched")) {
    return absl::OkStatus();
  }
  CONSENTRY_ASSIGN_OR_RETURN(BenchSite* const site, run->Small());
  if (site->process() == nullptr) CONSENTRY_RETURN_IF_ERROR(site->Start());
  CONSENTRY_ASSIGN_OR_RETURN(const Channels channels,
                             site->Connect(kBenchReader, kBenchConnections));
  CONSENTRY_ASSIGN_OR_RETURN(const Channels staff,
                             site->Connect("compliance", 1));
  const auto compliance = v1::ScreeningService::NewStub(staff[0]);
  CONSENTRY_RETURN_IF_ERROR(Watch(compliance.get()));
  const uint64_t count = site->readable();
  auto zipf = std::make_shared<Zipf>(count, kZipfExponent, kSeed);
  // One thread makes the requests of a lean load.
  const std::function<uint64_t()> draw = [zipf] { return zipf->Next(); };
  // Ids of outputs are used once, in earlier runs over the folder too.
  const std::string stamp = absl::StrCat(
      "b", std::chrono::system_clock::now().time_since_epoch().count());
  const LoadOptions reads = ReadLoad(channels, draw);
  const LoadOptions messages =
      ScreenLoad(channels, draw, Message, false, stamp + "m");
  const LoadOptions prices =
      ScreenLoad(channels, draw, Price, false, stamp + "p");
  // Each customer in turn, so that budgets are not what is measured; another
  // version for each turn, so that a monitor counts every output.
  const auto stored_of = [&](const char* model, const char* ids) {
    const auto made = std::make_shared<std::atomic<uint64_t>>(0);
    return ScreenLoad(
        channels, [count, made] { return made->fetch_add(1) % count; },
        [model, stamp, count, made](uint64_t number, const std::string& id) {
          v1::ScreenOutputRequest request = Message(number, id);
          v1::Output* const output = request.mutable_output();
          output->set_model(model);
          output->set_model_version(
              absl::StrCat(stamp, ".", (made->load() - 1) / count));
          output->set_favourable(number % 3 == 0);
          return request;
        },
        true, stamp + ids);
  };
  const LoadOptions watched = stored_of(kWatched, "w");
  const LoadOptions unwatched = stored_of(kUnwatched, "u");
  Series warm;
  CONSENTRY_RETURN_IF_ERROR(Round(run, reads, &warm));
  CONSENTRY_RETURN_IF_ERROR(Round(run, messages, &warm));
  Series read;
  Series message;
  Series price;
  Series plain;
  Series counted;
  for (int round = 0; round < run->rounds(); ++round) {
    CONSENTRY_RETURN_IF_ERROR(Round(run, reads, &read));
    CONSENTRY_RETURN_IF_ERROR(Round(run, messages, &message));
    CONSENTRY_RETURN_IF_ERROR(Round(run, prices, &price));
  }
  // After the others, for what they store.
  Series beside;
  for (int round = 0; round < run->rounds(); ++round) {
    CONSENTRY_RETURN_IF_ERROR(Round(run, reads, &beside));
    CONSENTRY_RETURN_IF_ERROR(Round(run, unwatched, &plain));
    CONSENTRY_RETURN_IF_ERROR(Round(run, watched, &counted));
  }
  // A price is compared with what the same customer was shown before.
  const auto turn = std::make_shared<std::atomic<uint64_t>>(0);
  const std::function<uint64_t()> often = [turn] {
    return turn->fetch_add(1) % kOften;
  };
  Series often_read;
  Series often_price;
  if (run->Wants("screen_over_read")) {
    const LoadOptions history =
        ScreenLoad(channels, often, Message, true, stamp + "h");
    const LoadOptions again = ReadLoad(channels, often);
    const LoadOptions often_shown =
        ScreenLoad(channels, often, Price, false, stamp + "o");
    for (int round = 0; round < run->rounds(); ++round) {
      CONSENTRY_RETURN_IF_ERROR(Round(run, history, &warm));
      CONSENTRY_RETURN_IF_ERROR(Round(run, again, &often_read));
      CONSENTRY_RETURN_IF_ERROR(Round(run, often_shown, &often_price));
    }
  }
  // A figure about counting is one only if it was done.
  CONSENTRY_ASSIGN_OR_RETURN(const int64_t units,
                             Counted(compliance.get(), stamp));
  if (2 * units < counted.calls()) {
    return absl::FailedPreconditionError(
        "monitors counted too few outputs; remove the folder of the bench, "
        "since many versions share one record");
  }
  if (run->Wants("screen_over_read")) {
    Figure* const figure =
        run->Add("screen_over_read",
                 std::max(RatioOf(read, message), RatioOf(read, price)));
    figure->Add("message", RatioOf(read, message));
    figure->Add("price", RatioOf(read, price));
    figure->Add("price_after_many_outputs", RatioOf(often_read, often_price));
    figure->Add("read_per_s", Median(read.rates));
    figure->Add("message_per_s", Median(message.rates));
    figure->Add("price_per_s", Median(price.rates));
    figure->AddSummary("read_us_", Summarise(read.latencies_us));
    figure->AddSummary("message_us_", Summarise(message.latencies_us));
    figure->AddSummary("price_us_", Summarise(price.latencies_us));
  }
  if (run->Wants("screen_watched_over_read")) {
    Figure* const figure =
        run->Add("screen_watched_over_read", RatioOf(beside, counted));
    figure->Add("unwatched", RatioOf(beside, plain));
    figure->Add("read_per_s", Median(beside.rates));
    figure->Add("watched_per_s", Median(counted.rates));
    figure->AddSummary("read_us_", Summarise(beside.latencies_us));
    figure->AddSummary("watched_us_", Summarise(counted.latencies_us));
  }
  if (run->Wants("watched_over_unwatched")) {
    Figure* const figure =
        run->Add("watched_over_unwatched", RatioOf(plain, counted));
    figure->Add("unwatched_per_s", Median(plain.rates));
    figure->Add("watched_per_s", Median(counted.rates));
    figure->Add("counted", static_cast<double>(units));
    figure->AddSummary("unwatched_us_", Summarise(plain.latencies_us));
    figure->AddSummary("watched_us_", Summarise(counted.latencies_us));
  }
  return absl::OkStatus();
}

}  // namespace consentry::tools
