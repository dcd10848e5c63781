#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/test_gateway.h"

namespace consentry {
namespace {

using testing::Context;
using testing::ReasonOf;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr char kRequest[] = "01234567-89ab-cdef-0123-456789abcdef";

// An administrator's hands on customers who share an address that nobody has
// verified.
class MergesTest : public ::testing::Test {
 protected:
  MergesTest() {
    gateway_.Start();
    v1::Client client = ServiceClient("shop", kService);
    client.add_permissions("data.legal_facts");
    data_ =
        v1::DataService::NewStub(gateway_.Connect(gateway_.Register(client)));
    admin_ =
        v1::AdminService::NewStub(gateway_.Connect(gateway_.Made("operator")));
    first_ = Write("m1", "Ada");
    second_ = Write("m2", "Grace");
  }

  std::string Write(const std::string& key, const std::string& name) {
    v1::WriteRecordRequest request;
    auto* identifier = request.add_subjects()->mutable_identifier();
    identifier->set_type(v1::IDENTIFIER_TYPE_EMAIL);
    identifier->set_value("family@shop.example");
    request.set_source("crm");
    request.set_kind("profile");
    request.set_source_key(key);
    request.set_purpose(kService);
    (*request.mutable_values())["given_name"].set_string_value(name);
    request.mutable_legal_facts()->set_residence("DE");
    v1::WriteRecordResponse response;
    const grpc::Status status =
        data_->WriteRecord(Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.subject_id();
  }

  v1::ListMergesResponse List(v1::MergeState state) {
    v1::ListMergesRequest request;
    request.set_state(state);
    v1::ListMergesResponse response;
    const grpc::Status status =
        admin_->ListMerges(Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  grpc::Status Join(v1::Merge* merge, const std::string& note = "",
                    const std::string& request_id = "") {
    v1::MergeSubjectsRequest request;
    request.add_subject_ids(first_);
    request.add_subject_ids(second_);
    request.set_note(note);
    request.mutable_context()->set_acting_person("staff-7");
    request.set_request_id(request_id);
    return admin_->MergeSubjects(Context().get(), request, merge);
  }

  // Whose the answer to a read of the second is.
  std::string SubjectSeen() {
    v1::ReadSubjectRequest request;
    request.mutable_subject()->set_id(second_);
    request.set_purpose(kService);
    request.add_fields("profile.given_name");
    v1::ReadSubjectResponse response;
    const grpc::Status status =
        data_->ReadSubject(Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.fields_size() == 1
               ? response.fields(0).value().string_value()
               : "";
  }

  TestGateway gateway_;
  std::unique_ptr<v1::DataService::Stub> data_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
  std::string first_;
  std::string second_;
};

TEST_F(MergesTest, WhatSharesAnAddressIsACandidateUntilAPersonDecides) {
  ASSERT_NE(first_, second_);
  const auto candidates = List(v1::MERGE_STATE_UNSPECIFIED);
  ASSERT_EQ(candidates.merges_size(), 1);
  const v1::Merge& candidate = candidates.merges(0);
  EXPECT_EQ(candidate.state(), v1::MERGE_STATE_CANDIDATE);
  ASSERT_EQ(candidate.identifier_types_size(), 1);
  EXPECT_EQ(candidate.identifier_types(0), v1::IDENTIFIER_TYPE_EMAIL);
  ASSERT_EQ(candidate.subject_ids_size(), 2);
  EXPECT_NE(candidate.subject_ids(0), candidate.subject_ids(1));

  v1::DismissMergeRequest request;
  request.set_id(candidate.id());
  request.set_note("mother and daughter");
  v1::Merge dismissed;
  const grpc::Status status =
      admin_->DismissMerge(Context().get(), request, &dismissed);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(dismissed.id(), candidate.id());
  EXPECT_EQ(dismissed.state(), v1::MERGE_STATE_DISMISSED);
  EXPECT_EQ(dismissed.decided_by(), "operator");
  EXPECT_EQ(List(v1::MERGE_STATE_CANDIDATE).merges_size(), 0);
  EXPECT_EQ(
      ReasonOf(admin_->DismissMerge(Context().get(), request, &dismissed)),
      v1::ERROR_REASON_STATE_INVALID);
}

TEST_F(MergesTest, JoinedTheyAreReadAsOneAndUndoneAsTwo) {
  EXPECT_EQ(SubjectSeen(), "Grace");
  v1::Merge joined;
  const grpc::Status status = Join(&joined, "same person", kRequest);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(joined.state(), v1::MERGE_STATE_JOINED);
  EXPECT_EQ(joined.decided_by(), "staff-7");
  ASSERT_EQ(List(v1::MERGE_STATE_JOINED).merges_size(), 1);
  EXPECT_EQ(List(v1::MERGE_STATE_CANDIDATE).merges_size(), 0);

  v1::Merge again;
  ASSERT_TRUE(Join(&again, "same person", kRequest).ok());
  EXPECT_EQ(again.SerializeAsString(), joined.SerializeAsString());
  EXPECT_EQ(ReasonOf(Join(&again, "another word", kRequest)),
            v1::ERROR_REASON_REQUEST_ID_REUSED);
  EXPECT_EQ(ReasonOf(Join(&again)), v1::ERROR_REASON_STATE_INVALID);

  v1::UndoMergeRequest request;
  request.set_id(joined.id());
  v1::Merge undone;
  ASSERT_TRUE(admin_->UndoMerge(Context().get(), request, &undone).ok());
  EXPECT_EQ(undone.state(), v1::MERGE_STATE_UNDONE);
  EXPECT_TRUE(undone.has_undo_time());
  EXPECT_EQ(SubjectSeen(), "Grace");
  EXPECT_EQ(ReasonOf(admin_->UndoMerge(Context().get(), request, &undone)),
            v1::ERROR_REASON_STATE_INVALID);
}

TEST_F(MergesTest, WhatCannotBeJoinedIsRefusedWithItsReason) {
  v1::Merge merge;
  v1::MergeSubjectsRequest request;
  const auto reason = [&] {
    return ReasonOf(admin_->MergeSubjects(Context().get(), request, &merge));
  };
  EXPECT_EQ(reason(), v1::ERROR_REASON_FIELD_INVALID);
  request.add_subject_ids(first_);
  request.add_subject_ids(first_);
  EXPECT_EQ(reason(), v1::ERROR_REASON_FIELD_INVALID);
  request.set_subject_ids(1, "cus_aaaaaaaaaaaaaaaaaaaaaaaa");
  EXPECT_EQ(reason(), v1::ERROR_REASON_NOT_FOUND);
  request.set_subject_ids(1, "family@shop.example");
  EXPECT_EQ(reason(), v1::ERROR_REASON_FIELD_INVALID);

  v1::UndoMergeRequest undo;
  undo.set_id("mrg_" + std::string(26, 'a'));
  EXPECT_EQ(ReasonOf(admin_->UndoMerge(Context().get(), undo, &merge)),
            v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(MergesTest, ATokenLeadsOnInItsOwnListOnly) {
  for (int i = 0; i < 3; ++i) Write("more" + std::to_string(i), "Joan");
  v1::ListMergesRequest request;
  request.set_page_size(1);
  v1::ListMergesResponse page;
  int shown = 0;
  do {
    request.set_page_token(page.next_page_token());
    ASSERT_TRUE(admin_->ListMerges(Context().get(), request, &page).ok());
    shown += page.merges_size();
  } while (!page.next_page_token().empty() && page.merges_size() > 0 &&
           shown < 100);
  EXPECT_EQ(shown, List(v1::MERGE_STATE_CANDIDATE).merges_size());
  EXPECT_GT(shown, 1);
  request.clear_page_token();
  ASSERT_TRUE(admin_->ListMerges(Context().get(), request, &page).ok());
  request.set_state(v1::MERGE_STATE_JOINED);
  request.set_page_token(page.next_page_token());
  EXPECT_EQ(ReasonOf(admin_->ListMerges(Context().get(), request, &page)),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
}

TEST_F(MergesTest, OnlyAnAdministratorMayAsk) {
  const auto compliance =
      v1::AdminService::NewStub(gateway_.Connect(gateway_.Made("compliance")));
  v1::ListMergesResponse response;
  EXPECT_EQ(ReasonOf(compliance->ListMerges(Context().get(), {}, &response)),
            v1::ERROR_REASON_PERMISSION_MISSING);
}

}  // namespace
}  // namespace consentry
