#include "gateway/rpc/error_map.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/rpc/fault_list.h"
#include "gateway/rpc/limits.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "proto/support/error.h"
#include "proto/support/utf8.h"

namespace consentry::rpc {
namespace {

google::rpc::ErrorInfo InfoOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), static_cast<int>(status.error_code()));
  google::rpc::ErrorInfo info;
  for (const auto& any : details.details()) {
    if (any.UnpackTo(&info)) return info;
  }
  ADD_FAILURE() << "no ErrorInfo";
  return info;
}

TEST(ErrorMapTest, AReasonGoesOutWithCodeMessageAndMetadata) {
  absl::Status error =
      MakeError(v1::ERROR_REASON_PURPOSE_NOT_ALLOWED, "not for you");
  AddErrorMetadata(&error, "purpose", "marketing");
  const grpc::Status status = ToGrpcStatus(error, false, "M");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(status.error_message(), "not for you");
  const auto info = InfoOf(status);
  EXPECT_EQ(info.reason(), "PURPOSE_NOT_ALLOWED");
  EXPECT_EQ(info.domain(), "consentry.dev");
  EXPECT_EQ(info.metadata().at("purpose"), "marketing");
}

TEST(ErrorMapTest, OkStaysOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus(), false, "M").ok());
}

TEST(ErrorMapTest, EveryReasonAboutASubjectLooksAlike) {
  const grpc::Status first = ToGrpcStatus(
      MakeError(v1::ERROR_REASON_CONSENT_WITHDRAWN, "a"), false, "M");
  int told = 0;
  for (int r = v1::ERROR_REASON_ACCESS_DENIED;
       r < v1::ERROR_REASON_VALUE_MALFORMED; ++r) {
    if (!v1::ErrorReason_IsValid(r)) continue;
    const auto reason = static_cast<v1::ErrorReason>(r);
    absl::Status error = MakeError(reason, "words about her");
    AddErrorMetadata(&error, "purpose", "marketing");
    const grpc::Status hidden = ToGrpcStatus(error, false, "M");
    EXPECT_EQ(hidden.error_code(), first.error_code());
    EXPECT_EQ(hidden.error_message(), first.error_message());
    EXPECT_EQ(hidden.error_details(), first.error_details());
    EXPECT_EQ("ERROR_REASON_" + InfoOf(ToGrpcStatus(error, true, "M")).reason(),
              v1::ErrorReason_Name(reason));
    ++told;
  }
  EXPECT_GT(told, 20);
}

TEST(ErrorMapTest, TextOfTheGatewayItselfNeverLeaves) {
  for (const absl::Status& fault :
       {absl::InternalError("SELECT secret FROM t"),
        absl::UnknownError("secret"), absl::DataLossError("/srv/secret"),
        absl::UnavailableError("secret"), absl::NotFoundError("secret"),
        MakeError(v1::ERROR_REASON_INTERNAL, "secret")}) {
    const grpc::Status status = ToGrpcStatus(fault, true, "M");
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
    EXPECT_EQ(status.error_message().find("secret"), std::string::npos);
    EXPECT_EQ(status.error_details().find("secret"), std::string::npos);
    const std::string id = InfoOf(status).metadata().at("log_id");
    EXPECT_NE(status.error_message().find(id), std::string::npos);
    EXPECT_GE(id.size(), 16u);
  }
}

TEST(ErrorMapTest, MessagesAreOneLineOfUtf8) {
  const grpc::Status status =
      ToGrpcStatus(MakeError(v1::ERROR_REASON_NOT_FOUND,
                             std::string("a\nb\r\x01") +
                                 std::string(5000, 'x') + "\xc3\xa9"),
                   false, "M");
  EXPECT_LE(status.error_message().size(), kMaxErrorMessageBytes);
  EXPECT_TRUE(IsUtf8(status.error_message()));
  for (const char c : status.error_message()) EXPECT_GE(c, 0x20);
}

TEST(ErrorMapTest, DetailsAreCutAtWholeViolations) {
  FaultList faults;
  for (int i = 0; i < 100; ++i) {
    faults.Add("field_" + std::to_string(i), std::string(300, 'd'));
  }
  const grpc::Status status = ToGrpcStatus(faults.ToStatus(), false, "M");
  EXPECT_LE(status.error_details().size(), kMaxErrorDetailBytes);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  google::rpc::BadRequest bad;
  bool found = false;
  for (const auto& any : details.details()) {
    found = found || any.UnpackTo(&bad);
  }
  ASSERT_TRUE(found);
  EXPECT_GT(bad.field_violations_size(), 5);
  EXPECT_EQ(bad.field_violations(0).field(), "field_0");
}

TEST(FaultListTest, NoFaultIsOk) { EXPECT_TRUE(FaultList().ToStatus().ok()); }

TEST(FaultListTest, ABoundMakesItTooLarge) {
  FaultList faults;
  faults.Add("purpose", "is required");
  faults.AddTooMany("subjects", 256);
  EXPECT_EQ(ReasonOf(faults.ToStatus()), v1::ERROR_REASON_TOO_LARGE);
  EXPECT_EQ(InfoOf(ToGrpcStatus(faults.ToStatus(), false, "M"))
                .metadata()
                .at("limit"),
            "256");
}

}  // namespace
}  // namespace consentry::rpc
