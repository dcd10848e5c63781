#include <zip.h>

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/rights/report_formats.h"
#include "google/protobuf/reflection.h"
#include "proto/support/error.h"

namespace consentry::rights {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

struct Table {
  std::string name;
  std::string csv;
};

void AddRow(const std::vector<std::string>& cells, std::string* csv) {
  for (size_t i = 0; i < cells.size(); ++i) {
    absl::StrAppend(csv, i == 0 ? "" : ",", CsvCell(cells[i]));
  }
  csv->append("\r\n");
}

// A scalar, or a list of texts, as one cell.
std::string CellOf(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  if (field.is_repeated()) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      std::vector<std::string> parts;
      for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
        parts.push_back(reflection.GetRepeatedString(message, &field, i));
      }
      return absl::StrJoin(parts, "; ");
    }
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      std::vector<std::string> parts;
      for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
        const Message& inner =
            reflection.GetRepeatedMessage(message, &field, i);
        std::vector<std::string> words;
        for (int j = 0; j < inner.GetDescriptor()->field_count(); ++j) {
          words.push_back(CellOf(inner, *inner.GetDescriptor()->field(j)));
        }
        parts.push_back(absl::StrJoin(words, ": "));
      }
      return absl::StrJoin(parts, "; ");
    }
    return "";
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(reflection.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(reflection.GetUInt64(message, &field));
    default:
      return "";
  }
}

// One list of the report: a row for each message.
Table ListTable(const Message& report, const FieldDescriptor& field,
                std::string* schema) {
  Table table{field.name() + ".csv", ""};
  const auto& row = *field.message_type();
  std::vector<std::string> header;
  for (int i = 0; i < row.field_count(); ++i) {
    header.push_back(row.field(i)->name());
    AddRow({table.name, row.field(i)->name(), "", "", row.field(i)->type_name(),
            ""},
           schema);
  }
  AddRow(header, &table.csv);
  const Reflection& reflection = *report.GetReflection();
  for (int i = 0; i < reflection.FieldSize(report, &field); ++i) {
    const Message& one = reflection.GetRepeatedMessage(report, &field, i);
    std::vector<std::string> cells;
    for (int j = 0; j < row.field_count(); ++j) {
      cells.push_back(CellOf(one, *row.field(j)));
    }
    AddRow(cells, &table.csv);
  }
  return table;
}

Table KindTable(const store::v1::ReportTable& kind, std::string* schema) {
  Table table{absl::StrCat("data_", kind.kind(), ".csv"), ""};
  std::vector<std::string> header = {"record", "source", "collected_at",
                                     "purpose"};
  for (const std::string& column : header) {
    AddRow({table.name, column, "", "", "text", ""}, schema);
  }
  for (const auto& column : kind.columns()) {
    header.push_back(column.key());
    AddRow({table.name, column.key(), column.title(), column.category(),
            column.type(), kind.inferred() ? "inferred" : "provided"},
           schema);
  }
  AddRow(header, &table.csv);
  for (const auto& record : kind.records()) {
    std::vector<std::string> cells = {record.id(), record.source(),
                                      record.collected_at(), record.purpose()};
    for (const auto& column : kind.columns()) {
      const auto found = record.values().find(column.key());
      cells.push_back(found == record.values().end() ? "" : found->second);
    }
    AddRow(cells, &table.csv);
  }
  return table;
}

// Frees what a failure leaves.
struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct FreeSource {
  void operator()(zip_source_t* source) const { zip_source_free(source); }
};

}  // namespace

std::string CsvCell(std::string_view text) {
  std::string cell;
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) !=
                           std::string_view::npos) {
    cell.push_back('\'');
  }
  cell.append(text);
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return quoted;
}

absl::StatusOr<std::string> ReportZip(const store::v1::AccessReport& report) {
  std::string schema;
  AddRow({"table", "column", "title", "category", "type", "origin"}, &schema);
  std::vector<Table> tables;
  for (const auto& kind : report.tables()) {
    tables.push_back(KindTable(kind, &schema));
  }
  const auto& message = *report.GetDescriptor();
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    if (!field.is_repeated() || field.name() == "tables" ||
        field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE ||
        report.GetReflection()->FieldSize(report, &field) == 0) {
      continue;
    }
    tables.push_back(ListTable(report, field, &schema));
  }
  tables.push_back({"schema.csv", std::move(schema)});

  const absl::Status failed =
      MakeError(v1::ERROR_REASON_INTERNAL, "a report could not be packed");
  zip_error_t error;
  zip_error_init(&error);
  // Kept beyond the archive, to be read back.
  std::unique_ptr<zip_source_t, FreeSource> sink(
      zip_source_buffer_create(nullptr, 0, 0, &error));
  if (sink == nullptr) return failed;
  zip_source_keep(sink.get());
  std::unique_ptr<zip_t, Discard> archive(
      zip_open_from_source(sink.get(), ZIP_TRUNCATE, &error));
  if (archive == nullptr) {
    zip_source_free(sink.get());
    return failed;
  }
  for (const Table& table : tables) {
    zip_source_t* source =
        zip_source_buffer(archive.get(), table.csv.data(), table.csv.size(), 0);
    if (source == nullptr) return failed;
    const zip_int64_t index = zip_file_add(archive.get(), table.name.c_str(),
                                           source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      return failed;
    }
    // The same bytes every time: 1 January 1980, where ZIP's time begins.
    if (zip_file_set_dostime(archive.get(), static_cast<zip_uint64_t>(index), 0,
                             33, 0) != 0) {
      return failed;
    }
  }
  if (zip_close(archive.get()) != 0) return failed;
  archive.release();
  if (zip_source_open(sink.get()) != 0) return failed;
  std::string bytes;
  char buffer[16384];
  for (;;) {
    const zip_int64_t read = zip_source_read(sink.get(), buffer, sizeof buffer);
    if (read < 0) return failed;
    if (read == 0) break;
    bytes.append(buffer, static_cast<size_t>(read));
  }
  zip_source_close(sink.get());
  return bytes;
}

}  // namespace consentry::rights
