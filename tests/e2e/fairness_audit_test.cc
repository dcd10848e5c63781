// An audit that a gateway makes of outputs that passed it, on public data:
// its figures are those of `consentry fairness audit` on the same rows, and
// those of a script that computes them a second time (fairness_figures.py).
#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "audit/log/note.h"
#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "gateway/clients/configuration.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/test_gateway.h"
#include "tests/testing/child_process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tools/consentry/fairness_audit.h"
#include "tools/consentry/fairness_verify.h"

namespace consentry {
namespace {

using testing::Context;
using testing::CrmRef;
using ::testing::HasSubstr;
using testing::Identity;
using ::testing::Not;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr double kSame = 1e-9;

constexpr char kKind[] = R"pb(
  kinds {
    key: "applicant"
    title: "What somebody said who applied"
    single: true
    fields {
      key: "sex"
      title: "Sex"
      type: STRING
      category: "user.demographic.gender"
      retention_months: 120
    }
    fields {
      key: "birth_date"
      title: "Date of birth"
      type: DATE
      category: "user.demographic.age_range"
      retention_months: 120
    }
    fields {
      key: "housing"
      title: "Housing"
      type: STRING
      category: "user.financial"
      retention_months: 120
    }
  }
)pb";

constexpr char kPurpose[] = R"pb(
  purposes {
    key: "fairness.check"
    purpose_class: BIAS_DETECTION
    text { language: "en" title: "Fairness" text: "To look for bias." }
    fields { field: "applicant.sex" transform: NONE why: "groups" }
    fields { field: "applicant.birth_date" transform: NONE why: "groups" }
    fields { field: "applicant.housing" transform: NONE why: "an input" }
    bases { regimes: "eu-gdpr" basis: LEGITIMATE_INTEREST lia: "lia-9" }
    channels: INTERNAL
  }
)pb";

using Row = std::map<std::string, std::string>;

struct Applicant {
  std::string sex;
  int age = 0;
  std::string housing;
  bool favourable = false;
  // Empty: no outcome is reported.
  std::string repaid;
};

std::string DataFile(const std::string& name) {
  const char* shared = std::getenv("CONSENTRY_SHARED_DATA");
  return (shared == nullptr
              ? std::string(CONSENTRY_SOURCE_DIR "/../shared/data")
              : std::string(shared)) +
         "/" + name;
}

// A day on which somebody was born who has this age, for half a year more.
std::string BornFor(int age) {
  const absl::CivilDay day =
      absl::ToCivilDay(absl::Now(), absl::UTCTimeZone()) - 180;
  return absl::FormatCivilTime(
      absl::CivilDay(day.year() - age, day.month(), day.day()));
}

class FairnessAuditTest : public ::testing::Test {
 protected:
  FairnessAuditTest()
      : gateway_([](server::InitialiseOptions* options) {
          options->home = "DE";
          options->markets = {"DE"};
        }) {
    std::ofstream(gateway_.File("catalog.txtpb"), std::ios::app) << kKind;
    std::ofstream(gateway_.File("purposes.txtpb"), std::ios::app) << kPurpose;
    gateway_.Start();
    v1::Client shop = ServiceClient("shop", kService);
    for (const char* permission : {"data.import", "data.legal_facts",
                                   "screening.screen", "screening.outcome"}) {
      shop.add_permissions(permission);
    }
    shop_ = gateway_.Register(shop);
    compliance_ = gateway_.Made("compliance");
  }

  // Every `step`-th row of a file, which is written as a file of its own too.
  bool Load(const std::string& name, size_t step,
            const std::function<Applicant(Row&)>& applicant) {
    std::ifstream file(DataFile(name));
    if (!file) return false;
    subset_ = folder_.File(name);
    std::ofstream out(subset_);
    std::string line;
    std::getline(file, line);
    out << line << "\n";
    const std::vector<std::string> names = absl::StrSplit(line, ',');
    for (size_t n = 0; std::getline(file, line); ++n) {
      if (n % step != 0) continue;
      out << line << "\n";
      const std::vector<std::string> cells = absl::StrSplit(line, ',');
      Row row;
      for (size_t i = 0; i < names.size() && i < cells.size(); ++i) {
        row[names[i]] = cells[i];
      }
      applicants_.push_back(applicant(row));
    }
    return true;
  }

  void Import() {
    const absl::Time begin = absl::Now();
    ImportAll();
    import_took_ = absl::Now() - begin;
  }

  void ImportAll() {
    const auto stub = v1::DataService::NewStub(gateway_.Connect(shop_));
    const auto context = Patient();
    const auto stream = stub->ImportRecords(context.get());
    v1::ImportRecordsRequest message;
    message.mutable_header()->set_source("crm");
    message.mutable_header()->set_purpose(kService);
    message.mutable_header()->set_label("applicants");
    ASSERT_TRUE(stream->Write(message));
    for (size_t i = 0; i < applicants_.size();) {
      message.Clear();
      for (; i < applicants_.size() && message.rows().rows_size() < 200; ++i) {
        for (const bool profile : {true, false}) {
          v1::ImportRow* row = message.mutable_rows()->add_rows();
          row->set_number(2 * i + (profile ? 1 : 2));
          row->set_kind(profile ? "profile" : "applicant");
          row->set_source_key(absl::StrCat("A", i));
          *row->add_identifiers() = CrmRef(absl::StrCat("A", i)).identifier();
          auto& values = *row->mutable_values();
          if (profile) {
            values["given_name"].set_string_value("A");
            row->mutable_legal_facts()->set_residence("DE");
          } else {
            const Applicant& one = applicants_[i];
            if (!one.sex.empty()) values["sex"].set_string_value(one.sex);
            values["birth_date"].set_date_value(BornFor(one.age));
            values["housing"].set_string_value(one.housing);
          }
        }
      }
      ASSERT_TRUE(stream->Write(message));
      v1::ImportRecordsResponse answer;
      ASSERT_TRUE(stream->Read(&answer)) << stream->Finish().error_message();
      for (const v1::ImportRowResult& result : answer.results()) {
        ASSERT_EQ(result.faults_size(), 0) << result.DebugString();
      }
    }
    stream->WritesDone();
    ASSERT_TRUE(stream->Finish().ok());
  }

  // A deadline for what takes longer than a single call.
  static std::unique_ptr<grpc::ClientContext> Patient() {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() +
                          std::chrono::minutes(4));
    return context;
  }

  std::unique_ptr<v1::ScreeningService::Stub> As(const Identity& identity) {
    return v1::ScreeningService::NewStub(gateway_.Connect(identity));
  }

  void PutProfile(const std::string& text) {
    v1::PutFairnessProfileRequest request;
    request.mutable_profile()->set_text(text);
    v1::FairnessProfile profile;
    const grpc::Status status =
        As(compliance_)->PutFairnessProfile(Context().get(), request, &profile);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  void ScreenAll(v1::OutputKind kind, const std::string& model) {
    const auto stub = As(shop_);
    for (size_t i = 0; i < applicants_.size();) {
      v1::BatchScreenOutputsRequest batch;
      v1::RecordOutcomeRequest outcomes;
      for (; i < applicants_.size() && batch.requests_size() < 256; ++i) {
        v1::ScreenOutputRequest& request = *batch.add_requests();
        *request.mutable_subject() = CrmRef(absl::StrCat("A", i));
        request.set_purpose(kService);
        request.set_channel(v1::CHANNEL_INTERNAL);
        v1::Output* output = request.mutable_output();
        output->set_id(absl::StrCat("o-", i));
        output->set_kind(kind);
        output->set_model(model);
        output->set_model_version("1");
        output->set_label(applicants_[i].favourable ? "yes" : "no");
        output->set_favourable(applicants_[i].favourable);
        if (applicants_[i].repaid.empty()) continue;
        v1::Outcome& outcome = *outcomes.add_outcomes();
        outcome.set_output(output->id());
        outcome.set_kind(v1::OUTCOME_KIND_REPAID);
        outcome.set_value(applicants_[i].repaid == "1" ? 1 : 0);
        outcome.mutable_time()->set_seconds(absl::ToUnixSeconds(absl::Now()));
      }
      v1::BatchScreenOutputsResponse answers;
      grpc::Status status =
          stub->BatchScreenOutputs(Context().get(), batch, &answers);
      ASSERT_TRUE(status.ok()) << status.error_message();
      for (const auto& answer : answers.results()) {
        ASSERT_EQ(answer.error(), v1::ERROR_REASON_UNSPECIFIED)
            << answer.DebugString();
      }
      if (outcomes.outcomes().empty()) continue;
      v1::RecordOutcomeResponse taken;
      status = stub->RecordOutcome(Context().get(), outcomes, &taken);
      ASSERT_TRUE(status.ok()) << status.error_message();
    }
  }

  v1::FairnessReport Run(const v1::RunFairnessAuditRequest& request) {
    v1::FairnessReport report;
    const grpc::Status status =
        As(compliance_)->RunFairnessAudit(Context().get(), request, &report);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return report;
  }

  v1::FairnessReport Get(const std::string& id) {
    v1::GetFairnessReportRequest request;
    request.set_id(id);
    v1::FairnessReport report;
    const grpc::Status status =
        As(compliance_)->GetFairnessReport(Context().get(), request, &report);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return report;
  }

  // Registers what decides, before there is an output.
  v1::FairnessReport Register(const std::string& profile,
                              absl::Duration window) {
    v1::RunFairnessAuditRequest request;
    request.set_profile_id(profile);
    request.set_confirmatory(true);
    end_ = absl::Now() + window;
    request.mutable_to_time()->set_seconds(absl::ToUnixSeconds(end_));
    return Run(request);
  }

  // Of outputs that come while `screen` runs.
  v1::FairnessReport Audit(const std::string& profile,
                           const std::function<void()>& screen) {
    // As long as the import took, with much to spare on a busy machine.
    const v1::FairnessReport registered =
        Register(profile, absl::Seconds(5) + 2 * import_took_);
    EXPECT_FALSE(registered.has_create_time());
    EXPECT_TRUE(registered.confirmatory());
    screen();
    EXPECT_LT(absl::Now(), end_) << "the window was too short";
    absl::SleepFor(end_ - absl::Now() + absl::Milliseconds(50));
    // Who asks for one of the past wakes whoever makes them, oldest first.
    v1::RunFairnessAuditRequest request;
    request.set_profile_id(profile);
    EXPECT_FALSE(Run(request).confirmatory());
    return Get(registered.id());
  }

  std::string Download(const std::string& id, v1::FairnessReportFormat format) {
    v1::DownloadFairnessReportRequest request;
    request.set_id(id);
    request.set_format(format);
    const auto context = Context();
    const auto stub = As(compliance_);
    const auto reader = stub->DownloadFairnessReport(context.get(), request);
    std::string file;
    v1::DownloadFairnessReportResponse piece;
    while (reader->Read(&piece)) {
      EXPECT_EQ(piece.offset(), file.size());
      file += piece.data();
    }
    const grpc::Status status = reader->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return file;
  }

  // The hash that the log has of the report.
  std::string LoggedHash(const std::string& id) {
    const auto stub = v1::AuditService::NewStub(gateway_.Connect(compliance_));
    v1::QueryAuditEntriesRequest request;
    request.set_event("system.fairness_report");
    v1::QueryAuditEntriesResponse page;
    const grpc::Status status =
        stub->QueryAuditEntries(Context().get(), request, &page);
    EXPECT_TRUE(status.ok()) << status.error_message();
    for (const auto& entry : page.entries()) {
      const auto& details = entry.details();
      const auto report = details.find("report");
      if (report == details.end() || report->second != id) continue;
      const auto hash = details.find("sha256");
      return hash == details.end() ? "" : hash->second;
    }
    return "";
  }

  // The same rows without a gateway; names of groups as the profile has them.
  v1::FairnessReport Offline(const tools::FairnessColumns& columns,
                             double alpha,
                             const std::map<std::string, std::string>& names) {
    tools::FairnessAuditOptions options;
    options.csv = subset_;
    options.columns = columns;
    options.plan.alpha = alpha;
    options.json = true;
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(tools::FairnessAudit(options, out, err), 0) << err.str();
    v1::FairnessReport report;
    EXPECT_TRUE(
        google::protobuf::util::JsonStringToMessage(out.str(), &report).ok());
    const auto named = [&names](std::string text) {
      std::vector<std::string> parts;
      for (const auto part : absl::StrSplit(text, '*')) {
        const auto found = names.find(std::string(part));
        parts.push_back(found == names.end() ? std::string(part)
                                             : found->second);
      }
      return absl::StrJoin(parts, "*");
    };
    for (auto& figure : *report.mutable_figures()) {
      figure.set_attribute(named(figure.attribute()));
      figure.set_group(named(figure.group()));
      figure.set_reference(named(figure.reference()));
    }
    return report;
  }

  using Key = std::tuple<std::string, std::string, std::string>;
  static std::map<Key, v1::FairnessFigure> ByKey(
      const v1::FairnessReport& report) {
    std::map<Key, v1::FairnessFigure> figures;
    for (const auto& figure : report.figures()) {
      figures[{figure.attribute(), figure.group(), figure.metric()}] = figure;
    }
    return figures;
  }

  static void ExpectSame(const v1::FairnessReport& ours,
                         const v1::FairnessReport& offline) {
    EXPECT_EQ(ours.count(), offline.count());
    EXPECT_EQ(ours.tests(), offline.tests());
    const auto theirs = ByKey(offline);
    const auto figures = ByKey(ours);
    EXPECT_EQ(figures.size(), theirs.size());
    for (const auto& [key, figure] : figures) {
      const std::string name = absl::StrCat(
          std::get<0>(key), " ", std::get<1>(key), " ", std::get<2>(key));
      const auto found = theirs.find(key);
      if (found == theirs.end()) {
        ADD_FAILURE() << name << " is not in the offline report";
        continue;
      }
      const v1::FairnessFigure& other = found->second;
      EXPECT_EQ(figure.count(), other.count()) << name;
      EXPECT_EQ(figure.finding(), other.finding()) << name;
      EXPECT_EQ(figure.has_value(), other.has_value()) << name;
      EXPECT_NEAR(figure.value(), other.value(), kSame) << name;
      EXPECT_NEAR(figure.lower(), other.lower(), kSame) << name;
      EXPECT_NEAR(figure.upper(), other.upper(), kSame) << name;
      // What was not declared is not tested.
      EXPECT_EQ(figure.has_p_value(),
                figure.has_tolerance_lower() && other.has_p_value())
          << name;
      if (!figure.has_p_value()) continue;
      EXPECT_NEAR(figure.p_value(), other.p_value(), kSame) << name;
    }
  }

  // Every figure of the script is one of the report. Returns how many.
  int CompareWithScript(const v1::FairnessReport& report,
                        const std::string& attribute,
                        const std::string& prediction, const std::string& label,
                        const std::string& group,
                        const std::string& reference) {
    const auto theirs = testing::RunToEnd(
        {{"python3", CONSENTRY_SOURCE_DIR "/tests/e2e/fairness_figures.py",
          subset_, prediction, label, group, reference}});
    EXPECT_EQ(theirs.code, 0) << theirs.err;
    google::protobuf::Struct script;
    EXPECT_TRUE(
        google::protobuf::util::JsonStringToMessage(theirs.out, &script).ok());
    const auto figures = ByKey(report);
    int compared = 0;
    for (const auto& [name, of_group] : script.fields()) {
      for (const auto& [metric, value] : of_group.struct_value().fields()) {
        const auto found = figures.find({attribute, name, metric});
        if (found == figures.end()) {
          ADD_FAILURE() << name << " " << metric << " is missing";
          continue;
        }
        const auto& numbers = value.list_value();
        EXPECT_NEAR(found->second.value(), numbers.values(0).number_value(),
                    kSame)
            << name << " " << metric;
        EXPECT_NEAR(found->second.lower(), numbers.values(1).number_value(),
                    kSame)
            << name << " " << metric;
        EXPECT_NEAR(found->second.upper(), numbers.values(2).number_value(),
                    kSame)
            << name << " " << metric;
        ++compared;
      }
    }
    return compared;
  }

  static bool HasPython() {
    return testing::RunToEnd({{"python3", "--version"}}).code == 0;
  }

  TestGateway gateway_;
  Identity shop_;
  Identity compliance_;
  testing::TempDir folder_;
  std::string subset_;
  std::vector<Applicant> applicants_;
  absl::Duration import_took_;
  absl::Time end_;
};

// All of the year's alpha would be 0.1; somebody who asks gets half of it, so
// that intervals cover 95 %.
constexpr char kCredit[] = R"pb(
  id: "credit"
  title: "Credit decisions"
  model: "credit"
  kinds: DECISION
  favourable { stated: true }
  purpose: "fairness.check"
  attributes {
    name: "sex"
    source: TEXT
    field: "applicant.sex"
    groups { name: "female" }
    groups { name: "male" }
    reference: "male"
  }
  attributes {
    name: "age"
    source: BIRTH_DATE
    field: "applicant.birth_date"
    bands: [ 25, 60 ]
    reference: "25_59"
  }
  intersections {
    attributes: [ "sex", "age" ]
    reference: [ "male", "25_59" ]
  }
  metrics { kind: SELECTION_RATE }
  minimum: 30
  inputs: "user.financial"
  audits {
    yearly_alpha: 0.1
    outcome: "REPAID"
    tolerances { key: "true_positive_rate" value: 0.1 }
    tolerances { key: "false_positive_rate" value: 0.1 }
    tolerances { key: "positive_predictive_value" value: 0.1 }
  }
)pb";

TEST_F(FairnessAuditTest, GermanCreditBySexAndAge) {
  if (!HasPython()) GTEST_SKIP() << "no python3";
  if (!Load("german-credit.csv", 1, [](Row& row) {
        Applicant one;
        one.sex =
            row["personal_status"] == "A92" || row["personal_status"] == "A95"
                ? "female"
                : "male";
        EXPECT_TRUE(absl::SimpleAtoi(row["age"], &one.age));
        one.housing = row["housing"];
        int months = 0;
        EXPECT_TRUE(absl::SimpleAtoi(row["month"], &months));
        // A crude model.
        one.favourable = row["status"] != "A11" && months <= 36;
        one.repaid = row["credit"];
        return one;
      })) {
    GTEST_SKIP() << "german-credit.csv is not here";
  }
  Import();
  PutProfile(kCredit);
  const v1::FairnessReport report = Audit(
      "credit", [this] { ScreenAll(v1::OUTPUT_KIND_DECISION, "credit"); });
  ASSERT_EQ(report.count(), 1000);
  EXPECT_TRUE(report.confirmatory());
  EXPECT_DOUBLE_EQ(report.alpha(), 0.05);
  EXPECT_EQ(report.subject(), "Credit decisions");

  // The prediction of the file as an expression that this program knows.
  {
    std::ifstream in(subset_);
    std::stringstream whole;
    whole << in.rdbuf();
    const std::vector<std::string> lines =
        absl::StrSplit(whole.str(), '\n', absl::SkipEmpty());
    std::ofstream out(subset_);
    out << lines[0] << ",approved,sex\n";
    for (size_t i = 1; i < lines.size(); ++i) {
      out << lines[i] << "," << (applicants_[i - 1].favourable ? 1 : 0) << ","
          << applicants_[i - 1].sex << "\n";
    }
  }
  tools::FairnessColumns columns;
  columns.prediction = "approved";
  columns.label = "credit = 1";
  columns.groups = {"sex", "age"};
  columns.bands = {"age=25,60"};
  columns.references = {"sex=male", "age=25 to 59"};
  columns.cross = true;
  ExpectSame(report, Offline(columns, 0.05,
                             {{"under 25", "under_25"},
                              {"25 to 59", "25_59"},
                              {"60 and over", "60_and_over"}}));
  EXPECT_EQ(CompareWithScript(report, "sex", "r['approved']=='1'",
                              "r['credit']=='1'", "r['sex']", "male"),
            2 * 4 + 4 * 2);
  EXPECT_GE(
      CompareWithScript(report, "age", "r['approved']=='1'", "r['credit']=='1'",
                        "'under_25' if int(r['age'])<25 else '25_59' if "
                        "int(r['age'])<60 else '60_and_over'",
                        "25_59"),
      3 * 4 + 4 * 2);

  // What housing tells, though no engine said that it was used.
  const auto housing = std::find_if(
      report.proxies().begin(), report.proxies().end(), [](const auto& proxy) {
        return proxy.input() == "applicant.housing" &&
               proxy.attribute() == "age";
      });
  ASSERT_NE(housing, report.proxies().end());
  EXPECT_GT(housing->mutual_information_bits(), 0.01);

  // Signed, and in the log.
  const std::string json =
      Download(report.id(), v1::FAIRNESS_REPORT_FORMAT_JSON);
  const std::string hash = clients::Sha256(json);
  EXPECT_EQ(report.digest(), absl::BytesToHexString(hash));
  std::string vkey = testing::ReadAll(gateway_.File("log-verifier.txt"));
  vkey.pop_back();
  const auto key = audit::NoteVerifier::FromVkey(vkey);
  ASSERT_OK(key.status());
  const auto note = audit::ParseNote(report.note());
  ASSERT_OK(note.status());
  EXPECT_EQ(audit::CheckNote(*note, {&*key, 1}), audit::NoteTrust::kVerified);
  EXPECT_THAT(note->text, HasSubstr("digest sha256:" + report.digest()));
  EXPECT_EQ(LoggedHash(report.id()), report.digest());
  // As an authority would, with the file, the note and the public key.
  const tools::FairnessVerifyOptions verify{folder_.File("report.json"),
                                            folder_.File("report.note"), vkey};
  std::ofstream(verify.file, std::ios::binary) << json;
  std::ofstream(verify.note, std::ios::binary) << report.note();
  std::ostringstream said;
  EXPECT_EQ(tools::FairnessVerify("", verify, said, said), 0) << said.str();
  std::ofstream(verify.file, std::ios::binary | std::ios::app) << " ";
  EXPECT_EQ(tools::FairnessVerify("", verify, said, said), 2);
  // Aggregates alone: nobody's number or day of birth.
  for (const std::string& file :
       {json, Download(report.id(), v1::FAIRNESS_REPORT_FORMAT_HTML)}) {
    EXPECT_THAT(file, HasSubstr("Credit decisions"));
    EXPECT_THAT(file, Not(HasSubstr(BornFor(applicants_[0].age))));
    EXPECT_THAT(file, Not(HasSubstr("cus_")));
  }

  // The same one again; a second look finds less to spend.
  EXPECT_EQ(Get(report.id()).SerializeAsString(), report.SerializeAsString());
  EXPECT_DOUBLE_EQ(Register("credit", absl::Hours(24)).alpha(), 0.025);
  v1::ListFairnessReportsResponse list;
  ASSERT_TRUE(
      As(compliance_)->ListFairnessReports(Context().get(), {}, &list).ok());
  ASSERT_EQ(list.reports_size(), 3);
  EXPECT_EQ(list.reports(2).id(), report.id());
  EXPECT_EQ(list.reports(2).figures_size(), 0);
}

constexpr char kCampaign[] = R"pb(
  id: "campaign"
  model: "campaign"
  favourable { stated: true }
  purpose: "fairness.check"
  attributes {
    name: "age"
    source: BIRTH_DATE
    field: "applicant.birth_date"
    bands: [ 30, 45, 60 ]
    reference: "30_44"
  }
  metrics { kind: SELECTION_RATE }
  minimum: 30
  audits { yearly_alpha: 0.1 }
)pb";

TEST_F(FairnessAuditTest, TheBankCampaignByBandsOfAge) {
  if (!HasPython()) GTEST_SKIP() << "no python3";
  if (!Load("bank-marketing.csv", 11, [](Row& row) {
        Applicant one;
        EXPECT_TRUE(absl::SimpleAtoi(row["age"], &one.age));
        one.housing = row["housing"];
        one.favourable = row["y"] == "yes";
        return one;
      })) {
    GTEST_SKIP() << "bank-marketing.csv is not here";
  }
  Import();
  PutProfile(kCampaign);
  const v1::FairnessReport report = Audit(
      "campaign", [this] { ScreenAll(v1::OUTPUT_KIND_SEGMENT, "campaign"); });
  ASSERT_EQ(report.count(), static_cast<int64_t>(applicants_.size()));
  tools::FairnessColumns columns;
  columns.prediction = "y";
  columns.favourable = "yes";
  columns.groups = {"age"};
  columns.bands = {"age=30,45,60"};
  columns.references = {"30 to 44"};
  ExpectSame(report, Offline(columns, 0.05,
                             {{"under 30", "under_30"},
                              {"30 to 44", "30_44"},
                              {"45 to 59", "45_59"},
                              {"60 and over", "60_and_over"}}));
  EXPECT_EQ(CompareWithScript(
                report, "age", "r['y']=='yes'", "",
                "'under_30' if int(r['age'])<30 else '30_44' if "
                "int(r['age'])<45 else '45_59' if int(r['age'])<60 else "
                "'60_and_over'",
                "30_44"),
            4 + 3 * 2);
}

}  // namespace
}  // namespace consentry
