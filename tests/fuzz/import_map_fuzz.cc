// Any text as an import map: refused with its faults told, or every row of a
// file is mapped by it within the bounds of the API.

#include <cstdint>
#include <sstream>
#include <string>

#include "consentry/config/v1/import_map.pb.h"
#include "proto/support/error.h"
#include "proto/support/text_proto.h"
#include "proto/support/utf8.h"
#include "tests/fuzz/input.h"
#include "tools/consentry/import_map.h"

using consentry::fuzz::Require;

namespace {

constexpr char kFile[] =
    "a,b,c,d,e,f\n"
    "1,anna@example.org,+49 30 1234567,DE,2020-01-02,yes\n"
    "2,,0151 1234567,US-CA,03.04.2021,no\n"
    "3,\"x, y\",-,Deutschland,1/2/2022 11:12,\"12,50 \xe2\x82\xac\"\n"
    ",,,,,\n";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace consentry::tools;
  consentry::config::v1::ImportMap map;
  consentry::TextProto text("map");
  const absl::Status parsed = text.Parse(
      std::string_view(reinterpret_cast<const char*>(data), size), &map);
  if (!parsed.ok()) {
    Require(consentry::ReasonOf(parsed) ==
            consentry::v1::ERROR_REASON_CONFIG_INVALID);
    return 0;
  }
  std::istringstream in(kFile);
  const auto reader = CsvReader::Open(&in);
  Require(reader.ok());
  const auto mapper = ImportMapper::Create(map, text, (*reader)->header(), 0);
  if (!mapper.ok()) {
    Require(consentry::ReasonOf(mapper.status()) ==
            consentry::v1::ERROR_REASON_CONFIG_INVALID);
    return 0;
  }
  CsvRow row;
  while (*(*reader)->Next(&row)) {
    Require(row.fault == CsvFault::kNone);
    const MappedRow mapped = (*mapper)->Map(row);
    Require(!mapped.skipped || mapped.rows.empty());
    for (const auto& fault : mapped.faults) Require(!fault.column.empty());
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
