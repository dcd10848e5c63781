#include "gateway/access/read_leaf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "gateway/access/answer.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_keys.h"
#include "tests/unit/gateway/clients/sample_policy.h"

namespace consentry::access {
namespace {

using clients::kService;
using ::testing::ElementsAre;

constexpr int64_t kNowUs = testing::TestKeys::kNowUs;

class ReadLeafTest : public ::testing::Test {
 protected:
  ReadLeafTest() {
    clients::Configuration::Sources sources;
    sources.policy = clients::SamplePolicy();
    v1::Client client = clients::StoredClient("crm", 'a');
    client.clear_purposes();
    client.add_purposes(kService);
    client.clear_read_categories();
    client.add_read_categories("user");
    sources.clients.push_back(client);
    caller_.client_id = "crm";
    caller_.event = "data.read";
    ReadQuestion question;
    question.purpose = kService;
    question.fields = {"profile.email", "profile.phone"};
    auto plan = MakeReadPlan(clients::Configuration::Build(sources, &uses_),
                             caller_, question, kNowUs);
    EXPECT_OK(plan);
    plan_ = *std::move(plan);
  }

  Snapshot Group(const std::vector<int64_t>& versions) {
    Snapshot snapshot;
    for (const int64_t version : versions) {
      snapshot.members.push_back(std::make_shared<const vault::CachedSubject>(
          version, 0, store::v1::SubjectHead(), keys_.NewSubject()));
    }
    return snapshot;
  }
  policy::Decision Denied() const {
    return DenyAll(plan_, v1::ERROR_REASON_MINOR);
  }
  static store::v1::Leaf Parse(const ReadLeaf& leaf) {
    store::v1::Leaf parsed;
    EXPECT_TRUE(parsed.ParseFromString(leaf.Serialize()));
    return parsed;
  }

  testing::TestKeys keys_;
  clients::ClientUses uses_;
  Caller caller_;
  ReadPlan plan_;
};

TEST_F(ReadLeafTest, ItTellsTheQuestionOnceAndEachDecision) {
  ReadLeaf leaf(plan_, caller_, kNowUs, "origin");
  policy::Decision decision = Denied();
  decision.rules = {policy::RuleId{4}, policy::RuleId{2}};
  EXPECT_EQ(leaf.Add(Group({5}), decision, 0), 0);
  decision.rules = {policy::RuleId{2}};
  decision.permitted = true;
  EXPECT_EQ(leaf.Add(Group({6}), decision, 3), 1);
  const store::v1::Leaf parsed = Parse(leaf);
  EXPECT_EQ(parsed.time_us(), kNowUs);
  EXPECT_EQ(parsed.purpose(), kService);
  EXPECT_THAT(parsed.fields(), ElementsAre("profile.email", "profile.phone"));
  // Each rule is named once.
  EXPECT_EQ(parsed.rules_size(), 2);
  EXPECT_THAT(parsed.subjects(0).rules(), ElementsAre(0, 1));
  EXPECT_THAT(parsed.subjects(1).rules(), ElementsAre(1));
  EXPECT_EQ(parsed.subjects(0).reason(), v1::ERROR_REASON_MINOR);
  EXPECT_EQ(parsed.subjects(1).reason(), 0);
  EXPECT_EQ(parsed.subjects(1).released(), 3u);
  EXPECT_EQ(parsed.subjects(0).version(), 5u);
}

TEST_F(ReadLeafTest, WhoIsNotThereGetsATagThatNothingLinks) {
  ReadLeaf leaf(plan_, caller_, kNowUs, "origin");
  std::set<std::string> tags;
  for (int i = 0; i < 10; ++i) leaf.Add(Snapshot(), Denied(), 0);
  const store::v1::Leaf parsed = Parse(leaf);
  for (const auto& subject : parsed.subjects()) {
    EXPECT_EQ(subject.tag().size(), 16u);
    EXPECT_EQ(subject.version(), 0u);
    tags.insert(subject.tag());
  }
  EXPECT_EQ(tags.size(), 10u);
  EXPECT_EQ(leaf.subjects().size(), 10u);
}

TEST_F(ReadLeafTest, ATagHoldsForOneSubjectOneLogAndOneMonth) {
  const Snapshot snapshot = Group({1});
  const auto tag = [&](int64_t at_us, const char* origin) {
    ReadLeaf leaf(plan_, caller_, at_us, origin);
    leaf.Add(snapshot, Denied(), 0);
    return Parse(leaf).subjects(0).tag();
  };
  constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;
  EXPECT_EQ(tag(kNowUs, "one"), tag(kNowUs + kDayUs, "one"));
  EXPECT_NE(tag(kNowUs, "one"), tag(kNowUs, "two"));
  EXPECT_NE(tag(kNowUs, "one"), tag(kNowUs + 31 * kDayUs, "one"));
}

TEST_F(ReadLeafTest, JoinedSubjectsFollowTheOneThatWasAskedAbout) {
  ReadLeaf leaf(plan_, caller_, kNowUs, "origin");
  EXPECT_EQ(leaf.Add(Group({7, 8, 9}), Denied(), 0), 0);
  EXPECT_EQ(leaf.Add(Group({10}), Denied(), 0), 3);
  const store::v1::Leaf parsed = Parse(leaf);
  ASSERT_EQ(parsed.subjects_size(), 4);
  std::set<std::string> tags;
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(parsed.subjects(i).member(), i == 1 || i == 2);
    EXPECT_EQ(parsed.subjects(i).version(), static_cast<uint64_t>(7 + i));
    EXPECT_EQ(parsed.subjects(i).effects_digest().empty(), i == 1 || i == 2);
    tags.insert(parsed.subjects(i).tag());
  }
  EXPECT_EQ(tags.size(), 4u);
  // The committer compares the version of every one of them.
  ASSERT_EQ(leaf.subjects().size(), 4u);
  EXPECT_EQ(leaf.subjects()[2].version, 9);
}

TEST_F(ReadLeafTest, ALeafIsFullAt256JoinedOnesIncluded) {
  ReadLeaf leaf(plan_, caller_, kNowUs, "origin");
  for (size_t i = 0; i < 255; ++i) leaf.Add(Snapshot(), Denied(), 0);
  EXPECT_TRUE(leaf.HasRoom(0));
  EXPECT_TRUE(leaf.HasRoom(1));
  EXPECT_FALSE(leaf.HasRoom(2));
  leaf.Add(Snapshot(), Denied(), 0);
  EXPECT_FALSE(leaf.HasRoom(0));
}

TEST_F(ReadLeafTest, TheDigestIsOfEffectsTransformsAndReasons) {
  const policy::Bundle& bundle = plan_.bundle();
  const policy::Decision denied = Denied();
  const std::string digest = EffectsDigest(bundle, denied);
  EXPECT_EQ(digest.size(), 16u);
  policy::Decision other = denied;
  other.decided_until_us = 5;
  EXPECT_EQ(EffectsDigest(bundle, other), digest) << "not of its end";
  other = denied;
  other.fields[1].reason = v1::ERROR_REASON_OPTED_OUT;
  EXPECT_NE(EffectsDigest(bundle, other), digest);
  other = denied;
  other.fields[0].permitted = true;
  other.fields[0].transform = config::v1::Transform::NONE;
  const std::string permitted = EffectsDigest(bundle, other);
  EXPECT_NE(permitted, digest);
  other.fields[0].transform = config::v1::Transform::MASK;
  EXPECT_NE(EffectsDigest(bundle, other), permitted);
  other = denied;
  std::swap(other.fields[0], other.fields[1]);
  EXPECT_NE(EffectsDigest(bundle, other), digest);
}

}  // namespace
}  // namespace consentry::access
