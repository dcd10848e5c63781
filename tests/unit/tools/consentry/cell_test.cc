#include "tools/consentry/cell.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tools/consentry/countries.h"
#include "tools/consentry/fold.h"

namespace consentry::tools {
namespace {

std::string Day(const std::string& cell,
                const std::vector<std::string>& formats) {
  const auto time = ParseAnyCellTime(cell, formats, 0);
  return time.has_value() ? DateText(*time) : "-";
}

TEST(CellTest, DatesAreReadByTheirFormatAlone) {
  EXPECT_EQ(Day("2021-02-03", {}), "2021-02-03");
  EXPECT_EQ(Day("03.02.2021", {}), "-");
  EXPECT_EQ(Day("03.02.2021", {"DD.MM.YYYY"}), "2021-02-03");
  EXPECT_EQ(Day("3.2.2021", {"D.M.YYYY"}), "2021-02-03");
  EXPECT_EQ(Day("3.2.2021", {"DD.MM.YYYY"}), "-");
  EXPECT_EQ(Day("3 février 2021", {"D MON YYYY"}), "2021-02-03");
  EXPECT_EQ(Day("Feb 3, 2021", {"MON D, YYYY"}), "2021-02-03");
  EXPECT_EQ(Day("03.02.2021 tail", {"DD.MM.YYYY"}), "-");
  EXPECT_EQ(Day("", {"DD.MM.YYYY"}), "-");
}

TEST(CellTest, DaysThatDoNotExistAreNothing) {
  EXPECT_EQ(Day("2021-02-29", {}), "-");
  EXPECT_EQ(Day("2020-02-29", {}), "2020-02-29");
  EXPECT_EQ(Day("2021-04-31", {}), "-");
  EXPECT_EQ(Day("2021-13-01", {}), "-");
  EXPECT_EQ(Day("2021-00-10", {}), "-");
  EXPECT_EQ(Day("0021-01-10", {}), "-");
}

TEST(CellTest, DateWithTwoMeaningsIsNothing) {
  EXPECT_EQ(Day("03/04/2021", {"DD/MM/YYYY", "MM/DD/YYYY"}), "-");
  EXPECT_EQ(Day("13/04/2021", {"DD/MM/YYYY", "MM/DD/YYYY"}), "2021-04-13");
  EXPECT_EQ(Day("04/04/2021", {"DD/MM/YYYY", "MM/DD/YYYY"}), "2021-04-04");
}

TEST(CellTest, TimesCarryTheirOffset) {
  EXPECT_EQ(TimeText(*ParseAnyCellTime("2021-01-01T00:30:00+02:00", {}, 0)),
            "2020-12-31T22:30:00Z");
  EXPECT_EQ(TimeText(*ParseAnyCellTime("2021-01-01 00:30:00", {}, 60)),
            "2020-12-31T23:30:00Z");
  EXPECT_EQ(TimeText(*ParseAnyCellTime("2021-01-01T00:30:00.25Z", {}, 60)),
            "2021-01-01T00:30:00.25Z");
  // A day without a time has no offset: it stays that day.
  EXPECT_EQ(TimeText(*ParseAnyCellTime("2021-01-01", {}, 60)),
            "2021-01-01T00:00:00Z");
}

TEST(CellTest, DateFormatsAreChecked) {
  EXPECT_TRUE(IsDateFormat("DD.MM.YYYY hh:mm"));
  EXPECT_TRUE(IsDateFormat("YYYY-MM-DDThh:mm:ssZ"));
  EXPECT_FALSE(IsDateFormat("yyyy-mm-dd"));
  EXPECT_FALSE(IsDateFormat("MM/YYYY"));
  EXPECT_FALSE(IsDateFormat(""));
}

TEST(CellTest, NumbersKeepTheirValueInEitherNotation) {
  EXPECT_EQ(ParseCellNumber("1,234.50", false), "1234.50");
  EXPECT_EQ(ParseCellNumber("1.234,50", true), "1234.50");
  EXPECT_EQ(ParseCellNumber("1 234,50", true), "1234.50");
  EXPECT_EQ(ParseCellNumber("1'234.50", false), "1234.50");
  EXPECT_EQ(ParseCellNumber("-7", false), "-7");
  EXPECT_EQ(ParseCellNumber("+7", true), "7");
  // In the other notation these would be other numbers: never guessed.
  EXPECT_EQ(ParseCellNumber("12,5", false), std::nullopt);
  EXPECT_EQ(ParseCellNumber("1.234.5", true), std::nullopt);
  EXPECT_EQ(ParseCellNumber("1,2345", false), std::nullopt);
  EXPECT_EQ(ParseCellNumber("1,234 567", false), std::nullopt);
  EXPECT_EQ(ParseCellNumber("1.", false), std::nullopt);
  EXPECT_EQ(ParseCellNumber(".5", false), std::nullopt);
  EXPECT_EQ(ParseCellNumber("12abc", false), std::nullopt);
  EXPECT_EQ(ParseCellNumber("", false), std::nullopt);
}

TEST(CellTest, MoneyNamesItsCurrency) {
  EXPECT_EQ(ParseCellMoney("12,50 €", "", true), "12.50 EUR");
  EXPECT_EQ(ParseCellMoney("EUR 1.012,50", "", true), "1012.50 EUR");
  EXPECT_EQ(ParseCellMoney("£5", "GBP", false), "5 GBP");
  EXPECT_EQ(ParseCellMoney("$5.10", "USD", false), "5.10 USD");
  EXPECT_EQ(ParseCellMoney("12.50", "USD", false), "12.50 USD");
  EXPECT_EQ(ParseCellMoney("$5.10", "", false), std::nullopt);
  EXPECT_EQ(ParseCellMoney("12.50", "", false), std::nullopt);
  EXPECT_EQ(ParseCellMoney("£5", "EUR", false), std::nullopt);
}

TEST(CellTest, YesAndNoInFourLanguages) {
  for (const char* yes : {"Yes", "JA", "oui", "sí", "1", "true"}) {
    EXPECT_EQ(ParseCellBool(yes), true) << yes;
  }
  for (const char* no : {"No", "Nein", "non", "0", "FALSE"}) {
    EXPECT_EQ(ParseCellBool(no), false) << no;
  }
  EXPECT_EQ(ParseCellBool("maybe"), std::nullopt);
  EXPECT_EQ(ParseCellBool("-1"), std::nullopt);
  EXPECT_EQ(ParseCellBool("yes?"), std::nullopt);
  EXPECT_EQ(ParseCellBool(""), std::nullopt);
}

TEST(FoldTest, SpellingIsPutAside) {
  EXPECT_EQ(Fold("Straße_Nr."), "strassenr");
  EXPECT_EQ(Fold("ÎLE-DU-PRINCE"), "ileduprince");
  EXPECT_EQ(Fold("Česká Œuvre ÿ Æ ſ"), "ceskaoeuvreyaes");
  EXPECT_EQ(Fold("d’Amérique"), "damerique");
  EXPECT_EQ(Fold(""), "");
  EXPECT_EQ(FoldWord("Sí, CLARO?"), "si, claro?");
  EXPECT_EQ(FoldWord("Þor’s"), "Þor’s");
}

TEST(CountriesTest, CodesAndNamesOfFourLanguages) {
  for (const char* name :
       {"DE", "deu", "Germany", "DEUTSCHLAND", "Allemagne", "Alemania"}) {
    EXPECT_EQ(FindCountry(name), "DE") << name;
  }
  EXPECT_EQ(FindCountry("U.S.A."), "US");
  EXPECT_EQ(FindCountry("Royaume-Uni"), "GB");
  EXPECT_EQ(FindCountry("england"), "GB");
  EXPECT_EQ(FindCountry("Czech Republic"), "CZ");
  EXPECT_EQ(FindCountry("Guinea-Bissau"), "GW");
  EXPECT_EQ(FindCountry("US-CA"), "US");
  EXPECT_EQ(FindCountry("Ruritania"), std::nullopt);
  EXPECT_EQ(FindCountry(""), std::nullopt);
  EXPECT_EQ(FindCountry("X"), std::nullopt);
}

TEST(CountriesTest, StatesAreReadWhereTheirLawIs) {
  EXPECT_EQ(FindResidence("USA", "CA"), "US-CA");
  EXPECT_EQ(FindResidence("United States", "california"), "US-CA");
  EXPECT_EQ(FindResidence("Canada", "QC"), "CA-QC");
  EXPECT_EQ(FindResidence("Canada", "Québec"), "CA-QC");
  EXPECT_EQ(FindResidence("US-VA", ""), "US-VA");
  // The Canadian code of the country is no Californian.
  EXPECT_EQ(FindResidence("CA", ""), "CA");
  EXPECT_EQ(FindResidence("US", "Bavaria"), "US");
  EXPECT_EQ(FindResidence("Germany", "CA"), "DE");
  EXPECT_EQ(FindResidence("", "CA"), std::nullopt);
}

TEST(CountriesTest, NumbersBecomeInternational) {
  EXPECT_EQ(InternationalPhone("0711 284-2222", "DE"), "+497112842222");
  EXPECT_EQ(InternationalPhone("+49 0711 2842222", "DE"), "+497112842222");
  EXPECT_EQ(InternationalPhone("+49 (0)711 2842222", "FR"), "+497112842222");
  EXPECT_EQ(InternationalPhone("0044 20 7946 0018", "DE"), "+442079460018");
  EXPECT_EQ(InternationalPhone("(415) 555-0134", "US"), "+14155550134");
  EXPECT_EQ(InternationalPhone("1-415-555-0134", "US"), "+14155550134");
  // Italian numbers keep their zero.
  EXPECT_EQ(InternationalPhone("06 1234567", "IT"), "+39061234567");
  EXPECT_EQ(InternationalPhone("+39 06 1234567", "IT"), "+39061234567");
  // What cannot be read is left for the gateway to refuse.
  EXPECT_EQ(InternationalPhone("call me", "DE"), "call me");
  EXPECT_EQ(InternationalPhone("12345", "XX"), "12345");
}

}  // namespace
}  // namespace consentry::tools
