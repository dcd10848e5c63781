#ifndef CONSENTRY_GATEWAY_STORE_TABLES_ERASURE_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_ERASURE_H_

namespace consentry::store {

// Erasures, suppressed identifiers, legal holds. Part of version 2 of the
// schema.
inline constexpr char kErasureTables[] = R"sql(
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_ERASURE_H_
