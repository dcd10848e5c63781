#include "gateway/screening/release_desk.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/access/audited_answer.h"
#include "gateway/access/read_leaf.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/screening/release_note.h"
#include "gateway/screening/screening_words.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::screening {
namespace {

// Of a digest, in a page token.
constexpr size_t kDigestBytesNamed = 4;
constexpr int kMaxAttempts = 4;
constexpr int kDefaultPage = 50;
constexpr int kDefaultRevokedPage = 1000;
constexpr size_t kRowsAtOnce = 256;
constexpr size_t kRevokedPerChange = 256;
constexpr size_t kChargedPerFetch = 64;
constexpr int64_t kUsPerSecond = 1'000'000;
constexpr std::string_view kRevokedQuery = "screening.revoked";

std::string FetchQuery(const v1::FetchOutputsRequest& request) {
  return absl::StrCat("screening.fetch/", request.purpose(), "/",
                      static_cast<int>(request.channel()));
}

absl::Status BadToken() {
  return MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                   "the page token is not one of this question");
}

// A release of a page. Another one may have taken its number by the time that
// the page is confirmed: a human put another output in its place.
struct Handed {
  int64_t no = 0;
  // Of its digest, hexadecimal.
  std::string begin;

  std::string ToString() const { return absl::StrCat(no, ":", begin); }
  static std::optional<Handed> Parse(absl::string_view text) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(text, absl::MaxSplits(':', 1));
    Handed handed;
    if (!absl::SimpleAtoi(parts.first, &handed.no)) return std::nullopt;
    handed.begin = parts.second;
    return handed;
  }
};

uint64_t ChangesOf(const ScreeningParts& parts) {
  return parts.fairness == nullptr ? 0 : parts.fairness->changes();
}

std::string BeginOf(const store::v1::ReleaseDoc& doc) {
  return absl::BytesToHexString(doc.digest().substr(0, kDigestBytesNamed));
}

}  // namespace

// One page of outputs on its way to a channel. One thread at a time.
struct ReleaseDesk::Page {
  access::Caller caller;
  const v1::FetchOutputsRequest* request = nullptr;
  access::Done<v1::FetchOutputsResponse> done;
  int attempts = 0;
  bool confirmed = false;

  // Of the attempt.
  size_t size = 0;
  int64_t as_of = 0;
  int64_t now_us = 0;
  access::OutputPlan plan;
  std::optional<access::ReadLeaf> leaf;
  std::optional<bool> reviewed;
  std::vector<std::string> ids;
  v1::FetchOutputsResponse response;
  std::vector<Handed> handed;
  std::vector<Over> over;
  // To be charged before they are handed over.
  std::vector<Rechecked> due;
  int64_t until_us = INT64_MAX;
  bool more = false;
};

void ReleaseDesk::Fetch(const access::Caller& caller,
                        const v1::FetchOutputsRequest& request,
                        access::Done<v1::FetchOutputsResponse> done) {
  auto page = std::make_shared<Page>();
  page->caller = caller;
  page->request = &request;
  page->done = std::move(done);
  page->size = static_cast<size_t>(
      request.page_size() == 0 ? kDefaultPage : request.page_size());
  AttemptFetch(page);
}

void ReleaseDesk::AttemptFetch(const std::shared_ptr<Page>& page) {
  const auto submitted = parts_->workers->TrySubmit([this, page] {
    ++page->attempts;
    if (const absl::Status status = GatherPage(page.get()); !status.ok()) {
      page->done(status);
      return;
    }
    store::v1::Leaf leaf = page->leaf.has_value()
                               ? std::move(*page->leaf).Take()
                               : clients::LeafOf(*page->plan.plan.configuration,
                                                 page->caller, page->now_us);
    store::ReadCommit commit;
    if (page->leaf.has_value()) {
      leaf.set_decision_mode(*page->reviewed ? 2 : 1);
      commit.subjects = page->leaf->subjects();
    }
    leaf.set_purpose(page->request->purpose());
    leaf.set_channel(page->request->channel());
    if (!page->ids.empty()) {
      leaf.add_details("screenings=" + absl::StrJoin(page->ids, ","));
    }
    commit.entry = leaf.SerializeAsString();
    commit.as_of_change = page->as_of;
    commit.configuration_epoch = page->plan.plan.configuration->epoch();
    commit.decided_at_us = page->now_us;
    commit.decided_until_us = page->until_us;
    parts_->committer->CommitRead(
        std::move(commit), [this, page](store::ReadOutcome outcome) {
          if (outcome.kind == store::ReadOutcome::Kind::kFailed) {
            page->done(std::move(outcome.status));
          } else if (outcome.kind == store::ReadOutcome::Kind::kCommitted) {
            access::Released<v1::FetchOutputsResponse> released;
            released.response = std::move(page->response);
            released.tickets.push_back(std::move(outcome.ticket));
            page->done(std::move(released));
          } else if (page->attempts >= kMaxAttempts) {
            page->done(MakeError(v1::ERROR_REASON_CONTENDED,
                                 "what the outputs were decided on kept "
                                 "changing"));
          } else {
            AttemptFetch(page);
          }
        });
  });
  if (!submitted) {
    page->done(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                         "too much is waiting; try again"));
  }
}

absl::Status ReleaseDesk::GatherPage(Page* page) {
  page->as_of = parts_->committer->LastStored();
  auto configuration = parts_->configuration();
  page->now_us = parts_->committer->NowUs();
  access::OutputQuestion question;
  question.purpose = page->request->purpose();
  question.channel = page->request->channel();
  CONSENTRY_ASSIGN_OR_RETURN(
      page->plan, access::MakeOutputPlan(std::move(configuration), page->caller,
                                         question, page->now_us));
  if (!page->confirmed) CONSENTRY_RETURN_IF_ERROR(Confirm(page));
  for (bool first = true;; first = false) {
    page->response.Clear();
    page->handed.clear();
    page->ids.clear();
    page->over.clear();
    page->due.clear();
    page->leaf.reset();
    page->reviewed.reset();
    page->until_us = INT64_MAX;
    CONSENTRY_RETURN_IF_ERROR(FillPage(page));
    CONSENTRY_RETURN_IF_ERROR(Revoke(std::move(page->over)));
    CONSENTRY_ASSIGN_OR_RETURN(const bool charged, Charge(page));
    // What was charged is handed out by a second look at the same page.
    if (!charged || !first || !page->handed.empty()) break;
  }
  if (page->handed.empty()) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(
      *page->response.mutable_next_page_token(),
      page_tokens_->Seal(clients::RequesterOf(page->caller),
                         FetchQuery(*page->request),
                         absl::StrJoin(page->handed, ",",
                                       [](std::string* out, const Handed& one) {
                                         out->append(one.ToString());
                                       }),
                         page->now_us));
  return absl::OkStatus();
}

// The token names the outputs of the answer that it came with.
absl::Status ReleaseDesk::Confirm(Page* page) {
  const std::string& token = page->request->page_token();
  if (token.empty()) {
    page->confirmed = true;
    return absl::OkStatus();
  }
  const auto position =
      page_tokens_->Open(clients::RequesterOf(page->caller),
                         FetchQuery(*page->request), token, page->now_us);
  if (!position.ok()) return BadToken();
  std::vector<Handed> taken;
  for (const absl::string_view part : absl::StrSplit(*position, ',')) {
    auto handed = Handed::Parse(part);
    if (!handed) return BadToken();
    taken.push_back(*std::move(handed));
  }
  store::Change change;
  change.apply = [this, page,
                  taken](store::ChangeContext& context) -> absl::Status {
    store::v1::Leaf leaf = clients::LeafOf(*parts_->configuration(),
                                           page->caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.set_purpose(page->request->purpose());
    leaf.set_channel(page->request->channel());
    leaf.add_details(absl::StrCat("confirmed=", taken.size()));
    for (const Handed& one : taken) {
      CONSENTRY_ASSIGN_OR_RETURN(
          const auto release,
          parts_->releases->Find(context.connection(), one.no));
      if (!release || BeginOf(release->doc) != one.begin) continue;
      CONSENTRY_RETURN_IF_ERROR(parts_->releases->SetState(
          context.connection(), one.no, ReleaseState::kFetched));
    }
    context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  };
  CONSENTRY_RETURN_IF_ERROR(
      parts_->committer->CommitChangeAndWait(std::move(change)).status);
  page->confirmed = true;
  page->as_of = parts_->committer->LastStored();
  return absl::OkStatus();
}

absl::Status ReleaseDesk::FillPage(Page* page) {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_->readers->Acquire());
  const std::pair<std::string, int> way{page->request->purpose(),
                                        page->request->channel()};
  int64_t begin = 0;
  {
    MutexLock lock(&fetch_mu_);
    const auto found = begin_.find(way);
    if (found != begin_.end()) begin = found->second;
  }
  CONSENTRY_ASSIGN_OR_RETURN(const int64_t next,
                             FillFrom(page, lease.get(), begin));
  MutexLock lock(&fetch_mu_);
  if (next == 0) {
    begin_.erase(way);
  } else {
    begin_[way] = next;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ReleaseDesk::Charge(Page* page) const {
  bool any = false;
  for (const Rechecked& checked : page->due) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool charged, ChargeDue(*parts_, checked));
    any = any || charged;
  }
  if (any) page->as_of = parts_->committer->LastStored();
  return any;
}

absl::StatusOr<int64_t> ReleaseDesk::FillFrom(Page* page,
                                              store::Connection* connection,
                                              int64_t begin) {
  int64_t next = begin;
  bool wrapped = begin == 0;
  size_t looked = 0;
  for (int64_t after = begin;;) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto open, parts_->releases->ListOpen(
                             connection, page->request->purpose(),
                             page->request->channel(), after, kRowsAtOnce));
    if (open.empty()) {
      // What was handed out is offered again until it is confirmed.
      if (!page->handed.empty()) return next;
      next = 0;
      if (wrapped) return next;
      wrapped = true;
      after = 0;
    }
    for (const ReleaseRow& release : open) {
      if (looked++ == bounds_.looked_per_fetch) {
        return page->handed.empty() ? after : next;
      }
      CONSENTRY_ASSIGN_OR_RETURN(const bool room,
                                 Offer(page, connection, release));
      if (!room || page->handed.size() == page->size) return next;
      after = release.no;
    }
  }
}

absl::StatusOr<bool> ReleaseDesk::Offer(Page* page,
                                        store::Connection* connection,
                                        const ReleaseRow& release) {
  if (page->now_us >= release.doc.expire_us() ||
      page->now_us < release.doc.deliver_us()) {
    return true;
  }
  CONSENTRY_ASSIGN_OR_RETURN(Rechecked checked,
                             Recheck(*parts_, connection, release, page->now_us,
                                     page->as_of, /*for_delivery=*/true));
  if (checked.state == Rechecked::State::kOver) {
    if (page->over.size() < kRevokedPerChange) {
      page->over.push_back(OverOf(release, checked));
    }
    return true;
  }
  if (checked.state == Rechecked::State::kLater) return true;
  // An entry says how its outputs were decided: those that a human let pass
  // come on a page of their own.
  if (!page->reviewed) page->reviewed = checked.row.doc.reviewed();
  if (*page->reviewed != checked.row.doc.reviewed()) return true;
  // The caller is a recipient of its own: its registration, its country.
  CONSENTRY_ASSIGN_OR_RETURN(
      const access::OutputDecision own,
      access::DecideOutput(page->plan, page->caller, checked.decision.snapshot,
                           page->now_us, checked.row.doc.reviewed()));
  if (!own.permitted || own.review_required) {
    if (page->handed.empty()) page->reviewed.reset();
    return true;
  }
  if (checked.due) {
    if (page->handed.empty()) page->reviewed.reset();
    if (page->due.size() < kChargedPerFetch) {
      page->due.push_back(std::move(checked));
    }
    return true;
  }
  if (!page->leaf.has_value()) {
    page->leaf.emplace(page->plan.plan, page->caller, page->now_us,
                       parts_->log_origin);
  }
  if (!page->leaf->HasRoom(own.snapshot.members.size())) return false;
  access::SubjectName name;
  name.subject = release.subject;
  const absl::Status within = access::ChargeBudget(
      page->plan.plan, name, own.snapshot, parts_->clock->MonotonicUs());
  if (!within.ok()) {
    if (page->handed.empty()) return within;
    return false;
  }
  v1::FetchedOutput* fetched = page->response.add_outputs();
  if (!fetched->mutable_output()->ParseFromString(checked.words.output())) {
    return CorruptScreening();
  }
  fetched->set_screening_id(checked.row.doc.id());
  for (const v1::OutputDuty duty : DutiesOf(checked.row.doc)) {
    fetched->add_duties(duty);
  }
  ReleaseTerms terms;
  terms.digest = release.doc.digest();
  terms.pseudonym = parts_->tokens->Encode(
      crypto::TokenKind::kPseudonym, release.subject, page->caller.client_id);
  terms.channel = static_cast<v1::Channel>(release.doc.channel());
  terms.expire_s =
      std::min(release.doc.expire_us(),
               std::min({own.decision.decided_until_us,
                         checked.decision.decision.decided_until_us,
                         checked.quiet_from_us.value_or(INT64_MAX)})) /
      kUsPerSecond;
  CONSENTRY_ASSIGN_OR_RETURN(*fetched->mutable_release(),
                             SignRelease(*parts_->signer, terms));
  page->leaf->Add(own.snapshot, own.decision, /*released=*/0);
  page->ids.push_back(checked.row.doc.id());
  page->handed.push_back({release.no, BeginOf(release.doc)});
  page->until_us = std::min(
      page->until_us, std::min(own.decision.decided_until_us,
                               checked.decision.decision.decided_until_us));
  return true;
}

// --- Revoking ---

ReleaseDesk::Over ReleaseDesk::OverOf(const ReleaseRow& release,
                                      const Rechecked& checked) {
  Over over{release, checked.monitors};
  if (checked.verdict_class == v1::VERDICT_CLASS_FAIRNESS) {
    over.release.doc.set_revoked_class(checked.verdict_class);
  }
  return over;
}

// An entry is about one class.
absl::Status ReleaseDesk::Revoke(std::vector<Over> over) {
  const auto class_of = [](const Over& one) {
    return one.release.doc.revoked_class();
  };
  std::stable_sort(over.begin(), over.end(),
                   [&](const Over& one, const Over& other) {
                     return class_of(one) < class_of(other);
                   });
  for (size_t first = 0, end = 0; first < over.size(); first = end) {
    while (end < over.size() && end - first < kRevokedPerChange &&
           class_of(over[end]) == class_of(over[first])) {
      ++end;
    }
    const std::vector<Over> part(
        over.begin() + static_cast<std::ptrdiff_t>(first),
        over.begin() + static_cast<std::ptrdiff_t>(end));
    store::Change change;
    change.apply = [this, part,
                    class_of](store::ChangeContext& context) -> absl::Status {
      clients::CallerContext self;
      self.event = "system.release_revoke";
      store::v1::Leaf leaf =
          clients::LeafOf(*parts_->configuration(), self, context.now_us());
      leaf.set_change_number(static_cast<uint64_t>(context.number()));
      if (class_of(part[0]) != 0) {
        leaf.add_details("class=" + ClassWord(static_cast<v1::VerdictClass>(
                                        class_of(part[0]))));
        std::set<std::string> monitors;
        for (const Over& one : part) {
          monitors.insert(one.monitors.begin(), one.monitors.end());
        }
        TellRules({monitors.begin(), monitors.end()}, &leaf);
      }
      for (const auto& [release, monitors] : part) {
        CONSENTRY_RETURN_IF_ERROR(parts_->releases->Revoke(context, release));
        const auto keys = parts_->rows->slots().Load(release.subject);
        const crypto::SubjectTag tag =
            keys.ok()
                ? crypto::ComputeSubjectTag(*keys, parts_->log_origin,
                                            crypto::MonthOf(context.now_us()))
                : crypto::RandomTag();
        leaf.add_subjects()->set_tag(tag.data(), tag.size());
        context.TellOf(keys.ok() ? static_cast<int64_t>(release.subject) : 0);
      }
      context.SetEntry(leaf.SerializeAsString());
      return absl::OkStatus();
    };
    CONSENTRY_RETURN_IF_ERROR(
        parts_->committer->CommitChangeAndWait(std::move(change)).status);
  }
  return absl::OkStatus();
}

absl::Status ReleaseDesk::LookAt(store::Connection* connection,
                                 const std::vector<ReleaseRow>& releases,
                                 int64_t now_us, int64_t as_of, bool all,
                                 std::vector<Over>* over) {
  for (const ReleaseRow& release : releases) {
    if (now_us >= release.doc.expire_us()) continue;
    if (!all) {
      // The customer herself has not changed: it was somebody joined with her,
      // or a change from before the release.
      CONSENTRY_ASSIGN_OR_RETURN(
          auto query, connection->Prepare(
                          "SELECT version FROM subjects WHERE subject = $1"));
      query.Bind(static_cast<int64_t>(release.subject));
      CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
      if (found && query.Int64(0) <= release.subject_version) continue;
    }
    CONSENTRY_ASSIGN_OR_RETURN(const Rechecked checked,
                               Recheck(*parts_, connection, release, now_us,
                                       as_of, /*for_delivery=*/false));
    if (checked.state == Rechecked::State::kOver) {
      over->push_back(OverOf(release, checked));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ReleaseDesk::GoOn(Walk* walk) {
  // Never older than the walk: what changed since is looked at once more.
  const int64_t as_of = parts_->committer->LastStored();
  const int64_t now_us = parts_->committer->NowUs();
  std::vector<Over> over;
  size_t looked = 0;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_->readers->Acquire());
    if (walk->all) {
      CONSENTRY_ASSIGN_OR_RETURN(
          const auto live,
          parts_->releases->ListLive(lease.get(), walk->after, now_us,
                                     bounds_.looked_per_step));
      looked = live.size();
      if (looked > 0) walk->after = live.back().no;
      CONSENTRY_RETURN_IF_ERROR(
          LookAt(lease.get(), live, now_us, as_of, /*all=*/true, &over));
    } else {
      CONSENTRY_ASSIGN_OR_RETURN(
          const auto changed,
          parts_->releases->ChangedSince(lease.get(), walk->last,
                                         bounds_.looked_per_step));
      looked = changed.size();
      for (const ReleaseRows::Changed& each : changed) {
        walk->last = each;
        vault::SubjectReader::HeadOptions options;
        options.as_of_change = as_of;
        options.past_cache = true;
        const auto group =
            parts_->subjects->ReadGroup(lease.get(), each.subject, options);
        std::vector<uint64_t> members;
        if (group.ok()) {
          for (const auto& member : *group) {
            members.push_back(member->subject());
          }
        } else if (absl::IsNotFound(group.status())) {
          members.push_back(each.subject);
        } else {
          return group.status();
        }
        for (const uint64_t member : members) {
          CONSENTRY_ASSIGN_OR_RETURN(
              const auto live,
              parts_->releases->ListOf(lease.get(), member, now_us));
          CONSENTRY_RETURN_IF_ERROR(LookAt(lease.get(), live, now_us, as_of,
                                           member != each.subject, &over));
        }
      }
    }
  }
  CONSENTRY_RETURN_IF_ERROR(Revoke(std::move(over)));
  return looked < bounds_.looked_per_step;
}

absl::StatusOr<bool> ReleaseDesk::Refresh() {
  const int64_t wanted = parts_->committer->LastStored();
  const int64_t wanted_epoch = parts_->configuration()->epoch();
  const uint64_t wanted_monitors = ChangesOf(*parts_);
  for (int step = 0; step < bounds_.steps; ++step) {
    MutexLock lock(&refresh_mu_);
    if (checked_ >= wanted && checked_epoch_ >= wanted_epoch &&
        checked_monitors_ >= wanted_monitors) {
      return true;
    }
    if (!walk_) {
      walk_.emplace();
      walk_->as_of = parts_->committer->LastStored();
      walk_->epoch = parts_->configuration()->epoch();
      walk_->monitors = ChangesOf(*parts_);
      walk_->all = checked_ < 0 || walk_->epoch != checked_epoch_ ||
                   walk_->monitors != checked_monitors_;
      walk_->last.version = checked_;
    }
    const auto done = GoOn(&*walk_);
    if (!done.ok()) {
      walk_.reset();
      return done.status();
    }
    if (!*done) continue;
    checked_ = walk_->as_of;
    checked_epoch_ = walk_->epoch;
    checked_monitors_ = walk_->monitors;
    walk_.reset();
  }
  MutexLock lock(&refresh_mu_);
  return checked_ >= wanted && checked_epoch_ >= wanted_epoch &&
         checked_monitors_ >= wanted_monitors;
}

void ReleaseDesk::ListRevoked(
    const access::Caller& caller, const v1::ListRevokedReleasesRequest& request,
    access::Done<v1::ListRevokedReleasesResponse> done) {
  access::AnswerAudited<v1::ListRevokedReleasesResponse>(
      {parts_->configuration, parts_->committer, parts_->workers}, caller,
      [this, caller, request](access::AnswerEntry* entry)
          -> absl::StatusOr<v1::ListRevokedReleasesResponse> {
        CONSENTRY_ASSIGN_OR_RETURN(const bool all, Refresh());
        if (!all) {
          return MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                           "releases are still looked through; try again");
        }
        const int64_t now_us = parts_->committer->NowUs();
        const std::string who = clients::RequesterOf(caller);
        int64_t after = 0;
        if (!request.page_token().empty()) {
          const auto position = page_tokens_->Open(
              who, kRevokedQuery, request.page_token(), now_us);
          if (!position.ok() || !absl::SimpleAtoi(*position, &after)) {
            return BadToken();
          }
        }
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_->readers->Acquire());
        int64_t last = after;
        CONSENTRY_ASSIGN_OR_RETURN(
            const auto revoked,
            parts_->releases->ListRevoked(
                lease.get(), after, now_us,
                static_cast<size_t>(request.page_size() == 0
                                        ? kDefaultRevokedPage
                                        : request.page_size()),
                &last));
        v1::ListRevokedReleasesResponse page;
        for (const ReleaseRows::Revoked& each : revoked) {
          page.add_digests(absl::BytesToHexString(each.digest));
        }
        CONSENTRY_ASSIGN_OR_RETURN(
            *page.mutable_next_page_token(),
            page_tokens_->Seal(who, kRevokedQuery, absl::StrCat(last), now_us));
        entry->leaf.add_details(absl::StrCat("revoked=", revoked.size()));
        return page;
      },
      std::move(done));
}

}  // namespace consentry::screening
