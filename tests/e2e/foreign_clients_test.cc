// Clients in other languages, over other gRPC libraries, made from nothing but
// the files of `consentry protos`.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/e2e/test_gateway.h"
#include "tests/testing/child_process.h"

namespace consentry {
namespace {

using testing::Command;
using testing::Ended;
using testing::Identity;
using testing::RunToEnd;
using testing::ServiceClient;
using testing::TempDir;
using testing::TestGateway;

constexpr char kClients[] = CONSENTRY_SOURCE_DIR "/tests/e2e/clients";

// What the client in any language is told about this customer.
std::string Told(const std::string& customer) {
  return R"(handshake up to 1.3: TLSv1.3 h2
handshake up to 1.2: refused
write CREATED
read PERMIT UNSPECIFIED
  profile.email PERMIT UNSPECIFIED
  profile.given_name PERMIT UNSPECIFIED
  released profile.email )" +
         customer + R"(@shop.example NONE crm
  released profile.given_name Zoë NONE crm
  same customer: true
denied DENY ACCESS_DENIED
  profile.email DENY ACCESS_DENIED
  customer: -
purpose of others: PERMISSION_DENIED consentry.dev PURPOSE_NOT_ALLOWED
no field: INVALID_ARGUMENT consentry.dev FIELD_INVALID
own explanation: PERMISSION_DENIED consentry.dev PERMISSION_MISSING
audit by a shop: PERMISSION_DENIED consentry.dev PERMISSION_MISSING
no certificate: UNAVAILABLE -
explained DENY CONSENT_MISSING
  profile.email DENY CONSENT_MISSING
  by newsletter for marketing.communications.email on EMAIL
  steps: true replay: true
entry data.read newsletter DENY CONSENT_MISSING
entry data.read shop PERMIT UNSPECIFIED
entry data.write shop PERMIT UNSPECIFIED
  has the denial: true
stream from the first entry, none left out: true
)";
}

void Write(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

class ForeignClientsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    gateway_ = new TestGateway();
    gateway_->Start();
    dir_ = new TempDir();
    v1::Client shop = ServiceClient("shop", "essential.service.operations");
    shop.add_permissions("data.legal_facts");
    const auto keep = [](const std::string& name, const Identity& identity) {
      Write(dir_->File(name + ".pem"), identity.certificate);
      Write(dir_->File(name + ".key"), identity.key);
    };
    keep("shop", gateway_->Register(shop));
    keep("newsletter", gateway_->Register(ServiceClient(
                           "newsletter", "marketing.communications.email")));
    keep("compliance", gateway_->Made("compliance"));
    Write(dir_->File("authority.pem"),
          testing::ReadAll(gateway_->File("tls/authority.pem")));
    const Ended protos = RunToEnd(
        {.words = {CONSENTRY_BUILD_DIR "/bin/consentry", "protos", Protos()}});
    ASSERT_EQ(protos.code, 0) << protos.err;
  }
  static void TearDownTestSuite() {
    delete dir_;
    delete gateway_;
  }

  static std::string Protos() { return dir_->File("protos"); }

  // The client alone, without what this process sets for its own gRPC.
  static Ended RunClient(std::vector<std::string> words,
                         const std::string& customer) {
    for (const std::string& word :
         {Protos(), gateway_->server()->address(), dir_->path(), customer}) {
      words.push_back(word);
    }
    return RunToEnd({.words = words,
                     .environment = {{"GRPC_SSL_CIPHER_SUITES", ""},
                                     {"NODE_PATH", CONSENTRY_BUILD_DIR
                                      "/fetched/node-client/node_modules"},
                                     {"PYTHONDONTWRITEBYTECODE", "1"}}});
  }

  static TestGateway* gateway_;
  static TempDir* dir_;
};
TestGateway* ForeignClientsTest::gateway_ = nullptr;
TempDir* ForeignClientsTest::dir_ = nullptr;

TEST_F(ForeignClientsTest, NodeIsToldWhatTheApiPromises) {
  const Ended node =
      RunClient({"node", std::string(kClients) + "/node/client.js"}, "node-1");
  EXPECT_EQ(node.code, 0);
  EXPECT_EQ(node.err, "");
  EXPECT_EQ(node.out, Told("node-1"));
}

TEST_F(ForeignClientsTest, PythonIsToldTheSame) {
  Command protoc = {
      .words = {CONSENTRY_PROTOC, "-I" + Protos(), "--python_out=" + Protos()}};
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(Protos())) {
    if (file.path().extension() == ".proto") {
      protoc.words.push_back(file.path().string());
    }
  }
  const Ended generated = RunToEnd(protoc);
  ASSERT_EQ(generated.code, 0) << generated.err;
  const Ended python = RunClient(
      {"/usr/bin/python3", std::string(kClients) + "/python/client.py"},
      "python-1");
  EXPECT_EQ(python.code, 0);
  EXPECT_EQ(python.err, "");
  EXPECT_EQ(python.out, Told("python-1"));
}

}  // namespace
}  // namespace consentry
