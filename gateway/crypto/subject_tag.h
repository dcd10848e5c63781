#ifndef CONSENTRY_GATEWAY_CRYPTO_SUBJECT_TAG_H_
#define CONSENTRY_GATEWAY_CRYPTO_SUBJECT_TAG_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/subject_keys.h"

namespace consentry::crypto {

// How an audit entry refers to a subject: the first 16 bytes of keyed BLAKE2b
// under the subject's audit key over the log's origin and the UTC month. No
// two months of a subject, and no two logs, share a tag; whoever does not hold
// the audit key cannot link them, and once it is destroyed nobody can.
using SubjectTag = std::array<uint8_t, 16>;

// A UTC month as YYYYMM, for example 202611.
using Month = uint32_t;

// The month of a time; `time_us` from the years 1970 to 9999.
Month MonthOf(int64_t time_us);

// What stands for somebody who is not there: random, so that no constant links
// two questions about her.
SubjectTag RandomTag();

// Under the current generation of the audit key.
SubjectTag ComputeSubjectTag(const SubjectKeys& keys, std::string_view origin,
                             Month month);
// Under the generation named. NotFound when `keys` does not hold it.
absl::StatusOr<SubjectTag> ComputeSubjectTag(const SubjectKeys& keys,
                                             uint32_t audit_generation,
                                             std::string_view origin,
                                             Month month);

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_SUBJECT_TAG_H_
