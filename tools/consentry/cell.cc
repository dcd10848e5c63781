#include "tools/consentry/cell.h"

#include <algorithm>
#include <array>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "tools/consentry/fold.h"

namespace consentry::tools {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Months by their folded names and the abbreviations of exports.
std::optional<int> FindMonth(std::string_view folded) {
  static constexpr std::array<std::string_view, 12> kNames = {
      "january januar janvier enero jan janv ene",
      "february februar fevrier febrero feb fevr fev",
      "march marz mars marzo mar mrz maerz",
      "april avril abril apr avr abr",
      "may mai mayo",
      "june juni juin junio jun",
      "july juli juillet julio jul juil",
      "august aout agosto aug ago",
      "september septembre septiembre sep sept set",
      "october oktober octobre octubre oct okt",
      "november novembre noviembre nov",
      "december dezember decembre diciembre dec dez dic"};
  for (size_t month = 0; month < kNames.size(); ++month) {
    std::string_view names = kNames[month];
    while (!names.empty()) {
      const size_t end = names.find(' ');
      if (names.substr(0, end) == folded) return static_cast<int>(month) + 1;
      if (end == std::string_view::npos) break;
      names.remove_prefix(end + 1);
    }
  }
  return std::nullopt;
}

enum class Part {
  kLiteral,
  kYear,
  kMonth,
  kDay,
  kName,
  kHour,
  kMinute,
  kSecond,
  kZone
};

struct Token {
  Part part = Part::kLiteral;
  size_t min_digits = 0;
  size_t max_digits = 0;
  char literal = 0;
};

std::vector<Token> Tokens(std::string_view format) {
  struct Known {
    std::string_view text;
    Token token;
  };
  static constexpr std::array<Known, 10> kKnown = {{
      {"YYYY", {Part::kYear, 4, 4, 0}},
      {"MON", {Part::kName, 0, 0, 0}},
      {"MM", {Part::kMonth, 2, 2, 0}},
      {"DD", {Part::kDay, 2, 2, 0}},
      {"hh", {Part::kHour, 2, 2, 0}},
      {"mm", {Part::kMinute, 2, 2, 0}},
      {"ss", {Part::kSecond, 2, 2, 0}},
      {"M", {Part::kMonth, 1, 2, 0}},
      {"D", {Part::kDay, 1, 2, 0}},
      {"Z", {Part::kZone, 0, 0, 0}},
  }};
  std::vector<Token> tokens;
  while (!format.empty()) {
    const auto known =
        std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& k) {
          return format.substr(0, k.text.size()) == k.text;
        });
    if (known != kKnown.end()) {
      tokens.push_back(known->token);
      format.remove_prefix(known->text.size());
    } else {
      tokens.push_back({Part::kLiteral, 0, 0, format.front()});
      format.remove_prefix(1);
    }
  }
  return tokens;
}

// Takes `min` to `max` digits off the front.
std::optional<int> TakeNumber(std::string_view* text, size_t min, size_t max) {
  size_t length = 0;
  int number = 0;
  while (length < max && length < text->size() && IsDigit((*text)[length])) {
    number = number * 10 + ((*text)[length] - '0');
    ++length;
  }
  if (length < min) return std::nullopt;
  text->remove_prefix(length);
  return number;
}

// "Z", "+02:00", "+0200", "-05". Minutes east of UTC.
std::optional<int> TakeZone(std::string_view* text) {
  if (text->empty()) return std::nullopt;
  const char sign = text->front();
  text->remove_prefix(1);
  if (sign == 'Z' || sign == 'z') return 0;
  if (sign != '+' && sign != '-') return std::nullopt;
  const auto hours = TakeNumber(text, 2, 2);
  if (!hours.has_value() || *hours > 14) return std::nullopt;
  if (!text->empty() && text->front() == ':') text->remove_prefix(1);
  int minutes = 0;
  if (!text->empty()) {
    const auto rest = TakeNumber(text, 2, 2);
    if (!rest.has_value() || *rest > 59) return std::nullopt;
    minutes = *rest;
  }
  const int offset = *hours * 60 + minutes;
  return sign == '-' ? -offset : offset;
}

struct Sign {
  std::string_view text;
  std::string_view currency;
};

// Only signs that mean one currency; "$" and "kr" do not.
constexpr std::array<Sign, 8> kSigns = {{{"€", "EUR"},
                                         {"£", "GBP"},
                                         {"US$", "USD"},
                                         {"CA$", "CAD"},
                                         {"A$", "AUD"},
                                         {"R$", "BRL"},
                                         {"CHF", "CHF"},
                                         {"zł", "PLN"}}};

std::string_view Trim(std::string_view text) {
  for (;;) {
    if (!text.empty() && text.front() == ' ') {
      text.remove_prefix(1);
    } else if (text.substr(0, 2) == "\xC2\xA0") {
      text.remove_prefix(2);
    } else if (!text.empty() && text.back() == ' ') {
      text.remove_suffix(1);
    } else if (text.size() >= 2 && text.substr(text.size() - 2) == "\xC2\xA0") {
      text.remove_suffix(2);
    } else {
      return text;
    }
  }
}

bool IsCurrencyCode(std::string_view text) {
  return text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) {
           return c >= 'A' && c <= 'Z';
         });
}

}  // namespace

bool IsDateFormat(std::string_view format) {
  bool year = false;
  bool month = false;
  bool day = false;
  for (const Token& token : Tokens(format)) {
    year = year || token.part == Part::kYear;
    month = month || token.part == Part::kMonth || token.part == Part::kName;
    day = day || token.part == Part::kDay;
    // A letter that is no part is a mistake ("yyyy"), but for the T of ISO.
    if (token.part == Part::kLiteral && token.literal != 'T' &&
        absl::ascii_isalpha(static_cast<unsigned char>(token.literal))) {
      return false;
    }
  }
  return year && month && day && format.size() <= 40;
}

std::optional<CellTime> ParseCellTime(std::string_view cell,
                                      std::string_view format,
                                      int utc_offset_minutes) {
  CellTime time;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int offset = utc_offset_minutes;
  int64_t micros = 0;
  for (const Token& token : Tokens(format)) {
    if (token.part == Part::kLiteral) {
      if (cell.empty() || cell.front() != token.literal) return std::nullopt;
      cell.remove_prefix(1);
      continue;
    }
    if (token.part == Part::kZone) {
      const auto zone = TakeZone(&cell);
      if (!zone.has_value()) return std::nullopt;
      offset = *zone;
      continue;
    }
    if (token.part == Part::kName) {
      size_t length = 0;
      while (length < cell.size() &&
             (absl::ascii_isalpha(static_cast<unsigned char>(cell[length])) ||
              static_cast<unsigned char>(cell[length]) >= 0x80)) {
        ++length;
      }
      const auto month = FindMonth(Fold(cell.substr(0, length)));
      if (!month.has_value()) return std::nullopt;
      time.month = *month;
      cell.remove_prefix(length);
      if (!cell.empty() && cell.front() == '.') cell.remove_prefix(1);
      continue;
    }
    const auto number = TakeNumber(&cell, token.min_digits, token.max_digits);
    if (!number.has_value()) return std::nullopt;
    switch (token.part) {
      case Part::kYear:
        time.year = *number;
        break;
      case Part::kMonth:
        time.month = *number;
        break;
      case Part::kDay:
        time.day = *number;
        break;
      case Part::kHour:
        hour = *number;
        time.has_time = true;
        break;
      case Part::kMinute:
        minute = *number;
        break;
      default:
        second = *number;
        if (cell.size() > 1 && (cell[0] == '.' || cell[0] == ',') &&
            IsDigit(cell[1])) {
          cell.remove_prefix(1);
          int64_t unit = 100000;
          while (!cell.empty() && IsDigit(cell.front())) {
            micros += (cell.front() - '0') * unit;
            unit /= 10;
            cell.remove_prefix(1);
          }
        }
    }
  }
  if (!cell.empty() || time.year < 1800 || time.year > 2200 || hour > 23 ||
      minute > 59 || second > 59) {
    return std::nullopt;
  }
  const absl::CivilDay day(time.year, time.month, time.day);
  // A civil day corrects itself: 31 April becomes 1 May.
  if (day.month() != time.month || day.day() != time.day) return std::nullopt;
  time.unix_us =
      ((day - absl::CivilDay(1970, 1, 1)) * int64_t{86400} +
       hour * int64_t{3600} +
       (minute - (time.has_time ? offset : 0)) * int64_t{60} + second) *
          1000000 +
      micros;
  return time;
}

std::optional<CellTime> ParseAnyCellTime(
    std::string_view cell, const std::vector<std::string>& formats,
    int utc_offset_minutes) {
  static const std::vector<std::string>* const kIso =
      new std::vector<std::string>{
          "YYYY-MM-DD",          "YYYY-MM-DDThh:mm:ssZ", "YYYY-MM-DDThh:mm:ss",
          "YYYY-MM-DD hh:mm:ss", "YYYY-MM-DD hh:mm",     "YYYY-MM-DD hh:mm:ssZ",
          "YYYY-MM-DDThh:mmZ"};
  std::optional<CellTime> found;
  for (const std::string& format : formats.empty() ? *kIso : formats) {
    const auto time = ParseCellTime(cell, format, utc_offset_minutes);
    if (!time.has_value()) continue;
    if (found.has_value() && found->unix_us != time->unix_us) {
      return std::nullopt;
    }
    found = time;
  }
  return found;
}

std::string DateText(const CellTime& time) {
  return absl::StrFormat("%04d-%02d-%02d", time.year, time.month, time.day);
}

std::string TimeText(const CellTime& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ",
                          absl::FromUnixMicros(time.unix_us),
                          absl::UTCTimeZone());
}

std::optional<std::string> ParseCellNumber(std::string_view cell,
                                           bool decimal_comma) {
  const char point = decimal_comma ? ',' : '.';
  std::string out;
  cell = Trim(cell);
  if (!cell.empty() && (cell.front() == '-' || cell.front() == '+')) {
    if (cell.front() == '-') out.push_back('-');
    cell.remove_prefix(1);
  }
  size_t digits = 0;
  size_t group = 0;
  std::string_view group_sign;
  bool fraction = false;
  for (size_t i = 0; i < cell.size(); ++i) {
    const char c = cell[i];
    if (IsDigit(c)) {
      out.push_back(c);
      ++group;
      if (++digits > 30) return std::nullopt;
      continue;
    }
    if (fraction) return std::nullopt;
    // A sign that cuts three-digit groups, everywhere the same.
    std::string_view sign = cell.substr(i, 1);
    if (c == point) {
      if (!group_sign.empty() && group != 3) return std::nullopt;
      if (group == 0) return std::nullopt;
      fraction = true;
      group = 0;
      out.push_back('.');
      continue;
    }
    if (cell.substr(i, 2) == "\xC2\xA0") {
      sign = cell.substr(i, 2);
      ++i;
    }
    const bool known = sign == "." || sign == "," || sign == " " ||
                       sign == "'" || sign == "\xC2\xA0";
    const bool first = group_sign.empty();
    if (!known || (!first && sign != group_sign) || group == 0 ||
        (first ? group > 3 : group != 3)) {
      return std::nullopt;
    }
    group_sign = sign;
    group = 0;
  }
  if (digits == 0 || group == 0) return std::nullopt;
  if (!fraction && !group_sign.empty() && group != 3) return std::nullopt;
  return out;
}

std::optional<std::string> ParseCellMoney(std::string_view cell,
                                          std::string_view currency,
                                          bool decimal_comma) {
  cell = Trim(cell);
  std::string found;
  const auto take = [&](std::string_view sign, std::string_view code) {
    const size_t n = sign.size();
    if (cell.size() <= n) return false;
    if (cell.substr(0, n) == sign) {
      cell.remove_prefix(n);
    } else if (cell.substr(cell.size() - n) == sign) {
      cell.remove_suffix(n);
    } else {
      return false;
    }
    found = std::string(code);
    cell = Trim(cell);
    return true;
  };
  if (cell.size() > 3 && IsCurrencyCode(cell.substr(0, 3))) {
    found = std::string(cell.substr(0, 3));
    cell = Trim(cell.substr(3));
  } else if (cell.size() > 3 && IsCurrencyCode(cell.substr(cell.size() - 3))) {
    found = std::string(cell.substr(cell.size() - 3));
    cell = Trim(cell.substr(0, cell.size() - 3));
  } else {
    for (const Sign& sign : kSigns) {
      if (take(sign.text, sign.currency)) break;
    }
    // A dollar is the map's currency, when that is a dollar.
    if (found.empty() && currency.size() == 3 && currency.back() == 'D') {
      take("$", currency);
    }
  }
  if (found.empty()) found = std::string(currency);
  if (found.empty() || (!currency.empty() && found != currency)) {
    return std::nullopt;
  }
  const auto number = ParseCellNumber(cell, decimal_comma);
  if (!number.has_value()) return std::nullopt;
  return *number + " " + found;
}

std::optional<bool> ParseCellBool(std::string_view cell) {
  static const std::set<std::string>* const kYes = new std::set<std::string>{
      "1", "true", "t", "yes",  "y",    "ja",        "j",  "oui",
      "o", "si",   "s", "wahr", "vrai", "verdadero", "on", "x"};
  static const std::set<std::string>* const kNo =
      new std::set<std::string>{"0",   "false",  "f",    "no",    "n",  "nein",
                                "non", "falsch", "faux", "falso", "off"};
  const std::string word = FoldWord(cell);
  if (kYes->count(word) == 1) return true;
  if (kNo->count(word) == 1) return false;
  return std::nullopt;
}

}  // namespace consentry::tools
