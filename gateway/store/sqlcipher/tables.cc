#include "gateway/store/sqlcipher/tables.h"

#include <utility>

#include "proto/support/status_macros.h"

namespace consentry::store {

absl::StatusOr<std::vector<TableInfo>> ListTables(Connection* connection) {
  std::vector<TableInfo> tables;
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        Query query, connection->Prepare(
                         "SELECT name FROM sqlite_master WHERE type = 'table' "
                         "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
                         "ORDER BY name"));
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      tables.push_back({std::string(query.TextAt(0)), {}});
    }
  }
  for (TableInfo& table : tables) {
    CONSENTRY_ASSIGN_OR_RETURN(
        Query query, connection->Prepare("SELECT name, type FROM "
                                         "pragma_table_info($1) ORDER BY cid"));
    query.Bind(Text{table.name});
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      const std::string_view type = query.TextAt(1);
      table.columns.push_back({std::string(query.TextAt(0)),
                               type == "INTEGER" ? ColumnType::kInt
                               : type == "TEXT"  ? ColumnType::kText
                                                 : ColumnType::kBytes});
    }
  }
  return tables;
}

}  // namespace consentry::store
