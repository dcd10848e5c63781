#include "gateway/upkeep/store_restore.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/base/log.h"
#include "gateway/consent/event_rows.h"
#include "gateway/store/migrations.h"
#include "gateway/store/schema.h"
#include "gateway/store/sqlcipher/tables.h"
#include "gateway/upkeep/backups.h"
#include "gateway/upkeep/held_record.h"
#include "gateway/upkeep/reindex.h"
#include "gateway/vault/identifier_key.h"
#include "gateway/vault/record_number.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::upkeep {
namespace {

using store::Query;
using store::v1::BackupCell;
using store::v1::BackupColumn;
using store::v1::BackupRow;
using store::v1::BackupTable;

constexpr base::LogEvent kUnreadable = {base::LogLevel::kWarn, 9541,
                                        "restore.customer_not_readable"};

constexpr int64_t kFramesPerTransaction = 16;
constexpr int kSubjectsPerTransaction = 256;
constexpr std::string_view kKeepOwn = " ON CONFLICT DO NOTHING";
constexpr std::string_view kTakeTheirs =
    " ON CONFLICT (hash) DO UPDATE SET version = excluded.version, erasure_id "
    "= excluded.erasure_id, expires_month = excluded.expires_month, doc = "
    "excluded.doc";

absl::Status DoesNotFit() {
  return absl::DataLossError("the backup does not fit the format it names");
}

// Whether a row is of a customer whose keys are here, or of nobody.
class Living {
 public:
  explicit Living(const crypto::SlotFile* slots) : slots_(slots) {}

  bool Has(int64_t subject) {
    const auto known = known_.find(subject);
    if (known != known_.end()) return known->second;
    const auto info = slots_->Info(static_cast<uint64_t>(subject));
    const bool lives = info.ok() && info->state == crypto::SlotState::kLive;
    if (known_.size() > (1u << 20)) known_.clear();
    known_[subject] = lives;
    return lives;
  }

 private:
  const crypto::SlotFile* const slots_;
  std::map<int64_t, bool> known_;
};

// Columns that name a customer, by their place in the row.
struct SubjectColumns {
  std::vector<int> subjects;
  std::vector<int> records;
};

// The column that backups leave out because it is a blind index; null: none.
const char* BlindKeyOf(std::string_view table) {
  if (table == "source_rows") return "row_key";
  return table == "logins" ? "login_key" : nullptr;
}

SubjectColumns ColumnsOf(const BackupTable& table) {
  SubjectColumns columns;
  for (int i = 0; i < table.columns_size(); ++i) {
    const std::string& name = table.columns(i).name();
    if (name == "subject" || name == "into_subject") {
      columns.subjects.push_back(i);
    }
    if (name == "record_no") columns.records.push_back(i);
  }
  return columns;
}

bool IsOfTheLiving(const BackupRow& row, const SubjectColumns& columns,
                   Living* living) {
  for (const int i : columns.subjects) {
    const int64_t subject = row.cells(i).number();
    if (subject != 0 && !living->Has(subject)) return false;
  }
  for (const int i : columns.records) {
    if (!living->Has(static_cast<int64_t>(
            vault::SubjectOfRecord(row.cells(i).number())))) {
      return false;
    }
  }
  return true;
}

// A row whose columns are known at run time alone.
class RowInsert {
 public:
  RowInsert(store::Connection* writer, std::string_view table,
            std::vector<BackupColumn> columns, std::string_view conflict)
      : writer_(writer), columns_(std::move(columns)) {
    std::string names;
    std::string values;
    for (size_t i = 0; i < columns_.size(); ++i) {
      absl::StrAppend(&names, i == 0 ? "" : ", ", columns_[i].name());
      absl::StrAppend(&values, i == 0 ? "$" : ", $", i + 1);
    }
    sql_ = absl::StrCat("INSERT INTO ", std::string(table), " (", names,
                        ") VALUES (", values, ")", std::string(conflict));
  }

  // One cell for each column.
  absl::Status Run(const std::vector<const BackupCell*>& cells) {
    if (cells.size() != columns_.size()) return DoesNotFit();
    CONSENTRY_ASSIGN_OR_RETURN(Query query, writer_->Prepare(sql_));
    store::Statement* const to = query.statement();
    for (size_t i = 0; i < cells.size(); ++i) {
      const auto place = static_cast<int>(i) + 1;
      const BackupColumn::Type type = columns_[i].type();
      switch (cells[i]->value_case()) {
        case BackupCell::kNumber:
          if (type != BackupColumn::INT) return DoesNotFit();
          to->BindInt64(place, cells[i]->number());
          break;
        case BackupCell::kData:
          if (type != BackupColumn::BYTES) return DoesNotFit();
          to->BindBlob(place, cells[i]->data());
          break;
        case BackupCell::kText:
          if (type != BackupColumn::TEXT) return DoesNotFit();
          to->BindText(place, cells[i]->text());
          break;
        case BackupCell::VALUE_NOT_SET:
          to->BindNull(place);
          break;
      }
    }
    return query.Run();
  }

 private:
  store::Connection* const writer_;
  const std::vector<BackupColumn> columns_;
  std::string sql_;
};

BackupColumn ColumnOf(std::string_view name, BackupColumn::Type type) {
  BackupColumn column;
  column.set_name(std::string(name));
  column.set_type(type);
  return column;
}

}  // namespace

absl::StatusOr<RestoreCounts> StoreRestore::Load(BackupReader* backup) {
  const int64_t version = backup->header().schema_version();
  const auto migrations = store::Migrations();
  if (version > store::kSchemaVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the backup has format ", version, ", this program reads ",
                     store::kSchemaVersion));
  }
  if (version < 1) return DoesNotFit();
  CONSENTRY_ASSIGN_OR_RETURN(writer_, options_.engine->ConnectWriter());
  // As the store was then; what came since is then migrated like any other.
  CONSENTRY_RETURN_IF_ERROR(
      store::MigrateWith(options_.engine, writer_.get(),
                         migrations.first(static_cast<size_t>(version))));
  RestoreCounts counts;
  CONSENTRY_RETURN_IF_ERROR(LoadRows(backup, &counts));
  CONSENTRY_RETURN_IF_ERROR(store::Migrate(options_.engine, writer_.get()));
  CONSENTRY_RETURN_IF_ERROR(DropPending());
  CONSENTRY_RETURN_IF_ERROR(Reindex(&counts));
  return counts;
}

absl::Status StoreRestore::LoadRows(BackupReader* backup,
                                    RestoreCounts* counts) {
  const auto& tables = backup->header().tables();
  // Names go into statements: only those that the store has.
  CONSENTRY_ASSIGN_OR_RETURN(const auto own, store::ListTables(writer_.get()));
  std::vector<RowInsert> inserts;
  for (const BackupTable& table : tables) {
    const auto found =
        std::find_if(own.begin(), own.end(), [&](const store::TableInfo& each) {
          return each.name == table.name();
        });
    if (found == own.end() || IsLeftOutOfBackups(table.name())) {
      return DoesNotFit();
    }
    std::vector<BackupColumn> columns;
    for (const BackupColumn& column : table.columns()) {
      const auto known =
          std::find_if(found->columns.begin(), found->columns.end(),
                       [&](const store::ColumnInfo& each) {
                         return each.name == column.name() &&
                                static_cast<int>(each.type) ==
                                    static_cast<int>(column.type());
                       });
      if (known == found->columns.end() ||
          IsLeftOutOfBackups(table.name(), column.name())) {
        return DoesNotFit();
      }
      columns.push_back(column);
    }
    if (columns.empty()) return DoesNotFit();
    if (const char* key = BlindKeyOf(table.name())) {
      columns.push_back(ColumnOf(key, BackupColumn::BYTES));
    }
    inserts.emplace_back(
        writer_.get(), table.name(), std::move(columns),
        table.name() == "meta" ? " ON CONFLICT (k) DO NOTHING" : "");
  }
  Living living(options_.slots);
  uint64_t read = 0;
  for (bool more = true; more;) {
    CONSENTRY_ASSIGN_OR_RETURN(auto transaction,
                               store::WriteTransaction::Begin(writer_.get()));
    for (int64_t frames = 0; more && frames < kFramesPerTransaction; ++frames) {
      CONSENTRY_ASSIGN_OR_RETURN(const auto frame, backup->Next());
      if (!frame.has_value()) {
        more = false;
        break;
      }
      if (!frame->has_rows() ||
          frame->rows().table() >= static_cast<uint32_t>(tables.size())) {
        return DoesNotFit();
      }
      const auto position = static_cast<int>(frame->rows().table());
      const BackupTable& table = tables.Get(position);
      const bool has_key = BlindKeyOf(table.name()) != nullptr;
      const SubjectColumns columns = ColumnsOf(table);
      RowInsert& insert = inserts[static_cast<size_t>(position)];
      for (const BackupRow& row : frame->rows().rows()) {
        ++read;
        if (row.cells_size() != table.columns_size()) return DoesNotFit();
        if (!IsOfTheLiving(row, columns, &living)) {
          ++counts->dropped_rows;
          continue;
        }
        std::vector<const BackupCell*> cells;
        for (const BackupCell& cell : row.cells()) cells.push_back(&cell);
        // Until the blind index is made anew; like none of them.
        BackupCell key;
        if (has_key) {
          key.set_data(absl::StrCat("restored-", counts->rows));
          cells.push_back(&key);
        }
        CONSENTRY_RETURN_IF_ERROR(insert.Run(cells));
        ++counts->rows;
      }
    }
    CONSENTRY_RETURN_IF_ERROR(transaction.Commit());
  }
  return read == backup->end().count() ? absl::OkStatus() : DoesNotFit();
}

// Nobody knows what became of it since: a proposal may have been rejected, a
// code may have been typed and its consent withdrawn, an output that was
// released may have been delivered, or contested and stopped.
absl::Status StoreRestore::DropPending() {
  CONSENTRY_ASSIGN_OR_RETURN(auto transaction,
                             store::WriteTransaction::Begin(writer_.get()));
  CONSENTRY_RETURN_IF_ERROR(writer_->Execute("DELETE FROM double_opt_ins"));
  // 3: revoked.
  CONSENTRY_RETURN_IF_ERROR(writer_->Execute("UPDATE releases SET state = 3"));
  CONSENTRY_ASSIGN_OR_RETURN(
      Query close,
      writer_->Prepare("UPDATE proposals SET state = $1 WHERE state = $2"));
  CONSENTRY_RETURN_IF_ERROR(
      close
          .Bind(static_cast<int64_t>(v1::PROPOSAL_STATE_EXPIRED),
                static_cast<int64_t>(v1::PROPOSAL_STATE_OPEN))
          .Run());
  return transaction.Commit();
}

absl::Status StoreRestore::Reindex(RestoreCounts* counts) {
  const auto epochs = options_.epochs->keys();
  int64_t after = 0;
  while (true) {
    struct Row {
      uint64_t subject;
      std::string public_id;
    };
    std::vector<Row> rows;
    {
      CONSENTRY_ASSIGN_OR_RETURN(
          Query query,
          writer_->Prepare("SELECT subject, public_id FROM subjects WHERE "
                           "subject > $1 ORDER BY subject LIMIT $2"));
      query.Bind(after, int64_t{kSubjectsPerTransaction});
      while (true) {
        CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
        if (!found) break;
        after = query.Int64(0);
        rows.push_back(
            {static_cast<uint64_t>(after), std::string(query.Blob(1))});
      }
    }
    if (rows.empty()) break;
    CONSENTRY_ASSIGN_OR_RETURN(auto transaction,
                               store::WriteTransaction::Begin(writer_.get()));
    for (const Row& row : rows) {
      const auto subject = static_cast<int64_t>(row.subject);
      const auto held =
          ReadHeldSubject(writer_.get(), *options_.slots, row.subject);
      absl::Status status = held.status();
      crypto::ObjectId id;
      if (status.ok() && row.public_id.size() != id.size()) {
        status = DoesNotFit();
      }
      Reindexed reindexed;
      if (status.ok() && held->has_value()) {
        std::copy(row.public_id.begin(), row.public_id.end(), id.begin());
        const crypto::BlindIndex key = vault::PublicIdKey(id);
        CONSENTRY_ASSIGN_OR_RETURN(
            Query insert,
            writer_->Prepare("INSERT INTO lookup (key, subject, kind) "
                             "VALUES ($1, $2, 0)"));
        CONSENTRY_RETURN_IF_ERROR(
            insert.Bind(vault::AsBytes(key), subject).Run());
        status = ReindexSubject(writer_.get(), *epochs, **held, &reindexed);
      }
      if (status.ok()) {
        ++counts->subjects;
        continue;
      }
      if (!absl::IsNotFound(status) && !absl::IsDataLoss(status)) {
        return status;
      }
      // Sealed under a key that is no more: nothing of it can be read.
      base::Log(kUnreadable, {{"status", status}});
      ++counts->unreadable;
      for (std::string_view sql :
           {std::string_view("DELETE FROM subjects WHERE subject = $1"),
            std::string_view("DELETE FROM facts WHERE subject = $1"),
            std::string_view("DELETE FROM consent_events WHERE subject = $1"),
            std::string_view("DELETE FROM lookup WHERE subject = $1"),
            std::string_view("DELETE FROM logins WHERE subject = $1"),
            std::string_view(
                "DELETE FROM consent_event_ids WHERE subject = $1"),
            std::string_view("DELETE FROM consent_ends WHERE subject = $1"),
            std::string_view("DELETE FROM holds WHERE subject = $1"),
            std::string_view("DELETE FROM messages WHERE subject = $1"),
            std::string_view("DELETE FROM recipient_events WHERE subject = $1"),
            std::string_view(
                "DELETE FROM recipient_notices WHERE subject = $1"),
            std::string_view("DELETE FROM rights_reports WHERE subject = $1"),
            std::string_view("DELETE FROM rights_agents WHERE subject = $1"),
            std::string_view("DELETE FROM rights_cases WHERE subject = $1 AND "
                             "by_system = 0"),
            std::string_view("DELETE FROM merges WHERE subject = $1 "
                             "OR into_subject = $1")}) {
        CONSENTRY_ASSIGN_OR_RETURN(Query remove, writer_->Prepare(sql));
        CONSENTRY_RETURN_IF_ERROR(remove.Bind(subject).Run());
      }
      for (std::string_view sql :
           {std::string_view("DELETE FROM source_rows WHERE record_no BETWEEN "
                             "$1 AND $2"),
            std::string_view("DELETE FROM records WHERE record_no BETWEEN $1 "
                             "AND $2")}) {
        CONSENTRY_ASSIGN_OR_RETURN(Query remove, writer_->Prepare(sql));
        CONSENTRY_RETURN_IF_ERROR(
            remove
                .Bind(vault::RecordNumber(row.subject, 0, 0),
                      vault::RecordNumber(row.subject, vault::kMaxKindPosition,
                                          vault::kMaxRecordIndex))
                .Run());
      }
    }
    CONSENTRY_RETURN_IF_ERROR(transaction.Commit());
  }
  for (const auto& reindex : options_.others) {
    CONSENTRY_ASSIGN_OR_RETURN(auto transaction,
                               store::WriteTransaction::Begin(writer_.get()));
    int64_t last = 0;
    do {
      store::ChangeContext context(writer_.get(), 1, 0);
      CONSENTRY_ASSIGN_OR_RETURN(
          last, reindex(context, last, kSubjectsPerTransaction));
    } while (last != 0);
    CONSENTRY_RETURN_IF_ERROR(transaction.Commit());
  }
  return absl::OkStatus();
}

absl::Status StoreRestore::CarryOver(store::Connection* from) {
  CONSENTRY_ASSIGN_OR_RETURN(const auto theirs, store::ListTables(from));
  CONSENTRY_ASSIGN_OR_RETURN(const auto own, store::ListTables(writer_.get()));
  struct Carried {
    std::string_view table;
    std::string_view which;
    std::string_view conflict;
  };
  CONSENTRY_ASSIGN_OR_RETURN(auto transaction,
                             store::WriteTransaction::Begin(writer_.get()));
  for (const Carried& carried :
       {Carried{"backups", "", kKeepOwn},
        // Prohibitions were added to it since.
        Carried{"suppressed", "", kTakeTheirs},
        Carried{"erasures", " WHERE subject = 0", kKeepOwn}}) {
    const auto is_it = [&](const store::TableInfo& table) {
      return table.name == carried.table;
    };
    const auto there = std::find_if(theirs.begin(), theirs.end(), is_it);
    const auto here = std::find_if(own.begin(), own.end(), is_it);
    if (there == theirs.end() || here == own.end()) continue;
    std::string names;
    std::vector<BackupColumn> columns;
    for (const store::ColumnInfo& column : here->columns) {
      absl::StrAppend(&names, names.empty() ? "" : ", ", column.name);
      columns.push_back(
          ColumnOf(column.name, static_cast<BackupColumn::Type>(column.type)));
    }
    CONSENTRY_ASSIGN_OR_RETURN(
        Query select,
        from->Prepare(absl::StrCat("SELECT ", names, " FROM ", here->name,
                                   std::string(carried.which))));
    RowInsert insert(writer_.get(), here->name, columns,
                     std::string(carried.conflict));
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, select.Step());
      if (!row) break;
      std::vector<BackupCell> cells(columns.size());
      std::vector<const BackupCell*> given;
      for (size_t i = 0; i < columns.size(); ++i) {
        const auto at = static_cast<int>(i);
        if (!select.IsNull(at)) {
          switch (columns[i].type()) {
            case BackupColumn::INT:
              cells[i].set_number(select.Int64(at));
              break;
            case BackupColumn::TEXT:
              cells[i].set_text(std::string(select.TextAt(at)));
              break;
            default:
              cells[i].set_data(std::string(select.Blob(at)));
              break;
          }
        }
        given.push_back(&cells[i]);
      }
      CONSENTRY_RETURN_IF_ERROR(insert.Run(given));
    }
  }
  return transaction.Commit();
}

absl::Status StoreRestore::SetState(const store::CommitterState& state) {
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto transaction,
                               store::WriteTransaction::Begin(writer_.get()));
    CONSENTRY_ASSIGN_OR_RETURN(store::CommitterState kept,
                               store::ReadCommitterState(writer_.get()));
    kept.last_change = state.last_change;
    kept.last_time_us = std::max(kept.last_time_us, state.last_time_us);
    kept.log = state.log;
    kept.log_last_change = state.log_last_change;
    CONSENTRY_RETURN_IF_ERROR(store::WriteCommitterState(writer_.get(), kept));
    CONSENTRY_RETURN_IF_ERROR(store::PutMetaInt64(
        writer_.get(), kErasedThroughKey,
        static_cast<int64_t>(options_.slots->erased_through())));
    CONSENTRY_RETURN_IF_ERROR(transaction.Commit());
  }
  CONSENTRY_RETURN_IF_ERROR(options_.engine->Checkpoint(writer_.get()));
  writer_.reset();
  return absl::OkStatus();
}

absl::StatusOr<int64_t> MakeUncertain(store::ChangeContext& context,
                                      const crypto::SlotFile& slots,
                                      vault::HeadCache* cache, int64_t after,
                                      int limit) {
  std::vector<uint64_t> subjects;
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        Query query, context.connection()->Prepare(
                         "SELECT subject FROM subjects WHERE subject > $1 "
                         "ORDER BY subject LIMIT $2"));
    query.Bind(after, int64_t{limit});
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
      if (!found) break;
      subjects.push_back(static_cast<uint64_t>(query.Int64(0)));
    }
  }
  for (const uint64_t subject : subjects) {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto edit, vault::HeadEdit::Begin(&context, slots, subject));
    edit.head().set_uncertain_before_us(context.now_us());
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto events,
        consent::ReadEvents(context.connection(), edit.keys(),
                            edit.head().consent_events()));
    consent::DeriveInto(events, 0, &edit.head());
    CONSENTRY_RETURN_IF_ERROR(edit.Write(cache));
  }
  return static_cast<int>(subjects.size()) < limit
             ? 0
             : static_cast<int64_t>(subjects.back());
}

}  // namespace consentry::upkeep
