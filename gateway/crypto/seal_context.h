#ifndef CONSENTRY_GATEWAY_CRYPTO_SEAL_CONTEXT_H_
#define CONSENTRY_GATEWAY_CRYPTO_SEAL_CONTEXT_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "gateway/crypto/ids.h"

namespace consentry::crypto {

// Where a sealed value belongs. All of it is associated data of the seal, so a
// value that is moved to another subject, table, row, field, or put back from
// an older state of its own row does not open.
//
// Tables are three types, because they differ in who may open them:
// facts are what a decision needs to know before it exists; fields are what a
// decision releases; system values belong to no subject. The numbers are
// stored inside seals: they are never reused and never leave their range.

// Opened by FactOpener, without a Grant. Range 1 to 255.
enum class FactTable : uint32_t {
  kSubjectHead = 1,     // Residence, age, restrictions, consent states.
  kSubjectHistory = 2,  // Heads by version, for explain and replay.
  kConsentEvent = 3,    // The ledger.
  kSubjectLink = 4,     // Merges and identity links.
  kChangeState = 5,     // Jobs and requests as far as decisions read them.
  kRecordMeta = 6,      // Source, time and digests of a record; no value.
  kPendingOptIn = 10,   // Double opt-ins that wait for their code.
  kLegalHold = 30,      // Which fields, on which ground.
  kLogin = 50,          // Issuer and login of a customer's tokens.
  kMessage = 40,        // A message about the subject, without its address.
  kNotice = 41,         // What a recipient is to be told; no value.
  kRightsCase = 20,     // A case, without what the customer wrote.
  kRightsAgent = 21,    // Who may act for the customer.
  kScreening = 60,      // What was decided on an output; not its words.
  kPressure = 61,       // What was sent to a customer lately.
  kVulnerability = 62,  // A declared vulnerability.
  kOutcome = 63,        // What became of an output.
  kInference = 64,      // Which record an output left.
};

// Opened by Opener, with a Grant. Range 256 to 65535.
enum class FieldTable : uint32_t {
  kRecord = 256,
  kIdentifier = 257,
  kEvidence = 258,       // What proves a consent.
  kRightsRequest = 259,  // Documents of rights requests.
  kReview = 260,
  kScreening = 261,
  kMessageAddress = 290,  // Where a queued message goes.
  kRightsWords = 280,     // What a customer wrote in a case.
  kRightsReport = 281,    // Pieces of her report.
  kScreenedOutput = 300,  // What a customer would read or get.
};

// Opened by SystemSeal. Range 65536 to 131071.
enum class SystemTable : uint32_t {
  kStaff = 65536,
  kClient = 65537,
  kConfiguration = 65538,
  kRequestResult = 65539,
  kOutbox = 65540,
  kBreach = 65580,
  kErasure = 65570,          // What an erasure did; names no value.
  kSuppressed = 65571,       // What binds an identifier that nobody goes by.
  kBackup = 65590,           // The key of a backup of the data.
  kMessageText = 65560,      // Of messages about nobody that is held.
  kMessageTarget = 65561,    // Their addresses.
  kRecipientNotice = 65562,  // Of erasures, whose subject's keys are gone.
  kRightsCase = 65600,       // Of cases that are about nobody who is held.
  kScreening = 65601,        // Of outputs for nobody who is held.
  kRelease = 65602,          // Digest and end of a release.
  kOutcome = 65603,          // Of outputs that are not here yet.
  kItemPrices = 65604,       // Counts of amounts that were shown.
  kFairnessProfile = 65620,
  kFairnessVersion = 65621,
  kFairnessMonitor = 65622,
  kFairnessReport = 65623,  // An audit; its file has a name of its own.
  kFairnessHistory = 65624,
};

// Which row: a number, or an id of 15 bytes. The two never collide.
class RowId {
 public:
  constexpr RowId() = default;
  // NOLINTNEXTLINE(google-explicit-constructor)
  constexpr RowId(uint64_t number) {
    for (int i = 0; i < 8; ++i) {
      bytes_[15 - i] = static_cast<uint8_t>(number >> (8 * i));
    }
  }
  // NOLINTNEXTLINE(google-explicit-constructor)
  constexpr RowId(const ObjectId& id) {
    bytes_[0] = 1;
    for (size_t i = 0; i < id.size(); ++i) bytes_[i + 1] = id[i];
  }
  const std::array<uint8_t, 16>& bytes() const { return bytes_; }

 private:
  std::array<uint8_t, 16> bytes_{};
};

// `subject` is not here: it is that of the SubjectKeys in use.
template <class Table>
struct Context {
  Table table;
  RowId row;
  // Name of the field in the catalog, or of the column; at most 255 bytes.
  // Empty where the whole row is one value.
  std::string_view field;
  // Version of what the plaintext is encoded as.
  uint32_t schema = 0;
  // Raised by every rewrite of the row, and stored beside it in clear.
  uint32_t row_generation = 0;
};

using FactContext = Context<FactTable>;
using FieldContext = Context<FieldTable>;
using SystemContext = Context<SystemTable>;

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_SEAL_CONTEXT_H_
