#ifndef CONSENTRY_GATEWAY_IDENTITY_FETCH_H_
#define CONSENTRY_GATEWAY_IDENTITY_FETCH_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace consentry::identity {

struct FetchOptions {
  // PEM file of the authorities to trust; empty: the system's.
  std::string authorities;
  size_t most_bytes = 64 << 10;
  // For connecting and for all of it.
  int64_t connect_ms = 5'000;
  int64_t total_ms = 10'000;
  // Set to true, it ends the fetch within a second or so. May be null.
  const std::atomic<bool>* cancelled = nullptr;
};

// One GET over https, at least TLS 1.2, its certificate and name checked. No
// redirect is followed, no cookie kept, no credential sent. Waits: for a
// background thread. InvalidArgument for another scheme; Unavailable for
// anything but 200 with a body of at most `most_bytes`, without a word of it.
absl::StatusOr<std::string> HttpsGet(const std::string& url,
                                     const FetchOptions& options);

}  // namespace consentry::identity

#endif  // CONSENTRY_GATEWAY_IDENTITY_FETCH_H_
