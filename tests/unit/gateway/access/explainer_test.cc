#include "gateway/access/explainer.h"

#include <gtest/gtest.h>

#include <future>
#include <string>

#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/gateway/access/whole_gateway.h"

namespace consentry::access {
namespace {

class ExplainerTest : public WholeGatewayTest {
 protected:
  static absl::StatusOr<v1::ExplainDecisionResponse> Explain(
      const std::string& id, const std::string& client = "shop",
      bool of_others = false) {
    v1::ExplainDecisionRequest request;
    request.set_decision_id(id);
    return gateway().Wait<v1::ExplainDecisionResponse>([&](auto done) {
      gateway()->explainer()->Explain(
          WholeGateway::As(client, "decision.explain"), request, of_others,
          std::move(done));
    });
  }
  static v1::ErrorReason Why(const absl::Status& status) {
    return consentry::ReasonOf(status).value_or(v1::ERROR_REASON_UNSPECIFIED);
  }

  // Puts a leaf into the log as if it had been decided so; the id of its first
  // decision.
  static std::string Enter(const store::v1::Leaf& leaf,
                           const std::string& subject_id) {
    auto lease = gateway()->readers()->Acquire();
    EXPECT_OK(lease);
    auto query = (*lease)->Prepare(
        "SELECT subject, version FROM subjects WHERE public_id = $1");
    EXPECT_OK(query);
    const auto raw = crypto::ParseId(crypto::IdKind::kSubject, subject_id);
    EXPECT_OK(raw);
    query->Bind(std::string_view(reinterpret_cast<const char*>(raw->data()),
                                 raw->size()));
    const auto row = query->Step();
    EXPECT_TRUE(row.ok() && *row);
    store::ReadCommit commit;
    commit.entry = leaf.SerializeAsString();
    commit.subjects.push_back({query->Int64(0), query->Int64(1)});
    commit.as_of_change = gateway()->committer()->LastStored();
    commit.configuration_epoch = gateway()->committer()->configuration_epoch();
    commit.decided_at_us = gateway()->committer()->NowUs();
    std::promise<uint64_t> promise;
    gateway()->committer()->CommitRead(
        std::move(commit), [&](store::ReadOutcome outcome) {
          EXPECT_EQ(outcome.kind, store::ReadOutcome::Kind::kCommitted);
          promise.set_value(outcome.log_index);
        });
    return gateway()->tokens()->Encode(
        crypto::TokenKind::kDecision,
        crypto::LogPosition{promise.get_future().get(), 0}.Pack());
  }
};

TEST_F(ExplainerTest, AReplayThatDiffersIsToldAsThat) {
  const std::string id = gateway().Write("forged");
  const v1::Decision decision = gateway().Read(id);
  store::v1::Leaf leaf = gateway().LeafAt(gateway().IndexOf(decision));
  // The same again is the same decision.
  auto told = Explain(Enter(leaf, id));
  ASSERT_OK(told);
  EXPECT_TRUE(told->replay_agrees());
  // One that says that something else came out.
  leaf.mutable_subjects(0)->mutable_effects_digest()->back() ^= 1;
  told = Explain(Enter(leaf, id));
  ASSERT_OK(told);
  EXPECT_FALSE(told->replay_agrees());
  // What is told is what the facts and the policy come to.
  EXPECT_EQ(told->decision().effect(), v1::EFFECT_PERMIT);
}

TEST_F(ExplainerTest, AnExplanationHasItsEntryBeforeItIsTold) {
  const v1::Decision decision = gateway().Read(gateway().Write("entry"));
  ASSERT_OK(Explain(decision.id()));
  const store::v1::Leaf leaf = gateway().LastLeaf();
  EXPECT_EQ(leaf.event(), "decision.explain");
  EXPECT_EQ(leaf.client_id(), "shop");
  bool named = false;
  for (const std::string& detail : leaf.details()) {
    named = named || detail == "decision=" + decision.id();
  }
  EXPECT_TRUE(named);
}

TEST_F(ExplainerTest, AnothersDecisionLooksLikeNone) {
  const v1::Decision decision = gateway().Read(gateway().Write("others"));
  const auto refused = Explain(decision.id(), "rival");
  const auto none = Explain("dec_aaaaaaaaaaaaaaaaaaaaaaaaaa", "rival");
  EXPECT_EQ(Why(refused.status()), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(refused.status().ToString(), none.status().ToString());
  EXPECT_OK(Explain(decision.id(), "compliance", /*of_others=*/true));
}

TEST_F(ExplainerTest, AnEntryThatIsNoDecisionIsNotExplained) {
  const std::string id = gateway().Write("none");
  gateway().Read(id);
  const uint64_t last = gateway()->log()->reader().size();
  int explained = 0;
  for (uint64_t index = 0; index < last; ++index) {
    const store::v1::Leaf leaf = gateway().LeafAt(index);
    const auto told = Explain(gateway()->tokens()->Encode(
        crypto::TokenKind::kDecision, crypto::LogPosition{index, 0}.Pack()));
    const bool decided = leaf.event() == "data.read";
    EXPECT_EQ(told.ok(), decided) << leaf.event();
    if (told.ok()) ++explained;
    // Nor an item that it does not have.
    EXPECT_EQ(Why(Explain(gateway()->tokens()->Encode(
                              crypto::TokenKind::kDecision,
                              crypto::LogPosition{index, 9}.Pack()))
                      .status()),
              v1::ERROR_REASON_NOT_FOUND);
  }
  EXPECT_GT(explained, 0);
  // Beyond the end.
  EXPECT_EQ(Why(Explain(gateway()->tokens()->Encode(
                            crypto::TokenKind::kDecision,
                            crypto::LogPosition{last + 1000, 0}.Pack()))
                    .status()),
            v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(ExplainerTest, ADecisionOfAPolicyThatIsNotKeptIsNotMadeUp) {
  const std::string id = gateway().Write("policy");
  store::v1::Leaf leaf =
      gateway().LeafAt(gateway().IndexOf(gateway().Read(id)));
  leaf.mutable_bundle_hash()->back() ^= 1;
  EXPECT_EQ(Why(Explain(Enter(leaf, id)).status()), v1::ERROR_REASON_NOT_FOUND);
}

}  // namespace
}  // namespace consentry::access
