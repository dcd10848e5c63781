#include "policy/rights/erasure_plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include "policy/engine/civil.h"

namespace consentry::policy {
namespace {

using config::v1::KeepGround;

// Whether `place` is `jurisdiction` or a part of it: "US" covers "US-CA".
bool Covers(std::string_view jurisdiction, std::string_view place) {
  return place == jurisdiction ||
         (place.size() > jurisdiction.size() &&
          place.substr(0, jurisdiction.size()) == jurisdiction &&
          place[jurisdiction.size()] == '-');
}

bool Binds(const KeepGround& ground,
           const config::v1::ControllerProfile& profile) {
  if (ground.jurisdictions().empty()) return true;
  for (const std::string& jurisdiction : ground.jurisdictions()) {
    if (Covers(jurisdiction, profile.home())) return true;
    for (const std::string& place : profile.establishments()) {
      if (Covers(jurisdiction, place)) return true;
    }
  }
  return false;
}

// 0 is no end: later than all.
bool EndsLater(int64_t a, int64_t b) {
  if (b == 0) return false;
  return a == 0 || a > b;
}

void Take(const Keeping& keeping, std::optional<Keeping>* best) {
  if (!best->has_value() || EndsLater(keeping.until_us, (*best)->until_us)) {
    *best = keeping;
  }
}

using Fields = std::map<std::string, const config::v1::Field*, std::less<>>;

Fields FieldsOf(const config::v1::Catalog& catalog) {
  Fields fields;
  for (const auto& kind : catalog.kinds()) {
    for (const auto& field : kind.fields()) {
      fields[kind.key() + "." + field.key()] = &field;
    }
  }
  return fields;
}

std::optional<Keeping> KeepingOf(const HeldValue& value, const Fields& fields,
                                 const config::v1::ControllerProfile& profile,
                                 const std::vector<Retained>& retained,
                                 int64_t now_us) {
  std::optional<Keeping> best;
  for (const Retained& one : retained) {
    if (one.until_us != 0 && one.until_us <= now_us) continue;
    if (Names(one, value.field)) {
      Take({one.ground, one.document, one.until_us}, &best);
    }
  }
  const auto known = fields.find(value.field);
  if (known == fields.end()) return best;
  for (const KeepGround& ground : known->second->keep()) {
    const int64_t end = AddMonths(value.collected_us, ground.months());
    if (end > now_us && Binds(ground, profile)) {
      Take({ground.citation(), "", end}, &best);
    }
  }
  return best;
}

}  // namespace

bool Names(const Retained& retained, std::string_view field) {
  if (retained.fields.empty()) return true;
  const std::string_view kind = field.substr(0, field.find('.'));
  return std::any_of(retained.fields.begin(), retained.fields.end(),
                     [&](std::string_view name) {
                       return name == field ||
                              (name.size() == kind.size() + 2 &&
                               name.substr(0, kind.size()) == kind &&
                               name.substr(kind.size()) == ".*");
                     });
}

ErasurePlan PlanErasure(const config::v1::Catalog& catalog,
                        const config::v1::ControllerProfile& profile,
                        const std::vector<HeldValue>& values,
                        const std::vector<Retained>& retained, int64_t now_us) {
  ErasurePlan plan;
  const Fields known = FieldsOf(catalog);
  std::map<std::string, std::optional<Keeping>> fields;
  for (const HeldValue& value : values) {
    std::optional<Keeping> kept =
        KeepingOf(value, known, profile, retained, now_us);
    std::optional<Keeping>& told = fields[value.field];
    if (kept.has_value()) {
      plan.keeps_any = true;
      Take(*kept, &told);
      if (kept->until_us != 0 &&
          (plan.next_us == 0 || kept->until_us < plan.next_us)) {
        plan.next_us = kept->until_us;
      }
    }
    plan.values.push_back(std::move(kept));
  }
  for (auto& [field, kept] : fields) {
    plan.fields.push_back({field, std::move(kept)});
  }
  return plan;
}

}  // namespace consentry::policy
