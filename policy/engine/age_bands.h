#ifndef CONSENTRY_POLICY_ENGINE_AGE_BANDS_H_
#define CONSENTRY_POLICY_ENGINE_AGE_BANDS_H_

namespace consentry::policy {

// Where the bands begin to which TRANSFORM_AGE_BAND reduces a date of birth,
// completed years, after the first, which begins at 0.
inline constexpr int kAgeBandStarts[] = {13, 18, 25, 35, 45, 55, 65};

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_AGE_BANDS_H_
