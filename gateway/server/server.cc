#include "gateway/server/server.h"

#include <dlfcn.h>
#include <google/protobuf/stubs/logging.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "audit/io/file.h"
#include "gateway/base/log.h"
#include "gateway/crypto/hardening.h"
#include "gateway/crypto/secret_file.h"
#include "gateway/rpc/admin_service.h"
#include "gateway/rpc/consent_service.h"
#include "gateway/rpc/limits.h"
#include "gateway/rpc/method_table.h"
#include "gateway/rpc/pipeline.h"
#include "gateway/rpc/refusal_log.h"
#include "gateway/rpc/review_service.h"
#include "gateway/rpc/rights_service.h"
#include "gateway/rpc/screening_service.h"
#include "gateway/rpc/services.h"
#include "gateway/rpc/unserved.h"
#include "gateway/server/config.h"
#include "gateway/server/gateway.h"
#include "gateway/server/notify.h"
#include "proto/support/mutex.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

constexpr base::LogEvent kServing = {base::LogLevel::kInfo, 8010,
                                     "server.serving"};
constexpr base::LogEvent kNotServing = {base::LogLevel::kError, 8011,
                                        "server.not_serving"};
constexpr base::LogEvent kStopping = {base::LogLevel::kInfo, 8012,
                                      "server.stopping"};
constexpr base::LogEvent kStopped = {base::LogLevel::kInfo, 8013,
                                     "server.stopped"};
constexpr base::LogEvent kForced = {base::LogLevel::kWarn, 8014,
                                    "server.calls_cancelled"};

constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
constexpr int kConnectionGraceMs = 30'000;
// What is still not finished this long after the grace never will be: a stop
// must end. The log is safe without a good end; the next start says so.
constexpr int64_t kWatchdogUs = 30'000'000;

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> Credentials(
    const config::v1::Tls& tls) {
  audit::FileSystem* const fs = audit::FileSystem::Posix();
  CONSENTRY_ASSIGN_OR_RETURN(const std::string chain,
                             audit::ReadFile(fs, tls.certificate(), 1 << 20));
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string authorities,
      audit::ReadFile(fs, tls.client_authorities(), 1 << 20));
  CONSENTRY_ASSIGN_OR_RETURN(const auto key,
                             crypto::ReadSecretFile(tls.private_key()));
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = authorities;
  options.pem_key_cert_pairs.push_back(
      {std::string(reinterpret_cast<const char*>(key.data()), key.size()),
       chain});
  return grpc::SslServerCredentials(options);
}

}  // namespace

void PrepareProcess() {
  crypto::HardenProcess();
  // Debian's abseil looks for deadlocks at each lock that gRPC takes.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // A write beyond a limit of the system is an error like any other: it is
  // answered and told, and does not end the process.
  signal(SIGXFSZ, SIG_IGN);
  // It prints a line for each text of a request that is no UTF-8, which the
  // caller is told anyway.
  google::protobuf::SetLogHandler(nullptr);
  // gRPC has no setting for the version. A suite of TLS 1.2 that no key of ours
  // can serve leaves 1.3, whose suites are not chosen here.
  setenv("GRPC_SSL_CIPHER_SUITES", "PSK-AES256-GCM-SHA384", /*overwrite=*/1);
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
}

class Server::Impl {
 public:
  ~Impl() { Stop().IgnoreError(); }

  absl::Status Open(const std::string& path, const ServerOptions& options) {
    CONSENTRY_ASSIGN_OR_RETURN(Config config, LoadConfig(path, PackIds()));
    if (!options.address.empty()) {
      CONSENTRY_ASSIGN_OR_RETURN(config.listen, ParseAddress(options.address));
    }
    if (options.log) {
      const config::v1::OperatingLog& log = config.message.log();
      CONSENTRY_RETURN_IF_ERROR(
          base::StartLog({.path = log.file(),
                          .level = log.debug() ? base::LogLevel::kDebug
                                               : base::LogLevel::kInfo}));
      logging_ = true;
    }
    CONSENTRY_ASSIGN_OR_RETURN(methods_, rpc::MethodTable::CreateForApi());
    Gateway::Options opened;
    opened.dev = options.dev;
    if (options.clock != nullptr) opened.clock = options.clock;
    opened.on_serving = [this](bool serving) { SetServing(serving); };
    CONSENTRY_ASSIGN_OR_RETURN(gateway_, Gateway::Open(config, opened));
    MakeServices(config);
    CONSENTRY_RETURN_IF_ERROR(Listen(config));
    grace_us_ = int64_t{config.message.limits().stop_grace_ms()} * 1000;
    started_.store(true, std::memory_order_release);
    SetServing(gateway_->committer()->serving());
    NotifyServiceManager("READY=1");
    return absl::OkStatus();
  }

  absl::Status Stop() {
    if (stopped_.exchange(true)) return absl::OkStatus();
    absl::Status status = absl::OkStatus();
    const bool served = server_ != nullptr;
    if (served) {
      NotifyServiceManager("STOPPING=1");
      base::Log(kStopping);
      SetHealth(false);
      const auto now = std::chrono::system_clock::now();
      // Returns when every call has ended, some of them cancelled: a handler
      // that never ends would hold it for good.
      std::atomic<bool> done{false};
      std::thread watchdog([this, &done] {
        const int64_t end_us =
            base::Clock::System()->MonotonicUs() + grace_us_ + kWatchdogUs;
        while (!done.load(std::memory_order_acquire)) {
          if (base::Clock::System()->MonotonicUs() > end_us) {
            base::StopLog();
            _exit(70);
          }
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
      });
      pipeline_->Stop();
      // Calls wait for audits.
      gateway_->fairness()->Stop();
      if (!pipeline_->WaitIdle(grace_us_)) base::Log(kForced);
      server_->Shutdown(now + std::chrono::microseconds(grace_us_));
      server_->Wait();
      done.store(true, std::memory_order_release);
      watchdog.join();
    }
    {
      MutexLock lock(&mu_);
      health_ = nullptr;
    }
    server_.reset();
    services_.clear();
    unserved_.reset();
    refusal_log_.reset();
    if (gateway_ != nullptr) status = gateway_->Close();
    if (served) base::Log(kStopped, {{"status", status}});
    if (logging_) base::StopLog();
    return status;
  }

  const std::string& address() const { return address_; }
  int port() const { return port_; }
  bool serving() const { return gateway_->committer()->serving(); }

 private:
  void MakeServices(const Config& config) {
    Gateway* const gateway = gateway_.get();
    refusal_log_ = std::make_unique<rpc::RefusalLog>(gateway->refusals());
    rpc::Pipeline::Options options;
    options.max_call_us = int64_t{config.message.limits().max_call_ms()} * 1000;
    if (config.message.has_identity()) {
      options.people = gateway->identity()->people();
    }
    pipeline_ = std::make_unique<rpc::Pipeline>(
        gateway->registry(), methods_.get(), refusal_log_.get(),
        gateway->clock(), options);
    services_.push_back(rpc::MakeDataService(pipeline_.get(),
                                             {.reads = gateway->reads(),
                                              .selection = gateway->selection(),
                                              .explainer = gateway->explainer(),
                                              .writes = gateway->writes()}));
    services_.push_back(rpc::MakeConsentService(
        pipeline_.get(),
        {.ledger = gateway->ledger(),
         .notices = gateway->consent()->notices(),
         .receipts = gateway->consent()->receipts(),
         .double_opt_ins = gateway->consent()->double_opt_ins(),
         .watcher = gateway->delivery()->watcher(),
         .committer = gateway->committer(),
         .workers = gateway->workers()}));
    services_.push_back(rpc::MakeReviewService(
        pipeline_.get(), {.desk = gateway->review()->desk(),
                          .reads = gateway->review()->reads(),
                          .workers = gateway->workers()}));
    services_.push_back(rpc::MakeRightsService(
        pipeline_.get(), {.transparency = gateway->transparency(),
                          .erasure = gateway->erasures(),
                          .tasks = gateway->delivery()->tasks(),
                          .cases = gateway->rights().cases.get(),
                          .case_reads = gateway->rights().reads.get(),
                          .completion = gateway->rights().completion.get(),
                          .agents = gateway->rights().agents.get(),
                          .workers = gateway->workers()}));
    services_.push_back(rpc::MakeAuditService(
        pipeline_.get(), {.reader = gateway->audit_reader(),
                          .processing = gateway->oversight()->processing(),
                          .exposures = gateway->oversight()->exposures(),
                          .breaches = gateway->oversight()->breaches()}));
    services_.push_back(rpc::MakeScreeningService(
        pipeline_.get(),
        {.screener = gateway->screening()->screener(),
         .releases = gateway->screening()->releases(),
         .outcomes = gateway->screening()->outcomes(),
         .reads = gateway->screening()->reads(),
         .vulnerabilities = gateway->screening()->vulnerabilities(),
         .fairness = gateway->fairness()->desk(),
         .audits = gateway->fairness()->audits(),
         .workers = gateway->workers()}));
    services_.push_back(rpc::MakeAdminService(
        pipeline_.get(),
        rpc::AdminCapabilities{
            .clients = gateway->client_admin(),
            .policy = gateway->policy_admin(),
            .diff = gateway->policy_diff(),
            .merges = gateway->merges(),
            .upkeep = gateway->upkeep(),
            .proposals = gateway->proposals(),
            .logins = gateway->identity()->desk(),
            .staff = gateway->identity()->staff(),
            .committer = gateway->committer(),
            .readers = gateway->readers(),
            .page_tokens = gateway->page_tokens(),
            .tokens = gateway->tokens(),
            .workers = gateway->workers(),
            .status = [gateway] { return gateway->Status(); }}));
    unserved_ = std::make_unique<rpc::UnservedMethods>(pipeline_.get());
  }

  absl::Status Listen(const Config& config) {
    const config::v1::Limits& limits = config.message.limits();
    CONSENTRY_ASSIGN_OR_RETURN(const auto credentials,
                               Credentials(config.message.tls()));
    grpc::EnableDefaultHealthCheckService(true);
    // The library registers itself with every server that is built later.
    if (config.message.listener().reflection() &&
        dlopen(CONSENTRY_REFLECTION_LIBRARY, RTLD_NOW | RTLD_GLOBAL) ==
            nullptr) {
      return absl::UnavailableError(
          "listener.reflection: " CONSENTRY_REFLECTION_LIBRARY
          " cannot be loaded; install it or switch reflection off");
    }
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(config.listen.ToString(), credentials, &port);
    for (const auto& service : services_) {
      builder.RegisterService(service.get());
    }
    builder.RegisterCallbackGenericService(unserved_.get());
    builder.SetMaxReceiveMessageSize(rpc::kMaxMessageBytes);
    grpc::ResourceQuota quota("consentry");
    quota.Resize(size_t{limits.call_memory_mib()} << 20);
    builder.SetResourceQuota(quota);
    // Two gateways on one port would each get half of the calls.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE,
                               rpc::kMaxMetadataBytes);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                               static_cast<int>(limits.max_concurrent_calls()));
    builder.AddChannelArgument(
        GRPC_ARG_MAX_CONNECTION_AGE_MS,
        static_cast<int>(limits.max_connection_age_seconds() * 1000));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                               kConnectionGraceMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                               kKeepaliveTimeoutMs);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      return absl::UnavailableError(absl::StrCat(
          "cannot listen on ", config.listen.ToString(),
          "; another program has it, or listener.address is not of this "
          "machine"));
    }
    {
      MutexLock lock(&mu_);
      health_ = server_->GetHealthCheckService();
    }
    port_ = port;
    Address bound = config.listen;
    bound.port = port;
    address_ = bound.ToString();
    return absl::OkStatus();
  }

  // From a thread of the committer, perhaps before there is a server.
  void SetServing(bool serving) {
    if (!started_.load(std::memory_order_acquire) ||
        stopped_.load(std::memory_order_acquire)) {
      return;
    }
    base::Log(serving ? kServing : kNotServing);
    SetHealth(serving);
  }

  void SetHealth(bool serving) {
    MutexLock lock(&mu_);
    if (health_ == nullptr) return;
    for (const std::string& name : methods_->services()) {
      health_->SetServingStatus(name, serving);
    }
    health_->SetServingStatus("", serving);
  }

  std::unique_ptr<const rpc::MethodTable> methods_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<rpc::RefusalLog> refusal_log_;
  std::unique_ptr<rpc::Pipeline> pipeline_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<rpc::UnservedMethods> unserved_;
  std::unique_ptr<grpc::Server> server_;
  Mutex mu_;
  grpc::HealthCheckServiceInterface* health_ ABSL_GUARDED_BY(mu_) = nullptr;
  std::string address_;
  int port_ = 0;
  int64_t grace_us_ = 0;
  bool logging_ = false;
  std::atomic<bool> started_{false};
  std::atomic<bool> stopped_{false};
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::Open(
    const std::string& config, const ServerOptions& options) {
  auto impl = std::make_unique<Impl>();
  CONSENTRY_RETURN_IF_ERROR(impl->Open(config, options));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

const std::string& Server::address() const { return impl_->address(); }
int Server::port() const { return impl_->port(); }
bool Server::serving() const { return impl_->serving(); }
absl::Status Server::Stop() { return impl_->Stop(); }

namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

void Server::BlockSignals() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void Server::WaitForSignal() {
  const sigset_t signals = StopSignals();
  int signal = 0;
  sigwait(&signals, &signal);
}

}  // namespace consentry::server
