#include "gateway/consent/choice.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "policy/engine/civil.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::consent {
namespace {

using store::v1::ConsentEvent;

bool IsGrant(const ConsentEvent& event) {
  return event.type() == ConsentEvent::GIVEN ||
         event.type() == ConsentEvent::RENEWED;
}

AgentAct ActOf(const ConsentEvent& event) {
  if (IsGrant(event)) return AgentAct::kGive;
  return event.type() == ConsentEvent::WITHDRAWN ? AgentAct::kWithdraw
                                                 : AgentAct::kRefuse;
}

absl::Status SetAgent(const LedgerOptions& options, const Choice& choice,
                      store::ChangeContext* context,
                      const vault::HeadEdit& head, ConsentEvent* event) {
  if (choice.agent_id.empty()) return absl::OkStatus();
  const AgentAct act = ActOf(*event);
  const uint64_t subject = head.subject();
  CONSENTRY_ASSIGN_OR_RETURN(
      const AgentPower power,
      PowerOver(options.agents, context->connection(), choice.agent_id,
                {&act, 1}, {&subject, 1}, context->now_us()));
  event->set_agent_id(choice.agent_id);
  event->set_actor(power.guardian ? ConsentEvent::GUARDIAN
                                  : ConsentEvent::AGENT);
  if (power.guardian) event->set_parental_authorisation(true);
  return absl::OkStatus();
}

// A child's consent that nobody authorised is not recorded at all: it would
// read as one that stands.
absl::Status CheckParent(const LedgerOptions& options, const Choice& choice,
                         const ConsentEvent& event,
                         store::ChangeContext* context, vault::HeadEdit* head) {
  if (!IsGrant(event) || event.parental_authorisation() ||
      options.needs_parent == nullptr) {
    return absl::OkStatus();
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto joined,
                             JoinedHeads(options, context, *head));
  std::vector<const store::v1::SubjectHead*> heads = {&head->head()};
  for (const store::v1::SubjectHead& other : joined) heads.push_back(&other);
  const auto configuration = options.configuration();
  for (const std::string& purpose : choice.purposes) {
    if (options.needs_parent(*configuration, heads, purpose,
                             context->now_us())) {
      return MakeError(v1::ERROR_REASON_MINOR,
                       "the customer is a child: whoever is responsible for "
                       "her must authorise the consent");
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<uint32_t> MonthsOf(const clients::Configuration& configuration,
                               const std::vector<std::string>& purposes) {
  std::vector<uint32_t> months;
  for (const std::string& purpose : purposes) {
    const auto id = configuration.bundle().FindPurpose(purpose);
    months.push_back(id ? configuration.bundle().purpose(*id).retention_months()
                        : 0);
  }
  return months;
}

void SetActor(const clients::CallerContext& caller, ConsentEvent* event) {
  if (caller.IsCustomer()) {
    event->set_actor(ConsentEvent::SELF);
    event->clear_client_id();
  } else {
    event->set_actor(ConsentEvent::ATTESTED);
    event->set_client_id(caller.client_id);
  }
}

void SetNotice(const v1::NoticeRef& notice, ConsentEvent* event) {
  event->set_notice_id(notice.id());
  event->set_notice_version(notice.version());
  event->set_notice_hash(absl::HexStringToBytes(notice.text_hash()));
  event->set_notice_language(notice.language());
}

absl::StatusOr<std::vector<store::v1::SubjectHead>> JoinedHeads(
    const LedgerOptions& options, store::ChangeContext* context,
    vault::HeadEdit& head) {
  std::vector<store::v1::SubjectHead> heads;
  for (const int64_t other : head.head().links()) {
    auto joined = vault::HeadEdit::Begin(context, *options.slots,
                                         static_cast<uint64_t>(other));
    if (absl::IsNotFound(joined.status())) continue;
    CONSENTRY_RETURN_IF_ERROR(joined.status());
    heads.push_back(std::move(joined->head()));
  }
  return heads;
}

absl::StatusOr<Appended> AppendChoice(const LedgerOptions& options,
                                      const Choice& choice,
                                      store::ChangeContext* context,
                                      vault::HeadEdit* head) {
  ConsentEvent event = choice.event;
  event.set_received_at_us(context->now_us());
  event.set_captured_at_us(
      event.captured_at_us() == 0
          ? context->now_us()
          : std::min(event.captured_at_us(), context->now_us()));
  CONSENTRY_RETURN_IF_ERROR(SetAgent(options, choice, context, *head, &event));
  CONSENTRY_RETURN_IF_ERROR(CheckParent(options, choice, event, context, head));
  std::vector<ConsentEvent> events;
  for (size_t i = 0; i < choice.purposes.size(); ++i) {
    ConsentEvent one = event;
    one.set_purpose(choice.purposes[i]);
    if (IsGrant(one) && one.valid_until_us() == 0 && i < choice.months.size() &&
        choice.months[i] > 0) {
      one.set_valid_until_us(
          policy::AddMonths(one.captured_at_us(), choice.months[i]));
    }
    if (options.notices != nullptr) options.notices->Judge(&one);
    events.push_back(std::move(one));
  }
  return AppendEvents(context->connection(), head, std::move(events));
}

}  // namespace consentry::consent
