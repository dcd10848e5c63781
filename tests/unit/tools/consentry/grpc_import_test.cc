#include "tools/consentry/grpc_import.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::tools {
namespace {

// Answers every message of rows at length, so that answers fill the connection
// while rows are still being sent.
class Service final : public v1::DataService::Service {
 public:
  grpc::Status ImportRecords(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::ImportRecordsResponse,
                               v1::ImportRecordsRequest>* stream) override {
    v1::ImportRecordsRequest request;
    int messages = 0;
    while (stream->Read(&request)) {
      if (request.has_header()) continue;
      if (messages++ == fail_after) {
        return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "enough");
      }
      v1::ImportRecordsResponse response;
      for (const v1::ImportRow& row : request.rows().rows()) {
        v1::ImportRowResult* result = response.add_results();
        result->set_number(row.number());
        result->set_outcome(v1::WRITE_OUTCOME_CREATED);
        for (int i = 0; i < 20; ++i) result->add_conflicts("profile.name");
      }
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

  int fail_after = -1;
};

class GrpcImportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", port),
                                   grpc::InsecureChannelCredentials());
    std::ofstream(dir_.File("map.txtpb")) << R"(
source: "crm" purpose: "p"
identifiers { type: "email" column: "mail" }
records { kind: "profile" key: "id" fields { field: "name" columns: "name" } }
)";
    std::ofstream csv(dir_.File("crm.csv"));
    csv << "id,mail,name\n";
    for (int i = 0; i < 20000; ++i) {
      csv << i << ",p" << i << "@example.org," << std::string(200, 'x') << "\n";
    }
  }

  void TearDown() override { server_->Shutdown(); }

  absl::StatusOr<ImportReport> Import(grpc::Status* ended) {
    std::ostringstream quarantine;
    return ImportFile(
        dir_.File("map.txtpb"), dir_.File("crm.csv"), ImportOptions(),
        [&]() -> absl::StatusOr<std::unique_ptr<ImportTransport>> {
          return OpenImport(channel_, ended);
        },
        &quarantine, nullptr);
  }

  testing::TempDir dir_;
  Service service_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(GrpcImportTest, ManyRowsAndLongAnswersDoNotBlockEachOther) {
  grpc::Status ended;
  ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(&ended));
  EXPECT_EQ(report.created, 20000u);
  EXPECT_TRUE(ended.ok());
}

TEST_F(GrpcImportTest, EndOfTheCallIsToldWithItsCode) {
  service_.fail_after = 5;
  grpc::Status ended;
  const auto report = Import(&ended);
  EXPECT_THAT(report, testing::StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(GrpcImportTest, NobodyThereIsAnErrorAndNoHang) {
  server_->Shutdown();
  grpc::Status ended;
  EXPECT_THAT(Import(&ended),
              testing::StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace consentry::tools
