#include "gateway/rights/case_language.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "consentry/v1/common.pb.h"
#include "gateway/access/rights_grant.h"
#include "gateway/access/subject_export.h"
#include "proto/support/status_macros.h"

namespace consentry::rights {
namespace {

constexpr std::array<std::string_view, 4> kKnown = {"de", "en", "es", "fr"};

// Sorted. Places whose language is English, or none that is written in, are
// left out.
constexpr std::pair<std::string_view, std::string_view> kPlaces[] = {
    {"AR", "es"}, {"AT", "de"},    {"BO", "es"}, {"CA-QC", "fr"}, {"CH", "de"},
    {"CL", "es"}, {"CO", "es"},    {"CR", "es"}, {"CU", "es"},    {"DE", "de"},
    {"DO", "es"}, {"EC", "es"},    {"ES", "es"}, {"FR", "fr"},    {"GT", "es"},
    {"HN", "es"}, {"LI", "de"},    {"LU", "fr"}, {"MC", "fr"},    {"MX", "es"},
    {"NI", "es"}, {"PA", "es"},    {"PE", "es"}, {"PR", "es"},    {"PY", "es"},
    {"SV", "es"}, {"US-PR", "es"}, {"UY", "es"}, {"VE", "es"},
};

}  // namespace

std::string KnownLanguage(std::string_view tag) {
  std::string primary(tag.substr(0, tag.find('-')));
  for (char& c : primary) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const bool known =
      std::find(kKnown.begin(), kKnown.end(), primary) != kKnown.end();
  return known ? primary : "";
}

std::string_view LanguageOfPlace(std::string_view place) {
  for (const std::string_view part : {place, place.substr(0, 2)}) {
    for (const auto& [code, language] : kPlaces) {
      if (code == part) return language;
    }
  }
  return "";
}

std::string ChooseLanguage(std::string_view asked, std::string_view held,
                           std::string_view home) {
  for (const std::string_view tag : {asked, held, LanguageOfPlace(home)}) {
    if (std::string known = KnownLanguage(tag); !known.empty()) return known;
  }
  return "en";
}

absl::StatusOr<std::string> HeldLanguage(
    store::Connection* connection, const policy::Bundle& bundle,
    const std::vector<std::shared_ptr<const vault::CachedSubject>>& group) {
  std::vector<policy::FieldId> fields;
  for (size_t i = 0; i < bundle.field_count(); ++i) {
    const policy::FieldId field{static_cast<uint16_t>(i)};
    if (bundle.field(field).type() != config::v1::FieldType::LANGUAGE) continue;
    fields.push_back(field);
  }
  if (fields.empty()) return "";
  CONSENTRY_ASSIGN_OR_RETURN(const crypto::Grant grant,
                             access::RightsGrant(bundle));
  std::string newest;
  int64_t newest_us = INT64_MIN;
  for (const auto& member : group) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto records,
        access::ExportFields(connection, bundle, *member, fields, grant));
    for (const access::ExportedRecord& record : records) {
      for (const access::ExportedValue& value : record.values) {
        if (record.updated_us < newest_us) continue;
        newest = value.value.string_value();
        newest_us = record.updated_us;
      }
    }
  }
  return newest;
}

}  // namespace consentry::rights
