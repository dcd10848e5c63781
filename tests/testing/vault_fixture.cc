#include "tests/testing/vault_fixture.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <utility>

#include "gateway/crypto/opener.h"
#include "gateway/vault/profile.h"
#include "tests/testing/grant_for_test.h"
#include "tests/testing/status_matchers.h"

namespace consentry::testing {
namespace {

constexpr char kCatalog[] = R"pb(
  version: "test"
  kinds {
    key: "profile"
    single: true
    fields {
      key: "first_name"
      type: STRING
      category: "user.name.first"
      retention_months: 36
    }
    fields {
      key: "last_name"
      type: STRING
      category: "user.name.last"
      retention_months: 36
    }
    fields {
      key: "email"
      type: EMAIL
      category: "user.contact.email"
      retention_months: 36
    }
    fields {
      key: "phone"
      type: PHONE
      category: "user.contact.phone_number"
      retention_months: 36
    }
    fields {
      key: "city"
      type: CITY
      category: "user.contact.address.city"
      retention_months: 24
    }
    fields {
      key: "birth_date"
      type: DATE
      category: "user.demographic.age_range"
      retention_months: 36
      legal_fact: BIRTH_DATE
    }
    fields {
      key: "tier"
      type: STRING
      category: "user.account"
      retention_months: 12
      validation { values: "gold" values: "silver" }
    }
    fields {
      key: "points"
      type: INT
      category: "user.account"
      retention_months: 12
      validation { min: 0 max: 100000 }
    }
  }
  kinds {
    key: "order"
    fields {
      key: "number"
      type: STRING
      category: "user.purchase"
      retention_months: 120
      validation { pattern: "[A-Z0-9-]{1,20}" required: true }
    }
    fields {
      key: "total"
      type: MONEY
      category: "user.financial"
      retention_months: 120
    }
    fields {
      key: "placed_at"
      type: TIMESTAMP
      category: "user.purchase"
      retention_months: 120
    }
  }
  kinds {
    key: "ticket"
    opened_field: "opened_on"
    closed_field: "closed_on"
    fields {
      key: "opened_on"
      type: DATE
      category: "user.content"
      retention_months: 24
    }
    fields {
      key: "closed_on"
      type: DATE
      category: "user.content"
      retention_months: 24
    }
    fields {
      key: "text"
      type: TEXT
      category: "user.content"
      retention_months: 24
    }
  }
  identifiers {
    key: "email"
    type: EMAIL
    strong: true
    never_join: ".*@shared\\.example"
  }
  identifiers { key: "phone" type: PHONE strong: true }
  identifiers { key: "external_id" type: STRING strong: true }
  identifiers { key: "loyalty_card" type: STRING strong: true }
  identifiers { key: "cookie" type: STRING }
  sources { key: "crm" priority: 10 }
  sources {
    key: "shop"
    priority: 20
    fields { field: "profile.city" priority: 1 }
  }
  sources { key: "pos" priority: 5 }
)pb";

std::string ToText(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kStringValue:
      return value.string_value();
    case v1::Value::kIntValue:
      return std::to_string(value.int_value());
    case v1::Value::kDateValue:
      return value.date_value();
    case v1::Value::kMoneyValue:
      return std::to_string(value.money_value().minor_units()) + " " +
             value.money_value().currency();
    default:
      return value.ShortDebugString();
  }
}

}  // namespace

RowBuilder& RowBuilder::Add(v1::IdentifierType type,
                            std::string_view name_space, std::string_view value,
                            bool verified) {
  v1::Identifier* identifier = row_.add_identifiers();
  identifier->set_type(type);
  identifier->set_namespace_(std::string(name_space));
  identifier->set_value(std::string(value));
  identifier->set_verified(verified);
  return *this;
}

VaultFixture::VaultFixture(vault::HeadCache::Options cache) : cache_(cache) {
  clock().SetNowUs(kNowUs);
  EXPECT_OK(Start());
  config::v1::Catalog catalog;
  EXPECT_TRUE(
      google::protobuf::TextFormat::ParseFromString(kCatalog, &catalog));
  auto index = vault::CatalogIndex::Build(std::move(catalog));
  EXPECT_OK(index);
  catalog_ = *std::move(index);
  auto readers = store::ReaderPool::Open(engine(), 4);
  EXPECT_OK(readers);
  readers_ = *std::move(readers);
  reader_ = std::make_unique<vault::SubjectReader>(
      vault::SubjectReader::Options{.epochs = &keys_.epochs(),
                                    .slots = &keys_.slots(),
                                    .cache = &cache_,
                                    .home_country = "DE"});
  writer_ = std::make_unique<vault::VaultWriter>(
      vault::VaultWriter::Options{.committer = committer(),
                                  .readers = readers_.get(),
                                  .reader = reader_.get(),
                                  .epochs = &keys_.epochs(),
                                  .slots = &keys_.slots(),
                                  .consents = nullptr,
                                  .home_country = "DE",
                                  .log_origin = "test.log"});
  auto lease = readers_->Acquire();
  EXPECT_OK(lease);
  lease_ = *std::move(lease);
}

// The committer's hooks reach the cache and the writer.
VaultFixture::~VaultFixture() { Stop(); }

vault::Merges VaultFixture::merges() {
  return vault::Merges(vault::Merges::Options{
      .slots = &keys_.slots(), .cache = &cache_, .log_origin = "test.log"});
}

vault::WriteContext VaultFixture::Context(std::string_view source) const {
  vault::WriteContext context;
  context.catalog = catalog_;
  context.source = std::string(source);
  context.purpose = "essential.service";
  context.may_write_legal_facts = true;
  context.now_us = kNowUs;
  context.leaf.set_event("data.import");
  context.leaf.set_client_id("importer");
  return context;
}

std::vector<vault::RowOutcome> VaultFixture::Import(
    std::string_view source, const std::vector<v1::ImportRow>& rows) {
  return Import(Context(source), rows);
}

std::vector<vault::RowOutcome> VaultFixture::Import(
    const vault::WriteContext& context,
    const std::vector<v1::ImportRow>& rows) {
  std::vector<const v1::ImportRow*> pointers;
  for (const v1::ImportRow& row : rows) pointers.push_back(&row);
  auto written = writer_->WriteRows(context, pointers);
  EXPECT_OK(written);
  if (!written.ok()) return std::vector<vault::RowOutcome>(rows.size());
  return std::move(written->rows);
}

uint64_t VaultFixture::FindByEmail(std::string_view email) {
  v1::SubjectRef ref;
  ref.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  ref.mutable_identifier()->set_value(std::string(email));
  auto key = reader_->MakeKey(ref);
  EXPECT_OK(key);
  auto found = reader_->Resolve(reader_connection(), *key);
  EXPECT_OK(found);
  return found.ok() ? found->value_or(0) : 0;
}

uint64_t VaultFixture::FindById(const std::string& subject_id) {
  v1::SubjectRef ref;
  ref.set_id(subject_id);
  auto key = reader_->MakeKey(ref);
  EXPECT_OK(key);
  auto found = reader_->Resolve(reader_connection(), *key);
  EXPECT_OK(found);
  return found.ok() ? found->value_or(0) : 0;
}

store::v1::SubjectHead VaultFixture::Head(uint64_t subject) {
  auto head = reader_->ReadHead(reader_connection(), subject, {});
  EXPECT_OK(head);
  return head.ok() ? (*head)->head() : store::v1::SubjectHead();
}

std::map<std::string, std::string> VaultFixture::Profile(
    uint64_t subject, std::string_view kind) {
  std::map<std::string, std::string> profile;
  auto group = reader_->ReadGroup(reader_connection(), subject, {});
  EXPECT_OK(group);
  if (!group.ok()) return profile;
  struct Held {
    size_t member;
    vault::StoredRecord record;
  };
  std::vector<Held> records;
  for (size_t m = 0; m < group->size(); ++m) {
    auto read = reader_->ReadRecords(reader_connection(), *(*group)[m],
                                     std::span(&kind, 1));
    EXPECT_OK(read);
    for (vault::StoredRecord& record : *read) {
      records.push_back({m, std::move(record)});
    }
  }
  std::vector<vault::ProfileCandidate> candidates;
  std::vector<std::pair<size_t, int>> places;
  for (size_t r = 0; r < records.size(); ++r) {
    const store::v1::RecordMeta& meta = records[r].record.meta;
    for (int i = 0; i < meta.digests_size(); ++i) {
      const uint32_t field = meta.digests(i).field();
      candidates.push_back(
          {.field = field,
           .priority = catalog_->PriorityOf(meta.source(), field),
           .collected_us = meta.collected_us(),
           .source = meta.source(),
           .subject = (*group)[records[r].member]->subject(),
           .digest = meta.digests(i).digest(),
           .record = meta.source_key()});
      places.emplace_back(r, i);
    }
  }
  const auto open = [&](size_t candidate) {
    const auto& [r, i] = places[candidate];
    const vault::StoredRecord& record = records[r].record;
    const std::string& name =
        catalog_->FindField(candidates[candidate].field)->full_name;
    auto plain = crypto::Opener::Open(
        GrantForTest::Make(), (*group)[records[r].member]->keys(),
        vault::FieldContextOf(record, name), record.blob.fields(i).sealed());
    EXPECT_OK(plain);
    v1::Value value;
    if (plain.ok()) value.ParseFromString(std::string(plain->view()));
    return ToText(value);
  };
  for (const vault::ProfileWinner& winner : vault::UnifyProfile(candidates)) {
    const vault::ProfileCandidate& won = candidates[winner.winner];
    const std::string value = open(winner.winner);
    bool conflict = winner.conflict;
    for (size_t other : winner.compare) {
      conflict = conflict || open(other) != value;
    }
    profile[catalog_->FindField(won.field)->full_name] =
        value + " (" + std::string(won.source) + ")" + (conflict ? "!" : "");
  }
  return profile;
}

std::vector<store::v1::Leaf> VaultFixture::Leaves() {
  std::vector<store::v1::Leaf> leaves;
  for (const std::string& entry : log().entries()) {
    leaves.emplace_back();
    EXPECT_TRUE(leaves.back().ParseFromString(entry));
  }
  return leaves;
}

}  // namespace consentry::testing
