#include "tools/consentry/samples/generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cctype>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "consentry/config/v1/catalog.pb.h"
#include "consentry/config/v1/purposes.pb.h"
#include "policy/packs/packs.h"
#include "proto/support/text_proto.h"
#include "re2/re2.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tools/consentry/csv.h"
#include "tools/consentry/import_map.h"

namespace consentry::tools {
namespace {

using ::testing::Contains;

SampleOptions Small() {
  SampleOptions options;
  options.customers = 600;
  return options;
}

// What one file becomes by its map.
struct Mapped {
  std::vector<v1::ImportRow> rows;
  std::map<v1::ErrorReason, int> faults;
  std::set<std::string> fault_columns;
  int bad_rows = 0;
  int file_rows = 0;
};

Mapped MapFile(const SampleFile& file) {
  Mapped out;
  config::v1::ImportMap map;
  TextProto text(file.map);
  for (const EmbeddedFile& embedded : EmbeddedSampleMaps()) {
    if (embedded.name == file.map) {
      EXPECT_OK(text.Parse(embedded.content, &map));
    }
  }
  std::istringstream in(file.content);
  const auto reader = CsvReader::Open(&in);
  EXPECT_OK(reader);
  if (!reader.ok()) return out;
  const auto mapper =
      ImportMapper::Create(map, text, (*reader)->header(), 1767225600000000);
  EXPECT_OK(mapper);
  if (!mapper.ok()) return out;
  CsvRow row;
  for (;;) {
    const auto more = (*reader)->Next(&row);
    EXPECT_OK(more);
    if (!more.ok() || !*more) return out;
    ++out.file_rows;
    if (row.fault != CsvFault::kNone) {
      ++out.bad_rows;
      continue;
    }
    const MappedRow mapped = (*mapper)->Map(row);
    for (const CellFault& fault : mapped.faults) {
      ++out.faults[fault.reason];
      out.fault_columns.insert(fault.column);
    }
    out.rows.insert(out.rows.end(), mapped.rows.begin(), mapped.rows.end());
  }
}

std::map<std::string, Mapped> MapAll(const SampleOptions& options) {
  std::map<std::string, Mapped> all;
  for (const SampleFile& file : GenerateSamples(options)) {
    all[file.name] = MapFile(file);
  }
  return all;
}

const v1::ImportRow* FindCustomer(const Mapped& crm, std::string_view number) {
  for (const v1::ImportRow& row : crm.rows) {
    if (row.source_key() == number) return &row;
  }
  return nullptr;
}

TEST(SamplesTest, SameOptionsGiveTheSameBytes) {
  const auto first = GenerateSamples(Small());
  const auto second = GenerateSamples(Small());
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].content, second[i].content) << first[i].name;
  }
  SampleOptions other = Small();
  other.seed = 2;
  EXPECT_NE(GenerateSamples(other)[0].content, first[0].content);
}

TEST(SamplesTest, EveryFileIsReadByItsMapAndMostOfItIsGood) {
  const auto all = MapAll(SampleOptions());
  ASSERT_EQ(all.size(), 5u);
  for (const auto& [name, mapped] : all) {
    int faults = mapped.bad_rows;
    for (const auto& [reason, count] : mapped.faults) faults += count;
    EXPECT_GT(mapped.file_rows, 200) << name;
    EXPECT_GT(static_cast<int>(mapped.rows.size()), mapped.file_rows * 95 / 100)
        << name;
    EXPECT_LT(faults, mapped.file_rows * 12 / 100) << name;
  }
  EXPECT_GT(all.at("crm.csv").file_rows, 1400);
}

TEST(SamplesTest, TheDirtIsThere) {
  const auto all = MapAll(SampleOptions());
  const Mapped& crm = all.at("crm.csv");
  EXPECT_GE(crm.bad_rows, 1);
  EXPECT_THAT(crm.fault_columns, Contains("Newsletter"));
  EXPECT_THAT(crm.fault_columns, Contains("Newsletter am"));
  EXPECT_THAT(crm.fault_columns, Contains("Geburtsdatum"));
  EXPECT_GE(all.at("web_shop.csv").bad_rows, 1);  // Stray Latin-1.
  std::map<std::string, int> emails;
  for (const v1::ImportRow& row : all.at("web_shop.csv").rows) {
    for (const v1::Identifier& identifier : row.identifiers()) {
      if (identifier.type() == v1::IDENTIFIER_TYPE_EMAIL) {
        ++emails[identifier.value()];
      }
    }
  }
  EXPECT_GT(emails["info@example.com"] + emails["office@example.org"], 3);
}

TEST(SamplesTest, RegionsAndMinorsAreThere) {
  std::map<std::string, int> residences;
  int minors = 0;
  int opted_out = 0;
  const auto all = MapAll(SampleOptions());
  for (const v1::ImportRow& row : all.at("web_shop.csv").rows) {
    ++residences[row.legal_facts().residence()];
    if (row.legal_facts().birth_date() > "2008-01-01") ++minors;
    for (const v1::ImportedChoice& choice : row.choices()) {
      if (choice.purpose() == "third_party_sharing") {
        EXPECT_EQ(choice.action(), v1::CONSENT_ACTION_REFUSE);
        ++opted_out;
      }
    }
  }
  EXPECT_GT(residences["US-CA"], 60);
  EXPECT_GT(residences["US-VA"], 30);
  EXPECT_GT(residences["DE"], 200);
  EXPECT_GT(residences["GB"], 80);
  EXPECT_GT(minors, 20);
  EXPECT_GT(opted_out, 20);
}

TEST(SamplesTest, PeopleOfTheTourAreAsTheTourTells) {
  const auto all = MapAll(Small());
  const Mapped& crm = all.at("crm.csv");
  const auto* german = FindCustomer(crm, kSampleGerman);
  ASSERT_NE(german, nullptr);
  EXPECT_EQ(german->legal_facts().residence(), "DE");
  EXPECT_EQ(german->choices_size(), 0);
  EXPECT_EQ(german->values().at("given_name").string_value(), "Clara");
  bool open = false;
  for (const v1::ImportRow& row : all.at("tickets.csv").rows) {
    open = open || (row.identifiers(0).value() == kSampleGerman &&
                    row.values().count("closed_at") == 0);
  }
  EXPECT_TRUE(open);
  const auto* french = FindCustomer(crm, kSampleFrench);
  ASSERT_NE(french, nullptr);
  EXPECT_EQ(french->legal_facts().residence(), "FR");
  ASSERT_EQ(french->choices_size(), 1);
  EXPECT_EQ(french->choices(0).action(), v1::CONSENT_ACTION_GIVE);
  const auto* californian = FindCustomer(crm, kSampleCalifornian);
  ASSERT_NE(californian, nullptr);
  EXPECT_EQ(californian->legal_facts().residence(), "US-CA");
  EXPECT_EQ(FindCustomer(all.at("web_shop.csv"), "W-5003")->choices_size(), 0);
  const auto* minor = FindCustomer(crm, kSampleMinor);
  ASSERT_NE(minor, nullptr);
  EXPECT_EQ(minor->legal_facts().birth_date().substr(0, 4), "2010");
  EXPECT_EQ(FindCustomer(crm, kSampleVirginian)->legal_facts().residence(),
            "US-VA");
  EXPECT_EQ(FindCustomer(crm, kSampleBriton)->choices(0).action(),
            v1::CONSENT_ACTION_REFUSE);
}

TEST(SamplesTest, TourHoldsForManySeeds) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SampleOptions options;
    options.seed = seed;
    options.customers = 100;
    const auto all = MapAll(options);
    const Mapped& crm = all.at("crm.csv");
    for (std::string_view number :
         {kSampleGerman, kSampleFrench, kSampleCalifornian, kSampleMinor,
          kSampleVirginian, kSampleBriton}) {
      const auto* row = FindCustomer(crm, number);
      ASSERT_NE(row, nullptr) << seed << " " << number;
      EXPECT_FALSE(row->legal_facts().residence().empty());
      EXPECT_FALSE(row->legal_facts().birth_date().empty());
      EXPECT_TRUE(row->values().count("email") == 1);
    }
  }
}

TEST(SamplesTest, MapsFitTheCatalogAndPurposesOfTheProgram) {
  config::v1::Catalog catalog;
  config::v1::PurposeRegistry registry;
  for (const EmbeddedFile& file : policy::EmbeddedDefaults()) {
    TextProto text{std::string(file.name)};
    if (file.name == "catalog.txtpb") {
      ASSERT_OK(text.Parse(file.content, &catalog));
    } else if (file.name == "purposes.txtpb") {
      ASSERT_OK(text.Parse(file.content, &registry));
    }
  }
  std::set<std::string> known;
  for (const auto& kind : catalog.kinds()) {
    for (const auto& field : kind.fields()) {
      known.insert(kind.key() + "." + field.key() + ":" +
                   std::to_string(field.type()));
    }
  }
  for (const auto& source : catalog.sources()) known.insert(source.key());
  for (const auto& type : catalog.identifiers()) known.insert(type.key());
  for (const auto& purpose : registry.purposes()) known.insert(purpose.key());
  for (const EmbeddedFile& file : EmbeddedSampleMaps()) {
    config::v1::ImportMap map;
    TextProto text{std::string(file.name)};
    ASSERT_OK(text.Parse(file.content, &map));
    EXPECT_THAT(known, Contains(map.source())) << file.name;
    EXPECT_THAT(known, Contains(map.purpose())) << file.name;
    for (const auto& identifier : map.identifiers()) {
      EXPECT_THAT(known, Contains(identifier.type())) << file.name;
    }
    for (const auto& choice : map.choices()) {
      EXPECT_THAT(known, Contains(choice.purpose())) << file.name;
    }
    for (const auto& record : map.records()) {
      for (const auto& field : record.fields()) {
        // What needs no reading of its own may be given as STRING.
        const std::string name = record.kind() + "." + field.field() + ":";
        const bool same =
            known.count(name + std::to_string(field.type())) == 1 ||
            known.count(name + std::to_string(config::v1::FieldType::STRING)) ==
                1 ||
            known.count(name + std::to_string(config::v1::FieldType::TAGS)) ==
                1;
        EXPECT_TRUE(same) << file.name << ": " << name << field.type();
      }
    }
  }
}

TEST(SamplesTest, NobodyRealCanBeReached) {
  static const RE2 kAddress("[A-Za-z0-9._+-]+@([A-Za-z0-9.-]+)");
  for (const SampleFile& file : GenerateSamples(SampleOptions())) {
    re2::StringPiece rest(file.content);
    std::string domain;
    while (RE2::FindAndConsume(&rest, kAddress, &domain)) {
      for (char& c : domain) {
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
      EXPECT_TRUE(domain == "example.com" || domain == "example.org" ||
                  domain == "example.net" || domain == "example")
          << file.name << " " << domain;
    }
  }
}

TEST(SamplesTest, FolderHoldsFilesAndMaps) {
  testing::TempDir dir;
  ASSERT_OK(WriteSamples(Small(), dir.File("samples")));
  for (const char* name : {"crm.csv", "crm.txtpb", "orders.csv", "pos.txtpb"}) {
    EXPECT_EQ(access((dir.File("samples/") + name).c_str(), R_OK), 0) << name;
  }
  const auto bad = WriteSamples(Small(), dir.File("samples/crm.csv/x"));
  EXPECT_THAT(bad, testing::StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace consentry::tools
