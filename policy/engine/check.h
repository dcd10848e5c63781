#ifndef CONSENTRY_POLICY_ENGINE_CHECK_H_
#define CONSENTRY_POLICY_ENGINE_CHECK_H_

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "policy/engine/bundle.h"
#include "policy/engine/text_config.h"

namespace consentry::policy {

// What the checks of one bundle find. `faults` refuse it, `warnings` do not.
struct Findings {
  std::vector<Fault> faults;
  std::vector<Fault> warnings;

  void Refuse(const Place& place, std::string message) {
    faults.push_back(place.MakeFault(std::move(message)));
  }
  void Warn(const Place& place, std::string message) {
    warnings.push_back(place.MakeFault(std::move(message)));
  }
};

// Each checks one file for itself and against those named before it. All faults
// of a file are found at once.
void CheckCatalog(const Located<config::v1::Catalog>& catalog, Findings* out);
void CheckProfile(const Located<config::v1::ControllerProfile>& profile,
                  Findings* out);
// Names of packs, their rows one by one.
void CheckPacks(const std::vector<Located<config::v1::Pack>>& packs,
                Findings* out);
// The rows of a legal pack about rights, grounds and redress; part of
// CheckPacks.
void CheckRights(const Located<config::v1::Pack>& located, Findings* out);
void CheckPurposes(const Located<config::v1::PurposeRegistry>& purposes,
                   const config::v1::Catalog& catalog, Findings* out);
// What only shows when all are there: bases that no use rule allows, use rules
// that overlap, thresholds that no pack knows, owner's rules that loosen.
void CheckTogether(const BundleSources& sources, Findings* out);

// [a-z][a-z0-9 and `more`]*, at most `max` characters.
bool IsKey(std::string_view text, std::string_view more, size_t max);
// "user.contact" holds "user.contact" and "user.contact.email".
bool HoldsCategory(std::string_view prefix, std::string_view category);
bool IsConsent(LawfulBasis basis);

// `codes` with "@GROUP" replaced by its members.
std::vector<std::string> ExpandPlaces(
    const config::v1::Pack& pack,
    const google::protobuf::RepeatedPtrField<std::string>& codes);

// Every place that any of the files names, groups expanded.
std::set<std::string, std::less<>> NamedPlaces(const BundleSources& sources);

// Calls f(rule info, name of the repeated field, index) for every row of a
// pack.
template <class F>
void ForEachRule(const config::v1::Pack& pack, F f) {
  const auto each = [&](const auto& rows, const char* name) {
    for (int i = 0; i < rows.size(); ++i) f(rows[i].rule(), name, i);
  };
  each(pack.attach(), "attach");
  each(pack.uses(), "uses");
  each(pack.sensitive(), "sensitive");
  each(pack.minors(), "minors");
  each(pack.signals(), "signals");
  each(pack.opt_outs(), "opt_outs");
  each(pack.objections(), "objections");
  each(pack.restrictions(), "restrictions");
  each(pack.transfers(), "transfers");
  each(pack.automated_decisions(), "automated_decisions");
  each(pack.clocks(), "clocks");
  each(pack.reasks(), "reasks");
  each(pack.breaches(), "breaches");
  each(pack.proofs(), "proofs");
  each(pack.owner_rules(), "owner_rules");
  each(pack.rights(), "rights");
  each(pack.grounds(), "grounds");
  each(pack.redress(), "redress");
  each(pack.reckonings(), "reckonings");
}

// Whether decisions read rows of the repeated field.
bool DecisionsRead(std::string_view rows);

// The time in which a row holds, its pack's days included, microseconds;
// INT64_MIN and INT64_MAX where open.
struct Validity {
  int64_t from_us;
  int64_t to_us;
};
Validity ValidityOf(const config::v1::Pack& pack,
                    const config::v1::RuleInfo& rule);

// The stricter of two transforms; DROP where neither holds the other.
Transform StricterTransform(Transform a, Transform b);

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_CHECK_H_
