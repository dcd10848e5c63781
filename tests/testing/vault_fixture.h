#ifndef CONSENTRY_TESTS_TESTING_VAULT_FIXTURE_H_
#define CONSENTRY_TESTS_TESTING_VAULT_FIXTURE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "consentry/v1/data_service.pb.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/catalog_index.h"
#include "gateway/vault/head_cache.h"
#include "gateway/vault/merges.h"
#include "gateway/vault/subject_reader.h"
#include "gateway/vault/vault_writer.h"
#include "tests/testing/store_fixture.h"
#include "tests/testing/test_keys.h"

namespace consentry::testing {

// An import row in the making.
class RowBuilder {
 public:
  RowBuilder(std::string_view kind, std::string_view source_key) {
    row_.set_number(1);
    row_.set_kind(std::string(kind));
    row_.set_source_key(std::string(source_key));
  }
  RowBuilder& Email(std::string_view value, bool verified = false) {
    return Add(v1::IDENTIFIER_TYPE_EMAIL, "", value, verified);
  }
  RowBuilder& Phone(std::string_view value, bool verified = false) {
    return Add(v1::IDENTIFIER_TYPE_PHONE, "", value, verified);
  }
  RowBuilder& External(std::string_view name_space, std::string_view value,
                       bool verified = false) {
    return Add(v1::IDENTIFIER_TYPE_EXTERNAL_ID, name_space, value, verified);
  }
  RowBuilder& Custom(std::string_view name_space, std::string_view value,
                     bool verified = false) {
    return Add(v1::IDENTIFIER_TYPE_CUSTOM, name_space, value, verified);
  }
  RowBuilder& Text(const std::string& field, std::string_view value) {
    (*row_.mutable_values())[field].set_string_value(std::string(value));
    return *this;
  }
  RowBuilder& Residence(std::string_view value) {
    row_.mutable_legal_facts()->set_residence(std::string(value));
    return *this;
  }
  RowBuilder& BirthDate(std::string_view value) {
    row_.mutable_legal_facts()->set_birth_date(std::string(value));
    return *this;
  }
  RowBuilder& CollectedAt(int64_t seconds) {
    row_.mutable_collect_time()->set_seconds(seconds);
    return *this;
  }
  RowBuilder& Number(uint64_t number) {
    row_.set_number(number);
    return *this;
  }
  v1::ImportRow& row() { return row_; }
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator v1::ImportRow() const { return row_; }

 private:
  RowBuilder& Add(v1::IdentifierType type, std::string_view name_space,
                  std::string_view value, bool verified);

  v1::ImportRow row_;
};

// A vault on a real store in a folder of its own, with keys in memory and the
// audit log in memory. Sources: crm (priority 10), shop (20), pos (5). Kinds:
// profile (single), order, ticket (context from opened_on to closed_on).
class VaultFixture : public StoreFixture {
 public:
  static constexpr int64_t kNowUs = TestKeys::kNowUs;

  explicit VaultFixture(vault::HeadCache::Options cache = {});
  ~VaultFixture();

  vault::WriteContext Context(std::string_view source) const;

  // Applies the rows as one change. Fails the test when that fails.
  std::vector<vault::RowOutcome> Import(std::string_view source,
                                        const std::vector<v1::ImportRow>& rows);
  std::vector<vault::RowOutcome> Import(const vault::WriteContext& context,
                                        const std::vector<v1::ImportRow>& rows);
  vault::RowOutcome ImportOne(std::string_view source,
                              const v1::ImportRow& row) {
    return Import(source, {row}).front();
  }

  // 0 when nobody is found.
  uint64_t FindByEmail(std::string_view email);
  uint64_t FindById(const std::string& subject_id);
  store::v1::SubjectHead Head(uint64_t subject);
  // Field -> value and provenance, "Anna (shop)", with "!" at the end where
  // other sources differ.
  std::map<std::string, std::string> Profile(uint64_t subject,
                                             std::string_view kind = "profile");

  store::Connection* reader_connection() { return lease_.get(); }
  store::ReaderPool* readers() { return readers_.get(); }
  vault::SubjectReader& reader() { return *reader_; }
  vault::VaultWriter& writer() { return *writer_; }
  vault::HeadCache& cache() { return cache_; }
  vault::Merges merges();
  TestKeys& keys() { return keys_; }
  const std::shared_ptr<const vault::CatalogIndex>& catalog() const {
    return catalog_;
  }
  // The audit entries so far.
  std::vector<store::v1::Leaf> Leaves();

 private:
  TestKeys keys_;
  vault::HeadCache cache_;
  std::shared_ptr<const vault::CatalogIndex> catalog_;
  std::unique_ptr<store::ReaderPool> readers_;
  std::unique_ptr<vault::SubjectReader> reader_;
  std::unique_ptr<vault::VaultWriter> writer_;
  store::ReaderPool::Lease lease_;
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_TESTING_VAULT_FIXTURE_H_
