// What a customer learns of the outputs about her.
#include "gateway/screening/subject_outputs.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/access/output_decision.h"
#include "tests/unit/gateway/screening/screening_fixture.h"

namespace consentry::screening {
namespace {

using testing::kLettersPurpose;

class SubjectOutputsTest : public ::testing::Test, public ScreeningFixture {
 protected:
  std::string Reader(const std::string& key) {
    const std::string id = Person(key);
    Give(id, kLettersPurpose);
    return id;
  }
  auto Group(const std::string& subject) {
    vault::SubjectReader::HeadOptions options;
    options.as_of_change = committer()->LastStored();
    options.past_cache = true;
    auto group =
        reader().ReadGroup(reader_connection(), Number(subject), options);
    EXPECT_OK(group);
    return *std::move(group);
  }
  store::v1::AccessReport Report(const std::string& subject) {
    const auto grant = access::ReviewGrant(bundle());
    EXPECT_OK(grant);
    store::v1::AccessReport report;
    EXPECT_OK(
        outputs_.AddTo(reader_connection(), *grant, Group(subject), &report));
    return report;
  }

  const SubjectOutputs outputs_{&parts()};
};

TEST_F(SubjectOutputsTest, SheLearnsOfAllOfThemWhateverBecameOfThem) {
  const std::string anna = Reader("anna");
  const std::string berta = Reader("berta");
  const auto released = Screen("letters", Letter(anna, "l-1"));
  ASSERT_OK(released);
  auto claim = Letter(anna, "l-2");
  claim.mutable_output()->set_text("Only 2 left in stock!");
  ASSERT_OK(Screen("letters", claim));
  ASSERT_OK(Screen("bank", Refusal(anna, "c-1")));
  ASSERT_OK(Screen("letters", Letter(berta, "l-3")));
  ASSERT_OK(Declare(anna, v1::VULNERABILITY_KIND_DEBT));

  const store::v1::AccessReport report = Report(anna);
  ASSERT_EQ(report.outputs_size(), 3);
  // Newest first.
  EXPECT_EQ(report.outputs(0).verdict(), "held");
  EXPECT_EQ(report.outputs(0).model(), "credit@3");
  EXPECT_EQ(report.outputs(0).content(), "refused");
  EXPECT_EQ(report.outputs(0).logic(), "The tier is low.");
  EXPECT_EQ(report.outputs(1).verdict(), "blocked");
  EXPECT_EQ(report.outputs(1).content(), "Only 2 left in stock!");
  EXPECT_EQ(report.outputs(2).verdict(), "released");
  EXPECT_EQ(report.outputs(2).id(), released->screening_id());
  ASSERT_EQ(report.outputs(2).inputs_size(), 1);
  EXPECT_EQ(report.outputs(2).inputs(0), "user.contact.email");
  ASSERT_EQ(report.vulnerabilities_size(), 1);
  EXPECT_EQ(report.vulnerabilities(0).kind(), "debt");
  EXPECT_EQ(report.vulnerabilities(0).basis(), "customer told us");

  const auto listed = outputs_.List(reader_connection(), Group(anna), 2);
  ASSERT_OK(listed);
  ASSERT_EQ(listed->size(), 2u);
  EXPECT_EQ(listed->front().verdict(), "held");
  EXPECT_EQ(listed->front().logic(), "credit@3, from user.account");
}

TEST_F(SubjectOutputsTest, OfWhoeverIsJoinedWithHerToo) {
  const std::string anna = Reader("anna");
  const std::string other = Reader("other");
  ASSERT_OK(Screen("letters", Letter(anna, "l-1")));
  ASSERT_OK(Screen("letters", Letter(other, "l-2")));
  EXPECT_EQ(Report(anna).outputs_size(), 1);
  Merge(anna, other);
  EXPECT_EQ(Report(anna).outputs_size(), 2);
  EXPECT_EQ(Report(other).outputs_size(), 2);
}

TEST_F(SubjectOutputsTest, AnErasureLeavesNone) {
  const std::string anna = Reader("anna");
  ASSERT_OK(Screen("letters", Letter(anna, "l-1")));
  ASSERT_OK(Declare(anna, v1::VULNERABILITY_KIND_DEBT));
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    context.SetEntry(store::v1::Leaf().SerializeAsString());
    return upkeep().Forget(context, Number(anna), 100).status();
  };
  ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  const store::v1::AccessReport report = Report(anna);
  EXPECT_EQ(report.outputs_size(), 0);
  EXPECT_EQ(report.vulnerabilities_size(), 0);
}

}  // namespace
}  // namespace consentry::screening
