#include "gateway/delivery/task_desk.h"

#include <charconv>
#include <utility>
#include <vector>

#include "gateway/clients/configuration.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::delivery {
namespace {

constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;
constexpr int kDefaultPage = 50;

bool IsGone(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsFailedPrecondition(status);
}

absl::Status NoSuchTask() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND, "no task has this id");
}

// Rows of tasks by number, finished ones too where they are asked for.
absl::StatusOr<std::vector<NoticeRow>> TasksAfter(store::Connection* reader,
                                                  bool finished, int64_t after,
                                                  size_t limit) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto rows, NoticesIn(reader, NoticeChannel::kTask, NoticeState::kOpen,
                           after, limit));
  if (!finished) return rows;
  CONSENTRY_ASSIGN_OR_RETURN(
      auto done, NoticesIn(reader, NoticeChannel::kTask, NoticeState::kDone,
                           after, limit));
  std::vector<NoticeRow> both;
  auto a = rows.begin();
  auto b = done.begin();
  while (both.size() < limit && (a != rows.end() || b != done.end())) {
    const bool first =
        b == done.end() || (a != rows.end() && a->number < b->number);
    both.push_back(std::move(first ? *a++ : *b++));
  }
  return both;
}

}  // namespace

v1::RecipientTask TaskDesk::Show(
    const NoticeRow& row, const store::v1::RecipientNotice& notice) const {
  v1::RecipientTask task;
  task.set_id(crypto::FormatId(crypto::IdKind::kTask, row.id));
  const auto configuration = options_.answers.configuration();
  const clients::Registration* registration =
      configuration->FindById(row.client_id);
  // The organisation where it is named, else the registration.
  task.set_recipient(registration != nullptr &&
                             !registration->client().recipient().empty()
                         ? registration->client().recipient()
                         : row.client_id);
  task.set_event(notice.event());
  task.set_pseudonym(
      notice.pseudonym().empty()
          ? options_.tokens->Encode(crypto::TokenKind::kPseudonym, row.subject,
                                    row.client_id)
          : notice.pseudonym());
  for (const std::string& target : notice.targets()) task.add_targets(target);
  SetTime(row.due_hour * kHourUs, task.mutable_due_time());
  if (row.state == NoticeState::kDone) {
    SetTime(notice.complete_us(), task.mutable_complete_time());
  }
  return task;
}

void TaskDesk::List(access::Caller caller,
                    const v1::ListRecipientTasksRequest& request,
                    access::Done<v1::ListRecipientTasksResponse> done) const {
  const std::string client_id = caller.client_id;
  access::AnswerAudited<v1::ListRecipientTasksResponse>(
      options_.answers, std::move(caller),
      [this, client_id, request](access::AnswerEntry*)
          -> absl::StatusOr<v1::ListRecipientTasksResponse> {
        const int64_t now_us = options_.committer->NowUs();
        const std::string query =
            request.include_completed() ? "tasks:all" : "tasks:open";
        int64_t after = 0;
        if (!request.page_token().empty()) {
          const auto position = options_.page_tokens->Open(
              client_id, query, request.page_token(), now_us);
          if (!position.ok()) {
            return MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                             "not a page token of this list");
          }
          std::from_chars(position->data(), position->data() + position->size(),
                          after);
        }
        const auto size = static_cast<size_t>(
            request.page_size() == 0 ? kDefaultPage : request.page_size());
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
        v1::ListRecipientTasksResponse page;
        for (;;) {
          const size_t room = size - static_cast<size_t>(page.tasks_size());
          CONSENTRY_ASSIGN_OR_RETURN(
              const auto rows,
              TasksAfter(lease.get(), request.include_completed(), after,
                         room));
          for (const NoticeRow& row : rows) {
            after = row.number;
            auto notice = options_.keys.Open(row);
            if (IsGone(notice.status())) continue;
            CONSENTRY_RETURN_IF_ERROR(notice.status());
            *page.add_tasks() = Show(row, *notice);
          }
          if (rows.size() < room) return page;
          if (static_cast<size_t>(page.tasks_size()) >= size) break;
        }
        CONSENTRY_ASSIGN_OR_RETURN(
            *page.mutable_next_page_token(),
            options_.page_tokens->Seal(client_id, query, std::to_string(after),
                                       now_us));
        return page;
      },
      std::move(done));
}

void TaskDesk::Complete(const access::Caller& caller,
                        const v1::CompleteRecipientTaskRequest& request,
                        TaskDone done) const {
  const auto id = crypto::ParseId(crypto::IdKind::kTask, request.id());
  if (!id.ok()) {
    done(NoSuchTask());
    return;
  }
  store::Change change;
  if (!request.request_id().empty()) {
    v1::CompleteRecipientTaskRequest canonical = request;
    canonical.clear_request_id();
    change.request = store::RequestBinding{
        .client = caller.client_id,
        .request_id = request.request_id(),
        .method = caller.method,
        .request_hash =
            options_.digests->Of(clients::CanonicalBytes(canonical))};
  }
  change.apply = [this, caller, request,
                  id = *id](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(auto row, FindNotice(context.connection(), id));
    if (!row || row->channel != NoticeChannel::kTask) return NoSuchTask();
    if (row->state == NoticeState::kDone) {
      return MakeError(v1::ERROR_REASON_STATE_INVALID,
                       "the task is done already");
    }
    auto notice = options_.keys.Open(*row);
    if (IsGone(notice.status())) return NoSuchTask();
    CONSENTRY_RETURN_IF_ERROR(notice.status());
    notice->set_complete_us(context.now_us());
    notice->set_completed_by(caller.context.acting_person().empty()
                                 ? caller.client_id
                                 : caller.context.acting_person());
    notice->set_evidence(request.evidence());
    row->state = NoticeState::kDone;
    CONSENTRY_ASSIGN_OR_RETURN(row->doc, options_.keys.Seal(*row, *notice));
    CONSENTRY_RETURN_IF_ERROR(UpdateNotice(context.connection(), *row));
    store::v1::Leaf leaf = clients::LeafOf(*options_.answers.configuration(),
                                           caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details("task=" + request.id());
    context.SetEntry(clients::CanonicalBytes(leaf));
    context.SetResult(Show(*row, *notice).SerializeAsString());
    return absl::OkStatus();
  };
  options_.committer->CommitChange(
      std::move(change),
      [done = std::move(done)](store::ChangeOutcome outcome) mutable {
        if (!outcome.status.ok()) {
          done(std::move(outcome.status));
          return;
        }
        v1::RecipientTask task;
        if (!task.ParseFromString(outcome.result)) {
          done(MakeError(v1::ERROR_REASON_INTERNAL, "a kept result is broken"));
          return;
        }
        done(std::move(task));
      });
}

}  // namespace consentry::delivery
