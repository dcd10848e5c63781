#include "gateway/vault/wipe.h"

#include <google/protobuf/descriptor.h>
#include <sodium.h>

#include <string>

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

// Looks at fields that can hold text and at no others: this runs for each head
// that leaves the cache.
void WipeStrings(Message* message) {
  const Reflection* reflection = message->GetReflection();
  const google::protobuf::Descriptor* type = message->GetDescriptor();
  std::string scratch;
  for (int f = 0; f < type->field_count(); ++f) {
    const FieldDescriptor* field = type->field(f);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      if (!field->is_repeated()) {
        // Of a field that is not set this is the empty default.
        const std::string& text =
            reflection->GetStringReference(*message, field, &scratch);
        if (!text.empty()) WipeText(text, &scratch);
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
        if (reflection->HasField(*message, field)) {
          WipeStrings(reflection->MutableMessage(message, field));
        }
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
