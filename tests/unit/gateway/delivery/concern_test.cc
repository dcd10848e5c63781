#include "gateway/delivery/concern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/testing/access_fixture.h"

namespace consentry::delivery {
namespace {

using testing::AccessFixture;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kLettersPurpose;
using testing::kOffersPurpose;
using testing::kServicePurpose;
using ::testing::UnorderedElementsAre;

class ConcernTest : public ::testing::Test {
 protected:
  std::string EventOf(const std::string& change) {
    const auto concern = ConcernOf(fixture_.bundle(), change);
    return concern ? concern->event : "";
  }

  // "client:way:event" of the notices.
  std::vector<std::string> Plan(const std::string& change,
                                const std::vector<Recipient>& recipients,
                                const std::string& originator = "") {
    const auto concern = ConcernOf(fixture_.bundle(), change);
    std::vector<Planned> planned;
    if (concern) {
      PlanNotices(*fixture_.configuration(), *concern, originator, recipients,
                  &planned);
    }
    std::vector<std::string> told;
    for (const Planned& notice : planned) {
      const char* way = notice.channel == NoticeChannel::kTask      ? "task"
                        : notice.channel == NoticeChannel::kWebhook ? "webhook"
                                                                    : "watch";
      told.push_back(notice.client_id + ":" + way + ":" + notice.event);
    }
    return told;
  }

  static Recipient Of(const std::string& client, const std::string& purpose) {
    Recipient recipient;
    recipient.client_id = client;
    recipient.subject = 1;
    recipient.purposes.insert(purpose);
    return recipient;
  }

  void Notify(const std::string& client, v1::Notify::Way way,
              bool watches = false) {
    v1::Client changed = AccessFixture::ClientFor(client, kLettersPurpose);
    changed.mutable_notify()->set_way(way);
    if (way == v1::Notify::WAY_WEBHOOK) {
      changed.mutable_notify()->set_webhook_url("https://a.example/");
    }
    if (watches) changed.add_permissions("consent.watch");
    fixture_.SetClient(changed);
  }

  AccessFixture fixture_;
};

TEST_F(ConcernTest, WhatTakesSomethingAwayIsToldAndOtherChangesAreNot) {
  EXPECT_EQ(EventOf("test.letters=withdrawn"), "withdrawal");
  EXPECT_EQ(EventOf("test.letters=refused"), "withdrawal");
  EXPECT_EQ(EventOf("test.letters=expired"), "withdrawal");
  EXPECT_EQ(EventOf("test.letters=invalidated"), "withdrawal");
  EXPECT_EQ(EventOf("test.letters=given"), "consent");
  EXPECT_EQ(EventOf("opt_out.OPT_OUT_KIND_DIRECT_MARKETING=set"), "opt_out");
  EXPECT_EQ(EventOf("gpc=set"), "opt_out");
  EXPECT_EQ(EventOf("objection.test.stats=set"), "objection");
  EXPECT_EQ(EventOf("objection.*=set"), "objection");
  EXPECT_EQ(EventOf("restricted=set"), "restriction");
  EXPECT_EQ(EventOf("restricted=lifted"), "restriction_lifted");
  for (const char* other :
       {"link=merged", "no.such.purpose=withdrawn", "test.letters=none",
        "opt_out.NO_SUCH_KIND=set", "erasure=decided", "nonsense", "",
        "agent=authorized"}) {
    EXPECT_EQ(EventOf(other), "") << other;
  }
}

TEST_F(ConcernTest, AnOptOutReachesThePurposesOfItsKind) {
  const auto marketing =
      ConcernOf(fixture_.bundle(), "opt_out.OPT_OUT_KIND_DIRECT_MARKETING=set");
  ASSERT_TRUE(marketing);
  EXPECT_THAT(marketing->targets, ElementsAre(kOffersPurpose, kLettersPurpose));
  const auto all = ConcernOf(fixture_.bundle(), "objection.*=set");
  EXPECT_EQ(all->targets.size(), fixture_.bundle().purpose_count());
}

TEST_F(ConcernTest, OnlyWhoReceivedUnderThePurposeIsTold) {
  const std::vector<Recipient> recipients = {Of("letters", kLettersPurpose),
                                             Of("shop", kServicePurpose)};
  EXPECT_THAT(Plan("test.letters=withdrawn", recipients),
              ElementsAre("letters:task:withdrawal"));
  EXPECT_THAT(Plan("restricted=set", recipients),
              UnorderedElementsAre("letters:task:restriction",
                                   "shop:task:restriction"));
}

TEST_F(ConcernTest, WhetherAnybodyFollowsChangesIsKnown) {
  EXPECT_FALSE(AnybodyWatches(*fixture_.configuration()));
  Notify("letters", v1::Notify::WAY_TASK);
  EXPECT_FALSE(AnybodyWatches(*fixture_.configuration()));
  Notify("letters", v1::Notify::WAY_TASK, /*watches=*/true);
  EXPECT_TRUE(AnybodyWatches(*fixture_.configuration()));
}

TEST_F(ConcernTest, EachIsToldInItsWay) {
  const std::vector<Recipient> recipients = {Of("letters", kLettersPurpose)};
  const auto told = [&] { return Plan("test.letters=withdrawn", recipients); };
  Notify("letters", v1::Notify::WAY_WEBHOOK);
  EXPECT_THAT(told(), ElementsAre("letters:webhook:withdrawal"));
  Notify("letters", v1::Notify::WAY_TASK);
  EXPECT_THAT(told(), ElementsAre("letters:task:withdrawal"));
  Notify("letters", v1::Notify::WAY_NONE);
  EXPECT_THAT(told(), IsEmpty());
  Notify("letters", v1::Notify::WAY_UNSPECIFIED, /*watches=*/true);
  EXPECT_THAT(told(), ElementsAre("letters:watch:consent"));
  Notify("letters", v1::Notify::WAY_WEBHOOK, /*watches=*/true);
  EXPECT_THAT(told(), UnorderedElementsAre("letters:watch:consent",
                                           "letters:webhook:withdrawal"));
  EXPECT_THAT(Plan("test.letters=given", recipients),
              ElementsAre("letters:watch:consent"));
}

TEST_F(ConcernTest, WhoIsGoneIsToldByStaff) {
  v1::Client revoked = AccessFixture::ClientFor("letters", kLettersPurpose);
  revoked.set_state(v1::CLIENT_STATE_REVOKED);
  revoked.mutable_notify()->set_way(v1::Notify::WAY_WEBHOOK);
  revoked.mutable_notify()->set_webhook_url("https://a.example/");
  fixture_.SetClient(revoked);
  EXPECT_THAT(Plan("test.letters=withdrawn", {Of("letters", kLettersPurpose),
                                              Of("unknown", kLettersPurpose)}),
              UnorderedElementsAre("letters:task:withdrawal",
                                   "unknown:task:withdrawal"));
}

TEST_F(ConcernTest, WhoCausedItKnowsAlready) {
  EXPECT_THAT(Plan("test.letters=withdrawn", {Of("letters", kLettersPurpose)},
                   "letters"),
              IsEmpty());
  Notify("letters", v1::Notify::WAY_WATCH, /*watches=*/true);
  EXPECT_THAT(Plan("test.letters=withdrawn", {Of("letters", kLettersPurpose)},
                   "letters"),
              ElementsAre("letters:watch:consent"));
}

TEST_F(ConcernTest, SeveralPurposesOfOneChangeAreOneNotice) {
  std::vector<Planned> planned;
  Recipient both = Of("letters", kLettersPurpose);
  both.purposes.insert(kServicePurpose);
  for (const char* change :
       {"test.letters=withdrawn", "test.service=withdrawn"}) {
    PlanNotices(*fixture_.configuration(),
                *ConcernOf(fixture_.bundle(), change), "", {both}, &planned);
  }
  ASSERT_EQ(planned.size(), 1u);
  EXPECT_THAT(planned[0].targets,
              UnorderedElementsAre(kLettersPurpose, kServicePurpose));
}

}  // namespace
}  // namespace consentry::delivery
