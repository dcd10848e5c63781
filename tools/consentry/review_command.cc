#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>

#include <functional>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "consentry/v1/review_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/pages.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/printable.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"
#include "tools/consentry/subject_name.h"

namespace consentry::tools {
namespace {

using Stub = v1::ReviewService::Stub;

struct Options {
  std::string as;
  std::string person;
  std::string id;
  std::string customer;
  std::string target;
  std::string trigger;
  std::string state;
  std::string statement;
  std::string verdict;
  std::string reason;
  std::string rationale;
  std::string outcome;
  std::string etag;
  std::string from;
  std::string to;
  int lease_minutes = 0;
  bool json = false;
};

// "REVIEW_STATE_SECOND_LOOK" is "second-look".
std::string WordOf(const std::string& name, const std::string& prefix) {
  return absl::StrReplaceAll(
      absl::AsciiStrToLower(name.substr(std::min(prefix.size(), name.size()))),
      {{"_", "-"}});
}

// The name of a value; false for an unknown word.
template <class Enum, class Parse>
bool FromWord(const std::string& word, const std::string& prefix, Parse parse,
              Enum* value) {
  return parse(
      prefix + absl::StrReplaceAll(absl::AsciiStrToUpper(word), {{"-", "_"}}),
      value);
}

void ShowReview(const v1::Review& one) {
  constexpr size_t kLongestState = 17;
  std::string state =
      WordOf(v1::ReviewState_Name(one.state()), "REVIEW_STATE_");
  state.resize(std::max(state.size(), kLongestState), ' ');
  std::cout << one.id() << "  " << one.priority() << "  " << state << "  "
            << WordOf(v1::ReviewTrigger_Name(one.trigger()), "REVIEW_TRIGGER_");
  if (one.has_decide_time()) {
    std::cout << "  "
              << WordOf(v1::ReviewVerdict_Name(one.verdict()),
                        "REVIEW_VERDICT_")
              << " " << Text(one.decide_time());
  } else {
    std::cout << "  due " << Text(one.due_time());
  }
  if (one.timeouts() > 0) std::cout << "  late " << one.timeouts() << " times";
  if (one.high_risk()) std::cout << "  high risk";
  if (!one.claimed_by().empty()) {
    std::cout << "  held by " << Printable(one.claimed_by());
  }
  if (!one.target().empty()) std::cout << "  " << Printable(one.target());
  for (const auto& rule : one.rules()) std::cout << "  " << Printable(rule);
  if (!one.model().empty()) std::cout << "  " << Printable(one.model());
  std::cout << "\n";
}

void ShowCase(const v1::ReviewCase& one) {
  ShowReview(one.review());
  std::cout << "  etag      " << one.review().etag() << "\n";
  if (!one.proposal().empty()) {
    std::cout << "  proposal  " << Printable(one.proposal()) << "\n";
  }
  if (!one.explanation().empty()) {
    std::cout << "  because   " << Printable(one.explanation()) << "\n";
  }
  for (const auto& finding : one.findings()) {
    std::cout << "  finding   " << Printable(finding) << "\n";
  }
  for (const auto& field : one.inputs()) {
    std::cout << "  input     " << field.name() << " = "
              << Printable(Text(field.value())) << "\n";
  }
  for (const auto& field : one.withheld()) {
    std::cout << "  withheld  " << Printable(field) << "\n";
  }
  for (const auto& statement : one.statements()) {
    std::cout << "  she says  " << Printable(statement) << "\n";
  }
  if (!one.audit_reference().empty()) {
    std::cout << "  entry     " << one.audit_reference() << "\n";
  }
}

void ShowFigures(const v1::ReviewFigures& figures) {
  std::cout << "open " << figures.open() << ", overdue " << figures.overdue()
            << ", timeouts " << figures.timeouts()
            << "\nage of open ones: " << std::fixed << std::setprecision(1)
            << figures.age_p50_seconds() / 3600 << " h (half), "
            << figures.age_p95_seconds() / 3600 << " h (19 of 20)\n";
  for (const auto& rate : figures.rates()) {
    std::cout << rate.dimension() << "  " << Printable(rate.key()) << "  "
              << rate.changed() << " of " << rate.decided() << " changed, "
              << rate.time_p50_seconds() << " s each (half)\n";
  }
  if (figures.rates().empty()) {
    std::cout << "no group with five decisions or more\n";
  }
}

template <class Answer, class Request, class Method, class Shown>
int Call(const std::string& folder, const Options& options, Request request,
         Method method, Shown show) {
  request.mutable_context()->set_acting_person(options.person);
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ReviewService::NewStub((*session)->channel());
  grpc::ClientContext call;
  Answer answer;
  const grpc::Status status = (stub.get()->*method)(&call, request, &answer);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(answer, std::cout);
  } else {
    show(answer);
  }
  return kExitOk;
}

int BadWord(const std::string& option) {
  return Fail(absl::InvalidArgumentError(option + ": no such word"));
}

int List(const std::string& folder, const Options& options) {
  v1::ListReviewsRequest request;
  v1::ReviewState state = v1::REVIEW_STATE_UNSPECIFIED;
  v1::ReviewTrigger trigger = v1::REVIEW_TRIGGER_UNSPECIFIED;
  if (!options.state.empty() && !FromWord(options.state, "REVIEW_STATE_",
                                          v1::ReviewState_Parse, &state)) {
    return BadWord("--state");
  }
  if (!options.trigger.empty() &&
      !FromWord(options.trigger, "REVIEW_TRIGGER_", v1::ReviewTrigger_Parse,
                &trigger)) {
    return BadWord("--trigger");
  }
  request.set_state(state);
  request.set_trigger(trigger);
  request.set_page_size(1000);
  request.mutable_context()->set_acting_person(options.person);
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ReviewService::NewStub((*session)->channel());
  return ShowList<v1::ListReviewsResponse>(
      request, options.json, "no review",
      std::bind_front(&Stub::ListReviews, stub.get()),
      [](const auto& page) -> auto& { return page.reviews(); }, ShowReview);
}

int Decide(const std::string& folder, const Options& options) {
  v1::DecideReviewRequest request;
  v1::ReviewVerdict verdict = v1::REVIEW_VERDICT_UNSPECIFIED;
  if (!FromWord(options.verdict, "REVIEW_VERDICT_", v1::ReviewVerdict_Parse,
                &verdict)) {
    return BadWord("verdict");
  }
  request.set_id(options.id);
  request.set_verdict(verdict);
  request.set_reason_code(options.reason);
  request.set_rationale(options.rationale);
  request.set_new_outcome(options.outcome);
  request.set_etag(options.etag);
  return Call<v1::Review>(folder, options, request, &Stub::DecideReview,
                          ShowReview);
}

int Request(const std::string& folder, const Options& options) {
  v1::RequestReviewRequest request;
  const auto subject = ParseSubject(options.customer);
  if (!subject.ok()) return Fail(subject.status());
  *request.mutable_subject() = *subject;
  request.set_target(options.target);
  v1::ReviewTrigger trigger = options.target.empty()
                                  ? v1::REVIEW_TRIGGER_HAND_OVER
                                  : v1::REVIEW_TRIGGER_CUSTOMER;
  if (!options.trigger.empty() &&
      !FromWord(options.trigger, "REVIEW_TRIGGER_", v1::ReviewTrigger_Parse,
                &trigger)) {
    return BadWord("--trigger");
  }
  request.set_trigger(trigger);
  request.set_statement(options.statement);
  return Call<v1::Review>(folder, options, request, &Stub::RequestReview,
                          ShowReview);
}

int Figures(const std::string& folder, const Options& options) {
  v1::GetReviewFiguresRequest request;
  if (!options.from.empty()) {
    const auto status = ParseTime(options.from, request.mutable_from_time());
    if (!status.ok()) return Fail(status);
  }
  if (!options.to.empty()) {
    const auto status = ParseTime(options.to, request.mutable_to_time());
    if (!status.ok()) return Fail(status);
  }
  return Call<v1::ReviewFigures>(folder, options, request,
                                 &Stub::GetReviewFigures, ShowFigures);
}

using Run = std::function<int(const std::string&, const Options&)>;

}  // namespace

void AddReview(CLI::App* app, CommandContext* context) {
  CLI::App* review = app->add_subcommand(
      "review", "Where people look at what machines decided");
  review->require_subcommand(1);
  const auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* what, const char* as,
                       Run run) {
    CLI::App* command = review->add_subcommand(name, what);
    command->add_option(
        "--as", options->as,
        std::string("Registration to ask as") +
            (*as == '\0' ? "" : std::string("; default: ") + as));
    command->add_option("--person", options->person,
                        "Opaque id of who does it");
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([context, options, run = std::move(run), as] {
      if (options->as.empty()) options->as = as;
      context->exit_code = run(context->folder, *options);
    });
    return command;
  };
  const auto add_id = [&](CLI::App* command, bool required = true) {
    command->add_option("review", options->id, "rev_...")->required(required);
  };

  CLI::App* list =
      add("list", "The queue, the most urgent first", "reviewer", List);
  list->add_option("--state", options->state, "open, claimed, resolved, ...");
  list->add_option("--trigger", options->trigger, "conduct, hand-over, ...");

  CLI::App* claim =
      add("claim", "Takes a review; without an id the most urgent one",
          "reviewer", [](const std::string& folder, const Options& o) {
            v1::ClaimReviewRequest request;
            request.set_id(o.id);
            request.set_lease_seconds(o.lease_minutes * 60);
            return Call<v1::Review>(folder, o, request, &Stub::ClaimReview,
                                    ShowReview);
          });
  add_id(claim, false);
  claim
      ->add_option("--minutes", options->lease_minutes,
                   "How long it is hers; default 30")
      ->check(CLI::Range(1, 480));

  add_id(add("release", "Gives a claimed review back", "reviewer",
             [](const std::string& folder, const Options& o) {
               v1::ReleaseReviewRequest request;
               request.set_id(o.id);
               return Call<v1::Review>(folder, o, request, &Stub::ReleaseReview,
                                       ShowReview);
             }));

  add_id(add("show", "The case with all inputs, for whoever claimed it",
             "reviewer", [](const std::string& folder, const Options& o) {
               v1::ShowReviewRequest request;
               request.set_id(o.id);
               return Call<v1::ReviewCase>(folder, o, request,
                                           &Stub::ShowReview, ShowCase);
             }));

  CLI::App* decide = add("decide", "Decides a review that the person claimed",
                         "reviewer", Decide);
  add_id(decide);
  decide
      ->add_option("verdict", options->verdict,
                   "uphold, change, reverse or escalate")
      ->required();
  decide->add_option("--etag", options->etag, "As `show` printed it")
      ->required();
  decide->add_option("--reason", options->reason, "Code of the reason")
      ->required();
  decide->add_option("--rationale", options->rationale, "Why, for the customer")
      ->required();
  decide->add_option("--outcome", options->outcome,
                     "The new outcome, for change");

  CLI::App* request =
      add("request", "Asks for a person on a customer's behalf", "", Request);
  request
      ->add_option("customer", options->customer,
                   "email:..., phone:..., SYSTEM:NUMBER or cus_...")
      ->required();
  request->add_option("--target", options->target,
                      "scr_... or dec_...; none: a hand-over");
  request->add_option("--trigger", options->trigger,
                      "customer, hand-over or fact-conflict");
  request->add_option("--statement", options->statement, "What she says");

  CLI::App* statement =
      add("statement", "Adds what the customer says to an open review", "",
          [](const std::string& folder, const Options& o) {
            v1::AddStatementRequest asked;
            asked.set_id(o.id);
            asked.set_statement(o.statement);
            return Call<v1::Review>(folder, o, asked, &Stub::AddStatement,
                                    ShowReview);
          });
  add_id(statement);
  statement->add_option("statement", options->statement, "What she says")
      ->required();

  CLI::App* figures = add("figures",
                          "Age of the queue, how often people change outcomes, "
                          "time spent",
                          "compliance", Figures);
  figures->add_option("--from", options->from, "Default: 30 days ago");
  figures->add_option("--to", options->to, "Default: now");
}

}  // namespace consentry::tools
