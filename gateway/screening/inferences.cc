#include "gateway/screening/inferences.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/access/output_decision.h"
#include "gateway/base/log.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/vault/catalog_index.h"
#include "gateway/vault/head_edit.h"
#include "gateway/vault/profile.h"
#include "gateway/vault/remove_record.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::screening {
namespace {

constexpr uint32_t kSchema = 1;
constexpr int64_t kDefaultKeepDays = 90;
constexpr int64_t kRowsAtOnce = 64;

constexpr char kSelect[] =
    "SELECT inference_no, subject, state, row_gen, doc FROM inferences ";

constexpr base::LogEvent kBroken = {base::LogLevel::kWarn, 6502,
                                    "screening.inference_broken"};

crypto::FactContext ContextOf(int64_t no, uint32_t generation) {
  return {crypto::FactTable::kInference, static_cast<uint64_t>(no), "", kSchema,
          generation};
}

absl::Status Gone() { return absl::CancelledError("the inference is gone"); }

// The screening is as it was read under this row generation.
absl::StatusOr<bool> IsAt(store::Connection* connection, int64_t screening_no,
                          uint32_t row_generation) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare("SELECT row_gen FROM screenings WHERE "
                                      "screening_no = $1"));
  query.Bind(screening_no);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  return found && query.Int64(0) == int64_t{row_generation};
}

std::string OutputWord(const v1::Output& output) {
  switch (output.kind()) {
    case v1::OUTPUT_KIND_SEGMENT:
      return "segment";
    case v1::OUTPUT_KIND_PERSONA:
      return "persona";
    default:
      return output.has_score() ? "score" : "";
  }
}

// "insight.segment" -> "insight", "segment".
std::pair<std::string, std::string> Split(const std::string& field) {
  const size_t dot = field.find('.');
  return {field.substr(0, dot), field.substr(dot + 1)};
}

}  // namespace

const config::v1::InferredRecord* InferredBy(
    const config::v1::Screening& settings, const v1::Output& output) {
  const std::string word = OutputWord(output);
  const config::v1::InferredRecord* any = nullptr;
  for (const config::v1::InferredRecord& each : settings.inferred()) {
    if (each.output() != word) continue;
    if (each.model() == output.model()) return &each;
    if (each.model().empty()) any = &each;
  }
  return any;
}

absl::Status Inferences::Note(const config::v1::Screening& settings,
                              store::ChangeContext& context,
                              const crypto::SubjectKeys& keys,
                              const v1::Output& output,
                              const ScreeningRow& row) {
  const config::v1::InferredRecord* const how = InferredBy(settings, output);
  if (how == nullptr) return absl::OkStatus();
  store::v1::InferenceDoc doc;
  doc.set_screening_id(row.doc.id());
  doc.set_purpose(row.doc.purpose());
  doc.set_channel(row.doc.channel());
  *doc.mutable_input_categories() = row.doc.input_categories();
  doc.set_client_id(row.doc.client_id());
  doc.set_record_kind(Split(how->label_field().empty() ? how->score_field()
                                                       : how->label_field())
                          .first);
  doc.set_model(output.model());
  doc.set_model_version(output.model_version());
  // A later one of the same model takes the place of an earlier one.
  doc.set_source_key(absl::StrCat(output.model(), "/", row.subject));
  const int64_t days =
      how->keep_days() == 0 ? kDefaultKeepDays : how->keep_days();
  doc.set_expire_us(context.now_us() + days * kUsPerDay);
  doc.set_subject_version(row.doc.subject_version());
  const int64_t no = row.no;
  CONSENTRY_ASSIGN_OR_RETURN(const bool noted, NoteAgain(context, no));
  if (noted) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string sealed,
      crypto::Sealer::Seal(keys, ContextOf(no, 1), doc.SerializeAsString()));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      context.connection()->Prepare(
          "INSERT INTO inferences (inference_no, subject, state, end_hour, "
          "row_gen, doc) VALUES ($1, $2, $3, $4, 1, $5)"));
  query.Bind(no, static_cast<int64_t>(row.subject),
             static_cast<int64_t>(InferenceState::kToWrite),
             doc.expire_us() / kUsPerHour + 1, sealed);
  return query.Run();
}

absl::StatusOr<bool> Inferences::NoteAgain(store::ChangeContext& context,
                                           int64_t screening_no) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      context.connection()->Prepare("UPDATE inferences SET state = $2 WHERE "
                                    "inference_no = $1"));
  query.Bind(screening_no, static_cast<int64_t>(InferenceState::kToWrite));
  CONSENTRY_RETURN_IF_ERROR(query.Run());
  return context.connection()->Changes() > 0;
}

absl::StatusOr<std::vector<Inferences::Row>> Inferences::List(
    store::Connection* connection, const char* sql, int64_t first,
    int64_t second, int64_t* last) const {
  *last = 0;
  CONSENTRY_ASSIGN_OR_RETURN(auto query, connection->Prepare(sql));
  query.Bind(first, second, kRowsAtOnce);
  std::vector<Row> rows;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return rows;
    Row row;
    row.no = *last = query.Int64(0);
    row.subject = static_cast<uint64_t>(query.Int64(1));
    row.state = static_cast<InferenceState>(query.Int64(2));
    row.row_generation = static_cast<uint32_t>(query.Int64(3));
    const auto keys = options_.slots->Load(row.subject);
    // Erased: her rows go with her.
    if (absl::IsFailedPrecondition(keys.status())) continue;
    CONSENTRY_RETURN_IF_ERROR(keys.status());
    const auto opened = crypto::FactOpener::Open(
        *keys, ContextOf(row.no, row.row_generation), query.Blob(4));
    if (!opened.ok() ||
        !row.doc.ParseFromArray(opened->view().data(),
                                static_cast<int>(opened->size()))) {
      // One that does not open keeps no other from being looked at.
      base::Log(kBroken, {{"inference", row.no}});
      continue;
    }
    rows.push_back(std::move(row));
  }
}

absl::Status Inferences::Sweep() {
  MutexLock lock(&sweep_mu_);
  // Each goes as far as it can; the first failure is told.
  absl::Status status = WriteNoted();
  status.Update(TakeBackEnded());
  status.Update(CheckChanged());
  return status;
}

absl::Status Inferences::WriteNoted() {
  static const std::string* const sql = new std::string(
      std::string(kSelect) +
      "WHERE state = $1 AND inference_no > $2 ORDER BY inference_no LIMIT $3");
  absl::Status status;
  for (int64_t after = 0, last = 0;; after = last) {
    std::vector<Row> noted;
    {
      CONSENTRY_ASSIGN_OR_RETURN(auto lease,
                                 options_.parts->readers->Acquire());
      CONSENTRY_ASSIGN_OR_RETURN(
          noted,
          List(lease.get(), sql->c_str(),
               static_cast<int64_t>(InferenceState::kToWrite), after, &last));
    }
    if (last == 0) return status;
    for (const Row& row : noted) status.Update(WriteOne(row));
  }
}

absl::StatusOr<Rechecked> Inferences::Look(store::Connection* connection,
                                           const Row& row, int64_t now_us,
                                           int64_t as_of) const {
  // As a release that ends when the record does.
  ReleaseRow release;
  release.no = row.no;
  release.subject = row.subject;
  release.doc.set_expire_us(row.doc.expire_us());
  CONSENTRY_ASSIGN_OR_RETURN(
      Rechecked checked, Recheck(*options_.parts, connection, release, now_us,
                                 as_of, /*for_delivery=*/false));
  // A human may have blocked it since.
  if (checked.row.doc.verdict() != v1::VERDICT_RELEASED) {
    checked.state = Rechecked::State::kOver;
  }
  return checked;
}

absl::Status Inferences::WriteOne(const Row& row) {
  const ScreeningParts& parts = *options_.parts;
  v1::Output output;
  std::string public_id;
  uint32_t looked_at = 0;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(const Rechecked checked,
                               Look(lease.get(), row, parts.committer->NowUs(),
                                    parts.committer->LastStored()));
    if (checked.state != Rechecked::State::kHolds) {
      lease.GiveBack();
      return TakeBack(row, checked.verdict_class == v1::VERDICT_CLASS_FAIRNESS
                               ? "fairness"
                               : "not_permitted");
    }
    if (!output.ParseFromString(checked.words.output())) {
      return CorruptScreening();
    }
    public_id = checked.decision.snapshot.members[0]->head().public_id();
    looked_at = checked.row.row_generation;
  }
  const config::v1::InferredRecord* const how =
      InferredBy(parts.settings, output);
  if (how == nullptr) return TakeBack(row, "not_configured");
  v1::WriteRecordRequest write;
  write.add_subjects()->set_id(public_id);
  write.set_kind(row.doc.record_kind());
  write.set_source(std::string(vault::kInferenceSource));
  write.set_source_key(row.doc.source_key());
  write.set_purpose(row.doc.purpose());
  if (!how->label_field().empty() && !output.label().empty()) {
    (*write.mutable_values())[Split(how->label_field()).second]
        .set_string_value(output.label());
  }
  if (!how->score_field().empty() && output.has_score()) {
    (*write.mutable_values())[Split(how->score_field()).second]
        .set_double_value(output.score());
  }
  if (write.values().empty()) return TakeBack(row, "empty");
  const auto configuration = parts.configuration();
  vault::WriteContext context;
  CONSENTRY_ASSIGN_OR_RETURN(
      context.catalog,
      vault::CatalogIndex::Build(configuration->bundle().catalog()));
  context.source = write.source();
  context.purpose = write.purpose();
  context.now_us = parts.committer->NowUs();
  access::Caller self;
  self.event = "system.inference_write";
  context.leaf = clients::LeafOf(*configuration, self, context.now_us);
  context.leaf.set_purpose(write.purpose());
  context.leaf.add_details("screening=" + row.doc.screening_id());
  context.leaf.add_details(
      absl::StrCat("model=", row.doc.model(), "@", row.doc.model_version()));
  const auto written =
      options_.writer->WriteRecord(write, std::move(context), std::nullopt);
  if (!written.ok()) {
    // A catalog without the field, or a value that it refuses: no later try
    // would go better.
    if (ReasonOf(written.status()) == v1::ERROR_REASON_STORE_UNAVAILABLE ||
        ReasonOf(written.status()) == v1::ERROR_REASON_AUDIT_UNAVAILABLE ||
        ReasonOf(written.status()) == v1::ERROR_REASON_CONTENDED ||
        ReasonOf(written.status()) == v1::ERROR_REASON_STOPPING) {
      return written.status();
    }
    return TakeBack(row, "not_taken");
  }
  store::Change change;
  change.apply = [this, row, looked_at, record = written->record_id,
                  version = written->change](
                     store::ChangeContext& change_context) -> absl::Status {
    clients::CallerContext caller;
    caller.event = "system.inference_written";
    store::v1::Leaf leaf = clients::LeafOf(*options_.parts->configuration(),
                                           caller, change_context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(change_context.number()));
    // A human may have changed or blocked the output since it was looked at:
    // then the record is known, and looked at again.
    CONSENTRY_ASSIGN_OR_RETURN(
        const bool same, IsAt(change_context.connection(), row.no, looked_at));
    const InferenceState state =
        same ? InferenceState::kWritten : InferenceState::kToWrite;
    auto keys = options_.slots->Load(row.subject);
    // Erased since: record and row go with her.
    if (absl::IsFailedPrecondition(keys.status())) return Gone();
    CONSENTRY_RETURN_IF_ERROR(keys.status());
    store::v1::InferenceDoc doc = row.doc;
    doc.set_record_id(record);
    doc.set_subject_version(version);
    CONSENTRY_ASSIGN_OR_RETURN(
        const std::string sealed,
        crypto::Sealer::Seal(*keys, ContextOf(row.no, row.row_generation + 1),
                             doc.SerializeAsString()));
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query, change_context.connection()->Prepare(
                        "UPDATE inferences SET state = $2, row_gen = $3, doc = "
                        "$4 WHERE inference_no = $1 AND row_gen = $5"));
    query.Bind(row.no, static_cast<int64_t>(state),
               static_cast<int64_t>(row.row_generation) + 1, sealed,
               static_cast<int64_t>(row.row_generation));
    CONSENTRY_RETURN_IF_ERROR(query.Run());
    if (change_context.connection()->Changes() == 0) return Gone();
    change_context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  };
  const absl::Status noted =
      options_.parts->committer->CommitChangeAndWait(std::move(change)).status;
  return absl::IsCancelled(noted) ? absl::OkStatus() : noted;
}

absl::Status Inferences::TakeBack(const Row& row, const char* why) {
  store::Change change;
  change.apply = [this, row,
                  why](store::ChangeContext& context) -> absl::Status {
    clients::CallerContext self;
    self.event = "system.inference_take_back";
    store::v1::Leaf leaf = clients::LeafOf(*options_.parts->configuration(),
                                           self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details("screening=" + row.doc.screening_id());
    leaf.add_details(absl::StrCat("why=", why));
    auto head = vault::HeadEdit::Begin(&context, *options_.slots, row.subject);
    if (!head.ok() && !absl::IsNotFound(head.status())) return head.status();
    if (head.ok()) {
      // A later inference of the same model may have taken over the record.
      bool taken_over = false;
      {
        CONSENTRY_ASSIGN_OR_RETURN(
            auto query, context.connection()->Prepare(
                            std::string(kSelect) +
                            "WHERE subject = $1 AND inference_no > $2 LIMIT "
                            "$3"));
        query.Bind(static_cast<int64_t>(row.subject), row.no, kRowsAtOnce);
        for (;;) {
          CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
          if (!more) break;
          store::v1::InferenceDoc later;
          const auto opened = crypto::FactOpener::Open(
              head->keys(),
              ContextOf(query.Int64(0), static_cast<uint32_t>(query.Int64(3))),
              query.Blob(4));
          if (!opened.ok() ||
              !later.ParseFromArray(opened->view().data(),
                                    static_cast<int>(opened->size()))) {
            return CorruptScreening();
          }
          taken_over = taken_over || (later.record_id() == row.doc.record_id());
        }
      }
      const auto id =
          crypto::ParseId(crypto::IdKind::kRecord, row.doc.record_id());
      if (id.ok() && !taken_over) {
        CONSENTRY_RETURN_IF_ERROR(
            vault::RemoveRecord(context, row.doc.record_kind(), *id, &*head)
                .status());
      }
      const crypto::SubjectTag tag =
          crypto::ComputeSubjectTag(head->keys(), options_.parts->log_origin,
                                    crypto::MonthOf(context.now_us()));
      CONSENTRY_RETURN_IF_ERROR(head->Write(options_.cache));
      store::v1::LeafSubject* const told = leaf.add_subjects();
      told->set_tag(tag.data(), tag.size());
      told->set_version(static_cast<uint64_t>(context.number()));
    }
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query, context.connection()->Prepare(
                        "DELETE FROM inferences WHERE inference_no = $1"));
    query.Bind(row.no);
    CONSENTRY_RETURN_IF_ERROR(query.Run());
    context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  };
  return options_.parts->committer->CommitChangeAndWait(std::move(change))
      .status;
}

absl::Status Inferences::TakeBackEnded() {
  static const std::string* const sql = new std::string(
      std::string(kSelect) +
      "WHERE end_hour < $1 AND inference_no > $2 ORDER BY inference_no LIMIT "
      "$3");
  const int64_t hour = options_.parts->committer->NowUs() / kUsPerHour;
  absl::Status status;
  for (int64_t after = 0, last = 0;; after = last) {
    std::vector<Row> ended;
    {
      CONSENTRY_ASSIGN_OR_RETURN(auto lease,
                                 options_.parts->readers->Acquire());
      CONSENTRY_ASSIGN_OR_RETURN(
          ended, List(lease.get(), sql->c_str(), hour, after, &last));
    }
    if (last == 0) return status;
    for (const Row& row : ended) status.Update(TakeBack(row, "ended"));
  }
}

absl::Status Inferences::CheckChanged() {
  // After a start, a new policy or a day all are looked at, else those of
  // customers who changed since, or who are joined with one who did.
  static const std::string* const all = new std::string(
      std::string(kSelect) +
      "WHERE state = $1 AND inference_no > $2 ORDER BY inference_no LIMIT $3");
  static const std::string* const changed = new std::string(
      std::string(kSelect) +
      "WHERE subject IN (SELECT s.subject FROM subjects s WHERE s.version > "
      "$1 UNION SELECT m.subject FROM merges m, subjects s WHERE s.version > "
      "$1 AND (s.subject = m.subject OR s.subject = m.into_subject) UNION "
      "SELECT m.into_subject FROM merges m, subjects s WHERE s.version > $1 "
      "AND (s.subject = m.subject OR s.subject = m.into_subject)) AND state = "
      "2 AND inference_no > $2 ORDER BY inference_no LIMIT $3");
  const ScreeningParts& parts = *options_.parts;
  const int64_t as_of = parts.committer->LastStored();
  const int64_t epoch = parts.configuration()->epoch();
  const int64_t now_us = parts.committer->NowUs();
  const bool every =
      checked_ < 0 || epoch != checked_epoch_ || now_us >= all_us_ + kUsPerDay;
  absl::Status status;
  std::vector<Row> over;
  for (int64_t after = 0, last = 0;; after = last) {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto rows,
        List(lease.get(), every ? all->c_str() : changed->c_str(),
             every ? static_cast<int64_t>(InferenceState::kWritten) : checked_,
             after, &last));
    if (last == 0) break;
    for (const Row& row : rows) {
      const auto checked = Look(lease.get(), row, now_us, as_of);
      status.Update(checked.status());
      // What was written before its model was found unfair stays.
      if (checked.ok() && checked->state == Rechecked::State::kOver &&
          checked->verdict_class != v1::VERDICT_CLASS_FAIRNESS) {
        over.push_back(row);
      }
    }
  }
  for (const Row& row : over) status.Update(TakeBack(row, "not_permitted"));
  // What failed is looked at again.
  if (!status.ok()) return status;
  checked_ = as_of;
  checked_epoch_ = epoch;
  if (every) all_us_ = now_us;
  return absl::OkStatus();
}

}  // namespace consentry::screening
