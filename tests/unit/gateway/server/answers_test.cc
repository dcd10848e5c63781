#include "gateway/server/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace consentry::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Questions(const InitialiseOptions& options) {
  std::vector<std::string> fields;
  for (const FieldViolation& fault : CheckAnswers(options)) {
    fields.push_back(fault.field);
  }
  return fields;
}

TEST(AnswersTest, WhatIsNotAnsweredIsNoFault) {
  EXPECT_THAT(Questions({}), IsEmpty());
}

TEST(AnswersTest, GoodAnswersAreTaken) {
  InitialiseOptions options;
  options.home = "DE";
  options.markets = {"DE", "US-CA", "GB"};
  options.thresholds = {"us-ca.business"};
  options.sources = {{"crm", "Our CRM"}, {"web_shop2", ""}};
  options.purposes = {"marketing.communications.email"};
  options.address = "[::1]:0";
  EXPECT_THAT(Questions(options), IsEmpty());
}

TEST(AnswersTest, EachFaultIsToldUnderItsQuestion) {
  InitialiseOptions options;
  options.home = "de";
  options.markets = {"de", "USA", "US-"};
  options.thresholds = {"us-ca"};
  options.sources = {{"CRM", ""}, {"a", ""}, {"a", ""}, {"", ""}};
  options.purposes = {"marketing"};
  options.address = "50051";
  EXPECT_THAT(Questions(options),
              ElementsAre("home", "market", "market", "threshold", "source",
                          "source", "source", "purpose", "listen"));
}

TEST(AnswersTest, ThresholdsOfTheMarketsThatAreLeftOpenAreFound) {
  InitialiseOptions options;
  options.home = "DE";
  EXPECT_THAT(OpenThresholds(options), IsEmpty());
  options.markets = {"DE", "US-CA"};
  EXPECT_THAT(OpenThresholds(options), ElementsAre("us-ca.business"));
  options.markets = {"DE", "US"};
  EXPECT_THAT(
      OpenThresholds(options),
      ElementsAre("us-ca.business", "us-co.controller", "us-ct.controller",
                  "us-tx.controller", "us-va.controller"));
  options.thresholds = {"us-va.controller", "us-co.controller",
                        "us-ct.controller", "us-tx.controller"};
  EXPECT_THAT(OpenThresholds(options), ElementsAre("us-ca.business"));
}

}  // namespace
}  // namespace consentry::server
