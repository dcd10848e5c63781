#include "gateway/store/engine.h"

#include "proto/support/status_macros.h"

namespace consentry::store {

Query::~Query() {
  if (statement_ == nullptr) return;
  statement_->Reset();
  if (in_use_ != nullptr) *in_use_ = false;
}

absl::Status Query::Run() {
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, statement_->Step());
    if (!row) return absl::OkStatus();
  }
}

absl::StatusOr<Query> Connection::Prepare(std::string_view sql) {
  auto it = kept_.find(sql);
  if (it == kept_.end()) {
    auto kept = std::make_unique<Kept>();
    CONSENTRY_ASSIGN_OR_RETURN(kept->statement, MakeStatement(sql));
    it = kept_.emplace(std::string(sql), std::move(kept)).first;
  }
  Kept& kept = *it->second;
  if (kept.in_use) {
    // The same statement while it is being stepped: one of its own.
    CONSENTRY_ASSIGN_OR_RETURN(auto owned, MakeStatement(sql));
    Statement* statement = owned.get();
    return Query(statement, nullptr, std::move(owned));
  }
  kept.in_use = true;
  return Query(kept.statement.get(), &kept.in_use);
}

absl::StatusOr<ReadTransaction> ReadTransaction::Begin(Connection* connection) {
  CONSENTRY_ASSIGN_OR_RETURN(Query begin, connection->Prepare("BEGIN"));
  CONSENTRY_RETURN_IF_ERROR(begin.Run());
  return ReadTransaction(connection);
}

ReadTransaction::~ReadTransaction() {
  if (connection_ == nullptr) return;
  // Nothing was written: a failure to end it has nothing to undo.
  absl::StatusOr<Query> end = connection_->Prepare("COMMIT");
  if (end.ok()) end->Run().IgnoreError();
}

absl::StatusOr<WriteTransaction> WriteTransaction::Begin(
    Connection* connection) {
  CONSENTRY_RETURN_IF_ERROR(connection->BeginWrite());
  return WriteTransaction(connection);
}

WriteTransaction::~WriteTransaction() {
  if (connection_ != nullptr) connection_->Execute("ROLLBACK").IgnoreError();
}

absl::Status WriteTransaction::Commit() {
  CONSENTRY_ASSIGN_OR_RETURN(Query commit, connection_->Prepare("COMMIT"));
  CONSENTRY_RETURN_IF_ERROR(commit.Run());
  connection_ = nullptr;
  return absl::OkStatus();
}

}  // namespace consentry::store
