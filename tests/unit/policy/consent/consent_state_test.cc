#include "policy/consent/consent_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "consentry/v1/consent_service.pb.h"

namespace consentry::policy {
namespace {

using Event = store::v1::ConsentEvent;

static_assert(static_cast<int>(ConsentStatus::kNone) ==
              v1::CONSENT_STATUS_NONE);
static_assert(static_cast<int>(ConsentStatus::kUncertain) ==
              v1::CONSENT_STATUS_UNCERTAIN);
static_assert(static_cast<int>(ConsentActor::kSelf) == v1::CONSENT_ACTOR_SELF);
static_assert(static_cast<int>(ConsentActor::kAttested) ==
              v1::CONSENT_ACTOR_ATTESTED);

constexpr char kPurpose[] = "newsletter";

Event Make(Event::Type type, Event::Actor actor, int64_t captured,
           int64_t received) {
  static int number = 0;
  Event event;
  event.set_event_id("con_" + std::to_string(++number));
  event.set_purpose(kPurpose);
  event.set_type(type);
  event.set_actor(actor);
  event.set_captured_at_us(captured);
  event.set_received_at_us(received);
  return event;
}

ConsentStatus StatusOf(const std::vector<Event>& events,
                       const ConsentOptions& options = {}) {
  return DeriveConsent(events, kPurpose, options).status;
}

TEST(ConsentState, NoEventIsNone) {
  EXPECT_EQ(StatusOf({}), ConsentStatus::kNone);
  EXPECT_EQ(DeriveConsent({}, kPurpose).event, nullptr);
}

TEST(ConsentState, EventsOfOtherPurposesArePassedOver) {
  Event other = Make(Event::GIVEN, Event::SELF, 1, 1);
  other.set_purpose("newsletters");
  EXPECT_EQ(StatusOf({other}), ConsentStatus::kNone);
}

TEST(ConsentState, GrantStandsAndNamesItsEvent) {
  const std::vector<Event> events = {
      Make(Event::GIVEN, Event::ATTESTED, 10, 12)};
  const ConsentState state = DeriveConsent(events, kPurpose);
  EXPECT_EQ(state.status, ConsentStatus::kGiven);
  EXPECT_EQ(state.since_us, 10);
  EXPECT_EQ(state.event, &events[0]);
}

TEST(ConsentState, GrantFromItsOwnFutureProvesNothing) {
  EXPECT_EQ(StatusOf({Make(Event::GIVEN, Event::SELF, 11, 10)}),
            ConsentStatus::kInvalidated);
}

TEST(ConsentState, WithdrawalFromItsOwnFutureCountsFromReceipt) {
  const std::vector<Event> events = {
      Make(Event::GIVEN, Event::SELF, 10, 10),
      Make(Event::WITHDRAWN, Event::ATTESTED, 99, 20)};
  const ConsentState state = DeriveConsent(events, kPurpose);
  EXPECT_EQ(state.status, ConsentStatus::kWithdrawn);
  EXPECT_EQ(state.since_us, 20);
}

TEST(ConsentState, CustomerMayComeBackAfterWithdrawing) {
  EXPECT_EQ(StatusOf({Make(Event::GIVEN, Event::SELF, 10, 10),
                      Make(Event::WITHDRAWN, Event::SELF, 20, 20),
                      Make(Event::GIVEN, Event::SELF, 30, 30)}),
            ConsentStatus::kGiven);
}

TEST(ConsentState, ServiceCannotReopenWhatWasWithdrawn) {
  const Event withdrawn = Make(Event::WITHDRAWN, Event::SELF, 20, 20);
  for (const auto actor :
       {Event::ATTESTED, Event::GUARDIAN, Event::AGENT, Event::SIGNAL}) {
    // Captured before, told after; captured and told after.
    EXPECT_EQ(StatusOf({withdrawn, Make(Event::GIVEN, actor, 10, 30)}),
              ConsentStatus::kWithdrawn);
    EXPECT_EQ(StatusOf({withdrawn, Make(Event::RENEWED, actor, 25, 30)}),
              ConsentStatus::kWithdrawn);
  }
}

TEST(ConsentState, LateWithdrawalDoesNotUndoALaterKnownGrant) {
  // The grant was captured after the customer withdrew and was known before the
  // withdrawal was reported.
  EXPECT_EQ(StatusOf({Make(Event::WITHDRAWN, Event::ATTESTED, 5, 20),
                      Make(Event::GIVEN, Event::ATTESTED, 10, 11)}),
            ConsentStatus::kGiven);
}

TEST(ConsentState, EqualTimesLeaveTheNegative) {
  EXPECT_EQ(StatusOf({Make(Event::GIVEN, Event::SELF, 20, 20),
                      Make(Event::WITHDRAWN, Event::SELF, 20, 20)}),
            ConsentStatus::kWithdrawn);
  EXPECT_EQ(StatusOf({Make(Event::REFUSED, Event::SELF, 20, 20),
                      Make(Event::WITHDRAWN, Event::SELF, 20, 20)}),
            ConsentStatus::kWithdrawn);
}

TEST(ConsentState, RefusalAndInvalidationAreToldApart) {
  EXPECT_EQ(StatusOf({Make(Event::REFUSED, Event::SELF, 20, 20)}),
            ConsentStatus::kRefused);
  EXPECT_EQ(StatusOf({Make(Event::GIVEN, Event::SELF, 10, 10),
                      Make(Event::INVALIDATED, Event::ATTESTED, 20, 20)}),
            ConsentStatus::kInvalidated);
}

TEST(ConsentState, ExpiryEndsOnlyWhatWasBefore) {
  const Event given = Make(Event::GIVEN, Event::ATTESTED, 10, 10);
  const Event expired = Make(Event::EXPIRED, Event::ATTESTED, 20, 20);
  EXPECT_EQ(StatusOf({given, expired}), ConsentStatus::kExpired);
  EXPECT_EQ(
      StatusOf({given, expired, Make(Event::RENEWED, Event::ATTESTED, 30, 30)}),
      ConsentStatus::kGiven);
  EXPECT_EQ(StatusOf({expired}), ConsentStatus::kExpired);
}

TEST(ConsentState, ValidUntilEndsAtItsMicrosecond) {
  Event given = Make(Event::GIVEN, Event::SELF, 10, 10);
  given.set_valid_until_us(50);
  const std::vector<Event> events = {given};
  const ConsentState state = DeriveConsent(events, kPurpose);
  EXPECT_EQ(StatusAt(state, 49), ConsentStatus::kGiven);
  EXPECT_EQ(StatusAt(state, 50), ConsentStatus::kExpired);
}

TEST(ConsentState, OfTwoGrantsAtOnceTheLessPermissiveDetermines) {
  Event broad = Make(Event::GIVEN, Event::SELF, 10, 10);
  broad.set_explicit_statement(true);
  const Event narrow = Make(Event::GIVEN, Event::SELF, 10, 10);
  const std::vector<Event> events = {broad, narrow};
  EXPECT_EQ(DeriveConsent(events, kPurpose).event, &events[1]);
}

TEST(ConsentState, PastStateCountsOnlyWhatWasKnown) {
  const std::vector<Event> events = {
      Make(Event::GIVEN, Event::SELF, 10, 10),
      Make(Event::WITHDRAWN, Event::ATTESTED, 15, 30)};
  EXPECT_EQ(StatusOf(events, {.as_of_us = 9}), ConsentStatus::kNone);
  EXPECT_EQ(StatusOf(events, {.as_of_us = 29}), ConsentStatus::kGiven);
  EXPECT_EQ(StatusOf(events, {.as_of_us = 30}), ConsentStatus::kWithdrawn);
}

TEST(ConsentState, AfterAnAcceptedLossOldGrantsAreUncertainUntilRenewed) {
  const Event given = Make(Event::GIVEN, Event::SELF, 10, 10);
  const ConsentOptions loss{.uncertain_before_us = 50};
  EXPECT_EQ(StatusOf({given}, loss), ConsentStatus::kUncertain);
  EXPECT_EQ(StatusOf({given, Make(Event::RENEWED, Event::SELF, 60, 60)}, loss),
            ConsentStatus::kGiven);
  // A negative stays what it is.
  EXPECT_EQ(
      StatusOf({given, Make(Event::WITHDRAWN, Event::SELF, 20, 20)}, loss),
      ConsentStatus::kWithdrawn);
}

Event RandomEvent(std::mt19937* random) {
  const auto below = [&](int n) {
    return static_cast<int>((*random)() % static_cast<uint64_t>(n));
  };
  Event event =
      Make(static_cast<Event::Type>(1 + below(6)),
           static_cast<Event::Actor>(1 + below(5)), below(12), below(12));
  event.set_explicit_statement(below(2) == 1);
  event.set_parental_authorisation(below(2) == 1);
  if (below(3) == 0) event.set_valid_until_us(1 + below(20));
  return event;
}

TEST(ConsentState, OrderOfEventsNeverMatters) {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    std::vector<Event> events;
    for (auto n = random() % 7; n > 0; --n) {
      events.push_back(RandomEvent(&random));
    }
    const ConsentState before = DeriveConsent(events, kPurpose);
    const std::string id =
        before.event == nullptr ? "" : before.event->event_id();
    std::shuffle(events.begin(), events.end(), random);
    const ConsentState after = DeriveConsent(events, kPurpose);
    ASSERT_EQ(before.status, after.status);
    ASSERT_EQ(before.since_us, after.since_us);
    ASSERT_EQ(before.valid_until_us, after.valid_until_us);
    ASSERT_EQ(id, after.event == nullptr ? "" : after.event->event_id());
  }
}

// P-G3 word for word: after a withdrawal nothing that others tell re-opens.
TEST(ConsentState, OnlyTheCustomerReopensAfterAnyWithdrawal) {
  std::mt19937 random(11);
  int closed = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<Event> events;
    for (auto n = random() % 5; n > 0; --n) {
      events.push_back(RandomEvent(&random));
    }
    const ConsentStatus before = StatusOf(events);
    if (before != ConsentStatus::kWithdrawn) continue;
    ++closed;
    // Told now, after everything that is known.
    Event grant = Make(Event::GIVEN, Event::ATTESTED,
                       static_cast<int64_t>(random() % 100), 100);
    events.push_back(grant);
    ASSERT_EQ(StatusOf(events), ConsentStatus::kWithdrawn);
    events.back().set_actor(Event::SELF);
    events.back().set_captured_at_us(100);
    ASSERT_EQ(StatusOf(events), ConsentStatus::kGiven);
  }
  EXPECT_GT(closed, 100);
}

TEST(ConsentState, PurposesAreListedOnce) {
  Event a = Make(Event::GIVEN, Event::SELF, 1, 1);
  a.set_purpose("b");
  Event b = a;
  b.set_purpose("a");
  const std::vector<Event> events = {a, b, a};
  EXPECT_EQ(PurposesOf(events), (std::vector<std::string_view>{"a", "b"}));
}

}  // namespace
}  // namespace consentry::policy
