#ifndef CONSENTRY_POLICY_PACKS_FIDESLANG_H_
#define CONSENTRY_POLICY_PACKS_FIDESLANG_H_

#include <string_view>

namespace consentry::policy {

// Whether fideslang 3.2.0 knows the data category, deprecated keys and its own
// spellings included ("user.contact.email"). The gateway accepts any dotted
// key; one that fideslang does not know falls under no rule about a narrower
// one.
bool IsFideslangCategory(std::string_view key);

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_PACKS_FIDESLANG_H_
