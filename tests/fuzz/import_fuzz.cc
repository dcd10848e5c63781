// Any bytes as an export: a map can be drafted for it, the drafted map parses,
// and mapping every row by it keeps the bounds of the API. The first bytes are
// also read as single cells.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include "consentry/config/v1/import_map.pb.h"
#include "proto/support/text_proto.h"
#include "proto/support/utf8.h"
#include "tools/consentry/cell.h"
#include "tools/consentry/countries.h"
#include "tools/consentry/draft.h"
#include "tools/consentry/import_map.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void ReadCells(const std::string& text) {
  using namespace consentry::tools;
  const std::string cell = text.substr(0, 64);
  for (const bool comma : {false, true}) {
    if (const auto number = ParseCellNumber(cell, comma)) {
      // What is read reads the same again, in the plain notation.
      Require(ParseCellNumber(*number, false) == number);
    }
    ParseCellMoney(cell, "USD", comma);
  }
  if (const auto time = ParseAnyCellTime(cell, {}, 60)) {
    Require(ParseAnyCellTime(DateText(*time), {}, 0).has_value());
    Require(ParseAnyCellTime(TimeText(*time), {}, 0).has_value());
  }
  ParseCellTime("2020-01-02", cell, 0);
  IsDateFormat(cell);
  ParseCellBool(cell);
  FindResidence(cell, cell);
  InternationalPhone(cell, "DE");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace consentry::tools;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  ReadCells(bytes);
  std::istringstream first(bytes);
  DraftOptions options;
  options.source = "crm";
  options.file_name = "f.csv";
  const auto draft = DraftImport(&first, options);
  if (!draft.ok()) return 0;
  consentry::config::v1::ImportMap map;
  consentry::TextProto text("draft");
  Require(text.Parse(draft->map_text, &map).ok());
  consentry::config::v1::Catalog catalog;
  consentry::TextProto catalog_text("catalog");
  Require(catalog_text.Parse(draft->catalog_text, &catalog).ok());
  std::istringstream second(bytes);
  const auto reader = CsvReader::Open(&second);
  Require(reader.ok());
  const auto mapper = ImportMapper::Create(map, text, (*reader)->header(), 0);
  // Not every file says who its rows are about.
  if (!mapper.ok()) return 0;
  CsvRow row;
  while (*(*reader)->Next(&row)) {
    if (row.fault != CsvFault::kNone) continue;
    const MappedRow mapped = (*mapper)->Map(row);
    for (const auto& record : mapped.rows) {
      Require(record.identifiers_size() >= 1 && record.identifiers_size() <= 8);
      Require(record.values_size() <= 64);
      for (const auto& [field, value] : record.values()) {
        Require(consentry::IsUtf8(value.string_value()));
      }
    }
  }
  return 0;
}
