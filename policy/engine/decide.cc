#include <algorithm>
#include <array>
#include <bit>

#include "absl/status/status.h"
#include "policy/engine/check.h"
#include "policy/engine/civil.h"
#include "policy/engine/engine.h"
#include "policy/engine/question.h"
#include "policy/engine/regime_decider.h"
#include "policy/engine/tables.h"

namespace consentry::policy {
namespace {

using config::v1::AutomatedDecisionRule;
using config::v1::OwnerRule;

class Decider {
 public:
  Decider(const Bundle& bundle, const SubjectFacts& facts,
          const DecisionRequest& request, Decision* out)
      : t_(bundle.tables()),
        facts_(facts),
        request_(request),
        purpose_(t_.purposes[Index(request.purpose)]),
        class_(purpose_.purpose_class),
        now_(request.time_us),
        q_(t_, facts, request),
        out_(out) {}

  void Run() {
    out_->consent = q_.consent_index();
    for (uint64_t mask = q_.attached(); mask != 0; mask &= mask - 1) {
      out_->regimes.push_back(
          RegimeId{static_cast<uint16_t>(std::countr_zero(mask))});
    }
    FindOwnerRows();
    const Denial common = CommonDenial();
    count_ = std::max<size_t>(request_.fields.size(), 1);
    for (size_t i = 0; i < count_; ++i) {
      denials_[i] = common;
      slots_[i] = static_cast<uint16_t>(purpose_.slots.size());
    }
    FindSlots();
    for (const RegimeId regime : out_->regimes) DecideRegime(regime);
    for (size_t i = 0; i < request_.fields.size(); ++i) DecideField(i);
    if (request_.fields.empty()) DecideOwner(nullptr, 0, &denials_[0]);
    Report();
    out_->decided_until_us = q_.until();
  }

 private:
  // --- Denials that no regime decides ---

  Denial CommonDenial() {
    Denial least = kNoDenial;
    if (!Has(purpose_.channels, request_.channel)) {
      Take(Deny(kChannelNotAllowed), &least);
    }
    if (facts_.erased) Take(Deny(kSubjectErased), &least);
    if (q_.Unreadable(kUnreadableResidence)) {
      Take(Deny(kForbidUndecided), &least);
    } else if (out_->regimes.empty()) {
      Take(Deny(kNoLawfulBasis), &least);
    }
    if (!purpose_.contexts.empty() && !q_.ContextFound()) {
      Take(Deny(kContextNotFound), &least);
    }
    return least;
  }

  void FindSlots() {
    for (size_t i = 0; i < request_.fields.size(); ++i) {
      const uint16_t slot = purpose_.slot_of[Index(request_.fields[i])];
      if (slot == kNoSlot ||
          purpose_.slots[slot].transform == config::v1::Transform::DROP) {
        slots_[i] = kNoSlot;
      } else {
        slots_[i] = slot;
        transforms_[i] = purpose_.slots[slot].transform;
      }
    }
  }

  void DecideRegime(RegimeId regime) {
    RegimeDecider decider(&q_, regime);
    for (size_t i = 0; i < count_; ++i) {
      if (slots_[i] == kNoSlot) continue;
      const FieldId* field =
          request_.fields.empty() ? nullptr : &request_.fields[i];
      Take(decider.ForField(slots_[i], field), &denials_[i]);
    }
  }

  // --- Fields and the owner's rules ---

  void FindOwnerRows() {
    for (const uint16_t i : purpose_.owner_rows) {
      if (q_.OwnerRowMatches(t_.owner_rows[i])) owner_[owner_count_++] = i;
    }
  }

  // `transform` is null without a field.
  void DecideOwner(Transform* transform, size_t i, Denial* least) {
    for (size_t o = 0; o < owner_count_; ++o) {
      const OwnerRow& row = t_.owner_rows[owner_[o]];
      if (row.names_fields &&
          (transform == nullptr || !row.fields.Has(request_.fields[i]))) {
        continue;
      }
      switch (row.effect) {
        case OwnerRule::DENY:
          Take(Deny(kOwnerForbids, row.rule), least);
          break;
        case OwnerRule::REQUIRE_CONSENT:
        case OwnerRule::REQUIRE_EXPLICIT_CONSENT:
          if (q_.ConsentFaultFor(
                  nullptr, row.effect == OwnerRule::REQUIRE_EXPLICIT_CONSENT) !=
              kConsentValid) {
            Take(Deny(kOwnerForbids, row.rule), least);
          }
          break;
        case OwnerRule::SHORTEN_RETENTION:
          if (transform != nullptr && Collected(i) != 0) {
            EndOfRetention(AddMonths(Collected(i), row.months), row.rule,
                           /*counts=*/true, least);
          }
          break;
        case OwnerRule::TRANSFORM:
          if (transform == nullptr ||
              *transform == config::v1::Transform::DROP) {
            break;
          }
          *transform = StricterTransform(*transform, row.transform);
          if (*transform == config::v1::Transform::DROP) {
            Take(Deny(kOwnerForbids, row.rule), least);
          }
          break;
        default:
          break;
      }
    }
  }

  // 0: not told, or no time at all, which DecideField denies.
  int64_t Collected(size_t i) const {
    const int64_t collected =
        request_.collected_us.empty() ? 0 : request_.collected_us[i];
    return InRange(collected) ? collected : 0;
  }

  void EndOfRetention(int64_t end, RuleId rule, bool counts, Denial* least) {
    q_.Until(end);
    if (counts && now_ >= end) Take(Deny(kRetentionExpired, rule), least);
  }

  void DecideField(size_t i) {
    if (slots_[i] == kNoSlot) return;
    if (!request_.collected_us.empty() && !InRange(request_.collected_us[i])) {
      Take(Deny(kForbidUndecided), &denials_[i]);
    }
    if (Collected(i) != 0) {
      const bool counts = !(facts_.legal_hold &&
                            class_ == config::v1::PurposeClass::LEGAL_CLAIMS);
      const FieldEntry& field = t_.fields[Index(request_.fields[i])];
      EndOfRetention(AddMonths(Collected(i), field.retention_months), kNoRule,
                     counts, &denials_[i]);
      if (purpose_.retention_months > 0) {
        EndOfRetention(AddMonths(Collected(i), purpose_.retention_months),
                       kNoRule, counts, &denials_[i]);
      }
    }
    DecideOwner(&transforms_[i], i, &denials_[i]);
  }

  // --- The answer ---

  void Report() {
    Denial first = kNoDenial;
    uint64_t permitted = 0;
    for (size_t i = 0; i < count_; ++i) {
      Denial denial =
          slots_[i] == kNoSlot ? Deny(kFieldNotAllowed) : denials_[i];
      if (!request_.fields.empty()) {
        FieldDecision& field = out_->fields.emplace_back();
        field.field = request_.fields[i];
        field.permitted = denial == kNoDenial;
        if (field.permitted) {
          field.transform = transforms_[i];
        } else {
          field.reason = kReasons[RankOf(denial)];
          field.rule = RuleOf(denial);
        }
      }
      if (denial == kNoDenial) {
        permitted |= uint64_t{1} << i;
      } else {
        Take(denial, &first);
        AddRule(RuleOf(denial));
      }
    }
    out_->permitted = permitted != 0;
    if (permitted == 0) {
      out_->reason = kReasons[RankOf(first)];
      out_->rule = RuleOf(first);
    } else {
      for (const RegimeId regime : out_->regimes) {
        ReportRegime(regime, permitted);
      }
    }
    std::sort(out_->rules.begin(), out_->rules.end());
    out_->rules.erase(std::unique(out_->rules.begin(), out_->rules.end()),
                      out_->rules.end());
  }

  void AddRule(RuleId rule) {
    if (rule == kNoRule) return;
    // Neighbouring fields mostly repeat it.
    if (!out_->rules.empty() && out_->rules.back() == rule) return;
    out_->rules.push_back(rule);
  }

  void ReportRegime(RegimeId regime, uint64_t permitted) {
    const RegimeVersion& v = q_.VersionOf(regime);
    const std::vector<BasisSlot>& basis_of = purpose_.basis_of[Index(regime)];
    const FieldSet& sensitive = t_.sensitive_fields[Index(regime)];
    Mask bases = 0;
    for (; permitted != 0; permitted &= permitted - 1) {
      const auto i = static_cast<size_t>(std::countr_zero(permitted));
      bases |= Bit(basis_of[slots_[i]]);
      if (request_.fields.empty() || !sensitive.Has(request_.fields[i])) {
        continue;
      }
      for (const SensitiveRow& row : v.sensitive) {
        if (Has(row.classes, class_) && row.fields.Has(request_.fields[i])) {
          AddRule(row.rule);
        }
      }
    }
    AddRule(v.uses[class_][request_.channel].rule);
    for (; bases != 0; bases &= bases - 1) {
      out_->bases.push_back(
          {regime, BasisId{static_cast<uint16_t>(purpose_.first_basis +
                                                 std::countr_zero(bases))}});
    }
    if (!purpose_.significant) return;
    for (const AutomatedRow& row : v.automated) {
      AddRule(row.rule);
      if (row.human == AutomatedDecisionRule::ON_REQUEST) {
        out_->obligations |= kOweHumanOnRequest;
      } else if (row.human == AutomatedDecisionRule::BEFORE_EFFECT) {
        out_->obligations |= kOweHumanBeforeEffect;
      }
      if (row.notice) out_->obligations |= kOweNotice;
    }
  }

  const BundleTables& t_;
  const SubjectFacts& facts_;
  const DecisionRequest& request_;
  const PurposeTable& purpose_;
  const int class_;
  const int64_t now_;
  Question q_;
  Decision* const out_;

  size_t count_ = 0;
  std::array<Denial, kMaxFieldsPerRequest> denials_;
  std::array<uint16_t, kMaxFieldsPerRequest> slots_;
  std::array<Transform, kMaxFieldsPerRequest> transforms_;
  std::array<uint16_t, kMaxOwnerRules> owner_;
  size_t owner_count_ = 0;
};

absl::Status CheckRequest(const BundleTables& t, const SubjectFacts& facts,
                          const DecisionRequest& request) {
  if (Index(request.purpose) >= t.purposes.size()) {
    return absl::InvalidArgumentError("purpose is not of this bundle");
  }
  if (request.channel < 1 ||
      static_cast<size_t>(request.channel) >= kChannels) {
    return absl::InvalidArgumentError("channel is not known");
  }
  if (request.fields.size() > kMaxFieldsPerRequest) {
    return absl::InvalidArgumentError("more than 64 fields");
  }
  for (const FieldId field : request.fields) {
    if (Index(field) >= t.fields.size()) {
      return absl::InvalidArgumentError("field is not of this bundle");
    }
  }
  if (!request.collected_us.empty() &&
      request.collected_us.size() != request.fields.size()) {
    return absl::InvalidArgumentError("collected_us is not beside fields");
  }
  if (!InRange(request.time_us)) {
    return absl::InvalidArgumentError("time is out of range");
  }
  const auto known = [&](JurisdictionId place) {
    return Index(place) < t.places.size();
  };
  if (request.recipient != kNoJurisdiction && !known(request.recipient)) {
    return absl::InvalidArgumentError("recipient is not of this bundle");
  }
  if (!std::all_of(facts.residences.begin(), facts.residences.end(), known) ||
      !std::all_of(facts.locations.begin(), facts.locations.end(), known)) {
    return absl::InvalidArgumentError("place is not of this bundle");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Decide(const Bundle& bundle, const SubjectFacts& facts,
                    const DecisionRequest& request, Decision* out) {
  out->Clear();
  if (absl::Status status = CheckRequest(bundle.tables(), facts, request);
      !status.ok()) {
    return status;
  }
  Decider(bundle, facts, request, out).Run();
  return absl::OkStatus();
}

std::string CanonicalEffects(const Bundle& bundle, const Decision& decision) {
  std::string out;
  const auto number = [&](uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      out.push_back(static_cast<char>(value >> shift & 0xff));
    }
  };
  number(static_cast<uint32_t>(decision.fields.size()));
  for (const FieldDecision& field : decision.fields) {
    const std::string& name = bundle.field_name(field.field);
    number(static_cast<uint32_t>(name.size()));
    out += name;
    out.push_back(field.permitted ? 1 : 2);
    number(static_cast<uint32_t>(field.transform));
    number(static_cast<uint32_t>(field.reason));
  }
  out.push_back(decision.permitted ? 1 : 2);
  number(static_cast<uint32_t>(decision.reason));
  return out;
}

}  // namespace consentry::policy
