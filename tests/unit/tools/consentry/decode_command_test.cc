#include "tools/consentry/decode_command.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "tools/consentry/exit_code.h"

namespace consentry::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Told {
  int code;
  std::string out;
  std::string err;
};

Told Decode(std::string_view text, bool json) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = DecodeSignalTo(text, json, out, err);
  return {code, out.str(), err.str()};
}

google::protobuf::Struct Parsed(const std::string& json) {
  google::protobuf::Struct parsed;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &parsed).ok())
      << json;
  return parsed;
}

TEST(DecodeCommandTest, GppIsToldInWords) {
  const Told told = Decode("DBABBg~BVVgYICA.YA", false);
  EXPECT_EQ(told.code, kExitOk);
  EXPECT_EQ(told.err, "");
  EXPECT_THAT(told.out, StartsWith("GPP, 1 section\nsection 8 usca version 1\n"
                                   "  SaleOptOutNotice: given\n"));
  EXPECT_THAT(told.out, HasSubstr("  SaleOptOut: opted out\n"));
  EXPECT_THAT(told.out, HasSubstr("  SensitiveDataProcessing: 1 no, 2 yes, "));
  EXPECT_THAT(told.out, HasSubstr("  Gpc: sent\n"));
  EXPECT_THAT(told.out,
              HasSubstr("what follows\n  Global Privacy Control is on\n"
                        "  opted out: SALE (usca.SaleOptOut)\n"));
}

TEST(DecodeCommandTest, UsPrivacyAndGpcAreToldInWords) {
  EXPECT_EQ(Decode("1NY-", false).out,
            "US Privacy, version 1\n"
            "  notice given: no\n"
            "  opted out of sale: yes\n"
            "  covered by the service provider agreement: does not apply\n"
            "what follows\n"
            "  opted out: SALE (uspv1.OptOutSale)\n"
            "  opted out: SHARING (uspv1.OptOutSale)\n");
  EXPECT_EQ(Decode("1YNN", false).out,
            "US Privacy, version 1\n"
            "  notice given: yes\n"
            "  opted out of sale: no\n"
            "  covered by the service provider agreement: no\n"
            "what follows\n"
            "  no choice\n");
  EXPECT_EQ(Decode("1", false).out,
            "Global Privacy Control\n"
            "what follows\n"
            "  Global Privacy Control is on\n");
}

TEST(DecodeCommandTest, JsonHoldsEveryField) {
  for (const char* text :
       {"DBAA", "DBABTA~1YYN", "DBABBg~BVVgYICA.YA", "1YNN", "1",
        "DBABLA~CVVZkkkkkllg.QA", "DBABrYA~CAAgAAAAAABA.QA~BAQAAABA.QA~BAQAABA",
        "DBACNYA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN"}) {
    const Told told = Decode(text, true);
    EXPECT_EQ(told.code, kExitOk) << text;
    const auto parsed = Parsed(told.out);
    EXPECT_TRUE(parsed.fields().contains("format"));
    EXPECT_TRUE(parsed.fields().contains("meaning"));
  }
  EXPECT_EQ(Decode("1YN-", true).out,
            R"({"format":"uspv1","Version":1,"Notice":"Y","OptOutSale":"N",)"
            R"("LspaCovered":"-","meaning":{"global_privacy_control":false,)"
            R"("opt_outs":[]}})"
            "\n");
}

TEST(DecodeCommandTest, ARefusedStringIsToldWithReasonAndPlaceAlone) {
  const std::string secret = "CQSbk4A+very-own-data";
  const Told told = Decode(secret, false);
  EXPECT_EQ(told.code, kExitNo);
  EXPECT_EQ(told.out, "");
  EXPECT_THAT(told.err, StartsWith("refused: BAD_CHARACTER: tcf.core has"));
  EXPECT_THAT(told.err, ::testing::Not(HasSubstr("very-own")));
  const Told json = Decode(secret, true);
  EXPECT_EQ(json.code, kExitNo);
  EXPECT_EQ(json.out,
            "{\"error\":\"BAD_CHARACTER\",\"field\":\"tcf.core\","
            "\"character\":7,\"bit\":42}\n");
  EXPECT_EQ(Decode("", true).out,
            "{\"error\":\"FORMAT\",\"field\":\"signal\",\"character\":0,"
            "\"bit\":0}\n");
}

}  // namespace
}  // namespace consentry::tools
