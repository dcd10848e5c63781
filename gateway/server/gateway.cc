#include "gateway/server/gateway.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "audit/log/note.h"
#include "gateway/base/log.h"
#include "gateway/server/open_upkeep.h"
#include "gateway/server/restore.h"
#include "gateway/server/tag_resolver.h"
#include "gateway/store/schema.h"
#include "gateway/store/sqlcipher/engine.h"
#include "gateway/upkeep/store_restore.h"
#include "policy/packs/packs.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

constexpr base::LogEvent kOpened = {base::LogLevel::kInfo, 8001,
                                    "server.opened"};
constexpr base::LogEvent kUnclean = {base::LogLevel::kWarn, 8002,
                                     "server.unclean_start"};
constexpr base::LogEvent kTrailRebuilt = {base::LogLevel::kWarn, 8003,
                                          "server.trail_rebuilt"};
constexpr base::LogEvent kExpires = {base::LogLevel::kWarn, 8004,
                                     "server.client_expires"};
constexpr base::LogEvent kDev = {base::LogLevel::kWarn, 8005,
                                 "server.dev_mode_not_for_real_data"};
constexpr base::LogEvent kSlotsBehind = {base::LogLevel::kError, 8006,
                                         "server.slots_not_updated"};

constexpr base::LogEvent kNoMetrics = {base::LogLevel::kWarn, 8007,
                                       "server.metrics_not_written"};

constexpr base::LogEvent kProposalFailed = {base::LogLevel::kWarn, 8008,
                                            "server.proposal_without_effect"};

constexpr int64_t kExpiryWarningUs = int64_t{14} * 24 * 3600 * 1'000'000;
constexpr std::chrono::seconds kTick{5};
constexpr size_t kMaxPolicyFile = 4 << 20;
// Of each reader: the upper pages of the store, and hot ones below.
constexpr int64_t kReaderCacheKib = 8192;

absl::StatusOr<std::string> ReadPolicyFile(const std::string& path,
                                           const char* field) {
  auto text = audit::ReadFile(audit::FileSystem::Posix(), path, kMaxPolicyFile);
  if (text.ok()) return text;
  return MakeError(v1::ERROR_REASON_CONFIG_INVALID,
                   absl::StrCat(field, ": cannot read ", path));
}

// "eu-gdpr.txtpb" -> "eu-gdpr".
std::string_view PackId(std::string_view file) {
  return file.substr(0, file.rfind('.'));
}

absl::Status WithPlace(absl::Status status, std::string_view what) {
  if (status.ok()) return status;
  absl::Status placed(status.code(),
                      absl::StrCat(std::string(what), ": ", status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    placed.SetPayload(url, payload);
  });
  return placed;
}

// Faults name catalog, purposes and owner_pack: here they are files.
absl::Status WithFiles(const absl::Status& status,
                       const config::v1::PolicyFiles& files) {
  if (status.ok()) return status;
  std::string text;
  for (const absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    if (!text.empty()) text += "\n";
    absl::string_view rest = line;
    for (const auto& [name, path] :
         {std::pair<absl::string_view, const std::string&>("catalog",
                                                           files.catalog()),
          {"purposes", files.purposes()},
          {"owner_pack", files.owner_pack()}}) {
      if (line.substr(0, name.size() + 1) != absl::StrCat(name, ":")) continue;
      text += path;
      rest.remove_prefix(name.size());
    }
    absl::StrAppend(&text, rest);
  }
  absl::Status named(status.code(), text);
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    named.SetPayload(url, payload);
  });
  return named;
}

}  // namespace

std::string EngineVersion() { return "consentry " CONSENTRY_VERSION; }

std::vector<std::string> PackIds() {
  std::vector<std::string> ids;
  for (const EmbeddedFile& file : policy::EmbeddedPacks()) {
    ids.emplace_back(PackId(file.name));
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

absl::StatusOr<crypto::RootKey> LoadRootKey(const config::v1::Keys& keys) {
  return keys.has_root_key_credential()
             ? crypto::RootKey::LoadCredential(keys.root_key_credential())
             : crypto::RootKey::Load(keys.root_key_file());
}

absl::StatusOr<store::v1::StoredPolicy> ReadPolicyFiles(const Config& config) {
  const config::v1::PolicyFiles& files = config.message.policy();
  store::v1::StoredPolicy policy;
  CONSENTRY_ASSIGN_OR_RETURN(*policy.mutable_catalog(),
                             ReadPolicyFile(files.catalog(), "policy.catalog"));
  CONSENTRY_ASSIGN_OR_RETURN(
      *policy.mutable_purposes(),
      ReadPolicyFile(files.purposes(), "policy.purposes"));
  if (!files.owner_pack().empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        *policy.mutable_owner_pack(),
        ReadPolicyFile(files.owner_pack(), "policy.owner_pack"));
  }
  *policy.mutable_profile() = config.message.controller();
  for (const EmbeddedFile& file : policy::EmbeddedPacks()) {
    const bool chosen = files.packs().empty() ||
                        std::find(files.packs().begin(), files.packs().end(),
                                  PackId(file.name)) != files.packs().end();
    if (!chosen) continue;
    auto* pack = policy.add_packs();
    pack->set_name(std::string(file.name));
    pack->set_text(std::string(file.content));
  }
  std::sort(policy.mutable_packs()->begin(), policy.mutable_packs()->end(),
            [](const auto& a, const auto& b) { return a.name() < b.name(); });
  return policy;
}

Gateway::Gateway(const Config& config, Options options)
    : config_(config),
      options_(std::move(options)),
      registry_({.engine_version = EngineVersion(),
                 .extra_permissions =
                     options_.dev
                         ? *clients::PermissionSet::Of("decisions.explain")
                         : clients::PermissionSet()}) {}

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Open(const Config& config,
                                                       Options options) {
  std::unique_ptr<Gateway> gateway(new Gateway(config, std::move(options)));
  gateway->start_us_ = gateway->options_.clock->NowUs();
  CONSENTRY_RETURN_IF_ERROR(RefuseUnsafe(config, gateway->start_us_));
  auto lock = audit::FileSystem::Posix()->Lock(config.DataFile(kLockFile));
  if (absl::IsFailedPrecondition(lock.status())) {
    return absl::FailedPreconditionError(absl::StrCat(
        "another gateway, or a command, works on ",
        config.message.storage().data_directory(), "; stop it first"));
  }
  CONSENTRY_RETURN_IF_ERROR(lock.status());
  gateway->lock_ = *std::move(lock);
  CONSENTRY_ASSIGN_OR_RETURN(const bool restoring,
                             audit::FileSystem::Posix()->Exists(
                                 config.DataFile(kUnfinishedRestoreFile)));
  if (restoring) {
    return absl::FailedPreconditionError(
        "a restore was begun and not finished; run it again: consentry "
        "restore");
  }
  CONSENTRY_RETURN_IF_ERROR(WithPlace(gateway->OpenKeys(), "keys"));
  CONSENTRY_RETURN_IF_ERROR(WithPlace(gateway->OpenLog(), "audit log"));
  CONSENTRY_RETURN_IF_ERROR(WithPlace(gateway->OpenStore(), "store"));
  CONSENTRY_RETURN_IF_ERROR(gateway->LoadConfiguration());
  CONSENTRY_RETURN_IF_ERROR(gateway->OpenCapabilities());
  CONSENTRY_RETURN_IF_ERROR(gateway->OpenErasures());
  CONSENTRY_RETURN_IF_ERROR(gateway->NoteStart());
  gateway->erasure_->Start();
  gateway->rights_.Start();
  return gateway;
}

absl::Status Gateway::OpenKeys() {
  audit::FileSystem* const fs = audit::FileSystem::Posix();
  const config::v1::Keys& keys = config_.message.keys();
  CONSENTRY_ASSIGN_OR_RETURN(auto root, LoadRootKey(keys));
  root_ = std::make_unique<crypto::RootKey>(std::move(root));
  CONSENTRY_ASSIGN_OR_RETURN(
      epochs_, crypto::EpochFile::Open(fs, keys.epoch_file(), *root_));
  CONSENTRY_ASSIGN_OR_RETURN(
      slots_, crypto::SlotFile::Open({.fs = fs,
                                      .path = config_.DataFile(kSlotFile),
                                      .epochs = epochs_.get(),
                                      .slab = &slab_}));
  CONSENTRY_ASSIGN_OR_RETURN(auto log_key,
                             crypto::SigningKey::Load(keys.log_key_file()));
  CONSENTRY_ASSIGN_OR_RETURN(
      signer_, crypto::NoteSigner::Create(
                   config_.message.storage().log_origin(), std::move(log_key)));
  const config::v1::Tls& tls = config_.message.tls();
  CONSENTRY_ASSIGN_OR_RETURN(const std::string certificate,
                             audit::ReadFile(fs, tls.certificate(), 1 << 20));
  CONSENTRY_ASSIGN_OR_RETURN(const auto info,
                             crypto::ParseCertificate(certificate));
  server_end_us_ = info.not_after_us;
  if (!tls.authority_key().empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        authority_, crypto::CertificateAuthority::LoadFiles(
                        tls.authority_certificate(), tls.authority_key()));
  }
  tokens_ = std::make_unique<crypto::OpaqueTokens>(*root_);
  page_tokens_ = std::make_unique<crypto::PageTokens>(*root_);
  link_tokens_ = std::make_unique<crypto::LinkTokens>(*root_);
  digests_ = std::make_unique<crypto::RequestDigests>(*root_);
  return absl::OkStatus();
}

absl::Status Gateway::OpenLog() {
  CONSENTRY_ASSIGN_OR_RETURN(
      log_, audit::AuditLog::Open(audit::FileSystem::Posix(),
                                  config_.DataFile(kLogFolder), signer_.get(),
                                  {}, &recovery_));
  return CheckTimes();
}

// The log, the keys and the store of one gateway are of one time, or one of
// them was put back (PROTOCOLS E3). The committer checks the store.
absl::Status Gateway::CheckTimes() const {
  if (log_->size() < slots_->log_size()) {
    return absl::DataLossError(
        absl::StrCat("holds ", log_->size(),
                     " entries, but the key slots "
                     "remember ",
                     slots_->log_size(),
                     ": the log was cut or put back; restore the newest log"));
  }
  if (slots_->erased_through() > log_->size()) {
    return absl::DataLossError(
        "ends before an erasure that the key slots record: the log was cut or "
        "put back; restore the newest log");
  }
  return absl::OkStatus();
}

absl::Status Gateway::OpenStore() {
  const crypto::GuardedKey pages =
      root_->Derive(crypto::KeyPurpose::kStorePages);
  CONSENTRY_ASSIGN_OR_RETURN(
      engine_, store::OpenSqlcipher({.path = config_.DataFile(kStoreFile),
                                     .reader_cache_kib = kReaderCacheKib},
                                    pages.view()));

  sink_ = std::make_unique<store::AuditLogSink>(log_.get());
  store::CommitterOptions options;
  const std::string folder = config_.message.storage().data_directory();
  options.free_bytes = [folder] {
    return audit::FileSystem::Posix()->FreeSpace(folder);
  };
  struct statvfs volume;
  if (statvfs(folder.c_str(), &volume) == 0) {
    const uint64_t total = uint64_t{volume.f_blocks} * volume.f_frsize;
    const uint64_t reserved_percent =
        100 - config_.message.storage().disk_high_water_percent();
    options.high_water_bytes =
        std::min(total / 100 * reserved_percent, uint64_t{10} << 30);
  }
  options.reserve_path = config_.DataFile(kReserveFile);
  options.on_serving = options_.on_serving;
  options.on_logged = [this](uint64_t index,
                             std::span<const int64_t> subjects) {
    trail_->Observe(index, subjects);
  };
  CONSENTRY_ASSIGN_OR_RETURN(committer_,
                             store::Committer::Start(engine_.get(), sink_.get(),
                                                     options_.clock, options));

  // Behind the committer, which may have brought entries into the log that a
  // crash left in the store: the index is told of those that follow, and looks
  // up all that is there before.
  const crypto::GuardedKey trail_pages =
      root_->Derive(crypto::KeyPurpose::kTrailPages);
  const std::string trail_file = config_.DataFile(kTrailFile);
  const auto open_trail = [&]() -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(
        trail_engine_,
        store::OpenSqlcipher({.path = trail_file, .create = true},
                             trail_pages.view()));
    CONSENTRY_ASSIGN_OR_RETURN(
        trail_, trail::TrailIndex::Open(
                    trail_engine_.get(), &log_->reader(),
                    MakeTagResolver(slots_.get(),
                                    config_.message.storage().log_origin()),
                    {}));
    return absl::OkStatus();
  };
  if (const absl::Status opened = open_trail(); !opened.ok()) {
    // Never the source of truth: made anew from the log.
    base::Log(kTrailRebuilt, {{"status", opened}});
    trail_.reset();
    trail_engine_.reset();
    for (const char* suffix : {"", "-wal", "-shm"}) {
      audit::FileSystem::Posix()->Remove(trail_file + suffix).IgnoreError();
    }
    CONSENTRY_RETURN_IF_ERROR(open_trail());
  }

  CONSENTRY_ASSIGN_OR_RETURN(readers_, store::ReaderPool::Open(engine_.get()));
  return CheckKeysOfStore();
}

// Keys come before data: a customer beyond the last slot says that an older
// copy of the slots was put back. Served, she would look erased, and her number
// would be given to somebody else.
absl::Status Gateway::CheckKeysOfStore() const {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, readers_->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      lease->Prepare("SELECT subject FROM subjects ORDER BY subject DESC "
                     "LIMIT 1"));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (found && static_cast<uint64_t>(query.Int64(0)) > slots_->last_subject()) {
    return absl::DataLossError(
        "holds customers whose keys the key slots lack: an older copy of the "
        "slots was put back; restore the newest");
  }
  // Nor may keys come back that were destroyed.
  CONSENTRY_ASSIGN_OR_RETURN(
      const int64_t erased,
      store::GetMetaInt64(lease.get(), upkeep::kErasedThroughKey));
  if (slots_->erased_through() < static_cast<uint64_t>(erased)) {
    return absl::DataLossError(
        "knows of an erasure that the key slots do not: an older copy of the "
        "slots was put back; restore the newest");
  }
  return absl::OkStatus();
}

absl::Status Gateway::LoadConfiguration() {
  writer_ = std::make_unique<clients::ConfigurationWriter>(committer_.get(),
                                                           &registry_);
  policy_admin_ =
      std::make_unique<clients::PolicyAdmin>(writer_.get(), &registry_);
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, readers_->Acquire());
  auto loaded = registry_.Load(lease.get(), committer_->configuration_epoch());
  if (loaded.ok()) {
    registry_.Publish(*std::move(loaded));
  } else if (!absl::IsNotFound(loaded.status())) {
    return WithPlace(loaded.status(), "configuration in the store");
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const clients::ApprovalRules rules,
      ApprovalRulesOf(config_.message, options_.dev, lease.get()));
  proposals_ = std::make_unique<clients::Proposals>(
      clients::Proposals::Options{.writer = writer_.get(),
                                  .committer = committer_.get(),
                                  .readers = readers_.get(),
                                  .registry = &registry_,
                                  .rules = rules});
  policy_admin_->WaitIn(proposals_.get());
  const bool first = registry_.current() == nullptr;
  CONSENTRY_ASSIGN_OR_RETURN(auto files, ReadPolicyFiles(config_));
  CONSENTRY_RETURN_IF_ERROR(WithFiles(
      policy_admin_->LoadFiles(lease.get(), std::move(files),
                               config_.message.policy().packs().empty()),
      config_.message.policy()));
  roles_ =
      std::make_unique<identity::RoleMappings>(writer_.get(), proposals_.get());
  return roles_->Load(lease.get(), config_.message.identity(), first);
}

absl::Status Gateway::OpenCapabilities() {
  const std::string origin = config_.message.storage().log_origin();
  const std::string country = config_.message.controller().home().substr(0, 2);
  const clients::ConfigurationSource configuration = [this] {
    return registry_.current();
  };
  std::string roots;
  CONSENTRY_ASSIGN_OR_RETURN(
      roots,
      audit::ReadFile(audit::FileSystem::Posix(),
                      config_.message.tls().client_authorities(), 1 << 20));
  client_admin_ = std::make_unique<clients::ClientAdmin>(
      clients::ClientAdmin::Options{.writer = writer_.get(),
                                    .registry = &registry_,
                                    .authority = authority_.get(),
                                    .trusted_roots = std::move(roots),
                                    .clock = options_.clock,
                                    .proposals = proposals_.get()});
  workers_ = std::make_unique<base::WorkerPool>(
      base::Constant("worker"),
      std::max(2u, std::thread::hardware_concurrency()), 4096);
  cache_ = std::make_unique<vault::HeadCache>(vault::HeadCache::Options{});
  subjects_ = std::make_unique<vault::SubjectReader>(
      vault::SubjectReader::Options{.epochs = epochs_.get(),
                                    .slots = slots_.get(),
                                    .cache = cache_.get(),
                                    .home_country = country});
  refusals_ =
      std::make_unique<access::Refusals>(committer_.get(), options_.clock);
  read_options_ = {
      .configuration = configuration,
      .committer = committer_.get(),
      .readers = readers_.get(),
      .subjects = subjects_.get(),
      .tokens = tokens_.get(),
      .page_tokens = page_tokens_.get(),
      .clock = options_.clock,
      .workers = workers_.get(),
      .refusals = refusals_.get(),
      .log_origin = origin,
      .on_gpc = [this](const access::Caller& caller, uint64_t subject) {
        ledger()->signals().NoteGpc(caller, subject);
      }};
  reads_ = std::make_unique<access::GovernedReads>(read_options_);
  selection_ = std::make_unique<access::Selection>(reads_.get(), read_options_);
  explainer_ = std::make_unique<access::Explainer>(
      access::Explainer::Options{.configuration = configuration,
                                 .archive = &archive_,
                                 .committer = committer_.get(),
                                 .readers = readers_.get(),
                                 .subjects = subjects_.get(),
                                 .trail = trail_.get(),
                                 .log = &log_->reader(),
                                 .tokens = tokens_.get(),
                                 .workers = workers_.get(),
                                 .log_origin = origin});
  policy_diff_ = std::make_unique<access::PolicyDiff>(
      access::PolicyDiff::Options{.configuration = configuration,
                                  .archive = &archive_,
                                  .readers = readers_.get(),
                                  .subjects = subjects_.get(),
                                  .trail = trail_.get(),
                                  .log = &log_->reader()});
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto verifier,
      audit::NoteVerifier::Create(origin, signer_->public_key()));
  audit_reader_ = std::make_unique<access::AuditReader>(
      access::AuditReader::Options{.configuration = configuration,
                                   .log = log_.get(),
                                   .trail = trail_.get(),
                                   .committer = committer_.get(),
                                   .readers = readers_.get(),
                                   .subjects = subjects_.get(),
                                   .tokens = tokens_.get(),
                                   .page_tokens = page_tokens_.get(),
                                   .workers = workers_.get(),
                                   .log_origin = origin,
                                   .verifier_key = verifier.Vkey()});
  erasure_ = std::make_unique<ErasureWiring>(config_.message, epochs_.get());
  CONSENTRY_ASSIGN_OR_RETURN(
      delivery_, Delivery::Open({.config = &config_,
                                 .dev = options_.dev,
                                 .root = root_.get(),
                                 .registry = &registry_,
                                 .configuration = configuration,
                                 .trail = trail_.get(),
                                 .workers = workers_.get(),
                                 .tokens = tokens_.get(),
                                 .page_tokens = page_tokens_.get(),
                                 .committer = committer_.get(),
                                 .readers = readers_.get(),
                                 .subjects = subjects_.get(),
                                 .slots = slots_.get(),
                                 .epochs = epochs_.get(),
                                 .digests = digests_.get(),
                                 .clock = options_.clock,
                                 .log_size = [this] { return log_->size(); }}));
  WireAgents({.configuration = configuration,
              .committer = committer_.get(),
              .readers = readers_.get(),
              .subjects = subjects_.get(),
              .slots = slots_.get(),
              .cache = cache_.get(),
              .digests = digests_.get(),
              .log_origin = origin},
             &rights_);
  CONSENTRY_ASSIGN_OR_RETURN(
      consent_,
      ConsentParts::Open({.configuration = configuration,
                          .committer = committer_.get(),
                          .readers = readers_.get(),
                          .subjects = subjects_.get(),
                          .slots = slots_.get(),
                          .cache = cache_.get(),
                          .suppression = erasure_->suppression(),
                          .tokens = tokens_.get(),
                          .digests = digests_.get(),
                          .workers = workers_.get(),
                          .clock = options_.clock,
                          .log_origin = origin,
                          .agents = rights_.consent_agents.get(),
                          .page_tokens = page_tokens_.get(),
                          .links = link_tokens_.get(),
                          .unsubscribe_url = config_.message.unsubscribe_url()},
                         signer_.get(), delivery_->codes()));
  vault_writer_ = std::make_unique<vault::VaultWriter>(
      vault::VaultWriter::Options{.committer = committer_.get(),
                                  .readers = readers_.get(),
                                  .reader = subjects_.get(),
                                  .epochs = epochs_.get(),
                                  .slots = slots_.get(),
                                  .consents = consent_->choices(),
                                  .suppression = erasure_->suppression(),
                                  .home_country = country,
                                  .log_origin = origin});
  writes_ = std::make_unique<access::GovernedWrites>(
      access::GovernedWrites::Options{.configuration = configuration,
                                      .writer = vault_writer_.get(),
                                      .committer = committer_.get(),
                                      .tokens = tokens_.get(),
                                      .digests = digests_.get(),
                                      .workers = workers_.get(),
                                      .refusals = refusals_.get()});
  merges_ = std::make_unique<vault::Merges>(vault::Merges::Options{
      .slots = slots_.get(), .cache = cache_.get(), .log_origin = origin});
  WireRights(
      {.cases = {.configuration = configuration,
                 .committer = committer_.get(),
                 .readers = readers_.get(),
                 .subjects = subjects_.get(),
                 .slots = slots_.get(),
                 .epochs = epochs_.get(),
                 .cache = cache_.get(),
                 .tokens = tokens_.get(),
                 .digests = digests_.get(),
                 .ledger = consent_->ledger(),
                 .agents = nullptr,
                 .log_origin = origin,
                 .outgoing = {}},
       .erasures = erasure_->desk(),
       .delivery = delivery_.get(),
       .workers = workers_.get(),
       .trail = trail_.get(),
       .log = log_.get(),
       .writer = vault_writer_.get(),
       .page_tokens = page_tokens_.get(),
       .add_outputs =
           [this](store::Connection* connection, const crypto::Grant& grant,
                  const auto& members, store::v1::AccessReport* report) {
             CONSENTRY_RETURN_IF_ERROR(screening_->of_subjects()->AddTo(
                 connection, grant, members, report));
             return review_->of_subjects()->AddTo(connection, grant, members,
                                                  report);
           },
       .find_decision =
           [this](store::Connection* connection, const std::string& decision) {
             return review_->desk()->SubjectOf(connection, decision);
           },
       .review =
           [this](store::ChangeContext& context,
                  const store::v1::RightsCaseDoc& doc,
                  const std::string& statement) {
             return QueueCase(context, doc, statement, review_->desk());
           }},
      &rights_);
  review_ = std::make_unique<Review>(Review::Options{
      .parts =
          {.configuration = configuration,
           .committer = committer_.get(),
           .readers = readers_.get(),
           .subjects = subjects_.get(),
           .slots = slots_.get(),
           .epochs = epochs_.get(),
           .tokens = tokens_.get(),
           .digests = digests_.get(),
           .clock = options_.clock,
           .log_origin = origin,
           .settings = config_.message.screening().reviewing(),
           .keep_days = config_.message.screening().keep_days(),
           .single_operator = config_.message.single_operator(),
           .target = nullptr,
           .decisions = nullptr,
           .tell = nullptr,
           .answer_case =
               [this](store::ChangeContext& context, std::string_view case_id,
                      const store::v1::ReviewDoc& doc, store::v1::Leaf* leaf) {
                 return rights_.cases->Reviewed(context, case_id, doc.id(),
                                                leaf);
               }},
      .sender = delivery_->sender(),
      .reads = reads_.get(),
      .workers = workers_.get(),
      .page_tokens = page_tokens_.get(),
      .trail = trail_.get(),
      .log = &log_->reader()});
  merge_desk_ = std::make_unique<access::MergeDesk>(
      access::MergeDesk::Options{.configuration = configuration,
                                 .committer = committer_.get(),
                                 .readers = readers_.get(),
                                 .subjects = subjects_.get(),
                                 .merges = merges_.get(),
                                 .tokens = tokens_.get(),
                                 .digests = digests_.get()});
  transparency_ =
      std::make_unique<access::Transparency>(access::Transparency::Options{
          .parts = {configuration, committer_.get(), workers_.get()},
          .trail = trail_.get(),
          .log = &log_->reader(),
          .readers = readers_.get(),
          .subjects = subjects_.get(),
          .log_origin = origin,
          .is_suppressed =
              [this](store::Connection* connection,
                     const v1::SubjectRef& ref) -> absl::StatusOr<bool> {
            if (!ref.has_identifier()) return false;
            return erasure_->desk()->IsSuppressed(connection, ref.identifier());
          },
          .outputs =
              [this](store::Connection* connection, const auto& members,
                     size_t most) {
                return screening_->of_subjects()->List(connection, members,
                                                       most);
              },
          .reviews =
              [this](store::Connection* connection, const auto& members,
                     size_t most) {
                return review_->of_subjects()->List(connection, members, most);
              }});
  oversight_ =
      std::make_unique<oversight::Oversight>(oversight::Oversight::Options{
          .configuration = configuration,
          .committer = committer_.get(),
          .readers = readers_.get(),
          .subjects = subjects_.get(),
          .trail = trail_.get(),
          .log = &log_->reader(),
          .epochs = epochs_.get(),
          .page_tokens = page_tokens_.get(),
          .log_origin = origin,
          .dpo_contact = config_.message.dpo_contact()});
  TellDates(rights_.cases.get(), oversight_->breaches(), readers_.get(),
            delivery_->digest());
  upkeep_ = OpenUpkeep(config_, {.configuration = configuration,
                                 .committer = committer_.get(),
                                 .readers = readers_.get(),
                                 .epochs = epochs_.get(),
                                 .slots = slots_.get(),
                                 .cache = cache_.get(),
                                 .engine = engine_.get(),
                                 .log = log_.get(),
                                 .signer = signer_.get(),
                                 .clock = options_.clock,
                                 .on_step = options_.on_upkeep_step});
  CONSENTRY_ASSIGN_OR_RETURN(
      fairness_, Fairness::Open({.answers = {.configuration = configuration,
                                             .committer = committer_.get(),
                                             .workers = workers_.get()},
                                 .readers = readers_.get(),
                                 .subjects = subjects_.get(),
                                 .epochs = epochs_.get(),
                                 .digests = digests_.get(),
                                 .page_tokens = page_tokens_.get(),
                                 .proposals = proposals_.get(),
                                 .digest = delivery_->digest(),
                                 .keep_days = screening::KeepDays(
                                     config_.message.screening())}));
  CONSENTRY_ASSIGN_OR_RETURN(
      screening_, Screening::Open({.parts = {.configuration = configuration,
                                             .committer = committer_.get(),
                                             .readers = readers_.get(),
                                             .subjects = subjects_.get(),
                                             .tokens = tokens_.get(),
                                             .clock = options_.clock,
                                             .workers = workers_.get(),
                                             .refusals = refusals_.get(),
                                             .log_origin = origin,
                                             .fairness = fairness_->watch(),
                                             .reviews = review_->desk()},
                                   .settings = config_.message.screening(),
                                   .slots = slots_.get(),
                                   .epochs = epochs_.get(),
                                   .digests = digests_.get(),
                                   .page_tokens = page_tokens_.get(),
                                   .cache = cache_.get(),
                                   .writer = vault_writer_.get()}));
  fairness_->OpenAudits({.screenings = screening_->rows(),
                         .outcomes = screening_->outcome_rows(),
                         .signer = signer_.get(),
                         .log_origin = origin,
                         .sender = delivery_->sender()});
  review_->SetTarget(screening_->target(), screening_->vulnerability_target());
  identity_ = std::make_unique<IdentityParts>(
      IdentityParts::Options{.config = &config_.message.identity(),
                             .roles = roles_.get(),
                             .root = root_.get(),
                             .epochs = epochs_.get(),
                             .clock = options_.clock,
                             .desk = {.configuration = configuration,
                                      .committer = committer_.get(),
                                      .readers = readers_.get(),
                                      .subjects = subjects_.get(),
                                      .slots = slots_.get(),
                                      .cache = cache_.get(),
                                      .tokens = tokens_.get(),
                                      .digests = digests_.get(),
                                      .log_origin = origin}});
  return absl::OkStatus();
}

// What an erasure has begun is finished before anything is served.
absl::Status Gateway::OpenErasures() {
  erasure::ErasureParts* const parts = erasure_->parts();
  parts->configuration = [this] { return registry_.current(); };
  parts->committer = committer_.get();
  parts->readers = readers_.get();
  parts->subjects = subjects_.get();
  parts->slots = slots_.get();
  parts->cache = cache_.get();
  parts->signer = signer_.get();
  parts->trail = trail_.get();
  parts->workers = workers_.get();
  parts->page_tokens = page_tokens_.get();
  parts->digests = digests_.get();
  parts->on_step = options_.on_erasure_step;
  parts->rows.push_back(&delivery::Outbox::Forget);
  WireCases(rights_.cases.get(), parts);
  parts->rows.push_back(
      [this](store::ChangeContext& context, uint64_t subject, int64_t limit) {
        return screening_->upkeep()->Forget(context, subject, limit);
      });
  parts->rows.push_back(
      [this](store::ChangeContext& context, uint64_t subject, int64_t limit) {
        return review_->desk()->Forget(context, subject, limit);
      });
  parts->tell_recipients = [this](const std::vector<uint64_t>& subjects) {
    return delivery_->TellErasureOf(subjects);
  };
  parts->name_recipients = [this](uint64_t subject) {
    return delivery_->NamesToldOfErasure(subject);
  };
  return WithPlace(erasure_->Recover(), "an erasure that had begun");
}

// The start itself is an entry: with the size that was found, so that a log
// that grew or shrank while nobody looked shows.
absl::Status Gateway::NoteStart() {
  if (options_.dev) base::Log(kDev);
  const bool unclean = !recovery_.clean && !recovery_.created;
  if (unclean) {
    base::Log(kUnclean, {{"entries", recovery_.size},
                         {"bytes_cut", recovery_.bytes_cut}});
  }
  for (const auto& warning : registry_.Expiring(start_us_, kExpiryWarningUs)) {
    base::Log(kExpires, {{"client", base::LogId{warning.client_id}}});
  }
  clients::CallerContext self;
  self.event = unclean ? "system.unclean_start" : "system.start";
  store::Change change;
  // Also on a volume that is nearly full: a gateway that has stopped reads must
  // come up again to take withdrawals.
  change.negative = true;
  change.apply = [this, self](store::ChangeContext& context) -> absl::Status {
    store::v1::Leaf leaf =
        clients::LeafOf(*registry_.current(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details("engine=" + EngineVersion());
    leaf.add_details(absl::StrCat("entries=", recovery_.size));
    if (options_.dev) leaf.add_details("dev");
    CONSENTRY_RETURN_IF_ERROR(
        store::PutMetaInt64(context.connection(), upkeep::kErasedThroughKey,
                            static_cast<int64_t>(slots_->erased_through())));
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  CONSENTRY_RETURN_IF_ERROR(
      committer_->CommitChangeAndWait(std::move(change)).status);
  base::Log(kOpened,
            {{"entries", log_->size()},
             {"subjects", slots_->last_subject()},
             {"clients", registry_.current()->registrations().size()}});
  RememberLogSize();
  WriteMetrics();
  consent_->StartWork();
  delivery_->Start();
  ticker_ =
      std::make_unique<base::Periodic>(base::Constant("ticker"), kTick, [this] {
        RememberLogSize();
        WriteMetrics();
      });
  upkeep_->Start();
  screening_->Start();
  review_->Start();
  fairness_->Start();
  approver_ = std::make_unique<base::Periodic>(
      base::Constant("approver"), std::chrono::seconds(options_.dev ? 1 : 60),
      [this] {
        if (const absl::Status status = proposals_->RunDue(); !status.ok()) {
          base::Log(kProposalFailed, {{"status", status}});
        }
      });
  approver_->Wake();
  return absl::OkStatus();
}

// Replaced by a rename, so that a reader never sees half of it; not synced.
void Gateway::WriteMetrics() {
  const std::string& path = config_.message.metrics().file();
  if (path.empty()) return;
  const std::string sibling = path + ".new";
  {
    std::ofstream file(sibling, std::ios::binary | std::ios::trunc);
    file << base::MetricRegistry::Global()->Exposition();
    file.close();
    if (!file) {
      base::Log(kNoMetrics);
      return;
    }
  }
  if (chmod(sibling.c_str(), 0644) != 0 ||
      rename(sibling.c_str(), path.c_str()) != 0) {
    base::Log(kNoMetrics);
  }
}

void Gateway::RememberLogSize() {
  const uint64_t size = log_->size();
  if (size == slots_->log_size()) return;
  if (const absl::Status status = slots_->RememberLogSize(size); !status.ok()) {
    base::Log(kSlotsBehind, {{"status", status}});
  }
}

absl::StatusOr<v1::GatewayStatus> Gateway::Status() const {
  v1::GatewayStatus status;
  status.set_version(CONSENTRY_VERSION);
  status.set_serving(committer_->serving());
  if (options_.dev) status.add_warnings("dev");
  if (config_.message.single_operator()) {
    status.add_warnings("single_operator");
  }
  if (proposals_->rules().setup_ends_us > committer_->NowUs()) {
    status.add_warnings("setup");
  }
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, readers_->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(const int64_t open,
                               proposals_->CountOpen(lease.get()));
    if (open > 0) status.add_warnings(absl::StrCat("proposals: ", open));
  }
  for (std::string& warning :
       identity_->people()->Warnings(options_.clock->NowUs())) {
    status.add_warnings(std::move(warning));
  }
  for (const auto& warning :
       registry_.Expiring(options_.clock->NowUs(), kExpiryWarningUs)) {
    status.add_warnings("certificate_expires: " + warning.client_id);
  }
  if (server_end_us_ - options_.clock->NowUs() < kExpiryWarningUs) {
    status.add_warnings("certificate_expires: server");
  }
  if (!slab_.locked()) status.add_warnings("memory_not_locked");
  status.set_log_size(log_->size());
  status.set_subjects(slots_->last_subject());
  status.set_bundle_hash(absl::BytesToHexString(registry_.current()->hash()));
  for (const std::string& warning : delivery_->warnings()) {
    status.add_warnings(warning);
  }
  status.set_webhook_key(delivery_->WebhookKey());
  status.mutable_start_time()->set_seconds(start_us_ / 1'000'000);
  return status;
}

absl::Status Gateway::Close() {
  if (closed_) return absl::OkStatus();
  closed_ = true;
  if (erasure_ != nullptr) erasure_->Stop();
  rights_.Stop();
  if (fairness_ != nullptr) fairness_->Stop();
  if (screening_ != nullptr) screening_->Stop();
  if (review_ != nullptr) review_->Stop();
  ticker_.reset();
  // Asks the register of breaches.
  if (delivery_ != nullptr) delivery_->digest()->Stop();
  oversight_.reset();
  if (delivery_ != nullptr) delivery_->Stop();
  if (consent_ != nullptr) consent_->StopWork();
  if (upkeep_ != nullptr) upkeep_->Stop();
  workers_.reset();  // Runs what was accepted; it may still commit.
  if (refusals_ != nullptr) refusals_->Flush(/*all=*/true);
  if (committer_ != nullptr) committer_->Stop();
  if (trail_ != nullptr) trail_->Stop();
  absl::Status closed = absl::OkStatus();
  if (log_ != nullptr) {
    if (slots_ != nullptr) RememberLogSize();
    closed = log_->Close();
  }
  return closed;
}

Gateway::~Gateway() { Close().IgnoreError(); }

}  // namespace consentry::server
