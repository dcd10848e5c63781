// P-G4 from row to store: for each rule one row that joins and one that does
// not.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "tests/testing/vault_fixture.h"

namespace consentry::vault {
namespace {

using testing::RowBuilder;

struct Case {
  std::string name;
  std::string first_source;
  v1::ImportRow first;
  std::string second_source;
  v1::ImportRow second;
  bool joins;
  bool conflict = false;
  // A person is asked.
  bool candidate = false;
};

class JoinRulesTest : public ::testing::TestWithParam<Case>,
                      protected testing::VaultFixture {};

TEST_P(JoinRulesTest, RowJoinsOrNot) {
  const Case& c = GetParam();
  const RowOutcome first = ImportOne(c.first_source, c.first);
  const RowOutcome second = ImportOne(c.second_source, c.second);
  EXPECT_EQ(second.result.outcome(), v1::WRITE_OUTCOME_CREATED);
  EXPECT_EQ(first.subject_id == second.subject_id, c.joins);
  EXPECT_EQ(second.result.joined(), c.joins);
  bool conflict = false;
  for (const v1::ImportFault& fault : second.result.faults()) {
    conflict =
        conflict || fault.reason() == v1::ERROR_REASON_IDENTIFIER_CONFLICT;
  }
  EXPECT_EQ(conflict, c.conflict);
  ASSERT_OK_AND_ASSIGN(
      const std::vector<MergeRecord> candidates,
      merges().List(reader_connection(), MergeState::kCandidate, 0, 10));
  EXPECT_EQ(!candidates.empty(), c.candidate);
}

// The same two rows in one batch come to the same.
class JoinRulesInOneBatchTest : public JoinRulesTest {};

TEST_P(JoinRulesInOneBatchTest, RowJoinsOrNot) {
  const Case& c = GetParam();
  const std::vector<RowOutcome> outcomes =
      Import(c.first_source, {c.first, c.second});
  EXPECT_EQ(outcomes[0].subject_id == outcomes[1].subject_id, c.joins);
  ASSERT_OK_AND_ASSIGN(
      const std::vector<MergeRecord> candidates,
      merges().List(reader_connection(), MergeState::kCandidate, 0, 10));
  EXPECT_EQ(!candidates.empty(), c.candidate);
}

RowBuilder Row(const std::string& key) { return {"profile", key}; }

std::vector<Case> Cases() {
  const std::string mail = "anna@example.com";
  const std::string phone = "+49301234567";
  std::vector<Case> cases;
  cases.push_back({.name = "VerifiedEmailJoins",
                   .first_source = "crm",
                   .first = Row("1").Email(mail, true),
                   .second_source = "shop",
                   .second = Row("2").Email(" ANNA@Example.com ", true),
                   .joins = true});
  cases.push_back({.name = "UnverifiedEmailDoesNotJoin",
                   .first_source = "crm",
                   .first = Row("1").Email(mail),
                   .second_source = "shop",
                   .second = Row("2").Email(mail),
                   .joins = false,
                   .candidate = true});
  cases.push_back({.name = "ClaimedAddressOfAVerifiedHolderDoesNotJoin",
                   .first_source = "crm",
                   .first = Row("1").Email(mail, true),
                   .second_source = "shop",
                   .second = Row("2").Email(mail),
                   .joins = false,
                   .candidate = true});
  cases.push_back({.name = "VerifiedAddressDoesNotJoinWhoOnlyClaimedIt",
                   .first_source = "crm",
                   .first = Row("1").Email(mail),
                   .second_source = "shop",
                   .second = Row("2").Email(mail, true),
                   .joins = false,
                   .candidate = true});
  cases.push_back({.name = "EmailAndPhoneJoin",
                   .first_source = "crm",
                   .first = Row("1").Email(mail).Phone(phone),
                   .second_source = "crm",
                   .second = Row("2").Email(mail).Phone("030 1234567"),
                   .joins = true});
  cases.push_back({.name = "EmailAndAnotherPhoneDoNotJoin",
                   .first_source = "crm",
                   .first = Row("1").Email(mail).Phone(phone),
                   .second_source = "crm",
                   .second = Row("2").Email(mail).Phone("+49307654321"),
                   .joins = false,
                   .candidate = true});
  cases.push_back({.name = "SourcesOwnKeyJoins",
                   .first_source = "crm",
                   .first = Row("1").External("crm", "C-1"),
                   .second_source = "crm",
                   .second = RowBuilder("order", "2")
                                 .External("crm", "C-1")
                                 .Text("number", "A-1"),
                   .joins = true});
  cases.push_back({.name = "AnotherSourcesKeyDoesNotJoin",
                   .first_source = "crm",
                   .first = Row("1").External("crm", "C-1"),
                   .second_source = "shop",
                   .second = Row("2").External("crm", "C-1"),
                   .joins = false,
                   .candidate = true});
  cases.push_back({.name = "SameKeyOfAnotherNamespaceDoesNotJoin",
                   .first_source = "crm",
                   .first = Row("1").External("crm", "C-1"),
                   .second_source = "shop",
                   .second = Row("2").External("shop", "C-1"),
                   .joins = false});
  cases.push_back({.name = "RoleAddressNeverJoins",
                   .first_source = "crm",
                   .first = Row("1").Email("info@example.com", true),
                   .second_source = "shop",
                   .second = Row("2").Email("info@example.com", true),
                   .joins = false});
  cases.push_back({.name = "AddressTheCatalogSharesNeverJoins",
                   .first_source = "crm",
                   .first = Row("1").Email("a@shared.example", true),
                   .second_source = "shop",
                   .second = Row("2").Email("a@shared.example", true),
                   .joins = false});
  cases.push_back({.name = "RoleAddressIsNoSecondIdentifier",
                   .first_source = "crm",
                   .first = Row("1").Email("info@example.com").Phone(phone),
                   .second_source = "crm",
                   .second = Row("2").Email("info@example.com").Phone(phone),
                   .joins = false,
                   .candidate = true});
  cases.push_back({.name = "WeakIdentifierNeverJoins",
                   .first_source = "crm",
                   .first = Row("1").Custom("cookie", "k1", true),
                   .second_source = "shop",
                   .second = Row("2").Custom("cookie", "k1", true),
                   .joins = false});
  cases.push_back({.name = "StrongCustomIdentifierVerifiedJoins",
                   .first_source = "pos",
                   .first = Row("1").Custom("loyalty_card", "L1", true),
                   .second_source = "shop",
                   .second = Row("2").Custom("loyalty_card", "L1", true),
                   .joins = true});
  cases.push_back({.name = "SameBirthDateJoins",
                   .first_source = "crm",
                   .first = Row("1").Email(mail, true).BirthDate("1980-01-01"),
                   .second_source = "shop",
                   .second = Row("2").Email(mail, true).BirthDate("1980-01-01"),
                   .joins = true});
  cases.push_back({.name = "AnotherBirthDateDoesNotJoin",
                   .first_source = "crm",
                   .first = Row("1").Email(mail, true).BirthDate("1980-01-01"),
                   .second_source = "shop",
                   .second = Row("2").Email(mail, true).BirthDate("1984-01-01"),
                   .joins = false,
                   .candidate = true});
  cases.push_back(
      {.name = "SameNameInAnotherCaseJoins",
       .first_source = "crm",
       .first = Row("1").Email(mail, true).Text("last_name", "Müller"),
       .second_source = "shop",
       .second = Row("2").Email(mail, true).Text("last_name", " MÜLLER"),
       .joins = true});
  cases.push_back(
      {.name = "AnotherNameDoesNotJoin",
       .first_source = "crm",
       .first = Row("1").Email(mail, true).Text("first_name", "Anna"),
       .second_source = "crm",
       .second = Row("2").Email(mail, true).Text("first_name", "Peter"),
       .joins = false,
       .candidate = true});
  return cases;
}

std::vector<Case> CasesOfOneSource() {
  std::vector<Case> cases = Cases();
  std::erase_if(
      cases, [](const Case& c) { return c.first_source != c.second_source; });
  return cases;
}

std::string NameOf(const ::testing::TestParamInfo<Case>& test) {
  return test.param.name;
}

INSTANTIATE_TEST_SUITE_P(Rules, JoinRulesTest, ::testing::ValuesIn(Cases()),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Rules, JoinRulesInOneBatchTest,
                         ::testing::ValuesIn(CasesOfOneSource()), NameOf);

class JoinConflictTest : public ::testing::Test,
                         protected testing::VaultFixture {};

TEST_F(JoinConflictTest, IdentifiersOfTwoPeopleJoinNeither) {
  const RowOutcome anna =
      ImportOne("crm", Row("1").Email("anna@example.com", true));
  const RowOutcome ben = ImportOne("crm", Row("2").Phone("+49301234567", true));
  const RowOutcome both = ImportOne(
      "shop",
      Row("3").Email("anna@example.com", true).Phone("+49301234567", true));
  EXPECT_NE(both.subject_id, anna.subject_id);
  EXPECT_NE(both.subject_id, ben.subject_id);
  ASSERT_EQ(both.result.faults_size(), 2);
  EXPECT_EQ(both.result.faults(0).reason(),
            v1::ERROR_REASON_IDENTIFIER_CONFLICT);
  EXPECT_FALSE(both.result.faults(0).row_quarantined());
  ASSERT_OK_AND_ASSIGN(
      const std::vector<MergeRecord> candidates,
      merges().List(reader_connection(), MergeState::kCandidate, 0, 10));
  ASSERT_EQ(candidates.size(), 2u);
  EXPECT_EQ(candidates[0].grounds.ground(), "conflicting_identifiers");
  // Again: nothing more is asked of anybody.
  ImportOne("shop", Row("3")
                        .Email("anna@example.com", true)
                        .Phone("+49301234567", true)
                        .Text("city", "Ulm"));
  ASSERT_OK_AND_ASSIGN(
      const std::vector<MergeRecord> again,
      merges().List(reader_connection(), MergeState::kCandidate, 0, 10));
  EXPECT_EQ(again.size(), 2u);
}

TEST_F(JoinConflictTest, AddressOfManyPeopleJoinsNobodyAnyMore) {
  for (int i = 0; i < 4; ++i) {
    ImportOne("crm", Row(std::to_string(i)).Email("desk@example.com"));
  }
  const RowOutcome late =
      ImportOne("shop", Row("9").Email("desk@example.com", true));
  EXPECT_FALSE(late.result.joined());
  EXPECT_EQ(late.result.faults_size(), 0);
}

TEST_F(JoinConflictTest, AmbiguousAddressFindsNobodyButWithdrawalsFindAll) {
  ImportOne("crm", Row("1").Email("family@example.com"));
  ImportOne("shop", Row("2").Email("family@example.com"));
  EXPECT_EQ(FindByEmail("family@example.com"), 0u);
  v1::Identifier identifier;
  identifier.set_type(v1::IDENTIFIER_TYPE_EMAIL);
  identifier.set_value("family@example.com");
  ASSERT_OK_AND_ASSIGN(const LookupKey key, reader().MakeKey(identifier));
  ASSERT_OK_AND_ASSIGN(const std::vector<uint64_t> all,
                       reader().ResolveAll(reader_connection(), key, 100));
  EXPECT_EQ(all.size(), 2u);
}

TEST_F(JoinConflictTest, OneVerifiedHolderIsFoundAmongThoseWhoClaim) {
  const RowOutcome owner =
      ImportOne("crm", Row("1").Email("a@example.com", true));
  ImportOne("shop", Row("2").Email("a@example.com"));
  EXPECT_EQ(FindByEmail("a@example.com"), FindById(owner.subject_id));
}

}  // namespace
}  // namespace consentry::vault
