#include <grpcpp/grpcpp.h>

#include <chrono>
#include <sstream>
#include <thread>

#include "audit/log/note.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/demo_system.h"
#include "tools/consentry/demo_tour.h"
#include "tools/consentry/log_key.h"
#include "tools/consentry/rights_commands.h"
#include "tools/consentry/samples/generator.h"

namespace consentry::tools {
namespace {

constexpr char kMarketing[] = "marketing.communications.email";
constexpr std::chrono::milliseconds kPoll{50};
constexpr int kPolls = 400;

// Of what staff saw, a document's digest is kept.
constexpr char kSeen[] =
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

}  // namespace

absl::Status DemoTour::Erasure() {
  Title("A Frenchwoman wants everything erased");
  CONSENTRY_ASSIGN_OR_RETURN(const System compliance,
                             System::Connect(options_, "compliance"));
  CONSENTRY_ASSIGN_OR_RETURN(const System officer,
                             System::Connect(options_, kDemoOfficer));
  CONSENTRY_ASSIGN_OR_RETURN(const System newsletter,
                             System::Connect(options_, kDemoNewsletter));
  const auto staff = v1::RightsService::NewStub(compliance.channel());
  const auto dpo = v1::RightsService::NewStub(officer.channel());

  v1::RightsCase one;
  {
    grpc::ClientContext call;
    v1::SubmitRightsCaseRequest request;
    *request.mutable_subject() = Crm(kSampleFrench);
    request.set_kind(v1::RIGHTS_KIND_ERASURE);
    request.set_channel(v1::CHANNEL_POST);
    const grpc::Status status = staff->SubmitRightsCase(&call, request, &one);
    if (!status.ok()) return FromRpc(status);
  }
  Say("first", "her letter is entered; staff looked at a document of hers");
  {
    grpc::ClientContext call;
    v1::VerifyRightsCaseRequest request;
    request.set_id(one.id());
    request.set_etag(one.etag());
    request.set_level(v1::VERIFICATION_LEVEL_REASONABLE);
    request.set_evidence_digest(kSeen);
    const grpc::Status status = staff->VerifyRightsCase(&call, request, &one);
    if (!status.ok()) return FromRpc(status);
  }
  std::ostringstream kept;
  for (const v1::RightsOutcome& outcome : one.outcomes()) {
    if (outcome.disposition() == v1::RIGHTS_DISPOSITION_KEPT) {
      ShowOutcome(outcome, kept);
    }
  }
  Say("plan", kept.str().empty() ? "everything goes"
                                 : "everything goes but what a law keeps");
  Print(kept.str());
  {
    grpc::ClientContext call;
    v1::ApproveRightsCaseRequest request;
    request.set_id(one.id());
    request.set_etag(one.etag());
    const grpc::Status status = dpo->ApproveRightsCase(&call, request, &one);
    if (!status.ok()) return FromRpc(status);
  }
  Say("then", "another person, the data protection officer, approves it");

  const auto request =
      Question(kSampleFrench, kMarketing, {"profile.email"}, v1::CHANNEL_EMAIL);
  Ask("newsletter, for marketing by e-mail, to which she had consented");
  CONSENTRY_ASSIGN_OR_RETURN(const auto response, newsletter.Read(request));
  Print(response);
  if (response.decision().effect() != v1::EFFECT_DENY) {
    return Unexpected("an erased customer was to be denied");
  }

  v1::ErasureCertificate certificate;
  for (int i = 0; certificate.note().empty(); ++i) {
    grpc::ClientContext call;
    v1::GetErasureCertificateRequest get;
    get.set_id(one.id());
    const grpc::Status status =
        staff->GetErasureCertificate(&call, get, &certificate);
    if (status.ok()) break;
    if (i == kPolls) return FromRpc(status);
    std::this_thread::sleep_for(kPoll);
  }
  *out_ << "\n";
  Say("gets", "a certificate, signed, without a value");
  CONSENTRY_ASSIGN_OR_RETURN(const audit::Note note,
                             audit::ParseNote(certificate.note()));
  CONSENTRY_ASSIGN_OR_RETURN(const audit::NoteVerifier key,
                             ReadLogKey("", options_.folder));
  const audit::NoteVerifier known[] = {key};
  if (audit::CheckNote(note, known) != audit::NoteTrust::kVerified) {
    return Unexpected("the certificate was to verify");
  }
  Print(note.text);
  Say("why",
      "her key is destroyed: what older backups of the data hold of her stays "
      "shut");
  return absl::OkStatus();
}

}  // namespace consentry::tools
