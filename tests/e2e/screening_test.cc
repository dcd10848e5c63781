// Outputs over the wire: a campaign by phone with its outcomes, decisions that
// wait for a human, releases that are verified and revoked.
#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "audit/log/note.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "gateway/screening/release_note.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/test_gateway.h"
#include "tests/testing/child_process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry {
namespace {

using testing::Context;
using testing::CrmRef;
using testing::Identity;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr char kPhone[] = "marketing.communications.phone";
constexpr char kCredit[] = "lending.credit_decision";
constexpr int kCustomers = 400;

constexpr char kPurposes[] = R"pb(
  purposes {
    key: "marketing.communications.phone"
    purpose_class: DIRECT_MARKETING
    text { language: "en" title: "Calls" text: "To call you about offers." }
    fields { field: "profile.given_name" transform: NONE why: "to greet" }
    fields { field: "profile.phone" transform: NONE why: "to call" }
    bases {
      regimes: "eu-gdpr"
      basis: CONSENT
      notice_id: "marketing-consent"
      notice_version: 1
    }
    channels: [ PHONE, INTERNAL ]
  }
  purposes {
    key: "lending.credit_decision"
    purpose_class: SIGNIFICANT_DECISION
    text { language: "en" title: "Credit" text: "To decide on a credit." }
    fields { field: "order.total" transform: NONE why: "means" }
    bases { regimes: "eu-gdpr" basis: CONTRACT necessity_note: "n" }
    channels: [ EMAIL, INTERNAL ]
    dpia: "dpia-credit"
  }
)pb";

// A weekday at eleven in the morning in Berlin, within four days.
int64_t CallingTime() {
  absl::TimeZone berlin;
  EXPECT_TRUE(absl::LoadTimeZone("Europe/Berlin", &berlin));
  absl::CivilDay day = absl::ToCivilDay(absl::Now(), berlin) + 1;
  while (absl::GetWeekday(day) == absl::Weekday::saturday ||
         absl::GetWeekday(day) == absl::Weekday::sunday) {
    ++day;
  }
  return absl::ToUnixSeconds(
      absl::FromCivil(absl::CivilHour(day) + 11, berlin));
}

struct Called {
  std::string id;
  bool consents = false;
  bool converted = false;
};

class ScreeningTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    gateway_ = new TestGateway();
    std::ofstream(gateway_->File("purposes.txtpb"), std::ios::app) << kPurposes;
    gateway_->Start();
    v1::Client shop = ServiceClient("shop", kService);
    shop.add_permissions("data.import");
    shop.add_permissions("data.legal_facts");
    shop.add_permissions("consent.record");
    shop.add_attests(kPhone);
    shop_ = new Identity(gateway_->Register(shop));
    v1::Client dialler = ServiceClient("dialler", kPhone);
    for (const char* permission :
         {"screening.screen", "screening.fetch", "screening.outcome"}) {
      dialler.add_permissions(permission);
    }
    dialler_ = new Identity(gateway_->Register(dialler));
    v1::Client bank = ServiceClient("bank", kCredit);
    bank.add_permissions("screening.screen");
    bank.add_permissions("screening.fetch");
    bank_ = new Identity(gateway_->Register(bank));
  }
  static void TearDownTestSuite() {
    delete gateway_;
    delete shop_;
    delete dialler_;
    delete bank_;
  }

  static std::unique_ptr<v1::ScreeningService::Stub> Screening(
      const Identity& identity) {
    return v1::ScreeningService::NewStub(gateway_->Connect(identity));
  }

  static void Import(const std::vector<Called>& customers) {
    const auto stub = v1::DataService::NewStub(gateway_->Connect(*shop_));
    const auto context = Context();
    const auto stream = stub->ImportRecords(context.get());
    v1::ImportRecordsRequest message;
    message.mutable_header()->set_source("crm");
    message.mutable_header()->set_purpose(kService);
    message.mutable_header()->set_label("customers.csv");
    ASSERT_TRUE(stream->Write(message));
    for (size_t i = 0; i < customers.size();) {
      message.Clear();
      for (; i < customers.size() && message.rows().rows_size() < 256; ++i) {
        v1::ImportRow* row = message.mutable_rows()->add_rows();
        row->set_number(i + 1);
        row->set_kind("profile");
        row->set_source_key(customers[i].id);
        *row->add_identifiers() = CrmRef(customers[i].id).identifier();
        (*row->mutable_values())["given_name"].set_string_value("A");
        row->mutable_legal_facts()->set_residence("DE");
        if (!customers[i].consents) continue;
        v1::ImportedChoice* choice = row->add_choices();
        choice->set_purpose(kPhone);
        choice->set_action(v1::CONSENT_ACTION_GIVE);
        choice->mutable_capture_time()->set_seconds(
            absl::ToUnixSeconds(absl::Now()) - 3600);
        choice->set_channel(v1::CHANNEL_WEB);
        choice->mutable_notice()->set_id("marketing-consent");
        choice->mutable_notice()->set_version(1);
      }
      ASSERT_TRUE(stream->Write(message));
      v1::ImportRecordsResponse answer;
      ASSERT_TRUE(stream->Read(&answer)) << stream->Finish().error_message();
      for (const v1::ImportRowResult& result : answer.results()) {
        EXPECT_EQ(result.faults_size(), 0) << result.DebugString();
      }
    }
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
  }

  static v1::ScreenOutputRequest Call(const std::string& customer,
                                      const std::string& id) {
    v1::ScreenOutputRequest request;
    *request.mutable_subject() = CrmRef(customer);
    request.set_purpose(kPhone);
    request.set_channel(v1::CHANNEL_PHONE);
    v1::Output* output = request.mutable_output();
    output->set_id(id);
    output->set_kind(v1::OUTPUT_KIND_MESSAGE);
    output->set_model("term-deposit");
    output->set_model_version("2012.1");
    output->set_text("We would like to talk about a term deposit with you.");
    output->add_input_categories("user.contact.phone_number");
    output->mutable_deliver_time()->set_seconds(CallingTime());
    return request;
  }

  static grpc::Status Withdraw(const std::string& customer) {
    v1::WithdrawConsentRequest request;
    *request.mutable_subject() = CrmRef(customer);
    request.add_purposes(kPhone);
    v1::WithdrawConsentResponse response;
    return v1::ConsentService::NewStub(gateway_->Connect(*shop_))
        ->WithdrawConsent(Context().get(), request, &response);
  }

  static inline TestGateway* gateway_ = nullptr;
  static inline Identity* shop_ = nullptr;
  static inline Identity* dialler_ = nullptr;
  static inline Identity* bank_ = nullptr;
};

TEST_F(ScreeningTest, ACampaignByPhoneWithItsOutcomes) {
  const char* shared = std::getenv("CONSENTRY_SHARED_DATA");
  std::ifstream file(std::string(shared == nullptr ? CONSENTRY_SOURCE_DIR
                                     "/../shared/data"
                                                   : shared) +
                     "/bank-marketing.csv");
  if (!file) GTEST_SKIP() << "bank-marketing.csv is not here";
  std::string line;
  std::getline(file, line);
  const std::vector<std::string> names = absl::StrSplit(line, ',');
  std::vector<Called> customers;
  while (customers.size() < kCustomers && std::getline(file, line)) {
    const std::vector<std::string> cells = absl::StrSplit(line, ',');
    std::map<std::string, std::string> row;
    for (size_t i = 0; i < names.size() && i < cells.size(); ++i) {
      row[names[i]] = cells[i];
    }
    // Those who have a loan have never agreed to be called.
    customers.push_back(
        {row["client_id"], row["loan"] == "no", row["y"] == "yes"});
  }
  ASSERT_EQ(customers.size(), static_cast<size_t>(kCustomers));
  Import(customers);

  const auto context = Context();
  const auto stub = Screening(*dialler_);
  const auto stream = stub->StreamOutputs(context.get());
  std::map<std::string, std::string> screened;
  int released = 0;
  for (size_t i = 0; i < customers.size();) {
    v1::StreamOutputsRequest message;
    const size_t first = i;
    for (; i < customers.size() && message.requests_size() < 100; ++i) {
      *message.add_requests() =
          Call(customers[i].id, "call-" + customers[i].id);
    }
    ASSERT_TRUE(stream->Write(message));
    v1::StreamOutputsResponse answer;
    ASSERT_TRUE(stream->Read(&answer));
    ASSERT_EQ(answer.results_size(), message.requests_size());
    for (int at = 0; at < answer.results_size(); ++at) {
      const Called& customer = customers[first + static_cast<size_t>(at)];
      const v1::ScreenOutputResponse& result = answer.results(at);
      EXPECT_EQ(result.error(), v1::ERROR_REASON_UNSPECIFIED);
      EXPECT_EQ(result.verdict() == v1::VERDICT_RELEASED, customer.consents)
          << result.DebugString();
      if (!customer.consents) {
        EXPECT_EQ(result.verdict_class(), v1::VERDICT_CLASS_NOT_PERMITTED);
      } else {
        ++released;
      }
      screened[customer.id] = result.screening_id();
    }
  }
  stream->WritesDone();
  ASSERT_TRUE(stream->Finish().ok());
  EXPECT_GT(released, kCustomers / 2);

  // What became of the calls, some of it twice.
  for (int round = 0; round < 2; ++round) {
    v1::RecordOutcomeRequest request;
    for (size_t i = 0; i < 100; ++i) {
      v1::Outcome* outcome = request.add_outcomes();
      outcome->set_output(round == 0 ? "call-" + customers[i].id
                                     : screened[customers[i].id]);
      outcome->set_kind(v1::OUTCOME_KIND_CONVERTED);
      outcome->set_value(customers[i].converted ? 1 : 0);
      outcome->mutable_time()->set_seconds(1'780'000'000);
    }
    v1::RecordOutcomeResponse response;
    ASSERT_TRUE(stub->RecordOutcome(Context().get(), request, &response).ok());
    for (const int result : response.results()) EXPECT_EQ(result, 0);
  }
  v1::GetScreeningRequest get;
  get.set_id(screened[customers[0].id]);
  v1::Screening shown;
  const grpc::Status status = Screening(gateway_->Made("compliance"))
                                  ->GetScreening(Context().get(), get, &shown);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(shown.outcomes_size(), 1);
  EXPECT_EQ(shown.output().model(), "term-deposit");
  EXPECT_FALSE(shown.output().text().empty());
}

TEST_F(ScreeningTest, ASignedReleaseIsVerifiedWithoutTheGatewayAndRevoked) {
  Import({{"R1", true, false}});
  const auto stub = Screening(*dialler_);
  const v1::ScreenOutputRequest request = Call("R1", "r-1");
  v1::ScreenOutputResponse response;
  ASSERT_TRUE(stub->ScreenOutput(Context().get(), request, &response).ok());
  ASSERT_EQ(response.verdict(), v1::VERDICT_RELEASED) << response.DebugString();
  std::string vkey = testing::ReadAll(gateway_->File("release-verifier.txt"));
  vkey.pop_back();
  const auto key = audit::NoteVerifier::FromVkey(vkey);
  ASSERT_OK(key);
  EXPECT_OK(screening::CheckRelease(
      *key, response.release().note(), request.output(),
      response.release().pseudonym(), v1::CHANNEL_PHONE, CallingTime()));
  EXPECT_FALSE(
      screening::CheckRelease(*key, response.release().note(), request.output(),
                              response.release().pseudonym(), v1::CHANNEL_PHONE,
                              absl::ToUnixSeconds(absl::Now()))
          .ok());
  // Nor does it take our code: what other languages make of FORMAT.md.
  testing::TempDir dir;
  std::ofstream(dir.File("note")) << response.release().note();
  std::string json;
  ASSERT_TRUE(
      google::protobuf::util::MessageToJsonString(request.output(), &json)
          .ok());
  std::ofstream(dir.File("output.json")) << json;
  const std::string clients = CONSENTRY_SOURCE_DIR "/tests/e2e/clients";
  const auto verdict = [&](std::vector<std::string> words,
                           const std::string& pseudonym) {
    words.insert(
        words.end(),
        {vkey, dir.File("note"), dir.File("output.json"), pseudonym, "phone",
         absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                          absl::FromUnixSeconds(CallingTime()),
                          absl::UTCTimeZone())});
    const testing::Ended ended = testing::RunToEnd({.words = words});
    EXPECT_EQ(ended.code, 0) << ended.err;
    return ended.out;
  };
  for (const std::vector<std::string>& program :
       {std::vector<std::string>{"node", clients + "/node/verify_release.js"},
        {"python3", clients + "/python/verify_release.py"}}) {
    EXPECT_EQ(verdict(program, response.release().pseudonym()), "holds\n");
    EXPECT_EQ(verdict(program, "psn_other"), "the customer\n");
  }
  v1::ListRevokedReleasesRequest list;
  v1::ListRevokedReleasesResponse before;
  ASSERT_TRUE(stub->ListRevokedReleases(Context().get(), list, &before).ok());
  ASSERT_TRUE(Withdraw("R1").ok());
  list.set_page_token(before.next_page_token());
  v1::ListRevokedReleasesResponse after;
  ASSERT_TRUE(stub->ListRevokedReleases(Context().get(), list, &after).ok());
  ASSERT_EQ(after.digests_size(), 1);
  EXPECT_EQ(after.digests(0), response.release().digest());
}

TEST_F(ScreeningTest, ADecisionOnCreditWaitsForAHuman) {
  Import({{"C1", false, false}});
  v1::ScreenOutputRequest request;
  *request.mutable_subject() = CrmRef("C1");
  request.set_purpose(kCredit);
  request.set_channel(v1::CHANNEL_EMAIL);
  v1::Output* output = request.mutable_output();
  output->set_id("credit-1");
  output->set_kind(v1::OUTPUT_KIND_DECISION);
  output->set_model("credit");
  output->set_model_version("1");
  output->set_label("refused");
  output->set_explanation("Too little was ordered before.");
  v1::ScreenOutputResponse response;
  const grpc::Status status =
      Screening(*bank_)->ScreenOutput(Context().get(), request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.verdict(), v1::VERDICT_HELD) << response.DebugString();
  EXPECT_EQ(response.verdict_class(), v1::VERDICT_CLASS_SIGNIFICANT);
  v1::FetchOutputsRequest fetch;
  fetch.set_purpose(kCredit);
  fetch.set_channel(v1::CHANNEL_EMAIL);
  v1::FetchOutputsResponse page;
  ASSERT_TRUE(
      Screening(*bank_)->FetchOutputs(Context().get(), fetch, &page).ok());
  EXPECT_EQ(page.outputs_size(), 0);
}

TEST_F(ScreeningTest, HostileOutputsAreRefusedAndKillNothing) {
  Import({{"H1", true, false}});
  const auto stub = Screening(*dialler_);
  std::vector<v1::ScreenOutputRequest> hostile;
  for (int i = 0; i < 11; ++i)
    hostile.push_back(Call("H1", absl::StrCat("h", i)));
  hostile[0].mutable_output()->set_id("a/b");
  hostile[1].mutable_output()->set_score(1.0 / 0.0);
  hostile[2].mutable_output()->set_text(std::string((32 << 10) + 1, 'x'));
  hostile[3].mutable_output()->clear_kind();
  hostile[4].mutable_output()->add_evidence()->set_source("no fact");
  hostile[5].mutable_output()->mutable_deliver_time()->set_seconds(-1);
  hostile[6].set_channel(v1::CHANNEL_UNSPECIFIED);
  hostile[7].mutable_output()->mutable_price()->set_currency("eur");
  hostile[8].mutable_output()->set_score(std::nan(""));
  hostile[9].mutable_output()->mutable_price()->set_currency("EUR");
  hostile[9].mutable_output()->mutable_price()->set_minor_units(INT64_MIN);
  hostile[10].mutable_output()->mutable_deliver_time()->set_seconds(
      absl::ToUnixSeconds(absl::Now()) + 8 * 86'400);
  for (const auto& request : hostile) {
    v1::ScreenOutputResponse response;
    const grpc::Status status =
        stub->ScreenOutput(Context().get(), request, &response);
    EXPECT_EQ(status.error_code(), request.output().id() == "h2"
                                       ? grpc::StatusCode::RESOURCE_EXHAUSTED
                                       : grpc::StatusCode::INVALID_ARGUMENT)
        << request.output().id();
  }
  // Too much at once, of one or of many.
  v1::ScreenOutputRequest huge = Call("H1", "huge");
  huge.mutable_output()->set_text(std::string(10 << 20, 'x'));
  v1::ScreenOutputResponse none;
  EXPECT_EQ(stub->ScreenOutput(Context().get(), huge, &none).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  v1::BatchScreenOutputsRequest many;
  v1::BatchScreenOutputsResponse nothing;
  for (int i = 0; i < 257; ++i) {
    *many.add_requests() = Call("H1", absl::StrCat("m", i));
  }
  EXPECT_EQ(
      stub->BatchScreenOutputs(Context().get(), many, &nothing).error_code(),
      grpc::StatusCode::RESOURCE_EXHAUSTED);
  // In a batch each is a result of its own.
  v1::BatchScreenOutputsRequest batch;
  *batch.add_requests() = hostile[0];
  *batch.add_requests() = Call("H1", "good");
  v1::BatchScreenOutputsResponse results;
  const grpc::Status status =
      stub->BatchScreenOutputs(Context().get(), batch, &results);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(results.results(0).error(), v1::ERROR_REASON_FIELD_INVALID);
  ASSERT_EQ(results.results(0).faults_size(), 1);
  EXPECT_EQ(results.results(0).faults(0).field(), "output.id");
  EXPECT_EQ(results.results(1).verdict(), v1::VERDICT_RELEASED)
      << results.results(1).DebugString();
}

}  // namespace
}  // namespace consentry
