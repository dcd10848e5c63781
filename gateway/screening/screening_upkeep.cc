#include "gateway/screening/screening_upkeep.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/clients/caller_context.h"
#include "proto/support/status_macros.h"

namespace consentry::screening {
namespace {

constexpr int64_t kDefaultKeepDays = 400;
constexpr int64_t kUnjoinedDays = 30;
constexpr int64_t kHoursPerDay = 24;

// An old row of each kind, found by its index; $1: an hour.
constexpr const char* kAnyOld[] = {
    "SELECT 1 FROM releases WHERE expire_hour < $1 LIMIT 1",
    "SELECT 1 FROM revoked_releases WHERE expire_hour < $1 LIMIT 1",
};
constexpr const char* kAnyPast[] = {
    ("SELECT 1 FROM (SELECT hour FROM screenings ORDER BY screening_no LIMIT 1)"
     " o WHERE o.hour < $1"),
    "SELECT 1 FROM screening_outcomes WHERE hour < $1 LIMIT 1",
    "SELECT 1 FROM pressure WHERE hour < $1 LIMIT 1",
    "SELECT 1 FROM vulnerabilities WHERE end_hour < $1 LIMIT 1",
};

absl::StatusOr<bool> Any(store::Connection* connection, const char* sql,
                         int64_t bound) {
  CONSENTRY_ASSIGN_OR_RETURN(auto query, connection->Prepare(sql));
  query.Bind(bound);
  return query.Step();
}

absl::Status Drop(store::Connection* connection, const char* sql, int64_t bound,
                  int64_t limit, int64_t* dropped) {
  if (*dropped >= limit) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(auto query, connection->Prepare(sql));
  query.Bind(bound, limit - *dropped);
  CONSENTRY_RETURN_IF_ERROR(query.Run());
  *dropped += connection->Changes();
  return absl::OkStatus();
}

}  // namespace

int64_t KeepDays(const config::v1::Screening& settings) {
  return settings.keep_days() == 0 ? kDefaultKeepDays : settings.keep_days();
}

absl::StatusOr<int64_t> ScreeningUpkeep::DropOld(
    store::ChangeContext& context) const {
  store::Connection* const connection = context.connection();
  const int64_t hour = context.now_us() / kUsPerHour;
  const int64_t past = hour - KeepDays(parts_->settings) * kHoursPerDay;
  CONSENTRY_ASSIGN_OR_RETURN(
      int64_t dropped,
      parts_->releases->DropEnded(connection, context.now_us(), kRowsPerStep));
  // Numbers of screenings rise with time: the oldest stand first.
  CONSENTRY_RETURN_IF_ERROR(
      Drop(connection,
           "DELETE FROM screenings WHERE screening_no IN (SELECT screening_no "
           "FROM (SELECT screening_no, hour FROM screenings ORDER BY "
           "screening_no LIMIT $2) o WHERE o.hour < $1)",
           past, kRowsPerStep, &dropped));
  if (dropped < kRowsPerStep) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const int64_t old,
        OutcomeRows::Drop(connection, past, false, kRowsPerStep - dropped));
    dropped += old;
  }
  if (dropped < kRowsPerStep) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const int64_t lone,
        OutcomeRows::Drop(connection, hour - kUnjoinedDays * kHoursPerDay, true,
                          kRowsPerStep - dropped));
    dropped += lone;
  }
  CONSENTRY_RETURN_IF_ERROR(
      Drop(connection,
           "DELETE FROM pressure WHERE subject IN (SELECT subject FROM "
           "pressure WHERE hour < $1 LIMIT $2)",
           past, kRowsPerStep, &dropped));
  CONSENTRY_RETURN_IF_ERROR(
      Drop(connection,
           "DELETE FROM vulnerabilities WHERE vulnerability_no IN (SELECT "
           "vulnerability_no FROM vulnerabilities WHERE end_hour < $1 LIMIT "
           "$2)",
           past, kRowsPerStep, &dropped));
  // Day 0 holds the ends of offers.
  if (dropped < kRowsPerStep) {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query, connection->Prepare(
                        "DELETE FROM item_prices WHERE day > 0 AND day < $1"));
    query.Bind(past / kHoursPerDay);
    CONSENTRY_RETURN_IF_ERROR(query.Run());
    dropped += connection->Changes();
  }
  return dropped;
}

absl::StatusOr<int64_t> ScreeningUpkeep::Step() {
  const int64_t hour = parts_->committer->NowUs() / kUsPerHour;
  const int64_t past = hour - KeepDays(parts_->settings) * kHoursPerDay;
  bool any = false;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_->readers->Acquire());
    for (const char* sql : kAnyOld) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool found, Any(lease.get(), sql, hour));
      any = any || found;
    }
    for (const char* sql : kAnyPast) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool found, Any(lease.get(), sql, past));
      any = any || found;
    }
    CONSENTRY_ASSIGN_OR_RETURN(
        const bool lone,
        Any(lease.get(),
            "SELECT 1 FROM screening_outcomes WHERE hour < $1 AND "
            "screening_no = 0 LIMIT 1",
            hour - kUnjoinedDays * kHoursPerDay));
    any = any || lone;
  }
  if (!any) return int64_t{0};
  auto dropped = std::make_shared<std::atomic<int64_t>>(0);
  store::Change change;
  change.apply = [this,
                  dropped](store::ChangeContext& context) -> absl::Status {
    clients::CallerContext self;
    self.event = "system.screening_forget";
    store::v1::Leaf leaf =
        clients::LeafOf(*parts_->configuration(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    CONSENTRY_ASSIGN_OR_RETURN(const int64_t rows, DropOld(context));
    dropped->store(rows);
    leaf.add_details(absl::StrCat("rows=", rows));
    context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  };
  CONSENTRY_RETURN_IF_ERROR(
      parts_->committer->CommitChangeAndWait(std::move(change)).status);
  return dropped->load();
}

absl::Status ScreeningUpkeep::Run(int most) {
  for (int i = 0; i < most; ++i) {
    CONSENTRY_ASSIGN_OR_RETURN(const int64_t rows, Step());
    if (rows < kRowsPerStep) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ScreeningUpkeep::Forget(store::ChangeContext& context,
                                                uint64_t subject,
                                                int64_t limit) const {
  store::Connection* const connection = context.connection();
  CONSENTRY_ASSIGN_OR_RETURN(
      int64_t touched, parts_->releases->RevokeAllOf(context, subject, limit));
  for (const char* sql :
       {"DELETE FROM releases WHERE release_no IN (SELECT release_no FROM "
        "releases WHERE subject = $1 LIMIT $2)",
        "DELETE FROM screening_outcomes WHERE outcome_key IN (SELECT "
        "outcome_key FROM screening_outcomes WHERE subject = $1 LIMIT $2)",
        "DELETE FROM screenings WHERE screening_no IN (SELECT screening_no "
        "FROM screenings WHERE subject = $1 LIMIT $2)",
        "DELETE FROM pressure WHERE subject IN (SELECT subject FROM pressure "
        "WHERE subject = $1 LIMIT $2)",
        "DELETE FROM vulnerabilities WHERE vulnerability_no IN (SELECT "
        "vulnerability_no FROM vulnerabilities WHERE subject = $1 LIMIT $2)",
        "DELETE FROM inferences WHERE inference_no IN (SELECT inference_no "
        "FROM inferences WHERE subject = $1 LIMIT $2)"}) {
    CONSENTRY_RETURN_IF_ERROR(
        Drop(connection, sql, static_cast<int64_t>(subject), limit, &touched));
  }
  return touched;
}

}  // namespace consentry::screening
