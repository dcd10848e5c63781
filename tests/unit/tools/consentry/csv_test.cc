#include "tools/consentry/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "tests/testing/status_matchers.h"

namespace consentry::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// All rows of a text, bad ones with their fault.
std::vector<CsvRow> ReadAll(const std::string& text) {
  std::istringstream in(text);
  auto reader = CsvReader::Open(&in);
  EXPECT_OK(reader);
  std::vector<CsvRow> rows;
  if (!reader.ok()) return rows;
  CsvRow row;
  for (;;) {
    const auto more = (*reader)->Next(&row);
    EXPECT_OK(more);
    if (!more.ok() || !*more) return rows;
    rows.push_back(row);
  }
}

std::string OpenError(const std::string& text) {
  std::istringstream in(text);
  return std::string(CsvReader::Open(&in).status().message());
}

TEST(CsvTest, QuotesDelimitersAndLineEndsInsideQuotesAreContent) {
  const auto rows = ReadAll("a,b\r\n\"x, \"\"y\"\"\",\"1\r\n2\"\r\nz,\r\n");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_THAT(rows[0].fields, ElementsAre("x, \"y\"", "1\r\n2"));
  EXPECT_EQ(rows[0].number, 2u);
  EXPECT_THAT(rows[1].fields, ElementsAre("z", ""));
}

TEST(CsvTest, DelimiterIsFound) {
  for (const char delimiter : {',', ';', '\t', '|'}) {
    std::string text = "a_b_c\n1,5_2_3\n4,5_5_6\n";
    if (delimiter == ',') text = "a_b_c\n1_2_3\n4_5_6\n";
    std::replace(text.begin(), text.end(), '_', delimiter);
    std::istringstream in(text);
    ASSERT_OK_AND_ASSIGN(const auto reader, CsvReader::Open(&in));
    EXPECT_EQ(reader->format().delimiter, delimiter);
    EXPECT_THAT(reader->header(), ElementsAre("a", "b", "c"));
  }
}

TEST(CsvTest, ByteOrderMarkIsNoPartOfTheFirstName) {
  std::istringstream in("\xEF\xBB\xBFname,ort\nJos\xC3\xA9,x\n");
  ASSERT_OK_AND_ASSIGN(const auto reader, CsvReader::Open(&in));
  EXPECT_THAT(reader->header(), ElementsAre("name", "ort"));
  EXPECT_TRUE(reader->format().byte_order_mark);
}

TEST(CsvTest, WindowsCharactersBecomeUtf8) {
  const auto rows = ReadAll("name;preis\nM\xFCller;5 \x80\n");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_THAT(rows[0].fields, ElementsAre("Müller", "5 €"));
}

TEST(CsvTest, EncodingIsDecidedAtTheFirstCharacterThatTells) {
  std::string text = "name,x\n";
  for (int i = 0; i < 20000; ++i) text += "plain,ascii\n";
  text += "Fran\xE7ois,1\n";
  auto rows = ReadAll(text);
  EXPECT_EQ(rows.back().fields[0], "François");
  // One broken row does not turn a UTF-8 file into another.
  rows = ReadAll("n,x\nM\xC3\xBCller,1\nJos\xC3\xA9,2\nbad\xFF,3\nok,4\n");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].fields[0], "Müller");
  EXPECT_EQ(rows[2].fault, CsvFault::kEncoding);
  EXPECT_THAT(rows[2].fields, IsEmpty());
  EXPECT_EQ(rows[3].fault, CsvFault::kNone);
}

TEST(CsvTest, OneBadRowCostsThatRowAlone) {
  const auto rows =
      ReadAll(std::string("a,b\n1,2\ntoo,many,fields\nfew\nin\"side,x\n"
                          "\"closed\"text,x\nn") +
              std::string(1, '\0') + "ul,x\n3,4\n");
  ASSERT_EQ(rows.size(), 7u);
  EXPECT_EQ(rows[0].fault, CsvFault::kNone);
  EXPECT_EQ(rows[1].fault, CsvFault::kRagged);
  EXPECT_EQ(rows[2].fault, CsvFault::kRagged);
  EXPECT_EQ(rows[3].fault, CsvFault::kQuote);
  EXPECT_EQ(rows[4].fault, CsvFault::kQuote);
  EXPECT_EQ(rows[5].fault, CsvFault::kNulByte);
  EXPECT_EQ(rows[6].fault, CsvFault::kNone);
  EXPECT_EQ(rows[6].number, 8u);
  EXPECT_THAT(rows[6].fields, ElementsAre("3", "4"));
}

TEST(CsvTest, QuoteThatNeverClosesDoesNotSwallowTheFile) {
  std::string text = "a,b\n1,2\n\"open,x\n";
  for (int i = 0; i < 20000; ++i) text += "7,8\n";
  const auto rows = ReadAll(text);
  ASSERT_EQ(rows.size(), 20002u);
  EXPECT_EQ(rows[1].fault, CsvFault::kUnclosedQuote);
  EXPECT_EQ(rows[2].fault, CsvFault::kNone);
  EXPECT_EQ(rows.back().number, 20003u);
}

TEST(CsvTest, FieldAndRowOverTheirBoundsAreSkippedWhole) {
  const std::string text = "a,b\n" + std::string(kMaxCsvFieldBytes + 10, 'x') +
                           ",1\n" + std::string(3 << 20, 'y') + ",2\n5,6\n";
  const auto rows = ReadAll(text);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].fault, CsvFault::kTooLong);
  EXPECT_EQ(rows[1].fault, CsvFault::kTooLong);
  EXPECT_THAT(rows[2].fields, ElementsAre("5", "6"));
  EXPECT_EQ(rows[2].number, 4u);
}

TEST(CsvTest, EmptyLinesAreSkippedAndCounted) {
  const auto rows = ReadAll("a\n\n1\n\n\"\"\n2");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].number, 3u);
  EXPECT_THAT(rows[1].fields, ElementsAre(""));
  EXPECT_THAT(rows[2].fields, ElementsAre("2"));
}

TEST(CsvTest, OldMacintoshLineEndsAreRead) {
  const auto rows = ReadAll("a,b\r1,2\r3,4\r");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_THAT(rows[1].fields, ElementsAre("3", "4"));
}

TEST(CsvTest, HeaderFaultsAreNamed) {
  EXPECT_THAT(OpenError(""), HasSubstr("empty"));
  EXPECT_THAT(OpenError("a,,c\n"), HasSubstr("column 2 has no name"));
  EXPECT_THAT(OpenError("a,b, a \n"),
              HasSubstr("columns 1 and 3 have the same name, \"a\""));
  EXPECT_THAT(OpenError("\xFF\xFE"
                        "a"),
              HasSubstr("UTF-16"));
  // A file without a header must not put somebody's data into a message.
  EXPECT_THAT(OpenError("x@example.org,x@example.org\n"),
              Not(HasSubstr("example")));
}

TEST(CsvTest, CellsThatASpreadsheetWouldRunAreDefused) {
  std::string out;
  AppendCsvLine({"=1+1", "+49 30 1", "-cmd", "@sum", "-12.5", "plain", " =x",
                 "a,b", "q\"q", "\t=x", ""},
                &out);
  EXPECT_EQ(out,
            "'=1+1,'+49 30 1,'-cmd,'@sum,-12.5,plain,' =x,\"a,b\","
            "\"q\"\"q\",\"'\t=x\",\r\n");
}

TEST(CsvTest, WrittenRowsAreReadBackTheSame) {
  std::mt19937 random(20260301);
  const std::string alphabet = "ab,;\"\r\n \t|é";
  for (int round = 0; round < 300; ++round) {
    const size_t columns = 1 + random() % 5;
    std::vector<std::string> header;
    std::string text;
    for (size_t i = 0; i < columns; ++i) {
      header.push_back("c" + std::to_string(i));
    }
    AppendCsvLine(header, &text);
    std::vector<std::vector<std::string>> written;
    for (int n = 0; n < 5; ++n) {
      std::vector<std::string> fields;
      for (size_t i = 0; i < columns; ++i) {
        // A letter first: what is defused is not the same when read back.
        std::string field = "x";
        for (size_t k = random() % 6; k > 0; --k) {
          field.push_back(alphabet[random() % (alphabet.size() - 2)]);
        }
        fields.push_back(field);
      }
      AppendCsvLine(fields, &text);
      written.push_back(fields);
    }
    std::istringstream in(text);
    ASSERT_OK_AND_ASSIGN(const auto reader, CsvReader::Open(&in, ','));
    for (const auto& fields : written) {
      CsvRow row;
      ASSERT_OK_AND_ASSIGN(const bool more, reader->Next(&row));
      ASSERT_TRUE(more);
      EXPECT_EQ(row.fault, CsvFault::kNone);
      EXPECT_EQ(row.fields, fields);
    }
  }
}

}  // namespace
}  // namespace consentry::tools
