#ifndef CONSENTRY_GATEWAY_CLIENTS_REPEATED_DENIALS_H_
#define CONSENTRY_GATEWAY_CLIENTS_REPEATED_DENIALS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "consentry/store/v1/leaf.pb.h"
#include "consentry/v1/errors.pb.h"
#include "proto/support/mutex.h"

namespace consentry::clients {

// Keeps one client from filling the audit log with the same denial: the first
// of a kind is written at once, its repetitions within the second that follows
// by one entry with their count.
//
// Two denials are the same when client, method, reason, purpose and the subject
// asked for are the same. The subject belongs to it because an answer that did
// not wait for the disk is quicker: a caller learns from that only that it
// repeats its own question, never what two customers have in common.
//
// Nothing is released on the strength of a counted denial, so "no audit, no
// data" does not rest on this class; up to a second of counts is lost in a
// crash. Bounded: when kMaxKinds denials of the last second differ, further
// ones are all written. Safe for many threads. Times are monotonic
// microseconds.
class RepeatedDenials {
 public:
  static constexpr size_t kMaxKinds = 4096;
  static constexpr int64_t kWindowUs = 1'000'000;

  struct Key {
    std::string_view client;
    std::string_view method;
    v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
    std::string_view purpose;
    // A number that stands for the subject asked for; 0: none.
    uint64_t subject = 0;
  };

  // True: write `leaf` now. False: it was counted.
  bool First(const Key& key, const store::v1::Leaf& leaf, int64_t now_us);

  // The entries that are due for counted repetitions, `count` set above 1, all
  // else as in the first leaf of the kind. Call about once a second, and with
  // INT64_MAX before the end.
  std::vector<store::v1::Leaf> Due(int64_t now_us);

 private:
  struct Kind {
    int64_t since_us = 0;
    uint32_t count = 0;
    store::v1::Leaf leaf;
  };

  Mutex mu_;
  std::unordered_map<std::string, Kind> kinds_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_REPEATED_DENIALS_H_
