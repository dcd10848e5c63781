#ifndef CONSENTRY_GATEWAY_STORE_REQUEST_RESULTS_H_
#define CONSENTRY_GATEWAY_STORE_REQUEST_RESULTS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/store/change.h"
#include "gateway/store/engine.h"

namespace consentry::store {

// How long a repetition finds its result.
inline constexpr int64_t kRequestHours = 24;

struct RequestResult {
  std::string result;
  int64_t change = 0;
  bool negative = false;
};

// The result of an earlier request with these ids; nothing when there is none
// that still counts; REQUEST_ID_REUSED when method or hash differ.
absl::StatusOr<std::optional<RequestResult>> FindRequest(
    Connection* connection, const RequestBinding& request, int64_t now_us);

absl::Status KeepRequest(Connection* writer, const RequestBinding& request,
                         const RequestResult& result, int64_t now_us);

// Removes at most `limit` expired rows; how many were removed.
absl::StatusOr<int64_t> DropExpiredRequests(Connection* writer, int64_t now_us,
                                            int64_t limit);

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_REQUEST_RESULTS_H_
