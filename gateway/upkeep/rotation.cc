#include "gateway/upkeep/rotation.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/base/log.h"
#include "gateway/clients/configuration.h"
#include "gateway/upkeep/held_record.h"
#include "gateway/upkeep/reindex.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::upkeep {
namespace {

constexpr base::LogEvent kUnreadable = {base::LogLevel::kError, 9511,
                                        "rotation.subject_not_readable"};
constexpr base::LogEvent kNamesLost = {base::LogLevel::kError, 9512,
                                       "rotation.names_without_value"};
constexpr base::LogEvent kResidue = {base::LogLevel::kError, 9513,
                                     "rotation.old_epoch_not_overwritten"};

constexpr uint32_t kSlotsPerStep = 512;

}  // namespace

absl::Status Rotation::Before(std::string_view step) const {
  return options_.before_step == nullptr ? absl::OkStatus()
                                         : options_.before_step(step);
}

absl::StatusOr<std::optional<Rotation::Row>> Rotation::Open() const {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, lease->Prepare("SELECT rotation, state, base_epoch, "
                                 "next_subject FROM rotations WHERE state < $1 "
                                 "ORDER BY rotation LIMIT 1"));
  query.Bind(static_cast<int64_t>(State::kDone));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return std::optional<Row>();
  Row row;
  row.rotation = query.Int64(0);
  row.state = static_cast<State>(query.Int64(1));
  row.base_epoch = static_cast<uint32_t>(query.Int64(2));
  row.next_subject = query.Int64(3);
  return std::optional<Row>(row);
}

void Rotation::Start(const clients::CallerContext& caller,
                     std::optional<store::RequestBinding> request, Done done) {
  store::Change change;
  change.request = std::move(request);
  change.apply = [this, caller](store::ChangeContext& context) -> absl::Status {
    {
      CONSENTRY_ASSIGN_OR_RETURN(
          auto open, context.connection()->Prepare(
                         "SELECT rotation FROM rotations WHERE state < $1"));
      open.Bind(static_cast<int64_t>(State::kDone));
      CONSENTRY_ASSIGN_OR_RETURN(const bool under_way, open.Step());
      if (under_way) {
        return MakeError(v1::ERROR_REASON_STATE_INVALID,
                         "a rotation is under way");
      }
    }
    const uint32_t base = options_.epochs->keys()->current();
    CONSENTRY_ASSIGN_OR_RETURN(
        auto insert,
        context.connection()->Prepare(
            "INSERT INTO rotations (rotation, state, base_epoch, next_subject, "
            "begun_us, ended_us) VALUES ($1, $2, $3, 1, $4, 0)"));
    CONSENTRY_RETURN_IF_ERROR(
        insert
            .Bind(context.number(), static_cast<int64_t>(State::kDecided),
                  static_cast<int64_t>(base), context.now_us())
            .Run());
    store::v1::Leaf leaf =
        clients::LeafOf(*options_.configuration(), caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details(absl::StrCat("from_epoch=", base));
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  options_.committer->CommitChange(
      std::move(change),
      [done = std::move(done)](const store::ChangeOutcome& outcome) mutable {
        done(outcome.status);
      });
}

absl::Status Rotation::Advance(const Row& row, std::string_view event,
                               const std::vector<std::string>& details) {
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto update, context.connection()->Prepare(
                         "UPDATE rotations SET state = $2, next_subject = $3, "
                         "ended_us = $4 WHERE rotation = $1"));
    CONSENTRY_RETURN_IF_ERROR(
        update
            .Bind(row.rotation, static_cast<int64_t>(row.state),
                  row.next_subject,
                  row.state == State::kDone ? context.now_us() : int64_t{0})
            .Run());
    store::v1::Leaf leaf = SelfLeaf(event, context);
    for (const std::string& detail : details) leaf.add_details(detail);
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  return options_.committer->CommitChangeAndWait(std::move(change)).status;
}

absl::StatusOr<Rotation::Progress> Rotation::Step() {
  MutexLock lock(&step_mu_);
  CONSENTRY_ASSIGN_OR_RETURN(const std::optional<Row> row, Open());
  if (!row.has_value()) return Progress::kIdle;
  switch (row->state) {
    case State::kDecided:
      CONSENTRY_RETURN_IF_ERROR(AddEpoch(*row));
      return Progress::kMore;
    case State::kWrapping:
      return Wrap(*row);
    case State::kReindexing:
      return Reindex(*row);
    case State::kDestroying:
      CONSENTRY_RETURN_IF_ERROR(DestroyOld(*row));
      return Progress::kIdle;
    case State::kDone:
      break;
  }
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a rotation is in no state that there is");
}

absl::Status Rotation::AddEpoch(Row row) {
  CONSENTRY_RETURN_IF_ERROR(Before("add_epoch"));
  if (options_.epochs->keys()->current() == row.base_epoch) {
    CONSENTRY_RETURN_IF_ERROR(
        options_.epochs->AddEpoch(options_.committer->NowUs()).status());
  }
  {
    MutexLock lock(&mu_);
    settled_at_us_ = options_.clock->MonotonicUs() + options_.settle_us;
    wrap_from_ = 1;
  }
  CONSENTRY_RETURN_IF_ERROR(Before("note_epoch"));
  row.state = State::kWrapping;
  return Advance(row, "system.keys_epoch_added",
                 {absl::StrCat("epoch=", options_.epochs->keys()->current())});
}

absl::StatusOr<Rotation::Progress> Rotation::Wrap(Row row) {
  CONSENTRY_RETURN_IF_ERROR(Before("wrap"));
  uint64_t from = 1;
  {
    MutexLock lock(&mu_);
    from = wrap_from_;
  }
  CONSENTRY_ASSIGN_OR_RETURN(const uint64_t next,
                             options_.slots->Rewrap(from, kSlotsPerStep));
  {
    MutexLock lock(&mu_);
    wrap_from_ = next == 0 ? 1 : next;
  }
  if (next != 0) return Progress::kMore;

  // A walk that began after a crash has passed over no slot either; still, what
  // is destroyed next cannot be brought back.
  const uint32_t current = options_.epochs->keys()->current();
  int64_t live = 0;
  int64_t left = 0;
  CONSENTRY_RETURN_IF_ERROR(options_.slots->ForEach(
      1, [&](uint64_t, const absl::StatusOr<crypto::SlotInfo>& info) {
        if (info.ok() && info->state == crypto::SlotState::kLive) {
          ++live;
          if (info->epoch != current) ++left;
        }
        return absl::OkStatus();
      }));
  if (left > 0) return Progress::kMore;
  CONSENTRY_RETURN_IF_ERROR(Before("note_wrapped"));
  row.state = State::kReindexing;
  row.next_subject = 1;
  CONSENTRY_RETURN_IF_ERROR(
      Advance(row, "system.keys_wrapped", {absl::StrCat("subjects=", live)}));
  return Progress::kMore;
}

absl::StatusOr<Rotation::Progress> Rotation::Reindex(Row row) {
  {
    MutexLock lock(&mu_);
    if (options_.clock->MonotonicUs() < settled_at_us_) return Progress::kWait;
  }
  CONSENTRY_RETURN_IF_ERROR(Before("reindex"));
  auto all = std::make_shared<bool>(false);
  store::Change change;
  change.apply = [this, row,
                  all](store::ChangeContext& context) -> absl::Status {
    store::Connection* const connection = context.connection();
    std::vector<uint64_t> subjects;
    {
      CONSENTRY_ASSIGN_OR_RETURN(
          auto query, connection->Prepare(
                          "SELECT subject FROM subjects WHERE subject >= $1 "
                          "ORDER BY subject LIMIT $2"));
      query.Bind(row.next_subject, kSubjectsPerStep);
      while (true) {
        CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
        if (!found) break;
        subjects.push_back(static_cast<uint64_t>(query.Int64(0)));
      }
    }
    const auto epochs = options_.epochs->keys();
    Reindexed counts;
    int64_t unreadable = 0;
    for (const uint64_t subject : subjects) {
      const auto held = ReadHeldSubject(connection, *options_.slots, subject);
      // Nothing of her can be read or found again; the others must not wait
      // for her.
      absl::Status status = held.status();
      if (status.ok() && held->has_value()) {
        status = ReindexSubject(connection, *epochs, **held, &counts);
      }
      if (ReasonOf(status) == v1::ERROR_REASON_DATA_CORRUPT ||
          absl::IsDataLoss(status) || absl::IsNotFound(status)) {
        base::Log(kUnreadable, {{"status", status}});
        ++unreadable;
        continue;
      }
      CONSENTRY_RETURN_IF_ERROR(status);
    }
    if (counts.lost > 0) base::Log(kNamesLost, {{"names", counts.lost}});
    *all = static_cast<int64_t>(subjects.size()) < kSubjectsPerStep;
    const int64_t next = subjects.empty()
                             ? row.next_subject
                             : static_cast<int64_t>(subjects.back()) + 1;
    CONSENTRY_ASSIGN_OR_RETURN(
        auto update, connection->Prepare("UPDATE rotations SET next_subject = "
                                         "$2 WHERE rotation = $1"));
    CONSENTRY_RETURN_IF_ERROR(update.Bind(row.rotation, next).Run());
    store::v1::Leaf leaf = SelfLeaf("system.keys_reindexed", context);
    leaf.add_details(absl::StrCat("subjects=", subjects.size()));
    leaf.add_details(absl::StrCat("names=", counts.names));
    leaf.add_details(absl::StrCat("source_rows=", counts.source_rows));
    if (unreadable > 0) {
      leaf.add_details(absl::StrCat("unreadable=", unreadable));
    }
    if (counts.lost > 0) leaf.add_details(absl::StrCat("lost=", counts.lost));
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  CONSENTRY_RETURN_IF_ERROR(
      options_.committer->CommitChangeAndWait(std::move(change)).status);
  if (!*all) return Progress::kMore;
  CONSENTRY_RETURN_IF_ERROR(ReindexOthers());
  // Told before it is done.
  CONSENTRY_RETURN_IF_ERROR(Before("note_reindexed"));
  Row next = row;
  next.state = State::kDestroying;
  std::vector<std::string> destroys;
  for (const crypto::EpochInfo& epoch : options_.epochs->keys()->epochs()) {
    if (epoch.state == crypto::EpochState::kRetired) {
      destroys.push_back(absl::StrCat("destroys_epoch=", epoch.id));
    }
  }
  CONSENTRY_RETURN_IF_ERROR(Advance(next, "system.keys_destroying", destroys));
  return Progress::kMore;
}

store::v1::Leaf Rotation::SelfLeaf(std::string_view event,
                                   const store::ChangeContext& context) const {
  clients::CallerContext self;
  self.event = std::string(event);
  store::v1::Leaf leaf =
      clients::LeafOf(*options_.configuration(), self, context.now_us());
  leaf.set_change_number(static_cast<uint64_t>(context.number()));
  return leaf;
}

absl::Status Rotation::ReindexOthers() {
  constexpr int kRowsPerStep = 128;
  for (const auto& reindex : options_.others) {
    int64_t after = 0;
    do {
      auto last = std::make_shared<int64_t>(0);
      store::Change change;
      change.apply = [&, last](store::ChangeContext& context) -> absl::Status {
        CONSENTRY_ASSIGN_OR_RETURN(*last,
                                   reindex(context, after, kRowsPerStep));
        context.SetEntry(clients::CanonicalBytes(
            SelfLeaf("system.keys_reindexed", context)));
        return absl::OkStatus();
      };
      CONSENTRY_RETURN_IF_ERROR(
          options_.committer->CommitChangeAndWait(std::move(change)).status);
      after = *last;
    } while (after != 0);
  }
  return absl::OkStatus();
}

absl::Status Rotation::DestroyOld(Row row) {
  std::vector<std::string> details;
  for (const crypto::EpochInfo& epoch : options_.epochs->keys()->epochs()) {
    if (epoch.state != crypto::EpochState::kRetired) continue;
    CONSENTRY_RETURN_IF_ERROR(Before("destroy"));
    const absl::Status destroyed =
        options_.epochs->DestroyEpoch(epoch.id, options_.committer->NowUs());
    if (absl::IsUnavailable(destroyed)) {
      // Its keys are gone from the file; that blocks of an older file may still
      // hold them is said, and no further call would change it.
      base::Log(kResidue, {{"status", destroyed}});
      details.push_back(absl::StrCat("residue_of_epoch=", epoch.id));
    } else {
      CONSENTRY_RETURN_IF_ERROR(destroyed);
    }
    details.push_back(absl::StrCat("destroyed_epoch=", epoch.id));
  }
  CONSENTRY_RETURN_IF_ERROR(Before("note_done"));
  row.state = State::kDone;
  return Advance(row, "system.keys_rotated", details);
}

absl::StatusOr<bool> Rotation::IsDue(int64_t max_age_us) const {
  CONSENTRY_ASSIGN_OR_RETURN(const std::optional<Row> row, Open());
  if (row.has_value()) return false;
  const auto keys = options_.epochs->keys();
  for (const crypto::EpochInfo& epoch : keys->epochs()) {
    if (epoch.id != keys->current()) continue;
    return options_.committer->NowUs() - epoch.created_us >= max_age_us;
  }
  return false;
}

absl::StatusOr<v1::KeyStatus> Rotation::Status() const {
  CONSENTRY_ASSIGN_OR_RETURN(const std::optional<Row> row, Open());
  const auto keys = options_.epochs->keys();
  v1::KeyStatus status;
  status.set_epoch(keys->current());
  for (const crypto::EpochInfo& epoch : keys->epochs()) {
    if (epoch.id == keys->current()) {
      SetTime(epoch.created_us, status.mutable_epoch_time());
    }
  }
  if (!row.has_value()) return status;
  uint64_t first = 1;
  if (row->state == State::kWrapping) {
    MutexLock lock(&mu_);
    first = wrap_from_;
  } else if (row->state != State::kDecided) {
    first = static_cast<uint64_t>(row->next_subject);
  }
  const uint64_t last = options_.slots->last_subject();
  status.set_remaining(std::max<int64_t>(
      1, static_cast<int64_t>(last + 1) - static_cast<int64_t>(first)));
  return status;
}

}  // namespace consentry::upkeep
