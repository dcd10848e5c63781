#include "gateway/access/shape.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "gateway/access/transform.h"
#include "gateway/crypto/opener.h"
#include "gateway/vault/profile.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::access {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

// One sealed value and where it lies.
struct Held {
  size_t member = 0;
  const vault::StoredRecord* record = nullptr;
  const std::string* sealed = nullptr;
};

class Shaper {
 public:
  Shaper(const ReadPlan& plan, const Snapshot& snapshot,
         const policy::Decision& decision, const crypto::Grant& grant,
         int64_t now_us, TransformContext context)
      : plan_(plan),
        snapshot_(snapshot),
        decision_(decision),
        grant_(grant),
        now_us_(now_us),
        context_(std::move(context)) {}

  absl::StatusOr<Shaped> Run() {
    CONSENTRY_RETURN_IF_ERROR(ShapeProfile());
    CONSENTRY_RETURN_IF_ERROR(ShapeRecords());
    return std::move(shaped_);
  }

 private:
  const std::string& name(size_t i) const {
    return plan_.bundle().field_name(plan_.fields[i]);
  }
  // Whether the field feeds the unified profile.
  bool IsSingle(size_t i) const {
    return plan_.kind_is_single[plan_.kind_of_field[i]];
  }

  // Of the permitted field at this number; nullopt for all others.
  std::optional<size_t> PositionOf(uint32_t number) const {
    const auto found =
        std::find(plan_.numbers.begin(), plan_.numbers.end(), number);
    if (found == plan_.numbers.end()) return std::nullopt;
    const auto i = static_cast<size_t>(found - plan_.numbers.begin());
    if (!decision_.fields[i].permitted) return std::nullopt;
    return i;
  }

  // False: past its retention, not to be used.
  bool InRetention(size_t i, const vault::StoredRecord& record) {
    const int64_t end = plan_.bundle().RetentionEndUs(
        plan_.purpose, plan_.fields[i], record.meta.collected_us(), now_us_);
    if (end <= now_us_) return false;
    pending_until_us_ = std::min(pending_until_us_, end);
    return true;
  }

  // The reduced value; nullopt when it cannot be reduced.
  absl::StatusOr<std::optional<v1::Value>> Open(size_t i, const Held& held) {
    const auto plaintext = crypto::Opener::Open(
        grant_, snapshot_.members[held.member]->keys(),
        vault::FieldContextOf(*held.record, name(i)), *held.sealed);
    v1::Value value;
    if (!plaintext.ok() ||
        !value.ParseFromArray(plaintext->view().data(),
                              static_cast<int>(plaintext->view().size()))) {
      return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                       "a stored value does not open");
    }
    return ApplyTransform(
        static_cast<v1::Transform>(decision_.fields[i].transform), value,
        context_);
  }

  void Fill(size_t i, v1::Value value, const Held& held, bool conflict,
            v1::Field* field) {
    field->set_name(name(i));
    *field->mutable_value() = std::move(value);
    field->set_transform(
        static_cast<v1::Transform>(decision_.fields[i].transform));
    v1::Provenance* provenance = field->mutable_provenance();
    provenance->set_source(held.record->meta.source());
    provenance->set_conflict(conflict);
    auto* time = provenance->mutable_collect_time();
    const int64_t collected = held.record->meta.collected_us();
    time->set_seconds(collected / kMicrosPerSecond);
    shaped_.released |= uint64_t{1} << i;
    shaped_.until_us = std::min(shaped_.until_us, pending_until_us_);
  }

  absl::Status ShapeProfile() {
    std::vector<vault::ProfileCandidate> candidates;
    std::vector<Held> held;
    std::vector<size_t> field_of;
    pending_until_us_ = INT64_MAX;
    for (size_t m = 0; m < snapshot_.records.size(); ++m) {
      for (const auto& set : snapshot_.records[m]) {
        for (const vault::StoredRecord& record : set->records) {
          AddCandidates(m, record, &candidates, &held, &field_of);
        }
      }
    }
    std::vector<vault::ProfileWinner> winners = vault::UnifyProfile(candidates);
    // In the order asked for.
    std::sort(winners.begin(), winners.end(),
              [&](const auto& a, const auto& b) {
                return field_of[a.winner] < field_of[b.winner];
              });
    for (const vault::ProfileWinner& winner : winners) {
      const Held& best = held[winner.winner];
      const size_t i = field_of[winner.winner];
      CONSENTRY_ASSIGN_OR_RETURN(std::optional<v1::Value> value, Open(i, best));
      if (!value) continue;
      bool conflict = winner.conflict;
      for (const size_t other : winner.compare) {
        if (conflict) break;
        CONSENTRY_ASSIGN_OR_RETURN(const std::optional<v1::Value> theirs,
                                   Open(i, held[other]));
        conflict = !theirs ||
                   theirs->SerializeAsString() != value->SerializeAsString();
      }
      Fill(i, *std::move(value), best, conflict, shaped_.fields.Add());
    }
    return absl::OkStatus();
  }

  void AddCandidates(size_t member, const vault::StoredRecord& record,
                     std::vector<vault::ProfileCandidate>* candidates,
                     std::vector<Held>* held, std::vector<size_t>* field_of) {
    for (int f = 0; f < record.blob.fields_size(); ++f) {
      const auto& sealed = record.blob.fields(f);
      const auto i = PositionOf(sealed.field());
      if (!i || !IsSingle(*i) || !InRetention(*i, record)) continue;
      vault::ProfileCandidate candidate;
      candidate.field = sealed.field();
      candidate.priority = PriorityOf(record.meta.source(), name(*i));
      candidate.collected_us = record.meta.collected_us();
      candidate.source = record.meta.source();
      candidate.subject = snapshot_.members[member]->subject();
      candidate.digest =
          f < record.meta.digests_size() ? record.meta.digests(f).digest() : 0;
      candidate.record = record.meta.source_key();
      candidates->push_back(candidate);
      held->push_back({member, &record, &sealed.sealed()});
      field_of->push_back(*i);
    }
  }

  uint32_t PriorityOf(const std::string& source,
                      const std::string& field) const {
    if (source == vault::kSubjectSource) return vault::kSubjectPriority;
    for (const auto& known : plan_.bundle().catalog().sources()) {
      if (known.key() != source) continue;
      for (const auto& special : known.fields()) {
        if (special.field() == field) return special.priority();
      }
      return known.priority();
    }
    return 0;
  }

  absl::Status ShapeRecords() {
    size_t left = vault::kMaxRecordsRead;
    for (size_t m = 0; m < snapshot_.records.size(); ++m) {
      for (const auto& set : snapshot_.records[m]) {
        for (const vault::StoredRecord& record : set->records) {
          if (left == 0) return absl::OkStatus();
          v1::Record shaped;
          pending_until_us_ = INT64_MAX;
          for (const auto& sealed : record.blob.fields()) {
            const auto i = PositionOf(sealed.field());
            if (!i || IsSingle(*i) || !InRetention(*i, record)) continue;
            const Held held{m, &record, &sealed.sealed()};
            CONSENTRY_ASSIGN_OR_RETURN(std::optional<v1::Value> value,
                                       Open(*i, held));
            if (value) {
              Fill(*i, *std::move(value), held, false, shaped.add_fields());
            }
          }
          if (shaped.fields().empty()) continue;
          shaped.set_id(crypto::FormatId(crypto::IdKind::kRecord, record.id));
          shaped.set_kind(record.kind);
          *shaped_.records.Add() = std::move(shaped);
          --left;
        }
      }
    }
    return absl::OkStatus();
  }

  const ReadPlan& plan_;
  const Snapshot& snapshot_;
  const policy::Decision& decision_;
  const crypto::Grant& grant_;
  const int64_t now_us_;
  const TransformContext context_;
  int64_t pending_until_us_ = INT64_MAX;
  Shaped shaped_;
};

}  // namespace

absl::StatusOr<Shaped> Shape(
    const ReadPlan& plan, const Snapshot& snapshot,
    const policy::Decision& decision, const crypto::Grant& grant,
    int64_t now_us,
    const std::function<std::string(std::string_view)>& pseudonym) {
  TransformContext context;
  context.now_us = now_us;
  context.pseudonym = pseudonym;
  return Shaper(plan, snapshot, decision, grant, now_us, std::move(context))
      .Run();
}

}  // namespace consentry::access
