#include "tools/consentry/column_guess.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tools/consentry/cell.h"
#include "tools/consentry/column_names.h"
#include "tools/consentry/countries.h"
#include "tools/consentry/fold.h"

namespace consentry::tools {
namespace {

using config::v1::FieldType;

// What exports write, the commonest first. Pairs that differ in day and month
// alone are what makes a column ambiguous.
constexpr std::array<std::string_view, 18> kFormats = {
    "YYYY-MM-DD",       "YYYY-MM-DD hh:mm:ss", "YYYY-MM-DDThh:mm:ssZ",
    "YYYY-MM-DD hh:mm", "YYYY-MM-DDThh:mm:ss", "DD.MM.YYYY",
    "D.M.YYYY",         "DD.MM.YYYY hh:mm",    "DD.MM.YYYY hh:mm:ss",
    "DD/MM/YYYY",       "MM/DD/YYYY",          "D/M/YYYY",
    "M/D/YYYY",         "YYYY/MM/DD",          "DD-MM-YYYY",
    "D MON YYYY",       "MON D, YYYY",         "YYYYMMDD"};

// A column is of a kind when nearly all of its cells are.
constexpr double kNearlyAll = 0.85;

bool LooksLikeEmail(std::string_view cell) {
  const size_t at = cell.find('@');
  return at != std::string_view::npos && at > 0 &&
         cell.find('.', at) != std::string_view::npos &&
         cell.find(' ') == std::string_view::npos &&
         cell.find('@', at + 1) == std::string_view::npos;
}

// Digits in the writing of telephone numbers; a bare number is none.
bool LooksLikePhone(std::string_view cell) {
  const auto digits = std::count_if(
      cell.begin(), cell.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits >= 7 && digits <= 15 &&
         cell.find_first_not_of("0123456789 +-./()") ==
             std::string_view::npos &&
         (cell.find_first_of(" +-/(") != std::string_view::npos ||
          cell.front() == '0');
}

bool IsOneOf(std::string_view word,
             std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// "Date of 1st visit" as "date_of_1st_visit"; starts with a letter.
std::string FieldKey(const std::string& name) {
  std::string key;
  for (size_t i = 0; i < name.size(); ++i) {
    const std::string letter = Fold(std::string_view(name).substr(i, 1));
    const auto byte = static_cast<unsigned char>(name[i]);
    if (byte >= 0x80) {
      // One letter of two bytes.
      key += Fold(std::string_view(name).substr(i, 2));
      while (i + 1 < name.size() &&
             (static_cast<unsigned char>(name[i + 1]) & 0xC0) == 0x80) {
        ++i;
      }
      continue;
    }
    if (letter.empty()) {
      if (!key.empty() && key.back() != '_') key.push_back('_');
      continue;
    }
    // "SupportRepId" parts before its capitals.
    if (absl::ascii_isupper(byte) && !key.empty() && key.back() != '_' &&
        i > 0 && absl::ascii_islower(static_cast<unsigned char>(name[i - 1]))) {
      key.push_back('_');
    }
    key += letter;
  }
  std::string clean;
  for (const char c : key) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_') {
      clean.push_back(c);
    }
  }
  while (!clean.empty() && clean.back() == '_') clean.pop_back();
  if (clean.empty() ||
      !absl::ascii_isalpha(static_cast<unsigned char>(clean[0]))) {
    clean = "c_" + clean;
  }
  return clean.substr(0, 32);
}

}  // namespace

const char* SurenessText(Sureness sureness) {
  switch (sureness) {
    case Sureness::kSure:
      return "sure";
    case Sureness::kLikely:
      return "likely";
    default:
      return "unsure";
  }
}

ColumnProfile::ColumnProfile(std::string name)
    : name_(std::move(name)), dates_(kFormats.size(), 0) {}

void ColumnProfile::Add(const std::string& raw) {
  ++rows_;
  const std::string cell(absl::StripAsciiWhitespace(raw));
  if (cell.empty()) return;
  ++filled_;
  longest_ = std::max(longest_, cell.size());
  if (!hashes_.insert(std::hash<std::string>()(cell)).second) repeated_ = true;
  if (LooksLikeEmail(cell)) ++emails_;
  if (LooksLikePhone(cell)) ++phones_;
  if (FindCountry(cell).has_value()) ++countries_;
  if (ParseCellBool(cell).has_value()) ++bools_;
  if (const auto number = ParseCellNumber(cell, false); number.has_value()) {
    ++numbers_point_;
    if (*number == cell) {
      ints_ += number->find('.') == std::string::npos ? 1 : 0;
    }
  }
  if (ParseCellNumber(cell, true).has_value()) ++numbers_comma_;
  if (ParseCellMoney(cell, "", false).has_value() ||
      ParseCellMoney(cell, "", true).has_value()) {
    ++money_;
  }
  uint32_t kinds = 0;
  for (size_t i = 0; i < kFormats.size(); ++i) {
    if (ParseCellTime(cell, kFormats[i], 0).has_value()) {
      ++dates_[i];
      kinds |= 1u << i;
    }
  }
  if (kinds != 0) date_kinds_.insert(kinds);
  if (cell.size() > 40 || words_.size() > kMaxWords) {
    many_words_ = true;
  } else {
    words_.insert(cell);
    many_words_ = many_words_ || words_.size() > kMaxWords;
  }
}

double ColumnProfile::Share(uint64_t count) const {
  return filled_ == 0
             ? 0
             : static_cast<double>(count) / static_cast<double>(filled_);
}

void ColumnProfile::GuessDates(ColumnGuess* guess) const {
  // The fewest formats that explain the cells, the commonest first.
  std::set<uint32_t> open = date_kinds_;
  while (!open.empty()) {
    size_t best = kFormats.size();
    size_t best_kinds = 0;
    for (size_t i = 0; i < kFormats.size(); ++i) {
      const auto kinds = static_cast<size_t>(
          std::count_if(open.begin(), open.end(),
                        [i](uint32_t kind) { return (kind >> i & 1) == 1; }));
      if (kinds > best_kinds ||
          (kinds == best_kinds && best < kFormats.size() &&
           dates_[i] > dates_[best])) {
        best = i;
        best_kinds = kinds;
      }
    }
    if (best == kFormats.size()) break;
    guess->formats.emplace_back(kFormats[best]);
    for (auto it = open.begin(); it != open.end();) {
      it = (*it >> best & 1) == 1 ? open.erase(it) : std::next(it);
    }
    // The mirror image explains as much: nobody can tell from the file.
    for (const auto& [a, b] : {std::pair<size_t, size_t>{9, 10}, {11, 12}}) {
      if ((best == a || best == b) && dates_[a] == dates_[b]) {
        guess->ambiguous_date = true;
      }
    }
  }
}

void ColumnProfile::GuessWords(ColumnGuess* guess) const {
  std::set<std::string> seen;
  for (const std::string& word : words_) {
    const std::string folded = FoldWord(word);
    if (!seen.insert(folded).second) continue;
    const auto yes = ParseCellBool(word);
    if (yes == true ||
        IsOneOf(folded, {"subscribed", "optin", "given", "granted", "accepted",
                         "angemeldet", "erteilt", "accepte", "inscrit",
                         "aceptado", "suscrito", "active", "aktiv"})) {
      guess->give.push_back(word);
    } else if (yes == false ||
               IsOneOf(folded, {"declined", "refused", "rejected", "denied",
                                "abgelehnt", "refuse", "rechazado"})) {
      guess->refuse.push_back(word);
    } else if (IsOneOf(folded,
                       {"unsubscribed", "optout", "withdrawn", "revoked",
                        "abgemeldet", "widerrufen", "desinscrit", "retire",
                        "baja", "retirado", "cancelled"})) {
      guess->withdraw.push_back(word);
    } else {
      ++guess->other_words;
    }
  }
}

// Type by what the cells look like. False: nothing stands out.
bool ColumnProfile::GuessByContent(ColumnGuess* guess) const {
  uint64_t dated = 0;
  bool timed = false;
  for (size_t i = 0; i < kFormats.size(); ++i) {
    dated = std::max(dated, dates_[i]);
    timed = timed ||
            (dates_[i] > 0 && kFormats[i].find("hh") != std::string_view::npos);
  }
  guess->decimal_comma =
      numbers_comma_ > numbers_point_ && Share(numbers_comma_) >= kNearlyAll;
  if (Share(emails_) >= kNearlyAll) {
    guess->type = FieldType::EMAIL;
  } else if (Share(dated) >= kNearlyAll) {
    guess->type = timed ? FieldType::TIMESTAMP : FieldType::DATE;
    GuessDates(guess);
  } else if (Share(phones_) >= kNearlyAll) {
    guess->type = FieldType::PHONE;
  } else if (Share(bools_) >= 0.98 && words_.size() >= 2 &&
             words_.size() <= 4 && !many_words_) {
    guess->type = FieldType::BOOL;
  } else if (Share(countries_) >= kNearlyAll) {
    guess->type = FieldType::COUNTRY;
  } else if (Share(ints_) >= kNearlyAll) {
    guess->type = FieldType::INT;
  } else if (Share(numbers_point_) >= kNearlyAll || guess->decimal_comma) {
    guess->type = FieldType::DOUBLE;
  } else if (Share(money_) >= kNearlyAll) {
    guess->type = FieldType::MONEY;
  } else if (longest_ > 200) {
    guess->type = FieldType::TEXT;
  } else {
    return false;
  }
  return true;
}

ColumnGuess ColumnProfile::Guess() const {
  ColumnGuess guess;
  guess.column = name_;
  guess.own_key = FieldKey(name_);
  guess.field = guess.own_key;
  guess.category = "user";
  guess.unique = !repeated_ && filled_ == rows_ && rows_ > 1;
  guess.filled_percent =
      rows_ == 0 ? 0 : static_cast<int>(filled_ * 100 / rows_);
  if (filled_ == 0) {
    guess.role = ColumnRole::kIgnore;
    return guess;
  }
  const bool content = GuessByContent(&guess);
  bool exact = false;
  const ColumnName* name = FindColumnName(Fold(name_), &exact);
  if (name == nullptr) {
    if (guess.type == FieldType::EMAIL || guess.type == FieldType::PHONE) {
      guess.field = guess.type == FieldType::EMAIL ? "email" : "phone";
      guess.category = guess.type == FieldType::EMAIL
                           ? "user.contact.email"
                           : "user.contact.phone_number";
      guess.sureness = Sureness::kLikely;
    } else if (content) {
      guess.sureness = Sureness::kLikely;
    }
    return guess;
  }
  const ColumnGuess seen = guess;
  guess.role = name->role;
  if (!name->field.empty()) guess.field = std::string(name->field);
  if (!name->category.empty()) guess.category = std::string(name->category);
  // Texts, codes and places look like nothing of their own: a name is enough.
  const FieldType::Value said = name->type;
  bool fits = true;
  switch (said) {
    case FieldType::EMAIL:
      fits = Share(emails_) >= 0.6;
      break;
    case FieldType::PHONE:
      fits = Share(phones_) >= 0.6;
      break;
    case FieldType::DATE:
    case FieldType::TIMESTAMP:
      fits = !seen.formats.empty();
      break;
    case FieldType::COUNTRY:
      fits = Share(countries_) >= 0.6;
      break;
    case FieldType::INT:
    case FieldType::DOUBLE:
    case FieldType::MONEY:
      fits = Share(numbers_point_) >= 0.6 || Share(numbers_comma_) >= 0.6 ||
             Share(money_) >= 0.6;
      break;
    default:
      fits = seen.type != FieldType::EMAIL;
  }
  if (guess.role == ColumnRole::kChoice) {
    fits = !many_words_;
    GuessWords(&guess);
    fits = fits && !(guess.give.empty() && guess.refuse.empty() &&
                     guess.withdraw.empty());
    if (!fits) {
      guess.role = ColumnRole::kField;
      guess.field = guess.own_key;
      guess.category = "user";
    }
  }
  if (fits) {
    // A day without a time is a good timestamp; the other way round loses.
    guess.type = said;
    if (guess.role == ColumnRole::kField && said == FieldType::DATE &&
        seen.type == FieldType::TIMESTAMP && name->field != "birth_date" &&
        name->field != "customer_since") {
      guess.type = FieldType::TIMESTAMP;
    }
    guess.sureness = exact ? Sureness::kSure : Sureness::kLikely;
  } else if (guess.role == ColumnRole::kField) {
    guess.field = guess.own_key;
    guess.category = "user";
    guess.type = seen.type;
    guess.sureness = Sureness::kUnsure;
  } else {
    guess.sureness = Sureness::kUnsure;
  }
  if (guess.ambiguous_date) guess.sureness = Sureness::kUnsure;
  return guess;
}

}  // namespace consentry::tools
