#include "gateway/fairness/audit_cases.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/access/bias_read.h"
#include "gateway/clients/registration.h"
#include "policy/engine/civil.h"
#include "policy/fairness/kept_back.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::fairness {
namespace {

using policy::kUsPerDay;
using policy::kUsPerHour;

constexpr size_t kRowsAtOnce = 256;
// A read has no more (access/shape.h).
constexpr size_t kMostFields = 64;
constexpr std::string_view kOutcomePrefix = "OUTCOME_KIND_";

// As one value of a column.
std::string TextOf(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kStringValue:
      return value.string_value();
    case v1::Value::kIntValue:
      return absl::StrCat(value.int_value());
    case v1::Value::kDoubleValue:
      return absl::StrCat(value.double_value());
    case v1::Value::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case v1::Value::kDateValue:
      return value.date_value();
    case v1::Value::kMoneyValue:
      return absl::StrCat(value.money_value().minor_units());
    default:
      return "";
  }
}

// Fields behind the declared inputs that the purpose may look at. By what the
// audit tells people apart is no input.
std::vector<std::string> InputFields(const policy::Bundle& bundle,
                                     const rules::Profile& profile) {
  std::vector<std::string> names;
  const auto purpose = bundle.FindPurpose(profile.message().purpose());
  if (!purpose) return names;
  for (size_t i = 0; i < bundle.field_count(); ++i) {
    const auto field = static_cast<policy::FieldId>(i);
    if (!bundle.NeededAs(*purpose, field)) continue;
    const std::string& name = bundle.field_name(field);
    const auto& attributes = profile.attributes();
    if (std::any_of(
            attributes.begin(), attributes.end(),
            [&](const auto& attribute) { return attribute.field == name; })) {
      continue;
    }
    const auto& inputs = profile.message().inputs();
    if (std::any_of(inputs.begin(), inputs.end(), [&](const auto& input) {
          return clients::CategoryBelow(bundle.field(field).category(), input);
        })) {
      names.push_back(name);
    }
  }
  return names;
}

// A customer, as she was found to be at her first output.
struct Somebody {
  uint64_t person = 0;
  bool kept_back = false;
  std::vector<int> groups;
  std::string factor;
  std::vector<std::string> inputs;
};

// What of somebody was counted.
struct Case {
  size_t row = 0;
  // As ProfileAudit::TellsOf; 0: no case yet.
  uint32_t told = 0;
};

// "fre_... (2026-10-01T00:00:00Z to 2027-01-01T00:00:00Z)"; whole seconds, as
// requests have them.
std::string NamesOf(const std::vector<rules::UnseenAudit>& unseen) {
  const auto time = [](int64_t time_us) {
    return policy::FormatTime(time_us - time_us % 1'000'000);
  };
  return absl::StrJoin(
      unseen, ", ", [&](std::string* out, const rules::UnseenAudit& one) {
        absl::StrAppend(out, one.id, " (", time(one.period.from_us), " to ",
                        time(one.period.to_us), ")");
      });
}

// Why nothing is told beside audits that are not at hand.
std::string BesideWords(const std::vector<rules::UnseenAudit>& unseen,
                        const absl::Status& why) {
  return absl::StrCat(
      "it shares a time with ", NamesOf(unseen),
      ", for whose sake one in five people is not counted, and beside it ",
      std::string(why.message()),
      ": ask for a time that shares nothing with that one");
}

bool ReachedAsMade(const store::v1::ScreeningDoc& doc) {
  return doc.verdict() == v1::VERDICT_RELEASED && doc.alteration().empty();
}

}  // namespace

rules::Answer OutcomeOf(const rules::Profile& profile,
                        const std::vector<v1::Outcome>& outcomes,
                        int64_t output_us, int64_t now_us) {
  const auto& audits = profile.message().audits();
  v1::OutcomeKind kind = v1::OUTCOME_KIND_UNSPECIFIED;
  if (!v1::OutcomeKind_Parse(
          absl::StrCat(std::string(kOutcomePrefix), audits.outcome()), &kind) ||
      !rules::ProfileAudit::OutcomeIsDue(profile, output_us, now_us)) {
    return rules::Answer::kUnknown;
  }
  const bool told = kind == v1::OUTCOME_KIND_REPAID ||
                    kind == v1::OUTCOME_KIND_CONVERTED ||
                    kind == v1::OUTCOME_KIND_SATISFACTION;
  rules::Answer answer = told ? rules::Answer::kUnknown : rules::Answer::kNo;
  // In the order of their times: the last one says how it ended.
  for (const v1::Outcome& outcome : outcomes) {
    if (outcome.kind() != kind) continue;
    if (audits.outcome_days() > 0 &&
        MicrosOf(outcome.time()) >
            output_us + int64_t{audits.outcome_days()} * kUsPerDay) {
      continue;
    }
    const bool yes = kind == v1::OUTCOME_KIND_REVENUE
                         ? outcome.money().minor_units() > 0
                         : outcome.value() > 0;
    answer = yes ? rules::Answer::kYes : rules::Answer::kNo;
  }
  return answer;
}

// One look.
class AuditCases::Walk {
 public:
  Walk(const Options& options, const AuditQuestion& question,
       access::ReadPlan plan, crypto::Grant grant,
       std::vector<std::string> inputs)
      : options_(options),
        question_(question),
        profile_(*question.profile),
        plan_(std::move(plan)),
        grant_(std::move(grant)),
        inputs_(std::move(inputs)),
        audit_(profile_, question.alpha, inputs_, question.period),
        kept_(profile_, question.alpha, {}, question.period) {
    audit_.Beside(question.earlier, question.refuse_beside_earlier);
    audit_.BesideUnseen(question.unseen, &kept_);
  }

  absl::StatusOr<v1::FairnessReport> Run(const std::atomic<bool>& stop) {
    rules::AuditPeriod period = question_.period;
    for (const rules::UnseenAudit& unseen : question_.unseen) {
      period.from_us = std::min(period.from_us, unseen.period.from_us);
      period.to_us = std::max(period.to_us, unseen.period.to_us);
    }
    for (int64_t last = 0;;) {
      if (stop.load()) return absl::CancelledError("the gateway stops");
      const int64_t after = last;
      CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
      CONSENTRY_ASSIGN_OR_RETURN(
          const auto rows,
          options_.screenings->Walk(lease.get(), profile_.message().model(),
                                    period.from_us / kUsPerHour,
                                    period.to_us / kUsPerHour + 1, after,
                                    kRowsAtOnce, &last, &not_walked_));
      for (const screening::ScreeningRow& row : rows) {
        CONSENTRY_RETURN_IF_ERROR(Take(lease.get(), row));
      }
      if (last == 0) break;
    }
    auto made = audit_.Run([&stop] { return stop.load(); });
    if (absl::IsFailedPrecondition(made.status())) {
      return MakeError(v1::ERROR_REASON_STATE_INVALID,
                       std::string(made.status().message()));
    }
    if (absl::IsOutOfRange(made.status())) {
      return MakeError(v1::ERROR_REASON_STATE_INVALID,
                       BesideWords(question_.unseen, made.status()));
    }
    CONSENTRY_ASSIGN_OR_RETURN(v1::FairnessReport report, std::move(made));
    report.add_rules(absl::StrCat(
        "Outputs count as the engine made them, whatever became of them: ",
        otherwise_, " of ", audit_.cases(),
        " were held, blocked or changed before a customer saw them."));
    report.add_rules(
        "Everybody counts once in the whole time, in rates over time as well: "
        "figures are about people who are independent of each other, not about "
        "how often they come.");
    LeaveOut("people of whom no output says anything that the profile measures",
             static_cast<int64_t>(cases_.size() - audit_.cases()), &report);
    TellKeptBack(&report);
    if (!profile_.message().audits().outcome().empty()) {
      report.add_limits(
          "Only outputs with a recorded outcome count in rates against it. "
          "Whoever was refused mostly has none.");
    }
    LeaveOut("outputs of customers who were erased since", not_walked_.erased,
             &report);
    LeaveOut("outputs that do not open any more", not_walked_.corrupt, &report);
    if (unreadable_ > 0) {
      report.add_limits(absl::StrCat(
          "What is held of ", unreadable_,
          " customers does not open any more: their groups are unknown."));
    }
    return report;
  }

 private:
  static void LeaveOut(const char* reason, int64_t count,
                       v1::FairnessReport* report) {
    if (count == 0) return;
    v1::FairnessLeftOut& out = *report->add_left_out();
    out.set_reason(reason);
    out.set_count(count);
  }

  void TellKeptBack(v1::FairnessReport* report) const {
    if (question_.unseen.empty()) return;
    for (const rules::UnseenAudit& unseen : question_.unseen) {
      v1::FairnessKeptBack& told = *report->add_kept_back();
      told.set_report_id(unseen.id);
      SetTime(unseen.period.from_us, told.mutable_from_time());
      SetTime(unseen.period.to_us, told.mutable_to_time());
      told.set_model_version(unseen.model_version);
    }
    report->add_rules(absl::StrCat(
        "One in five people, always the same, is not counted in the time that "
        "this audit shares with ",
        NamesOf(question_.unseen),
        ": that one is told in full, and nobody learns of a few people by the "
        "difference. For the same reason no spreads, no calibration, no inputs "
        "and no rates over time are told."));
  }

  // Of outputs of those who are kept back another audit alone may tell.
  bool IsLeftTo(const store::v1::ScreeningDoc& doc) const {
    return std::any_of(question_.unseen.begin(), question_.unseen.end(),
                       [&doc](const rules::UnseenAudit& unseen) {
                         return unseen.Counts(doc.model_version(),
                                              doc.time_us());
                       });
  }

  absl::Status Take(store::Connection* connection,
                    const screening::ScreeningRow& row) {
    const int64_t time_us = row.doc.time_us();
    const bool asked = time_us >= question_.period.from_us &&
                       time_us < question_.period.to_us &&
                       (question_.model_version.empty() ||
                        row.doc.model_version() == question_.model_version);
    const bool left = IsLeftTo(row.doc);
    if (row.subject == 0 || (!asked && !left)) return absl::OkStatus();
    if (!asked) {
      CONSENTRY_ASSIGN_OR_RETURN(const Somebody* const somebody,
                                 WhoIs(connection, row));
      if (!somebody->kept_back) return absl::OkStatus();
    }
    const auto words = options_.screenings->OpenOutput(grant_, row);
    // Erased meanwhile.
    if (ReasonOf(words.status()) == v1::ERROR_REASON_NOT_FOUND ||
        absl::IsFailedPrecondition(words.status())) {
      ++not_walked_.erased;
      return absl::OkStatus();
    }
    v1::Output output;
    if (ReasonOf(words.status()) == v1::ERROR_REASON_DATA_CORRUPT ||
        (words.ok() && !output.ParseFromString(words->original().empty()
                                                   ? words->output()
                                                   : words->original()))) {
      ++not_walked_.corrupt;
      return absl::OkStatus();
    }
    CONSENTRY_RETURN_IF_ERROR(words.status());
    if (!profile_.Watches(output)) return absl::OkStatus();
    CONSENTRY_ASSIGN_OR_RETURN(const Somebody* const somebody,
                               WhoIs(connection, row));
    const bool kept = left && somebody->kept_back;
    rules::ProfileAudit& audit = kept ? kept_ : audit_;
    // Whose outputs never say anything stays there without a case.
    Case& counted = (kept ? kept_cases_ : cases_)[somebody->person];
    const uint32_t what = audit.TellsOf(output) & ~counted.told;
    if (what == 0) return absl::OkStatus();
    const bool first = counted.told == 0;
    if (first && audit.cases() >= kMaxCases) {
      return absl::InvalidArgumentError(absl::StrCat(
          "more than ", kMaxCases, " people: ask for a shorter time"));
    }
    rules::OutputCase about;
    about.groups = somebody->groups;
    about.factor = somebody->factor;
    about.inputs = somebody->inputs;
    about.time_us = time_us;
    about.kept_back = somebody->kept_back;
    about.outcome = rules::Answer::kUnknown;
    if (!profile_.message().audits().outcome().empty()) {
      CONSENTRY_ASSIGN_OR_RETURN(about.outcome,
                                 WhatBecame(connection, row, time_us));
    }
    if (first) {
      counted.row = audit.cases();
      audit.Add(output, about);
      if (!kept && !ReachedAsMade(row.doc)) ++otherwise_;
    } else if (!audit.Fill(counted.row, what, output, about)) {
      return absl::OkStatus();
    }
    counted.told |= what;
    return absl::OkStatus();
  }

  absl::StatusOr<rules::Answer> WhatBecame(store::Connection* connection,
                                           const screening::ScreeningRow& row,
                                           int64_t time_us) const {
    const auto keys = options_.screenings->slots().Load(row.subject);
    if (absl::IsFailedPrecondition(keys.status())) {
      return rules::Answer::kUnknown;
    }
    CONSENTRY_RETURN_IF_ERROR(keys.status());
    const auto outcomes =
        options_.outcomes->List(connection, row.output_key, &*keys);
    if (ReasonOf(outcomes.status()) == v1::ERROR_REASON_DATA_CORRUPT) {
      return rules::Answer::kUnknown;
    }
    CONSENTRY_RETURN_IF_ERROR(outcomes.status());
    return OutcomeOf(profile_, *outcomes, time_us, question_.now_us);
  }

  absl::StatusOr<const Somebody*> WhoIs(store::Connection* connection,
                                        const screening::ScreeningRow& row) {
    const auto [found, added] = known_.try_emplace(row.subject);
    Somebody& somebody = found->second;
    if (!added) return &somebody;
    somebody.person = row.subject;
    somebody.kept_back = rules::IsKeptBack(somebody.person);
    somebody.groups.assign(profile_.attributes().size(), rules::kUnknownGroup);
    somebody.inputs.resize(inputs_.size());
    vault::SubjectReader::HeadOptions head;
    head.as_of_change = options_.committer->LastStored();
    head.keep = false;
    auto opened = access::ReadForBias(*options_.subjects, connection, plan_,
                                      row.subject, question_.now_us, head);
    // She counts all the same, as whoever may not be read.
    if (ReasonOf(opened.status()) == v1::ERROR_REASON_DATA_CORRUPT) {
      ++unreadable_;
      return &somebody;
    }
    if (!opened.ok()) {
      known_.erase(found);
      return opened.status();
    }
    const access::BiasRead read = *std::move(opened);
    if (read.person != 0) somebody.person = read.person;
    somebody.kept_back = rules::IsKeptBack(somebody.person);
    const auto value = [&read](const std::string& name) -> const v1::Value* {
      for (const v1::Field& field : read.fields) {
        if (field.name() == name) return &field.value();
      }
      return nullptr;
    };
    for (size_t i = 0; i < somebody.groups.size(); ++i) {
      const auto& attribute = profile_.attributes()[i];
      const v1::Value* const held = value(attribute.field);
      if (held != nullptr) {
        somebody.groups[i] = attribute.GroupOf(*held, row.doc.time_us());
      }
    }
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const v1::Value* const held = value(inputs_[i]);
      if (held != nullptr) somebody.inputs[i] = TextOf(*held);
    }
    for (const std::string& name :
         profile_.message().audits().legitimate_factors()) {
      const v1::Value* const held = value(name);
      const std::string text = held == nullptr ? "" : TextOf(*held);
      if (text.empty()) {
        somebody.factor.clear();
        break;
      }
      absl::StrAppend(&somebody.factor, somebody.factor.empty() ? "" : ", ",
                      text);
    }
    return &somebody;
  }

  const Options& options_;
  const AuditQuestion& question_;
  const rules::Profile& profile_;
  const access::ReadPlan plan_;
  const crypto::Grant grant_;
  const std::vector<std::string> inputs_;
  rules::ProfileAudit audit_;
  // Of those who are kept back, in times of audits that are not at hand.
  rules::ProfileAudit kept_;
  // By number of the customer.
  std::unordered_map<uint64_t, Somebody> known_;
  // By person.
  absl::flat_hash_map<uint64_t, Case> cases_;
  absl::flat_hash_map<uint64_t, Case> kept_cases_;
  // Cases that no customer saw as the engine made them.
  size_t otherwise_ = 0;
  screening::ScreeningRows::NotWalked not_walked_;
  // Customers whose records do not open.
  int64_t unreadable_ = 0;
};

absl::StatusOr<v1::FairnessReport> AuditCases::Look(
    const AuditQuestion& question, const std::atomic<bool>& stop) const {
  auto configuration = options_.configuration();
  const rules::Profile& profile = *question.profile;
  std::vector<std::string> inputs =
      InputFields(configuration->bundle(), profile);
  std::vector<std::string> fields;
  for (const auto& attribute : profile.attributes()) {
    fields.push_back(attribute.field);
  }
  for (const auto& factor : profile.message().audits().legitimate_factors()) {
    fields.push_back(factor);
  }
  if (inputs.size() + fields.size() > kMostFields) {
    inputs.resize(kMostFields - std::min(kMostFields, fields.size()));
  }
  fields.insert(fields.end(), inputs.begin(), inputs.end());
  CONSENTRY_ASSIGN_OR_RETURN(
      access::ReadPlan plan,
      access::MakeBiasPlan(std::move(configuration),
                           profile.message().purpose(), fields));
  CONSENTRY_ASSIGN_OR_RETURN(crypto::Grant grant, access::BiasGrant(plan));
  return Walk(options_, question, std::move(plan), std::move(grant),
              std::move(inputs))
      .Run(stop);
}

}  // namespace consentry::fairness
