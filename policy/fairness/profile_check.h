#ifndef CONSENTRY_POLICY_FAIRNESS_PROFILE_CHECK_H_
#define CONSENTRY_POLICY_FAIRNESS_PROFILE_CHECK_H_

#include <vector>

#include "policy/engine/text_config.h"
#include "policy/fairness/profile.h"

namespace consentry::policy::fairness {

// Everything that is wrong with a profile by itself and, where there is one,
// against the catalog.
std::vector<Fault> CheckProfile(const ProfileFile& file,
                                const config::v1::Catalog* catalog);

// What is wrong with a profile that was whole when it was put into force, such
// that it can mean nothing: bounds on numbers and names are left out.
std::vector<Fault> CheckKeptProfile(const ProfileFile& file);

// Names of the groups that bands make: "under_18", "18_29", "65_and_over".
std::vector<std::string> BandNames(const std::vector<int32_t>& bands);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_PROFILE_CHECK_H_
