#include "gateway/access/subject_view.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "gateway/access/answer.h"
#include "gateway/vault/field_number.h"
#include "policy/engine/civil.h"
#include "policy/engine/engine.h"
#include "policy/engine/rights_tables.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::access {
namespace {

// What is known of one field of a customer over all her records.
struct Held {
  std::set<std::string, std::less<>> sources;
  int64_t collected_us = 0;
};

// Entries of the index that one search gives.
constexpr size_t kHitsPerSearch = 1024;

// Whether the customer may be treated under the purpose at all now, whoever
// asks; with the bases of the first channel on which she may.
bool IsActive(const policy::Bundle& bundle, policy::PurposeId id,
              const policy::SubjectFacts& facts, int64_t now_us,
              std::vector<policy::BasisUsed>* bases, absl::Status* status) {
  const config::v1::Purpose& purpose = bundle.purpose(id);
  std::vector<policy::FieldId> fields;
  for (const auto& need : purpose.fields()) {
    if (const auto field = bundle.FindField(need.field())) {
      fields.push_back(*field);
    }
  }
  const policy::JurisdictionId home =
      bundle.FindJurisdiction(bundle.profile().home())
          .value_or(policy::kNoJurisdiction);
  policy::Decision decision;
  for (const int channel : purpose.channels()) {
    // A decision is on a bounded number of fields.
    for (size_t first = 0; first == 0 || first < fields.size();
         first += policy::kMaxFieldsPerRequest) {
      policy::DecisionRequest request;
      request.purpose = id;
      request.channel = static_cast<policy::Channel>(channel);
      request.fields = std::span(fields).subspan(
          first, std::min<size_t>(policy::kMaxFieldsPerRequest,
                                  fields.size() - first));
      request.time_us = now_us;
      // Whether data may go further is a question of each recipient.
      request.recipient = home;
      *status = policy::Decide(bundle, facts, request, &decision);
      if (!status->ok()) return false;
      if (decision.permitted) {
        *bases = decision.bases;
        return true;
      }
    }
  }
  return false;
}

void AddDeclaredBases(const policy::Bundle& bundle,
                      const config::v1::Purpose& purpose,
                      const std::vector<policy::RegimeId>& attached,
                      v1::PurposeUse* use) {
  for (const policy::RegimeId regime : attached) {
    for (const auto& basis : purpose.bases()) {
      if (std::find(basis.regimes().begin(), basis.regimes().end(),
                    bundle.regime(regime)) == basis.regimes().end()) {
        continue;
      }
      v1::BasisUsed* told = use->add_bases();
      told->set_regime(bundle.regime(regime));
      told->set_basis(BasisName(basis.basis()));
      told->set_document(policy::BasisDocument(basis));
    }
  }
}

}  // namespace

std::string RecipientOf(const clients::Configuration& configuration,
                        std::string_view client_id) {
  const clients::Registration* registration = configuration.FindById(client_id);
  if (registration == nullptr) return std::string(client_id);
  if (!registration->client().recipient().empty()) {
    return registration->client().recipient();
  }
  const std::string& controller = configuration.bundle().profile().name();
  return controller.empty() ? std::string(client_id) : controller;
}

absl::StatusOr<std::vector<v1::HeldField>> HeldFields(
    const policy::Bundle& bundle, const vault::SubjectReader& reader,
    store::Connection* connection, Members members) {
  std::map<uint32_t, policy::FieldId> by_number;
  for (size_t i = 0; i < bundle.field_count(); ++i) {
    const auto id = static_cast<policy::FieldId>(i);
    by_number.emplace(vault::FieldNumber(bundle.field_name(id)), id);
  }
  std::map<std::string, std::pair<policy::FieldId, Held>> held;
  for (const auto& member : members) {
    std::vector<std::string_view> kinds;
    for (const auto& kind : member->head().kinds()) {
      if (kind.count() > 0) kinds.push_back(kind.kind());
    }
    CONSENTRY_ASSIGN_OR_RETURN(const auto records,
                               reader.ReadRecords(connection, *member, kinds));
    for (const vault::StoredRecord& record : records) {
      for (const auto& sealed : record.blob.fields()) {
        const auto id = by_number.find(sealed.field());
        // Of an older catalog; retention and erasure still reach it.
        if (id == by_number.end()) continue;
        Held& field =
            held.try_emplace(bundle.field_name(id->second), id->second, Held())
                .first->second.second;
        field.sources.insert(record.meta.source());
        field.collected_us =
            std::max(field.collected_us, record.meta.collected_us());
      }
    }
  }
  std::vector<v1::HeldField> fields;
  for (const auto& [name, known] : held) {
    const auto& [id, held_field] = known;
    const config::v1::Field& field = bundle.field(id);
    v1::HeldField shown;
    shown.set_field(name);
    shown.set_category(field.category());
    for (const std::string& source : held_field.sources) {
      shown.add_sources(source);
    }
    SetTime(held_field.collected_us, shown.mutable_collect_time());
    SetTime(
        policy::AddMonths(held_field.collected_us, field.retention_months()),
        shown.mutable_delete_time());
    shown.set_inferred(bundle.kind(bundle.kind_of(id)).inferred());
    fields.push_back(std::move(shown));
  }
  return fields;
}

absl::StatusOr<std::vector<v1::PurposeUse>> PurposeUses(
    const clients::Configuration& configuration,
    const policy::SubjectFacts& facts, std::string_view language,
    int64_t now_us) {
  const policy::Bundle& bundle = configuration.bundle();
  const auto attached = policy::AttachedRegimes(bundle, facts, now_us);
  std::vector<v1::PurposeUse> uses;
  for (size_t i = 0; i < bundle.purpose_count(); ++i) {
    const auto id = static_cast<policy::PurposeId>(i);
    const config::v1::Purpose& purpose = bundle.purpose(id);
    v1::PurposeUse use;
    use.set_purpose(purpose.key());
    if (const auto* text = policy::TextIn(purpose.text(), language)) {
      use.set_text(text->text().empty() ? text->title() : text->text());
    }
    absl::Status status;
    std::vector<policy::BasisUsed> bases;
    use.set_active(!configuration.IsSuspended(purpose.key()) &&
                   IsActive(bundle, id, facts, now_us, &bases, &status));
    CONSENTRY_RETURN_IF_ERROR(status);
    if (use.active()) {
      for (const policy::BasisUsed& used : bases) {
        v1::BasisUsed* told = use.add_bases();
        told->set_regime(bundle.regime(used.regime));
        told->set_basis(BasisName(bundle.basis(used.basis).basis()));
        told->set_document(bundle.basis_document(used.basis));
      }
    } else {
      AddDeclaredBases(bundle, purpose, attached, &use);
    }
    std::set<std::string> recipients;
    for (const auto& recipient : purpose.recipients()) {
      recipients.insert(recipient.name());
    }
    for (const auto& [client_id, registration] :
         configuration.registrations()) {
      if (registration->AllowsPurpose(id) &&
          registration->CheckState(now_us).ok()) {
        recipients.insert(RecipientOf(configuration, client_id));
      }
    }
    for (const std::string& recipient : recipients) {
      use.add_recipients(recipient);
    }
    uses.push_back(std::move(use));
  }
  std::sort(uses.begin(), uses.end(), [](const auto& a, const auto& b) {
    return a.purpose() < b.purpose();
  });
  return uses;
}

absl::StatusOr<std::vector<v1::Consultation>> Consultations(
    const clients::Configuration& configuration, trail::TrailIndex* trail,
    Members members, int64_t from_us, size_t most) {
  std::vector<uint64_t> subjects;
  for (const auto& member : members) {
    subjects.push_back(member->keys().subject());
  }
  trail::EntryFilter filter;
  filter.from_us = from_us;
  std::vector<v1::Consultation> consultations;
  for (uint64_t below = UINT64_MAX; below > 0 && consultations.size() < most;) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto page, trail->Find(subjects, filter, below, kHitsPerSearch));
    for (const auto& hit : page.hits) {
      // Governed reads name a purpose; what is about the log or a choice does
      // not.
      if (hit.leaf.purpose().empty() || hit.leaf.released_nothing()) continue;
      for (const uint16_t item : hit.items) {
        const store::v1::LeafSubject& told = hit.leaf.subjects(item);
        // What was written, and what belongs to the item before.
        if (told.released() == 0 && told.effect() != v1::EFFECT_DENY) continue;
        if (consultations.size() == most) return consultations;
        v1::Consultation consultation;
        SetTime(hit.leaf.time_us(), consultation.mutable_time());
        consultation.set_recipient(
            RecipientOf(configuration, hit.leaf.client_id()));
        const auto* registration = configuration.FindById(hit.leaf.client_id());
        consultation.set_system(registration == nullptr ||
                                        registration->client().title().empty()
                                    ? hit.leaf.client_id()
                                    : registration->client().title());
        consultation.set_purpose(hit.leaf.purpose());
        for (int field = 0; field < hit.leaf.fields_size() && field < 64;
             ++field) {
          if (told.released() >> field & 1) {
            consultation.add_fields(hit.leaf.fields(field));
          }
        }
        if (told.released() == 0) {
          consultation.set_reason(static_cast<v1::ErrorReason>(told.reason()));
        }
        consultations.push_back(std::move(consultation));
      }
    }
    below = page.next;
  }
  return consultations;
}

}  // namespace consentry::access
