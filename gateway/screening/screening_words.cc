#include "gateway/screening/screening_words.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "proto/support/timestamp.h"

namespace consentry::screening {
namespace {

// Of one output that are kept, told and logged.
constexpr int kMaxFindings = 64;

std::string Word(absl::string_view name, absl::string_view prefix) {
  return absl::AsciiStrToLower(absl::StripPrefix(name, prefix));
}

void ShowFinding(const store::v1::ScreeningFinding& finding,
                 v1::Finding* shown) {
  shown->set_rule(finding.rule());
  shown->set_citation(finding.citation());
  shown->set_start(finding.start());
  shown->set_length(finding.length());
  shown->set_message(finding.message());
}

}  // namespace

std::string VerdictWord(v1::Verdict verdict) {
  return Word(v1::Verdict_Name(verdict), "VERDICT_");
}

std::string ClassWord(v1::VerdictClass verdict_class) {
  return Word(v1::VerdictClass_Name(verdict_class), "VERDICT_CLASS_");
}

void TellVerdict(const Outcome& outcome, store::v1::Leaf* leaf) {
  leaf->add_details("verdict=" + VerdictWord(outcome.verdict));
  if (outcome.verdict_class != v1::VERDICT_CLASS_UNSPECIFIED) {
    leaf->add_details("class=" + ClassWord(outcome.verdict_class));
  }
  TellRules(outcome.rules, leaf);
}

void TellRules(const std::vector<std::string>& rules, store::v1::Leaf* leaf) {
  if (rules.empty()) return;
  const auto told = std::min<size_t>(rules.size(), kMaxFindings);
  leaf->add_details(
      "rules=" +
      absl::StrJoin(rules.begin(),
                    rules.begin() + static_cast<std::ptrdiff_t>(told), ","));
}

void KeepVerdict(const Outcome& outcome, const conduct::Judgement& judgement,
                 store::v1::ScreeningDoc* doc) {
  doc->set_verdict(outcome.verdict);
  doc->set_verdict_class(outcome.verdict_class);
  doc->set_retry_us(outcome.retry_us.value_or(0));
  doc->clear_findings();
  for (const conduct::Finding& finding : judgement.findings) {
    if (doc->findings_size() == kMaxFindings) break;
    store::v1::ScreeningFinding* kept = doc->add_findings();
    kept->set_rule(finding.rule);
    kept->set_citation(finding.citation);
    kept->set_start(static_cast<uint32_t>(finding.start));
    kept->set_length(static_cast<uint32_t>(finding.length));
    kept->set_message(finding.message);
    kept->set_action(static_cast<int>(finding.action));
    kept->set_about_subject(finding.verdict_class != v1::VERDICT_CLASS_CONDUCT);
  }
}

std::vector<v1::OutputDuty> DutiesOf(const store::v1::ScreeningDoc& doc) {
  if (doc.verdict() == v1::VERDICT_BLOCKED) return {};
  return DutiesOf(doc.obligations());
}

v1::ScreenOutputResponse AnswerOf(const store::v1::ScreeningDoc& doc) {
  v1::ScreenOutputResponse answer;
  answer.set_screening_id(doc.id());
  answer.set_verdict(static_cast<v1::Verdict>(doc.verdict()));
  answer.set_verdict_class(static_cast<v1::VerdictClass>(doc.verdict_class()));
  if (doc.verdict_class() != v1::VERDICT_CLASS_NOT_PERMITTED) {
    for (const auto& finding : doc.findings()) {
      if (!finding.about_subject() && finding.action() != 0) {
        ShowFinding(finding, answer.add_findings());
      }
    }
  }
  for (const v1::OutputDuty duty : DutiesOf(doc)) answer.add_duties(duty);
  if (doc.due_us() != 0 && doc.verdict() == v1::VERDICT_HELD) {
    SetTime(doc.due_us(), answer.mutable_expected_time());
  }
  if (doc.retry_us() != 0) SetTime(doc.retry_us(), answer.mutable_retry_time());
  return answer;
}

v1::Screening ShowScreening(const store::v1::ScreeningDoc& doc,
                            const std::string& subject_id) {
  v1::Screening shown;
  shown.set_id(doc.id());
  shown.set_subject_id(subject_id);
  shown.set_client_id(doc.client_id());
  shown.set_purpose(doc.purpose());
  shown.set_channel(static_cast<v1::Channel>(doc.channel()));
  v1::Output* output = shown.mutable_output();
  output->set_id(doc.output_id());
  output->set_kind(static_cast<v1::OutputKind>(doc.kind()));
  output->set_model(doc.model());
  output->set_model_version(doc.model_version());
  output->set_experiment(doc.experiment());
  output->set_variant(doc.variant());
  output->set_item(doc.item());
  *output->mutable_input_categories() = doc.input_categories();
  if (doc.has_price()) {
    output->mutable_price()->set_currency(doc.currency());
    output->mutable_price()->set_minor_units(doc.price_minor());
  }
  shown.set_verdict(static_cast<v1::Verdict>(doc.verdict()));
  for (const auto& finding : doc.findings()) {
    ShowFinding(finding, shown.add_findings());
  }
  shown.set_reason(static_cast<v1::ErrorReason>(doc.reason()));
  shown.set_review_id(doc.review_id());
  for (const v1::OutputDuty duty : DutiesOf(doc)) shown.add_duties(duty);
  SetTime(doc.time_us(), shown.mutable_create_time());
  return shown;
}

}  // namespace consentry::screening
