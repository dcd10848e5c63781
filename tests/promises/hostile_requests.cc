#include "tests/promises/hostile_requests.h"

#include <google/protobuf/descriptor.h>

#include <memory>
#include <vector>

namespace consentry::testing {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

using Path = std::vector<const FieldDescriptor*>;
constexpr size_t kMaxDepth = 6;

void Collect(const Descriptor* type, const Path& above,
             std::vector<Path>* found) {
  if (above.size() == kMaxDepth) return;
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    Path path = above;
    path.push_back(field);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      found->push_back(std::move(path));
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Collect(field->message_type(), path, found);
    }
  }
}

// The first element of a repeated field is changed, or made.
void Set(const Path& path, const std::string& text, Message* message) {
  for (const FieldDescriptor* field : path) {
    const auto* reflection = message->GetReflection();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (!field->is_repeated()) {
        message = reflection->MutableMessage(message, field);
      } else if (reflection->FieldSize(*message, field) > 0) {
        message = reflection->MutableRepeatedMessage(message, field, 0);
      } else {
        message = reflection->AddMessage(message, field);
      }
    } else if (!field->is_repeated()) {
      reflection->SetString(message, field, text);
    } else if (reflection->FieldSize(*message, field) > 0) {
      reflection->SetRepeatedString(message, field, 0, text);
    } else {
      reflection->AddString(message, field, text);
    }
  }
}

}  // namespace

void ForEachHostile(
    const Message& base,
    const std::function<std::string(const std::string&)>& text,
    const std::function<void(const std::string&, const Message&)>& use) {
  std::vector<Path> paths;
  Collect(base.GetDescriptor(), {}, &paths);
  for (const Path& path : paths) {
    std::string name;
    for (const FieldDescriptor* field : path) {
      if (!name.empty()) name += '.';
      name += field->name();
    }
    std::unique_ptr<Message> request(base.New());
    request->CopyFrom(base);
    Set(path, text(name), request.get());
    use(name, *request);
  }
}

}  // namespace consentry::testing
