#include "tools/consentry/import_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "tools/consentry/import_map_check.h"

namespace consentry::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kMap[] = R"(
source: "crm"
purpose: "essential.service.order"
phone_country: "DE"
date_formats: "DD.MM.YYYY"
date_formats: "YYYY-MM-DD"
decimal_comma: true
empty_words: "n/a"
identifiers { type: "email" column: "Mail" verified_column: "Checked" }
identifiers { type: "phone" column: "Tel" }
identifiers { type: "external_id" column: "Id" }
residence { country: "Land" region: "Staat" default_country: "DE" }
birth_date { column: "Geboren" }
collected { column: "Stand" }
choices {
  purpose: "marketing.communications.email"
  column: "Newsletter"
  give: "ja" refuse: "nein" withdraw: "abgemeldet"
  captured { column: "Newsletter am" }
  method: "web form" channel: WEB
  notice_id: "newsletter" notice_version: 2 notice_language: "de"
}
records {
  kind: "profile" key: "Id"
  fields { field: "name" columns: "Vorname" columns: "Nachname"
           letter_case: TITLE }
  fields { field: "gender" columns: "Anrede"
           values { key: "Herr" value: "male" }
           values { key: "Frau" value: "female" } only_values: true }
  fields { field: "spent" columns: "Umsatz" type: MONEY currency: "EUR" }
}
records {
  kind: "order" key: "Id" key: "Bestellung"
  when { column: "Bestellung" present: true }
  fields { field: "number" columns: "Bestellung" }
}
)";

const std::vector<std::string> kHeader = {
    "Id",      "Mail",     "Checked", "Tel",        "Land",
    "Staat",   "Geboren",  "Stand",   "Newsletter", "Newsletter am",
    "Vorname", "Nachname", "Anrede",  "Umsatz",     "Bestellung"};

constexpr int64_t kFileUs = 1767225600000000;  // 2026-01-01

class ImportMapTest : public ::testing::Test {
 protected:
  void SetUp() override {
    config::v1::ImportMap map;
    TextProto text("crm.txtpb");
    ASSERT_OK(text.Parse(kMap, &map));
    auto made = ImportMapper::Create(map, text, kHeader, kFileUs);
    ASSERT_OK(made);
    mapper_ = *std::move(made);
    row_.number = 7;
    row_.fields = {"17",
                   " Someone@Example.org ",
                   "yes",
                   "0711 5550100",
                   "",
                   "",
                   "24.12.1990",
                   "2026-01-02",
                   "",
                   "",
                   "ADA",
                   "BEISPIEL",
                   "Frau",
                   "1.234,50",
                   ""};
  }

  void Set(const std::string& column, const std::string& cell) {
    for (size_t i = 0; i < kHeader.size(); ++i) {
      if (kHeader[i] == column) row_.fields[i] = cell;
    }
  }

  static std::vector<std::string> Columns(const MappedRow& mapped) {
    std::vector<std::string> columns;
    for (const CellFault& fault : mapped.faults) {
      columns.push_back(fault.column);
    }
    return columns;
  }

  std::unique_ptr<ImportMapper> mapper_;
  CsvRow row_;
};

TEST_F(ImportMapTest, OneRowBecomesIdentifiersFactsAndValues) {
  const MappedRow mapped = mapper_->Map(row_);
  EXPECT_THAT(mapped.faults, IsEmpty());
  ASSERT_EQ(mapped.rows.size(), 1u);
  const v1::ImportRow& row = mapped.rows[0];
  EXPECT_EQ(row.number(), 7u);
  EXPECT_EQ(row.kind(), "profile");
  EXPECT_EQ(row.source_key(), "17");
  ASSERT_EQ(row.identifiers_size(), 3);
  EXPECT_EQ(row.identifiers(0).value(), "Someone@Example.org");
  EXPECT_TRUE(row.identifiers(0).verified());
  EXPECT_EQ(row.identifiers(1).value(), "+497115550100");
  EXPECT_FALSE(row.identifiers(1).verified());
  EXPECT_EQ(row.identifiers(2).namespace_(), "crm");
  EXPECT_EQ(row.legal_facts().residence(), "DE");
  EXPECT_EQ(row.legal_facts().birth_date(), "1990-12-24");
  EXPECT_EQ(row.values().at("name").string_value(), "Ada Beispiel");
  EXPECT_EQ(row.values().at("gender").string_value(), "female");
  EXPECT_EQ(row.values().at("spent").string_value(), "1234.50 EUR");
  EXPECT_EQ(row.collect_time().seconds(), 1767312000);
}

TEST_F(ImportMapTest, RowWithAnOrderBecomesTwoRecords) {
  Set("Bestellung", "B-1");
  Set("Newsletter", "ja");
  Set("Newsletter am", "01.03.2025");
  const MappedRow mapped = mapper_->Map(row_);
  ASSERT_EQ(mapped.rows.size(), 2u);
  EXPECT_EQ(mapped.rows[1].kind(), "order");
  EXPECT_EQ(mapped.rows[1].source_key(), std::string("17\x1f") + "B-1");
  // Facts and choices once.
  EXPECT_EQ(mapped.rows[0].choices_size(), 1);
  EXPECT_EQ(mapped.rows[1].choices_size(), 0);
  EXPECT_FALSE(mapped.rows[1].has_legal_facts());
}

TEST_F(ImportMapTest, PhoneIsReadInTheCountryOfItsRow) {
  Set("Land", "France");
  Set("Tel", "01 55 50 01 00");
  EXPECT_EQ(mapper_->Map(row_).rows[0].identifiers(1).value(), "+33155500100");
}

TEST(ImportMapPlaceTest, PhoneIsReadInTheCountryOfTheTill) {
  config::v1::ImportMap map;
  TextProto text("pos.txtpb");
  ASSERT_OK(text.Parse(R"(
source: "pos" purpose: "p" phone_country: "DE" phone_country_column: "till"
identifiers { type: "phone" column: "tel" }
records { kind: "order" key: "id" fields { field: "number" columns: "id" } }
)",
                       &map));
  ASSERT_OK_AND_ASSIGN(
      const auto mapper,
      ImportMapper::Create(map, text, {"id", "tel", "till"}, kFileUs));
  const auto phone = [&](const std::string& till, const std::string& number) {
    return mapper->Map({.number = 2, .fields = {"1", number, till}})
        .rows[0]
        .identifiers(0)
        .value();
  };
  EXPECT_EQ(phone("US", "(415) 555-0134"), "+14155550134");
  EXPECT_EQ(phone("", "030 23125001"), "+493023125001");
}

TEST_F(ImportMapTest, StateIsPartOfResidence) {
  Set("Land", "USA");
  Set("Staat", "Calif.");
  EXPECT_EQ(mapper_->Map(row_).rows[0].legal_facts().residence(), "US-CA");
}

TEST_F(ImportMapTest, CellThatDoesNotFollowTheMapIsHeldBackAlone) {
  Set("Geboren", "31.02.1990");
  Set("Umsatz", "viel");
  Set("Anrede", "Divers");
  Set("Land", "Ruritania");
  const MappedRow mapped = mapper_->Map(row_);
  EXPECT_THAT(Columns(mapped),
              ElementsAre("Land", "Anrede", "Umsatz", "Geboren"));
  ASSERT_EQ(mapped.rows.size(), 1u);
  EXPECT_FALSE(mapped.rows[0].has_legal_facts());
  EXPECT_EQ(mapped.rows[0].values().count("gender"), 0u);
  EXPECT_EQ(mapped.rows[0].values().count("name"), 1u);
}

TEST_F(ImportMapTest, ConsentNeedsItsDateAndItsWord) {
  Set("Newsletter", "JA ");
  MappedRow mapped = mapper_->Map(row_);
  EXPECT_THAT(Columns(mapped), ElementsAre("Newsletter am"));
  EXPECT_EQ(mapped.rows[0].choices_size(), 0);

  Set("Newsletter am", "01.03.2025");
  mapped = mapper_->Map(row_);
  EXPECT_THAT(mapped.faults, IsEmpty());
  const v1::ImportedChoice& choice = mapped.rows[0].choices(0);
  EXPECT_EQ(choice.action(), v1::CONSENT_ACTION_GIVE);
  EXPECT_EQ(choice.capture_time().seconds(), 1740787200);
  EXPECT_EQ(choice.notice().version(), 2u);
  EXPECT_EQ(choice.notice().language(), "de");

  for (const char* words : {"said something on the phone", "ja?", "(ja)",
                            "ja, aber", "j a", "jaja"}) {
    Set("Newsletter", words);
    mapped = mapper_->Map(row_);
    EXPECT_THAT(Columns(mapped), ElementsAre("Newsletter")) << words;
    EXPECT_EQ(mapped.rows[0].choices_size(), 0) << words;
  }
}

TEST_F(ImportMapTest, WithdrawalIsNeverLostForWantOfADate) {
  Set("Newsletter", "abgemeldet");
  Set("Newsletter am", "some day");
  const MappedRow mapped = mapper_->Map(row_);
  EXPECT_THAT(Columns(mapped), ElementsAre("Newsletter am"));
  ASSERT_EQ(mapped.rows[0].choices_size(), 1);
  EXPECT_EQ(mapped.rows[0].choices(0).action(), v1::CONSENT_ACTION_WITHDRAW);
  EXPECT_EQ(mapped.rows[0].choices(0).capture_time().seconds() * 1000000,
            kFileUs);
}

TEST_F(ImportMapTest, RowWithoutIdentifierOrKeyIsHeldBackWhole) {
  Set("Mail", "N/A");
  Set("Tel", "");
  Set("Id", "");
  MappedRow mapped = mapper_->Map(row_);
  EXPECT_THAT(mapped.rows, IsEmpty());
  ASSERT_EQ(mapped.faults.size(), 1u);
  EXPECT_EQ(mapped.faults[0].reason, v1::ERROR_REASON_IDENTIFIER_MISSING);
  EXPECT_TRUE(mapped.faults[0].whole_row);

  Set("Mail", "x@example.org");
  mapped = mapper_->Map(row_);
  EXPECT_THAT(mapped.rows, IsEmpty());
  EXPECT_EQ(mapped.faults[0].column, "Id");
}

TEST_F(ImportMapTest, FaultsOfTheGatewayAreNamedByColumn) {
  EXPECT_EQ(mapper_->ColumnOf("profile.gender"), "Anrede");
  EXPECT_EQ(mapper_->ColumnOf("email"), "Mail");
  EXPECT_EQ(mapper_->ColumnOf("external_id.crm"), "Id");
  EXPECT_EQ(mapper_->ColumnOf("residence"), "Land");
  EXPECT_EQ(mapper_->ColumnOf("birth_date"), "Geboren");
  EXPECT_EQ(mapper_->ColumnOf("choices"), "Newsletter");
  EXPECT_EQ(mapper_->ColumnOf("row"), "row");
}

TEST(ImportMapCheckTest, AllFaultsAreToldWithTheirPlace) {
  config::v1::ImportMap map;
  TextProto text("bad.txtpb");
  ASSERT_OK(text.Parse(R"(source: "crm"
phone_country: "Germany"
date_formats: "dd.mm.yyyy"
identifiers { type: "email" column: "Nope" }
choices {
  purpose: "p" column: "Id"
  give: "Ja" refuse: "JA"
}
records { kind: "profile" fields { field: "x" } }
)",
                       &map));
  const auto mapper = ImportMapper::Create(map, text, {"Id"}, 0);
  ASSERT_THAT(mapper, testing::StatusIs(absl::StatusCode::kInvalidArgument));
  const std::string message(mapper.status().ToString());
  EXPECT_THAT(message, HasSubstr("bad.txtpb:2"));
  EXPECT_THAT(message, HasSubstr("purpose"));
}

TEST(ImportMapCheckTest, FaultsAreComplete) {
  config::v1::ImportMap map;
  TextProto text("bad.txtpb");
  ASSERT_OK(text.Parse(R"(source: "crm"
phone_country: "Germany"
date_formats: "dd.mm.yyyy"
identifiers { type: "email" column: "Nope" }
choices { purpose: "p" column: "Id" give: "Ja" refuse: "JA" }
records { kind: "profile" fields { field: "x" } }
)",
                       &map));
  const std::vector<std::string> header = {"Id"};
  std::vector<std::string> fields;
  for (const FieldViolation& fault : CheckImportMap(map, &header)) {
    fields.push_back(fault.field);
  }
  EXPECT_THAT(fields, ElementsAre("purpose", "phone_country", "date_formats[0]",
                                  "identifiers[0].column",
                                  "choices[0].captured", "choices[0]",
                                  "records[0].key", "records[0].fields[0]"));
}

}  // namespace
}  // namespace consentry::tools
