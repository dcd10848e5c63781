#include "tools/consentry/subject_name.h"

#include <string>

namespace consentry::tools {

absl::StatusOr<v1::SubjectRef> ParseSubject(std::string_view text) {
  v1::SubjectRef ref;
  if (text.substr(0, 4) == "cus_") {
    ref.set_id(std::string(text));
    return ref;
  }
  if (text.substr(0, 4) == "psn_") {
    ref.set_pseudonym(std::string(text));
    return ref;
  }
  const size_t colon = text.find(':');
  v1::Identifier* identifier = ref.mutable_identifier();
  if (colon == std::string_view::npos) {
    if (text.find('@') == std::string_view::npos) {
      return absl::InvalidArgumentError(
          "name the customer as cus_..., email:..., phone:... or "
          "SYSTEM:NUMBER");
    }
    identifier->set_type(v1::IDENTIFIER_TYPE_EMAIL);
    identifier->set_value(std::string(text));
    return ref;
  }
  const std::string prefix(text.substr(0, colon));
  identifier->set_value(std::string(text.substr(colon + 1)));
  if (prefix == "email") {
    identifier->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  } else if (prefix == "phone") {
    identifier->set_type(v1::IDENTIFIER_TYPE_PHONE);
  } else {
    identifier->set_type(v1::IDENTIFIER_TYPE_EXTERNAL_ID);
    identifier->set_namespace_(prefix);
  }
  return ref;
}

}  // namespace consentry::tools
