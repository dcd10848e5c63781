#ifndef CONSENTRY_GATEWAY_SERVER_GATEWAY_H_
#define CONSENTRY_GATEWAY_SERVER_GATEWAY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/log/audit_log.h"
#include "consentry/store/v1/configuration.pb.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/access/audit_reader.h"
#include "gateway/access/explainer.h"
#include "gateway/access/governed_reads.h"
#include "gateway/access/governed_writes.h"
#include "gateway/access/merge_desk.h"
#include "gateway/access/policy_diff.h"
#include "gateway/access/refusals.h"
#include "gateway/access/select.h"
#include "gateway/access/transparency.h"
#include "gateway/base/clock.h"
#include "gateway/base/threads.h"
#include "gateway/clients/archive.h"
#include "gateway/clients/client_admin.h"
#include "gateway/clients/configuration_writer.h"
#include "gateway/clients/policy_admin.h"
#include "gateway/clients/registry.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/link_token.h"
#include "gateway/crypto/locked_slab.h"
#include "gateway/crypto/note_signer.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/page_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/crypto/root_key.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/identity/role_mappings.h"
#include "gateway/oversight/oversight.h"
#include "gateway/server/config.h"
#include "gateway/server/consent_parts.h"
#include "gateway/server/wire_delivery.h"
#include "gateway/server/wire_erasure.h"
#include "gateway/server/wire_fairness.h"
#include "gateway/server/wire_identity.h"
#include "gateway/server/wire_review.h"
#include "gateway/server/wire_rights.h"
#include "gateway/server/wire_screening.h"
#include "gateway/store/audit_log_sink.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/trail/trail_index.h"
#include "gateway/upkeep/upkeep_desk.h"
#include "gateway/vault/head_cache.h"
#include "gateway/vault/subject_reader.h"
#include "gateway/vault/vault_writer.h"

namespace consentry::server {

// Names inside the data directory.
inline constexpr char kLockFile[] = "lock";
inline constexpr char kStoreFile[] = "store.db";
inline constexpr char kTrailFile[] = "trail.db";
inline constexpr char kSlotFile[] = "slots";
inline constexpr char kLogFolder[] = "log";
inline constexpr char kReserveFile[] = "reserve";

// "consentry 0.1.0": part of every bundle.
std::string EngineVersion();
// Ids of the legal packs that the program brings, sorted.
std::vector<std::string> PackIds();

// The root key where the configuration says it lies.
absl::StatusOr<crypto::RootKey> LoadRootKey(const config::v1::Keys& keys);

// Reads the files that the configuration names. Errors name the file.
absl::StatusOr<store::v1::StoredPolicy> ReadPolicyFiles(const Config& config);

// A whole gateway but for its door: opens a data directory in the order that
// recovery needs, wires the parts, and closes them in good order. Holds the
// lock of the data directory. What it hands out lives as long as it does.
class Gateway {
 public:
  struct Options {
    bool dev = false;
    const base::Clock* clock = base::Clock::System();
    // As store::CommitterOptions::on_serving.
    std::function<void(bool serving)> on_serving = nullptr;
    // As erasure::ErasureParts::on_step.
    std::function<void(std::string_view step)> on_erasure_step = nullptr;
    // Told of each step of rotations and backups before it is taken, for tests
    // that end the process there.
    std::function<void(std::string_view step)> on_upkeep_step = nullptr;
  };

  // FailedPrecondition when another process has the data directory;
  // CONFIG_INVALID; DataLoss where stored bytes do not verify, or keys, log and
  // store are not of one time.
  static absl::StatusOr<std::unique_ptr<Gateway>> Open(const Config& config,
                                                       Options options);
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  // As Close().
  ~Gateway();

  // Ends in good order: counted refusals are written, everything accepted is
  // completed, the log is closed with a last checkpoint. No call may be in
  // flight.
  absl::Status Close();

  const Config& config() const { return config_; }
  const base::Clock* clock() const { return options_.clock; }
  clients::Registry* registry() { return &registry_; }
  clients::ConfigurationWriter* writer() { return writer_.get(); }
  clients::ClientAdmin* client_admin() { return client_admin_.get(); }
  clients::PolicyAdmin* policy_admin() { return policy_admin_.get(); }
  clients::Proposals* proposals() { return proposals_.get(); }
  IdentityParts* identity() { return identity_.get(); }
  store::Committer* committer() { return committer_.get(); }
  store::ReaderPool* readers() { return readers_.get(); }
  base::WorkerPool* workers() { return workers_.get(); }
  access::Refusals* refusals() { return refusals_.get(); }
  access::GovernedReads* reads() { return reads_.get(); }
  access::Selection* selection() { return selection_.get(); }
  access::Explainer* explainer() { return explainer_.get(); }
  const access::PolicyDiff* policy_diff() { return policy_diff_.get(); }
  access::AuditReader* audit_reader() { return audit_reader_.get(); }
  access::GovernedWrites* writes() { return writes_.get(); }
  const access::MergeDesk* merges() const { return merge_desk_.get(); }
  access::Transparency* transparency() { return transparency_.get(); }
  oversight::Oversight* oversight() { return oversight_.get(); }
  consent::Ledger* ledger() { return consent_->ledger(); }
  Delivery* delivery() { return delivery_.get(); }
  ConsentParts* consent() { return consent_.get(); }
  const erasure::ErasureDesk* erasures() const { return erasure_->desk(); }
  upkeep::UpkeepDesk* upkeep() { return upkeep_.get(); }
  Review* review() { return review_.get(); }
  Screening* screening() { return screening_.get(); }
  Fairness* fairness() { return fairness_.get(); }
  const RightsParts& rights() const { return rights_; }
  const crypto::PageTokens* page_tokens() const { return page_tokens_.get(); }
  const crypto::OpaqueTokens* tokens() const { return tokens_.get(); }
  audit::AuditLog* log() { return log_.get(); }
  const crypto::CertificateAuthority* authority() const {
    return authority_.get();
  }

  // What AdminService.GetStatus answers.
  absl::StatusOr<v1::GatewayStatus> Status() const;

 private:
  Gateway(const Config& config, Options options);

  absl::Status OpenKeys();
  absl::Status OpenLog();
  absl::Status OpenStore();
  absl::Status CheckTimes() const;
  absl::Status CheckKeysOfStore() const;
  absl::Status LoadConfiguration();
  absl::Status OpenCapabilities();
  absl::Status OpenErasures();
  absl::Status NoteStart();
  void RememberLogSize();
  void WriteMetrics();

  const Config config_;
  const Options options_;
  int64_t start_us_ = 0;
  // Of the server's certificate.
  int64_t server_end_us_ = 0;
  bool closed_ = false;

  // In the order in which they are opened.
  std::unique_ptr<audit::File> lock_;
  crypto::LockedSlab slab_;
  std::unique_ptr<crypto::RootKey> root_;
  std::unique_ptr<crypto::EpochFile> epochs_;
  std::unique_ptr<crypto::SlotFile> slots_;
  std::unique_ptr<crypto::NoteSigner> signer_;
  std::unique_ptr<crypto::CertificateAuthority> authority_;
  audit::RecoveryReport recovery_;
  std::unique_ptr<audit::AuditLog> log_;
  std::unique_ptr<store::Engine> engine_;
  std::unique_ptr<store::Engine> trail_engine_;
  std::unique_ptr<trail::TrailIndex> trail_;
  std::unique_ptr<store::AuditLogSink> sink_;
  std::unique_ptr<store::Committer> committer_;
  std::unique_ptr<store::ReaderPool> readers_;
  clients::Registry registry_;
  clients::ConfigurationArchive archive_;
  std::unique_ptr<clients::ConfigurationWriter> writer_;
  std::unique_ptr<clients::PolicyAdmin> policy_admin_;
  std::unique_ptr<clients::Proposals> proposals_;
  std::unique_ptr<identity::RoleMappings> roles_;
  std::unique_ptr<clients::ClientAdmin> client_admin_;
  std::unique_ptr<base::WorkerPool> workers_;
  std::unique_ptr<crypto::OpaqueTokens> tokens_;
  std::unique_ptr<crypto::PageTokens> page_tokens_;
  std::unique_ptr<crypto::LinkTokens> link_tokens_;
  std::unique_ptr<crypto::RequestDigests> digests_;
  std::unique_ptr<vault::HeadCache> cache_;
  std::unique_ptr<vault::SubjectReader> subjects_;
  std::unique_ptr<access::Refusals> refusals_;
  access::GovernedReads::Options read_options_;
  std::unique_ptr<access::GovernedReads> reads_;
  std::unique_ptr<access::Selection> selection_;
  std::unique_ptr<access::Explainer> explainer_;
  std::unique_ptr<access::PolicyDiff> policy_diff_;
  std::unique_ptr<access::AuditReader> audit_reader_;
  std::unique_ptr<ConsentParts> consent_;
  std::unique_ptr<ErasureWiring> erasure_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<vault::VaultWriter> vault_writer_;
  std::unique_ptr<access::GovernedWrites> writes_;
  std::unique_ptr<vault::Merges> merges_;
  std::unique_ptr<access::MergeDesk> merge_desk_;
  std::unique_ptr<Review> review_;
  RightsParts rights_;
  std::unique_ptr<access::Transparency> transparency_;
  std::unique_ptr<IdentityParts> identity_;
  std::unique_ptr<oversight::Oversight> oversight_;
  std::unique_ptr<upkeep::UpkeepDesk> upkeep_;
  std::unique_ptr<Fairness> fairness_;
  std::unique_ptr<Screening> screening_;

  // Every few seconds tells the slots how far the log is (PROTOCOLS E3), and
  // writes the metrics.
  std::unique_ptr<base::Periodic> ticker_;
  // Puts into force what has waited long enough.
  std::unique_ptr<base::Periodic> approver_;
};

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_GATEWAY_H_
