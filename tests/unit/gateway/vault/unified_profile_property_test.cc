// Whatever the order in which rows arrive and the batches they come in, the
// unified profile is the same.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/testing/vault_fixture.h"

namespace consentry::vault {
namespace {

using testing::RowBuilder;
using testing::VaultFixture;

struct SourcedRow {
  std::string source;
  v1::ImportRow row;
};

// Rows about one customer, of three sources, each with its verified address;
// some of them states of one record at different times.
std::vector<SourcedRow> ArbitraryRows() {
  static const std::vector<std::string> kSources = {"crm", "shop", "pos"};
  static const std::vector<std::string> kCities = {"Ulm", "Bonn", "ULM ", ""};
  static const std::vector<std::string> kTiers = {"gold", "silver", ""};
  std::vector<SourcedRow> rows;
  const auto count = *rc::gen::inRange<int>(2, 9);
  for (int i = 0; i < count; ++i) {
    const std::string source = *rc::gen::elementOf(kSources);
    const std::string key = "K" + std::to_string(*rc::gen::inRange(0, 2));
    // Times differ within a record: of two states of one time the one that
    // came last holds, whichever that was.
    RowBuilder row("profile", key);
    row.Email("anna@example.com", true)
        .Text("city", *rc::gen::elementOf(kCities))
        .Text("tier", *rc::gen::elementOf(kTiers))
        .CollectedAt(1000 + 10 * *rc::gen::inRange<int64_t>(0, 4) + i);
    rows.push_back({source, row});
  }
  return rows;
}

std::map<std::string, std::string> ProfileAfter(
    const std::vector<SourcedRow>& rows) {
  VaultFixture vault;
  for (size_t i = 0; i < rows.size();) {
    // Neighbours of one source go into one batch.
    std::vector<v1::ImportRow> batch;
    const std::string& source = rows[i].source;
    while (i < rows.size() && rows[i].source == source) {
      batch.push_back(rows[i++].row);
    }
    vault.Import(source, batch);
  }
  return vault.Profile(vault.FindByEmail("anna@example.com"));
}

TEST(UnifiedProfileProperty, OrderOfImportDoesNotMatter) {
  // Each run opens two stores; 12 runs keep the test in seconds.
  setenv("RC_PARAMS", "max_success=12", /*overwrite=*/0);
  const bool holds = rc::check([] {
    const std::vector<SourcedRow> rows = ArbitraryRows();
    std::vector<SourcedRow> shuffled = rows;
    std::shuffle(shuffled.begin(), shuffled.end(),
                 std::mt19937(*rc::gen::arbitrary<uint32_t>()));
    RC_ASSERT(ProfileAfter(rows) == ProfileAfter(shuffled));
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace consentry::vault
