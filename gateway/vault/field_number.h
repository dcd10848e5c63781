#ifndef CONSENTRY_GATEWAY_VAULT_FIELD_NUMBER_H_
#define CONSENTRY_GATEWAY_VAULT_FIELD_NUMBER_H_

#include <cstdint>
#include <string_view>

namespace consentry::vault {

// The number under which a field's full name ("profile.email") stands in
// stored records: the first four bytes of its BLAKE2b hash. It depends on the
// name alone, so that it survives every change of the catalog and needs no
// table. Two names of one catalog with the same number are refused when the
// catalog is loaded (CatalogIndex); a value whose number is taken by another
// name later does not open, since its seal binds the name. Never 0. Pure.
uint32_t FieldNumber(std::string_view full_name);

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_FIELD_NUMBER_H_
