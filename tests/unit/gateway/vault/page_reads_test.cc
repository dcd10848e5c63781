// A unary read costs three leaf pages: pages are what a read is made of.

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "gateway/store/sqlcipher/connection.h"
#include "gateway/vault/subject_reader.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/vault_fixture.h"

namespace consentry::vault {
namespace {

using testing::RowBuilder;

class PageReadsTest : public ::testing::Test, protected testing::VaultFixture {
 protected:
  static constexpr int kCustomers = 4096;

  static std::string Email(int i) {
    return "customer" + std::to_string(i) + "@example.com";
  }
  void FillStore() {
    std::vector<v1::ImportRow> rows;
    for (int i = 0; i < kCustomers; ++i) {
      rows.push_back(RowBuilder("profile", std::to_string(i))
                         .External("crm", std::to_string(i))
                         .Email(Email(i))
                         .Phone("+4930" + std::to_string(1000000 + i))
                         .Text("first_name", "First" + std::to_string(i))
                         .Text("last_name", "Last" + std::to_string(i))
                         .Text("city", "A city of some length")
                         .Text("email", Email(i))
                         .Text("tier", "gold")
                         .Text("points", "1234")
                         .BirthDate("1980-01-01")
                         .Residence("DE"));
      if (rows.size() == kMaxRowsPerChange) {
        Import("crm", rows);
        rows.clear();
      }
    }
  }
  // One read of everything that a decision and its answer need.
  void ReadOne(store::Connection* connection, int customer) {
    v1::Identifier identifier;
    identifier.set_type(v1::IDENTIFIER_TYPE_EMAIL);
    identifier.set_value(Email(customer));
    ASSERT_OK_AND_ASSIGN(const LookupKey key, reader().MakeKey(identifier));
    ASSERT_OK_AND_ASSIGN(const std::optional<uint64_t> subject,
                         reader().Resolve(connection, key));
    ASSERT_TRUE(subject.has_value());
    SubjectReader::HeadOptions cold;
    cold.past_cache = true;
    ASSERT_OK_AND_ASSIGN(const auto head,
                         reader().ReadHead(connection, *subject, cold));
    constexpr std::string_view kProfile = "profile";
    ASSERT_OK_AND_ASSIGN(
        const std::vector<StoredRecord> records,
        reader().ReadRecords(connection, *head, std::span(&kProfile, 1)));
    ASSERT_EQ(records.size(), 1u);
    ASSERT_EQ(records[0].blob.fields_size(), 6);
  }
};

TEST_F(PageReadsTest, UnaryReadTouchesThreeLeafPages) {
  FillStore();
  ASSERT_OK_AND_ASSIGN(const auto connection, engine()->ConnectReader());
  const auto* sqlcipher =
      dynamic_cast<const store::SqlcipherConnection*>(connection.get());
  ASSERT_NE(sqlcipher, nullptr);
  std::mt19937 random(7);
  std::uniform_int_distribution<int> any(0, kCustomers - 1);
  // Warms the inner pages, which stay; leaves come and go, since there are
  // many times more than the cache of a reader holds.
  for (int i = 0; i < 200; ++i) ReadOne(connection.get(), any(random));
  constexpr int kReads = 300;
  int64_t most = 0;
  int64_t all = 0;
  int beyond = 0;
  for (int i = 0; i < kReads; ++i) {
    const int64_t before = sqlcipher->PagesRead();
    ReadOne(connection.get(), any(random));
    const int64_t pages = sqlcipher->PagesRead() - before;
    most = std::max(most, pages);
    all += pages;
    if (pages > 3) ++beyond;
  }
  // A lookup looks whether the next row has the same key, and one in some 150
  // rows is the last of its page.
  EXPECT_LE(beyond, kReads / 50);
  EXPECT_LE(most, 4);
  EXPECT_GT(all, kReads) << "the store is too small to show anything";
}

}  // namespace
}  // namespace consentry::vault
