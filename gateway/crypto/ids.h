#ifndef CONSENTRY_GATEWAY_CRYPTO_IDS_H_
#define CONSENTRY_GATEWAY_CRYPTO_IDS_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace consentry::crypto {

// 15 random bytes: the id of a subject, a consent, a record and so on. Says
// nothing about what it names. As text: a prefix and 24 characters of
// lower-case base32 (RFC 4648, no padding): "cus_mfrggzdfmztwq2lkmfrggzdf".
using ObjectId = std::array<uint8_t, 15>;

enum class IdKind : uint8_t {
  kSubject,         // cus_
  kConsentEvent,    // con_
  kRecord,          // rec_
  kImport,          // imp_
  kRightsRequest,   // rgt_
  kReview,          // rev_
  kScreening,       // scr_
  kClient,          // cli_
  kStaff,           // stf_
  kJob,             // job_
  kNotice,          // not_
  kBreach,          // brc_
  kDoubleOptIn,     // doi_
  kHold,            // hld_
  kProposal,        // prp_
  kMessage,         // msg_
  kTask,            // tsk_
  kEvent,           // evt_
  kAgent,           // agt_
  kVulnerability,   // vul_
  kFairnessReport,  // fre_
};

// The prefix with its underscore.
std::string_view IdPrefix(IdKind kind);

ObjectId NewObjectId();
std::string FormatId(IdKind kind, const ObjectId& id);
inline std::string NewId(IdKind kind) { return FormatId(kind, NewObjectId()); }

// Accepts exactly what FormatId makes: InvalidArgument for another prefix,
// length, upper case, or a character outside of the alphabet. The message does
// not repeat the text.
absl::StatusOr<ObjectId> ParseId(IdKind kind, std::string_view text);

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_IDS_H_
