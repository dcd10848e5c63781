#ifndef CONSENTRY_GATEWAY_VAULT_CONSENT_SINK_H_
#define CONSENTRY_GATEWAY_VAULT_CONSENT_SINK_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "consentry/store/v1/consent.pb.h"
#include "consentry/store/v1/erasure.pb.h"
#include "consentry/store/v1/subject.pb.h"
#include "consentry/v1/data_service.pb.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/store/engine.h"

namespace consentry::vault {

// One row of consent_events, ready to be inserted.
struct ConsentRow {
  int64_t seq = 0;
  uint32_t row_generation = 0;
  // Sealed under the subject's key.
  std::string event;
  // 15 bytes.
  std::string event_id;
  // The hour since the epoch in which, or before which, the consent ends; 0: it
  // grants nothing, or has no end.
  int64_t due_hour = 0;
};

// Adds them to the ledger of a subject. Inside of a change.
absl::Status InsertConsentRows(store::Connection* connection, int64_t subject,
                               const std::vector<ConsentRow>& rows);

// What imported choices of one subject add to its ledger within one change.
struct ConsentAddition {
  // Events of this change, oldest first: those of earlier choices when a
  // further one is appended.
  std::vector<store::v1::ConsentEvent> events;
  std::vector<ConsentRow> rows;
  // For the audit entry: "marketing.email=withdrawn".
  std::vector<std::string> changes;
  // Something was refused or withdrawn.
  bool negative = false;
};

// The subject that choices are about, and who reports them.
struct ConsentTarget {
  // Null for a subject that the same change creates.
  store::Connection* connection = nullptr;
  const crypto::SubjectKeys* keys = nullptr;
  std::string_view client_id;
  std::string_view source;
  int64_t now_us = 0;
};

// The ledger as the vault's writers see it. gateway/consent implements it.
// Safe for many threads; called before the change is handed to the committer,
// so that sealing is done beforehand. A change that comes back as stale is
// built anew, with new events.
class ConsentSink {
 public:
  virtual ~ConsentSink() = default;

  // Whether the client may report this choice at all: ATTESTATION_NOT_ALLOWED,
  // PURPOSE_NOT_ALLOWED, VALUE_MALFORMED. Reads nothing about a subject.
  virtual absl::Status CheckAttested(std::string_view client_id,
                                     const v1::ImportedChoice& choice,
                                     int64_t now_us) = 0;

  // Appends one choice, shown ever after as attested by the client: adds to
  // `addition`, and brings `head` up to date (consents, consent_events).
  virtual absl::Status AppendAttested(const ConsentTarget& target,
                                      const v1::ImportedChoice& choice,
                                      store::v1::SubjectHead* head,
                                      ConsentAddition* addition) = 0;

  // Appends what somebody of that name refused or withdrew before she was
  // known here: adds to `addition` and brings `head` up to date.
  virtual absl::Status AppendStanding(const ConsentTarget& target,
                                      const store::v1::StandingChoices& choices,
                                      store::v1::SubjectHead* head,
                                      ConsentAddition* addition) = 0;
};

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_CONSENT_SINK_H_
