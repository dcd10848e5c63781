#include <grpcpp/grpcpp.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "audit/log/note.h"
#include "consentry/v1/review_service.grpc.pb.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "gateway/screening/release_note.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/demo_system.h"
#include "tools/consentry/demo_tour.h"
#include "tools/consentry/samples/generator.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

constexpr char kContent[] = "personalize.content.limited";
constexpr char kMarketing[] = "marketing.communications.email";
constexpr char kReviewerPerson[] = "r-17";

v1::ScreenOutputRequest Sent(std::string_view customer,
                             const std::string& purpose, v1::Channel channel,
                             v1::OutputKind kind, const std::string& id) {
  v1::ScreenOutputRequest request;
  *request.mutable_subject() = Crm(customer);
  request.set_purpose(purpose);
  request.set_channel(channel);
  v1::Output* output = request.mutable_output();
  output->set_id(id);
  output->set_kind(kind);
  output->set_model("shop-engine");
  output->set_model_version("1");
  return request;
}

absl::StatusOr<v1::ScreenOutputResponse> Screen(
    const System& engine, const v1::ScreenOutputRequest& request) {
  grpc::ClientContext call;
  v1::ScreenOutputResponse response;
  const grpc::Status status = v1::ScreeningService::NewStub(engine.channel())
                                  ->ScreenOutput(&call, request, &response);
  if (!status.ok()) return FromRpc(status);
  return response;
}

// What the engine is told.
std::string Told(const v1::ScreenOutputResponse& response) {
  std::ostringstream lines;
  lines << absl::StripPrefix(v1::Verdict_Name(response.verdict()), "VERDICT_");
  if (response.verdict_class() != v1::VERDICT_CLASS_UNSPECIFIED) {
    lines << " ("
          << absl::StripPrefix(v1::VerdictClass_Name(response.verdict_class()),
                               "VERDICT_CLASS_")
          << ")";
  }
  lines << "\n";
  for (const auto& finding : response.findings()) {
    lines << "  " << finding.rule() << ": " << finding.message() << "\n"
          << "  " << finding.citation() << "\n";
  }
  if (response.has_retry_time()) {
    lines << "  not before " << Text(response.retry_time()) << "\n";
  }
  if (response.has_release()) {
    lines << "  with a signed release, good until "
          << Text(response.release().expire_time()) << "\n";
  }
  if (response.has_expected_time()) {
    lines << "  a person should have decided by "
          << Text(response.expected_time()) << "\n";
  }
  return lines.str();
}

absl::StatusOr<audit::NoteVerifier> ReleaseKey(const std::string& folder) {
  std::ifstream file(folder + "/release-verifier.txt");
  std::string vkey;
  std::getline(file, vkey);
  return audit::NoteVerifier::FromVkey(vkey);
}

}  // namespace

absl::Status DemoTour::FalseScarcity() {
  Title("A web page that says \"only 2 left\" while 40 are in stock");
  CONSENTRY_ASSIGN_OR_RETURN(const System engine,
                             System::Connect(options_, kDemoEngine));
  auto request = Sent(kSampleVirginian, kContent, v1::CHANNEL_WEB,
                      v1::OUTPUT_KIND_PAGE_CONTENT, "page-1");
  v1::Output* output = request.mutable_output();
  output->set_item("lamp");
  output->set_text("Only 2 left in stock - order now!");
  v1::Evidence* evidence = output->add_evidence();
  evidence->set_source("stock-service");
  evidence->mutable_time()->set_seconds(absl::ToUnixSeconds(absl::Now()));
  evidence->set_stock(40);
  Say("sends", absl::StrCat("\"", output->text(), "\""));
  CONSENTRY_ASSIGN_OR_RETURN(auto response, Screen(engine, request));
  Print(Told(response));
  if (response.verdict() != v1::VERDICT_BLOCKED) {
    return Unexpected("a false claim was to be blocked");
  }
  output->set_id("page-2");
  evidence->set_stock(2);
  Say("then", "the same words, and the stock service does count 2");
  CONSENTRY_ASSIGN_OR_RETURN(response, Screen(engine, request));
  Print(Told(response));
  if (response.verdict() != v1::VERDICT_RELEASED) {
    return Unexpected("a true claim was to be released");
  }
  Say("why", "a claim needs evidence that holds, and then it may be made");
  return absl::OkStatus();
}

absl::Status DemoTour::QuietHours() {
  Title("A message at half past ten in the evening");
  CONSENTRY_ASSIGN_OR_RETURN(const System newsletter,
                             System::Connect(options_, kDemoNewsletter));
  CONSENTRY_ASSIGN_OR_RETURN(const System engine,
                             System::Connect(options_, kDemoEngine));
  Say("first", "a customer in Virginia consents to marketing by e-mail");
  CONSENTRY_RETURN_IF_ERROR(GiveConsent(newsletter.channel(), kSampleVirginian,
                                        kMarketing, "marketing-consent"));
  absl::TimeZone there;
  if (!absl::LoadTimeZone("America/New_York", &there)) {
    return absl::FailedPreconditionError(
        "the time zones of the system (tzdata) are not installed");
  }
  const absl::CivilDay tomorrow = absl::ToCivilDay(absl::Now(), there) + 1;
  const auto at = [&](int hour, int minute) {
    return absl::ToUnixSeconds(absl::FromCivil(
        absl::CivilMinute(tomorrow) + hour * 60 + minute, there));
  };
  auto request = Sent(kSampleVirginian, kMarketing, v1::CHANNEL_EMAIL,
                      v1::OUTPUT_KIND_MESSAGE, "mail-1");
  v1::Output* output = request.mutable_output();
  output->set_text("Our new catalogue is here.");
  output->mutable_deliver_time()->set_seconds(at(22, 30));
  Say("sends", "\"Our new catalogue is here.\", for 22:30 her time");
  CONSENTRY_ASSIGN_OR_RETURN(auto response, Screen(engine, request));
  Print(Told(response));
  if (response.verdict() != v1::VERDICT_BLOCKED || !response.has_retry_time()) {
    return Unexpected("a message at night was to be blocked for a while");
  }
  output->set_id("mail-2");
  *output->mutable_deliver_time() = response.retry_time();
  Say("then", "the same for the time that it was told");
  CONSENTRY_ASSIGN_OR_RETURN(response, Screen(engine, request));
  Print(Told(response));
  if (response.verdict() != v1::VERDICT_RELEASED) {
    return Unexpected("a message in the morning was to be released");
  }
  Say("why",
      "her time zone comes from where she lives; consent does not say when");
  return absl::OkStatus();
}

absl::Status DemoTour::DistressPrice() {
  Title("A price made from what a chat heard: that she needs it badly");
  CONSENTRY_ASSIGN_OR_RETURN(const System engine,
                             System::Connect(options_, kDemoEngine));
  Say("first", "she consents to prices of her own");
  CONSENTRY_RETURN_IF_ERROR(GiveConsent(engine.channel(), kSampleVirginian,
                                        kDemoPricing,
                                        "personalization-consent"));
  auto request = Sent(kSampleVirginian, kDemoPricing, v1::CHANNEL_WEB,
                      v1::OUTPUT_KIND_PRICE, "price-1");
  v1::Output* output = request.mutable_output();
  output->set_item("lamp");
  output->mutable_price()->set_currency("USD");
  output->mutable_price()->set_minor_units(5290);
  output->mutable_base_price()->set_currency("USD");
  output->mutable_base_price()->set_minor_units(4990);
  output->add_input_categories("user.behavior.purchase_history");
  output->add_input_categories("user.behavior.distress");
  output->add_disclosures("personalised_price");
  Say("sends", "52.90 USD instead of 49.90, from her purchases and distress");
  CONSENTRY_ASSIGN_OR_RETURN(auto response, Screen(engine, request));
  Print(Told(response));
  if (response.verdict() != v1::VERDICT_BLOCKED ||
      response.verdict_class() != v1::VERDICT_CLASS_CONDUCT) {
    return Unexpected("a price from distress was to be blocked");
  }
  output->set_id("price-2");
  output->mutable_price()->set_minor_units(4790);
  output->clear_input_categories();
  output->add_input_categories("user.behavior.purchase_history");
  Say("then", "47.90 USD, from her purchases alone, and it tells so");
  CONSENTRY_ASSIGN_OR_RETURN(response, Screen(engine, request));
  Print(Told(response));
  if (response.verdict() != v1::VERDICT_RELEASED) {
    return Unexpected("a price that tells so was to be released");
  }
  Say("why",
      "no consent makes need a price; the engine has to say what it used");
  return absl::OkStatus();
}

absl::Status DemoTour::CreditDecision() {
  Title("A machine refuses a German purchase on account");
  CONSENTRY_ASSIGN_OR_RETURN(const System engine,
                             System::Connect(options_, kDemoEngine));
  CONSENTRY_ASSIGN_OR_RETURN(const System staff,
                             System::Connect(options_, kDemoReviewer));
  const auto reviews = v1::ReviewService::NewStub(staff.channel());
  auto request = Sent(kSampleGerman, kDemoCredit, v1::CHANNEL_EMAIL,
                      v1::OUTPUT_KIND_DECISION, "credit-1");
  v1::Output* output = request.mutable_output();
  output->set_label("refused");
  output->set_explanation("One order was completed late.");
  output->add_input_categories("user.behavior.purchase_history");
  Say("sends", "\"refused\", from her orders");
  CONSENTRY_ASSIGN_OR_RETURN(auto response, Screen(engine, request));
  Print(Told(response));
  if (response.verdict() != v1::VERDICT_HELD) {
    return Unexpected("a significant decision was to be held");
  }
  v1::Review review;
  {
    grpc::ClientContext call;
    v1::RequestReviewRequest ask;
    *ask.mutable_subject() = Crm(kSampleGerman);
    ask.set_target(response.screening_id());
    ask.set_trigger(v1::REVIEW_TRIGGER_CUSTOMER);
    ask.set_statement("The parcel was late, not my payment.");
    const grpc::Status status = v1::ReviewService::NewStub(engine.channel())
                                    ->RequestReview(&call, ask, &review);
    if (!status.ok()) return FromRpc(status);
  }
  Say("then", "she gives her view; a reviewer takes the case and looks");
  {
    grpc::ClientContext call;
    v1::ClaimReviewRequest claim;
    claim.set_id(review.id());
    claim.mutable_context()->set_acting_person(kReviewerPerson);
    const grpc::Status status = reviews->ClaimReview(&call, claim, &review);
    if (!status.ok()) return FromRpc(status);
  }
  v1::ReviewCase seen;
  {
    grpc::ClientContext call;
    v1::ShowReviewRequest show;
    show.set_id(review.id());
    show.mutable_context()->set_acting_person(kReviewerPerson);
    const grpc::Status status = reviews->ShowReview(&call, show, &seen);
    if (!status.ok()) return FromRpc(status);
  }
  std::ostringstream lines;
  lines << "because     " << seen.explanation() << "\n";
  for (const auto& statement : seen.statements()) {
    lines << "customer    " << statement << "\n";
  }
  for (const auto& field : seen.inputs()) {
    lines << "input       " << field.name() << " = " << Text(field.value())
          << "\n";
  }
  Print(lines.str());
  if (seen.inputs().empty() || seen.statements().empty()) {
    return Unexpected("a reviewer was to see what the decision is made from");
  }
  {
    grpc::ClientContext call;
    v1::DecideReviewRequest decide;
    decide.set_id(review.id());
    decide.set_etag(seen.review().etag());
    decide.set_verdict(v1::REVIEW_VERDICT_REVERSE);
    decide.set_reason_code("input.wrong");
    decide.set_rationale("The carrier was late. You paid in time.");
    decide.set_new_outcome("granted");
    decide.mutable_context()->set_acting_person(kReviewerPerson);
    const grpc::Status status = reviews->DecideReview(&call, decide, &review);
    if (!status.ok()) return FromRpc(status);
  }
  Say("then", "the reviewer reverses it, and says why");
  v1::FetchOutputsResponse page;
  {
    grpc::ClientContext call;
    v1::FetchOutputsRequest fetch;
    fetch.set_purpose(kDemoCredit);
    fetch.set_channel(v1::CHANNEL_EMAIL);
    const grpc::Status status = v1::ScreeningService::NewStub(engine.channel())
                                    ->FetchOutputs(&call, fetch, &page);
    if (!status.ok()) return FromRpc(status);
  }
  if (page.outputs_size() != 1 || !page.outputs(0).output().favourable()) {
    return Unexpected("a reversed decision was to be delivered");
  }
  const v1::FetchedOutput& out = page.outputs(0);
  CONSENTRY_ASSIGN_OR_RETURN(const auto key, ReleaseKey(options_.folder));
  CONSENTRY_RETURN_IF_ERROR(screening::CheckRelease(
      key, out.release().note(), out.output(), out.release().pseudonym(),
      v1::CHANNEL_EMAIL, absl::ToUnixSeconds(absl::Now())));
  Say("gets", absl::StrCat("\"", out.output().label(),
                           "\", with a signed release that verifies"));
  Say("why",
      "GDPR Art. 22: nothing became final before a person looked, and had a "
      "time passed, nothing would have become final by that");
  return absl::OkStatus();
}

}  // namespace consentry::tools
