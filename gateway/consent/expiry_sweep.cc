#include "gateway/consent/expiry_sweep.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "gateway/consent/event_rows.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/vault/head_edit.h"
#include "proto/support/status_macros.h"

namespace consentry::consent {
namespace {

constexpr int64_t kUsPerHour = int64_t{3600} * 1000 * 1000;

// The events that say what of the head has ended by now.
std::vector<store::v1::ConsentEvent> Ended(const store::v1::SubjectHead& head,
                                           int64_t now_us) {
  std::vector<store::v1::ConsentEvent> events;
  for (const auto& held : head.consents()) {
    if (held.status() != v1::CONSENT_STATUS_GIVEN ||
        held.valid_until_us() == 0 || held.valid_until_us() > now_us) {
      continue;
    }
    store::v1::ConsentEvent event;
    event.set_purpose(held.purpose());
    event.set_type(store::v1::ConsentEvent::EXPIRED);
    event.set_captured_at_us(held.valid_until_us());
    event.set_received_at_us(now_us);
    event.set_notice_id(held.notice_id());
    event.set_notice_version(held.notice_version());
    events.push_back(std::move(event));
  }
  return events;
}

// Adds what has ended of one subject to its ledger and to the entry.
absl::Status Expire(const LedgerOptions& options, uint64_t subject,
                    store::ChangeContext* context, store::v1::Leaf* leaf) {
  auto head = vault::HeadEdit::Begin(context, *options.slots, subject);
  // Erased: nothing of hers can end any more.
  if (absl::IsNotFound(head.status())) return absl::OkStatus();
  CONSENTRY_RETURN_IF_ERROR(head.status());
  auto events = Ended(head->head(), context->now_us());
  if (events.empty()) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(
      const Appended appended,
      AppendEvents(context->connection(), &*head, std::move(events)));
  const crypto::SubjectTag tag = crypto::ComputeSubjectTag(
      head->keys(), options.log_origin, crypto::MonthOf(context->now_us()));
  CONSENTRY_RETURN_IF_ERROR(head->Write(options.cache));
  store::v1::LeafSubject* told = leaf->add_subjects();
  told->set_tag(tag.data(), tag.size());
  told->set_version(static_cast<uint64_t>(context->number()));
  for (const std::string& line : appended.changes) told->add_changes(line);
  return absl::OkStatus();
}

struct Due {
  int64_t hour = 0;
  int64_t subject = 0;
};

}  // namespace

absl::StatusOr<size_t> ExpirySweep::Step() {
  const int64_t hour = options_.committer->NowUs() / kUsPerHour;
  std::vector<Due> due;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        lease->Prepare("SELECT due_hour, subject FROM consent_ends WHERE "
                       "due_hour <= $1 ORDER BY due_hour, subject LIMIT $2"));
    query.Bind(hour, static_cast<int64_t>(kSubjectsPerStep));
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      due.push_back({query.Int64(0), query.Int64(1)});
    }
  }
  if (due.empty()) return size_t{0};
  store::Change change;
  change.apply = [this, due](store::ChangeContext& context) -> absl::Status {
    clients::CallerContext self;
    self.event = "system.consent_expire";
    store::v1::Leaf leaf =
        clients::LeafOf(*options_.configuration(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    for (size_t i = 0; i < due.size(); ++i) {
      const bool seen = std::any_of(
          due.begin(), due.begin() + static_cast<std::ptrdiff_t>(i),
          [&](const Due& other) { return other.subject == due[i].subject; });
      if (!seen) {
        CONSENTRY_RETURN_IF_ERROR(Expire(
            options_, static_cast<uint64_t>(due[i].subject), &context, &leaf));
      }
    }
    CONSENTRY_RETURN_IF_ERROR(store::RunMany(
        context.connection(),
        "DELETE FROM consent_ends WHERE due_hour = $1 AND subject = $2",
        due.size(), [&](store::Query& query, size_t i) {
          query.Bind(due[i].hour, due[i].subject);
        }));
    context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  };
  CONSENTRY_RETURN_IF_ERROR(
      options_.committer->CommitChangeAndWait(std::move(change)).status);
  return due.size();
}

absl::Status ExpirySweep::Run(size_t most) {
  for (size_t i = 0; i < most; ++i) {
    CONSENTRY_ASSIGN_OR_RETURN(const size_t taken, Step());
    if (taken < kSubjectsPerStep) break;
  }
  return absl::OkStatus();
}

}  // namespace consentry::consent
