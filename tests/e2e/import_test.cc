// Files of other systems into a real gateway: the samples that the demo uses,
// and public exports beside the project, where they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "consentry/v1/admin_service.grpc.pb.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "proto/support/text_proto.h"
#include "tests/e2e/test_gateway.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tools/consentry/draft.h"
#include "tools/consentry/grpc_import.h"
#include "tools/consentry/samples/generator.h"

namespace consentry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::ServiceClient;
using testing::TestGateway;
using tools::ImportReport;

constexpr char kOperations[] = "essential.service.operations";
constexpr char kSupport[] = "essential.service.operations.support";
constexpr char kMarketing[] = "marketing.communications.email";

std::string SharedFile(const std::string& name) {
  const char* root = std::getenv("CONSENTRY_SHARED_DATA");
  return (root != nullptr
              ? std::string(root)
              : std::string(CONSENTRY_SOURCE_DIR) + "/../shared/data") +
         "/" + name;
}

class ImportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    gateway_.Start();
    v1::Client importer = ServiceClient("importer", kOperations);
    importer.add_sources("web_shop");
    importer.add_sources("pos");
    importer.mutable_limits()->set_calls_per_second(10000);
    importer.mutable_limits()->set_subjects_per_hour(1000000);
    for (const char* permission :
         {"data.import", "data.legal_facts", "consent.record"}) {
      importer.add_permissions(permission);
    }
    for (const char* purpose : {kMarketing, "third_party_sharing",
                                "marketing.advertising.third_party.targeted"}) {
      importer.add_attests(purpose);
    }
    importer_ = gateway_.Connect(gateway_.Register(importer));
  }

  absl::StatusOr<ImportReport> Import(const std::string& map,
                                      const std::string& csv,
                                      bool dry_run = false) {
    quarantine_.str("");
    tools::ImportOptions options;
    options.dry_run = dry_run;
    grpc::Status ended;
    auto report = tools::ImportFile(
        map, csv, options,
        [&]() -> absl::StatusOr<std::unique_ptr<tools::ImportTransport>> {
          return tools::OpenImport(importer_, &ended);
        },
        &quarantine_, nullptr);
    EXPECT_TRUE(ended.ok())
        << ended.error_code() << " " << testing::ReasonOf(ended) << " "
        << ended.error_message();
    return report;
  }

  v1::ReadSubjectResponse Read(const std::shared_ptr<grpc::Channel>& channel,
                               const std::string& purpose,
                               const std::string& source,
                               const std::string& number,
                               const std::vector<std::string>& fields,
                               v1::Channel way = v1::CHANNEL_INTERNAL) {
    v1::ReadSubjectRequest request;
    auto* identifier = request.mutable_subject()->mutable_identifier();
    identifier->set_type(v1::IDENTIFIER_TYPE_EXTERNAL_ID);
    identifier->set_namespace_(source);
    identifier->set_value(number);
    request.set_purpose(purpose);
    *request.mutable_fields() = {fields.begin(), fields.end()};
    request.set_channel(way);
    grpc::ClientContext context;
    v1::ReadSubjectResponse response;
    const grpc::Status status = v1::DataService::NewStub(channel)->ReadSubject(
        &context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  std::shared_ptr<grpc::Channel> Service(const std::string& id,
                                         const std::string& purpose) {
    v1::Client client = ServiceClient(id, purpose);
    client.add_permissions("decisions.explain");
    return gateway_.Connect(gateway_.Register(client));
  }

  TestGateway gateway_;
  testing::TempDir dir_;
  std::shared_ptr<grpc::Channel> importer_;
  std::ostringstream quarantine_;
};

std::map<std::string, std::string> Values(
    const v1::ReadSubjectResponse& response) {
  std::map<std::string, std::string> values;
  for (const v1::Field& field : response.fields()) {
    values[field.name()] = field.value().string_value();
  }
  return values;
}

TEST_F(ImportTest, SamplesAreImportedAndTheSecondRunChangesNothing) {
  tools::SampleOptions options;
  options.customers = 200;
  options.today = absl::ToCivilDay(absl::Now(), absl::UTCTimeZone());
  ASSERT_OK(tools::WriteSamples(options, dir_.path()));
  for (int run = 1; run <= 2; ++run) {
    for (const tools::SampleFile& file : tools::GenerateSamples(options)) {
      ASSERT_OK_AND_ASSIGN(const ImportReport report,
                           Import(dir_.File(file.map), dir_.File(file.name)));
      if (run == 1) {
        EXPECT_GE(report.created, 15u) << file.name;
        EXPECT_LT(report.quarantined_records, report.rows / 20) << file.name;
      } else {
        EXPECT_EQ(report.changed(), 0u) << file.name << "\n"
                                        << tools::ReportTable(report);
      }
      EXPECT_THAT(quarantine_.str(), Not(HasSubstr("@")));
    }
  }
  const auto support = Service("helpdesk", kSupport);
  auto response =
      Read(support, kSupport, "crm", std::string(tools::kSampleGerman),
           {"profile.given_name", "profile.email"});
  EXPECT_EQ(response.decision().effect(), v1::EFFECT_PERMIT)
      << v1::ErrorReason_Name(response.decision().reason());
  EXPECT_EQ(Values(response)["profile.given_name"], "Clara");
  // One customer, by the number of either system.
  EXPECT_EQ(Read(support, kSupport, "web_shop", "W-5001", {"profile.email"})
                .subject_id(),
            response.subject_id());

  const auto newsletter = Service("newsletter", kMarketing);
  const auto marketing = [&](std::string_view number) {
    return Read(newsletter, kMarketing, "crm", std::string(number),
                {"profile.email"}, v1::CHANNEL_EMAIL)
        .decision();
  };
  EXPECT_EQ(marketing(tools::kSampleFrench).effect(), v1::EFFECT_PERMIT)
      << v1::ErrorReason_Name(marketing(tools::kSampleFrench).reason());
  EXPECT_EQ(marketing(tools::kSampleGerman).reason(),
            v1::ERROR_REASON_CONSENT_MISSING);
  EXPECT_EQ(marketing(tools::kSampleMinor).reason(), v1::ERROR_REASON_MINOR);
  EXPECT_EQ(marketing(tools::kSampleBriton).reason(),
            v1::ERROR_REASON_CONSENT_REFUSED);
}

TEST_F(ImportTest, DryRunWritesNothing) {
  tools::SampleOptions options;
  options.customers = 100;
  ASSERT_OK(tools::WriteSamples(options, dir_.path()));
  ASSERT_OK_AND_ASSIGN(
      const ImportReport dry,
      Import(dir_.File("crm.txtpb"), dir_.File("crm.csv"), true));
  ASSERT_OK_AND_ASSIGN(const ImportReport real,
                       Import(dir_.File("crm.txtpb"), dir_.File("crm.csv")));
  EXPECT_GT(real.created, 50u);
  EXPECT_GT(dry.created, 50u);
}

TEST_F(ImportTest, PublicExportsAreDraftedCorrectedAndImported) {
  std::ifstream customers(SharedFile("chinook-customers.csv"));
  if (!customers) GTEST_SKIP() << "no shared data beside the project";
  const auto admin =
      v1::AdminService::NewStub(gateway_.Connect(gateway_.Made("operator")));
  std::string orders_map;
  for (const auto& [file, source] :
       {std::pair<std::string, std::string>{"chinook-customers.csv", "crm"},
        {"chinook-invoices.csv", "crm"}}) {
    v1::Policy policy;
    {
      grpc::ClientContext context;
      const grpc::Status status =
          admin->GetPolicy(&context, v1::GetPolicyRequest(), &policy);
      ASSERT_TRUE(status.ok()) << status.error_message();
    }
    tools::DraftOptions options;
    options.source = source;
    options.file_name = file;
    options.catalog_text = policy.catalog();
    TextProto catalog("catalog.txtpb");
    ASSERT_OK(catalog.Parse(policy.catalog(), &options.catalog));
    std::ifstream csv(SharedFile(file));
    ASSERT_OK_AND_ASSIGN(const auto draft, tools::DraftImport(&csv, options));
    EXPECT_THAT(draft.map_text, HasSubstr("# review"));
    ASSERT_FALSE(draft.catalog_text.empty());
    // The corrections that a person makes: the currency is the shop's dollar.
    std::ofstream(dir_.File(file + ".txtpb")) << absl::StrReplaceAll(
        draft.map_text, {{"currency: \"EUR\"", "currency: \"USD\""}});
    v1::UpdatePolicyRequest update;
    update.set_catalog(draft.catalog_text);
    update.set_etag(policy.etag());
    grpc::ClientContext context;
    const grpc::Status status = admin->UpdatePolicy(&context, update, &policy);
    ASSERT_TRUE(status.ok()) << status.error_message();

    ASSERT_OK_AND_ASSIGN(const ImportReport report,
                         Import(dir_.File(file + ".txtpb"), SharedFile(file)));
    EXPECT_EQ(report.created, report.rows)
        << tools::ReportTable(report) << quarantine_.str();
    ASSERT_OK_AND_ASSIGN(const ImportReport again,
                         Import(dir_.File(file + ".txtpb"), SharedFile(file)));
    EXPECT_EQ(again.changed(), 0u);
  }
  // A changed row is one new version.
  std::ifstream in(SharedFile("chinook-customers.csv"));
  std::stringstream text;
  text << in.rdbuf();
  std::ofstream(dir_.File("changed.csv"))
      << absl::StrReplaceAll(text.str(), {{"Leonie", "Leoni"}});
  ASSERT_OK_AND_ASSIGN(const ImportReport changed,
                       Import(dir_.File("chinook-customers.csv.txtpb"),
                              dir_.File("changed.csv")));
  EXPECT_EQ(changed.updated, 1u);
  EXPECT_EQ(changed.unchanged, 58u);

  const auto orders = Service("shipping", kOperations);
  const auto response =
      Read(orders, kOperations, "crm", "2",
           {"profile.given_name", "profile.city", "order.total"});
  EXPECT_EQ(Values(response)["profile.given_name"], "Leoni");
  EXPECT_EQ(Values(response)["profile.city"], "Stuttgart");
  EXPECT_EQ(response.records_size(), 7);
}

TEST_F(ImportTest, BulkExportIsImportedAndTimed) {
  std::ifstream csv(SharedFile("bank-marketing.csv"));
  if (!csv) GTEST_SKIP() << "no shared data beside the project";
  const auto admin =
      v1::AdminService::NewStub(gateway_.Connect(gateway_.Made("operator")));
  v1::Policy policy;
  grpc::ClientContext get;
  ASSERT_TRUE(admin->GetPolicy(&get, v1::GetPolicyRequest(), &policy).ok());
  tools::DraftOptions options;
  options.source = "crm";
  options.file_name = "bank-marketing.csv";
  options.catalog_text = policy.catalog();
  TextProto catalog("catalog.txtpb");
  ASSERT_OK(catalog.Parse(policy.catalog(), &options.catalog));
  ASSERT_OK_AND_ASSIGN(const auto draft, tools::DraftImport(&csv, options));
  std::ofstream(dir_.File("bank.txtpb")) << draft.map_text;
  v1::UpdatePolicyRequest update;
  update.set_catalog(draft.catalog_text);
  update.set_etag(policy.etag());
  grpc::ClientContext put;
  ASSERT_TRUE(admin->UpdatePolicy(&put, update, &policy).ok());
  for (const bool again : {false, true}) {
    ASSERT_OK_AND_ASSIGN(
        const ImportReport report,
        Import(dir_.File("bank.txtpb"), SharedFile("bank-marketing.csv")));
    EXPECT_EQ(report.rows, 45210u);
    EXPECT_EQ(again ? report.unchanged : report.created, 45210u);
    std::cout << (again ? "again: " : "first: ") << report.rows << " rows in "
              << static_cast<double>(report.took_us) / 1e6 << " s\n";
  }
}

}  // namespace
}  // namespace consentry
