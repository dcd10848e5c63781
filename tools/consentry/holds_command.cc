#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/pages.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"
#include "tools/consentry/subject_name.h"

namespace consentry::tools {
namespace {

// Holds are the data protection officer's.
constexpr char kDefaultClient[] = "dpo";

struct HoldsOptions {
  std::string client = kDefaultClient;
  std::string subject;
  std::string id;
  std::vector<std::string> fields;
  std::string ground;
  std::string document;
  std::string until;  // YYYY-MM-DD.
  std::string reason;
  std::string person;
  bool all = false;
  bool json = false;
};

void Show(const v1::LegalHold& hold) {
  const auto day = [](const google::protobuf::Timestamp& time) {
    return absl::FormatTime("%Y-%m-%d", absl::FromUnixSeconds(time.seconds()),
                            absl::UTCTimeZone());
  };
  std::cout << hold.id() << "  " << hold.subject_id() << "  ";
  if (hold.has_lift_time()) {
    std::cout << "ended " << day(hold.lift_time());
  } else if (hold.has_end_time()) {
    std::cout << "until " << day(hold.end_time());
  } else {
    std::cout << "until lifted";
  }
  std::cout << "  " << hold.ground() << "; " << hold.document() << "\n";
  if (hold.fields().empty()) {
    std::cout << "    everything\n";
  } else {
    std::cout << "    ";
    for (const std::string& field : hold.fields()) std::cout << field << " ";
    std::cout << "\n";
  }
}

int Print(const v1::LegalHold& hold, bool json) {
  if (json) {
    ShowJson(hold, std::cout);
  } else {
    Show(hold);
  }
  return kExitOk;
}

int RunPlace(const std::string& folder, const HoldsOptions& options) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  v1::PlaceLegalHoldRequest request;
  *request.mutable_subject() = *subject;
  *request.mutable_fields() = {options.fields.begin(), options.fields.end()};
  request.set_ground(options.ground);
  request.set_document(options.document);
  request.mutable_context()->set_acting_person(options.person);
  if (!options.until.empty()) {
    absl::CivilDay day;
    if (!absl::ParseCivilTime(options.until, &day)) {
      return Fail(absl::InvalidArgumentError("--until: not a day, YYYY-MM-DD"));
    }
    request.mutable_end_time()->set_seconds(
        absl::ToUnixSeconds(absl::FromCivil(day + 1, absl::UTCTimeZone())));
  }
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::RightsService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::LegalHold hold;
  const grpc::Status status = stub->PlaceLegalHold(&call, request, &hold);
  return status.ok() ? Print(hold, options.json)
                     : PrintError(status, std::cerr);
}

int RunLift(const std::string& folder, const HoldsOptions& options) {
  v1::LiftLegalHoldRequest request;
  request.set_id(options.id);
  request.set_reason_code(options.reason);
  request.mutable_context()->set_acting_person(options.person);
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::RightsService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::LegalHold hold;
  const grpc::Status status = stub->LiftLegalHold(&call, request, &hold);
  return status.ok() ? Print(hold, options.json)
                     : PrintError(status, std::cerr);
}

int RunList(const std::string& folder, const HoldsOptions& options) {
  v1::ListLegalHoldsRequest request;
  if (!options.subject.empty()) {
    const auto subject = ParseSubject(options.subject);
    if (!subject.ok()) return Fail(subject.status());
    *request.mutable_subject() = *subject;
  }
  request.set_include_ended(options.all);
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::RightsService::NewStub((*session)->channel());
  return ShowList<v1::ListLegalHoldsResponse>(
      request, options.json, "no hold",
      std::bind_front(&v1::RightsService::Stub::ListLegalHolds, stub.get()),
      [](const auto& page) -> auto& { return page.legal_holds(); },
      [](const v1::LegalHold& hold) { Show(hold); });
}

CLI::App* AddOne(CLI::App* parent, const std::string& name,
                 const std::string& description, HoldsOptions* options) {
  CLI::App* command = parent->add_subcommand(name, description);
  command->add_option("--as", options->client,
                      "Registration to call as; default: dpo, for list "
                      "compliance");
  command->add_flag("--json", options->json, "Print JSON");
  return command;
}

}  // namespace

void AddHolds(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<HoldsOptions>();
  CLI::App* holds = app->add_subcommand(
      "holds", "Keep data of a customer from erasure, and end that");
  holds->require_subcommand(1);

  CLI::App* place = AddOne(holds, "place", "Set a legal hold", options.get());
  place
      ->add_option("customer", options->subject,
                   "email:..., phone:..., SYSTEM:NUMBER or cus_...")
      ->required();
  place
      ->add_option("--ground", options->ground,
                   "Such as \"GDPR Art. 17(3)(e)\"")
      ->required();
  place
      ->add_option("--document", options->document,
                   "The matter, by reference; no personal data")
      ->required();
  place
      ->add_option("--field", options->fields,
                   "kind.field or kind.*; default: everything")
      ->delimiter(',');
  place->add_option("--until", options->until,
                    "Last day, YYYY-MM-DD; default: until it is lifted");
  place->add_option("--person", options->person, "Opaque id of who decides");
  place->callback([context, options] {
    if (options->client.empty()) options->client = "dpo";
    context->exit_code = RunPlace(context->folder, *options);
  });

  CLI::App* lift = AddOne(
      holds, "lift", "End one; erasures that it stopped go on", options.get());
  lift->add_option("hold", options->id, "hld_...")->required();
  lift->add_option("--reason", options->reason,
                   "A code of your own list, such as settled")
      ->required();
  lift->add_option("--person", options->person, "Opaque id of who decides");
  lift->callback([context, options] {
    if (options->client.empty()) options->client = "dpo";
    context->exit_code = RunLift(context->folder, *options);
  });

  CLI::App* list =
      AddOne(holds, "list", "Those in force, newest first", options.get());
  list->add_option("customer", options->subject, "Of one customer alone");
  list->add_flag("--all", options->all, "Ended ones too");
  list->callback([context, options] {
    if (options->client.empty()) options->client = "compliance";
    context->exit_code = RunList(context->folder, *options);
  });
}

}  // namespace consentry::tools
