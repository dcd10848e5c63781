#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/io/file.h"
#include "gateway/crypto/certificates.h"
#include "gateway/crypto/secret_file.h"
#include "gateway/server/config.h"

namespace consentry::server {
namespace {

using Faults = std::vector<FieldViolation>;

constexpr char kBegin[] = "-----BEGIN CERTIFICATE-----";
// A business has its own authority and perhaps a partner's. A bundle of public
// ones would let in whoever can buy a certificate.
constexpr size_t kMostAuthorities = 16;

absl::StatusOr<std::string> Read(const std::string& path) {
  return audit::ReadFile(audit::FileSystem::Posix(), path, 1 << 20);
}

bool Exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

// Whoever may write a file's folder may put another file in its place.
void CheckFolder(const std::string& path, const char* field, Faults* faults) {
  if (path.empty()) return;
  const std::string folder =
      std::filesystem::absolute(path).parent_path().string();
  struct stat state;
  if (stat(folder.c_str(), &state) != 0) return;
  if ((state.st_mode & 022) != 0 && (state.st_mode & S_ISVTX) == 0) {
    faults->push_back(
        {field, absl::StrCat("others may replace what lies in ", folder,
                             "; run: chmod go-w ", folder)});
  }
}

void CheckSecret(const std::string& path, const char* field, Faults* faults) {
  if (path.empty()) return;
  if (!Exists(path)) {
    faults->push_back({field, absl::StrCat("there is no file ", path)});
    return;
  }
  const auto secret = crypto::ReadSecretFile(path);
  if (!secret.ok()) {
    faults->push_back({field, std::string(secret.status().message())});
  }
  CheckFolder(path, field, faults);
}

void CheckServerCertificate(const config::v1::Tls& tls, int64_t now_us,
                            Faults* faults) {
  const auto pem = Read(tls.certificate());
  if (!pem.ok()) {
    faults->push_back(
        {"tls.certificate", absl::StrCat("cannot read ", tls.certificate())});
    return;
  }
  const auto info = crypto::ParseCertificate(*pem);
  if (!info.ok()) {
    faults->push_back(
        {"tls.certificate", "holds no certificate of a kind that can be used"});
    return;
  }
  if (const absl::Status valid = crypto::CheckValidity(*info, now_us);
      !valid.ok()) {
    faults->push_back(
        {"tls.certificate",
         absl::StrCat(valid.message(), "; run: consentry renew")});
  }
  if (!info->for_server) {
    faults->push_back(
        {"tls.certificate", "is not for a server (extended key usage)"});
  }
  const auto key = crypto::ReadSecretFile(tls.private_key());
  if (key.ok() && !crypto::CheckKeyMatches(*pem, *key).ok()) {
    faults->push_back({"tls.private_key", "is not the key of tls.certificate"});
  }
}

void CheckAuthorities(const config::v1::Tls& tls, int64_t now_us,
                      Faults* faults) {
  constexpr char kField[] = "tls.client_authorities";
  const auto pem = Read(tls.client_authorities());
  if (!pem.ok()) {
    faults->push_back(
        {kField, absl::StrCat("cannot read ", tls.client_authorities())});
    return;
  }
  size_t count = 0;
  size_t usable = 0;
  for (size_t at = pem->find(kBegin); at != std::string::npos;
       at = pem->find(kBegin, at + 1)) {
    if (++count > kMostAuthorities) break;
    const auto info =
        crypto::ParseCertificate(std::string_view(*pem).substr(at));
    if (!info.ok() || !info->is_authority) {
      faults->push_back(
          {kField, absl::StrCat("certificate ", count, " is no authority's")});
    } else if (crypto::CheckValidity(*info, now_us).ok()) {
      ++usable;
    }
  }
  if (count > kMostAuthorities) {
    faults->push_back({kField,
                       "holds more than 16 authorities; name only those that "
                       "issue certificates for your own systems"});
  } else if (count == 0) {
    faults->push_back({kField, "holds no certificate"});
  } else if (usable == 0) {
    faults->push_back({kField, "holds no authority that is valid now"});
  }
}

void CheckDataDirectory(const Config& config, Faults* faults) {
  constexpr char kField[] = "storage.data_directory";
  const std::string& path = config.message.storage().data_directory();
  struct stat state;
  if (stat(path.c_str(), &state) != 0 || !S_ISDIR(state.st_mode)) {
    faults->push_back({kField, absl::StrCat("there is no folder ", path,
                                            "; `consentry init` makes it")});
    return;
  }
  if ((state.st_mode & 077) != 0) {
    faults->push_back({kField, absl::StrCat("others may look into ", path,
                                            "; run: chmod 700 ", path)});
  }
  if (state.st_uid != geteuid()) {
    faults->push_back(
        {kField, absl::StrCat(path,
                              " belongs to another user than the one "
                              "that runs the gateway")});
  }
}

// What decides who may do what, though it is no secret.
void CheckOwn(const std::string& path, const char* field, Faults* faults) {
  struct stat state;
  if (path.empty() || stat(path.c_str(), &state) != 0) return;
  if ((state.st_mode & 022) != 0) {
    faults->push_back({field, absl::StrCat("others may change ", path,
                                           "; run: chmod go-w ", path)});
  }
  CheckFolder(path, field, faults);
}

void CheckReadable(const std::string& path, const char* field, Faults* faults) {
  if (!path.empty() && !Exists(path)) {
    faults->push_back({field, absl::StrCat("there is no file ", path)});
  }
  CheckOwn(path, field, faults);
}

}  // namespace

std::vector<FieldViolation> CheckFiles(const Config& config, int64_t now_us) {
  Faults faults;
  const config::v1::GatewayConfig& message = config.message;
  CheckOwn(config.file, "format", &faults);
  CheckOwn(message.tls().certificate(), "tls.certificate", &faults);
  CheckOwn(message.tls().client_authorities(), "tls.client_authorities",
           &faults);
  CheckSecret(message.tls().private_key(), "tls.private_key", &faults);
  CheckServerCertificate(message.tls(), now_us, &faults);
  CheckAuthorities(message.tls(), now_us, &faults);
  CheckReadable(message.tls().authority_certificate(),
                "tls.authority_certificate", &faults);
  CheckSecret(message.tls().authority_key(), "tls.authority_key", &faults);
  if (message.keys().has_root_key_file()) {
    CheckSecret(message.keys().root_key_file(), "keys.root_key_file", &faults);
  }
  CheckSecret(message.keys().epoch_file(), "keys.epoch_file", &faults);
  CheckSecret(message.keys().log_key_file(), "keys.log_key_file", &faults);
  CheckSecret(message.sender().smtp().password_file(),
              "sender.smtp.password_file", &faults);
  if (Exists(message.screening().release_key_file())) {
    CheckSecret(message.screening().release_key_file(),
                "screening.release_key_file", &faults);
  }
  CheckReadable(message.screening().conduct_policy_file(),
                "screening.conduct_policy_file", &faults);
  CheckReadable(message.sender().smtp().authorities(),
                "sender.smtp.authorities", &faults);
  CheckReadable(message.delivery().authorities(), "delivery.authorities",
                &faults);
  CheckDataDirectory(config, &faults);
  CheckReadable(message.policy().catalog(), "policy.catalog", &faults);
  CheckReadable(message.policy().purposes(), "policy.purposes", &faults);
  CheckReadable(message.policy().owner_pack(), "policy.owner_pack", &faults);
  return faults;
}

absl::Status RefuseUnsafe(const Config& config, int64_t now_us) {
  const auto faults = CheckFiles(config, now_us);
  if (faults.empty()) return absl::OkStatus();
  TextProto source(config.file);
  config::v1::GatewayConfig ignored;
  const auto text = Read(config.file);
  if (text.ok()) source.Parse(*text, &ignored).IgnoreError();
  return source.Fail(faults);
}

}  // namespace consentry::server
