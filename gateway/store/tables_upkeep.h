#ifndef CONSENTRY_GATEWAY_STORE_TABLES_UPKEEP_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_UPKEEP_H_

namespace consentry::store {

// Backups, and runs of retention. Part of version 2 of the schema.
inline constexpr char kUpkeepTables[] = R"sql(
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_UPKEEP_H_
