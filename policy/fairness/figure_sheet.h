#ifndef CONSENTRY_POLICY_FAIRNESS_FIGURE_SHEET_H_
#define CONSENTRY_POLICY_FAIRNESS_FIGURE_SHEET_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consentry/v1/screening_service.pb.h"
#include "policy/fairness/audit.h"
#include "policy/fairness/proportion.h"

// Internal to the audit.
namespace consentry::policy::fairness {

// Collects the figures of one audit; what needs all of them (correction for the
// many, and findings) comes at the end.
class FigureSheet {
 public:
  // The interval of a figure at a coverage.
  using IntervalAt = std::function<std::optional<Interval>(double level)>;

  // `plan` must outlive the sheet.
  explicit FigureSheet(const AuditPlan& plan) : plan_(plan) {}

  // Where the next figures belong.
  void At(std::string attribute, std::string variant);

  // A figure that describes. Returned for more to be filled in; the reference
  // holds until the next call.
  v1::FairnessFigure& Describe(std::string_view group,
                               std::string_view reference,
                               std::string_view metric,
                               std::optional<double> value,
                               std::string_view formula);

  // A figure that would tell about too few: neither value nor counts.
  void Withhold(std::string_view group, std::string_view reference,
                std::string_view metric, std::string_view formula);

  // A test that p-values are corrected for. Figures that rest on the same test
  // share it.
  size_t AddTest(double p_value);

  // Gives the last figure its interval, and its test where it has one.
  void WithInterval(IntervalAt interval, std::string_view method,
                    std::optional<size_t> test = std::nullopt);
  // Makes the last figure one that decides, by `bounds`: an interval that keeps
  // what it promises where the told one does not. Null for one that cannot be
  // told.
  void Tolerate(double lower, double upper, IntervalAt bounds);
  // Of values that the last figure rests on, so many were cut to their range.
  // Too many: it is not said to be within tolerance.
  void Clip(int64_t clipped, int64_t cases, int64_t reference_clipped,
            int64_t reference_cases);
  // The last figure cannot be told.
  void Insufficient(std::string remark);

  size_t size() const { return drafts_.size(); }

  // Corrects, decides, and hands all over.
  void Finish(v1::FairnessReport* report) &&;

 private:
  struct Draft {
    v1::FairnessFigure figure;
    IntervalAt interval;
    IntervalAt bounds;
    std::optional<size_t> test;
    bool insufficient = false;
    bool beyond = false;
  };

  void Decide(const std::vector<double>& corrected, size_t rejected,
              Draft* draft) const;

  const AuditPlan& plan_;
  std::string attribute_;
  std::string variant_;
  std::vector<Draft> drafts_;
  std::vector<double> tests_;
};

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_FIGURE_SHEET_H_
