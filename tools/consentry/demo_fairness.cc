#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/csv.h"
#include "tools/consentry/demo_system.h"
#include "tools/consentry/demo_tour.h"
#include "tools/consentry/samples/generator.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

constexpr char kContent[] = "personalize.content.limited";
constexpr char kModel[] = "voucher-engine";
constexpr size_t kCustomers = 800;
constexpr size_t kBatch = 200;
constexpr int kOld = 45;

constexpr char kProfile[] = R"pb(
  id: "vouchers"
  title: "Who gets a voucher"
  model: "voucher-engine"
  favourable { stated: true }
  purpose: "bias_detection"
  attributes {
    name: "age"
    source: BIRTH_DATE
    field: "profile.birth_date"
    bands: 45
    reference: "under_45"
  }
  attributes {
    name: "country"
    source: REGION
    field: "profile.country"
    groups { name: "de" }
    groups { name: "at" }
    reference: "de"
  }
  metrics { kind: SELECTION_RATE tolerance: 0.8 }
  minimum: 50
  unit { period: VERSION }
  on_violation: HOLD
)pb";

struct Customer {
  std::string number;
  bool old = false;
};

// Those whose date of birth the CRM's file tells. An engine knows no date of
// birth, but much that goes along with one.
absl::StatusOr<std::vector<Customer>> CustomersOf(const std::string& folder) {
  std::ifstream file(folder + "/samples/crm.csv", std::ios::binary);
  CONSENTRY_ASSIGN_OR_RETURN(const auto reader, CsvReader::Open(&file));
  const auto column = [&](const std::string& name) {
    return static_cast<size_t>(
        std::find(reader->header().begin(), reader->header().end(), name) -
        reader->header().begin());
  };
  const size_t number = column("Kundennr");
  const size_t birth = column("Geburtsdatum");
  if (number == reader->header().size() || birth == reader->header().size()) {
    return absl::DataLossError("the samples have other columns");
  }
  const auto year = static_cast<int>(
      absl::ToCivilYear(absl::Now(), absl::UTCTimeZone()).year());
  std::map<std::string, bool> found;
  CsvRow row;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, reader->Next(&row));
    if (!more) break;
    if (row.fault != CsvFault::kNone) continue;
    const std::string& text = row.fields[birth];
    int born = 0;
    for (size_t i = 0; i + 4 <= text.size(); ++i) {
      if (absl::SimpleAtoi(text.substr(i, 4), &born) && born > 1900) break;
    }
    if (born > 1900) found[row.fields[number]] = year - born >= kOld;
  }
  std::vector<Customer> customers;
  for (const auto& [name, old] : found) {
    if (customers.size() < kCustomers) customers.push_back({name, old});
  }
  return customers;
}

// A fraction that looks like chance and is the same in every tour.
double Fraction(uint64_t number) {
  number = (number + 1) * 0x9e3779b97f4a7c15;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return static_cast<double>((number ^ (number >> 31)) >> 11) * 0x1.0p-53;
}

v1::ScreenOutputRequest Page(const std::string& customer,
                             const std::string& version, const std::string& id,
                             bool voucher) {
  v1::ScreenOutputRequest request;
  *request.mutable_subject() = Crm(customer);
  request.set_purpose(kContent);
  request.set_channel(v1::CHANNEL_WEB);
  v1::Output* const output = request.mutable_output();
  output->set_id(id);
  output->set_kind(v1::OUTPUT_KIND_PAGE_CONTENT);
  output->set_model(kModel);
  output->set_model_version(version);
  output->set_text(voucher ? "A voucher for you." : "Good to see you.");
  output->set_favourable(voucher);
  return request;
}

// The engine decides on everybody; `rate` is the share that gets a voucher.
template <class Rate>
absl::Status Campaign(const System& engine,
                      const std::vector<Customer>& customers,
                      const std::string& version, const Rate& rate) {
  const auto stub = v1::ScreeningService::NewStub(engine.channel());
  for (size_t first = 0; first < customers.size(); first += kBatch) {
    v1::BatchScreenOutputsRequest batch;
    for (size_t i = first; i < std::min(first + kBatch, customers.size());
         ++i) {
      *batch.add_requests() = Page(customers[i].number, version,
                                   absl::StrCat("voucher-", version, "-", i),
                                   Fraction(i) < rate(i, customers[i]));
    }
    grpc::ClientContext call;
    v1::BatchScreenOutputsResponse response;
    const grpc::Status status =
        stub->BatchScreenOutputs(&call, batch, &response);
    if (!status.ok()) return FromRpc(status);
    for (const v1::ScreenOutputResponse& result : response.results()) {
      if (result.error() == v1::ERROR_REASON_UNSPECIFIED) continue;
      return Unexpected(absl::StrCat("a page was not screened: ",
                                     v1::ErrorReason_Name(result.error())));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::FairnessMonitor>> MonitorsOf(
    const System& staff, const std::string& version) {
  grpc::ClientContext call;
  v1::ListFairnessMonitorsRequest request;
  request.set_model(kModel);
  v1::ListFairnessMonitorsResponse response;
  const grpc::Status status =
      v1::ScreeningService::NewStub(staff.channel())
          ->ListFairnessMonitors(&call, request, &response);
  if (!status.ok()) return FromRpc(status);
  std::vector<v1::FairnessMonitor> found;
  for (auto& monitor : *response.mutable_monitors()) {
    if (monitor.model_version() == version) found.push_back(std::move(monitor));
  }
  return found;
}

std::string Lines(const std::vector<v1::FairnessMonitor>& monitors) {
  std::ostringstream lines;
  for (const v1::FairnessMonitor& monitor : monitors) {
    lines << monitor.attribute() << ": " << monitor.group() << " against "
          << monitor.reference() << ": "
          << absl::StripPrefix(v1::FairnessVerdict_Name(monitor.verdict()),
                               "FAIRNESS_VERDICT_");
    if (monitor.alarm()) lines << ", alarm";
    if (monitor.suppressed()) {
      lines << ", with no figure: too few, or others would tell about too "
               "few\n";
      continue;
    }
    lines << absl::StrFormat(", ratio from %.3f to ", monitor.lower())
          << (std::isinf(monitor.upper())
                  ? "any"
                  : absl::StrFormat("%.3f", monitor.upper()));
    if (monitor.needed() > 0) {
      lines << absl::StrFormat(", some %d more customers needed to tell",
                               monitor.needed());
    }
    lines << "\n";
  }
  return lines.str();
}

bool Accused(const std::vector<v1::FairnessMonitor>& monitors) {
  return std::any_of(monitors.begin(), monitors.end(), [](const auto& one) {
    return one.verdict() == v1::FAIRNESS_VERDICT_VIOLATION;
  });
}

}  // namespace

absl::Status DemoTour::Fairness() {
  Title("A model that begins to pass older customers over");
  CONSENTRY_ASSIGN_OR_RETURN(const System staff,
                             System::Connect(options_, kDemoOfficer));
  CONSENTRY_ASSIGN_OR_RETURN(const System engine,
                             System::Connect(options_, kDemoEngine));
  CONSENTRY_ASSIGN_OR_RETURN(const auto customers,
                             CustomersOf(options_.folder));
  {
    grpc::ClientContext call;
    v1::PutFairnessProfileRequest put;
    put.mutable_profile()->set_text(kProfile);
    v1::FairnessProfile profile;
    const grpc::Status status = v1::ScreeningService::NewStub(staff.channel())
                                    ->PutFairnessProfile(&call, put, &profile);
    if (!status.ok()) return FromRpc(status);
    Say("first",
        absl::StrCat("the officer has vouchers watched by age and country: ",
                     profile.streams(),
                     " comparisons; the share of a group that gets one, over "
                     "that of the other, is to stay from 0.8 to 1.25"));
  }
  Say("sends", absl::StrCat("version 1: one in two of ", customers.size(),
                            " customers, whoever they are"));
  CONSENTRY_RETURN_IF_ERROR(Campaign(
      engine, customers, "1", [](size_t, const Customer&) { return 0.5; }));
  CONSENTRY_ASSIGN_OR_RETURN(auto monitors, MonitorsOf(staff, "1"));
  Print(Lines(monitors));
  if (monitors.empty() || Accused(monitors)) {
    return Unexpected("a fair model was to stay unaccused");
  }
  const bool little =
      std::any_of(monitors.begin(), monitors.end(), [](const auto& one) {
        return one.group() == "at" &&
               one.verdict() == v1::FAIRNESS_VERDICT_INSUFFICIENT;
      });
  if (!little) return Unexpected("a small group was to be called insufficient");
  Say("then", "version 2: alike at first, then mostly to the younger");
  CONSENTRY_RETURN_IF_ERROR(
      Campaign(engine, customers, "2", [&](size_t i, const Customer& who) {
        if (i < customers.size() / 8) return 0.5;
        return who.old ? 0.05 : 0.8;
      }));
  CONSENTRY_ASSIGN_OR_RETURN(monitors, MonitorsOf(staff, "2"));
  Print(Lines(monitors));
  if (!Accused(monitors)) {
    return Unexpected("a model that drifts was to be found");
  }
  Say("sends", "the next page of version 2");
  grpc::ClientContext call;
  v1::ScreenOutputResponse response;
  const grpc::Status status =
      v1::ScreeningService::NewStub(engine.channel())
          ->ScreenOutput(
              &call,
              Page(std::string(kSampleVirginian), "2", "voucher-after", true),
              &response);
  if (!status.ok()) return FromRpc(status);
  Print(absl::StrCat(
      std::string(
          absl::StripPrefix(v1::Verdict_Name(response.verdict()), "VERDICT_")),
      " (",
      std::string(absl::StripPrefix(
          v1::VerdictClass_Name(response.verdict_class()), "VERDICT_CLASS_")),
      ")\n"));
  if (response.verdict() != v1::VERDICT_HELD ||
      response.verdict_class() != v1::VERDICT_CLASS_FAIRNESS) {
    return Unexpected("outputs of a model in violation were to be held");
  }
  Say("why",
      "the engine never saw an age: the gateway compared what it meant to "
      "send, and however often staff look, the chance that a fair model is "
      "ever accused is at most 5 %");
  return absl::OkStatus();
}

}  // namespace consentry::tools
