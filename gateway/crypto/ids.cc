#include "gateway/crypto/ids.h"

#include <sodium.h>

#include "gateway/crypto/base32.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

std::string_view IdPrefix(IdKind kind) {
  switch (kind) {
    case IdKind::kSubject:
      return "cus_";
    case IdKind::kConsentEvent:
      return "con_";
    case IdKind::kRecord:
      return "rec_";
    case IdKind::kImport:
      return "imp_";
    case IdKind::kRightsRequest:
      return "rgt_";
    case IdKind::kReview:
      return "rev_";
    case IdKind::kScreening:
      return "scr_";
    case IdKind::kClient:
      return "cli_";
    case IdKind::kStaff:
      return "stf_";
    case IdKind::kJob:
      return "job_";
    case IdKind::kNotice:
      return "not_";
    case IdKind::kBreach:
      return "brc_";
    case IdKind::kDoubleOptIn:
      return "doi_";
    case IdKind::kHold:
      return "hld_";
    case IdKind::kProposal:
      return "prp_";
    case IdKind::kMessage:
      return "msg_";
    case IdKind::kTask:
      return "tsk_";
    case IdKind::kEvent:
      return "evt_";
    case IdKind::kAgent:
      return "agt_";
    case IdKind::kVulnerability:
      return "vul_";
    case IdKind::kFairnessReport:
      return "fre_";
  }
  return "";
}

ObjectId NewObjectId() {
  EnsureSodium();
  ObjectId id;
  randombytes_buf(id.data(), id.size());
  return id;
}

std::string FormatId(IdKind kind, const ObjectId& id) {
  std::string text(IdPrefix(kind));
  text += Base32Encode(id);
  return text;
}

absl::StatusOr<ObjectId> ParseId(IdKind kind, std::string_view text) {
  const std::string_view prefix = IdPrefix(kind);
  ObjectId id;
  if (text.substr(0, prefix.size()) != prefix ||
      !Base32Decode(text.substr(prefix.size()), id)) {
    return absl::InvalidArgumentError("must be " + std::string(prefix) +
                                      " and 24 characters of a-z and 2-7");
  }
  return id;
}

}  // namespace consentry::crypto
