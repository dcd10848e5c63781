#include "policy/engine/rights_tables.h"

#include <algorithm>
#include <bit>
#include <set>

#include "absl/strings/str_cat.h"
#include "policy/engine/check.h"
#include "policy/engine/places.h"
#include "policy/engine/question.h"
#include "policy/engine/tables.h"

namespace consentry::policy {
namespace {

using config::v1::ClockRule;
using config::v1::GroundRule;
using config::v1::Pack;
using config::v1::RedressRule;
using config::v1::RightRule;
using PackRight = config::v1::Right;

bool Holds(const Pack& pack, const config::v1::RuleInfo& rule,
           int64_t time_us) {
  const Validity validity = ValidityOf(pack, rule);
  return validity.from_us <= time_us && time_us < validity.to_us;
}

template <class Row>
void SortById(std::vector<const Row*>* rows) {
  std::sort(rows->begin(), rows->end(), [](const Row* a, const Row* b) {
    return a->rule().id() < b->rule().id();
  });
}

// The row with the first id of those that hold and match.
template <class Rows, class Match>
auto First(const Pack& pack, const Rows& rows, int64_t time_us, Match match)
    -> const typename Rows::value_type* {
  const typename Rows::value_type* first = nullptr;
  for (const auto& row : rows) {
    if (!Holds(pack, row.rule(), time_us) || !match(row)) continue;
    if (first == nullptr || row.rule().id() < first->rule().id()) first = &row;
  }
  return first;
}

template <class Repeated>
bool EmptyOrHas(const Repeated& values, int value) {
  return values.empty() ||
         std::find(values.begin(), values.end(), value) != values.end();
}

template <class Repeated>
bool HasValue(const Repeated& values, int value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

std::vector<RegimeId> AttachedRegimes(const Bundle& bundle,
                                      const SubjectFacts& facts,
                                      int64_t time_us) {
  const BundleTables& tables = bundle.tables();
  std::vector<RegimeId> out;
  uint64_t mask = AttachedIn(tables, facts, SpanAt(tables, time_us));
  for (; mask != 0; mask &= mask - 1) {
    out.push_back(RegimeId{static_cast<uint16_t>(std::countr_zero(mask))});
  }
  return out;
}

const ClockRule* ClockOf(const Bundle& bundle, RegimeId regime, Right right,
                         int64_t time_us) {
  const Pack& pack = bundle.pack(regime);
  const auto of = [&](Right wanted) {
    return First(pack, pack.clocks(), time_us,
                 [&](const ClockRule& row) { return row.right() == wanted; });
  };
  const ClockRule* clock = of(right);
  if (clock == nullptr &&
      (right == PackRight::HUMAN_REVIEW || right == PackRight::EXPLANATION)) {
    clock = of(PackRight::AUTOMATED_DECISION);
  }
  return clock;
}

std::vector<RightGrant> GrantsOf(const Bundle& bundle, RegimeId regime,
                                 Right right, int64_t time_us) {
  const Pack& pack = bundle.pack(regime);
  const ClockRule* clock = ClockOf(bundle, regime, right, time_us);
  std::vector<RightGrant> out;
  if (clock == nullptr) return out;
  std::vector<const RightRule*> rows;
  for (const RightRule& row : pack.rights()) {
    if (row.right() == right && Holds(pack, row.rule(), time_us)) {
      rows.push_back(&row);
    }
  }
  SortById(&rows);
  for (const RightRule* row : rows) out.push_back({regime, row, clock});
  return out;
}

bool Reaches(const RightRule& row, PurposeClass purpose_class,
             LawfulBasis basis) {
  return (purpose_class == config::v1::PurposeClass::UNSPECIFIED ||
          EmptyOrHas(row.classes(), purpose_class)) &&
         (basis == config::v1::LawfulBasis::UNSPECIFIED ||
          EmptyOrHas(row.bases(), basis));
}

std::vector<const GroundRule*> GroundsOf(const Bundle& bundle, RegimeId regime,
                                         Right right, int64_t time_us) {
  const Pack& pack = bundle.pack(regime);
  std::vector<const GroundRule*> out;
  for (const GroundRule& row : pack.grounds()) {
    if (HasValue(row.rights(), right) && Holds(pack, row.rule(), time_us)) {
      out.push_back(&row);
    }
  }
  SortById(&out);
  return out;
}

const GroundRule* FindGround(const Bundle& bundle, RegimeId regime, Right right,
                             std::string_view id, int64_t time_us) {
  const Pack& pack = bundle.pack(regime);
  return First(pack, pack.grounds(), time_us, [&](const GroundRule& row) {
    return row.rule().id() == id && HasValue(row.rights(), right);
  });
}

bool GroundHoldsField(const GroundRule& ground,
                      const config::v1::Field& field) {
  if (ground.categories().empty()) return true;
  for (const std::string& prefix : ground.categories()) {
    if (HoldsCategory(prefix, field.category())) return true;
    for (const std::string& revealed : field.reveals()) {
      if (HoldsCategory(prefix, revealed)) return true;
    }
  }
  return false;
}

std::vector<const RedressRule*> RedressOf(const Bundle& bundle, RegimeId regime,
                                          std::string_view residence,
                                          int64_t time_us) {
  const Pack& pack = bundle.pack(regime);
  std::vector<const RedressRule*> out;
  std::set<int> named;
  const auto names = [&](const RedressRule& row) {
    return std::any_of(
        row.jurisdictions().begin(), row.jurisdictions().end(),
        [&](const std::string& code) { return Covers(code, residence); });
  };
  for (const RedressRule& row : pack.redress()) {
    if (!Holds(pack, row.rule(), time_us) || !names(row)) continue;
    named.insert(row.kind());
    out.push_back(&row);
  }
  for (const RedressRule& row : pack.redress()) {
    if (Holds(pack, row.rule(), time_us) && row.jurisdictions().empty() &&
        !named.contains(row.kind())) {
      out.push_back(&row);
    }
  }
  SortById(&out);
  return out;
}

const config::v1::ProofRule* ProofOf(const Bundle& bundle, RegimeId regime,
                                     int64_t time_us) {
  const Pack& pack = bundle.pack(regime);
  return First(pack, pack.proofs(), time_us, [](const auto&) { return true; });
}

const config::v1::BreachRule* BreachOf(const Bundle& bundle, RegimeId regime,
                                       int64_t time_us) {
  const Pack& pack = bundle.pack(regime);
  return First(pack, pack.breaches(), time_us,
               [](const auto&) { return true; });
}

const config::v1::ReaskRule* ReaskOf(const Bundle& bundle, RegimeId regime,
                                     PurposeClass purpose_class,
                                     int64_t time_us) {
  const Pack& pack = bundle.pack(regime);
  return First(pack, pack.reasks(), time_us, [&](const auto& row) {
    return EmptyOrHas(row.classes(), purpose_class);
  });
}

const config::v1::ReckoningRule* ReckoningOf(const Bundle& bundle,
                                             RegimeId regime, int64_t time_us) {
  const Pack& pack = bundle.pack(regime);
  return First(pack, pack.reckonings(), time_us,
               [](const config::v1::ReckoningRule&) { return true; });
}

bool IsSensitive(const Bundle& bundle, RegimeId regime, FieldId field) {
  return bundle.tables().sensitive_fields[Index(regime)].Has(field);
}

std::string RuleName(const Bundle& bundle, RegimeId regime,
                     const config::v1::RuleInfo& rule) {
  return absl::StrCat(bundle.regime(regime), "/", rule.id());
}

const config::v1::LocalText* TextIn(
    const google::protobuf::RepeatedPtrField<config::v1::LocalText>& texts,
    std::string_view language) {
  const std::string_view primary = language.substr(0, language.find('-'));
  for (const std::string_view wanted :
       {language, primary, std::string_view("en")}) {
    for (const auto& text : texts) {
      if (text.language() == wanted) return &text;
    }
  }
  return nullptr;
}

}  // namespace consentry::policy
