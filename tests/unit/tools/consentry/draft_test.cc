#include "tools/consentry/draft.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "consentry/config/v1/import_map.pb.h"
#include "policy/packs/packs.h"
#include "proto/support/text_proto.h"
#include "tests/testing/status_matchers.h"
#include "tools/consentry/catalog_text.h"
#include "tools/consentry/csv.h"
#include "tools/consentry/import_map.h"
#include "tools/consentry/samples/generator.h"

namespace consentry::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

DraftOptions Options(const std::string& source) {
  DraftOptions options;
  options.source = source;
  options.file_name = "file.csv";
  options.home_country = "DE";
  for (const EmbeddedFile& file : policy::EmbeddedDefaults()) {
    if (file.name != "catalog.txtpb") continue;
    options.catalog_text = std::string(file.content);
    TextProto text("catalog.txtpb");
    EXPECT_OK(text.Parse(file.content, &options.catalog));
  }
  return options;
}

ImportDraft Draft(const std::string& csv, const std::string& source = "crm") {
  std::istringstream in(csv);
  const DraftOptions options = Options(source);
  auto draft = DraftImport(&in, options);
  EXPECT_OK(draft);
  return draft.ok() ? *std::move(draft) : ImportDraft();
}

config::v1::ImportMap Parsed(const ImportDraft& draft) {
  config::v1::ImportMap map;
  TextProto text("draft.txtpb");
  EXPECT_OK(text.Parse(draft.map_text, &map)) << draft.map_text;
  return map;
}

// Columns by "kind.field" and by "identifier type".
std::map<std::string, std::string> Columns(const config::v1::ImportMap& map) {
  std::map<std::string, std::string> columns;
  for (const auto& identifier : map.identifiers()) {
    columns["identifier " + identifier.type()] = identifier.column();
  }
  for (const auto& record : map.records()) {
    for (const auto& field : record.fields()) {
      columns[record.kind() + "." + field.field()] =
          field.columns(field.columns_size() - 1);
    }
  }
  return columns;
}

// A drafted map that imports as it is: returns the rows it makes.
std::vector<v1::ImportRow> ImportAsDrafted(const std::string& csv,
                                           const ImportDraft& draft) {
  config::v1::ImportMap map;
  TextProto text("draft.txtpb");
  EXPECT_OK(text.Parse(draft.map_text, &map));
  std::istringstream in(csv);
  std::vector<v1::ImportRow> rows;
  const auto reader = CsvReader::Open(&in);
  EXPECT_OK(reader);
  if (!reader.ok()) return rows;
  const auto mapper = ImportMapper::Create(map, text, (*reader)->header(), 0);
  EXPECT_OK(mapper) << draft.map_text;
  if (!mapper.ok()) return rows;
  CsvRow row;
  while (*(*reader)->Next(&row)) {
    if (row.fault != CsvFault::kNone) continue;
    for (v1::ImportRow& mapped : (*mapper)->Map(row).rows) {
      rows.push_back(std::move(mapped));
    }
  }
  return rows;
}

TEST(DraftTest, GermanExportIsRecognised) {
  const std::string csv =
      "Kundennr;Vorname;Nachname;E-Mail;Telefon;PLZ;Ort;Land;Geburtsdatum;"
      "Newsletter;Newsletter am\n"
      "17;Ada;Beispiel;ada@example.org;030 23125-001;10115;Berlin;Deutschland;"
      "24.12.1990;ja;01.02.2024\n"
      "18;Bea;Muster;bea@example.org;030 23125-002;80331;München;DE;"
      "13.05.1985;nein;03.02.2024\n";
  const ImportDraft draft = Draft(csv);
  const auto map = Parsed(draft);
  const auto columns = Columns(map);
  EXPECT_EQ(columns.at("identifier external_id"), "Kundennr");
  EXPECT_EQ(columns.at("identifier email"), "E-Mail");
  EXPECT_EQ(columns.at("profile.given_name"), "Vorname");
  EXPECT_EQ(columns.at("profile.postal_code"), "PLZ");
  EXPECT_EQ(columns.at("profile.country"), "Land");
  EXPECT_EQ(map.birth_date().formats(0), "DD.MM.YYYY");
  ASSERT_EQ(map.choices_size(), 1);
  EXPECT_EQ(map.choices(0).give(0), "ja");
  EXPECT_EQ(map.choices(0).refuse(0), "nein");
  EXPECT_EQ(map.choices(0).captured().column(), "Newsletter am");
  EXPECT_THAT(draft.catalog_text, IsEmpty());
  EXPECT_THAT(draft.map_text, HasSubstr("# review: sure"));

  const auto rows = ImportAsDrafted(csv, draft);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].legal_facts().birth_date(), "1990-12-24");
  EXPECT_EQ(rows[0].legal_facts().residence(), "DE");
  EXPECT_EQ(rows[1].choices(0).action(), v1::CONSENT_ACTION_REFUSE);
}

TEST(DraftTest, FrenchAndSpanishNamesAreRecognised) {
  auto columns = Columns(
      Parsed(Draft("N° client,Prénom,Nom,Courriel,Date de naissance,Pays\n"
                   "1,Zoé,Test,z@example.org,31/12/1990,France\n")));
  EXPECT_EQ(columns.at("identifier external_id"), "N° client");
  EXPECT_EQ(columns.at("profile.given_name"), "Prénom");
  EXPECT_EQ(columns.at("profile.birth_date"), "Date de naissance");
  columns = Columns(
      Parsed(Draft("id cliente,nombre,apellidos,correo electrónico,país\n"
                   "1,Eva,Test,e@example.org,España\n")));
  EXPECT_EQ(columns.at("profile.family_name"), "apellidos");
  EXPECT_EQ(columns.at("profile.email"), "correo electrónico");
  EXPECT_EQ(columns.at("profile.country"), "país");
}

TEST(DraftTest, ContentTellsWhatNamesDoNot) {
  const auto map =
      Parsed(Draft("a,b,c,d\nx@example.org,+49 30 23125001,2020-01-02,yes\n"
                   "y@example.org,+49 30 23125002,2020-01-03,no\n"));
  const auto columns = Columns(map);
  EXPECT_EQ(columns.at("profile.email"), "a");
  EXPECT_EQ(columns.at("profile.phone"), "b");
  EXPECT_EQ(map.records(0).fields(2).type(), config::v1::FieldType::DATE);
  EXPECT_EQ(map.records(0).fields(3).type(), config::v1::FieldType::BOOL);
}

TEST(DraftTest, DayAndMonthThatCannotBeToldApartAreSaidSo) {
  ImportDraft draft = Draft("id,birthday\n1,01/02/1990\n2,03/04/1991\n");
  EXPECT_THAT(draft.map_text, HasSubstr("cannot be told apart"));
  draft = Draft("id,birthday\n1,01/02/1990\n2,13/04/1991\n");
  EXPECT_THAT(draft.map_text, Not(HasSubstr("cannot be told apart")));
  EXPECT_EQ(Parsed(draft).birth_date().formats(0), "DD/MM/YYYY");
}

TEST(DraftTest, ConsentWithoutDateIsLeftOutAndRefusalKept) {
  const std::string csv = "id,city,newsletter\n1,Ulm,yes\n2,Ulm,no\n";
  const ImportDraft draft = Draft(csv);
  const auto map = Parsed(draft);
  ASSERT_EQ(map.choices_size(), 1);
  EXPECT_EQ(map.choices(0).give_size(), 0);
  EXPECT_EQ(map.choices(0).refuse(0), "no");
  EXPECT_THAT(draft.map_text, HasSubstr("no column says when"));
  EXPECT_EQ(ImportAsDrafted(csv, draft).size(), 2u);
}

TEST(DraftTest, UnknownColumnsBecomeNewCatalogFieldsInTheirKind) {
  const ImportDraft draft =
      Draft("id,email,Shoe Size,Größe\n1,x@example.org,42,L\n", "loyalty");
  EXPECT_EQ(draft.new_fields, 2);
  config::v1::Catalog catalog;
  TextProto text("catalog.txtpb");
  ASSERT_OK(text.Parse(draft.catalog_text, &catalog));
  std::set<std::string> fields;
  int profiles = 0;
  for (const auto& kind : catalog.kinds()) {
    if (kind.key() != "profile") continue;
    ++profiles;
    for (const auto& field : kind.fields()) fields.insert(field.key());
  }
  EXPECT_EQ(profiles, 1);
  EXPECT_EQ(fields.count("shoe_size"), 1u);
  EXPECT_EQ(fields.count("grosse"), 1u);
  EXPECT_EQ(fields.count("given_name"), 1u);  // What was there is still there.
  EXPECT_EQ(catalog.sources(catalog.sources_size() - 1).key(), "loyalty");
  EXPECT_THAT(draft.catalog_text, HasSubstr("# review: guessed from column"));
  EXPECT_THAT(draft.catalog_text, HasSubstr("# What a small shop holds"));
}

TEST(DraftTest, NoCellGetsIntoTheDraft) {
  const ImportDraft draft = Draft(
      "id,name,newsletter,note\n1,Canary One,yes canary spoke,Canary\n"
      "2,Canary Two,no,Canary\n");
  EXPECT_THAT(draft.map_text, Not(HasSubstr("anary")));
  EXPECT_THAT(draft.catalog_text, Not(HasSubstr("anary")));
  EXPECT_THAT(draft.map_text, HasSubstr("1 other words are held back"));
}

TEST(DraftTest, OwnSamplesAreDraftedSoThatTheyImport) {
  SampleOptions options;
  options.customers = 300;
  for (const SampleFile& file : GenerateSamples(options)) {
    const ImportDraft draft = Draft(file.content, "crm");
    const auto rows = ImportAsDrafted(file.content, draft);
    EXPECT_GT(rows.size(), 20u) << file.name << "\n" << draft.map_text;
    const auto map = Parsed(draft);
    EXPECT_EQ(map.records(0).kind(),
              file.name == "tickets.csv" ? "ticket"
              : file.name == "orders.csv" || file.name == "pos.csv"
                  ? "order"
                  : "profile");
  }
}

TEST(CatalogTextTest, FieldsGoIntoTheirKindAndNowhereElse) {
  const std::string text =
      "# kinds { key: \"a\" }\n"
      "kinds {\n  key: \"b\"  # }\n  title: \"} key: \\\"a\\\"\"\n"
      "  fields { key: \"a\" }\n}\n"
      "kinds: <\n  key: 'a'\n>\n";
  const std::string out = InsertIntoKind(text, "a", "  X\n");
  EXPECT_THAT(out, HasSubstr("key: 'a'\n  X\n>"));
  EXPECT_EQ(out.size(), text.size() + 4);
  EXPECT_THAT(InsertIntoKind("kinds { key: \"a\" }", "a", "  X\n"),
              HasSubstr("key: \"a\" \n  X\n}"));
  EXPECT_THAT(InsertIntoKind(text, "c", "  X\n"),
              ::testing::EndsWith("title: \"c\"\n  X\n}\n"));
}

// Public data beside the project, where it is.
std::string SharedFile(const std::string& name) {
  const char* root = std::getenv("CONSENTRY_SHARED_DATA");
  const std::string path =
      (root != nullptr
           ? std::string(root)
           : std::string(CONSENTRY_SOURCE_DIR) + "/../shared/data") +
      "/" + name;
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

TEST(DraftTest, PublicExportsAreDraftedSoThatTheyImport) {
  const std::string customers = SharedFile("chinook-customers.csv");
  if (customers.empty()) GTEST_SKIP() << "no shared data beside the project";
  const ImportDraft draft = Draft(customers);
  const auto columns = Columns(Parsed(draft));
  EXPECT_EQ(columns.at("identifier external_id"), "CustomerId");
  EXPECT_EQ(columns.at("profile.given_name"), "FirstName");
  EXPECT_EQ(columns.at("profile.region"), "State");
  EXPECT_EQ(columns.at("profile.fax"), "Fax");
  const auto rows = ImportAsDrafted(customers, draft);
  ASSERT_EQ(rows.size(), 59u);
  std::map<std::string, int> residences;
  for (const auto& row : rows) ++residences[row.legal_facts().residence()];
  EXPECT_EQ(residences["US-CA"], 3);
  EXPECT_EQ(residences["CA-QC"], 1);
  EXPECT_EQ(residences[""], 0);

  const std::string invoices = SharedFile("chinook-invoices.csv");
  const ImportDraft second = Draft(invoices, "pos");
  const auto map = Parsed(second);
  EXPECT_EQ(map.records(0).kind(), "order");
  EXPECT_EQ(map.records(0).key(0), "InvoiceId");
  EXPECT_EQ(ImportAsDrafted(invoices, second).size(), 412u);

  const std::string bank = SharedFile("bank-marketing.csv");
  const ImportDraft third = Draft(bank, "crm");
  EXPECT_EQ(Columns(Parsed(third)).at("identifier external_id"), "client_id");
  const auto bank_map = Parsed(third);
  for (const auto& field : bank_map.records(0).fields()) {
    // Minus one is no "yes".
    if (field.field() == "pdays" || field.field() == "previous") {
      EXPECT_EQ(field.type(), config::v1::FieldType::INT) << field.field();
    }
  }
  EXPECT_EQ(ImportAsDrafted(bank, third).size(), 45210u);
}

}  // namespace
}  // namespace consentry::tools
