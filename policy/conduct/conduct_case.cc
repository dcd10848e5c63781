#include "policy/conduct/conduct_case.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/conduct/conduct.h"
#include "policy/conduct/rulebook_tables.h"
#include "policy/conduct/text_scanner.h"
#include "policy/engine/civil.h"

namespace consentry::conduct {
namespace {

using config::v1::ConductCase;
using config::v1::ConductExpectation;
using policy::Fault;
using policy::Place;

// A case as it is judged. Not copied: `question` points into it.
struct Bound {
  v1::Output output;
  TextScan scan;
  Question question;
};

class Binder {
 public:
  Binder(const ConductCase& from, const Place& at, std::vector<Fault>* faults)
      : from_(from), at_(at), faults_(faults) {}

  std::unique_ptr<Bound> Bind() {
    auto bound = std::make_unique<Bound>();
    BindOutput(&bound->output);
    bound->scan = TextScanner::Shipped().Scan(bound->output.text());
    Question& question = bound->question;
    question.output = &bound->output;
    question.scan = &bound->scan;
    question.purpose = from_.purpose();
    question.purpose_class = from_.purpose_class();
    question.channel = from_.channel();
    question.regimes.assign(from_.regimes().begin(), from_.regimes().end());
    question.time_us = TimeAt(from_.at(), at_.At("at")).value_or(0);
    if (from_.at().empty()) Refuse(at_.At("at"), "is required");
    question.others = {.count = from_.others().count(),
                       .currency = from_.others().currency(),
                       .min = from_.others().min(),
                       .max = from_.others().max(),
                       .median = from_.others().median()};
    BindCustomer(&question.subject);
    for (int i = 0; i < from_.deadlines_size(); ++i) {
      const auto& deadline = from_.deadlines(i);
      const Place at = at_.At("deadlines", i);
      question.deadlines.push_back(
          {.offer_end_us =
               TimeAt(deadline.offer_end(), at.At("offer_end")).value_or(0),
           .shown_us =
               TimeAt(deadline.shown_at(), at.At("shown_at")).value_or(0)});
    }
    return bound;
  }

 private:
  void Refuse(const Place& at, std::string message) {
    faults_->push_back(at.MakeFault(std::move(message)));
  }

  // Nothing for an empty text.
  std::optional<int64_t> TimeAt(const std::string& text, const Place& at) {
    if (text.empty()) return std::nullopt;
    const auto time = policy::ParseTime(text);
    if (!time) Refuse(at, "must be YYYY-MM-DDTHH:MM:SSZ");
    return time;
  }

  void SetTime(const std::string& text, const Place& at,
               google::protobuf::Timestamp* to) {
    const int64_t time_us = TimeAt(text, at).value_or(0);
    to->set_seconds(time_us / policy::kUsPerSecond);
    to->set_nanos(static_cast<int32_t>(time_us % policy::kUsPerSecond) * 1000);
  }

  static void SetMoney(const config::v1::CaseMoney& from, v1::Money* to) {
    to->set_currency(from.currency());
    to->set_minor_units(from.minor_units());
  }

  void BindOutput(v1::Output* to) {
    const auto& from = from_.output();
    const Place at = at_.At("output");
    to->set_id("case");
    to->set_kind(static_cast<v1::OutputKind>(from.kind()));
    to->set_model(from.model());
    to->set_item(from.item());
    to->set_text(from.text());
    to->set_label(from.label());
    to->set_score(from.score());
    *to->mutable_ranking() = from.ranking();
    *to->mutable_input_categories() = from.input_categories();
    *to->mutable_disclosures() = from.disclosures();
    if (from.has_price()) SetMoney(from.price(), to->mutable_price());
    if (from.has_base_price()) {
      SetMoney(from.base_price(), to->mutable_base_price());
    }
    if (!from.deliver_at().empty()) {
      SetTime(from.deliver_at(), at.At("deliver_at"),
              to->mutable_deliver_time());
    }
    for (int i = 0; i < from.evidence_size(); ++i) {
      BindEvidence(from.evidence(i), at.At("evidence", i), to->add_evidence());
    }
  }

  void BindEvidence(const config::v1::CaseEvidence& from, const Place& at,
                    v1::Evidence* to) {
    to->set_source(from.source());
    if (!from.at().empty()) {
      SetTime(from.at(), at.At("at"), to->mutable_time());
    }
    switch (from.fact_case()) {
      case config::v1::CaseEvidence::kStock:
        to->set_stock(from.stock());
        break;
      case config::v1::CaseEvidence::kOfferEnd:
        SetTime(from.offer_end(), at.At("offer_end"), to->mutable_offer_end());
        break;
      case config::v1::CaseEvidence::kCount:
        to->set_count(from.count());
        break;
      case config::v1::CaseEvidence::kReferencePrice:
        SetMoney(from.reference_price(), to->mutable_reference_price());
        break;
      case config::v1::CaseEvidence::FACT_NOT_SET:
        break;
    }
  }

  void BindCustomer(SubjectState* to) {
    const auto& from = from_.customer();
    const Place at = at_.At("customer");
    if (from.has_age()) to->age = from.age();
    to->age_unreadable = from.age_unreadable();
    for (const int kind : from.vulnerabilities()) {
      to->vulnerabilities.insert(static_cast<v1::VulnerabilityKind>(kind));
    }
    to->residences.assign(from.residences().begin(), from.residences().end());
    to->time_zone = from.time_zone();
    for (int i = 0; i < from.contacts_size(); ++i) {
      const auto& contact = from.contacts(i);
      const Place place = at.At("contacts", i);
      Contact made;
      made.time_us = TimeAt(contact.at(), place.At("at")).value_or(0);
      made.decided_us = TimeAt(contact.decided_at(), place.At("decided_at"))
                            .value_or(made.time_us);
      made.purpose = contact.purpose();
      made.purpose_class = contact.purpose_class();
      made.channel = contact.channel();
      made.pressing = contact.pressing();
      to->contacts.contacts.push_back(std::move(made));
    }
    for (int i = 0; i < from.refusals_size(); ++i) {
      const auto& refusal = from.refusals(i);
      to->contacts.refusals.push_back(
          {.time_us =
               TimeAt(refusal.at(), at.At("refusals", i).At("at")).value_or(0),
           .purpose = refusal.purpose(),
           .channel = refusal.channel()});
    }
  }

  const ConductCase& from_;
  const Place at_;
  std::vector<Fault>* const faults_;
};

void Compare(std::string_view what, const std::string& expected,
             const std::string& got, std::vector<std::string>* differences) {
  if (expected == got) return;
  differences->push_back(absl::StrCat(std::string(what), ": expected [",
                                      expected, "], got [", got, "]"));
}

std::string ActionName(Action action) {
  return ConductExpectation::Action_Name(
      static_cast<ConductExpectation::Action>(static_cast<int>(action) + 1));
}

std::string ClassName(v1::VerdictClass verdict_class) {
  if (verdict_class == v1::VERDICT_CLASS_UNSPECIFIED) return "";
  return v1::VerdictClass_Name(verdict_class)
      .substr(std::string_view("VERDICT_CLASS_").size());
}

std::vector<std::string> Differences(const ConductExpectation& expect,
                                     const Judgement& got) {
  std::vector<std::string> differences;
  Compare("action", ConductExpectation::Action_Name(expect.action()),
          ActionName(got.action), &differences);
  Compare("verdict_class", expect.verdict_class(), ClassName(got.verdict_class),
          &differences);
  std::set<std::string> rules;
  for (const Finding& finding : got.findings) rules.insert(finding.rule);
  Compare("rules",
          absl::StrJoin(std::set<std::string>(expect.rules().begin(),
                                              expect.rules().end()),
                        " "),
          absl::StrJoin(rules, " "), &differences);
  Compare(
      "missing_disclosures",
      absl::StrJoin(std::set<std::string>(expect.missing_disclosures().begin(),
                                          expect.missing_disclosures().end()),
                    " "),
      absl::StrJoin(got.missing_disclosures, " "), &differences);
  Compare("retry_at", expect.retry_at(),
          got.retry_us ? policy::FormatTime(*got.retry_us) : "", &differences);
  Compare("charged", expect.charged() ? "true" : "false",
          got.charge ? "true" : "false", &differences);
  return differences;
}

void RunTopicExamples(const config::v1::ConductPolicy& policy,
                      const Topics& topics, std::vector<CaseResult>* results) {
  for (const auto& topic : policy.topics()) {
    CaseResult result;
    result.name =
        absl::StrCat("policy.txtpb: ", topic.name(), " in ", topic.language());
    for (const std::string& example : topic.examples()) {
      if (!topics.OfText(example).contains(topic.name())) {
        result.differences.push_back(absl::StrCat("not found: ", example));
      }
    }
    for (const std::string& example : topic.counterexamples()) {
      if (topics.OfText(example).contains(topic.name())) {
        result.differences.push_back(absl::StrCat("found: ", example));
      }
    }
    results->push_back(std::move(result));
  }
}

}  // namespace

absl::StatusOr<std::vector<CaseResult>> RunCases(
    const CaseFile& file, const std::vector<PolicyFile>& own) {
  CONSENTRY_ASSIGN_OR_RETURN(const auto rules, Rulebook::Create({.own = own}));
  std::vector<Fault> faults;
  std::vector<std::unique_ptr<Bound>> bound;
  for (int i = 0; i < file.message.cases_size(); ++i) {
    const Place at = policy::PlaceOf(file).At("cases", i);
    bound.push_back(Binder(file.message.cases(i), at, &faults).Bind());
  }
  CONSENTRY_RETURN_IF_ERROR(policy::FaultsToStatus(faults));
  std::vector<CaseResult> results;
  for (int i = 0; i < file.message.cases_size(); ++i) {
    const ConductCase& one = file.message.cases(i);
    std::unique_ptr<Rulebook> special;
    if (one.has_own()) {
      std::vector<PolicyFile> more = own;
      more.push_back(policy::Unlocated(one.own()));
      CONSENTRY_ASSIGN_OR_RETURN(special,
                                 Rulebook::Create({.own = std::move(more)}));
    }
    const Judgement got =
        Judge(special ? *special : *rules, bound[i]->question);
    results.push_back({one.name(), Differences(one.expect(), got)});
  }
  return results;
}

absl::StatusOr<std::vector<CaseResult>> RunShippedCases() {
  std::vector<CaseResult> results;
  for (const EmbeddedFile& file : EmbeddedConductCases()) {
    CONSENTRY_ASSIGN_OR_RETURN(const CaseFile parsed,
                               policy::ParseText<config::v1::ConductCaseFile>(
                                   file.name, file.content));
    CONSENTRY_ASSIGN_OR_RETURN(auto some, RunCases(parsed));
    for (CaseResult& result : some) {
      result.name = std::string(file.name) + ": " + result.name;
      results.push_back(std::move(result));
    }
  }
  CONSENTRY_ASSIGN_OR_RETURN(const PolicyFile policy, ShippedPolicy());
  RunTopicExamples(policy.message, Rulebook::Shipped().tables().topics,
                   &results);
  return results;
}

}  // namespace consentry::conduct
