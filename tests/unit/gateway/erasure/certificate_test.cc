#include "gateway/erasure/certificate.h"

#include <gtest/gtest.h>

#include <string>

#include "audit/log/checkpoint.h"
#include "audit/log/note.h"
#include "tests/testing/status_matchers.h"

namespace consentry::erasure {
namespace {

constexpr int64_t kSecond = 1'000'000;

std::unique_ptr<audit::SkeySigner> Signer() {
  auto signer =
      audit::SkeySigner::FromSeed("shop.example/1", std::string(32, 'k'));
  EXPECT_OK(signer);
  return *std::move(signer);
}

store::v1::ErasureJob Job() {
  store::v1::ErasureJob job;
  job.set_case_id("rgt_abc");
  job.set_decided_us(1'780'000'000 * kSecond);
  job.set_destroyed_us(1'780'086'400 * kSecond + 17);
  job.set_entry_index(4711);
  job.add_outcomes()->set_field("profile.email");
  auto* kept = job.add_outcomes();
  kept->set_field("order.total");
  kept->set_kept(true);
  kept->set_ground("HGB s. 257");
  kept->set_until_us(1'990'000'000 * kSecond);
  return job;
}

TEST(Certificate, SaysWhatIsGoneAndWhatIsKeptInWordsThatAreSigned) {
  const auto signer = Signer();
  const auto certificate = MakeCertificate(Job(), "shop.example/1",
                                           1'780'691'200 * kSecond, *signer);
  ASSERT_OK(certificate);
  const auto note = audit::ParseNote(certificate->note());
  ASSERT_OK(note);
  const auto verifier =
      audit::NoteVerifier::Create(signer->name(), signer->public_key());
  ASSERT_OK(verifier);
  EXPECT_EQ(audit::CheckNote(*note, {&*verifier, 1}),
            audit::NoteTrust::kVerified);
  EXPECT_EQ(note->text,
            "consentry erasure certificate v1\n"
            "log shop.example/1\n"
            "case rgt_abc\n"
            "decided 2026-05-28T20:26:40Z\n"
            "destroyed 2026-05-29T20:26:40Z\n"
            "final 2026-06-05T20:26:40Z\n"
            "entry 4711\n"
            "erased profile.email\n"
            "kept order.total until 2033-01-22T09:46:40Z on HGB s. 257\n");
  ASSERT_EQ(certificate->outcomes_size(), 2);
  EXPECT_EQ(certificate->outcomes(1).disposition(),
            v1::RIGHTS_DISPOSITION_KEPT);
  EXPECT_EQ(certificate->audit_index(), 4711u);
  EXPECT_FALSE(certificate->has_suppression_until());
}

TEST(Certificate, CannotBeTakenForACheckpoint) {
  const auto signer = Signer();
  const auto certificate =
      MakeCertificate(Job(), "shop.example/1", kSecond, *signer);
  ASSERT_OK(certificate);
  EXPECT_FALSE(audit::ParseCheckpointNote(certificate->note()).ok());
}

TEST(Certificate, NamesWhatFailed) {
  const auto signer = Signer();
  store::v1::ErasureJob job = Job();
  job.add_failed("order.note");
  const auto certificate = MakeCertificate(job, "shop.example/1", 1, *signer);
  ASSERT_OK(certificate);
  EXPECT_EQ(certificate->outcomes(2).disposition(),
            v1::RIGHTS_DISPOSITION_FAILED);
  EXPECT_NE(certificate->note().find("\nfailed order.note\n"),
            std::string::npos);
}

TEST(Certificate, AGroundOfSeveralLinesForgesNoLine) {
  const auto signer = Signer();
  store::v1::ErasureJob job = Job();
  job.mutable_outcomes(1)->set_ground(
      "x\nerased order.total\n\n\xe2\x80\x94 y");
  const auto certificate = MakeCertificate(job, "shop.example/1", 1, *signer);
  ASSERT_OK(certificate);
  EXPECT_EQ(certificate->note().find("\nerased order.total"),
            std::string::npos);
  EXPECT_OK(audit::ParseNote(certificate->note()));
}

}  // namespace
}  // namespace consentry::erasure
