#include "gateway/access/transparency.h"

#include <chrono>

#include "gateway/access/subject_facts.h"
#include "gateway/access/subject_view.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::access {
namespace {

constexpr size_t kMostConsultations = 1000;
constexpr size_t kMostOutputs = 1000;
constexpr int64_t kYearUs = int64_t{365} * 24 * 3600 * 1'000'000;
constexpr std::chrono::milliseconds kIndexWait(5000);

}  // namespace

absl::StatusOr<v1::TransparencyView> Transparency::Make(
    const v1::GetTransparencyViewRequest& request, AnswerEntry* entry) const {
  const auto configuration = options_.parts.configuration();
  const int64_t now_us = options_.parts.committer->NowUs();
  if (!options_.trail->WaitUntilIndexed(options_.log->size(), kIndexWait)) {
    return MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                     "the index of the log is still catching up");
  }
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(const auto key,
                             options_.subjects->MakeKey(request.subject()));
  CONSENTRY_ASSIGN_OR_RETURN(const auto subject,
                             options_.subjects->Resolve(lease.get(), key));
  v1::TransparencyView view;
  if (options_.is_suppressed) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const bool suppressed,
        options_.is_suppressed(lease.get(), request.subject()));
    view.set_suppressed(suppressed);
  }
  std::vector<std::shared_ptr<const vault::CachedSubject>> members;
  if (subject) {
    auto group = options_.subjects->ReadGroup(lease.get(), *subject, {});
    if (group.ok()) {
      members = *std::move(group);
    } else if (!absl::IsNotFound(group.status())) {
      return group.status();
    }
  }
  if (members.empty()) {
    entry->Tell(nullptr, options_.log_origin, now_us);
    return view;
  }
  for (const auto& member : members) {
    entry->Tell(member.get(), options_.log_origin, now_us);
  }
  const auto& bundle = configuration->policy().bundle;
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto held,
      HeldFields(*bundle, *options_.subjects, lease.get(), members));
  view.mutable_held()->Assign(held.begin(), held.end());
  const auto facts = FactsOf(bundle, members);
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto purposes,
      PurposeUses(*configuration, *facts,
                  request.language().empty() ? "en" : request.language(),
                  now_us));
  view.mutable_purposes()->Assign(purposes.begin(), purposes.end());
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto consultations,
      Consultations(*configuration, options_.trail, members,
                    request.has_from_time() ? MicrosOf(request.from_time())
                                            : now_us - kYearUs,
                    kMostConsultations));
  view.mutable_consultations()->Assign(consultations.begin(),
                                       consultations.end());
  if (options_.outputs) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto outputs,
        options_.outputs(lease.get(), members, kMostOutputs));
    view.mutable_outputs()->Assign(outputs.begin(), outputs.end());
  }
  if (options_.reviews) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto reviews,
        options_.reviews(lease.get(), members, kMostOutputs));
    view.mutable_reviews()->Assign(reviews.begin(), reviews.end());
  }
  return view;
}

void Transparency::View(Caller caller,
                        const v1::GetTransparencyViewRequest& request,
                        Done<v1::TransparencyView> done) {
  AnswerAudited<v1::TransparencyView>(
      options_.parts, std::move(caller),
      [this, request](AnswerEntry* entry) { return Make(request, entry); },
      std::move(done));
}

}  // namespace consentry::access
