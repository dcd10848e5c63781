#include "tools/consentry/importer.h"

#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "proto/support/mutex.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/csv.h"

namespace consentry::tools {
namespace {

using v1::ImportRecordsRequest;
using v1::ImportRecordsResponse;

std::string ReasonText(v1::ErrorReason reason) {
  return std::string(
      absl::StripPrefix(v1::ErrorReason_Name(reason), "ERROR_REASON_"));
}

std::string BaseName(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// What the file is called before the gateway: no path, plain characters.
std::string Label(const std::string& path) {
  std::string label = BaseName(path).substr(0, 128);
  for (char& c : label) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7F) c = '_';
  }
  return label;
}

// Counts and quarantine, from both threads.
class Ledger {
 public:
  Ledger(const ImportMapper* mapper, std::ostream* quarantine)
      : mapper_(mapper), quarantine_(quarantine) {
    std::string line;
    AppendCsvLine({"row", "column", "reason"}, &line);
    *quarantine_ << line;
  }

  void BadRow(uint64_t number) {
    MutexLock lock(&mu_);
    ++report_.rows;
    HoldBack(number, "row", v1::ERROR_REASON_ROW_UNREADABLE);
    held_rows_.insert(number);
  }

  void Mapped(uint64_t number, const MappedRow& mapped) {
    MutexLock lock(&mu_);
    ++report_.rows;
    if (mapped.skipped) {
      ++report_.skipped;
      return;
    }
    // One cell may feed several places, and fails in each.
    std::set<std::pair<std::string, v1::ErrorReason>> told;
    for (const CellFault& fault : mapped.faults) {
      if (!told.emplace(fault.column, fault.reason).second) continue;
      HoldBack(number, fault.column, fault.reason);
      if (fault.whole_row) {
        held_rows_.insert(number);
      } else {
        invalid_[fault.column] += 1;
      }
    }
    bool repeated = false;
    for (const v1::ImportRow& row : mapped.rows) {
      CountFields(row);
      const size_t key = std::hash<std::string>()(
          absl::StrCat(row.kind(), "\x1e", row.source_key()));
      repeated = repeated || !keys_.insert(key).second;
      report_.choices += static_cast<uint64_t>(row.choices_size());
    }
    if (repeated) ++report_.duplicates;
  }

  void Answered(const ImportRecordsResponse& response) {
    MutexLock lock(&mu_);
    for (const v1::ImportRowResult& result : response.results()) {
      switch (result.outcome()) {
        case v1::WRITE_OUTCOME_CREATED:
          ++report_.created;
          break;
        case v1::WRITE_OUTCOME_UPDATED:
          ++report_.updated;
          break;
        case v1::WRITE_OUTCOME_UNCHANGED:
          ++report_.unchanged;
          break;
        default:
          ++report_.quarantined_records;
          held_rows_.insert(result.number());
      }
      if (result.joined()) ++report_.joined;
      std::set<std::pair<std::string, v1::ErrorReason>> told;
      for (const v1::ImportFault& fault : result.faults()) {
        const std::string column = mapper_->ColumnOf(fault.column());
        if (told.emplace(column, fault.reason()).second) {
          HoldBack(result.number(), column, fault.reason());
        }
        FieldQuality& field = report_.fields[fault.column()];
        // Good as such, and somebody else's by another source.
        if (fault.reason() == v1::ERROR_REASON_IDENTIFIER_CONFLICT) {
          ++field.conflicts;
          continue;
        }
        if (field.present > 0) --field.present;
        ++field.invalid;
      }
      for (const std::string& name : result.conflicts()) {
        ++report_.fields[name].conflicts;
      }
    }
  }

  ImportReport Take() {
    MutexLock lock(&mu_);
    report_.quarantined_rows = held_rows_.size();
    // Cells that the map refused are no value of their field.
    for (const auto& [column, count] : invalid_) {
      for (auto& [name, field] : report_.fields) {
        if (mapper_->ColumnOf(name) == column) field.invalid += count;
      }
    }
    return std::move(report_);
  }

 private:
  void HoldBack(uint64_t number, const std::string& column,
                v1::ErrorReason reason) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    ++report_.reasons[ReasonText(reason)];
    std::string line;
    AppendCsvLine({absl::StrCat(number), column, ReasonText(reason)}, &line);
    *quarantine_ << line;
  }

  void CountFields(const v1::ImportRow& row)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    for (const auto& record : mapper_->map().records()) {
      if (record.kind() != row.kind()) continue;
      for (const auto& mapped : record.fields()) {
        FieldQuality& field =
            report_.fields[absl::StrCat(row.kind(), ".", mapped.field())];
        ++field.records;
        if (row.values().count(mapped.field()) == 1) ++field.present;
      }
      break;
    }
    for (const auto& mapped : mapper_->map().identifiers()) {
      FieldQuality& field = report_.fields[IdentifierName(mapped)];
      ++field.records;
      for (const v1::Identifier& identifier : row.identifiers()) {
        if (IdentifierName(mapped) == IdentifierName(identifier)) {
          ++field.present;
          break;
        }
      }
    }
  }

  // As the gateway names it: "email", "external_id.crm", "custom.card".
  std::string IdentifierName(const config::v1::MappedIdentifier& mapped) const {
    if (mapped.type() == "email" || mapped.type() == "phone") {
      return mapped.type();
    }
    if (mapped.type() != "external_id") return "custom." + mapped.type();
    return "external_id." + (mapped.namespace_().empty()
                                 ? mapper_->map().source()
                                 : mapped.namespace_());
  }
  static std::string IdentifierName(const v1::Identifier& identifier) {
    switch (identifier.type()) {
      case v1::IDENTIFIER_TYPE_EMAIL:
        return "email";
      case v1::IDENTIFIER_TYPE_PHONE:
        return "phone";
      case v1::IDENTIFIER_TYPE_EXTERNAL_ID:
        return "external_id." + identifier.namespace_();
      default:
        return "custom." + identifier.namespace_();
    }
  }

  const ImportMapper* const mapper_;
  std::ostream* const quarantine_;
  Mutex mu_;
  ImportReport report_ ABSL_GUARDED_BY(mu_);
  std::unordered_set<uint64_t> held_rows_ ABSL_GUARDED_BY(mu_);
  std::unordered_set<size_t> keys_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, uint64_t> invalid_ ABSL_GUARDED_BY(mu_);
};

// Sends batches and takes answers on a thread of its own, a window apart.
class Pipe {
 public:
  Pipe(ImportTransport* transport, Ledger* ledger)
      : transport_(transport), ledger_(ledger), reader_([this] { Read(); }) {}

  ~Pipe() {
    if (reader_.joinable()) reader_.join();
  }

  // False once the call has ended: nothing more can be sent.
  bool Send(const ImportRecordsRequest& message) {
    {
      MutexLock lock(&mu_);
      while (in_flight_ >= kImportWindow && !ended_) changed_.Wait(&mu_);
      if (ended_) return false;
      ++in_flight_;
    }
    return transport_->Send(message).ok();
  }

  absl::Status Finish() {
    const absl::Status sent = transport_->DoneSending();
    reader_.join();
    const absl::Status status = transport_->Finish();
    if (!status.ok()) return status;
    return sent;
  }

 private:
  void Read() {
    while (std::optional<ImportRecordsResponse> response =
               transport_->Receive()) {
      ledger_->Answered(*response);
      MutexLock lock(&mu_);
      --in_flight_;
      changed_.SignalAll();
    }
    MutexLock lock(&mu_);
    ended_ = true;
    changed_.SignalAll();
  }

  ImportTransport* const transport_;
  Ledger* const ledger_;
  Mutex mu_;
  CondVar changed_;
  int in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  std::thread reader_;
};

}  // namespace

absl::StatusOr<ImportReport> ImportFile(
    const std::string& map_path, const std::string& csv_path,
    const ImportOptions& options,
    const std::function<absl::StatusOr<std::unique_ptr<ImportTransport>>()>&
        connect,
    std::ostream* quarantine, Progress* progress) {
  const int64_t start_us = Progress::SteadyNowUs();
  std::ifstream map_file(map_path, std::ios::binary);
  if (!map_file) {
    return absl::NotFoundError(absl::StrCat("cannot open ", map_path));
  }
  std::stringstream map_text;
  map_text << map_file.rdbuf();
  config::v1::ImportMap map;
  TextProto text(map_path);
  CONSENTRY_RETURN_IF_ERROR(text.Parse(map_text.str(), &map));

  struct stat info;
  std::ifstream csv(csv_path, std::ios::binary);
  if (!csv || stat(csv_path.c_str(), &info) != 0) {
    return absl::NotFoundError(absl::StrCat("cannot open ", csv_path));
  }
  std::optional<char> delimiter;
  if (map.delimiter().size() == 1) delimiter = map.delimiter()[0];
  CONSENTRY_ASSIGN_OR_RETURN(const auto reader,
                             CsvReader::Open(&csv, delimiter));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto mapper,
      ImportMapper::Create(map, text, reader->header(),
                           int64_t{info.st_mtim.tv_sec} * 1000000));

  CONSENTRY_ASSIGN_OR_RETURN(const auto transport, connect());
  ImportRecordsRequest header;
  header.mutable_header()->set_source(map.source());
  header.mutable_header()->set_purpose(map.purpose());
  header.mutable_header()->set_label(Label(csv_path));
  header.mutable_header()->set_validate_only(options.dry_run);
  *header.mutable_header()->mutable_context() = options.context;

  Ledger ledger(mapper.get(), quarantine);
  absl::Status read_status;
  absl::Status call_status;
  {
    // A failure to send shows in how the call ends.
    (void)transport->Send(header).ok();
    Pipe pipe(transport.get(), &ledger);
    ImportRecordsRequest batch;
    CsvRow row;
    for (bool open = true; open;) {
      const absl::StatusOr<bool> more = reader->Next(&row);
      if (!more.ok()) read_status = more.status();
      if (!more.ok() || !*more) break;
      if (row.fault != CsvFault::kNone) {
        ledger.BadRow(row.number);
        continue;
      }
      MappedRow mapped = mapper->Map(row);
      ledger.Mapped(row.number, mapped);
      for (v1::ImportRow& record : mapped.rows) {
        *batch.mutable_rows()->add_rows() = std::move(record);
        if (batch.rows().rows_size() < kImportRowsPerMessage) continue;
        open = pipe.Send(batch);
        batch.Clear();
        if (!open) break;
      }
      if (progress != nullptr) progress->Update(reader->offset());
    }
    if (batch.rows().rows_size() > 0) pipe.Send(batch);
    call_status = pipe.Finish();
  }
  CONSENTRY_RETURN_IF_ERROR(call_status);
  CONSENTRY_RETURN_IF_ERROR(read_status);
  if (progress != nullptr) progress->Finish();
  quarantine->flush();
  ImportReport report = ledger.Take();
  report.source = map.source();
  report.file = BaseName(csv_path);
  report.dry_run = options.dry_run;
  report.took_us = Progress::SteadyNowUs() - start_us;
  return report;
}

}  // namespace consentry::tools
