#ifndef CONSENTRY_TOOLS_CONSENTRY_CSV_H_
#define CONSENTRY_TOOLS_CONSENTRY_CSV_H_

#include <cstddef>
#include <cstdint>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace consentry::tools {

enum class CsvEncoding {
  // Nothing but ASCII so far: decided at the first byte above it.
  kUndecided,
  kUtf8,
  // A superset of ISO 8859-1, as offices of Western Europe and America export.
  kWindows1252,
};

// How a file is written. Found from its beginning.
struct CsvFormat {
  char delimiter = ',';  // One of , ; tab |
  CsvEncoding encoding = CsvEncoding::kUndecided;
  bool byte_order_mark = false;
  // Lines end with a carriage return alone.
  bool bare_cr = false;
};

// What is wrong with one row.
enum class CsvFault {
  kNone,
  // Not as many fields as the header.
  kRagged,
  // A quote inside an unquoted field, or text behind a closing quote.
  kQuote,
  // A quoted field that never ends, or not within the bounds.
  kUnclosedQuote,
  kNulByte,
  // Bytes that the file's encoding does not know.
  kEncoding,
  // A field or the row is over its bound.
  kTooLong,
};

// In words, without any value.
std::string_view DescribeCsvFault(CsvFault fault);

struct CsvRow {
  // As a spreadsheet numbers it: the header is row 1.
  uint64_t number = 0;
  // UTF-8. As many as the header has, unless `fault` says otherwise.
  std::vector<std::string> fields;
  CsvFault fault = CsvFault::kNone;
};

// Bounds, each far above real exports and low enough that a hostile file cannot
// fill the memory.
inline constexpr size_t kMaxCsvFieldBytes = 64 << 10;
inline constexpr size_t kMaxCsvRowBytes = 1 << 20;
inline constexpr size_t kMaxCsvColumns = 1024;

// Reads comma-separated values (RFC 4180) with a header, row by row, in bounded
// memory. Strict: what does not follow the format is told, never guessed at;
// one bad row costs that row and no other. Where a bad row runs over several
// lines, reading goes on behind its first line. Empty lines are skipped. One
// thread at a time; `in` must outlive the reader.
class CsvReader {
 public:
  // Reads the header. `delimiter` overrides what is found. InvalidArgument for
  // an empty file, UTF-16, a column without a name or with that of another, and
  // more than kMaxCsvColumns.
  static absl::StatusOr<std::unique_ptr<CsvReader>> Open(
      std::istream* in, std::optional<char> delimiter = std::nullopt);

  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  const CsvFormat& format() const { return format_; }
  // Names of the columns, without spaces around them.
  const std::vector<std::string>& header() const { return header_; }
  // Bytes read so far.
  uint64_t offset() const { return base_ + pos_; }

  // Fills `row` and returns true, or returns false at the end. DataLoss when
  // the stream fails.
  absl::StatusOr<bool> Next(CsvRow* row);

 private:
  explicit CsvReader(std::istream* in) : in_(in) {}

  enum class Parse { kDone, kNeedMore };

  bool Refill();
  bool SkipLine();
  bool ReadRow(CsvRow* row);
  Parse ParseRow(size_t* end, size_t* first_line_end, CsvRow* row) const;
  bool Decode(std::string* field);
  absl::Status CheckHeader(CsvRow row);

  std::istream* const in_;
  CsvFormat format_;
  std::vector<std::string> header_;
  std::string buffer_;
  size_t pos_ = 0;     // In buffer_.
  uint64_t base_ = 0;  // Bytes before buffer_.
  bool eof_ = false;
  uint64_t number_ = 0;  // Of the last row.
};

// What the beginning of a file says about it. `head` may end anywhere.
CsvFormat DetectCsvFormat(std::string_view head);

// Appends one line with CRLF. Fields are quoted where RFC 4180 asks for it. A
// cell that a spreadsheet would run (it starts with = + - @, a tab or a return,
// and is no number) gets an apostrophe before it.
void AppendCsvLine(const std::vector<std::string>& fields, std::string* out);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_CSV_H_
