#include "gateway/vault/head_edit.h"

#include <string>
#include <utility>

#include "gateway/vault/head_codec.h"
#include "proto/support/status_macros.h"

namespace consentry::vault {

absl::StatusOr<HeadEdit> HeadEdit::Begin(store::ChangeContext* context,
                                         const crypto::SlotFile& slots,
                                         uint64_t subject) {
  auto keys = slots.Load(subject);
  if (!keys.ok()) {
    return absl::IsFailedPrecondition(keys.status())
               ? absl::NotFoundError("the subject's keys are destroyed")
               : keys.status();
  }
  HeadEdit edit(context, *std::move(keys));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, context->connection()->Prepare(
                      "SELECT version, head FROM subjects WHERE subject = $1"));
  query.Bind(static_cast<int64_t>(subject));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return absl::NotFoundError("no such subject");
  edit.version_ = query.Int64(0);
  edit.sealed_before_ = std::string(query.Blob(1));
  CONSENTRY_ASSIGN_OR_RETURN(
      edit.head_, OpenHead(edit.keys_, edit.version_, edit.sealed_before_));
  return edit;
}

absl::Status HeadEdit::Write(HeadCache* cache) {
  const auto subject = static_cast<int64_t>(keys_.subject());
  head_.set_version(static_cast<uint64_t>(context_->number()));
  CONSENTRY_ASSIGN_OR_RETURN(const std::string sealed, SealHead(keys_, head_));
  CONSENTRY_ASSIGN_OR_RETURN(auto history,
                             context_->connection()->Prepare(
                                 "INSERT INTO facts (subject, version, head) "
                                 "VALUES ($1, $2, $3)"));
  history.Bind(subject, version_, sealed_before_);
  CONSENTRY_RETURN_IF_ERROR(history.Run());
  CONSENTRY_ASSIGN_OR_RETURN(auto update,
                             context_->connection()->Prepare(
                                 "UPDATE subjects SET version = $2, head = $3 "
                                 "WHERE subject = $1"));
  update.Bind(subject, context_->number(), sealed);
  CONSENTRY_RETURN_IF_ERROR(update.Run());
  context_->Touch(subject);
  context_->OnStored([cache, subject, version = context_->number()] {
    cache->Invalidate(static_cast<uint64_t>(subject), version);
  });
  return absl::OkStatus();
}

}  // namespace consentry::vault
