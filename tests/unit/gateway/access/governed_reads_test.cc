#include "gateway/access/governed_reads.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gateway/vault/field_number.h"
#include "gateway/vault/record_number.h"
#include "proto/support/error.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::access {
namespace {

using testing::kLettersPurpose;
using testing::kServicePurpose;
using testing::kStatsPurpose;
using testing::kSupportPurpose;
using testing::Promised;
using testing::RowBuilder;

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kDayUs = 24 * 3600 * kSecondUs;

class GovernedReadsTest : public ::testing::Test,
                          protected testing::AccessFixture {
 protected:
  v1::ReadSubjectRequest Letter(const std::string& id) {
    v1::ReadSubjectRequest request =
        Request(id, kLettersPurpose, {"profile.email"});
    request.set_channel(v1::CHANNEL_EMAIL);
    return request;
  }
  v1::ReadSubjectRequest Name(const std::string& id) {
    return Request(id, kServicePurpose, {"profile.first_name"});
  }
  v1::ErrorReason ReasonFor(
      const absl::StatusOr<v1::ReadSubjectResponse>& told) {
    if (!told.ok()) {
      return consentry::ReasonOf(told.status())
          .value_or(v1::ERROR_REASON_INTERNAL);
    }
    EXPECT_EQ(told->decision().effect() == v1::EFFECT_PERMIT,
              told->decision().reason() == v1::ERROR_REASON_UNSPECIFIED);
    return told->decision().reason();
  }

  // The log stands still, with one entry in hand, until LetGo().
  std::future<ReadOutcome> BlockLog(const std::string& id) {
    log().Hold();
    auto first = StartRead(As("shop"), Name(id));
    log().AwaitAppend();
    return first;
  }
  void AwaitVersionAbove(uint64_t subject, int64_t version) {
    const std::string sql = "SELECT version FROM subjects WHERE subject = " +
                            std::to_string(subject);
    while (Ask(sql) <= version) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  int64_t VersionOf(uint64_t subject) {
    return Ask("SELECT version FROM subjects WHERE subject = " +
               std::to_string(subject));
  }

  // Damages one value of the subject's only profile record.
  void Damage(const std::string& id, const std::string& field) {
    const std::string row =
        std::to_string(vault::RecordNumber(Number(id), 0, 0));
    store::v1::RecordBlob blob;
    ASSERT_TRUE(blob.ParseFromString(
        Blob("SELECT fields FROM records WHERE record_no = " + row)));
    bool found = false;
    for (auto& sealed : *blob.mutable_fields()) {
      if (sealed.field() != vault::FieldNumber(field)) continue;
      sealed.mutable_sealed()->back() ^= 1;
      found = true;
    }
    ASSERT_TRUE(found);
    Tamper("UPDATE records SET fields = $1 WHERE record_no = " + row,
           blob.SerializeAsString());
  }

  store::v1::Leaf LastLeaf() { return Leaves().back(); }
};

TEST_F(GovernedReadsTest, PermittedFieldsAreToldWithTheirSource) {
  const std::string id = Person("anna");
  ASSERT_OK_AND_ASSIGN(
      const auto told,
      Read(As("shop"),
           Request(id, kServicePurpose,
                   {"profile.email", "profile.first_name", "profile.city"})));
  EXPECT_EQ(told.subject_id(), id);
  // In the order asked for; what is not held is not there.
  ASSERT_EQ(told.fields_size(), 2);
  EXPECT_EQ(told.fields(0).value().string_value(), "anna@example.com");
  EXPECT_EQ(told.fields(1).value().string_value(), "Anna");
  EXPECT_EQ(told.fields(0).provenance().source(), "crm");
  EXPECT_EQ(told.decision().fields_size(), 3);
}

TEST_F(GovernedReadsTest, TheEntryTellsWhatWasReleasedAndNoValue) {
  const std::string id = Person("anna");
  Caller caller = As("shop");
  caller.context.set_acting_person("clerk-7");
  ASSERT_OK(Read(caller, Request(id, kServicePurpose,
                                 {"profile.city", "profile.first_name"})));
  const store::v1::Leaf leaf = LastLeaf();
  EXPECT_EQ(leaf.event(), "data.read");
  EXPECT_EQ(leaf.client_id(), "shop");
  EXPECT_EQ(leaf.acting_person(), "clerk-7");
  EXPECT_EQ(leaf.purpose(), kServicePurpose);
  ASSERT_EQ(leaf.subjects_size(), 1);
  EXPECT_EQ(leaf.subjects(0).effect(), v1::EFFECT_PERMIT);
  // The city was permitted and is not held.
  EXPECT_EQ(leaf.subjects(0).released(), 2u);
  EXPECT_EQ(leaf.subjects(0).tag().size(), 16u);
  for (const std::string& entry : log().entries()) {
    for (const std::string& word :
         {std::string("Anna"), std::string("anna@"), id}) {
      EXPECT_EQ(entry.find(word), std::string::npos) << word;
    }
  }
}

TEST_F(GovernedReadsTest, AWithdrawalOvertakesAReadThatWaitsForTheLog) {
  const std::string other = Person("other");
  const std::string id = Person("anna");
  Give(id, kLettersPurpose);
  const uint64_t subject = Number(id);
  auto first = BlockLog(other);
  auto overtaken = StartRead(As("letters"), Letter(id));
  const int64_t before = VersionOf(subject);
  auto withdrawn = StartWithdraw(id);
  AwaitVersionAbove(subject, before);
  log().LetGo();
  EXPECT_OK(first.get());
  ReadOutcome outcome = overtaken.get();
  ASSERT_OK(outcome);
  EXPECT_EQ(outcome->response.decision().reason(),
            v1::ERROR_REASON_CONSENT_WITHDRAWN);
  EXPECT_EQ(outcome->response.fields_size(), 0);
  outcome->tickets.clear();
  EXPECT_OK(withdrawn.get());
}

TEST_F(GovernedReadsTest, AWithdrawalWaitsForWhoeverHoldsAnAnswerInHand) {
  const std::string id = Person("anna");
  Give(id, kLettersPurpose);
  ReadOutcome in_hand = StartRead(As("letters"), Letter(id)).get();
  ASSERT_OK(in_hand);
  ASSERT_EQ(in_hand->response.fields_size(), 1);
  auto withdrawn = StartWithdraw(id);
  EXPECT_EQ(withdrawn.wait_for(std::chrono::milliseconds(100)),
            std::future_status::timeout);
  EXPECT_TRUE(in_hand->MustDrop());
  in_hand->tickets.clear();
  EXPECT_OK(withdrawn.get());
}

TEST_F(GovernedReadsTest, AConsentThatEndsWhileTheReadWaitsIsDecidedAnew) {
  const std::string other = Person("other");
  const std::string id = Person("anna");
  Give(id, kLettersPurpose, (kNowUs / kSecondUs + 5) * kSecondUs);
  EXPECT_EQ(ReasonFor(Read(As("letters"), Letter(id))),
            v1::ERROR_REASON_UNSPECIFIED);
  auto first = BlockLog(other);
  auto late = StartRead(As("letters"), Letter(id));
  clock().AdvanceUs(10 * kSecondUs);
  log().LetGo();
  EXPECT_OK(first.get());
  ReadOutcome outcome = late.get();
  ASSERT_OK(outcome);
  EXPECT_EQ(outcome->response.decision().reason(),
            v1::ERROR_REASON_CONSENT_EXPIRED);
  EXPECT_EQ(outcome->response.fields_size(), 0);
}

TEST_F(GovernedReadsTest, AConfigurationThatIsNotTheCommittersNeverReleases) {
  const std::string id = Person("anna");
  for (const int64_t by : {-1, 1}) {
    ShiftEpoch(by);
    EXPECT_EQ(ReasonFor(Read(As("shop"), Name(id))),
              v1::ERROR_REASON_CONTENDED);
  }
  ShiftEpoch(0);
  EXPECT_OK(Read(As("shop"), Name(id)));
}

TEST_F(GovernedReadsTest, ARetriedReadIsChargedOnce) {
  v1::Client letters = ClientFor("letters", kLettersPurpose);
  letters.mutable_limits()->set_subjects_per_hour(1);
  SetClient(letters);
  const std::string other = Person("other");
  const std::string id = Person("anna");
  Give(id, kLettersPurpose);
  const uint64_t subject = Number(id);
  auto first = BlockLog(other);
  auto overtaken = StartRead(As("letters"), Letter(id));
  const int64_t before = VersionOf(subject);
  auto withdrawn = StartWithdraw(id);
  AwaitVersionAbove(subject, before);
  log().LetGo();
  EXPECT_OK(first.get());
  EXPECT_OK(overtaken.get());
  EXPECT_OK(withdrawn.get());
  // She may be asked about again, and nobody else.
  EXPECT_OK(Read(As("letters"), Letter(id)));
  EXPECT_EQ(ReasonFor(Read(As("letters"), Letter(other))),
            v1::ERROR_REASON_BUDGET_EXHAUSTED);
}

TEST_F(GovernedReadsTest, ALogThatFailsReleasesNothing) {
  const std::string id = Person("anna");
  log().Fail();
  const auto told = Read(As("shop"), Name(id));
  EXPECT_EQ(ReasonFor(told), v1::ERROR_REASON_AUDIT_UNAVAILABLE);
  EXPECT_EQ(ReasonFor(Read(As("shop"), Name(id))),
            v1::ERROR_REASON_AUDIT_UNAVAILABLE);
}

TEST_F(GovernedReadsTest, WhatWasNotAskedForIsNotOpened) {
  const std::string id = Person("anna");
  Damage(id, "profile.email");
  ASSERT_OK_AND_ASSIGN(const auto told, Read(As("shop"), Name(id)));
  EXPECT_EQ(told.fields_size(), 1);
  EXPECT_EQ(ReasonFor(Read(As("shop"),
                           Request(id, kServicePurpose,
                                   {"profile.first_name", "profile.email"}))),
            v1::ERROR_REASON_DATA_CORRUPT);
}

TEST_F(GovernedReadsTest, WhatIsDeniedIsNotOpened) {
  const std::string id = Person("anna");
  Damage(id, "profile.email");
  EXPECT_EQ(ReasonFor(Read(As("letters"), Letter(id))),
            v1::ERROR_REASON_CONSENT_MISSING);
  SetOwnerPack(R"pb(
    id: "own"
    kind: OWNER
    owner_rules {
      rule { id: "no-mail" citation: "own" }
      purposes: "test.service"
      fields: "profile.email"
      effect: DENY
    })pb");
  ASSERT_OK_AND_ASSIGN(
      const auto told,
      Read(As("shop"), Request(id, kServicePurpose,
                               {"profile.first_name", "profile.email"})));
  EXPECT_EQ(told.fields_size(), 1);
  EXPECT_EQ(told.decision().fields(1).reason(), v1::ERROR_REASON_OWNER_FORBIDS);
}

TEST_F(GovernedReadsTest, ACheckDecidesAndReleasesNothing) {
  const std::string id = Person("anna");
  v1::CheckAccessRequest request;
  request.mutable_subject()->set_id(id);
  request.set_purpose(kServicePurpose);
  request.add_fields("profile.first_name");
  auto [done, future] =
      Promised<absl::StatusOr<Released<v1::CheckAccessResponse>>>();
  reads().Check(As("shop"), request, std::move(done));
  auto told = future.get();
  ASSERT_OK(told);
  EXPECT_EQ(told->response.decision().effect(), v1::EFFECT_PERMIT);
  const store::v1::Leaf leaf = LastLeaf();
  EXPECT_TRUE(leaf.released_nothing());
  EXPECT_EQ(leaf.subjects(0).released(), 0u);
}

TEST_F(GovernedReadsTest, UnknownAndDeniedLookAlikeToWhoMayNotExplain) {
  const std::string id = Person("anna");
  const Caller caller = As("letters", /*may_explain=*/false);
  v1::ReadSubjectRequest unknown = Letter("");
  unknown.mutable_subject()->mutable_identifier()->set_type(
      v1::IDENTIFIER_TYPE_EMAIL);
  unknown.mutable_subject()->mutable_identifier()->set_value(
      "nobody@example.com");
  const size_t entries = log().entries().size();
  auto denied = Read(caller, Letter(id));
  auto nobody = Read(caller, unknown);
  ASSERT_OK(denied);
  ASSERT_OK(nobody);
  EXPECT_EQ(denied->decision().reason(), v1::ERROR_REASON_ACCESS_DENIED);
  for (auto* told : {&*denied, &*nobody}) {
    EXPECT_EQ(told->subject_id(), "");
    told->mutable_decision()->clear_id();
    told->mutable_decision()->clear_audit_reference();
  }
  EXPECT_EQ(denied->SerializeAsString(), nobody->SerializeAsString());
  // Both have their entry; nobody's tag is new each time.
  EXPECT_OK(Read(caller, unknown));
  const auto leaves = Leaves();
  ASSERT_EQ(leaves.size(), entries + 3);
  EXPECT_EQ(leaves[entries + 1].subjects(0).version(), 0u);
  EXPECT_NE(leaves[entries + 1].subjects(0).tag(),
            leaves[entries + 2].subjects(0).tag());
}

TEST_F(GovernedReadsTest, PseudonymsOfTwoCallersCannotBeJoined) {
  const std::string anna = Person("anna");
  const std::string ben = Person("ben");
  const auto ask = [&](const std::string& client, const std::string& id) {
    v1::ReadSubjectRequest request =
        Request(id, kStatsPurpose, {"profile.email"});
    request.set_want_pseudonym(true);
    auto told = Read(As(client), request);
    EXPECT_OK(told);
    EXPECT_EQ(told->fields_size(), 1);
    return std::pair(told->pseudonym(), told->fields(0).value().string_value());
  };
  const auto [annas, annas_value] = ask("stats", anna);
  EXPECT_EQ(ask("stats", anna), std::pair(annas, annas_value));
  const auto [bens, bens_value] = ask("stats", ben);
  const auto [others, others_value] = ask("stats-2", anna);
  for (const auto& token : {annas, annas_value}) {
    EXPECT_NE(token, "");
    EXPECT_EQ(token.find("anna"), std::string::npos);
  }
  EXPECT_NE(annas, bens);
  EXPECT_NE(annas_value, bens_value);
  EXPECT_NE(annas, others);
  EXPECT_NE(annas_value, others_value);
  EXPECT_NE(annas, annas_value);
  // And only its own finds her.
  v1::ReadSubjectRequest request = Request("", kStatsPurpose, {"profile.city"});
  request.mutable_subject()->set_pseudonym(annas);
  ASSERT_OK_AND_ASSIGN(const auto mine, Read(As("stats"), request));
  EXPECT_EQ(mine.decision().effect(), v1::EFFECT_PERMIT);
  EXPECT_EQ(ReasonFor(Read(As("stats-2"), request)),
            v1::ERROR_REASON_FIELD_INVALID);
  // A pseudonym of a value is no name of a customer.
  request.mutable_subject()->set_pseudonym(annas_value);
  EXPECT_EQ(ReasonFor(Read(As("stats"), request)),
            v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(GovernedReadsTest, ABatchAnswersInOrderOfWhoeverIsThere) {
  const std::string anna = Person("anna");
  const std::string ben = Person("ben");
  v1::BatchReadSubjectsRequest request;
  for (const std::string& id : {ben, std::string(), anna, ben}) {
    auto* subject = request.add_subjects();
    if (!id.empty()) {
      subject->set_id(id);
    } else {
      subject->mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
      subject->mutable_identifier()->set_value("nobody@example.com");
    }
  }
  request.set_purpose(kServicePurpose);
  request.add_fields("profile.email");
  auto [done, future] =
      Promised<absl::StatusOr<Released<v1::BatchReadSubjectsResponse>>>();
  reads().Batch(As("shop"), request, std::move(done));
  auto told = future.get();
  ASSERT_OK(told);
  ASSERT_EQ(told->response.results_size(), 4);
  EXPECT_EQ(told->response.results(0).subject_id(), ben);
  EXPECT_EQ(told->response.results(1).decision().effect(), v1::EFFECT_DENY);
  EXPECT_EQ(told->response.results(2).subject_id(), anna);
  EXPECT_EQ(told->response.results(3).subject_id(), ben);
  EXPECT_EQ(LastLeaf().subjects_size(), 4);
  // Each answer carries the name of its own decision.
  std::set<std::string> ids;
  for (const auto& result : told->response.results()) {
    ids.insert(result.decision().id());
  }
  EXPECT_EQ(ids.size(), 4u);
}

TEST_F(GovernedReadsTest, OneFaultyNameRefusesTheBatchAndNamesItsPlace) {
  v1::BatchReadSubjectsRequest request;
  request.add_subjects()->set_id(Person("anna"));
  request.add_subjects()->set_id("no id");
  request.set_purpose(kServicePurpose);
  request.add_fields("profile.email");
  auto [done, future] =
      Promised<absl::StatusOr<Released<v1::BatchReadSubjectsResponse>>>();
  reads().Batch(As("shop"), request, std::move(done));
  const auto told = future.get();
  ASSERT_FALSE(told.ok());
  EXPECT_NE(told.status().ToString().find("subjects[1]"), std::string::npos);
  EXPECT_EQ(told.status().ToString().find("no id"), std::string::npos);
}

TEST_F(GovernedReadsTest, JoinedCustomersAreReadAsOneAndNegativesOfEachHold) {
  const std::string anna = Person("anna");
  const std::string ann = Person("ann");
  ImportOne("shop", RowBuilder("profile", "s-ann")
                        .Email("ann@example.com")
                        .External("shop", "s-ann")
                        .Text("city", "Bonn"));
  Give(anna, kLettersPurpose);
  Merge(anna, ann);
  ASSERT_OK(Read(As("shop"), Name(ann)));
  const store::v1::Leaf leaf = LastLeaf();
  ASSERT_EQ(leaf.subjects_size(), 2);
  EXPECT_FALSE(leaf.subjects(0).member());
  EXPECT_TRUE(leaf.subjects(1).member());
  // What one of them withdraws holds for both, by either name.
  Withdraw(ann);
  for (const std::string& id : {anna, ann}) {
    EXPECT_EQ(ReasonFor(Read(As("letters"), Letter(id))),
              v1::ERROR_REASON_CONSENT_WITHDRAWN);
  }
}

TEST_F(GovernedReadsTest, AContextThatWasClosedOrIsOldOpensNothing) {
  // Known to the source by a number of its own, so that tickets find her.
  const std::string id = ImportOne("crm", RowBuilder("profile", "anna")
                                              .External("crm", "1")
                                              .Text("first_name", "Anna")
                                              .Residence("DE"))
                             .subject_id;
  const auto ask = [&] {
    return ReasonFor(
        Read(As("desk"), Request(id, kSupportPurpose, {"profile.first_name"})));
  };
  EXPECT_EQ(ask(), v1::ERROR_REASON_CONTEXT_NOT_FOUND);
  const auto ticket = [&](const std::string& key, const std::string& opened,
                          const std::string& closed) {
    RowBuilder row("ticket", key);
    row.External("crm", "1");
    (*row.row().mutable_values())["opened_on"].set_date_value(opened);
    if (!closed.empty()) {
      (*row.row().mutable_values())["closed_on"].set_date_value(closed);
    }
    ImportOne("crm", row);
  };
  // The clock stands in November 2026.
  ticket("old", "2026-01-15", "");
  EXPECT_EQ(ask(), v1::ERROR_REASON_CONTEXT_NOT_FOUND);
  ticket("open", "2026-11-15", "");
  EXPECT_EQ(ask(), v1::ERROR_REASON_UNSPECIFIED);
  ticket("open", "2026-11-15", "2026-11-16");
  EXPECT_EQ(ask(), v1::ERROR_REASON_CONTEXT_NOT_FOUND);
}

TEST_F(GovernedReadsTest, AValuePastItsRetentionIsAsIfItWereNotHeld) {
  const std::string id = Person("anna");
  // 36 months for a name.
  ASSERT_OK_AND_ASSIGN(auto told, Read(As("shop"), Name(id)));
  ASSERT_EQ(told.fields_size(), 1);
  ASSERT_EQ(told.decision().obligations_size(), 1);
  EXPECT_EQ(told.decision().obligations(0).rfind("delete_by=2029-11-", 0), 0u);
  clock().AdvanceUs(3 * 366 * kDayUs);
  ASSERT_OK_AND_ASSIGN(told, Read(As("shop"), Name(id)));
  EXPECT_EQ(told.decision().effect(), v1::EFFECT_PERMIT);
  EXPECT_EQ(told.fields_size(), 0);
  EXPECT_EQ(LastLeaf().subjects(0).released(), 0u);
}

TEST_F(GovernedReadsTest, ANameThatWasLedToAnotherIsAnError) {
  const std::string anna = Person("anna");
  const std::string ben = Person("ben");
  v1::ReadSubjectRequest request = Name(anna);
  const uint64_t annas = Number(anna);
  const uint64_t bens = Number(ben);
  Tamper("UPDATE lookup SET subject = " + std::to_string(bens) +
             " WHERE subject = " + std::to_string(annas) + " AND key <> $1",
         "");
  EXPECT_EQ(ReasonFor(Read(As("shop"), request)),
            v1::ERROR_REASON_DATA_CORRUPT);
  request.mutable_subject()->mutable_identifier()->set_type(
      v1::IDENTIFIER_TYPE_EMAIL);
  request.mutable_subject()->mutable_identifier()->set_value(
      "anna@example.com");
  EXPECT_EQ(ReasonFor(Read(As("shop"), request)),
            v1::ERROR_REASON_DATA_CORRUPT);
  EXPECT_OK(Read(As("shop"), Name(ben)));
}

TEST_F(GovernedReadsTest, ANameThatIsNewerThanTheCachedHeadIsNoError) {
  const std::string id = Person("anna");
  ASSERT_OK(Read(As("shop"), Name(id)));
  ImportOne("crm", RowBuilder("profile", "anna")
                       .Email("anna@example.com")
                       .Email("new@example.com")
                       .Text("first_name", "Anna")
                       .Residence("DE"));
  v1::ReadSubjectRequest request = Name(id);
  request.mutable_subject()->mutable_identifier()->set_type(
      v1::IDENTIFIER_TYPE_EMAIL);
  request.mutable_subject()->mutable_identifier()->set_value("new@example.com");
  ASSERT_OK_AND_ASSIGN(const auto told, Read(As("shop"), request));
  EXPECT_EQ(told.subject_id(), id);
}

}  // namespace
}  // namespace consentry::access
