#include "gateway/delivery/webhooks.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/base/log.h"
#include "proto/support/status_macros.h"

namespace consentry::delivery {
namespace {

constexpr base::LogEvent kLater = {base::LogLevel::kWarn, 5530,
                                   "delivery.webhook_later"};
constexpr base::LogEvent kBecameTask = {base::LogLevel::kWarn, 5531,
                                        "delivery.webhook_became_task"};
constexpr base::LogEvent kUnread = {base::LogLevel::kError, 5532,
                                    "delivery.notices_not_read"};
constexpr base::LogEvent kNotNoted = {base::LogLevel::kError, 5533,
                                      "delivery.notice_not_noted"};

constexpr size_t kPerRead = 64;
constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;
constexpr int64_t kDropEveryUs = 60'000'000;
constexpr int64_t kDropAtOnce = 256;
// Taken notices are kept this long after their end, finished tasks longer: they
// show that a recipient was told.
constexpr int64_t kKeepTakenHours = 30 * 24;
constexpr int64_t kKeepTasksHours = 3 * 365 * 24;

struct Kept {
  NoticeChannel channel;
  NoticeState state;
  int64_t hours;
};
constexpr Kept kKept[] = {
    {NoticeChannel::kWebhook, NoticeState::kDone, kKeepTakenHours},
    {NoticeChannel::kWatch, NoticeState::kOpen, 0},
    {NoticeChannel::kTask, NoticeState::kDone, kKeepTasksHours},
};

}  // namespace

Webhooks::Webhooks(Options options) : options_(std::move(options)) {
  WebhookPoster::Options poster = options_.poster;
  poster.stop = &stop_;
  poster_ = std::make_unique<WebhookPoster>(options_.signer, std::move(poster));
}

void Webhooks::Start() {
  MutexLock lock(&mu_);
  thread_ = std::make_unique<base::Periodic>(base::Constant("webhooks"),
                                             options_.interval,
                                             [this] { Pass(/*all=*/false); });
}

void Webhooks::Wake() {
  MutexLock lock(&mu_);
  if (thread_ != nullptr) thread_->Wake();
}

void Webhooks::Stop() {
  stop_.store(true);
  std::unique_ptr<base::Periodic> thread;
  {
    MutexLock lock(&mu_);
    thread = std::move(thread_);
  }
}

absl::Status Webhooks::Note(const NoticeRow& row, Outcome outcome,
                            std::string_view why) const {
  clients::CallerContext self;
  switch (outcome) {
    case Outcome::kTaken:
      self.event = "system.notice_taken";
      break;
    case Outcome::kLater:
      self.event = "system.notice_later";
      break;
    case Outcome::kToTask:
      self.event = "system.notice_to_task";
      break;
    case Outcome::kMoot:
      self.event = "system.notice_moot";
      break;
  }
  store::Change change;
  change.apply = [this, self, row, outcome, why = std::string(why)](
                     store::ChangeContext& context) -> absl::Status {
    NoticeRow next = row;
    ++next.attempts;
    switch (outcome) {
      case Outcome::kTaken:
      case Outcome::kMoot:
        next.state = NoticeState::kDone;
        break;
      case Outcome::kToTask:
        next.channel = NoticeChannel::kTask;
        next.due_hour =
            options_.outbox->DueHour(NoticeChannel::kTask, context.now_us());
        break;
      case Outcome::kLater:
        break;
    }
    CONSENTRY_RETURN_IF_ERROR(UpdateNotice(context.connection(), next));
    store::v1::Leaf leaf =
        clients::LeafOf(*options_.configuration(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details("notice=" +
                     crypto::FormatId(crypto::IdKind::kEvent, row.id));
    leaf.add_details("client_id=" + row.client_id);
    leaf.add_details(absl::StrCat("attempt=", next.attempts));
    if (!why.empty()) leaf.add_details("why=" + why);
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  return options_.committer->CommitChangeAndWait(std::move(change)).status;
}

bool Webhooks::PostOne(const NoticeRow& row) {
  const std::string id = crypto::FormatId(crypto::IdKind::kEvent, row.id);
  const int64_t now_us = options_.committer->NowUs();
  Outcome outcome = Outcome::kMoot;
  std::string_view why = "subject_gone";
  const auto notice = options_.outbox->keys().Open(row);
  if (!notice.ok() && !absl::IsNotFound(notice.status()) &&
      !absl::IsFailedPrecondition(notice.status())) {
    why = "damaged";
  }
  if (notice.ok()) {
    const auto configuration = options_.configuration();
    const clients::Registration* registration =
        configuration->FindById(row.client_id);
    const bool reachable =
        registration != nullptr &&
        registration->client().state() != v1::CLIENT_STATE_REVOKED &&
        registration->client().notify().way() == v1::Notify::WAY_WEBHOOK;
    if (!reachable) {
      outcome = Outcome::kToTask;
      why = "no_webhook";
    } else if (row.due_hour < now_us / kHourUs) {
      outcome = Outcome::kToTask;
      why = "given_up";
    } else {
      WebhookEvent event;
      event.id = id;
      event.event = notice->event();
      event.pseudonym =
          notice->pseudonym().empty()
              ? options_.tokens->Encode(crypto::TokenKind::kPseudonym,
                                        row.subject, row.client_id)
              : notice->pseudonym();
      event.targets.assign(notice->targets().begin(), notice->targets().end());
      event.time_us = notice->time_us();
      const absl::Status posted = poster_->Post(
          registration->client().notify().webhook_url(), event, now_us);
      if (stop_.load() && !posted.ok()) return false;
      outcome = posted.ok() ? Outcome::kTaken : Outcome::kLater;
      why = "";
      if (!posted.ok()) {
        base::Log(kLater, {{"notice", base::LogId{id}},
                           {"client", base::LogId{row.client_id}},
                           {"attempt", row.attempts + 1}});
      }
    }
  }
  if (outcome == Outcome::kToTask) {
    base::Log(kBecameTask, {{"notice", base::LogId{id}},
                            {"client", base::LogId{row.client_id}}});
  }
  const absl::Status noted = Note(row, outcome, why);
  if (!noted.ok()) {
    base::Log(kNotNoted, {{"notice", base::LogId{id}}, {"status", noted}});
    return false;
  }
  return outcome != Outcome::kLater;
}

void Webhooks::Pass(bool all) {
  MutexLock pass(&pass_mu_);
  int64_t after = 0;
  // Recipients that are passed over: what they get comes in its order.
  std::vector<std::string> waiting;
  for (;;) {
    std::vector<NoticeRow> rows;
    {
      auto lease = options_.readers->Acquire();
      auto read = lease.ok() ? NoticesIn(lease->get(), NoticeChannel::kWebhook,
                                         NoticeState::kOpen, after, kPerRead)
                             : lease.status();
      if (!read.ok()) {
        base::Log(kUnread, {{"status", read.status()}});
        return;
      }
      rows = *std::move(read);
    }
    for (const NoticeRow& row : rows) {
      if (stop_.load()) return;
      after = row.number;
      if (std::find(waiting.begin(), waiting.end(), row.client_id) !=
          waiting.end()) {
        continue;
      }
      const int64_t now_us = options_.clock->MonotonicUs();
      Wait& wait = waits_[row.client_id];
      if (!all && wait.until_us > now_us) {
        waiting.push_back(row.client_id);
        continue;
      }
      if (PostOne(row)) {
        wait = {};
        continue;
      }
      const int64_t doublings = std::min<int64_t>(wait.failures++, 20);
      wait.until_us = now_us + std::min(options_.first_wait_us << doublings,
                                        options_.longest_wait_us);
      waiting.push_back(row.client_id);
    }
    if (rows.size() < kPerRead) break;
  }
  const int64_t now_us = options_.clock->MonotonicUs();
  if (now_us >= next_drop_us_) {
    next_drop_us_ = now_us + kDropEveryUs;
    DropOld();
  }
}

void Webhooks::DropOld() {
  const int64_t hour = options_.committer->NowUs() / kHourUs;
  {
    auto lease = options_.readers->Acquire();
    if (!lease.ok()) return;
    bool any = false;
    for (const Kept& kept : kKept) {
      const auto past =
          AnyPast(lease->get(), kept.channel, kept.state, hour - kept.hours);
      any = any || (past.ok() && *past);
    }
    if (!any) return;
  }
  clients::CallerContext self;
  self.event = "system.notices_dropped";
  store::Change change;
  change.apply = [this, self,
                  hour](store::ChangeContext& context) -> absl::Status {
    int64_t dropped = 0;
    for (const Kept& kept : kKept) {
      CONSENTRY_ASSIGN_OR_RETURN(
          const int64_t count,
          DropPast(context.connection(), kept.channel, kept.state,
                   hour - kept.hours, kDropAtOnce));
      dropped += count;
    }
    store::v1::Leaf leaf =
        clients::LeafOf(*options_.configuration(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details(absl::StrCat("notices=", dropped));
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  options_.committer->CommitChangeAndWait(std::move(change))
      .status.IgnoreError();
}

}  // namespace consentry::delivery
