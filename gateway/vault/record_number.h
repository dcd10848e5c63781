#ifndef CONSENTRY_GATEWAY_VAULT_RECORD_NUMBER_H_
#define CONSENTRY_GATEWAY_VAULT_RECORD_NUMBER_H_

#include <cstdint>

namespace consentry::vault {

// records.record_no: rows of one subject lie beside one another, and within it
// those of one kind.
//
//   record_no := subject:39 position:8 index:16   (the sign bit is 0)
//
// `position` is that of the kind in SubjectHead.kinds, `index` counts from 0.
inline constexpr int kRecordIndexBits = 16;
inline constexpr int kKindPositionBits = 8;
inline constexpr uint32_t kMaxRecordIndex = (1u << kRecordIndexBits) - 1;
inline constexpr uint32_t kMaxKindPosition = (1u << kKindPositionBits) - 1;

constexpr int64_t RecordNumber(uint64_t subject, uint32_t position,
                               uint32_t index) {
  return static_cast<int64_t>(subject
                                  << (kRecordIndexBits + kKindPositionBits) |
                              uint64_t{position} << kRecordIndexBits | index);
}

constexpr uint64_t SubjectOfRecord(int64_t record_no) {
  return static_cast<uint64_t>(record_no) >>
         (kRecordIndexBits + kKindPositionBits);
}

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_RECORD_NUMBER_H_
