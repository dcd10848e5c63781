#include "gateway/server/wire_rights.h"

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/constant.h"
#include "gateway/base/log.h"
#include "gateway/erasure/holds.h"
#include "gateway/rights/case_dates.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::server {
namespace {

constexpr base::LogEvent kSweepFailed{base::LogLevel::kError, 8040,
                                      "server.case_retention_failed"};
constexpr std::chrono::hours kSweepInterval{24};

rights::Outgoing OutgoingOf(const erasure::ErasureDesk* erasures,
                            const Delivery* delivery) {
  rights::Outgoing outgoing;
  outgoing.tell = [delivery](store::ChangeContext& context, uint64_t subject,
                             std::string_view text, std::string_view language,
                             std::map<std::string, std::string> arguments) {
    delivery::Arguments taken;
    for (auto& [name, value] : arguments) taken[name] = std::move(value);
    return delivery->sender()->TellCustomer(context, subject, text, language,
                                            std::move(taken));
  };
  outgoing.tell_recipients = [delivery](
                                 store::ChangeContext& context,
                                 uint64_t subject, std::string_view event,
                                 const std::vector<std::string>& targets) {
    return delivery->outbox()->Tell(context, subject, event, targets,
                                    /*client_id=*/"");
  };
  WireErasures(erasures, &outgoing);
  return outgoing;
}

}  // namespace

void WireErasures(const erasure::ErasureDesk* erasures,
                  rights::Outgoing* outgoing) {
  outgoing->plan_erasure = [erasures](store::Connection* connection,
                                      uint64_t subject)
      -> absl::StatusOr<std::vector<store::v1::CaseOutcome>> {
    CONSENTRY_ASSIGN_OR_RETURN(const v1::ErasurePlan plan,
                               erasures->Plan(connection, subject));
    std::vector<store::v1::CaseOutcome> outcomes;
    for (const v1::RightsOutcome& planned : plan.outcomes()) {
      store::v1::CaseOutcome outcome;
      outcome.set_target(planned.target());
      outcome.set_disposition(planned.disposition());
      outcome.set_ground(planned.ground());
      outcome.set_document(planned.document());
      if (planned.has_keep_until()) {
        outcome.set_keep_until_us(MicrosOf(planned.keep_until()));
      }
      outcomes.push_back(std::move(outcome));
    }
    return outcomes;
  };
  outgoing->erase = [erasures](store::ChangeContext& context, uint64_t subject,
                               const store::v1::RightsCaseDoc& doc,
                               store::v1::Leaf* leaf) -> absl::Status {
    // A part goes by its retention, or by a correction; keys are of the whole.
    if (!doc.fields().empty()) {
      return MakeError(v1::ERROR_REASON_STATE_INVALID,
                       "an erasure is of all that is held of the customer");
    }
    erasure::ErasureOrder order;
    order.subject = subject;
    order.case_id = doc.id();
    for (const store::v1::CaseOutcome& outcome : doc.outcomes()) {
      // Of a pack: staff refused it. What the plan keeps by itself, on a ground
      // of the catalog, it keeps again.
      if (outcome.ground_id().empty()) continue;
      policy::Retained retained;
      if (outcome.target() != "*") retained.fields = {outcome.target()};
      retained.ground = outcome.ground();
      retained.document = outcome.document();
      retained.until_us = outcome.keep_until_us();
      order.retained.push_back(std::move(retained));
    }
    return erasures->Decide(context, order, leaf).status();
  };
  outgoing->cancel_erasure = [erasures](store::ChangeContext& context,
                                        std::string_view case_id,
                                        store::v1::Leaf* leaf) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto status, erasures->StatusOf(context.connection(), case_id));
    if (!status) return absl::OkStatus();
    return erasures->Cancel(context, status->id, leaf);
  };
}

void WireCases(const rights::CaseDesk* cases, erasure::ErasureParts* parts) {
  parts->rows.push_back(
      [cases](store::ChangeContext& context, uint64_t subject, int64_t limit) {
        return cases->rows().Forget(context.connection(), subject, limit);
      });
  parts->finished = [cases](store::ChangeContext& context,
                            const v1::ErasureCertificate& certificate) {
    return cases->Erased(context, certificate);
  };
}

void TellDates(const rights::CaseDesk* cases,
               const oversight::BreachRegister* breaches,
               store::ReaderPool* readers, delivery::Digest* digest) {
  using Lines = absl::StatusOr<std::vector<std::string>>;
  const auto dates =
      [cases, readers](int64_t now_us) -> absl::StatusOr<rights::CaseDates> {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, readers->Acquire());
    return rights::DatesOf(cases->rows(), lease.get(), now_us);
  };
  const auto urgent = [dates, breaches](int64_t now_us) -> Lines {
    CONSENTRY_ASSIGN_OR_RETURN(auto lines, breaches->DueLines(now_us));
    CONSENTRY_ASSIGN_OR_RETURN(const auto found, dates(now_us));
    lines.insert(lines.end(), found.urgent.begin(), found.urgent.end());
    return lines;
  };
  digest->AddAlarm(urgent);
  digest->Add(urgent);
  digest->Add([dates](int64_t now_us) -> Lines {
    CONSENTRY_ASSIGN_OR_RETURN(auto found, dates(now_us));
    return std::move(found.due);
  });
}

void RightsParts::Start() {
  sweep = std::make_unique<base::Periodic>(
      base::Constant("case-retention"), kSweepInterval, [this] {
        if (const auto removed = retention->Run(); !removed.ok()) {
          base::Log(kSweepFailed, {{"status", removed.status()}});
        }
      });
  sweep->Wake();
}

void WireAgents(rights::AgentBook::Options options, RightsParts* parts) {
  parts->agents = std::make_unique<rights::AgentBook>(std::move(options));
  parts->consent_agents =
      std::make_unique<rights::ConsentAgents>(parts->agents.get());
}

void WireRights(RightsWiring wiring, RightsParts* parts) {
  const access::AnswerParts answers{.configuration = wiring.cases.configuration,
                                    .committer = wiring.cases.committer,
                                    .workers = wiring.workers};
  wiring.cases.agents = parts->agents.get();
  wiring.cases.outgoing = OutgoingOf(wiring.erasures, wiring.delivery);
  wiring.cases.outgoing.find_decision = std::move(wiring.find_decision);
  wiring.cases.outgoing.review = std::move(wiring.review);
  rights::CaseRetention::Options retention;
  retention.configuration = wiring.cases.configuration;
  retention.committer = wiring.cases.committer;
  retention.readers = wiring.cases.readers;
  retention.is_held = [slots = wiring.cases.slots](
                          store::Connection* connection,
                          uint64_t subject) -> absl::StatusOr<bool> {
    const auto keys = slots->Load(subject);
    // Erased meanwhile.
    if (absl::IsFailedPrecondition(keys.status())) return false;
    CONSENTRY_RETURN_IF_ERROR(keys.status());
    CONSENTRY_ASSIGN_OR_RETURN(const auto holds,
                               erasure::HoldsOn(connection, *keys));
    return erasure::AnyHoldsAll(holds);
  };
  parts->cases = std::make_unique<rights::CaseDesk>(std::move(wiring.cases));
  retention.rows = &parts->cases->rows();
  parts->retention =
      std::make_unique<rights::CaseRetention>(std::move(retention));
  parts->reads = std::make_unique<rights::CaseReads>(
      rights::CaseReads::Options{.parts = answers,
                                 .desk = parts->cases.get(),
                                 .agents = parts->agents.get(),
                                 .page_tokens = wiring.page_tokens});
  parts->completion =
      std::make_unique<rights::CaseCompletion>(rights::CaseCompletion::Options{
          .parts = answers,
          .desk = parts->cases.get(),
          .trail = wiring.trail,
          .log_size = [log = wiring.log] { return log->size(); },
          .writer = wiring.writer,
          .is_suppressed =
              [desk = wiring.erasures](store::Connection* connection,
                                       const v1::Identifier& identifier) {
                return desk->IsSuppressed(connection, identifier);
              },
          .add_outputs = std::move(wiring.add_outputs)});
}

}  // namespace consentry::server
