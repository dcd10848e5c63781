#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/testing/temp_dir.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/fairness_command.h"

namespace consentry::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kProfile[] = R"pb(
  id: "offers"
  title: "Offers"
  model: "uplift"
  favourable { stated: true }
  attributes {
    name: "sex"
    source: TEXT
    field: "profile.sex"
    groups { name: "female" }
    groups { name: "male" }
    reference: "male"
  }
  metrics { kind: SELECTION_RATE }
  traffic { units_per_day: 400 rate: 0.5 }
)pb";

class FairnessExplainTest : public ::testing::Test {
 protected:
  int Run(const std::string& text, bool json) {
    const std::string path = dir_.File("profile.txtpb");
    std::ofstream(path) << text;
    out_.str("");
    err_.str("");
    FairnessExplainOptions options;
    options.file = path;
    options.json = json;
    return FairnessExplain(options, out_, err_);
  }

  testing::TempDir dir_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(FairnessExplainTest, TellsEachComparisonAndWhatItNeeds) {
  ASSERT_EQ(Run(kProfile, false), kExitOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("female against male"));
  EXPECT_THAT(out_.str(), HasSubstr("selection_rate_group_over_reference"));
  EXPECT_THAT(out_.str(), HasSubstr("1 comparisons"));
  std::istringstream lines(out_.str());
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 100u) << line;
  }
}

TEST_F(FairnessExplainTest, TellsMachinesTheSame) {
  ASSERT_EQ(Run(kProfile, true), kExitOk) << err_.str();
  google::protobuf::Struct root;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(out_.str(), &root).ok());
  const auto& streams = root.fields().at("streams").list_value();
  ASSERT_EQ(streams.values_size(), 1);
  const auto& stream = streams.values(0).struct_value().fields();
  // 8.3 come an hour on either side: the lesser number is 6.7 on average.
  EXPECT_NEAR(stream.at("pairs_per_day").number_value(), 161.2, 0.1);
  EXPECT_GT(stream.at("days_to_within_tolerance_if_equal").number_value(), 0);
}

TEST_F(FairnessExplainTest, TellsWhatAuditsTellAndHowManyTestsThatMakes) {
  const std::string profile = kProfile;
  const auto said = [&](const std::string& audits) {
    EXPECT_EQ(Run(profile + "audits { " + audits + " }", false), kExitOk)
        << err_.str();
    const std::vector<std::string> words =
        absl::StrSplit(out_.str(), absl::ByAnyChar(" \n"), absl::SkipEmpty());
    return absl::StrJoin(words, " ");
  };
  // Selection decides; rates against what came true are told besides.
  std::string all = said("outcome: \"REPAID\"");
  EXPECT_THAT(all, HasSubstr("makes 1 test of each two groups"));
  EXPECT_THAT(all, HasSubstr("negative_predictive_value"));
  EXPECT_THAT(all, Not(HasSubstr("calibration")));
  EXPECT_THAT(said(""), HasSubstr("makes 1 test of each two groups"));
  const std::string one =
      said("outcome: \"REPAID\" figures: \"true_positive_rate\"");
  EXPECT_THAT(one, HasSubstr("makes 1 test of each two groups"));
  EXPECT_THAT(one, HasSubstr("true_positive_rate (predicted positive"));
  EXPECT_THAT(one, Not(HasSubstr("negative_predictive_value")));
  EXPECT_EQ(Run(profile + "audits { figures: \"fairness\" }", false), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("names no figure; there are base_rate"));
}

TEST_F(FairnessExplainTest, RefusesAProfileThatIsNotWhole) {
  EXPECT_EQ(Run("id: \"x\"", false), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("metrics: must be 1 to 8"));
  EXPECT_EQ(Run("what is this", false), kExitNo);
}

}  // namespace
}  // namespace consentry::tools
