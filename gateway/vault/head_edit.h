#ifndef CONSENTRY_GATEWAY_VAULT_HEAD_EDIT_H_
#define CONSENTRY_GATEWAY_VAULT_HEAD_EDIT_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/subject.pb.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/store/change.h"
#include "gateway/vault/head_cache.h"

namespace consentry::vault {

// One change of one subject's head, inside Change::apply: the only way in which
// a head changes after its subject was made. The head that it replaces goes
// into the history, so that decisions on it can be replayed.
//
// Lives for one application, on the committer's store thread.
class HeadEdit {
 public:
  // Reads and opens the current head. NotFound when there is no such subject or
  // its keys are destroyed; DATA_CORRUPT when it does not verify.
  static absl::StatusOr<HeadEdit> Begin(store::ChangeContext* context,
                                        const crypto::SlotFile& slots,
                                        uint64_t subject);

  uint64_t subject() const { return keys_.subject(); }
  // The version before the change.
  int64_t version() const { return version_; }
  const crypto::SubjectKeys& keys() const { return keys_; }
  store::v1::SubjectHead& head() { return head_; }

  // Writes the head under the change's number, which becomes its version, and
  // touches the subject. Entries of `cache` go before any further read is let
  // through. Once. A leaf lists its subjects in the order of these calls.
  absl::Status Write(HeadCache* cache);

 private:
  HeadEdit(store::ChangeContext* context, crypto::SubjectKeys keys)
      : context_(context), keys_(std::move(keys)) {}

  store::ChangeContext* context_;
  crypto::SubjectKeys keys_;
  int64_t version_ = 0;
  std::string sealed_before_;
  store::v1::SubjectHead head_;
};

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_HEAD_EDIT_H_
