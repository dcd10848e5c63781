#include "gateway/server/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/server/recovery.h"
#include "tests/e2e/test_gateway.h"
#include "tests/testing/status_matchers.h"

namespace consentry {
namespace {

using server::Finding;
using server::Health;
using testing::ReadAll;
using testing::TestGateway;

constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;

std::vector<Finding> Examine(const TestGateway& gateway, int64_t later_us = 0) {
  return server::RunDoctor(
      {.config = gateway.folder(),
       .dev = true,
       .now_us = base::Clock::System()->NowUs() + later_us});
}

std::string Failures(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    if (finding.health == Health::kFailure) {
      text += finding.check + ": " + finding.text + "\n";
    }
  }
  return text;
}

bool Has(const std::vector<Finding>& findings, Health health,
         const std::string& check) {
  for (const Finding& finding : findings) {
    if (finding.health == health && finding.check == check) return true;
  }
  return false;
}

void Flip(const std::string& path, size_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const auto byte = static_cast<char>(file.get());
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte ^ 1));
}

TEST(DoctorTest, WhatInitMadeIsSoundUnderDev) {
  TestGateway gateway;
  const auto findings = Examine(gateway);
  EXPECT_EQ(Failures(findings), "");
  for (const char* check : {"configuration", "certificates", "store",
                            "encryption", "log", "disk"}) {
    EXPECT_TRUE(Has(findings, Health::kGood, check)) << check;
  }
}

TEST(DoctorTest, KeysBesideTheDataFailOutsideOfDev) {
  TestGateway gateway;
  const auto findings =
      server::RunDoctor({.config = gateway.folder(),
                         .dev = false,
                         .now_us = base::Clock::System()->NowUs()});
  EXPECT_TRUE(Has(findings, Health::kFailure, "keys"));
}

TEST(DoctorTest, ARunningGatewayCanBeLookedAt) {
  TestGateway gateway;
  gateway.Start();
  EXPECT_EQ(Failures(Examine(gateway)), "");
}

TEST(DoctorTest, TextInTheClearIsFound) {
  TestGateway gateway;
  std::ofstream(gateway.File("data/trail.db"), std::ios::app)
      << "SQLite format 3";
  EXPECT_NE(Failures(Examine(gateway)).find("encryption: trail.db"),
            std::string::npos);
}

TEST(DoctorTest, AFileThatIsNotRandomIsFound) {
  TestGateway gateway;
  std::ofstream(gateway.File("data/trail.db"), std::ios::trunc)
      << std::string(1 << 20, 'x');
  EXPECT_NE(Failures(Examine(gateway)).find("does not look random"),
            std::string::npos);
}

TEST(DoctorTest, AChangedEntryOfTheLogIsFound) {
  TestGateway gateway;
  const std::string folder = gateway.File("data/log/segments");
  std::string segment;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (segment.empty() || file.path().string() < segment) {
      segment = file.path().string();
    }
  }
  const size_t at = ReadAll(segment).find("system.");
  ASSERT_NE(at, std::string::npos);
  Flip(segment, at);
  EXPECT_NE(Failures(Examine(gateway)).find("log: "), std::string::npos);
}

TEST(DoctorTest, AnotherRootKeyDoesNotOpenTheStore) {
  TestGateway gateway;
  std::ofstream(gateway.File("keys/root.key"), std::ios::trunc)
      << "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
  EXPECT_NE(Failures(Examine(gateway)).find("store: cannot be read"),
            std::string::npos);
}

TEST(DoctorTest, EndsThatAreNearAreWarnedOfAndPassedOnesFail) {
  TestGateway gateway;
  EXPECT_TRUE(
      Has(Examine(gateway, 380 * kDayUs), Health::kWarning, "certificates"));
  EXPECT_TRUE(
      Has(Examine(gateway, 400 * kDayUs), Health::kFailure, "certificates"));
}

TEST(DoctorTest, AKeyThatOthersCanReadFails) {
  TestGateway gateway;
  chmod(gateway.File("keys/log.key").c_str(), 0640);
  EXPECT_NE(Failures(Examine(gateway)).find("keys.log_key_file"),
            std::string::npos);
}

TEST(DoctorTest, WhatOthersMayReplaceOrChangeFails) {
  TestGateway gateway;
  for (const auto& [name, field] :
       {std::pair("keys", "keys.root_key_file"), std::pair("tls", "tls."),
        std::pair("consentry.txtpb", "others may change"),
        std::pair("purposes.txtpb", "policy.purposes")}) {
    const auto path = std::filesystem::path(gateway.File(name));
    const auto before = std::filesystem::status(path).permissions();
    std::filesystem::permissions(path, std::filesystem::perms::others_write,
                                 std::filesystem::perm_options::add);
    EXPECT_NE(Failures(Examine(gateway)).find(field), std::string::npos)
        << name;
    std::filesystem::permissions(path, before);
  }
}

TEST(DoctorTest, ARecoveryKeyThatNobodyTypedBackIsAWarning) {
  std::string key;
  TestGateway gateway([&key](server::InitialiseOptions* options) {
    options->show_recovery_key = [&key](std::string_view shown) {
      key = std::string(shown);
    };
  });
  const auto told = [&gateway] {
    std::string text;
    for (const Finding& finding : Examine(gateway)) text += finding.text + "\n";
    return text;
  };
  EXPECT_NE(told().find("keys confirm"), std::string::npos);

  std::string other = key;
  other[0] = other[0] == '7' ? '8' : '7';
  EXPECT_THAT(server::ConfirmRecoveryKey(gateway.folder(), other),
              testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_NE(told().find("keys confirm"), std::string::npos);
  ASSERT_OK(server::ConfirmRecoveryKey(gateway.folder(), key));
  EXPECT_EQ(told().find("keys confirm"), std::string::npos);
}

}  // namespace
}  // namespace consentry
