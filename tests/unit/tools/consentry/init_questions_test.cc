#include "tools/consentry/init_questions.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/testing/status_matchers.h"

namespace consentry::tools {
namespace {

TEST(ParsePlaceTest, TakesWhatPeopleWrite) {
  EXPECT_EQ(*ParsePlace("DE"), "DE");
  EXPECT_EQ(*ParsePlace("germany"), "DE");
  EXPECT_EQ(*ParsePlace("us-ca"), "US-CA");
  EXPECT_EQ(*ParsePlace("de-by"), "DE-BY");
}

TEST(ParsePlaceTest, RefusesWhatIsNoPlace) {
  for (const char* text : {"", "ZZ", "Narnia", "US-ZZ", "DE-", "DE-ABCD"}) {
    EXPECT_FALSE(ParsePlace(text).ok()) << text;
  }
}

TEST(ParseSourceTest, MakesAKeyOfATitle) {
  const auto source = ParseSource("Our CRM (old)");
  ASSERT_OK(source.status());
  EXPECT_EQ(source->key, "our_crm_old");
  EXPECT_EQ(source->title, "Our CRM (old)");
  EXPECT_EQ(ParseSource("web_shop")->title, "");
  EXPECT_EQ(ParseSource("pos=Till")->key, "pos");
  EXPECT_FALSE(ParseSource("123").ok());
  EXPECT_FALSE(ParseSource("=x").ok());
}

TEST(AskQuestionsTest, RepeatsAQuestionUntilItsAnswerCanBeRead) {
  std::istringstream in(
      "Narnia\nDE, US-CA\nhuge\nus-ca.business\n!!\nOur CRM, web_shop\n99\n2, "
      "marketing.communications.email\n\n\nSample Shop\n\n");
  std::ostringstream out;
  server::InitialiseOptions options;
  ASSERT_OK(AskQuestions(in, out, &options));
  EXPECT_EQ(options.home, "DE");
  EXPECT_EQ(options.markets, (std::vector<std::string>{"DE", "US-CA"}));
  EXPECT_EQ(options.thresholds, std::vector<std::string>{"us-ca.business"});
  ASSERT_EQ(options.sources.size(), 2u);
  EXPECT_EQ(options.sources[0].key, "our_crm");
  ASSERT_EQ(options.purposes.size(), 2u);
  EXPECT_EQ(options.purposes[0], SamplePurposes()[1].key);
  EXPECT_EQ(options.address, "127.0.0.1:50051");
  EXPECT_EQ(options.name, "Sample Shop");
  EXPECT_NE(out.str().find("Narnia is no country"), std::string::npos);
}

TEST(AskQuestionsTest, MakesNothingWhenThePersonGoesAway) {
  std::istringstream in("DE\n");
  std::ostringstream out;
  server::InitialiseOptions options;
  EXPECT_THAT(AskQuestions(in, out, &options),
              testing::StatusIs(absl::StatusCode::kAborted));
}

}  // namespace
}  // namespace consentry::tools
