#include "gateway/upkeep/log_replay.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "consentry/v1/consent_service.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/erasure/holds.h"
#include "gateway/screening/pressure_rows.h"
#include "gateway/screening/pressure_words.h"
#include "gateway/screening/vulnerability_rows.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::upkeep {
namespace {

ReplayMeaning Meaning(std::string_view line) {
  return MeaningOf(ParseReplayLine(line));
}

TEST(ReplayLine, WhatTakesAwayIsDoneAgainAndWhatGivesIsNot) {
  for (const char* line :
       {"marketing.email=withdrawn", "a=refused", "a=invalidated", "a=expired",
        "opt_out.OPT_OUT_KIND_SALE=set", "objection.*=set", "gpc=set",
        "restricted=set", "hold=placed", "vulnerability=set", "erasure=decided",
        "erasure=begun", "link=merged", "link=undone",
        "login:https://id.example=unlinked", "agent.agt_x=revoked",
        "agent.marketing=withdrawn"}) {
    EXPECT_EQ(Meaning(line), ReplayMeaning::kTakes) << line;
  }
  for (const char* line :
       {"marketing.email=given", "objection.a=lifted", "hold=lifted",
        "vulnerability=cleared", "erasure=cancelled",
        "retention.profile.tier=removed", "agent=authorized", "a=none",
        "link=dismissed", "profile=created", "order=updated",
        "order.total=kept", "a=uncertain", "soft_opt_in.marketing=set",
        "login:https://id.example=linked"}) {
    EXPECT_EQ(Meaning(line), ReplayMeaning::kGives) << line;
  }
  for (const char* line :
       {"", "withdrawn", "=withdrawn", "marketing.email=forbidden",
        "objection.a=doubled", "hold=deepened", "link=knotted"}) {
    EXPECT_EQ(Meaning(line), ReplayMeaning::kUnknown) << line;
  }
}

class ApplyReplayTest : public ::testing::Test, public testing::AccessFixture {
 protected:
  void Apply(const std::string& id, const std::vector<std::string>& lines) {
    ReplayEntry entry;
    entry.index = 7;
    entry.time_us = clock().NowUs();
    entry.client_id = "letters";
    std::vector<ReplayLine> parsed;
    for (const std::string& line : lines) {
      parsed.push_back(ParseReplayLine(line));
    }
    store::Change change;
    change.apply = [&](store::ChangeContext& context) -> absl::Status {
      auto edit = vault::HeadEdit::Begin(&context, keys().slots(), Number(id));
      if (!edit.ok()) return edit.status();
      const absl::Status applied = ApplyReplay(context, entry, parsed, &*edit);
      if (!applied.ok()) return applied;
      context.SetEntry("replayed");
      return edit->Write(&cache());
    };
    ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  }
};

TEST_F(ApplyReplayTest, AWithdrawalClosesWhatWasGiven) {
  const std::string id = Person("anna");
  Give(id, testing::kLettersPurpose);
  clock().AdvanceUs(1'000'000);
  Apply(id, {std::string(testing::kLettersPurpose) + "=withdrawn"});
  const auto head = Head(Number(id));
  ASSERT_EQ(head.consents_size(), 1);
  EXPECT_EQ(head.consents(0).status(), v1::CONSENT_STATUS_WITHDRAWN);
}

TEST_F(ApplyReplayTest, AVulnerabilityStandsAgainWhicheverItWas) {
  const std::string id = Person("anna");
  Apply(id, {"vulnerability=set"});
  const auto keys_of_her = keys().slots().Load(Number(id));
  ASSERT_OK(keys_of_her);
  const auto rows = screening::VulnerabilityRows::List(
      reader_connection(), *keys_of_her, 0, 10, /*in_force_only=*/true);
  ASSERT_OK(rows);
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_TRUE(rows->front().InForce(clock().NowUs() + 1));
  EXPECT_EQ(rows->front().doc.kind(), v1::VULNERABILITY_KIND_UNSPECIFIED);
}

TEST_F(ApplyReplayTest, WhatWasSpentIsCountedAgain) {
  const std::string anna = Person("anna");
  const std::string ben = Person("ben");
  conduct::Contact contact;
  contact.time_us = contact.decided_us = clock().NowUs();
  contact.purpose = testing::kLettersPurpose;
  contact.channel = config::v1::Channel::EMAIL;
  contact.pressing = true;
  std::map<uint64_t, SpentReplay> spent;
  spent[Number(anna)].contacts = {contact, contact};
  spent[Number(ben)].refusals = {
      {clock().NowUs(), testing::kLettersPurpose, config::v1::Channel::EMAIL}};
  // Of somebody who is not here any more.
  spent[Number(ben) + 1000].contacts = {contact};
  uint64_t after = 0;
  int changes = 0;
  do {
    store::Change change;
    uint64_t next = 0;
    change.apply = [&](store::ChangeContext& context) -> absl::Status {
      const auto applied =
          ApplySpent(context, keys().slots(), spent, after, /*limit=*/1);
      if (!applied.ok()) return applied.status();
      next = *applied;
      context.SetEntry("replayed");
      return absl::OkStatus();
    };
    ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
    after = next;
    ASSERT_LT(++changes, 10);
  } while (after != 0);
  const auto history = [&](const std::string& id) {
    vault::SubjectReader::HeadOptions options;
    const auto members =
        reader().ReadGroup(reader_connection(), Number(id), options);
    EXPECT_OK(members);
    const auto read =
        screening::PressureRows::Read(reader_connection(), *members);
    EXPECT_OK(read);
    return read->history;
  };
  EXPECT_EQ(history(anna).contacts,
            (std::vector<conduct::Contact>{contact, contact}));
  EXPECT_EQ(history(ben).refusals.size(), 1u);
}

TEST(PressureDetail, IsReadAsItWasWritten) {
  conduct::Contact contact;
  contact.time_us = 1'700'000'000'000'000;
  contact.decided_us = contact.time_us - 5;
  contact.purpose = "a/b.letters";
  contact.purpose_class = config::v1::PurposeClass::DIRECT_MARKETING;
  contact.channel = config::v1::Channel::SMS;
  contact.pressing = true;
  const auto charged =
      screening::ParsePressureDetail(screening::ChargeDetail(3, contact));
  ASSERT_TRUE(charged);
  EXPECT_EQ(charged->subject, 3);
  EXPECT_EQ(std::get<conduct::Contact>(charged->what), contact);
  const conduct::Refusal refusal{7, "", config::v1::Channel::PHONE};
  const auto refused =
      screening::ParsePressureDetail(screening::RefusalDetail(0, refusal));
  ASSERT_TRUE(refused);
  EXPECT_EQ(std::get<conduct::Refusal>(refused->what), refusal);
  for (const char* other :
       {"", "charged=", "charged=1/2/3", "charged=a/1/1/1/1/1/x",
        "refused=1/1/x", "screening=scr_x", "verdict=released"}) {
    EXPECT_FALSE(screening::ParsePressureDetail(other)) << other;
  }
}

TEST_F(ApplyReplayTest, ProtectionsStandAgain) {
  const std::string id = Person("anna");
  Apply(id, {"opt_out.OPT_OUT_KIND_SALE=set", "objection.test.stats=set",
             "gpc=set", "restricted=set", "hold=placed", "erasure=decided"});
  const auto head = Head(Number(id));
  EXPECT_EQ(head.opt_outs_size(), 1);
  EXPECT_EQ(head.objections(0), "test.stats");
  EXPECT_TRUE(head.global_privacy_control());
  EXPECT_TRUE(head.restricted());
  EXPECT_TRUE(head.legal_hold());
  EXPECT_TRUE(head.erasing());
}

// A mark on the customer alone would stop no erasure.
TEST_F(ApplyReplayTest, AHoldHoldsEverything) {
  const std::string id = Person("anna");
  Apply(id, {"hold=placed"});
  const auto subject_keys = keys().slots().Load(Number(id));
  ASSERT_OK(subject_keys);
  auto lease = readers()->Acquire();
  ASSERT_OK(lease);
  const auto holds = erasure::HoldsOn(lease->get(), *subject_keys);
  ASSERT_OK(holds);
  ASSERT_EQ(holds->size(), 1u);
  EXPECT_TRUE(erasure::AnyHoldsAll(*holds));
}

TEST_F(ApplyReplayTest, AnOptOutThatNobodyKnowsClosesEverything) {
  const std::string id = Person("anna");
  Apply(id, {"opt_out.OPT_OUT_KIND_OF_TOMORROW=set"});
  EXPECT_TRUE(Head(Number(id)).restricted());
}

}  // namespace
}  // namespace consentry::upkeep
