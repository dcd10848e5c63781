#include "gateway/consent/receipts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "audit/log/note.h"
#include "gateway/consent/receipt_text.h"
#include "proto/support/error.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::consent {
namespace {

using ::testing::IsEmpty;
using testing::kLettersPurpose;
using testing::Promised;

class ReceiptsTest : public ::testing::Test, protected testing::AccessFixture {
 protected:
  absl::StatusOr<v1::ConsentReceipt> Get(const std::string& event_id,
                                         const std::string& client,
                                         bool all = false) {
    v1::GetConsentReceiptRequest request;
    request.set_event_id(event_id);
    auto [done, future] =
        Promised<absl::StatusOr<Answer<v1::ConsentReceipt>>>();
    receipts_.Get(As(client), request, all, std::move(done));
    auto answer = future.get();
    if (!answer.ok()) return answer.status();
    return std::move(answer->response);
  }
  v1::ReceiptRecord Receipt(const std::string& event_id) {
    const auto receipt = Get(event_id, "letters");
    EXPECT_OK(receipt);
    if (!receipt.ok()) return {};
    const auto file = FormatReceiptFile(*receipt, key_);
    EXPECT_OK(file);
    const auto record = ReadReceiptFile(file.value_or(""), key_);
    EXPECT_OK(record);
    return record.value_or(v1::ReceiptRecord());
  }
  static v1::ErrorReason Why(const absl::Status& status) {
    return consentry::ReasonOf(status).value_or(v1::ERROR_REASON_UNSPECIFIED);
  }

  std::unique_ptr<audit::SkeySigner> signer_ =
      *audit::SkeySigner::FromSeed("test.log", std::string(32, 'x'));
  const audit::NoteVerifier key_ =
      *audit::NoteVerifier::Create(signer_->name(), signer_->public_key());
  Receipts receipts_{ledger_options(), signer_.get()};
};

TEST_F(ReceiptsTest, AConsentHasAReceiptWithAllThatItMustHold) {
  const std::string id = Person("anna");
  const auto given = Give(id, kLettersPurpose, kNowUs + 1'000'000'000);
  const auto record = Receipt(given.states(0).event_id());
  EXPECT_THAT(MissingFields(record), IsEmpty());
  EXPECT_EQ(record.pii_principal_id(), id);
  EXPECT_EQ(record.record_id(), given.states(0).event_id());
  ASSERT_EQ(record.pii_processing_size(), 1);
  EXPECT_EQ(record.pii_processing(0).lawful_basis(0),
            "https://w3id.org/dpv/legal/eu/gdpr#A6-1-a");
  EXPECT_EQ(record.pii_processing(0).purpose_type(),
            "https://w3id.org/dpv#DirectMarketing");
  EXPECT_EQ(record.pii_processing(0).privacy_notice(),
            "notices/letters/versions/1");
  EXPECT_EQ(record.pii_processing(0).jurisdiction(), "DE");
  EXPECT_EQ(record.event(0).event_state(), "https://w3id.org/dpv#ConsentGiven");
  EXPECT_EQ(record.event(0).entity_id(), "letters");
}

TEST_F(ReceiptsTest, AWithdrawalHasOneToo) {
  const std::string id = Person("anna");
  Give(id, kLettersPurpose);
  clock().AdvanceUs(1'000'000);
  auto withdrawn = StartWithdraw(id).get();
  ASSERT_OK(withdrawn);
  const auto record = Receipt(withdrawn->response.states(0).event_id());
  EXPECT_EQ(record.event(0).event_state(),
            "https://w3id.org/dpv#ConsentWithdrawn");
}

TEST_F(ReceiptsTest, NobodyLearnsOfEventsThatAreNotTheirs) {
  const std::string id = Person("anna");
  const std::string event = Give(id, kLettersPurpose).states(0).event_id();
  const absl::Status unknown =
      Get("con_aaaaaaaaaaaaaaaaaaaaaaaa", "shop").status();
  const absl::Status hidden = Get(event, "shop").status();
  EXPECT_EQ(Why(unknown), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(unknown, hidden);
  EXPECT_EQ(Why(Get("nonsense", "shop").status()), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_OK(Get(event, "shop", /*all=*/true));
}

TEST_F(ReceiptsTest, ACustomerHasReceiptsOfHerOwnActsAlone) {
  const std::string hers = Person("anna");
  const std::string others = Person("berta");
  const std::string event = Give(hers, kLettersPurpose).states(0).event_id();
  const auto ask = [&](const std::string& id) {
    clients::CallerContext caller = As("letters");
    clients::Person person;
    person.roles = uint32_t{1} << v1::ROLE_CUSTOMER;
    person.subject = Number(id);
    caller.person = person;
    v1::GetConsentReceiptRequest request;
    request.set_event_id(event);
    auto [done, future] =
        Promised<absl::StatusOr<Answer<v1::ConsentReceipt>>>();
    receipts_.Get(caller, request, /*all_purposes=*/true, std::move(done));
    return future.get().status();
  };
  EXPECT_OK(ask(hers));
  EXPECT_EQ(Why(ask(others)), v1::ERROR_REASON_NOT_FOUND);
}

}  // namespace
}  // namespace consentry::consent
