// Renewals, the history, guardians, soft opt-ins, and asking again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/access/subject_facts.h"
#include "gateway/consent/ledger.h"
#include "policy/engine/minors.h"
#include "proto/support/error.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::consent {
namespace {

using ::testing::ElementsAre;
using testing::kLettersPurpose;
using testing::kOffersPurpose;
using testing::kServicePurpose;
using testing::Promised;
using testing::RowBuilder;

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kDayUs = 86400 * kSecondUs;

// Knows one guardian and one agent of `customer`; the agent may give, and opt
// out of sale.
class TwoAgents final : public Agents {
 public:
  absl::StatusOr<AgentPower> Find(store::Connection*, std::string_view agent_id,
                                  std::span<const AgentAct> acts,
                                  int64_t) const override {
    if (agent_id == "agt_parent") {
      return AgentPower{customer, true, absl::OkStatus()};
    }
    if (agent_id == "agt_lawyer") {
      const bool may = std::all_of(acts.begin(), acts.end(), [](AgentAct act) {
        return act == AgentAct::kGive || act == AgentAct::kOptOutOfSale;
      });
      return AgentPower{
          customer, false,
          may ? absl::OkStatus()
              : MakeError(v1::ERROR_REASON_PERMISSION_MISSING, "not for that")};
    }
    return absl::NotFoundError("none");
  }
  uint64_t customer = 0;
};

class LedgerPartsTest : public ::testing::Test,
                        protected testing::AccessFixture {
 protected:
  LedgerPartsTest()
      : with_agents_([this] {
          LedgerOptions options = ledger_options();
          options.agents = &agents_;
          options.needs_parent = [](const clients::Configuration& configuration,
                                    auto heads, const std::string& purpose,
                                    int64_t now_us) {
            const policy::Bundle& bundle = configuration.bundle();
            return policy::NeedsParent(bundle, access::MakeFacts(bundle, heads),
                                       *bundle.FindPurpose(purpose), now_us);
          };
          return options;
        }()) {}

  template <class Response, class Request, class Method, class... More>
  absl::StatusOr<Response> Call(Method method,
                                const clients::CallerContext& caller,
                                const Request& request, More... more) {
    auto [done, future] = Promised<absl::StatusOr<Answer<Response>>>();
    (with_agents_.*method)(caller, request, more..., std::move(done));
    auto answer = future.get();
    if (!answer.ok()) return answer.status();
    return std::move(answer->response);
  }
  static v1::RecordConsentRequest GiveRequest(const std::string& id) {
    v1::RecordConsentRequest request;
    request.mutable_subject()->set_id(id);
    request.add_purposes(kLettersPurpose);
    request.set_action(v1::CONSENT_ACTION_GIVE);
    request.mutable_notice()->set_id("letters");
    request.mutable_notice()->set_version(1);
    return request;
  }
  absl::StatusOr<v1::RecordConsentResponse> Record(
      const v1::RecordConsentRequest& request) {
    return Call<v1::RecordConsentResponse>(&Ledger::Record, As("letters"),
                                           request);
  }
  absl::StatusOr<v1::RecordConsentResponse> Renew(const std::string& id,
                                                  int64_t until_us = 0) {
    v1::RenewConsentRequest request;
    request.mutable_subject()->set_id(id);
    request.add_purposes(kLettersPurpose);
    request.mutable_notice()->set_id("letters");
    request.mutable_notice()->set_version(1);
    if (until_us != 0) {
      request.mutable_valid_until()->set_seconds(until_us / kSecondUs);
    }
    return Call<v1::RecordConsentResponse>(&Ledger::Renew, As("letters"),
                                           request);
  }
  absl::StatusOr<v1::ListConsentEventsResponse> History(
      const std::string& id, const std::string& client = "letters",
      int page_size = 0, const std::string& token = "",
      const std::string& purpose = "") {
    v1::ListConsentEventsRequest request;
    request.mutable_subject()->set_id(id);
    request.set_page_size(page_size);
    request.set_page_token(token);
    request.set_purpose(purpose);
    return Call<v1::ListConsentEventsResponse>(&Ledger::ListEvents, As(client),
                                               request, false);
  }
  absl::StatusOr<v1::RecordSoftOptInResponse> Soft(const std::string& id,
                                                   int64_t sale_us,
                                                   bool in_sale = true,
                                                   bool way_out = true) {
    v1::RecordSoftOptInRequest request;
    request.mutable_subject()->set_id(id);
    request.set_purpose(kOffersPurpose);
    request.mutable_sale_time()->set_seconds(sale_us / kSecondUs);
    request.set_obtained_in_sale(in_sale);
    request.set_opt_out_offered(way_out);
    return Call<v1::RecordSoftOptInResponse>(&Ledger::RecordSoftOptIn,
                                             As("offers"), request);
  }
  v1::ErrorReason ReasonToWrite(const std::string& id,
                                const std::string& client = "letters",
                                const std::string& purpose = kLettersPurpose) {
    auto request = Request(id, purpose, {"profile.email"});
    request.set_channel(v1::CHANNEL_EMAIL);
    const auto read = Read(As(client), request);
    if (!read.ok()) return Why(read.status());
    return read->decision().effect() == v1::EFFECT_PERMIT
               ? v1::ERROR_REASON_UNSPECIFIED
               : read->decision().reason();
  }
  static v1::ErrorReason Why(const absl::Status& status) {
    return consentry::ReasonOf(status).value_or(v1::ERROR_REASON_UNSPECIFIED);
  }
  std::string Child(const std::string& key) {
    return ImportOne("crm", RowBuilder("profile", key)
                                .Email(key + "@example.com")
                                .Text("first_name", "Kim")
                                .Text("email", key + "@example.com")
                                .BirthDate("2018-01-01")
                                .Residence("DE"))
        .subject_id;
  }

  TwoAgents agents_;
  Ledger with_agents_;
};

TEST_F(LedgerPartsTest, OnlyWhatStandsOrHasEndedIsRenewed) {
  const std::string id = Person("anna");
  EXPECT_EQ(Why(Renew(id).status()), v1::ERROR_REASON_STATE_INVALID);
  Give(id, kLettersPurpose, kNowUs + 10 * kSecondUs);
  clock().AdvanceUs(20 * kSecondUs);
  EXPECT_EQ(ReasonToWrite(id), v1::ERROR_REASON_CONSENT_EXPIRED);
  const auto renewed = Renew(id, clock().NowUs() + kDayUs);
  ASSERT_OK(renewed);
  EXPECT_EQ(renewed->states(0).status(), v1::CONSENT_STATUS_GIVEN);
  EXPECT_EQ(ReasonToWrite(id), v1::ERROR_REASON_UNSPECIFIED);
  clock().AdvanceUs(kSecondUs);
  Withdraw(id);
  EXPECT_EQ(Why(Renew(id).status()), v1::ERROR_REASON_STATE_INVALID);
  EXPECT_EQ(Why(Renew("cus_aaaaaaaaaaaaaaaaaaaaaaaa").status()),
            v1::ERROR_REASON_ACCESS_DENIED);
}

TEST_F(LedgerPartsTest, TheHistoryIsPagedNewestFirst) {
  const std::string id = Person("anna");
  Give(id, kLettersPurpose);
  clock().AdvanceUs(kSecondUs);
  Withdraw(id);
  clock().AdvanceUs(kSecondUs);
  auto refuse = GiveRequest(id);
  refuse.set_action(v1::CONSENT_ACTION_REFUSE);
  refuse.set_method("telephone");
  ASSERT_OK(Record(refuse));
  std::vector<v1::ConsentEventKind> seen;
  std::string token;
  do {
    const auto page = History(id, "letters", 1, token);
    ASSERT_OK(page);
    ASSERT_EQ(page->events_size(), 1);
    seen.push_back(page->events(0).kind());
    token = page->next_page_token();
  } while (!token.empty());
  EXPECT_THAT(seen, ElementsAre(v1::CONSENT_EVENT_KIND_REFUSED,
                                v1::CONSENT_EVENT_KIND_WITHDRAWN,
                                v1::CONSENT_EVENT_KIND_GIVEN));
  const auto all = History(id);
  ASSERT_OK(all);
  EXPECT_EQ(all->events(0).method(), "telephone");
  EXPECT_EQ(all->events(2).notice().id(), "letters");
  EXPECT_EQ(all->events(2).actor(), v1::CONSENT_ACTOR_ATTESTED);
  EXPECT_EQ(all->events(2).attested_by(), "letters");
}

TEST_F(LedgerPartsTest, TheHistoryOfAnotherPurposeIsNotTold) {
  const std::string id = Person("anna");
  Give(id, kLettersPurpose);
  const auto of_shop = History(id, "shop");
  ASSERT_OK(of_shop);
  EXPECT_EQ(of_shop->events_size(), 0);
  EXPECT_EQ(Why(History(id, "shop", 0, "", kLettersPurpose).status()),
            v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
}

TEST_F(LedgerPartsTest, APageTokenOfAnotherQuestionIsRefused) {
  const std::string id = Person("anna");
  const std::string other = Person("berta");
  for (const std::string& one : {id, other}) {
    Give(one, kLettersPurpose);
    clock().AdvanceUs(kSecondUs);
    Withdraw(one);
  }
  const auto page = History(id, "letters", 1);
  ASSERT_OK(page);
  ASSERT_FALSE(page->next_page_token().empty());
  EXPECT_EQ(Why(History(other, "letters", 1, page->next_page_token()).status()),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  EXPECT_EQ(Why(History(id, "offers", 1, page->next_page_token()).status()),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
}

TEST_F(LedgerPartsTest, AChildNeedsWhoeverIsResponsibleForIt) {
  const std::string child = Child("kim");
  agents_.customer = Number(child);
  EXPECT_EQ(Why(Record(GiveRequest(child)).status()), v1::ERROR_REASON_MINOR);
  auto by_agent = GiveRequest(child);
  by_agent.set_agent_id("agt_lawyer");
  EXPECT_EQ(Why(Record(by_agent).status()), v1::ERROR_REASON_MINOR);
  auto by_parent = GiveRequest(child);
  by_parent.set_agent_id("agt_parent");
  const auto parent = Record(by_parent);
  ASSERT_OK(parent);
  EXPECT_EQ(parent->states(0).actor(), v1::CONSENT_ACTOR_GUARDIAN);
  EXPECT_TRUE(parent->states(0).parental_authorisation());
  EXPECT_EQ(ReasonToWrite(child), v1::ERROR_REASON_UNSPECIFIED);
  // What a child takes away needs nobody.
  clock().AdvanceUs(kSecondUs);
  auto refuse = GiveRequest(child);
  refuse.set_action(v1::CONSENT_ACTION_REFUSE);
  ASSERT_OK(Record(refuse));
}

TEST_F(LedgerPartsTest, AnAdultsAgentGivesAsAnAgent) {
  const std::string id = Person("anna");
  agents_.customer = Number(id);
  auto request = GiveRequest(id);
  request.set_agent_id("agt_lawyer");
  const auto given = Record(request);
  ASSERT_OK(given);
  EXPECT_EQ(given->states(0).actor(), v1::CONSENT_ACTOR_AGENT);
  EXPECT_FALSE(given->states(0).parental_authorisation());
}

// Whoever says that an agent acts is held to it; whoever does not needs no
// agent to take something away.
TEST_F(LedgerPartsTest, WithoutPowerNothingHappensInItsName) {
  const std::string id = Person("anna");
  const std::string other = Person("berta");
  agents_.customer = Number(id);
  Give(id, kLettersPurpose);
  clock().AdvanceUs(kSecondUs);
  for (const auto action :
       {v1::CONSENT_ACTION_GIVE, v1::CONSENT_ACTION_REFUSE}) {
    auto request = GiveRequest(id);
    request.set_action(action);
    request.set_agent_id("agt_nobody");
    EXPECT_EQ(Why(Record(request).status()), v1::ERROR_REASON_NOT_FOUND);
    request.set_agent_id("agt_lawyer");
    request.mutable_subject()->set_id(other);
    EXPECT_EQ(Why(Record(request).status()), v1::ERROR_REASON_NOT_FOUND);
  }
  v1::WithdrawConsentRequest withdraw;
  withdraw.mutable_subject()->set_id(id);
  withdraw.set_agent_id("agt_lawyer");
  const auto take_back = [&] {
    return Call<v1::WithdrawConsentResponse>(&Ledger::Withdraw, As("letters"),
                                             withdraw);
  };
  EXPECT_EQ(Why(take_back().status()), v1::ERROR_REASON_PERMISSION_MISSING);
  EXPECT_EQ(ReasonToWrite(id), v1::ERROR_REASON_UNSPECIFIED);
  withdraw.set_agent_id("agt_parent");
  const auto withdrawn = take_back();
  ASSERT_OK(withdrawn);
  ASSERT_EQ(withdrawn->states_size(), 1);
  EXPECT_EQ(withdrawn->states(0).actor(), v1::CONSENT_ACTOR_GUARDIAN);
  EXPECT_EQ(ReasonToWrite(id), v1::ERROR_REASON_CONSENT_WITHDRAWN);
}

TEST_F(LedgerPartsTest, AnAgentOptsOutTheOneItActsForAndNoNamesake) {
  const auto row = [](const std::string& key) {
    return RowBuilder("profile", key)
        .Email("family@example.com")
        .Text("first_name", "Anna")
        .Residence("DE");
  };
  const std::string id = ImportOne("crm", row("a")).subject_id;
  const std::string other = ImportOne("shop", row("b")).subject_id;
  ASSERT_NE(id, other);
  agents_.customer = Number(id);
  v1::OptOutRequest out;
  auto* family = out.mutable_subject()->mutable_identifier();
  family->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  family->set_value("family@example.com");
  out.add_kinds(v1::OPT_OUT_KIND_SALE);
  out.set_agent_id("agt_lawyer");
  const auto opt_out = [&] {
    return Call<v1::OptOutResponse>(&Ledger::OptOut, As("letters"), out);
  };
  ASSERT_OK(opt_out());
  EXPECT_EQ(Head(Number(id)).opt_outs_size(), 1);
  EXPECT_EQ(Head(Number(other)).opt_outs_size(), 0);
  out.add_kinds(v1::OPT_OUT_KIND_PROFILING);
  EXPECT_EQ(Why(opt_out().status()), v1::ERROR_REASON_PERMISSION_MISSING);
  out.set_agent_id("agt_nobody");
  EXPECT_EQ(Why(opt_out().status()), v1::ERROR_REASON_NOT_FOUND);
  // Nobody here goes by the name: the same answer.
  family->set_value("stranger@example.com");
  EXPECT_EQ(Why(opt_out().status()), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(Head(Number(id)).opt_outs_size(), 1);
}

TEST_F(LedgerPartsTest, ACustomersOwnCallNamesNoAgent) {
  const std::string id = Person("anna");
  agents_.customer = Number(id);
  clients::CallerContext herself = As("letters");
  clients::Person person;
  person.roles = uint32_t{1} << v1::ROLE_CUSTOMER;
  person.subject = Number(id);
  herself.person = person;
  v1::OptOutRequest out;
  out.mutable_subject()->set_id(id);
  out.add_kinds(v1::OPT_OUT_KIND_SALE);
  out.set_agent_id("agt_lawyer");
  EXPECT_EQ(
      Why(Call<v1::OptOutResponse>(&Ledger::OptOut, herself, out).status()),
      v1::ERROR_REASON_PERMISSION_MISSING);
}

TEST_F(LedgerPartsTest, ParentalAuthorisationIsReportedByPermissionAlone) {
  const std::string child = Child("kim");
  auto request = GiveRequest(child);
  request.set_parental_authorisation(true);
  EXPECT_EQ(Why(Record(request).status()), v1::ERROR_REASON_PERMISSION_MISSING);
  auto client = ClientFor("letters", kLettersPurpose);
  client.add_permissions("consent.parental");
  SetClient(client);
  const auto given = Record(request);
  ASSERT_OK(given);
  EXPECT_TRUE(given->states(0).parental_authorisation());
}

TEST_F(LedgerPartsTest, HerOwnCallReopensWhatSheClosed) {
  const std::string id = Person("anna");
  Give(id, kLettersPurpose);
  clock().AdvanceUs(kSecondUs);
  Withdraw(id);
  clock().AdvanceUs(kSecondUs);
  ASSERT_OK(Record(GiveRequest(id)));
  EXPECT_EQ(ReasonToWrite(id), v1::ERROR_REASON_CONSENT_WITHDRAWN)
      << "a service's word re-opens nothing";
  clients::CallerContext herself = As("letters");
  clients::Person person;
  person.roles = uint32_t{1} << v1::ROLE_CUSTOMER;
  person.subject = Number(id);
  herself.person = person;
  ASSERT_TRUE(herself.IsCustomer());
  const auto given = Call<v1::RecordConsentResponse>(&Ledger::Record, herself,
                                                     GiveRequest(id));
  ASSERT_OK(given);
  EXPECT_EQ(given->states(0).actor(), v1::CONSENT_ACTOR_SELF);
  EXPECT_EQ(given->states(0).attested_by(), "");
  EXPECT_EQ(ReasonToWrite(id), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(LedgerPartsTest, ASoftOptInOpensWhatASaleAllows) {
  const std::string id = Person("anna");
  EXPECT_EQ(ReasonToWrite(id, "offers", kOffersPurpose),
            v1::ERROR_REASON_CONSENT_MISSING);
  EXPECT_EQ(Why(Soft(id, kNowUs - kDayUs, false, true).status()),
            v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(Why(Soft(id, kNowUs - kDayUs, true, false).status()),
            v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(Why(Soft(id, kNowUs + kDayUs).status()),
            v1::ERROR_REASON_FIELD_INVALID);
  ASSERT_OK(Soft(id, kNowUs - kDayUs));
  EXPECT_EQ(ReasonToWrite(id, "offers", kOffersPurpose),
            v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(LedgerPartsTest, NoSoftOptInAgainstAnObjection) {
  const std::string id = Person("anna");
  ASSERT_OK(Soft(id, kNowUs - kDayUs));
  v1::OptOutRequest out;
  out.mutable_subject()->set_id(id);
  out.add_kinds(v1::OPT_OUT_KIND_DIRECT_MARKETING);
  ASSERT_OK(Call<v1::OptOutResponse>(&Ledger::OptOut, As("letters"), out));
  EXPECT_EQ(ReasonToWrite(id, "offers", kOffersPurpose),
            v1::ERROR_REASON_OBJECTED);
  EXPECT_EQ(Why(Soft(id, kNowUs - kDayUs).status()),
            v1::ERROR_REASON_STATE_INVALID);
  // Nor for another who turns out to be the same person.
  const std::string other = Person("annes-other-account");
  Merge(id, other);
  EXPECT_EQ(Why(Soft(other, kNowUs - kDayUs).status()),
            v1::ERROR_REASON_STATE_INVALID);
}

TEST_F(LedgerPartsTest, OnlyADeclaredPurposeHasASoftOptIn) {
  const std::string id = Person("anna");
  v1::RecordSoftOptInRequest request;
  request.mutable_subject()->set_id(id);
  request.set_purpose(kLettersPurpose);
  request.mutable_sale_time()->set_seconds(kNowUs / kSecondUs - 1);
  request.set_obtained_in_sale(true);
  request.set_opt_out_offered(true);
  EXPECT_EQ(Why(Call<v1::RecordSoftOptInResponse>(&Ledger::RecordSoftOptIn,
                                                  As("letters"), request)
                    .status()),
            v1::ERROR_REASON_STATE_INVALID);
  EXPECT_EQ(Why(Call<v1::RecordSoftOptInResponse>(&Ledger::RecordSoftOptIn,
                                                  As("shop"), request)
                    .status()),
            v1::ERROR_REASON_ATTESTATION_NOT_ALLOWED);
}

TEST_F(LedgerPartsTest, AfterANoSheIsNotAskedForHalfAYear) {
  const std::string id = Person("anna");
  v1::CheckReaskRequest request;
  request.mutable_subject()->set_id(id);
  request.set_purpose(kLettersPurpose);
  const auto ask = [&] {
    return Call<v1::CheckReaskResponse>(&Ledger::Reask, As("letters"), request,
                                        false);
  };
  auto before = ask();
  ASSERT_OK(before);
  EXPECT_TRUE(before->may_ask());
  Withdraw(id);
  const auto after = ask();
  ASSERT_OK(after);
  EXPECT_FALSE(after->may_ask());
  EXPECT_GT(after->not_before().seconds(), kNowUs / kSecondUs + 180 * 86400);
  EXPECT_THAT(after->rules(), ElementsAre("eu-gdpr/reask"));
  clock().AdvanceUs(190 * kDayUs);
  const auto late = ask();
  ASSERT_OK(late);
  EXPECT_TRUE(late->may_ask());
  request.set_purpose(kServicePurpose);
  EXPECT_EQ(Why(ask().status()), v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
}

}  // namespace
}  // namespace consentry::consent
