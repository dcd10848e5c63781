#include "gateway/server/initialise.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "audit/io/file.h"
#include "audit/log/note.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/recovery_key.h"
#include "gateway/crypto/secret_file.h"
#include "gateway/server/answers.h"
#include "gateway/server/config_text.h"
#include "gateway/server/gateway.h"
#include "gateway/server/recovery.h"
#include "gateway/server/wire_screening.h"
#include "gateway/store/sqlcipher/engine.h"
#include "policy/packs/packs.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;
constexpr int64_t kBackdateUs = int64_t{300} * 1'000'000;
constexpr int64_t kServerDays = 397;
constexpr int64_t kClientDays = 397;

// Purposes by which the business answers its customers and the law: a gateway
// without them could not serve anybody's rights.
constexpr std::string_view kAlways[] = {"essential.legal_obligation",
                                        "rights_fulfilment", "human_review",
                                        "bias_detection"};

audit::FileSystem* Fs() { return audit::FileSystem::Posix(); }

absl::StatusOr<std::string_view> Default(std::string_view name) {
  for (const EmbeddedFile& file : policy::EmbeddedDefaults()) {
    if (file.name == name) return file.content;
  }
  return absl::InternalError("a built-in file is missing");
}

absl::Status WriteText(const std::string& path, std::string_view text) {
  return audit::ReplaceFile(Fs(), path, text);
}

// Removed with all it holds unless Keep() is called.
class Scaffold {
 public:
  explicit Scaffold(std::string path) : path_(std::move(path)) {}
  Scaffold(const Scaffold&) = delete;
  Scaffold& operator=(const Scaffold&) = delete;
  ~Scaffold() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  void Keep() { path_.clear(); }

 private:
  std::string path_;
};

absl::Status WriteIssued(const crypto::IssuedCertificate& issued,
                         const std::string& stem) {
  CONSENTRY_RETURN_IF_ERROR(
      crypto::CreateSecretFile(stem + ".key", issued.key_pem.view()));
  return WriteText(stem + ".pem", issued.certificate_pem);
}

absl::Status WritePolicyFiles(const InitialiseOptions& options,
                              const std::string& folder) {
  CONSENTRY_ASSIGN_OR_RETURN(const auto catalog, Default("catalog.txtpb"));
  CONSENTRY_ASSIGN_OR_RETURN(const auto purposes, Default("purposes.txtpb"));
  const auto keep = [&](std::string_view key) {
    return options.purposes.empty() ||
           std::find(options.purposes.begin(), options.purposes.end(), key) !=
               options.purposes.end() ||
           std::find(std::begin(kAlways), std::end(kAlways), key) !=
               std::end(kAlways);
  };
  CONSENTRY_RETURN_IF_ERROR(WriteText(folder + "/catalog.txtpb",
                                      WithSources(catalog, options.sources)));
  CONSENTRY_RETURN_IF_ERROR(
      WriteText(folder + "/purposes.txtpb", WithPurposes(purposes, keep)));
  return WriteText(folder + "/owner.txtpb", OwnerPackText());
}

// Keys, slots and an empty store. The log and the tables are made when the
// gateway opens.
absl::Status MakeData(const InitialiseOptions& options,
                      const std::string& folder, int64_t now_us,
                      std::string* verifier_key, std::string_view origin) {
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto root, crypto::RootKey::Create(folder + "/keys/root.key"));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto epochs, crypto::EpochFile::Create(
                             Fs(), folder + "/keys/epochs.key", root, now_us));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto log_key, crypto::SigningKey::Create(folder + "/keys/log.key"));
  const auto& public_key = log_key->public_key();
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto verifier,
      audit::NoteVerifier::Create(
          origin,
          std::string_view(reinterpret_cast<const char*>(public_key.data()),
                           public_key.size())));
  *verifier_key = verifier.Vkey();
  CONSENTRY_RETURN_IF_ERROR(
      WriteText(folder + "/log-verifier.txt", *verifier_key + "\n"));

  crypto::LockedSlab slab;
  CONSENTRY_RETURN_IF_ERROR(
      crypto::SlotFile::Create(
          {.fs = Fs(),
           .path = absl::StrCat(folder, "/data/", kSlotFile),
           .epochs = epochs.get(),
           .slab = &slab},
          now_us)
          .status());
  const crypto::GuardedKey pages = root.Derive(crypto::KeyPurpose::kStorePages);
  CONSENTRY_RETURN_IF_ERROR(
      store::OpenSqlcipher(
          {.path = absl::StrCat(folder, "/data/", kStoreFile), .create = true},
          pages.view())
          .status());

  const crypto::RecoveryKey recovery = crypto::RecoveryKey::Generate();
  CONSENTRY_RETURN_IF_ERROR(KeepRecoveryKey(folder + "/keys", recovery));
  if (options.show_recovery_key) {
    const crypto::SecretBuffer text = recovery.Display();
    options.show_recovery_key(std::string_view(
        reinterpret_cast<const char*>(text.data()), text.size()));
  }
  return absl::OkStatus();
}

absl::Status Register(Gateway* gateway, const std::string& id, v1::Role role,
                      const std::string& title,
                      const std::string& certificate_pem,
                      const std::string& country = "") {
  v1::CreateClientRequest request;
  request.mutable_client()->set_id(id);
  request.mutable_client()->set_role(role);
  request.mutable_client()->set_title(title);
  request.mutable_client()->set_country(country);
  request.set_certificate_pem(certificate_pem);
  clients::CallerContext self;
  self.method = "init";
  self.event = "client.create";
  absl::Status status;
  Mutex mu;
  CondVar ended;
  bool done = false;
  gateway->client_admin()->Create(
      self, request, [&](const absl::StatusOr<v1::Client>& client) {
        MutexLock lock(&mu);
        status = client.status();
        done = true;
        ended.SignalAll();
      });
  MutexLock lock(&mu);
  while (!done) ended.Wait(&mu);
  return status;
}

}  // namespace

absl::StatusOr<InitialiseResult> Initialise(const InitialiseOptions& options) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path target =
      fs::absolute(options.folder, error).lexically_normal();
  if (fs::exists(target, error) && !fs::is_empty(target, error)) {
    return MakeError(v1::ERROR_REASON_ALREADY_EXISTS,
                     absl::StrCat(options.folder,
                                  " exists and is not empty; choose another "
                                  "folder"));
  }
  std::string faults;
  for (const FieldViolation& fault : CheckAnswers(options)) {
    absl::StrAppend(&faults, "\n  ", fault.field, ": ", fault.description);
  }
  if (!faults.empty()) {
    return MakeError(v1::ERROR_REASON_CONFIG_INVALID,
                     absl::StrCat("some answers cannot be used:", faults));
  }
  const int64_t now_us = base::Clock::System()->NowUs();
  const std::string random = crypto::NewId(crypto::IdKind::kJob).substr(4, 12);
  const std::string folder = absl::StrCat(target.string(), ".", random);
  Scaffold scaffold(folder);
  for (const char* part : {"", "/keys", "/tls", "/clients", "/data"}) {
    CONSENTRY_RETURN_IF_ERROR(Fs()->MakeDirectory(folder + part));
  }

  InitialiseResult result;
  const std::string origin = absl::StrCat("consentry/", random);
  const std::string config_file =
      absl::StrCat(folder, "/", std::string(kConfigFileName));
  CONSENTRY_RETURN_IF_ERROR(WritePolicyFiles(options, folder));
  CONSENTRY_RETURN_IF_ERROR(
      WriteText(config_file, ConfigText(options, origin)));
  CONSENTRY_RETURN_IF_ERROR(
      MakeData(options, folder, now_us, &result.verifier_key, origin));

  CONSENTRY_ASSIGN_OR_RETURN(
      const auto release_key,
      OpenReleaseKey(folder + "/keys/release.key", origin));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto release_verifier,
      audit::NoteVerifier::Create(release_key->name(),
                                  release_key->public_key()));
  CONSENTRY_RETURN_IF_ERROR(
      WriteText(absl::StrCat(folder, "/", std::string(kReleaseVerifierFile)),
                release_verifier.Vkey() + "\n"));

  CONSENTRY_ASSIGN_OR_RETURN(
      const auto authority,
      crypto::CertificateAuthority::Generate("Consentry " + random, now_us));
  CONSENTRY_RETURN_IF_ERROR(authority->Save(folder + "/tls/authority.pem",
                                            folder + "/tls/authority.key"));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto server,
      authority->IssueServer(options.host_names, now_us - kBackdateUs,
                             now_us + kServerDays * kDayUs));
  CONSENTRY_RETURN_IF_ERROR(WriteIssued(server, folder + "/tls/server"));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto admin, authority->IssueClient("operator", now_us - kBackdateUs,
                                               now_us + kClientDays * kDayUs));
  CONSENTRY_RETURN_IF_ERROR(WriteIssued(admin, folder + "/clients/operator"));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto compliance,
      authority->IssueClient("compliance", now_us - kBackdateUs,
                             now_us + kClientDays * kDayUs));
  CONSENTRY_RETURN_IF_ERROR(
      WriteIssued(compliance, folder + "/clients/compliance"));

  // Somebody must be able to approve what the administrator proposes.
  crypto::IssuedCertificate officer;
  if (!options.single_operator) {
    CONSENTRY_ASSIGN_OR_RETURN(
        officer, authority->IssueClient("dpo", now_us - kBackdateUs,
                                        now_us + kClientDays * kDayUs));
    CONSENTRY_RETURN_IF_ERROR(WriteIssued(officer, folder + "/clients/dpo"));
  }
  crypto::IssuedCertificate reviewer;
  if (options.reviewer) {
    CONSENTRY_ASSIGN_OR_RETURN(
        reviewer, authority->IssueClient("reviewer", now_us - kBackdateUs,
                                         now_us + kClientDays * kDayUs));
    CONSENTRY_RETURN_IF_ERROR(
        WriteIssued(reviewer, folder + "/clients/reviewer"));
  }

  {
    CONSENTRY_ASSIGN_OR_RETURN(const Config config,
                               LoadConfig(config_file, PackIds()));
    CONSENTRY_ASSIGN_OR_RETURN(const auto gateway, Gateway::Open(config, {}));
    CONSENTRY_RETURN_IF_ERROR(Register(gateway.get(), "operator",
                                       v1::ROLE_ADMIN, "Administration",
                                       admin.certificate_pem));
    CONSENTRY_RETURN_IF_ERROR(
        Register(gateway.get(), "compliance", v1::ROLE_COMPLIANCE,
                 "Compliance and audit", compliance.certificate_pem));
    if (!options.single_operator) {
      CONSENTRY_RETURN_IF_ERROR(Register(gateway.get(), "dpo", v1::ROLE_DPO,
                                         "Data protection officer",
                                         officer.certificate_pem));
    }
    if (options.reviewer) {
      // She sees data of customers, so where she sits counts: ISO 3166-1
      // alpha-2 of the home.
      CONSENTRY_RETURN_IF_ERROR(Register(
          gateway.get(), "reviewer", v1::ROLE_REVIEWER, "Review of decisions",
          reviewer.certificate_pem, options.home.substr(0, 2)));
    }
    CONSENTRY_RETURN_IF_ERROR(gateway->Close());
    result.address = config.listen.ToString();
  }

  if (fs::exists(target, error)) fs::remove(target, error);
  CONSENTRY_RETURN_IF_ERROR(Fs()->Rename(folder, target.string()));
  CONSENTRY_RETURN_IF_ERROR(Fs()->SyncDirectory(target.parent_path().string()));
  scaffold.Keep();
  result.config_file =
      absl::StrCat(target.string(), "/", std::string(kConfigFileName));
  return result;
}

}  // namespace consentry::server
