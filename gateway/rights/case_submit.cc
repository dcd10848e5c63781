#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/access/subject_facts.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/rights/case_code.h"
#include "gateway/rights/case_desk.h"
#include "gateway/rights/case_language.h"
#include "gateway/rights/case_law.h"
#include "policy/engine/civil.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::rights {
namespace {

using clients::CallerContext;
using store::v1::RightsCaseDoc;

// Whom a name that several share reaches in one change.
constexpr size_t kMostHolders = 256;

class Faults {
 public:
  void Add(std::string field, std::string description) {
    if (status_.ok()) {
      status_ =
          MakeError(v1::ERROR_REASON_FIELD_INVALID, "the request is not valid");
    }
    AddFieldViolation(&status_, {std::move(field), std::move(description)});
  }
  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
};

absl::Status Denied() {
  return MakeError(v1::ERROR_REASON_ACCESS_DENIED,
                   "no such customer, or not open to this caller");
}

// "de" of "de-AT", when it is a language tag at all.
bool IsLanguage(std::string_view tag) {
  return tag.size() >= 2 && tag.size() <= 35 &&
         std::all_of(tag.begin(), tag.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '-';
         });
}

std::vector<v1::OptOutKind> OptOutsOf(v1::RightsKind kind) {
  switch (kind) {
    case v1::RIGHTS_KIND_OPT_OUT_OF_SALE:
      return {v1::OPT_OUT_KIND_SALE, v1::OPT_OUT_KIND_SHARING,
              v1::OPT_OUT_KIND_TARGETED_ADVERTISING};
    case v1::RIGHTS_KIND_LIMIT_SENSITIVE:
      return {v1::OPT_OUT_KIND_SENSITIVE_DATA};
    case v1::RIGHTS_KIND_OPT_OUT_OF_PROFILING:
      return {v1::OPT_OUT_KIND_PROFILING, v1::OPT_OUT_KIND_AUTOMATED_DECISIONS};
    default:
      return {};
  }
}

}  // namespace

// A case in the making.
struct CaseOpening {
  CallerContext caller;
  CaseRow row;
  std::optional<store::v1::CaseWords> words;
  // At once, whoever asks: through the ledger.
  std::vector<v1::OptOutKind> opt_outs;
  std::vector<std::string> withdrawn;
  // Every holder of the name, the case's own subject included.
  std::vector<uint64_t> holders;
  bool staff = false;
  std::string code;

  RightsCaseDoc& doc() { return row.doc; }
};

namespace {

// Checks what needs nobody's data, and fills the case with it.
absl::Status CheckRequest(const policy::Bundle& bundle,
                          const v1::SubmitRightsCaseRequest& request,
                          int64_t now_us, CaseOpening* opening) {
  Faults faults;
  RightsCaseDoc& doc = opening->doc();
  for (const std::string& purpose : request.purposes()) {
    if (bundle.FindPurpose(purpose)) {
      doc.add_purposes(purpose);
      continue;
    }
    absl::Status status =
        MakeError(v1::ERROR_REASON_PURPOSE_NOT_ALLOWED, "no such purpose");
    AddErrorMetadata(&status, "purpose", purpose);
    return status;
  }
  const auto known = [&](const std::string& name) {
    return name.ends_with(".*")
               ? bundle.FindKind(name.substr(0, name.size() - 2)).has_value()
               : bundle.FindField(name).has_value();
  };
  for (const std::string& field : request.fields()) {
    if (!known(field)) faults.Add("fields", "no such field");
    doc.add_fields(field);
  }
  // One key opens all of her fields.
  if (request.kind() == v1::RIGHTS_KIND_ERASURE && !request.fields().empty()) {
    faults.Add("fields", "an erasure is of all that is held of the customer");
  }
  const bool corrects = request.kind() == v1::RIGHTS_KIND_RECTIFICATION;
  if (corrects != !request.corrections().empty()) {
    faults.Add("corrections", corrects ? "at least one, for a rectification"
                                       : "are for a rectification alone");
  }
  std::set<std::string> corrected;
  for (const auto& [field, value] : request.corrections()) {
    if (!bundle.FindField(field)) {
      faults.Add("corrections", "no such field");
    } else if (bundle.kind(bundle.kind_of(*bundle.FindField(field)))
                   .inferred()) {
      faults.Add("corrections", "what was inferred is not hers to write");
    }
    corrected.insert(field);
  }
  if (corrects) {
    doc.clear_fields();
    for (const std::string& field : corrected) doc.add_fields(field);
  }
  doc.set_received_us(
      request.has_receive_time() ? MicrosOf(request.receive_time()) : now_us);
  if (doc.received_us() > now_us) {
    faults.Add("receive_time", "is in the future");
  }
  if (!request.language().empty() && !IsLanguage(request.language())) {
    faults.Add("language", "must be a language tag, such as de");
  }
  if (!faults.status().ok()) return faults.status();
  doc.set_channel(request.channel() == v1::CHANNEL_UNSPECIFIED
                      ? v1::CHANNEL_WEB
                      : request.channel());
  doc.set_kind(request.kind());
  doc.set_decision_id(request.decision_id());
  doc.set_created_us(now_us);
  doc.set_id(crypto::NewId(crypto::IdKind::kRightsRequest));
  CONSENTRY_ASSIGN_OR_RETURN(
      opening->row.id,
      crypto::ParseId(crypto::IdKind::kRightsRequest, doc.id()));
  if (!request.statement().empty() || corrects) {
    opening->words.emplace();
    opening->words->set_statement(request.statement());
    *opening->words->mutable_corrections() = request.corrections();
  }
  return absl::OkStatus();
}

// What is stopped before anybody was identified (PROTOCOLS G5).
void FindEffects(const policy::Bundle& bundle, CaseOpening* opening) {
  RightsCaseDoc& doc = opening->doc();
  const auto kind = static_cast<v1::RightsKind>(doc.kind());
  opening->opt_outs = OptOutsOf(kind);
  if (kind != v1::RIGHTS_KIND_OBJECTION) return;
  if (doc.purposes().empty()) {
    opening->opt_outs.push_back(v1::OPT_OUT_KIND_DIRECT_MARKETING);
    return;
  }
  for (const std::string& key : doc.purposes()) {
    if (bundle.purpose(*bundle.FindPurpose(key)).purpose_class() ==
        config::v1::PurposeClass::DIRECT_MARKETING) {
      opening->withdrawn.push_back(key);
      doc.add_stopped(key);
    }
  }
}

// All that is asked for is done by what took effect at once.
bool IsDone(const CaseOpening& opening) {
  const RightsCaseDoc& doc = opening.row.doc;
  if (policy::IsUnverified(static_cast<v1::RightsKind>(doc.kind()))) {
    return true;
  }
  return doc.kind() == v1::RIGHTS_KIND_OBJECTION && !doc.purposes().empty() &&
         doc.stopped_size() == doc.purposes_size();
}

// No attached regime gives the right: refused, saying which were asked.
void RefuseForWantOfRight(CaseOpening* opening) {
  RightsCaseDoc& doc = opening->doc();
  const bool marketing_stopped =
      !opening->opt_outs.empty() || !opening->withdrawn.empty();
  if (marketing_stopped) {
    store::v1::CaseOutcome* granted = doc.add_outcomes();
    granted->set_target("direct_marketing");
    granted->set_disposition(v1::RIGHTS_DISPOSITION_GRANTED);
  }
  store::v1::CaseOutcome* refused = doc.add_outcomes();
  refused->set_target("*");
  refused->set_disposition(v1::RIGHTS_DISPOSITION_REFUSED);
  refused->set_ground("no law that applies gives this right");
  refused->set_document(absl::StrJoin(doc.without_right(), ", "));
  doc.set_state(marketing_stopped ? v1::RIGHTS_STATE_PARTIAL
                                  : v1::RIGHTS_STATE_REFUSED);
  doc.set_closed_us(doc.created_us());
}

// What would hand everything to, or take everything from, whoever found a
// browser open.
bool NeedsFreshLogin(v1::RightsKind kind) {
  return kind == v1::RIGHTS_KIND_ACCESS ||
         kind == v1::RIGHTS_KIND_PORTABILITY || kind == v1::RIGHTS_KIND_ERASURE;
}

}  // namespace

void CaseDesk::Submit(const CallerContext& caller,
                      const v1::SubmitRightsCaseRequest& request, Done done) {
  auto opening = std::make_shared<CaseOpening>();
  opening->caller = caller;
  const absl::Status prepared = [&]() -> absl::Status {
    const auto configuration = options_.configuration();
    const policy::Bundle& bundle = configuration->bundle();
    const int64_t now_us = options_.committer->NowUs();
    CONSENTRY_RETURN_IF_ERROR(
        CheckRequest(bundle, request, now_us, opening.get()));
    RightsCaseDoc& doc = opening->doc();
    opening->staff = !caller.IsCustomer() && !IsService(*configuration, caller);
    if (caller.IsCustomer() && NeedsFreshLogin(request.kind())) {
      CONSENTRY_RETURN_IF_ERROR(
          clients::CheckFreshLogin(*caller.person, now_us));
    }
    FindEffects(bundle, opening.get());

    // Whom it is about.
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    std::vector<std::shared_ptr<const vault::CachedSubject>> group;
    if (caller.IsCustomer()) {
      opening->holders = {caller.customer()};
    } else if (request.subject().ref_case() == v1::SubjectRef::kPseudonym) {
      const auto subject = options_.tokens->Decode(
          crypto::TokenKind::kPseudonym, request.subject().pseudonym(),
          caller.client_id);
      if (!subject.ok()) {
        return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                         "the pseudonym is not one of this caller");
      }
      opening->holders = {*subject};
    } else {
      CONSENTRY_ASSIGN_OR_RETURN(const auto key,
                                 options_.subjects->MakeKey(request.subject()));
      CONSENTRY_ASSIGN_OR_RETURN(
          opening->holders,
          options_.subjects->ResolveAll(lease.get(), key, kMostHolders));
      CONSENTRY_ASSIGN_OR_RETURN(const auto subject,
                                 options_.subjects->Resolve(lease.get(), key));
      if (subject) {
        opening->row.subject = *subject;
      } else {
        doc.set_reached_several(opening->holders.size() > 1);
      }
    }
    if (opening->row.subject == 0 && opening->holders.size() == 1) {
      opening->row.subject = opening->holders.front();
    }
    if (opening->row.subject != 0) {
      auto read =
          options_.subjects->ReadGroup(lease.get(), opening->row.subject, {});
      if (absl::IsNotFound(read.status())) {
        opening->row.subject = 0;
        opening->holders.clear();
      } else {
        CONSENTRY_RETURN_IF_ERROR(read.status());
        group = *std::move(read);
      }
    }

    if (opening->row.subject != 0 &&
        std::find(opening->holders.begin(), opening->holders.end(),
                  opening->row.subject) == opening->holders.end()) {
      opening->holders.push_back(opening->row.subject);
    }

    std::string held;
    if (KnownLanguage(request.language()).empty()) {
      CONSENTRY_ASSIGN_OR_RETURN(held,
                                 HeldLanguage(lease.get(), bundle, group));
    }
    doc.set_language(
        ChooseLanguage(request.language(), held, bundle.profile().home()));

    // What the law gives her.
    std::vector<const store::v1::SubjectHead*> heads;
    std::vector<std::string> kinds;
    for (const auto& member : group) {
      heads.push_back(&member->head());
      for (const auto& kind : member->head().kinds()) {
        if (kind.count() > 0) kinds.push_back(kind.kind());
      }
      for (const auto& place : member->head().residences()) {
        doc.add_residences(place.value());
      }
    }
    const CaseLaw law = LawOf(bundle, access::MakeFacts(bundle, heads), kinds,
                              request.kind(), doc.received_us());
    doc.mutable_clocks()->Assign(law.clocks.begin(), law.clocks.end());
    doc.mutable_without_right()->Assign(law.without_right.begin(),
                                        law.without_right.end());
    doc.set_required(law.required);
    doc.set_verified(v1::VERIFICATION_LEVEL_NONE);
    if (!group.empty()) doc.set_subject_id(group[0]->head().public_id());
    if (request.kind() == v1::RIGHTS_KIND_HUMAN_REVIEW &&
        !request.decision_id().empty() && options_.outgoing.find_decision) {
      // Whatever stands in the way of finding it does not in that of asking.
      const uint64_t found =
          options_.outgoing.find_decision(lease.get(), request.decision_id())
              .value_or(0);
      for (const auto& member : group) {
        if (member->subject() == found) doc.set_decision_subject(found);
      }
    }

    if (caller.IsCustomer()) {
      doc.set_verified(clients::CheckFreshLogin(*caller.person, now_us).ok()
                           ? v1::VERIFICATION_LEVEL_LOGIN
                           : v1::VERIFICATION_LEVEL_CONTACT);
    }
    if (!request.agent_id().empty()) {
      if (group.empty() || options_.agents == nullptr) return Denied();
      const auto power = options_.agents->FindPower(
          lease.get(), group[0]->keys(), request.agent_id(), now_us);
      if (absl::IsNotFound(power.status())) return Denied();
      CONSENTRY_RETURN_IF_ERROR(power.status());
      if (std::find(power->kinds().begin(), power->kinds().end(),
                    request.kind()) == power->kinds().end() ||
          (!law.agents && !power->guardian())) {
        return Denied();
      }
      doc.set_agent_id(request.agent_id());
      // The permission was looked at when the agent was recorded.
      if (power->guardian() || !law.ask_customer_too) {
        doc.set_verified(std::max<int>(doc.verified(), doc.required()));
      }
    }
    *doc.mutable_opened_by() = ActorOf(caller);

    if (IsDone(*opening)) {
      doc.set_state(v1::RIGHTS_STATE_COMPLETED);
      doc.set_in_force(true);
      doc.set_closed_us(now_us);
      doc.set_acknowledged_us(now_us);
    } else if (doc.clocks().empty()) {
      RefuseForWantOfRight(opening.get());
    } else if (doc.verified() >= doc.required() && opening->row.subject != 0) {
      doc.set_state(v1::RIGHTS_STATE_WORKING);
    } else {
      doc.set_state(v1::RIGHTS_STATE_VERIFYING);
      if (!opening->staff) opening->code = NewCode();
    }
    return absl::OkStatus();
  }();
  if (!prepared.ok()) {
    done(prepared);
    return;
  }

  store::Change change;
  if (!request.request_id().empty() && !request.validate_only()) {
    v1::SubmitRightsCaseRequest canonical = request;
    canonical.clear_request_id();
    change.request = store::RequestBinding{
        clients::RequesterOf(caller), request.request_id(), caller.method,
        options_.digests->Of(clients::CanonicalBytes(canonical))};
  }
  change.negative = !request.validate_only() &&
                    (request.kind() == v1::RIGHTS_KIND_RESTRICTION ||
                     request.kind() == v1::RIGHTS_KIND_OBJECTION ||
                     policy::IsUnverified(request.kind()));
  change.apply = [this, opening, dry = request.validate_only()](
                     store::ChangeContext& context) -> absl::Status {
    return Open(context, *opening, dry);
  };
  auto commit = [this, change = std::move(change),
                 done = std::move(done)](absl::Status before) mutable {
    if (!before.ok()) {
      done(std::move(before));
      return;
    }
    options_.committer->CommitChange(
        std::move(change),
        [done = std::move(done)](store::ChangeOutcome outcome) mutable {
          v1::RightsCase shown;
          if (!outcome.status.ok()) {
            done(std::move(outcome.status));
          } else if (!shown.ParseFromString(outcome.result)) {
            done(MakeError(v1::ERROR_REASON_INTERNAL,
                           "a kept result is broken"));
          } else {
            done(std::move(shown));
          }
        });
  };
  if (request.validate_only()) {
    commit(absl::OkStatus());
    return;
  }
  // What binds at once binds before the case that tells it is there: whoever
  // gets an error repeats the request, which changes no choice twice.
  auto then_withdraw = [this, opening, request, commit = std::move(commit)](
                           absl::Status before) mutable {
    if (!before.ok() || opening->withdrawn.empty()) {
      commit(std::move(before));
      return;
    }
    v1::WithdrawConsentRequest withdraw;
    *withdraw.mutable_subject() = request.subject();
    for (const std::string& purpose : opening->withdrawn) {
      withdraw.add_purposes(purpose);
    }
    withdraw.set_channel(request.channel());
    withdraw.set_method("rights_case");
    *withdraw.mutable_context() = request.context();
    options_.ledger->Withdraw(
        opening->caller, withdraw,
        [commit = std::move(commit)](auto answer) mutable {
          commit(answer.status());
        });
  };
  if (opening->opt_outs.empty()) {
    then_withdraw(absl::OkStatus());
    return;
  }
  v1::OptOutRequest opt_out;
  *opt_out.mutable_subject() = request.subject();
  for (const v1::OptOutKind kind : opening->opt_outs) opt_out.add_kinds(kind);
  opt_out.set_channel(request.channel());
  *opt_out.mutable_context() = request.context();
  options_.ledger->OptOut(
      caller, opt_out,
      [then_withdraw = std::move(then_withdraw)](auto answer) mutable {
        then_withdraw(answer.status());
      });
}

absl::Status CaseDesk::Open(store::ChangeContext& context,
                            const CaseOpening& opening, bool dry) {
  const CallerContext& caller = opening.caller;
  Step step;
  step.row = opening.row;
  step.words = opening.words ? &*opening.words : nullptr;
  step.row.case_no = context.number();
  RightsCaseDoc& doc = step.row.doc;
  doc.set_version(static_cast<uint64_t>(context.number()));
  step.leaf =
      clients::LeafOf(*options_.configuration(), caller, context.now_us());
  step.leaf.set_change_number(static_cast<uint64_t>(context.number()));
  step.leaf.add_details(absl::StrCat("kind=", doc.kind()));
  if (dry) {
    doc.clear_id();
    step.leaf.set_released_nothing(true);
    context.SetEntry(step.leaf.SerializeAsString());
    context.SetResult(Show(caller, doc).SerializeAsString());
    return absl::OkStatus();
  }
  step.leaf.add_details("case=" + doc.id());
  Note(caller, context.now_us(), "received", "", &doc);

  std::optional<vault::HeadEdit> own;
  if (step.row.subject != 0) {
    auto begun =
        vault::HeadEdit::Begin(&context, *options_.slots, step.row.subject);
    // Erased since it was found: the case would lead to nobody.
    if (absl::IsNotFound(begun.status())) {
      return MakeError(v1::ERROR_REASON_CONTENDED,
                       "what was asked about changed; repeat the call");
    }
    CONSENTRY_RETURN_IF_ERROR(begun.status());
    own.emplace(*std::move(begun));
    step.head = &*own;
    // Her keys may go before the case is answered, and nobody looks at it then.
    const store::v1::SubjectHead& head = own->head();
    step.row.by_system =
        head.erasing() || head.erasure_held() || head.erased_us() != 0;
  }
  if (doc.state() == v1::RIGHTS_STATE_WORKING ||
      doc.verified() >= v1::VERIFICATION_LEVEL_CONTACT) {
    CONSENTRY_RETURN_IF_ERROR(GoOn(context, caller, &step));
  }
  if (!opening.code.empty() && step.row.subject != 0) {
    SetCode(opening.code, context.now_us(), &doc);
    Tell(context, caller, "code.rights_request", {{"code", opening.code}},
         &step.row);
  } else if (policy::IsOpen(static_cast<v1::RightsState>(doc.state()))) {
    Tell(context, caller, "rights.received",
         {{"due", policy::FormatTime(DueOf(doc)).substr(0, 10)}}, &step.row);
    if (doc.steps(doc.steps_size() - 1).event() == "told") {
      doc.set_acknowledged_us(context.now_us());
    }
  }

  // Marketing by interest stops for everybody who holds the name.
  for (const uint64_t holder : opening.holders) {
    std::optional<vault::HeadEdit> other;
    vault::HeadEdit* head = own ? &*own : nullptr;
    if (holder != step.row.subject || !own) {
      if (doc.stopped().empty()) continue;
      auto begun = vault::HeadEdit::Begin(&context, *options_.slots, holder);
      if (absl::IsNotFound(begun.status())) continue;
      CONSENTRY_RETURN_IF_ERROR(begun.status());
      other.emplace(*std::move(begun));
      head = &*other;
    }
    std::vector<std::string> changes;
    if (head == step.head) changes = step.changes;
    for (const std::string& purpose : doc.stopped()) {
      auto* objections = head->head().mutable_objections();
      if (std::find(objections->begin(), objections->end(), purpose) ==
          objections->end()) {
        *objections->Add() = purpose;
      }
      changes.push_back(absl::StrCat("objection.", purpose, "=set"));
    }
    if (!changes.empty()) context.MarkNegative();
    const crypto::SubjectTag tag = crypto::ComputeSubjectTag(
        head->keys(), options_.log_origin, crypto::MonthOf(context.now_us()));
    CONSENTRY_RETURN_IF_ERROR(head->Write(options_.cache));
    store::v1::LeafSubject* told = step.leaf.add_subjects();
    told->set_tag(tag.data(), tag.size());
    told->set_version(static_cast<uint64_t>(context.number()));
    for (std::string& line : changes) told->add_changes(std::move(line));
  }
  CONSENTRY_RETURN_IF_ERROR(
      rows_.Insert(context.connection(), &step.row,
                   opening.words ? &*opening.words : nullptr));
  context.SetEntry(step.leaf.SerializeAsString());
  context.SetResult(Show(caller, doc).SerializeAsString());
  return absl::OkStatus();
}

void CaseDesk::Appeal(const CallerContext& caller,
                      const v1::AppealRightsCaseRequest& request, Done done) {
  const std::string id = crypto::NewId(crypto::IdKind::kRightsRequest);
  Plan plan = PlanOf(caller, request);
  plan.step = [this, caller, id, statement = request.statement()](
                  store::ChangeContext& context, Step* step) -> absl::Status {
    RightsCaseDoc& doc = step->row.doc;
    const int64_t now_us = context.now_us();
    if (!policy::After(StandingOf(doc), policy::CaseAction::kAppeal) ||
        !doc.appealed_by().empty() || !doc.appeals().empty()) {
      return MakeError(v1::ERROR_REASON_STATE_INVALID,
                       "the case holds no refusal that can be contested");
    }
    CaseRow row;
    row.case_no = context.number();
    row.subject = step->row.subject;
    CONSENTRY_ASSIGN_OR_RETURN(
        row.id, crypto::ParseId(crypto::IdKind::kRightsRequest, id));
    RightsCaseDoc& appeal = row.doc;
    for (const auto& clock : doc.clocks()) {
      const auto by = AppealBy(clock, doc.closed_us());
      if (!by || *by < now_us) continue;
      store::v1::CaseClock* running = appeal.add_clocks();
      *running = clock;
      running->set_appeal(true);
    }
    if (appeal.clocks().empty()) {
      return MakeError(v1::ERROR_REASON_STATE_INVALID,
                       "no regime of the case has an appeal whose time runs");
    }
    appeal.set_id(id);
    appeal.set_subject_id(doc.subject_id());
    appeal.set_kind(doc.kind());
    appeal.set_state(v1::RIGHTS_STATE_WORKING);
    appeal.set_received_us(now_us);
    appeal.set_created_us(now_us);
    appeal.set_channel(doc.channel());
    appeal.set_language(doc.language());
    *appeal.mutable_purposes() = doc.purposes();
    *appeal.mutable_fields() = doc.fields();
    appeal.set_decision_id(doc.decision_id());
    appeal.set_decision_subject(doc.decision_subject());
    appeal.set_verified(doc.verified());
    appeal.set_required(doc.required());
    appeal.set_agent_id(doc.agent_id());
    appeal.set_appeals(doc.id());
    *appeal.mutable_residences() = doc.residences();
    *appeal.mutable_opened_by() = ActorOf(caller);
    for (const auto* actor : {&doc.decided_by(), &doc.approved_by()}) {
      if (!actor->client_id().empty()) *appeal.add_excluded() = *actor;
    }
    appeal.set_version(static_cast<uint64_t>(context.number()));
    Note(caller, now_us, "received", "appeal", &appeal);
    store::v1::CaseWords words;
    words.set_statement(statement);
    CONSENTRY_RETURN_IF_ERROR(rows_.Insert(
        context.connection(), &row, statement.empty() ? nullptr : &words));
    doc.set_appealed_by(id);
    Note(caller, now_us, "appealed", "", &doc);
    step->leaf.add_details("appeal=" + id);
    step->answer = std::move(row.doc);
    return absl::OkStatus();
  };
  Change(std::move(plan), std::move(done));
}

}  // namespace consentry::rights
