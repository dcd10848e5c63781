#include <map>

#include "absl/strings/str_cat.h"
#include "policy/engine/check.h"
#include "policy/engine/places.h"

namespace consentry::policy {
namespace {

using config::v1::Basis;
using config::v1::LawfulBasis;
using config::v1::Purpose;
using config::v1::PurposeRegistry;

constexpr uint32_t kMaxMonths = 1200;
constexpr uint32_t kMaxDays = 3650;

// What proves each basis (P-G2: no document, no permission).
void CheckDocument(const Basis& basis, const Place& at, Findings* out) {
  switch (basis.basis()) {
    case LawfulBasis::CONTRACT:
      if (basis.necessity_note().empty()) {
        out->Refuse(at.At("necessity_note"), "is missing for CONTRACT");
      }
      break;
    case LawfulBasis::LEGITIMATE_INTEREST:
    case LawfulBasis::PUBLIC_TASK:
      if (basis.lia().empty()) {
        out->Refuse(at.At("lia"), "is missing for an interest or public task");
      }
      break;
    case LawfulBasis::LEGAL_OBLIGATION:
    case LawfulBasis::VITAL_INTEREST:
    case LawfulBasis::RECOGNISED_INTEREST:
      if (basis.law().empty()) {
        out->Refuse(at.At("law"), "is missing: the law that obliges or allows");
      }
      break;
    case LawfulBasis::CONSENT:
    case LawfulBasis::EXPLICIT_CONSENT:
    case LawfulBasis::NOTICE:
      if (!IsKey(basis.notice_id(), "_.-", 64)) {
        out->Refuse(at.At("notice_id"), "must name the notice shown");
      }
      if (basis.notice_version() == 0) {
        out->Refuse(at.At("notice_version"), "must be 1 or more");
      }
      break;
    default:
      out->Refuse(at.At("basis"), "is missing");
      break;
  }
}

void CheckBases(const Purpose& purpose, const std::set<std::string>& needs,
                const Place& root, Findings* out) {
  // regime -> fields covered; "" stands for all others.
  std::map<std::string, std::set<std::string>> covered;
  for (int b = 0; b < purpose.bases_size(); ++b) {
    const Basis& basis = purpose.bases(b);
    const Place at = root.At("bases", b);
    CheckDocument(basis, at, out);
    if (basis.special_gate() != config::v1::SpecialGate::UNSPECIFIED &&
        basis.special_gate() != config::v1::SpecialGate::EXPLICIT_CONSENT &&
        basis.special_gate_document().empty()) {
      out->Refuse(at.At("special_gate_document"), "is missing for this gate");
    }
    if (basis.regimes_size() == 0) out->Refuse(at, "names no regimes");
    std::set<std::string> fields(basis.fields().begin(), basis.fields().end());
    if (static_cast<int>(fields.size()) != basis.fields_size()) {
      out->Refuse(at.At("fields"), "names a field twice");
    }
    for (int f = 0; f < basis.fields_size(); ++f) {
      if (!needs.contains(basis.fields(f))) {
        out->Refuse(at.At("fields", f), "is no field that the purpose needs");
      }
    }
    if (fields.empty()) fields.insert("");
    for (int r = 0; r < basis.regimes_size(); ++r) {
      auto& seen = covered[basis.regimes(r)];
      for (const std::string& field : fields) {
        if (!seen.insert(field).second) {
          out->Refuse(at.At("regimes", r),
                      "has a second basis for the same fields; exactly one");
          break;
        }
      }
    }
  }
}

void CheckPurpose(const Purpose& purpose, const std::set<std::string>& names,
                  const std::map<std::string, bool>& contexts, const Place& at,
                  Findings* out) {
  if (!IsKey(purpose.key(), "_.", 64)) {
    out->Refuse(at.At("key"), "must be like marketing.email, 64 at most");
  }
  if (purpose.purpose_class() == config::v1::PurposeClass::UNSPECIFIED) {
    out->Refuse(at.At("purpose_class"), "is missing");
  }
  std::set<std::string> languages;
  for (int i = 0; i < purpose.text_size(); ++i) {
    if (!languages.insert(purpose.text(i).language()).second) {
      out->Refuse(at.At("text", i), "gives a language twice");
    }
  }
  if (!languages.contains("en")) {
    out->Refuse(at.At("text"), "needs plain words in language en");
  }
  if (purpose.fields_size() > static_cast<int>(kMaxFieldsPerPurpose)) {
    out->Refuse(at.At("fields"), "must be at most 256");
  }
  std::set<std::string> needs;
  for (int f = 0; f < purpose.fields_size(); ++f) {
    const auto& need = purpose.fields(f);
    const Place need_at = at.At("fields", f);
    if (!names.contains(need.field())) {
      out->Refuse(need_at.At("field"), "is no field of the catalog");
    }
    if (!needs.insert(need.field()).second) {
      out->Refuse(need_at.At("field"), "stands twice in the purpose");
    }
    if (need.transform() == config::v1::Transform::UNSPECIFIED) {
      out->Refuse(need_at.At("transform"), "is missing; write NONE for none");
    }
  }
  if (purpose.bases_size() > static_cast<int>(kMaxBasesPerPurpose)) {
    out->Refuse(at.At("bases"), "must be at most 31");
  }
  CheckBases(purpose, needs, at, out);
  for (int c = 0; c < purpose.context_size(); ++c) {
    const Place context_at = at.At("context", c);
    const auto it = contexts.find(purpose.context(c).kind());
    if (it == contexts.end() || !it->second) {
      out->Refuse(context_at.At("kind"),
                  "must be a kind of the catalog with opened_field");
    }
    if (purpose.context(c).within_days() < 1 ||
        purpose.context(c).within_days() > kMaxDays) {
      out->Refuse(context_at.At("within_days"), "must be 1 to 3650");
    }
  }
  if (purpose.channels_size() == 0) {
    out->Refuse(at.At("channels"), "is missing");
  }
  for (int c = 0; c < purpose.channels_size(); ++c) {
    if (purpose.channels(c) == config::v1::Channel::UNSPECIFIED) {
      out->Refuse(at.At("channels", c), "must name a channel");
    }
  }
  for (int i = 0; i < purpose.recipients_size(); ++i) {
    if (purpose.recipients(i).name().empty()) {
      out->Refuse(at.At("recipients", i).At("name"), "is missing");
    }
    if (!purpose.recipients(i).country().empty() &&
        !IsPlaceCode(purpose.recipients(i).country())) {
      out->Refuse(at.At("recipients", i).At("country"),
                  "is no code like DE or US-CA");
    }
  }
  for (int i = 0; i < purpose.transfers_size(); ++i) {
    const auto& transfer = purpose.transfers(i);
    const Place transfer_at = at.At("transfers", i);
    if (transfer.to_size() == 0)
      out->Refuse(transfer_at.At("to"), "is missing");
    for (int j = 0; j < transfer.to_size(); ++j) {
      if (!IsPlaceCode(transfer.to(j))) {
        out->Refuse(transfer_at.At("to", j), "is no code like DE or US-CA");
      }
    }
    if (transfer.safeguard() == config::v1::Safeguard::UNSPECIFIED) {
      out->Refuse(transfer_at.At("safeguard"), "is missing");
    }
    if (transfer.document().empty()) {
      out->Refuse(transfer_at.At("document"), "is missing");
    }
  }
  if (purpose.retention_months() > kMaxMonths) {
    out->Refuse(at.At("retention_months"), "must be at most 1200");
  }
  const bool significant =
      purpose.automated_decision() ||
      purpose.purpose_class() == config::v1::PurposeClass::SIGNIFICANT_DECISION;
  if (significant && purpose.dpia().empty()) {
    out->Refuse(at.At("dpia"),
                "is missing: significant decisions need an assessment");
  }
}

}  // namespace

void CheckPurposes(const Located<PurposeRegistry>& located,
                   const config::v1::Catalog& catalog, Findings* out) {
  std::set<std::string> names;
  std::map<std::string, bool> contexts;
  for (const auto& kind : catalog.kinds()) {
    contexts[kind.key()] = !kind.opened_field().empty();
    for (const auto& field : kind.fields()) {
      names.insert(absl::StrCat(kind.key(), ".", field.key()));
    }
  }
  const Place root = PlaceOf(located);
  const PurposeRegistry& registry = located.message;
  if (registry.purposes_size() == 0) out->Refuse(root, "has no purposes");
  if (registry.purposes_size() > static_cast<int>(kMaxPurposes)) {
    out->Refuse(root.At("purposes"), "must be at most 1024");
  }
  std::set<std::string> keys;
  for (int p = 0; p < registry.purposes_size(); ++p) {
    const Place at = root.At("purposes", p);
    if (!keys.insert(registry.purposes(p).key()).second) {
      out->Refuse(at.At("key"), "stands twice");
    }
    CheckPurpose(registry.purposes(p), names, contexts, at, out);
  }
}

}  // namespace consentry::policy
