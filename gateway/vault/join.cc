#include "gateway/vault/join.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>

namespace consentry::vault {
namespace {

size_t GroupsOf(const NamedIdentifier& identifier) {
  std::set<uint64_t> groups;
  for (const Holder& holder : identifier.holders) groups.insert(holder.group);
  return groups.size();
}

bool IsOwnKey(const NamedIdentifier& identifier, const Holder& holder) {
  return identifier.external &&
         (identifier.own_namespace || holder.same_source);
}

// What the identifiers say about one group.
struct Claim {
  uint64_t own_key = 0;  // Lowest subject found by it; 0: none.
  uint64_t verified = 0;
  uint64_t any = 0;
  std::set<uint32_t> strong_kinds;
};

void KeepLowest(uint64_t subject, uint64_t* lowest) {
  if (*lowest == 0 || subject < *lowest) *lowest = subject;
}

using Claims = std::map<uint64_t, Claim>;

Claims Collect(std::span<const NamedIdentifier> identifiers) {
  Claims claims;
  for (const NamedIdentifier& identifier : identifiers) {
    const bool joins = identifier.strong && !identifier.shared &&
                       GroupsOf(identifier) < kSharedHolders;
    for (const Holder& holder : identifier.holders) {
      if (IsOwnKey(identifier, holder)) {
        Claim& claim = claims[holder.group];
        KeepLowest(holder.subject, &claim.own_key);
        KeepLowest(holder.subject, &claim.any);
      }
      if (!joins) continue;
      Claim& claim = claims[holder.group];
      KeepLowest(holder.subject, &claim.any);
      claim.strong_kinds.insert(identifier.kind);
      if (identifier.verified && holder.verified) {
        KeepLowest(holder.subject, &claim.verified);
      }
    }
  }
  return claims;
}

// The identifiers that speak for another group than `group`.
std::vector<size_t> SpeakingAgainst(
    std::span<const NamedIdentifier> identifiers, const Claims& claims,
    uint64_t group) {
  std::vector<size_t> positions;
  for (size_t i = 0; i < identifiers.size(); ++i) {
    if (identifiers[i].shared || !identifiers[i].strong) continue;
    if (GroupsOf(identifiers[i]) >= kSharedHolders) continue;
    const bool against =
        std::any_of(identifiers[i].holders.begin(),
                    identifiers[i].holders.end(), [&](const Holder& holder) {
                      return holder.group != group &&
                             claims.find(holder.group) != claims.end();
                    });
    if (against) positions.push_back(i);
  }
  return positions;
}

std::vector<uint64_t> SubjectsBut(const Claims& claims, uint64_t group) {
  std::vector<uint64_t> subjects;
  for (const auto& [other, claim] : claims) {
    if (other != group) subjects.push_back(claim.any);
  }
  std::sort(subjects.begin(), subjects.end());
  return subjects;
}

}  // namespace

JoinDecision DecideJoin(std::span<const NamedIdentifier> identifiers) {
  JoinDecision decision;
  const Claims claims = Collect(identifiers);
  if (claims.empty()) return decision;

  const auto own_keys = std::count_if(
      claims.begin(), claims.end(),
      [](const auto& claim) { return claim.second.own_key != 0; });
  if (own_keys == 1) {
    // The source knows its own customer; what else the row says about others
    // is for a person to look at.
    const auto own = std::find_if(
        claims.begin(), claims.end(),
        [](const auto& claim) { return claim.second.own_key != 0; });
    decision.subject = own->second.own_key;
    decision.ground = JoinGround::kOwnKey;
    decision.conflicting = SpeakingAgainst(identifiers, claims, own->first);
    decision.candidates = SubjectsBut(claims, own->first);
    return decision;
  }
  if (claims.size() > 1) {
    decision.conflicting = SpeakingAgainst(identifiers, claims, 0);
    decision.candidates = SubjectsBut(claims, 0);
    return decision;
  }
  const Claim& claim = claims.begin()->second;
  if (claim.verified != 0) {
    decision.subject = claim.verified;
    decision.ground = JoinGround::kVerified;
  } else if (claim.strong_kinds.size() >= 2) {
    decision.subject = claim.any;
    decision.ground = JoinGround::kTwoIdentifiers;
  } else {
    decision.candidates = SubjectsBut(claims, 0);
  }
  return decision;
}

JoinDecision Contradicted(const JoinDecision& decision) {
  if (decision.subject == 0 || decision.ground == JoinGround::kOwnKey) {
    return decision;
  }
  JoinDecision taken_back;
  taken_back.conflicting = decision.conflicting;
  taken_back.candidates = decision.candidates;
  taken_back.candidates.push_back(decision.subject);
  std::sort(taken_back.candidates.begin(), taken_back.candidates.end());
  return taken_back;
}

bool BirthDatesContradict(std::string_view row,
                          std::span<const std::string_view> subject) {
  if (row.empty() || subject.empty()) return false;
  return std::find(subject.begin(), subject.end(), row) == subject.end();
}

bool NamesContradict(std::span<const NamePair> names) {
  return std::any_of(names.begin(), names.end(), [](const NamePair& pair) {
    return pair.row != pair.subject;
  });
}

bool IsRoleAddress(std::string_view normalized_email) {
  static constexpr std::array<std::string_view, 42> kRoles = {
      "abuse",      "accounting", "accounts",        "admin",
      "anfrage",    "billing",    "bookings",        "buchhaltung",
      "bestellung", "contact",    "customerservice", "do-not-reply",
      "donotreply", "einkauf",    "enquiries",       "finance",
      "hello",      "help",       "helpdesk",        "hostmaster",
      "hr",         "info",       "invoice",         "jobs",
      "kontakt",    "mail",       "marketing",       "no-reply",
      "noreply",    "office",     "orders",          "postmaster",
      "privacy",    "purchasing", "rechnung",        "reception",
      "sales",      "security",   "service",         "support",
      "team",       "webmaster"};
  static_assert(kRoles.back() == "webmaster");
  const std::string_view local =
      normalized_email.substr(0, normalized_email.find('@'));
  const std::string_view name = local.substr(0, local.find('+'));
  return std::find(kRoles.begin(), kRoles.end(), name) != kRoles.end();
}

}  // namespace consentry::vault
