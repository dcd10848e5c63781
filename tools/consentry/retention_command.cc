#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

struct RetentionOptions {
  std::string as = "operator";
  bool dry_run = false;
  bool json = false;
};

void Add(const v1::RunRetentionResponse& part,
         std::map<std::string, v1::RetentionCount>* all) {
  for (const v1::RetentionCount& count : part.counts()) {
    v1::RetentionCount& sum = (*all)[count.field()];
    sum.set_field(count.field());
    sum.set_removed(sum.removed() + count.removed());
    sum.set_kept(sum.kept() + count.kept());
  }
}

int RunRetention(const std::string& folder, const RetentionOptions& options) {
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto admin = v1::AdminService::NewStub((*session)->channel());
  v1::RunRetentionRequest request;
  request.set_dry_run(options.dry_run);
  std::map<std::string, v1::RetentionCount> all;
  bool more = true;
  while (more) {
    grpc::ClientContext call;
    v1::RunRetentionResponse part;
    const grpc::Status status = admin->RunRetention(&call, request, &part);
    if (!status.ok()) return PrintError(status, std::cerr);
    Add(part, &all);
    // A count begins anew with every call.
    more = part.more() && !options.dry_run;
    if (part.more() && options.dry_run) {
      std::cerr << "consentry: counted for some seconds only; there is more\n";
    }
  }
  if (options.json) {
    v1::RunRetentionResponse total;
    for (const auto& [field, count] : all) *total.add_counts() = count;
    ShowJson(total, std::cout);
    return kExitOk;
  }
  if (all.empty()) std::cout << "nothing is past its time\n";
  for (const auto& [field, count] : all) {
    std::cout << (field.empty() ? "(no longer in the catalog)" : field) << ": "
              << count.removed()
              << (options.dry_run ? " would go, " : " removed, ")
              << count.kept() << " kept on a ground\n";
  }
  return kExitOk;
}

}  // namespace

void AddRetention(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<RetentionOptions>();
  CLI::App* retention =
      app->add_subcommand("retention", "How long values are held");
  retention->require_subcommand(1);
  CLI::App* run =
      retention->add_subcommand("run", "Remove what is past its time, now");
  run->add_flag("--dry-run", options->dry_run, "Count, and remove nothing");
  run->add_option("--as", options->as, "Administrator to call as")
      ->capture_default_str();
  run->add_flag("--json", options->json, "Print JSON");
  run->callback([context, options] {
    context->exit_code = RunRetention(context->folder, *options);
  });
}

}  // namespace consentry::tools
