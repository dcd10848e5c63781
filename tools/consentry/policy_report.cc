#include "tools/consentry/policy_report.h"

#include <map>
#include <ostream>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "policy/engine/civil.h"
#include "tools/consentry/exit_code.h"

namespace consentry::tools {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Struct;
using google::protobuf::Value;

ListValue* ListIn(Struct* object, const std::string& key) {
  return (*object->mutable_fields())[key].mutable_list_value();
}

void Put(Struct* object, const std::string& key, Value value) {
  (*object->mutable_fields())[key] = std::move(value);
}

std::vector<std::string> ObligationNames(uint32_t obligations) {
  std::vector<std::string> out;
  if (obligations & policy::kOweHumanOnRequest) {
    out.push_back("a person on request");
  }
  if (obligations & policy::kOweHumanBeforeEffect) {
    out.push_back("a person before the output has effect");
  }
  if (obligations & policy::kOweNotice) out.push_back("a notice before");
  return out;
}

std::string RuleId(const policy::Bundle& bundle, policy::RuleId rule) {
  return rule == policy::kNoRule ? "" : std::string(bundle.rule(rule).id);
}

// "GDPR Art. 6(1)(b), not checked".
std::string Citation(const policy::RuleText& rule) {
  const char* checked = "";
  if (rule.evidence == config::v1::Evidence::UNCHECKED) {
    checked = ", not checked";
  } else if (rule.evidence == config::v1::Evidence::SECONDARY) {
    checked = ", checked against a secondary source";
  }
  return absl::StrCat(std::string(rule.citation), checked);
}

// Keys sorted, so that equal values give equal text, which protobuf's own
// printer does not promise for maps.
void PrintJson(const Value& value, size_t depth, std::string* out) {
  const auto line = [&](size_t level) {
    *out += "\n" + std::string(2 * level, ' ');
  };
  if (value.kind_case() == Value::kStructValue) {
    std::map<std::string, const Value*> sorted;
    for (const auto& [key, entry] : value.struct_value().fields()) {
      sorted[key] = &entry;
    }
    const char* before = "";
    *out += "{";
    for (const auto& [key, entry] : sorted) {
      *out += before;
      line(depth + 1);
      PrintJson(JsonText(key), depth + 1, out);
      *out += ": ";
      PrintJson(*entry, depth + 1, out);
      before = ",";
    }
    if (!sorted.empty()) line(depth);
    *out += "}";
  } else if (value.kind_case() == Value::kListValue) {
    const char* before = "";
    *out += "[";
    for (const Value& entry : value.list_value().values()) {
      *out += before;
      line(depth + 1);
      PrintJson(entry, depth + 1, out);
      before = ",";
    }
    if (value.list_value().values_size() > 0) line(depth);
    *out += "]";
  } else {
    std::string text;
    // Texts, numbers and flags always print.
    if (google::protobuf::util::MessageToJsonString(value, &text).ok()) {
      *out += text;
    }
  }
}

}  // namespace

int FailPolicy(const absl::Status& status, std::ostream& err) {
  err << "consentry policy: " << status.message() << "\n";
  return kExitError;
}

std::string ReasonName(policy::Reason reason) {
  constexpr std::string_view kPrefix = "ERROR_REASON_";
  std::string name = v1::ErrorReason_Name(reason);
  if (name.rfind(kPrefix, 0) == 0) name = name.substr(kPrefix.size());
  return name;
}

std::string DecisionText(const policy::Bundle& bundle,
                         const policy::Decision& decision) {
  std::string out =
      decision.permitted
          ? "PERMIT\n"
          : absl::StrCat("DENY ", ReasonName(decision.reason), "\n");
  for (const auto& field : decision.fields) {
    absl::StrAppend(&out, "  ", bundle.field_name(field.field));
    if (field.permitted) {
      absl::StrAppend(&out, "  PERMIT ",
                      config::v1::Transform::Value_Name(field.transform), "\n");
    } else {
      const std::string rule = RuleId(bundle, field.rule);
      absl::StrAppend(&out, "  DENY ", ReasonName(field.reason),
                      rule.empty() ? "" : " by ", rule, "\n");
    }
  }
  out += "regimes:";
  for (const auto regime : decision.regimes) {
    absl::StrAppend(&out, " ", bundle.regime(regime));
  }
  if (decision.regimes.empty()) out += " none";
  out += '\n';
  for (const auto& used : decision.bases) {
    absl::StrAppend(
        &out, "basis: ", bundle.regime(used.regime), " ",
        config::v1::LawfulBasis::Value_Name(bundle.basis(used.basis).basis()),
        " (", bundle.basis_document(used.basis), ")\n");
  }
  for (const auto rule : decision.rules) {
    const policy::RuleText text = bundle.rule(rule);
    absl::StrAppend(&out, "rule: ", std::string(text.id), ": ", Citation(text),
                    "\n");
  }
  for (const std::string& owed : ObligationNames(decision.obligations)) {
    absl::StrAppend(&out, "owed: ", owed, "\n");
  }
  if (decision.decided_until_us != policy::kNever) {
    absl::StrAppend(&out, "holds until: ",
                    policy::FormatTime(decision.decided_until_us), "\n");
  }
  return out;
}

Struct DecisionJson(const policy::Bundle& bundle,
                    const policy::Decision& decision) {
  Struct out;
  Put(&out, "effect", JsonText(decision.permitted ? "PERMIT" : "DENY"));
  if (!decision.permitted) {
    Put(&out, "reason", JsonText(ReasonName(decision.reason)));
    Put(&out, "rule", JsonText(RuleId(bundle, decision.rule)));
  }
  ListValue* fields = ListIn(&out, "fields");
  for (const auto& field : decision.fields) {
    Struct one;
    Put(&one, "field", JsonText(bundle.field_name(field.field)));
    Put(&one, "effect", JsonText(field.permitted ? "PERMIT" : "DENY"));
    if (field.permitted) {
      Put(&one, "transform",
          JsonText(config::v1::Transform::Value_Name(field.transform)));
    } else {
      Put(&one, "reason", JsonText(ReasonName(field.reason)));
      Put(&one, "rule", JsonText(RuleId(bundle, field.rule)));
    }
    *fields->add_values() = JsonObject(std::move(one));
  }
  ListValue* regimes = ListIn(&out, "regimes");
  for (const auto regime : decision.regimes) {
    *regimes->add_values() = JsonText(bundle.regime(regime));
  }
  ListValue* bases = ListIn(&out, "bases");
  for (const auto& used : decision.bases) {
    Struct one;
    Put(&one, "regime", JsonText(bundle.regime(used.regime)));
    Put(&one, "basis",
        JsonText(config::v1::LawfulBasis::Value_Name(
            bundle.basis(used.basis).basis())));
    Put(&one, "document", JsonText(bundle.basis_document(used.basis)));
    *bases->add_values() = JsonObject(std::move(one));
  }
  ListValue* rules = ListIn(&out, "rules");
  for (const auto rule : decision.rules) {
    const policy::RuleText text = bundle.rule(rule);
    Struct one;
    Put(&one, "rule", JsonText(text.id));
    Put(&one, "citation", JsonText(text.citation));
    Put(&one, "evidence",
        JsonText(config::v1::Evidence::Value_Name(text.evidence)));
    *rules->add_values() = JsonObject(std::move(one));
  }
  ListValue* owed = ListIn(&out, "obligations");
  for (const std::string& name : ObligationNames(decision.obligations)) {
    *owed->add_values() = JsonText(name);
  }
  if (decision.decided_until_us != policy::kNever) {
    Put(&out, "decided_until",
        JsonText(policy::FormatTime(decision.decided_until_us)));
  }
  return out;
}

Struct ExplanationJson(const policy::Explanation& explanation) {
  Struct out;
  ListValue* steps = ListIn(&out, "steps");
  for (const auto& step : explanation.steps) {
    Struct one;
    Put(&one, "step", JsonText(step.step));
    Put(&one, "text", JsonText(step.text));
    if (!step.rule.empty()) {
      Put(&one, "rule", JsonText(step.rule));
      Put(&one, "citation", JsonText(step.citation));
      Put(&one, "checked", JsonBool(step.checked));
    }
    *steps->add_values() = JsonObject(std::move(one));
  }
  return out;
}

std::string ToJson(const Struct& value) {
  std::string out;
  PrintJson(JsonObject(value), 0, &out);
  return out + "\n";
}

Value JsonText(std::string_view text) {
  Value value;
  value.set_string_value(std::string(text));
  return value;
}

Value JsonNumber(double number) {
  Value value;
  value.set_number_value(number);
  return value;
}

Value JsonBool(bool flag) {
  Value value;
  value.set_bool_value(flag);
  return value;
}

Value JsonObject(Struct object) {
  Value value;
  *value.mutable_struct_value() = std::move(object);
  return value;
}

}  // namespace consentry::tools
