#include "policy/signals/gpp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "policy/signals/signal.h"
#include "policy/signals/signal_error.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/policy/signals/tc_writer.h"

namespace consentry::signals {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

constexpr char kCalifornia[] = "DBABBg~BVVgYICA.YA";
constexpr char kNational[] = "DBABLA~CVVZkkkkkllg.QA";
constexpr char kThree[] = "DBABrYA~CAAgAAAAAABA.QA~BAQAAABA.QA~BAQAABA";

std::string FaultOf(const std::string& text) {
  const auto gpp = DecodeGpp(text);
  if (gpp.ok()) return "none";
  const auto error = ErrorOf(gpp.status());
  if (!error) return "no place told";
  return std::string(FaultName(error->fault)) + " " + error->field;
}

GppString Decoded(const std::string& text) {
  auto gpp = DecodeGpp(text);
  EXPECT_OK(gpp.status());
  return gpp.ok() ? *std::move(gpp) : GppString();
}

const UsSection& Us(const GppString& gpp, size_t at) {
  return std::get<UsSection>(gpp.sections.at(at).content);
}

void Fibonacci(uint32_t value, BitWriter* bits) {
  std::vector<uint32_t> terms = {1, 2};
  while (terms.back() < value) {
    terms.push_back(terms.back() + terms[terms.size() - 2]);
  }
  std::string code;
  for (size_t i = terms.size(); i-- > 0;) {
    const bool one = terms[i] <= value;
    if (one) value -= terms[i];
    if (one || !code.empty()) code.insert(0, one ? "1" : "0");
  }
  for (const char c : code + "1") bits->Put(c == '1', 1);
}

// A header that names each of `ids` for itself.
BitWriter Header(const std::vector<uint32_t>& ids) {
  BitWriter bits;
  bits.Put(3, 6).Put(1, 6).Put(ids.size(), 12);
  uint32_t last = 0;
  for (const uint32_t id : ids) {
    bits.Put(0, 1);
    Fibonacci(id - last, &bits);
    last = id;
  }
  return bits;
}

TEST(GppTest, FibonacciCodesOfTheSpecificationAreRead) {
  const std::vector<std::pair<std::string, uint32_t>> codes = {
      {"11", 1},    {"011", 2},   {"0011", 3}, {"1011", 4},
      {"00011", 5}, {"10011", 6}, {"01011", 7}};
  for (const auto& [code, value] : codes) {
    BitWriter bits;
    for (const char c : code) bits.Put(c == '1', 1);
    const std::string text = bits.Text();
    BitReader reader(text, 0, "test");
    EXPECT_EQ(reader.ReadFibonacci("number"), value);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.position(), code.size());
  }
  for (const uint32_t value : {1u, 2u, 54u, 1000u, 65535u, 1u << 24}) {
    BitWriter bits;
    Fibonacci(value, &bits);
    const std::string text = bits.Text();
    BitReader reader(text, 0, "test");
    EXPECT_EQ(reader.ReadFibonacci("number"), value);
    EXPECT_TRUE(reader.ok());
  }
}

TEST(GppTest, AFibonacciCodeWithoutEndIsRefused) {
  for (const std::string& text :
       {std::string(100, 'A'), std::string(100, 'q'), std::string("A")}) {
    BitReader reader(text, 0, "test");
    EXPECT_EQ(reader.ReadFibonacci("number"), 0u);
    EXPECT_FALSE(reader.ok());
  }
}

TEST(GppTest, TheEmptyStringHasNoSections) {
  EXPECT_TRUE(Decoded("DBAA").sections.empty());
}

TEST(GppTest, UsPrivacyIsRead) {
  const GppString gpp = Decoded("DBABTA~1YYN");
  ASSERT_EQ(gpp.sections.size(), 1u);
  EXPECT_EQ(gpp.sections[0].id, 6);
  EXPECT_EQ(gpp.sections[0].name, "uspv1");
  EXPECT_EQ(gpp.sections[0].raw, "1YYN");
  const auto& usp = std::get<UspString>(gpp.sections[0].content);
  EXPECT_EQ(usp.notice, 'Y');
  EXPECT_EQ(usp.opt_out_sale, 'Y');
  EXPECT_EQ(usp.lspa_covered, 'N');
}

TEST(GppTest, CaliforniaIsReadWithItsGpc) {
  const GppString gpp = Decoded(kCalifornia);
  ASSERT_EQ(gpp.sections.size(), 1u);
  EXPECT_EQ(gpp.sections[0].name, "usca");
  EXPECT_THAT(Us(gpp, 0).core, ElementsAre(1, 1, 1, 1, 1,                    //
                                           1, 2, 0, 0, 1, 2, 0, 0, 2, 0, 0,  //
                                           0, 2, 0, 0));
  EXPECT_EQ(Us(gpp, 0).gpc, true);
}

TEST(GppTest, NationalVersionTwoIsRead) {
  const GppString gpp = Decoded(kNational);
  const UsSection& us = Us(gpp, 0);
  EXPECT_EQ(us.layout->version, 2);
  EXPECT_THAT(us.core,
              ElementsAre(1, 1, 1, 1, 1, 1, 1, 2, 1,                       //
                          2, 1, 0, 2, 1, 0, 2, 1, 0, 2, 1, 0, 2, 1, 0, 2,  //
                          1, 1, 2, 1, 1, 2, 0));
  EXPECT_EQ(us.gpc, false);
}

// 60 bits: 10 characters, or 11 as the library pads them.
TEST(GppTest, NationalVersionOneHasFewerFieldsInBothPaddings) {
  BitWriter bits;
  bits.Put(1, 6);
  for (int i = 0; i < 9; ++i) bits.Put(1, 2);
  for (int i = 0; i < 12; ++i) bits.Put(2, 2);
  bits.Put(1, 2).Put(2, 2).Put(0, 2).Put(1, 2).Put(0, 2).Put(2, 2);
  ASSERT_EQ(bits.size(), 60u);
  ASSERT_EQ(bits.Text(8).size(), 11u);
  for (const size_t unit : {size_t{6}, size_t{8}}) {
    const GppString gpp = Decoded("DBABLA~" + bits.Text(unit));
    const UsSection& us = Us(gpp, 0);
    EXPECT_EQ(us.layout->version, 1);
    EXPECT_EQ(us.core.size(), 9u + 12 + 2 + 4);
    EXPECT_THAT(std::vector<uint8_t>(us.core.begin() + 21, us.core.end()),
                ElementsAre(1, 2, 0, 1, 0, 2));
    EXPECT_EQ(us.gpc, std::nullopt);
  }
  // The fields of version 2 under the number 1.
  EXPECT_EQ(FaultOf("DBABLA~B" + std::string(kNational).substr(8)),
            "TRAILING gpp.usnat");
}

TEST(GppTest, RangesOfSectionsAreReadInTheirOrder) {
  const GppString gpp = Decoded(kThree);
  ASSERT_EQ(gpp.sections.size(), 3u);
  EXPECT_EQ(gpp.sections[0].name, "usnat");
  EXPECT_EQ(gpp.sections[1].name, "usca");
  EXPECT_EQ(gpp.sections[2].name, "usva");
  EXPECT_EQ(Us(gpp, 0).gpc, false);
  EXPECT_EQ(Us(gpp, 2).gpc, std::nullopt);
}

// The specification pads the header to 6 bits, the library to 8 then 6.
TEST(GppTest, BothPaddingsOfTheHeaderAreTaken) {
  const std::string tcf = TcWriter().Text();
  for (const char* header : {"DBABM", "DBABMA"}) {
    const GppString gpp = Decoded(std::string(header) + "~" + tcf);
    ASSERT_EQ(gpp.sections.size(), 1u);
    EXPECT_EQ(gpp.sections[0].name, "tcfeuv2");
    EXPECT_EQ(std::get<TcString>(gpp.sections[0].content).cmp_id, 880);
  }
}

TEST(GppTest, TheExampleWithTcfAndUsPrivacyIsRead) {
  const GppString gpp =
      Decoded("DBACNYA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN");
  ASSERT_EQ(gpp.sections.size(), 2u);
  const auto& tc = std::get<TcString>(gpp.sections[0].content);
  EXPECT_EQ(tc.created_us, 1'650'492'000'000'000);
  EXPECT_EQ(tc.cmp_id, 31);
  EXPECT_EQ(tc.policy_version, 2);
  EXPECT_EQ(tc.consent_language, "EN");
  EXPECT_EQ(tc.publisher_country, "DE");
  EXPECT_EQ(std::get<UspString>(gpp.sections[1].content).opt_out_sale, 'N');
}

TEST(GppTest, AFaultInsideASectionIsToldAtItsPlaceInTheWhole) {
  const auto error = ErrorOf(DecodeGpp("DBACNYA~CPXx+~1YNN").status());
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->fault, Fault::kBadCharacter);
  EXPECT_EQ(error->character, 12u);
}

TEST(GppTest, EveryLayoutIsReadWhole) {
  std::set<uint16_t> seen;
  for (const UsLayout& layout : UsLayouts()) {
    seen.insert(layout.section);
    BitWriter bits;
    bits.Put(layout.version, 6);
    std::vector<uint8_t> values;
    for (const UsField& field : layout.core) {
      for (uint8_t i = 0; i < field.count; ++i) {
        values.push_back(static_cast<uint8_t>(1 + values.size() % 2));
        bits.Put(values.back(), 2);
      }
    }
    const std::string header = Header({layout.section}).Text();
    for (const size_t unit : {size_t{6}, size_t{8}, size_t{24}}) {
      const GppString gpp = Decoded(header + "~" + bits.Text(unit));
      ASSERT_EQ(gpp.sections.size(), 1u);
      EXPECT_EQ(gpp.sections[0].name, layout.name);
      EXPECT_EQ(Us(gpp, 0).layout, &layout);
      EXPECT_THAT(Us(gpp, 0).core, ElementsAreArray(values));
    }
    BitWriter another;
    another.Put(layout.version + 1 + (layout.section == 7), 6);
    EXPECT_EQ(FaultOf(header + "~" + another.Text()),
              "VERSION gpp." + std::string(layout.name) + "." +
                  std::string(layout.version_field));
    const std::string gpc = header + "~" + bits.Text() + ".YA";
    EXPECT_EQ(DecodeGpp(gpc).ok(), layout.second == UsSecond::kGpc);
  }
  for (uint16_t section = 7; section <= 27; ++section) {
    EXPECT_EQ(seen.count(section), 1u) << section;
  }
}

TEST(GppTest, TheSecondSegmentOfIndianaIsItsSensitiveData) {
  const std::string header = Header({25}).Text();
  BitWriter core;
  core.Put(1, 6);
  for (int i = 0; i < 9; ++i) core.Put(1, 2);
  BitWriter sensitive;
  for (int i = 0; i < 8; ++i) sensitive.Put(2, 2);
  const GppString gpp =
      Decoded(header + "~" + core.Text() + "." + sensitive.Text());
  EXPECT_THAT(Us(gpp, 0).sensitive, ElementsAre(2, 2, 2, 2, 2, 2, 2, 2));
}

TEST(GppTest, ASectionThatNobodyHereKnowsLeavesTheOthersReadable) {
  for (const uint32_t id : {1u, 4u, 5u, 28u, 60000u}) {
    std::vector<uint32_t> ids = {id, 8};
    if (id > 8) ids = {8, id};
    const std::string usca = "BVVgYICA.YA";
    const std::string other = "CPau-_.YA";
    const GppString gpp =
        Decoded(Header(ids).Text() + "~" + (id > 8 ? usca : other) + "~" +
                (id > 8 ? other : usca));
    ASSERT_EQ(gpp.sections.size(), 2u);
    const GppSection& unknown = gpp.sections[id > 8 ? 1 : 0];
    EXPECT_EQ(unknown.id, id);
    EXPECT_EQ(unknown.name, "");
    EXPECT_EQ(unknown.raw, other);
    EXPECT_TRUE(std::holds_alternative<std::monostate>(unknown.content));
  }
  EXPECT_EQ(FaultOf(Header({28}).Text() + "~\"x"), "BAD_CHARACTER gpp.section");
}

TEST(GppTest, WhatThePlatformForbidsIsRefused) {
  EXPECT_EQ(FaultOf(""), "FORMAT gpp");
  EXPECT_EQ(FaultOf(std::string(kMaxSignalBytes + 1, 'D')), "TOO_LONG gpp");
  EXPECT_EQ(FaultOf("CBAA"), "FORMAT gpp.header.Type");
  EXPECT_EQ(FaultOf("DCAA"), "VERSION gpp.header.Version");
  EXPECT_EQ(FaultOf("DBA"), "TRUNCATED gpp.header.SectionIds");
  EXPECT_EQ(FaultOf("DBABTA"), "SECTION_COUNT gpp.header.SectionIds");
  EXPECT_EQ(FaultOf("DBABTA~1YYN~1YYN"), "SECTION_COUNT gpp.header");
  EXPECT_EQ(FaultOf("DBAA~1YYN"), "SECTION_COUNT gpp.header");
  EXPECT_EQ(FaultOf("DBABTA~"), "TRUNCATED gpp.section");
  EXPECT_EQ(FaultOf("DBABTB~1YYN"), "TRAILING gpp.header");
  EXPECT_EQ(FaultOf("DBABT+~1YYN"), "BAD_CHARACTER gpp.header");
  EXPECT_EQ(FaultOf("DBABTA~2YYN"), "VERSION usp.Version");
  EXPECT_EQ(FaultOf("DBABTA~1yYN"), "BAD_CHARACTER usp.Notice");
  EXPECT_EQ(FaultOf("DBABTA~1YY"), "TRUNCATED usp.LspaCovered");
  EXPECT_EQ(FaultOf("DBABTA~1YYNN"), "TRAILING usp");
  EXPECT_EQ(FaultOf(Header({3}).Text() + "~A"), "VALUE gpp.header.SectionIds");
  // 3 in the middle of a range.
  BitWriter range;
  range.Put(3, 6).Put(1, 6).Put(1, 12).Put(1, 1);
  Fibonacci(2, &range);
  Fibonacci(2, &range);
  EXPECT_EQ(FaultOf(range.Text() + "~A~A~A"), "VALUE gpp.header.SectionIds");
  EXPECT_EQ(FaultOf("DBABBg~BVVgYICA.YA.YA"), "SEGMENT_UNKNOWN gpp.usca");
  EXPECT_EQ(FaultOf("DBABBg~BVVgYICA.gA"),
            "SEGMENT_UNKNOWN gpp.usca.GpcSegmentType");
  EXPECT_EQ(FaultOf("DBABBg~BVVgYICA."), "TRUNCATED gpp.usca.GpcSegmentType");
  EXPECT_EQ(FaultOf("DBABBg~BVVgYICA.YB"), "TRAILING gpp.usca");
  EXPECT_EQ(FaultOf("DBABBg~B_VgYICA"), "VALUE gpp.usca.SaleOptOutNotice");
  EXPECT_EQ(FaultOf("DBABBg~BVVgYICAB"), "TRAILING gpp.usca");
}

TEST(GppTest, ARangeOfThousandsOfSectionsCostsNothing) {
  BitWriter bits;
  bits.Put(3, 6).Put(1, 6).Put(1, 12).Put(1, 1);
  Fibonacci(6, &bits);
  Fibonacci(60000, &bits);
  EXPECT_EQ(FaultOf(bits.Text() + "~1YYN"),
            "SECTION_COUNT gpp.header.SectionIds");
  BitWriter far;
  far.Put(3, 6).Put(1, 6).Put(1, 12).Put(0, 1);
  Fibonacci(70000, &far);
  EXPECT_EQ(FaultOf(far.Text() + "~1YYN"), "VALUE gpp.header.SectionIds");
  // More sections than any string may have.
  std::vector<uint32_t> ids;
  std::string sections;
  for (uint32_t id = 100; id < 100 + kMaxGppSections + 1; ++id) {
    ids.push_back(id);
    sections += "~A";
  }
  EXPECT_EQ(FaultOf(Header(ids).Text() + sections),
            "SECTION_COUNT gpp.header.SectionIds");
}

TEST(GppTest, EveryPlaceWhereAStringCanBeCutIsNoticed) {
  const std::string text = kThree;
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(DecodeGpp(text.substr(0, size)).ok()) << size;
  }
}

TEST(SignalTest, TheFormatIsToldByItsFirstCharacters) {
  const auto kind = [](std::string_view text) {
    const auto signal = DecodeSignal(text);
    return signal.ok() ? static_cast<int>(signal->index()) : -1;
  };
  EXPECT_EQ(kind(TcWriter().Text()), 0);
  EXPECT_EQ(kind(kThree), 1);
  EXPECT_EQ(kind("1YNN"), 2);
  EXPECT_EQ(kind("1---"), 2);
  EXPECT_EQ(kind("1"), 3);
  for (const char* text :
       {"", "0", "2", "1 ", " 1", "true", "x", "Y", "1yyn", "\"1\"", "1,1"}) {
    EXPECT_EQ(kind(text), -1) << text;
  }
}

TEST(SignalTest, GpcIsExactlyOneInAnyHeader) {
  using Values = std::vector<std::string_view>;
  EXPECT_TRUE(IsGpc(Values{"1"}));
  EXPECT_TRUE(IsGpc(Values{"0", "true", "1"}));
  for (const Values& values :
       {Values{}, Values{"0"}, Values{""}, Values{"1 "}, Values{" 1"},
        Values{"1,1"}, Values{"true"}, Values{"yes", "on"}, Values{"01"},
        Values{"1.0"}, Values{"?1"}}) {
    EXPECT_FALSE(IsGpc(values));
  }
}

}  // namespace
}  // namespace consentry::signals
