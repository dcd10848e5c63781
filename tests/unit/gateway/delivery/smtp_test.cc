#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>

#include "gateway/delivery/transport.h"
#include "tests/testing/smtp_server.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::delivery {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::StatusIs;

constexpr char kFrom[] = "privacy@shop.example";
constexpr char kTo[] = "anna@example.com";
constexpr char kMail[] = "Subject: x\r\n\r\nHello\r\n=2E\r\nend\r\n";

config::v1::Smtp Config(const testing::SmtpServer& server) {
  config::v1::Smtp config;
  config.set_host("127.0.0.1");
  config.set_port(static_cast<uint32_t>(server.port()));
  config.set_security(config::v1::Smtp::PLAIN);
  config.set_timeout_seconds(5);
  return config;
}

TEST(SmtpTest, AMessageArrivesAsItWasGiven) {
  testing::SmtpServer server;
  const std::atomic<bool> stop{false};
  const auto smtp = MakeSmtp(Config(server), &stop);
  ASSERT_OK(smtp);
  ASSERT_OK((*smtp)->Deliver("msg_1", kFrom, kTo, kMail));
  ASSERT_OK((*smtp)->Deliver("msg_2", kFrom, kTo, kMail));
  const auto received = server.received();
  ASSERT_EQ(received.size(), 2u);
  EXPECT_EQ(received[0].from, kFrom);
  EXPECT_EQ(received[0].to, kTo);
  EXPECT_EQ(received[0].data, kMail);
  EXPECT_THAT(server.commands().front(), HasSubstr("shop.example"));
}

TEST(SmtpTest, ARefusalIsForGoodAndADelayIsNot) {
  testing::SmtpServer server;
  const std::atomic<bool> stop{false};
  const auto smtp = MakeSmtp(Config(server), &stop);
  ASSERT_OK(smtp);
  server.AnswerReceiversWith("550 no such anna@example.com here");
  const absl::Status refused = (*smtp)->Deliver("msg_1", kFrom, kTo, kMail);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(refused.message()), Not(HasSubstr("anna")));
  server.AnswerReceiversWith("451 later");
  EXPECT_THAT((*smtp)->Deliver("msg_1", kFrom, kTo, kMail),
              StatusIs(absl::StatusCode::kAborted));
  EXPECT_TRUE(server.received().empty());
}

TEST(SmtpTest, WithoutTheTlsThatIsRequiredNothingIsSaid) {
  testing::SmtpServer server;
  const std::atomic<bool> stop{false};
  config::v1::Smtp config = Config(server);
  config.set_security(config::v1::Smtp::STARTTLS);
  const auto smtp = MakeSmtp(config, &stop);
  ASSERT_OK(smtp);
  EXPECT_THAT((*smtp)->Deliver("msg_1", kFrom, kTo, kMail),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(server.received().empty());
  for (const std::string& command : server.commands()) {
    EXPECT_THAT(command, Not(HasSubstr("MAIL")));
    EXPECT_THAT(command, Not(HasSubstr("RCPT")));
  }
}

TEST(SmtpTest, AServerThatIsNotThereIsTriedLater) {
  config::v1::Smtp config;
  {
    const testing::SmtpServer gone;
    config = Config(gone);
  }
  const std::atomic<bool> stop{false};
  const auto smtp = MakeSmtp(config, &stop);
  ASSERT_OK(smtp);
  EXPECT_THAT((*smtp)->Deliver("msg_1", kFrom, kTo, kMail),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST(SmtpTest, APasswordOthersMayReadIsRefused) {
  const testing::TempDir dir;
  const testing::SmtpServer server;
  const std::atomic<bool> stop{false};
  config::v1::Smtp config = Config(server);
  config.set_user("shop");
  config.set_password_file(dir.File("password"));
  std::ofstream(dir.File("password")) << "secret\n";
  ASSERT_EQ(chmod(dir.File("password").c_str(), 0644), 0);
  EXPECT_THAT(MakeSmtp(config, &stop),
              StatusIs(absl::StatusCode::kPermissionDenied));
  ASSERT_EQ(chmod(dir.File("password").c_str(), 0600), 0);
  EXPECT_OK(MakeSmtp(config, &stop));
  std::ofstream(dir.File("password")) << "two\nlines\n";
  EXPECT_FALSE(MakeSmtp(config, &stop).ok());
}

TEST(FileDropTest, AMessageIsAFileOfItsOwnThatOnlyTheOwnerReads) {
  const testing::TempDir dir;
  config::v1::FileDrop config;
  config.set_folder(dir.File("mail"));
  const auto drop = MakeFileDrop(config);
  ASSERT_OK(drop);
  ASSERT_OK((*drop)->Deliver("msg_1", kFrom, kTo, kMail));
  ASSERT_OK((*drop)->Deliver("msg_1", kFrom, kTo, kMail));
  std::ifstream file(dir.File("mail/msg_1.eml"), std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), kMail);
  struct stat state;
  ASSERT_EQ(stat(dir.File("mail/msg_1.eml").c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777, 0600u);
  ASSERT_EQ(stat(dir.File("mail").c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777, 0700u);
}

}  // namespace
}  // namespace consentry::delivery
