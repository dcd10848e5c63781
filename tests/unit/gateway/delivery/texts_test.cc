#include "gateway/delivery/texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/testing/status_matchers.h"

namespace consentry::delivery {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::StatusIs;

constexpr char kCase[] = "rig_mfrggzdfmztwq2lkmfrggzdf";

TEST(TextsTest, EveryShippedTextIsThereInEveryLanguage) {
  const std::set<std::string> wanted = {"en", "de", "fr", "es"};
  std::set<std::string> keys;
  for (const auto& text : Texts::Shipped().message().texts()) {
    std::set<std::string> languages;
    for (const auto& words : text.words()) languages.insert(words.language());
    EXPECT_EQ(languages, wanted) << text.key();
    keys.insert(text.key());
  }
  EXPECT_EQ(keys,
            (std::set<std::string>{
                "code.double_opt_in", "code.rights_request", "rights.received",
                "rights.progress", "rights.answer_ready", "rights.erased",
                "review.received", "review.question", "review.decided",
                "review.late", "staff.due", "staff.alarm", "staff.digest",
                "staff.fairness", "staff.fairness_not_made"}));
}

TEST(TextsTest, PlaceholdersAreFilledInTheLanguageAskedFor) {
  const auto text = Texts::Shipped().Render(
      "code.rights_request", "de-AT", {{"code", "AB12-CD34"}, {"case", kCase}});
  ASSERT_OK(text);
  EXPECT_THAT(text->body, HasSubstr("AB12-CD34"));
  EXPECT_THAT(text->body, HasSubstr(std::string("Vorgang: ") + kCase));
  EXPECT_THAT(text->body, Not(HasSubstr("{")));
  EXPECT_EQ(text->subject, "Ihr Code");
}

TEST(TextsTest, AnUnknownLanguageReadsEnglish) {
  for (const char* language : {"pt", "", "xx-YY", "-"}) {
    const auto text = Texts::Shipped().Render("code.double_opt_in", language,
                                              {{"code", "123456"}});
    ASSERT_OK(text);
    EXPECT_EQ(text->subject, "Your code") << language;
  }
}

TEST(TextsTest, NothingButCodesIdsDatesAndCountsGetsIntoAMessage) {
  const Texts& texts = Texts::Shipped();
  for (const char* value :
       {"Anna", "anna@example.com", "ABC DEF", "AB\r\nBcc: x@y.example", "",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ1234567", "abcd"}) {
    EXPECT_THAT(texts.Check("code.double_opt_in", {{"code", value}}),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << value;
  }
  for (const char* value :
       {"Anna Muster", "rig_short", "rig_Mfrggzdfmztwq2lkmfrggzdf",
        "rights_mfrggzdfmztwq2lkmfrggzdf", "rig_mfrggzdfmztw q2lkmfrggzdf"}) {
    EXPECT_THAT(texts.Check("rights.answer_ready", {{"case", value}}),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << value;
  }
  for (const char* value : {"2026-02-30", "tomorrow", "1985-04-01T00:00"}) {
    EXPECT_THAT(
        texts.Check("rights.received", {{"case", kCase}, {"due", value}}),
        StatusIs(absl::StatusCode::kInvalidArgument))
        << value;
  }
  for (const char* value : {"Anna", "a@b.example", "x\ty"}) {
    EXPECT_THAT(texts.Check("staff.alarm", {{"lines", value}}),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << value;
  }
  EXPECT_OK(texts.Check("staff.alarm", {{"lines", "cases_due: 3\nfailed: 1"}}));
}

TEST(TextsTest, MissingAndExtraArgumentsAreRefused) {
  const Texts& texts = Texts::Shipped();
  EXPECT_FALSE(texts.Check("code.double_opt_in", {}).ok());
  EXPECT_FALSE(
      texts.Check("code.double_opt_in", {{"code", "123456"}, {"case", kCase}})
          .ok());
  EXPECT_FALSE(texts.Check("code.nothing", {}).ok());
}

TEST(TextsTest, BrokenTextsAreRefused) {
  const auto parse = [](const std::string& words,
                        const std::string& placeholders = "") {
    return Texts::Parse("t.txtpb", "texts { key: \"a\" " + placeholders +
                                       " words { language: \"en\" " + words +
                                       " } }");
  };
  EXPECT_OK(parse(R"(subject: "s" body: "b\n")"));
  EXPECT_FALSE(parse(R"(subject: "s" body: "{code}\n")").ok());
  EXPECT_FALSE(parse(R"(subject: "s" body: "b\n")",
                     R"(placeholders { name: "code" kind: CODE })")
                   .ok());
  EXPECT_FALSE(parse(R"(subject: "{code}" body: "{code}\n")",
                     R"(placeholders { name: "code" kind: CODE })")
                   .ok());
  EXPECT_FALSE(parse(R"(subject: "s\nBcc: x" body: "b\n")").ok());
  EXPECT_FALSE(parse(R"(subject: "s" body: "b")").ok());
  EXPECT_FALSE(parse(R"(body: "b\n")").ok());
  EXPECT_FALSE(Texts::Parse("t.txtpb",
                            R"(texts { key: "a" words { language: "de"
                                subject: "s" body: "b\n" } })")
                   .ok());
}

}  // namespace
}  // namespace consentry::delivery
