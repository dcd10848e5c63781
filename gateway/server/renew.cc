#include "gateway/server/renew.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "audit/io/file.h"
#include "gateway/clients/client_table.h"
#include "gateway/clients/registration.h"
#include "gateway/crypto/certificates.h"
#include "gateway/crypto/secret_file.h"
#include "gateway/server/config.h"
#include "gateway/server/gateway.h"
#include "proto/support/error.h"
#include "proto/support/mutex.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;
constexpr int64_t kBackdateUs = int64_t{300} * 1'000'000;
constexpr int64_t kDays = 397;
constexpr int64_t kSecondUs = 1'000'000;
constexpr uint64_t kMaxPemBytes = 1 << 20;

audit::FileSystem* Fs() { return audit::FileSystem::Posix(); }

std::string AddressText(const ASN1_OCTET_STRING* address) {
  char text[INET6_ADDRSTRLEN] = "";
  const int length = ASN1_STRING_length(address);
  inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address),
            text, sizeof(text));
  return text;
}

// Names of a server's certificate, those of every machine left out.
std::vector<std::string> NamesIn(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free_all);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
  if (!certificate) return {};
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(
          certificate.get(), NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  std::vector<std::string> found;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    std::string text;
    if (name->type == GEN_DNS) {
      text.assign(
          reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
          static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      text = AddressText(name->d.iPAddress);
    }
    if (!text.empty() && text != "localhost" && text != "127.0.0.1" &&
        text != "::1") {
      found.push_back(std::move(text));
    }
  }
  return found;
}

// Lays a pair beside the files in use, so that both can take their place.
absl::Status Stage(const crypto::IssuedCertificate& issued,
                   const std::string& key, const std::string& certificate) {
  std::error_code ignored;
  std::filesystem::remove(key + ".new", ignored);
  CONSENTRY_RETURN_IF_ERROR(
      crypto::CreateSecretFile(key + ".new", issued.key_pem.view()));
  return audit::ReplaceFile(Fs(), certificate + ".new", issued.certificate_pem);
}

absl::Status TakeIntoUse(const std::string& key,
                         const std::string& certificate) {
  CONSENTRY_RETURN_IF_ERROR(Fs()->Rename(key + ".new", key));
  return Fs()->Rename(certificate + ".new", certificate);
}

// Whether a pair ends soon, is damaged or does not fit together.
bool IsDue(const std::string& key, const std::string& certificate,
           int64_t before_us) {
  const auto pem = audit::ReadFile(Fs(), certificate, kMaxPemBytes);
  if (!pem.ok()) return true;
  const auto info = crypto::ParseCertificate(*pem);
  if (!info.ok() || info->not_after_us < before_us) return true;
  const auto secret = crypto::ReadSecretFile(key);
  return !secret.ok() || !crypto::CheckKeyMatches(*pem, *secret).ok();
}

absl::Status RenewServer(const Config& config,
                         const crypto::CertificateAuthority& authority,
                         const RenewOptions& options, int64_t now_us,
                         std::vector<Renewed>* renewed) {
  const config::v1::Tls& tls = config.message.tls();
  if (options.host_names.empty() && !IsDue(tls.private_key(), tls.certificate(),
                                           now_us + options.within_us)) {
    return absl::OkStatus();
  }
  std::vector<std::string> names = options.host_names;
  if (names.empty()) {
    const auto pem = audit::ReadFile(Fs(), tls.certificate(), kMaxPemBytes);
    if (pem.ok()) names = NamesIn(*pem);
  }
  const int64_t end_us = now_us + kDays * kDayUs;
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto issued,
      authority.IssueServer(names, now_us - kBackdateUs, end_us));
  CONSENTRY_RETURN_IF_ERROR(
      Stage(issued, tls.private_key(), tls.certificate()));
  CONSENTRY_RETURN_IF_ERROR(TakeIntoUse(tls.private_key(), tls.certificate()));
  renewed->push_back({"", tls.certificate(), end_us});
  return absl::OkStatus();
}

absl::Status TellRegistry(Gateway* gateway, const std::string& id,
                          const std::string& certificate_pem) {
  v1::RenewClientRequest request;
  request.set_id(id);
  request.set_certificate_pem(certificate_pem);
  clients::CallerContext self;
  self.method = "renew";
  self.event = "client.renew";
  absl::Status status;
  Mutex mu;
  CondVar ended;
  bool done = false;
  gateway->client_admin()->Renew(self, request,
                                 [&](const absl::StatusOr<v1::Client>& client) {
                                   MutexLock lock(&mu);
                                   status = client.status();
                                   done = true;
                                   ended.SignalAll();
                                 });
  MutexLock lock(&mu);
  while (!done) ended.Wait(&mu);
  return status;
}

// Whether the file holds the key that is registered.
bool IsRegistered(const std::string& certificate, const v1::Client& client) {
  const auto pem = audit::ReadFile(Fs(), certificate, kMaxPemBytes);
  if (!pem.ok()) return false;
  const auto info = crypto::ParseCertificate(*pem);
  return info.ok() &&
         clients::FormatKey(info->spki) == client.public_key_hash();
}

absl::Status RenewStaff(Gateway* gateway,
                        const crypto::CertificateAuthority& authority,
                        const RenewOptions& options, int64_t now_us,
                        std::vector<Renewed>* renewed) {
  std::vector<v1::Client> registered;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, gateway->readers()->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(registered, clients::ReadClients(lease.get()));
  }
  const std::string folder =
      std::filesystem::path(gateway->config().file).parent_path().string() +
      "/clients/";
  for (const v1::Client& client : registered) {
    const std::string certificate = folder + client.id() + ".pem";
    const std::string key = folder + client.id() + ".key";
    std::error_code ignored;
    if (client.state() != v1::CLIENT_STATE_ACTIVE ||
        (client.role() != v1::ROLE_ADMIN &&
         client.role() != v1::ROLE_COMPLIANCE) ||
        !std::filesystem::exists(certificate, ignored)) {
      continue;
    }
    const int64_t before_us = now_us + options.within_us;
    if (client.expire_time().seconds() * kSecondUs >= before_us &&
        IsRegistered(certificate, client) &&
        !IsDue(key, certificate, before_us)) {
      continue;
    }
    const int64_t end_us = now_us + kDays * kDayUs;
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto issued,
        authority.IssueClient(client.id(), now_us - kBackdateUs, end_us));
    CONSENTRY_RETURN_IF_ERROR(Stage(issued, key, certificate));
    CONSENTRY_RETURN_IF_ERROR(
        TellRegistry(gateway, client.id(), issued.certificate_pem));
    CONSENTRY_RETURN_IF_ERROR(TakeIntoUse(key, certificate));
    renewed->push_back({client.id(), certificate, end_us});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Renewed>> RenewOwn(const std::string& path,
                                              const RenewOptions& options) {
  CONSENTRY_ASSIGN_OR_RETURN(const Config config, LoadConfig(path, PackIds()));
  const config::v1::Tls& tls = config.message.tls();
  if (tls.authority_key().empty()) {
    return MakeError(v1::ERROR_REASON_STATE_INVALID,
                     "the gateway has no authority of its own "
                     "(tls.authority_key): get new certificates where the last "
                     "ones came from");
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto authority,
      crypto::CertificateAuthority::LoadFiles(tls.authority_certificate(),
                                              tls.authority_key()));
  const int64_t now_us = options.clock->NowUs();
  std::vector<Renewed> renewed;
  {
    CONSENTRY_ASSIGN_OR_RETURN(const auto lock,
                               Fs()->Lock(config.DataFile(kLockFile)));
    CONSENTRY_RETURN_IF_ERROR(
        RenewServer(config, *authority, options, now_us, &renewed));
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto gateway,
      Gateway::Open(config, {.clock = options.clock, .on_serving = nullptr}));
  CONSENTRY_RETURN_IF_ERROR(
      RenewStaff(gateway.get(), *authority, options, now_us, &renewed));
  CONSENTRY_RETURN_IF_ERROR(gateway->Close());
  return renewed;
}

}  // namespace consentry::server
