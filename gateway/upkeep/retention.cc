#include "gateway/upkeep/retention.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/base/log.h"
#include "gateway/crypto/opener.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/store/schema.h"
#include "gateway/upkeep/held_record.h"
#include "gateway/vault/due_month.h"
#include "gateway/vault/head_codec.h"
#include "gateway/vault/head_edit.h"
#include "gateway/vault/head_update.h"
#include "gateway/vault/identifier_key.h"
#include "gateway/vault/record_number.h"
#include "gateway/vault/wipe.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::upkeep {
namespace {

constexpr base::LogEvent kUnreadable = {base::LogLevel::kError, 9501,
                                        "retention.record_not_readable"};

// Rows of one look at the index, and of one change that reckons it anew.
constexpr size_t kRowsPerLook = 256;
constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;
constexpr std::string_view kRulesKey = "retention_rules";

store::v1::Leaf SystemLeaf(const clients::Configuration& configuration,
                           std::string_view event,
                           const store::ChangeContext& context) {
  clients::CallerContext self;
  self.event = std::string(event);
  store::v1::Leaf leaf = clients::LeafOf(configuration, self, context.now_us());
  leaf.set_change_number(static_cast<uint64_t>(context.number()));
  return leaf;
}

std::string NameOf(const RetentionRules& rules, uint32_t field) {
  const RetentionRules::Field* known = rules.Find(field);
  return known == nullptr ? std::string() : known->name;
}

void Count(const RetentionRules& rules, const HeldRecord& record,
           const Judgement& judgement, RetentionCounts* counts) {
  for (size_t i = 0; i < judgement.fates.size(); ++i) {
    if (judgement.fates[i] == Fate::kStays) continue;
    RetentionCounts::Count& count = counts->fields[NameOf(
        rules, record.blob.fields(static_cast<int>(i)).field())];
    ++(judgement.fates[i] == Fate::kGoes ? count.removed : count.kept);
  }
}

// Writes the record without the values that go: every seal is bound to the
// row's generation, which rises.
absl::Status Rewrite(store::Connection* connection, const RetentionRules& rules,
                     const crypto::SubjectKeys& keys,
                     const Judgement& judgement, HeldRecord* record) {
  store::v1::RecordBlob blob;
  store::v1::RecordMeta meta = record->meta;
  const vault::WipeAtEnd wipe(&meta);
  meta.clear_digests();
  const uint32_t generation = record->row_generation + 1;
  for (size_t i = 0; i < judgement.fates.size(); ++i) {
    if (judgement.fates[i] == Fate::kGoes) continue;
    const auto at = static_cast<int>(i);
    const store::v1::SealedField& value = record->blob.fields(at);
    const std::string name = NameOf(rules, value.field());
    store::v1::SealedField* kept = blob.add_fields();
    kept->set_field(value.field());
    CONSENTRY_ASSIGN_OR_RETURN(
        *kept->mutable_sealed(),
        crypto::Resealer::Reseal(
            keys, vault::ValueContext(record->id, name, record->row_generation),
            vault::ValueContext(record->id, name, generation), value.sealed()));
    *meta.add_digests() = record->meta.digests(at);
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      *blob.mutable_meta(),
      vault::SealMeta(keys, record->id, record->kind, generation, meta));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto update,
      connection->Prepare("UPDATE records SET row_gen = $2, due_month = $3, "
                          "fields = $4 WHERE record_no = $1"));
  const std::string fields = blob.SerializeAsString();
  return update
      .Bind(record->number, static_cast<int64_t>(generation),
            judgement.due_month, std::string_view(fields))
      .Run();
}

absl::Status RemoveRow(store::Connection* connection, const HeldRecord& record,
                       store::v1::SubjectHead* head) {
  for (std::string_view sql :
       {std::string_view("DELETE FROM records WHERE record_no = $1"),
        std::string_view("DELETE FROM source_rows WHERE record_no = $1")}) {
    CONSENTRY_ASSIGN_OR_RETURN(auto query, connection->Prepare(sql));
    CONSENTRY_RETURN_IF_ERROR(query.Bind(record.number).Run());
  }
  if (const auto position = vault::KindPosition(record.kind, *head)) {
    store::v1::KindCount* kind =
        head->mutable_kinds(static_cast<int>(*position));
    if (kind->count() > 0) kind->set_count(kind->count() - 1);
  }
  auto* contexts = head->mutable_contexts();
  for (int i = contexts->size() - 1; i >= 0; --i) {
    if (contexts->Get(i).kind() == record.kind &&
        contexts->Get(i).reference() == record.meta.source_key() &&
        contexts->Get(i).source() == record.meta.source()) {
      contexts->DeleteSubrange(i, 1);
    }
  }
  return absl::OkStatus();
}

// Takes what ended out of the head, and out of lookup what nobody says of her
// any more. The sealed value stands with one of the sources: it moves on to
// another.
absl::StatusOr<int> RemoveIdentifiers(store::Connection* connection,
                                      const RetentionRules& rules,
                                      const crypto::EpochKeys& epochs,
                                      const crypto::SubjectKeys& keys,
                                      int64_t now_us,
                                      store::v1::SubjectHead* head) {
  int removed = 0;
  auto* all = head->mutable_identifiers();
  for (int i = all->size() - 1; i >= 0; --i) {
    if (!IdentifierEnded(rules, *head, all->Get(i), now_us)) continue;
    const store::v1::HeldIdentifier ended = all->Get(i);
    all->DeleteSubrange(i, 1);
    ++removed;
    const auto other = std::find_if(all->begin(), all->end(),
                                    [&](const store::v1::HeldIdentifier& held) {
                                      return held.digest() == ended.digest();
                                    });
    if (other != all->end()) {
      if (other->sealed().empty()) other->set_sealed(ended.sealed());
      continue;
    }
    if (ended.sealed().empty()) continue;
    for (const uint32_t epoch : epochs.usable()) {
      CONSENTRY_ASSIGN_OR_RETURN(
          const crypto::BlindIndex key,
          crypto::Reindexer::Index(
              keys,
              vault::IdentifierContext(ended.digest(), ended.name_space()),
              ended.sealed(), epochs, epoch,
              static_cast<crypto::IdentifierType>(ended.type()),
              ended.name_space()));
      CONSENTRY_ASSIGN_OR_RETURN(
          auto query, connection->Prepare("DELETE FROM lookup WHERE key = $1 "
                                          "AND subject = $2"));
      CONSENTRY_RETURN_IF_ERROR(
          query.Bind(vault::AsBytes(key), static_cast<int64_t>(keys.subject()))
              .Run());
    }
  }
  return removed;
}

// The subject of consecutive records, read once.
class SubjectWalk {
 public:
  SubjectWalk(store::Connection* connection, const crypto::SlotFile* slots)
      : connection_(connection), slots_(slots) {}

  // Null: she is gone, or cannot be read, which is logged.
  absl::StatusOr<const HeldSubject*> Of(int64_t record) {
    const uint64_t subject = vault::SubjectOfRecord(record);
    if (subject != subject_) {
      subject_ = subject;
      held_.reset();
      auto held = ReadHeldSubject(connection_, *slots_, subject);
      if (ReasonOf(held.status()) == v1::ERROR_REASON_DATA_CORRUPT) {
        base::Log(kUnreadable, {{"status", held.status()}});
      } else {
        CONSENTRY_RETURN_IF_ERROR(held.status());
        held_ = *std::move(held);
      }
    }
    return held_.has_value() ? &*held_ : nullptr;
  }

 private:
  store::Connection* const connection_;
  const crypto::SlotFile* const slots_;
  uint64_t subject_ = 0;
  std::optional<HeldSubject> held_;
};

// As ReadHeldRecord, with one that does not verify logged and passed over.
absl::StatusOr<std::optional<HeldRecord>> ReadOrPass(
    store::Connection* connection, const crypto::SubjectKeys& keys,
    const store::v1::SubjectHead& head, int64_t number) {
  auto record = ReadHeldRecord(connection, keys, head, number);
  if (ReasonOf(record.status()) == v1::ERROR_REASON_DATA_CORRUPT) {
    base::Log(kUnreadable, {{"status", record.status()}});
    return std::optional<HeldRecord>();
  }
  return record;
}

}  // namespace

void RetentionCounts::Add(const RetentionCounts& other) {
  for (const auto& [field, count] : other.fields) {
    fields[field].removed += count.removed;
    fields[field].kept += count.kept;
  }
  more |= other.more;
}

const RetentionRules& Retention::RulesNow(int64_t now_us) {
  const auto configuration = options_.configuration();
  // The owner's rules begin and end with days.
  const int64_t day = now_us / kDayUs;
  if (!rules_.has_value() || rules_of_ != configuration->shared_policy() ||
      rules_day_ != day) {
    rules_.emplace(configuration->bundle(), now_us);
    rules_of_ = configuration->shared_policy();
    rules_day_ = day;
  }
  return *rules_;
}

// Sets due months by the rules in force, unless that was done for these rules.
absl::Status Retention::Reckon(const RetentionRules& rules, int64_t now_us,
                               const std::function<bool()>& go_on, bool* done) {
  *done = false;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(const std::string known,
                               store::GetMeta(lease.get(), kRulesKey));
    *done = known == rules.digest();
  }
  struct Update {
    int64_t record;
    int64_t row_generation;
    int64_t due_month;
  };
  int64_t after = 0;
  bool last = *done;
  while (!last && go_on()) {
    std::vector<Update> updates;
    {
      CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
      std::vector<int64_t> numbers;
      {
        CONSENTRY_ASSIGN_OR_RETURN(
            auto query,
            lease->Prepare("SELECT record_no FROM records WHERE record_no > $1 "
                           "ORDER BY record_no LIMIT $2"));
        query.Bind(after, static_cast<int64_t>(kRowsPerLook));
        while (true) {
          CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
          if (!row) break;
          numbers.push_back(query.Int64(0));
        }
      }
      last = numbers.size() < kRowsPerLook;
      SubjectWalk walk(lease.get(), options_.slots);
      for (const int64_t number : numbers) {
        after = number;
        CONSENTRY_ASSIGN_OR_RETURN(const HeldSubject* held, walk.Of(number));
        if (held == nullptr) continue;
        CONSENTRY_ASSIGN_OR_RETURN(
            const auto record,
            ReadOrPass(lease.get(), held->keys, held->head, number));
        if (!record.has_value()) continue;
        const Judgement judgement = Judge(rules, held->head, *record, now_us);
        // What is past its time is looked at at once, what is kept beyond it
        // too.
        const bool all_stay =
            std::all_of(judgement.fates.begin(), judgement.fates.end(),
                        [](Fate fate) { return fate == Fate::kStays; });
        const int64_t due = all_stay && !judgement.removes_all
                                ? judgement.due_month
                                : vault::MonthNumber(now_us);
        if (due != record->due_month) {
          updates.push_back({number, record->row_generation, due});
        }
      }
    }
    if (updates.empty() && !last) continue;
    store::Change change;
    change.apply = [this, &updates, &rules,
                    last](store::ChangeContext& context) -> absl::Status {
      CONSENTRY_RETURN_IF_ERROR(store::RunMany(
          context.connection(),
          "UPDATE records SET due_month = $3 "
          "WHERE record_no = $1 AND row_gen = $2",
          updates.size(), [&](store::Query& query, size_t i) {
            query.Bind(updates[i].record, updates[i].row_generation,
                       updates[i].due_month);
          }));
      if (last) {
        CONSENTRY_RETURN_IF_ERROR(
            store::PutMeta(context.connection(), kRulesKey, rules.digest()));
      }
      store::v1::Leaf leaf = SystemLeaf(*options_.configuration(),
                                        "system.retention_reckoned", context);
      leaf.add_details(absl::StrCat("records=", updates.size()));
      context.SetEntry(clients::CanonicalBytes(leaf));
      return absl::OkStatus();
    };
    CONSENTRY_RETURN_IF_ERROR(
        options_.committer->CommitChangeAndWait(std::move(change)).status);
  }
  *done = last;
  return absl::OkStatus();
}

// The next records that are due behind `after`, which moves on; empty at the
// end.
absl::StatusOr<std::vector<int64_t>> Retention::NextDue(int64_t now_us,
                                                        Place* after) const {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, lease->Prepare("SELECT due_month, record_no FROM records "
                                 "WHERE due_month BETWEEN $2 AND $1 "
                                 "AND (due_month > $2 OR record_no > $3) "
                                 "ORDER BY due_month, record_no LIMIT $4"));
  query.Bind(vault::MonthNumber(now_us), after->due_month, after->record,
             static_cast<int64_t>(kRowsPerStep));
  std::vector<int64_t> records;
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return records;
    *after = {query.Int64(0), query.Int64(1)};
    records.push_back(after->record);
  }
}

// What would become of these records. `changes`: Remove has something to do.
absl::StatusOr<RetentionCounts> Retention::Look(
    const RetentionRules& rules, const std::vector<int64_t>& records,
    int64_t now_us, bool* changes) const {
  RetentionCounts counts;
  *changes = false;
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  SubjectWalk walk(lease.get(), options_.slots);
  for (const int64_t number : records) {
    CONSENTRY_ASSIGN_OR_RETURN(const HeldSubject* held, walk.Of(number));
    if (held == nullptr) continue;
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto record,
        ReadOrPass(lease.get(), held->keys, held->head, number));
    if (!record.has_value()) continue;
    Count(rules, *record, Judge(rules, held->head, *record, now_us), &counts);
    *changes = true;
  }
  return counts;
}

absl::StatusOr<RetentionCounts> Retention::Remove(
    const RetentionRules& rules, const std::vector<int64_t>& records) {
  auto counts = std::make_shared<RetentionCounts>();
  store::Change change;
  change.apply = [this, &rules, &records,
                  counts](store::ChangeContext& context) -> absl::Status {
    *counts = {};
    store::Connection* const connection = context.connection();
    const int64_t now_us = context.now_us();
    const auto epochs = options_.epochs->keys();
    store::v1::Leaf leaf =
        SystemLeaf(*options_.configuration(), "system.retention", context);
    std::map<uint64_t, std::vector<int64_t>> by_subject;
    for (const int64_t number : records) {
      by_subject[vault::SubjectOfRecord(number)].push_back(number);
    }
    for (const auto& [subject, numbers] : by_subject) {
      auto edit = vault::HeadEdit::Begin(&context, *options_.slots, subject);
      if (absl::IsNotFound(edit.status()) || absl::IsDataLoss(edit.status())) {
        continue;
      }
      CONSENTRY_RETURN_IF_ERROR(edit.status());
      std::map<std::string, int> gone;
      bool touched = false;
      for (const int64_t number : numbers) {
        CONSENTRY_ASSIGN_OR_RETURN(
            auto record,
            ReadOrPass(connection, edit->keys(), edit->head(), number));
        if (!record.has_value()) continue;
        const Judgement judgement = Judge(rules, edit->head(), *record, now_us);
        Count(rules, *record, judgement, counts.get());
        for (size_t i = 0; i < judgement.fates.size(); ++i) {
          if (judgement.fates[i] != Fate::kGoes) continue;
          ++gone[NameOf(rules,
                        record->blob.fields(static_cast<int>(i)).field())];
        }
        if (judgement.removes_all) {
          touched = true;
          CONSENTRY_RETURN_IF_ERROR(
              RemoveRow(connection, *record, &edit->head()));
        } else if (judgement.removes) {
          touched = true;
          CONSENTRY_RETURN_IF_ERROR(
              Rewrite(connection, rules, edit->keys(), judgement, &*record));
        } else {
          CONSENTRY_ASSIGN_OR_RETURN(
              auto query, connection->Prepare("UPDATE records SET due_month = "
                                              "$2 WHERE record_no = $1"));
          CONSENTRY_RETURN_IF_ERROR(
              query.Bind(number, judgement.due_month).Run());
        }
      }
      if (!touched) continue;
      CONSENTRY_ASSIGN_OR_RETURN(
          const int identifiers,
          RemoveIdentifiers(connection, rules, *epochs, edit->keys(), now_us,
                            &edit->head()));
      const crypto::SubjectTag tag = crypto::ComputeSubjectTag(
          edit->keys(), options_.log_origin, crypto::MonthOf(now_us));
      CONSENTRY_RETURN_IF_ERROR(edit->Write(options_.cache));
      store::v1::LeafSubject* told = leaf.add_subjects();
      told->set_tag(tag.data(), tag.size());
      told->set_version(static_cast<uint64_t>(context.number()));
      for (const auto& [field, number] : gone) {
        told->add_changes("retention." + field + "=removed");
      }
      if (identifiers > 0) told->add_changes("retention.identifiers=removed");
    }
    for (const auto& [field, count] : counts->fields) {
      leaf.add_details(absl::StrCat(field, ": removed=", count.removed,
                                    " kept=", count.kept));
    }
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  CONSENTRY_RETURN_IF_ERROR(
      options_.committer->CommitChangeAndWait(std::move(change)).status);
  return *counts;
}

absl::StatusOr<RetentionCounts> Retention::Run(
    const std::function<bool()>& go_on) {
  MutexLock lock(&mu_);
  const int64_t now_us = options_.committer->NowUs();
  const RetentionRules& rules = RulesNow(now_us);
  RetentionCounts total;
  bool reckoned = false;
  CONSENTRY_RETURN_IF_ERROR(Reckon(rules, now_us, go_on, &reckoned));
  total.more = !reckoned;
  Place place;
  while (reckoned) {
    if (!go_on()) {
      total.more = true;
      break;
    }
    CONSENTRY_ASSIGN_OR_RETURN(const std::vector<int64_t> due,
                               NextDue(now_us, &place));
    if (due.empty()) break;
    bool changes = false;
    CONSENTRY_RETURN_IF_ERROR(Look(rules, due, now_us, &changes).status());
    if (!changes) continue;
    CONSENTRY_ASSIGN_OR_RETURN(const RetentionCounts step, Remove(rules, due));
    total.Add(step);
  }
  return total;
}

absl::StatusOr<RetentionCounts> Retention::DryRun(
    const std::function<bool()>& go_on) {
  MutexLock lock(&mu_);
  const int64_t now_us = options_.committer->NowUs();
  const RetentionRules& rules = RulesNow(now_us);
  RetentionCounts total;
  // The index of due months may be of older rules: every record is looked at.
  int64_t after = 0;
  while (true) {
    if (!go_on()) {
      total.more = true;
      break;
    }
    std::vector<int64_t> records;
    {
      CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
      CONSENTRY_ASSIGN_OR_RETURN(
          auto query,
          lease->Prepare("SELECT record_no FROM records WHERE record_no > $1 "
                         "ORDER BY record_no LIMIT $2"));
      query.Bind(after, static_cast<int64_t>(kRowsPerLook));
      while (true) {
        CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
        if (!row) break;
        records.push_back(query.Int64(0));
      }
    }
    if (records.empty()) break;
    after = records.back();
    bool changes = false;
    CONSENTRY_ASSIGN_OR_RETURN(const RetentionCounts step,
                               Look(rules, records, now_us, &changes));
    total.Add(step);
  }
  return total;
}

}  // namespace consentry::upkeep
