#ifndef CONSENTRY_GATEWAY_RPC_FAULT_LIST_H_
#define CONSENTRY_GATEWAY_RPC_FAULT_LIST_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "proto/support/error.h"

namespace consentry::rpc {

// Collects what is wrong with a request, so that a caller is told all of it at
// once. Descriptions are constant texts and limits, never what was sent.
class FaultList {
 public:
  void Add(std::string field, std::string_view description) {
    if (faults_.size() < kMost) {
      faults_.push_back({std::move(field), std::string(description)});
    }
  }
  // As Add, and the request as a whole is TOO_LARGE.
  void AddTooMany(std::string field, size_t most);

  bool empty() const { return faults_.empty(); }

  // OK, FIELD_INVALID, or TOO_LARGE with the limit first met.
  absl::Status ToStatus() const;

 private:
  static constexpr size_t kMost = 32;
  std::vector<FieldViolation> faults_;
  size_t limit_ = 0;  // 0: none was met.
};

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_FAULT_LIST_H_
