#ifndef CONSENTRY_POLICY_FAIRNESS_PAIRING_H_
#define CONSENTRY_POLICY_FAIRNESS_PAIRING_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace consentry::policy::fairness {

// Which of a person's outputs count: the first of each period, UTC. What an
// engine sends again and again about one person is one unit.
enum class Period : uint8_t { kDay, kWeek, kMonth, kVersion };

// Number of the period that holds the time; the same number, the same period.
// kVersion: 0. Weeks begin on Monday.
int64_t PeriodOf(Period period, int64_t time_us);

// Where units can be compared, out of what must be the same for two of them;
// each part is told apart from the next. The same parts give the same number,
// on every computer.
class StratumKey {
 public:
  StratumKey& Add(std::string_view part);
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 14695981039346656037u;
};

enum class Side : uint8_t { kReference = 0, kGroup = 1 };

// The k-th unit of the group meets the k-th of the reference, inside one
// stratum and one bucket of time. Bounded: of a stratum at most kMaxOfStratum
// wait, in all at most kMaxWaiting; the oldest give way, whatever their value,
// so that who is compared never depends on what came out. One thread at a time.
class Pairing {
 public:
  static constexpr size_t kMaxWaiting = 256;
  static constexpr size_t kMaxOfStratum = 64;

  struct Pair {
    double group = 0;
    double reference = 0;
  };
  struct Unit {
    uint64_t stratum = 0;
    double value = 0;
    Side side = Side::kReference;

    friend bool operator==(const Unit&, const Unit&) = default;
  };

  // `bucket_us` > 0: length of time in which two may meet.
  explicit Pairing(int64_t bucket_us) : bucket_us_(bucket_us) {}

  // The pair that it makes, if any. A bucket that is not the last one gives up
  // all who wait.
  std::optional<Pair> Offer(Side side, double value, uint64_t stratum,
                            int64_t time_us);

  // Oldest first; all in one bucket.
  const std::vector<Unit>& waiting() const { return waiting_; }
  int64_t bucket() const { return bucket_; }
  // Units that were given up.
  uint64_t unpaired() const { return unpaired_; }

  // Nobody waits, and so many were given up.
  void Restore(uint64_t unpaired);

 private:
  int64_t bucket_us_;
  int64_t bucket_ = 0;
  uint64_t unpaired_ = 0;
  std::vector<Unit> waiting_;
};

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_PAIRING_H_
