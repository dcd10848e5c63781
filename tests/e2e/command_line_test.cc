// What the program says where a person types something that cannot be: one
// line that names what is wrong and the way on, an exit code for scripts, and
// no value of a customer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "gateway/server/initialise.h"
#include "tests/testing/child_process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry {
namespace {

using ::testing::AllOf;
using testing::ChildProcess;
using testing::Command;
using testing::Ended;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using testing::TempDir;

constexpr char kService[] = "essential.service.operations";

class CommandLineTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir;
    server::InitialiseOptions options;
    options.folder = dir_->File("consentry-data");
    options.home = "DE";
    // Nobody listens there: commands start a gateway of their own.
    options.address = "127.0.0.1:1";
    ASSERT_OK(server::Initialise(options));
    const Ended added =
        Run({"client", "add", "shop", "--purpose", kService, "--read", "user",
             "--write", "user", "--source", "crm", "--country", "DE"});
    ASSERT_EQ(added.code, 0) << added.err;
  }
  static void TearDownTestSuite() { delete dir_; }

  static Command Line(std::vector<std::string> words) {
    words.insert(words.begin(), CONSENTRY_BUILD_DIR "/bin/consentry");
    return {.words = std::move(words),
            .environment = {{"CONSENTRY_CONFIG", ""}, {"GRPC_VERBOSITY", ""}},
            .folder = dir_->path()};
  }
  static Ended Run(std::vector<std::string> words) {
    return testing::RunToEnd(Line(std::move(words)));
  }

  // A refusal: nothing on standard output.
  static std::string Refusal(const std::vector<std::string>& words, int code) {
    const Ended ended = Run(words);
    EXPECT_EQ(ended.code, code) << ended.err;
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err, StartsWith("consentry: "));
    return ended.err;
  }

  static std::vector<std::string> Read(const std::string& customer,
                                       const std::string& fields,
                                       const std::string& as) {
    return {"read",      customer, "--as",     as,
            "--purpose", kService, "--fields", fields};
  }

  static TempDir* dir_;
};
TempDir* CommandLineTest::dir_ = nullptr;

TEST_F(CommandLineTest, WithoutACommandItShowsWhatThereIs) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                {"client"},
                                                {"policy"},
                                                {"audit"},
                                                {"consent"}}) {
    const Ended ended = Run(words);
    EXPECT_EQ(ended.code, 2);
    EXPECT_THAT(ended.err,
                AllOf(HasSubstr("Usage: consentry"), HasSubstr("Subcommands:"),
                      Not(HasSubstr("consentry  "))));
  }
}

TEST_F(CommandLineTest, AnUnknownCommandIsNamedWithWhereHelpIs) {
  EXPECT_EQ(Refusal({"nonsense"}, 2),
            "consentry: no such command: consentry nonsense\n"
            "`consentry --help` says how it is used.\n");
  EXPECT_EQ(Refusal({"audit", "get", "3"}, 2),
            "consentry: no such command: consentry audit get\n"
            "`consentry audit --help` says how it is used.\n");
  EXPECT_EQ(Refusal({"read"}, 2),
            "consentry: customer is required\n"
            "`consentry read --help` says how it is used.\n");
  EXPECT_THAT(Refusal({"doctor", "--bogus"}, 2), HasSubstr("--bogus"));
}

TEST_F(CommandLineTest, AMissingFolderIsToldWithTheWayOn) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"serve"},
        {"client", "list"},
        {"audit", "tail"},
        Read("crm:K-1", "profile.email", "shop")}) {
    std::vector<std::string> elsewhere = {"--config", "nowhere"};
    elsewhere.insert(elsewhere.end(), words.begin(), words.end());
    const Ended ended = Run(elsewhere);
    EXPECT_NE(ended.code, 0);
    EXPECT_THAT(ended.err,
                AllOf(HasSubstr("nowhere"), HasSubstr("consentry init"),
                      HasSubstr("--config")));
  }
  EXPECT_THAT(Refusal({"--config", "nowhere", "audit", "verify"}, 1),
              AllOf(HasSubstr("nowhere/log-verifier.txt"), HasSubstr("--key")));
  EXPECT_THAT(Refusal({"--config", "nowhere", "audit", "prove", "3"}, 1),
              HasSubstr("holds no audit log"));
  EXPECT_THAT(Refusal({"--config", "nowhere", "audit", "export", "out"}, 1),
              HasSubstr("holds no audit log"));
}

TEST_F(CommandLineTest, AMissingFileIsNamedAndNothingIsLeftBehind) {
  EXPECT_EQ(Refusal({"import", "--map", "no.txtpb", "no.csv"}, 1),
            "consentry: cannot read no.txtpb\n");
  EXPECT_EQ(Refusal({"import", "--draft", "no.csv"}, 1),
            "consentry: cannot read no.csv\n");
  EXPECT_FALSE(std::filesystem::exists(dir_->File("no.csv.quarantine.csv")));
}

TEST_F(CommandLineTest, AnImportNeverWritesOverWhatItReads) {
  const std::string rows = "id,email\n1,a@shop.example\n";
  for (const char* name : {"rows.csv", "map.txtpb"}) {
    std::ofstream(dir_->File(name)) << rows;
  }
  std::filesystem::create_symlink(dir_->File("rows.csv"),
                                  dir_->File("list.csv"));
  for (const char* list : {"rows.csv", "./map.txtpb", "list.csv"}) {
    EXPECT_THAT(Refusal({"import", "--as", "shop", "--map", "map.txtpb",
                         "rows.csv", "--quarantine", list},
                        2),
                HasSubstr("would replace"));
  }
  std::ifstream file(dir_->File("rows.csv"));
  const std::string kept((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(kept, rows);
}

TEST_F(CommandLineTest, ARegistrationWithoutACertificateIsNamed) {
  EXPECT_THAT(
      Refusal(Read("crm:K-1", "profile.email", "nobody"), 1),
      AllOf(HasSubstr("no certificate of nobody"),
            HasSubstr("consentry client add nobody"), HasSubstr("--as")));
  EXPECT_THAT(Refusal(Read("crm:K-1", "profile.email", "operator"), 2),
              AllOf(HasSubstr("PERMISSION_MISSING"), HasSubstr("--as")));
  EXPECT_THAT(Refusal({"client", "add", "shop", "--purpose", kService}, 2),
              HasSubstr("consentry client renew shop"));
}

TEST_F(CommandLineTest, AFaultOfARequestIsToldOnceWithoutTheValue) {
  const std::string fields =
      Refusal(Read("email:ada@shop.example", "nosuch", "shop"), 2);
  EXPECT_EQ(fields.find("kind.field"), fields.rfind("kind.field"));
  EXPECT_THAT(fields, Not(HasSubstr("ada@")));
  const std::string value =
      Refusal({"write", "crm:K-1", "--as", "shop", "--source", "crm", "--key",
               "1", "--purpose", kService, "--set", "email=ada-at-shop"},
              2);
  EXPECT_THAT(value, AllOf(HasSubstr("profile.email: VALUE_MALFORMED"),
                           Not(HasSubstr("ada-at-shop")),
                           Not(HasSubstr("ERROR_REASON_"))));
}

TEST_F(CommandLineTest, AnErasureIsTypedFromTheRequestToTheApproval) {
  ASSERT_EQ(Run({"write", "crm:K-7", "--as", "shop", "--source", "crm", "--key",
                 "7", "--purpose", kService, "--set", "city=Kiel"})
                .code,
            0);
  ASSERT_EQ(Run({"client", "add", "dpo", "--role", "dpo"}).code, 0);
  const Ended submitted = Run({"rights", "submit", "crm:K-7", "erasure"});
  ASSERT_EQ(submitted.code, 0) << submitted.err;
  const std::string id = submitted.out.substr(0, submitted.out.find(' '));

  // Too early, and where the case stands instead.
  EXPECT_THAT(Refusal({"rights", "complete", id}, 2),
              AllOf(HasSubstr("STATE_INVALID"), HasSubstr("verifying"),
                    HasSubstr("waits for customer")));
  EXPECT_THAT(
      Refusal({"rights", "verify", id, "--evidence", "no-such-file"}, 2),
      HasSubstr("--evidence"));
  std::ofstream(dir_->File("letter.txt")) << "a letter with a signature";
  const Ended verified =
      Run({"rights", "verify", id, "--evidence", "letter.txt"});
  ASSERT_EQ(verified.code, 0) << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("identity  reasonable"));
  const Ended preview = Run({"rights", "preview", "crm:K-7"});
  EXPECT_THAT(preview.out, AllOf(HasSubstr("Nothing was changed"),
                                 HasSubstr("profile.city")));
  // Whoever approves is the officer, without being named.
  EXPECT_EQ(Run({"rights", "approve", id}).code, 0);
  Refusal({"rights", "certificate", id}, 2);
  EXPECT_NE(Run({"rights", "verify-certificate", "letter.txt"}).code, 0);
}

TEST_F(CommandLineTest, TextsAreScannedWithoutAGateway) {
  std::ofstream(dir_->File("mails.csv")) << "id,body\n1,Hello\n"
                                         << "2,Only 2 left\n";
  const Ended scanned = Run({"--config", "nowhere", "conduct", "scan",
                             "--column", "body", "mails.csv", "--json"});
  EXPECT_EQ(scanned.code, 0) << scanned.err;
  EXPECT_THAT(scanned.out,
              AllOf(StartsWith("{\"row\":1,\"findings\":[]}\n{\"row\":2,"),
                    HasSubstr("\"quantity\":2")));
  EXPECT_THAT(Refusal({"conduct", "scan", "--column", "text", "mails.csv"}, 2),
              AllOf(HasSubstr("no column text"), HasSubstr("id, body")));
  EXPECT_EQ(Refusal({"conduct", "scan", "--column", "body", "no.csv"}, 1),
            "consentry: cannot read no.csv\n");
  EXPECT_THAT(Refusal({"conduct", "scan", "mails.csv"}, 2),
              HasSubstr("--column is required"));
  const Ended tested = Run({"conduct", "test"});
  EXPECT_EQ(tested.code, 0);
  EXPECT_THAT(tested.out, HasSubstr(", 0 failed"));
}

TEST_F(CommandLineTest, AnEmptyListSaysSo) {
  EXPECT_EQ(Run({"breach", "list"}).out, "No breach is registered.\n");
  EXPECT_EQ(Run({"holds", "list"}).out, "no hold\n");
  EXPECT_EQ(Run({"tasks", "list"}).out, "no tasks\n");
  EXPECT_EQ(Run({"consent", "notice", "list"}).out,
            "no notice is registered\n");
  EXPECT_EQ(Run({"holds", "list", "--json"}).out, "");
}

TEST_F(CommandLineTest, EveryAnswerOfInitThatCannotBeUsedIsToldAtOnce) {
  const std::string refusal =
      Refusal({"--config", "new", "init", "--home", "DE", "--listen", "here",
               "--purpose", "nosuch", "--threshold", "none"},
              2);
  for (const char* part : {"listen: \"here\"", "purpose: \"nosuch\"",
                           "threshold: \"none\"", "us-ca.business"}) {
    EXPECT_THAT(refusal, HasSubstr(part));
  }
  EXPECT_THAT(Refusal({"--config", "new", "init", "--home", "Narnia"}, 2),
              HasSubstr("Narnia is no country"));
  EXPECT_FALSE(std::filesystem::exists(dir_->File("new")));
}

TEST_F(CommandLineTest, InitAsksAgainAndMakesNothingWhereAnswersEnd) {
  Command asked = Line({});
  asked.words = {"script", "-qec",
                 CONSENTRY_BUILD_DIR "/bin/consentry --config asked init",
                 "/dev/null"};
  asked.input = "Narnia\nDE, US-CA\n";
  const Ended ended = testing::RunToEnd(asked);
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("Narnia is no country"),
                               HasSubstr("us-ca.business"),
                               HasSubstr("nothing was made")));
  EXPECT_FALSE(std::filesystem::exists(dir_->File("asked")));
}

TEST_F(CommandLineTest, AGatewayThatListensElsewhereIsRecognized) {
  ChildProcess serve(Line({"serve", "--listen", "127.0.0.1:0"}));
  ASSERT_TRUE(serve.WaitFor("Serving at ")) << serve.Wait().err;
  EXPECT_THAT(Refusal({"client", "list"}, 1),
              AllOf(HasSubstr("a gateway holds consentry-data"),
                    HasSubstr("--listen")));
  // A second gateway over the same data is refused.
  EXPECT_THAT(Refusal({"serve", "--listen", "127.0.0.1:0"}, 1),
              HasSubstr("consentry-data"));
  serve.Signal(SIGINT);
  EXPECT_EQ(serve.Wait().code, 0);
}

}  // namespace
}  // namespace consentry
