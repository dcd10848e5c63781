#include "proto/support/redact.h"

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "consentry/v1/annotations.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/unknown_field_set.h"

namespace consentry {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Deeper than any message of the API.
constexpr int kMaxDepth = 16;

// What stands for a protected field; nullptr: print it.
const char* MaskOf(const FieldDescriptor* field) {
  switch (field->options().GetExtension(v1::data_class)) {
    case v1::DATA_CLASS_PERSONAL:
      return "<personal>";
    case v1::DATA_CLASS_SPECIAL:
      return "<special>";
    case v1::DATA_CLASS_SECRET:
      return "<secret>";
    default:
      return nullptr;
  }
}

bool IsTime(const Descriptor* descriptor) {
  return descriptor->full_name() == "google.protobuf.Timestamp" ||
         descriptor->full_name() == "google.protobuf.Duration";
}

class Writer {
 public:
  void Fields(const Message& message, int depth) {
    const Descriptor* descriptor = message.GetDescriptor();
    if (descriptor->file()->package() != "consentry.v1" &&
        !descriptor->options().map_entry() && !IsTime(descriptor)) {
      Add("<unclassified>");
      return;
    }
    if (depth > kMaxDepth) {
      Add("<deep>");
      return;
    }
    const Reflection* reflection = message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection->ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      if (Full()) return;
      if (const char* mask = MaskOf(field)) {
        Add(absl::StrCat(field->name(), ": ", mask));
        continue;
      }
      if (!field->is_repeated()) {
        Value(message, field, -1, depth);
        continue;
      }
      const int size = reflection->FieldSize(message, field);
      for (int i = 0; i < size && !Full(); ++i) Value(message, field, i, depth);
    }
    const auto& unknown = reflection->GetUnknownFields(message);
    if (!unknown.empty()) {
      Add(absl::StrCat("<", unknown.field_count(), " unknown>"));
    }
  }

  std::string Take() {
    if (Full()) {
      line_.resize(kMaxRedactedLine);
      line_ += "...";
    }
    return std::move(line_);
  }

 private:
  bool Full() const { return line_.size() >= kMaxRedactedLine; }

  void Add(const std::string& part) {
    if (!line_.empty()) line_.push_back(' ');
    line_ += part;
  }

  // Element `index` of a repeated field, or the field itself for -1.
  void Value(const Message& message, const FieldDescriptor* field, int index,
             int depth) {
    const Reflection* reflection = message.GetReflection();
    const bool one = index < 0;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Add(absl::StrCat(field->name(), " {"));
      Fields(one ? reflection->GetMessage(message, field)
                 : reflection->GetRepeatedMessage(message, field, index),
             depth + 1);
      Add("}");
      return;
    }
    std::string text;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        text = Text(one ? reflection->GetString(message, field)
                        : reflection->GetRepeatedString(message, field, index));
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        text = (one ? reflection->GetBool(message, field)
                    : reflection->GetRepeatedBool(message, field, index))
                   ? "true"
                   : "false";
        break;
      case FieldDescriptor::CPPTYPE_ENUM: {
        const int number =
            one ? reflection->GetEnumValue(message, field)
                : reflection->GetRepeatedEnumValue(message, field, index);
        const auto* value = field->enum_type()->FindValueByNumber(number);
        text = value == nullptr ? absl::StrCat(number) : value->name();
        break;
      }
      case FieldDescriptor::CPPTYPE_INT32:
        text = absl::StrCat(
            one ? reflection->GetInt32(message, field)
                : reflection->GetRepeatedInt32(message, field, index));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        text = absl::StrCat(
            one ? reflection->GetInt64(message, field)
                : reflection->GetRepeatedInt64(message, field, index));
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        text = absl::StrCat(
            one ? reflection->GetUInt32(message, field)
                : reflection->GetRepeatedUInt32(message, field, index));
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        text = absl::StrCat(
            one ? reflection->GetUInt64(message, field)
                : reflection->GetRepeatedUInt64(message, field, index));
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        text = absl::StrCat(
            one ? reflection->GetDouble(message, field)
                : reflection->GetRepeatedDouble(message, field, index));
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        text = absl::StrCat(
            one ? reflection->GetFloat(message, field)
                : reflection->GetRepeatedFloat(message, field, index));
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        break;
    }
    Add(absl::StrCat(field->name(), ": ", text));
  }

  static std::string Text(const std::string& value) {
    const std::string head = value.substr(0, kMaxRedactedText);
    return absl::StrCat("\"", absl::CHexEscape(head), "\"",
                        head.size() < value.size() ? "..." : "");
  }

  std::string line_;
};

}  // namespace

std::string Redact(const Message& message) {
  Writer writer;
  writer.Fields(message, 0);
  return writer.Take();
}

}  // namespace consentry
