#include "tools/consentry/show.h"

#include <google/protobuf/util/json_util.h>

#include <cstdio>
#include <cstdlib>
#include <iomanip>
#include <set>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "tools/consentry/printable.h"

namespace consentry::tools {
namespace {

// Of names of fields, where they are not longer.
constexpr int kNameWidth = 26;
constexpr int kPurposeWidth = 43;

std::string Short(const std::string& name, const std::string& prefix) {
  return name.compare(0, prefix.size(), prefix) == 0
             ? name.substr(prefix.size())
             : name;
}

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '_') c = ' ';
  }
  return text;
}

std::string Word(v1::Transform transform) {
  return Lower(Short(v1::Transform_Name(transform), "TRANSFORM_"));
}

std::string Word(v1::ConsentStatus status) {
  return Lower(Short(v1::ConsentStatus_Name(status), "CONSENT_STATUS_"));
}

// "40.00 EUR"; currencies without a minor unit are shown in it all the same.
std::string MoneyText(const v1::Money& money) {
  const int64_t units = money.minor_units();
  return absl::StrFormat("%s%d.%02d %s", units < 0 ? "-" : "",
                         std::abs(units / 100), std::abs(units % 100),
                         Printable(money.currency()));
}

// One line of an answer: a name, and what is to be said of it.
void Line(const std::string& name, const std::string& text, std::ostream& out) {
  out << "  " << std::left << std::setw(kNameWidth) << Printable(name) << " "
      << Printable(text) << "\n";
}

void ShowField(const v1::Field& field, std::ostream& out) {
  std::string note;
  if (field.transform() != v1::TRANSFORM_NONE) note = Word(field.transform());
  const v1::Provenance& provenance = field.provenance();
  if (!provenance.source().empty()) {
    if (!note.empty()) note += ", ";
    note += "from " + provenance.source();
    if (provenance.has_collect_time()) {
      note += " on " + Text(provenance.collect_time()).substr(0, 10);
    }
    if (provenance.conflict()) note += ", other sources differ";
  }
  Line(field.name(),
       Text(field.value()) + (note.empty() ? "" : "   (" + note + ")"), out);
}

void ShowVerdict(const v1::Decision& decision, std::ostream& out) {
  if (decision.effect() == v1::EFFECT_PERMIT) {
    out << "PERMIT\n";
  } else {
    out << "DENY  " << tools::Word(decision.reason()) << "\n";
  }
}

void ShowWithheld(const v1::FieldDecision& field, std::ostream& out) {
  Line(field.field(), "withheld: " + tools::Word(field.reason()), out);
}

// What the verdict rests on.
void ShowGrounds(const v1::Decision& decision, std::ostream& out) {
  for (const auto& basis : decision.bases()) {
    std::string text = basis.regime() + ": " + Lower(basis.basis());
    if (!basis.document().empty()) text += ", " + basis.document();
    Line("basis", text, out);
  }
  for (const std::string& obligation : decision.obligations()) {
    Line("obligation", obligation, out);
  }
  std::string rules;
  for (const std::string& rule : decision.determining_rules()) {
    rules += (rules.empty() ? "" : " ") + rule;
  }
  if (!rules.empty()) Line("rules", rules, out);
  Line("decision", decision.id(), out);
}

}  // namespace

std::string Word(v1::ErrorReason reason) {
  return Short(v1::ErrorReason_Name(reason), "ERROR_REASON_");
}

std::string Text(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0 && time.nanos() == 0) return "";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC",
                          absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

std::string Text(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kStringValue:
      return Printable(value.string_value());
    case v1::Value::kIntValue:
      return std::to_string(value.int_value());
    case v1::Value::kDoubleValue:
      return absl::StrFormat("%g", value.double_value());
    case v1::Value::kBoolValue:
      return value.bool_value() ? "yes" : "no";
    case v1::Value::kDateValue:
      return Printable(value.date_value());
    case v1::Value::kTimeValue:
      return Text(value.time_value());
    case v1::Value::kMoneyValue:
      return MoneyText(value.money_value());
    default:
      return "";
  }
}

void Show(const v1::Decision& decision, std::ostream& out) {
  ShowVerdict(decision, out);
  for (const auto& field : decision.fields()) {
    if (field.effect() == v1::EFFECT_PERMIT) {
      Line(field.field(), "may be released", out);
    } else {
      ShowWithheld(field, out);
    }
  }
  ShowGrounds(decision, out);
}

void Show(const v1::ReadSubjectResponse& response, std::ostream& out) {
  ShowVerdict(response.decision(), out);
  std::set<std::string> released;
  for (const v1::Field& field : response.fields()) {
    ShowField(field, out);
    released.insert(field.name());
  }
  for (const v1::Record& record : response.records()) {
    out << "  " << Printable(record.kind()) << " " << Printable(record.id())
        << "\n";
    for (const v1::Field& field : record.fields()) {
      out << "  ";
      ShowField(field, out);
      released.insert(field.name());
    }
  }
  for (const auto& field : response.decision().fields()) {
    if (field.effect() != v1::EFFECT_PERMIT) {
      ShowWithheld(field, out);
    } else if (released.count(field.field()) == 0) {
      Line(field.field(), "no value is held", out);
    }
  }
  if (!response.pseudonym().empty()) {
    Line("pseudonym", response.pseudonym(), out);
  }
  ShowGrounds(response.decision(), out);
}

void Show(const v1::ExplainDecisionResponse& response, std::ostream& out) {
  out << "Asked by " << Printable(response.client_id()) << " for "
      << Printable(response.purpose()) << " on "
      << Text(response.decision().decide_time()) << "\n";
  for (const auto& step : response.steps()) {
    out << "  " << std::left << std::setw(14) << Printable(step.step()) << " "
        << Printable(step.text());
    if (!step.rule().empty()) {
      out << "  [" << Printable(step.rule()) << ": "
          << Printable(step.citation())
          << (step.checked() ? "" : ", not checked") << "]";
    }
    out << "\n";
  }
  for (const auto& state : response.consents()) {
    out << "  consent       ";
    Show(state, out);
  }
  Show(response.decision(), out);
  out << (response.replay_agrees()
              ? "  replayed on the facts and rules of its time: the same\n"
              : "  REPLAY DIFFERS: this is a fault, report it\n");
}

void Show(const v1::ConsentState& state, std::ostream& out) {
  out << std::left << std::setw(kPurposeWidth) << Printable(state.purpose())
      << " " << Word(state.status());
  if (state.has_since()) out << " since " << Text(state.since());
  if (state.has_valid_until()) out << " until " << Text(state.valid_until());
  if (!state.attested_by().empty()) {
    out << "  attested by " << Printable(state.attested_by());
  }
  if (!state.notice().id().empty()) {
    out << ", notice " << Printable(state.notice().id()) << " v"
        << state.notice().version();
  }
  out << "\n";
  if (state.status() == v1::CONSENT_STATUS_GIVEN &&
      !state.invalid_reason().empty()) {
    out << "  permits nothing: the purpose asks for consent on another notice, "
           "or a newer version of it\n";
  } else if (!state.invalid_reason().empty()) {
    out << "  proves nothing: " << Printable(state.invalid_reason()) << "\n";
  }
}

void Show(const v1::AuditEntry& entry, std::ostream& out) {
  out << std::right << std::setw(8) << entry.index() << "  "
      << Text(entry.time()) << "  " << std::left << std::setw(20)
      << Printable(entry.event()) << " " << std::setw(14)
      << (entry.client_id().empty() ? "-" : Printable(entry.client_id()));
  if (!entry.purpose().empty()) out << " " << Printable(entry.purpose());
  int permitted = 0, denied = 0;
  for (const auto& subject : entry.subjects()) {
    permitted += subject.effect() == v1::EFFECT_PERMIT;
    denied += subject.effect() == v1::EFFECT_DENY;
  }
  if (entry.subjects_size() == 1 && denied == 1) {
    out << "  DENY " << Word(entry.subjects(0).reason());
  } else if (permitted + denied == 1) {
    out << "  PERMIT";
  } else if (permitted + denied > 1) {
    out << "  " << permitted << " permitted, " << denied << " denied";
  }
  for (const auto& subject : entry.subjects()) {
    for (const std::string& change : subject.changes()) {
      out << "  " << Printable(change);
    }
    if (entry.subjects_size() > 1) break;
  }
  if (entry.count() > 1) out << "  x" << entry.count();
  for (const auto& [key, value] : entry.details()) {
    out << "  " << Printable(key) << "=" << Printable(value);
  }
  out << "\n";
}

void ShowJson(const google::protobuf::Message& message, std::ostream& out) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (google::protobuf::util::MessageToJsonString(message, &json, options)
          .ok()) {
    out << json << "\n";
  }
}

}  // namespace consentry::tools
