#ifndef CONSENTRY_POLICY_ENGINE_BUNDLE_H_
#define CONSENTRY_POLICY_ENGINE_BUNDLE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/config/v1/catalog.pb.h"
#include "consentry/config/v1/controller.pb.h"
#include "consentry/config/v1/pack.pb.h"
#include "consentry/config/v1/purposes.pb.h"
#include "policy/engine/text_config.h"
#include "policy/engine/types.h"

namespace consentry::policy {

// What a bundle is made of. Packs in any order, the owner's own among them or
// not; at most one of kind OWNER.
struct BundleSources {
  Located<config::v1::Catalog> catalog;
  Located<config::v1::PurposeRegistry> purposes;
  Located<config::v1::ControllerProfile> profile;
  std::vector<Located<config::v1::Pack>> packs;
};

struct BundleTables;

// What a rule says about itself.
struct RuleText {
  // "eu-gdpr/use.service".
  std::string_view id;
  std::string_view citation;
  std::string_view note;
  config::v1::Evidence::Value evidence = config::v1::Evidence::UNSPECIFIED;
};

// The id of the document that proves the basis: note, assessment, law or
// "notice id vN".
std::string BasisDocument(const config::v1::Basis& basis);

// Catalog, purposes, packs and profile, checked and compiled. Immutable: any
// thread may call any method at any time. Views live as long as the bundle.
class Bundle {
 public:
  // Refuses with CONFIG_INVALID and every fault found. Nothing is repaired.
  static absl::StatusOr<std::shared_ptr<const Bundle>> Compile(
      BundleSources sources);

  Bundle(const Bundle&) = delete;
  Bundle& operator=(const Bundle&) = delete;
  ~Bundle();

  // Bytes that depend on the content alone, not on order of packs, comments or
  // layout of text. Callers take SHA-256 of them to name the bundle.
  const std::string& canonical_bytes() const { return canonical_bytes_; }
  // What is not wrong enough to refuse, for people.
  const std::vector<Fault>& warnings() const { return warnings_; }

  // Names to handles; nullopt for unknown names. Once per request.
  std::optional<PurposeId> FindPurpose(std::string_view key) const;
  // "profile.email".
  std::optional<FieldId> FindField(std::string_view name) const;
  std::optional<KindId> FindKind(std::string_view key) const;
  std::optional<RegimeId> FindRegime(std::string_view id) const;
  std::optional<RuleId> FindRule(std::string_view id) const;
  // kNoNotice where no basis names the notice.
  NoticeId FindNotice(std::string_view id) const;
  // ISO 3166-1 alpha-2 or 3166-2, upper case. A part of a country that no file
  // names is that country; a country that no file names is kElsewhere; what is
  // no code at all is nullopt.
  std::optional<JurisdictionId> FindJurisdiction(std::string_view code) const;

  // Handles to names and messages.
  size_t purpose_count() const;
  size_t field_count() const;
  size_t regime_count() const;
  size_t rule_count() const;
  const config::v1::Purpose& purpose(PurposeId id) const;
  const config::v1::Field& field(FieldId id) const;
  const std::string& field_name(FieldId id) const;
  const config::v1::RecordKind& kind(KindId id) const;
  KindId kind_of(FieldId id) const;
  const std::string& regime(RegimeId id) const;
  const config::v1::Pack& pack(RegimeId id) const;
  RuleText rule(RuleId id) const;
  const config::v1::Basis& basis(BasisId id) const;
  std::string basis_document(BasisId id) const;

  const config::v1::Catalog& catalog() const {
    return sources_.catalog.message;
  }
  const config::v1::ControllerProfile& profile() const {
    return sources_.profile.message;
  }
  const config::v1::PurposeRegistry& purposes() const {
    return sources_.purposes.message;
  }
  const std::vector<Located<config::v1::Pack>>& packs() const {
    return sources_.packs;
  }

  // Whether the purpose needs the field at all, and as what.
  std::optional<Transform> NeededAs(PurposeId purpose, FieldId field) const;

  // When a value collected then may no longer be used for the purpose: the
  // earliest of catalog, purpose, and the owner's rules at `time_us` that hold
  // for every subject and channel. For records of which a subject has several.
  // 0 for a time of collection outside the years 1970 to 2199.
  int64_t RetentionEndUs(PurposeId purpose, FieldId field, int64_t collected_us,
                         int64_t time_us) const;

  // Months from collection after which no purpose may use the field any more:
  // the longest of those that need it, the catalog's where none does. What is
  // held longer is held for nothing.
  uint32_t KeptMonths(FieldId field, int64_t time_us) const;

  const BundleTables& tables() const { return *tables_; }

 private:
  Bundle();

  BundleSources sources_;
  std::unique_ptr<BundleTables> tables_;
  std::string canonical_bytes_;
  std::vector<Fault> warnings_;
};

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_BUNDLE_H_
