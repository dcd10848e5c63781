// README.md, done as a newcomer would who types what stands there.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "tests/testing/child_process.h"
#include "tests/testing/temp_dir.h"

namespace consentry {
namespace {

using ::testing::AllOf;
using testing::ChildProcess;
using testing::Command;
using ::testing::ContainsRegex;
using testing::Ended;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RunToEnd;
using testing::TempDir;

constexpr char kRoot[] = CONSENTRY_SOURCE_DIR;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> Words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> Matches(const std::string& text,
                                 const std::string& pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end;
       ++it) {
    found.push_back((*it)[1]);
  }
  return found;
}

// The lines inside the fences of ```sh.
std::vector<std::string> ShellLines(const std::string& readme) {
  std::vector<std::string> lines;
  std::istringstream stream(readme);
  bool inside = false;
  for (std::string line; std::getline(stream, line);) {
    if (line.rfind("```", 0) == 0) {
      inside = line == "```sh";
    } else if (inside && !line.empty()) {
      lines.push_back(line);
    }
  }
  return lines;
}

bool IsCommandWord(const std::string& word) {
  for (const char c : word) {
    if (std::islower(static_cast<unsigned char>(c)) == 0) return false;
  }
  return !word.empty();
}

// A command with the options that README names for it.
struct Named {
  std::vector<std::string> words;
  std::vector<std::string> options;

  friend bool operator<(const Named& a, const Named& b) {
    return std::tie(a.words, a.options) < std::tie(b.words, b.options);
  }
};

Named Parse(const std::string& code) {
  Named named;
  for (const std::string& word : Words(code)) {
    if (word.rfind("--", 0) == 0) {
      named.options.push_back(word);
    } else if (named.options.empty() && IsCommandWord(word) &&
               word != "consentry") {
      named.words.push_back(word);
    }
  }
  return named;
}

// What README gives in code after the program's name; in a row of a table also
// the further ones, which leave out what they share with the first: `consentry
// policy test`, `explain`.
std::set<Named> Commands(const std::string& readme) {
  std::set<Named> commands;
  std::istringstream stream(readme);
  for (std::string line; std::getline(stream, line);) {
    const bool row = line.rfind("| `consentry", 0) == 0;
    Named first;
    for (const std::string& code : Matches(line, "`([^`]+)`")) {
      Named named = Parse(code);
      if (code.rfind("consentry ", 0) == 0) {
        first = named;
      } else if (!row || first.words.empty()) {
        continue;
      } else if (code.rfind("--", 0) == 0) {
        named.words = first.words;
      } else {
        named.words.insert(named.words.begin(), first.words.begin(),
                           first.words.end() - 1);
      }
      commands.insert(named);
    }
  }
  return commands;
}

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : " ") + word;
  return text;
}

// A port of loopback that is free now.
std::string FreeAddress() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

class ReadmeTest : public ::testing::Test {
 protected:
  // As typed into a shell in the test's own folder, with the program in PATH
  // and nothing of ours in the environment.
  Command Typed(const std::string& line) const {
    return {.words = {"/bin/sh", "-c", line},
            .environment = {{"CONSENTRY_CONFIG", ""},
                            {"GRPC_VERBOSITY", ""},
                            {"PATH", CONSENTRY_BUILD_DIR
                             "/bin:/usr/local/bin:/usr/bin:/bin"}},
            .folder = dir_.path(),
            .timeout_seconds = 240};
  }
  Ended Type(const std::string& line) const { return RunToEnd(Typed(line)); }

  // Expects that it ends so and is silent on standard error.
  std::string TypeFor(const std::string& line, int code) const {
    const Ended ended = Type(line);
    EXPECT_EQ(ended.code, code) << line << "\n" << ended.out;
    EXPECT_EQ(ended.err, "") << line;
    return ended.out;
  }

  const std::string readme_ = ReadAll(std::string(kRoot) + "/README.md");
  const TempDir dir_;
};

TEST_F(ReadmeTest, EveryLineToPasteIsAProgramThatTakesItsWords) {
  const std::vector<std::string> lines = ShellLines(readme_);
  ASSERT_FALSE(lines.empty());
  for (const std::string& line : lines) {
    const std::vector<std::string> words = Words(line);
    const std::string program = std::string(kRoot) + "/" + words[0];
    EXPECT_EQ(access(program.c_str(), X_OK), 0) << line;
    // They say how they are used and do nothing where they are used otherwise.
    const Ended used = RunToEnd({.words = {program, "--no-such-word"}});
    EXPECT_EQ(used.code, 2) << line;
    EXPECT_THAT(used.err, HasSubstr(words[0].substr(2)));
  }
}

TEST_F(ReadmeTest, EveryCommandAndOptionThatItNamesIsThere) {
  const std::set<Named> commands = Commands(readme_);
  ASSERT_GE(commands.size(), 15u);
  for (const Named& named : commands) {
    const std::string words = Join(named.words);
    const Ended help = Type("consentry " + words + " --help");
    EXPECT_EQ(help.code, 0) << words;
    EXPECT_THAT(help.out, HasSubstr("Usage: consentry " + words + " ["))
        << "README names a command that is not there";
    for (const std::string& option : named.options) {
      EXPECT_THAT(help.out, HasSubstr(option)) << words;
    }
  }
}

TEST_F(ReadmeTest, WhatIsNotThereIsRecognizedAsSuch) {
  const std::set<Named> commands = Commands(
      "Text with `consentry nonsense --bogus`.\n"
      "| `consentry policy test`, `explain` | with `other` |\n");
  std::vector<std::string> found;
  for (const Named& named : commands) found.push_back(Join(named.words));
  EXPECT_THAT(
      found, ::testing::UnorderedElementsAre("nonsense", "policy test",
                                             "policy explain", "policy other"));
  EXPECT_THAT(Type("consentry nonsense --help").out,
              Not(HasSubstr("Usage: consentry nonsense [")));
}

TEST_F(ReadmeTest, FilesThatItNamesAreThere) {
  for (const std::string& code :
       Matches(readme_, "`([a-z0-9_/.]+/[A-Za-z0-9_/.]+)`")) {
    EXPECT_TRUE(std::filesystem::exists(std::string(kRoot) + "/" + code))
        << code;
  }
}

TEST_F(ReadmeTest, TheDemonstrationRunsToItsEndAndShowsWhatIsPromised) {
  const std::string tour = TypeFor("consentry demo --exit", 0);
  EXPECT_THAT(tour, HasSubstr("127.0.0.1:"));
  // One for each point of "What you see".
  EXPECT_THAT(tour, ContainsRegex("profile.given_name +[A-Z]"));
  EXPECT_THAT(tour, ContainsRegex("profile.email +[a-z0-9.]+@example"));
  EXPECT_THAT(tour, HasSubstr("open ticket"));
  EXPECT_THAT(tour, HasSubstr("DENY  CONSENT_MISSING"));
  EXPECT_THAT(tour, ContainsRegex("basis +eu-gdpr: consent, notice "));
  EXPECT_THAT(tour, HasSubstr("DENY  CONSENT_WITHDRAWN"));
  EXPECT_THAT(tour,
              ContainsRegex("profile.birth_date +[0-9]+-[0-9]+ +.age band"));
  EXPECT_THAT(tour, ContainsRegex("profile.region +US-CA"));
  EXPECT_THAT(tour, HasSubstr("DENY  OPTED_OUT"));
  EXPECT_THAT(tour,
              ContainsRegex("age: 45_and_over .*: VIOLATION(, alarm)?, ratio"));
  EXPECT_THAT(tour, ContainsRegex("country: at .*: INSUFFICIENT, "));
  EXPECT_THAT(tour, HasSubstr("HELD (FAIRNESS)"));
  EXPECT_THAT(tour, ContainsRegex("age: 45_and_over [0-9.]+ % of [0-9]+ got "
                                  "one, under_45 [0-9.]+ % of [0-9]+: ratio "));
  EXPECT_THAT(tour, HasSubstr("consentry-demo/fairness-report.html"));
  EXPECT_THAT(ReadAll(dir_.File("consentry-demo/fairness-report.html")),
              AllOf(HasSubstr("Fairness report: Who gets a voucher"),
                    HasSubstr("outside tolerance since")));
  EXPECT_THAT(tour, HasSubstr("no connection: the handshake fails"));
  EXPECT_THAT(tour, HasSubstr("sound: the audit log"));
  EXPECT_THAT(tour, ContainsRegex("entry [0-9]+ was changed"));
  // All of the shop's some 2,000 customers.
  EXPECT_THAT(tour, ContainsRegex("orders.csv: 2,[0-9]+ rows"));
}

TEST_F(ReadmeTest, TheDemonstrationsLastCommandsDoWhatTheySay) {
  ChildProcess demo(Typed("exec consentry demo --customers 200"));
  ASSERT_TRUE(demo.WaitFor("stays up until Ctrl-C")) << demo.Wait().err;
  const std::vector<std::string> lines =
      Matches(demo.out(), "\n +([^\n]*--config consentry-demo[^\n]*)");
  ASSERT_EQ(lines.size(), 3u) << demo.out();
  EXPECT_THAT(TypeFor(lines[0], 0), HasSubstr("PERMIT"));
  EXPECT_THAT(TypeFor(lines[1], 2), HasSubstr("DENY"));
  EXPECT_THAT(TypeFor(lines[2], 0), HasSubstr("CONSENT_WITHDRAWN"));
  demo.Signal(SIGINT);
  const Ended ended = demo.Wait();
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.err, "");
}

TEST_F(ReadmeTest, YourOwnShopFromInitToProtos) {
  const std::string address = FreeAddress();
  // `script` gives init the terminal on which it asks.
  Command init = Typed("script -qec 'consentry init' /dev/null");
  init.input =
      "DE FR\n\n\n" + address + "\nSample Shop\nprivacy@shop.example\n";
  const Ended made = RunToEnd(init);
  ASSERT_EQ(made.code, 0) << made.out;
  for (const char* part : {"1/5", "2/5", "3/5", "4/5", "5/5", "recovery key",
                           "public key", "Made a gateway in consentry-data"}) {
    EXPECT_THAT(made.out, HasSubstr(part));
  }
  EXPECT_THAT(ReadAll(dir_.File("consentry-data/consentry.txtpb")),
              HasSubstr("name: \"Sample Shop\""));

  ChildProcess serve(Typed("exec consentry serve"));
  ASSERT_TRUE(serve.WaitFor("Serving at " + address)) << serve.Wait().err;

  // Keys beside the data are good for a first look, and doctor says so.
  const std::string doctor = TypeFor("consentry doctor", 2);
  EXPECT_THAT(Matches(doctor, "FAIL +([a-z]+)"),
              ::testing::ElementsAre("keys"));
  EXPECT_THAT(doctor, HasSubstr("store.db"));
  EXPECT_THAT(doctor, HasSubstr("nothing in clear"));

  EXPECT_THAT(TypeFor("consentry client add crm-import --purpose "
                      "essential.service.operations --read user --write user "
                      "--source crm --permission data.import "
                      "--permission data.legal_facts --country DE",
                      0),
              HasSubstr("crm-import.key"));
  TypeFor(
      "consentry client add newsletter --read user --country DE --purpose "
      "marketing.communications.email",
      0);

  std::ofstream(dir_.File("people.csv"))
      << "Kundennummer;Vorname;Nachname;E-Mail;PLZ;Ort;Land\n"
         "K-1;Ada;Muster;ada@shop.example;10115;Berlin;DE\n"
         "K-2;Ben;Beispiel;ben@shop.example;80331;Hamburg;DE\n"
         "K-3;Cem;Probe;no-address;20095;Hamburg;DE\n";
  EXPECT_THAT(TypeFor("consentry import --draft people.csv", 0),
              HasSubstr("people.csv.map.txtpb"));
  // The one line that a person has to correct here: whose export it is.
  std::string map = ReadAll(dir_.File("people.csv.map.txtpb"));
  map = std::regex_replace(map, std::regex("source: \"[^\"]*\""),
                           "source: \"crm\"");
  std::ofstream(dir_.File("people.csv.map.txtpb")) << map;
  // What takes longer than two seconds says so on standard error.
  const Ended report = Type(
      "consentry import people.csv --map people.csv.map.txtpb --as "
      "crm-import");
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_THAT(report.out, ContainsRegex("rows +3"));
  EXPECT_THAT(report.out, HasSubstr("VALUE_MALFORMED"));
  EXPECT_THAT(ReadAll(dir_.File("people.csv.quarantine.csv")),
              HasSubstr("E-Mail,VALUE_MALFORMED"));

  EXPECT_THAT(TypeFor("consentry read crm:K-1 --as crm-import --purpose "
                      "essential.service.operations --fields "
                      "profile.given_name,profile.email",
                      0),
              ContainsRegex("profile.email +ada@shop.example"));
  const std::string denied = TypeFor(
      "consentry read email:ben@shop.example --as newsletter --purpose "
      "marketing.communications.email --channel email --fields "
      "profile.email",
      2);
  EXPECT_THAT(denied, Not(HasSubstr("ben@")));
  const auto decisions = Matches(denied, "(dec_[a-z0-9]+)");
  ASSERT_EQ(decisions.size(), 1u);
  EXPECT_THAT(TypeFor("consentry explain " + decisions[0], 0),
              HasSubstr("CONSENT_MISSING"));

  const std::string cases =
      std::string(kRoot) + "/policy/packs/defaults/cases.txtpb";
  const std::string one =
      cases +
      " --case 'an order needs name, address and e-mail: permitted on the "
      "contract'";
  EXPECT_THAT(TypeFor("consentry policy test", 0), HasSubstr("cases passed"));
  EXPECT_THAT(TypeFor("consentry policy explain " + one, 0),
              HasSubstr("contract"));
  EXPECT_THAT(TypeFor("consentry policy lint", 0), HasSubstr("0 errors"));
  EXPECT_THAT(TypeFor("consentry policy lint --notes", 0),
              HasSubstr("not checked"));
  EXPECT_THAT(TypeFor("consentry policy eval " + one, 0), HasSubstr("PERMIT"));

  EXPECT_THAT(TypeFor("consentry audit tail", 0), HasSubstr("data.import"));
  const std::string query =
      TypeFor("consentry audit query --customer crm:K-2 --effect deny", 0);
  EXPECT_THAT(query, HasSubstr("DENY CONSENT_MISSING"));
  EXPECT_THAT(query, Not(HasSubstr("K-2")));
  EXPECT_THAT(TypeFor("consentry audit verify", 0), HasSubstr("sound"));
  EXPECT_EQ(Type("consentry audit prove 3 --out entry.tlog-proof").code, 0);
  TypeFor("consentry audit verify-proof entry.tlog-proof", 0);
  TypeFor("consentry audit export log-copy", 0);
  EXPECT_THAT(TypeFor("consentry audit verify log-copy", 0),
              HasSubstr("sound"));

  EXPECT_THAT(TypeFor("consentry protos api", 0),
              HasSubstr("consentry/v1/data_service.proto"));
  TypeFor(CONSENTRY_PROTOC
          " -I api -o api.pb $(cd api && find . -name "
          "'*.proto' | sed 's,^./,,')",
          0);

  serve.Signal(SIGINT);
  const Ended stopped = serve.Wait();
  EXPECT_EQ(stopped.code, 0);
  EXPECT_THAT(stopped.out, HasSubstr("Stopping."));
  for (const char* value : {"ada@", "ben@", "Muster", "K-1"}) {
    EXPECT_THAT(stopped.err, Not(HasSubstr(value)));
  }
  // Without a running gateway, a command starts its own for its length.
  EXPECT_THAT(TypeFor("consentry audit query --effect deny", 0),
              HasSubstr("DENY CONSENT_MISSING"));
}

}  // namespace
}  // namespace consentry
