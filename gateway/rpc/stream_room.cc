#include "gateway/rpc/stream_room.h"

#include "proto/support/error.h"

namespace consentry::rpc {

StreamRoom::Place::~Place() {
  if (room_ != nullptr) room_->Give(client_, count_);
}

absl::StatusOr<StreamRoom::Place> StreamRoom::Take(const std::string& client,
                                                   size_t count) {
  MutexLock lock(&mu_);
  const auto found = held_by_.find(client);
  const size_t own = found == held_by_.end() ? 0 : found->second;
  if (own + count > most_of_one_ || held_ + count > most_) {
    absl::Status status =
        MakeError(v1::ERROR_REASON_RATE_LIMITED,
                  "open streams name too many customers; read them to their "
                  "end first");
    AddErrorMetadata(&status, "limit", std::to_string(most_of_one_));
    return status;
  }
  held_ += count;
  held_by_[client] = own + count;
  return Place(this, client, count);
}

void StreamRoom::Give(const std::string& client, size_t count) {
  MutexLock lock(&mu_);
  held_ -= count;
  const auto found = held_by_.find(client);
  found->second -= count;
  if (found->second == 0) held_by_.erase(found);
}

}  // namespace consentry::rpc
