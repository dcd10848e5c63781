#include "gateway/screening/screening_target.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/access/output_decision.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/screening/inferences.h"
#include "gateway/screening/recheck.h"
#include "gateway/screening/screening_words.h"
#include "gateway/screening/shown_prices.h"
#include "gateway/vault/head_edit.h"
#include "policy/conduct/amount_text.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::screening {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;
constexpr size_t kMaxLabelBytes = 128;
constexpr size_t kMaxRanking = 500;
constexpr size_t kMaxItemBytes = 128;

absl::Status NoTarget() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND, "no output has this id");
}

absl::Status BadOutcome(std::string_view why) {
  absl::Status status = MakeError(v1::ERROR_REASON_FIELD_INVALID,
                                  "the new outcome does not fit the output");
  AddFieldViolation(&status, {"new_outcome", std::string(why)});
  return status;
}

// "12.50 EUR", with all digits of the currency after the point or none.
std::optional<v1::Money> ParseAmount(std::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(
      absl::string_view(text.data(), text.size()), ' ', absl::SkipEmpty());
  if (parts.size() != 2 || parts[1].size() != 3 ||
      !std::all_of(parts[1].begin(), parts[1].end(),
                   [](char c) { return absl::ascii_isupper(c); })) {
    return std::nullopt;
  }
  const std::vector<std::string> digits = absl::StrSplit(parts[0], '.');
  const size_t minor = conduct::MinorDigits(parts[1]);
  if (digits.size() > 2 || digits[0].empty() ||
      (digits.size() == 2 && (minor == 0 || digits[1].size() != minor))) {
    return std::nullopt;
  }
  std::string all = digits[0];
  all += digits.size() == 2 ? digits[1] : std::string(minor, '0');
  int64_t units = 0;
  if (!std::all_of(all.begin(), all.end(),
                   [](char c) { return absl::ascii_isdigit(c); }) ||
      !absl::SimpleAtoi(all, &units)) {
    return std::nullopt;
  }
  v1::Money money;
  money.set_currency(parts[1]);
  money.set_minor_units(units);
  return money;
}

// What the engine said with an outcome that is not its own any more says
// something else: words, reasons, score, proofs.
void ForgetWords(v1::Output* output) {
  output->clear_text();
  output->clear_explanation();
  output->clear_score();
  output->clear_evidence();
}

absl::Status Alter(std::string_view new_outcome, v1::Output* output) {
  const std::string text(new_outcome);
  ForgetWords(output);
  switch (output->kind()) {
    case v1::OUTPUT_KIND_PRICE:
    case v1::OUTPUT_KIND_OFFER: {
      const auto amount = ParseAmount(new_outcome);
      if (!amount) return BadOutcome("must be an amount such as \"12.50 EUR\"");
      *output->mutable_price() = *amount;
      return absl::OkStatus();
    }
    case v1::OUTPUT_KIND_SEGMENT:
    case v1::OUTPUT_KIND_PERSONA:
    case v1::OUTPUT_KIND_DECISION:
      if (text.empty() || text.size() > kMaxLabelBytes) {
        return BadOutcome("must be a label of 1 to 128 bytes");
      }
      output->set_label(text);
      return absl::OkStatus();
    case v1::OUTPUT_KIND_RECOMMENDATION: {
      const std::vector<std::string> items = absl::StrSplit(text, '\n');
      if (items.size() > kMaxRanking ||
          std::any_of(items.begin(), items.end(), [](const std::string& item) {
            return item.empty() || item.size() > kMaxItemBytes;
          })) {
        return BadOutcome("must be items of 1 to 128 bytes, one on each line");
      }
      output->mutable_ranking()->Assign(items.begin(), items.end());
      return absl::OkStatus();
    }
    default:
      if (text.empty()) return BadOutcome("is required");
      output->set_text(text);
      return absl::OkStatus();
  }
}

// As a sentence or two for somebody who has to judge it.
std::string InWords(const v1::Output& output) {
  std::vector<std::string> parts;
  parts.push_back(
      absl::AsciiStrToLower(v1::OutputKind_Name(output.kind())
                                .substr(std::string("OUTPUT_KIND_").size())));
  if (!output.item().empty()) parts.push_back("item: " + output.item());
  if (!output.label().empty()) parts.push_back("label: " + output.label());
  if (output.kind() == v1::OUTPUT_KIND_DECISION) {
    parts.emplace_back(output.favourable() ? "favourable for the customer"
                                           : "not favourable for the customer");
  }
  if (output.has_price()) {
    parts.push_back("price: " +
                    conduct::AmountText(output.price().minor_units(),
                                        output.price().currency()));
  }
  if (output.has_base_price()) {
    parts.push_back("without personalization: " +
                    conduct::AmountText(output.base_price().minor_units(),
                                        output.base_price().currency()));
  }
  if (output.has_score()) {
    parts.push_back(absl::StrCat("score: ", output.score()));
  }
  if (!output.text().empty()) parts.push_back("text: " + output.text());
  if (!output.ranking().empty()) {
    parts.push_back("ranking: " + absl::StrJoin(output.ranking(), ", "));
  }
  return absl::StrJoin(parts, "\n");
}

}  // namespace

absl::Status ScreeningTarget::Apply(store::ChangeContext& context,
                                    std::string_view target,
                                    review::Ruling ruling,
                                    std::string_view new_outcome,
                                    store::v1::Leaf* leaf) {
  const auto id = crypto::ParseId(crypto::IdKind::kScreening, target);
  if (!id.ok()) return NoTarget();
  store::Connection* const connection = context.connection();
  CONSENTRY_ASSIGN_OR_RETURN(ScreeningRow row,
                             parts_->rows->Read(connection, *id));
  const bool out = row.doc.verdict() == v1::VERDICT_RELEASED;
  if (row.doc.verdict() != v1::VERDICT_HELD && !out) {
    return MakeError(v1::ERROR_REASON_STATE_INVALID,
                     "the output waits for no human");
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const crypto::Grant grant,
      access::ReviewGrant(parts_->configuration()->bundle()));
  CONSENTRY_ASSIGN_OR_RETURN(store::v1::ScreenedOutput words,
                             parts_->rows->OpenOutput(grant, row));
  v1::Output output;
  if (!output.ParseFromString(words.output())) return CorruptScreening();
  row.doc.set_reviewed(true);
  if (ruling == review::Ruling::kReverse &&
      output.kind() != v1::OUTPUT_KIND_DECISION) {
    ruling = review::Ruling::kBlock;
  }
  leaf->add_details("screening=" + row.doc.id());
  if (out) {
    if (ruling == review::Ruling::kRelease) {
      return parts_->rows->Update(connection, &row, words);
    }
    CONSENTRY_RETURN_IF_ERROR(TakeBack(context, row, leaf));
  }
  if (ruling == review::Ruling::kBlock) {
    if (out) {
      CONSENTRY_RETURN_IF_ERROR(
          Inferences::NoteAgain(context, row.no).status());
    }
    row.doc.set_verdict(v1::VERDICT_BLOCKED);
    leaf->add_details("verdict=" + VerdictWord(v1::VERDICT_BLOCKED));
    return parts_->rows->Update(connection, &row, words);
  }
  if (ruling == review::Ruling::kReleaseChanged) {
    CONSENTRY_RETURN_IF_ERROR(Alter(new_outcome, &output));
    row.doc.set_alteration("CHANGED");
  } else if (ruling == review::Ruling::kReverse) {
    output.set_favourable(!output.favourable());
    output.clear_label();
    ForgetWords(&output);
    if (!new_outcome.empty()) {
      CONSENTRY_RETURN_IF_ERROR(Alter(new_outcome, &output));
    }
    row.doc.set_alteration("REVERSED");
  }
  if (ruling != review::Ruling::kRelease) {
    CONSENTRY_RETURN_IF_ERROR(JudgeAltered(*parts_, context, row, output));
    // What its engine said, however often reviewers altered it.
    if (words.original().empty()) words.set_original(words.output());
    words.set_output(output.SerializeAsString());
    if (output.has_price()) {
      row.doc.set_price_minor(output.price().minor_units());
      row.doc.set_currency(output.price().currency());
      row.doc.set_has_price(true);
    }
  }
  const int64_t now_us = context.now_us();
  const int64_t end_us =
      std::max(now_us, row.doc.deliver_us()) + ReleaseSpanUs(parts_->settings);
  row.doc.set_verdict(v1::VERDICT_RELEASED);
  row.doc.set_verdict_class(v1::VERDICT_CLASS_UNSPECIFIED);
  row.doc.set_digest(OutputDigest(output));
  row.doc.set_release_until_us(end_us / kUsPerSecond * kUsPerSecond);
  leaf->add_details("verdict=" + VerdictWord(v1::VERDICT_RELEASED));
  if (!out) {
    row.doc.clear_charge();
    row.doc.set_charge_due(true);
  }
  ReleaseRow release;
  release.no = row.no;
  release.subject = row.subject;
  // Older than the customer is: whoever looks next decides it anew.
  release.subject_version = 0;
  release.doc.set_digest(row.doc.digest());
  release.doc.set_expire_us(row.doc.release_until_us());
  release.doc.set_purpose(row.doc.purpose());
  release.doc.set_channel(row.doc.channel());
  release.doc.set_deliver_us(row.doc.deliver_us());
  CONSENTRY_RETURN_IF_ERROR(parts_->releases->Insert(connection, release));
  CONSENTRY_RETURN_IF_ERROR(
      ShownPrices(parts_->rows, parts_->items)
          .Count(connection, {row.subject}, output, now_us, &row.doc));
  CONSENTRY_RETURN_IF_ERROR(parts_->items->AddEnds(connection, output, now_us));
  {
    CONSENTRY_ASSIGN_OR_RETURN(const auto keys,
                               parts_->rows->slots().Load(row.subject));
    CONSENTRY_RETURN_IF_ERROR(
        Inferences::Note(parts_->settings, context, keys, output, row));
  }
  return parts_->rows->Update(connection, &row, words);
}

// What is out already does not hold any more; another may take its place. The
// customer counts as changed, so that what is being handed out is decided anew.
absl::Status ScreeningTarget::TakeBack(store::ChangeContext& context,
                                       const ScreeningRow& row,
                                       store::v1::Leaf* leaf) const {
  context.MarkNegative();
  auto edit =
      vault::HeadEdit::Begin(&context, parts_->rows->slots(), row.subject);
  if (edit.ok()) {
    CONSENTRY_RETURN_IF_ERROR(edit->Write(parts_->subjects->cache()));
    const crypto::SubjectTag tag = crypto::ComputeSubjectTag(
        edit->keys(), parts_->log_origin, crypto::MonthOf(context.now_us()));
    leaf->add_subjects()->set_tag(tag.data(), tag.size());
  } else if (!absl::IsNotFound(edit.status())) {
    return edit.status();
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto release, parts_->releases->Find(context.connection(), row.no));
  if (!release) return absl::OkStatus();
  if (release->doc.expire_us() > context.now_us()) {
    CONSENTRY_RETURN_IF_ERROR(parts_->releases->Revoke(context, *release));
  }
  return parts_->releases->Remove(context.connection(), row.no);
}

absl::StatusOr<review::TargetCase> ScreeningTarget::Describe(
    store::Connection* connection, std::string_view target,
    const crypto::Grant& grant) {
  const auto id = crypto::ParseId(crypto::IdKind::kScreening, target);
  if (!id.ok()) return NoTarget();
  CONSENTRY_ASSIGN_OR_RETURN(const ScreeningRow row,
                             parts_->rows->Read(connection, *id));
  CONSENTRY_ASSIGN_OR_RETURN(const auto words,
                             parts_->rows->OpenOutput(grant, row));
  v1::Output output;
  if (!output.ParseFromString(words.output())) return CorruptScreening();
  review::TargetCase found;
  found.subject = row.subject;
  found.purpose = row.doc.purpose();
  found.proposal = InWords(output);
  found.explanation = output.explanation();
  for (const auto& finding : row.doc.findings()) {
    found.findings.push_back(
        absl::StrCat(finding.rule(), ": ", finding.message()));
  }
  access::Caller engine;
  // A registration that is gone by now hides no fact of the case.
  const auto plan = PlanOf(*parts_, row, parts_->committer->NowUs(), &engine);
  if (plan.ok()) {
    for (const policy::FieldId field : plan->plan.fields) {
      found.input_fields.push_back(plan->plan.bundle().field_name(field));
    }
  }
  return found;
}

}  // namespace consentry::screening
