#ifndef CONSENTRY_GATEWAY_SERVER_WIRE_SCREENING_H_
#define CONSENTRY_GATEWAY_SERVER_WIRE_SCREENING_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/config/v1/screening.pb.h"
#include "gateway/base/threads.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/note_signer.h"
#include "gateway/crypto/page_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/screening/conduct_check.h"
#include "gateway/screening/inferences.h"
#include "gateway/screening/item_rows.h"
#include "gateway/screening/outcome_desk.h"
#include "gateway/screening/outcome_rows.h"
#include "gateway/screening/release_desk.h"
#include "gateway/screening/release_rows.h"
#include "gateway/screening/screener.h"
#include "gateway/screening/screening_reads.h"
#include "gateway/screening/screening_rows.h"
#include "gateway/screening/screening_target.h"
#include "gateway/screening/screening_upkeep.h"
#include "gateway/screening/subject_outputs.h"
#include "gateway/screening/vulnerability_desk.h"
#include "gateway/screening/vulnerability_target.h"
#include "gateway/vault/head_cache.h"
#include "gateway/vault/vault_writer.h"
#include "policy/conduct/rulebook.h"

namespace consentry::server {

// Beside the configuration: the public key of releases, for whoever verifies
// them.
inline constexpr std::string_view kReleaseVerifierFile = "release-verifier.txt";

// The key that signs releases, made where there is none.
absl::StatusOr<std::unique_ptr<crypto::NoteSigner>> OpenReleaseKey(
    const std::string& path, const std::string& log_origin);

// The public key of releases of the gateway in `folder`, as
// audit::NoteVerifier reads it; the key is made where there is none. For the
// owner of the folder.
absl::StatusOr<std::string> ReadReleaseKey(const std::string& folder);

// The parts that outputs pass through, in the order in which they stand on one
// another.
class Screening {
 public:
  struct Options {
    // `parts` without what is made here: rows, rules, signer, settings.
    screening::ScreeningParts parts;
    config::v1::Screening settings;
    const crypto::SlotFile* slots = nullptr;
    const crypto::EpochFile* epochs = nullptr;
    const crypto::RequestDigests* digests = nullptr;
    const crypto::PageTokens* page_tokens = nullptr;
    vault::HeadCache* cache = nullptr;
    vault::VaultWriter* writer = nullptr;
  };
  // CONFIG_INVALID for rules that cannot be used.
  static absl::StatusOr<std::unique_ptr<Screening>> Open(Options options);
  Screening(const Screening&) = delete;
  Screening& operator=(const Screening&) = delete;
  ~Screening() { Stop(); }

  // Looks at releases, and forgets what is old, once a minute.
  void Start();
  void Stop();

  screening::Screener* screener() { return screener_.get(); }
  screening::ReleaseDesk* releases() { return releases_.get(); }
  screening::OutcomeDesk* outcomes() { return outcomes_.get(); }
  screening::ScreeningReads* reads() { return reads_.get(); }
  const screening::VulnerabilityDesk* vulnerabilities() const {
    return vulnerabilities_.get();
  }
  const screening::ScreeningRows* rows() const { return rows_.get(); }
  const screening::OutcomeRows* outcome_rows() const {
    return outcome_rows_.get();
  }
  screening::ScreeningTarget* target() { return target_.get(); }
  screening::VulnerabilityTarget* vulnerability_target() {
    return vulnerability_target_.get();
  }
  screening::ScreeningUpkeep* upkeep() { return upkeep_.get(); }
  const screening::SubjectOutputs* of_subjects() const {
    return of_subjects_.get();
  }

 private:
  Screening() = default;
  void Tick();

  screening::ScreeningParts parts_;
  std::unique_ptr<conduct::Rulebook> rules_;
  std::unique_ptr<crypto::NoteSigner> signer_;
  std::unique_ptr<screening::ScreeningKeys> keys_;
  std::unique_ptr<screening::ScreeningRows> rows_;
  std::unique_ptr<screening::ReleaseRows> release_rows_;
  std::unique_ptr<screening::ItemRows> items_;
  std::unique_ptr<screening::OutcomeRows> outcome_rows_;
  std::unique_ptr<screening::ConductCheck> conduct_;
  std::unique_ptr<screening::Screener> screener_;
  std::unique_ptr<screening::ReleaseDesk> releases_;
  std::unique_ptr<screening::OutcomeDesk> outcomes_;
  std::unique_ptr<screening::ScreeningReads> reads_;
  std::unique_ptr<screening::VulnerabilityDesk> vulnerabilities_;
  std::unique_ptr<screening::ScreeningTarget> target_;
  std::unique_ptr<screening::VulnerabilityTarget> vulnerability_target_;
  std::unique_ptr<screening::ScreeningUpkeep> upkeep_;
  std::unique_ptr<screening::Inferences> inferences_;
  std::unique_ptr<screening::SubjectOutputs> of_subjects_;
  std::unique_ptr<base::Periodic> thread_;
};

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_WIRE_SCREENING_H_
