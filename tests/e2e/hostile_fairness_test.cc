// Profiles and outputs that nobody sends in earnest: each ends in an error that
// says why, or in "insufficient", and never in a verdict.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/test_gateway.h"

namespace consentry {
namespace {

using testing::Context;
using testing::CrmRef;
using testing::Identity;
using testing::ReasonOf;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr char kProfile[] = R"pb(
  id: "NAME"
  model: "NAME"
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
    name: "land"
    source: TEXT
    field: "profile.country"
    groups { name: "de" }
    groups { name: "at" }
    reference: "de"
  }
  metrics { kind: SELECTION_RATE }
  metrics { kind: SCORE_MEAN tolerance: 0.1 }
  metrics { kind: PRICE_MEAN }
  minimum: 5
  suppress_below: 1
)pb";

class HostileFairnessTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    gateway_ = new TestGateway();
    gateway_->Start();
    v1::Client shop = ServiceClient("shop", kService);
    shop.add_permissions("data.import");
    shop.add_permissions("data.legal_facts");
    shop.add_permissions("screening.screen");
    shop.mutable_limits()->set_calls_per_second(100'000);
    shop_ = new Identity(gateway_->Register(shop));
  }
  static void TearDownTestSuite() {
    EXPECT_TRUE(gateway_->Stop().ok());
    delete shop_;
    delete gateway_;
  }

  HostileFairnessTest()
      : outputs_(v1::ScreeningService::NewStub(gateway_->Connect(*shop_))),
        staff_(v1::ScreeningService::NewStub(
            gateway_->Connect(gateway_->Made("compliance")))) {}

  grpc::Status Put(const std::string& text) {
    v1::PutFairnessProfileRequest request;
    request.mutable_profile()->set_text(text);
    v1::FairnessProfile profile;
    return staff_->PutFairnessProfile(Context().get(), request, &profile);
  }

  void Watch(const std::string& name) {
    const grpc::Status status =
        Put(absl::StrReplaceAll(kProfile, {{"NAME", name}}));
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  // A customer of the test, who may have no date of birth.
  void Customer(const std::string& key, const std::string& born,
                const std::string& country) {
    v1::WriteRecordRequest row;
    *row.add_subjects() = CrmRef(key);
    row.set_kind("profile");
    row.set_source("crm");
    row.set_source_key(key);
    row.set_purpose(kService);
    row.mutable_legal_facts()->set_residence("DE");
    auto& values = *row.mutable_values();
    values["given_name"].set_string_value("Anna");
    if (!born.empty()) values["birth_date"].set_date_value(born);
    if (!country.empty()) values["country"].set_string_value(country);
    v1::WriteRecordResponse response;
    const grpc::Status status =
        v1::DataService::NewStub(gateway_->Connect(*shop_))
            ->WriteRecord(Context().get(), row, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  static v1::ScreenOutputRequest Of(const std::string& model,
                                    const std::string& key, bool good) {
    v1::ScreenOutputRequest request;
    *request.mutable_subject() = CrmRef(key);
    request.set_purpose(kService);
    request.set_channel(v1::CHANNEL_INTERNAL);
    v1::Output* const output = request.mutable_output();
    output->set_id(absl::StrCat(model, "-", key));
    output->set_kind(v1::OUTPUT_KIND_SEGMENT);
    output->set_model(model);
    output->set_model_version("1");
    output->set_label("garden");
    output->set_favourable(good);
    return request;
  }

  void Screen(const v1::ScreenOutputRequest& request) {
    v1::ScreenOutputResponse response;
    const grpc::Status status =
        outputs_->ScreenOutput(Context().get(), request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  std::vector<v1::FairnessMonitor> Monitors(const std::string& profile) {
    v1::ListFairnessMonitorsRequest request;
    request.set_profile_id(profile);
    v1::ListFairnessMonitorsResponse response;
    const grpc::Status status =
        staff_->ListFairnessMonitors(Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return {response.monitors().begin(), response.monitors().end()};
  }

  // Nothing but "insufficient", and no figure that is no number.
  void ExpectNothingSaid(const std::string& profile, size_t streams) {
    const auto monitors = Monitors(profile);
    EXPECT_EQ(monitors.size(), streams);
    for (const auto& monitor : monitors) {
      EXPECT_EQ(monitor.verdict(), v1::FAIRNESS_VERDICT_INSUFFICIENT)
          << monitor.DebugString();
      EXPECT_FALSE(std::isnan(monitor.lower()));
      EXPECT_FALSE(std::isnan(monitor.upper()));
      EXPECT_FALSE(std::isnan(monitor.estimate()));
      EXPECT_GE(monitor.coverage(), 0);
      EXPECT_LE(monitor.coverage(), 1);
    }
  }

  static TestGateway* gateway_;
  static Identity* shop_;
  const std::unique_ptr<v1::ScreeningService::Stub> outputs_;
  const std::unique_ptr<v1::ScreeningService::Stub> staff_;
};

TestGateway* HostileFairnessTest::gateway_ = nullptr;
Identity* HostileFairnessTest::shop_ = nullptr;

TEST_F(HostileFairnessTest, ProfilesThatMakeNoSenseAreRefusedWithTheirPlace) {
  struct Bad {
    std::string from;
    std::string to;
    // What the error names.
    std::string place;
  };
  const std::string score = "tolerance: 0.1";
  const std::string minimum = "minimum: 5";
  const std::string de = R"(groups { name: "de" })";
  std::string many;
  for (int i = 0; i < 10'000; ++i) {
    absl::StrAppend(&many, "groups{name:\"g", i, "\"}");
  }
  std::string nameless;
  for (int i = 0; i < 20'000; ++i) nameless += "groups{}";
  std::string bands;
  for (int i = 1; i < 20'000; ++i) absl::StrAppend(&bands, "bands:", i, " ");
  std::string metrics;
  for (int i = 0; i < 2'000; ++i) metrics += "metrics{kind:SELECTION_RATE}";
  std::string crossed;
  for (int i = 0; i < 1'000; ++i) {
    crossed += R"(intersections{attributes:"age" attributes:"land"})";
  }
  const std::string age = R"(name: "age")";
  const std::vector<Bad> all = {
      {score, "tolerance: nan", "metrics[1].tolerance"},
      {score, "tolerance: inf", "metrics[1].tolerance"},
      {score, "tolerance: -0.1", "metrics[1].tolerance"},
      {score, score + " lower: -inf upper: inf", "metrics[1]"},
      {score, score + " lower: nan upper: 1", "metrics[1]"},
      {score, score + " lower: 1 upper: 1", "metrics[1]"},
      {minimum, "alpha: nan", "alpha"},
      {minimum, "alpha: inf", "alpha"},
      {minimum, "alpha: 1e-300", "alpha"},
      {minimum, "traffic { units_per_day: inf }", "traffic"},
      {minimum, "traffic { units_per_day: nan }", "traffic"},
      {minimum, R"(traffic { shares { key: "age=under_45" value: nan } })",
       "traffic"},
      {"favourable { stated: true }", "favourable { score_at_least: nan }",
       "favourable.score_at_least"},
      // One group, none, and more than anybody could compare.
      {R"(groups { name: "at" })", "", "attributes[1].groups"},
      {R"(groups { name: "at" })", many, "attributes[1].groups"},
      {R"(groups { name: "at" })", nameless, "attributes[1].groups"},
      {"bands: 45", bands, "attributes[0].bands"},
      {"bands: 45", "", "attributes[0].bands"},
      {"bands: 45", "bands: -2147483648 bands: 2147483647", "attributes[0]"},
      {minimum, metrics, "metrics"},
      {minimum, crossed, "intersections"},
      {minimum, R"(intersections{attributes:"age"})", "intersections[0]"},
      {minimum, R"(intersections{attributes:"age" attributes:"age"})",
       "intersections[0]"},
      {minimum,
       R"(intersections{attributes:"age" attributes:"land"
                        attributes:"age" attributes:"land"})",
       "intersections[0]"},
      {minimum, "alpha: -0.05", "alpha"},
      {minimum, "alpha: 5e-324", "alpha"},
      {minimum, "audits { yearly_alpha: -1 }", "audits.yearly_alpha"},
      {minimum, "audits { yearly_alpha: nan }", "audits.yearly_alpha"},
      {minimum, "audits { outcome_days: 4294967295 }", "audits.outcome_days"},
      {minimum, "audits { alarm_days: 4294967295 }", "audits.alarm_days"},
      {minimum, "audits { calendar: 99 }", "audits.calendar"},
      {minimum, "unit { period: 99 }", "unit.period"},
      {minimum, "on_violation: 99", "on_violation"},
      {minimum, "minimum: 4294967295", "minimum"},
      {minimum, "suppress_below: 4294967295", "suppress_below"},
      {minimum, "pairing { hours: 4294967295 }", "pairing.hours"},
      {minimum, "alarm { pairs_between_false_alarms: 18446744073709551615 }",
       "alarm.pairs_between_false_alarms"},
      {age, R"(name: "a\001ge")", "attributes[0].name"},
      {age, R"(name: "a\nge")", "attributes[0].name"},
      {age, R"(name: "\316\261")", "attributes[0].name"},
      {"model: \"NAME\"", R"(model: "m\000x\033[2J")", "model"},
      {minimum, R"(title: "t\033[2J")", "title"},
  };
  for (const Bad& bad : all) {
    const std::string text =
        absl::StrReplaceAll(kProfile, {{"NAME", "bad"}, {bad.from, bad.to}});
    ASSERT_NE(text, absl::StrReplaceAll(kProfile, {{"NAME", "bad"}}));
    const grpc::Status status = Put(text);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT)
        << bad.to.substr(0, 80) << ": " << status.error_message();
    EXPECT_TRUE(absl::StrContains(
        absl::StrCat(status.error_message(), status.error_details()),
        bad.place))
        << bad.to.substr(0, 80) << ": " << status.error_message();
  }
  // A million groups do not fit into a text that is taken at all.
  std::string million;
  for (int i = 0; i < 1'000'000; ++i) million += "groups{}";
  const grpc::Status status = Put(absl::StrReplaceAll(
      kProfile, {{"NAME", "bad"}, {R"(groups { name: "at" })", million}}));
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_NE(status.error_code(), grpc::StatusCode::UNKNOWN);
  EXPECT_EQ(Monitors("bad").size(), 0u);
}

TEST_F(HostileFairnessTest, AuditsOfTimesThatNoCalendarHasAreRefused) {
  Watch("times");
  const int64_t most = std::numeric_limits<int64_t>::max();
  const int64_t last = 253402300799;
  struct Times {
    int64_t from = 0;
    int64_t to = 0;
    int32_t nanos = 0;
  };
  for (const bool ahead : {false, true}) {
    for (const Times& times :
         {Times{0, last}, Times{last, last}, Times{-62135596800, last},
          Times{-62135596800, -62135596799}, Times{most, most},
          Times{-most, most}, Times{0, most / 1'000'000, 999'999'999},
          Times{0, 1, -1}, Times{0, 1, 2'000'000'000}}) {
      v1::RunFairnessAuditRequest request;
      request.set_profile_id("times");
      request.set_confirmatory(ahead);
      request.mutable_from_time()->set_seconds(times.from);
      request.mutable_to_time()->set_seconds(times.to);
      request.mutable_to_time()->set_nanos(times.nanos);
      v1::FairnessReport report;
      const grpc::Status status =
          staff_->RunFairnessAudit(Context().get(), request, &report);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT)
          << times.from << " to " << times.to << ": " << status.error_message();
    }
  }
}

TEST_F(HostileFairnessTest, AuditsBeyondTheBoundAreRefusedWithAnEntry) {
  Watch("many");
  v1::RunFairnessAuditRequest request;
  request.set_profile_id("many");
  request.set_confirmatory(true);
  request.mutable_to_time()->set_seconds(
      std::chrono::duration_cast<std::chrono::seconds>(
          std::chrono::system_clock::now().time_since_epoch())
          .count() +
      30 * 86'400);
  grpc::Status status;
  int registered = 0;
  for (; registered < 20; ++registered) {
    v1::FairnessReport report;
    status = staff_->RunFairnessAudit(Context().get(), request, &report);
    if (!status.ok()) break;
  }
  EXPECT_EQ(registered, 8);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_BUDGET_EXHAUSTED);
  const auto audit = v1::AuditService::NewStub(
      gateway_->Connect(gateway_->Made("compliance")));
  v1::QueryAuditEntriesRequest query;
  query.set_event("fairness.audit");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  bool found = false;
  while (!found && std::chrono::steady_clock::now() < end) {
    v1::QueryAuditEntriesResponse entries;
    ASSERT_TRUE(
        audit->QueryAuditEntries(Context().get(), query, &entries).ok());
    for (const auto& entry : entries.entries()) {
      const auto refused = entry.details().find("refused");
      found = found || (refused != entry.details().end() &&
                        refused->second == "BUDGET_EXHAUSTED");
    }
  }
  EXPECT_TRUE(found);
}

TEST_F(HostileFairnessTest, ScoresThatAreNoNumbersAreRefusedAndNotCounted) {
  Watch("scores");
  Customer("score", "1990-01-01", "DE");
  for (const double score : {std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity()}) {
    v1::ScreenOutputRequest request = Of("scores", "score", true);
    request.mutable_output()->set_score(score);
    v1::ScreenOutputResponse response;
    const grpc::Status status =
        outputs_->ScreenOutput(Context().get(), request, &response);
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FIELD_INVALID)
        << status.error_message();
  }
  EXPECT_EQ(Monitors("scores").size(), 0u);
}

TEST_F(HostileFairnessTest, FiguresBeyondTheirRangeCountAsItsEnd) {
  Watch("ranges");
  for (int i = 0; i < 12; ++i) {
    const std::string key = absl::StrCat("range", i);
    Customer(key, i % 2 == 0 ? "1950-01-01" : "1990-01-01", "DE");
    v1::ScreenOutputRequest request = Of("ranges", key, true);
    v1::Output* const output = request.mutable_output();
    output->set_kind(v1::OUTPUT_KIND_PRICE);
    output->set_score(i % 2 == 0 ? std::numeric_limits<double>::max()
                                 : std::numeric_limits<double>::lowest());
    output->mutable_price()->set_currency("EUR");
    output->mutable_price()->set_minor_units(i % 3 == 0 ? 1'000'000'000'000
                                                        : 0);
    output->mutable_base_price()->set_currency("EUR");
    output->mutable_base_price()->set_minor_units(i % 4 == 0 ? 0 : 1);
    Screen(request);
  }
  const auto monitors = Monitors("ranges");
  ASSERT_EQ(monitors.size(), 6u);
  for (const auto& monitor : monitors) {
    EXPECT_FALSE(std::isnan(monitor.lower())) << monitor.DebugString();
    EXPECT_FALSE(std::isnan(monitor.upper())) << monitor.DebugString();
    EXPECT_FALSE(std::isnan(monitor.estimate())) << monitor.DebugString();
    EXPECT_TRUE(std::isfinite(monitor.lower())) << monitor.DebugString();
  }
}

TEST_F(HostileFairnessTest, OneGroupAloneIsInsufficient) {
  Watch("alone");
  for (int i = 0; i < 40; ++i) {
    const std::string key = absl::StrCat("alone", i);
    Customer(key, "1950-01-01", "AT");
    Screen(Of("alone", key, i % 2 == 0));
  }
  ExpectNothingSaid("alone", 6);
}

TEST_F(HostileFairnessTest, PeopleOfWhomNothingIsKnownAreInsufficient) {
  Watch("unknown");
  for (int i = 0; i < 40; ++i) {
    const std::string key = absl::StrCat("unknown", i);
    Customer(key, "", "");
    Screen(Of("unknown", key, i % 2 == 0));
  }
  ExpectNothingSaid("unknown", 6);
  for (const auto& monitor : Monitors("unknown")) {
    EXPECT_EQ(monitor.coverage(), 0);
    EXPECT_EQ(monitor.group_count(), 0);
  }
}

TEST_F(HostileFairnessTest, GroupsThatNobodyNamedAreCountedTogetherAsOther) {
  Watch("lands");
  // Each from another country.
  const std::vector<std::string> lands = {
      "AF", "AL", "DZ", "AR", "AU", "BE", "BR", "BG", "CA", "CL", "CN", "CO",
      "HR", "CU", "CZ", "DK", "EG", "EE", "FI", "FR", "GR", "HU", "IS", "IN"};
  for (const std::string& land : lands) {
    Customer("land" + land, "", land);
    Screen(Of("lands", "land" + land, false));
  }
  ExpectNothingSaid("lands", 6);
  for (const auto& monitor : Monitors("lands")) {
    EXPECT_EQ(monitor.group_count() + monitor.reference_count(), 0);
    // Of nobody the age is known; where the land is, no group may be counted.
    EXPECT_EQ(monitor.has_coverage(), monitor.attribute() != "land");
    EXPECT_EQ(monitor.coverage(), 0);
  }
}

}  // namespace
}  // namespace consentry
