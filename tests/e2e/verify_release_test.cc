// Releases verified by programs in other languages, which know nothing but
// gateway/screening/FORMAT.md.
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "audit/log/note.h"
#include "gateway/screening/release_note.h"
#include "tests/testing/child_process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry {
namespace {

using testing::Command;
using testing::Ended;
using testing::RunToEnd;

constexpr char kClients[] = CONSENTRY_SOURCE_DIR "/tests/e2e/clients";
// 2026-11-24T08:00:00Z.
constexpr int64_t kExpire = 1'795'507'200;

v1::Output Small() {
  v1::Output output;
  output.set_id("a");
  output.set_kind(v1::OUTPUT_KIND_MESSAGE);
  output.set_model("m");
  output.set_model_version("1");
  return output;
}

// Every field, with values that languages are apt to write differently.
v1::Output Whole() {
  v1::Output output = Small();
  output.set_kind(v1::OUTPUT_KIND_OFFER);
  output.set_experiment("spring");
  output.set_variant("b");
  output.set_item("Stuhl \"7\"");
  output.set_text("Grüße \xF0\x9F\x8C\xB7\n<b>2 &amp; 3</b>\t\\ \xE2\x80\x8F");
  output.set_language("de");
  output.add_ranking("x");
  output.add_ranking("");
  output.mutable_price()->set_currency("EUR");
  output.mutable_price()->set_minor_units(9'007'199'254'740'993);
  output.mutable_base_price()->set_currency("JPY");
  output.set_label("warm");
  output.set_score(0.1);
  output.set_favourable(true);
  output.add_input_categories("user.contact.email");
  output.set_explanation("since\nthen");
  auto* stock = output.add_evidence();
  stock->set_source("stock-service");
  stock->mutable_time()->set_seconds(1'795'400'000);
  stock->mutable_time()->set_nanos(1000);
  stock->set_stock(2);
  auto* end = output.add_evidence();
  end->set_source("offers");
  end->mutable_offer_end()->set_seconds(1'795'500'000);
  auto* count = output.add_evidence();
  count->set_source("views");
  count->set_count(0);
  auto* reference = output.add_evidence();
  reference->set_source("prices");
  reference->mutable_reference_price()->set_currency("EUR");
  reference->mutable_reference_price()->set_minor_units(-1);
  output.add_disclosures("personalised_price");
  output.mutable_deliver_time()->set_seconds(1'795'450'000);
  output.mutable_deliver_time()->set_nanos(120'000'000);
  return output;
}

class VerifyReleaseTest : public ::testing::TestWithParam<const char*> {
 protected:
  VerifyReleaseTest()
      : signer_(*audit::SkeySigner::FromSeed("shop.example/1/release",
                                             std::string(32, 'k'))),
        key_(*audit::NoteVerifier::Create(signer_->name(),
                                          signer_->public_key())) {}

  static void Write(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
  }

  // What the program prints about `shown` under the release of `released`.
  std::string Ask(const v1::Output& released, const v1::Output& shown,
                  const std::string& key,
                  const std::string& pseudonym = "psn_abc",
                  const std::string& channel = "email",
                  const std::string& now = "2026-11-24T07:59:59Z") {
    const auto release = screening::SignRelease(
        *signer_, {screening::OutputDigest(released), "psn_abc",
                   v1::CHANNEL_EMAIL, kExpire});
    EXPECT_OK(release);
    Write(dir_.File("note"), release->note());
    std::string json;
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(shown, &json).ok());
    Write(dir_.File("output.json"), json);
    const bool node = std::string(GetParam()) == "node";
    const std::string program =
        std::string(kClients) +
        (node ? "/node/verify_release.js" : "/python/verify_release.py");
    const Ended ended = RunToEnd(Command{
        .words = {node ? "node" : "python3", program, key, dir_.File("note"),
                  dir_.File("output.json"), pseudonym, channel, now}});
    EXPECT_EQ(ended.code, 0) << ended.err;
    return ended.out;
  }

  testing::TempDir dir_;
  const std::unique_ptr<audit::SkeySigner> signer_;
  const audit::NoteVerifier key_;
};

TEST_P(VerifyReleaseTest, AnOutputHoldsInEveryField) {
  EXPECT_EQ(Ask(Small(), Small(), key_.Vkey()), "holds\n");
  EXPECT_EQ(Ask(Whole(), Whole(), key_.Vkey()), "holds\n");
}

TEST_P(VerifyReleaseTest, AnythingElseDoesNot) {
  v1::Output other = Whole();
  other.mutable_price()->set_minor_units(9'007'199'254'740'992);
  EXPECT_EQ(Ask(Whole(), other, key_.Vkey()), "the output\n");
  EXPECT_EQ(Ask(Whole(), Whole(), key_.Vkey(), "psn_abd"), "the customer\n");
  EXPECT_EQ(Ask(Whole(), Whole(), key_.Vkey(), "psn_abc", "sms"),
            "the channel\n");
  EXPECT_EQ(Ask(Whole(), Whole(), key_.Vkey(), "psn_abc", "email",
                "2026-11-24T08:00:00Z"),
            "the time\n");
  // Nor before it is to be delivered.
  EXPECT_EQ(Ask(Whole(), Whole(), key_.Vkey(), "psn_abc", "email",
                "2026-11-23T16:06:39Z"),
            "the time\n");
  EXPECT_EQ(Ask(Whole(), Whole(), key_.Vkey(), "psn_abc", "email",
                "2026-11-23T16:06:40Z"),
            "holds\n");
  const auto stranger =
      *audit::SkeySigner::FromSeed(signer_->name(), std::string(32, 'x'));
  const auto wrong =
      *audit::NoteVerifier::Create(stranger->name(), stranger->public_key());
  EXPECT_EQ(Ask(Whole(), Whole(), wrong.Vkey()), "not signed by this key\n");
}

INSTANTIATE_TEST_SUITE_P(Languages, VerifyReleaseTest,
                         ::testing::Values("node", "python"),
                         [](const auto& tested) {
                           return std::string(tested.param);
                         });

}  // namespace
}  // namespace consentry
