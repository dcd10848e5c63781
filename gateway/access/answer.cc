#include "gateway/access/answer.h"

#include <algorithm>
#include <string>

#include "absl/strings/escaping.h"
#include "gateway/base/civil_day.h"
#include "proto/support/timestamp.h"

namespace consentry::access {
namespace {

std::string DayText(int64_t time_us) {
  const auto day = base::DayOf(time_us);
  const auto padded = [](unsigned number, size_t width) {
    std::string text = std::to_string(number);
    return std::string(width - std::min(width, text.size()), '0') + text;
  };
  return padded(static_cast<unsigned>(static_cast<int>(day.year())), 4) + "-" +
         padded(static_cast<unsigned>(day.month()), 2) + "-" +
         padded(static_cast<unsigned>(day.day()), 2);
}

void AddObligations(const policy::Decision& decision, int64_t until_us,
                    v1::Decision* answer) {
  if (until_us != INT64_MAX) {
    answer->add_obligations("delete_by=" + DayText(until_us));
  }
  if (decision.obligations & policy::kOweHumanOnRequest) {
    answer->add_obligations("human_review_on_request");
  }
  if (decision.obligations & policy::kOweHumanBeforeEffect) {
    answer->add_obligations("human_review_before_effect");
  }
  if (decision.obligations & policy::kOweNotice) {
    answer->add_obligations("notice_before_decision");
  }
}

}  // namespace

std::string BasisName(policy::LawfulBasis basis) {
  std::string name = config::v1::LawfulBasis::Value_Name(basis);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
}

bool IsAboutSubject(v1::ErrorReason reason) {
  return reason >= v1::ERROR_REASON_ACCESS_DENIED &&
         reason < v1::ERROR_REASON_VALUE_MALFORMED;
}

v1::Decision MakeAnswer(const ReadPlan& plan, const policy::Decision& decision,
                        bool may_explain, int64_t now_us, int64_t until_us) {
  const policy::Bundle& bundle = plan.bundle();
  const auto told = [&](v1::ErrorReason reason) {
    return may_explain || !IsAboutSubject(reason)
               ? reason
               : v1::ERROR_REASON_ACCESS_DENIED;
  };
  v1::Decision answer;
  answer.set_effect(decision.permitted ? v1::EFFECT_PERMIT : v1::EFFECT_DENY);
  if (!decision.permitted) answer.set_reason(told(decision.reason));
  for (const policy::FieldDecision& field : decision.fields) {
    v1::FieldDecision* told_field = answer.add_fields();
    told_field->set_field(bundle.field_name(field.field));
    told_field->set_effect(field.permitted ? v1::EFFECT_PERMIT
                                           : v1::EFFECT_DENY);
    if (field.permitted) {
      told_field->set_transform(static_cast<v1::Transform>(field.transform));
    } else {
      told_field->set_reason(told(field.reason));
    }
  }
  if (decision.permitted) {
    for (const policy::BasisUsed& used : decision.bases) {
      v1::BasisUsed* basis = answer.add_bases();
      basis->set_regime(bundle.regime(used.regime));
      basis->set_basis(BasisName(bundle.basis(used.basis).basis()));
      basis->set_document(bundle.basis_document(used.basis));
    }
    const int64_t ends = std::min(decision.decided_until_us, until_us);
    if (ends != policy::kNever) {
      SetTime(ends, answer.mutable_decided_until());
    }
    AddObligations(decision, until_us, &answer);
  }
  if (may_explain) {
    for (const policy::RuleId rule : decision.rules) {
      answer.add_determining_rules(std::string(bundle.rule(rule).id));
    }
  }
  answer.set_bundle_hash(absl::BytesToHexString(plan.configuration->hash()));
  SetTime(now_us, answer.mutable_decide_time());
  return answer;
}

policy::Decision DenyAll(const ReadPlan& plan, v1::ErrorReason reason) {
  policy::Decision decision;
  decision.reason = reason;
  for (const policy::FieldId field : plan.fields) {
    policy::FieldDecision denied;
    denied.field = field;
    denied.reason = reason;
    decision.fields.push_back(denied);
  }
  return decision;
}

}  // namespace consentry::access
