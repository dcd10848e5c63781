#ifndef CONSENTRY_GATEWAY_BASE_CLOCK_H_
#define CONSENTRY_GATEWAY_BASE_CLOCK_H_

#include <cstdint>

namespace consentry::base {

// Where time comes from. Safe for many threads.
class Clock {
 public:
  virtual ~Clock() = default;

  // The machine's own. Never deleted.
  static Clock* System();

  // Microseconds since the Unix epoch, UTC. May step in either direction when
  // an operator sets the clock.
  virtual int64_t NowUs() const = 0;

  // Microseconds since some fixed moment of this process; never steps back.
  // For durations, time-outs and rates.
  virtual int64_t MonotonicUs() const = 0;
};

}  // namespace consentry::base

#endif  // CONSENTRY_GATEWAY_BASE_CLOCK_H_
