#include "gateway/access/audit_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "gateway/crypto/root_key.h"
#include "gateway/crypto/secret.h"

namespace consentry::access {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class AuditViewTest : public ::testing::Test {
 protected:
  AuditViewTest()
      : tokens_(crypto::RootKey::FromBytes(
            crypto::SecretBytes<crypto::kKeyBytes>::Random().view())) {}
  v1::AuditEntry View(uint64_t index = 7) {
    return ViewOf(index, leaf_, leaf_.SerializeAsString(), tokens_);
  }

  const crypto::OpaqueTokens tokens_;
  store::v1::Leaf leaf_;
};

TEST_F(AuditViewTest, ReleasedFieldsAreTheirPositions) {
  leaf_.add_subjects()->set_released(0);
  leaf_.add_subjects()->set_released(uint64_t{1} << 63 | 5);
  const v1::AuditEntry entry = View();
  EXPECT_EQ(entry.subjects(0).released_size(), 0);
  EXPECT_THAT(entry.subjects(1).released(), ElementsAre(0, 2, 63));
}

TEST_F(AuditViewTest, RulesBeyondTheListAreLeftOut) {
  leaf_.add_rules("pack/one");
  auto* subject = leaf_.add_subjects();
  for (const uint32_t rule : {0u, 1u, 4'000'000'000u}) subject->add_rules(rule);
  EXPECT_THAT(View().subjects(0).determining_rules(), ElementsAre("pack/one"));
}

TEST_F(AuditViewTest, OnlyDecisionsHaveADecisionIdAndEachItsOwn) {
  leaf_.add_subjects()->set_effects_digest("0123456789abcdef");
  leaf_.add_subjects()->set_tag("joined with the one before");
  leaf_.add_subjects()->set_effects_digest("0123456789abcdef");
  const v1::AuditEntry entry = View(9);
  EXPECT_EQ(entry.subjects(1).decision_id(), "");
  EXPECT_NE(entry.subjects(0).decision_id(), entry.subjects(2).decision_id());
  const auto payload = tokens_.Decode(crypto::TokenKind::kDecision,
                                      entry.subjects(2).decision_id());
  ASSERT_TRUE(payload.ok());
  EXPECT_EQ(crypto::LogPosition::Unpack(*payload), (crypto::LogPosition{9, 2}));
}

TEST_F(AuditViewTest, DetailsOfOneNameAreJoinedAndTheMethodIsApart) {
  for (const char* detail : {"method=AdminService.CreateClient", "client=crm",
                             "client=pos", "file=a=b", "no equals sign"}) {
    leaf_.add_details(detail);
  }
  const v1::AuditEntry entry = View();
  EXPECT_EQ(entry.method(), "AdminService.CreateClient");
  EXPECT_THAT(entry.details(), UnorderedElementsAre(Pair("client", "crm, pos"),
                                                    Pair("file", "a=b")));
}

TEST_F(AuditViewTest, TheHashIsOfTheBytesAsTheyLieThere) {
  leaf_.set_event("data.read");
  const std::string one = View().leaf_hash();
  EXPECT_EQ(one.size(), 64u);
  // The same content in other bytes is another leaf.
  const std::string longer =
      leaf_.SerializeAsString() + std::string("\x9a\x06\x00", 3);
  EXPECT_NE(ViewOf(7, leaf_, longer, tokens_).leaf_hash(), one);
}

TEST_F(AuditViewTest, AnEntryWithoutACountStandsForOne) {
  EXPECT_EQ(View().count(), 1u);
  leaf_.set_count(12);
  EXPECT_EQ(View().count(), 12u);
}

TEST_F(AuditViewTest, TimesKeepTheirMicroseconds) {
  leaf_.set_time_us(1'795'000'000'123'456);
  EXPECT_EQ(View().time().seconds(), 1'795'000'000);
  EXPECT_EQ(View().time().nanos(), 123'456'000);
}

}  // namespace
}  // namespace consentry::access
