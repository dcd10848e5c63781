#include "proto/support/text_proto.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "proto/support/utf8.h"

namespace consentry {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::TextFormat;

// Keeps the first error. The parser's words name fields and tokens of the file,
// which holds no customer's data.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (failed_) return;
    failed_ = true;
    line_ = line;
    column_ = column;
    message_ = message;
  }
  void AddWarning(int line, int column, const std::string& message) override {
    AddError(line, column, message);
  }

  bool failed() const { return failed_; }
  int line() const { return line_; }
  int column() const { return column_; }
  const std::string& message() const { return message_; }
  void MoveTo(int line, int column) {
    line_ = line;
    column_ = column;
  }

 private:
  bool failed_ = false;
  int line_ = 0;
  int column_ = 0;
  std::string message_;
};

class NoErrors final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int, int, const std::string&) override {}
};

// The parser has read on when it finds that a word is no value of its type: the
// place is then the next token's, often on the next line.
void PlaceAtValue(std::string_view text, FirstError* error) {
  const std::string_view message = error->message();
  constexpr std::string_view kLate[] = {"Unknown enumeration value of",
                                        "Invalid value for boolean field"};
  if (std::none_of(std::begin(kLate), std::end(kLate),
                   [&](std::string_view begin) {
                     return message.substr(0, begin.size()) == begin;
                   })) {
    return;
  }
  google::protobuf::io::ArrayInputStream stream(text.data(),
                                                static_cast<int>(text.size()));
  NoErrors ignored;
  google::protobuf::io::Tokenizer tokens(&stream, &ignored);
  tokens.set_comment_style(google::protobuf::io::Tokenizer::SH_COMMENT_STYLE);
  tokens.set_require_space_after_number(false);
  tokens.set_allow_multiline_strings(true);
  while (tokens.Next()) {
    if (tokens.current().line == error->line() &&
        tokens.current().column == error->column()) {
      break;
    }
  }
  if (tokens.previous().line >= 0) {
    error->MoveTo(tokens.previous().line, tokens.previous().column);
  }
}

// One line, without what a terminal would act on.
std::string OneLine(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    out.push_back(u < 0x20 || u == 0x7f ? ' ' : c);
  }
  if (!IsUtf8(out)) {
    for (char& c : out) {
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
  }
  while (!out.empty() && (out.back() == '.' || out.back() == ' ')) {
    out.pop_back();
  }
  return out;
}

std::string MapKey(const Message& entry) {
  const FieldDescriptor* key = entry.GetDescriptor()->map_key();
  std::string text;
  TextFormat::PrintFieldValueToString(entry, key, -1, &text);
  return text;
}

// What the parser lets pass.
void FindLenient(const Message& message, const std::string& prefix,
                 std::vector<FieldViolation>* faults) {
  const Reflection* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool repeated = field->is_repeated();
    const int count = repeated ? reflection->FieldSize(message, field) : 1;
    std::set<std::string> keys;
    for (int i = 0; i < count; ++i) {
      const std::string path =
          repeated ? absl::StrCat(prefix, field->name(), "[", i, "]")
                   : absl::StrCat(prefix, field->name());
      switch (field->cpp_type()) {
        case FieldDescriptor::CPPTYPE_MESSAGE: {
          const Message& child =
              repeated ? reflection->GetRepeatedMessage(message, field, i)
                       : reflection->GetMessage(message, field);
          if (field->is_map() && !keys.insert(MapKey(child)).second) {
            faults->push_back({path, "this key stands twice"});
          }
          FindLenient(child, absl::StrCat(path, "."), faults);
          break;
        }
        case FieldDescriptor::CPPTYPE_ENUM: {
          const int number =
              repeated ? reflection->GetRepeatedEnumValue(message, field, i)
                       : reflection->GetEnumValue(message, field);
          if (field->enum_type()->FindValueByNumber(number) == nullptr) {
            faults->push_back(
                {path, "this number has no name; write the name"});
          }
          break;
        }
        case FieldDescriptor::CPPTYPE_STRING: {
          if (field->type() != FieldDescriptor::TYPE_STRING) break;
          std::string scratch;
          const std::string& text =
              repeated
                  ? reflection->GetRepeatedStringReference(message, field, i,
                                                           &scratch)
                  : reflection->GetStringReference(message, field, &scratch);
          if (!IsUtf8(text)) faults->push_back({path, "is not valid UTF-8"});
          break;
        }
        default:
          break;
      }
    }
  }
}

struct Step {
  std::string name;
  int index = -1;
};

// "kinds[2].key" -> {kinds, 2}, {key, -1}. Stops at what is no path.
std::vector<Step> Steps(std::string_view path) {
  std::vector<Step> steps;
  while (!path.empty()) {
    const size_t dot = path.find('.');
    std::string_view part = path.substr(0, dot);
    path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
    Step step;
    if (const size_t open = part.find('['); open != std::string_view::npos) {
      const std::string_view number = part.substr(open + 1);
      std::from_chars(number.data(), number.data() + number.size(), step.index);
      part = part.substr(0, open);
    }
    step.name = std::string(part);
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace

struct TextProto::Tree {
  const Descriptor* type = nullptr;
  TextFormat::ParseInfoTree info;
};

TextProto::TextProto(std::string file) : file_(std::move(file)) {}
TextProto::~TextProto() = default;

absl::Status TextProto::Parse(std::string_view text, Message* message) {
  message->Clear();
  tree_ = std::make_unique<Tree>();
  tree_->type = message->GetDescriptor();
  if (text.size() > kMaxBytes) {
    absl::Status status =
        MakeError(v1::ERROR_REASON_CONFIG_INVALID,
                  absl::StrCat(file_, ": longer than ", kMaxBytes, " bytes"));
    AddErrorMetadata(&status, "file", file_);
    return status;
  }
  FirstError error;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.WriteLocationsTo(&tree_->info);
  const bool parsed = parser.ParseFromString(std::string(text), message);
  if (!parsed || error.failed()) {
    PlaceAtValue(text, &error);
    message->Clear();
    absl::Status status = MakeError(
        v1::ERROR_REASON_CONFIG_INVALID,
        absl::StrCat(file_, ":", error.line() + 1, ":", error.column() + 1,
                     ": ", OneLine(error.message())));
    AddErrorMetadata(&status, "file", file_);
    AddErrorMetadata(&status, "line", std::to_string(error.line() + 1));
    return status;
  }
  std::vector<FieldViolation> faults;
  FindLenient(*message, "", &faults);
  if (!faults.empty()) message->Clear();
  return Fail(faults);
}

std::string TextProto::Place(std::string_view path) const {
  if (tree_ == nullptr) return file_;
  const TextFormat::ParseInfoTree* node = &tree_->info;
  const Descriptor* type = tree_->type;
  TextFormat::ParseLocation best;
  for (const Step& step : Steps(path)) {
    const FieldDescriptor* field =
        type == nullptr ? nullptr : type->FindFieldByName(step.name);
    if (field == nullptr || node == nullptr) break;
    const int index =
        field->is_repeated() ? (step.index < 0 ? 0 : step.index) : -1;
    const TextFormat::ParseLocation at = node->GetLocation(field, index);
    if (at.line < 0) break;
    best = at;
    type = field->message_type();
    node = type == nullptr ? nullptr : node->GetTreeForNested(field, index);
  }
  if (best.line < 0) return file_;
  return absl::StrCat(file_, ":", best.line + 1, ":", best.column + 1);
}

absl::Status TextProto::Fail(const std::vector<FieldViolation>& faults) const {
  if (faults.empty()) return absl::OkStatus();
  std::string message;
  for (const FieldViolation& fault : faults) {
    absl::StrAppend(&message, message.empty() ? "" : "; ", Place(fault.field),
                    ": ", fault.field, fault.field.empty() ? "" : ": ",
                    fault.description);
  }
  absl::Status status = MakeError(v1::ERROR_REASON_CONFIG_INVALID, message);
  AddErrorMetadata(&status, "file", file_);
  AddErrorMetadata(&status, "field", faults.front().field);
  const std::string place = Place(faults.front().field);
  if (place.size() > file_.size()) {
    const std::string_view rest =
        std::string_view(place).substr(file_.size() + 1);
    AddErrorMetadata(&status, "line", rest.substr(0, rest.find(':')));
  }
  for (const FieldViolation& fault : faults) {
    AddFieldViolation(&status,
                      {absl::StrCat(Place(fault.field), " ", fault.field),
                       fault.description});
  }
  return status;
}

}  // namespace consentry
