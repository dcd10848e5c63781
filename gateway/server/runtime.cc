#include "gateway/server/runtime.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/string_view.h"
#include "audit/log/note.h"
#include "gateway/base/log.h"
#include "gateway/crypto/signing.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/store/schema.h"
#include "gateway/store/sqlcipher/engine.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

constexpr base::LogEvent kOpened{base::LogLevel::kInfo, 8001, "server.opened"};
constexpr base::LogEvent kTrailRebuilt{base::LogLevel::kWarn, 8002,
                                       "server.audit_index_rebuilt"};

constexpr char kOriginKey[] = "log_origin";
// Tasks that may wait for a worker.
constexpr size_t kWorkerQueue = 4096;

absl::Status Behind(std::string_view what) {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   std::string(what) +
                       " is older than what another part remembers of it: "
                       "restore keys, store and log together");
}

}  // namespace

absl::Status Runtime::Create(const RuntimePaths& paths,
                             const crypto::RootKey& root,
                             const std::string& log_origin) {
  audit::FileSystem* fs = audit::FileSystem::Posix();
  const base::Clock* clock = base::Clock::System();
  CONSENTRY_ASSIGN_OR_RETURN(const auto lock,
                             fs->Lock(paths.InData(kLockFile)));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto epochs,
      crypto::EpochFile::Create(fs, paths.epoch_file, root, clock->NowUs()));
  crypto::LockedSlab slab;
  crypto::SlotFile::Options slot_options;
  slot_options.fs = fs;
  slot_options.path = paths.InData(kSlotFile);
  slot_options.epochs = epochs.get();
  slot_options.slab = &slab;
  CONSENTRY_RETURN_IF_ERROR(
      crypto::SlotFile::Create(slot_options, clock->NowUs()).status());

  CONSENTRY_ASSIGN_OR_RETURN(auto key,
                             crypto::SigningKey::Create(paths.log_key_file));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto signer,
      crypto::NoteSigner::Create(log_origin, std::move(key)));

  store::SqlcipherOptions store_options;
  store_options.path = paths.InData(kStoreFile);
  store_options.create = true;
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto engine,
      store::OpenSqlcipher(
          store_options,
          root.Derive(crypto::KeyPurpose::kStorePages).view()));
  CONSENTRY_ASSIGN_OR_RETURN(const auto writer, engine->ConnectWriter());
  CONSENTRY_RETURN_IF_ERROR(store::Migrate(engine.get(), writer.get()));
  CONSENTRY_RETURN_IF_ERROR(
      store::PutMeta(writer.get(), kOriginKey, log_origin));

  audit::RecoveryReport report;
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto log,
      audit::AuditLog::Open(fs, paths.InData(kLogFolder), signer.get(), {},
                            &report));
  return log->Close();
}

absl::StatusOr<std::unique_ptr<Runtime>> Runtime::Open(
    Options options, const crypto::RootKey& root) {
  std::unique_ptr<Runtime> runtime(new Runtime(std::move(options)));
  auto lock = audit::FileSystem::Posix()->Lock(
      runtime->options_.paths.InData(kLockFile));
  if (!lock.ok()) return lock.status();
  runtime->lock_ = *std::move(lock);
  CONSENTRY_RETURN_IF_ERROR(runtime->OpenKeys(root));
  CONSENTRY_RETURN_IF_ERROR(runtime->OpenStore(root));
  audit::RecoveryReport report;
  CONSENTRY_RETURN_IF_ERROR(runtime->OpenLog(&report));
  CONSENTRY_RETURN_IF_ERROR(runtime->CheckKeysAgainstLog());
  CONSENTRY_RETURN_IF_ERROR(runtime->StartCommitter());
  CONSENTRY_RETURN_IF_ERROR(runtime->OpenTrail(root));
  runtime->MakeCapabilities(root);
  if (absl::Status status = runtime->LoadConfiguration();
      !status.ok() && !absl::IsNotFound(status)) {
    return status;
  }
  CONSENTRY_RETURN_IF_ERROR(runtime->NoteStart(report));
  base::Log(kOpened, {{"entries", report.size},
                      {"clean", report.clean},
                      {"bytes_cut", report.bytes_cut}});
  return runtime;
}

Runtime::~Runtime() { (void)Close(); }

absl::Status Runtime::Close() {
  if (closed_) return absl::OkStatus();
  closed_ = true;
  // Workers first: a stale read that is tried again needs the committer.
  workers_.reset();
  refusals_.reset();
  if (committer_) committer_->Stop();
  if (trail_) trail_->Stop();
  trail_feed_.store(nullptr);
  if (slots_ && log_) {
    CONSENTRY_RETURN_IF_ERROR(slots_->RememberLogSize(log_->size()));
  }
  return log_ ? log_->Close() : absl::OkStatus();
}

absl::Status Runtime::OpenKeys(const crypto::RootKey& root) {
  audit::FileSystem* fs = audit::FileSystem::Posix();
  slab_ = std::make_unique<crypto::LockedSlab>();
  CONSENTRY_ASSIGN_OR_RETURN(
      epochs_, crypto::EpochFile::Open(fs, options_.paths.epoch_file, root));
  crypto::SlotFile::Options slot_options;
  slot_options.fs = fs;
  slot_options.path = options_.paths.InData(kSlotFile);
  slot_options.epochs = epochs_.get();
  slot_options.slab = slab_.get();
  CONSENTRY_ASSIGN_OR_RETURN(slots_, crypto::SlotFile::Open(slot_options));
  tokens_ = std::make_unique<crypto::OpaqueTokens>(root);
  page_tokens_ = std::make_unique<crypto::PageTokens>(root);
  digests_ = std::make_unique<crypto::RequestDigests>(root);
  return absl::OkStatus();
}

absl::Status Runtime::OpenStore(const crypto::RootKey& root) {
  store::SqlcipherOptions store_options;
  store_options.path = options_.paths.InData(kStoreFile);
  CONSENTRY_ASSIGN_OR_RETURN(
      engine_, store::OpenSqlcipher(
                   store_options,
                   root.Derive(crypto::KeyPurpose::kStorePages).view()));
  CONSENTRY_ASSIGN_OR_RETURN(const auto writer, engine_->ConnectWriter());
  CONSENTRY_RETURN_IF_ERROR(store::Migrate(engine_.get(), writer.get()));
  CONSENTRY_ASSIGN_OR_RETURN(log_origin_,
                             store::GetMeta(writer.get(), kOriginKey));
  if (log_origin_.empty()) {
    return absl::DataLossError("the store does not name its log");
  }
  CONSENTRY_ASSIGN_OR_RETURN(readers_, store::ReaderPool::Open(engine_.get()));
  return absl::OkStatus();
}

absl::Status Runtime::OpenLog(audit::RecoveryReport* report) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto key, crypto::SigningKey::Load(options_.paths.log_key_file));
  CONSENTRY_ASSIGN_OR_RETURN(
      signer_, crypto::NoteSigner::Create(log_origin_, std::move(key)));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto verifier,
      audit::NoteVerifier::Create(signer_->name(), signer_->public_key()));
  verifier_key_ = verifier.Vkey();
  CONSENTRY_ASSIGN_OR_RETURN(
      log_, audit::AuditLog::Open(audit::FileSystem::Posix(),
                                  options_.paths.InData(kLogFolder),
                                  signer_.get(), {}, report));
  sink_ = std::make_unique<store::AuditLogSink>(log_.get());
  return absl::OkStatus();
}

absl::Status Runtime::CheckKeysAgainstLog() const {
  if (slots_->log_size() > log_->size()) return Behind("the audit log");
  if (slots_->erased_through() > log_->size()) return Behind("the audit log");
  return absl::OkStatus();
}

absl::Status Runtime::StartCommitter() {
  cache_ = std::make_unique<vault::HeadCache>(vault::HeadCache::Options{});
  store::CommitterOptions committer_options;
  committer_options.free_bytes = [directory = options_.paths.data_directory] {
    return audit::FileSystem::Posix()->FreeSpace(directory);
  };
  committer_options.high_water_bytes = options_.high_water_bytes;
  committer_options.reserve_bytes = options_.reserve_bytes;
  committer_options.reserve_path = options_.paths.InData(kReserveFile);
  committer_options.on_serving = options_.on_serving;
  committer_options.on_logged = [this](uint64_t index,
                                       std::span<const int64_t> subjects) {
    if (auto* trail = trail_feed_.load(std::memory_order_acquire)) {
      trail->Observe(index, subjects);
    }
  };
  CONSENTRY_ASSIGN_OR_RETURN(
      committer_, store::Committer::Start(engine_.get(), sink_.get(), clock_,
                                          std::move(committer_options)));
  return absl::OkStatus();
}

// The index is never the source of truth: one that cannot be used is made anew.
absl::Status Runtime::OpenTrail(const crypto::RootKey& root) {
  audit::FileSystem* fs = audit::FileSystem::Posix();
  store::SqlcipherOptions trail_options;
  trail_options.path = options_.paths.InData(kTrailFile);
  trail_options.create = true;
  for (int attempt = 0;; ++attempt) {
    const crypto::GuardedKey key =
        root.Derive(crypto::KeyPurpose::kTrailPages);
    auto engine = store::OpenSqlcipher(trail_options, key.view());
    absl::Status status = engine.status();
    if (engine.ok()) {
      trail_engine_ = *std::move(engine);
      auto trail = trail::TrailIndex::Open(
          trail_engine_.get(), &log_->reader(),
          [this](const std::vector<uint32_t>& months) {
            return ResolveTags(months);
          },
          {});
      if (trail.ok()) {
        trail_ = *std::move(trail);
        trail_feed_.store(trail_.get(), std::memory_order_release);
        return absl::OkStatus();
      }
      status = trail.status();
      trail_engine_.reset();
    }
    if (attempt > 0) return status;
    base::Log(kTrailRebuilt, {{"status", status}});
    for (const char* suffix : {"", "-wal", "-shm"}) {
      (void)fs->Remove(trail_options.path + suffix);
    }
  }
}

absl::StatusOr<std::map<std::string, uint64_t, std::less<>>>
Runtime::ResolveTags(const std::vector<uint32_t>& months) const {
  std::map<std::string, uint64_t, std::less<>> tags;
  CONSENTRY_RETURN_IF_ERROR(slots_->ForEach(
      1, [&](uint64_t subject, const absl::StatusOr<crypto::SlotInfo>& info) {
        if (!info.ok()) return absl::OkStatus();
        const auto keys = slots_->Load(subject);
        if (!keys.ok()) return absl::OkStatus();
        for (const uint32_t month : months) {
          const crypto::SubjectTag tag =
              crypto::ComputeSubjectTag(*keys, log_origin_, month);
          tags.emplace(std::string(tag.begin(), tag.end()), subject);
        }
        return absl::OkStatus();
      }));
  return tags;
}

void Runtime::MakeCapabilities(const crypto::RootKey&) {
  registry_ = std::make_unique<clients::Registry>(clients::Registry::Options{
      options_.engine_version, options_.extra_permissions});
  archive_ = std::make_unique<clients::ConfigurationArchive>();
  workers_.reset(new base::WorkerPool(
      "worker", std::max<size_t>(2, std::thread::hardware_concurrency()),
      kWorkerQueue));
  vault::SubjectReader::Options reader_options;
  reader_options.epochs = epochs_.get();
  reader_options.slots = slots_.get();
  reader_options.cache = cache_.get();
  reader_options.home_country = options_.home_country;
  subjects_ = std::make_unique<vault::SubjectReader>(reader_options);
  refusals_ =
      std::make_unique<access::Refusals>(committer_.get(), clock_);

  access::GovernedReads::Options reads;
  reads.configuration = configuration_source();
  reads.committer = committer_.get();
  reads.readers = readers_.get();
  reads.subjects = subjects_.get();
  reads.tokens = tokens_.get();
  reads.page_tokens = page_tokens_.get();
  reads.clock = clock_;
  reads.workers = workers_.get();
  reads.refusals = refusals_.get();
  reads.log_origin = log_origin_;
  reads_ = std::make_unique<access::GovernedReads>(reads);
  selection_ = std::make_unique<access::Selection>(reads_.get(), reads);

  access::Explainer::Options explainer;
  explainer.configuration = configuration_source();
  explainer.archive = archive_.get();
  explainer.committer = committer_.get();
  explainer.readers = readers_.get();
  explainer.subjects = subjects_.get();
  explainer.trail = trail_.get();
  explainer.log = &log_->reader();
  explainer.tokens = tokens_.get();
  explainer.workers = workers_.get();
  explainer.log_origin = log_origin_;
  explainer_ = std::make_unique<access::Explainer>(std::move(explainer));

  access::AuditReader::Options audit_reader;
  audit_reader.configuration = configuration_source();
  audit_reader.log = log_.get();
  audit_reader.trail = trail_.get();
  audit_reader.committer = committer_.get();
  audit_reader.readers = readers_.get();
  audit_reader.subjects = subjects_.get();
  audit_reader.tokens = tokens_.get();
  audit_reader.page_tokens = page_tokens_.get();
  audit_reader.workers = workers_.get();
  audit_reader.log_origin = log_origin_;
  audit_reader.verifier_key = verifier_key_;
  audit_reader_ = std::make_unique<access::AuditReader>(std::move(audit_reader));

  consent::Ledger::Options ledger;
  ledger.configuration = configuration_source();
  ledger.committer = committer_.get();
  ledger.readers = readers_.get();
  ledger.subjects = subjects_.get();
  ledger.slots = slots_.get();
  ledger.cache = cache_.get();
  ledger.tokens = tokens_.get();
  ledger.digests = digests_.get();
  ledger.workers = workers_.get();
  ledger.log_origin = log_origin_;
  ledger_ = std::make_unique<consent::Ledger>(std::move(ledger));
}

absl::Status Runtime::LoadConfiguration() {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, readers_->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto configuration,
      registry_->Load(lease.get(), committer_->configuration_epoch()));
  registry_->Publish(std::move(configuration));
  return absl::OkStatus();
}

// A start is an entry; an unclean one says what was found.
absl::Status Runtime::NoteStart(const audit::RecoveryReport& report) {
  store::Change change;
  change.apply = [&report, this](store::ChangeContext& context) {
    store::v1::Leaf leaf;
    leaf.set_time_us(context.now_us());
    leaf.set_event("system.start");
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details("version=" + options_.engine_version);
    leaf.add_details(report.clean ? "clean=yes" : "clean=no");
    leaf.add_details("entries_found=" + std::to_string(report.size));
    leaf.add_details("bytes_cut=" + std::to_string(report.bytes_cut));
    if (const auto configuration = registry_->current()) {
      leaf.set_bundle_hash(configuration->hash());
    }
    context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  };
  return committer_->CommitChangeAndWait(std::move(change)).status;
}

}  // namespace consentry::server
