#include "policy/engine/policy_case.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "policy/engine/civil.h"
#include "policy/engine/tables.h"

namespace consentry::policy {
namespace {

using config::v1::CaseExpectation;
using config::v1::PolicyCase;

absl::string_view View(std::string_view text) {
  return absl::string_view(text.data(), text.size());
}

// Collects faults while names become handles.
class Binder {
 public:
  Binder(const Bundle& bundle, const Place& root)
      : bundle_(bundle), root_(root) {}

  void Subject(const config::v1::CaseSubject& subject, SubjectFacts* facts) {
    const Place at = root_.At("subject");
    for (int i = 0; i < subject.residences_size(); ++i) {
      facts->residences.push_back(
          Jurisdiction(subject.residences(i), at.At("residences", i)));
    }
    for (int i = 0; i < subject.location_size(); ++i) {
      facts->locations.push_back(
          Jurisdiction(subject.location(i), at.At("location", i)));
    }
    if (!subject.birth_date().empty()) {
      facts->birth_day = ParseDay(subject.birth_date());
      if (!facts->birth_day) {
        Refuse(at.At("birth_date"), "must be a day, YYYY-MM-DD");
      }
    }
    if (subject.has_age_at_least()) {
      if (subject.age_at_least() > 150) {
        Refuse(at.At("age_at_least"), "must be at most 150");
      }
      facts->age_at_least = static_cast<uint8_t>(subject.age_at_least());
    }
    facts->restricted = subject.restricted();
    facts->erased = subject.erased();
    facts->legal_hold = subject.legal_hold();
    facts->gpc = subject.gpc();
    for (int i = 0; i < subject.objected_to_size(); ++i) {
      if (subject.objected_to(i) == "*") {
        facts->objected_to_all = true;
      } else {
        facts->objected_to.push_back(
            Purpose(subject.objected_to(i), at.At("objected_to", i)));
      }
    }
    for (int i = 0; i < subject.opt_outs_size(); ++i) {
      if (subject.opt_outs(i) == config::v1::OptOut::UNSPECIFIED) {
        Refuse(at.At("opt_outs", i), "must name an opt-out");
      }
      facts->opt_outs |= Bit(subject.opt_outs(i));
    }
    for (int i = 0; i < subject.consents_size(); ++i) {
      Consent(subject.consents(i), at.At("consents", i), facts);
    }
    for (int i = 0; i < subject.soft_opt_ins_size(); ++i) {
      const auto& soft = subject.soft_opt_ins(i);
      const Place soft_at = at.At("soft_opt_ins", i);
      facts->soft_opt_ins.push_back(
          {Purpose(soft.purpose(), soft_at.At("purpose")),
           soft.obtained_in_sale(), soft.way_out_offered(),
           Time(soft.since(), soft_at.At("since"))});
    }
    for (int i = 0; i < subject.contexts_size(); ++i) {
      const auto& context = subject.contexts(i);
      const Place context_at = at.At("contexts", i);
      const auto kind = bundle_.FindKind(context.kind());
      if (!kind) Refuse(context_at.At("kind"), "is no kind of the catalog");
      facts->contexts.push_back(
          {kind.value_or(KindId{}),
           Time(context.opened_at(), context_at.At("opened_at"))});
    }
    for (int i = 0; i < subject.unreadable_size(); ++i) {
      if (subject.unreadable(i) == config::v1::UnreadableFact::UNSPECIFIED) {
        Refuse(at.At("unreadable", i), "must name a fact");
        continue;
      }
      facts->unreadable |=
          static_cast<uint8_t>(1 << (subject.unreadable(i) - 1));
    }
  }

  void Request(const config::v1::CaseRequest& request, BoundCase* bound) {
    const Place at = root_.At("request");
    bound->request.purpose = Purpose(request.purpose(), at.At("purpose"));
    if (request.channel() == config::v1::Channel::UNSPECIFIED) {
      Refuse(at.At("channel"), "is missing");
    }
    bound->request.channel = request.channel();
    if (request.fields_size() > static_cast<int>(kMaxFieldsPerRequest)) {
      Refuse(at.At("fields"), "must be at most 64");
    }
    bool collected = false;
    for (int i = 0; i < request.fields_size(); ++i) {
      const Place field_at = at.At("fields", i);
      const auto field = bundle_.FindField(request.fields(i).field());
      if (!field) Refuse(field_at.At("field"), "is no field of the catalog");
      bound->fields.push_back(field.value_or(FieldId{}));
      int64_t time_us = 0;
      if (!request.fields(i).collected_at().empty()) {
        collected = true;
        time_us =
            Time(request.fields(i).collected_at(), field_at.At("collected_at"));
      }
      bound->collected_us.push_back(time_us);
    }
    if (!collected) bound->collected_us.clear();
    bound->request.time_us = Time(request.at(), at.At("at"));
    bound->request.gpc = request.gpc();
    if (!request.recipient().empty()) {
      bound->request.recipient =
          Jurisdiction(request.recipient(), at.At("recipient"));
    }
    bound->request.safeguard = request.safeguard();
    bound->request.mode = request.mode() == config::v1::CaseRequest::OUTPUT
                              ? DecisionMode::kOutput
                              : DecisionMode::kRead;
    // Moving the vectors keeps their elements where they are.
    bound->request.fields = bound->fields;
    bound->request.collected_us = bound->collected_us;
  }

  absl::Status status() const { return FaultsToStatus(faults_); }

 private:
  void Refuse(const Place& at, std::string message) {
    faults_.push_back(at.MakeFault(std::move(message)));
  }

  JurisdictionId Jurisdiction(const std::string& code, const Place& at) {
    const auto id = bundle_.FindJurisdiction(code);
    if (!id) Refuse(at, "is no code like DE or US-CA");
    return id.value_or(kElsewhere);
  }

  PurposeId Purpose(const std::string& key, const Place& at) {
    const auto id = bundle_.FindPurpose(key);
    if (!id) Refuse(at, "is no purpose of the registry");
    return id.value_or(PurposeId{});
  }

  int64_t Time(const std::string& text, const Place& at) {
    const auto time_us = ParseTime(text);
    if (!time_us) Refuse(at, "must be a time like 2026-11-22T10:00:00Z");
    return time_us.value_or(0);
  }

  void Consent(const config::v1::CaseConsent& consent, const Place& at,
               SubjectFacts* facts) {
    ConsentFact fact;
    fact.purpose = Purpose(consent.purpose(), at.At("purpose"));
    if (consent.state() == config::v1::ConsentState::UNSPECIFIED) {
      Refuse(at.At("state"), "is missing");
    }
    for (const ConsentFact& other : facts->consents) {
      if (other.purpose == fact.purpose) {
        Refuse(at.At("purpose"), "has a consent already");
      }
    }
    fact.status = static_cast<ConsentStatus>(consent.state());
    fact.actor = static_cast<ConsentActor>(consent.actor());
    fact.explicit_statement = consent.explicit_statement();
    fact.parental_authorisation = consent.parental_authorisation();
    fact.notice = bundle_.FindNotice(consent.notice_id());
    fact.notice_version = consent.notice_version();
    if (!consent.since().empty()) {
      fact.since_us = Time(consent.since(), at.At("since"));
    }
    if (!consent.valid_until().empty()) {
      fact.valid_until_us = Time(consent.valid_until(), at.At("valid_until"));
    }
    fact.event_id = consent.event_id();
    facts->consents.push_back(std::move(fact));
  }

  const Bundle& bundle_;
  const Place root_;
  std::vector<Fault> faults_;
};

std::string ReasonName(Reason reason) {
  constexpr size_t kPrefix = std::string_view("ERROR_REASON_").size();
  return v1::ErrorReason_Name(reason).substr(kPrefix);
}

std::optional<Reason> FindReason(const std::string& name) {
  Reason reason;
  if (!v1::ErrorReason_Parse(absl::StrCat("ERROR_REASON_", name), &reason)) {
    return std::nullopt;
  }
  return reason;
}

const char* EffectName(bool permitted) { return permitted ? "PERMIT" : "DENY"; }

// Compares one outcome; `what` is "" or a field's name.
absl::Status CompareOutcome(CaseExpectation::Effect effect,
                            const std::string& reason, bool permitted,
                            Reason actual, const std::string& what,
                            std::vector<std::string>* out) {
  const std::string prefix = what.empty() ? "" : what + ": ";
  if (effect == CaseExpectation::UNSPECIFIED ||
      (effect == CaseExpectation::DENY) == reason.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(prefix, "expect PERMIT, or DENY with its reason"));
  }
  const bool expected = effect == CaseExpectation::PERMIT;
  if (expected != permitted) {
    out->push_back(absl::StrCat(prefix, "expected ", EffectName(expected),
                                expected ? "" : " " + reason, ", got ",
                                EffectName(permitted),
                                permitted ? "" : " " + ReasonName(actual)));
    return absl::OkStatus();
  }
  if (expected) return absl::OkStatus();
  const auto wanted = FindReason(reason);
  if (!wanted) {
    return absl::InvalidArgumentError(
        absl::StrCat(prefix, "no such reason as expected"));
  }
  if (*wanted != actual) {
    out->push_back(absl::StrCat(prefix, "expected ", reason, ", got ",
                                ReasonName(actual)));
  }
  return absl::OkStatus();
}

uint32_t OwedBit(int owed) {
  switch (owed) {
    case config::v1::Owed::HUMAN_ON_REQUEST:
      return kOweHumanOnRequest;
    case config::v1::Owed::HUMAN_BEFORE_EFFECT:
      return kOweHumanBeforeEffect;
    case config::v1::Owed::NOTICE:
      return kOweNotice;
    default:
      return 0;
  }
}

}  // namespace

absl::StatusOr<BoundCase> BindCase(const Bundle& bundle,
                                   const PolicyCase& policy_case,
                                   const Place& place) {
  BoundCase bound;
  Binder binder(bundle, place);
  binder.Subject(policy_case.subject(), &bound.facts);
  binder.Request(policy_case.request(), &bound);
  if (absl::Status status = binder.status(); !status.ok()) return status;
  return bound;
}

absl::StatusOr<std::vector<std::string>> CompareWithExpectation(
    const Bundle& bundle, const Decision& decision,
    const CaseExpectation& expect) {
  std::vector<std::string> out;
  if (absl::Status status =
          CompareOutcome(expect.effect(), expect.reason(), decision.permitted,
                         decision.reason, "", &out);
      !status.ok()) {
    return status;
  }
  for (int e = 0; e < expect.fields_size(); ++e) {
    const auto& expected = expect.fields(e);
    // A field that was asked twice is expected twice, in the order asked.
    auto earlier = std::count_if(
        expect.fields().begin(), expect.fields().begin() + e,
        [&](const auto& f) { return f.field() == expected.field(); });
    const auto id = bundle.FindField(expected.field());
    const auto it =
        std::find_if(decision.fields.begin(), decision.fields.end(),
                     [&](const FieldDecision& f) {
                       return id && f.field == *id && earlier-- == 0;
                     });
    if (it == decision.fields.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(expected.field(), ": was not asked for"));
    }
    if (absl::Status status =
            CompareOutcome(expected.effect(), expected.reason(), it->permitted,
                           it->reason, expected.field(), &out);
        !status.ok()) {
      return status;
    }
    if (expected.transform() != config::v1::Transform::UNSPECIFIED &&
        it->permitted && it->transform != expected.transform()) {
      out.push_back(absl::StrCat(
          expected.field(), ": expected ",
          config::v1::Transform::Value_Name(expected.transform()), ", got ",
          config::v1::Transform::Value_Name(it->transform)));
    }
  }
  for (const std::string& rule : expect.rules()) {
    const auto id = bundle.FindRule(rule);
    if (!id) {
      return absl::InvalidArgumentError(
          absl::StrCat("rule ", rule, ": there is none"));
    }
    if (!std::binary_search(decision.rules.begin(), decision.rules.end(),
                            *id)) {
      std::string got;
      for (const RuleId other : decision.rules) {
        absl::StrAppend(&got, " ", View(bundle.rule(other).id));
      }
      out.push_back(absl::StrCat("expected the rule ", rule, " to determine;",
                                 got.empty() ? " none did" : got + " did"));
    }
  }
  if (expect.regimes_size() > 0) {
    std::vector<std::string> wanted(expect.regimes().begin(),
                                    expect.regimes().end());
    std::sort(wanted.begin(), wanted.end());
    std::vector<std::string> got;
    for (const RegimeId regime : decision.regimes) {
      got.push_back(bundle.regime(regime));
    }
    if (wanted != got) {
      std::string text = "attached regimes:";
      for (const std::string& id : got) absl::StrAppend(&text, " ", id);
      out.push_back(text + ", not as expected");
    }
  }
  if (!expect.decided_until().empty()) {
    const auto wanted = ParseTime(expect.decided_until());
    if (!wanted) {
      return absl::InvalidArgumentError("decided_until: no time");
    }
    if (*wanted != decision.decided_until_us) {
      out.push_back(absl::StrCat("expected to be decided until ",
                                 expect.decided_until(), ", got ",
                                 decision.decided_until_us >= kMaxTimeUs
                                     ? "no end"
                                     : FormatTime(decision.decided_until_us)));
    }
  }
  if (expect.owed_size() > 0) {
    uint32_t wanted = 0;
    for (const int owed : expect.owed()) wanted |= OwedBit(owed);
    if (wanted != decision.obligations) {
      out.push_back("what is owed along is not as expected");
    }
  }
  return out;
}

PolicyCase ToCase(const Bundle& bundle, const SubjectFacts& facts,
                  const DecisionRequest& request, const Decision& decision) {
  const BundleTables& t = bundle.tables();
  PolicyCase out;
  *out.mutable_profile() = bundle.profile();
  auto& subject = *out.mutable_subject();
  for (const JurisdictionId place : facts.residences) {
    subject.add_residences(t.places.Code(place));
  }
  for (const JurisdictionId place : facts.locations) {
    subject.add_location(t.places.Code(place));
  }
  if (facts.birth_day) subject.set_birth_date(FormatDay(*facts.birth_day));
  if (facts.age_at_least) subject.set_age_at_least(*facts.age_at_least);
  subject.set_restricted(facts.restricted);
  subject.set_erased(facts.erased);
  subject.set_legal_hold(facts.legal_hold);
  subject.set_gpc(facts.gpc);
  if (facts.objected_to_all) subject.add_objected_to("*");
  const auto key = [&](PurposeId id) { return bundle.purpose(id).key(); };
  for (const PurposeId id : facts.objected_to) {
    subject.add_objected_to(key(id));
  }
  for (int o = 1; o < config::v1::OptOut::Value_ARRAYSIZE; ++o) {
    if (Has(facts.opt_outs, o)) subject.add_opt_outs(static_cast<OptOut>(o));
  }
  for (const ConsentFact& fact : facts.consents) {
    auto& consent = *subject.add_consents();
    consent.set_purpose(key(fact.purpose));
    consent.set_state(
        static_cast<config::v1::ConsentState::Value>(fact.status));
    consent.set_actor(static_cast<config::v1::ConsentActor::Value>(fact.actor));
    consent.set_explicit_statement(fact.explicit_statement);
    consent.set_parental_authorisation(fact.parental_authorisation);
    consent.set_since(FormatTime(fact.since_us));
    if (fact.valid_until_us != 0) {
      consent.set_valid_until(FormatTime(fact.valid_until_us));
    }
    for (const auto& [notice, id] : t.notice_ids) {
      if (id == fact.notice) consent.set_notice_id(notice);
    }
    consent.set_notice_version(fact.notice_version);
    consent.set_event_id(fact.event_id);
  }
  for (const SoftOptInFact& fact : facts.soft_opt_ins) {
    auto& soft = *subject.add_soft_opt_ins();
    soft.set_purpose(key(fact.purpose));
    soft.set_obtained_in_sale(fact.obtained_in_sale);
    soft.set_way_out_offered(fact.way_out_offered);
    soft.set_since(FormatTime(fact.since_us));
  }
  for (const ContextFact& fact : facts.contexts) {
    auto& context = *subject.add_contexts();
    context.set_kind(bundle.kind(fact.kind).key());
    context.set_opened_at(FormatTime(fact.opened_us));
  }
  for (int i = 1; i < config::v1::UnreadableFact::Value_ARRAYSIZE; ++i) {
    if ((facts.unreadable >> (i - 1) & 1) != 0) {
      subject.add_unreadable(static_cast<config::v1::UnreadableFact::Value>(i));
    }
  }

  auto& asked = *out.mutable_request();
  asked.set_purpose(key(request.purpose));
  asked.set_channel(request.channel);
  for (size_t i = 0; i < request.fields.size(); ++i) {
    auto& field = *asked.add_fields();
    field.set_field(bundle.field_name(request.fields[i]));
    if (!request.collected_us.empty() && request.collected_us[i] != 0) {
      field.set_collected_at(FormatTime(request.collected_us[i]));
    }
  }
  asked.set_at(FormatTime(request.time_us));
  asked.set_gpc(request.gpc);
  if (request.recipient != kNoJurisdiction) {
    asked.set_recipient(t.places.Code(request.recipient));
  }
  asked.set_safeguard(request.safeguard);
  asked.set_mode(request.mode == DecisionMode::kOutput
                     ? config::v1::CaseRequest::OUTPUT
                     : config::v1::CaseRequest::READ);

  auto& expect = *out.mutable_expect();
  const auto effect = [](bool permitted) {
    return permitted ? CaseExpectation::PERMIT : CaseExpectation::DENY;
  };
  expect.set_effect(effect(decision.permitted));
  if (!decision.permitted) expect.set_reason(ReasonName(decision.reason));
  for (const FieldDecision& field : decision.fields) {
    auto& expected = *expect.add_fields();
    expected.set_field(bundle.field_name(field.field));
    expected.set_effect(effect(field.permitted));
    if (field.permitted) {
      expected.set_transform(field.transform);
    } else {
      expected.set_reason(ReasonName(field.reason));
    }
  }
  for (const RegimeId regime : decision.regimes) {
    expect.add_regimes(bundle.regime(regime));
  }
  for (const RuleId rule : decision.rules) {
    expect.add_rules(std::string(bundle.rule(rule).id));
  }
  for (int i = 1; i < config::v1::Owed::Value_ARRAYSIZE; ++i) {
    if ((decision.obligations & OwedBit(i)) != 0) {
      expect.add_owed(static_cast<config::v1::Owed::Value>(i));
    }
  }
  return out;
}

}  // namespace consentry::policy
