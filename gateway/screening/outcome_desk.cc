#include "gateway/screening/outcome_desk.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/screening/pressure_rows.h"
#include "gateway/screening/pressure_words.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::screening {
namespace {

// Clocks of two machines differ.
constexpr int64_t kMaxSkewUs = int64_t{60} * 1'000'000;

struct Target {
  int64_t no = 0;
  uint64_t subject = 0;
  std::string output_key;
};

absl::StatusOr<std::optional<Target>> Find(store::Connection* connection,
                                           const char* sql,
                                           std::string_view key) {
  CONSENTRY_ASSIGN_OR_RETURN(auto query, connection->Prepare(sql));
  query.Bind(key);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  std::optional<Target> target;
  if (found) {
    target = Target{query.Int64(0), static_cast<uint64_t>(query.Int64(1)),
                    std::string(query.Blob(2))};
  }
  return target;
}

bool DefaultsToOne(v1::OutcomeKind kind) {
  return kind == v1::OUTCOME_KIND_SHOWN || kind == v1::OUTCOME_KIND_OPENED ||
         kind == v1::OUTCOME_KIND_CLICKED ||
         kind == v1::OUTCOME_KIND_COMPLAINED;
}

}  // namespace

absl::StatusOr<v1::ErrorReason> OutcomeDesk::RecordOne(
    store::ChangeContext& context, const access::Caller& caller,
    const v1::Outcome& outcome, store::v1::Leaf* leaf) const {
  if (MicrosOf(outcome.time()) > context.now_us() + kMaxSkewUs) {
    return v1::ERROR_REASON_FIELD_INVALID;
  }
  store::Connection* const connection = context.connection();
  std::optional<Target> target;
  const auto id = crypto::ParseId(crypto::IdKind::kScreening, outcome.output());
  std::string output_key;
  if (id.ok()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        target, Find(connection,
                     "SELECT screening_no, subject, output_key FROM screenings "
                     "WHERE screening_id = $1",
                     {reinterpret_cast<const char*>(id->data()), id->size()}));
    if (!target) return v1::ERROR_REASON_NOT_FOUND;
    output_key = target->output_key;
  } else {
    output_key =
        parts_->rows->keys().Output(caller.client_id, outcome.output());
    CONSENTRY_ASSIGN_OR_RETURN(
        target, Find(connection,
                     "SELECT screening_no, subject, output_key FROM screenings "
                     "WHERE output_key = $1",
                     output_key));
  }
  v1::Outcome told = outcome;
  if (told.value() == 0 && DefaultsToOne(told.kind())) told.set_value(1);
  std::optional<crypto::SubjectKeys> keys;
  if (target && target->subject != 0) {
    auto loaded = parts_->rows->slots().Load(target->subject);
    // Erased: what became of it concerns nobody any more.
    if (absl::IsFailedPrecondition(loaded.status())) {
      return v1::ERROR_REASON_UNSPECIFIED;
    }
    CONSENTRY_RETURN_IF_ERROR(loaded.status());
    keys = *std::move(loaded);
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const bool added,
      parts_->outcomes->Add(connection, output_key, target ? target->no : 0,
                            keys ? &*keys : nullptr, told, caller.client_id,
                            context.now_us()));
  if (!added || !keys) return v1::ERROR_REASON_UNSPECIFIED;
  if (told.kind() == v1::OUTCOME_KIND_COMPLAINED) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const ScreeningRow row,
        parts_->rows->ReadByNumber(connection, target->no));
    conduct::Refusal refusal;
    refusal.time_us = MicrosOf(told.time());
    refusal.purpose = row.doc.purpose();
    refusal.channel = static_cast<policy::Channel>(row.doc.channel());
    CONSENTRY_RETURN_IF_ERROR(
        PressureRows::Add(connection, *keys, refusal, context.now_us()));
    leaf->add_details(RefusalDetail(leaf->subjects_size(), refusal));
  }
  const crypto::SubjectTag tag = crypto::ComputeSubjectTag(
      *keys, parts_->log_origin, crypto::MonthOf(context.now_us()));
  leaf->add_subjects()->set_tag(tag.data(), tag.size());
  context.TellOf(static_cast<int64_t>(keys->subject()));
  return v1::ERROR_REASON_UNSPECIFIED;
}

void OutcomeDesk::Record(const access::Caller& caller,
                         const v1::RecordOutcomeRequest& request,
                         const Check& check, Done done) {
  std::vector<v1::ErrorReason> checked;
  for (const v1::Outcome& outcome : request.outcomes()) {
    const absl::Status status = check(outcome);
    checked.push_back(status.ok() ? v1::ERROR_REASON_UNSPECIFIED
                                  : ReasonOf(status).value_or(
                                        v1::ERROR_REASON_FIELD_INVALID));
  }
  store::Change change;
  change.apply = [this, caller, outcomes = request.outcomes(),
                  checked](store::ChangeContext& context) -> absl::Status {
    store::v1::Leaf leaf =
        clients::LeafOf(*parts_->configuration(), caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    v1::RecordOutcomeResponse response;
    for (int i = 0; i < outcomes.size(); ++i) {
      v1::ErrorReason reason = checked[static_cast<size_t>(i)];
      if (reason == v1::ERROR_REASON_UNSPECIFIED) {
        CONSENTRY_ASSIGN_OR_RETURN(
            reason, RecordOne(context, caller, outcomes[i], &leaf));
      }
      response.add_results(reason);
    }
    leaf.add_details(absl::StrCat("outcomes=", outcomes.size()));
    context.SetResult(response.SerializeAsString());
    context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  };
  parts_->committer->CommitChange(
      std::move(change),
      [done = std::move(done)](store::ChangeOutcome outcome) mutable {
        v1::RecordOutcomeResponse response;
        if (!outcome.status.ok()) {
          done(std::move(outcome.status));
        } else if (!response.ParseFromString(outcome.result)) {
          done(MakeError(v1::ERROR_REASON_INTERNAL, "a result is broken"));
        } else {
          done(std::move(response));
        }
      });
}

}  // namespace consentry::screening
