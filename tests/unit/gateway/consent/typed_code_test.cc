#include "gateway/consent/typed_code.h"

#include <gtest/gtest.h>

#include <cctype>
#include <optional>
#include <set>
#include <string>

namespace consentry::consent {
namespace {

TEST(TypedCodeTest, ACodeIsReadAsPeopleTypeIt) {
  for (int i = 0; i < 200; ++i) {
    const std::string code = NewCode();
    ASSERT_EQ(code.size(), 9u);
    EXPECT_EQ(code[4], '-');
    const auto read = ReadCode(code);
    ASSERT_TRUE(read.has_value()) << code;
    std::string lower = " " + code.substr(0, 4) + " " + code.substr(5) + " ";
    for (char& c : lower) {
      c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    EXPECT_EQ(ReadCode(lower), read);
  }
  EXPECT_EQ(ReadCode("OIL0-0110"), ReadCode("0110-0110"));
}

TEST(TypedCodeTest, WhatIsNoCodeIsNone) {
  for (const char* typed : {"", "ABCD", "ABCD-EFGHJ", "ABCD-EFG!", "UUUU-UUUU",
                            "\xff\xff\xff\xff\xff\xff\xff\xff"}) {
    EXPECT_EQ(ReadCode(typed), std::nullopt) << typed;
  }
}

TEST(TypedCodeTest, CodesDoNotRepeat) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(NewCode());
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(TypedCodeTest, DigestsAreComparedWhole) {
  EXPECT_TRUE(SameDigest("abc", "abc"));
  EXPECT_FALSE(SameDigest("abc", "abd"));
  EXPECT_FALSE(SameDigest("abc", "xbc"));
  EXPECT_FALSE(SameDigest("abc", "ab"));
  EXPECT_TRUE(SameDigest("", ""));
}

}  // namespace
}  // namespace consentry::consent
