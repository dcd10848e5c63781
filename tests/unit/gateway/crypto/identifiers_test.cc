#include "gateway/crypto/identifiers.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gateway/crypto/calling_codes.h"
#include "tests/testing/status_matchers.h"

namespace consentry::crypto {
namespace {

using testing::StatusIs;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

struct Pair {
  std::string from;
  std::string to;
};

TEST(NormalizeEmailTest, SpellingsOfOneAddressMeet) {
  const Pair kPairs[] = {
      {"anna@shop.example", "anna@shop.example"},
      {"  Anna@Shop.Example\r\n", "anna@shop.example"},
      {"ANNA@SHOP.EXAMPLE.", "anna@shop.example"},
      {"\xef\xbb\xbf"
       "anna@shop.example\xc2\xa0",
       "anna@shop.example"},
      // Tags and dots stay: without them, two people could become one.
      {"A.nna+News@shop.example", "a.nna+news@shop.example"},
      {"o'neil/x=1@mail.shop.example", "o'neil/x=1@mail.shop.example"},
      {"J\xc3\xbcrgen@b\xc3\xa9zier.example",
       "j\xc3\xbcrgen@b\xc3\xa9zier.example"},
      {"a@1.2.3.example", "a@1.2.3.example"},
      {"a@xn--bcher-kva.example", "a@xn--bcher-kva.example"},
  };
  for (const Pair& pair : kPairs) {
    ASSERT_OK_AND_ASSIGN(const std::string normal, NormalizeEmail(pair.from));
    EXPECT_EQ(normal, pair.to);
    EXPECT_EQ(NormalizeEmail(normal).value(), normal);
  }
}

TEST(NormalizeEmailTest, WhatIsNoAddressIsRefused) {
  const std::string kBad[] = {
      "",
      " ",
      "@",
      "a@",
      "@b.example",
      "a",
      "a@b",
      "a b@c.example",
      "a@b c.example",
      "a@@b.example",
      "a@b@c.example",
      ".a@b.example",
      "a.@b.example",
      "a..b@c.example",
      "\"a b\"@c.example",
      "a@[192.0.2.1]",
      "a@192.0.2.1",
      "a@-b.example",
      "a@b-.example",
      "a@b..example",
      "a@.b.example",
      "a@b.example..",
      "a(c)@b.example",
      "<a@b.example>",
      "Anna <a@b.example>",
      "a@b.example,c@d.example",
      "a@b_c.example",
      "a\x01@b.example",
      std::string("a\0@b.example", 12),
      "a\xe2\x80\x8b@b.example",  // A space of no width inside.
      "a@b.\xc2\xa0"
      "example",
      "a\xff@b.example",
      "a\xc3@b.example",
      std::string(65, 'a') + "@b.example",
      "a@" + std::string(64, 'b') + ".example",
      "a@" + std::string(318, 'b')};
  for (const std::string& bad : kBad) {
    EXPECT_THAT(NormalizeEmail(bad), StatusIs(kInvalid)) << bad;
  }
}

TEST(NormalizePhoneTest, SpellingsOfOneNumberMeet) {
  struct Case {
    std::string from;
    std::string country;
    std::string to;
  };
  const Case kCases[] = {
      {"+49 30 901820", "", "+4930901820"},
      {"0049-30-901820", "", "+4930901820"},
      {"030 / 90 18 20", "DE", "+4930901820"},
      {"+49 (0) 30 901820", "", "+4930901820"},
      {"(0)30 901820", "DE", "+4930901820"},
      {"+49 030 901820", "", "+4930901820"},
      {"+61 (02) 5550 1234", "", "+61255501234"},
      {"+36 06 1 123 4567", "", "+3611234567"},
      {"+39 (0) 6 1234 5678", "", "+390612345678"},
      {"0049 (0)30 901820", "", "+4930901820"},
      {"+49(0)30901820", "FR", "+4930901820"},
      {"(020) 7946 0958", "GB", "+442079460958"},
      {"020 7946 0958", "GB", "+442079460958"},
      {"+44 20 7946 0958", "US", "+442079460958"},
      {"06 1234 5678", "IT", "+390612345678"},
      {"+39 06 1234 5678", "", "+390612345678"},
      {"612 345 678", "ES", "+34612345678"},
      {"06 1 123 4567", "HU", "+3611234567"},
      {"(415) 555-0132", "US", "+14155550132"},
      {"1-415-555-0132", "US", "+14155550132"},
      {"+1.415.555.0132", "", "+14155550132"},
      {"011 49 30 901820", "US", "+4930901820"},
      {"01 23 45 67 89", "FR", "+33123456789"},
      {"\xc2\xa0"
       "01\xe2\x80\x91"
       "23 45 67 89 ",
       "FR", "+33123456789"},
  };
  for (const Case& c : kCases) {
    ASSERT_OK_AND_ASSIGN(const std::string normal,
                         NormalizePhone(c.from, c.country));
    EXPECT_EQ(normal, c.to) << c.from;
    EXPECT_EQ(NormalizePhone(normal, "").value(), normal);
  }
}

TEST(NormalizePhoneTest, WhatIsNoNumberIsRefused) {
  const std::string kBad[] = {
      "",
      "+",
      "++4930901820",
      "49+30901820",
      "+49 30 901820 ext 5",
      "+49 30 901820x5",
      "+0 30 901820",
      "12",
      "+49301",
      "n/a",
      "anna@b.example",
      "+1234567890123456",
      "+49 00 30 901820",
      "+36 06 06 1234567",

      "030 (0) 901820",
      "\xd9\xa1\xd9\xa2\xd9\xa3\xd9\xa4\xd9\xa5\xd9\xa6\xd9\xa7",
      "+49\n30#1",
      std::string(400, '1'),
      "\xff\xff"};
  for (const std::string& bad : kBad) {
    EXPECT_THAT(NormalizePhone(bad, "DE"), StatusIs(kInvalid)) << bad;
  }
  for (const char* country : {"", "ZZ", "de", "DEU"}) {
    EXPECT_THAT(NormalizePhone("030 901820", country), StatusIs(kInvalid));
  }
}

// A published export with numbers of 24 countries as people wrote them.
TEST(NormalizePhoneTest, NumbersOfARealExportAreRead) {
  const char* shared = std::getenv("CONSENTRY_SHARED_DATA");
  const std::string folder =
      shared != nullptr ? shared
                        : std::string(CONSENTRY_SOURCE_DIR) + "/../shared/data";
  std::ifstream in(folder + "/chinook-customers.csv");
  if (!in) GTEST_SKIP() << "no chinook-customers.csv in " << folder;
  int numbers = 0;
  int addresses = 0;
  for (std::string line; std::getline(in, line);) {
    std::stringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) {
      std::erase(cell, '"');
      if (cell.substr(0, 1) == "+") {
        const auto normal = NormalizePhone(cell, "");
        ASSERT_OK(normal) << "number " << numbers;
        // No trunk zero is left behind a country code, but for Italy's.
        const CallingCode* code = CallingCodeOf(normal->substr(1));
        ASSERT_NE(code, nullptr);
        if (code->country != "IT") {
          EXPECT_NE((*normal)[1 + code->code.size()], '0');
        }
        ++numbers;
      } else if (cell.find('@') != std::string::npos) {
        EXPECT_OK(NormalizeEmail(cell)) << "address " << addresses;
        ++addresses;
      }
    }
  }
  EXPECT_GE(numbers, 58);
  EXPECT_EQ(addresses, 59);
}

TEST(CallingCodesTest, NoCodeIsTheBeginningOfAnother) {
  for (const char* a : {"1", "30", "33", "34", "351", "352", "353", "358",
                        "370", "371", "39", "43", "44", "48", "49"}) {
    ASSERT_NE(CallingCodeOf(a), nullptr) << a;
    EXPECT_EQ(CallingCodeOf(a)->code, a);
  }
  EXPECT_EQ(CallingCodeOf("999"), nullptr);
  EXPECT_EQ(CallingCodeOf("3"), nullptr);
}

TEST(CallingCodesTest, EveryMemberStateAndTheFirstMarketsAreThere) {
  for (const char* country :
       {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR",
        "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO",
        "SE", "SI", "SK", "IS", "LI", "NO", "CH", "GB", "US", "CA"}) {
    const CallingCode* code = FindCallingCode(country);
    ASSERT_NE(code, nullptr) << country;
    EXPECT_EQ(code->country, country);
  }
  EXPECT_EQ(FindCallingCode(""), nullptr);
  EXPECT_EQ(FindCallingCode("ZZ"), nullptr);
}

TEST(NormalizeExternalIdTest, StaysByteByByte) {
  for (const std::string& id :
       {std::string("00042"), std::string(" A-1 "), std::string("\xc3\xa9"),
        std::string(kMaxIdentifierBytes, 'x')}) {
    EXPECT_EQ(NormalizeExternalId(id).value(), id);
  }
  for (const std::string& bad :
       {std::string(), std::string("a\tb"), std::string("a\0b", 3),
        std::string("\x7f"), std::string("\xc2\x85"), std::string("\xc0\x80"),
        std::string(kMaxIdentifierBytes + 1, 'x')}) {
    EXPECT_THAT(NormalizeExternalId(bad), StatusIs(kInvalid));
  }
}

TEST(NormalizeCustomTest, SpacesAreMadeOne) {
  EXPECT_EQ(NormalizeCustom("  Card \t 12\xc2\xa0"
                            "34 ")
                .value(),
            "Card 12 34");
  EXPECT_THAT(NormalizeCustom("   "), StatusIs(kInvalid));
  EXPECT_THAT(NormalizeCustom("a\x01"
                              "b"),
              StatusIs(kInvalid));
}

TEST(NormalizeIdentifierTest, GoesByType) {
  EXPECT_EQ(
      NormalizeIdentifier(IdentifierType::kEmail, "A@B.example", "").value(),
      "a@b.example");
  EXPECT_EQ(
      NormalizeIdentifier(IdentifierType::kPhone, "030 901820", "DE").value(),
      "+4930901820");
  EXPECT_EQ(NormalizeIdentifier(IdentifierType::kExternalId, "A ", "").value(),
            "A ");
  EXPECT_EQ(NormalizeIdentifier(IdentifierType::kCustom, "A ", "").value(),
            "A");
  EXPECT_THAT(NormalizeIdentifier(static_cast<IdentifierType>(9), "A", ""),
              StatusIs(kInvalid));
}

TEST(Utf8Test, IllFormedSequencesAreFound) {
  for (const std::string& good :
       {std::string(), std::string("a"), std::string("\xc2\x80"),
        std::string("\xe0\xa0\x80"), std::string("\xed\x9f\xbf"),
        std::string("\xee\x80\x80"), std::string("\xf0\x90\x80\x80"),
        std::string("\xf4\x8f\xbf\xbf"), std::string("\0", 1)}) {
    EXPECT_TRUE(IsValidUtf8(good));
  }
  for (const char* bad :
       {"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xc2", "\xc2z", "\xe0\x9f\xbf",
        "\xe0\x80\xaf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xe2\x82",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xf0\x90\x80", "\xfe", "\xff", "a\xc3"}) {
    EXPECT_FALSE(IsValidUtf8(bad));
  }
}

TEST(IdentifierErrorsTest, MessagesHoldNothingOfTheValue) {
  const std::string canary = "zanzibar";
  for (const absl::Status& status :
       {NormalizeEmail(canary + "@").status(),
        NormalizePhone(canary, "DE").status(),
        NormalizeExternalId(canary + "\x01").status(),
        NormalizeCustom(canary + "\xff").status()}) {
    EXPECT_THAT(status, StatusIs(kInvalid));
    EXPECT_EQ(status.ToString().find(canary), std::string::npos);
  }
}

}  // namespace
}  // namespace consentry::crypto
