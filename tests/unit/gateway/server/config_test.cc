#include "gateway/server/config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "gateway/base/clock.h"
#include "gateway/server/config_text.h"
#include "gateway/server/gateway.h"
#include "gateway/server/initialise.h"
#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::server {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TempDir;

const char kGood[] = R"(
format: 1
controller { home: "DE" }
tls { certificate: "s.pem" private_key: "s.key" client_authorities: "a.pem" }
storage { data_directory: "data" log_origin: "shop.example/1" }
keys { root_key_file: "r" epoch_file: "e" log_key_file: "l" }
policy { catalog: "c" purposes: "p" }
)";

std::string Changed(const std::string& from, const std::string& to) {
  std::string text = kGood;
  text.replace(text.find(from), from.size(), to);
  return text;
}

absl::StatusOr<Config> Parse(const std::string& text) {
  return ParseConfig("/etc/shop/consentry.txtpb", text, {"eu-gdpr"});
}

std::string Refusal(const std::string& text) {
  const auto config = Parse(text);
  EXPECT_THAT(config, StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  EXPECT_EQ(ReasonOf(config.status()), v1::ERROR_REASON_CONFIG_INVALID);
  return std::string(config.status().message());
}

TEST(ConfigTest, DefaultsAreFilledInAndPathsMadeAbsolute) {
  ASSERT_OK_AND_ASSIGN(const Config config, Parse(kGood));
  EXPECT_EQ(config.listen.ToString(), "127.0.0.1:50051");
  EXPECT_TRUE(config.listen.loopback);
  EXPECT_EQ(config.message.limits().max_call_ms(), 10'000u);
  EXPECT_EQ(config.message.tls().certificate(), "/etc/shop/s.pem");
  EXPECT_EQ(config.DataFile("store.db"), "/etc/shop/data/store.db");
  EXPECT_EQ(config.message.policy().owner_pack(), "");
}

TEST(ConfigTest, EachUnsafeOrMissingSettingIsNamedWithItsPlace) {
  struct Case {
    std::string text;
    const char* said;
  };
  const std::string good = kGood;
  const Case cases[] = {
      {"", "format: is required"},
      {good + "listener { address: '0.0.0.0:50051' }", "open_to_network"},
      {good + "listener { address: '192.168.1.2:1' }", "listener.address"},
      {good + "listener { address: 'shop.example:1' }", "listener.address"},
      {good + "listener { address: '127.0.0.1:99999' }", "listener.address"},
      {good + "listener { address: '127.0.0.1' }", "listener.address"},
      {good + "limits { max_call_ms: 1 }", "limits.max_call_ms: must be 100"},
      {Changed("purposes: \"p\"", "purposes: 'p' packs: 'xx-law'"),
       "policy.packs[0]"},
      {Changed("log_origin: ", "disk_high_water_percent: 100 log_origin: "),
       "50 to 99"},
      {Changed("shop.example/1", "Shop"), "storage.log_origin"},
      {Changed("root_key_file: \"r\"", "root_key_credential: '../r'"),
       "systemd credential"},
  };
  for (const Case& bad : cases) {
    EXPECT_THAT(Refusal(bad.text), HasSubstr(bad.said)) << bad.text;
  }
}

TEST(ConfigTest, AnOpenListenerIsAcceptedWhenMeant) {
  EXPECT_OK(Parse(std::string(kGood) + "listener { address: '0.0.0.0:50051' "
                                       "open_to_network: true }"));
}

TEST(ConfigTest, ANewerFormatIsRefused) {
  EXPECT_THAT(Refusal("format: 2"), HasSubstr("newer than this program"));
}

TEST(ConfigTest, AllFaultsAreToldAtOnce) {
  const std::string refusal = Refusal("format: 1");
  for (const char* field :
       {"controller.home", "tls.certificate", "storage.data_directory",
        "storage.log_origin", "keys:", "policy.catalog"}) {
    EXPECT_THAT(refusal, HasSubstr(field));
  }
}

TEST(ConfigTest, TheServersOwnCertificateIsNoClientAuthority) {
  EXPECT_THAT(Refusal("format: 1 tls { certificate: 'a' "
                      "client_authorities: 'a' }"),
              HasSubstr("names the server's own certificate"));
}

TEST(AddressTest, NumericAddressesAndLocalhostOnly) {
  for (const char* good : {"127.0.0.1:0", "127.9.9.9:1", "[::1]:443",
                           "localhost:50051", "0.0.0.0:1", "[::]:1"}) {
    EXPECT_OK(ParseAddress(good)) << good;
  }
  for (const char* bad : {"", ":1", "127.0.0.1", "127.0.0.1:", "1.2.3:1",
                          "::1:1", "[::1]", "127.0.0.1:-1", "127.0.0.1:1x",
                          "127.0.0.1:65536", "example.com:1", "[x]:1"}) {
    EXPECT_FALSE(ParseAddress(bad).ok()) << bad;
  }
  EXPECT_EQ(ParseAddress("[::1]:443")->ToString(), "[::1]:443");
  EXPECT_TRUE(ParseAddress("[::1]:443")->loopback);
  EXPECT_FALSE(ParseAddress("0.0.0.0:1")->loopback);
}

TEST(ConfigTextTest, WhatInitWritesIsRead) {
  InitialiseOptions options;
  options.home = "US-CA";
  options.markets = {"US-NV"};
  options.name = "Odd \"name\"\nwith lines";
  options.address = "192.168.1.5:50051";
  ASSERT_OK_AND_ASSIGN(const Config config,
                       Parse(ConfigText(options, "consentry/abc")));
  EXPECT_EQ(config.message.controller().home(), "US-CA");
  EXPECT_EQ(config.message.controller().markets_size(), 2);
  EXPECT_EQ(config.message.controller().name(), options.name);
  EXPECT_EQ(config.listen.host, "192.168.1.5");
  EXPECT_TRUE(config.message.single_operator());
}

TEST(ConfigTextTest, SourcesTakeThePlaceOfTheSamples) {
  const std::string catalog =
      "kinds {\n  key: \"profile\"\n}\nsources {\n  key: \"crm\"\n  title: "
      "\"C\"\n  priority: 5\n}\nsources {\n  key: \"pos\"\n}\n";
  const std::string text =
      WithSources(catalog, {{"shop", "My shop"}, {"crm", ""}});
  EXPECT_THAT(text, HasSubstr("kinds {\n  key: \"profile\"\n}\n"));
  EXPECT_THAT(text, HasSubstr("key: \"shop\"\n  title: \"My shop\"\n  "
                              "priority: 200\n"));
  EXPECT_THAT(text, HasSubstr("key: \"crm\"\n  title: \"C\"\n  priority: "
                              "100\n"));
  EXPECT_EQ(text.find("pos"), std::string::npos);
  EXPECT_EQ(WithSources(catalog, {}), catalog);
}

class FilesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir();
    InitialiseOptions options;
    options.folder = dir_->File("made");
    options.home = "DE";
    ASSERT_OK(Initialise(options));
  }
  static void TearDownTestSuite() { delete dir_; }

  static std::string File(const std::string& name) {
    return dir_->File("made/" + name);
  }
  static std::string Faults() {
    const auto config = LoadConfig(dir_->File("made"), PackIds());
    EXPECT_OK(config);
    std::string text;
    for (const auto& fault :
         CheckFiles(*config, base::Clock::System()->NowUs())) {
      text += fault.field + ": " + fault.description + "\n";
    }
    return text;
  }

  static TempDir* dir_;
};
TempDir* FilesTest::dir_ = nullptr;

TEST_F(FilesTest, WhatInitMakesIsSafe) { EXPECT_EQ(Faults(), ""); }

TEST_F(FilesTest, AKeyThatOthersCanReadIsRefused) {
  for (const auto& [file, field] :
       {std::pair<const char*, const char*>{"keys/root.key",
                                            "keys.root_key_file"},
        {"keys/epochs.key", "keys.epoch_file"},
        {"keys/log.key", "keys.log_key_file"},
        {"tls/server.key", "tls.private_key"},
        {"tls/authority.key", "tls.authority_key"}}) {
    chmod(File(file).c_str(), 0644);
    EXPECT_THAT(Faults(), HasSubstr(field));
    chmod(File(file).c_str(), 0600);
  }
  EXPECT_EQ(Faults(), "");
}

TEST_F(FilesTest, ADataDirectoryThatOthersCanEnterIsRefused) {
  chmod(File("data").c_str(), 0755);
  EXPECT_THAT(Faults(), HasSubstr("chmod 700"));
  chmod(File("data").c_str(), 0700);
}

TEST_F(FilesTest, AMissingFileIsNamed) {
  ASSERT_EQ(rename(File("catalog.txtpb").c_str(), File("c").c_str()), 0);
  EXPECT_THAT(Faults(), HasSubstr("policy.catalog: there is no file"));
  ASSERT_EQ(rename(File("c").c_str(), File("catalog.txtpb").c_str()), 0);
}

TEST_F(FilesTest, AForeignKeyOrUseOfACertificateIsRefused) {
  const std::string server = File("tls/server.pem");
  ASSERT_EQ(rename(server.c_str(), File("kept.pem").c_str()), 0);
  ASSERT_EQ(symlink(File("clients/operator.pem").c_str(), server.c_str()), 0);
  const std::string faults = Faults();
  EXPECT_THAT(faults, HasSubstr("is not for a server"));
  EXPECT_THAT(faults, HasSubstr("is not the key of tls.certificate"));
  ASSERT_EQ(unlink(server.c_str()), 0);
  ASSERT_EQ(rename(File("kept.pem").c_str(), server.c_str()), 0);
}

TEST_F(FilesTest, AnExpiredCertificateIsRefused) {
  ASSERT_OK_AND_ASSIGN(const auto config,
                       LoadConfig(dir_->File("made"), PackIds()));
  constexpr int64_t kYearUs = int64_t{366} * 24 * 3600 * 1'000'000;
  const absl::Status refused =
      RefuseUnsafe(config, base::Clock::System()->NowUs() + 2 * kYearUs);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("tls.certificate"));
}

TEST_F(FilesTest, InitOverSomethingIsRefused) {
  InitialiseOptions options;
  options.folder = dir_->File("made");
  options.home = "DE";
  EXPECT_THAT(Initialise(options), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(FilesTest, InitThatFailsLeavesNothing) {
  InitialiseOptions options;
  options.folder = dir_->File("bad");
  options.home = "nowhere at all";
  EXPECT_FALSE(Initialise(options).ok());
  for (const auto& entry : std::filesystem::directory_iterator(dir_->path())) {
    EXPECT_EQ(entry.path().filename(), "made");
  }
}

}  // namespace
}  // namespace consentry::server
