#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "consentry/config/v1/catalog.pb.h"
#include "consentry/config/v1/pack.pb.h"
#include "consentry/config/v1/purposes.pb.h"
#include "consentry/v1/admin_service.grpc.pb.h"
#include "policy/engine/text_config.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/printable.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

struct DiffOptions {
  std::vector<std::string> against;
  std::string from;
  std::string as = "operator";
  bool json = false;
};

// The text of a file goes where its content belongs.
absl::Status Take(const std::string& path, v1::DiffPolicyRequest* request) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError("cannot read " + path);
  std::ostringstream read;
  read << file.rdbuf();
  const std::string text = read.str();
  const auto catalog = policy::ParseText<config::v1::Catalog>(path, text);
  if (catalog.ok() && catalog->message.kinds_size() > 0) {
    request->set_catalog(text);
    return absl::OkStatus();
  }
  const auto purposes =
      policy::ParseText<config::v1::PurposeRegistry>(path, text);
  if (purposes.ok() && purposes->message.purposes_size() > 0) {
    request->set_purposes(text);
    return absl::OkStatus();
  }
  const auto pack = policy::ParseText<config::v1::Pack>(path, text);
  if (pack.ok() && pack->message.kind() == config::v1::Pack::OWNER) {
    request->set_owner_pack(text);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      path +
      " is no catalog, no registry of purposes and no pack of kind OWNER");
}

void Show(const v1::DiffPolicyResponse& response) {
  for (const v1::PolicyDifference& one : response.differences()) {
    std::cout << Printable(one.purpose()) << " "
              << (one.field().empty() ? "(as a whole)" : Printable(one.field()))
              << ": ";
    const char* separator = "";
    const auto say = [&](int64_t count, const char* what) {
      if (count == 0) return;
      std::cout << separator << count << " " << what;
      separator = ", ";
    };
    say(one.gained(), "more permitted");
    say(one.lost(), "no longer permitted");
    say(one.reshaped(), "in other detail");
    std::cout << " (" << one.customers() << " customers)\n";
  }
  if (response.differences().empty()) std::cout << "nothing would change\n";
  std::cout << response.replayed() << " decisions since "
            << Text(response.from_time()) << " replayed";
  if (response.erased() > 0) {
    std::cout << ", " << response.erased()
              << " about customers erased since left out";
  }
  if (response.unproved() > 0) {
    std::cout << ", " << response.unproved()
              << " left out that do not come out as recorded";
  }
  std::cout << "\n";
}

int RunDiff(const std::string& folder, const DiffOptions& options) {
  v1::DiffPolicyRequest request;
  for (const std::string& path : options.against) {
    const absl::Status status = Take(path, &request);
    if (!status.ok()) return Fail(status);
  }
  if (!options.from.empty()) {
    const auto status = ParseTime(options.from, request.mutable_from_time());
    if (!status.ok()) return Fail(status);
  }
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  grpc::ClientContext call;
  v1::DiffPolicyResponse response;
  const grpc::Status status = v1::AdminService::NewStub((*session)->channel())
                                  ->DiffPolicy(&call, request, &response);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(response, std::cout);
  } else {
    Show(response);
  }
  return kExitOk;
}

}  // namespace

void AddPolicyDiff(CLI::App* policy, CommandContext* context) {
  auto options = std::make_shared<DiffOptions>();
  CLI::App* diff = policy->add_subcommand(
      "diff",
      "Say what recorded decisions would have come out otherwise under other "
      "files; changes nothing");
  diff->add_option("--against", options->against,
                   "Catalog, purposes or own pack to try; repeat")
      ->required();
  diff->add_option("--from", options->from,
                   "Decisions from this day or time on; default 30 days ago");
  diff->add_option("--as", options->as, "Administrator to call as")
      ->capture_default_str();
  diff->add_flag("--json", options->json, "Print JSON");
  diff->callback([context, options] {
    context->exit_code = RunDiff(context->folder, *options);
  });
}

}  // namespace consentry::tools
