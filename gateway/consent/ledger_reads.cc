#include "gateway/consent/ledger_reads.h"

#include <functional>

#include "gateway/crypto/subject_tag.h"
#include "proto/support/status_macros.h"

namespace consentry::consent {
namespace {

// What a name that leads nowhere counts as in a budget.
uint64_t BudgetNumber(const v1::SubjectRef& ref) {
  return uint64_t{1} << 63 | std::hash<std::string>()(ref.SerializeAsString());
}

// Names the members in the entry, or somebody who is nobody; gives the versions
// that the answer rests on.
std::vector<store::SubjectVersion> Tell(const Members& members,
                                        const std::string& log_origin,
                                        int64_t now_us, store::v1::Leaf* leaf) {
  std::vector<store::SubjectVersion> seen;
  for (const auto& member : members) {
    const crypto::SubjectTag tag = crypto::ComputeSubjectTag(
        member->keys(), log_origin, crypto::MonthOf(now_us));
    store::v1::LeafSubject* told = leaf->add_subjects();
    told->set_tag(tag.data(), tag.size());
    told->set_version(static_cast<uint64_t>(member->version()));
    told->set_member(!seen.empty());
    seen.push_back(
        {static_cast<int64_t>(member->subject()), member->version()});
  }
  if (seen.empty()) {
    const crypto::SubjectTag tag = crypto::RandomTag();
    leaf->add_subjects()->set_tag(tag.data(), tag.size());
    seen.push_back({0, 0});
  }
  return seen;
}

}  // namespace

absl::Status LedgerReads::Begin(
    const Question& question,
    const std::function<absl::Status(const LedgerView&)>& check, int attempt,
    Read* read) const {
  read->commit.as_of_change = options_.committer->LastStored();
  read->configuration = options_.configuration();
  const int64_t now_us = options_.committer->NowUs();
  const auto* registration =
      read->configuration->FindById(question.caller.client_id);
  if (registration == nullptr) {
    return MakeError(v1::ERROR_REASON_CLIENT_UNKNOWN,
                     "the registration is gone");
  }
  read->view = {read->configuration.get(), registration, nullptr,
                &read->members, now_us};
  CONSENTRY_RETURN_IF_ERROR(check(read->view));
  if (!question.unlimited) {
    CONSENTRY_RETURN_IF_ERROR(
        registration->CheckContext(question.caller.context));
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::vector<uint64_t> subjects,
      question.find != nullptr
          ? question.find()
          : changes_->FindSubjects(question.caller, question.subject, false));
  const uint64_t counted =
      subjects.empty() ? BudgetNumber(question.subject) : subjects.front();
  if (attempt == 1 && !registration->use().budget.Charge(
                          counted, options_.clock->MonotonicUs())) {
    return MakeError(v1::ERROR_REASON_BUDGET_EXHAUSTED,
                     "the registration's customers per hour are used up");
  }
  if (!subjects.empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(read->lease, options_.readers->Acquire());
    vault::SubjectReader::HeadOptions options;
    options.as_of_change = read->commit.as_of_change;
    options.past_cache = attempt > 1;
    auto group = options_.subjects->ReadGroup(read->lease.get(),
                                              subjects.front(), options);
    if (group.ok()) {
      read->members = *std::move(group);
      read->view.connection = read->lease.get();
    } else if (!absl::IsNotFound(group.status())) {
      return group.status();
    }
  }
  read->commit.configuration_epoch = read->configuration->epoch();
  read->commit.decided_at_us = now_us;
  read->leaf = clients::LeafOf(*read->configuration, question.caller, now_us);
  return absl::OkStatus();
}

void LedgerReads::Seal(Read* read) const {
  read->commit.subjects =
      Tell(read->members, options_.log_origin, read->view.now_us, &read->leaf);
  read->commit.entry = read->leaf.SerializeAsString();
}

std::string LedgerReads::AuditReference(uint64_t log_index) const {
  return options_.tokens->Encode(crypto::TokenKind::kAudit,
                                 crypto::LogPosition{log_index, 0}.Pack());
}

}  // namespace consentry::consent
