#include "gateway/access/audit_view.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "audit/merkle/hash.h"
#include "proto/support/timestamp.h"

namespace consentry::access {
namespace {

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

void ViewSubject(uint64_t index, uint16_t item, const store::v1::Leaf& leaf,
                 const crypto::OpaqueTokens& tokens, v1::AuditSubject* view) {
  const store::v1::LeafSubject& subject = leaf.subjects(item);
  view->set_tag(Hex(subject.tag()));
  view->set_effect(static_cast<v1::Effect>(subject.effect()));
  view->set_reason(static_cast<v1::ErrorReason>(subject.reason()));
  for (uint32_t field = 0; field < 64; ++field) {
    if (subject.released() >> field & 1) view->add_released(field);
  }
  for (const uint32_t rule : subject.rules()) {
    if (rule < static_cast<uint32_t>(leaf.rules_size())) {
      view->add_determining_rules(leaf.rules(static_cast<int>(rule)));
    }
  }
  view->set_version(subject.version());
  if (!subject.effects_digest().empty()) {
    view->set_decision_id(tokens.Encode(
        crypto::TokenKind::kDecision, crypto::LogPosition{index, item}.Pack()));
  }
  *view->mutable_changes() = subject.changes();
}

}  // namespace

v1::AuditEntry ViewOf(uint64_t index, const store::v1::Leaf& leaf,
                      std::string_view bytes,
                      const crypto::OpaqueTokens& tokens) {
  v1::AuditEntry view;
  view.set_index(index);
  SetTime(leaf.time_us(), view.mutable_time());
  view.set_event(leaf.event());
  view.set_client_id(leaf.client_id());
  view.set_acting_person(leaf.acting_person());
  view.set_reason_code(leaf.reason_code());
  view.set_ticket(leaf.ticket());
  view.set_purpose(leaf.purpose());
  view.set_channel(static_cast<v1::Channel>(leaf.channel()));
  *view.mutable_fields() = leaf.fields();
  for (int item = 0; item < leaf.subjects_size(); ++item) {
    ViewSubject(index, static_cast<uint16_t>(item), leaf, tokens,
                view.add_subjects());
  }
  view.set_bundle_hash(Hex(leaf.bundle_hash()));
  view.set_change_number(leaf.change_number());
  view.set_count(leaf.count() == 0 ? 1 : leaf.count());
  const audit::Hash hash = audit::LeafHash(bytes);
  view.set_leaf_hash(
      Hex({reinterpret_cast<const char*>(hash.data()), hash.size()}));
  for (const std::string& detail : leaf.details()) {
    const size_t equals = detail.find('=');
    if (equals == std::string::npos) continue;
    // The method has a field of its own.
    if (detail.compare(0, equals, "method") == 0) {
      view.set_method(detail.substr(equals + 1));
      continue;
    }
    std::string& value = (*view.mutable_details())[detail.substr(0, equals)];
    if (!value.empty()) value += ", ";
    value += detail.substr(equals + 1);
  }
  return view;
}

}  // namespace consentry::access
