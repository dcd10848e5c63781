#ifndef CONSENTRY_TOOLS_CONSENTRY_SAMPLES_TABLE_H_
#define CONSENTRY_TOOLS_CONSENTRY_SAMPLES_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"
#include "tools/consentry/samples/random.h"

namespace consentry::tools {

// A file that a careless system exports: no formula is defused, and cells are
// dirtied on their way in.
class SampleTable {
 public:
  SampleTable(char delimiter, std::string_view line_end,
              const std::vector<std::string>& header, SampleRandom* random);

  // Dirties and appends one row; now and then twice.
  void Add(std::vector<std::string> cells);
  // Appends a line as it is.
  void AddRaw(std::string_view line);

  const std::string& text() const { return text_; }
  // In Windows-1252. All letters must be of Latin-1.
  std::string InWindows1252() const;

 private:
  void Append(const std::vector<std::string>& cells);

  const char delimiter_;
  const std::string line_end_;
  SampleRandom* const random_;
  std::string text_;
};

// "24.12.1990", "1990-12-24", "12/24/1990".
std::string GermanDay(absl::CivilDay day);
std::string IsoDay(absl::CivilDay day);

// How people write a number: "030 23125-123", "+49 (0)30 23125123",
// "0049 30...".
std::string WrittenPhone(const std::string& e164, SampleRandom* random);

// A mail address that is none, made of a good one.
std::string BrokenEmail(const std::string& email, SampleRandom* random);

// Spellings of a country: "DE", "DEU", "Deutschland", "germany".
std::string WrittenCountry(std::string_view country, SampleRandom* random);

// A cell that a spreadsheet would run.
std::string FormulaCell(SampleRandom* random);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_SAMPLES_TABLE_H_
