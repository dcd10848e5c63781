#include "gateway/access/subject_facts.h"

#include <algorithm>
#include <string>
#include <vector>

#include "consentry/v1/consent_service.pb.h"
#include "gateway/base/civil_day.h"
#include "gateway/vault/head_update.h"
#include "policy/consent/consent_state.h"

namespace consentry::access {
namespace {

using policy::ConsentFact;
using policy::ConsentStatus;
using policy::SubjectFacts;

static_assert(static_cast<int>(v1::CONSENT_STATUS_UNCERTAIN) ==
              static_cast<int>(ConsentStatus::kUncertain));
static_assert(static_cast<int>(v1::CONSENT_ACTOR_ATTESTED) ==
              static_cast<int>(policy::ConsentActor::kAttested));

void AddPlaces(
    const policy::Bundle& bundle,
    const google::protobuf::RepeatedPtrField<store::v1::SourcedText>& from,
    std::vector<policy::JurisdictionId>* to, SubjectFacts* facts) {
  for (const auto& place : from) {
    const auto id = bundle.FindJurisdiction(place.value());
    if (!id) {
      facts->unreadable |= policy::kUnreadableResidence;
    } else if (std::find(to->begin(), to->end(), *id) == to->end()) {
      to->push_back(*id);
    }
  }
}

void AddChoices(const policy::Bundle& bundle,
                const store::v1::SubjectHead& head, SubjectFacts* facts) {
  // What an erasure left, or a hold keeps from one, is there for its ground.
  facts->restricted |=
      head.restricted() || head.erasure_held() || head.erased_us() != 0;
  facts->legal_hold |= head.legal_hold();
  facts->erased |= head.erasing();
  facts->gpc |= head.global_privacy_control();
  for (const std::string& objection : head.objections()) {
    if (objection == "*") {
      facts->objected_to_all = true;
    } else if (const auto purpose = bundle.FindPurpose(objection)) {
      facts->objected_to.push_back(*purpose);
    }
  }
  for (const int opt_out : head.opt_outs()) {
    if (opt_out <= 0 || opt_out >= 32) {
      facts->unreadable |= policy::kUnreadableChoices;
    } else {
      facts->opt_outs |= uint32_t{1} << opt_out;
    }
  }
}

ConsentFact ReadConsent(const policy::Bundle& bundle,
                        const store::v1::DerivedConsent& consent,
                        policy::PurposeId purpose) {
  ConsentFact fact;
  fact.purpose = purpose;
  fact.status = static_cast<ConsentStatus>(consent.status());
  fact.actor = static_cast<policy::ConsentActor>(consent.actor());
  fact.explicit_statement = consent.explicit_();
  fact.parental_authorisation = consent.parental();
  fact.notice = consent.notice_id().empty()
                    ? policy::kNoNotice
                    : bundle.FindNotice(consent.notice_id());
  fact.notice_version = consent.notice_version();
  fact.since_us = consent.since_us();
  fact.valid_until_us = consent.valid_until_us();
  fact.event_id = consent.event_id();
  return fact;
}

bool IsGrant(const ConsentFact& fact) {
  return fact.status == ConsentStatus::kGiven;
}

bool Outweighs(const ConsentFact& a, const ConsentFact& b) {
  const auto state = [](const ConsentFact& fact) {
    return policy::ConsentState{fact.status, fact.since_us, fact.valid_until_us,
                                nullptr};
  };
  return policy::Outweighs(state(a), state(b));
}

void AddConsents(const policy::Bundle& bundle,
                 const store::v1::SubjectHead& head, bool grants_count,
                 SubjectFacts* facts) {
  for (const auto& consent : head.consents()) {
    const auto purpose = bundle.FindPurpose(consent.purpose());
    if (!purpose) continue;
    if (consent.status() < static_cast<int>(ConsentStatus::kNone) ||
        consent.status() > static_cast<int>(ConsentStatus::kUncertain)) {
      facts->unreadable |= policy::kUnreadableConsents;
      continue;
    }
    ConsentFact fact = ReadConsent(bundle, consent, *purpose);
    if (fact.status == ConsentStatus::kNone) continue;
    if (IsGrant(fact) && !grants_count) continue;
    const auto same = std::find_if(
        facts->consents.begin(), facts->consents.end(),
        [&](const ConsentFact& other) { return other.purpose == *purpose; });
    if (same == facts->consents.end()) {
      facts->consents.push_back(std::move(fact));
    } else if (Outweighs(fact, *same)) {
      *same = std::move(fact);
    }
  }
}

void AddRelations(const policy::Bundle& bundle,
                  const store::v1::SubjectHead& head, SubjectFacts* facts) {
  for (const auto& soft : head.soft_opt_ins()) {
    if (const auto purpose = bundle.FindPurpose(soft.purpose())) {
      facts->soft_opt_ins.push_back({*purpose, soft.obtained_in_sale(),
                                     soft.opt_out_offered(), soft.since_us()});
    }
  }
  for (const auto& context : head.contexts()) {
    if (!context.open()) continue;
    if (const auto kind = bundle.FindKind(context.kind())) {
      facts->contexts.push_back({*kind, context.time_us()});
    }
  }
}

void AddBirthDates(const store::v1::SubjectHead& head, SubjectFacts* facts) {
  for (const auto& text : head.birth_dates()) {
    const auto day = base::ParseDay(text.value());
    if (!day) {
      facts->unreadable |= policy::kUnreadableAge;
      continue;
    }
    const int32_t number = base::DayNumber(*day);
    facts->birth_day = std::max(facts->birth_day.value_or(number), number);
  }
}

// Facts as they are kept beside a head, with what they were made under.
struct KeptFacts {
  std::shared_ptr<const policy::Bundle> bundle;
  SubjectFacts facts;
};

}  // namespace

SubjectFacts MakeFacts(const policy::Bundle& bundle,
                       std::span<const store::v1::SubjectHead* const> heads) {
  SubjectFacts facts;
  for (const store::v1::SubjectHead* head : heads) {
    AddPlaces(bundle, head->residences(), &facts.residences, &facts);
    AddPlaces(bundle, head->locations(), &facts.locations, &facts);
    AddBirthDates(*head, &facts);
    AddChoices(bundle, *head, &facts);
    AddConsents(bundle, *head,
                heads.size() == 1 || vault::HasVerifiedIdentity(*head), &facts);
    AddRelations(bundle, *head, &facts);
  }
  return facts;
}

std::shared_ptr<const SubjectFacts> FactsOf(
    const std::shared_ptr<const policy::Bundle>& bundle,
    std::span<const std::shared_ptr<const vault::CachedSubject>> members) {
  if (members.size() == 1) {
    auto kept = std::static_pointer_cast<const KeptFacts>(members[0]->slot());
    if (!kept || kept->bundle != bundle) {
      const store::v1::SubjectHead* head = &members[0]->head();
      kept = std::make_shared<const KeptFacts>(
          KeptFacts{bundle, MakeFacts(*bundle, {&head, 1})});
      members[0]->PutSlot(kept);
    }
    return {kept, &kept->facts};
  }
  std::vector<const store::v1::SubjectHead*> heads;
  heads.reserve(members.size());
  for (const auto& member : members) heads.push_back(&member->head());
  return std::make_shared<const SubjectFacts>(MakeFacts(*bundle, heads));
}

}  // namespace consentry::access
