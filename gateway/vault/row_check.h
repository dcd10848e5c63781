#ifndef CONSENTRY_GATEWAY_VAULT_ROW_CHECK_H_
#define CONSENTRY_GATEWAY_VAULT_ROW_CHECK_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "consentry/v1/data_service.pb.h"
#include "gateway/vault/catalog_index.h"
#include "gateway/vault/identifier_key.h"

namespace consentry::vault {

// Bounds of one row. Rows beyond them are held back whole (TOO_LARGE).
inline constexpr int kMaxIdentifiersPerRow = 8;
inline constexpr int kMaxValuesPerRow = 64;
inline constexpr int kMaxChoicesPerRow = 32;
inline constexpr size_t kMaxSourceKeyBytes = 128;

struct CheckedIdentifier {
  NormalizedIdentifier identifier;
  bool verified = false;
  bool strong = false;
  bool shared = false;
};

struct CheckedValue {
  const FieldSpec* spec = nullptr;
  v1::Value value;
};

// A row as it will be written: normalised, without what was held back. Holds
// personal data: wiped at its end.
struct CheckedRow {
  CheckedRow() = default;
  CheckedRow(CheckedRow&&) = default;
  CheckedRow& operator=(CheckedRow&&) = default;
  ~CheckedRow();

  const KindSpec* kind = nullptr;
  std::string source_key;
  std::vector<CheckedIdentifier> identifiers;
  // Ascending by field number.
  std::vector<CheckedValue> values;
  // Empty: not told.
  std::string residence;
  std::string location;
  std::string birth_date;
  std::vector<v1::ImportedChoice> choices;
  int64_t collected_us = 0;
  // The row itself says when it was collected.
  bool collected_told = false;
  // The source states a new relationship.
  bool new_relationship = false;

  std::vector<v1::ImportFault> faults;
  // Nothing of the row may be written.
  bool quarantined = false;
};

struct RowCheckOptions {
  const CatalogIndex* catalog = nullptr;
  std::string_view source;
  std::string_view home_country;
  // The caller may write facts that law reads.
  bool may_write_legal_facts = false;
  // collect_time where the row has none, and the latest that is believed.
  int64_t now_us = 0;
};

// Holds a row against the catalog. Every fault is listed with column and
// reason, never with a value; a faulty column is left out, a row that lacks
// what it must have is held back. Pure.
CheckedRow CheckRow(const v1::ImportRow& row, const RowCheckOptions& options);

// The name of an identifier's column in faults: "email", "external_id.crm".
std::string IdentifierColumn(v1::IdentifierType type,
                             std::string_view name_space);

// Adds a fault to `row`.
void AddFault(CheckedRow* row, std::string_view column, v1::ErrorReason reason,
              bool whole_row);

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_ROW_CHECK_H_
