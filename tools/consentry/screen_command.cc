#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "gateway/screening/release_note.h"
#include "gateway/server/wire_screening.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/log_key.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/policy_report.h"
#include "tools/consentry/printable.h"
#include "tools/consentry/progress.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/screen_commands.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

// Outputs of one message of the stream.
constexpr int kPerMessage = 64;
constexpr size_t kMaxLine = 1 << 20;

struct ScreenOptions {
  std::string client;
  std::string file;
  std::string out;
  bool validate_only = false;
  std::string key;
  std::string release;
  std::string output;
  std::string pseudonym;
  std::string channel;
  std::string at;
};

std::string JsonLine(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = false;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options)
           .ok()) {
    return "{}";
  }
  return text;
}

uint64_t CountLines(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  uint64_t lines = 0;
  while (std::getline(file, line)) {
    if (!line.empty()) ++lines;
  }
  return lines;
}

// One request in ProtoJSON.
absl::Status ParseLine(const std::string& line, uint64_t number,
                       v1::ScreenOutputRequest* request) {
  if (line.size() <= kMaxLine &&
      google::protobuf::util::JsonStringToMessage(line, request).ok()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "line ", number,
      ": not a ScreenOutputRequest in JSON; `consentry protos` has its form"));
}

// A file on its way through the gateway: a message at a time, answered before
// the next is sent, so that an answer is never far behind.
class FileScreen {
 public:
  using Stream = grpc::ClientReaderWriter<v1::StreamOutputsRequest,
                                          v1::StreamOutputsResponse>;

  FileScreen(Stream* stream, std::ostream* verdicts, Progress* progress)
      : stream_(stream), verdicts_(verdicts), progress_(progress) {}

  void Add(v1::ScreenOutputRequest request) {
    *message_.add_requests() = std::move(request);
  }
  bool IsFull() const { return message_.requests_size() == kPerMessage; }

  // False: the stream is broken.
  bool Send() {
    if (message_.requests().empty()) return true;
    v1::StreamOutputsResponse answer;
    if (!stream_->Write(message_) || !stream_->Read(&answer) ||
        answer.results_size() != message_.requests_size()) {
      return false;
    }
    for (int i = 0; i < answer.results_size(); ++i) {
      const v1::ScreenOutputResponse& result = answer.results(i);
      ++counts_[result.error() != v1::ERROR_REASON_UNSPECIFIED
                    ? "error " + Word(result.error())
                    : WordOf(result)];
      *verdicts_ << "{\"id\":"
                 << JsonLine(JsonText(message_.requests(i).output().id()))
                 << ",\"result\":" << JsonLine(result) << "}\n";
    }
    done_ += static_cast<uint64_t>(message_.requests_size());
    progress_->Update(done_);
    message_.Clear();
    return true;
  }

  const std::map<std::string, uint64_t>& counts() const { return counts_; }
  uint64_t done() const { return done_; }

 private:
  static std::string WordOf(const v1::ScreenOutputResponse& result) {
    std::string word =
        v1::Verdict_Name(result.verdict()).substr(sizeof("VERDICT_") - 1);
    if (result.verdict_class() != v1::VERDICT_CLASS_UNSPECIFIED) {
      word += " " + v1::VerdictClass_Name(result.verdict_class())
                        .substr(sizeof("VERDICT_CLASS_") - 1);
    }
    return word;
  }

  Stream* const stream_;
  std::ostream* const verdicts_;
  Progress* const progress_;
  v1::StreamOutputsRequest message_;
  std::map<std::string, uint64_t> counts_;
  uint64_t done_ = 0;
};

int RunScreen(const std::string& folder, const ScreenOptions& options) {
  std::ifstream file(options.file);
  if (!file) return Fail(absl::NotFoundError("cannot read " + options.file));
  std::ofstream written;
  if (!options.out.empty()) {
    written.open(options.out, std::ios::trunc);
    if (!written) {
      return Fail(absl::UnavailableError("cannot write " + options.out));
    }
  }
  std::ostream& verdicts = options.out.empty() ? std::cout : written;
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ScreeningService::NewStub((*session)->channel());
  grpc::ClientContext context;
  const auto stream = stub->StreamOutputs(&context);
  Progress progress(&std::cerr, {.label = "screening",
                                 .total = CountLines(options.file),
                                 .unit = "outputs",
                                 .terminal = Progress::StderrIsTerminal(),
                                 .now_us = &Progress::SteadyNowUs});
  FileScreen screen(stream.get(), &verdicts, &progress);
  std::string line;
  bool alive = true;
  for (uint64_t number = 1; alive && std::getline(file, line); ++number) {
    if (line.empty()) continue;
    v1::ScreenOutputRequest request;
    if (const absl::Status status = ParseLine(line, number, &request);
        !status.ok()) {
      context.TryCancel();
      stream->Finish();
      return Fail(status);
    }
    if (options.validate_only) request.set_validate_only(true);
    screen.Add(std::move(request));
    if (screen.IsFull()) alive = screen.Send();
  }
  if (alive) alive = screen.Send();
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  progress.Finish();
  if (!status.ok()) return PrintError(status, std::cerr);
  if (!alive) return Fail(absl::UnavailableError("the stream ended early"));
  std::cerr << WithCommas(screen.done()) << " outputs\n";
  for (const auto& [word, count] : screen.counts()) {
    std::cerr << "  " << WithCommas(count) << " " << word << "\n";
  }
  return kExitOk;
}

int RunKey(const std::string& folder) {
  const auto key = server::ReadReleaseKey(folder);
  if (!key.ok()) return Fail(key.status());
  std::cout << *key << "\n";
  return kExitOk;
}

absl::StatusOr<audit::NoteVerifier> ReleaseKey(const std::string& folder,
                                               const std::string& named) {
  std::string vkey = named;
  if (named.empty()) {
    const auto own = server::ReadReleaseKey(folder);
    if (!own.ok()) return own.status();
    vkey = *own;
  } else if (const auto text = ReadWhole(named); text.ok()) {
    vkey = *text;
  }
  while (!vkey.empty() && (vkey.back() == '\n' || vkey.back() == '\r')) {
    vkey.pop_back();
  }
  return audit::NoteVerifier::FromVkey(vkey);
}

// Without a gateway: the public key, the note and the output are enough.
int RunVerify(const std::string& folder, const ScreenOptions& options) {
  const auto key = ReleaseKey(folder, options.key);
  if (!key.ok()) return Fail(key.status());
  const auto note = ReadWhole(options.release);
  if (!note.ok()) return Fail(note.status());
  const auto json = ReadWhole(options.output);
  if (!json.ok()) return Fail(json.status());
  v1::Output output;
  if (!google::protobuf::util::JsonStringToMessage(*json, &output).ok()) {
    return Fail(
        absl::InvalidArgumentError(options.output + ": not an Output in JSON"));
  }
  const auto terms = screening::ReadRelease(*key, *note);
  if (!terms.ok()) {
    std::cerr << "not verified: " << terms.status().message() << "\n";
    return kExitNo;
  }
  v1::Channel channel = terms->channel;
  if (!options.channel.empty()) {
    const auto parsed = ParseChannel(options.channel);
    if (!parsed.ok()) return Fail(parsed.status());
    channel = *parsed;
  }
  int64_t now_s = std::time(nullptr);
  if (!options.at.empty()) {
    google::protobuf::Timestamp at;
    if (const absl::Status status = ParseTime(options.at, &at); !status.ok()) {
      return Fail(status);
    }
    now_s = at.seconds();
  }
  const absl::Status checked = screening::CheckRelease(
      *key, *note, output,
      options.pseudonym.empty() ? terms->pseudonym : options.pseudonym, channel,
      now_s);
  if (!checked.ok()) {
    std::cerr << "not verified: " << checked.message() << "\n";
    return kExitNo;
  }
  google::protobuf::Timestamp expires;
  expires.set_seconds(terms->expire_s);
  std::cout << "verified with the key of " << Printable(key->name()) << "\n"
            << "  customer  " << Printable(terms->pseudonym) << "\n"
            << "  channel   " << v1::Channel_Name(terms->channel).substr(8)
            << "\n"
            << "  until     " << Text(expires) << "\n"
            << "Whether it was revoked since stands in the list of revoked "
               "releases.\n";
  return kExitOk;
}

}  // namespace

void AddScreen(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<ScreenOptions>();
  CLI::App* screen = app->add_subcommand(
      "screen", "Outputs on their way to customers: screen, verify, look up");
  screen->add_option("file", options->file,
                     "Outputs to screen, a ScreenOutputRequest in JSON on each "
                     "line");
  screen->add_option("--as", options->client,
                     "Registration to call as; default: the only one here");
  screen->add_option("-o,--output", options->out,
                     "Where verdicts go, a line for each; default: here");
  screen->add_flag("--dry-run", options->validate_only,
                   "Say the verdicts, keep and release nothing");
  screen->callback([screen, context, options] {
    if (!screen->get_subcommands().empty()) return;
    if (options->file.empty()) throw CLI::RequiredError("file");
    context->exit_code = RunScreen(context->folder, *options);
  });

  CLI::App* key = screen->add_subcommand(
      "key", "The public key that releases are verified with");
  key->callback([context] { context->exit_code = RunKey(context->folder); });

  CLI::App* verify = screen->add_subcommand(
      "verify-release", "Check a release offline, with the public key alone");
  verify->add_option("release", options->release, "File with the note")
      ->required();
  verify
      ->add_option("output", options->output,
                   "File with the output in JSON, as it is to be delivered")
      ->required();
  verify->add_option("--pseudonym", options->pseudonym,
                     "To whom it is to go; default: not compared");
  verify->add_option("--channel", options->channel,
                     "How it is to go; default: not compared");
  verify->add_option("--at", options->at, "When; default: now");
  verify->add_option("--key", options->key,
                     "Public key of releases, or a file with it; default: of "
                     "--config");
  verify->callback([context, options] {
    context->exit_code = RunVerify(context->folder, *options);
  });
  AddScreenLook(screen, context);
}

}  // namespace consentry::tools
