// Releases after their verdict: what is handed to a channel, and what stops it.
#include "gateway/screening/release_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "tests/unit/gateway/screening/screening_fixture.h"

namespace consentry::screening {
namespace {

using testing::kLettersPurpose;

class ReleaseDeskTest : public ::testing::Test, public ScreeningFixture {
 protected:
  std::string Reader(const std::string& key) {
    const std::string id = Person(key);
    Give(id, kLettersPurpose);
    return id;
  }
  std::string Release(const std::string& subject, const std::string& id) {
    const auto answer = Screen("letters", Letter(subject, id));
    EXPECT_OK(answer);
    EXPECT_EQ(answer->verdict(), v1::VERDICT_RELEASED) << answer->DebugString();
    return answer.ok() ? answer->release().digest() : "";
  }
  v1::ScreenOutputRequest LetterOf(const std::string& subject,
                                   const std::string& id,
                                   const std::string& model_version) {
    auto request = Letter(subject, id);
    request.mutable_output()->set_model_version(model_version);
    return request;
  }
  // Outputs that a fetch hands out.
  std::vector<std::string> Fetched(const std::string& client,
                                   const std::string& purpose) {
    const auto page = Fetch(client, purpose);
    EXPECT_OK(page);
    std::vector<std::string> ids;
    if (!page.ok()) return ids;
    for (const auto& each : page->outputs()) ids.push_back(each.output().id());
    return ids;
  }
  std::vector<std::string> RevokedDigests() {
    const auto page = Revoked();
    EXPECT_OK(page);
    if (!page.ok()) return {};
    return {page->digests().begin(), page->digests().end()};
  }
  void ExpectUnfair(const absl::StatusOr<v1::ScreenOutputResponse>& answer) {
    ASSERT_OK(answer);
    EXPECT_EQ(answer->verdict(), v1::VERDICT_BLOCKED);
    EXPECT_EQ(answer->verdict_class(), v1::VERDICT_CLASS_FAIRNESS);
    EXPECT_FALSE(answer->has_release());
    EXPECT_EQ(answer->duties_size(), 0);
  }
};

using Ids = std::vector<std::string>;

bool Tells(const store::v1::Leaf& leaf, const std::string& detail) {
  return std::find(leaf.details().begin(), leaf.details().end(), detail) !=
         leaf.details().end();
}

TEST_F(ReleaseDeskTest, AViolationEndsWhatTheVersionReleasedBefore) {
  ToldGate gate;
  WatchWith(&gate);
  const std::string anna = Reader("anna");
  const std::string berta = Reader("berta");
  const std::string digest = Release(anna, "l-1");
  ASSERT_OK(Screen("letters", LetterOf(berta, "l-2", "2")));
  EXPECT_EQ(RevokedDigests(), Ids());
  EXPECT_EQ(Fetched("letters", kLettersPurpose), Ids({"l-1", "l-2"}));
  gate.Stand("1", conduct::Action::kBlock);
  // Whoever asks for it again is told, before anybody fetched.
  ExpectUnfair(Screen("letters", Letter(anna, "l-1")));
  EXPECT_TRUE(Tells(LastLeaf(), "class=fairness"));
  EXPECT_TRUE(Tells(LastLeaf(), "rules=fmo_test.1.0"));
  EXPECT_EQ(Fetched("letters", kLettersPurpose), Ids({"l-2"}));
  EXPECT_EQ(RevokedDigests(), Ids({digest}));
  // For good, whatever is done about the version later.
  gate.LetGo();
  EXPECT_EQ(Fetched("letters", kLettersPurpose), Ids({"l-2"}));
  ExpectUnfair(Screen("letters", Letter(anna, "l-1")));
  const auto other = Screen("letters", LetterOf(berta, "l-2", "2"));
  ASSERT_OK(other);
  EXPECT_EQ(other->verdict(), v1::VERDICT_RELEASED);
}

TEST_F(ReleaseDeskTest, AViolationPutsReleasesOnTheListWhoeverChanged) {
  ToldGate gate;
  WatchWith(&gate);
  const std::string anna = Reader("anna");
  const std::string berta = Reader("berta");
  const std::string of_anna = Release(anna, "l-1");
  const std::string of_berta = Release(berta, "l-2");
  EXPECT_EQ(RevokedDigests(), Ids());
  // Nothing of theirs changes; but one may not be written to either.
  gate.Stand("1", conduct::Action::kBlock);
  Withdraw(berta);
  EXPECT_THAT(RevokedDigests(),
              ::testing::UnorderedElementsAre(of_anna, of_berta));
  // Each entry says why.
  std::map<bool, int> revoked;
  for (const store::v1::Leaf& leaf : Leaves()) {
    if (leaf.event() != "system.release_revoke") continue;
    EXPECT_EQ(Tells(leaf, "class=fairness"), Tells(leaf, "rules=fmo_test.1.0"));
    revoked[Tells(leaf, "class=fairness")] += leaf.subjects_size();
  }
  EXPECT_EQ(revoked, (std::map<bool, int>{{false, 1}, {true, 1}}));
  ExpectUnfair(Screen("letters", Letter(anna, "l-1")));
  const auto withdrawn = Screen("letters", Letter(berta, "l-2"));
  ASSERT_OK(withdrawn);
  EXPECT_EQ(withdrawn->verdict_class(), v1::VERDICT_CLASS_NOT_PERMITTED);
}

TEST_F(ReleaseDeskTest, WhatAHumanWouldBeAskedAboutNowIsAskedAnew) {
  ToldGate gate;
  WatchWith(&gate);
  const std::string anna = Reader("anna");
  const std::string digest = Release(anna, "l-1");
  gate.Stand("1", conduct::Action::kHold);
  EXPECT_EQ(Fetched("letters", kLettersPurpose), Ids());
  EXPECT_EQ(RevokedDigests(), Ids({digest}));
  ExpectUnfair(Screen("letters", Letter(anna, "l-1")));
  EXPECT_TRUE(queue.held.empty());
  const auto anew = Screen("letters", Letter(anna, "l-2"));
  ASSERT_OK(anew);
  EXPECT_EQ(anew->verdict(), v1::VERDICT_HELD);
  EXPECT_EQ(queue.held.size(), 1u);
}

TEST_F(ReleaseDeskTest, WhatAHumanLetPassStandsInSpiteOfMonitors) {
  for (const auto action : {conduct::Action::kBlock, conduct::Action::kHold}) {
    ToldGate gate;
    WatchWith(&gate);
    const std::string key =
        action == conduct::Action::kBlock ? "anna" : "berta";
    const std::string subject = Person(key);
    const auto held = Screen("bank", Refusal(subject, key));
    ASSERT_OK(held);
    ASSERT_EQ(held->verdict(), v1::VERDICT_HELD);
    store::Change change;
    change.apply = [&](store::ChangeContext& context) -> absl::Status {
      store::v1::Leaf leaf;
      const absl::Status status = target().Apply(
          context, held->screening_id(), review::Ruling::kRelease, "", &leaf);
      context.SetEntry(leaf.SerializeAsString());
      return status;
    };
    ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
    gate.Stand("3", action);
    EXPECT_THAT(Fetched("bank", testing::kCreditPurpose),
                ::testing::Contains(key));
    EXPECT_EQ(RevokedDigests(), Ids());
    const auto again = Screen("bank", Refusal(subject, key));
    ASSERT_OK(again);
    EXPECT_EQ(again->verdict(), v1::VERDICT_RELEASED);
    EXPECT_TRUE(again->has_release());
  }
}

TEST_F(ReleaseDeskTest, WhatWasReleasedIsHandedOverUntilItIsConfirmed) {
  const std::string anna = Reader("anna");
  const std::string berta = Reader("berta");
  Release(anna, "l-1");
  Release(berta, "l-2");
  const auto first = Fetch("letters", kLettersPurpose);
  ASSERT_OK(first);
  ASSERT_EQ(first->outputs_size(), 2);
  EXPECT_EQ(first->outputs(0).output().id(), "l-1");
  EXPECT_FALSE(first->outputs(0).output().text().empty());
  const auto& release = first->outputs(0).release();
  EXPECT_OK(CheckRelease(verifier(), release.note(), first->outputs(0).output(),
                         release.pseudonym(), v1::CHANNEL_EMAIL,
                         kNowUs / 1'000'000 + 60));
  // Whoever lost the answer asks again.
  const auto again = Fetch("letters", kLettersPurpose);
  ASSERT_OK(again);
  EXPECT_EQ(again->outputs_size(), 2);
  const auto after =
      Fetch("letters", kLettersPurpose, first->next_page_token());
  ASSERT_OK(after);
  EXPECT_EQ(after->outputs_size(), 0);
  EXPECT_TRUE(after->next_page_token().empty());
}

TEST_F(ReleaseDeskTest, AWithdrawalBindsWhatWasReleasedAndNotFetched) {
  const std::string anna = Reader("anna");
  Release(anna, "l-1");
  Withdraw(anna);
  const auto page = Fetch("letters", kLettersPurpose);
  ASSERT_OK(page);
  EXPECT_EQ(page->outputs_size(), 0);
  // For good: a new consent does not bring it back.
  Give(anna, kLettersPurpose);
  const auto later = Fetch("letters", kLettersPurpose);
  ASSERT_OK(later);
  EXPECT_EQ(later->outputs_size(), 0);
}

TEST_F(ReleaseDeskTest, AWithdrawalPutsReleasesOnTheListOfRevokedOnes) {
  const std::string anna = Reader("anna");
  const std::string berta = Reader("berta");
  const std::string of_anna = Release(anna, "l-1");
  const std::string of_berta = Release(berta, "l-2");
  const auto none = Revoked();
  ASSERT_OK(none);
  EXPECT_EQ(none->digests_size(), 0);
  EXPECT_FALSE(none->next_page_token().empty());
  Withdraw(anna);
  const auto one = Revoked(none->next_page_token());
  ASSERT_OK(one);
  ASSERT_EQ(one->digests_size(), 1);
  EXPECT_EQ(one->digests(0), of_anna);
  // A later poll goes on behind it, a new one begins with it.
  Withdraw(berta);
  const auto next = Revoked(one->next_page_token());
  ASSERT_OK(next);
  ASSERT_EQ(next->digests_size(), 1);
  EXPECT_EQ(next->digests(0), of_berta);
  const auto all = Revoked();
  ASSERT_OK(all);
  EXPECT_EQ(all->digests_size(), 2);
}

TEST_F(ReleaseDeskTest, AChangeThatTakesNothingAwayRevokesNothing) {
  const std::string anna = Reader("anna");
  Release(anna, "l-1");
  ASSERT_OK(Revoked());
  ImportOne("shop", testing::RowBuilder("profile", "anna-in-shop")
                        .Email("anna@example.com")
                        .Text("last_name", "Albrecht"));
  Give(anna, kLettersPurpose);
  const auto revoked = Revoked();
  ASSERT_OK(revoked);
  EXPECT_EQ(revoked->digests_size(), 0);
  const auto page = Fetch("letters", kLettersPurpose);
  ASSERT_OK(page);
  EXPECT_EQ(page->outputs_size(), 1);
}

TEST_F(ReleaseDeskTest, SomebodyJoinedWithHerWithdrawsForBoth) {
  const std::string anna = Reader("anna");
  const std::string other = Reader("other");
  const std::string digest = Release(anna, "l-1");
  ASSERT_OK(Revoked());
  Merge(anna, other);
  ASSERT_OK(Revoked());
  Withdraw(other);
  const auto revoked = Revoked();
  ASSERT_OK(revoked);
  ASSERT_EQ(revoked->digests_size(), 1);
  EXPECT_EQ(revoked->digests(0), digest);
}

TEST_F(ReleaseDeskTest, WhatHasEndedIsNeitherHandedOverNorListed) {
  const std::string anna = Reader("anna");
  Release(anna, "l-1");
  Withdraw(anna);
  clock().AdvanceUs(27 * kUsPerHour);
  const auto revoked = Revoked();
  ASSERT_OK(revoked);
  EXPECT_EQ(revoked->digests_size(), 0);
  ASSERT_OK(upkeep().Run());
  EXPECT_EQ(Rows("releases"), 0);
  EXPECT_EQ(Rows("screenings"), 1);
  clock().AdvanceUs(401 * kUsPerDay);
  ASSERT_OK(upkeep().Run());
  EXPECT_EQ(Rows("screenings"), 0);
  EXPECT_EQ(Rows("pressure"), 0);
}

TEST_F(ReleaseDeskTest, WhatIsToBeDeliveredLaterWaits) {
  const std::string anna = Reader("anna");
  auto request = Letter(anna, "l-1");
  const int64_t later_us = kNowUs + 24 * kUsPerHour;
  request.mutable_output()->mutable_deliver_time()->set_seconds(later_us /
                                                                1'000'000);
  const auto answer = Screen("letters", request);
  ASSERT_OK(answer);
  ASSERT_EQ(answer->verdict(), v1::VERDICT_RELEASED) << answer->DebugString();
  const auto early = Fetch("letters", kLettersPurpose);
  ASSERT_OK(early);
  EXPECT_EQ(early->outputs_size(), 0);
  clock().AdvanceUs(24 * kUsPerHour + 1'000'000);
  const auto due = Fetch("letters", kLettersPurpose);
  ASSERT_OK(due);
  EXPECT_EQ(due->outputs_size(), 1);
}

TEST_F(ReleaseDeskTest, WhatWaitsKeepsNothingBehindItWaiting) {
  for (int i = 0; i < 9; ++i) {
    auto request = Letter(Reader("early" + std::to_string(i)),
                          "early-" + std::to_string(i));
    request.mutable_output()->mutable_deliver_time()->set_seconds(
        kNowUs / 1'000'000 + 86'400);
    const auto answer = Screen("letters", request);
    ASSERT_OK(answer);
    ASSERT_EQ(answer->verdict(), v1::VERDICT_RELEASED) << answer->DebugString();
  }
  Release(Reader("anna"), "due");
  // Four are looked at for a page.
  ReleaseDesk desk(&parts(), &page_tokens(), {.looked_per_fetch = 4});
  const auto fetch = [&](const std::string& token) {
    v1::FetchOutputsRequest request;
    request.set_purpose(kLettersPurpose);
    request.set_channel(v1::CHANNEL_EMAIL);
    request.set_page_token(token);
    const auto page = Wait<v1::FetchOutputsResponse>([&](auto done) {
      desk.Fetch(As("letters"), request, std::move(done));
    });
    EXPECT_OK(page);
    return page.ok() ? *page : v1::FetchOutputsResponse();
  };
  EXPECT_EQ(fetch("").outputs_size(), 0);
  EXPECT_EQ(fetch("").outputs_size(), 0);
  const auto page = fetch("");
  ASSERT_EQ(page.outputs_size(), 1);
  EXPECT_EQ(page.outputs(0).output().id(), "due");
  // Unconfirmed it is offered again; after that the first ones are next.
  EXPECT_EQ(fetch("").outputs_size(), 1);
  EXPECT_EQ(fetch(page.next_page_token()).outputs_size(), 0);
  clock().AdvanceUs(kUsPerDay + 1'000'000);
  std::set<std::string> seen;
  std::string token;
  for (int i = 0; i < 6; ++i) {
    const auto next = fetch(token);
    for (const auto& each : next.outputs()) seen.insert(each.output().id());
    token = next.next_page_token();
  }
  EXPECT_EQ(seen.size(), 9u);
}

TEST_F(ReleaseDeskTest,
       AChannelIsHandedNoMoreCustomersThanItsRegistrationAllows) {
  for (const char* key : {"anna", "berta", "carla"}) {
    Release(Reader(key), absl::StrCat("l-", key));
  }
  v1::Client mailer = ClientFor("mailer", kLettersPurpose);
  mailer.mutable_limits()->set_subjects_per_hour(2);
  SetClient(mailer);
  const auto first = Fetch("mailer", kLettersPurpose);
  ASSERT_OK(first);
  EXPECT_EQ(first->outputs_size(), 2);
  const auto next = Fetch("mailer", kLettersPurpose, first->next_page_token());
  EXPECT_EQ(ReasonOf(next.status()), v1::ERROR_REASON_BUDGET_EXHAUSTED);
}

TEST_F(ReleaseDeskTest, TheFirstLookIsTakenInStepsAndAnswersNothingHalfDone) {
  std::vector<std::string> readers;
  for (int i = 0; i < 9; ++i) {
    readers.push_back(Reader("r" + std::to_string(i)));
    Release(readers.back(), "l-" + std::to_string(i));
  }
  // As after a start: nothing was looked at yet.
  ReleaseDesk desk(&parts(), &page_tokens(),
                   {.looked_per_step = 2, .steps = 2});
  const auto list = [&] {
    return Wait<v1::ListRevokedReleasesResponse>([&](auto done) {
      desk.ListRevoked(As("letters"), {}, std::move(done));
    });
  };
  Withdraw(readers[8]);
  EXPECT_EQ(ReasonOf(list().status()), v1::ERROR_REASON_STORE_UNAVAILABLE);
  // One that was looked at already, while the walk goes on.
  Withdraw(readers[0]);
  int calls = 1;
  auto page = list();
  for (; !page.ok() && calls < 20; ++calls) {
    EXPECT_EQ(ReasonOf(page.status()), v1::ERROR_REASON_STORE_UNAVAILABLE);
    page = list();
  }
  ASSERT_OK(page);
  EXPECT_GT(calls, 1);
  EXPECT_EQ(page->digests_size(), 2);
  // From here on the changes are looked at alone.
  Withdraw(readers[1]);
  page = list();
  ASSERT_OK(page);
  EXPECT_EQ(page->digests_size(), 3);
}

TEST_F(ReleaseDeskTest, AnotherChannelsCallerGetsNothing) {
  const std::string anna = Reader("anna");
  Release(anna, "l-1");
  EXPECT_EQ(ReasonOf(Fetch("shop", kLettersPurpose).status()),
            v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
}

TEST_F(ReleaseDeskTest, AnErasureRevokesWhatIsOutAndLeavesNoRow) {
  const std::string anna = Reader("anna");
  const std::string digest = Release(anna, "l-1");
  const uint64_t number = Number(anna);
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    const auto touched = upkeep().Forget(context, number, 100);
    EXPECT_OK(touched);
    context.SetEntry(store::v1::Leaf().SerializeAsString());
    return absl::OkStatus();
  };
  ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  EXPECT_EQ(Rows("screenings"), 0);
  EXPECT_EQ(Rows("pressure"), 0);
  const auto revoked = Revoked();
  ASSERT_OK(revoked);
  ASSERT_EQ(revoked->digests_size(), 1);
  EXPECT_EQ(revoked->digests(0), digest);
}

}  // namespace
}  // namespace consentry::screening
