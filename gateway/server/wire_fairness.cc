#include "gateway/server/wire_fairness.h"

#include <utility>

#include "proto/support/status_macros.h"

namespace consentry::server {

absl::StatusOr<std::unique_ptr<Fairness>> Fairness::Open(
    const Options& options) {
  auto made = std::unique_ptr<Fairness>(new Fairness);
  made->rows_ =
      std::make_unique<fairness::FairnessRows>(options.epochs, options.digests);
  const access::AnswerParts& answers = options.answers;
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      made->watch_, fairness::FairnessWatch::Open(
                        {.configuration = answers.configuration,
                         .subjects = options.subjects,
                         .rows = made->rows_.get(),
                         .on_found =
                             [answers, digest = options.digest](
                                 std::vector<fairness::FairnessFinding> found) {
                               fairness::RecordFindings(answers.committer,
                                                        answers.configuration,
                                                        found);
                               digest->Wake();
                             }},
                        lease.get()));
  const auto lines = [watch = made->watch_.get()](int64_t now_us) {
    return fairness::FindingLines(*watch, now_us);
  };
  options.digest->AddAlarm(lines);
  options.digest->Add(lines);
  made->desk_ = std::make_unique<fairness::FairnessDesk>(
      fairness::FairnessDesk::Options{.answers = answers,
                                      .watch = made->watch_.get(),
                                      .rows = made->rows_.get(),
                                      .digests = options.digests,
                                      .page_tokens = options.page_tokens});
  return made;
}

}  // namespace consentry::server
