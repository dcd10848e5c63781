#include "gateway/delivery/outbox.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/base/log.h"
#include "gateway/store/schema.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::delivery {
namespace {

constexpr base::LogEvent kBehind = {base::LogLevel::kWarn, 5520,
                                    "delivery.outbox_behind"};

constexpr char kCursorKey[] = "delivery.cursor";
constexpr uint64_t kEntriesPerStep = 4096;
// Entries without a notice after which the place in the log is stored anyway.
constexpr uint64_t kStoreEvery = 1 << 18;
constexpr size_t kNoticesPerChange = 128;
constexpr size_t kEventsPerStep = 64;
constexpr int64_t kEventsPerChange = 64;
constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;

int64_t DaysOr(uint32_t days, int64_t by_default) {
  return days == 0 ? by_default : int64_t{days};
}

std::string_view WayWord(NoticeChannel channel) {
  switch (channel) {
    case NoticeChannel::kWebhook:
      return "webhook";
    case NoticeChannel::kWatch:
      return "watch";
    case NoticeChannel::kTask:
      return "task";
  }
  return "";
}

// Of one who was erased, whose keys are gone.
bool IsGone(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsFailedPrecondition(status);
}

// What an entry tells about one subject.
struct Found {
  uint64_t subject = 0;
  uint64_t below = 0;
  int64_t time_us = 0;
  std::string originator;
  std::vector<Concern> concerns;
};

}  // namespace

void Outbox::Start() {
  MutexLock lock(&mu_);
  thread_ = std::make_unique<base::Periodic>(
      base::Constant("outbox"), options_.interval, [this] {
        for (;;) {
          const auto more = Step();
          if (!more.ok()) base::Log(kBehind, {{"status", more.status()}});
          if (!more.ok() || !*more || stop_.load()) return;
        }
      });
}

void Outbox::Stop() {
  stop_.store(true);
  std::unique_ptr<base::Periodic> thread;
  {
    MutexLock lock(&mu_);
    thread = std::move(thread_);
  }
}

int64_t Outbox::DueHour(NoticeChannel channel, int64_t now_us) const {
  const config::v1::Delivery& settings = options_.settings;
  int64_t days = 0;
  switch (channel) {
    case NoticeChannel::kWebhook:
      days = DaysOr(settings.give_up_days(), 3);
      break;
    case NoticeChannel::kWatch:
      days = DaysOr(settings.watch_days(), 90);
      break;
    case NoticeChannel::kTask:
      days = DaysOr(settings.task_days(), 14);
      break;
  }
  return now_us / kHourUs + days * 24;
}

absl::Status Outbox::Tell(store::ChangeContext& context, uint64_t subject,
                          std::string_view event,
                          const std::vector<std::string>& targets,
                          std::string_view client_id) const {
  if (event == "restriction" || event == "restriction_lifted") {
    return absl::OkStatus();
  }
  store::v1::RecipientEvent told;
  told.set_event(std::string(event));
  for (const std::string& target : targets) told.add_targets(target);
  told.set_time_us(context.now_us());
  told.set_client_id(std::string(client_id));
  const int64_t first = context.number() * kEventsPerChange;
  int64_t number = first;
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query, context.connection()->Prepare(
                        "SELECT MAX(event_no) FROM recipient_events WHERE "
                        "event_no >= $1 AND event_no < $2"));
    query.Bind(first, first + kEventsPerChange);
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    if (found && !query.IsNull(0)) number = query.Int64(0) + 1;
  }
  if (number >= first + kEventsPerChange) {
    return MakeError(v1::ERROR_REASON_TOO_LARGE,
                     "more to tell than one change may have");
  }
  CONSENTRY_ASSIGN_OR_RETURN(const std::string doc,
                             options_.keys.SealEvent(number, subject, told));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, context.connection()->Prepare(
                      "INSERT INTO recipient_events (event_no, subject, doc) "
                      "VALUES ($1, $2, $3)"));
  query.Bind(number, static_cast<int64_t>(subject), std::string_view(doc));
  return query.Run();
}

std::set<std::string> Outbox::ToldOfErasure(
    const std::vector<Recipient>& recipients) const {
  Concern concern;
  concern.event = "erasure";
  concern.concerns_all = true;
  std::vector<Planned> planned;
  PlanNotices(*options_.configuration(), concern, "", recipients, &planned);
  std::set<std::string> ids;
  for (const Planned& notice : planned) ids.insert(notice.client_id);
  return ids;
}

absl::Status Outbox::TellErasure(
    store::ChangeContext& context, const std::vector<Recipient>& recipients,
    const std::vector<std::string>& targets) const {
  Concern concern;
  concern.event = "erasure";
  concern.targets = targets;
  concern.concerns_all = true;
  std::vector<Planned> planned;
  PlanNotices(*options_.configuration(), concern, "", recipients, &planned);
  for (const Planned& notice : planned) {
    NoticeRow row;
    row.client_id = notice.client_id;
    row.channel = notice.channel;
    row.due_hour = DueHour(notice.channel, context.now_us());
    store::v1::RecipientNotice doc;
    doc.set_event(notice.event);
    for (const std::string& target : notice.targets) doc.add_targets(target);
    doc.set_time_us(context.now_us());
    doc.set_pseudonym(options_.tokens->Encode(
        crypto::TokenKind::kPseudonym, notice.subject, notice.client_id));
    CONSENTRY_RETURN_IF_ERROR(
        AddNotice(context, options_.keys, std::move(row), doc).status());
  }
  context.OnStored([this] {
    if (wake_) wake_();
  });
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Outbox::Forget(store::ChangeContext& context,
                                       uint64_t subject, int64_t limit) {
  int64_t room = limit;
  for (const char* sql :
       {"DELETE FROM recipient_notices WHERE notice_no IN (SELECT notice_no "
        "FROM recipient_notices "
        "WHERE subject = $1 LIMIT $2)",
        "DELETE FROM recipient_events WHERE event_no IN (SELECT event_no FROM "
        "recipient_events WHERE subject = $1 LIMIT $2)",
        "DELETE FROM messages WHERE message_no IN (SELECT message_no FROM "
        "messages WHERE subject = $1 LIMIT $2)"}) {
    if (room <= 0) break;
    CONSENTRY_ASSIGN_OR_RETURN(auto query, context.connection()->Prepare(sql));
    query.Bind(static_cast<int64_t>(subject), room);
    CONSENTRY_RETURN_IF_ERROR(query.Run());
    room -= context.connection()->Changes();
  }
  return limit - room;
}

absl::StatusOr<bool> Outbox::Step() {
  MutexLock lock(&step_mu_);
  if (!loaded_) {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(const int64_t stored,
                               store::GetMetaInt64(lease.get(), kCursorKey));
    cursor_ = stored_cursor_ = static_cast<uint64_t>(stored);
    loaded_ = true;
  }
  CONSENTRY_ASSIGN_OR_RETURN(const bool more_events, SpreadEvents());
  CONSENTRY_ASSIGN_OR_RETURN(const bool more_log, FollowLog());
  return more_events || more_log;
}

absl::StatusOr<bool> Outbox::FollowLog() {
  // A change stands in the store before its entry stands in the log, and
  // entries come in the order of changes: where the newest change was seen
  // already, what lies between is reads.
  const uint64_t size = options_.trail->indexed_size();
  if (cursor_ >= size) return false;
  if (options_.committer->LastStored() == walked_change_) {
    cursor_ = size;
    return false;
  }
  const uint64_t end = std::min(size, cursor_ + kEntriesPerStep);
  const auto configuration = options_.configuration();
  const bool watched = AnybodyWatches(*configuration);
  std::vector<Found> found;
  int64_t newest = walked_change_;
  const absl::Status walked = options_.trail->Walk(
      cursor_, end, {}, [&](const trail::TrailIndex::Walked& entry) {
        if (entry.leaf->change_number() == 0) return absl::OkStatus();
        newest = static_cast<int64_t>(entry.leaf->change_number());
        for (int i = 0; i < entry.leaf->subjects_size(); ++i) {
          const store::v1::LeafSubject& item = entry.leaf->subjects(i);
          if (item.changes().empty() || item.member() ||
              static_cast<size_t>(i) >= entry.subjects.size() ||
              entry.subjects[static_cast<size_t>(i)] == 0) {
            continue;
          }
          Found one;
          one.subject = entry.subjects[static_cast<size_t>(i)];
          one.below = entry.index + 1;
          one.time_us = entry.leaf->time_us();
          one.originator = entry.leaf->client_id();
          for (const std::string& line : item.changes()) {
            auto concern = ConcernOf(configuration->bundle(), line);
            if (!concern || (concern->only_watchers && !watched)) continue;
            one.concerns.push_back(*std::move(concern));
          }
          if (!one.concerns.empty()) found.push_back(std::move(one));
        }
        return absl::OkStatus();
      });
  CONSENTRY_RETURN_IF_ERROR(walked);

  Batch batch;
  size_t next = 0;
  uint64_t reached = end;
  for (; next < found.size(); ++next) {
    const Found& one = found[next];
    // The rest of an entry is told with its first.
    if (batch.items.size() >= kNoticesPerChange &&
        one.below != found[next - 1].below) {
      reached = found[next - 1].below;
      break;
    }
    auto recipients = options_.recipients->Of(one.subject, one.below);
    if (IsGone(recipients.status())) continue;
    CONSENTRY_RETURN_IF_ERROR(recipients.status());
    std::vector<Planned> planned;
    for (const Concern& concern : one.concerns) {
      PlanNotices(*configuration, concern, one.originator, *recipients,
                  &planned);
    }
    for (Planned& notice : planned) {
      batch.items.push_back({std::move(notice), one.time_us});
    }
  }
  batch.cursor = reached;
  if (!batch.items.empty() || reached - stored_cursor_ >= kStoreEvery) {
    CONSENTRY_RETURN_IF_ERROR(Write(std::move(batch)));
    stored_cursor_ = reached;
  }
  cursor_ = reached;
  if (reached == end) walked_change_ = newest;
  return reached < size;
}

absl::StatusOr<bool> Outbox::SpreadEvents() {
  struct Row {
    int64_t number;
    uint64_t subject;
    std::string doc;
  };
  std::vector<Row> rows;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        lease->Prepare("SELECT event_no, subject, doc FROM recipient_events "
                       "ORDER BY event_no LIMIT $1"));
    query.Bind(static_cast<int64_t>(kEventsPerStep));
    for (;;) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
      if (!more) break;
      rows.push_back({query.Int64(0), static_cast<uint64_t>(query.Int64(1)),
                      std::string(query.Blob(2))});
    }
  }
  if (rows.empty()) return false;
  const auto configuration = options_.configuration();
  Batch batch;
  batch.cursor = stored_cursor_;
  for (const Row& row : rows) {
    if (batch.items.size() >= kNoticesPerChange) break;
    batch.done_events.push_back(row.number);
    auto event = options_.keys.OpenEvent(row.number, row.subject, row.doc);
    if (IsGone(event.status()) || absl::IsDataLoss(event.status())) continue;
    CONSENTRY_RETURN_IF_ERROR(event.status());
    auto recipients = options_.recipients->Of(row.subject);
    if (IsGone(recipients.status())) continue;
    CONSENTRY_RETURN_IF_ERROR(recipients.status());
    Concern concern;
    concern.event = event->event();
    concern.targets.assign(event->targets().begin(), event->targets().end());
    concern.concerns_all = true;
    std::vector<Planned> planned;
    PlanNotices(*configuration, concern, event->client_id(), *recipients,
                &planned);
    for (Planned& notice : planned) {
      batch.items.push_back({std::move(notice), event->time_us()});
    }
  }
  const bool more =
      rows.size() == kEventsPerStep || batch.done_events.size() < rows.size();
  CONSENTRY_RETURN_IF_ERROR(Write(std::move(batch)));
  return more;
}

absl::Status Outbox::Write(Batch batch) {
  clients::CallerContext self;
  self.event = "system.recipients";
  store::Change change;
  change.apply = [this, self, batch = std::move(batch)](
                     store::ChangeContext& context) -> absl::Status {
    store::v1::Leaf leaf =
        clients::LeafOf(*options_.configuration(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    std::map<std::string, int64_t> told;
    for (const Batch::Item& item : batch.items) {
      NoticeRow row;
      row.client_id = item.notice.client_id;
      row.channel = item.notice.channel;
      row.subject = item.notice.subject;
      row.due_hour = DueHour(row.channel, context.now_us());
      store::v1::RecipientNotice doc;
      doc.set_event(item.notice.event);
      for (const std::string& target : item.notice.targets) {
        doc.add_targets(target);
      }
      doc.set_time_us(item.time_us);
      const auto id = AddNotice(context, options_.keys, std::move(row), doc);
      // She was erased meanwhile; that is told by itself.
      if (IsGone(id.status())) continue;
      CONSENTRY_RETURN_IF_ERROR(id.status());
      ++told[absl::StrCat("client_id=", item.notice.client_id,
                          " event=", item.notice.event,
                          " way=", std::string(WayWord(item.notice.channel)))];
    }
    for (const auto& [what, count] : told) {
      leaf.add_details(absl::StrCat(what, " notices=", count));
    }
    for (const int64_t number : batch.done_events) {
      CONSENTRY_ASSIGN_OR_RETURN(
          auto query, context.connection()->Prepare(
                          "DELETE FROM recipient_events WHERE event_no = $1"));
      query.Bind(number);
      CONSENTRY_RETURN_IF_ERROR(query.Run());
    }
    CONSENTRY_RETURN_IF_ERROR(store::PutMetaInt64(
        context.connection(), kCursorKey, static_cast<int64_t>(batch.cursor)));
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  CONSENTRY_RETURN_IF_ERROR(
      options_.committer->CommitChangeAndWait(std::move(change)).status);
  if (wake_) wake_();
  return absl::OkStatus();
}

}  // namespace consentry::delivery
