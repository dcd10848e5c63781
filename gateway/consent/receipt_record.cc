#include "gateway/consent/receipt_record.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/engine/civil.h"

namespace consentry::consent {
namespace {

using config::v1::LawfulBasis;
using config::v1::PurposeClass;
using store::v1::ConsentEvent;

constexpr char kDpv[] = "https://w3id.org/dpv#";
constexpr char kGdpr[] = "https://w3id.org/dpv/legal/eu/gdpr#";
constexpr char kUndeclared[] = "not declared";

std::string Dpv(const char* word) { return absl::StrCat(kDpv, word); }

std::string OrUndeclared(const std::string& text) {
  return text.empty() ? kUndeclared : text;
}

// The nearest word of the vocabulary (dpv/purposes).
const char* PurposeWord(int purpose_class) {
  switch (purpose_class) {
    case PurposeClass::SERVICE:
      return "ServiceProvision";
    case PurposeClass::SUPPORT:
      return "CustomerCare";
    case PurposeClass::SECURITY:
      return "EnforceSecurity";
    case PurposeClass::LEGAL_OBLIGATION:
    case PurposeClass::RIGHTS_FULFILMENT:
    case PurposeClass::BIAS_DETECTION:
      return "LegalCompliance";
    case PurposeClass::LEGAL_CLAIMS:
    case PurposeClass::EMERGENCY:
      return "FulfilmentOfObligation";
    case PurposeClass::ANALYTICS:
      return "ImproveExistingProductsAndServices";
    case PurposeClass::CONTENT_PERSONALIZATION:
    case PurposeClass::PERSONALIZATION:
    case PurposeClass::PROFILING:
      return "Personalisation";
    case PurposeClass::DIRECT_MARKETING:
      return "DirectMarketing";
    case PurposeClass::TARGETED_ADS:
      return "TargetedAdvertising";
    case PurposeClass::SALE_OR_SHARE:
      return "Marketing";
    case PurposeClass::SIGNIFICANT_DECISION:
    case PurposeClass::HUMAN_REVIEW:
      return "CustomerManagement";
    case PurposeClass::RESEARCH:
    case PurposeClass::AI_TRAINING:
      return "ResearchAndDevelopment";
    default:
      return "Purpose";
  }
}

// dpv/consent_status.
const char* StateWord(const ConsentEvent& event) {
  switch (event.type()) {
    case ConsentEvent::GIVEN:
      return "ConsentGiven";
    case ConsentEvent::REFUSED:
      return "ConsentRefused";
    case ConsentEvent::WITHDRAWN:
      return "ConsentWithdrawn";
    case ConsentEvent::EXPIRED:
      return "ConsentExpired";
    case ConsentEvent::RENEWED:
      return "RenewedConsentGiven";
    case ConsentEvent::INVALIDATED:
      return "ConsentInvalidated";
    default:
      return "ConsentUnknown";
  }
}

std::string PurposeText(const config::v1::Purpose& purpose,
                        std::string_view language) {
  const config::v1::LocalText* chosen = nullptr;
  for (const auto& text : purpose.text()) {
    if (text.language() == language) chosen = &text;
    if (chosen == nullptr && text.language() == "en") chosen = &text;
  }
  if (chosen == nullptr) return purpose.key();
  return chosen->text().empty() ? chosen->title() : chosen->text();
}

// A consent under the GDPR has a word of its own for each of its two forms.
void AddBases(const config::v1::Purpose& purpose, const ConsentEvent& event,
              v1::ReceiptProcessing* out) {
  std::set<std::string> words;
  bool gdpr = false;
  for (const auto& basis : purpose.bases()) {
    const bool express = basis.basis() == LawfulBasis::EXPLICIT_CONSENT ||
                         event.explicit_statement();
    const bool consent = basis.basis() == LawfulBasis::CONSENT ||
                         basis.basis() == LawfulBasis::EXPLICIT_CONSENT;
    if (!consent) continue;
    for (const std::string& regime : basis.regimes()) {
      if (regime == "eu-gdpr") {
        gdpr = true;
        words.insert(absl::StrCat(
            kGdpr, express ? "A6-1-a-explicit-consent" : "A6-1-a"));
      } else {
        words.insert(Dpv(express ? "ExplicitlyExpressedConsent" : "Consent"));
      }
    }
  }
  if (words.empty()) words.insert(Dpv("Consent"));
  for (const std::string& word : words) out->add_lawful_basis(word);
  if (!gdpr) return;
  for (const char* right : {"A7-3", "A15", "A16", "A17", "A18", "A20", "A77"}) {
    out->add_privacy_rights(absl::StrCat(kGdpr, right));
  }
}

void AddData(const policy::Bundle& bundle, const config::v1::Purpose& purpose,
             v1::ReceiptProcessing* out) {
  uint32_t months = 0;
  for (const auto& need : purpose.fields()) {
    v1::ReceiptPii* pii = out->add_pii_information();
    pii->set_pii_attribute_id(need.field());
    const auto id = bundle.FindField(need.field());
    if (!id) {
      pii->set_pii_type(need.field());
      continue;
    }
    const config::v1::Field& field = bundle.field(*id);
    pii->set_pii_type(field.category());
    pii->set_sensitive_pii_category(
        field.sensitivity() == config::v1::Sensitivity::SENSITIVE ||
        field.sensitivity() == config::v1::Sensitivity::SPECIAL);
    pii->set_special_pii_category(field.sensitivity() ==
                                  config::v1::Sensitivity::SPECIAL);
    months = std::max(months, field.retention_months());
  }
  if (purpose.fields().empty()) {
    out->add_pii_information()->set_pii_type("none");
  }
  if (purpose.retention_months() > 0) {
    months = months == 0 ? purpose.retention_months()
                         : std::min(months, purpose.retention_months());
  }
  out->set_retention_period(absl::StrCat("P", months, "M"));
}

void AddPlaces(const config::v1::ControllerProfile& profile,
               const config::v1::Purpose& purpose,
               const store::v1::SubjectHead& head, v1::ReceiptProcessing* out) {
  out->add_storage_locations(profile.home());
  std::set<std::string> places = {profile.home()};
  for (const auto& recipient : purpose.recipients()) {
    out->add_recipient_third_parties(absl::StrCat(recipient.name(), " (",
                                                  recipient.role(), ", ",
                                                  recipient.country(), ")"));
    if (!recipient.country().empty()) places.insert(recipient.country());
  }
  if (purpose.recipients().empty()) out->add_recipient_third_parties("none");
  for (const std::string& place : places) out->add_processing_locations(place);
  std::set<std::string> residences;
  for (const auto& text : head.residences()) residences.insert(text.value());
  if (residences.empty()) residences.insert(profile.home());
  out->set_jurisdiction(absl::StrJoin(residences, ", "));
}

void SetEvent(const store::v1::SubjectHead& head, const ConsentEvent& event,
              v1::ReceiptEvent* out) {
  const int64_t acted_us =
      std::min(event.captured_at_us(), event.received_at_us());
  out->set_event_time(policy::FormatTime(acted_us));
  out->set_recorded_time(policy::FormatTime(event.received_at_us()));
  out->set_validity_duration(
      event.valid_until_us() == 0
          ? "until withdrawn"
          : absl::StrCat(policy::FormatTime(acted_us), "/",
                         policy::FormatTime(event.valid_until_us())));
  out->set_event_type(Dpv(event.explicit_statement()
                              ? "ExplicitlyExpressedConsent"
                              : "ExpressedConsent"));
  out->set_event_state(Dpv(StateWord(event)));
  out->set_event_method(event.method());
  out->set_invalid_reason(event.invalid_reason());
  switch (event.actor()) {
    case ConsentEvent::GUARDIAN:
      out->set_entity_role("guardian");
      out->set_entity_id(event.agent_id());
      break;
    case ConsentEvent::AGENT:
      out->set_entity_role("agent");
      out->set_entity_id(event.agent_id());
      break;
    case ConsentEvent::SIGNAL:
      out->set_entity_role("signal");
      out->set_entity_id(head.public_id());
      break;
    case ConsentEvent::ATTESTED:
      out->set_entity_role("attested");
      out->set_entity_id(event.client_id());
      break;
    case ConsentEvent::SELF:
      out->set_entity_role("self");
      out->set_entity_id(head.public_id());
      break;
    default:
      out->set_entity_role("gateway");
      out->set_entity_id("gateway");
      break;
  }
}

}  // namespace

v1::ReceiptRecord MakeReceipt(const clients::Configuration& configuration,
                              const store::v1::SubjectHead& head,
                              const ConsentEvent& event, int64_t now_us) {
  const policy::Bundle& bundle = configuration.bundle();
  const config::v1::ControllerProfile& profile = bundle.profile();
  const config::v1::Purpose& purpose =
      bundle.purpose(*bundle.FindPurpose(event.purpose()));
  v1::ReceiptRecord record;
  record.set_schema_version("ISO/IEC TS 27560:2023");
  record.set_record_id(event.event_id());
  record.set_receipt_id(
      absl::StrCat(event.event_id(), "/", policy::FormatTime(now_us)));
  record.set_receipt_time(policy::FormatTime(now_us));
  record.set_pii_principal_id(head.public_id());

  v1::ReceiptProcessing* processing = record.add_pii_processing();
  processing->set_privacy_notice(
      event.notice_id().empty()
          ? "none"
          : absl::StrCat("notices/", event.notice_id(), "/versions/",
                         event.notice_version()));
  processing->set_privacy_notice_sha256(
      absl::BytesToHexString(event.notice_hash()));
  processing->set_language(
      event.notice_language().empty() ? "und" : event.notice_language());
  processing->set_purpose(PurposeText(purpose, event.notice_language()));
  processing->set_purpose_id(purpose.key());
  processing->set_purpose_type(Dpv(PurposeWord(purpose.purpose_class())));
  AddBases(purpose, event, processing);
  AddData(bundle, purpose, processing);
  processing->add_pii_controllers("controller");
  processing->set_collection_method(
      "from the customer and from the business's own systems");
  processing->set_processing_method(
      "released field by field for this purpose alone, each release recorded");
  AddPlaces(profile, purpose, head, processing);
  processing->set_withdrawal_method(absl::StrCat(
      "at any time and without reason, where it was given, or by writing to: ",
      OrUndeclared(profile.contact())));
  processing->set_impact_assessment(purpose.dpia());

  v1::ReceiptParty* controller = record.add_party_identification();
  controller->set_party_id("controller");
  controller->set_party_name(OrUndeclared(profile.name()));
  controller->set_party_role(Dpv("DataController"));
  controller->set_party_type(Dpv("Organisation"));
  controller->set_party_address(
      profile.address().empty()
          ? absl::StrCat(kUndeclared, " (", profile.home(), ")")
          : profile.address());
  controller->set_party_contact(OrUndeclared(profile.contact()));
  SetEvent(head, event, record.add_event());
  return record;
}

}  // namespace consentry::consent
