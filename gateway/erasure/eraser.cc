#include "gateway/erasure/eraser.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "consentry/v1/common.pb.h"
#include "gateway/base/log.h"
#include "gateway/clients/caller_context.h"
#include "gateway/erasure/certificate.h"
#include "gateway/erasure/hold_changes.h"
#include "gateway/erasure/holdings.h"
#include "gateway/erasure/holds.h"
#include "gateway/erasure/leaf_subjects.h"
#include "gateway/erasure/remove_rows.h"
#include "gateway/erasure/reseal.h"
#include "gateway/vault/head_edit.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::erasure {
namespace {

constexpr base::LogEvent kErased{base::LogLevel::kInfo, 5501, "erasure.done"};
constexpr base::LogEvent kErasureFailed{base::LogLevel::kError, 5502,
                                        "erasure.step_failed"};

// Erasures that one run looks at, of each state.
constexpr int64_t kPerRun = 256;
constexpr int64_t kHoldsPerRun = 64;
constexpr int64_t kExpiredPerRun = 256;
constexpr crypto::SlotFile::Rekey kBothKeys = {.data = true, .audit = true};

std::vector<uint64_t> SubjectsOf(const store::v1::ErasureJob& job) {
  std::vector<uint64_t> subjects;
  for (const auto& member : job.members()) {
    subjects.push_back(static_cast<uint64_t>(member.subject()));
  }
  return subjects;
}

absl::Status Overtaken() {
  return MakeError(v1::ERROR_REASON_STATE_INVALID,
                   "the erasure is not where it was");
}

std::vector<policy::Retained> RefusedIn(const store::v1::ErasureJob& job) {
  std::vector<policy::Retained> retained;
  for (const auto& one : job.retained()) {
    retained.push_back({{one.fields().begin(), one.fields().end()},
                        one.ground(),
                        one.document(),
                        one.until_us()});
  }
  return retained;
}

}  // namespace

void Eraser::Step(std::string_view step) const {
  if (parts_.on_step) parts_.on_step(step);
}

absl::StatusOr<store::ChangeOutcome> Eraser::Commit(std::string_view event,
                                                    int64_t id, Apply apply) {
  clients::CallerContext self;
  self.event = std::string(event);
  store::Change change;
  // Also on a volume that is nearly full.
  change.negative = true;
  change.apply = [this, self, id, apply = std::move(apply)](
                     store::ChangeContext& context) mutable -> absl::Status {
    store::v1::Leaf leaf =
        clients::LeafOf(*parts_.configuration(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details(absl::StrCat("erasure=", id));
    CONSENTRY_RETURN_IF_ERROR(apply(context, &leaf));
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  store::ChangeOutcome outcome =
      parts_.committer->CommitChangeAndWait(std::move(change));
  if (!outcome.status.ok()) return outcome.status;
  return outcome;
}

absl::Status Eraser::Recover() {
  std::vector<int64_t> due;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
    // Nobody waited so long.
    CONSENTRY_ASSIGN_OR_RETURN(due, ListDue(lease.get(), 0, kPerRun));
  }
  for (const int64_t id : due) {
    const absl::Status status = Advance(id, /*begin=*/false);
    if (status.ok()) continue;
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(
        const Erasure erasure,
        ReadErasure(lease.get(), *parts_.epochs->keys(), id));
    if (erasure.state != ErasureState::kDestroyed) return status;
    base::Log(kErasureFailed, {{"erasure", id}, {"status", status}});
  }
  return absl::OkStatus();
}

absl::Status Eraser::Run() {
  absl::Status first = EndHolds();
  std::vector<int64_t> due;
  const int64_t now_us = parts_.committer->NowUs();
  bool expired = false;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(due, ListDue(lease.get(), now_us, kPerRun));
    CONSENTRY_ASSIGN_OR_RETURN(
        expired, parts_.suppression->AnyExpired(lease.get(), now_us));
  }
  for (const int64_t id : due) {
    const absl::Status status = Advance(id, /*begin=*/true);
    if (status.ok()) continue;
    base::Log(kErasureFailed, {{"erasure", id}, {"status", status}});
    if (first.ok()) first = status;
  }
  if (expired) {
    const auto dropped =
        Commit("system.suppression_ended", 0,
               [this](store::ChangeContext& context, store::v1::Leaf* leaf) {
                 const auto count =
                     parts_.suppression->DropExpired(context, kExpiredPerRun);
                 if (!count.ok()) return count.status();
                 leaf->add_details(absl::StrCat("rows=", *count));
                 return absl::OkStatus();
               });
    if (first.ok()) first = dropped.status();
  }
  return first;
}

absl::Status Eraser::EndHolds() {
  std::vector<std::string> ended;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(
        ended, EndedHolds(lease.get(), *parts_.slots, parts_.committer->NowUs(),
                          kHoldsPerRun));
  }
  for (const std::string& id : ended) {
    const auto outcome =
        Commit("system.hold_ended", 0,
               [this, id](store::ChangeContext& context,
                          store::v1::Leaf* leaf) -> absl::Status {
                 return LiftHoldIn(parts_, context, id, leaf).status();
               });
    CONSENTRY_RETURN_IF_ERROR(outcome.status());
  }
  return absl::OkStatus();
}

absl::Status Eraser::Advance(int64_t id, bool begin) {
  Erasure erasure;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(
        erasure, ReadErasure(lease.get(), *parts_.epochs->keys(), id));
  }
  if (!erasure.under_way()) {
    if (!begin) return absl::OkStatus();
    const int64_t due_us = erasure.state == ErasureState::kKept
                               ? erasure.job.next_us()
                               : erasure.job.due_us();
    if (due_us > parts_.committer->NowUs()) return absl::OkStatus();
    CONSENTRY_RETURN_IF_ERROR(Begin(&erasure));
  }
  if (erasure.state == ErasureState::kResealing) {
    if (erasure.job.entry_index() == 0)
      CONSENTRY_RETURN_IF_ERROR(Begin(&erasure));
    CONSENTRY_RETURN_IF_ERROR(AddGenerations(erasure));
    CONSENTRY_RETURN_IF_ERROR(Reseal(&erasure));
  }
  if (erasure.state == ErasureState::kResealed) {
    CONSENTRY_RETURN_IF_ERROR(DestroyKeys(&erasure));
  }
  if (erasure.under_way()) {
    CONSENTRY_RETURN_IF_ERROR(RemoveRows(&erasure));
    CONSENTRY_RETURN_IF_ERROR(End(&erasure));
  }
  return absl::OkStatus();
}

// Tells the entry, whose index the slots will name; again where a crash left
// nobody who knows it.
absl::Status Eraser::Begin(Erasure* erasure) {
  Step("begin");
  const int64_t id = erasure->id;
  // Entries lead to recipients only as long as the keys are there. Begun again
  // after a crash, they were told.
  std::function<absl::Status(store::ChangeContext&)> tell;
  if (parts_.tell_recipients && !erasure->under_way()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        tell, parts_.tell_recipients(SubjectsOf(erasure->job)));
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const store::ChangeOutcome outcome,
      Commit("system.erasure_begun", id,
             [this, id, tell](store::ChangeContext& context,
                              store::v1::Leaf* leaf) -> absl::Status {
               CONSENTRY_RETURN_IF_ERROR(ApplyBegin(context, id, leaf));
               if (!tell) return absl::OkStatus();
               CONSENTRY_ASSIGN_OR_RETURN(
                   const Erasure begun,
                   ReadErasure(context.connection(), *parts_.epochs->keys(),
                               id));
               // A hold may have stopped it.
               return begun.under_way() ? tell(context) : absl::OkStatus();
             }));
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      *erasure, ReadErasure(lease.get(), *parts_.epochs->keys(), id));
  if (erasure->under_way()) erasure->job.set_entry_index(outcome.log_index);
  return absl::OkStatus();
}

absl::Status Eraser::ApplyBegin(store::ChangeContext& context, int64_t id,
                                store::v1::Leaf* leaf) {
  store::Connection* const connection = context.connection();
  const auto epochs = parts_.epochs->keys();
  CONSENTRY_ASSIGN_OR_RETURN(Erasure erasure,
                             ReadErasure(connection, *epochs, id));
  const bool again = erasure.state == ErasureState::kResealing ||
                     erasure.state == ErasureState::kResealed;
  if (!again && erasure.state != ErasureState::kWaiting &&
      erasure.state != ErasureState::kKept) {
    return Overtaken();
  }
  const auto configuration = parts_.configuration();
  std::vector<Member> members;
  std::vector<Hold> holds;
  for (const uint64_t subject : SubjectsOf(erasure.job)) {
    auto member =
        ReadMember(connection, *parts_.slots, configuration->bundle(), subject);
    if (absl::IsNotFound(member.status())) continue;
    if (!member.ok()) return member.status();
    CONSENTRY_ASSIGN_OR_RETURN(std::vector<Hold> own,
                               HoldsOn(connection, member->keys));
    std::move(own.begin(), own.end(), std::back_inserter(holds));
    members.push_back(*std::move(member));
  }
  const bool held = !again && AnyHoldsAll(holds);
  GroupPlan plan;
  if (!again && !held) {
    std::vector<policy::Retained> retained = RetainedBy(holds);
    for (policy::Retained& refused : RefusedIn(erasure.job)) {
      retained.push_back(std::move(refused));
    }
    plan =
        PlanGroup(configuration->bundle(), members, retained, context.now_us());
    erasure.job.mutable_outcomes()->Assign(plan.outcomes.begin(),
                                           plan.outcomes.end());
    erasure.job.mutable_kept()->Assign(plan.kept.begin(), plan.kept.end());
    erasure.job.set_next_us(plan.next_us);
    erasure.job.clear_failed();
    erasure.job.clear_entry_index();
  }
  store::v1::StandingChoices choices;
  for (const Member& member : members) AddStanding(member.head, &choices);
  std::vector<crypto::SuppressionHash> hashes;
  for (const Member& member : members) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto own, parts_.suppression->HashesOf(member.keys, member.head));
    hashes.insert(hashes.end(), own.begin(), own.end());
    CONSENTRY_ASSIGN_OR_RETURN(
        vault::HeadEdit edit,
        vault::HeadEdit::Begin(&context, *parts_.slots, member.subject()));
    edit.head().set_erasing(!held);
    edit.head().set_erasure_held(held);
    CONSENTRY_RETURN_IF_ERROR(edit.Write(parts_.cache));
    TellSubject(context, edit.keys(), parts_.log_origin,
                {held ? "erasure=held" : "erasure=begun"}, leaf);
    if (again || held) continue;
    CONSENTRY_ASSIGN_OR_RETURN(const crypto::SlotInfo info,
                               parts_.slots->Info(member.subject()));
    for (auto& one : *erasure.job.mutable_members()) {
      if (static_cast<uint64_t>(one.subject()) != member.subject()) continue;
      one.set_data_generation(info.data_generation);
      one.set_keeps(std::find(plan.keeping.begin(), plan.keeping.end(),
                              member.subject()) != plan.keeping.end());
    }
  }
  if (held) {
    erasure.state = ErasureState::kHeld;
    return WriteErasure(context, *epochs, erasure, INT64_MAX);
  }
  if (!hashes.empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const int64_t until_us,
        parts_.suppression->Suppress(context, hashes, id, kSuppressionGround,
                                     choices));
    erasure.job.set_suppressed_until_us(until_us);
  }
  if (!again) {
    erasure.state =
        plan.kept.empty() ? ErasureState::kResealed : ErasureState::kResealing;
  }
  return WriteErasure(context, *epochs, erasure, 0);
}

absl::Status Eraser::AddGenerations(const Erasure& erasure) {
  Step("new_keys");
  for (const auto& member : erasure.job.members()) {
    if (!member.keeps()) continue;
    const auto subject = static_cast<uint64_t>(member.subject());
    CONSENTRY_ASSIGN_OR_RETURN(const crypto::SlotInfo info,
                               parts_.slots->Info(subject));
    if (info.data_generation > member.data_generation()) continue;
    CONSENTRY_RETURN_IF_ERROR(
        parts_.slots->AddGeneration(subject, kBothKeys).status());
    parts_.cache->Invalidate(subject, INT64_MAX);
  }
  return absl::OkStatus();
}

absl::Status Eraser::Reseal(Erasure* erasure) {
  Step("reseal");
  const uint64_t index = erasure->job.entry_index();
  auto next = std::make_shared<Erasure>();
  CONSENTRY_RETURN_IF_ERROR(
      Commit("system.erasure_resealed", erasure->id,
             [this, id = erasure->id, index, next](
                 store::ChangeContext& context,
                 store::v1::Leaf* leaf) -> absl::Status {
               CONSENTRY_ASSIGN_OR_RETURN(
                   *next, ReadErasure(context.connection(),
                                      *parts_.epochs->keys(), id));
               next->job.set_entry_index(index);
               return ApplyReseal(context, next.get(), leaf);
             })
          .status());
  *erasure = std::move(*next);
  return absl::OkStatus();
}

absl::Status Eraser::ApplyReseal(store::ChangeContext& context,
                                 Erasure* erasure, store::v1::Leaf* leaf) {
  if (erasure->state != ErasureState::kResealing) return Overtaken();
  const auto configuration = parts_.configuration();
  std::vector<uint64_t> keeping;
  for (const auto& member : erasure->job.members()) {
    if (member.keeps())
      keeping.push_back(static_cast<uint64_t>(member.subject()));
  }
  for (const uint64_t subject : keeping) {
    CONSENTRY_ASSIGN_OR_RETURN(const Member member,
                               ReadMember(context.connection(), *parts_.slots,
                                          configuration->bundle(), subject));
    CONSENTRY_RETURN_IF_ERROR(
        ResealMember(context, member, keeping, &erasure->job));
    context.Touch(static_cast<int64_t>(subject));
    context.OnStored([cache = parts_.cache, subject] {
      cache->Invalidate(subject, INT64_MAX);
    });
    TellSubject(context, member.keys, parts_.log_origin, {"erasure=resealed"},
                leaf);
  }
  erasure->job.clear_kept();
  erasure->state = ErasureState::kResealed;
  return WriteErasure(context, *parts_.epochs->keys(), *erasure, 0);
}

absl::Status Eraser::DestroyKeys(Erasure* erasure) {
  std::vector<uint64_t> all;
  std::vector<uint64_t> keeping;
  uint64_t named = 0;
  for (const auto& member : erasure->job.members()) {
    const auto subject = static_cast<uint64_t>(member.subject());
    (member.keeps() ? keeping : all).push_back(subject);
    CONSENTRY_ASSIGN_OR_RETURN(const crypto::SlotInfo info,
                               parts_.slots->Info(subject));
    if (info.state == crypto::SlotState::kDestroyed) {
      named = std::max(named, info.log_index);
    }
  }
  if (erasure->job.entry_index() == 0) {
    // After a crash: the slots name the entry, if one of them is destroyed.
    if (named != 0) {
      erasure->job.set_entry_index(named);
    } else {
      CONSENTRY_RETURN_IF_ERROR(Begin(erasure));
    }
  }
  Step("destroy");
  const uint64_t index = erasure->job.entry_index();
  if (!all.empty()) {
    CONSENTRY_RETURN_IF_ERROR(parts_.slots->Destroy(all, index));
  }
  for (const uint64_t subject : keeping) {
    Step("drop_old_keys");
    CONSENTRY_RETURN_IF_ERROR(
        parts_.slots->DropPrevious(subject, kBothKeys, index));
  }
  for (const uint64_t subject : SubjectsOf(erasure->job)) {
    parts_.cache->Invalidate(subject, INT64_MAX);
  }
  return absl::OkStatus();
}

absl::Status Eraser::RemoveRows(Erasure* erasure) {
  uint64_t last = 0;
  for (bool more = true; more;) {
    Step("rows");
    auto next = std::make_shared<std::pair<Erasure, bool>>();
    CONSENTRY_ASSIGN_OR_RETURN(
        const store::ChangeOutcome outcome,
        Commit("system.erasure_rows", erasure->id,
               [this, id = erasure->id, index = erasure->job.entry_index(),
                next](store::ChangeContext& context,
                      store::v1::Leaf*) -> absl::Status {
                 CONSENTRY_ASSIGN_OR_RETURN(
                     next->first, ReadErasure(context.connection(),
                                              *parts_.epochs->keys(), id));
                 if (next->first.job.entry_index() == 0) {
                   next->first.job.set_entry_index(index);
                 }
                 CONSENTRY_ASSIGN_OR_RETURN(next->second,
                                            ApplyRemove(context, &next->first));
                 return absl::OkStatus();
               }));
    *erasure = std::move(next->first);
    more = next->second;
    last = outcome.log_index;
  }
  if (parts_.trail == nullptr) return absl::OkStatus();
  Step("forget");
  // Entries from here on are under the new audit key, or about nobody.
  return parts_.trail->Forget(SubjectsOf(erasure->job), last);
}

absl::StatusOr<bool> Eraser::ApplyRemove(store::ChangeContext& context,
                                         Erasure* erasure) {
  if (erasure->state == ErasureState::kResealed) {
    erasure->state = ErasureState::kDestroyed;
    erasure->job.set_destroyed_us(context.now_us());
  }
  if (erasure->state != ErasureState::kDestroyed) return Overtaken();
  int64_t room = kRowsPerChange;
  for (const auto& member : erasure->job.members()) {
    CONSENTRY_RETURN_IF_ERROR(
        RemoveRowsOf(parts_, context, static_cast<uint64_t>(member.subject()),
                     member.keeps(), &room));
    if (room <= 0) break;
  }
  CONSENTRY_RETURN_IF_ERROR(
      WriteErasure(context, *parts_.epochs->keys(), *erasure, 0));
  return room <= 0;
}

absl::Status Eraser::End(Erasure* erasure) {
  Step("end");
  auto next = std::make_shared<Erasure>();
  CONSENTRY_RETURN_IF_ERROR(
      Commit("system.erasure_done", erasure->id,
             [this, id = erasure->id, next](
                 store::ChangeContext& context,
                 store::v1::Leaf* leaf) -> absl::Status {
               CONSENTRY_ASSIGN_OR_RETURN(
                   *next, ReadErasure(context.connection(),
                                      *parts_.epochs->keys(), id));
               return ApplyEnd(context, next.get(), leaf);
             })
          .status());
  *erasure = std::move(*next);
  base::Log(kErased, {{"erasure", erasure->id},
                      {"kept", erasure->state == ErasureState::kKept}});
  Step("done");
  return absl::OkStatus();
}

absl::Status Eraser::ApplyEnd(store::ChangeContext& context, Erasure* erasure,
                              store::v1::Leaf* leaf) {
  if (erasure->state != ErasureState::kDestroyed) return Overtaken();
  store::v1::ErasureJob& job = erasure->job;
  std::vector<store::v1::ErasedMember> keeping;
  for (const auto& member : job.members()) {
    if (member.keeps()) keeping.push_back(member);
  }
  for (const auto& member : keeping) {
    CONSENTRY_ASSIGN_OR_RETURN(
        vault::HeadEdit edit,
        vault::HeadEdit::Begin(&context, *parts_.slots,
                               static_cast<uint64_t>(member.subject())));
    edit.head().set_erasing(false);
    edit.head().set_erased_us(job.destroyed_us());
    CONSENTRY_RETURN_IF_ERROR(edit.Write(parts_.cache));
    TellSubject(context, edit.keys(), parts_.log_origin, {"erasure=kept"},
                leaf);
  }
  job.mutable_members()->Assign(keeping.begin(), keeping.end());
  erasure->subject =
      keeping.empty() ? 0 : static_cast<uint64_t>(keeping[0].subject());
  erasure->state = keeping.empty() ? ErasureState::kDone : ErasureState::kKept;
  for (const std::string& field : job.failed()) {
    leaf->add_details("failed=" + field);
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const int64_t final_us,
      parts_.final_us(context.connection(), job.destroyed_us()));
  CONSENTRY_ASSIGN_OR_RETURN(
      const v1::ErasureCertificate certificate,
      MakeCertificate(job, parts_.log_origin, final_us, *parts_.signer));
  job.set_certificate(certificate.SerializeAsString());
  CONSENTRY_RETURN_IF_ERROR(parts_.suppression->Settle(context, erasure->id));
  if (parts_.finished && !job.case_id().empty()) {
    CONSENTRY_RETURN_IF_ERROR(parts_.finished(context, certificate));
  }
  const bool ends = erasure->state == ErasureState::kKept && job.next_us() != 0;
  return WriteErasure(context, *parts_.epochs->keys(), *erasure,
                      ends ? job.next_us() : INT64_MAX);
}

}  // namespace consentry::erasure
