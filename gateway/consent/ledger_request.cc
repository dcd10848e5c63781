#include "gateway/consent/ledger_request.h"

#include <algorithm>

#include "gateway/consent/ledger_changes.h"
#include "proto/support/error.h"
#include "proto/support/timestamp.h"

namespace consentry::consent {
namespace {

// How far ahead of ours the clock of whoever captured a choice may be.
constexpr int64_t kMaxSkewUs = int64_t{60} * 1000 * 1000;
constexpr size_t kMaxMethod = 64;
constexpr size_t kMaxEvidence = 128;

bool IsHex64(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

void CheckNotice(const v1::NoticeRef& notice, RequestFaults* faults) {
  if (notice.id().empty() || notice.id().size() > 64) {
    faults->Add("notice.id", "1 to 64 characters; required to give consent");
  }
  if (notice.version() == 0) faults->Add("notice.version", "from 1");
  if (notice.language().size() > 35) {
    faults->Add("notice.language", "a BCP 47 tag");
  }
  if (!notice.text_hash().empty() && !IsHex64(notice.text_hash())) {
    faults->Add("notice.text_hash", "64 lower-case hexadecimal digits");
  }
}

}  // namespace

void RequestFaults::Add(std::string_view field, std::string_view description) {
  if (status_.ok()) {
    status_ = MakeError(v1::ERROR_REASON_FIELD_INVALID,
                        "the request has malformed fields");
  }
  AddFieldViolation(&status_, {std::string(field), std::string(description)});
}

absl::Status CheckRecord(const v1::RecordConsentRequest& request,
                         int64_t now_us) {
  RequestFaults faults;
  if (request.purposes().empty() || request.purposes_size() > kMaxPurposes) {
    faults.Add("purposes", "1 to 16");
  }
  if (request.action() != v1::CONSENT_ACTION_GIVE &&
      request.action() != v1::CONSENT_ACTION_REFUSE) {
    faults.Add("action", "GIVE or REFUSE");
  }
  if (request.action() == v1::CONSENT_ACTION_GIVE) {
    CheckNotice(request.notice(), &faults);
  }
  if (request.has_capture_time() &&
      MicrosOf(request.capture_time()) > now_us + kMaxSkewUs) {
    faults.Add("capture_time", "lies in the future");
  }
  if (request.has_valid_until() && MicrosOf(request.valid_until()) <= now_us) {
    faults.Add("valid_until", "lies in the past");
  }
  if (request.method().size() > kMaxMethod) {
    faults.Add("method", "at most 64 characters");
  }
  if (request.evidence().size() > kMaxEvidence) {
    faults.Add("evidence", "at most 128 characters");
  }
  return faults.status();
}

absl::StatusOr<std::vector<std::string>> KnownPurposes(
    const clients::Configuration& configuration,
    const google::protobuf::RepeatedPtrField<std::string>& asked) {
  std::vector<std::string> purposes;
  for (const std::string& purpose : asked) {
    if (!configuration.bundle().FindPurpose(purpose)) {
      return MakeError(v1::ERROR_REASON_PURPOSE_NOT_ALLOWED,
                       "a purpose is not in the registry");
    }
    if (std::find(purposes.begin(), purposes.end(), purpose) ==
        purposes.end()) {
      purposes.push_back(purpose);
    }
  }
  return purposes;
}

absl::StatusOr<std::vector<std::string>> AskedPurposes(
    const clients::Configuration& configuration,
    const clients::Registration& registration,
    const google::protobuf::RepeatedPtrField<std::string>& asked,
    bool all_purposes) {
  const policy::Bundle& bundle = configuration.bundle();
  if (asked.empty()) {
    std::vector<std::string> purposes;
    for (size_t i = 0; i < bundle.purpose_count(); ++i) {
      const auto purpose = static_cast<policy::PurposeId>(i);
      if (all_purposes || registration.AllowsPurpose(purpose)) {
        purposes.push_back(bundle.purpose(purpose).key());
      }
    }
    return purposes;
  }
  CONSENTRY_ASSIGN_OR_RETURN(auto purposes,
                             KnownPurposes(configuration, asked));
  for (const std::string& purpose : purposes) {
    if (!all_purposes &&
        !registration.AllowsPurpose(*bundle.FindPurpose(purpose)) &&
        !registration.MayAttest(purpose, "")) {
      return MakeError(v1::ERROR_REASON_PURPOSE_NOT_ALLOWED,
                       "a purpose is not in the registration");
    }
  }
  return purposes;
}

absl::Status MayGive(const clients::Configuration& configuration,
                     const clients::CallerContext& caller,
                     const std::vector<std::string>& purposes,
                     const v1::RecordConsentRequest& request) {
  const auto* registration = configuration.FindById(caller.client_id);
  // She needs nobody's word for her own choice, and speaks for no child.
  const bool herself = caller.IsCustomer();
  if (herself &&
      (request.parental_authorisation() || !request.agent_id().empty())) {
    return NobodyElses();
  }
  for (const std::string& purpose : purposes) {
    if (herself) break;
    if (registration == nullptr ||
        !registration->MayAttest(purpose, request.notice().id())) {
      return MakeError(v1::ERROR_REASON_ATTESTATION_NOT_ALLOWED,
                       "the registration may not report consents to this "
                       "purpose and notice");
    }
  }
  if (registration == nullptr) return absl::OkStatus();
  if (request.parental_authorisation() &&
      !registration->permissions().Contains(
          *clients::PermissionSet::Of("consent.parental"))) {
    return MakeError(v1::ERROR_REASON_PERMISSION_MISSING,
                     "the registration may not report parental authorisation");
  }
  return herself ? absl::OkStatus()
                 : registration->CheckContext(caller.context);
}

}  // namespace consentry::consent
