#include "gateway/rights/report_formats.h"

#include <gtest/gtest.h>
#include <jansson.h>
#include <zip.h>

#include <map>
#include <memory>
#include <string>

#include "gateway/rights/report_build.h"
#include "tests/testing/status_matchers.h"

namespace consentry::rights {
namespace {

store::v1::AccessReport Sample() {
  store::v1::AccessReport report;
  report.set_case_id("rgt_abcdefghijklmnopqrstuvwx");
  report.set_kind("access");
  report.set_language("de");
  report.set_controller("Muster <GmbH>");
  auto* table = report.add_tables();
  table->set_kind("profile");
  table->set_title("Profile");
  auto* column = table->add_columns();
  column->set_key("name");
  column->set_title("Name");
  column->set_category("user.name");
  auto* record = table->add_records();
  record->set_id("rec_1");
  (*record->mutable_values())["name"] = "=HYPERLINK(\"x\")";
  (*table->add_records()->mutable_values())["name"] =
      "<script>alert(1)</script>";
  auto* seen = report.add_consultations();
  seen->set_at("2026-11-03T10:00:00Z");
  seen->set_recipient("Partner & Co");
  seen->set_purpose("service");
  seen->add_fields("profile.name");
  report.set_entries_seen(10000);
  return report;
}

std::map<std::string, std::string> Unpack(const std::string& bytes) {
  std::map<std::string, std::string> files;
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source =
      zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  zip_t* archive = zip_open_from_source(source, ZIP_RDONLY, &error);
  EXPECT_NE(archive, nullptr);
  if (archive == nullptr) return files;
  const zip_int64_t count = zip_get_num_entries(archive, 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const auto index = static_cast<zip_uint64_t>(i);
    zip_stat_t stat;
    zip_stat_index(archive, index, 0, &stat);
    std::string content(stat.size, '\0');
    zip_file_t* file = zip_fopen_index(archive, index, 0);
    zip_fread(file, content.data(), content.size());
    zip_fclose(file);
    files[stat.name] = content;
  }
  zip_close(archive);
  return files;
}

TEST(ReportFormatsTest, JsonIsWholeAndNamesItsSchema) {
  const auto json = ReportJson(Sample());
  ASSERT_OK(json.status());
  json_error_t error;
  json_t* root = json_loadb(json->data(), json->size(), 0, &error);
  ASSERT_NE(root, nullptr) << error.text;
  json_t* report = json_object_get(root, "report");
  json_t* schema = json_object_get(root, "schema");
  ASSERT_NE(report, nullptr);
  ASSERT_NE(schema, nullptr);
  // Every name in the report is one of the schema, at each level.
  json_t* properties = json_object_get(schema, "properties");
  const char* key;
  json_t* value;
  json_object_foreach(report, key, value) {
    EXPECT_NE(json_object_get(properties, key), nullptr) << key;
  }
  json_t* definitions = json_object_get(schema, "$defs");
  for (const char* name :
       {"ReportTable", "ReportRecord", "ReportConsultation", "ReportFlags"}) {
    EXPECT_NE(json_object_get(definitions, name), nullptr) << name;
  }
  EXPECT_STREQ(json_string_value(json_object_get(report, "entries_seen")),
               "10000");
  json_decref(root);
}

TEST(ReportFormatsTest, ZipHoldsOneTableForEachKindAndASchema) {
  const auto zip = ReportZip(Sample());
  ASSERT_OK(zip.status());
  const auto files = Unpack(*zip);
  ASSERT_TRUE(files.contains("data_profile.csv"));
  ASSERT_TRUE(files.contains("schema.csv"));
  ASSERT_TRUE(files.contains("consultations.csv"));
  EXPECT_NE(files.at("data_profile.csv").find("\"'=HYPERLINK(\"\"x\"\")\""),
            std::string::npos)
      << files.at("data_profile.csv");
  EXPECT_NE(files.at("schema.csv").find("data_profile.csv,name,Name,user.name"),
            std::string::npos);
  EXPECT_EQ(*zip, *ReportZip(Sample()));
}

TEST(ReportFormatsTest, CellsThatASpreadsheetWouldRunAreQuoted) {
  EXPECT_EQ(CsvCell("plain"), "plain");
  EXPECT_EQ(CsvCell(""), "");
  EXPECT_EQ(CsvCell("=1+1"), "'=1+1");
  EXPECT_EQ(CsvCell("+49 30"), "'+49 30");
  EXPECT_EQ(CsvCell("-5"), "'-5");
  EXPECT_EQ(CsvCell("@x"), "'@x");
  EXPECT_EQ(CsvCell("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvCell("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(CsvCell("\tx"), "'\tx");
  EXPECT_EQ(CsvCell("a\r\nb"), "\"a\r\nb\"");
}

TEST(ReportFormatsTest, PageRunsNothingAndLeaksNoMarkup) {
  const std::string html = ReportHtml(Sample());
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_NE(html.find("&lt;script&gt;"), std::string::npos);
  EXPECT_NE(html.find("Muster &lt;GmbH&gt;"), std::string::npos);
  EXPECT_NE(html.find("Was wir über Sie gespeichert haben"), std::string::npos);
  EXPECT_EQ(html.find("http"), html.find("http-equiv"));
  EXPECT_EQ(html.find("src="), std::string::npos);
  EXPECT_NE(html.find("Partner &amp; Co"), std::string::npos);
  EXPECT_EQ(html.find("<h2></h2>"), std::string::npos);
}

TEST(ReportFormatsTest, AnOutputIsShownWithAllThatItSays) {
  store::v1::AccessReport report = Sample();
  auto* output = report.add_outputs();
  output->set_kind("decision");
  output->set_content("We looked at your request");
  output->set_label("refused");
  output->set_price("12.50 EUR");
  output->set_base_price("10.00 EUR");
  output->add_ranking("chair");
  output->set_score("0.2");
  output->set_favourable("no");
  output->add_inputs("user.account");
  output->add_original("label: granted");
  const std::string html = ReportHtml(report);
  for (const char* part :
       {"We looked at your request", "refused", "12.50 EUR",
        "Ohne Personalisierung: 10.00 EUR", "chair", "Punktwert: 0.2",
        "Nicht zu Ihren Gunsten", "user.account", "label: granted"}) {
    EXPECT_NE(html.find(part), std::string::npos) << part;
  }
}

TEST(ReportFormatsTest, ValuesAsPeopleReadThem) {
  v1::Value value;
  value.set_bool_value(true);
  EXPECT_EQ(TextOf(value), "true");
  value.mutable_money_value()->set_currency("EUR");
  value.mutable_money_value()->set_minor_units(-1205);
  EXPECT_EQ(TextOf(value), "-12.05 EUR");
  value.mutable_money_value()->set_minor_units(-5);
  EXPECT_EQ(TextOf(value), "-0.05 EUR");
  value.mutable_money_value()->set_currency("JPY");
  value.mutable_money_value()->set_minor_units(1200);
  EXPECT_EQ(TextOf(value), "1200 JPY");
  value.set_double_value(0.5);
  EXPECT_EQ(TextOf(value), "0.5");
}

TEST(ReportFormatsTest, AWideRecordStandsUprightAndLosesNothing) {
  store::v1::AccessReport report = Sample();
  auto* table = report.add_tables();
  table->set_kind("wide");
  table->set_title("Wide");
  auto* record = table->add_records();
  for (int i = 0; i < 8; ++i) {
    auto* column = table->add_columns();
    column->set_key("f" + std::to_string(i));
    column->set_title("Title " + std::to_string(i));
    (*record->mutable_values())[column->key()] = "value " + std::to_string(i);
  }
  const std::string html = ReportHtml(report);
  for (int i = 0; i < 8; ++i) {
    const std::string n = std::to_string(i);
    EXPECT_NE(html.find("<tr><th scope=\"row\">Title " + n + "</th><td>value " +
                        n + "</td></tr>"),
              std::string::npos)
        << n;
  }
  // A value that is kept back is told as such, under the name people know.
  auto* held = report.add_withheld();
  held->set_field("wide.f9");
  auto* column = report.mutable_tables(report.tables_size() - 1)->add_columns();
  column->set_key("f9");
  column->set_title("Title 9");
  column->set_retention_months(120);
  const std::string partly = ReportHtml(report);
  EXPECT_NE(partly.find("Title 9</th><td><span class=\"held\">"),
            std::string::npos);
  EXPECT_NE(partly.find("<td>Wide: Title 9</td>"), std::string::npos);
  EXPECT_NE(partly.find("<td>10 Jahre</td>"), std::string::npos);
  // The narrow one keeps its columns side by side.
  EXPECT_NE(html.find("<th scope=\"col\">Name</th>"), std::string::npos);
}

}  // namespace
}  // namespace consentry::rights
