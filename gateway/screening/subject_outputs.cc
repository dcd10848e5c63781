#include "gateway/screening/subject_outputs.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "gateway/screening/screening_words.h"
#include "gateway/screening/vulnerability_rows.h"
#include "policy/conduct/amount_text.h"
#include "policy/engine/civil.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::screening {
namespace {

constexpr size_t kRowsAtOnce = 256;

// "OUTPUT_KIND_PAGE_CONTENT" -> "page content".
std::string Word(absl::string_view name, absl::string_view prefix) {
  return absl::StrReplaceAll(
      absl::AsciiStrToLower(absl::StripPrefix(name, prefix)), {{"_", " "}});
}

std::string KindWord(int kind) {
  return Word(v1::OutputKind_Name(static_cast<v1::OutputKind>(kind)),
              "OUTPUT_KIND_");
}

std::string ModelOf(const store::v1::ScreeningDoc& doc) {
  return absl::StrCat(doc.model(), "@", doc.model_version());
}

std::string AmountOf(const v1::Money& money) {
  return conduct::AmountText(money.minor_units(), money.currency());
}

// All that it says, as she would have got it.
void TellOutput(const v1::Output& output, store::v1::ReportOutput* told) {
  told->set_content(output.text());
  told->set_language(output.language());
  told->set_label(output.label());
  if (output.has_price()) told->set_price(AmountOf(output.price()));
  if (output.has_base_price()) {
    told->set_base_price(AmountOf(output.base_price()));
  }
  *told->mutable_ranking() = output.ranking();
  if (output.has_score()) told->set_score(absl::StrCat(output.score()));
  if (output.kind() == v1::OUTPUT_KIND_DECISION) {
    told->set_favourable(output.favourable() ? "yes" : "no");
  }
  told->set_logic(output.explanation());
  told->set_experiment(output.experiment());
  told->set_variant(output.variant());
  *told->mutable_disclosures() = output.disclosures();
  if (output.has_deliver_time()) {
    told->set_deliver(policy::FormatTime(MicrosOf(output.deliver_time())));
  }
  for (const v1::Evidence& evidence : output.evidence()) {
    std::string fact;
    switch (evidence.fact_case()) {
      case v1::Evidence::kStock:
        fact = absl::StrCat("stock ", evidence.stock());
        break;
      case v1::Evidence::kOfferEnd:
        fact =
            "offer ends " + policy::FormatTime(MicrosOf(evidence.offer_end()));
        break;
      case v1::Evidence::kCount:
        fact = absl::StrCat("count ", evidence.count());
        break;
      case v1::Evidence::kReferencePrice:
        fact = "reference price " + AmountOf(evidence.reference_price());
        break;
      case v1::Evidence::FACT_NOT_SET:
        fact = "nothing";
        break;
    }
    told->add_evidence(absl::StrCat(
        evidence.source(), ", ", policy::FormatTime(MicrosOf(evidence.time())),
        ": ", fact));
  }
}

// Field by field, what another text, label or amount stood in place of.
void TellOriginal(const v1::Output& original, store::v1::ReportOutput* told) {
  store::v1::ReportOutput before;
  TellOutput(original, &before);
  const auto note = [told](const char* name, const std::string& was,
                           const std::string& is) {
    if (was != is) told->add_original(absl::StrCat(name, ": ", was));
  };
  note("text", before.content(), told->content());
  note("label", before.label(), told->label());
  note("price", before.price(), told->price());
  note("ranking", absl::StrJoin(before.ranking(), ", "),
       absl::StrJoin(told->ranking(), ", "));
  note("score", before.score(), told->score());
  note("favourable", before.favourable(), told->favourable());
  note("explanation", before.logic(), told->logic());
}

std::string TellOutcome(const v1::Outcome& outcome) {
  std::string told =
      absl::StrCat(policy::FormatTime(MicrosOf(outcome.time())), ": ",
                   Word(v1::OutcomeKind_Name(outcome.kind()), "OUTCOME_KIND_"),
                   " ", outcome.value());
  if (outcome.has_money())
    absl::StrAppend(&told, ", ", AmountOf(outcome.money()));
  return told;
}

}  // namespace

absl::StatusOr<std::vector<ScreeningRow>> SubjectOutputs::RowsOf(
    store::Connection* connection, const Members& members, size_t most) const {
  std::vector<ScreeningRow> rows;
  for (const auto& member : members) {
    ScreeningFilter filter;
    filter.subject = member->subject();
    size_t taken = 0;
    for (int64_t before = 0; taken < most;) {
      int64_t last = 0;
      CONSENTRY_ASSIGN_OR_RETURN(
          auto found,
          parts_->rows->List(connection, filter, before,
                             std::min(kRowsAtOnce, most - taken), &last));
      for (ScreeningRow& row : found) rows.push_back(std::move(row));
      taken += found.size();
      if (last == 0) break;
      before = last;
    }
  }
  std::sort(
      rows.begin(), rows.end(),
      [](const ScreeningRow& a, const ScreeningRow& b) { return a.no > b.no; });
  if (rows.size() > most) rows.resize(most);
  return rows;
}

absl::StatusOr<std::vector<v1::AutomatedOutput>> SubjectOutputs::List(
    store::Connection* connection, const Members& members, size_t most) const {
  CONSENTRY_ASSIGN_OR_RETURN(const auto rows,
                             RowsOf(connection, members, most));
  std::vector<v1::AutomatedOutput> outputs;
  for (const ScreeningRow& row : rows) {
    v1::AutomatedOutput& output = outputs.emplace_back();
    output.set_screening_id(row.doc.id());
    SetTime(row.doc.time_us(), output.mutable_time());
    output.set_kind(KindWord(row.doc.kind()));
    output.set_logic(absl::StrCat(
        ModelOf(row.doc), row.doc.input_categories().empty() ? "" : ", from ",
        absl::StrJoin(row.doc.input_categories(), ", ")));
    output.set_verdict(
        VerdictWord(static_cast<v1::Verdict>(row.doc.verdict())));
    output.set_reviewed(row.doc.reviewed());
  }
  return outputs;
}

absl::Status SubjectOutputs::AddTo(store::Connection* connection,
                                   const crypto::Grant& grant,
                                   const Members& members,
                                   store::v1::AccessReport* report) const {
  CONSENTRY_ASSIGN_OR_RETURN(const auto rows,
                             RowsOf(connection, members, SIZE_MAX));
  for (const ScreeningRow& listed : rows) {
    const auto read = parts_->rows->ReadByNumber(connection, listed.no);
    // Its time to be kept ended meanwhile.
    if (ReasonOf(read.status()) == v1::ERROR_REASON_NOT_FOUND) continue;
    CONSENTRY_RETURN_IF_ERROR(read.status());
    const ScreeningRow& row = *read;
    CONSENTRY_ASSIGN_OR_RETURN(const auto words,
                               parts_->rows->OpenOutput(grant, row));
    v1::Output output;
    if (!output.ParseFromString(words.output())) return CorruptScreening();
    store::v1::ReportOutput* told = report->add_outputs();
    told->set_id(row.doc.id());
    told->set_time(policy::FormatTime(row.doc.time_us()));
    told->set_purpose(row.doc.purpose());
    told->set_channel(
        Word(v1::Channel_Name(static_cast<v1::Channel>(row.doc.channel())),
             "CHANNEL_"));
    told->set_kind(KindWord(row.doc.kind()));
    told->set_model(ModelOf(row.doc));
    told->set_item(row.doc.item());
    TellOutput(output, told);
    if (!words.original().empty()) {
      v1::Output original;
      if (!original.ParseFromString(words.original())) {
        return CorruptScreening();
      }
      TellOriginal(original, told);
    }
    told->set_alteration(absl::AsciiStrToLower(row.doc.alteration()));
    for (const auto& finding : row.doc.findings()) {
      told->add_findings(absl::StrCat(finding.rule(), ": ", finding.message()));
    }
    CONSENTRY_ASSIGN_OR_RETURN(const auto keys,
                               parts_->rows->slots().Load(row.subject));
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto outcomes,
        parts_->outcomes->List(connection, row.output_key, &keys));
    for (const v1::Outcome& outcome : outcomes) {
      told->add_outcomes(TellOutcome(outcome));
    }
    for (const std::string& input : row.doc.input_categories()) {
      told->add_inputs(input);
    }
    told->set_verdict(VerdictWord(static_cast<v1::Verdict>(row.doc.verdict())));
    told->set_reviewed(row.doc.reviewed());
  }
  for (const auto& member : members) {
    for (int64_t before = 0;;) {
      CONSENTRY_ASSIGN_OR_RETURN(
          const auto declared,
          VulnerabilityRows::List(connection, member->keys(), before,
                                  kRowsAtOnce));
      for (const VulnerabilityRow& row : declared) {
        store::v1::ReportVulnerability* told = report->add_vulnerabilities();
        told->set_kind(
            Word(v1::VulnerabilityKind_Name(
                     static_cast<v1::VulnerabilityKind>(row.doc.kind())),
                 "VULNERABILITY_KIND_"));
        told->set_basis(row.doc.basis());
        told->set_since(policy::FormatTime(row.doc.set_us()));
        told->set_until(policy::FormatTime(row.doc.clear_us() != 0
                                               ? row.doc.clear_us()
                                               : row.doc.expire_us()));
      }
      if (declared.size() < kRowsAtOnce) break;
      before = declared.back().no;
    }
  }
  return absl::OkStatus();
}

}  // namespace consentry::screening
