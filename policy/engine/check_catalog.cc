#include <map>

#include "policy/engine/check.h"
#include "policy/engine/places.h"
#include "re2/re2.h"

namespace consentry::policy {
namespace {

using config::v1::Catalog;
using config::v1::Field;
using config::v1::FieldType;
using config::v1::LegalFact;

constexpr int kMaxKinds = 64;
constexpr int kMaxFieldsPerKind = 200;
constexpr size_t kMaxPattern = 500;
constexpr uint32_t kMaxMonths = 1200;
constexpr uint32_t kMaxLength = 100000;
constexpr uint32_t kMaxPriority = 1000;

void CheckPattern(const std::string& pattern, const Place& place,
                  Findings* out) {
  if (pattern.empty()) return;
  if (pattern.size() > kMaxPattern) {
    out->Refuse(place, "is longer than 500 characters");
    return;
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  const RE2 compiled(pattern, options);
  if (!compiled.ok()) out->Refuse(place, "is no pattern of RE2");
}

void CheckMonths(uint32_t months, const Place& place, Findings* out) {
  if (months < 1 || months > kMaxMonths) {
    out->Refuse(place, "must be 1 to 1200 months");
  }
}

void CheckCategory(const std::string& category, const Place& place,
                   Findings* out) {
  if (!IsKey(category, "_.", 100) || category.back() == '.') {
    out->Refuse(place, "must be a data category such as user.contact.email");
  }
}

void CheckValidation(const Field& field, const Place& place, Findings* out) {
  const auto& v = field.validation();
  CheckPattern(v.pattern(), place.At("pattern"), out);
  const bool numeric = field.type() == FieldType::INT ||
                       field.type() == FieldType::DOUBLE ||
                       field.type() == FieldType::MONEY;
  if ((v.has_min() || v.has_max()) && !numeric) {
    out->Refuse(place, "min and max are for INT, DOUBLE and MONEY");
  }
  // Written so that a NaN is refused as well.
  if (v.has_min() && v.has_max() && !(v.min() <= v.max())) {
    out->Refuse(place, "min must not be above max");
  }
  if (v.max_length() > kMaxLength) {
    out->Refuse(place.At("max_length"), "must be at most 100000");
  }
}

void CheckLegalFact(const Field& field, const Place& place, Findings* out) {
  switch (field.legal_fact()) {
    case LegalFact::RESIDENCE:
    case LegalFact::LOCATION:
      if (field.type() != FieldType::COUNTRY &&
          field.type() != FieldType::REGION) {
        out->Refuse(place, "needs a field of type COUNTRY or REGION");
      }
      break;
    case LegalFact::BIRTH_DATE:
      if (field.type() != FieldType::DATE) {
        out->Refuse(place, "needs a field of type DATE");
      }
      break;
    default:
      break;
  }
}

void CheckField(const Field& field, const Place& place, Findings* out) {
  if (!IsKey(field.key(), "_", 32)) {
    out->Refuse(place.At("key"), "must be like first_name, 32 at most");
  }
  if (field.type() == FieldType::UNSPECIFIED) {
    out->Refuse(place.At("type"), "is missing");
  }
  CheckCategory(field.category(), place.At("category"), out);
  for (int i = 0; i < field.reveals_size(); ++i) {
    CheckCategory(field.reveals(i), place.At("reveals", i), out);
  }
  CheckMonths(field.retention_months(), place.At("retention_months"), out);
  CheckValidation(field, place.At("validation"), out);
  CheckLegalFact(field, place.At("legal_fact"), out);
  if (field.filterable() && field.type() == FieldType::TEXT) {
    out->Refuse(place.At("filterable"), "free text is never filtered on");
  }
  for (int i = 0; i < field.keep_size(); ++i) {
    const Place at = place.At("keep", i);
    if (field.keep(i).citation().empty()) {
      out->Refuse(at.At("citation"), "is missing: no ground, no keeping");
    }
    CheckMonths(field.keep(i).months(), at.At("months"), out);
    for (int j = 0; j < field.keep(i).jurisdictions_size(); ++j) {
      if (!IsPlaceCode(field.keep(i).jurisdictions(j))) {
        out->Refuse(at.At("jurisdictions", j), "is no code like DE or US-CA");
      }
    }
  }
}

void CheckContextFields(const config::v1::RecordKind& kind,
                        const std::map<std::string, FieldType::Value>& types,
                        const Place& place, Findings* out) {
  const auto is_time = [&](const std::string& key) {
    const auto it = types.find(key);
    return it != types.end() && (it->second == FieldType::TIMESTAMP ||
                                 it->second == FieldType::DATE);
  };
  if (!kind.opened_field().empty() && !is_time(kind.opened_field())) {
    out->Refuse(place.At("opened_field"),
                "must be a TIMESTAMP or DATE field of the kind");
  }
  if (!kind.closed_field().empty() &&
      types.find(kind.closed_field()) == types.end()) {
    out->Refuse(place.At("closed_field"), "must be a field of the kind");
  }
  if (kind.opened_field().empty() && !kind.closed_field().empty()) {
    out->Refuse(place.At("closed_field"), "needs opened_field");
  }
}

}  // namespace

void CheckCatalog(const Located<Catalog>& located, Findings* out) {
  const Catalog& catalog = located.message;
  const Place root = PlaceOf(located);
  if (catalog.kinds_size() == 0) out->Refuse(root, "has no kinds");
  if (catalog.kinds_size() > kMaxKinds) {
    out->Refuse(root.At("kinds"), "must be at most 64");
  }
  std::set<std::string> kinds;
  std::set<std::string> names;
  for (int k = 0; k < catalog.kinds_size(); ++k) {
    const auto& kind = catalog.kinds(k);
    const Place at = root.At("kinds", k);
    if (!IsKey(kind.key(), "_", 32)) {
      out->Refuse(at.At("key"), "must be like order, 32 at most");
    }
    if (!kinds.insert(kind.key()).second) {
      out->Refuse(at.At("key"), "stands twice");
    }
    if (kind.fields_size() == 0 || kind.fields_size() > kMaxFieldsPerKind) {
      out->Refuse(at, "must have 1 to 200 fields");
    }
    std::map<std::string, FieldType::Value> types;
    for (int f = 0; f < kind.fields_size(); ++f) {
      const Place field_at = at.At("fields", f);
      CheckField(kind.fields(f), field_at, out);
      if (!types.emplace(kind.fields(f).key(), kind.fields(f).type()).second) {
        out->Refuse(field_at.At("key"), "stands twice in its kind");
      }
      names.insert(kind.key() + "." + kind.fields(f).key());
    }
    CheckContextFields(kind, types, at, out);
  }
  if (names.size() > kMaxFields) {
    out->Refuse(root, "must have at most 4096 fields");
  }

  std::set<std::string> identifiers;
  for (int i = 0; i < catalog.identifiers_size(); ++i) {
    const auto& identifier = catalog.identifiers(i);
    const Place at = root.At("identifiers", i);
    if (!IsKey(identifier.key(), "_.-", 64)) {
      out->Refuse(at.At("key"), "must be like external_id, 64 at most");
    }
    if (!identifiers.insert(identifier.key()).second) {
      out->Refuse(at.At("key"), "stands twice");
    }
    if (identifier.type() != FieldType::EMAIL &&
        identifier.type() != FieldType::PHONE &&
        identifier.type() != FieldType::STRING) {
      out->Refuse(at.At("type"), "must be EMAIL, PHONE or STRING");
    }
    if (!identifier.field().empty() && !names.contains(identifier.field())) {
      out->Refuse(at.At("field"), "is no field of the catalog");
    }
    for (int j = 0; j < identifier.never_join_size(); ++j) {
      CheckPattern(identifier.never_join(j), at.At("never_join", j), out);
    }
  }

  std::set<std::string> sources;
  for (int i = 0; i < catalog.sources_size(); ++i) {
    const auto& source = catalog.sources(i);
    const Place at = root.At("sources", i);
    if (!IsKey(source.key(), "_.-", 64)) {
      out->Refuse(at.At("key"), "must be like web_shop, 64 at most");
    }
    if (!sources.insert(source.key()).second) {
      out->Refuse(at.At("key"), "stands twice");
    }
    if (source.priority() > kMaxPriority) {
      out->Refuse(at.At("priority"), "must be at most 1000");
    }
    std::set<std::string> fields;
    for (int j = 0; j < source.fields_size(); ++j) {
      const Place field_at = at.At("fields", j);
      if (!names.contains(source.fields(j).field())) {
        out->Refuse(field_at.At("field"), "is no field of the catalog");
      }
      if (!fields.insert(source.fields(j).field()).second) {
        out->Refuse(field_at.At("field"), "stands twice");
      }
      if (source.fields(j).priority() > kMaxPriority) {
        out->Refuse(field_at.At("priority"), "must be at most 1000");
      }
    }
  }
}

void CheckProfile(const Located<config::v1::ControllerProfile>& located,
                  Findings* out) {
  const auto& profile = located.message;
  const Place root = PlaceOf(located);
  if (!IsPlaceCode(profile.home())) {
    out->Refuse(root.At("home"), "must be a code like DE or US-CA");
  }
  for (int i = 0; i < profile.establishments_size(); ++i) {
    if (!IsPlaceCode(profile.establishments(i))) {
      out->Refuse(root.At("establishments", i), "is no code like DE or US-CA");
    }
  }
  for (int i = 0; i < profile.markets_size(); ++i) {
    if (!IsPlaceCode(profile.markets(i))) {
      out->Refuse(root.At("markets", i), "is no code like DE or US-CA");
    }
  }
  if (profile.utc_offset_minutes() < -720 ||
      profile.utc_offset_minutes() > 840) {
    out->Refuse(root.At("utc_offset_minutes"), "must be -720 to 840");
  }
}

}  // namespace consentry::policy
