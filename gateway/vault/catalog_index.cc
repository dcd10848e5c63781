#include "gateway/vault/catalog_index.h"

#include <algorithm>
#include <utility>

#include "gateway/vault/field_number.h"
#include "gateway/vault/profile.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::vault {
namespace {

constexpr uint32_t kDefaultMaxLength = 4000;
constexpr int64_t kPatternMemory = 1 << 20;

absl::Status Invalid(std::string_view what, std::string_view name) {
  std::string message(what);
  message.append(": ").append(name);
  return MakeError(v1::ERROR_REASON_CONFIG_INVALID, message);
}

absl::StatusOr<std::unique_ptr<re2::RE2>> Compile(const std::string& pattern,
                                                  std::string_view where) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemory);
  auto compiled = std::make_unique<re2::RE2>(pattern, options);
  if (!compiled->ok()) return Invalid("not a pattern of RE2", where);
  return compiled;
}

bool IsNameCategory(std::string_view category) {
  constexpr std::string_view kName = "user.name";
  return category == kName ||
         (category.substr(0, kName.size()) == kName &&
          category.size() > kName.size() && category[kName.size()] == '.');
}

}  // namespace

uint32_t SourceSpec::PriorityOf(uint32_t field) const {
  const auto own = priorities.find(field);
  return own != priorities.end() ? own->second : source->priority();
}

absl::StatusOr<std::shared_ptr<const CatalogIndex>> CatalogIndex::Build(
    config::v1::Catalog catalog, const KeptMonths& kept) {
  for (const std::string_view own : {kSubjectSource, kInferenceSource}) {
    if (std::none_of(catalog.sources().begin(), catalog.sources().end(),
                     [&](const config::v1::Source& source) {
                       return source.key() == own;
                     })) {
      catalog.add_sources()->set_key(std::string(own));
    }
  }
  std::shared_ptr<CatalogIndex> index(new CatalogIndex(std::move(catalog)));
  for (const config::v1::RecordKind& kind : index->catalog_.kinds()) {
    CONSENTRY_RETURN_IF_ERROR(index->AddKind(kind, kept));
  }
  for (const config::v1::IdentifierType& type : index->catalog_.identifiers()) {
    CONSENTRY_RETURN_IF_ERROR(index->AddIdentifier(type));
  }
  for (const config::v1::Source& source : index->catalog_.sources()) {
    SourceSpec spec;
    spec.source = &source;
    for (const config::v1::FieldPriority& own : source.fields()) {
      spec.priorities[FieldNumber(own.field())] = own.priority();
    }
    index->sources_.emplace(source.key(), std::move(spec));
  }
  return index;
}

absl::Status CatalogIndex::AddKind(const config::v1::RecordKind& kind,
                                   const KeptMonths& kept) {
  KindSpec spec;
  spec.kind = &kind;
  spec.number = FieldNumber(kind.key());
  for (const auto& [key, other] : kinds_) {
    if (other.number == spec.number) {
      return Invalid("the kind must be named otherwise", kind.key());
    }
  }
  for (const config::v1::Field& field : kind.fields()) {
    FieldSpec field_spec;
    field_spec.field = &field;
    field_spec.full_name = kind.key() + "." + field.key();
    field_spec.number = FieldNumber(field_spec.full_name);
    if (!field.validation().pattern().empty()) {
      CONSENTRY_ASSIGN_OR_RETURN(
          field_spec.pattern,
          Compile(field.validation().pattern(), field_spec.full_name));
    }
    field_spec.values.insert(field.validation().values().begin(),
                             field.validation().values().end());
    field_spec.max_length = field.validation().max_length() != 0
                                ? field.validation().max_length()
                                : kDefaultMaxLength;
    field_spec.is_name = IsNameCategory(field.category());
    field_spec.kept_months = field.retention_months();
    if (kept != nullptr) {
      field_spec.kept_months =
          std::min(field_spec.kept_months, kept(field_spec.full_name));
    }
    spec.fields.emplace(field.key(), std::move(field_spec));
  }
  for (const std::string& own : {kind.opened_field(), kind.closed_field()}) {
    if (!own.empty() && spec.fields.find(own) == spec.fields.end()) {
      return Invalid("the kind has no field", kind.key() + "." + own);
    }
  }
  const auto [placed, is_new] = kinds_.emplace(kind.key(), std::move(spec));
  if (!is_new) return Invalid("the kind stands twice", kind.key());
  for (const auto& [key, field] : placed->second.fields) {
    if (!by_number_.emplace(field.number, &field).second) {
      return Invalid("the field must be named otherwise", field.full_name);
    }
  }
  return absl::OkStatus();
}

absl::Status CatalogIndex::AddIdentifier(
    const config::v1::IdentifierType& type) {
  IdentifierSpec spec;
  spec.type = &type;
  for (const std::string& pattern : type.never_join()) {
    CONSENTRY_ASSIGN_OR_RETURN(std::unique_ptr<re2::RE2> compiled,
                               Compile(pattern, type.key()));
    spec.never_join.push_back(std::move(compiled));
  }
  identifiers_.push_back(std::move(spec));
  return absl::OkStatus();
}

const KindSpec* CatalogIndex::FindKind(std::string_view key) const {
  const auto found = kinds_.find(key);
  return found == kinds_.end() ? nullptr : &found->second;
}

const SourceSpec* CatalogIndex::FindSource(std::string_view key) const {
  const auto found = sources_.find(key);
  return found == sources_.end() ? nullptr : &found->second;
}

const IdentifierSpec* CatalogIndex::FindIdentifier(
    v1::IdentifierType type, std::string_view name_space) const {
  std::string_view key;
  switch (type) {
    case v1::IDENTIFIER_TYPE_EMAIL:
      key = "email";
      break;
    case v1::IDENTIFIER_TYPE_PHONE:
      key = "phone";
      break;
    case v1::IDENTIFIER_TYPE_EXTERNAL_ID:
      key = "external_id";
      break;
    case v1::IDENTIFIER_TYPE_CUSTOM:
      key = name_space;
      break;
    default:
      return nullptr;
  }
  for (const IdentifierSpec& spec : identifiers_) {
    if (spec.type->key() == key) return &spec;
  }
  return nullptr;
}

const FieldSpec* CatalogIndex::FindField(uint32_t number) const {
  const auto found = by_number_.find(number);
  return found == by_number_.end() ? nullptr : found->second;
}

uint32_t CatalogIndex::PriorityOf(std::string_view source,
                                  uint32_t field) const {
  if (source == kSubjectSource) return kSubjectPriority;
  const SourceSpec* spec = FindSource(source);
  return spec == nullptr ? 0 : spec->PriorityOf(field);
}

}  // namespace consentry::vault
