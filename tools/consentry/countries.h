#ifndef CONSENTRY_TOOLS_CONSENTRY_COUNTRIES_H_
#define CONSENTRY_TOOLS_CONSENTRY_COUNTRIES_H_

#include <optional>
#include <string>
#include <string_view>

namespace consentry::tools {

// Facts of ISO 3166 and E.164, as far as imports need them. All functions are
// pure and safe from any thread.

// ISO 3166-1 alpha-2 of a code (alpha-2, alpha-3) or a name in English, German,
// French or Spanish; spelling, accents and case do not matter. A code such as
// "US-CA" gives its country. Nothing for what is not known or means several.
std::optional<std::string> FindCountry(std::string_view text);

// ISO 3166-2 of a state or province of "US" or "CA" by code ("CA", "US-CA") or
// name; nothing for others and for other countries.
std::optional<std::string> FindRegion(std::string_view country,
                                      std::string_view text);

// What a cell says about where somebody lives: "US-CA" where country and region
// are known, else the country alone, else nothing. A region is read for the
// United States and Canada only; one that is not known there leaves the
// country.
std::optional<std::string> FindResidence(std::string_view country,
                                         std::string_view region);

// Brings a number into international form when it names no country: its trunk
// prefix goes, "+" and the calling code of `country` (alpha-2) come. Drops a
// trunk prefix that stands behind a country code ("+49 0711 ..."). What cannot
// be read comes back as it was: the gateway refuses it.
std::string InternationalPhone(std::string_view number,
                               std::string_view country);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_COUNTRIES_H_
