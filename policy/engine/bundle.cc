#include "policy/engine/bundle.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "policy/engine/check.h"
#include "policy/engine/civil.h"
#include "policy/engine/compile.h"
#include "policy/engine/tables.h"

namespace consentry::policy {
namespace {

// Raised when the same files begin to mean something else.
constexpr std::string_view kEngineVersion = "consentry-policy-1";

void AppendPart(std::string_view name, std::string_view bytes,
                std::string* out) {
  absl::StrAppend(out, absl::string_view(name.data(), name.size()), "\n",
                  bytes.size(), "\n",
                  absl::string_view(bytes.data(), bytes.size()));
}

std::string Serialize(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

std::string CanonicalBytes(const BundleSources& sources) {
  std::string out;
  AppendPart("engine", kEngineVersion, &out);
  AppendPart("catalog", Serialize(sources.catalog.message), &out);
  AppendPart("purposes", Serialize(sources.purposes.message), &out);
  AppendPart("profile", Serialize(sources.profile.message), &out);
  std::vector<const config::v1::Pack*> packs;
  for (const auto& pack : sources.packs) packs.push_back(&pack.message);
  std::sort(packs.begin(), packs.end(),
            [](const auto* a, const auto* b) { return a->id() < b->id(); });
  for (const auto* pack : packs) AppendPart("pack", Serialize(*pack), &out);
  return out;
}

template <class Map>
auto Find(const Map& map, std::string_view key)
    -> std::optional<typename Map::mapped_type> {
  const auto it = map.find(key);
  if (it == map.end()) return std::nullopt;
  return it->second;
}

}  // namespace

Bundle::Bundle() = default;
Bundle::~Bundle() = default;

absl::StatusOr<std::shared_ptr<const Bundle>> Bundle::Compile(
    BundleSources sources) {
  Findings findings;
  CheckCatalog(sources.catalog, &findings);
  CheckProfile(sources.profile, &findings);
  CheckPacks(sources.packs, &findings);
  CheckPurposes(sources.purposes, sources.catalog.message, &findings);
  // The rest reads names and days as if they were sound.
  if (findings.faults.empty()) CheckTogether(sources, &findings);
  if (!findings.faults.empty()) return FaultsToStatus(findings.faults);

  std::shared_ptr<Bundle> bundle(new Bundle());
  bundle->sources_ = std::move(sources);
  bundle->tables_ = CompileTables(bundle->sources_);
  bundle->canonical_bytes_ = CanonicalBytes(bundle->sources_);
  bundle->warnings_ = std::move(findings.warnings);
  return std::shared_ptr<const Bundle>(std::move(bundle));
}

std::optional<PurposeId> Bundle::FindPurpose(std::string_view key) const {
  return Find(tables_->purpose_ids, key);
}
std::optional<FieldId> Bundle::FindField(std::string_view name) const {
  return Find(tables_->field_ids, name);
}
std::optional<KindId> Bundle::FindKind(std::string_view key) const {
  return Find(tables_->kind_ids, key);
}
std::optional<RegimeId> Bundle::FindRegime(std::string_view id) const {
  return Find(tables_->regime_ids, id);
}
std::optional<RuleId> Bundle::FindRule(std::string_view id) const {
  return Find(tables_->rule_ids, id);
}
NoticeId Bundle::FindNotice(std::string_view id) const {
  return Find(tables_->notice_ids, id).value_or(kNoNotice);
}
std::optional<JurisdictionId> Bundle::FindJurisdiction(
    std::string_view code) const {
  return tables_->places.Find(code);
}

size_t Bundle::purpose_count() const { return tables_->purposes.size(); }
size_t Bundle::field_count() const { return tables_->fields.size(); }
size_t Bundle::regime_count() const { return tables_->regimes.size(); }
size_t Bundle::rule_count() const { return tables_->rules.size(); }

const config::v1::Purpose& Bundle::purpose(PurposeId id) const {
  return *tables_->purposes[Index(id)].purpose;
}
const config::v1::Field& Bundle::field(FieldId id) const {
  return *tables_->fields[Index(id)].field;
}
const std::string& Bundle::field_name(FieldId id) const {
  return tables_->fields[Index(id)].name;
}
const config::v1::RecordKind& Bundle::kind(KindId id) const {
  return *tables_->kinds[Index(id)];
}
KindId Bundle::kind_of(FieldId id) const {
  return tables_->fields[Index(id)].kind;
}
const std::string& Bundle::regime(RegimeId id) const {
  return tables_->regimes[Index(id)]->id();
}
const config::v1::Pack& Bundle::pack(RegimeId id) const {
  return *tables_->regimes[Index(id)];
}
RuleText Bundle::rule(RuleId id) const {
  if (id == kNoRule) return {};
  const RuleEntry& rule = tables_->rules[Index(id)];
  return {rule.id, rule.info->citation(), rule.info->note(),
          rule.info->evidence()};
}
const config::v1::Basis& Bundle::basis(BasisId id) const {
  return *tables_->bases[Index(id)].basis;
}

std::string Bundle::basis_document(BasisId id) const {
  return BasisDocument(basis(id));
}

std::string BasisDocument(const config::v1::Basis& b) {
  using config::v1::LawfulBasis;
  switch (b.basis()) {
    case LawfulBasis::CONTRACT:
      return b.necessity_note();
    case LawfulBasis::LEGITIMATE_INTEREST:
    case LawfulBasis::PUBLIC_TASK:
      return b.lia();
    case LawfulBasis::LEGAL_OBLIGATION:
    case LawfulBasis::VITAL_INTEREST:
    case LawfulBasis::RECOGNISED_INTEREST:
      return b.law();
    default:
      return absl::StrCat("notice ", b.notice_id(), " v", b.notice_version());
  }
}

std::optional<Transform> Bundle::NeededAs(PurposeId purpose,
                                          FieldId field) const {
  const PurposeTable& table = tables_->purposes[Index(purpose)];
  const uint16_t slot = table.slot_of[Index(field)];
  if (slot == kNoSlot ||
      table.slots[slot].transform == config::v1::Transform::DROP) {
    return std::nullopt;
  }
  return table.slots[slot].transform;
}

namespace {

// The earliest of catalog, purpose, and the owner's rules at `time_us` that
// hold for every subject and channel.
uint32_t MonthsFor(const BundleTables& tables, const PurposeTable& purpose,
                   FieldId field, int64_t time_us) {
  uint32_t months = tables.fields[Index(field)].retention_months;
  if (purpose.retention_months > 0) {
    months = std::min(months, purpose.retention_months);
  }
  for (const uint16_t i : purpose.owner_rows) {
    const OwnerRow& row = tables.owner_rows[i];
    if (row.effect != config::v1::OwnerRule::SHORTEN_RETENTION ||
        time_us < row.from_us || time_us >= row.to_us ||
        row.channels != ~Mask{0} || row.names_hours || row.names_places ||
        row.below_age > 0 || (row.names_fields && !row.fields.Has(field))) {
      continue;
    }
    months = std::min(months, row.months);
  }
  return months;
}

}  // namespace

int64_t Bundle::RetentionEndUs(PurposeId purpose, FieldId field,
                               int64_t collected_us, int64_t time_us) const {
  // What was collected at no time that can be is not kept on.
  if (collected_us < 0 || collected_us >= kMaxTimeUs) return 0;
  return AddMonths(
      collected_us,
      MonthsFor(*tables_, tables_->purposes[Index(purpose)], field, time_us));
}

uint32_t Bundle::KeptMonths(FieldId field, int64_t time_us) const {
  std::optional<uint32_t> longest;
  for (size_t i = 0; i < tables_->purposes.size(); ++i) {
    if (!NeededAs(static_cast<PurposeId>(i), field)) continue;
    longest =
        std::max(longest.value_or(0),
                 MonthsFor(*tables_, tables_->purposes[i], field, time_us));
  }
  return longest.value_or(tables_->fields[Index(field)].retention_months);
}

}  // namespace consentry::policy
