#include "tools/consentry/import_map_check.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "tools/consentry/cell.h"
#include "tools/consentry/countries.h"
#include "tools/consentry/fold.h"

namespace consentry::tools {
namespace {

using config::v1::FieldType;
using config::v1::ImportMap;
using config::v1::MappedField;

// The bounds of one row of the API.
constexpr int kMaxIdentifiers = 8;
constexpr int kMaxFields = 64;
constexpr int kMaxChoices = 32;
constexpr int kMaxRecords = 8;

class Checker {
 public:
  Checker(const ImportMap& map, const std::vector<std::string>* header)
      : map_(map), header_(header) {}

  std::vector<FieldViolation> Run() {
    Require("source", map_.source());
    Require("purpose", map_.purpose());
    if (!map_.delimiter().empty() &&
        (map_.delimiter().size() != 1 ||
         std::string_view(",;|\t").find(map_.delimiter()[0]) ==
             std::string_view::npos)) {
      Add("delimiter", "must be one of , ; | or a tab");
    }
    if (!map_.phone_country().empty()) {
      Country("phone_country", map_.phone_country());
    }
    Optional("phone_country_column", map_.phone_country_column());
    Formats("date_formats", map_.date_formats());
    if (map_.utc_offset_minutes() < -720 || map_.utc_offset_minutes() > 840) {
      Add("utc_offset_minutes", "must be -720 to 840");
    }
    for (int i = 0; i < map_.skip_size(); ++i) {
      Test(absl::StrCat("skip[", i, "]"), map_.skip(i));
    }
    Identifiers();
    Optional("residence.country", map_.residence().country());
    Optional("residence.region", map_.residence().region());
    if (!map_.residence().default_country().empty()) {
      Country("residence.default_country", map_.residence().default_country());
    }
    Date("birth_date", map_.birth_date());
    Date("collected", map_.collected());
    Choices();
    Records();
    return std::move(faults_);
  }

 private:
  void Add(const std::string& field, const std::string& what) {
    faults_.push_back({field, what});
  }

  void Require(const std::string& field, const std::string& value) {
    if (value.empty()) Add(field, "is required");
  }

  void Country(const std::string& field, const std::string& value) {
    if (value.size() != 2 || FindCountry(value) != value) {
      Add(field, "must be a country code of ISO 3166-1 alpha-2");
    }
  }

  void Optional(const std::string& field, const std::string& column) {
    if (!column.empty()) Column(field, column);
  }

  void Column(const std::string& field, const std::string& column) {
    if (column.empty()) {
      Add(field, "is required");
    } else if (header_ != nullptr && std::find(header_->begin(), header_->end(),
                                               column) == header_->end()) {
      Add(field, absl::StrCat("the file has no column \"", column, "\""));
    }
  }

  void Formats(const std::string& field,
               const google::protobuf::RepeatedPtrField<std::string>& formats) {
    for (int i = 0; i < formats.size(); ++i) {
      if (!IsDateFormat(formats.Get(i))) {
        Add(absl::StrCat(field, "[", i, "]"),
            "is no date format: made of YYYY MM M DD D MON hh mm ss Z, with "
            "year, month and day");
      }
    }
  }

  void Date(const std::string& field, const config::v1::MappedDate& date) {
    Optional(field + ".column", date.column());
    if (date.column().empty() && date.formats_size() > 0) {
      Add(field + ".column", "is required");
    }
    Formats(field + ".formats", date.formats());
  }

  void Test(const std::string& field, const config::v1::Condition& test) {
    Column(field + ".column", test.column());
    if (test.present() == (test.equals_size() > 0)) {
      Add(field, "needs exactly one of equals and present");
    }
  }

  void Identifiers() {
    if (map_.identifiers_size() < 1 ||
        map_.identifiers_size() > kMaxIdentifiers) {
      Add("identifiers", absl::StrCat("must be 1 to ", kMaxIdentifiers));
    }
    for (int i = 0; i < map_.identifiers_size(); ++i) {
      const auto& identifier = map_.identifiers(i);
      const std::string field = absl::StrCat("identifiers[", i, "]");
      Require(field + ".type", identifier.type());
      Column(field + ".column", identifier.column());
      Optional(field + ".verified_column", identifier.verified_column());
      if (!identifier.namespace_().empty() &&
          identifier.type() != "external_id") {
        Add(field + ".namespace", "is for external_id alone");
      }
      if (identifier.verified() && !identifier.verified_column().empty()) {
        Add(field, "has both verified and verified_column");
      }
    }
  }

  void Choices() {
    if (map_.choices_size() > kMaxChoices) {
      Add("choices", absl::StrCat("must be at most ", kMaxChoices));
    }
    for (int i = 0; i < map_.choices_size(); ++i) {
      const auto& choice = map_.choices(i);
      const std::string field = absl::StrCat("choices[", i, "]");
      Require(field + ".purpose", choice.purpose());
      Column(field + ".column", choice.column());
      Date(field + ".captured", choice.captured());
      Optional(field + ".method_column", choice.method_column());
      Optional(field + ".notice_language_column",
               choice.notice_language_column());
      if (choice.give_size() + choice.refuse_size() + choice.withdraw_size() ==
          0) {
        Add(field, "names no word for any choice");
      }
      if (choice.give_size() > 0 && choice.captured().column().empty()) {
        Add(field + ".captured", "is required: a consent needs its date");
      }
      if (!choice.notice_id().empty() && choice.notice_version() == 0) {
        Add(field + ".notice_version", "is required beside notice_id");
      }
      std::set<std::string> words;
      const auto once = [&](const auto& list) {
        for (const std::string& word : list) {
          if (!words.insert(FoldWord(word)).second) {
            Add(field, absl::StrCat("uses the word \"", word, "\" twice"));
          }
        }
      };
      once(choice.give());
      once(choice.refuse());
      once(choice.withdraw());
      once(choice.ignore());
    }
  }

  void Records() {
    if (map_.records_size() < 1 || map_.records_size() > kMaxRecords) {
      Add("records", absl::StrCat("must be 1 to ", kMaxRecords));
    }
    for (int i = 0; i < map_.records_size(); ++i) {
      const auto& record = map_.records(i);
      const std::string field = absl::StrCat("records[", i, "]");
      Require(field + ".kind", record.kind());
      if (record.key_size() == 0) Add(field + ".key", "is required");
      for (int k = 0; k < record.key_size(); ++k) {
        Column(absl::StrCat(field, ".key[", k, "]"), record.key(k));
      }
      if (record.fields_size() < 1 || record.fields_size() > kMaxFields) {
        Add(field + ".fields", absl::StrCat("must be 1 to ", kMaxFields));
      }
      for (int k = 0; k < record.when_size(); ++k) {
        Test(absl::StrCat(field, ".when[", k, "]"), record.when(k));
      }
      std::set<std::string> seen;
      for (int k = 0; k < record.fields_size(); ++k) {
        const std::string path = absl::StrCat(field, ".fields[", k, "]");
        Field(path, record.fields(k));
        if (!seen.insert(record.fields(k).field()).second) {
          Add(path + ".field", "is mapped twice");
        }
      }
    }
  }

  void Field(const std::string& path, const MappedField& field) {
    Require(path + ".field", field.field());
    if ((field.columns_size() > 0) == !field.constant().empty()) {
      Add(path, "needs exactly one of columns and constant");
    }
    for (int i = 0; i < field.columns_size(); ++i) {
      Column(absl::StrCat(path, ".columns[", i, "]"), field.columns(i));
    }
    Formats(path + ".formats", field.formats());
    const bool dated =
        field.type() == FieldType::DATE || field.type() == FieldType::TIMESTAMP;
    if (field.formats_size() > 0 && !dated) {
      Add(path + ".formats", "is for DATE and TIMESTAMP alone");
    }
    Optional(path + ".currency_column", field.currency_column());
    if (!field.currency().empty() && field.currency().size() != 3) {
      Add(path + ".currency", "must be a code of ISO 4217");
    }
    if (field.only_values() && field.values().empty()) {
      Add(path + ".only_values", "needs values");
    }
  }

  const ImportMap& map_;
  const std::vector<std::string>* const header_;
  std::vector<FieldViolation> faults_;
};

}  // namespace

std::vector<FieldViolation> CheckImportMap(
    const ImportMap& map, const std::vector<std::string>* header) {
  return Checker(map, header).Run();
}

}  // namespace consentry::tools
