#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
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
  std::string question;
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

std::string StateOf(const v1::Review& one) {
  return WordOf(v1::ReviewState_Name(one.state()), "REVIEW_STATE_");
}

// "in 3 h", "2 days ago".
std::string Away(const google::protobuf::Timestamp& time) {
  const int64_t seconds = time.seconds() - absl::ToUnixSeconds(absl::Now());
  const int64_t minutes = std::abs(seconds) / 60;
  std::string span;
  if (minutes < 120) {
    span = absl::StrCat(minutes, " min");
  } else if (minutes < 48 * 60) {
    span = absl::StrCat(minutes / 60, " h");
  } else {
    span = absl::StrCat(minutes / (24 * 60), " days");
  }
  return seconds < 0 ? span + " ago" : "in " + span;
}

// Two lines: where it stands, and what it is about.
void ShowReview(const v1::Review& one) {
  std::cout << one.id() << "  priority " << one.priority() << "  "
            << StateOf(one);
  if (one.has_decide_time()) {
    std::cout << "  "
              << WordOf(v1::ReviewVerdict_Name(one.verdict()),
                        "REVIEW_VERDICT_")
              << " (" << Printable(one.reason_code()) << ") "
              << Text(one.decide_time());
  } else {
    if (!one.claimed_by().empty()) {
      std::cout << " by " << Printable(one.claimed_by()) << " until "
                << Text(one.lease_end_time());
    }
    std::cout << "  due " << Away(one.due_time());
    if (one.timeouts() > 0) {
      std::cout << ", late "
                << (one.timeouts() == 1
                        ? std::string("once")
                        : absl::StrCat(one.timeouts(), " times"));
    }
  }
  std::cout << "\n    "
            << WordOf(v1::ReviewTrigger_Name(one.trigger()), "REVIEW_TRIGGER_");
  if (!one.target().empty()) std::cout << "  " << Printable(one.target());
  if (!one.model().empty()) std::cout << "  " << Printable(one.model());
  for (const auto& rule : one.rules()) std::cout << "  " << Printable(rule);
  if (one.high_risk()) std::cout << "  needs two persons";
  std::cout << "\n";
}

// One thing of a case; further lines stand below the first.
void Item(const std::string& name, const std::string& text) {
  constexpr size_t kWidth = 12;
  std::string label = name;
  label.resize(std::max(kWidth, name.size() + 1), ' ');
  for (const auto line : absl::StrSplit(text, '\n')) {
    std::cout << "  " << label << Printable(std::string(line)) << "\n";
    label.assign(label.size(), ' ');
  }
}

// `start` is what a person types before "review".
void ShowCase(const v1::ReviewCase& one, const std::string& start,
              const std::string& person) {
  const v1::Review& review = one.review();
  ShowReview(review);
  if (!one.proposal().empty()) Item("proposes", one.proposal());
  if (!one.explanation().empty()) Item("because", one.explanation());
  for (const auto& finding : one.findings()) Item("found", finding);
  for (const auto& field : one.inputs()) {
    Item("input", field.name() + " = " + Text(field.value()));
  }
  for (const auto& field : one.withheld()) {
    Item("withheld", field + " (human review may not see it)");
  }
  for (const auto& question : one.questions()) Item("we asked", question);
  for (const auto& statement : one.statements()) Item("customer", statement);
  for (const auto& rationale : one.rationales()) Item("before", rationale);
  if (!one.audit_reference().empty()) Item("entry", one.audit_reference());
  std::cout << "  to decide   " << start << " review decide " << review.id()
            << " uphold|change|reverse|escalate --etag " << review.etag()
            << " --person " << Printable(person)
            << " --reason CODE --rationale TEXT\n";
}

void ShowOfCustomer(const v1::CustomerReview& one) {
  ShowReview(one.review());
  for (const auto& statement : one.statements()) Item("customer", statement);
  for (const auto& question : one.questions()) Item("we asked", question);
  if (!one.rationale().empty()) Item("why", one.rationale());
  if (!one.outcome().empty()) Item("outcome", one.outcome());
}

std::string Span(double seconds) {
  if (seconds < 120) return absl::StrFormat("%.0f s", seconds);
  if (seconds < 7200) return absl::StrFormat("%.0f min", seconds / 60);
  return absl::StrFormat("%.1f h", seconds / 3600);
}

// Somebody who changes next to nothing, and needs no time for it.
bool LooksLikeAStamp(const v1::ReviewRate& rate) {
  constexpr int64_t kEnough = 20;
  constexpr double kNoTimeSeconds = 30;
  return rate.dimension() == "reviewer" && rate.decided() >= kEnough &&
         rate.changed() * 50 < rate.decided() &&
         rate.time_p50_seconds() < kNoTimeSeconds;
}

void ShowFigures(const v1::ReviewFigures& figures) {
  std::cout << "Open         " << figures.open() << ", of these overdue "
            << figures.overdue() << "\n"
            << "Their age    half under " << Span(figures.age_p50_seconds())
            << ", 95 of 100 under " << Span(figures.age_p95_seconds()) << "\n"
            << "Due times    passed " << figures.timeouts()
            << " times in the span\n";
  if (figures.rates().empty()) {
    std::cout << "No rule, model or reviewer has five decisions or more\n";
    return;
  }
  size_t width = 4;
  for (const auto& rate : figures.rates()) {
    width = std::max(width, Printable(rate.key()).size());
  }
  std::cout << absl::StrFormat("\n%-9s %-*s %8s %8s %6s  %s\n", "By",
                               static_cast<int>(width), "", "decided",
                               "changed", "", "time, half under");
  for (const auto& rate : figures.rates()) {
    std::cout << absl::StrFormat(
        "%-9s %-*s %8d %8d %5.0f%%  %s\n", rate.dimension(),
        static_cast<int>(width), Printable(rate.key()), rate.decided(),
        rate.changed(),
        100.0 * static_cast<double>(rate.changed()) /
            static_cast<double>(rate.decided()),
        Span(rate.time_p50_seconds()) +
            (LooksLikeAStamp(rate) ? "  a rubber stamp?" : ""));
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

int BadWord(const std::string& option, const std::string& words) {
  return Fail(absl::InvalidArgumentError(option + ": one of " + words));
}

constexpr char kStates[] =
    "open, claimed, second-look, awaiting-customer, escalated, resolved";
constexpr char kTriggers[] =
    "significant-decision, customer, conduct, fairness, regime-conflict, "
    "fact-conflict, hand-over, sample";
constexpr char kVerdicts[] = "uphold, change, reverse, escalate";

int List(const std::string& folder, const Options& options) {
  v1::ListReviewsRequest request;
  v1::ReviewState state = v1::REVIEW_STATE_UNSPECIFIED;
  v1::ReviewTrigger trigger = v1::REVIEW_TRIGGER_UNSPECIFIED;
  if (!options.state.empty() && !FromWord(options.state, "REVIEW_STATE_",
                                          v1::ReviewState_Parse, &state)) {
    return BadWord("--state", kStates);
  }
  if (!options.trigger.empty() &&
      !FromWord(options.trigger, "REVIEW_TRIGGER_", v1::ReviewTrigger_Parse,
                &trigger)) {
    return BadWord("--trigger", kTriggers);
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
    return BadWord("verdict", kVerdicts);
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
    return BadWord("--trigger", "customer, hand-over, fact-conflict");
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
  // Who reviews is a person, not a registration.
  const auto needs_person = [](CLI::App* command) {
    command->get_option("--person")->required();
  };
  const auto add_id = [&](CLI::App* command, bool required = true) {
    command->add_option("review", options->id, "rev_...")->required(required);
  };

  CLI::App* list =
      add("list", "The queue, the most urgent first", "reviewer", List);
  list->add_option("--state", options->state, kStates);
  list->add_option("--trigger", options->trigger, kTriggers);

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
  needs_person(claim);
  claim
      ->add_option("--minutes", options->lease_minutes,
                   "How long it is hers; default 30")
      ->check(CLI::Range(1, 480));

  CLI::App* release =
      add("release", "Gives a claimed review back, or asks the customer first",
          "reviewer", [](const std::string& folder, const Options& o) {
            v1::ReleaseReviewRequest request;
            request.set_id(o.id);
            request.set_question(o.question);
            return Call<v1::Review>(folder, o, request, &Stub::ReleaseReview,
                                    ShowReview);
          });
  add_id(release);
  needs_person(release);
  release->add_option("--question", options->question,
                      "What to ask the customer; the review waits for her");

  CLI::App* show = add(
      "show", "The case with all inputs, for whoever claimed it", "reviewer",
      [](const std::string& folder, const Options& o) {
        v1::ShowReviewRequest request;
        request.set_id(o.id);
        const std::string start = ProgramPath() + " --config " + folder;
        return Call<v1::ReviewCase>(
            folder, o, request, &Stub::ShowReview,
            [&](const v1::ReviewCase& one) { ShowCase(one, start, o.person); });
      });
  add_id(show);
  needs_person(show);

  CLI::App* decide = add("decide", "Decides a review that the person claimed",
                         "reviewer", Decide);
  add_id(decide);
  needs_person(decide);
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

  CLI::App* of = add(
      "of", "What a customer sees of her reviews that came through the caller",
      "", [](const std::string& folder, const Options& o) {
        v1::ListCustomerReviewsRequest asked;
        const auto subject = ParseSubject(o.customer);
        if (!subject.ok()) return Fail(subject.status());
        *asked.mutable_subject() = *subject;
        asked.mutable_context()->set_acting_person(o.person);
        const auto session = Session::Open({folder, o.as, "", false});
        if (!session.ok()) return Fail(session.status());
        const auto stub = v1::ReviewService::NewStub((*session)->channel());
        return ShowList<v1::ListCustomerReviewsResponse>(
            asked, o.json, "no review",
            std::bind_front(&Stub::ListCustomerReviews, stub.get()),
            [](const auto& page) -> auto& { return page.reviews(); },
            ShowOfCustomer);
      });
  of->add_option("customer", options->customer,
                 "email:..., phone:..., SYSTEM:NUMBER or cus_...")
      ->required();

  CLI::App* figures = add("figures",
                          "Age of the queue, how often people change outcomes, "
                          "time spent",
                          "compliance", Figures);
  figures->add_option("--from", options->from, "Default: 30 days ago");
  figures->add_option("--to", options->to, "Default: now");
}

}  // namespace consentry::tools
