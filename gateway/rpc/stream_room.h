#ifndef CONSENTRY_GATEWAY_RPC_STREAM_ROOM_H_
#define CONSENTRY_GATEWAY_RPC_STREAM_ROOM_H_

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "proto/support/mutex.h"

namespace consentry::rpc {

// Counts the subjects that open streams name: they stay in memory until the
// stream ends, however slowly its caller reads. Outlives its places. Safe for
// many threads.
class StreamRoom {
 public:
  // `most` for all callers together, `most_of_one` for each.
  StreamRoom(size_t most, size_t most_of_one)
      : most_(most), most_of_one_(most_of_one) {}
  StreamRoom(const StreamRoom&) = delete;
  StreamRoom& operator=(const StreamRoom&) = delete;

  // Room that is held until it is destroyed. Movable.
  class Place {
   public:
    Place(Place&& other) noexcept
        : room_(std::exchange(other.room_, nullptr)),
          client_(std::move(other.client_)),
          count_(other.count_) {}
    Place& operator=(Place&&) = delete;
    ~Place();

   private:
    friend class StreamRoom;
    Place(StreamRoom* room, std::string client, size_t count)
        : room_(room), client_(std::move(client)), count_(count) {}

    StreamRoom* room_;
    std::string client_;
    size_t count_;
  };

  // RATE_LIMITED when the caller, or all together, hold too much.
  absl::StatusOr<Place> Take(const std::string& client, size_t count);

 private:
  void Give(const std::string& client, size_t count);

  const size_t most_;
  const size_t most_of_one_;
  Mutex mu_;
  size_t held_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, size_t> held_by_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_STREAM_ROOM_H_
