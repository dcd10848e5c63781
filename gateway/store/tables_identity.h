#ifndef CONSENTRY_GATEWAY_STORE_TABLES_IDENTITY_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_IDENTITY_H_

namespace consentry::store {

// Logins of customers, the staff directory, proposals. Part of version 2 of the
// schema.
inline constexpr char kIdentityTables[] = R"sql(
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_IDENTITY_H_
