// Any bytes as a CSV file: the reader ends, keeps its bounds, hands out UTF-8
// only, and what it reads well survives being written and read again.
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "proto/support/utf8.h"
#include "tools/consentry/csv.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using consentry::tools::AppendCsvLine;
  using consentry::tools::CsvFault;
  using consentry::tools::CsvReader;
  using consentry::tools::CsvRow;
  std::istringstream in(std::string(reinterpret_cast<const char*>(data), size));
  const auto reader = CsvReader::Open(&in);
  if (!reader.ok()) {
    Require(!reader.status().message().empty());
    return 0;
  }
  uint64_t last = 1;
  CsvRow row;
  for (;;) {
    const auto more = (*reader)->Next(&row);
    Require(more.ok());
    if (!*more) break;
    Require(row.number > last);
    last = row.number;
    if (row.fault != CsvFault::kNone) {
      continue;
    }
    Require(row.fields.size() == (*reader)->header().size());
    std::string line;
    for (std::string& field : row.fields) {
      Require(consentry::IsUtf8(field));
      Require(field.size() <= 3 * consentry::tools::kMaxCsvFieldBytes + 3);
      // Keeps the cell from being defused, which is meant to change it.
      field.insert(0, "x");
    }
    AppendCsvLine((*reader)->header(), &line);
    AppendCsvLine(row.fields, &line);
    if (line.size() > (64u << 10)) continue;
    std::istringstream again(line);
    const auto second = CsvReader::Open(&again, ',');
    if (!second.ok()) continue;  // A defused header may repeat a name.
    CsvRow copy;
    Require((*second)->Next(&copy).ok());
    Require(copy.fields == row.fields);
  }
  return 0;
}
