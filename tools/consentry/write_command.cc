#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"
#include "tools/consentry/subject_name.h"

namespace consentry::tools {
namespace {

struct WriteOptions {
  std::string client;
  std::vector<std::string> subjects;
  std::string source;
  std::string kind = "profile";
  std::string key;
  std::string purpose;
  std::vector<std::string> values;
  std::string residence;
  std::string birth_date;
  bool validate_only = false;
  bool json = false;
};

// "age:int=42", "since:date=2020-01-31", "vip:bool=yes"; text without a type.
absl::Status AddValue(const std::string& text,
                      google::protobuf::Map<std::string, v1::Value>* values) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return absl::InvalidArgumentError(
        "write values as name=text or name:type=text");
  }
  std::string name = text.substr(0, equals);
  const std::string content = text.substr(equals + 1);
  std::string type = "string";
  if (const size_t colon = name.find(':'); colon != std::string::npos) {
    type = name.substr(colon + 1);
    name = name.substr(0, colon);
  }
  v1::Value value;
  int64_t number = 0;
  double real = 0;
  absl::Time time;
  if (type == "string") {
    value.set_string_value(content);
  } else if (type == "int" && absl::SimpleAtoi(content, &number)) {
    value.set_int_value(number);
  } else if (type == "double" && absl::SimpleAtod(content, &real)) {
    value.set_double_value(real);
  } else if (type == "bool" && (content == "yes" || content == "no")) {
    value.set_bool_value(content == "yes");
  } else if (type == "date") {
    value.set_date_value(content);
  } else if (type == "time" &&
             absl::ParseTime(absl::RFC3339_full, content, &time, nullptr)) {
    value.mutable_time_value()->set_seconds(absl::ToUnixSeconds(time));
  } else {
    return absl::InvalidArgumentError(
        "the value of " + name +
        " is not of its type: string, int, double, bool (yes, no), date "
        "(2026-08-01) or time (RFC 3339)");
  }
  (*values)[name] = std::move(value);
  return absl::OkStatus();
}

int RunWrite(const std::string& folder, const WriteOptions& options) {
  v1::WriteRecordRequest request;
  for (const std::string& name : options.subjects) {
    const auto subject = ParseSubject(name);
    if (!subject.ok()) return Fail(subject.status());
    *request.add_subjects() = *subject;
  }
  for (const std::string& text : options.values) {
    const absl::Status status = AddValue(text, request.mutable_values());
    if (!status.ok()) return Fail(status);
  }
  request.set_source(options.source);
  request.set_kind(options.kind);
  request.set_source_key(options.key);
  request.set_purpose(options.purpose);
  request.set_validate_only(options.validate_only);
  request.mutable_collect_time()->set_seconds(absl::ToUnixSeconds(absl::Now()));
  request.mutable_legal_facts()->set_residence(options.residence);
  request.mutable_legal_facts()->set_birth_date(options.birth_date);
  if (options.residence.empty() && options.birth_date.empty()) {
    request.clear_legal_facts();
  }
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::DataService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::WriteRecordResponse response;
  const grpc::Status status = stub->WriteRecord(&call, request, &response);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(response, std::cout);
  } else {
    std::cout << v1::WriteOutcome_Name(response.outcome())
                     .substr(sizeof("WRITE_OUTCOME_") - 1)
              << "  record " << response.record_id() << "  customer "
              << response.subject_id() << "\n";
  }
  return kExitOk;
}

}  // namespace

void AddWrite(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<WriteOptions>();
  CLI::App* write = app->add_subcommand("write", "Create or update one record");
  write
      ->add_option("customer", options->subjects,
                   "email:..., phone:..., SYSTEM:NUMBER or cus_...; several "
                   "for one customer")
      ->required();
  write->add_option("--as", options->client,
                    "Registration to write as; default: the only one here");
  write->add_option("--source", options->source, "Touchpoint, such as crm")
      ->required();
  write->add_option("--kind", options->kind, "profile, order, ticket, ...")
      ->capture_default_str();
  write->add_option("--key", options->key, "The source's key of the record")
      ->required();
  write->add_option("-p,--purpose", options->purpose, "Purpose of collection")
      ->required();
  write->add_option("--set", options->values,
                    "name=text, age:int=42, since:date=2020-01-31; repeat");
  write->add_option("--residence", options->residence, "DE, US-CA, ...");
  write->add_option("--birth-date", options->birth_date, "2001-02-28");
  write->add_flag("--validate-only", options->validate_only, "Write nothing");
  write->add_flag("--json", options->json, "Print JSON");
  write->callback([context, options] {
    context->exit_code = RunWrite(context->folder, *options);
  });
}

}  // namespace consentry::tools
