#ifndef CONSENTRY_GATEWAY_STORE_SQLCIPHER_TABLES_H_
#define CONSENTRY_GATEWAY_STORE_SQLCIPHER_TABLES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/store/engine.h"

namespace consentry::store {

enum class ColumnType { kBytes, kInt, kText };

struct ColumnInfo {
  std::string name;
  ColumnType type = ColumnType::kBytes;
};

struct TableInfo {
  std::string name;
  std::vector<ColumnInfo> columns;
};

// The tables that a store has, by name, with their columns in order: for
// exports, which take along what nobody told them of.
absl::StatusOr<std::vector<TableInfo>> ListTables(Connection* connection);

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_SQLCIPHER_TABLES_H_
