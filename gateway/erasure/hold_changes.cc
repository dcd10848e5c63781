#include "gateway/erasure/hold_changes.h"

#include <string>
#include <utility>
#include <vector>

#include "gateway/erasure/erasure_rows.h"
#include "gateway/erasure/leaf_subjects.h"
#include "gateway/vault/head_edit.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::erasure {
namespace {

// Of her and of those who are joined with her.
absl::StatusOr<std::vector<Erasure>> OpenErasures(
    const ErasureParts& parts, store::Connection* connection,
    const vault::HeadEdit& edit, const store::v1::SubjectHead& head) {
  std::vector<uint64_t> subjects = {edit.subject()};
  for (const int64_t other : head.links()) {
    subjects.push_back(static_cast<uint64_t>(other));
  }
  std::vector<Erasure> open;
  for (const uint64_t subject : subjects) {
    CONSENTRY_ASSIGN_OR_RETURN(
        std::vector<Erasure> own,
        FindOpen(connection, *parts.epochs->keys(), subject));
    for (Erasure& one : own) open.push_back(std::move(one));
  }
  return open;
}

// A held one goes on.
void SetErasing(store::v1::SubjectHead* head) {
  head->set_erasing(true);
  head->set_erasure_held(false);
}

absl::Status WrongState(std::string_view message) {
  return MakeError(v1::ERROR_REASON_STATE_INVALID, message);
}

}  // namespace

absl::StatusOr<Hold> PlaceHoldIn(const ErasureParts& parts,
                                 store::ChangeContext& context,
                                 uint64_t subject, store::v1::HeldBack doc,
                                 store::v1::Leaf* leaf) {
  CONSENTRY_ASSIGN_OR_RETURN(
      vault::HeadEdit edit,
      vault::HeadEdit::Begin(&context, *parts.slots, subject));
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::vector<Erasure> open,
      OpenErasures(parts, context.connection(), edit, edit.head()));
  for (const Erasure& erasure : open) {
    if (erasure.under_way()) return WrongState("an erasure has begun");
  }
  Hold hold;
  hold.id = context.number();
  hold.public_id = crypto::NewObjectId();
  hold.subject = subject;
  hold.in_force = true;
  hold.doc = std::move(doc);
  hold.doc.set_created_us(context.now_us());
  hold.doc.clear_lifted_us();
  CONSENTRY_RETURN_IF_ERROR(WriteHold(context, edit.keys(), hold));
  edit.head().set_legal_hold(true);
  CONSENTRY_RETURN_IF_ERROR(edit.Write(parts.cache));
  TellSubject(context, edit.keys(), parts.log_origin, {"hold=placed"}, leaf);
  return hold;
}

absl::StatusOr<Hold> LiftHoldIn(const ErasureParts& parts,
                                store::ChangeContext& context,
                                std::string_view public_id,
                                store::v1::Leaf* leaf) {
  store::Connection* const connection = context.connection();
  CONSENTRY_ASSIGN_OR_RETURN(Hold hold,
                             FindHold(connection, *parts.slots, public_id));
  if (!hold.in_force) return WrongState("the hold is not in force");
  CONSENTRY_ASSIGN_OR_RETURN(
      vault::HeadEdit edit,
      vault::HeadEdit::Begin(&context, *parts.slots, hold.subject));
  hold.in_force = false;
  hold.doc.set_lifted_us(context.now_us());
  CONSENTRY_RETURN_IF_ERROR(WriteHold(context, edit.keys(), hold));
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<Hold> others,
                             HoldsOn(connection, edit.keys()));
  edit.head().set_legal_hold(!others.empty());
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::vector<Erasure> open,
      OpenErasures(parts, connection, edit, edit.head()));
  bool goes_on = false;
  std::vector<std::string> changes = {"hold=lifted"};
  for (Erasure erasure : open) {
    int64_t due_us = context.now_us();
    if (erasure.state == ErasureState::kHeld) {
      // Other holds are looked at when it begins.
      erasure.state = ErasureState::kWaiting;
      due_us = erasure.job.due_us();
      for (const store::v1::ErasedMember& member : erasure.job.members()) {
        const auto other = static_cast<uint64_t>(member.subject());
        if (other == edit.subject()) {
          SetErasing(&edit.head());
          changes.push_back("erasure=decided");
          continue;
        }
        auto joined = vault::HeadEdit::Begin(&context, *parts.slots, other);
        if (absl::IsNotFound(joined.status())) continue;
        CONSENTRY_RETURN_IF_ERROR(joined.status());
        SetErasing(&joined->head());
        CONSENTRY_RETURN_IF_ERROR(joined->Write(parts.cache));
        TellSubject(context, joined->keys(), parts.log_origin,
                    {"erasure=decided"}, leaf);
      }
    } else if (erasure.under_way() || erasure.state == ErasureState::kKept) {
      // What was planned to be kept goes when the rest is gone.
      erasure.job.set_next_us(context.now_us());
    } else {
      continue;
    }
    goes_on = true;
    CONSENTRY_RETURN_IF_ERROR(
        WriteErasure(context, *parts.epochs->keys(), erasure, due_us));
  }
  CONSENTRY_RETURN_IF_ERROR(edit.Write(parts.cache));
  TellSubject(context, edit.keys(), parts.log_origin, changes, leaf);
  if (goes_on && parts.wake) context.OnStored(parts.wake);
  return hold;
}

}  // namespace consentry::erasure
