// Seven customers of one business in California, each under the law of her
// place: Germany, France, California, Quebec, Brazil, India, the United
// Kingdom. Each exercises every right that her law gives and has it done, in
// her language where letters are written in it, and is refused, with the laws
// that were asked, what it does not give.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "consentry/v1/data_service.grpc.pb.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "gateway/base/clock.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/test_gateway.h"

namespace consentry {
namespace {

using testing::Context;
using testing::CrmRef;
using testing::Identity;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr char kReporting[] = "analytics.reporting";
// Certificates that hold in the middle of 2027 too.
constexpr int kDays = 380;
constexpr char kDigest[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

// Opt-outs are taken from everybody, whatever the law: they are done at once
// and stand in no law's column.
constexpr v1::RightsKind kByLaw[] = {
    v1::RIGHTS_KIND_ACCESS,        v1::RIGHTS_KIND_PORTABILITY,
    v1::RIGHTS_KIND_RECTIFICATION, v1::RIGHTS_KIND_OBJECTION,
    v1::RIGHTS_KIND_HUMAN_REVIEW,  v1::RIGHTS_KIND_EXPLANATION,
    v1::RIGHTS_KIND_COMPLAINT,     v1::RIGHTS_KIND_RESTRICTION,
    v1::RIGHTS_KIND_ERASURE,
};
constexpr v1::RightsKind kOptOuts[] = {
    v1::RIGHTS_KIND_OPT_OUT_OF_SALE,
    v1::RIGHTS_KIND_LIMIT_SENSITIVE,
    v1::RIGHTS_KIND_OPT_OUT_OF_PROFILING,
};

struct Person {
  const char* name;
  // CustomerId of the sample.
  const char* number;
  const char* residence;
  // Of her profile; and of the letter.
  const char* language;
  const char* greeting;
  // The law that gives the right, first in a list where several do.
  const char* regime;
  // Of kByLaw, those that her law does not give.
  std::set<v1::RightsKind> without;
};

const std::vector<Person>& People() {
  static const auto* const people = new std::vector<Person>{
      {"Germany",
       "2",
       "DE",
       "de",
       "Guten Tag,",
       "eu-gdpr",
       {v1::RIGHTS_KIND_COMPLAINT}},
      {"France",
       "39",
       "FR",
       "fr",
       "Madame, Monsieur,",
       "eu-gdpr",
       {v1::RIGHTS_KIND_COMPLAINT}},
      {"California",
       "16",
       "US-CA",
       "en-US",
       "Dear customer,",
       "us-ca",
       {v1::RIGHTS_KIND_COMPLAINT, v1::RIGHTS_KIND_RESTRICTION}},
      {"Quebec",
       "3",
       "CA-QC",
       "fr-CA",
       "Madame, Monsieur,",
       "ca-qc",
       {v1::RIGHTS_KIND_RESTRICTION}},
      {"Brazil",
       "1",
       "BR",
       "pt-BR",
       "Dear customer,",
       "br-lgpd",
       {v1::RIGHTS_KIND_COMPLAINT}},
      {"India",
       "58",
       "IN",
       "en",
       "Dear customer,",
       "in-dpdp",
       {v1::RIGHTS_KIND_PORTABILITY, v1::RIGHTS_KIND_HUMAN_REVIEW,
        v1::RIGHTS_KIND_EXPLANATION, v1::RIGHTS_KIND_RESTRICTION}},
      {"United Kingdom", "52", "GB", "en-GB", "Dear customer,", "uk-gdpr", {}},
  };
  return *people;
}

// Fields of one line of RFC 4180, quotes taken off.
std::vector<std::string> FieldsOf(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back().push_back(c);
    }
  }
  return fields;
}

// The middle of 2027, by when the laws of all seven are in force as the packs
// have them (India: May 2027; decisions in California: January 2027).
class LaterClock final : public base::Clock {
 public:
  int64_t NowUs() const override { return System()->NowUs() + ahead_us_; }
  int64_t MonotonicUs() const override { return System()->MonotonicUs(); }

 private:
  static constexpr int64_t kStartUs = 1'813'053'600'000'000;  // 2027-06-15.
  const int64_t ahead_us_ = std::max<int64_t>(0, kStartUs - System()->NowUs());
};

class SevenTest : public ::testing::TestWithParam<size_t> {
 protected:
  using Stub = v1::RightsService::Stub;

  SevenTest()
      : gateway_([](server::InitialiseOptions* options) {
          options->home = "US-CA";
          options->markets = {"DE", "FR", "US-CA", "CA-QC", "BR", "IN", "GB"};
          options->thresholds = {"us-ca.business"};
        }) {}

  void SetUp() override {
    const char* root = std::getenv("CONSENTRY_SHARED_DATA");
    std::ifstream csv((root != nullptr ? std::string(root)
                                       : std::string(CONSENTRY_SOURCE_DIR) +
                                             "/../shared/data") +
                      "/chinook-customers.csv");
    if (!csv) GTEST_SKIP() << "no shared data beside the project";
    std::string line;
    while (std::getline(csv, line)) {
      auto fields = FieldsOf(line);
      if (fields[0] == person_.number) row_ = std::move(fields);
    }
    ASSERT_EQ(row_.size(), 13u);
    // Registered while the gateway is new: later each needs a second person.
    gateway_.Start();
    v1::Client shop = ServiceClient("shop", kService);
    shop.add_permissions("data.legal_facts");
    shop.set_country(Country());
    shop_ = gateway_.Register(shop, kDays);
    v1::Client reports = ServiceClient("reports", kReporting);
    reports.set_country(Country());
    reports_ = gateway_.Register(reports, kDays);
    v1::Client dpo;
    dpo.set_id("dpo");
    dpo.set_title("Data protection officer");
    dpo.set_role(v1::ROLE_DPO);
    const Identity officer = gateway_.Register(dpo, kDays);
    ASSERT_TRUE(gateway_.Stop().ok());
    gateway_.Start({.dev = false,
                    .address = "127.0.0.1:0",
                    .log = false,
                    .clock = &clock_});
    staff_ = v1::RightsService::NewStub(
        gateway_.Connect(gateway_.Made("compliance")));
    dpo_ = v1::RightsService::NewStub(gateway_.Connect(officer));
    Write();
  }

  // Each is served where she lives: transfers are shown elsewhere.
  std::string Country() const {
    return std::string(person_.residence).substr(0, 2);
  }

  void Write() {
    v1::WriteRecordRequest request;
    *request.add_subjects() = CrmRef(person_.number);
    request.set_purpose(kService);
    request.set_source("crm");
    request.set_kind("profile");
    request.set_source_key(person_.number);
    auto& values = *request.mutable_values();
    values["given_name"].set_string_value(row_[1]);
    values["family_name"].set_string_value(row_[2]);
    values["street"].set_string_value(row_[4]);
    values["city"].set_string_value(row_[5]);
    values["postal_code"].set_string_value(row_[8]);
    values["email"].set_string_value(row_[11]);
    values["language"].set_string_value(person_.language);
    request.mutable_legal_facts()->set_residence(person_.residence);
    v1::WriteRecordResponse response;
    const grpc::Status status =
        v1::DataService::NewStub(gateway_.Connect(shop_))
            ->WriteRecord(Context().get(), request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  // What a system is told; empty: nothing.
  std::string Read(const Identity& identity, const std::string& purpose,
                   const std::string& field) {
    v1::ReadSubjectRequest request;
    *request.mutable_subject() = CrmRef(person_.number);
    request.set_purpose(purpose);
    request.add_fields(field);
    request.set_channel(v1::CHANNEL_INTERNAL);
    v1::ReadSubjectResponse response;
    const grpc::Status status =
        v1::DataService::NewStub(gateway_.Connect(identity))
            ->ReadSubject(Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.fields_size() == 0
               ? ""
               : response.fields(0).value().string_value();
  }
  std::string City() { return Read(shop_, kService, "profile.city"); }

  v1::RightsCase Submit(v1::RightsKind kind) {
    v1::SubmitRightsCaseRequest request;
    *request.mutable_subject() = CrmRef(person_.number);
    request.set_kind(kind);
    request.set_channel(v1::CHANNEL_POST);
    request.set_statement("As the law gives it to me");
    request.mutable_context()->set_acting_person("p1");
    if (kind == v1::RIGHTS_KIND_RECTIFICATION) {
      (*request.mutable_corrections())["profile.city"].set_string_value(
          "Elsewhere");
    }
    v1::RightsCase answer;
    const grpc::Status status =
        staff_->SubmitRightsCase(Context().get(), request, &answer);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return answer;
  }

  template <class Request, class Method>
  v1::RightsCase Step(Stub* stub, Method method, const v1::RightsCase& on,
                      const std::string& person, Request request) {
    request.set_id(on.id());
    request.set_etag(on.etag());
    request.mutable_context()->set_acting_person(person);
    v1::RightsCase answer;
    const grpc::Status status =
        (stub->*method)(Context().get(), request, &answer);
    EXPECT_TRUE(status.ok())
        << v1::RightsKind_Name(on.kind()) << ": " << status.error_message();
    return answer;
  }
  v1::RightsCase Verify(const v1::RightsCase& on) {
    v1::VerifyRightsCaseRequest request;
    request.set_level(v1::VERIFICATION_LEVEL_REASONABLY_HIGH);
    request.set_evidence_digest(kDigest);
    return Step(staff_.get(), &Stub::VerifyRightsCase, on, "p1", request);
  }
  v1::RightsCase Approve(const v1::RightsCase& on) {
    return Step(dpo_.get(), &Stub::ApproveRightsCase, on, "p2",
                v1::ApproveRightsCaseRequest());
  }
  v1::RightsCase Complete(const v1::RightsCase& on) {
    return Step(staff_.get(), &Stub::CompleteRightsCase, on, "p1",
                v1::CompleteRightsCaseRequest());
  }

  std::string Download(const std::string& id, v1::ReportFormat format) {
    v1::DownloadReportRequest request;
    request.set_id(id);
    request.set_format(format);
    const auto context = Context();
    const auto reader = staff_->DownloadReport(context.get(), request);
    std::string bytes;
    v1::DownloadReportResponse piece;
    while (reader->Read(&piece)) bytes += piece.data();
    const grpc::Status status = reader->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return bytes;
  }
  void ExpectLetter(const v1::RightsCase& answered, const std::string& part) {
    const std::string letter =
        Download(answered.id(), v1::REPORT_FORMAT_LETTER);
    EXPECT_NE(letter.find(person_.greeting), std::string::npos) << letter;
    EXPECT_NE(letter.find(part), std::string::npos) << letter;
    EXPECT_EQ(letter.find(row_[11]), std::string::npos) << letter;
  }

  // Has a right of hers done, and sees what it does.
  void Exercise(v1::RightsKind kind) {
    const std::string before =
        Read(reports_, kReporting, "profile.postal_code");
    v1::RightsCase now = Submit(kind);
    std::set<std::string> regimes;
    for (const auto& clock : now.clocks()) regimes.insert(clock.regime());
    EXPECT_TRUE(regimes.contains(person_.regime));
    EXPECT_GT(now.due_time().seconds(), 0);
    if (now.state() == v1::RIGHTS_STATE_VERIFYING) now = Verify(now);
    switch (kind) {
      case v1::RIGHTS_KIND_RESTRICTION:
        EXPECT_EQ(now.state(), v1::RIGHTS_STATE_COMPLETED);
        EXPECT_EQ(City(), "");
        break;
      case v1::RIGHTS_KIND_ERASURE:
        EXPECT_EQ(now.state(), v1::RIGHTS_STATE_APPROVING);
        now = Approve(now);
        EXPECT_EQ(now.state(), v1::RIGHTS_STATE_WAITING);
        EXPECT_EQ(City(), "");
        return;
      case v1::RIGHTS_KIND_RECTIFICATION:
        now = Complete(Approve(now));
        EXPECT_EQ(City(), "Elsewhere");
        break;
      case v1::RIGHTS_KIND_OBJECTION:
        now = Complete(now);
        // Where it reaches beyond marketing.
        if (std::string(person_.regime).ends_with("-gdpr")) {
          EXPECT_NE(before, "");
          EXPECT_EQ(Read(reports_, kReporting, "profile.postal_code"), "");
        }
        break;
      default:
        now = Complete(now);
    }
    EXPECT_EQ(now.state(), v1::RIGHTS_STATE_COMPLETED)
        << v1::RightsState_Name(now.state());
    ExpectLetter(now, now.id());
    if (kind == v1::RIGHTS_KIND_ACCESS || kind == v1::RIGHTS_KIND_PORTABILITY) {
      EXPECT_NE(Download(now.id(), v1::REPORT_FORMAT_JSON).find(row_[2]),
                std::string::npos);
    }
  }

  // Is told at once that no law gives it, and which were asked.
  void BeRefused(v1::RightsKind kind) {
    const std::string before = City();
    const v1::RightsCase now = Submit(kind);
    EXPECT_EQ(now.clocks_size(), 0);
    EXPECT_EQ(now.state(), v1::RIGHTS_STATE_REFUSED)
        << v1::RightsState_Name(now.state());
    ASSERT_EQ(now.outcomes_size(), 1);
    EXPECT_EQ(now.outcomes(0).disposition(), v1::RIGHTS_DISPOSITION_REFUSED);
    EXPECT_NE(now.outcomes(0).ground(), "");
    EXPECT_NE(now.outcomes(0).document().find(person_.regime),
              std::string::npos)
        << now.outcomes(0).document();
    ExpectLetter(now, person_.regime);
    EXPECT_EQ(City(), before);
  }

  const Person& person_ = People()[GetParam()];
  std::vector<std::string> row_;
  const LaterClock clock_;
  TestGateway gateway_;
  Identity shop_;
  Identity reports_;
  std::unique_ptr<Stub> staff_;
  std::unique_ptr<Stub> dpo_;
};

TEST_P(SevenTest, EveryRightOfHersIsDoneAndNoOther) {
  EXPECT_EQ(City(), row_[5]);
  for (const v1::RightsKind kind : kOptOuts) {
    SCOPED_TRACE(v1::RightsKind_Name(kind));
    const v1::RightsCase done = Submit(kind);
    EXPECT_EQ(done.state(), v1::RIGHTS_STATE_COMPLETED);
    ExpectLetter(done, done.id());
  }
  for (const v1::RightsKind kind : kByLaw) {
    SCOPED_TRACE(v1::RightsKind_Name(kind));
    if (person_.without.contains(kind)) {
      BeRefused(kind);
    } else {
      Exercise(kind);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(OfPlaces, SevenTest,
                         ::testing::Range(size_t{0}, size_t{7}),
                         [](const ::testing::TestParamInfo<size_t>& place) {
                           std::string name = People()[place.param].name;
                           std::erase(name, ' ');
                           return name;
                         });

}  // namespace
}  // namespace consentry
