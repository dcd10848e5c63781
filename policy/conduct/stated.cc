#include "policy/conduct/stated.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace consentry::conduct {
namespace {

constexpr size_t kMaxDigits = 15;
constexpr int64_t kMinute = 60;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kWeek = 7 * kDay;
constexpr int64_t kMaxDuration = 10 * 366 * kDay;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return c >= 'a' && c <= 'z'; }

// Longer beginnings stand before those they begin with.
constexpr std::pair<std::string_view, int64_t> kUnits[] = {
    {"semaine", kWeek}, {"semana", kWeek}, {"week", kWeek}, {"woche", kWeek},
    {"std", kHour},     {"stunde", kHour}, {"d", kDay},     {"tag", kDay},
    {"t", kDay},        {"j", kDay},       {"h", kHour},    {"m", kMinute},
    {"s", 1},
};

std::optional<int64_t> UnitOf(std::string_view word) {
  // Months are no fixed time.
  for (const std::string_view month : {"mon", "mois", "mes"}) {
    if (word.substr(0, month.size()) == month) return std::nullopt;
  }
  for (const auto& [begin, seconds] : kUnits) {
    if (word.substr(0, begin.size()) == begin) return seconds;
  }
  return std::nullopt;
}

struct Figure {
  int64_t value = 0;
  // What stands behind it, up to the next figure.
  bool colon = false;
  std::string unit;
};

std::vector<Figure> ReadFigures(std::string_view text) {
  std::vector<Figure> figures;
  size_t i = 0;
  while (i < text.size()) {
    if (IsDigit(text[i])) {
      Figure figure;
      for (; i < text.size() && IsDigit(text[i]); ++i) {
        if (figure.value < kMaxDuration) {
          figure.value = figure.value * 10 + (text[i] - '0');
        }
      }
      figures.push_back(std::move(figure));
      continue;
    }
    if (!figures.empty()) {
      if (text[i] == ':') figures.back().colon = true;
      if (IsLetter(text[i]) && figures.back().unit.empty()) {
        for (; i < text.size() && IsLetter(text[i]); ++i) {
          figures.back().unit += text[i];
        }
        continue;
      }
    }
    ++i;
  }
  return figures;
}

std::optional<int64_t> ReadClock(const std::vector<Figure>& figures) {
  size_t parts = 1;
  while (parts < figures.size() && figures[parts - 1].colon) ++parts;
  const auto at = [&](size_t from_last) {
    return figures[parts - 1 - from_last].value;
  };
  switch (parts) {
    case 2:
      if (UnitOf(figures[1].unit) == kHour)
        return at(1) * kHour + at(0) * kMinute;
      return at(1) * kMinute + at(0);
    case 3:
      return at(2) * kHour + at(1) * kMinute + at(0);
    case 4:
      return at(3) * kDay + at(2) * kHour + at(1) * kMinute + at(0);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<int64_t> ReadQuantity(
    std::string_view text, const std::map<std::string, int64_t>& words) {
  const auto word = words.find(std::string(text));
  if (word != words.end()) return word->second;
  int64_t value = 0;
  size_t digits = 0;
  for (const char c : text) {
    if (IsDigit(c)) {
      if (++digits > kMaxDigits) return std::nullopt;
      value = value * 10 + (c - '0');
    } else if (c != ',' && c != '.' && c != ' ' && c != '\'') {
      return std::nullopt;
    }
  }
  if (digits == 0) return std::nullopt;
  return value;
}

std::optional<int64_t> ReadDuration(std::string_view text) {
  const std::vector<Figure> figures = ReadFigures(text);
  if (figures.empty()) return std::nullopt;
  int64_t total = 0;
  if (figures[0].colon && figures[0].unit.empty()) {
    const auto clock = ReadClock(figures);
    if (!clock) return std::nullopt;
    total = *clock;
  } else {
    for (const Figure& figure : figures) {
      const auto unit = UnitOf(figure.unit);
      if (!unit) return std::nullopt;
      total += std::min(figure.value, kMaxDuration) * *unit;
    }
  }
  if (total > kMaxDuration) return std::nullopt;
  return total;
}

}  // namespace consentry::conduct
