// Reviews as a person types them: a customer is handed over, asked, answers,
// and is told why; with the registration for reviewers that init makes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/server/initialise.h"
#include "tests/testing/child_process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry {
namespace {

using ::testing::AllOf;
using testing::Ended;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TempDir;

constexpr char kService[] = "essential.service.operations";

class ReviewCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server::InitialiseOptions options;
    options.folder = dir_.File("consentry-data");
    options.home = "DE";
    options.address = "127.0.0.1:1";
    options.reviewer = true;
    ASSERT_OK(server::Initialise(options));
    Do({"client", "add", "bot", "--purpose", kService, "--read", "user",
        "--write", "user", "--source", "crm", "--country", "DE", "--permission",
        "data.legal_facts", "--permission", "reviews.request"});
    Do({"write", "crm:K-1", "--as", "bot", "--source", "crm", "--key", "K-1",
        "-p", kService, "--set", "given_name=Erika", "--residence", "DE"});
  }

  Ended Run(std::vector<std::string> words) const {
    words.insert(words.begin(), CONSENTRY_BUILD_DIR "/bin/consentry");
    return testing::RunToEnd(
        {.words = std::move(words),
         .environment = {{"CONSENTRY_CONFIG", ""}, {"GRPC_VERBOSITY", ""}},
         .folder = dir_.path()});
  }
  std::string Do(const std::vector<std::string>& words) const {
    const Ended ended = Run(words);
    EXPECT_EQ(ended.code, 0) << ended.err;
    return ended.out;
  }
  // The word that begins so.
  static std::string WordIn(const std::string& text, const std::string& front) {
    const size_t at = text.find(front);
    if (at == std::string::npos) return "";
    return text.substr(at, text.find_first_of(" \n", at) - at);
  }
  static std::string EtagIn(const std::string& text) {
    const size_t at = text.find("--etag ") + 7;
    return text.substr(at, text.find(' ', at) - at);
  }

  const TempDir dir_;
};

TEST_F(ReviewCommandTest, ACaseIsTakenAskedAboutAndDecided) {
  const std::string asked = Do({"review", "request", "crm:K-1", "--as", "bot",
                                "--statement", "A person, please"});
  const std::string id = WordIn(asked, "rev_");
  ASSERT_FALSE(id.empty()) << asked;
  EXPECT_THAT(Do({"review", "list"}),
              AllOf(HasSubstr(id + "  priority 1  open  due in "),
                    HasSubstr("hand-over")));
  const Ended nobody = Run({"review", "claim"});
  EXPECT_NE(nobody.code, 0);
  EXPECT_THAT(nobody.err + nobody.out, HasSubstr("--person"));
  EXPECT_THAT(Do({"review", "claim", "--person", "rita"}),
              HasSubstr("claimed by rita until "));
  EXPECT_THAT(Run({"review", "show", id, "--person", "otto"}).err,
              HasSubstr("STATE_INVALID"));
  std::string shown = Do({"review", "show", id, "--person", "rita"});
  EXPECT_THAT(shown, AllOf(HasSubstr("input       profile.given_name = Erika"),
                           HasSubstr("customer    A person, please"),
                           HasSubstr("review decide " + id)));

  EXPECT_THAT(Do({"review", "release", id, "--person", "rita", "--question",
                  "What is it about?"}),
              HasSubstr("awaiting-customer"));
  EXPECT_THAT(Do({"review", "of", "crm:K-1", "--as", "bot"}),
              AllOf(HasSubstr("we asked    What is it about?"),
                    Not(HasSubstr("rita"))));
  EXPECT_THAT(Do({"review", "statement", id, "My order", "--as", "bot"}),
              HasSubstr("  open  "));
  Do({"review", "claim", id, "--person", "rita"});
  shown = Do({"review", "show", id, "--person", "rita"});
  EXPECT_THAT(shown, HasSubstr("customer    My order"));
  EXPECT_THAT(Do({"review", "decide", id, "uphold", "--person", "rita",
                  "--etag", EtagIn(shown), "--reason", "talked", "--rationale",
                  "We talked on the phone."}),
              HasSubstr("resolved  uphold (talked)"));

  EXPECT_EQ(Do({"review", "list"}), "no review\n");
  EXPECT_THAT(Do({"review", "list", "--state", "resolved"}), HasSubstr(id));
  EXPECT_THAT(Do({"review", "of", "crm:K-1", "--as", "bot"}),
              HasSubstr("why         We talked on the phone."));
  EXPECT_THAT(Do({"review", "figures"}),
              AllOf(HasSubstr("Open         0"),
                    HasSubstr("No rule, model or reviewer has five")));
  EXPECT_THAT(Run({"review", "list", "--state", "lost"}).err,
              HasSubstr("--state: one of open, claimed"));
}

}  // namespace
}  // namespace consentry
