#include <set>

#include "policy/engine/check.h"
#include "policy/engine/civil.h"
#include "policy/engine/places.h"

namespace consentry::policy {
namespace {

using config::v1::GroundRule;
using config::v1::LocalText;
using config::v1::Pack;
using config::v1::RedressRule;
using config::v1::Right;
using config::v1::RightRule;
using config::v1::Support;
using config::v1::Verification;

constexpr uint32_t kMaxMonths = 1200;
constexpr uint32_t kMaxChildAge = 21;

template <class Repeated>
void CheckEnums(const Repeated& values, const Place& at, Findings* out) {
  std::set<int> seen;
  for (const int value : values) {
    if (!seen.insert(value).second) out->Refuse(at, "names one twice");
  }
}

void CheckTexts(const google::protobuf::RepeatedPtrField<LocalText>& texts,
                const Place& at, Findings* out) {
  std::set<std::string> languages;
  for (const LocalText& text : texts) {
    if (!languages.insert(text.language()).second) {
      out->Refuse(at, "gives a language twice");
    }
    if (text.text().empty()) out->Refuse(at, "has a language without words");
  }
  if (!languages.contains("en")) {
    out->Refuse(at, "needs plain words in language en");
  }
}

bool HasClock(const Pack& pack, Right::Value right) {
  const bool decision =
      right == Right::HUMAN_REVIEW || right == Right::EXPLANATION;
  for (const auto& clock : pack.clocks()) {
    if (clock.right() == right ||
        (decision && clock.right() == Right::AUTOMATED_DECISION)) {
      return true;
    }
  }
  return false;
}

void CheckRight(const Pack& pack, const RightRule& row, const Place& at,
                Findings* out) {
  if (row.right() == Right::UNSPECIFIED ||
      row.right() == Right::AUTOMATED_DECISION) {
    out->Refuse(at.At("right"),
                "is missing; for automated decisions HUMAN_REVIEW, EXPLANATION "
                "or OPT_OUT_PROFILING");
  } else if (!HasClock(pack, row.right())) {
    out->Refuse(at.At("right"), "has no clocks row in its pack");
  }
  CheckEnums(row.bases(), at.At("bases"), out);
  CheckEnums(row.classes(), at.At("classes"), out);
  if (row.scope() == RightRule::UNSPECIFIED) {
    out->Refuse(at.At("scope"), "is missing");
  }
  if (row.verification() == Verification::UNSPECIFIED) {
    out->Refuse(at.At("verification"), "is missing; write NONE for none");
  }
  if (row.verification_sensitive() != Verification::UNSPECIFIED &&
      row.verification_sensitive() < row.verification()) {
    out->Refuse(at.At("verification_sensitive"),
                "must not be less than verification");
  }
  if (row.agents() == config::v1::Agents::UNSPECIFIED) {
    out->Refuse(at.At("agents"), "is missing; write NOBODY for none");
  }
  if (row.look_back_months() > kMaxMonths) {
    out->Refuse(at.At("look_back_months"), "must be at most 1200");
  }
  if (!row.look_back_from().empty() &&
      (row.look_back_months() == 0 || !ParseDay(row.look_back_from()))) {
    out->Refuse(at.At("look_back_from"),
                "must be a day, YYYY-MM-DD, beside look_back_months");
  }
  if ((row.free_count() == 0) != (row.free_months() == 0) ||
      row.free_months() > kMaxMonths) {
    out->Refuse(at.At("free_months"), "goes with free_count, at most 1200");
  }
  if (row.below_age() > kMaxChildAge) {
    out->Refuse(at.At("below_age"), "must be at most 21");
  }
}

void CheckGround(const GroundRule& row, const Place& at, Findings* out) {
  if (row.rights_size() == 0) out->Refuse(at.At("rights"), "is missing");
  CheckEnums(row.rights(), at.At("rights"), out);
  CheckEnums(row.support(), at.At("support"), out);
  CheckEnums(row.classes(), at.At("classes"), out);
  for (const int right : row.rights()) {
    if (right == Right::UNSPECIFIED || right == Right::AUTOMATED_DECISION) {
      out->Refuse(at.At("rights"), "names none, or AUTOMATED_DECISION");
    }
    if (row.effect() == GroundRule::KEEP && right != Right::ERASURE) {
      out->Refuse(at.At("effect"), "KEEP is for ERASURE alone");
    }
  }
  if (row.effect() == GroundRule::UNSPECIFIED) {
    out->Refuse(at.At("effect"), "is missing");
  }
  if (row.support_size() == 0) out->Refuse(at.At("support"), "is missing");
  for (const int support : row.support()) {
    if (support == Support::PURPOSE && row.classes_size() == 0) {
      out->Refuse(at.At("classes"), "is needed with the support PURPOSE");
    }
    if (support == Support::CATEGORY && row.categories_size() == 0) {
      out->Refuse(at.At("categories"), "is needed with the support CATEGORY");
    }
  }
  for (int c = 0; c < row.categories_size(); ++c) {
    const std::string& category = row.categories(c);
    if (!IsKey(category, "_.", 100) || category.back() == '.') {
      out->Refuse(at.At("categories", c),
                  "must be a data category such as user.biometric");
    }
  }
  CheckTexts(row.text(), at.At("text"), out);
}

void CheckRedress(const RedressRule& row, const Place& at, Findings* out) {
  if (row.kind() == RedressRule::UNSPECIFIED) {
    out->Refuse(at.At("kind"), "is missing");
  }
  for (int j = 0; j < row.jurisdictions_size(); ++j) {
    if (!IsPlaceCode(row.jurisdictions(j))) {
      out->Refuse(at.At("jurisdictions", j), "is no code like DE or US-CA");
    }
  }
  CheckTexts(row.text(), at.At("text"), out);
}

}  // namespace

void CheckRights(const Located<Pack>& located, Findings* out) {
  const Pack& pack = located.message;
  const Place root = PlaceOf(located);
  std::set<int> given;
  for (int i = 0; i < pack.rights_size(); ++i) {
    given.insert(pack.rights(i).right());
    CheckRight(pack, pack.rights(i), root.At("rights", i), out);
  }
  for (int i = 0; i < pack.grounds_size(); ++i) {
    const Place at = root.At("grounds", i);
    CheckGround(pack.grounds(i), at, out);
    for (const int right : pack.grounds(i).rights()) {
      if (!given.contains(right)) {
        out->Refuse(at.At("rights"), "names a right that no rights row gives");
      }
    }
  }
  for (int i = 0; i < pack.redress_size(); ++i) {
    CheckRedress(pack.redress(i), root.At("redress", i), out);
  }
}

}  // namespace consentry::policy
