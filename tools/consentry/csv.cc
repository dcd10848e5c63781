#include "tools/consentry/csv.h"

#include <algorithm>
#include <array>
#include <map>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/support/utf8.h"

namespace consentry::tools {
namespace {

constexpr size_t kChunk = 64 << 10;
constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

// Code points of the bytes 0x80 to 0x9F in Windows-1252; 0: none.
constexpr std::array<uint16_t, 32> kWindows1252 = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
    0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017D, 0,
    0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x80;
  });
}

void AppendUtf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xC0 | (code >> 6)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else {
    out->push_back(static_cast<char>(0xE0 | (code >> 12)));
    out->push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

bool FromWindows1252(std::string* text) {
  std::string out;
  out.reserve(text->size() + 8);
  for (const char c : *text) {
    const auto byte = static_cast<unsigned char>(c);
    uint32_t code = byte;
    if (byte >= 0x80 && byte < 0xA0) {
      code = kWindows1252[byte - 0x80];
      if (code == 0) return false;
    }
    AppendUtf8(code, &out);
  }
  *text = std::move(out);
  return true;
}

// A name that may stand in a message: a file without a header has somebody's
// data in its first row.
bool IsPlainName(std::string_view name) {
  return name.size() <= 40 && std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalpha(static_cast<unsigned char>(c)) ||
                  c == '_' || c == ' ';
         });
}

bool IsNumber(std::string_view text) {
  double ignored;
  return !text.empty() && text.size() <= 32 &&
         text.find_first_not_of("+-.0123456789") == std::string_view::npos &&
         absl::SimpleAtod(absl::string_view(text.data(), text.size()),
                          &ignored);
}

bool WouldRun(std::string_view cell) {
  const size_t start = cell.find_first_not_of(' ');
  if (start == std::string_view::npos) return false;
  const char c = cell[start];
  if (c == '=' || c == '@' || c == '\t' || c == '\r' || c == '\n') return true;
  if (c == '-') return !IsNumber(cell.substr(start));
  return c == '+';
}

}  // namespace

std::string_view DescribeCsvFault(CsvFault fault) {
  switch (fault) {
    case CsvFault::kNone:
      return "none";
    case CsvFault::kRagged:
      return "not as many fields as the header";
    case CsvFault::kQuote:
      return "a quote in an unquoted field, or text behind a closing quote";
    case CsvFault::kUnclosedQuote:
      return "a quoted field without an end";
    case CsvFault::kNulByte:
      return "a NUL byte";
    case CsvFault::kEncoding:
      return "bytes that are not of the file's encoding";
    case CsvFault::kTooLong:
      return "a field over 64 KiB or a row over 1 MiB";
  }
  return "";
}

absl::StatusOr<std::unique_ptr<CsvReader>> CsvReader::Open(
    std::istream* in, std::optional<char> delimiter) {
  std::unique_ptr<CsvReader> reader(new CsvReader(in));
  while (!reader->eof_ && reader->buffer_.size() < kChunk) reader->Refill();
  const std::string_view head(reader->buffer_);
  if (head.substr(0, 2) == "\xFF\xFE" || head.substr(0, 2) == "\xFE\xFF") {
    return absl::InvalidArgumentError(
        "the file is UTF-16: save it as UTF-8 (CSV UTF-8)");
  }
  reader->format_ = DetectCsvFormat(head);
  if (delimiter.has_value()) reader->format_.delimiter = *delimiter;
  if (reader->format_.byte_order_mark) reader->pos_ = kUtf8Mark.size();
  CsvRow row;
  if (!reader->ReadRow(&row)) {
    return absl::InvalidArgumentError("the file is empty: no header");
  }
  if (row.fault != CsvFault::kNone) {
    const std::string_view fault = DescribeCsvFault(row.fault);
    return absl::InvalidArgumentError(
        absl::StrCat("the header cannot be read: ",
                     absl::string_view(fault.data(), fault.size())));
  }
  if (absl::Status status = reader->CheckHeader(std::move(row)); !status.ok()) {
    return status;
  }
  return reader;
}

absl::Status CsvReader::CheckHeader(CsvRow row) {
  if (row.fields.size() > kMaxCsvColumns) {
    return absl::InvalidArgumentError(
        absl::StrCat("more than ", kMaxCsvColumns, " columns"));
  }
  std::map<std::string, size_t> seen;
  for (size_t i = 0; i < row.fields.size(); ++i) {
    const std::string name(absl::StripAsciiWhitespace(row.fields[i]));
    if (name.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("column ", i + 1, " has no name in the header"));
    }
    const auto [it, inserted] = seen.emplace(name, i);
    if (!inserted) {
      return absl::InvalidArgumentError(absl::StrCat(
          "columns ", it->second + 1, " and ", i + 1, " have the same name",
          IsPlainName(name) ? absl::StrCat(", \"", name, "\"") : ""));
    }
    header_.push_back(name);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> CsvReader::Next(CsvRow* row) {
  if (!ReadRow(row)) {
    if (in_->bad()) return absl::DataLossError("the file cannot be read on");
    return false;
  }
  if (row->fault == CsvFault::kNone && row->fields.size() != header_.size()) {
    row->fault = CsvFault::kRagged;
  }
  return true;
}

bool CsvReader::Refill() {
  if (eof_) return false;
  if (pos_ > 0) {
    base_ += pos_;
    buffer_.erase(0, pos_);
    pos_ = 0;
  }
  const size_t old = buffer_.size();
  buffer_.resize(old + kChunk);
  in_->read(buffer_.data() + old, static_cast<std::streamsize>(kChunk));
  const auto got = static_cast<size_t>(in_->gcount());
  buffer_.resize(old + got);
  if (got == 0) eof_ = true;
  return got > 0;
}

// Drops everything up to and with the end of the line. For lines over the
// bound.
bool CsvReader::SkipLine() {
  const char newline = format_.bare_cr ? '\r' : '\n';
  for (;;) {
    const size_t end = buffer_.find(newline, pos_);
    if (end != std::string::npos) {
      pos_ = end + 1;
      return true;
    }
    pos_ = buffer_.size();
    if (!Refill()) return false;
  }
}

bool CsvReader::ReadRow(CsvRow* row) {
  for (;;) {
    row->fields.clear();
    row->fault = CsvFault::kNone;
    size_t end = 0;
    size_t first_line_end = 0;
    while (ParseRow(&end, &first_line_end, row) == Parse::kNeedMore) Refill();
    if (end == pos_) return false;
    const bool blank = row->fields.size() == 1 && row->fields[0].empty() &&
                       row->fault == CsvFault::kNone && buffer_[pos_] != '"';
    ++number_;
    row->number = number_;
    if (row->fault == CsvFault::kTooLong && first_line_end == 0) {
      SkipLine();
    } else {
      pos_ = row->fault == CsvFault::kNone ? end : first_line_end;
    }
    if (blank) continue;
    for (std::string& field : row->fields) {
      if (row->fault == CsvFault::kNone && !Decode(&field)) {
        row->fault = CsvFault::kEncoding;
      }
    }
    // What cannot be trusted is not handed out.
    if (row->fault != CsvFault::kNone) row->fields.clear();
    return true;
  }
}

// Parses one row at pos_. kNeedMore: the buffer ends within it. `end` is behind
// the row, `first_line_end` behind its first line (0: not within the bound).
CsvReader::Parse CsvReader::ParseRow(size_t* end, size_t* first_line_end,
                                     CsvRow* row) const {
  // kBad: only the end of the line is looked for any more.
  enum class State { kStart, kPlain, kQuoted, kClosed, kBad };
  const char newline = format_.bare_cr ? '\r' : '\n';
  State state = State::kStart;
  std::string field;
  row->fields.clear();
  row->fault = CsvFault::kNone;
  *first_line_end = 0;
  const auto finish = [&](size_t at) {
    row->fields.push_back(std::move(field));
    *end = at;
    if (*first_line_end == 0) *first_line_end = at;
    return Parse::kDone;
  };
  size_t i = pos_;
  for (; i < buffer_.size(); ++i) {
    const char c = buffer_[i];
    if (i - pos_ >= kMaxCsvRowBytes || field.size() > kMaxCsvFieldBytes ||
        row->fields.size() > kMaxCsvColumns) {
      row->fault = *first_line_end != 0 && state == State::kQuoted
                       ? CsvFault::kUnclosedQuote
                       : CsvFault::kTooLong;
      *end = i;
      return Parse::kDone;
    }
    if (c == newline && *first_line_end == 0) *first_line_end = i + 1;
    CsvFault fault = CsvFault::kNone;
    if (c == '\0') {
      fault = CsvFault::kNulByte;
    } else if (state == State::kBad) {
      if (c == newline) return finish(i + 1);
      continue;
    } else if (state == State::kQuoted) {
      if (c == '"') {
        state = State::kClosed;
      } else {
        field.push_back(c);
      }
      continue;
    } else if (state == State::kClosed && c == '"') {
      field.push_back('"');
      state = State::kQuoted;
      continue;
    } else if (c == format_.delimiter) {
      row->fields.push_back(std::move(field));
      field.clear();
      state = State::kStart;
    } else if (c == newline) {
      return finish(i + 1);
    } else if (c == '\r' && !format_.bare_cr) {
      // The first half of a line end; alone it belongs to no field.
      if (i + 1 == buffer_.size()) {
        if (!eof_) return Parse::kNeedMore;
      } else if (buffer_[i + 1] != '\n') {
        fault = CsvFault::kQuote;
      }
    } else if (state == State::kStart && c == '"') {
      state = State::kQuoted;
    } else if (c == '"' || state == State::kClosed) {
      fault = CsvFault::kQuote;
    } else {
      field.push_back(c);
      state = State::kPlain;
    }
    if (fault != CsvFault::kNone && row->fault == CsvFault::kNone) {
      row->fault = fault;
      state = State::kBad;
      // Reading goes on behind the first line anyway.
      if (*first_line_end != 0) return finish(i);
    }
  }
  if (!eof_) return Parse::kNeedMore;
  *end = i;
  if (i == pos_) return Parse::kDone;
  if (state == State::kQuoted) row->fault = CsvFault::kUnclosedQuote;
  return finish(i);
}

bool CsvReader::Decode(std::string* field) {
  if (IsAscii(*field)) return true;
  if (format_.encoding == CsvEncoding::kUndecided) {
    format_.encoding =
        IsUtf8(*field) ? CsvEncoding::kUtf8 : CsvEncoding::kWindows1252;
  }
  if (format_.encoding == CsvEncoding::kUtf8) return IsUtf8(*field);
  return FromWindows1252(field);
}

void AppendCsvLine(const std::vector<std::string>& fields, std::string* out) {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out->push_back(',');
    std::string cell = WouldRun(fields[i]) ? "'" + fields[i] : fields[i];
    // An only, empty cell would be an empty line.
    const bool quote = cell.find_first_of(",;\t|\"\r\n") != std::string::npos ||
                       cell != absl::StripAsciiWhitespace(cell) ||
                       (fields.size() == 1 && cell.empty());
    if (!quote) {
      *out += cell;
      continue;
    }
    out->push_back('"');
    for (const char c : cell) {
      if (c == '"') out->push_back('"');
      out->push_back(c);
    }
    out->push_back('"');
  }
  *out += "\r\n";
}

}  // namespace consentry::tools
