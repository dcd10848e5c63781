// The samples against the rules by which the vault takes rows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/vault/catalog_index.h"
#include "gateway/vault/row_check.h"
#include "policy/packs/packs.h"
#include "proto/support/text_proto.h"
#include "tests/testing/status_matchers.h"
#include "tools/consentry/csv.h"
#include "tools/consentry/import_map.h"
#include "tools/consentry/samples/generator.h"

namespace consentry::tools {
namespace {

TEST(GatewayFitTest, VaultTakesNearlyAllRowsAndNamesTheRest) {
  config::v1::Catalog catalog;
  for (const EmbeddedFile& file : policy::EmbeddedDefaults()) {
    TextProto text{std::string(file.name)};
    if (file.name == "catalog.txtpb") {
      ASSERT_OK(text.Parse(file.content, &catalog));
    }
  }
  ASSERT_OK_AND_ASSIGN(const auto index, vault::CatalogIndex::Build(catalog));
  for (const SampleFile& file : GenerateSamples(SampleOptions())) {
    config::v1::ImportMap map;
    TextProto text(file.map);
    for (const EmbeddedFile& embedded : EmbeddedSampleMaps()) {
      if (embedded.name == file.map) {
        ASSERT_OK(text.Parse(embedded.content, &map));
      }
    }
    std::istringstream in(file.content);
    ASSERT_OK_AND_ASSIGN(const auto reader, CsvReader::Open(&in));
    ASSERT_OK_AND_ASSIGN(
        const auto mapper,
        ImportMapper::Create(map, text, reader->header(), 1767225600000000));
    vault::RowCheckOptions options;
    options.catalog = index.get();
    options.source = map.source();
    options.home_country = "DE";
    options.may_write_legal_facts = true;
    options.now_us = 1767225600000000;
    std::map<std::string, int> faults;
    int rows = 0;
    int quarantined = 0;
    CsvRow row;
    while (*reader->Next(&row)) {
      if (row.fault != CsvFault::kNone) continue;
      for (const v1::ImportRow& mapped : mapper->Map(row).rows) {
        ++rows;
        const vault::CheckedRow checked = vault::CheckRow(mapped, options);
        if (checked.quarantined) ++quarantined;
        for (const v1::ImportFault& fault : checked.faults) {
          ++faults[absl::StrCat(fault.column(), " ",
                                v1::ErrorReason_Name(fault.reason()))];
          // Broken addresses and cells that a spreadsheet would run are the
          // samples' own; anything else is a map that does not fit.
          EXPECT_TRUE(
              fault.reason() == v1::ERROR_REASON_VALUE_MALFORMED &&
              (fault.column() == "profile.email" || fault.column() == "email"))
              << file.name << " " << fault.column() << " "
              << v1::ErrorReason_Name(fault.reason());
        }
      }
    }
    EXPECT_GT(rows, 200) << file.name;
    EXPECT_EQ(quarantined, 0) << file.name;
  }
}

}  // namespace
}  // namespace consentry::tools
