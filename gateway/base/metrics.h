#ifndef CONSENTRY_GATEWAY_BASE_METRICS_H_
#define CONSENTRY_GATEWAY_BASE_METRICS_H_

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/constant.h"
#include "proto/support/mutex.h"

// Figures about the gateway in the Prometheus text exposition format 0.0.4.
// Labels are bounded: names are constants of the program, and a family holds at
// most kMaxSeries combinations of values; further ones are counted under
// "other". No label may be or name a person.
namespace consentry::base {

// Only goes up.
class Counter {
 public:
  void Add(uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Counts of microseconds in fixed buckets from 10 us to 10 s, three a decade,
// shown in seconds.
class Histogram {
 public:
  static constexpr int kBuckets = 19;
  static const uint64_t kBoundsUs[kBuckets];

  void ObserveUs(int64_t us);

  uint64_t count() const;
  uint64_t sum_us() const { return sum_us_.load(std::memory_order_relaxed); }
  // Observations in bucket `i`, not cumulative; i == kBuckets: above the last.
  uint64_t bucket(int i) const {
    return buckets_[i].load(std::memory_order_relaxed);
  }

 private:
  std::atomic<uint64_t> buckets_[kBuckets + 1] = {};
  std::atomic<uint64_t> sum_us_{0};
};

// Holds all metrics of a process or a test. Metrics live as long as their
// registry: get them once and keep the pointer. Safe for many threads.
class MetricRegistry {
 public:
  static constexpr size_t kMaxSeries = 200;

  // The label of a series: a constant name, a short value (cut at 64
  // characters; anything but [A-Za-z0-9_.:/-] becomes '_').
  struct Label {
    Constant name;
    std::string_view value;
  };

  MetricRegistry() = default;
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  // The one of this process. Never deleted.
  static MetricRegistry* Global();

  // The same name and labels give the same metric. A name is used with one
  // type only; a second type is a fault of the program and ends it.
  Counter* GetCounter(Constant name, Constant help,
                      std::initializer_list<Label> labels = {});
  Histogram* GetHistogram(Constant name, Constant help,
                          std::initializer_list<Label> labels = {});

  std::string Exposition() const;

 private:
  enum class Type { kCounter, kHistogram };
  struct Series {
    std::unique_ptr<Counter> counter;
    std::unique_ptr<Histogram> histogram;
  };
  struct Family {
    Type type;
    std::string help;
    std::map<std::string, Series> series;  // By rendered labels.
  };

  Series& Find(Type type, Constant name, Constant help,
               std::initializer_list<Label> labels)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable Mutex mu_;
  std::map<std::string, Family> families_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::base

#endif  // CONSENTRY_GATEWAY_BASE_METRICS_H_
