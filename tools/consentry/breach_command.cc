#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "consentry/v1/audit_service.grpc.pb.h"
#include "tools/consentry/asked_again.h"
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

struct ReportOptions {
  std::string as = "compliance";
  std::string client;
  std::string person;
  std::string purpose;
  std::vector<std::string> customers;
  std::string from;
  std::string to;
  bool list = false;
  bool json = false;
};

absl::StatusOr<v1::ListExposuresRequest> RequestOf(
    const ReportOptions& options) {
  v1::ListExposuresRequest request;
  request.set_client_id(options.client);
  request.set_acting_person(options.person);
  request.set_purpose(options.purpose);
  for (const std::string& customer : options.customers) {
    const auto subject = ParseSubject(customer);
    if (!subject.ok()) return subject.status();
    *request.add_subjects() = *subject;
  }
  if (!options.from.empty()) {
    const auto status = ParseTime(options.from, request.mutable_from_time());
    if (!status.ok()) return status;
  }
  if (!options.to.empty()) {
    const auto status = ParseTime(options.to, request.mutable_to_time());
    if (!status.ok()) return status;
  }
  request.set_page_size(256);
  return request;
}

void ShowCounts(
    const char* title,
    const google::protobuf::RepeatedPtrField<v1::ExposureCount>& counts) {
  if (counts.empty()) return;
  std::cout << title << "\n";
  for (const auto& count : counts) {
    std::cout << "  " << count.subjects() << "  "
              << (count.key().empty() ? "not known" : Printable(count.key()))
              << "\n";
  }
}

void ShowTotals(const v1::ListExposuresResponse& page) {
  std::cout << "Customers: " << page.subject_count()
            << ". Releases: " << page.release_count() << ". Read up to entry "
            << page.complete_to() << " of the log.\n";
  if (page.erased_count() > 0) {
    std::cout << "Erased since, not listed, each counted once a month: "
              << page.erased_count() << ".\n";
  }
  ShowCounts("By field:", page.by_field());
  ShowCounts("By residence:", page.by_residence());
}

void ShowExposure(const v1::Exposure& exposure) {
  std::cout << exposure.subject_id() << "  "
            << (exposure.residence().empty() ? "-" : exposure.residence())
            << "  " << exposure.releases() << "  ";
  const char* separator = "";
  for (const std::string& field : exposure.fields()) {
    std::cout << separator << Printable(field);
    separator = ", ";
  }
  std::cout << "\n";
}

int RunReport(const std::string& folder, const ReportOptions& options) {
  auto request = RequestOf(options);
  if (!request.ok()) return Fail(request.status());
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::AuditService::NewStub((*session)->channel());
  for (bool first = true;; first = false) {
    v1::ListExposuresResponse page;
    const grpc::Status status =
        AskUntilCounted([&](grpc::ClientContext* context) {
          return stub->ListExposures(context, *request, &page);
        });
    if (!status.ok()) return PrintError(status, std::cerr);
    if (options.json) {
      ShowJson(page, std::cout);
    } else {
      if (first) ShowTotals(page);
      if (options.list) {
        for (const auto& exposure : page.exposures()) ShowExposure(exposure);
      }
    }
    if (!options.list || page.next_page_token().empty()) break;
    request->set_page_token(page.next_page_token());
  }
  return kExitOk;
}

struct EntryOptions {
  std::string as = "compliance";
  std::string id;
  std::string aware;
  std::string end;
  std::string nature;
  std::string consequences;
  std::string measures;
  std::string told_authority;
  std::string told_subjects;
  std::string not_told_because;
  std::string contact;
  std::vector<std::string> subjects;
  std::vector<std::string> data;
  std::vector<std::string> regimes;
  std::optional<int64_t> subject_count;
  std::optional<int64_t> record_count;
  bool json = false;
};

absl::Status Apply(const EntryOptions& options, v1::Breach* breach) {
  for (const auto& [text, time] :
       {std::pair(&options.aware, breach->mutable_aware_time()),
        std::pair(&options.end,
                  options.end.empty() ? nullptr : breach->mutable_end_time()),
        std::pair(&options.told_authority,
                  options.told_authority.empty()
                      ? nullptr
                      : breach->mutable_authority_time()),
        std::pair(&options.told_subjects,
                  options.told_subjects.empty()
                      ? nullptr
                      : breach->mutable_subjects_time())}) {
    if (text->empty()) continue;
    const absl::Status status = ParseTime(*text, time);
    if (!status.ok()) return status;
  }
  const auto text = [](const std::string& given, std::string* field) {
    if (!given.empty()) *field = given;
  };
  text(options.nature, breach->mutable_nature());
  text(options.consequences, breach->mutable_consequences());
  text(options.measures, breach->mutable_measures());
  text(options.not_told_because, breach->mutable_not_told_because());
  text(options.contact, breach->mutable_contact());
  const auto list = [](const std::vector<std::string>& given,
                       google::protobuf::RepeatedPtrField<std::string>* field) {
    if (!given.empty()) field->Assign(given.begin(), given.end());
  };
  list(options.subjects, breach->mutable_subject_categories());
  list(options.data, breach->mutable_data_categories());
  list(options.regimes, breach->mutable_regimes());
  if (options.subject_count) breach->set_subject_count(*options.subject_count);
  if (options.record_count) breach->set_record_count(*options.record_count);
  return absl::OkStatus();
}

void Line(const char* title, const std::string& text) {
  if (!text.empty()) {
    std::cout << "  " << title << Printable(text) << "\n";
  }
}

template <class Strings>
std::string Joined(const Strings& strings) {
  std::string joined;
  for (const std::string& text : strings) {
    joined += (joined.empty() ? "" : ", ") + text;
  }
  return joined;
}

// What an authority asks for (GDPR Art. 33(3)), and what is still missing.
void ShowBreach(const v1::Breach& breach) {
  std::cout << breach.id() << "  version " << breach.version() << "\n";
  Line("aware        ", Text(breach.aware_time()));
  if (breach.has_end_time()) Line("ended        ", Text(breach.end_time()));
  Line("nature       ", breach.nature());
  Line("customers    ", Joined(breach.subject_categories()));
  if (breach.subject_count() > 0) {
    std::cout << "  how many     " << breach.subject_count() << "\n";
  }
  Line("data         ", Joined(breach.data_categories()));
  if (breach.record_count() > 0) {
    std::cout << "  records      " << breach.record_count() << "\n";
  }
  Line("contact      ", breach.contact());
  Line("consequences ", breach.consequences());
  Line("measures     ", breach.measures());
  Line("not told     ", breach.not_told_because());
  for (const v1::BreachClock& clock : breach.clocks()) {
    std::cout << "  " << clock.regime() << ": ";
    if (clock.has_authority_due_time()) {
      std::cout << "authority by " << Text(clock.authority_due_time());
    } else {
      std::cout << "no fixed time for the authority";
    }
    if (clock.has_supplement_due_time()) {
      std::cout << ", more by " << Text(clock.supplement_due_time());
    }
    std::cout << "; customers " << Printable(clock.subjects());
    if (!clock.citation().empty()) {
      std::cout << " (" << Printable(clock.citation()) << ")";
    }
    std::cout << "\n";
  }
  if (breach.has_authority_time()) {
    const bool late = breach.has_authority_due_time() &&
                      breach.authority_time().seconds() >
                          breach.authority_due_time().seconds();
    std::cout << "  authority told " << Text(breach.authority_time())
              << (late ? ", LATE: say why (Art. 33(1))" : "") << "\n";
  } else if (breach.not_told_because().empty()) {
    std::cout << "  authority NOT TOLD YET\n";
  }
  if (breach.has_subjects_time()) {
    std::cout << "  customers told " << Text(breach.subjects_time()) << "\n";
  }
  std::string missing;
  const auto need = [&](bool there, const char* what) {
    if (!there) missing += std::string(missing.empty() ? "" : ", ") + what;
  };
  need(!breach.nature().empty(), "--nature");
  need(!breach.subject_categories().empty(), "--customers");
  need(breach.subject_count() > 0, "--count");
  need(!breach.data_categories().empty(), "--data");
  need(!breach.contact().empty(), "--contact");
  need(!breach.consequences().empty(), "--consequences");
  need(!breach.measures().empty(), "--measures");
  if (!missing.empty()) {
    std::cout << "  missing for the authority: " << missing << "\n";
  }
}

int Print(const v1::Breach& breach, bool json) {
  if (json) {
    ShowJson(breach, std::cout);
  } else {
    ShowBreach(breach);
  }
  return kExitOk;
}

absl::StatusOr<std::unique_ptr<Session>> OpenSession(
    const std::string& folder, const EntryOptions& options) {
  return Session::Open({folder, options.as, "", false});
}

int RunOpen(const std::string& folder, const EntryOptions& options) {
  v1::CreateBreachRequest request;
  if (const auto status = Apply(options, request.mutable_breach());
      !status.ok()) {
    return Fail(status);
  }
  const auto session = OpenSession(folder, options);
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::AuditService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::Breach breach;
  const grpc::Status status = stub->CreateBreach(&call, request, &breach);
  if (!status.ok()) return PrintError(status, std::cerr);
  return Print(breach, options.json);
}

// All entries, newest first; ends early when `visit` answers false.
grpc::Status ForEachBreach(
    v1::AuditService::Stub* stub,
    const std::function<bool(const v1::Breach&)>& visit) {
  return ForEachPage<v1::ListBreachesResponse>(
      v1::ListBreachesRequest(),
      std::bind_front(&v1::AuditService::Stub::ListBreaches, stub),
      [&](const v1::ListBreachesResponse& page) {
        return std::all_of(page.breaches().begin(), page.breaches().end(),
                           visit);
      });
}

int RunUpdate(const std::string& folder, const EntryOptions& options) {
  const auto session = OpenSession(folder, options);
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::AuditService::NewStub((*session)->channel());
  v1::UpdateBreachRequest request;
  bool found = false;
  grpc::Status status =
      ForEachBreach(stub.get(), [&](const v1::Breach& breach) {
        if (breach.id() != options.id) return true;
        *request.mutable_breach() = breach;
        found = true;
        return false;
      });
  if (!status.ok()) return PrintError(status, std::cerr);
  if (!found) {
    return Fail(
        absl::NotFoundError("no breach has this id; `consentry breach "
                            "list` shows them"));
  }
  if (const auto applied = Apply(options, request.mutable_breach());
      !applied.ok()) {
    return Fail(applied);
  }
  grpc::ClientContext call;
  v1::Breach breach;
  status = stub->UpdateBreach(&call, request, &breach);
  if (!status.ok()) return PrintError(status, std::cerr);
  return Print(breach, options.json);
}

int RunList(const std::string& folder, const EntryOptions& options) {
  const auto session = OpenSession(folder, options);
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::AuditService::NewStub((*session)->channel());
  int shown = 0;
  const grpc::Status status =
      ForEachBreach(stub.get(), [&](const v1::Breach& breach) {
        ++shown;
        Print(breach, options.json);
        return true;
      });
  if (!status.ok()) return PrintError(status, std::cerr);
  if (shown == 0 && !options.json) std::cout << "No breach is registered.\n";
  return kExitOk;
}

void AddEntryOptions(CLI::App* command,
                     const std::shared_ptr<EntryOptions>& options) {
  command->add_option("--nature", options->nature,
                      "What happened; nobody's data");
  command->add_option("--customers", options->subjects,
                      "Categories of customers: customer prospect");
  command->add_option("--count", options->subject_count,
                      "About how many customers");
  command->add_option("--data", options->data,
                      "Categories of data: user.contact user.financial");
  command->add_option("--records", options->record_count,
                      "About how many records");
  command->add_option("--contact", options->contact,
                      "Who answers questions; default: the officer");
  command->add_option("--consequences", options->consequences,
                      "What may come of it");
  command->add_option("--measures", options->measures,
                      "What was or will be done");
  command->add_option("--ended", options->end, "2026-08-01T09:30:00Z");
  command->add_option("--told-authority", options->told_authority,
                      "When the authority was told");
  command->add_option("--told-customers", options->told_subjects,
                      "When the customers were told");
  command->add_option("--not-told-because", options->not_told_because,
                      "Why nobody need be told");
  command->add_option("--regimes", options->regimes,
                      "eu-gdpr us-ca; default: where the business is");
}

}  // namespace

void AddBreach(CLI::App* app, CommandContext* context) {
  CLI::App* breach = app->add_subcommand(
      "breach", "Who and what was touched, and the register of breaches");
  breach->require_subcommand(1);

  auto report = std::make_shared<ReportOptions>();
  CLI::App* command = breach->add_subcommand(
      "report", "What was released: to a client, to a person, in a span");
  command->add_option("--client", report->client, "The registration");
  command->add_option("--person", report->person, "The acting person");
  command->add_option("--purpose", report->purpose);
  command->add_option("--customer", report->customers,
                      "email:..., phone:..., SYSTEM:NUMBER or cus_...");
  command->add_option("--from", report->from, "2026-08-01, inclusive");
  command->add_option("--to", report->to, "Exclusive");
  command->add_flag("--list", report->list,
                    "One line for each customer as well");
  command->add_option("--as", report->as, "Registration to ask as")
      ->capture_default_str();
  command->add_flag("--json", report->json, "Print JSON");
  command->callback([context, report] {
    context->exit_code = RunReport(context->folder, *report);
  });

  auto options = std::make_shared<EntryOptions>();
  const auto common = [&](CLI::App* one) {
    one->add_option("--as", options->as, "Registration to ask as")
        ->capture_default_str();
    one->add_flag("--json", options->json, "Print JSON");
  };
  CLI::App* open = breach->add_subcommand("open", "Enter a breach");
  common(open);
  open->add_option("--aware", options->aware,
                   "When the business became aware: 2026-08-01T09:30:00Z")
      ->required();
  AddEntryOptions(open, options);
  open->callback([context, options] {
    context->exit_code = RunOpen(context->folder, *options);
  });

  CLI::App* update = breach->add_subcommand(
      "update", "Change what is given; the rest stays as it is");
  common(update);
  update->add_option("id", options->id, "brc_...")->required();
  update->add_option("--aware", options->aware, "2026-08-01T09:30:00Z");
  AddEntryOptions(update, options);
  update->callback([context, options] {
    context->exit_code = RunUpdate(context->folder, *options);
  });

  CLI::App* list = breach->add_subcommand("list", "The register");
  common(list);
  list->callback([context, options] {
    context->exit_code = RunList(context->folder, *options);
  });
}

}  // namespace consentry::tools
