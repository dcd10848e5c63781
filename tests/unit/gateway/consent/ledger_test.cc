#include "gateway/consent/ledger.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "proto/support/error.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::consent {
namespace {

using testing::kLettersPurpose;
using testing::kServicePurpose;
using testing::Promised;
using testing::RowBuilder;

constexpr int64_t kSecondUs = 1'000'000;

class LedgerTest : public ::testing::Test, protected testing::AccessFixture {
 protected:
  template <class Response, class Request, class Method>
  absl::StatusOr<Response> Call(Method method, const std::string& client,
                                const Request& request) {
    auto [done, future] = Promised<absl::StatusOr<Answer<Response>>>();
    (ledger().*method)(As(client), request, std::move(done));
    auto answer = future.get();
    if (!answer.ok()) return answer.status();
    return std::move(answer->response);
  }
  absl::StatusOr<v1::RecordConsentResponse> Record(
      const v1::RecordConsentRequest& request,
      const std::string& client = "letters") {
    return Call<v1::RecordConsentResponse>(&Ledger::Record, client, request);
  }
  absl::StatusOr<v1::WithdrawConsentResponse> TakeBack(
      const v1::WithdrawConsentRequest& request,
      const std::string& client = "letters") {
    return Call<v1::WithdrawConsentResponse>(&Ledger::Withdraw, client,
                                             request);
  }
  absl::StatusOr<v1::OptOutResponse> Out(const v1::OptOutRequest& request) {
    return Call<v1::OptOutResponse>(&Ledger::OptOut, "letters", request);
  }
  absl::StatusOr<v1::GetConsentStateResponse> State(
      const std::string& id, int64_t as_of_us = 0,
      const std::string& client = "letters") {
    v1::GetConsentStateRequest request;
    request.mutable_subject()->set_id(id);
    request.add_purposes(kLettersPurpose);
    if (as_of_us != 0) {
      request.mutable_as_of()->set_seconds(as_of_us / kSecondUs);
      request.mutable_as_of()->set_nanos(
          static_cast<int32_t>(as_of_us % kSecondUs) * 1000);
    }
    auto [done, future] =
        Promised<absl::StatusOr<Answer<v1::GetConsentStateResponse>>>();
    ledger().GetState(As(client), request, /*all_purposes=*/false,
                      std::move(done));
    auto answer = future.get();
    if (!answer.ok()) return answer.status();
    return std::move(answer->response);
  }
  v1::ConsentStatus StatusOf(const std::string& id, int64_t as_of_us = 0) {
    const auto told = State(id, as_of_us);
    EXPECT_OK(told);
    return told.ok() && told->states_size() == 1
               ? told->states(0).status()
               : v1::CONSENT_STATUS_UNSPECIFIED;
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
  static v1::ErrorReason Why(const absl::Status& status) {
    return consentry::ReasonOf(status).value_or(v1::ERROR_REASON_UNSPECIFIED);
  }
  static void ByEmail(const std::string& address, v1::SubjectRef* ref) {
    ref->mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
    ref->mutable_identifier()->set_value(address);
  }
};

TEST_F(LedgerTest, TheStateAtAnyPastTimeIsWhatWasKnownThen) {
  const std::string id = Person("anna");
  const int64_t start_us = kNowUs;
  const auto later = [&] {
    clock().AdvanceUs(10 * kSecondUs);
    return clock().NowUs();
  };
  const int64_t given_us = later();
  Give(id, kLettersPurpose, given_us + 25 * kSecondUs);
  const int64_t withdrawn_us = later();
  Withdraw(id);
  const int64_t end_us = later();
  EXPECT_EQ(StatusOf(id, start_us), v1::CONSENT_STATUS_NONE);
  EXPECT_EQ(StatusOf(id, given_us - 1), v1::CONSENT_STATUS_NONE);
  EXPECT_EQ(StatusOf(id, given_us), v1::CONSENT_STATUS_GIVEN);
  EXPECT_EQ(StatusOf(id, withdrawn_us - 1), v1::CONSENT_STATUS_GIVEN);
  EXPECT_EQ(StatusOf(id, withdrawn_us), v1::CONSENT_STATUS_WITHDRAWN);
  EXPECT_EQ(StatusOf(id, end_us), v1::CONSENT_STATUS_WITHDRAWN);
  EXPECT_EQ(StatusOf(id), v1::CONSENT_STATUS_WITHDRAWN);
  EXPECT_EQ(Why(State(id, end_us + kSecondUs).status()),
            v1::ERROR_REASON_FIELD_INVALID)
      << "the future is not known";
}

TEST_F(LedgerTest, AConsentThatEndsIsExpiredFromThatMoment) {
  const std::string id = Person("anna");
  Give(id, kLettersPurpose, kNowUs + 20 * kSecondUs);
  EXPECT_EQ(StatusOf(id), v1::CONSENT_STATUS_GIVEN);
  clock().AdvanceUs(20 * kSecondUs);
  EXPECT_EQ(StatusOf(id), v1::CONSENT_STATUS_EXPIRED);
  EXPECT_EQ(StatusOf(id, kNowUs + 19 * kSecondUs), v1::CONSENT_STATUS_GIVEN);
}

TEST_F(LedgerTest, AServiceCannotReopenWhatWasWithdrawn) {
  const std::string id = Person("anna");
  Give(id, kLettersPurpose);
  clock().AdvanceUs(kSecondUs);
  Withdraw(id);
  clock().AdvanceUs(kSecondUs);
  v1::RecordConsentRequest again = GiveRequest(id);
  ASSERT_OK_AND_ASSIGN(auto told, Record(again));
  EXPECT_EQ(told.states(0).status(), v1::CONSENT_STATUS_WITHDRAWN);
  // Nor by claiming that it was before.
  again.mutable_capture_time()->set_seconds(kNowUs / kSecondUs - 5);
  ASSERT_OK_AND_ASSIGN(told, Record(again));
  EXPECT_EQ(told.states(0).status(), v1::CONSENT_STATUS_WITHDRAWN);
  EXPECT_EQ(StatusOf(id), v1::CONSENT_STATUS_WITHDRAWN);
}

TEST_F(LedgerTest, GivingAndTakingBackAtOneTimeIsTakenBack) {
  // The clock stands still.
  const std::string id = Person("anna");
  Withdraw(id);
  Give(id, kLettersPurpose);
  EXPECT_EQ(StatusOf(id), v1::CONSENT_STATUS_WITHDRAWN);
  const std::string other = Person("other");
  Give(other, kLettersPurpose);
  Withdraw(other);
  EXPECT_EQ(StatusOf(other), v1::CONSENT_STATUS_WITHDRAWN);
}

TEST_F(LedgerTest, GivingNeedsTheRegistrationsWordForPurposeAndNotice) {
  const std::string id = Person("anna");
  v1::Client letters = ClientFor("letters", kLettersPurpose);
  letters.clear_attests();
  letters.add_attests(std::string(kLettersPurpose) + "@letters");
  SetClient(letters);
  EXPECT_OK(Record(GiveRequest(id)));
  v1::RecordConsentRequest request = GiveRequest(id);
  request.mutable_notice()->set_id("other-text");
  EXPECT_EQ(Why(Record(request).status()),
            v1::ERROR_REASON_ATTESTATION_NOT_ALLOWED);
  request = GiveRequest(id);
  request.add_purposes(kServicePurpose);
  EXPECT_EQ(Why(Record(request).status()),
            v1::ERROR_REASON_ATTESTATION_NOT_ALLOWED);
  EXPECT_EQ(Why(Record(GiveRequest(id), "shop").status()),
            v1::ERROR_REASON_ATTESTATION_NOT_ALLOWED);
}

TEST_F(LedgerTest, AConsentOnANoticeThatNothingAsksForSaysSo) {
  const std::string id = Person("anna");
  const auto reason = [&](const std::string& notice, uint32_t version) {
    v1::RecordConsentRequest request = GiveRequest(id);
    request.mutable_notice()->set_id(notice);
    request.mutable_notice()->set_version(version);
    const auto given = Record(request);
    EXPECT_OK(given.status());
    EXPECT_EQ(given->states(0).status(), v1::CONSENT_STATUS_GIVEN);
    clock().AdvanceUs(kSecondUs);
    const auto state = State(id, 0);
    EXPECT_OK(state.status());
    EXPECT_EQ(state->states(0).invalid_reason(),
              given->states(0).invalid_reason());
    return given->states(0).invalid_reason();
  };
  v1::Client letters = ClientFor("letters", kLettersPurpose);
  letters.clear_attests();
  for (const char* notice : {"@letters", "@unheard-of"}) {
    letters.add_attests(std::string(kLettersPurpose) + notice);
  }
  SetClient(letters);
  EXPECT_EQ(reason("unheard-of", 1), "notice_not_asked_for");
  EXPECT_EQ(reason("letters", 1), "");
  EXPECT_EQ(reason("letters", 2), "");
}

TEST_F(LedgerTest, TakingAwayNeedsNothing) {
  const std::string id = Person("anna");
  Give(id, kLettersPurpose);
  v1::Client shop = ClientFor("shop", kServicePurpose);
  shop.clear_attests();
  shop.mutable_context_rules()->set_ticket_required(true);
  SetClient(shop);
  v1::WithdrawConsentRequest request;
  request.mutable_subject()->set_id(id);
  request.add_purposes(kLettersPurpose);
  EXPECT_OK(TakeBack(request, "shop"));
  EXPECT_EQ(StatusOf(id), v1::CONSENT_STATUS_WITHDRAWN);
  v1::RecordConsentRequest refuse = GiveRequest(id);
  refuse.set_action(v1::CONSENT_ACTION_REFUSE);
  refuse.clear_notice();
  EXPECT_OK(Record(refuse, "shop"));
}

TEST_F(LedgerTest, WithdrawingWithoutAPurposeTakesBackAllThatStands) {
  const std::string id = Person("anna");
  Give(id, kLettersPurpose);
  clock().AdvanceUs(kSecondUs);
  v1::WithdrawConsentRequest request;
  request.mutable_subject()->set_id(id);
  ASSERT_OK_AND_ASSIGN(auto told, TakeBack(request));
  ASSERT_EQ(told.states_size(), 1);
  EXPECT_EQ(told.states(0).purpose(), kLettersPurpose);
  EXPECT_EQ(told.states(0).status(), v1::CONSENT_STATUS_WITHDRAWN);
  // Again: nothing stands, and that is no error.
  EXPECT_OK(TakeBack(request));
}

TEST_F(LedgerTest, AWithdrawalReachesEveryHolderOfAnAddress) {
  std::vector<std::string> ids;
  for (const char* source : {"crm", "shop"}) {
    ids.push_back(ImportOne(source, RowBuilder("profile", source)
                                        .Email("house@example.com")
                                        .Text("first_name", source)
                                        .BirthDate(source == std::string("crm")
                                                       ? "1980-01-01"
                                                       : "1990-01-01"))
                      .subject_id);
    Give(ids.back(), kLettersPurpose);
  }
  ASSERT_NE(ids[0], ids[1]);
  clock().AdvanceUs(kSecondUs);
  v1::WithdrawConsentRequest request;
  ByEmail("house@example.com", request.mutable_subject());
  request.add_purposes(kLettersPurpose);
  EXPECT_OK(TakeBack(request));
  for (const std::string& id : ids) {
    EXPECT_EQ(StatusOf(id), v1::CONSENT_STATUS_WITHDRAWN);
  }
  // A grant by that address reaches neither.
  v1::RecordConsentRequest give = GiveRequest("");
  ByEmail("house@example.com", give.mutable_subject());
  EXPECT_EQ(Why(Record(give).status()), v1::ERROR_REASON_ACCESS_DENIED);
}

TEST_F(LedgerTest, WithdrawingForNobodyLooksLikeWithdrawing) {
  const std::string id = Person("anna");
  v1::WithdrawConsentRequest request;
  request.add_purposes(kLettersPurpose);
  request.mutable_subject()->set_id(id);
  ASSERT_OK_AND_ASSIGN(auto known, TakeBack(request));
  ByEmail("nobody@example.com", request.mutable_subject());
  ASSERT_OK_AND_ASSIGN(auto unknown, TakeBack(request));
  ASSERT_EQ(unknown.states_size(), 1);
  EXPECT_EQ(unknown.states(0).status(), known.states(0).status());
  EXPECT_EQ(unknown.states(0).purpose(), known.states(0).purpose());
  EXPECT_NE(unknown.audit_reference(), "");
  v1::OptOutRequest out;
  ByEmail("nobody@example.com", out.mutable_subject());
  out.add_kinds(v1::OPT_OUT_KIND_SALE);
  ASSERT_OK_AND_ASSIGN(const auto told, Out(out));
  EXPECT_EQ(told.kinds_size(), 1);
}

TEST_F(LedgerTest, OptOutsAddUpAndTheSignalIsKept) {
  const std::string id = Person("anna");
  v1::OptOutRequest request;
  request.mutable_subject()->set_id(id);
  request.add_kinds(v1::OPT_OUT_KIND_SALE);
  EXPECT_OK(Out(request));
  request.set_kinds(0, v1::OPT_OUT_KIND_PROFILING);
  request.set_global_privacy_control(true);
  ASSERT_OK_AND_ASSIGN(const auto told, Out(request));
  EXPECT_EQ(told.kinds_size(), 2);
  const auto head = Head(Number(id));
  EXPECT_EQ(head.opt_outs_size(), 2);
  EXPECT_TRUE(head.global_privacy_control());
  request.set_kinds(0, static_cast<v1::OptOutKind>(99));
  EXPECT_EQ(Why(Out(request).status()), v1::ERROR_REASON_FIELD_INVALID);
  request.clear_kinds();
  EXPECT_EQ(Why(Out(request).status()), v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(LedgerTest, AllFaultsOfARecordAreToldAtOnce) {
  v1::RecordConsentRequest request;
  request.mutable_subject()->set_id(Person("anna"));
  request.set_action(v1::CONSENT_ACTION_GIVE);
  request.mutable_capture_time()->set_seconds(kNowUs / kSecondUs + 3600);
  request.mutable_valid_until()->set_seconds(5);
  request.set_method(std::string(65, 'x'));
  const auto told = Record(request);
  EXPECT_EQ(Why(told.status()), v1::ERROR_REASON_FIELD_INVALID);
  const auto payload =
      told.status().GetPayload("type.googleapis.com/google.rpc.BadRequest");
  ASSERT_TRUE(payload.has_value());
  const std::string text(*payload);
  for (const char* field : {"purposes", "notice.id", "notice.version",
                            "capture_time", "valid_until", "method"}) {
    EXPECT_NE(text.find(field), std::string::npos) << field;
  }
}

TEST_F(LedgerTest, ARepeatedRequestGivesTheFirstAnswerAndOneEvent) {
  const std::string id = Person("anna");
  v1::RecordConsentRequest request = GiveRequest(id);
  request.set_request_id("01234567-89ab-cdef-0123-456789abcdef");
  ASSERT_OK_AND_ASSIGN(const auto first, Record(request));
  clock().AdvanceUs(kSecondUs);
  ASSERT_OK_AND_ASSIGN(const auto again, Record(request));
  EXPECT_EQ(first.states(0).event_id(), again.states(0).event_id());
  EXPECT_EQ(Head(Number(id)).consent_events(), 1u);
  request.mutable_notice()->set_version(2);
  EXPECT_EQ(Why(Record(request).status()), v1::ERROR_REASON_REQUEST_ID_REUSED);
}

TEST_F(LedgerTest, AStateIsToldForRegisteredPurposesAlone) {
  const std::string id = Person("anna");
  EXPECT_EQ(Why(State(id, 0, "shop").status()),
            v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
  EXPECT_OK(State(id, 0, "letters"));
}

TEST_F(LedgerTest, AnUnknownCustomersStateIsNone) {
  Person("anna");
  v1::GetConsentStateRequest request;
  ByEmail("nobody@example.com", request.mutable_subject());
  request.add_purposes(kLettersPurpose);
  auto [done, future] =
      Promised<absl::StatusOr<Answer<v1::GetConsentStateResponse>>>();
  ledger().GetState(As("letters"), request, false, std::move(done));
  auto told = future.get();
  ASSERT_OK(told);
  ASSERT_EQ(told->response.states_size(), 1);
  EXPECT_EQ(told->response.states(0).status(), v1::CONSENT_STATUS_NONE);
  EXPECT_NE(told->response.audit_reference(), "");
}

}  // namespace
}  // namespace consentry::consent
