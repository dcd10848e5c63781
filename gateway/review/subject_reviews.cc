#include "gateway/review/subject_reviews.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "gateway/review/review_state.h"
#include "policy/engine/civil.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::review {
namespace {

using store::v1::ReviewDoc;
using store::v1::ReviewWords;

constexpr size_t kRowsAtOnce = 256;

// "REVIEW_STATE_SECOND_LOOK" -> "second look".
std::string Word(absl::string_view name, absl::string_view prefix) {
  return absl::StrReplaceAll(
      absl::AsciiStrToLower(absl::StripPrefix(name, prefix)), {{"_", " "}});
}

std::string TriggerWord(const ReviewDoc& doc) {
  return Word(
      v1::ReviewTrigger_Name(static_cast<v1::ReviewTrigger>(doc.trigger())),
      "REVIEW_TRIGGER_");
}
// A claim is nothing that she is told of.
std::string StateWord(const ReviewDoc& doc) {
  return Word(v1::ReviewState_Name(static_cast<v1::ReviewState>(doc.state())),
              "REVIEW_STATE_");
}
std::string VerdictWord(const ReviewDoc& doc) {
  if (doc.decided_us() == 0) return "";
  return Word(
      v1::ReviewVerdict_Name(static_cast<v1::ReviewVerdict>(doc.verdict())),
      "REVIEW_VERDICT_");
}

}  // namespace

absl::StatusOr<std::vector<ReviewRow>> SubjectReviews::RowsOf(
    store::Connection* connection, const Members& members, size_t most) const {
  std::vector<ReviewRow> rows;
  for (const auto& member : members) {
    size_t taken = 0;
    for (int64_t below = INT64_MAX; taken < most;) {
      const size_t limit = std::min(kRowsAtOnce, most - taken);
      bool more = false;
      CONSENTRY_ASSIGN_OR_RETURN(
          auto found, rows_->OfSubject(connection, member->subject(), limit,
                                       below, &below, &more));
      taken += found.size();
      for (ReviewRow& row : found) rows.push_back(std::move(row));
      if (!more) break;
    }
  }
  std::sort(rows.begin(), rows.end(),
            [](const ReviewRow& a, const ReviewRow& b) { return a.no > b.no; });
  if (rows.size() > most) rows.resize(most);
  return rows;
}

absl::StatusOr<std::vector<v1::HumanReview>> SubjectReviews::List(
    store::Connection* connection, const Members& members, size_t most) const {
  CONSENTRY_ASSIGN_OR_RETURN(const auto rows,
                             RowsOf(connection, members, most));
  std::vector<v1::HumanReview> reviews;
  for (const ReviewRow& row : rows) {
    v1::HumanReview& review = reviews.emplace_back();
    review.set_review_id(row.doc.id());
    SetTime(row.doc.created_us(), review.mutable_time());
    review.set_target(row.doc.target());
    review.set_why(TriggerWord(row.doc));
    review.set_state(StateWord(row.doc));
    review.set_verdict(VerdictWord(row.doc));
    if (row.doc.decided_us() != 0) {
      SetTime(row.doc.decided_us(), review.mutable_decide_time());
    } else {
      SetTime(row.doc.due_us(), review.mutable_due_time());
    }
  }
  return reviews;
}

absl::Status SubjectReviews::AddTo(store::Connection* connection,
                                   const crypto::Grant& grant,
                                   const Members& members,
                                   store::v1::AccessReport* report) const {
  CONSENTRY_ASSIGN_OR_RETURN(const auto rows,
                             RowsOf(connection, members, SIZE_MAX));
  for (const ReviewRow& row : rows) {
    CONSENTRY_ASSIGN_OR_RETURN(const auto words,
                               rows_->OpenWords(connection, grant, row));
    store::v1::ReportReview* told = report->add_reviews();
    told->set_id(row.doc.id());
    told->set_time(policy::FormatTime(row.doc.created_us()));
    told->set_target(row.doc.target());
    told->set_why(TriggerWord(row.doc));
    told->set_state(StateWord(row.doc));
    told->set_verdict(VerdictWord(row.doc));
    if (row.doc.decided_us() != 0) {
      told->set_decided(policy::FormatTime(row.doc.decided_us()));
    }
    for (const ReviewWords& piece : words) {
      switch (piece.kind()) {
        case ReviewWords::STATEMENT:
          told->add_statements(piece.text());
          break;
        case ReviewWords::QUESTION:
          told->add_questions(piece.text());
          break;
        // All that was written about her is hers to see, what did not become
        // final too.
        case ReviewWords::RATIONALE:
        case ReviewWords::OUTCOME:
          told->add_answers(piece.text());
          break;
        default:
          break;
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace consentry::review
