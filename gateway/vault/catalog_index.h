#ifndef CONSENTRY_GATEWAY_VAULT_CATALOG_INDEX_H_
#define CONSENTRY_GATEWAY_VAULT_CATALOG_INDEX_H_

#include <re2/re2.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/config/v1/catalog.pb.h"
#include "consentry/v1/common.pb.h"

namespace consentry::vault {

// One field as rows are held against it.
struct FieldSpec {
  const config::v1::Field* field = nullptr;
  std::string full_name;
  // FieldNumber(full_name).
  uint32_t number = 0;
  // Null when there is no pattern.
  std::unique_ptr<re2::RE2> pattern;
  // Empty: any value.
  std::set<std::string, std::less<>> values;
  // In code points.
  size_t max_length = 0;
  // Names of two people differ in it: category user.name and below.
  bool is_name = false;
  // Months from collection after which it has no use any more.
  uint32_t kept_months = 0;
};

struct KindSpec {
  const config::v1::RecordKind* kind = nullptr;
  // FieldNumber of the kind's key; stands for the kind in the store.
  uint32_t number = 0;
  // By key without the kind.
  std::map<std::string, FieldSpec, std::less<>> fields;
};

struct IdentifierSpec {
  const config::v1::IdentifierType* type = nullptr;
  std::vector<std::unique_ptr<re2::RE2>> never_join;
};

struct SourceSpec {
  const config::v1::Source* source = nullptr;
  // By field number, where the source's own priority does not hold.
  std::map<uint32_t, uint32_t> priorities;

  uint32_t PriorityOf(uint32_t field) const;
};

// The catalog as writing and the unified profile ask for it: by name, with
// patterns compiled. Immutable; safe for many threads. Pointers live as long
// as the index.
class CatalogIndex {
 public:
  // The months that purposes leave of a field's retention, by full name.
  using KeptMonths = std::function<uint32_t(std::string_view full_name)>;

  // CONFIG_INVALID for a pattern that RE2 refuses, two names with one number,
  // or a kind whose opened_field or closed_field is not its own. Without
  // `kept`, the catalog's retention alone counts.
  static absl::StatusOr<std::shared_ptr<const CatalogIndex>> Build(
      config::v1::Catalog catalog, const KeptMonths& kept = nullptr);
  CatalogIndex(const CatalogIndex&) = delete;
  CatalogIndex& operator=(const CatalogIndex&) = delete;

  const config::v1::Catalog& catalog() const { return catalog_; }

  // Null for what the catalog does not know.
  const KindSpec* FindKind(std::string_view key) const;
  const SourceSpec* FindSource(std::string_view key) const;
  // E-mail, phone and external_id are known by their type; custom identifiers
  // by their namespace.
  const IdentifierSpec* FindIdentifier(v1::IdentifierType type,
                                       std::string_view name_space) const;
  // The full name with this number; null when there is none.
  const FieldSpec* FindField(uint32_t number) const;

  const std::vector<IdentifierSpec>& identifiers() const {
    return identifiers_;
  }

  // Of a source for a field; 0 for a source that the catalog no longer knows.
  uint32_t PriorityOf(std::string_view source, uint32_t field) const;

 private:
  explicit CatalogIndex(config::v1::Catalog catalog)
      : catalog_(std::move(catalog)) {}
  absl::Status AddKind(const config::v1::RecordKind& kind,
                       const KeptMonths& kept);
  absl::Status AddIdentifier(const config::v1::IdentifierType& type);

  const config::v1::Catalog catalog_;
  std::map<std::string, KindSpec, std::less<>> kinds_;
  std::map<std::string, SourceSpec, std::less<>> sources_;
  std::vector<IdentifierSpec> identifiers_;
  std::map<uint32_t, const FieldSpec*> by_number_;
};

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_CATALOG_INDEX_H_
