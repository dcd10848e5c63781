#include "gateway/consent/receipt_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/testing/status_matchers.h"

namespace consentry::consent {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::StatusIs;

v1::ReceiptRecord Whole() {
  v1::ReceiptRecord record;
  record.set_schema_version("ISO/IEC TS 27560:2023");
  record.set_receipt_id("r");
  record.set_record_id("con_x");
  record.set_pii_principal_id("cus_x");
  auto* processing = record.add_pii_processing();
  processing->set_privacy_notice("notices/letters/versions/1");
  processing->set_language("de");
  processing->set_purpose("Um Ihnen <b>zu</b> schreiben \xc3\xbc");
  processing->add_lawful_basis("https://w3id.org/dpv#Consent");
  processing->add_pii_information()->set_pii_type("user.contact.email");
  processing->add_pii_controllers("controller");
  processing->add_storage_locations("DE");
  processing->set_retention_period("P36M");
  processing->set_jurisdiction("DE");
  processing->add_recipient_third_parties("none");
  processing->set_withdrawal_method("write to us");
  auto* party = record.add_party_identification();
  party->set_party_id("controller");
  party->set_party_name("Shop");
  party->set_party_type("https://w3id.org/dpv#Organisation");
  party->set_party_address("Weg 1");
  party->set_party_contact("privacy@shop.example");
  auto* event = record.add_event();
  event->set_event_time("2026-01-01T00:00:00Z");
  event->set_validity_duration("until withdrawn");
  event->set_entity_id("letters");
  event->set_event_type("https://w3id.org/dpv#ExpressedConsent");
  event->set_event_state("https://w3id.org/dpv#ConsentGiven");
  return record;
}

class ReceiptTextTest : public ::testing::Test {
 protected:
  void SetUp() override {
    signer_ =
        *audit::SkeySigner::FromSeed("shop.example/log", std::string(32, 's'));
    other_ =
        *audit::SkeySigner::FromSeed("shop.example/log", std::string(32, 'o'));
  }
  static audit::NoteVerifier KeyOf(const audit::Signer& signer) {
    return *audit::NoteVerifier::Create(signer.name(), signer.public_key());
  }
  static v1::ConsentReceipt Sign(const v1::ReceiptRecord& record,
                                 const audit::Signer& signer) {
    v1::ConsentReceipt receipt;
    receipt.set_json(*WriteReceipt(record));
    receipt.set_signature(*signer.Sign(SignedText(receipt.json())));
    receipt.set_key_name(signer.name());
    return receipt;
  }

  std::unique_ptr<audit::SkeySigner> signer_;
  std::unique_ptr<audit::SkeySigner> other_;
};

TEST_F(ReceiptTextTest, WhatWasSignedIsReadAgain) {
  const auto file = FormatReceiptFile(Sign(Whole(), *signer_), KeyOf(*signer_));
  ASSERT_OK(file);
  const auto read = ReadReceiptFile(*file, KeyOf(*signer_));
  ASSERT_OK(read);
  EXPECT_EQ(read->SerializeAsString(), Whole().SerializeAsString());
}

TEST_F(ReceiptTextTest, NoChangedByteIsAccepted) {
  const std::string file =
      *FormatReceiptFile(Sign(Whole(), *signer_), KeyOf(*signer_));
  for (size_t i = 0; i < file.size(); ++i) {
    std::string changed = file;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(ReadReceiptFile(changed, KeyOf(*signer_)).ok()) << i;
  }
  EXPECT_FALSE(
      ReadReceiptFile(file.substr(0, file.size() - 1), KeyOf(*signer_)).ok());
  EXPECT_FALSE(ReadReceiptFile("", KeyOf(*signer_)).ok());
}

TEST_F(ReceiptTextTest, AnotherKeyOfTheSameNameDoesNotVerify) {
  const std::string file =
      *FormatReceiptFile(Sign(Whole(), *signer_), KeyOf(*signer_));
  EXPECT_THAT(ReadReceiptFile(file, KeyOf(*other_)).status(),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_FALSE(FormatReceiptFile(Sign(Whole(), *other_), KeyOf(*signer_)).ok());
}

// The key of the log signs checkpoints too; neither may stand for the other.
TEST_F(ReceiptTextTest, ACheckpointIsNoReceipt) {
  const auto note = audit::SignNote("shop.example/log\n1\nAAAA\n", *signer_);
  ASSERT_OK(note);
  EXPECT_THAT(
      ReadReceiptFile(audit::FormatNote(*note), KeyOf(*signer_)).status(),
      StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ReceiptTextTest, EveryMandatoryFieldIsDemanded) {
  EXPECT_THAT(MissingFields(Whole()), IsEmpty());
  auto record = Whole();
  record.clear_schema_version();
  record.mutable_pii_processing(0)->clear_withdrawal_method();
  record.mutable_party_identification(0)->clear_party_address();
  record.mutable_event(0)->clear_event_state();
  const auto missing = MissingFields(record);
  EXPECT_THAT(missing, Contains("schema_version"));
  EXPECT_THAT(missing, Contains("pii_processing[0].withdrawal_method"));
  EXPECT_THAT(missing, Contains("party_identification[0].party_address"));
  EXPECT_THAT(missing, Contains("event[0].event_state"));
  EXPECT_EQ(missing.size(), 4u);
  audit::Note note =
      *audit::SignNote(SignedText(*WriteReceipt(record)), *signer_);
  const auto read = ReadReceiptFile(audit::FormatNote(note), KeyOf(*signer_));
  EXPECT_THAT(std::string(read.status().message()),
              HasSubstr("event[0].event_state"));
}

TEST_F(ReceiptTextTest, FieldsOfANewerGatewayDoNoHarm) {
  std::string json = *WriteReceipt(Whole());
  json.insert(1, "\n \"from_the_future\": 1,");
  audit::Note note = *audit::SignNote(SignedText(json), *signer_);
  EXPECT_OK(ReadReceiptFile(audit::FormatNote(note), KeyOf(*signer_)));
}

}  // namespace
}  // namespace consentry::consent
