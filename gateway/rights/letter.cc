#include "gateway/rights/letter.h"

#include <set>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "consentry/v1/rights_service.pb.h"
#include "gateway/rights/case_law.h"
#include "gateway/rights/letter_texts.h"
#include "policy/engine/civil.h"
#include "policy/engine/rights_tables.h"

namespace consentry::rights {
namespace {

using store::v1::RightsCaseDoc;

std::string DayText(int64_t time_us) {
  return policy::FormatTime(time_us).substr(0, 10);
}

std::string KindText(const RightsCaseDoc& doc) {
  std::string name =
      v1::RightsKind_Name(static_cast<v1::RightsKind>(doc.kind()));
  constexpr std::string_view kPrefix = "RIGHTS_KIND_";
  name.erase(0, kPrefix.size());
  absl::AsciiStrToLower(&name);
  return LetterTexts::Shipped().Phrase("kind." + name, doc.language());
}

// "ticket.text" as the business calls it in its catalog: "Support ticket,
// Text".
std::string TitleOf(const policy::Bundle& bundle, const std::string& target) {
  const auto field = bundle.FindField(target);
  if (!field) return target;
  const auto& kind = bundle.kind(bundle.kind_of(*field));
  return absl::StrCat(kind.title().empty() ? kind.key() : kind.title(), ", ",
                      bundle.field(*field).title().empty()
                          ? bundle.field(*field).key()
                          : bundle.field(*field).title());
}

// The ground in the customer's language, with its citation and end.
std::string OutcomeLine(const policy::Bundle& bundle, const RightsCaseDoc& doc,
                        const store::v1::CaseOutcome& outcome) {
  const LetterTexts& texts = LetterTexts::Shipped();
  const std::string& language = doc.language();
  std::string what;
  switch (outcome.disposition()) {
    case v1::RIGHTS_DISPOSITION_KEPT:
      what = texts.Phrase("outcome.kept", language);
      break;
    case v1::RIGHTS_DISPOSITION_REFUSED:
      what = texts.Phrase("outcome.refused", language);
      break;
    case v1::RIGHTS_DISPOSITION_FAILED:
      what = texts.Phrase("outcome.failed", language);
      break;
    default:
      what = texts.Phrase("outcome.granted", language);
  }
  std::string why = outcome.ground();
  std::string regime;
  if (const auto* ground =
          GroundOf(bundle, doc, outcome.ground_id(), &regime)) {
    if (const auto* text = policy::TextIn(ground->text(), language)) {
      why = absl::StrCat(text->text(), " (", outcome.ground(), ")");
    }
  } else if (doc.clocks().empty()) {
    why = absl::StrCat(texts.Phrase("no_right", language), " (",
                       outcome.document(), ")");
  }
  const std::string target = outcome.target() == "*"
                                 ? texts.Phrase("outcome.everything", language)
                                 : TitleOf(bundle, outcome.target());
  std::string line = absl::StrCat("- ", target, ": ", what);
  if (outcome.keep_until_us() != 0) {
    absl::StrAppend(&line, " ", texts.Phrase("outcome.until", language), " ",
                    DayText(outcome.keep_until_us()));
  }
  if (!why.empty()) absl::StrAppend(&line, ". ", why);
  return line + "\n";
}

std::string OutcomeLines(const policy::Bundle& bundle,
                         const RightsCaseDoc& doc) {
  std::string lines;
  for (const auto& outcome : doc.outcomes()) {
    if (outcome.disposition() == v1::RIGHTS_DISPOSITION_GRANTED) continue;
    lines.append(OutcomeLine(bundle, doc, outcome));
  }
  return lines;
}

// Authority, court and what else stands open, of every regime of the case.
std::string ComplaintLines(const policy::Bundle& bundle,
                           const RightsCaseDoc& doc) {
  std::set<std::string> regimes(doc.without_right().begin(),
                                doc.without_right().end());
  for (const auto& clock : doc.clocks()) regimes.insert(clock.regime());
  std::set<std::string> told;
  std::string lines;
  for (const std::string& id : regimes) {
    const auto regime = bundle.FindRegime(id);
    if (!regime) continue;
    std::set<std::string> residences(doc.residences().begin(),
                                     doc.residences().end());
    if (residences.empty()) residences.insert("");
    for (const std::string& residence : residences) {
      for (const auto* redress :
           policy::RedressOf(bundle, *regime, residence, doc.received_us())) {
        const auto* text = policy::TextIn(redress->text(), doc.language());
        if (text == nullptr || !told.insert(text->text()).second) continue;
        absl::StrAppend(&lines, "- ", text->text(),
                        redress->url().empty() ? "" : " ", redress->url(),
                        "\n");
      }
    }
  }
  return lines;
}

std::string_view KeyOf(const RightsCaseDoc& doc) {
  switch (doc.state()) {
    case v1::RIGHTS_STATE_VERIFYING:
      return "verify";
    case v1::RIGHTS_STATE_COMPLETED:
      return doc.kind() == v1::RIGHTS_KIND_ERASURE ? "erased" : "granted";
    case v1::RIGHTS_STATE_PARTIAL:
      return doc.kind() == v1::RIGHTS_KIND_ERASURE ? "erased" : "partial";
    case v1::RIGHTS_STATE_REFUSED:
      return "refused";
    case v1::RIGHTS_STATE_CANCELLED:
      return "cancelled";
    case v1::RIGHTS_STATE_NOTHING_HELD:
      return "nothing_held";
    default:
      return doc.extended() ? "extended" : "acknowledged";
  }
}

std::string ReasonText(const RightsCaseDoc& doc) {
  const LetterTexts& texts = LetterTexts::Shipped();
  for (const auto& step : doc.steps()) {
    if (step.event() != "extended") continue;
    const std::string key = "reason." + step.reason_code();
    if (texts.HasPhrase(key)) return texts.Phrase(key, doc.language());
  }
  return texts.Phrase("reason.other", doc.language());
}

}  // namespace

std::string LetterOf(const policy::Bundle& bundle, const RightsCaseDoc& doc,
                     int64_t now_us) {
  const LetterTexts& texts = LetterTexts::Shipped();
  const std::string_view key = KeyOf(doc);
  const int64_t due_us = DueOf(doc);
  std::map<std::string, std::string, std::less<>> arguments = {
      {"case", doc.id()},
      {"kind", KindText(doc)},
      {"received", DayText(doc.received_us())},
      {"due",
       due_us == 0 ? texts.Phrase("no_end", doc.language()) : DayText(due_us)},
      {"date", DayText(doc.closed_us() == 0 ? now_us : doc.closed_us())},
      {"reason", ReasonText(doc)},
      {"outcomes", OutcomeLines(bundle, doc)},
  };
  if (arguments["outcomes"].empty()) {
    arguments["outcomes"] =
        texts.Phrase("outcome.all_erased", doc.language()) + "\n";
  }
  const LetterTexts::Letter letter =
      texts.Render(key, doc.language(), arguments);
  std::string text = absl::StrCat(
      bundle.profile().name(), "\n", bundle.profile().contact(), "\n\n",
      texts.Phrase("date", doc.language()), ": ",
      DayText(doc.closed_us() == 0 ? now_us : doc.closed_us()), "\n\n",
      letter.subject, "\n\n", texts.Phrase("greeting", doc.language()), "\n\n",
      letter.body);
  // Afterwards nobody can tell her who read her data.
  if (doc.kind() == v1::RIGHTS_KIND_ERASURE &&
      (key == "acknowledged" || key == "verify" || key == "extended")) {
    absl::StrAppend(&text, "\n", texts.Phrase("before_erasure", doc.language()),
                    "\n");
  }
  const bool against =
      key == "refused" || key == "partial" || key == "extended" ||
      (key == "erased" && doc.state() == v1::RIGHTS_STATE_PARTIAL);
  if (!against) return text;
  for (const auto& clock : doc.clocks()) {
    const auto by = AppealBy(clock, doc.closed_us());
    if (!by || doc.closed_us() == 0) continue;
    absl::StrAppend(
        &text, "\n",
        texts
            .Render("appeal", doc.language(),
                    {{"case", doc.id()},
                     {"until", *by == INT64_MAX
                                   ? texts.Phrase("no_end", doc.language())
                                   : DayText(*by)}})
            .body);
    break;
  }
  const std::string complaints = ComplaintLines(bundle, doc);
  if (!complaints.empty()) {
    absl::StrAppend(
        &text, "\n",
        texts.Render("redress", doc.language(), {{"complaints", complaints}})
            .body);
  }
  return text;
}

}  // namespace consentry::rights
