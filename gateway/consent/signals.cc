#include "gateway/consent/signals.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gateway/consent/event_rows.h"
#include "gateway/consent/ledger_request.h"
#include "gateway/consent/opt_outs.h"
#include "gateway/consent/shown_states.h"
#include "gateway/crypto/ids.h"
#include "policy/engine/civil.h"
#include "policy/signals/signal.h"
#include "policy/signals/signal_error.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::consent {
namespace {

using clients::CallerContext;
using store::v1::ConsentEvent;

constexpr int64_t kDayUs = int64_t{86'400} * 1000 * 1000;
constexpr int64_t kMaxSkewUs = int64_t{60} * 1000 * 1000;
// The framework has its CMPs ask again after that.
constexpr uint32_t kTcfMonths = 13;

void SetTimes(const signals::TcString& tc, ReceivedSignal* received) {
  received->chosen_from_us = tc.last_updated_us;
  // Since 2021 strings tell the day alone.
  const bool whole_day = tc.last_updated_us % kDayUs == 0;
  received->chosen_until_us = tc.last_updated_us + (whole_day ? kDayUs - 1 : 0);
  received->language = absl::AsciiStrToLower(tc.consent_language);
}

absl::StatusOr<ReceivedSignal> Received(
    const char* format, const std::string& text,
    absl::StatusOr<signals::Signal> signal) {
  if (!signal.ok()) {
    RequestFaults faults;
    const auto error = signals::ErrorOf(signal.status());
    const std::string_view name =
        error ? signals::FaultName(error->fault) : "FORMAT";
    faults.Add(format == std::string_view("uspv1") ? "usp" : format,
               absl::StrCat(absl::string_view(name.data(), name.size()), ": ",
                            signal.status().message()));
    return faults.status();
  }
  ReceivedSignal received;
  received.format = format;
  received.text = text;
  received.meaning = signals::MeaningOf(*signal);
  if (const auto* tc = std::get_if<signals::TcString>(&*signal)) {
    SetTimes(*tc, &received);
  } else if (const auto* gpp = std::get_if<signals::GppString>(&*signal)) {
    for (const signals::GppSection& section : gpp->sections) {
      const auto* inner = std::get_if<signals::TcString>(&section.content);
      if (inner != nullptr) SetTimes(*inner, &received);
    }
  }
  return received;
}

template <class T>
absl::StatusOr<signals::Signal> AsSignal(absl::StatusOr<T> decoded) {
  if (!decoded.ok()) return decoded.status();
  return signals::Signal(*std::move(decoded));
}

absl::StatusOr<ReceivedSignal> ReadGiven(
    const v1::RecordSignalRequest& request) {
  switch (request.signal_case()) {
    case v1::RecordSignalRequest::kTcf:
      return Received("tcf", request.tcf(),
                      AsSignal(signals::DecodeTcf(request.tcf())));
    case v1::RecordSignalRequest::kGpp:
      return Received("gpp", request.gpp(),
                      AsSignal(signals::DecodeGpp(request.gpp())));
    case v1::RecordSignalRequest::kUsp:
      return Received("uspv1", request.usp(),
                      AsSignal(signals::DecodeUsp(request.usp())));
    default:
      break;
  }
  if (signals::IsGpc(request.gpc())) {
    return Received("gpc", request.gpc(),
                    signals::Signal(signals::GpcSignal{}));
  }
  RequestFaults faults;
  faults.Add("gpc", "is no signal unless it is exactly 1");
  return faults.status();
}

bool RestsOnConsent(const config::v1::Purpose& purpose) {
  return std::any_of(
      purpose.bases().begin(), purpose.bases().end(),
      [](const config::v1::Basis& basis) {
        return basis.basis() == config::v1::LawfulBasis::CONSENT ||
               basis.basis() == config::v1::LawfulBasis::EXPLICIT_CONSENT;
      });
}

const store::v1::DerivedConsent* FindDerived(const store::v1::SubjectHead& head,
                                             const std::string& purpose) {
  const auto found = std::find_if(
      head.consents().begin(), head.consents().end(),
      [&](const auto& consent) { return consent.purpose() == purpose; });
  return found == head.consents().end() ? nullptr : &*found;
}

// Whether a consent by signal may be added where `held` stands.
bool MakesRoom(const store::v1::DerivedConsent* held) {
  return held == nullptr || held->status() != v1::CONSENT_STATUS_GIVEN ||
         held->actor() == ConsentEvent::SIGNAL;
}

bool IsRecorded(const std::vector<ConsentEvent>& events,
                const ReceivedSignal& signal) {
  return std::any_of(events.rbegin(), events.rend(),
                     [&](const ConsentEvent& event) {
                       return event.type() == ConsentEvent::SIGNALLED &&
                              event.method() == signal.format &&
                              event.evidence() == signal.text;
                     });
}

// Of the signals of one request, the one that speaks about purposes.
const ReceivedSignal* WithChoices(const SignalPlan& plan) {
  for (const ReceivedSignal& signal : plan.signals) {
    if (signal.meaning.tcf.present) return &signal;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<std::vector<ReceivedSignal>> ReadSignals(
    const v1::RecordSignalRequest& request, bool gpc_in_metadata) {
  std::vector<ReceivedSignal> received;
  if (request.signal_case() != v1::RecordSignalRequest::SIGNAL_NOT_SET) {
    CONSENTRY_ASSIGN_OR_RETURN(ReceivedSignal one, ReadGiven(request));
    received.push_back(std::move(one));
  }
  const bool is_gpc = !received.empty() && received.front().format == "gpc";
  if (gpc_in_metadata && !is_gpc) {
    CONSENTRY_ASSIGN_OR_RETURN(
        ReceivedSignal gpc,
        Received("gpc", "1", signals::Signal(signals::GpcSignal{})));
    received.push_back(std::move(gpc));
  }
  if (received.empty()) {
    RequestFaults faults;
    faults.Add("signal", "is required");
    return faults.status();
  }
  return received;
}

SignalPlan PlanOf(std::vector<ReceivedSignal> received,
                  const clients::Configuration& configuration,
                  const CallerContext& caller) {
  SignalPlan plan;
  plan.signals = std::move(received);
  std::set<int> opt_outs;
  for (const ReceivedSignal& signal : plan.signals) {
    plan.global_privacy_control |= signal.meaning.global_privacy_control;
    for (const auto& opt_out : signal.meaning.opt_outs) {
      opt_outs.insert(static_cast<int>(opt_out.kind));
    }
  }
  plan.opt_outs.assign(opt_outs.begin(), opt_outs.end());
  const ReceivedSignal* choices = WithChoices(plan);
  if (choices == nullptr) return plan;
  const auto* registration = configuration.FindById(caller.client_id);
  const bool may_give = registration != nullptr &&
                        registration->CheckContext(caller.context).ok();
  const policy::Bundle& bundle = configuration.bundle();
  for (size_t i = 0; i < bundle.purpose_count(); ++i) {
    const config::v1::Purpose& purpose =
        bundle.purpose(static_cast<policy::PurposeId>(i));
    const uint32_t asked =
        signals::TcfPurposesOf(purpose.key(), purpose.purpose_class());
    switch (signals::ChoiceFor(choices->meaning.tcf, asked,
                               RestsOnConsent(purpose))) {
      case signals::Choice::kNone:
        break;
      case signals::Choice::kRefuse:
        plan.refused.push_back(purpose.key());
        break;
      case signals::Choice::kGive:
        if (may_give && registration->MayAttest(purpose.key(), kTcfNotice)) {
          const uint32_t kept = purpose.retention_months();
          plan.given.push_back(
              {purpose.key(),
               kept == 0 ? kTcfMonths : std::min(kept, kTcfMonths)});
        }
        break;
    }
  }
  return plan;
}

absl::StatusOr<Edited> Signals::Apply(
    const CallerContext& caller, const SignalPlan& plan, int64_t capture_us,
    v1::Channel channel, store::ChangeContext* context, vault::HeadEdit* head,
    v1::RecordSignalResponse* response) const {
  const int64_t now_us = context->now_us();
  const int64_t received_us =
      capture_us == 0 ? now_us : std::min(capture_us, now_us);
  CONSENTRY_ASSIGN_OR_RETURN(const auto known,
                             ReadEvents(context->connection(), head->keys(),
                                        head->head().consent_events()));
  ConsentEvent base;
  base.set_actor(ConsentEvent::SIGNAL);
  base.set_client_id(caller.client_id);
  base.set_channel(channel);
  base.set_received_at_us(now_us);

  std::vector<ConsentEvent> events;
  bool fresh_choices = false;
  const ReceivedSignal* const choices = WithChoices(plan);
  for (const ReceivedSignal& signal : plan.signals) {
    if (IsRecorded(known, signal)) continue;
    ConsentEvent event = base;
    event.set_event_id(crypto::NewId(crypto::IdKind::kConsentEvent));
    event.set_type(ConsentEvent::SIGNALLED);
    event.set_method(signal.format);
    event.set_evidence(signal.text);
    event.set_captured_at_us(received_us);
    if (&signal == choices) {
      fresh_choices = true;
      base.set_evidence(event.event_id());
      base.set_method(signal.format);
    }
    events.push_back(std::move(event));
  }
  if (fresh_choices) {
    for (const std::string& purpose : plan.refused) {
      ConsentEvent event = base;
      event.set_purpose(purpose);
      const auto* held = FindDerived(head->head(), purpose);
      event.set_type(held != nullptr &&
                             held->status() == v1::CONSENT_STATUS_GIVEN
                         ? ConsentEvent::WITHDRAWN
                         : ConsentEvent::REFUSED);
      // The last moment at which she may have chosen.
      event.set_captured_at_us(std::min(received_us, choices->chosen_until_us));
      events.push_back(std::move(event));
    }
    for (const SignalPlan::Grant& grant : plan.given) {
      if (!MakesRoom(FindDerived(head->head(), grant.purpose))) continue;
      ConsentEvent event = base;
      event.set_purpose(grant.purpose);
      event.set_type(ConsentEvent::GIVEN);
      event.set_notice_id(kTcfNotice);
      event.set_notice_version(
          std::max<uint32_t>(1, choices->meaning.tcf.vendor_list_version));
      event.set_notice_language(choices->language);
      // The first.
      event.set_captured_at_us(std::min(received_us, choices->chosen_from_us));
      event.set_valid_until_us(
          policy::AddMonths(event.captured_at_us(), grant.months));
      if (event.valid_until_us() <= now_us) continue;
      if (options_.notices != nullptr) options_.notices->Judge(&event);
      events.push_back(std::move(event));
    }
  }
  Edited edited;
  if (!events.empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        Appended appended,
        AppendEvents(context->connection(), head, std::move(events)));
    edited.changes = std::move(appended.changes);
    edited.narrows = appended.narrows;
  }
  std::set<int> fresh(plan.opt_outs.begin(), plan.opt_outs.end());
  for (const int kind : head->head().opt_outs()) fresh.erase(kind);
  if (!fresh.empty()) {
    for (std::string& line : TakeOptOuts(fresh, received_us, &head->head())) {
      edited.changes.push_back(std::move(line));
    }
    edited.narrows = true;
  }
  if (plan.global_privacy_control && !head->head().global_privacy_control()) {
    head->head().set_global_privacy_control(true);
    edited.changes.push_back("gpc=set");
    edited.narrows = true;
  }

  std::set<std::string> shown(plan.refused.begin(), plan.refused.end());
  for (const auto& grant : plan.given) shown.insert(grant.purpose);
  for (const std::string& purpose : shown) {
    const auto* held = FindDerived(head->head(), purpose);
    if (held != nullptr) *response->add_states() = ToState(*held, now_us);
  }
  std::set<int> standing(response->opt_outs().begin(),
                         response->opt_outs().end());
  standing.insert(head->head().opt_outs().begin(),
                  head->head().opt_outs().end());
  response->clear_opt_outs();
  for (const int kind : standing) {
    response->add_opt_outs(static_cast<v1::OptOutKind>(kind));
  }
  response->set_global_privacy_control(response->global_privacy_control() ||
                                       head->head().global_privacy_control());
  return edited;
}

void Signals::NoteGpc(const CallerContext& caller, uint64_t subject) const {
  {
    MutexLock lock(&mu_);
    if (!noting_.insert(subject).second) return;
  }
  CallerContext noted = caller;
  noted.event = "consent.signal";
  SignalPlan plan;
  plan.global_privacy_control = true;
  ReceivedSignal signal;
  signal.format = "gpc";
  signal.text = "1";
  signal.meaning.global_privacy_control = true;
  plan.signals.push_back(std::move(signal));
  const auto shared = std::make_shared<const SignalPlan>(std::move(plan));
  EditHead edit = [this, noted, shared](
                      store::ChangeContext& context,
                      vault::HeadEdit& head) -> absl::StatusOr<Edited> {
    v1::RecordSignalResponse unused;
    return Apply(noted, *shared, /*capture_us=*/0, v1::CHANNEL_UNSPECIFIED,
                 &context, &head, &unused);
  };
  options_.committer->CommitChange(
      changes_.Make(
          {.caller = noted, .request_id = "", .canonical = "", .purpose = ""},
          {subject},
          /*negative=*/true, std::move(edit), [] { return std::string(); }),
      [this, subject](const store::ChangeOutcome&) {
        MutexLock lock(&mu_);
        noting_.erase(subject);
      });
}

void Signals::Record(const CallerContext& caller,
                     const v1::RecordSignalRequest& request,
                     Done<v1::RecordSignalResponse> done) const {
  const auto configuration = options_.configuration();
  int64_t capture_us = 0;
  if (request.has_capture_time()) {
    capture_us = MicrosOf(request.capture_time());
    if (capture_us > options_.committer->NowUs() + kMaxSkewUs) {
      RequestFaults faults;
      faults.Add("capture_time", "lies in the future");
      done(faults.status());
      return;
    }
  }
  auto received =
      ReadSignals(request, caller.context.signals().global_privacy_control());
  if (!received.ok()) {
    done(received.status());
    return;
  }
  auto subjects = changes_.FindSubjects(caller, request.subject(), true);
  if (!subjects.ok()) {
    done(subjects.status());
    return;
  }
  SignalPlan plan = PlanOf(*std::move(received), *configuration, caller);
  // Several who share the name: nobody knows whose consent it is.
  if (subjects->size() > 1) plan.given.clear();

  auto response = std::make_shared<v1::RecordSignalResponse>();
  const bool negative = plan.negative();
  const auto shared = std::make_shared<const SignalPlan>(std::move(plan));
  EditHead edit = [this, caller, shared, capture_us,
                   channel = request.channel(),
                   response](store::ChangeContext& context,
                             vault::HeadEdit& head) -> absl::StatusOr<Edited> {
    return Apply(caller, *shared, capture_us, channel, &context, &head,
                 response.get());
  };
  MakeResult result = [shared, response] {
    // Each purpose once; a purpose of nobody we know counts as just refused.
    std::map<std::string, v1::ConsentState> states;
    for (v1::ConsentState& state : *response->mutable_states()) {
      states[state.purpose()] = std::move(state);
    }
    response->clear_states();
    AddUnknown(shared->refused, v1::CONSENT_STATUS_REFUSED, states,
               response->mutable_states());
    std::set<int> kinds(response->opt_outs().begin(),
                        response->opt_outs().end());
    kinds.insert(shared->opt_outs.begin(), shared->opt_outs.end());
    response->clear_opt_outs();
    for (const int kind : kinds) {
      response->add_opt_outs(static_cast<v1::OptOutKind>(kind));
    }
    if (shared->global_privacy_control) {
      response->set_global_privacy_control(true);
    }
    return response->SerializeAsString();
  };
  const LedgerRequest asked =
      LedgerRequestOf(caller, request, "", request.channel());
  auto told = changes_.Told(std::move(done));
  if (negative) {
    changes_.CommitNegative(asked, *subjects, edit, result, std::move(told));
    return;
  }
  options_.committer->CommitChange(
      changes_.Make(asked, *std::move(subjects), /*negative=*/false,
                    std::move(edit), std::move(result)),
      std::move(told));
}

}  // namespace consentry::consent
