#include "proto/support/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace consentry {
namespace {

using namespace std::literals;

TEST(Utf8Test, WellFormedTextIsAccepted) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("plain\x7f\n"));
  EXPECT_TRUE(IsUtf8("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x91"));
  EXPECT_TRUE(IsUtf8("\0\0"sv));
  EXPECT_TRUE(IsUtf8("\xf4\x8f\xbf\xbf"));  // U+10FFFF
}

TEST(Utf8Test, OverlongSurrogateTooHighAndCutAreRefused) {
  for (const std::string_view bad :
       {"\xc0\x80"sv, "\xc1\xbf"sv, "\xe0\x9f\xbf"sv, "\xf0\x8f\xbf\xbf"sv,
        "\xed\xa0\x80"sv, "\xed\xbf\xbf"sv, "\xf4\x90\x80\x80"sv, "\xff"sv,
        "\x80"sv, "\xc3"sv, "\xe2\x82"sv, "\xf0\x9f\x94"sv, "\xc3("sv,
        "\xf8\x88\x80\x80\x80"sv}) {
    EXPECT_FALSE(IsUtf8(bad));
    EXPECT_FALSE(IsUtf8("ok " + std::string(bad)));
  }
}

TEST(Utf8Test, CutSplitsNoCharacter) {
  EXPECT_EQ(CutUtf8("abc", 3), "abc");
  EXPECT_EQ(CutUtf8("abc", 2), "ab");
  EXPECT_EQ(CutUtf8("a\xe2\x82\xac", 4), "a\xe2\x82\xac");
  EXPECT_EQ(CutUtf8("a\xe2\x82\xac", 3), "a");
  EXPECT_EQ(CutUtf8("\xf0\x9f\x94\x91", 3), "");
}

}  // namespace
}  // namespace consentry
