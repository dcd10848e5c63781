#include "gateway/consent/imported_choices.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/consent/event_rows.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::consent {
namespace {

using store::v1::ConsentEvent;
using testing::kLettersPurpose;
using testing::kServicePurpose;
using testing::RowBuilder;

constexpr int64_t kNowS = testing::VaultFixture::kNowUs / 1'000'000;

class ImportedChoicesStoreTest : public ::testing::Test,
                                 protected testing::AccessFixture {
 protected:
  static v1::ImportedChoice Choice(
      v1::ConsentAction action, int64_t at_s,
      const std::string& purpose = kLettersPurpose) {
    v1::ImportedChoice choice;
    choice.set_purpose(purpose);
    choice.set_action(action);
    choice.mutable_capture_time()->set_seconds(at_s);
    choice.mutable_notice()->set_id("letters");
    choice.mutable_notice()->set_version(1);
    choice.set_method("web form 2023");
    return choice;
  }
  // A row of hers with these choices; `city` makes its content another.
  vault::RowOutcome Import(const std::vector<v1::ImportedChoice>& choices,
                           const std::string& city = "Bonn") {
    RowBuilder row("profile", "anna");
    row.Email("anna@example.com").Text("city", city).Residence("DE");
    for (const auto& choice : choices) *row.row().add_choices() = choice;
    return ImportChoices(row.row()).front();
  }
  std::vector<ConsentEvent> Events() {
    const uint64_t subject = FindByEmail("anna@example.com");
    if (subject == 0) return {};
    auto head = reader().ReadHead(reader_connection(), subject, {});
    EXPECT_OK(head);
    auto events = ReadEvents(reader_connection(), (*head)->keys(),
                             (*head)->head().consent_events());
    EXPECT_OK(events);
    return *std::move(events);
  }
  v1::ConsentStatus Status() {
    const auto head = Head(FindByEmail("anna@example.com"));
    return head.consents_size() == 0
               ? v1::CONSENT_STATUS_NONE
               : static_cast<v1::ConsentStatus>(head.consents(0).status());
  }
  static bool HasFault(const vault::RowOutcome& outcome,
                       v1::ErrorReason reason) {
    for (const auto& fault : outcome.result.faults()) {
      if (fault.reason() == reason) return true;
    }
    return false;
  }
};

TEST_F(ImportedChoicesStoreTest, AChoiceIsAttestedByWhoImportsIt) {
  Import({Choice(v1::CONSENT_ACTION_GIVE, kNowS - 100)});
  const auto events = Events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].actor(), ConsentEvent::ATTESTED);
  EXPECT_EQ(events[0].client_id(), "letters");
  EXPECT_EQ(events[0].notice_id(), "letters");
  EXPECT_EQ(events[0].method(), "web form 2023");
  EXPECT_EQ(events[0].captured_at_us(), (kNowS - 100) * 1'000'000);
  EXPECT_EQ(events[0].received_at_us(), kNowUs);
  EXPECT_EQ(Status(), v1::CONSENT_STATUS_GIVEN);
}

TEST_F(ImportedChoicesStoreTest, AChoiceReportedAgainAddsNothing) {
  const auto given = Choice(v1::CONSENT_ACTION_GIVE, kNowS - 100);
  Import({given});
  // The row comes again because another column changed, and with the choice
  // twice.
  Import({given, given}, "Berlin");
  Import({given}, "Hamburg");
  EXPECT_EQ(Events().size(), 1u);
  // In one row of a customer who is new, too.
  RowBuilder row("profile", "ben");
  row.Email("ben@example.com");
  *row.row().add_choices() = given;
  *row.row().add_choices() = given;
  ImportChoices(row.row());
  EXPECT_EQ(Head(FindByEmail("ben@example.com")).consent_events(), 1u);
}

TEST_F(ImportedChoicesStoreTest, WhateverDiffersIsAnEventOfItsOwn) {
  const auto given = Choice(v1::CONSENT_ACTION_GIVE, kNowS - 100);
  std::vector<v1::ImportedChoice> others(4, given);
  others[0].mutable_capture_time()->set_seconds(kNowS - 99);
  others[1].mutable_notice()->set_version(2);
  others[2].set_method("telephone");
  others[3].set_channel(v1::CHANNEL_PHONE);
  others.push_back(given);
  Import(others);
  EXPECT_EQ(Events().size(), 5u);
}

TEST_F(ImportedChoicesStoreTest,
       AnOldConsentImportedAgainDoesNotUndoAWithdrawal) {
  const auto given = Choice(v1::CONSENT_ACTION_GIVE, kNowS - 100);
  Import({given});
  clock().AdvanceUs(5'000'000);
  v1::SubjectRef ref;
  Withdraw(Head(FindByEmail("anna@example.com")).public_id());
  EXPECT_EQ(Status(), v1::CONSENT_STATUS_WITHDRAWN);
  clock().AdvanceUs(5'000'000);
  // Word for word the same; and another one that claims to be later.
  Import({given}, "Berlin");
  EXPECT_EQ(Status(), v1::CONSENT_STATUS_WITHDRAWN);
  Import({Choice(v1::CONSENT_ACTION_GIVE, kNowS + 9)}, "Hamburg");
  EXPECT_EQ(Status(), v1::CONSENT_STATUS_WITHDRAWN);
}

TEST_F(ImportedChoicesStoreTest,
       AGrantNeedsTheRegistrationsWordAndANegativeNone) {
  const auto refused =
      Import({Choice(v1::CONSENT_ACTION_GIVE, kNowS - 100, kServicePurpose)});
  EXPECT_TRUE(HasFault(refused, v1::ERROR_REASON_ATTESTATION_NOT_ALLOWED));
  EXPECT_TRUE(Events().empty());
  const auto taken = Import(
      {Choice(v1::CONSENT_ACTION_WITHDRAW, kNowS - 100, kServicePurpose)},
      "Berlin");
  EXPECT_EQ(taken.result.faults_size(), 0);
  ASSERT_EQ(Events().size(), 1u);
  EXPECT_EQ(Status(), v1::CONSENT_STATUS_WITHDRAWN);
}

TEST_F(ImportedChoicesStoreTest, AChoiceWithoutADateInThePastIsHeldBack) {
  std::vector<v1::ImportedChoice> bad(
      3, Choice(v1::CONSENT_ACTION_GIVE, kNowS - 100));
  bad[0].clear_capture_time();
  bad[1].mutable_capture_time()->set_seconds(kNowS + 60);
  bad[2].mutable_capture_time()->set_seconds(0);
  for (const auto& choice : bad) {
    EXPECT_TRUE(HasFault(Import({choice}), v1::ERROR_REASON_VALUE_MALFORMED));
  }
  auto unknown = Choice(v1::CONSENT_ACTION_GIVE, kNowS - 100, "no.such");
  EXPECT_TRUE(
      HasFault(Import({unknown}), v1::ERROR_REASON_PURPOSE_NOT_ALLOWED));
  auto nothing = Choice(v1::CONSENT_ACTION_UNSPECIFIED, kNowS - 100);
  EXPECT_TRUE(HasFault(Import({nothing}), v1::ERROR_REASON_VALUE_MALFORMED));
  EXPECT_TRUE(Events().empty());
}

TEST_F(ImportedChoicesStoreTest, TheEntryTellsTheNewStateAndNoValue) {
  Import({Choice(v1::CONSENT_ACTION_REFUSE, kNowS - 100)});
  bool told = false;
  for (const auto& leaf : Leaves()) {
    for (const auto& subject : leaf.subjects()) {
      for (const std::string& change : subject.changes()) {
        told = told || change == std::string(kLettersPurpose) + "=refused";
      }
    }
  }
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace consentry::consent
