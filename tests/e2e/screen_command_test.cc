// Outputs screened from a file, as a person would type it: verdicts by line,
// what was found, and a release that is verified without the gateway.

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/server/initialise.h"
#include "tests/testing/child_process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry {
namespace {

using ::testing::AllOf;
using testing::Ended;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TempDir;

constexpr char kService[] = "essential.service.operations";
constexpr char kLetters[] = "marketing.communications.email";

// The next noon of a weekday in Berlin: no quiet hour.
std::string Noon() {
  absl::TimeZone berlin;
  EXPECT_TRUE(absl::LoadTimeZone("Europe/Berlin", &berlin));
  absl::CivilDay day = absl::ToCivilDay(absl::Now(), berlin) + 1;
  while (absl::GetWeekday(day) == absl::Weekday::saturday ||
         absl::GetWeekday(day) == absl::Weekday::sunday) {
    ++day;
  }
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                          absl::FromCivil(absl::CivilHour(day) + 12, berlin),
                          absl::UTCTimeZone());
}

class ScreenCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server::InitialiseOptions options;
    options.folder = dir_.File("consentry-data");
    options.home = "DE";
    options.address = "127.0.0.1:1";
    ASSERT_OK(server::Initialise(options));
    Do({"client", "add", "shop", "--purpose", kService, "--read", "user",
        "--write", "user", "--source", "crm", "--country", "DE", "--permission",
        "data.legal_facts", "--permission", "consent.record", "--attest",
        kLetters});
    Do({"client", "add", "mailer", "--purpose", kLetters, "--read", "user",
        "--country", "DE", "--permission", "screening.screen"});
    Do({"write", "crm:K-1", "--as", "shop", "--source", "crm", "--key", "K-1",
        "-p", kService, "--set", "email=someone@shop.example", "--residence",
        "DE"});
    Do({"consent", "give", "crm:K-1", "--as", "shop", "-p", kLetters,
        "--notice", "marketing-consent"});
  }

  Ended Run(std::vector<std::string> words) const {
    words.insert(words.begin(), CONSENTRY_BUILD_DIR "/bin/consentry");
    return testing::RunToEnd(
        {.words = std::move(words),
         .environment = {{"CONSENTRY_CONFIG", ""}, {"GRPC_VERBOSITY", ""}},
         .folder = dir_.path()});
  }
  std::string Do(const std::vector<std::string>& words) const {
    const Ended ended = Run(words);
    EXPECT_EQ(ended.code, 0) << ended.err;
    return ended.out;
  }

  static std::string Line(const std::string& id, const std::string& text) {
    v1::ScreenOutputRequest request;
    v1::Identifier* who = request.mutable_subject()->mutable_identifier();
    who->set_type(v1::IDENTIFIER_TYPE_EXTERNAL_ID);
    who->set_namespace_("crm");
    who->set_value("K-1");
    request.set_purpose(kLetters);
    request.set_channel(v1::CHANNEL_EMAIL);
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(
                    absl::StrCat("{\"deliverTime\":\"", Noon(), "\"}"),
                    request.mutable_output())
                    .ok());
    v1::Output* output = request.mutable_output();
    output->set_id(id);
    output->set_kind(v1::OUTPUT_KIND_MESSAGE);
    output->set_model("letters");
    output->set_model_version("1");
    output->set_text(text);
    output->add_input_categories("user.contact.email");
    std::string json;
    EXPECT_TRUE(
        google::protobuf::util::MessageToJsonString(request, &json).ok());
    return json + "\n";
  }

  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_.File(name)) << text;
  }

  const TempDir dir_;
};

TEST_F(ScreenCommandTest, AFileGoesInAndVerdictsComeOut) {
  Write("outputs.jsonl",
        Line("m-1", "Only 2 left in stock!") +
            Line("m-2", "Our new tea has arrived.") +
            Line("no \"id\" of ours", "Our new tea has arrived."));
  const Ended ended = Run(
      {"screen", "outputs.jsonl", "--as", "mailer", "-o", "verdicts.jsonl"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.err,
              AllOf(HasSubstr("3 outputs"), HasSubstr("1 BLOCKED CONDUCT"),
                    HasSubstr("1 RELEASED"), HasSubstr("1 error")));

  std::ifstream file(dir_.File("verdicts.jsonl"));
  std::vector<v1::ScreenOutputResponse> results;
  std::vector<std::string> ids;
  for (std::string line; std::getline(file, line);) {
    google::protobuf::Struct verdict;
    ASSERT_TRUE(
        google::protobuf::util::JsonStringToMessage(line, &verdict).ok())
        << line;
    ids.push_back(verdict.fields().at("id").string_value());
    const size_t result = line.find("\"result\":") + 9;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(
                    line.substr(result, line.size() - result - 1),
                    &results.emplace_back())
                    .ok());
  }
  EXPECT_THAT(ids, ::testing::ElementsAre("m-1", "m-2", "no \"id\" of ours"));
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0].verdict(), v1::VERDICT_BLOCKED);
  ASSERT_EQ(results[1].verdict(), v1::VERDICT_RELEASED);
  EXPECT_EQ(results[2].error(), v1::ERROR_REASON_FIELD_INVALID);

  // What stands behind a verdict, for compliance.
  EXPECT_THAT(Do({"screen", "list"}),
              AllOf(HasSubstr(results[0].screening_id()),
                    HasSubstr(results[1].screening_id()),
                    Not(HasSubstr("someone@shop.example"))));
  EXPECT_THAT(Do({"screen", "show", results[0].screening_id()}),
              AllOf(HasSubstr("blocked"), HasSubstr("Only 2 left in stock!"),
                    HasSubstr("scarcity")));

  // The mailer verifies with the public key alone.
  Write("key", Do({"screen", "key"}));
  Write("release", results[1].release().note());
  v1::ScreenOutputRequest asked;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(
                  Line("m-2", "Our new tea has arrived."), &asked)
                  .ok());
  std::string json;
  google::protobuf::util::MessageToJsonString(asked.output(), &json);
  Write("output.json", json);
  EXPECT_THAT(Do({"screen", "verify-release", "release", "output.json", "--key",
                  "key", "--channel", "email", "--at", Noon()}),
              HasSubstr("verified with the key of"));
  // Not before it is to be delivered.
  EXPECT_EQ(Run({"screen", "verify-release", "release", "output.json", "--key",
                 "key"})
                .code,
            2);
  asked.mutable_output()->set_text("Our new tea has gone.");
  google::protobuf::util::MessageToJsonString(asked.output(), &(json = ""));
  Write("other.json", json);
  const Ended other = Run(
      {"screen", "verify-release", "release", "other.json", "--key", "key"});
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.err, HasSubstr("not verified: "));
}

TEST_F(ScreenCommandTest, ALineThatIsNoOutputIsNamedWithoutAValue) {
  Write("outputs.jsonl", "{\"subject\": \"someone@shop.example\"}\n");
  const Ended ended = Run({"screen", "outputs.jsonl", "--as", "mailer"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("line 1"),
                               Not(HasSubstr("someone@shop.example"))));
  EXPECT_EQ(ended.out, "");
}

TEST_F(ScreenCommandTest, AComplaintAboutAPriceIsAnsweredInCounts) {
  for (const char* other : {"K-2", "K-3"}) {
    const std::string who = absl::StrCat("crm:", other);
    Do({"write", who, "--as", "shop", "--source", "crm", "--key", other, "-p",
        kService, "--set", absl::StrCat("email=", other, "@shop.example"),
        "--residence", "DE"});
    Do({"consent", "give", who, "--as", "shop", "-p", kLetters, "--notice",
        "marketing-consent"});
  }
  std::string lines;
  for (const char* who : {"K-1", "K-2", "K-3"}) {
    v1::ScreenOutputRequest request;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(
                    Line(absl::StrCat("p-", who), ""), &request)
                    .ok());
    request.mutable_subject()->mutable_identifier()->set_value(who);
    v1::Output* output = request.mutable_output();
    output->set_kind(v1::OUTPUT_KIND_PRICE);
    output->set_item("chair");
    output->mutable_price()->set_currency("EUR");
    output->mutable_price()->set_minor_units(who[2] == '1' ? 5000 : 5050);
    *output->mutable_base_price() = output->price();
    output->add_disclosures("personalised_price");
    std::string json;
    ASSERT_TRUE(
        google::protobuf::util::MessageToJsonString(request, &json).ok());
    lines += json + "\n";
  }
  Write("prices.jsonl", lines);
  const Ended ended = Run({"screen", "prices.jsonl", "--as", "mailer"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  ASSERT_THAT(ended.err, HasSubstr("3 RELEASED")) << ended.out;
  // Her own price, by which model, from which inputs; of the others neither
  // their amount nor how few they are.
  EXPECT_THAT(Do({"screen", "case", "--subject", "crm:K-1", "--item", "chair"}),
              AllOf(HasSubstr("50.00 EUR"), HasSubstr("letters@1"),
                    HasSubstr("user.contact.email"),
                    HasSubstr("groups of fewer than 10 customers are left out"),
                    Not(HasSubstr("50.50")), Not(HasSubstr("K-2"))));
  EXPECT_THAT(Do({"screen", "case", "--subject", "crm:K-1", "--item", "table"}),
              HasSubstr("she was shown nothing for it"));
}

}  // namespace
}  // namespace consentry
