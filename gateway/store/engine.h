#ifndef CONSENTRY_GATEWAY_STORE_ENGINE_H_
#define CONSENTRY_GATEWAY_STORE_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// The relational layer: what a store engine must offer, and no more. SQL is
// written once, in the part of the language that SQLite and PostgreSQL share:
// parameters $1, $2 ..., ON CONFLICT, RETURNING, no rowid, no engine functions,
// no implicit conversion (bind the type that the column has).
//
// Status codes that a caller may act on; messages never hold SQL or values:
//   Unauthenticated     the key does not open the file
//   FailedPrecondition  the engine or the file is not one that we use
//   AlreadyExists       a unique key exists already
//   ResourceExhausted   no space on the volume
//   Aborted             busy: another connection holds what is needed
//   DataLoss            stored bytes do not verify
//   Unavailable         any other failure of the disk
//   Internal            a fault of ours (SQL, types)
namespace consentry::store {

// Text for a TEXT column; a plain string_view is bound as bytes.
struct Text {
  std::string_view text;
};
struct Null {};

// One prepared statement. Used by the thread that holds its connection.
class Statement {
 public:
  virtual ~Statement() = default;

  // `index` is that of $1 and so on. Bytes are borrowed until Reset(). A wrong
  // index shows in Step().
  virtual void BindInt64(int index, int64_t value) = 0;
  virtual void BindBlob(int index, std::string_view value) = 0;
  virtual void BindText(int index, std::string_view value) = 0;
  virtual void BindNull(int index) = 0;

  // True: a row stands ready. False: the end, effects done.
  virtual absl::StatusOr<bool> Step() = 0;

  // Of the row at hand, `column` from 0; bytes live until the next Step() or
  // Reset(). A null reads as 0 or empty.
  virtual int64_t Int64(int column) const = 0;
  virtual std::string_view Blob(int column) const = 0;
  virtual std::string_view TextAt(int column) const = 0;
  virtual bool IsNull(int column) const = 0;

  // Ends the execution and forgets the parameters.
  virtual void Reset() = 0;
};

// A statement lent by a connection; given back, and reset, by the destructor.
// Movable. Must not outlive its connection.
class Query {
 public:
  Query(Query&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)),
        in_use_(std::exchange(other.in_use_, nullptr)),
        owned_(std::move(other.owned_)) {}
  Query& operator=(Query&&) = delete;
  ~Query();

  // Binds all parameters, in order: int64_t and other integers, string_view or
  // string (bytes), Text, Null. Bytes are borrowed until the end.
  template <class... Args>
  Query& Bind(const Args&... args) {
    int index = 0;
    (BindOne(++index, args), ...);
    return *this;
  }

  // For whoever binds columns that are known at run time alone.
  Statement* statement() const { return statement_; }

  absl::StatusOr<bool> Step() { return statement_->Step(); }
  // Steps to the end; rows are ignored.
  absl::Status Run();
  // For the next set of parameters.
  void Reset() { statement_->Reset(); }

  int64_t Int64(int column) const { return statement_->Int64(column); }
  std::string_view Blob(int column) const { return statement_->Blob(column); }
  std::string_view TextAt(int column) const {
    return statement_->TextAt(column);
  }
  bool IsNull(int column) const { return statement_->IsNull(column); }

 private:
  friend class Connection;
  Query(Statement* statement, bool* in_use,
        std::unique_ptr<Statement> owned = nullptr)
      : statement_(statement), in_use_(in_use), owned_(std::move(owned)) {}

  void BindOne(int index, int64_t value) {
    statement_->BindInt64(index, value);
  }
  void BindOne(int index, std::string_view value) {
    statement_->BindBlob(index, value);
  }
  void BindOne(int index, const Text& value) {
    statement_->BindText(index, value.text);
  }
  void BindOne(int index, const Null&) { statement_->BindNull(index); }

  Statement* statement_;
  bool* in_use_;
  std::unique_ptr<Statement> owned_;
};

// A session with the store. One thread at a time.
class Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;

  // A statement for `sql`, prepared once for each connection and kept.
  absl::StatusOr<Query> Prepare(std::string_view sql);

  // One statement without parameters whose rows do not matter, not kept: data
  // definition, BEGIN, SAVEPOINT.
  virtual absl::Status Execute(std::string_view sql) = 0;

  // Begins a transaction that will write: in SQLite the write lock is taken at
  // once, so that no later statement finds it gone.
  virtual absl::Status BeginWrite() = 0;

  // Rows that the last finished INSERT, UPDATE or DELETE changed.
  virtual int64_t Changes() const = 0;

 protected:
  virtual absl::StatusOr<std::unique_ptr<Statement>> MakeStatement(
      std::string_view sql) = 0;
  // Derived classes call this before their session ends.
  void ForgetStatements() { kept_.clear(); }

 private:
  struct Kept {
    std::unique_ptr<Statement> statement;
    bool in_use = false;
  };
  std::map<std::string, std::unique_ptr<Kept>, std::less<>> kept_;
};

// Runs one statement for each row of parameters: `bind(query, i)` for i in
// [0, count). Stops at the first failure; use it inside a transaction.
template <class BindRow>
absl::Status RunMany(Connection* connection, std::string_view sql, size_t count,
                     BindRow bind) {
  absl::StatusOr<Query> query = connection->Prepare(sql);
  if (!query.ok()) return query.status();
  for (size_t i = 0; i < count; ++i) {
    bind(*query, i);
    if (absl::Status status = query->Run(); !status.ok()) return status;
    query->Reset();
  }
  return absl::OkStatus();
}

// All reads between construction and destruction see one state of the store.
// Keep it short: a reader that stays open keeps deleted bytes from being
// overwritten.
class ReadTransaction {
 public:
  static absl::StatusOr<ReadTransaction> Begin(Connection* connection);
  ReadTransaction(ReadTransaction&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  ReadTransaction& operator=(ReadTransaction&&) = delete;
  ~ReadTransaction();

 private:
  explicit ReadTransaction(Connection* connection) : connection_(connection) {}
  Connection* connection_;
};

// Rolls back unless committed. Only the committer, migrations and offline
// commands write.
class WriteTransaction {
 public:
  static absl::StatusOr<WriteTransaction> Begin(Connection* connection);
  WriteTransaction(WriteTransaction&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  WriteTransaction& operator=(WriteTransaction&&) = delete;
  ~WriteTransaction();
  // After an error nothing of it may be relied on.
  absl::Status Commit();

 private:
  explicit WriteTransaction(Connection* connection) : connection_(connection) {}
  Connection* connection_;
};

// A kind of store. Safe for many threads.
class Engine {
 public:
  virtual ~Engine() = default;

  // Many may read while one writes. A reader refuses to write.
  virtual absl::StatusOr<std::unique_ptr<Connection>> ConnectReader() = 0;
  // At most one at a time, by agreement: the committer's.
  virtual absl::StatusOr<std::unique_ptr<Connection>> ConnectWriter() = 0;

  // Replaces the tokens of our data definitions by words of this engine:
  // {int} a signed 64-bit integer; {blob} bytes; {clustered} the suffix of a
  // table whose rows are to lie in the order of its primary key.
  virtual std::string Dialect(std::string_view ddl) const = 0;

  // Moves what was committed into its final place and cuts what the engine
  // keeps of older states. Aborted while a reader stands in the way.
  virtual absl::Status Checkpoint(Connection* writer) = 0;
};

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_ENGINE_H_
