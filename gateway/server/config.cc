#include "gateway/server/config.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/io/file.h"
#include "gateway/server/config_delivery.h"
#include "gateway/server/config_screening.h"
#include "gateway/server/wire_identity.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

using config::v1::GatewayConfig;

constexpr uint32_t kFormat = 1;
constexpr char kDefaultAddress[] = "127.0.0.1:50051";

class Faults {
 public:
  void Add(std::string field, std::string description) {
    faults_.push_back({std::move(field), std::move(description)});
  }
  void Require(const std::string& value, const char* field) {
    if (value.empty()) Add(field, "is required");
  }
  // 0 stands for the default.
  void CheckRange(uint32_t value, uint32_t from, uint32_t to,
                  const char* field) {
    if (value != 0 && (value < from || value > to)) {
      Add(field, absl::StrCat("must be ", from, " to ", to));
    }
  }
  const std::vector<FieldViolation>& list() const { return faults_; }

 private:
  std::vector<FieldViolation> faults_;
};

bool IsOrigin(std::string_view text) {
  bool start = true;
  for (const char c : text) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (c == '/') {
      if (start) return false;
      start = true;
    } else if (word || (!start && (c == '.' || c == '-'))) {
      start = false;
    } else {
      return false;
    }
  }
  return !start && text.size() <= 128;
}

// What a token can be appended to.
bool IsLinkAddress(std::string_view text) {
  constexpr std::string_view kScheme = "https://";
  return text.starts_with(kScheme) && text.size() > kScheme.size() &&
         text.size() <= 500 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' &&
                  c != '#';
         });
}

template <class T>
void Default(T* message, uint32_t (T::*get)() const, void (T::*set)(uint32_t),
             uint32_t value) {
  if ((message->*get)() == 0) (message->*set)(value);
}

void FillDefaults(GatewayConfig* message) {
  using config::v1::Limits;
  if (message->listener().address().empty()) {
    message->mutable_listener()->set_address(kDefaultAddress);
  }
  auto* storage = message->mutable_storage();
  Default(storage, &config::v1::Storage::disk_high_water_percent,
          &config::v1::Storage::set_disk_high_water_percent, 95);
  auto* limits = message->mutable_limits();
  Default(limits, &Limits::max_connection_age_seconds,
          &Limits::set_max_connection_age_seconds, 3600);
  Default(limits, &Limits::max_concurrent_calls,
          &Limits::set_max_concurrent_calls, 256);
  Default(limits, &Limits::call_memory_mib, &Limits::set_call_memory_mib, 128);
  Default(limits, &Limits::max_call_ms, &Limits::set_max_call_ms, 10'000);
  Default(limits, &Limits::stop_grace_ms, &Limits::set_stop_grace_ms, 10'000);
  FillIdentityDefaults(message);
}

void Absolute(const std::filesystem::path& folder, std::string* path) {
  if (path->empty()) return;
  *path = (folder / *path).lexically_normal().string();
}

void ResolvePaths(const std::string& file, GatewayConfig* message) {
  std::error_code ignored;
  const auto folder = std::filesystem::absolute(file, ignored).parent_path();
  auto* tls = message->mutable_tls();
  Absolute(folder, tls->mutable_certificate());
  Absolute(folder, tls->mutable_private_key());
  Absolute(folder, tls->mutable_client_authorities());
  Absolute(folder, tls->mutable_authority_certificate());
  Absolute(folder, tls->mutable_authority_key());
  Absolute(folder, message->mutable_storage()->mutable_data_directory());
  auto* keys = message->mutable_keys();
  if (keys->has_root_key_file()) {
    Absolute(folder, keys->mutable_root_key_file());
  }
  Absolute(folder, keys->mutable_epoch_file());
  Absolute(folder, keys->mutable_log_key_file());
  auto* policy = message->mutable_policy();
  Absolute(folder, policy->mutable_catalog());
  Absolute(folder, policy->mutable_purposes());
  Absolute(folder, policy->mutable_owner_pack());
  for (int i = 0; i < message->identity().issuers_size(); ++i) {
    auto* issuer = message->mutable_identity()->mutable_issuers(i);
    if (issuer->has_jwks_file()) {
      Absolute(folder, issuer->mutable_jwks_file());
    }
    Absolute(folder, issuer->mutable_authorities());
  }
  Absolute(folder, message->mutable_metrics()->mutable_file());
  if (message->has_backup()) {
    auto* backup = message->mutable_backup();
    Absolute(folder, backup->mutable_data_directory());
    Absolute(folder, backup->mutable_keys_directory());
    Absolute(folder, backup->mutable_log_directory());
  }
  Absolute(folder, message->mutable_log()->mutable_file());
  ResolveDeliveryPaths(folder, message);
  ResolveScreeningPaths(folder, message);
}

// Whether `path` is `folder` or lies in it.
bool LiesIn(std::string_view path, std::string_view folder) {
  while (!folder.empty() && folder.back() == '/') folder.remove_suffix(1);
  return path.substr(0, folder.size()) == folder &&
         (path.size() == folder.size() || path[folder.size()] == '/');
}

void CheckUpkeep(const GatewayConfig& message, Faults* faults) {
  const auto at_most = [&](uint32_t value, uint32_t to, const char* field) {
    faults->CheckRange(value, 1, to, field);
  };
  at_most(message.keys().rotate_every_days(), 3660, "keys.rotate_every_days");
  at_most(message.retention().every_hours(), 744, "retention.every_hours");
  const config::v1::Backup& backup = message.backup();
  at_most(backup.every_hours(), 8784, "backup.every_hours");
  at_most(backup.keep_data_days(), 3660, "backup.keep_data_days");
  at_most(backup.keep_keys_days(), 366, "backup.keep_keys_days");
  if (!backup.keys_directory().empty()) {
    for (const std::string& other :
         {backup.data_directory(), backup.log_directory()}) {
      if (!other.empty() && (LiesIn(backup.keys_directory(), other) ||
                             LiesIn(other, backup.keys_directory()))) {
        faults->Add("backup.keys_directory",
                    "must lie apart from the backups of data and log");
      }
    }
  }
}

void CheckContent(const GatewayConfig& message,
                  const std::vector<std::string>& known_packs, Faults* faults) {
  if (message.format() == 0) {
    faults->Add("format", "is required; this program reads format 1");
  } else if (message.format() > kFormat) {
    faults->Add(
        "format",
        "is newer than this program, which reads format 1: use the version "
        "that it is for");
  }
  faults->Require(message.controller().home(), "controller.home");
  faults->Require(message.tls().certificate(), "tls.certificate");
  faults->Require(message.tls().private_key(), "tls.private_key");
  faults->Require(message.tls().client_authorities(), "tls.client_authorities");
  if (message.tls().authority_certificate().empty() !=
      message.tls().authority_key().empty()) {
    faults->Add("tls.authority_certificate",
                "goes with tls.authority_key: both or neither");
  }
  if (!message.tls().client_authorities().empty() &&
      message.tls().client_authorities() == message.tls().certificate()) {
    faults->Add("tls.client_authorities",
                "names the server's own certificate; name the authority that "
                "issues your clients' certificates");
  }
  faults->Require(message.storage().data_directory(), "storage.data_directory");
  if (!IsOrigin(message.storage().log_origin())) {
    faults->Add("storage.log_origin",
                "must be words of [a-z0-9.-] joined by slashes");
  }
  if (!message.unsubscribe_url().empty() &&
      !IsLinkAddress(message.unsubscribe_url())) {
    faults->Add("unsubscribe_url",
                "must be an https address of at most 500 characters, without "
                "#, to which a token can be appended");
  }
  const uint32_t percent = message.storage().disk_high_water_percent();
  faults->CheckRange(percent, 50, 99, "storage.disk_high_water_percent");
  switch (message.keys().root_case()) {
    case config::v1::Keys::kRootKeyFile:
      faults->Require(message.keys().root_key_file(), "keys.root_key_file");
      break;
    case config::v1::Keys::kRootKeyCredential:
      if (message.keys().root_key_credential().empty() ||
          message.keys().root_key_credential().find('/') != std::string::npos) {
        faults->Add("keys.root_key_credential",
                    "must be the name of a systemd credential");
      }
      break;
    case config::v1::Keys::ROOT_NOT_SET:
      faults->Add("keys", "needs root_key_file or root_key_credential");
      break;
  }
  faults->Require(message.keys().epoch_file(), "keys.epoch_file");
  faults->Require(message.keys().log_key_file(), "keys.log_key_file");
  faults->Require(message.policy().catalog(), "policy.catalog");
  faults->Require(message.policy().purposes(), "policy.purposes");
  for (int i = 0; i < message.policy().packs_size(); ++i) {
    if (std::find(known_packs.begin(), known_packs.end(),
                  message.policy().packs(i)) == known_packs.end()) {
      faults->Add(absl::StrCat("policy.packs[", i, "]"),
                  "the program brings no pack of this id");
    }
  }
  faults->CheckRange(message.erasure().wait_hours(), 0, 720,
                     "erasure.wait_hours");
  if (message.erasure().suppression_months() != 0) {
    faults->CheckRange(message.erasure().suppression_months(), 1, 1200,
                       "erasure.suppression_months");
  }
  CheckUpkeep(message, faults);
  for (FieldViolation& fault : CheckIdentity(message)) {
    faults->Add(std::move(fault.field), std::move(fault.description));
  }
  for (FieldViolation& fault : CheckDelivery(message)) {
    faults->Add(std::move(fault.field), std::move(fault.description));
  }
  for (FieldViolation& fault : CheckScreening(message)) {
    faults->Add(std::move(fault.field), std::move(fault.description));
  }
  const config::v1::Limits& limits = message.limits();
  faults->CheckRange(limits.max_connection_age_seconds(), 60, 86'400,
                     "limits.max_connection_age_seconds");
  faults->CheckRange(limits.max_concurrent_calls(), 1, 10'000,
                     "limits.max_concurrent_calls");
  faults->CheckRange(limits.call_memory_mib(), 16, 65'536,
                     "limits.call_memory_mib");
  faults->CheckRange(limits.max_call_ms(), 100, 60'000, "limits.max_call_ms");
  faults->CheckRange(limits.stop_grace_ms(), 1, 300'000,
                     "limits.stop_grace_ms");
}

void CheckAddress(Config* config, Faults* faults) {
  const config::v1::Listener& listener = config->message.listener();
  if (auto listen = ParseAddress(listener.address()); listen.ok()) {
    config->listen = *std::move(listen);
    if (!config->listen.loopback && !listener.open_to_network()) {
      faults->Add("listener.address",
                  "is not a loopback address: others could reach the gateway; "
                  "if that is meant, set listener.open_to_network: true");
    }
  } else {
    faults->Add("listener.address", "must be an IP address and a port");
  }
}

}  // namespace

std::string Address::ToString() const {
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? absl::StrCat("[", host, "]:", port)
            : absl::StrCat(host, ":", port);
}

absl::StatusOr<Address> ParseAddress(std::string_view text) {
  const absl::Status bad =
      absl::InvalidArgumentError("not an address and a port");
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return bad;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  Address address;
  const auto [end, error] =
      std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size() ||
      address.port < 0 || address.port > 65535) {
    return bad;
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    address.host = std::string(host.substr(1, host.size() - 2));
    in6_addr v6;
    if (inet_pton(AF_INET6, address.host.c_str(), &v6) != 1) return bad;
    address.loopback = IN6_IS_ADDR_LOOPBACK(&v6);
    return address;
  }
  address.host = std::string(host);
  if (address.host == "localhost") {
    address.loopback = true;
    return address;
  }
  in_addr v4;
  if (inet_pton(AF_INET, address.host.c_str(), &v4) != 1) return bad;
  address.loopback = (ntohl(v4.s_addr) >> 24) == 127;
  return address;
}

std::string Config::DataFile(std::string_view name) const {
  return absl::StrCat(message.storage().data_directory(), "/",
                      std::string(name));
}

absl::StatusOr<Config> ParseConfig(
    const std::string& file, std::string_view text,
    const std::vector<std::string>& known_packs) {
  Config config;
  config.file = file;
  TextProto source(file);
  CONSENTRY_RETURN_IF_ERROR(source.Parse(text, &config.message));
  Faults faults;
  CheckContent(config.message, known_packs, &faults);
  FillDefaults(&config.message);
  CheckAddress(&config, &faults);
  CONSENTRY_RETURN_IF_ERROR(source.Fail(faults.list()));
  ResolvePaths(file, &config.message);
  return config;
}

absl::StatusOr<Config> LoadConfig(const std::string& path,
                                  const std::vector<std::string>& known_packs) {
  std::error_code ignored;
  const std::string file =
      std::filesystem::is_directory(path, ignored)
          ? absl::StrCat(path, "/", std::string(kConfigFileName))
          : path;
  const auto text =
      audit::ReadFile(audit::FileSystem::Posix(), file, TextProto::kMaxBytes);
  if (!text.ok()) {
    absl::Status status =
        MakeError(v1::ERROR_REASON_CONFIG_INVALID,
                  absl::StrCat(file,
                               ": cannot be read; name the folder that "
                               "`consentry init` made with --config"));
    AddErrorMetadata(&status, "file", file);
    return status;
  }
  return ParseConfig(file, *text, known_packs);
}

}  // namespace consentry::server
