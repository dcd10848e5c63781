#include "gateway/vault/wipe.h"

#include <google/protobuf/descriptor.h>
#include <sodium.h>

#include <string>
#include <vector>

namespace consentry::vault {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// GetStringReference gives the very string that the message owns; when it had
// to make a copy, that copy is wiped and the field is set to nothing.
void WipeText(const std::string& owned, std::string* scratch) {
  if (&owned == scratch) {
    WipeString(scratch);
    return;
  }
  sodium_memzero(const_cast<char*>(owned.data()), owned.size());
}

void WipeStrings(Message* message) {
  const Reflection* reflection = message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  std::string scratch;
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      if (!field->is_repeated()) {
        WipeText(reflection->GetStringReference(*message, field, &scratch),
                 &scratch);
        continue;
      }
      for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
        WipeText(reflection->GetRepeatedStringReference(*message, field, i,
                                                        &scratch),
                 &scratch);
      }
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
               !field->is_map()) {
      if (!field->is_repeated()) {
        WipeStrings(reflection->MutableMessage(message, field));
        continue;
      }
      for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
        WipeStrings(reflection->MutableRepeatedMessage(message, field, i));
      }
    }
  }
}

}  // namespace

void WipeMessage(Message* message) {
  WipeStrings(message);
  message->Clear();
}

void WipeString(std::string* text) {
  sodium_memzero(text->data(), text->size());
  text->clear();
}

}  // namespace consentry::vault
