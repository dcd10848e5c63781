#include "tools/consentry/demo_tour.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/audit_offline.h"
#include "tools/consentry/demo_system.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/key_pair.h"
#include "tools/consentry/samples/generator.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

constexpr char kSupport[] = "essential.service.operations.support";
constexpr char kMarketing[] = "marketing.communications.email";
constexpr char kAnalytics[] = "analytics.reporting";
constexpr char kSharing[] = "third_party_sharing";

bool Released(const v1::ReadSubjectResponse& response,
              const std::string& field) {
  return std::any_of(response.fields().begin(), response.fields().end(),
                     [&](const v1::Field& f) { return f.name() == field; });
}

}  // namespace

DemoTour::DemoTour(Options options, std::ostream* out)
    : options_(std::move(options)), out_(out) {}

void DemoTour::Title(const std::string& text) {
  *out_ << "\n" << ++step_ << ". " << text << "\n";
}

void DemoTour::Ask(const std::string& text) { Say("asks", text); }

void DemoTour::Say(const std::string& label, const std::string& text) {
  *out_ << "  " << std::left << std::setw(6) << label << " " << text << "\n";
}

void DemoTour::Print(const std::string& lines) {
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) {
    *out_ << "    " << line << "\n";
  }
}

void DemoTour::Print(const v1::ReadSubjectResponse& response) {
  std::ostringstream lines;
  Show(response, lines);
  Print(lines.str());
}

absl::Status DemoTour::Run() {
  CONSENTRY_RETURN_IF_ERROR(Support());
  CONSENTRY_RETURN_IF_ERROR(Marketing());
  CONSENTRY_RETURN_IF_ERROR(Analytics());
  CONSENTRY_RETURN_IF_ERROR(Californian());
  CONSENTRY_RETURN_IF_ERROR(Erasure());
  CONSENTRY_RETURN_IF_ERROR(FalseScarcity());
  CONSENTRY_RETURN_IF_ERROR(QuietHours());
  CONSENTRY_RETURN_IF_ERROR(DistressPrice());
  CONSENTRY_RETURN_IF_ERROR(CreditDecision());
  CONSENTRY_RETURN_IF_ERROR(Fairness());
  CONSENTRY_RETURN_IF_ERROR(FairnessAudit());
  CONSENTRY_RETURN_IF_ERROR(Stranger());
  return Log();
}

absl::Status DemoTour::GiveConsent(
    const std::shared_ptr<grpc::Channel>& channel, std::string_view customer,
    const std::string& purpose, const std::string& notice) {
  grpc::ClientContext call;
  v1::RecordConsentRequest record;
  *record.mutable_subject() = Crm(customer);
  record.add_purposes(purpose);
  record.set_action(v1::CONSENT_ACTION_GIVE);
  record.mutable_notice()->set_id(notice);
  record.mutable_notice()->set_version(1);
  record.mutable_notice()->set_language("en");
  record.set_method("checkbox");
  v1::RecordConsentResponse recorded;
  const grpc::Status status =
      v1::ConsentService::NewStub(channel)->RecordConsent(&call, record,
                                                          &recorded);
  if (!status.ok()) return FromRpc(status);
  std::ostringstream lines;
  for (const auto& state : recorded.states()) Show(state, lines);
  Print(lines.str());
  return absl::OkStatus();
}

absl::Status DemoTour::Support() {
  Title("Support reads a name and an e-mail address for an open ticket");
  Ask("helpdesk, for support, about a German customer with an open ticket");
  CONSENTRY_ASSIGN_OR_RETURN(const System helpdesk,
                             System::Connect(options_, kDemoHelpdesk));
  auto request =
      Question(kSampleGerman, kSupport,
               {"profile.given_name", "profile.family_name", "profile.email"},
               v1::CHANNEL_INTERNAL);
  CONSENTRY_ASSIGN_OR_RETURN(auto response, helpdesk.Read(request));
  Print(response);
  if (!Released(response, "profile.email")) {
    return Unexpected("support was to get an e-mail address");
  }
  Say("why",
      "the gateway found the open ticket itself; the basis is the "
      "contract");
  *out_ << "\n";
  Ask("the same about a customer without an open ticket or recent order");
  request = Question(kSampleVirginian, kSupport, {"profile.email"},
                     v1::CHANNEL_INTERNAL);
  CONSENTRY_ASSIGN_OR_RETURN(response, helpdesk.Read(request));
  Print(response);
  Say("why",
      "the purpose demands such a context, and what a caller claims is none");
  return absl::OkStatus();
}

absl::Status DemoTour::Marketing() {
  Title("Marketing, before consent, with it, and after it was withdrawn");
  CONSENTRY_ASSIGN_OR_RETURN(const System newsletter,
                             System::Connect(options_, kDemoNewsletter));
  const auto request =
      Question(kSampleGerman, kMarketing,
               {"profile.given_name", "profile.email"}, v1::CHANNEL_EMAIL);
  Ask("newsletter, for marketing by e-mail, about the same customer");
  CONSENTRY_ASSIGN_OR_RETURN(auto response, newsletter.Read(request));
  Print(response);
  if (response.decision().effect() != v1::EFFECT_DENY) {
    return Unexpected("marketing was to be denied for want of consent");
  }
  denied_decision_ = response.decision().id();
  Say("why", "nobody asked her, and silence is no consent");
  *out_ << "\n";

  const auto consents = v1::ConsentService::NewStub(newsletter.channel());
  Say("then",
      "she consents; the ledger says, as the newsletter system attests");
  CONSENTRY_RETURN_IF_ERROR(GiveConsent(newsletter.channel(), kSampleGerman,
                                        kMarketing, "marketing-consent"));
  CONSENTRY_ASSIGN_OR_RETURN(response, newsletter.Read(request));
  Print(response);
  if (!Released(response, "profile.email")) {
    return Unexpected("marketing was to be allowed after consent");
  }
  {
    grpc::ClientContext call;
    v1::WithdrawConsentRequest withdraw;
    *withdraw.mutable_subject() = Crm(kSampleGerman);
    withdraw.add_purposes(kMarketing);
    v1::WithdrawConsentResponse withdrawn;
    const auto start = std::chrono::steady_clock::now();
    const grpc::Status status =
        consents->WithdrawConsent(&call, withdraw, &withdrawn);
    if (!status.ok()) return FromRpc(status);
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - start);
    *out_ << "\n";
    Say("then", absl::StrFormat(
                    "she withdraws, in force when the call returns (%.1f ms)",
                    static_cast<double>(took.count()) / 1000));
  }
  CONSENTRY_ASSIGN_OR_RETURN(response, newsletter.Read(request));
  Print(response);
  if (response.decision().effect() != v1::EFFECT_DENY) {
    return Unexpected("marketing was to be denied after the withdrawal");
  }
  denied_decision_ = response.decision().id();
  Say("why", "a withdrawal bites at once, on reads in flight too");
  return absl::OkStatus();
}

absl::Status DemoTour::Analytics() {
  Title("Analytics gets an age band and a region");
  Ask("reports, for statistics: birth date and address of a Californian");
  CONSENTRY_ASSIGN_OR_RETURN(const System reports,
                             System::Connect(options_, kDemoReports));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto response,
      reports.Read(Question(kSampleCalifornian, kAnalytics,
                            {"profile.birth_date", "profile.postal_code",
                             "profile.region", "profile.country"},
                            v1::CHANNEL_INTERNAL)));
  Print(response);
  for (const v1::Field& field : response.fields()) {
    if (field.transform() == v1::TRANSFORM_NONE) {
      return Unexpected("analytics was to get reduced values only");
    }
  }
  if (!Released(response, "profile.birth_date") ||
      !Released(response, "profile.region")) {
    return Unexpected("analytics was to get an age band and a region");
  }
  Say("why", "the purpose needs no more, so no more leaves");
  return absl::OkStatus();
}

absl::Status DemoTour::Californian() {
  Title("A Californian whose browser sends Global Privacy Control");
  CONSENTRY_ASSIGN_OR_RETURN(const System partner,
                             System::Connect(options_, kDemoPartner));
  // The shop's web site passes on what its visitors do.
  CONSENTRY_ASSIGN_OR_RETURN(const System importer,
                             System::Connect(options_, kDemoImporter));
  Say("first", "he agrees at sign-up that partners may write to him");
  CONSENTRY_RETURN_IF_ERROR(GiveConsent(importer.channel(), kSampleCalifornian,
                                        kSharing, "partner-consent"));
  const auto request = Question(kSampleCalifornian, kSharing, {"profile.email"},
                                v1::CHANNEL_PARTNER);
  Ask("ad-partner, for sharing");
  CONSENTRY_ASSIGN_OR_RETURN(auto response, partner.Read(request));
  Print(response);
  if (!Released(response, "profile.email")) {
    return Unexpected("sharing was to be allowed before the signal");
  }
  {
    grpc::ClientContext call;
    v1::OptOutRequest opt_out;
    *opt_out.mutable_subject() = Crm(kSampleCalifornian);
    opt_out.add_kinds(v1::OPT_OUT_KIND_SALE);
    opt_out.add_kinds(v1::OPT_OUT_KIND_SHARING);
    opt_out.set_global_privacy_control(true);
    opt_out.set_channel(v1::CHANNEL_WEB);
    v1::OptOutResponse opted;
    const grpc::Status status = v1::ConsentService::NewStub(importer.channel())
                                    ->OptOut(&call, opt_out, &opted);
    if (!status.ok()) return FromRpc(status);
    *out_ << "\n";
    Say("then", "he visits the shop with a browser that sends Sec-GPC: 1");
  }
  Ask("ad-partner the same again");
  CONSENTRY_ASSIGN_OR_RETURN(response, partner.Read(request));
  Print(response);
  if (response.decision().effect() != v1::EFFECT_DENY) {
    return Unexpected("a Californian with GPC was not to be shared");
  }
  Say("why", "the signal is a valid opt-out in California (11 CCR 7025)");
  return absl::OkStatus();
}

absl::Status DemoTour::Stranger() {
  Title("A stranger's certificate is refused");
  Ask("somebody with a certificate that this gateway did not issue");
  const std::string stem = options_.folder + "/stranger";
  CONSENTRY_ASSIGN_OR_RETURN(const KeyPair pair, MakeKeyPair("helpdesk"));
  CONSENTRY_ASSIGN_OR_RETURN(const std::string certificate,
                             SelfSign(pair, "helpdesk"));
  CONSENTRY_RETURN_IF_ERROR(WritePrivate(stem + ".key", pair.key_pem));
  CONSENTRY_RETURN_IF_ERROR(WritePrivate(stem + ".pem", certificate));
  Credentials credentials = CredentialsIn(options_.folder, kDemoHelpdesk);
  credentials.certificate_file = stem + ".pem";
  credentials.key_file = stem + ".key";
  CONSENTRY_ASSIGN_OR_RETURN(const auto channel,
                             Connect(options_.address, credentials));
  grpc::ClientContext call;
  call.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(3));
  v1::ReadSubjectResponse response;
  const grpc::Status status = v1::DataService::NewStub(channel)->ReadSubject(
      &call,
      Question(kSampleGerman, kSupport, {"profile.email"},
               v1::CHANNEL_INTERNAL),
      &response);
  if (status.ok()) return Unexpected("a stranger was let in");
  Say("gets", "no connection: the handshake fails");
  Say("why",
      "who may ask is what a registered certificate says, not what a call "
      "claims");
  return absl::OkStatus();
}

// Verifies a copy of the log, then the same copy with one letter changed.
absl::Status DemoTour::Log() {
  Title("The audit log proves itself");
  CONSENTRY_ASSIGN_OR_RETURN(const System compliance,
                             System::Connect(options_, "compliance"));
  {
    // Everything so far comes under a signed checkpoint.
    const auto stub = v1::AuditService::NewStub(compliance.channel());
    grpc::ClientContext call;
    v1::AuditLog log;
    grpc::Status status = stub->GetAuditLog(&call, {}, &log);
    if (!status.ok()) return FromRpc(status);
    grpc::ClientContext next;
    v1::GetCheckpointRequest request;
    request.set_min_size(log.size());
    v1::Checkpoint checkpoint;
    status = stub->GetCheckpoint(&next, request, &checkpoint);
    if (!status.ok()) return FromRpc(status);
  }
  const std::string copy = options_.folder + "/log-copy";
  std::error_code fault;
  std::filesystem::copy(options_.folder + "/data/log", copy,
                        std::filesystem::copy_options::recursive, fault);
  if (fault) return absl::UnavailableError("cannot copy the log");
  AuditVerifyOptions verify;
  verify.folder = copy;
  verify.key = options_.folder + "/log-verifier.txt";
  Say("check", "a copy of the log, with the public key alone");
  std::ostringstream said;
  if (RunAuditVerify(verify, said, said) != kExitOk) {
    return Unexpected("the log did not verify: " + said.str());
  }
  Print(said.str());

  // One letter of one entry.
  std::string tampered;
  for (const auto& file : std::filesystem::recursive_directory_iterator(copy)) {
    if (!file.is_regular_file()) continue;
    std::ifstream in(file.path(), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    const size_t at = bytes.find("consent.withdraw");
    if (at == std::string::npos) continue;
    std::fstream out(file.path(),
                     std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(at));
    out.write("consent.withdrew", 16);
    tampered = file.path().filename().string();
    break;
  }
  if (tampered.empty()) return Unexpected("no entry of the withdrawal found");
  *out_ << "\n";
  Say("then",
      "somebody changes one letter of the withdrawal's entry in the copy");
  std::ostringstream found;
  if (RunAuditVerify(verify, found, found) != kExitNo) {
    return Unexpected("a changed entry was not noticed");
  }
  Print(found.str());
  return absl::OkStatus();
}

void DemoTour::PrintCommands() const {
  const std::string start =
      "  " + options_.program + " --config " + options_.folder + " ";
  *out_ << "\nThree commands to paste into another terminal:\n\n"
        << start << "read crm:" << kSampleGerman << " --as " << kDemoHelpdesk
        << " --purpose " << kSupport
        << " --fields profile.given_name,profile.email\n"
        << start << "read crm:" << kSampleGerman << " --as " << kDemoNewsletter
        << " --purpose " << kMarketing
        << " --channel email --fields profile.email\n"
        << start << "explain " << denied_decision_ << "\n";
}

}  // namespace consentry::tools
