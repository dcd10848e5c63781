#include "gateway/erasure/certificate.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "audit/log/note.h"
#include "policy/engine/civil.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::erasure {
namespace {

// To the second: what people read.
std::string TimeOf(int64_t time_us) {
  return policy::FormatTime(time_us - time_us % 1'000'000);
}

// Grounds and references come from people: a line stays one line.
std::string OneLine(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(),
      [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return line;
}

std::string Kept(std::string_view what, int64_t until_us,
                 std::string_view ground, std::string_view document) {
  std::string line = absl::StrCat("kept ", OneLine(what));
  if (until_us != 0) absl::StrAppend(&line, " until ", TimeOf(until_us));
  absl::StrAppend(&line, " on ", OneLine(ground));
  if (!document.empty()) absl::StrAppend(&line, "; ", OneLine(document));
  return line + "\n";
}

}  // namespace

v1::RightsOutcome OutcomeOf(const store::v1::ErasedField& field) {
  v1::RightsOutcome outcome;
  outcome.set_target(field.field());
  outcome.set_disposition(field.kept() ? v1::RIGHTS_DISPOSITION_KEPT
                                       : v1::RIGHTS_DISPOSITION_GRANTED);
  outcome.set_ground(field.ground());
  outcome.set_document(field.document());
  if (field.until_us() != 0) {
    SetTime(field.until_us(), outcome.mutable_keep_until());
  }
  return outcome;
}

absl::StatusOr<v1::ErasureCertificate> MakeCertificate(
    const store::v1::ErasureJob& job, std::string_view log_origin,
    int64_t final_us, const audit::Signer& signer) {
  v1::ErasureCertificate certificate;
  certificate.set_rights_case_id(job.case_id());
  std::string text = absl::StrCat(
      kCertificateTitle, "\nlog ", std::string(log_origin), "\ncase ",
      job.case_id().empty() ? "-" : OneLine(job.case_id()), "\ndecided ",
      TimeOf(job.decided_us()), "\ndestroyed ", TimeOf(job.destroyed_us()),
      "\nfinal ", TimeOf(final_us), "\nentry ", job.entry_index(), "\n");
  for (const store::v1::ErasedField& field : job.outcomes()) {
    *certificate.add_outcomes() = OutcomeOf(field);
    text += field.kept()
                ? Kept(field.field(), field.until_us(), field.ground(),
                       field.document())
                : absl::StrCat("erased ", OneLine(field.field()), "\n");
  }
  if (job.suppressed_until_us() != 0) {
    text += Kept("suppression (a hash of each identifier)",
                 job.suppressed_until_us(), kSuppressionGround, "");
    SetTime(job.suppressed_until_us(), certificate.mutable_suppression_until());
  }
  for (const std::string& field : job.failed()) {
    v1::RightsOutcome* outcome = certificate.add_outcomes();
    outcome->set_target(field);
    outcome->set_disposition(v1::RIGHTS_DISPOSITION_FAILED);
    absl::StrAppend(&text, "failed ", OneLine(field), "\n");
  }
  SetTime(job.destroyed_us(), certificate.mutable_destroy_time());
  SetTime(final_us, certificate.mutable_final_time());
  certificate.set_audit_index(job.entry_index());
  CONSENTRY_ASSIGN_OR_RETURN(const audit::Note note,
                             audit::SignNote(text, signer));
  certificate.set_note(audit::FormatNote(note));
  return certificate;
}

}  // namespace consentry::erasure
