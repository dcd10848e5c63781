#include "gateway/rpc/validate.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "gateway/rpc/limits.h"
#include "google/rpc/error_details.pb.h"
#include "proto/support/error.h"

namespace consentry::rpc {
namespace {

// The fields that a request's faults name.
template <class Request>
std::vector<std::string> FaultsOf(const Request& request) {
  FaultList faults;
  Validate(request, &faults);
  std::vector<std::string> fields;
  const auto payload =
      faults.ToStatus().GetPayload("type.googleapis.com/google.rpc.BadRequest");
  google::rpc::BadRequest bad;
  if (payload) bad.ParseFromString(std::string(*payload));
  for (const auto& violation : bad.field_violations()) {
    fields.push_back(violation.field());
  }
  return fields;
}

using Fields = std::vector<std::string>;

v1::ReadSubjectRequest GoodRead() {
  v1::ReadSubjectRequest request;
  request.mutable_subject()->set_id("cus_aaaaaaaaaaaaaaaaaaaaaaaa");
  request.set_purpose("essential.service.support");
  request.add_fields("profile.email");
  request.add_fields("order.*");
  return request;
}

TEST(ValidateTest, AGoodReadPasses) {
  EXPECT_EQ(FaultsOf(GoodRead()), Fields());
}

TEST(ValidateTest, EachFaultOfAReadIsNamed) {
  struct Case {
    const char* field;
    std::function<void(v1::ReadSubjectRequest*)> spoil;
  };
  const Case cases[] = {
      {"subject", [](auto* r) { r->clear_subject(); }},
      {"subject", [](auto* r) { r->mutable_subject()->Clear(); }},
      {"subject.id", [](auto* r) { r->mutable_subject()->set_id(""); }},
      {"subject.id", [](auto* r) { r->mutable_subject()->set_id("a b"); }},
      {"subject.id",
       [](auto* r) { r->mutable_subject()->set_id(std::string(200, 'x')); }},
      {"subject.pseudonym",
       [](auto* r) { r->mutable_subject()->set_pseudonym("\xff"); }},
      {"subject.identifier.type",
       [](auto* r) {
         r->mutable_subject()->mutable_identifier()->set_value("x");
       }},
      {"subject.identifier.value",
       [](auto* r) {
         r->mutable_subject()->mutable_identifier()->set_type(
             v1::IDENTIFIER_TYPE_EMAIL);
       }},
      {"purpose", [](auto* r) { r->clear_purpose(); }},
      {"purpose", [](auto* r) { r->set_purpose("Has Spaces"); }},
      {"purpose", [](auto* r) { r->set_purpose(std::string(65, 'a')); }},
      {"fields", [](auto* r) { r->clear_fields(); }},
      {"fields[0]", [](auto* r) { r->set_fields(0, "email"); }},
      {"fields[0]", [](auto* r) { r->set_fields(0, "*.email"); }},
      {"fields[0]", [](auto* r) { r->set_fields(0, "profile."); }},
      {"fields[0]", [](auto* r) { r->set_fields(0, ".email"); }},
      {"fields[1]", [](auto* r) { r->set_fields(1, "a.b.c"); }},
      {"channel",
       [](auto* r) { r->set_channel(static_cast<v1::Channel>(99)); }},
      {"channel",
       [](auto* r) { r->set_channel(static_cast<v1::Channel>(-1)); }},
      {"context.acting_person",
       [](auto* r) { r->mutable_context()->set_acting_person("J. Doe"); }},
      {"context.reason_code",
       [](auto* r) {
         r->mutable_context()->set_reason_code(std::string(65, 'r'));
       }},
      {"context.ticket",
       [](auto* r) { r->mutable_context()->set_ticket("T@1"); }},
      {"consistency_token", [](auto* r) { r->set_consistency_token("\n"); }},
  };
  for (const Case& spoiled : cases) {
    v1::ReadSubjectRequest request = GoodRead();
    spoiled.spoil(&request);
    EXPECT_EQ(FaultsOf(request), Fields{spoiled.field});
  }
}

TEST(ValidateTest, ATicketMayHoldAHash) {
  v1::ReadSubjectRequest request = GoodRead();
  request.mutable_context()->set_ticket("HELP#42");
  EXPECT_EQ(FaultsOf(request), Fields());
}

TEST(ValidateTest, NamespacesGoWithTheTypesThatHaveThem) {
  v1::ReadSubjectRequest request = GoodRead();
  auto* identifier = request.mutable_subject()->mutable_identifier();
  identifier->set_value("4711");
  identifier->set_type(v1::IDENTIFIER_TYPE_EXTERNAL_ID);
  EXPECT_EQ(FaultsOf(request), Fields{"subject.identifier.namespace"});
  identifier->set_namespace_("webshop");
  EXPECT_EQ(FaultsOf(request), Fields());
  identifier->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  EXPECT_EQ(FaultsOf(request), Fields{"subject.identifier.namespace"});
}

TEST(ValidateTest, BoundsHoldAtTheirEdge) {
  v1::BatchReadSubjectsRequest request;
  request.set_purpose("p");
  request.add_fields("a.b");
  for (int i = 0; i < kMaxBatch; ++i) {
    request.add_subjects()->set_id("cus_x");
  }
  EXPECT_EQ(FaultsOf(request), Fields());
  request.add_subjects()->set_id("cus_x");
  FaultList faults;
  Validate(request, &faults);
  EXPECT_EQ(ReasonOf(faults.ToStatus()), v1::ERROR_REASON_TOO_LARGE);

  v1::ReadSubjectRequest read = GoodRead();
  while (read.fields_size() < kMaxFields) read.add_fields("a.b");
  EXPECT_EQ(FaultsOf(read), Fields());
  read.add_fields("a.b");
  EXPECT_EQ(FaultsOf(read), Fields{"fields"});
}

TEST(ValidateTest, NoFaultRepeatsWhatWasSent) {
  v1::WriteRecordRequest request;
  request.add_subjects()->mutable_identifier()->set_value(
      "canary\n@example.com");
  request.set_source("canary source");
  request.set_kind("canary kind");
  request.set_source_key("canary\x01");
  (*request.mutable_values())["canary field"].set_string_value("canary");
  request.mutable_legal_facts()->set_residence("canary\n");
  request.set_request_id("canary");
  FaultList faults;
  Validate(request, &faults);
  EXPECT_FALSE(faults.empty());
  EXPECT_EQ(faults.ToStatus().ToString().find("canary"), std::string::npos);
}

TEST(ValidateTest, AnOverlongValueIsTooLarge) {
  v1::WriteRecordRequest request;
  request.add_subjects()->set_id("cus_x");
  request.set_source("crm");
  request.set_kind("profile");
  request.set_source_key("1");
  request.set_purpose("p");
  (*request.mutable_values())["note"].set_string_value(
      std::string(kMaxValueBytes, 'x'));
  EXPECT_EQ(FaultsOf(request), Fields());
  (*request.mutable_values())["note"].set_string_value(
      std::string(kMaxValueBytes + 1, 'x'));
  EXPECT_EQ(FaultsOf(request), Fields{"values.note"});
}

TEST(ValidateTest, RequestIdsAreUuids) {
  v1::RevokeClientRequest request;
  request.set_id("crm");
  request.set_request_id("01234567-89ab-cdef-0123-456789ABCDEF");
  EXPECT_EQ(FaultsOf(request), Fields());
  for (const char* bad : {"x", "0123456789abcdef0123456789abcdef0123",
                          "01234567-89ab-cdef-0123-456789abcdeg",
                          "01234567-89ab-cdef-0123-456789abcdef0"}) {
    request.set_request_id(bad);
    EXPECT_EQ(FaultsOf(request), Fields{"request_id"}) << bad;
  }
}

TEST(ValidateTest, AGivenConsentNeedsItsNotice) {
  v1::RecordConsentRequest request;
  request.mutable_subject()->set_id("cus_x");
  request.add_purposes("marketing.email");
  request.set_action(v1::CONSENT_ACTION_GIVE);
  EXPECT_EQ(FaultsOf(request), Fields{"notice"});
  request.set_action(v1::CONSENT_ACTION_REFUSE);
  EXPECT_EQ(FaultsOf(request), Fields());
  request.set_action(v1::CONSENT_ACTION_WITHDRAW);
  EXPECT_EQ(FaultsOf(request), Fields{"action"});
}

TEST(ValidateTest, AWithdrawalNeedsOnlyTheSubject) {
  v1::WithdrawConsentRequest request;
  request.mutable_subject()->set_id("cus_x");
  EXPECT_EQ(FaultsOf(request), Fields());
}

TEST(ValidateTest, TimesOutsideOfTheCalendarAreRefused) {
  v1::GetConsentStateRequest request;
  request.mutable_subject()->set_id("cus_x");
  for (const int64_t seconds : {INT64_MIN, INT64_MAX, int64_t{253402300800}}) {
    request.mutable_as_of()->set_seconds(seconds);
    EXPECT_EQ(FaultsOf(request), Fields{"as_of"});
  }
  request.mutable_as_of()->set_seconds(0);
  request.mutable_as_of()->set_nanos(-1);
  EXPECT_EQ(FaultsOf(request), Fields{"as_of"});
}

TEST(ValidateTest, PagesAndProofsAreBounded) {
  v1::QueryAuditEntriesRequest query;
  query.set_page_size(-1);
  EXPECT_EQ(FaultsOf(query), Fields{"page_size"});
  query.set_page_size(kMaxPageSize + 1);
  EXPECT_EQ(FaultsOf(query), Fields{"page_size"});
  v1::ProveConsistencyRequest proof;
  EXPECT_EQ(FaultsOf(proof), Fields{"old_size"});
  proof.set_old_size(5);
  proof.set_new_size(4);
  EXPECT_EQ(FaultsOf(proof), Fields{"new_size"});
}

}  // namespace
}  // namespace consentry::rpc
