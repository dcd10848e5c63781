#include "tools/consentry/draft.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/catalog_text.h"
#include "tools/consentry/column_guess.h"
#include "tools/consentry/csv.h"

namespace consentry::tools {
namespace {

using config::v1::FieldType;

std::string Quoted(const std::string& text) {
  return absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\"");
}

std::string Repeated(const std::string& name,
                     const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) {
    absl::StrAppend(&out, " ", name, ": ", Quoted(value));
  }
  return out;
}

class Drafter {
 public:
  Drafter(const DraftOptions& options, std::vector<ColumnGuess> guesses)
      : options_(options), guesses_(std::move(guesses)) {}

  ImportDraft Run() {
    ChooseKind();
    ChooseFields();
    ImportDraft draft;
    draft.columns = static_cast<int>(guesses_.size());
    draft.unsure = static_cast<int>(std::count_if(
        guesses_.begin(), guesses_.end(), [](const ColumnGuess& guess) {
          return guess.sureness == Sureness::kUnsure &&
                 guess.role != ColumnRole::kIgnore;
        }));
    WriteHead();
    WriteIdentifiers();
    WriteFacts();
    WriteChoices();
    WriteRecord();
    draft.map_text = std::move(map_);
    draft.new_fields = new_fields_;
    draft.catalog_text = CatalogText();
    return draft;
  }

 private:
  static std::string Review(const ColumnGuess& guess,
                            const std::string& more = "") {
    return absl::StrCat("  # review: ", SurenessText(guess.sureness), ", ",
                        guess.filled_percent, "% filled",
                        more.empty() ? "" : "; ", more, "\n");
  }

  const ColumnGuess* Find(ColumnRole role) const {
    for (const ColumnGuess& guess : guesses_) {
      if (guess.role == role) return &guess;
    }
    return nullptr;
  }

  const ColumnGuess* FindField(const std::string& field,
                               FieldType::Value type) const {
    for (const ColumnGuess& guess : guesses_) {
      if (guess.role == ColumnRole::kField && guess.type == type &&
          usual_.count(&guess) == 1 && guess.field == field) {
        return &guess;
      }
    }
    return nullptr;
  }

  // An order or a ticket, when rows have numbers of their own.
  void ChooseKind() {
    const bool numbered = Find(ColumnRole::kRecordId) != nullptr;
    bool order = false;
    bool ticket = false;
    for (const ColumnGuess& guess : guesses_) {
      if (guess.role != ColumnRole::kField) continue;
      order = order || guess.field == "total" || guess.field == "ordered_at";
      ticket = ticket || guess.field == "subject" || guess.field == "opened_at";
    }
    if (numbered) kind_ = !order && ticket ? "ticket" : "order";
    for (const ColumnGuess& guess : guesses_) usual_.insert(&guess);
  }

  // Each field once, and those of another kind under the column's own name.
  void ChooseFields() {
    static const std::set<std::string>* const kOfRecords =
        new std::set<std::string>{"number",    "ordered_at", "completed_at",
                                  "total",     "items",      "opened_at",
                                  "closed_at", "subject",    "text"};
    std::set<std::string> taken;
    for (ColumnGuess& guess : guesses_) {
      if (guess.role != ColumnRole::kField &&
          guess.role != ColumnRole::kRecordId) {
        continue;
      }
      if (kind_ != "profile" && kOfRecords->count(guess.field) == 0) {
        if (guess.field != "email" && guess.field != "phone") {
          usual_.erase(&guess);
        }
        keys_[&guess] = guess.own_key;
      } else {
        keys_[&guess] = guess.field;
      }
      if (!taken.insert(keys_[&guess]).second) {
        keys_[&guess] = guess.own_key;
        guess.sureness = Sureness::kUnsure;
        usual_.erase(&guess);
        while (!taken.insert(keys_[&guess]).second) {
          keys_[&guess] = keys_[&guess].substr(0, 30) + "_2";
          if (taken.size() > 2000) break;
        }
      }
    }
  }

  const config::v1::Field* Known(const std::string& key) const {
    for (const auto& kind : options_.catalog.kinds()) {
      if (kind.key() != kind_) continue;
      for (const auto& field : kind.fields()) {
        if (field.key() == key) return &field;
      }
    }
    return nullptr;
  }

  void WriteHead() {
    absl::StrAppend(
        &map_, "# How ", options_.file_name,
        " becomes records. Drafted from names and shapes of its columns:\n"
        "# read every line that says \"review\", correct it, and take the word "
        "away.\n"
        "source: ",
        Quoted(options_.source),
        options_.source_is_guess ? "  # review: which system wrote the file?"
                                 : "",
        "\n", "purpose: ", Quoted(options_.purpose),
        "  # review: the purpose of collection\n");
    if (!options_.home_country.empty()) {
      absl::StrAppend(&map_, "phone_country: ", Quoted(options_.home_country),
                      "\n");
    }
    int comma = 0;
    int point = 0;
    for (const ColumnGuess& guess : guesses_) {
      if (guess.type == FieldType::DOUBLE || guess.type == FieldType::MONEY) {
        ++(guess.decimal_comma ? comma : point);
      }
    }
    if (comma > point) absl::StrAppend(&map_, "decimal_comma: true\n");
  }

  void WriteIdentifiers() {
    bool any = false;
    if (const ColumnGuess* id = Find(ColumnRole::kSubjectId)) {
      any = true;
      absl::StrAppend(&map_, "identifiers { type: \"external_id\" column: ",
                      Quoted(id->column), " }", Review(*id));
    }
    for (const auto& [field, type] :
         {std::pair<std::string, FieldType::Value>{"email", FieldType::EMAIL},
          {"phone", FieldType::PHONE}}) {
      if (const ColumnGuess* guess = FindField(field, type)) {
        any = true;
        absl::StrAppend(&map_, "identifiers { type: ", Quoted(field),
                        " column: ", Quoted(guess->column), " }",
                        Review(*guess,
                               "verified: true only if the source "
                               "checks that it is hers"));
      }
    }
    if (!any) {
      absl::StrAppend(&map_,
                      "# review: missing: no column seems to say who a row is "
                      "about; name one:\n# identifiers { type: "
                      "\"external_id\" column: \"...\" }\n");
    }
  }

  void WriteFacts() {
    if (kind_ != "profile") return;
    const ColumnGuess* country = FindField("country", FieldType::COUNTRY);
    const ColumnGuess* region = FindField("region", FieldType::REGION);
    if (country != nullptr) {
      absl::StrAppend(&map_, "residence { country: ", Quoted(country->column));
      if (region != nullptr) {
        absl::StrAppend(&map_, " region: ", Quoted(region->column));
      }
      absl::StrAppend(&map_, " }",
                      Review(*country, "law reads it: is it where they live?"));
    }
    if (const ColumnGuess* birth = FindField("birth_date", FieldType::DATE)) {
      absl::StrAppend(&map_, "birth_date { column: ", Quoted(birth->column),
                      Repeated("formats", birth->formats), " }",
                      Review(*birth, DateRemark(*birth)));
    }
  }

  static std::string DateRemark(const ColumnGuess& guess) {
    return guess.ambiguous_date
               ? "day and month cannot be told apart in this file"
               : "";
  }

  void WriteChoices() {
    const ColumnGuess* time = Find(ColumnRole::kChoiceTime);
    for (const ColumnGuess& guess : guesses_) {
      if (guess.role != ColumnRole::kChoice) continue;
      absl::StrAppend(&map_, "choices {", Review(guess));
      absl::StrAppend(&map_, "  purpose: ", Quoted(options_.marketing_purpose),
                      "  # review: unsure\n  column: ", Quoted(guess.column),
                      "\n");
      const bool dated = time != nullptr && !time->formats.empty();
      // A consent without a date proves nothing: such words are left out.
      const std::string give = Repeated(dated ? "give" : "ignore", guess.give);
      const std::string no = absl::StrCat(Repeated("refuse", guess.refuse),
                                          Repeated("withdraw", guess.withdraw));
      absl::StrAppend(&map_, " ", give, no, "\n");
      if (dated) {
        absl::StrAppend(&map_, "  captured { column: ", Quoted(time->column),
                        Repeated("formats", time->formats), " }",
                        Review(*time, DateRemark(*time)));
      } else {
        absl::StrAppend(&map_,
                        "  # review: no column says when: consents are left "
                        "out, refusals are kept\n");
      }
      if (guess.other_words > 0) {
        absl::StrAppend(&map_, "  # review: ", guess.other_words,
                        " other words are held back, never guessed\n");
      }
      absl::StrAppend(&map_,
                      "  # review: which notice was shown?\n"
                      "  # notice_id: \"marketing-consent\" notice_version: 1 "
                      "notice_language: \"en\"\n}\n");
      if (no.empty() && !dated) {
        // Nothing would be left of it.
        map_.resize(map_.rfind("choices {"));
        absl::StrAppend(&map_, "# review: column ", Quoted(guess.column),
                        " holds consents without a date: left out\n");
      }
    }
  }

  void WriteRecord() {
    absl::StrAppend(&map_, "records {\n  kind: ", Quoted(kind_), "\n");
    const ColumnGuess* key = Find(kind_ == "profile" ? ColumnRole::kSubjectId
                                                     : ColumnRole::kRecordId);
    for (const ColumnGuess& guess : guesses_) {
      if (key == nullptr && guess.unique) key = &guess;
    }
    if (key == nullptr) key = FindField("email", FieldType::EMAIL);
    if (key != nullptr) {
      absl::StrAppend(
          &map_, "  key: ", Quoted(key->column), "  # review: ",
          key->unique ? "differs in every row" : "repeats in this file", "\n");
    } else {
      absl::StrAppend(&map_,
                      "  # review: missing: no column differs in every row\n"
                      "  # key: \"...\"\n");
    }
    for (const ColumnGuess& guess : guesses_) WriteField(guess);
    absl::StrAppend(&map_, "}\n");
  }

  void WriteField(const ColumnGuess& guess) {
    const auto found = keys_.find(&guess);
    if (found == keys_.end()) {
      if (guess.role == ColumnRole::kIgnore) {
        absl::StrAppend(&map_, "  # column ", Quoted(guess.column),
                        " is empty\n");
      }
      return;
    }
    const std::string& key = found->second;
    const config::v1::Field* known = Known(key);
    const FieldType::Value type = known == nullptr ? guess.type : known->type();
    absl::StrAppend(&map_, "  fields { field: ", Quoted(key));
    const ColumnGuess* country = FindCountryColumn();
    if (type == FieldType::REGION && country != nullptr) {
      absl::StrAppend(&map_, " columns: ", Quoted(country->column));
    }
    absl::StrAppend(&map_, " columns: ", Quoted(guess.column));
    std::string remark;
    if (type != FieldType::STRING) {
      absl::StrAppend(&map_, " type: ", FieldType::Value_Name(type));
    }
    if (type == FieldType::DATE || type == FieldType::TIMESTAMP) {
      absl::StrAppend(&map_, Repeated("formats", guess.formats));
      remark = DateRemark(guess);
    }
    if (type == FieldType::MONEY) {
      absl::StrAppend(&map_, " currency: \"EUR\"");
      remark = "which currency?";
    }
    if (known == nullptr) {
      remark = remark.empty() ? "new in the catalog"
                              : remark + "; new in the catalog";
      AddField(guess, key, type);
    } else if (known->type() != guess.type) {
      remark = "the cells look like " + FieldType::Value_Name(guess.type);
    }
    absl::StrAppend(&map_, " }", Review(guess, remark));
  }

  const ColumnGuess* FindCountryColumn() const {
    for (const ColumnGuess& guess : guesses_) {
      if (guess.role == ColumnRole::kField &&
          guess.type == FieldType::COUNTRY) {
        return &guess;
      }
    }
    return nullptr;
  }

  void AddField(const ColumnGuess& guess, const std::string& key,
                FieldType::Value type) {
    ++new_fields_;
    absl::StrAppend(&fields_, "  # review: guessed from column ",
                    Quoted(guess.column), " (", SurenessText(guess.sureness),
                    ")\n  fields {\n    key: ", Quoted(key),
                    "\n    title: ", Quoted(guess.column),
                    "\n    type: ", FieldType::Value_Name(type),
                    "\n    category: ", Quoted(guess.category),
                    "  # review: the closest fideslang key\n"
                    "    retention_months: 36  # review: how long do you need "
                    "it?\n  }\n");
  }

  std::string CatalogText() const {
    std::string text = options_.catalog_text;
    bool changed = false;
    if (!fields_.empty()) {
      text = InsertIntoKind(text, kind_, fields_);
      changed = true;
    }
    const auto& sources = options_.catalog.sources();
    if (std::none_of(sources.begin(), sources.end(), [&](const auto& source) {
          return source.key() == options_.source;
        })) {
      absl::StrAppend(&text, "\nsources {  # review: a new source\n  key: ",
                      Quoted(options_.source),
                      "\n  title: ", Quoted(options_.source),
                      "\n  priority: 100  # review: higher wins\n}\n");
      changed = true;
    }
    return changed ? text : "";
  }

  const DraftOptions& options_;
  std::vector<ColumnGuess> guesses_;
  std::string kind_ = "profile";
  // Guesses that keep the usual field of their name.
  std::set<const ColumnGuess*> usual_;
  std::map<const ColumnGuess*, std::string> keys_;
  std::string map_;
  std::string fields_;
  int new_fields_ = 0;
};

}  // namespace

absl::StatusOr<ImportDraft> DraftImport(std::istream* csv,
                                        const DraftOptions& options) {
  CONSENTRY_ASSIGN_OR_RETURN(const auto reader, CsvReader::Open(csv));
  std::vector<ColumnProfile> profiles;
  for (const std::string& name : reader->header()) profiles.emplace_back(name);
  CsvRow row;
  for (int n = 0; n < kDraftRows; ++n) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, reader->Next(&row));
    if (!more) break;
    if (row.fault != CsvFault::kNone) continue;
    for (size_t i = 0; i < profiles.size(); ++i) {
      profiles[i].Add(row.fields[i]);
    }
  }
  std::vector<ColumnGuess> guesses;
  guesses.reserve(profiles.size());
  for (const ColumnProfile& profile : profiles) {
    guesses.push_back(profile.Guess());
  }
  return Drafter(options, std::move(guesses)).Run();
}

}  // namespace consentry::tools
