#ifndef CONSENTRY_GATEWAY_STORE_TABLES_RIGHTS_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_RIGHTS_H_

namespace consentry::store {

// Cases of customers, and agents. Part of version 2 of the schema.
inline constexpr char kRightsTables[] = R"sql(
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_RIGHTS_H_
