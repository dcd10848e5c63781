// Rows as an importer sends them: whatever is in them, the check ends, what it
// takes is canonical, and no fault shows anything of a value.

#include <google/protobuf/text_format.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "gateway/vault/digest.h"
#include "gateway/vault/row_check.h"
#include "gateway/vault/value_check.h"

using namespace consentry;

namespace {

std::shared_ptr<const vault::CatalogIndex> Catalog() {
  config::v1::Catalog catalog;
  config::v1::RecordKind* kind = catalog.add_kinds();
  kind->set_key("k");
  for (int type = config::v1::FieldType::Value_MIN + 1;
       type <= config::v1::FieldType::Value_MAX; ++type) {
    config::v1::Field* field = kind->add_fields();
    field->set_key("f" + std::to_string(type));
    field->set_type(static_cast<config::v1::FieldType::Value>(type));
    field->set_retention_months(1);
  }
  for (const char* key : {"email", "phone", "external_id", "card"}) {
    config::v1::IdentifierType* identifier = catalog.add_identifiers();
    identifier->set_key(key);
    identifier->set_strong(true);
    identifier->add_never_join(".*shared.*");
  }
  catalog.add_sources()->set_key("s");
  auto built = vault::CatalogIndex::Build(std::move(catalog));
  if (!built.ok()) std::abort();
  return *std::move(built);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto catalog = Catalog();
  const std::string text(reinterpret_cast<const char*>(data), size);
  v1::ImportRow row;
  if (!row.ParseFromString(text)) {
    // Bytes that are no message become a value of every field.
    row.set_kind("k");
    row.set_source_key("1");
    for (const auto& [key, spec] : catalog->FindKind("k")->fields) {
      (*row.mutable_values())[key].set_string_value(text);
    }
  }
  vault::RowCheckOptions options;
  options.catalog = catalog.get();
  options.source = "s";
  options.home_country = "DE";
  options.may_write_legal_facts = true;
  options.now_us = 1'795'000'000'000'000;
  const vault::CheckedRow checked = vault::CheckRow(row, options);
  for (const vault::CheckedValue& value : checked.values) {
    v1::Value again;
    if (vault::CheckValue(*value.spec, value.value, "DE", &again) !=
            v1::ERROR_REASON_UNSPECIFIED ||
        again.SerializeAsString() != value.value.SerializeAsString()) {
      std::abort();
    }
    vault::ValueDigest(std::string(vault::kDigestKeyBytes, 'k'),
                       value.spec->number, value.value);
  }
  for (const v1::ImportFault& fault : checked.faults) {
    if (fault.column().empty() || fault.column().size() > 80) std::abort();
  }
  return 0;
}
