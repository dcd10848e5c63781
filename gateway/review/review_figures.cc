#include "gateway/review/review_figures.h"

#include <algorithm>
#include <cmath>

#include "gateway/review/review_state.h"

namespace consentry::review {
namespace {

constexpr double kUsPerSecond = 1e6;

// The smallest value that at least this share of the values do not exceed;
// seconds. 0 without values.
double Quantile(std::vector<int64_t> values_us, double share) {
  if (values_us.empty()) return 0;
  const double rank = std::ceil(share * static_cast<double>(values_us.size()));
  const auto at = values_us.begin() +
                  (std::max<int64_t>(1, static_cast<int64_t>(rank)) - 1);
  std::nth_element(values_us.begin(), at, values_us.end());
  return static_cast<double>(*at) / kUsPerSecond;
}

}  // namespace

void FigureCounter::Count(const std::string& dimension, const std::string& key,
                          int verdict, int64_t spent_us) {
  Group& group = groups_[{dimension, key}];
  ++group.decided;
  if (verdict == v1::REVIEW_VERDICT_CHANGE ||
      verdict == v1::REVIEW_VERDICT_REVERSE) {
    ++group.changed;
  }
  group.spent_us.push_back(spent_us);
}

void FigureCounter::Add(const store::v1::ReviewDoc& doc) {
  for (const int64_t time_us : doc.timeout_us()) {
    if (InSpan(time_us)) ++timeouts_;
  }
  // A due time that passed but was not looked at yet.
  if (IsOpen(doc)) {
    ++open_;
    if (now_us_ >= doc.due_us() || doc.timeouts() > 0) ++overdue_;
    ages_us_.push_back(std::max<int64_t>(0, now_us_ - doc.created_us()));
  }
  for (const auto& opinion : doc.opinions()) {
    if (opinion.verdict() != v1::REVIEW_VERDICT_ESCALATE &&
        InSpan(opinion.time_us())) {
      Count("reviewer", opinion.reviewer().person(), opinion.verdict(),
            opinion.spent_us());
    }
  }
  if (IsOpen(doc) || !InSpan(doc.decided_us()) || doc.opinions().empty()) {
    return;
  }
  const int64_t spent_us = doc.opinions(doc.opinions_size() - 1).spent_us();
  for (const std::string& rule : doc.rules()) {
    Count("rule", rule, doc.verdict(), spent_us);
  }
  if (!doc.model().empty()) {
    Count("model", doc.model(), doc.verdict(), spent_us);
  }
}

v1::ReviewFigures FigureCounter::Result() const {
  v1::ReviewFigures figures;
  figures.set_open(open_);
  figures.set_overdue(overdue_);
  figures.set_age_p50_seconds(Quantile(ages_us_, 0.5));
  figures.set_age_p95_seconds(Quantile(ages_us_, 0.95));
  figures.set_timeouts(timeouts_);
  for (const auto& [name, group] : groups_) {
    if (group.decided < kLeastGroup) continue;
    v1::ReviewRate* rate = figures.add_rates();
    rate->set_dimension(name.first);
    rate->set_key(name.second);
    rate->set_decided(group.decided);
    rate->set_changed(group.changed);
    rate->set_time_p50_seconds(Quantile(group.spent_us, 0.5));
  }
  return figures;
}

}  // namespace consentry::review
