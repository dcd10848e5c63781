#include "gateway/rpc/method_table.h"

#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "consentry/v1/annotations.pb.h"
#include "tests/testing/status_matchers.h"

namespace consentry::rpc {
namespace {

using testing::StatusIs;

// One service with one method, its options as given.
const google::protobuf::ServiceDescriptor* Build(
    google::protobuf::DescriptorPool* pool,
    const google::protobuf::MethodOptions& options) {
  google::protobuf::FileDescriptorProto file;
  file.set_name("made.proto");
  file.set_package("made");
  file.set_syntax("proto3");
  file.add_message_type()->set_name("Nothing");
  auto* service = file.add_service();
  service->set_name("Made");
  auto* method = service->add_method();
  method->set_name("Do");
  method->set_input_type(".made.Nothing");
  method->set_output_type(".made.Nothing");
  *method->mutable_options() = options;
  return pool->BuildFile(file)->service(0);
}

std::string Refusal(const google::protobuf::MethodOptions& options) {
  google::protobuf::DescriptorPool pool;
  const auto* service = Build(&pool, options);
  const auto table = MethodTable::Create({&service, 1});
  EXPECT_THAT(table, StatusIs(absl::StatusCode::kFailedPrecondition));
  return std::string(table.status().message());
}

TEST(MethodTableTest, TheWholeApiIsAccepted) {
  ASSERT_OK_AND_ASSIGN(const auto table, MethodTable::CreateForApi());
  EXPECT_EQ(table->services().size(), 7u);
  const Method* read = table->Find("/consentry.v1.DataService/ReadSubject");
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->name, "DataService.ReadSubject");
  EXPECT_EQ(read->audit_event, "data.read");
  EXPECT_TRUE(read->releases);
  EXPECT_EQ(read->permission, *clients::PermissionSet::Of("data.read"));
  EXPECT_FALSE(table->Get("/consentry.v1.AdminService/RevokeClient")->releases);
  EXPECT_EQ(table->Find("/consentry.v1.DataService/NoSuch"), nullptr);
  EXPECT_EQ(table->Find(""), nullptr);
}

TEST(MethodTableTest, AMethodWithoutPermissionStopsTheStart) {
  google::protobuf::MethodOptions options;
  options.SetExtension(v1::audit_event, "made.do");
  EXPECT_NE(Refusal(options).find("Made.Do has no permission"),
            std::string::npos);
}

TEST(MethodTableTest, AMethodWithoutAuditEventStopsTheStart) {
  google::protobuf::MethodOptions options;
  options.SetExtension(v1::permission, "data.read");
  EXPECT_NE(Refusal(options).find("Made.Do has no audit event"),
            std::string::npos);
}

TEST(MethodTableTest, APermissionOfNoRoleStopsTheStart) {
  google::protobuf::MethodOptions options;
  options.SetExtension(v1::permission, "data.everything");
  options.SetExtension(v1::audit_event, "made.do");
  EXPECT_NE(Refusal(options).find("a permission of no role"),
            std::string::npos);
}

TEST(MethodTableTest, EveryFaultIsNamedAtOnce) {
  const std::string refusal = Refusal({});
  EXPECT_NE(refusal.find("no permission"), std::string::npos);
  EXPECT_NE(refusal.find("no audit event"), std::string::npos);
}

}  // namespace
}  // namespace consentry::rpc
