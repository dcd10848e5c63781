#include "gateway/delivery/watcher.h"

#include <algorithm>
#include <future>
#include <memory>
#include <utility>

#include "gateway/consent/event_rows.h"
#include "gateway/consent/shown_states.h"
#include "gateway/crypto/subject_tag.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::delivery {
namespace {

constexpr size_t kPerRead = 64;
constexpr int kMaxAttempts = 4;
constexpr char kConsent[] = "consent";

bool IsGone(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsFailedPrecondition(status);
}

// What the registration may be told of the notice: purposes that were taken
// from it meanwhile, and those not asked for, are left out. False: nothing.
bool Narrow(const clients::Configuration& configuration,
            const clients::Registration& registration,
            const std::vector<std::string>& asked,
            store::v1::RecipientNotice* notice) {
  std::vector<std::string> kept;
  for (const std::string& target : notice->targets()) {
    const auto purpose = configuration.bundle().FindPurpose(target);
    // A field of a rectification or erasure.
    if (!purpose) {
      kept.push_back(target);
      continue;
    }
    if (!registration.AllowsPurpose(*purpose)) continue;
    if (!asked.empty() &&
        std::find(asked.begin(), asked.end(), target) == asked.end()) {
      continue;
    }
    kept.push_back(target);
  }
  const bool all_gone = notice->targets_size() > 0 && kept.empty();
  notice->mutable_targets()->Assign(kept.begin(), kept.end());
  return !all_gone;
}

store::ReadOutcome CommitAndWait(store::Committer* committer,
                                 store::ReadCommit commit) {
  auto promise = std::make_shared<std::promise<store::ReadOutcome>>();
  auto future = promise->get_future();
  committer->CommitRead(std::move(commit),
                        [promise](store::ReadOutcome outcome) {
                          promise->set_value(std::move(outcome));
                        });
  return future.get();
}

}  // namespace

absl::StatusOr<int64_t> Watcher::Position(
    const access::Caller& caller, const std::string& resume_token) const {
  if (resume_token.empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    return LastNotice(lease.get());
  }
  const auto position = options_.tokens->Decode(crypto::TokenKind::kWatch,
                                                resume_token, caller.client_id);
  if (position.ok()) return static_cast<int64_t>(*position);
  return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                   "resume_token is not one of this caller");
}

absl::StatusOr<std::optional<access::Released<v1::WatchChangesResponse>>>
Watcher::Next(const access::Caller& caller,
              const std::vector<std::string>& purposes,
              int64_t* position) const {
  for (;;) {
    std::vector<NoticeRow> rows;
    {
      CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
      CONSENTRY_ASSIGN_OR_RETURN(
          rows, NoticesOf(lease.get(), caller.client_id, NoticeChannel::kWatch,
                          *position, kPerRead));
    }
    for (const NoticeRow& row : rows) {
      auto notice = options_.keys.Open(row);
      // Erased since: that has a notice of its own.
      if (IsGone(notice.status())) {
        *position = row.number;
        continue;
      }
      CONSENTRY_RETURN_IF_ERROR(notice.status());
      const auto configuration = options_.configuration();
      const clients::Registration* registration =
          configuration->FindById(caller.client_id);
      if (registration == nullptr) {
        return MakeError(v1::ERROR_REASON_CLIENT_UNKNOWN,
                         "the registration is gone");
      }
      if (Narrow(*configuration, *registration, purposes, &*notice)) {
        CONSENTRY_ASSIGN_OR_RETURN(auto released,
                                   Release(caller, row, *notice));
        *position = row.number;
        if (released) return released;
      }
      *position = row.number;
    }
    if (rows.size() < kPerRead) return std::nullopt;
  }
}

absl::StatusOr<std::optional<access::Released<v1::WatchChangesResponse>>>
Watcher::Release(const access::Caller& caller, const NoticeRow& row,
                 const store::v1::RecipientNotice& notice) const {
  access::Released<v1::WatchChangesResponse> released;
  v1::WatchChangesResponse& message = released.response;
  message.set_pseudonym(
      notice.pseudonym().empty()
          ? options_.tokens->Encode(crypto::TokenKind::kPseudonym, row.subject,
                                    caller.client_id)
          : notice.pseudonym());
  message.set_event(notice.event());
  for (const std::string& target : notice.targets()) {
    message.add_targets(target);
  }
  message.set_event_id(crypto::FormatId(crypto::IdKind::kEvent, row.id));
  SetTime(notice.time_us(), message.mutable_time());
  message.set_resume_token(options_.tokens->Encode(
      crypto::TokenKind::kWatch, static_cast<uint64_t>(row.number),
      caller.client_id));
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const auto configuration = options_.configuration();
    store::ReadCommit commit;
    commit.as_of_change = options_.committer->LastStored();
    commit.configuration_epoch = configuration->epoch();
    commit.decided_at_us = options_.committer->NowUs();
    store::v1::Leaf leaf =
        clients::LeafOf(*configuration, caller, commit.decided_at_us);
    leaf.add_details("notice=" + message.event_id());
    if (notice.targets_size() == 1 &&
        configuration->bundle().FindPurpose(notice.targets(0))) {
      leaf.set_purpose(notice.targets(0));
    }
    if (row.subject != 0) {
      std::vector<std::shared_ptr<const vault::CachedSubject>> members;
      {
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
        vault::SubjectReader::HeadOptions options;
        options.as_of_change = commit.as_of_change;
        options.past_cache = attempt > 0;
        auto read =
            options_.subjects->ReadGroup(lease.get(), row.subject, options);
        if (IsGone(read.status())) return std::nullopt;
        CONSENTRY_RETURN_IF_ERROR(read.status());
        members = *std::move(read);
      }
      const bool consent =
          notice.event() == kConsent && notice.targets_size() == 1;
      v1::ConsentState held =
          consent ? consent::NoneState(notice.targets(0)) : v1::ConsentState();
      for (size_t m = 0; m < members.size(); ++m) {
        const vault::CachedSubject& member = *members[m];
        const crypto::SubjectTag tag =
            crypto::ComputeSubjectTag(member.keys(), options_.log_origin,
                                      crypto::MonthOf(commit.decided_at_us));
        store::v1::LeafSubject* told = leaf.add_subjects();
        told->set_tag(tag.data(), tag.size());
        told->set_version(static_cast<uint64_t>(member.version()));
        told->set_member(m > 0);
        commit.subjects.push_back(
            {static_cast<int64_t>(member.subject()), member.version()});
        if (!consent) continue;
        for (const auto& derived : member.head().consents()) {
          if (derived.purpose() != notice.targets(0)) continue;
          consent::AddState(member, members.size() > 1,
                            consent::ToState(derived, commit.decided_at_us),
                            &held);
        }
      }
      if (consent) {
        *message.mutable_state() = held;
        if (held.has_valid_until()) {
          const int64_t end_us = MicrosOf(held.valid_until());
          if (end_us > commit.decided_at_us) commit.decided_until_us = end_us;
        }
      }
    }
    commit.entry = clients::CanonicalBytes(leaf);
    store::ReadOutcome outcome =
        CommitAndWait(options_.committer, std::move(commit));
    switch (outcome.kind) {
      case store::ReadOutcome::Kind::kCommitted:
        released.tickets.push_back(std::move(outcome.ticket));
        return released;
      case store::ReadOutcome::Kind::kFailed:
        return outcome.status;
      case store::ReadOutcome::Kind::kStale:
        break;
    }
  }
  return MakeError(v1::ERROR_REASON_CONTENDED,
                   "what the message was about kept changing");
}

void Watcher::WaitForMore(std::chrono::milliseconds timeout) {
  MutexLock lock(&mu_);
  // A wake in between is made up for by the time-out.
  more_.WaitFor(&mu_, timeout);
}

void Watcher::Wake() {
  MutexLock lock(&mu_);
  more_.SignalAll();
}

}  // namespace consentry::delivery
