#ifndef CONSENTRY_POLICY_SIGNALS_BIT_READER_H_
#define CONSENTRY_POLICY_SIGNALS_BIT_READER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "policy/signals/signal_error.h"

namespace consentry::signals {

// The bits of one base64url segment (RFC 4648 section 5, no padding character),
// most significant first. The first fault stays: from then on every number read
// is 0, and error() says where it was. Costs one word per ten characters.
class BitReader {
 public:
  // `offset`: where `text` begins in the whole signal. `segment` names it in
  // errors ("tcf.core"); both views must outlive the reader.
  BitReader(std::string_view text, size_t offset, std::string_view segment);

  // The next `bits`, 1 to 64, as a number.
  uint64_t Read(size_t bits, std::string_view field);
  bool ReadFlag(std::string_view field) { return Read(1, field) != 0; }
  // Fibonacci code, lowest term first, ended by a second 1 (GPP, 1.2.1): from 1
  // to 2^24; longer codes are kValue.
  uint32_t ReadFibonacci(std::string_view field);

  // Whether so many are left; kTruncated where not.
  bool Need(size_t bits, std::string_view field);

  // Marks the number read last as one that its field does not allow.
  void Refuse(Fault fault, std::string_view field);
  // Nothing but zeros may follow.
  void ExpectEnd();

  size_t position() const { return position_; }
  size_t left() const { return size_ - position_; }
  bool ok() const { return !error_.has_value(); }
  const SignalError& error() const { return *error_; }

 private:
  void Fail(Fault fault, std::string_view field, size_t bit);

  absl::InlinedVector<uint64_t, 48> words_;
  size_t size_ = 0;      // Bits.
  size_t position_ = 0;  // Bits.
  size_t last_ = 0;      // Where the last number began.
  size_t offset_;
  std::string_view segment_;
  std::optional<SignalError> error_;
};

}  // namespace consentry::signals

#endif  // CONSENTRY_POLICY_SIGNALS_BIT_READER_H_
