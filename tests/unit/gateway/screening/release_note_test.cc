// What a front end can tell of a release without asking anybody.
#include "gateway/screening/release_note.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "tests/testing/status_matchers.h"

namespace consentry::screening {
namespace {

using testing::StatusIs;

constexpr char kKeyName[] = "shop.example/7f3a90c2/release";
constexpr int64_t kExpire = 1'795'500'000;

std::unique_ptr<audit::SkeySigner> Signer(char seed,
                                          const std::string& name = kKeyName) {
  return *audit::SkeySigner::FromSeed(name, std::string(32, seed));
}

audit::NoteVerifier Verifier(const audit::Signer& signer) {
  return *audit::NoteVerifier::Create(signer.name(), signer.public_key());
}

v1::Output Letter() {
  v1::Output output;
  output.set_id("a-1");
  output.set_kind(v1::OUTPUT_KIND_OFFER);
  output.set_model("offers");
  output.set_model_version("2.0");
  output.set_item("C-100");
  output.set_text("Stühle.\nNeu.");
  output.mutable_price()->set_currency("EUR");
  output.mutable_price()->set_minor_units(4990);
  output.set_score(0.25);
  output.add_ranking("");
  output.add_ranking("x");
  auto* evidence = output.add_evidence();
  evidence->set_source("stock");
  evidence->mutable_time()->set_seconds(1'795'000'000);
  evidence->mutable_time()->set_nanos(500'000'000);
  evidence->set_stock(0);
  return output;
}

ReleaseTerms Terms(const v1::Output& output) {
  return {OutputDigest(output), "psn_abc", v1::CHANNEL_EMAIL, kExpire};
}

TEST(CanonicalOutputTest, IsWrittenAsTheFormatSays) {
  EXPECT_EQ(CanonicalOutput(Letter()),
            "consentry output v1\n"
            "id 3:a-1\n"
            "kind 17:OUTPUT_KIND_OFFER\n"
            "model 6:offers\n"
            "modelVersion 3:2.0\n"
            "item 5:C-100\n"
            "text 13:Stühle.\nNeu.\n"
            "ranking 0:\n"
            "ranking 1:x\n"
            "price.currency 3:EUR\n"
            "price.minorUnits 4:4990\n"
            "score 16:3fd0000000000000\n"
            "evidence.source 5:stock\n"
            "evidence.time 24:2026-11-18T11:06:40.500Z\n"
            "evidence.stock 1:0\n");
}

TEST(CanonicalOutputTest, NoTwoOutputsShareTheirBytes) {
  // A text that imitates the line of another field stays a text.
  v1::Output hidden = Letter();
  hidden.clear_label();
  hidden.set_text("a\nlabel 1:b");
  v1::Output open = Letter();
  open.set_text("a");
  open.set_label("b");
  EXPECT_NE(CanonicalOutput(hidden), CanonicalOutput(open));
  v1::Output joined = Letter();
  joined.clear_ranking();
  joined.add_ranking("x");
  EXPECT_NE(CanonicalOutput(Letter()), CanonicalOutput(joined));
  v1::Output negative = Letter();
  negative.set_score(-0.25);
  EXPECT_NE(OutputDigest(Letter()), OutputDigest(negative));
}

TEST(CanonicalOutputTest, ZeroOfEitherSignIsNotThere) {
  v1::Output plain = Letter();
  plain.set_score(0);
  v1::Output negative = Letter();
  negative.set_score(-0.0);
  EXPECT_EQ(CanonicalOutput(plain), CanonicalOutput(negative));
}

TEST(ReleaseTest, HoldsForItsOutputCustomerChannelAndTime) {
  const auto signer = Signer('a');
  const auto release = SignRelease(*signer, Terms(Letter()));
  ASSERT_OK(release);
  const auto key = Verifier(*signer);
  const auto check = [&](const v1::Output& output, const char* pseudonym,
                         v1::Channel channel, int64_t now_s) {
    return CheckRelease(key, release->note(), output, pseudonym, channel,
                        now_s);
  };
  EXPECT_OK(check(Letter(), "psn_abc", v1::CHANNEL_EMAIL, kExpire - 1));
  v1::Output other = Letter();
  other.mutable_price()->set_minor_units(4991);
  for (const absl::Status& refused :
       {check(other, "psn_abc", v1::CHANNEL_EMAIL, kExpire - 1),
        check(Letter(), "psn_abd", v1::CHANNEL_EMAIL, kExpire - 1),
        check(Letter(), "psn_abc", v1::CHANNEL_SMS, kExpire - 1),
        check(Letter(), "psn_abc", v1::CHANNEL_EMAIL, kExpire)}) {
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition));
  }
}

TEST(ReleaseTest, ItDoesNotHoldBeforeItsOutputIsToBeDelivered) {
  // What was judged for the morning does not go out at night.
  const auto signer = Signer('a');
  v1::Output output = Letter();
  output.mutable_deliver_time()->set_seconds(kExpire - 3600);
  const auto release = SignRelease(*signer, Terms(output));
  ASSERT_OK(release);
  const auto check = [&](int64_t now_s) {
    return CheckRelease(Verifier(*signer), release->note(), output, "psn_abc",
                        v1::CHANNEL_EMAIL, now_s);
  };
  EXPECT_THAT(check(kExpire - 3601),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_OK(check(kExpire - 3600));
}

TEST(ReleaseTest, OneByAnotherKeyIsRefused) {
  const auto release = SignRelease(*Signer('b'), Terms(Letter()));
  ASSERT_OK(release);
  EXPECT_THAT(ReadRelease(Verifier(*Signer('a')), release->note()).status(),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(ReleaseTest, NoByteOfItCanBeChanged) {
  const auto signer = Signer('a');
  const auto release = SignRelease(*signer, Terms(Letter()));
  ASSERT_OK(release);
  const auto key = Verifier(*signer);
  for (size_t i = 0; i < release->note().size(); ++i) {
    std::string changed = release->note();
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(ReadRelease(key, changed).ok()) << i;
  }
}

TEST(ReleaseTest, ANoteOfAnotherKindIsNoRelease) {
  const auto signer = Signer('a');
  for (const std::string text :
       {"consentry/1\n5\nAAAA\n", "shop.example/7f3a90c2/release\n",
        "shop.example/7f3a90c2/release\nconsentry release v1\n"
        "digest sha256:00\npseudonym p\nchannel email\n"
        "expires 2026-11-18T09:06:40Z\n"}) {
    const auto note = audit::SignNote(text, *signer);
    ASSERT_OK(note);
    EXPECT_THAT(
        ReadRelease(Verifier(*signer), audit::FormatNote(*note)).status(),
        StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(ReleaseTest, EveryChannelComesBack) {
  const auto signer = Signer('a');
  for (int i = v1::CHANNEL_WEB; i <= v1::Channel_MAX; ++i) {
    ReleaseTerms terms = Terms(Letter());
    terms.channel = static_cast<v1::Channel>(i);
    const auto release = SignRelease(*signer, terms);
    ASSERT_OK(release);
    const auto read = ReadRelease(Verifier(*signer), release->note());
    ASSERT_OK(read);
    EXPECT_EQ(*read, terms);
  }
}

}  // namespace
}  // namespace consentry::screening
