#ifndef CONSENTRY_GATEWAY_REVIEW_REVIEW_FIGURES_H_
#define CONSENTRY_GATEWAY_REVIEW_REVIEW_FIGURES_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "consentry/store/v1/review.pb.h"
#include "consentry/v1/review_service.pb.h"

namespace consentry::review {

// Groups with fewer decisions are not told.
inline constexpr int64_t kLeastGroup = 5;

// Counts reviews into figures of [from_us, to_us). Every review is added once.
// Of a review with several decisions each reviewer counts for her own, rules
// and the model for the one that stands. For one thread.
class FigureCounter {
 public:
  FigureCounter(int64_t from_us, int64_t to_us, int64_t now_us)
      : from_us_(from_us), to_us_(to_us), now_us_(now_us) {}

  void Add(const store::v1::ReviewDoc& doc);
  v1::ReviewFigures Result() const;

 private:
  struct Group {
    int64_t decided = 0;
    int64_t changed = 0;
    std::vector<int64_t> spent_us;
  };
  bool InSpan(int64_t time_us) const {
    return time_us >= from_us_ && time_us < to_us_;
  }
  void Count(const std::string& dimension, const std::string& key, int verdict,
             int64_t spent_us);

  const int64_t from_us_;
  const int64_t to_us_;
  const int64_t now_us_;
  int64_t open_ = 0;
  int64_t overdue_ = 0;
  int64_t timeouts_ = 0;
  std::vector<int64_t> ages_us_;
  // By dimension and key.
  std::map<std::pair<std::string, std::string>, Group> groups_;
};

}  // namespace consentry::review

#endif  // CONSENTRY_GATEWAY_REVIEW_REVIEW_FIGURES_H_
