#ifndef CONSENTRY_TESTS_PROMISES_OFFLINE_LOG_H_
#define CONSENTRY_TESTS_PROMISES_OFFLINE_LOG_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/verify/findings.h"
#include "consentry/store/v1/leaf.pb.h"
#include "gateway/crypto/opaque_token.h"

namespace consentry::testing {

// The audit log of a gateway that does not run, as somebody sees it who has the
// folder, the log's public key and, for looking entries up by what was
// answered, the root key.
class OfflineLog {
 public:
  // `folder` as init made it.
  static absl::StatusOr<std::unique_ptr<OfflineLog>> Make(
      const std::string& folder);

  // Verifies all of it, against the checkpoint that was kept from the last time
  // as well, keeps the newest one, and reads the entries that were not read
  // before.
  absl::StatusOr<audit::VerifyReport> VerifyAndRead();
  // Forgets what was read, so that the next VerifyAndRead reads all anew.
  void Forget() { leaves_.clear(); }

  const std::vector<store::v1::Leaf>& leaves() const { return leaves_; }

  // The entry that a decision id ("dec_") or an audit reference ("aud_") stands
  // for; null when the log read last has none.
  struct Place {
    const store::v1::Leaf* leaf = nullptr;
    // The customer that it is about, first in a group; null for entries about
    // none.
    const store::v1::LeafSubject* subject = nullptr;
    crypto::LogPosition position;
  };
  std::optional<Place> Find(std::string_view token) const;

 private:
  OfflineLog() = default;

  std::string log_folder_;
  std::string vkey_;
  std::unique_ptr<crypto::OpaqueTokens> tokens_;
  std::optional<std::string> checkpoint_;
  std::vector<store::v1::Leaf> leaves_;
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_PROMISES_OFFLINE_LOG_H_
