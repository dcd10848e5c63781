#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "consentry/v1/screening_service.pb.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/bench_run.h"

namespace consentry::tools {
namespace {

using Channels = std::vector<std::shared_ptr<grpc::Channel>>;

constexpr uint64_t kSeed = 20261123;

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
  if (!run->Wants("screen_over_read")) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(BenchSite* const site, run->Small());
  if (site->process() == nullptr) CONSENTRY_RETURN_IF_ERROR(site->Start());
  CONSENTRY_ASSIGN_OR_RETURN(const Channels channels,
                             site->Connect(kBenchReader, kBenchConnections));
  const uint64_t count = site->readable();
  auto zipf = std::make_shared<Zipf>(count, kZipfExponent, kSeed);
  // One thread makes the requests of a lean load.
  const std::function<uint64_t()> draw = [zipf] { return zipf->Next(); };
  // Each customer in turn, so that budgets are not what is measured.
  const std::function<uint64_t()> turn =
      [count, next = std::make_shared<std::atomic<uint64_t>>(0)] {
        return next->fetch_add(1) % count;
      };
  // Ids of outputs are used once, in earlier runs over the folder too.
  const std::string stamp = absl::StrCat(
      "b", std::chrono::system_clock::now().time_since_epoch().count());
  const LoadOptions reads = ReadLoad(channels, draw);
  const LoadOptions messages =
      ScreenLoad(channels, draw, Message, false, stamp + "m");
  const LoadOptions prices =
      ScreenLoad(channels, draw, Price, false, stamp + "p");
  const LoadOptions stored =
      ScreenLoad(channels, turn, Message, true, stamp + "s");
  Series warm;
  CONSENTRY_RETURN_IF_ERROR(Round(run, reads, &warm));
  CONSENTRY_RETURN_IF_ERROR(Round(run, messages, &warm));
  Series read;
  Series message;
  Series price;
  Series kept;
  for (int round = 0; round < run->rounds(); ++round) {
    CONSENTRY_RETURN_IF_ERROR(Round(run, reads, &read));
    CONSENTRY_RETURN_IF_ERROR(Round(run, messages, &message));
    CONSENTRY_RETURN_IF_ERROR(Round(run, prices, &price));
    CONSENTRY_RETURN_IF_ERROR(Round(run, stored, &kept));
  }
  Figure* const figure =
      run->Add("screen_over_read",
               std::max(RatioOf(read, message), RatioOf(read, price)));
  figure->Add("message", RatioOf(read, message));
  figure->Add("price", RatioOf(read, price));
  figure->Add("stored", RatioOf(read, kept));
  figure->Add("read_per_s", Median(read.rates));
  figure->Add("message_per_s", Median(message.rates));
  figure->Add("price_per_s", Median(price.rates));
  figure->Add("stored_per_s", Median(kept.rates));
  figure->AddSummary("read_us_", Summarise(read.latencies_us));
  figure->AddSummary("message_us_", Summarise(message.latencies_us));
  figure->AddSummary("price_us_", Summarise(price.latencies_us));
  figure->AddSummary("stored_us_", Summarise(kept.latencies_us));
  return absl::OkStatus();
}

}  // namespace consentry::tools
