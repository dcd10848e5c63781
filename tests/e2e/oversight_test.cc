// What compliance staff learn of the whole business: records of processing,
// who and what was touched, the register of breaches.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "consentry/v1/rights_service.grpc.pb.h"
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
constexpr char kSupport[] = "essential.service.operations.support";

class OversightTest : public ::testing::Test {
 protected:
  void SetUp() override {
    gateway_.Start();
    v1::Client shop = ServiceClient("shop", kService);
    shop.set_recipient("Shop Software Inc");
    shop.add_permissions("data.legal_facts");
    shop_ = gateway_.Register(shop);
    desk_ = gateway_.Register(ServiceClient("desk", kSupport));
    audit_ = v1::AuditService::NewStub(
        gateway_.Connect(gateway_.Made("compliance")));
    for (int i = 0; i < 5; ++i) {
      Write("C" + std::to_string(i), i < 3 ? "DE" : "FR");
    }
  }

  void Write(const std::string& number, const std::string& country) {
    v1::WriteRecordRequest request;
    *request.add_subjects() = CrmRef(number);
    request.set_purpose(kService);
    request.set_source("crm");
    request.set_kind("profile");
    request.set_source_key(number);
    auto& values = *request.mutable_values();
    values["given_name"].set_string_value("Given" + number);
    values["email"].set_string_value(number + "@example.org");
    request.mutable_legal_facts()->set_residence(country);
    v1::WriteRecordResponse response;
    const grpc::Status status =
        v1::DataService::NewStub(gateway_.Connect(shop_))
            ->WriteRecord(Context().get(), request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  void Read(const Identity& identity, const std::string& purpose,
            const std::string& number, const std::string& field) {
    v1::ReadSubjectRequest request;
    *request.mutable_subject() = CrmRef(number);
    request.set_purpose(purpose);
    request.add_fields(field);
    request.set_channel(v1::CHANNEL_INTERNAL);
    v1::ReadSubjectResponse response;
    const grpc::Status status =
        v1::DataService::NewStub(gateway_.Connect(identity))
            ->ReadSubject(Context().get(), request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  v1::ListExposuresResponse Exposures(v1::ListExposuresRequest request) {
    v1::ListExposuresResponse all;
    do {
      v1::ListExposuresResponse page;
      const grpc::Status status =
          audit_->ListExposures(Context().get(), request, &page);
      EXPECT_TRUE(status.ok()) << status.error_message();
      if (!status.ok()) return all;
      if (request.page_token().empty()) {
        all = page;
      } else {
        all.mutable_exposures()->MergeFrom(page.exposures());
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return all;
  }

  TestGateway gateway_;
  Identity shop_;
  Identity desk_;
  std::unique_ptr<v1::AuditService::Stub> audit_;
};

TEST_F(OversightTest, ExposuresAreWhatTheClientReceivedAndNothingElse) {
  Read(shop_, kService, "C0", "profile.given_name");
  Read(shop_, kService, "C0", "profile.email");
  Read(shop_, kService, "C1", "profile.email");
  Read(shop_, kService, "C3", "profile.email");
  // Denied for want of a ticket.
  Read(desk_, kSupport, "C2", "profile.email");
  // Not held: neither a customer nor a release.
  Read(shop_, kService, "C99", "profile.email");

  v1::ListExposuresRequest request;
  request.set_client_id("shop");
  request.set_page_size(2);
  const v1::ListExposuresResponse all = Exposures(request);
  EXPECT_EQ(all.subject_count(), 3);
  EXPECT_EQ(all.release_count(), 4);
  EXPECT_EQ(all.erased_count(), 0);
  ASSERT_EQ(all.exposures_size(), 3);
  std::set<std::string> subjects;
  std::map<std::vector<std::string>, int> field_sets;
  std::map<std::string, int> residences;
  for (const v1::Exposure& exposure : all.exposures()) {
    subjects.insert(exposure.subject_id());
    ++field_sets[{exposure.fields().begin(), exposure.fields().end()}];
    ++residences[exposure.residence()];
  }
  EXPECT_EQ(subjects.size(), 3u);
  EXPECT_EQ((field_sets[{"profile.email", "profile.given_name"}]), 1);
  EXPECT_EQ((field_sets[{"profile.email"}]), 2);
  EXPECT_EQ(residences["DE"], 2);
  EXPECT_EQ(residences["FR"], 1);
  ASSERT_EQ(all.by_field_size(), 2);
  EXPECT_EQ(all.by_field(0).key(), "profile.email");
  EXPECT_EQ(all.by_field(0).subjects(), 3);
  ASSERT_EQ(all.by_residence_size(), 2);
  EXPECT_EQ(all.by_residence(0).key(), "DE");

  request.Clear();
  *request.add_subjects() = CrmRef("C0");
  *request.add_subjects() = CrmRef("C2");
  const v1::ListExposuresResponse named = Exposures(request);
  EXPECT_EQ(named.exposures_size(), 1);
  EXPECT_EQ(named.release_count(), 2);
}

TEST_F(OversightTest, AReportIsAnEntryAboutItsCustomers) {
  Read(shop_, kService, "C0", "profile.email");
  v1::ListExposuresRequest request;
  request.set_client_id("shop");
  ASSERT_EQ(Exposures(request).exposures_size(), 1);
  v1::QueryAuditEntriesRequest query;
  *query.mutable_subject() = CrmRef("C0");
  query.set_event("breach.exposure");
  v1::QueryAuditEntriesResponse entries;
  ASSERT_TRUE(audit_->QueryAuditEntries(Context().get(), query, &entries).ok());
  EXPECT_EQ(entries.entries_size(), 1);
}

TEST_F(OversightTest, AQuestionWithoutAnyRestrictionIsRefused) {
  v1::ListExposuresResponse response;
  const grpc::Status status = audit_->ListExposures(
      Context().get(), v1::ListExposuresRequest(), &response);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FIELD_INVALID);
  v1::ListExposuresRequest request;
  request.set_client_id("shop");
  request.set_page_token("ABCDEFGH");
  EXPECT_EQ(
      ReasonOf(audit_->ListExposures(Context().get(), request, &response)),
      v1::ERROR_REASON_PAGE_TOKEN_INVALID);
}

TEST_F(OversightTest, ServicesLearnNothingOfIt) {
  const auto stub = v1::AuditService::NewStub(gateway_.Connect(shop_));
  v1::ListExposuresRequest request;
  request.set_client_id("shop");
  v1::ListExposuresResponse response;
  EXPECT_EQ(ReasonOf(stub->ListExposures(Context().get(), request, &response)),
            v1::ERROR_REASON_PERMISSION_MISSING);
}

TEST_F(OversightTest, RecordsOfProcessingSayWhereDeclaredAndDoneDiffer) {
  Read(shop_, kService, "C0", "profile.email");
  Read(shop_, kService, "C1", "profile.email");
  Read(shop_, kService, "C1", "profile.email");
  v1::ProcessingRecord record;
  const grpc::Status status = audit_->GetProcessingRecord(
      Context().get(), v1::GetProcessingRecordRequest(), &record);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_FALSE(record.bundle_hash().empty());
  EXPECT_GT(record.security_size(), 0);
  std::map<std::string, v1::ProcessingActivity> activities;
  for (const auto& activity : record.activities()) {
    activities[activity.purpose()] = activity;
  }
  const v1::ProcessingActivity& service = activities[kService];
  EXPECT_EQ(service.subjects(), 2);
  EXPECT_EQ(service.releases(), 3);
  ASSERT_EQ(service.used_categories_size(), 1);
  EXPECT_EQ(service.used_categories(0), "user.contact.email");
  ASSERT_EQ(service.actual_recipients_size(), 1);
  EXPECT_EQ(service.actual_recipients(0), "Shop Software Inc");
  std::string differences;
  for (const std::string& text : service.differences()) {
    differences += text + "\n";
  }
  EXPECT_NE(differences.find("never released"), std::string::npos);
  EXPECT_NE(
      differences.find("Shop Software Inc received and is not a declared"),
      std::string::npos)
      << differences;
  const v1::ProcessingActivity& support = activities[kSupport];
  EXPECT_EQ(support.subjects(), 0);
  ASSERT_EQ(support.differences_size(), 1);
  EXPECT_EQ(support.differences(0),
            "declared, and nothing was released for it");
}

TEST_F(OversightTest, ABreachHasItsClockAndKeepsItsVersions) {
  v1::CreateBreachRequest request;
  request.mutable_breach()->mutable_aware_time()->set_seconds(1'780'000'000);
  request.mutable_breach()->set_nature("a lost laptop");
  request.mutable_breach()->add_regimes("eu-gdpr");
  v1::Breach breach;
  grpc::Status status = audit_->CreateBreach(Context().get(), request, &breach);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(breach.id().rfind("brc_", 0), 0u);
  EXPECT_EQ(breach.version(), 1u);
  EXPECT_EQ(breach.authority_due_time().seconds(), 1'780'000'000 + 72 * 3600);

  v1::UpdateBreachRequest update;
  *update.mutable_breach() = breach;
  update.mutable_breach()->set_measures("key revoked");
  v1::Breach changed;
  status = audit_->UpdateBreach(Context().get(), update, &changed);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(changed.version(), 2u);
  EXPECT_EQ(changed.nature(), "a lost laptop");
  // Somebody else's copy is out of date by now.
  EXPECT_EQ(ReasonOf(audit_->UpdateBreach(Context().get(), update, &changed)),
            v1::ERROR_REASON_ETAG_MISMATCH);

  v1::ListBreachesResponse list;
  ASSERT_TRUE(
      audit_->ListBreaches(Context().get(), v1::ListBreachesRequest(), &list)
          .ok());
  ASSERT_EQ(list.breaches_size(), 1);
  EXPECT_EQ(list.breaches(0).measures(), "key revoked");

  v1::QueryAuditEntriesRequest query;
  query.set_event("breach.");
  v1::QueryAuditEntriesResponse entries;
  ASSERT_TRUE(audit_->QueryAuditEntries(Context().get(), query, &entries).ok());
  std::set<std::string> digests;
  for (const auto& entry : entries.entries()) {
    EXPECT_EQ(entry.DebugString().find("laptop"), std::string::npos);
    const auto digest = entry.details().find("digest");
    if (digest != entry.details().end()) digests.insert(digest->second);
  }
  EXPECT_EQ(digests.size(), 2u);
}

// Each regime counts by itself: hours go on over a weekend, business days pass
// over the holidays of the place whose law it is (21 April is one in Brazil).
TEST_F(OversightTest, EachRegimeOfABreachHasItsOwnClock) {
  constexpr int64_t kMondayNoon = 1'776'686'400;  // 2026-04-20.
  constexpr int64_t kFridayNoon = kMondayNoon + 4 * 86'400;
  constexpr int64_t kDay = 86'400;
  v1::CreateBreachRequest request;
  request.mutable_breach()->mutable_aware_time()->set_seconds(kMondayNoon);
  for (const char* regime : {"br-lgpd", "eu-gdpr", "in-dpdp", "us-ca"}) {
    request.mutable_breach()->add_regimes(regime);
  }
  const auto clocks = [&] {
    v1::Breach breach;
    const grpc::Status status =
        audit_->CreateBreach(Context().get(), request, &breach);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::map<std::string, v1::BreachClock> found;
    for (const auto& clock : breach.clocks()) found[clock.regime()] = clock;
    return found;
  };
  auto found = clocks();
  // Wednesday, Thursday, Friday: its last second.
  EXPECT_EQ(found["br-lgpd"].authority_due_time().seconds(),
            kMondayNoon - kDay / 2 + 5 * kDay - 1);
  EXPECT_EQ(found["eu-gdpr"].authority_due_time().seconds(),
            kMondayNoon + 3 * kDay);
  // Not in force then; and no time in the law.
  EXPECT_FALSE(found["in-dpdp"].has_authority_due_time());
  EXPECT_FALSE(found["us-ca"].has_authority_due_time());
  request.mutable_breach()->mutable_aware_time()->set_seconds(kFridayNoon);
  found = clocks();
  EXPECT_EQ(found["eu-gdpr"].authority_due_time().seconds(),
            kFridayNoon + 3 * kDay);
  // Monday, Tuesday, Wednesday.
  EXPECT_EQ(found["br-lgpd"].authority_due_time().seconds(),
            kFridayNoon - kDay / 2 + 6 * kDay - 1);
}

TEST_F(OversightTest, ABreachOutlivesARestartAndARepeatedCallIsOne) {
  v1::CreateBreachRequest request;
  request.mutable_breach()->mutable_aware_time()->set_seconds(1'780'000'000);
  request.set_request_id("4a5bd6cf-bd2c-4f6e-8b54-0e0fae0b5b0f");
  v1::Breach first, again;
  ASSERT_TRUE(audit_->CreateBreach(Context().get(), request, &first).ok());
  ASSERT_TRUE(audit_->CreateBreach(Context().get(), request, &again).ok());
  EXPECT_EQ(first.id(), again.id());
  ASSERT_TRUE(gateway_.Stop().ok());
  gateway_.Start();
  audit_ =
      v1::AuditService::NewStub(gateway_.Connect(gateway_.Made("compliance")));
  v1::ListBreachesResponse list;
  ASSERT_TRUE(
      audit_->ListBreaches(Context().get(), v1::ListBreachesRequest(), &list)
          .ok());
  EXPECT_EQ(list.breaches_size(), 1);
}

TEST_F(OversightTest, WhatABreachMustNotSayIsRefused) {
  v1::Breach breach;
  v1::CreateBreachRequest request;
  EXPECT_EQ(ReasonOf(audit_->CreateBreach(Context().get(), request, &breach)),
            v1::ERROR_REASON_FIELD_INVALID);
  request.mutable_breach()->mutable_aware_time()->set_seconds(4'000'000'000);
  EXPECT_EQ(ReasonOf(audit_->CreateBreach(Context().get(), request, &breach)),
            v1::ERROR_REASON_FIELD_INVALID);
  request.mutable_breach()->mutable_aware_time()->set_seconds(1'780'000'000);
  request.mutable_breach()->add_regimes("atlantis");
  EXPECT_EQ(ReasonOf(audit_->CreateBreach(Context().get(), request, &breach)),
            v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(OversightTest, ACustomerIsToldWhatIsHeldWhatForAndWhoConsultedIt) {
  Read(shop_, kService, "C0", "profile.email");
  Read(desk_, kSupport, "C0", "profile.email");
  const auto stub =
      v1::RightsService::NewStub(gateway_.Connect(gateway_.Made("compliance")));
  v1::GetTransparencyViewRequest request;
  *request.mutable_subject() = CrmRef("C0");
  request.set_language("de");
  v1::TransparencyView view;
  const grpc::Status status =
      stub->GetTransparencyView(Context().get(), request, &view);
  ASSERT_TRUE(status.ok()) << status.error_message();

  std::set<std::string> held;
  for (const auto& field : view.held()) {
    held.insert(field.field());
    EXPECT_EQ(field.sources(0), "crm");
    EXPECT_FALSE(field.category().empty());
    EXPECT_GT(field.delete_time().seconds(), field.collect_time().seconds());
  }
  EXPECT_EQ(held,
            (std::set<std::string>{"profile.email", "profile.given_name"}));

  std::map<std::string, v1::PurposeUse> uses;
  for (const auto& use : view.purposes()) uses[use.purpose()] = use;
  EXPECT_TRUE(uses[kService].active());
  EXPECT_FALSE(uses[kService].text().empty());
  ASSERT_GE(uses[kService].bases_size(), 1);
  EXPECT_EQ(uses[kService].bases(0).regime(), "eu-gdpr");
  EXPECT_NE(std::find(uses[kService].recipients().begin(),
                      uses[kService].recipients().end(), "Shop Software Inc"),
            uses[kService].recipients().end());
  // No consent: not now, and she still learns of it.
  EXPECT_FALSE(uses["marketing.communications.email"].active());
  EXPECT_GE(uses["marketing.communications.email"].bases_size(), 1);

  ASSERT_EQ(view.consultations_size(), 2);
  // Newest first: the help desk was refused for want of a ticket.
  EXPECT_EQ(view.consultations(0).fields_size(), 0);
  EXPECT_EQ(view.consultations(0).reason(), v1::ERROR_REASON_CONTEXT_NOT_FOUND);
  EXPECT_EQ(view.consultations(1).recipient(), "Shop Software Inc");
  ASSERT_EQ(view.consultations(1).fields_size(), 1);
  EXPECT_EQ(view.consultations(1).fields(0), "profile.email");
  // No value of hers.
  EXPECT_EQ(view.DebugString().find("C0@example.org"), std::string::npos);
  EXPECT_EQ(view.DebugString().find("GivenC0"), std::string::npos);
}

TEST_F(OversightTest, OfAStrangerNothingIsHeld) {
  const auto stub =
      v1::RightsService::NewStub(gateway_.Connect(gateway_.Made("compliance")));
  v1::GetTransparencyViewRequest request;
  *request.mutable_subject() = CrmRef("C404");
  v1::TransparencyView view;
  ASSERT_TRUE(stub->GetTransparencyView(Context().get(), request, &view).ok());
  EXPECT_EQ(view.held_size(), 0);
  EXPECT_EQ(view.consultations_size(), 0);
  EXPECT_FALSE(view.suppressed());

  // What she prohibits is remembered, and she is told that it is.
  v1::OptOutRequest out;
  *out.mutable_subject() = CrmRef("C404");
  out.add_kinds(v1::OPT_OUT_KIND_DIRECT_MARKETING);
  v1::OptOutResponse opted_out;
  ASSERT_TRUE(v1::ConsentService::NewStub(gateway_.Connect(shop_))
                  ->OptOut(Context().get(), out, &opted_out)
                  .ok());
  ASSERT_TRUE(stub->GetTransparencyView(Context().get(), request, &view).ok());
  EXPECT_TRUE(view.suppressed());
  EXPECT_EQ(view.held_size(), 0);
}

}  // namespace
}  // namespace consentry
