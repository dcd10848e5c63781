#include "gateway/rights/case_language.h"

#include <gtest/gtest.h>

namespace consentry::rights {
namespace {

TEST(CaseLanguage, OnlyLanguagesThatLettersAreWrittenInAreKnown) {
  EXPECT_EQ(KnownLanguage("de"), "de");
  EXPECT_EQ(KnownLanguage("de-AT"), "de");
  EXPECT_EQ(KnownLanguage("FR-ca"), "fr");
  EXPECT_EQ(KnownLanguage("es-419"), "es");
  for (const char* tag : {"", "it", "den", "d", "-de", "x-de"}) {
    EXPECT_EQ(KnownLanguage(tag), "") << tag;
  }
}

TEST(CaseLanguage, ThePlaceOfTheBusinessSpeaksOneOfThem) {
  EXPECT_EQ(LanguageOfPlace("DE"), "de");
  EXPECT_EQ(LanguageOfPlace("DE-BY"), "de");
  EXPECT_EQ(LanguageOfPlace("CA-QC"), "fr");
  EXPECT_EQ(LanguageOfPlace("CA"), "");
  EXPECT_EQ(LanguageOfPlace("US-CA"), "");
  EXPECT_EQ(LanguageOfPlace("US-PR"), "es");
  EXPECT_EQ(LanguageOfPlace(""), "");
}

TEST(CaseLanguage, TheFirstThatIsKnownIsChosen) {
  EXPECT_EQ(ChooseLanguage("fr", "de", "ES"), "fr");
  EXPECT_EQ(ChooseLanguage("", "de", "ES"), "de");
  EXPECT_EQ(ChooseLanguage("it", "de-CH", "ES"), "de");
  EXPECT_EQ(ChooseLanguage("", "", "ES"), "es");
  EXPECT_EQ(ChooseLanguage("it", "pt", "BR"), "en");
  EXPECT_EQ(ChooseLanguage("", "", ""), "en");
}

}  // namespace
}  // namespace consentry::rights
