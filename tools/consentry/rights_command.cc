#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <ctime>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "audit/merkle/hash.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/log_key.h"
#include "tools/consentry/pages.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/printable.h"
#include "tools/consentry/rights_commands.h"
#include "tools/consentry/rights_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"
#include "tools/consentry/subject_name.h"

namespace consentry::tools {
namespace {

using Stub = v1::RightsService::Stub;

struct Options {
  std::string as;
  std::string person;
  std::string id;
  std::string customer;
  std::string kind;
  std::string state;
  std::string level;
  std::string code;
  std::string evidence;
  std::string reason;
  std::string ground;
  std::string statement;
  std::string decision;
  std::string language;
  std::string channel;
  std::string received;
  std::string agent;
  std::string before;
  std::string format = "json";
  std::string out;
  std::vector<std::string> purposes;
  std::vector<std::string> fields;
  std::vector<std::string> set;
  std::vector<std::string> checked;
  bool resume = false;
  bool json = false;
};

// What is kept of a document that somebody looked at.
absl::StatusOr<std::string> EvidenceDigest(const std::string& named) {
  const bool digest =
      named.size() == 64 &&
      named.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (named.empty() || digest) return named;
  const auto bytes = ReadWhole(named);
  if (!bytes.ok() || bytes->empty()) {
    return absl::InvalidArgumentError(
        "--evidence names no file that can be read, and is no SHA-256");
  }
  return audit::HexOf(audit::Sha256({*bytes}));
}

// The words of a column stand below one another.
std::string Padded(std::string word, size_t width) {
  if (word.size() < width) word.append(width - word.size(), ' ');
  return word;
}

// An answered case is due no more.
bool IsDue(const v1::RightsCase& one) {
  return one.has_due_time() && (one.state() < v1::RIGHTS_STATE_COMPLETED ||
                                one.state() == v1::RIGHTS_STATE_PAUSED);
}

void ShowCase(const v1::RightsCase& one, bool steps) {
  constexpr size_t kLongestKind = 20;
  constexpr size_t kLongestState = 12;
  std::cout << one.id() << "  " << Padded(KindWord(one.kind()), kLongestKind)
            << "  ";
  if (!IsDue(one)) {
    std::cout << StateWord(one.state());
  } else {
    const bool late = one.state() != v1::RIGHTS_STATE_PAUSED &&
                      one.due_time().seconds() < std::time(nullptr);
    std::cout << Padded(StateWord(one.state()), kLongestState) << "  due "
              << Text(one.due_time()).substr(0, 10) << (late ? ", LATE" : "");
  }
  if (!one.waits_for().empty()) std::cout << "  waits for " << one.waits_for();
  std::cout << "\n";
  if (!steps) return;
  std::cout << "  customer  "
            << (one.subject_id().empty() ? "nobody found, or not shown"
                                         : one.subject_id())
            << "\n  received  " << Text(one.receive_time()) << "\n  identity  "
            << LevelWord(one.verified())
            << "; needed: " << LevelWord(one.verification_required()) << "\n";
  for (const auto& clock : one.clocks()) {
    std::cout << "  clock     " << clock.regime() << ": answer by "
              << Text(clock.answer_by()).substr(0, 10);
    if (clock.has_acknowledge_by()) {
      std::cout << ", confirm by "
                << Text(clock.acknowledge_by()).substr(0, 10);
    }
    if (clock.extended()) std::cout << ", extended";
    if (clock.has_paused_since()) std::cout << ", stands still";
    if (clock.has_appeal_by()) {
      std::cout << ", appeal by " << Text(clock.appeal_by()).substr(0, 10);
    }
    std::cout << " (" << Printable(clock.citation()) << ")\n";
  }
  for (const auto& outcome : one.outcomes()) ShowOutcome(outcome, std::cout);
  if (!one.statement().empty()) {
    std::cout << "  she wrote " << Printable(one.statement()) << "\n";
  }
  for (const auto& step : one.steps()) {
    std::cout << "  " << Text(step.time()) << "  " << step.event() << "  "
              << step.client_id()
              << (step.acting_person().empty() ? ""
                                               : "/" + step.acting_person())
              << (step.reason_code().empty() ? "" : "  " + step.reason_code())
              << "\n";
  }
  if (one.steps_size() > 0 && IsDue(one) &&
      one.steps(one.steps_size() - 1).event() == "review_needs_staff") {
    std::cout
        << "  to do     ask her which decision she means, put it before a "
           "human (RequestReview), complete the case\n";
  }
}

int Print(const v1::RightsCase& one, bool json) {
  if (json) {
    ShowJson(one, std::cout);
  } else {
    ShowCase(one, true);
  }
  return kExitOk;
}

// Opens a session as the registration asked for, and runs `call` on it.
int WithStub(const std::string& folder, const Options& options,
             const std::function<int(Stub*)>& call) {
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::RightsService::NewStub((*session)->channel());
  return call(stub.get());
}

template <class Request>
void SetContext(const Options& options, Request* request) {
  request->mutable_context()->set_acting_person(options.person);
}

// A call on one case, with the etag that it has now.
template <class Request, class Method>
int OnCase(const std::string& folder, const Options& options, Request request,
           Method method) {
  request.set_id(options.id);
  SetContext(options, &request);
  return WithStub(folder, options, [&](Stub* stub) {
    v1::RightsCase answer;
    if constexpr (requires { request.etag(); }) {
      v1::GetRightsCaseRequest get;
      get.set_id(options.id);
      SetContext(options, &get);
      grpc::ClientContext call;
      const grpc::Status status = stub->GetRightsCase(&call, get, &answer);
      if (!status.ok()) return PrintError(status, std::cerr);
      request.set_etag(answer.etag());
    }
    grpc::ClientContext call;
    v1::RightsCase after;
    const grpc::Status status = (stub->*method)(&call, request, &after);
    if (status.ok()) return Print(after, options.json);
    const int exit_code = PrintError(status, std::cerr);
    if (ReasonOf(status) == "STATE_INVALID" && !answer.id().empty()) {
      std::cerr << "The case is " << StateWord(answer.state())
                << (answer.waits_for().empty()
                        ? ""
                        : " and waits for " + answer.waits_for())
                << ".\n";
    }
    return exit_code;
  });
}

// "profile.city=Lyon" as a text.
absl::Status AddCorrection(const std::string& text,
                           v1::SubmitRightsCaseRequest* request) {
  const size_t at = text.find('=');
  if (at == std::string::npos || at == 0) {
    return absl::InvalidArgumentError("--set takes KIND.FIELD=VALUE");
  }
  (*request->mutable_corrections())[text.substr(0, at)].set_string_value(
      text.substr(at + 1));
  return absl::OkStatus();
}

int Submit(const std::string& folder, const Options& options) {
  v1::SubmitRightsCaseRequest request;
  const auto subject = ParseSubject(options.customer);
  if (!subject.ok()) return Fail(subject.status());
  *request.mutable_subject() = *subject;
  const auto kind = ParseKind(options.kind);
  if (!kind.ok()) return Fail(kind.status());
  request.set_kind(*kind);
  *request.mutable_purposes() = {options.purposes.begin(),
                                 options.purposes.end()};
  *request.mutable_fields() = {options.fields.begin(), options.fields.end()};
  for (const std::string& text : options.set) {
    if (const auto status = AddCorrection(text, &request); !status.ok()) {
      return Fail(status);
    }
  }
  if (!options.received.empty()) {
    const auto status =
        ParseTime(options.received, request.mutable_receive_time());
    if (!status.ok()) return Fail(status);
  }
  if (!options.channel.empty()) {
    const auto channel = ParseChannel(options.channel);
    if (!channel.ok()) return Fail(channel.status());
    request.set_channel(*channel);
  }
  request.set_language(options.language);
  request.set_statement(options.statement);
  request.set_decision_id(options.decision);
  request.set_agent_id(options.agent);
  SetContext(options, &request);
  return WithStub(folder, options, [&](Stub* stub) {
    grpc::ClientContext call;
    v1::RightsCase answer;
    const grpc::Status status = stub->SubmitRightsCase(&call, request, &answer);
    return status.ok() ? Print(answer, options.json)
                       : PrintError(status, std::cerr);
  });
}

int List(const std::string& folder, const Options& options, bool due) {
  v1::ListRightsCasesRequest request;
  if (!options.customer.empty()) {
    const auto subject = ParseSubject(options.customer);
    if (!subject.ok()) return Fail(subject.status());
    *request.mutable_subject() = *subject;
  }
  if (!options.kind.empty()) {
    const auto kind = ParseKind(options.kind);
    if (!kind.ok()) return Fail(kind.status());
    request.set_kind(*kind);
  }
  if (!options.state.empty()) {
    const auto state = ParseState(options.state);
    if (!state.ok()) return Fail(state.status());
    request.set_state(*state);
  }
  if (due) {
    const auto status =
        ParseTime(options.before.empty() ? "2199-12-31" : options.before,
                  request.mutable_due_before());
    if (!status.ok()) return Fail(status);
  }
  SetContext(options, &request);
  request.set_page_size(1000);
  return WithStub(folder, options, [&](Stub* stub) {
    return ShowList<v1::ListRightsCasesResponse>(
        request, options.json, "no case",
        std::bind_front(&Stub::ListRightsCases, stub),
        [](const auto& page) -> auto& { return page.rights_cases(); },
        [](const v1::RightsCase& one) { ShowCase(one, false); });
  });
}

int Download(const std::string& folder, const Options& options,
             v1::ReportFormat format) {
  v1::DownloadReportRequest request;
  request.set_id(options.id);
  request.set_format(format);
  SetContext(options, &request);
  return WithStub(folder, options, [&](Stub* stub) {
    grpc::ClientContext call;
    const auto reader = stub->DownloadReport(&call, request);
    std::string report;
    v1::DownloadReportResponse piece;
    while (reader->Read(&piece)) report.append(piece.data());
    const grpc::Status status = reader->Finish();
    if (!status.ok()) return PrintError(status, std::cerr);
    if (options.out.empty()) {
      std::cout << report;
      return kExitOk;
    }
    const absl::Status written = WriteWhole(options.out, report);
    if (!written.ok()) return Fail(written);
    std::cout << options.out << ": " << report.size() << " bytes\n";
    return kExitOk;
  });
}

class Builder {
 public:
  Builder(CLI::App* parent, CommandContext* context,
          std::shared_ptr<Options> options)
      : parent_(parent), context_(context), options_(std::move(options)) {}

  CLI::App* Add(const char* name, const char* what,
                std::function<int(const std::string&, const Options&)> run,
                const char* as = "compliance") {
    CLI::App* command = parent_->add_subcommand(name, what);
    command->add_option("--as", options_->as,
                        std::string("Registration to ask as; default: ") + as);
    command->add_option("--person", options_->person,
                        "Opaque id of who does it");
    command->add_flag("--json", options_->json, "Print JSON");
    command->callback(
        [context = context_, options = options_, run = std::move(run), as] {
          if (options->as.empty()) options->as = as;
          context->exit_code = run(context->folder, *options);
        });
    return command;
  }

  CLI::App* AddOnCase(
      const char* name, const char* what,
      std::function<int(const std::string&, const Options&)> run,
      const char* as = "compliance") {
    CLI::App* command = Add(name, what, std::move(run), as);
    command->add_option("case", options_->id, "rgt_...")->required();
    return command;
  }

 private:
  CLI::App* const parent_;
  CommandContext* const context_;
  const std::shared_ptr<Options> options_;
};

void AddReading(Builder* builder, const std::shared_ptr<Options>& options) {
  CLI::App* list =
      builder->Add("list", "Cases; the one that is due first comes first",
                   [](const std::string& folder, const Options& o) {
                     return List(folder, o, false);
                   });
  list->add_option("--customer", options->customer, "Of one customer");
  list->add_option("--kind", options->kind, "access, erasure, ...");
  list->add_option("--state", options->state, "verifying, working, ...");
  CLI::App* due = builder->Add("due", "Open cases by the day of the answer",
                               [](const std::string& folder, const Options& o) {
                                 return List(folder, o, true);
                               });
  due->add_option("--before", options->before, "Only those due before a day");
  builder->AddOnCase("show", "One case with its clocks, steps and outcome",
                     [](const std::string& folder, const Options& o) {
                       return OnCase(folder, o, v1::GetRightsCaseRequest(),
                                     &Stub::GetRightsCase);
                     });
  CLI::App* letter = builder->AddOnCase(
      "letter", "The letter that tells where the case stands",
      [](const std::string& folder, const Options& o) {
        return Download(folder, o, v1::REPORT_FORMAT_LETTER);
      });
  letter->add_option("--out", options->out, "File; default: the terminal");
  CLI::App* download = builder->AddOnCase(
      "download", "The report of an access or portability case",
      [](const std::string& folder, const Options& o) {
        const auto format = ParseFormat(o.format);
        return format.ok() ? Download(folder, o, *format)
                           : Fail(format.status());
      });
  download->add_option("--format", options->format, "json, csv or html")
      ->capture_default_str();
  download->add_option("--out", options->out, "File; default: the terminal");
}

void AddSubmit(Builder* builder, const std::shared_ptr<Options>& options) {
  CLI::App* submit = builder->Add(
      "submit", "Enters a request, also one that came by post or phone",
      Submit);
  submit
      ->add_option("customer", options->customer,
                   "email:..., phone:..., SYSTEM:NUMBER or cus_...")
      ->required();
  submit
      ->add_option("kind", options->kind,
                   "access, portability, rectification, erasure, restriction, "
                   "objection, opt-out-of-sale, limit-sensitive, "
                   "opt-out-of-profiling, human-review, complaint, explanation")
      ->required();
  submit->add_option("--purpose", options->purposes, "For an objection");
  submit->add_option("--field", options->fields, "KIND.FIELD");
  submit->add_option("--set", options->set,
                     "KIND.FIELD=VALUE, for a rectification");
  submit->add_option("--received", options->received,
                     "Day or time of receipt; default: now");
  submit->add_option("--channel", options->channel, "post, phone, web, ...");
  submit->add_option("--language", options->language, "en, de, fr, es");
  submit->add_option("--statement", options->statement, "What she wrote");
  submit->add_option("--decision", options->decision,
                     "scr_... or dec_..., for a human review");
  submit->add_option("--agent", options->agent, "agt_...");
}

void AddDeciding(Builder* builder, const std::shared_ptr<Options>& options) {
  CLI::App* verify = builder->AddOnCase(
      "verify",
      "Records how the requester was identified; sends a code when "
      "neither --code nor --evidence is given",
      [](const std::string& folder, const Options& o) {
        v1::VerifyRightsCaseRequest request;
        const auto level = ParseLevel(
            !o.level.empty() ? o.level
                             : (o.evidence.empty() ? "contact" : "reasonable"));
        if (!level.ok()) return Fail(level.status());
        request.set_level(*level);
        request.set_code(o.code);
        const auto digest = EvidenceDigest(o.evidence);
        if (!digest.ok()) return Fail(digest.status());
        request.set_evidence_digest(*digest);
        return OnCase(folder, o, request, &Stub::VerifyRightsCase);
      });
  verify->add_option("--level", options->level,
                     "contact, reasonable, reasonably-high or login; default: "
                     "reasonable with --evidence, else contact");
  verify->add_option("--code", options->code, "The code that she received");
  verify->add_option("--evidence", options->evidence,
                     "The document that was looked at: its file, of which "
                     "only the SHA-256 is kept, or that digest");
  CLI::App* extend = builder->AddOnCase(
      "extend", "Lengthens the answer time where a regime allows it",
      [](const std::string& folder, const Options& o) {
        v1::ExtendRightsCaseRequest request;
        request.set_reason_code(o.reason);
        return OnCase(folder, o, request, &Stub::ExtendRightsCase);
      });
  extend->add_option("--reason", options->reason, "complexity, number")
      ->required();
  CLI::App* pause = builder->AddOnCase(
      "pause",
      "Stops the clock while she is asked for something, or resumes it",
      [](const std::string& folder, const Options& o) {
        v1::PauseRightsCaseRequest request;
        request.set_reason_code(o.reason);
        request.set_resume(o.resume);
        return OnCase(folder, o, request, &Stub::PauseRightsCase);
      });
  pause->add_option("--reason", options->reason,
                    "identity, clarification, fee");
  pause->add_flag("--resume", options->resume, "She answered");
  CLI::App* refuse = builder->AddOnCase(
      "refuse", "Refuses the case or a part of it on a ground of the law",
      [](const std::string& folder, const Options& o) {
        v1::RefuseRightsCaseRequest request;
        request.set_ground(o.ground);
        *request.mutable_targets() = {o.fields.begin(), o.fields.end()};
        return OnCase(folder, o, request, &Stub::RefuseRightsCase);
      });
  refuse->add_option("--ground", options->ground, "Such as gdpr.17.3.e")
      ->required();
  refuse->add_option("--target", options->fields,
                     "Field or purpose; default: the whole case");
  builder->AddOnCase(
      "approve", "Accepts the planned outcome, as another person",
      [](const std::string& folder, const Options& o) {
        return OnCase(folder, o, v1::ApproveRightsCaseRequest(),
                      &Stub::ApproveRightsCase);
      },
      "dpo");
  CLI::App* complete = builder->AddOnCase(
      "complete", "Carries the case out and sends the answer",
      [](const std::string& folder, const Options& o) {
        v1::CompleteRightsCaseRequest request;
        *request.mutable_others_checked() = {o.checked.begin(),
                                             o.checked.end()};
        return OnCase(folder, o, request, &Stub::CompleteRightsCase);
      });
  complete->add_option("--checked", options->checked,
                       "KIND.FIELD that may name others and was looked at");
  builder->AddOnCase("cancel", "Takes the case back",
                     [](const std::string& folder, const Options& o) {
                       return OnCase(folder, o, v1::CancelRightsCaseRequest(),
                                     &Stub::CancelRightsCase);
                     });
  CLI::App* lift = builder->AddOnCase(
      "lift", "Announces the end of a restriction, and a day later ends it",
      [](const std::string& folder, const Options& o) {
        v1::LiftRestrictionRequest request;
        request.set_reason_code(o.reason);
        return OnCase(folder, o, request, &Stub::LiftRestriction);
      });
  lift->add_option("--reason", options->reason, "A code of your own list")
      ->required();
  CLI::App* appeal = builder->AddOnCase(
      "appeal", "Contests a refusal",
      [](const std::string& folder, const Options& o) {
        v1::AppealRightsCaseRequest request;
        request.set_statement(o.statement);
        return OnCase(folder, o, request, &Stub::AppealRightsCase);
      });
  appeal->add_option("--statement", options->statement, "What she says");
}

}  // namespace

void AddRights(CLI::App* app, CommandContext* context) {
  CLI::App* command = app->add_subcommand(
      "rights", "Cases of customers: access, erasure, objection and the rest");
  command->require_subcommand(1);
  auto options = std::make_shared<Options>();
  Builder builder(command, context, options);
  AddSubmit(&builder, options);
  AddReading(&builder, options);
  AddDeciding(&builder, options);
  AddErasure(command, context);
}

}  // namespace consentry::tools
