#include "gateway/consent/event_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/support/error.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::consent {
namespace {

using store::v1::ConsentEvent;
using ::testing::ElementsAre;
using testing::kLettersPurpose;

ConsentEvent Event(const std::string& purpose, ConsentEvent::Type type,
                   int64_t at_us,
                   ConsentEvent::Actor actor = ConsentEvent::ATTESTED) {
  ConsentEvent event;
  // 24 characters of base32: ids of one test differ by their time.
  std::string id = std::to_string(at_us);
  for (char& digit : id) digit = static_cast<char>(digit - '0' + 'a');
  event.set_event_id("con_" + std::string(24 - id.size(), 'a') + id);
  event.set_purpose(purpose);
  event.set_type(type);
  event.set_actor(actor);
  event.set_captured_at_us(at_us);
  event.set_received_at_us(at_us);
  return event;
}

// --- Deriving, pure ---

TEST(DeriveIntoTest, OnlyPurposesOfNewEventsAreDerivedAnew) {
  store::v1::SubjectHead head;
  auto* other = head.add_consents();
  other->set_purpose("other");
  other->set_status(v1::CONSENT_STATUS_GIVEN);
  other->set_event_id("kept as it is");
  const std::vector<ConsentEvent> events = {
      Event("other", ConsentEvent::WITHDRAWN, 1),
      Event("letters", ConsentEvent::GIVEN, 2)};
  const Appended appended = DeriveInto(events, 1, &head);
  EXPECT_EQ(head.consent_events(), 2u);
  ASSERT_EQ(head.consents_size(), 2);
  EXPECT_EQ(head.consents(0).event_id(), "kept as it is");
  EXPECT_EQ(head.consents(1).status(), v1::CONSENT_STATUS_GIVEN);
  EXPECT_THAT(appended.changes, ElementsAre("letters=given"));
  EXPECT_FALSE(appended.narrows);
}

TEST(DeriveIntoTest, SeveralEventsOfOnePurposeAreOneState) {
  store::v1::SubjectHead head;
  const std::vector<ConsentEvent> events = {
      Event("letters", ConsentEvent::GIVEN, 1),
      Event("letters", ConsentEvent::WITHDRAWN, 2)};
  const Appended appended = DeriveInto(events, 0, &head);
  ASSERT_EQ(appended.states.size(), 1u);
  EXPECT_EQ(appended.states[0].status(), v1::CONSENT_STATUS_WITHDRAWN);
  EXPECT_THAT(appended.changes, ElementsAre("letters=withdrawn"));
  EXPECT_EQ(head.consents_size(), 1);
}

TEST(DeriveIntoTest, WhateverTakesSomethingAwayNarrows) {
  const auto narrows = [](std::vector<ConsentEvent> events) {
    store::v1::SubjectHead head;
    DeriveInto({events.begin(), events.end() - 1}, 0, &head);
    return DeriveInto(events, events.size() - 1, &head).narrows;
  };
  ConsentEvent given = Event("p", ConsentEvent::GIVEN, 10);
  EXPECT_FALSE(narrows({given}));
  EXPECT_TRUE(narrows({given, Event("p", ConsentEvent::WITHDRAWN, 20)}));
  // Also where nothing stood: another basis may have.
  EXPECT_TRUE(narrows({Event("p", ConsentEvent::REFUSED, 20)}));
  EXPECT_FALSE(
      narrows({Event("p", ConsentEvent::REFUSED, 5),
               Event("p", ConsentEvent::GIVEN, 20, ConsentEvent::SELF)}));
  // A shorter grant, one that was explicit and is not.
  ConsentEvent shorter = Event("p", ConsentEvent::GIVEN, 20);
  shorter.set_valid_until_us(500);
  EXPECT_TRUE(narrows({given, shorter}));
  ConsentEvent longer = Event("p", ConsentEvent::GIVEN, 30);
  longer.set_valid_until_us(900);
  EXPECT_FALSE(narrows({shorter, longer}));
  ConsentEvent explicit_one = given;
  explicit_one.set_explicit_statement(true);
  EXPECT_TRUE(narrows({explicit_one, Event("p", ConsentEvent::GIVEN, 20)}));
}

TEST(DeriveIntoTest, AtOneTimeTheNegativeStands) {
  for (const bool negative_first : {true, false}) {
    ConsentEvent given =
        Event("p", ConsentEvent::GIVEN, 10, ConsentEvent::SELF);
    ConsentEvent withdrawn = Event("p", ConsentEvent::WITHDRAWN, 10);
    std::vector<ConsentEvent> events = {given, withdrawn};
    if (negative_first) std::swap(events[0], events[1]);
    store::v1::SubjectHead head;
    DeriveInto(events, 0, &head);
    EXPECT_EQ(head.consents(0).status(), v1::CONSENT_STATUS_WITHDRAWN);
  }
}

TEST(ToStateTest, AGrantExpiresAtItsMicrosecond) {
  store::v1::DerivedConsent derived;
  derived.set_status(v1::CONSENT_STATUS_GIVEN);
  derived.set_valid_until_us(1000);
  EXPECT_EQ(ToState(derived, 999).status(), v1::CONSENT_STATUS_GIVEN);
  EXPECT_EQ(ToState(derived, 1000).status(), v1::CONSENT_STATUS_EXPIRED);
  derived.set_valid_until_us(0);
  EXPECT_EQ(ToState(derived, INT64_MAX).status(), v1::CONSENT_STATUS_GIVEN);
  // What was withdrawn does not expire.
  derived.set_status(v1::CONSENT_STATUS_WITHDRAWN);
  derived.set_valid_until_us(1000);
  EXPECT_EQ(ToState(derived, 2000).status(), v1::CONSENT_STATUS_WITHDRAWN);
}

// --- The rows ---

class EventRowsTest : public ::testing::Test, protected testing::AccessFixture {
 protected:
  absl::StatusOr<std::vector<ConsentEvent>> Read(const std::string& id) {
    auto head = reader().ReadHead(reader_connection(), Number(id), {});
    EXPECT_OK(head);
    return ReadEvents(reader_connection(), (*head)->keys(),
                      (*head)->head().consent_events());
  }
  static v1::ErrorReason Why(const absl::Status& status) {
    return consentry::ReasonOf(status).value_or(v1::ERROR_REASON_UNSPECIFIED);
  }
  static std::string Row(uint64_t subject, int seq) {
    return " FROM consent_events WHERE subject = " + std::to_string(subject) +
           " AND seq = " + std::to_string(seq);
  }
};

TEST_F(EventRowsTest, EventsComeBackInOrderAndSealed) {
  const std::string id = Person("anna");
  Give(id, kLettersPurpose);
  Withdraw(id);
  ASSERT_OK_AND_ASSIGN(const auto events, Read(id));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].type(), ConsentEvent::GIVEN);
  EXPECT_EQ(events[1].type(), ConsentEvent::WITHDRAWN);
  EXPECT_NE(events[0].event_id(), events[1].event_id());
  EXPECT_EQ(Blob("SELECT event" + Row(Number(id), 1)).find(kLettersPurpose),
            std::string::npos);
}

TEST_F(EventRowsTest, AnEventThatIsMissingIsDamage) {
  const std::string id = Person("anna");
  Give(id, kLettersPurpose);
  Withdraw(id);
  // The withdrawal is taken out, as if it had never been.
  Tamper("DELETE" + Row(Number(id), 2) + " AND event <> $1", "");
  EXPECT_EQ(Why(Read(id).status()), v1::ERROR_REASON_DATA_CORRUPT);
}

TEST_F(EventRowsTest, AnEventInAnothersPlaceIsDamage) {
  const std::string id = Person("anna");
  Give(id, kLettersPurpose);
  Withdraw(id);
  Give(id, kLettersPurpose);
  const uint64_t subject = Number(id);
  Tamper("UPDATE consent_events SET event = $1 WHERE subject = " +
             std::to_string(subject) + " AND seq = 2",
         Blob("SELECT event" + Row(subject, 1)));
  EXPECT_EQ(Why(Read(id).status()), v1::ERROR_REASON_DATA_CORRUPT);
}

TEST_F(EventRowsTest, AnEventOfSomebodyElseIsDamage) {
  const std::string anna = Person("anna");
  const std::string ben = Person("ben");
  Give(anna, kLettersPurpose);
  Withdraw(anna);
  Give(ben, kLettersPurpose);
  Tamper("UPDATE consent_events SET event = $1 WHERE subject = " +
             std::to_string(Number(anna)) + " AND seq = 1",
         Blob("SELECT event" + Row(Number(ben), 1)));
  EXPECT_EQ(Why(Read(anna).status()), v1::ERROR_REASON_DATA_CORRUPT);
  EXPECT_OK(Read(ben));
}

}  // namespace
}  // namespace consentry::consent
