#include "tools/consentry/bench_site.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/server/initialise.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/registration.h"

namespace consentry::tools {
namespace {

constexpr char kMarker[] = "/bench-population";
constexpr char kWithdrawn[] = "/bench-withdrawn";
constexpr uint64_t kMostSpare = 20'000;
// The count of withdrawals is written ahead in steps of this.
constexpr uint64_t kSpareStep = 100;
constexpr uint32_t kValidDays = 90;
constexpr uint32_t kMostCallsPerSecond = 100'000;
constexpr uint32_t kMostSubjectsPerHour = 10'000'000;
constexpr int kMaxMessageBytes = 16 << 20;

// What a population was made as: another makes it anew.
std::string MarkOf(uint64_t subjects) {
  return absl::StrCat(subjects, ", erased without a wait, screened");
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError("cannot read " + path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

v1::Client Registration(const char* id, const char* purpose) {
  v1::Client client;
  client.set_id(id);
  client.set_title(id);
  client.set_role(v1::ROLE_SERVICE);
  client.add_purposes(purpose);
  client.add_read_categories("user");
  client.set_country("DE");
  client.set_recipient("Bench");
  client.set_contract("bench");
  client.mutable_limits()->set_calls_per_second(kMostCallsPerSecond);
  client.mutable_limits()->set_subjects_per_hour(kMostSubjectsPerHour);
  return client;
}

std::vector<v1::Client> Registrations() {
  v1::Client importer =
      Registration(kBenchImporter, "essential.service.operations");
  importer.add_write_categories("user");
  importer.add_sources("crm");
  for (const char* permission :
       {"data.import", "data.legal_facts", "consent.record"}) {
    importer.add_permissions(permission);
  }
  importer.add_attests(kBenchPurpose);
  v1::Client reader = Registration(kBenchReader, kBenchPurpose);
  reader.add_permissions("screening.screen");
  return {importer, reader};
}

}  // namespace

absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> ConnectMany(
    const std::string& address, const std::string& folder,
    const std::string& client, size_t count) {
  grpc::SslCredentialsOptions tls;
  CONSENTRY_ASSIGN_OR_RETURN(tls.pem_root_certs,
                             ReadFile(folder + "/tls/authority.pem"));
  const std::string stem = folder + "/clients/" + client;
  CONSENTRY_ASSIGN_OR_RETURN(tls.pem_cert_chain, ReadFile(stem + ".pem"));
  CONSENTRY_ASSIGN_OR_RETURN(tls.pem_private_key, ReadFile(stem + ".key"));
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (size_t i = 0; i < count; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
    channels.push_back(grpc::CreateCustomChannel(
        address, grpc::SslCredentials(tls), arguments));
    if (!channels.back()->WaitForConnected(std::chrono::system_clock::now() +
                                           std::chrono::seconds(10))) {
      return absl::UnavailableError("no connection to " + address);
    }
  }
  return channels;
}

absl::StatusOr<std::unique_ptr<BenchSite>> BenchSite::Open(
    const std::string& folder, uint64_t subjects, uint64_t spare) {
  std::unique_ptr<BenchSite> site(new BenchSite(folder, subjects));
  const auto marker = ReadFile(folder + kMarker);
  const auto taken = ReadFile(folder + kWithdrawn);
  if (taken.ok() && !absl::SimpleAtoi(*taken, &site->withdrawn_)) {
    return absl::DataLossError("cannot read " + folder + kWithdrawn);
  }
  if (!marker.ok() || *marker != MarkOf(subjects) ||
      site->readable() + site->withdrawn_ + spare > subjects) {
    std::error_code fault;
    std::filesystem::remove_all(folder, fault);
    site->withdrawn_ = 0;
    CONSENTRY_RETURN_IF_ERROR(site->Make());
  }
  if (site->process_ == nullptr) {
    CONSENTRY_RETURN_IF_ERROR(site->Start());
  }
  return site;
}

uint64_t BenchSite::readable() const {
  return subjects_ - std::min(subjects_ / 5, kMostSpare);
}

absl::StatusOr<uint64_t> BenchSite::TakeSpare() {
  const uint64_t number = readable() + withdrawn_;
  if (number >= subjects_) {
    return absl::ResourceExhaustedError(
        "earlier runs have withdrawn the consents that were there for it; "
        "remove " +
        folder_ + " to have it made anew");
  }
  if (withdrawn_ % kSpareStep == 0) {
    std::ofstream file(folder_ + kWithdrawn);
    file << withdrawn_ + kSpareStep;
    file.close();
    if (!file) return absl::UnavailableError("cannot write in " + folder_);
  }
  ++withdrawn_;
  return number;
}

absl::Status BenchSite::Start() {
  CONSENTRY_ASSIGN_OR_RETURN(
      process_,
      ServerProcess::Start({"-c", folder_, "serve", "--listen", "127.0.0.1:0"},
                           folder_ + ".log"));
  return absl::OkStatus();
}

void BenchSite::Kill() {
  if (process_ != nullptr) process_->Kill();
  process_.reset();
}

absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> BenchSite::Connect(
    const std::string& client, size_t count) const {
  return ConnectMany(process_->address(), folder_, client, count);
}

absl::Status BenchSite::Make() {
  server::InitialiseOptions init;
  init.folder = folder_;
  init.home = "DE";
  init.markets = {"DE", "FR", "GB", "US-CA"};
  init.thresholds = {"us-ca.business"};
  init.name = "Bench";
  init.contact = "privacy@example.com";
  // Somebody else approves what staff enter.
  init.single_operator = false;
  CONSENTRY_RETURN_IF_ERROR(server::Initialise(init).status());
  std::ofstream config(folder_ + "/consentry.txtpb", std::ios::app);
  config << "\nerasure { wait_hours: 0 }\n";
  config.close();
  if (!config) return absl::UnavailableError("cannot write in " + folder_);
  CONSENTRY_RETURN_IF_ERROR(Start());
  CONSENTRY_ASSIGN_OR_RETURN(const auto operators, Connect("operator", 1));
  for (const v1::Client& client : Registrations()) {
    v1::Client made;
    const grpc::Status status =
        RegisterWithNewKey(operators[0], client, kValidDays, folder_, &made);
    if (!status.ok()) {
      return absl::InternalError(absl::StrCat("cannot register ", client.id(),
                                              ": ", status.error_message()));
    }
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto importer, Connect(kBenchImporter, 1));
  const auto begin = std::chrono::steady_clock::now();
  CONSENTRY_RETURN_IF_ERROR(ImportPopulation(importer[0], subjects_));
  import_seconds_ =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  std::ofstream marker(folder_ + kMarker);
  marker << MarkOf(subjects_);
  marker.close();
  return marker ? absl::OkStatus()
                : absl::UnavailableError("cannot write in " + folder_);
}

}  // namespace consentry::tools
