#ifndef CONSENTRY_POLICY_ENGINE_TABLES_H_
#define CONSENTRY_POLICY_ENGINE_TABLES_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "consentry/config/v1/catalog.pb.h"
#include "consentry/config/v1/pack.pb.h"
#include "consentry/config/v1/purposes.pb.h"
#include "policy/engine/places.h"
#include "policy/engine/types.h"

// What a bundle compiles to; the engine's own business. Between two boundaries
// (days on which a row or pack begins or ends) nothing depends on time, so each
// regime has one version of its tables per span, shared by spans that do not
// differ.
namespace consentry::policy {

inline constexpr size_t kClasses = config::v1::PurposeClass::Value_ARRAYSIZE;
inline constexpr size_t kChannels = config::v1::Channel::Value_ARRAYSIZE;

// A set of enum values, or of anything below 32.
using Mask = uint32_t;
constexpr Mask Bit(int value) { return Mask{1} << value; }
constexpr bool Has(Mask mask, int value) { return (mask & Bit(value)) != 0; }

// A set of fields of the catalog.
class FieldSet {
 public:
  FieldSet() = default;
  explicit FieldSet(size_t fields) : words_((fields + 63) / 64) {}
  void Add(size_t field) { words_[field / 64] |= uint64_t{1} << (field % 64); }
  bool Has(FieldId id) const {
    return (words_[Index(id) / 64] >> (Index(id) % 64) & 1) != 0;
  }

 private:
  std::vector<uint64_t> words_;
};

struct UseCell {
  RuleId rule = kNoRule;
  uint8_t mode = 0;
  Mask bases = 0;
  uint32_t soft_opt_in_months = 0;
};

// A row that forbids when the subject holds a choice: opt-outs are the bits of
// OptOut, the others stand above them.
inline constexpr int kChoiceGpc = 16;
inline constexpr int kChoiceObjectedToPurpose = 17;
struct ChoiceRow {
  RuleId rule = kNoRule;
  Mask choice = 0;
  Mask classes = 0;
  Mask channels = 0;
  // Bit 0 stands for "no basis declared".
  Mask bases = 0;
  // Told as OBJECTED, else as OPTED_OUT.
  bool objection = false;
};

struct MinorRow {
  RuleId rule = kNoRule;
  Mask classes = 0;
  Mask bases = 0;
  uint8_t action = 0;
  uint8_t from_age = 0;
  // By place.
  std::vector<uint8_t> below_age;
};

struct SensitiveRow {
  RuleId rule = kNoRule;
  Mask classes = 0;
  uint8_t demand = 0;
  Mask gates = 0;
  // 0: a consent does not age.
  uint32_t consent_months = 0;
  // Already limited to fields that are sensitive.
  FieldSet fields;
};

struct TransferRow {
  RuleId rule = kNoRule;
  // Recipients that need no safeguard.
  PlaceSet free;
  Mask safeguards = 0;
};

struct AutomatedRow {
  RuleId rule = kNoRule;
  Mask bases = 0;
  Mask gates = 0;
  uint8_t human = 0;
  bool notice = false;
};

// One regime between two boundaries.
struct RegimeVersion {
  std::array<std::array<UseCell, kChannels>, kClasses> uses;
  // The choices that any row for the class and channel asks about.
  std::array<std::array<Mask, kChannels>, kClasses> choices_asked{};
  std::vector<ChoiceRow> choices;
  Mask still_permitted = 0;
  RuleId restriction = kNoRule;
  std::vector<MinorRow> minors;
  // Classes for which any minor row speaks, and the highest limit of any.
  Mask minor_classes = 0;
  uint8_t minor_below = 0;
  std::vector<SensitiveRow> sensitive;
  std::vector<TransferRow> transfers;
  std::vector<AutomatedRow> automated;
};

// Which regimes attach for a place, between two boundaries. Bit = RegimeId.
struct AttachTable {
  uint64_t always = 0;
  // By place of the subject.
  std::vector<uint64_t> residence;
  std::vector<uint64_t> anywhere;
  // Rows that ask for a residence and, apart from it, for a place.
  struct Both {
    uint64_t regime = 0;
    PlaceSet residence;
    PlaceSet anywhere;
  };
  std::vector<Both> both;
  uint64_t fallback = 0;
};

struct Slot {
  FieldId field{};
  Transform transform = config::v1::Transform::UNSPECIFIED;
};

struct ContextEntry {
  KindId kind{};
  int64_t within_us = 0;
};

// Position of a basis among those of one purpose; the last is "none declared".
using BasisSlot = uint8_t;

struct PurposeTable {
  const config::v1::Purpose* purpose = nullptr;
  uint8_t purpose_class = 0;
  Mask channels = 0;
  bool significant = false;
  bool counselling_for_children = false;
  bool soft_opt_in_declared = false;
  uint32_t retention_months = 0;
  std::vector<ContextEntry> contexts;
  // The needed fields, by id.
  std::vector<Slot> slots;
  // FieldId -> position in slots, or kNoSlot.
  std::vector<uint16_t> slot_of;
  // First of this purpose's bases in BundleTables::bases, and their number.
  uint16_t first_basis = 0;
  uint8_t basis_count = 0;
  // By regime: the basis of each slot, and last the one without fields.
  std::vector<std::vector<BasisSlot>> basis_of;
  // By place: the safeguards that the purpose has for it.
  std::vector<Mask> transfers;
  // Owner's rows for this purpose and class, in id order.
  std::vector<uint16_t> owner_rows;
};
inline constexpr uint16_t kNoSlot = 0xffff;

struct BasisEntry {
  const config::v1::Basis* basis = nullptr;
  uint8_t kind = 0;
  uint8_t gate = 0;
  // kNoNotice unless the basis is a consent.
  NoticeId notice = kNoNotice;
  uint32_t notice_version = 0;
};

struct OwnerRow {
  RuleId rule = kNoRule;
  int64_t from_us = 0;
  int64_t to_us = 0;
  Mask channels = 0;
  // Names fields or categories; else acts on the whole purpose.
  bool names_fields = false;
  FieldSet fields;
  bool names_places = false;
  PlaceSet places;
  uint8_t below_age = 0;
  bool unknown_age_too = false;
  bool names_hours = false;
  uint8_t from_hour = 0;
  uint8_t to_hour = 0;
  uint8_t effect = 0;
  uint32_t months = 0;
  Transform transform = config::v1::Transform::UNSPECIFIED;
};

struct RuleEntry {
  std::string id;
  const config::v1::RuleInfo* info = nullptr;
};

struct FieldEntry {
  std::string name;
  const config::v1::Field* field = nullptr;
  KindId kind{};
  uint32_t retention_months = 0;
};

struct BundleTables {
  PlaceTable places;
  // Home and markets, where a residence is unknown.
  std::vector<JurisdictionId> assumed_residences;

  std::vector<FieldEntry> fields;
  std::map<std::string, FieldId, std::less<>> field_ids;
  std::vector<const config::v1::RecordKind*> kinds;
  std::map<std::string, KindId, std::less<>> kind_ids;
  std::vector<PurposeTable> purposes;
  std::map<std::string, PurposeId, std::less<>> purpose_ids;
  std::vector<BasisEntry> bases;
  std::map<std::string, NoticeId, std::less<>> notice_ids;
  std::vector<RuleEntry> rules;
  std::map<std::string, RuleId, std::less<>> rule_ids;
  // Legal packs by id.
  std::vector<const config::v1::Pack*> regimes;
  std::map<std::string, RegimeId, std::less<>> regime_ids;
  // By regime: its sensitive fields.
  std::vector<FieldSet> sensitive_fields;

  // Days on which anything begins or ends, ascending. Span i lies before
  // boundaries[i].
  std::vector<int64_t> boundaries;
  std::vector<AttachTable> attach;
  // By span and regime: position in `versions`.
  std::vector<std::vector<uint16_t>> version_of;
  std::vector<RegimeVersion> versions;

  std::vector<OwnerRow> owner_rows;
  int32_t utc_offset_minutes = 0;
  // The highest age that any row asks about.
  int highest_age = 0;
};

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_TABLES_H_
