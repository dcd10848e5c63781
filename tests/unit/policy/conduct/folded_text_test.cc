#include "policy/conduct/folded_text.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "policy/conduct/entities.h"

namespace consentry::conduct {
namespace {

using Markup = FoldedText::Markup;
using Unseen = FoldedText::Unseen;

std::string Fold(std::string_view text) {
  return FoldedText::Fold(text, Markup::kKeep, Unseen::kJoins).text();
}
std::string Read(std::string_view text) {
  return FoldedText::Fold(text, Markup::kRead, Unseen::kJoins).text();
}

TEST(FoldedTextTest, CaseSpacesAndAccentsArePutAside) {
  EXPECT_EQ(Fold("  Nur\tnoch\n 2  STÜCK "), "nur noch 2 stuck");
  EXPECT_EQ(Fold("große Straße, ŒUVRE, Ærø"), "grosse strasse, oeuvre, aero");
  EXPECT_EQ(Fold("İstanbul ıs"), "istanbul is");
  EXPECT_EQ(Fold(""), "");
  EXPECT_EQ(Fold(" \n "), "");
}

TEST(FoldedTextTest, LettersOfOtherScriptsThatLookLatinBecomeLatin) {
  // Cyrillic and Greek, small and capital.
  EXPECT_EQ(Fold("оnlу 2 lеft"), "only 2 left");
  EXPECT_EQ(Fold("НURRУ"), "hurry");
  EXPECT_EQ(Fold("ΟΝLΥ 2 LΕFΤ"), "only 2 left");
  EXPECT_EQ(Fold("lіmited, LІMITED"), "limited, limited");
}

TEST(FoldedTextTest, StyledLettersAndDigitsBecomePlain) {
  EXPECT_EQ(Fold("ｏｎｌｙ　２　ｌｅｆｔ"), "only 2 left");
  EXPECT_EQ(Fold("𝐨𝐧𝐥𝐲 𝟐 𝓁𝑒𝒻𝓉"), "only 2 left");
  EXPECT_EQ(Fold("ⓞⓝⓛⓨ ② ⓛⓔⓕⓣ"), "only 2 left");
  EXPECT_EQ(Fold("ᴏɴʟʏ 2 ʟᴇꜰᴛ"), "only 2 left");
  EXPECT_EQ(Fold("🅾🅽🅻🆈 ❷ left"), "only 2 left");
  EXPECT_EQ(Fold("only ٢ left, only २ left"), "only 2 left, only 2 left");
  EXPECT_EQ(Fold("only 2\uFE0F\u20E3 left"), "only 2 left");
}

TEST(FoldedTextTest, WhatIsNotSeenIsDropped) {
  EXPECT_EQ(Fold("on\u200Bly 2 le\u00ADft"), "only 2 left");
  EXPECT_EQ(Fold("o\u2060n\u200Dl\u200Cy\uFEFF 2"), "only 2");
  EXPECT_EQ(Fold("on\U000E0041ly"), "only");
  EXPECT_EQ(Fold(std::string_view("on\0ly", 5)), "only");
  EXPECT_EQ(Fold("\u202Aonly\u202C \u20662 left\u2069"), "only 2 left");
  EXPECT_EQ(Fold("l\u0336e\u0336f\u0336t\u0336"), "left");
  // Many marks on one letter.
  std::string marks = "l";
  for (int i = 0; i < 500; ++i) marks += "\u0301";
  EXPECT_EQ(Fold(marks + "eft"), "left");
}

TEST(FoldedTextTest, ZeroWidthSpacesCanAlsoPartWords) {
  const std::string text = "only\u200B2\u200Bleft";
  EXPECT_TRUE(
      FoldedText::Fold(text, Markup::kKeep, Unseen::kJoins).has_unseen());
  EXPECT_EQ(FoldedText::Fold(text, Markup::kKeep, Unseen::kParts).text(),
            "only 2 left");
  EXPECT_FALSE(FoldedText::Fold("only 2 left", Markup::kKeep, Unseen::kJoins)
                   .has_unseen());
}

TEST(FoldedTextTest, OverriddenTextReadsAsItIsSeen) {
  EXPECT_EQ(Fold("\u202Etfel 2 ylno\u202C now"), "only 2 left now");
  EXPECT_EQ(Fold("\u202Etfel 2 ylno"), "only 2 left");
  EXPECT_EQ(Fold("\u202Eylno\nleft"), "only left");
}

TEST(FoldedTextTest, BytesThatAreNoUtf8BecomeReplacements) {
  EXPECT_EQ(Fold("a\xFF"
                 "b"),
            "a\uFFFD"
            "b");
  EXPECT_EQ(Fold("\xC0\xAF"), "\uFFFD\uFFFD");
  EXPECT_EQ(Fold("\xED\xA0\x80").find('\xED'), std::string::npos);
  EXPECT_EQ(Fold("left\xE2\x80"), "left\uFFFD");
}

TEST(FoldedTextTest, MarkupIsReadWhenAsked) {
  EXPECT_EQ(Read("Only <b class=\"x\">2</b> l<i>ef</i>t"), "only 2 left");
  EXPECT_EQ(Read("Only&nbsp;&#50;&#x20;left &amp; gone"), "only 2 left & gone");
  EXPECT_EQ(Read("nur noch 2 St&uuml;ck<!-- > -->!"), "nur noch 2 stuck!");
  EXPECT_EQ(Read("a < b and 2<3"), "a < b and 2<3");
  EXPECT_EQ(Fold("<only 2 left>"), "<only 2 left>");
}

TEST(FoldedTextTest, EntitiesEndWhereTheyEnd) {
  EXPECT_EQ(ReadEntity("&#50;x").code_point, 0x32u);
  EXPECT_EQ(ReadEntity("&#50;x").length, 5u);
  EXPECT_EQ(ReadEntity("&#50 x").length, 4u);
  EXPECT_EQ(ReadEntity("&#x1F600;").code_point, 0x1F600u);
  EXPECT_EQ(ReadEntity("&#00000000000000000050;").code_point, 0x32u);
  EXPECT_EQ(ReadEntity("&#xD800;").code_point, 0xFFFDu);
  EXPECT_EQ(ReadEntity("&#99999999999999999999;").code_point, 0xFFFDu);
  EXPECT_EQ(ReadEntity("&#;").length, 0u);
  EXPECT_EQ(ReadEntity("&nothing;").length, 0u);
  EXPECT_EQ(ReadEntity("&").length, 0u);
}

TEST(FoldedTextTest, SpansPointBackIntoTheInput) {
  const std::string text = "Ach: \u202Etfel 2 ylno\u202C!";
  const FoldedText folded =
      FoldedText::Fold(text, Markup::kKeep, Unseen::kJoins);
  const size_t at = folded.text().find("only 2 left");
  ASSERT_NE(at, std::string::npos);
  const auto [begin, end] = folded.Source(at, 11);
  EXPECT_EQ(text.substr(begin, end - begin), "tfel 2 ylno");

  const std::string styled = "x 𝐨𝐧𝐥𝐲 y";
  const FoldedText plain =
      FoldedText::Fold(styled, Markup::kKeep, Unseen::kJoins);
  const auto [first, last] = plain.Source(plain.text().find("only"), 4);
  EXPECT_EQ(styled.substr(first, last - first), "𝐨𝐧𝐥𝐲");
}

std::string Undisguise(std::string_view text) {
  const auto undisguised =
      FoldedText::Fold(text, Markup::kKeep, Unseen::kJoins).Undisguised();
  return undisguised ? undisguised->text() : "";
}

TEST(FoldedTextTest, SignsForLettersAndLettersApartAreUndone) {
  EXPECT_EQ(Undisguise("0nly 2 l3f7"), "only 2 left");
  EXPECT_EQ(Undisguise("On1y 12 1eft, l1mited t1me $ale"),
            "only 12 left, limited time sale");
  EXPECT_EQ(Undisguise("O N L Y 2 L E F T!"), "only 2 left!");
  EXPECT_EQ(Undisguise("l.e.f.t and l-e-f-t"), "left and left");
  // Nothing to undo.
  EXPECT_EQ(Undisguise("only 2 left"), "");
  EXPECT_EQ(Undisguise("plan a or b"), "");
  EXPECT_EQ(Undisguise("10 m, 5 g"), "");
  EXPECT_EQ(Undisguise(""), "");
  EXPECT_EQ(Undisguise("a"), "");
  EXPECT_EQ(Undisguise("a b"), "");
  EXPECT_EQ(Undisguise("a b c"), "abc");
}

TEST(FoldedTextTest, LongTextIsCutAndSaysSo) {
  const std::string text(FoldedText::kMaxBytes + 1, 'a');
  const FoldedText folded =
      FoldedText::Fold(text, Markup::kKeep, Unseen::kJoins);
  EXPECT_TRUE(folded.truncated());
  EXPECT_EQ(folded.text().size(), FoldedText::kMaxBytes);
}

}  // namespace
}  // namespace consentry::conduct
