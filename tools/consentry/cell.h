#ifndef CONSENTRY_TOOLS_CONSENTRY_CELL_H_
#define CONSENTRY_TOOLS_CONSENTRY_CELL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace consentry::tools {

// Reading single cells of other systems' exports. Pure functions; nothing is
// guessed: what does not follow the stated form is nothing. Cells are UTF-8
// without spaces around.

// A day and, when the format has one, a time of day in UTC.
struct CellTime {
  int year = 0;
  int month = 0;
  int day = 0;
  bool has_time = false;
  // Since the Unix epoch; midnight without a time of day.
  int64_t unix_us = 0;
};

// Whether a format is made of known parts: YYYY MM M DD D MON hh mm ss Z and
// what stands between them, with a year, a month and a day.
bool IsDateFormat(std::string_view format);

// Reads by one format. Years 1800 to 2200; days that exist. Parts of a second
// may follow ss. Without Z, times are `utc_offset_minutes` east of UTC.
std::optional<CellTime> ParseCellTime(std::string_view cell,
                                      std::string_view format,
                                      int utc_offset_minutes);

// Reads by several formats; by ISO 8601 when there are none. Nothing when two
// fit with different meanings.
std::optional<CellTime> ParseAnyCellTime(
    std::string_view cell, const std::vector<std::string>& formats,
    int utc_offset_minutes);

// "YYYY-MM-DD", and "YYYY-MM-DDThh:mm:ssZ".
std::string DateText(const CellTime& time);
std::string TimeText(const CellTime& time);

// A number with or without groups of three ("1.234,5" with decimal_comma), as
// digits with an optional minus and point: "1234.5". At most 30 digits.
std::optional<std::string> ParseCellNumber(std::string_view cell,
                                           bool decimal_comma);

// An amount with an optional code or sign ("EUR 12,50", "12.50 €") as
// "12.50 EUR". `currency` where the cell has none; nothing when both are there
// and disagree, or neither.
std::optional<std::string> ParseCellMoney(std::string_view cell,
                                          std::string_view currency,
                                          bool decimal_comma);

// Words for yes and no in English, German, French and Spanish, 1 and 0.
std::optional<bool> ParseCellBool(std::string_view cell);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_CELL_H_
