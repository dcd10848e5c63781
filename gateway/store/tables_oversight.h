#ifndef CONSENTRY_GATEWAY_STORE_TABLES_OVERSIGHT_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_OVERSIGHT_H_

namespace consentry::store {

// The register of breaches. Part of version 2 of the schema.
inline constexpr char kOversightTables[] = R"sql(
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_OVERSIGHT_H_
