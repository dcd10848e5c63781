#include "gateway/server/wire_review.h"

#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "gateway/base/constant.h"
#include "gateway/base/log.h"
#include "proto/support/error.h"

namespace consentry::server {
namespace {

constexpr base::LogEvent kTickFailed{base::LogLevel::kWarn, 5001,
                                     "review.upkeep_failed"};
constexpr std::chrono::seconds kTick{60};

absl::Status NoTarget() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND, "no output has this id");
}

}  // namespace

absl::Status Review::LateTarget::Apply(store::ChangeContext& context,
                                       std::string_view target,
                                       review::Ruling ruling,
                                       std::string_view new_outcome,
                                       store::v1::Leaf* leaf) {
  if (to == nullptr) return NoTarget();
  return to->Apply(context, target, ruling, new_outcome, leaf);
}

absl::StatusOr<review::TargetCase> Review::LateTarget::Describe(
    store::Connection* connection, std::string_view target,
    const crypto::Grant& grant) {
  if (to == nullptr) return NoTarget();
  return to->Describe(connection, target, grant);
}

Review::Review(Options options) {
  options.parts.target = &target_;
  options.parts.tell = [sender = options.sender](
                           store::ChangeContext& context, uint64_t subject,
                           std::string_view text,
                           std::map<std::string, std::string> arguments) {
    delivery::Arguments taken;
    for (auto& [name, value] : arguments) taken[name] = std::move(value);
    return sender->TellCustomer(context, subject, text, /*language=*/"",
                                std::move(taken));
  };
  const access::AnswerParts answers{
      .configuration = options.parts.configuration,
      .committer = options.parts.committer,
      .workers = options.workers};
  desk_ = std::make_unique<review::ReviewDesk>(std::move(options.parts));
  reads_ = std::make_unique<review::ReviewReads>(
      review::ReviewReads::Options{.parts = answers,
                                   .desk = desk_.get(),
                                   .reads = options.reads,
                                   .page_tokens = options.page_tokens});
}

void Review::Start() {
  thread_ =
      std::make_unique<base::Periodic>(base::Constant("review"), kTick, [this] {
        for (const auto& done : {desk_->TimeOutDue(), desk_->ForgetOld()}) {
          if (!done.ok()) base::Log(kTickFailed, {{"status", done.status()}});
        }
      });
  thread_->Wake();
}

}  // namespace consentry::server
