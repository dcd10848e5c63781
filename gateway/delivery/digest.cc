#include "gateway/delivery/digest.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/delivery/message_rows.h"
#include "gateway/delivery/notice_rows.h"
#include "proto/support/status_macros.h"

namespace consentry::delivery {
namespace {

constexpr base::LogEvent kNotQueued = {base::LogLevel::kWarn, 5540,
                                       "delivery.digest_not_queued"};
constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;
constexpr int64_t kDayUs = 24 * kHourUs;
// Ids of late tasks that are named; the rest is counted.
constexpr size_t kNamed = 20;
constexpr size_t kMaxLines = 300;

absl::StatusOr<int64_t> Count(store::Connection* reader, const char* sql,
                              int64_t first, int64_t second, int64_t hour) {
  CONSENTRY_ASSIGN_OR_RETURN(auto query, reader->Prepare(sql));
  query.Bind(first, second, hour);
  CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
  return row ? query.Int64(0) : 0;
}

}  // namespace

void Digest::Start() {
  if (!options_.sender->configured() || options_.sender->staff_count() == 0) {
    return;
  }
  MutexLock lock(&mu_);
  thread_ = std::make_unique<base::Periodic>(
      base::Constant("digest"), options_.interval, [this] {
        const int64_t now_us = options_.committer->NowUs();
        for (const absl::Status& status : {Run(now_us), Alarm(now_us)}) {
          if (!status.ok()) base::Log(kNotQueued, {{"status", status}});
        }
      });
}

void Digest::Wake() {
  MutexLock lock(&mu_);
  if (thread_ != nullptr) thread_->Wake();
}

void Digest::Stop() {
  std::unique_ptr<base::Periodic> thread;
  {
    MutexLock lock(&mu_);
    thread = std::move(thread_);
  }
}

absl::StatusOr<std::vector<std::string>> Digest::OwnLines(
    int64_t now_us) const {
  const int64_t hour = now_us / kHourUs;
  std::vector<std::string> lines;
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  const auto add = [&lines](std::string_view what, int64_t count) {
    if (count > 0) {
      lines.push_back(absl::StrCat(std::string(what), ": ", count));
    }
  };
  constexpr char kNotices[] =
      "SELECT COUNT(*) FROM recipient_notices WHERE channel = $1 AND state = "
      "$2 AND "
      "due_hour < $3";
  const auto task = static_cast<int64_t>(NoticeChannel::kTask);
  const auto webhook = static_cast<int64_t>(NoticeChannel::kWebhook);
  const auto open = static_cast<int64_t>(NoticeState::kOpen);
  CONSENTRY_ASSIGN_OR_RETURN(
      const int64_t failed,
      Count(lease.get(),
            "SELECT COUNT(*) FROM messages WHERE state = $1 AND attempts >= $2 "
            "AND expire_hour < $3",
            static_cast<int64_t>(MessageState::kFailed), 0, INT64_MAX));
  add("messages_given_up", failed);
  CONSENTRY_ASSIGN_OR_RETURN(
      const int64_t tasks, Count(lease.get(), kNotices, task, open, INT64_MAX));
  add("tasks_open", tasks);
  CONSENTRY_ASSIGN_OR_RETURN(const int64_t late,
                             Count(lease.get(), kNotices, task, open, hour));
  add("tasks_late", late);
  CONSENTRY_ASSIGN_OR_RETURN(
      const int64_t waiting,
      Count(lease.get(), kNotices, webhook, open, INT64_MAX));
  add("webhook_notices_waiting", waiting);
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      lease->Prepare(
          "SELECT notice_id FROM recipient_notices WHERE channel = $1 AND "
          "state = $2 AND due_hour < $3 ORDER BY notice_no "
          "LIMIT $4"));
  query.Bind(task, open, hour, static_cast<int64_t>(kNamed));
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) break;
    crypto::ObjectId id{};
    const std::string_view bytes = query.Blob(0);
    if (bytes.size() != id.size()) continue;
    std::copy(bytes.begin(), bytes.end(), id.begin());
    lines.push_back("late " + crypto::FormatId(crypto::IdKind::kTask, id));
  }
  return lines;
}

absl::Status Digest::Tell(std::string_view text, std::string detail,
                          std::map<std::string, std::string> arguments,
                          std::string once) {
  clients::CallerContext self;
  self.event = "system.digest";
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    Arguments taken;
    for (auto& [name, value] : arguments) taken[name] = value;
    CONSENTRY_RETURN_IF_ERROR(
        options_.sender->TellStaff(context, text, std::move(taken), once));
    store::v1::Leaf leaf =
        clients::LeafOf(*options_.configuration(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details(detail);
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  return options_.committer->CommitChangeAndWait(std::move(change)).status;
}

absl::Status Digest::Alarm(int64_t now_us) {
  std::set<std::string> holds;
  for (const Source& alarm : alarms_) {
    CONSENTRY_ASSIGN_OR_RETURN(const auto lines, alarm(now_us));
    holds.insert(lines.begin(), lines.end());
  }
  std::vector<std::string> fresh;
  {
    MutexLock lock(&mu_);
    std::set_difference(holds.begin(), holds.end(), told_alarms_.begin(),
                        told_alarms_.end(), std::back_inserter(fresh));
  }
  if (fresh.size() > kMaxLines) fresh.resize(kMaxLines);
  if (!fresh.empty()) {
    CONSENTRY_RETURN_IF_ERROR(Tell("staff.alarm",
                                   absl::StrCat("alarms=", fresh.size()),
                                   {{"lines", absl::StrJoin(fresh, "\n")}},
                                   absl::StrCat("alarm:", now_us)));
  }
  MutexLock lock(&mu_);
  // What no longer holds may be told again later.
  std::set<std::string> told;
  std::set_intersection(holds.begin(), holds.end(), told_alarms_.begin(),
                        told_alarms_.end(), std::inserter(told, told.end()));
  told.insert(fresh.begin(), fresh.end());
  told_alarms_ = std::move(told);
  return absl::OkStatus();
}

absl::Status Digest::Run(int64_t now_us) {
  const int64_t day = now_us / kDayUs;
  {
    MutexLock lock(&mu_);
    if (told_day_ == day) return absl::OkStatus();
  }
  CONSENTRY_ASSIGN_OR_RETURN(std::vector<std::string> lines, OwnLines(now_us));
  for (const Source& source : sources_) {
    auto more = source(now_us);
    if (!more.ok()) {
      lines.push_back("a part of this digest could not be read");
      continue;
    }
    for (std::string& line : *more) lines.push_back(std::move(line));
  }
  if (lines.size() > kMaxLines) {
    const size_t left = lines.size() - kMaxLines;
    lines.resize(kMaxLines);
    lines.push_back(absl::StrCat("and more: ", left));
  }
  if (!lines.empty()) {
    const std::string date = absl::FormatTime(
        "%Y-%m-%d", absl::FromUnixMicros(now_us), absl::UTCTimeZone());
    CONSENTRY_RETURN_IF_ERROR(
        Tell("staff.digest", "date=" + date,
             {{"date", date}, {"lines", absl::StrJoin(lines, "\n")}},
             "digest:" + date));
  }
  MutexLock lock(&mu_);
  told_day_ = day;
  return absl::OkStatus();
}

}  // namespace consentry::delivery
