#include "gateway/access/read_leaf.h"

#include <sodium.h>

#include "gateway/crypto/subject_tag.h"
#include "policy/engine/engine.h"

namespace consentry::access {

namespace {
constexpr size_t kDigestBytes = 16;
}  // namespace

std::string EffectsDigest(const policy::Bundle& bundle,
                          const policy::Decision& decision) {
  const std::string effects = policy::CanonicalEffects(bundle, decision);
  std::string digest(kDigestBytes, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(digest.data()),
                     digest.size(),
                     reinterpret_cast<const unsigned char*>(effects.data()),
                     effects.size(), nullptr, 0);
  return digest;
}

ReadLeaf::ReadLeaf(const ReadPlan& plan, const Caller& caller, int64_t now_us,
                   std::string_view log_origin)
    : plan_(plan),
      log_origin_(log_origin),
      leaf_(clients::LeafOf(*plan.configuration, caller, now_us)) {
  leaf_.set_purpose(plan.bundle().purpose(plan.purpose).key());
  leaf_.set_channel(static_cast<int>(plan.channel));
  for (const policy::FieldId field : plan.fields) {
    leaf_.add_fields(plan.bundle().field_name(field));
  }
}

uint32_t ReadLeaf::RulePosition(const policy::Bundle& bundle,
                                policy::RuleId rule) {
  const auto [at, added] =
      rules_.try_emplace(rule, static_cast<uint32_t>(leaf_.rules_size()));
  if (added) leaf_.add_rules(std::string(bundle.rule(rule).id));
  return at->second;
}

void ReadLeaf::SetTag(const vault::CachedSubject* member,
                      store::v1::LeafSubject* subject) const {
  crypto::SubjectTag tag = crypto::RandomTag();
  if (member != nullptr) {
    tag = crypto::ComputeSubjectTag(member->keys(), log_origin_,
                                    crypto::MonthOf(leaf_.time_us()));
    subject->set_version(static_cast<uint64_t>(member->version()));
  }
  subject->set_tag(tag.data(), tag.size());
}

uint16_t ReadLeaf::Add(const Snapshot& snapshot,
                       const policy::Decision& decision, uint64_t released) {
  const auto item = static_cast<uint16_t>(subjects_.size());
  const policy::Bundle& bundle = plan_.bundle();
  store::v1::LeafSubject* subject = leaf_.add_subjects();
  SetTag(snapshot.known() ? snapshot.members[0].get() : nullptr, subject);
  subject->set_effect(decision.permitted ? v1::EFFECT_PERMIT : v1::EFFECT_DENY);
  if (!decision.permitted) subject->set_reason(decision.reason);
  subject->set_released(released);
  for (const policy::RuleId rule : decision.rules) {
    subject->add_rules(RulePosition(bundle, rule));
  }
  subject->set_effects_digest(EffectsDigest(bundle, decision));
  if (!snapshot.known()) {
    subjects_.push_back({0, 0});
    return item;
  }
  for (size_t m = 0; m < snapshot.members.size(); ++m) {
    const vault::CachedSubject& member = *snapshot.members[m];
    subjects_.push_back(
        {static_cast<int64_t>(member.subject()), member.version()});
    if (m == 0) continue;
    store::v1::LeafSubject* joined = leaf_.add_subjects();
    SetTag(&member, joined);
    joined->set_member(true);
  }
  return item;
}

}  // namespace consentry::access
