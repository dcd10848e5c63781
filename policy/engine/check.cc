#include "policy/engine/check.h"

#include <algorithm>
#include <array>
#include <limits>

#include "policy/engine/civil.h"

namespace consentry::policy {

using config::v1::Pack;
using config::v1::RuleInfo;

bool IsKey(std::string_view text, std::string_view more, size_t max) {
  if (text.empty() || text.size() > max) return false;
  if (text[0] < 'a' || text[0] > 'z') return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

bool HoldsCategory(std::string_view prefix, std::string_view category) {
  return category.substr(0, prefix.size()) == prefix &&
         (category.size() == prefix.size() || category[prefix.size()] == '.');
}

bool IsConsent(LawfulBasis basis) {
  return basis == config::v1::LawfulBasis::CONSENT ||
         basis == config::v1::LawfulBasis::EXPLICIT_CONSENT;
}

std::vector<std::string> ExpandPlaces(
    const Pack& pack,
    const google::protobuf::RepeatedPtrField<std::string>& codes) {
  std::vector<std::string> out;
  for (const std::string& code : codes) {
    if (code.empty() || code[0] != '@') {
      out.push_back(code);
      continue;
    }
    for (const auto& group : pack.groups()) {
      if (group.name() != std::string_view(code).substr(1)) continue;
      out.insert(out.end(), group.members().begin(), group.members().end());
    }
  }
  return out;
}

std::set<std::string, std::less<>> NamedPlaces(const BundleSources& sources) {
  std::set<std::string, std::less<>> named;
  const auto add = [&](const auto& codes) {
    named.insert(codes.begin(), codes.end());
  };
  const auto& profile = sources.profile.message;
  named.insert(profile.home());
  add(profile.establishments());
  add(profile.markets());
  for (const auto& located : sources.packs) {
    const Pack& pack = located.message;
    for (const auto& group : pack.groups()) add(group.members());
    for (const auto& row : pack.attach()) {
      add(ExpandPlaces(pack, row.established_in()));
      add(ExpandPlaces(pack, row.markets()));
      add(ExpandPlaces(pack, row.residence()));
      add(ExpandPlaces(pack, row.residence_or_location()));
    }
    for (const auto& row : pack.minors()) {
      for (const auto& age : row.below_age_in()) {
        add(ExpandPlaces(pack, age.jurisdictions()));
      }
    }
    for (const auto& row : pack.transfers()) {
      add(ExpandPlaces(pack, row.area()));
      add(ExpandPlaces(pack, row.adequate()));
    }
    for (const auto& row : pack.owner_rules()) {
      add(ExpandPlaces(pack, row.jurisdictions()));
    }
  }
  for (const auto& purpose : sources.purposes.message.purposes()) {
    for (const auto& transfer : purpose.transfers()) add(transfer.to());
  }
  return named;
}

bool DecisionsRead(std::string_view rows) {
  constexpr std::array<std::string_view, 8> kUnread = {
      "clocks", "reasks",  "breaches", "proofs",
      "rights", "grounds", "redress",  "reckonings"};
  return std::find(kUnread.begin(), kUnread.end(), rows) == kUnread.end();
}

Validity ValidityOf(const Pack& pack, const RuleInfo& rule) {
  Validity validity{std::numeric_limits<int64_t>::min(),
                    std::numeric_limits<int64_t>::max()};
  for (const std::string* day : {&pack.valid_from(), &rule.valid_from()}) {
    if (const auto d = ParseDay(*day)) {
      validity.from_us = std::max(validity.from_us, *d * kUsPerDay);
    }
  }
  for (const std::string* day : {&pack.valid_to(), &rule.valid_to()}) {
    if (const auto d = ParseDay(*day)) {
      validity.to_us = std::min(validity.to_us, *d * kUsPerDay);
    }
  }
  return validity;
}

Transform StricterTransform(Transform a, Transform b) {
  using config::v1::Transform;
  if (a == b || b == Transform::NONE) return a;
  if (a == Transform::NONE) return b;
  constexpr std::array kDates = {Transform::MONTH, Transform::YEAR,
                                 Transform::AGE_BAND};
  constexpr std::array kPlaces = {Transform::POSTAL_PREFIX, Transform::REGION,
                                  Transform::COUNTRY};
  for (const auto& chain : {kDates, kPlaces}) {
    const auto at_a = std::find(chain.begin(), chain.end(), a);
    const auto at_b = std::find(chain.begin(), chain.end(), b);
    if (at_a != chain.end() && at_b != chain.end()) {
      return std::max(at_a, at_b)[0];
    }
  }
  return Transform::DROP;
}

}  // namespace consentry::policy
