#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "consentry/v1/consent_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/ledger_commands.h"
#include "tools/consentry/pages.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

struct NoticeOptions {
  std::string as = "operator";
  std::string id;
  uint32_t version = 1;
  std::string language;
  std::string text_file;
  std::vector<std::string> purposes;
  bool paper = false;
  uint32_t accept = 1;
  uint32_t refuse = 1;
  bool hidden = false;
  bool unlike = false;
  bool pre_ticked = false;
  bool json = false;
};

void ShowNotice(const v1::Notice& notice) {
  std::cout << notice.ref().id() << " " << notice.ref().version() << "  "
            << notice.ref().language() << "  " << Text(notice.create_time())
            << "\n  sha256    " << notice.ref().text_hash() << "\n  purposes  ";
  for (int i = 0; i < notice.purposes_size(); ++i) {
    std::cout << (i == 0 ? "" : ", ") << notice.purposes(i);
  }
  std::cout << "\n";
  if (!notice.has_manifest()) {
    std::cout << "  interface not described\n";
  }
  for (const std::string& fault : notice.faults()) {
    std::cout << "  INVALID   " << fault
              << ": a consent on this notice proves nothing\n";
  }
}

int RunAdd(const std::string& folder, const NoticeOptions& options) {
  std::ifstream file(options.text_file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)),
                         std::istreambuf_iterator<char>());
  if (!file) {
    return Fail(absl::NotFoundError("cannot read " + options.text_file));
  }
  v1::CreateNoticeRequest request;
  v1::Notice* notice = request.mutable_notice();
  notice->mutable_ref()->set_id(options.id);
  notice->mutable_ref()->set_version(options.version);
  notice->mutable_ref()->set_language(options.language);
  notice->set_text(text);
  *notice->mutable_purposes() = {options.purposes.begin(),
                                 options.purposes.end()};
  if (!options.paper) {
    v1::InterfaceManifest* manifest = notice->mutable_manifest();
    manifest->set_steps_to_accept(options.accept);
    manifest->set_steps_to_refuse(options.refuse);
    manifest->set_refuse_on_first_layer(!options.hidden);
    manifest->set_same_prominence(!options.unlike);
    manifest->set_pre_ticked(options.pre_ticked);
  }
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ConsentService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::Notice made;
  const grpc::Status status = stub->CreateNotice(&call, request, &made);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(made, std::cout);
  } else {
    ShowNotice(made);
  }
  return kExitOk;
}

int RunList(const std::string& folder, const NoticeOptions& options) {
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ConsentService::NewStub((*session)->channel());
  v1::ListNoticesRequest request;
  request.set_page_size(1000);
  request.set_id(options.id);
  return ShowList<v1::ListNoticesResponse>(
      request, options.json, "no notice is registered",
      std::bind_front(&v1::ConsentService::Stub::ListNotices, stub.get()),
      [](const auto& page) -> auto& { return page.notices(); }, ShowNotice);
}

}  // namespace

void AddNotice(CLI::App* consent, CommandContext* context) {
  auto options = std::make_shared<NoticeOptions>();
  CLI::App* notice = consent->add_subcommand(
      "notice", "Texts that customers are shown, and how they are shown");
  notice->require_subcommand(1);

  CLI::App* add = notice->add_subcommand(
      "add", "Register a version of a notice in one language");
  add->add_option("id", options->id, "Such as marketing-consent")->required();
  add->add_option("text", options->text_file, "File with the text as shown")
      ->required();
  add->add_option("--notice-version", options->version)->capture_default_str();
  add->add_option("--language", options->language, "BCP 47")->required();
  add->add_option("-p,--purpose", options->purposes, "Purposes that it names")
      ->delimiter(',')
      ->required();
  add->add_flag("--paper", options->paper,
                "No interface: the options below do not apply");
  add->add_option("--steps-to-accept", options->accept,
                  "Clicks until all is accepted")
      ->capture_default_str();
  add->add_option("--steps-to-refuse", options->refuse,
                  "Clicks until all is refused")
      ->capture_default_str();
  add->add_flag("--refusal-hidden", options->hidden,
                "The first layer does not offer to refuse");
  add->add_flag("--refusal-less-prominent", options->unlike,
                "Accept and refuse do not look alike");
  add->add_flag("--pre-ticked", options->pre_ticked,
                "A box is ticked beforehand");
  CLI::App* list = notice->add_subcommand("list", "Show what is registered");
  list->add_option("id", options->id, "Only this notice");
  for (CLI::App* command : {add, list}) {
    command->add_option("--as", options->as, "Registration to call as")
        ->capture_default_str();
    command->add_flag("--json", options->json, "Print JSON");
  }
  add->callback([context, options] {
    context->exit_code = RunAdd(context->folder, *options);
  });
  list->callback([context, options] {
    context->exit_code = RunList(context->folder, *options);
  });
}

}  // namespace consentry::tools
