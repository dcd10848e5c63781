#ifndef CONSENTRY_GATEWAY_VAULT_PROFILE_H_
#define CONSENTRY_GATEWAY_VAULT_PROFILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace consentry::vault {

// The touchpoint of what the customer herself corrected (GDPR Art. 16). Every
// catalog has it; its values win over those of all others until she corrects
// them again.
inline constexpr std::string_view kSubjectSource = "subject";
inline constexpr uint32_t kSubjectPriority = 0xffffffff;
// The touchpoint of what outputs of models said about the customer. Every
// catalog has it; the values of all others win over its own.
inline constexpr std::string_view kInferenceSource = "screening";

// One source's value of one field, told by everything but the value.
struct ProfileCandidate {
  // FieldNumber of the full name.
  uint32_t field = 0;
  // Of the source for this field; the higher wins.
  uint32_t priority = 0;
  int64_t collected_us = 0;
  std::string_view source;
  // Digests tell equal values apart from different ones within one subject;
  // between joined subjects they say nothing.
  uint64_t subject = 0;
  uint64_t digest = 0;
  // The source's own key of the record, which breaks the last tie.
  std::string_view record;
};

struct ProfileWinner {
  uint32_t field = 0;
  // Position in the candidates.
  size_t winner = 0;
  // Another source of the winner's subject holds another value.
  bool conflict = false;
  // Values of joined subjects that only opening can compare with the winner's:
  // positions, one for each subject and digest. Empty unless subjects are
  // joined.
  std::vector<size_t> compare;
};

// The unified profile: per field the value of the source with the highest
// priority, then the one collected last; then by name of the source and key of
// the record, so that the outcome does not depend on any order of arrival. One
// winner for each field that occurs, ascending by field. Pure.
std::vector<ProfileWinner> UnifyProfile(
    std::span<const ProfileCandidate> candidates);

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_PROFILE_H_
