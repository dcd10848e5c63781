#ifndef CONSENTRY_GATEWAY_VAULT_JOIN_H_
#define CONSENTRY_GATEWAY_VAULT_JOIN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace consentry::vault {

// Which customer a row is about. Joining two people discloses one to the other
// and is seen by nobody; not joining shows as a duplicate, which a person can
// merge. So what is not certain does not join. Pure functions.

// Subjects, counted in groups of joined ones, that hold an identifier from
// which on it is a shared one and joins nobody any more.
inline constexpr size_t kSharedHolders = 3;

// One holder of an identifier that a row names.
struct Holder {
  uint64_t subject = 0;
  // Lowest number of those joined with the subject, itself included.
  uint64_t group = 0;
  // Some source that reported the identifier of this subject had verified it.
  bool verified = false;
  // The row's own source reported it of this subject.
  bool same_source = false;
};

// One identifier that a row names.
struct NamedIdentifier {
  // The row's source has verified it.
  bool verified = false;
  // By the catalog; weak ones find and never join.
  bool strong = false;
  // A role address, or one that the catalog says never joins.
  bool shared = false;
  // An external id in the namespace of the row's own source, or one whose
  // holder the same source reported: the source's own key for its customer.
  bool external = false;
  bool own_namespace = false;
  // Identifiers of one kind (type and namespace) count once as agreeing.
  uint32_t kind = 0;
  std::vector<Holder> holders;
};

enum class JoinGround {
  kNone,
  kOwnKey,         // The source's own key for its customer.
  kVerified,       // Verified by the row's source and by one that holds it.
  kTwoIdentifiers  // Two strong identifiers of different kinds agree.
};

struct JoinDecision {
  // 0: a new subject.
  uint64_t subject = 0;
  JoinGround ground = JoinGround::kNone;
  // Positions of the identifiers that speak for somebody else than the subject
  // joined, or, without one, for different people.
  std::vector<size_t> conflicting;
  // One subject of each group that a person should look at: it may be the same
  // customer, and the rules do not say so. Ascending.
  std::vector<uint64_t> candidates;
};

JoinDecision DecideJoin(std::span<const NamedIdentifier> identifiers);

// `decision`, taken back because the facts of the row and the subject
// contradict each other: no join, the subject is a candidate. A source's own
// key stands.
JoinDecision Contradicted(const JoinDecision& decision);

// Whether birth dates exclude each other: both sides know one, and none agree.
bool BirthDatesContradict(std::string_view row,
                          std::span<const std::string_view> subject);

// One name field of a row and of a subject's record, by digest.
struct NamePair {
  uint64_t row = 0;
  uint64_t subject = 0;
};
// Whether names exclude each other: some name field that both sides have
// differs, apart from case and spacing.
bool NamesContradict(std::span<const NamePair> names);

// Addresses that belong to a role and not to a person: "info@", "sales@",
// "noreply@" ... (RFC 2142 and common use). `normalized_email` as
// crypto::NormalizeEmail makes it; a tag ("info+x@") does not hide a role.
bool IsRoleAddress(std::string_view normalized_email);

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_JOIN_H_
