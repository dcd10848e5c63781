#ifndef CONSENTRY_POLICY_FAIRNESS_AUDIT_H_
#define CONSENTRY_POLICY_FAIRNESS_AUDIT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/screening_service.pb.h"
#include "policy/fairness/audit_figures.h"

// One audit: a fixed sample, looked at once, by a plan that was fixed before.
// Pure: equal plans and tables give equal reports; any thread. SPEC.md says
// what the figures are and how findings follow from them.
namespace consentry::policy::fairness {

// Code of a case whose group (or stratum, or variant) is not known.
inline constexpr uint32_t kNoCode = std::numeric_limits<uint32_t>::max();

// One column of names: a case has values[codes[case]], or none (kNoCode).
struct AuditColumn {
  std::string name;
  // In the order in which a report tells them; no two are equal.
  std::vector<std::string> values;
  std::vector<uint32_t> codes;
  // The code of those whom no group names: they are in no rest, and not
  // compared with one.
  std::optional<uint32_t> other = std::nullopt;
};

// Of one case, where something can be yes, no or not known.
enum class Answer : int8_t { kUnknown = -1, kNo = 0, kYes = 1 };

// The range that values of a column were cut to.
struct AuditRange {
  double lower = 0;
  double upper = 1;
  // For each case whether it lay beyond.
  std::vector<bool> beyond;
};

// The cases of an audit, by columns. Each column has `cases` entries, or none
// at all where the audit has no such thing.
struct AuditTable {
  size_t cases = 0;
  // By what people are told apart.
  std::vector<AuditColumn> attributes;
  // Predicted positive.
  std::vector<Answer> predicted;
  // Came true.
  std::vector<Answer> label;
  // NaN: not known. What is infinite, or beyond kMostValue either way, counts
  // as not known.
  std::vector<double> score;
  // From 1 / kMostValue to kMostValue; what is not counts as not known.
  std::vector<double> price;
  // Where values were cut: more than a few beyond the range, and nothing is
  // said to be within tolerance.
  std::optional<AuditRange> score_range;
  std::optional<AuditRange> price_range;
  // Attention that watched items got in a case's output, 0 to 1, a column for
  // each set of items; known in all of them or in none (NaN). Not together with
  // `list`.
  std::vector<std::vector<double>> exposures;
  // Which items those of each column are, in words.
  std::vector<std::string> exposed;
  // What lawfully explains a difference; compared within each value.
  std::optional<AuditColumn> stratum;
  // The arm of an A/B test.
  std::optional<AuditColumn> variant;
  // Inputs that the model is declared to use.
  std::vector<AuditColumn> inputs;
  // Ranked lists: which list, and the place in it, from 1; other places count
  // as not known.
  std::optional<AuditColumn> list;
  std::vector<double> place;
};

// Groups of one attribute, or of several at once.
struct AuditGrouping {
  // Places in AuditTable::attributes; at least one.
  std::vector<size_t> attributes;
  // Name of the group that others are compared with; of an intersection as
  // JoinGroups makes it. Empty: the largest known group.
  std::string reference;
  // Of one attribute: each group with all others that somebody named, those of
  // them that are told. `reference` is empty then.
  bool rest = false;
};

// Without `declared` the three tolerances below decide, whatever data there
// are, and means of scores and exposures are tested without a tolerance.
struct AuditPlan {
  std::vector<AuditGrouping> groupings;
  // What decides, each by its own comparison; all else describes, and is not
  // tested. At most one of each metric, comparison and column.
  std::optional<std::vector<AuditTolerance>> declared;
  // Registered before the look and paid from a budget: has p-values and
  // findings. Otherwise all figures describe.
  bool confirmatory = true;
  // What is paid, 0 < alpha < 1; intervals cover 1 - alpha.
  double alpha = 0.05;
  // Of the rate of the favourable prediction, group over reference: tolerated
  // from this to its inverse, 0 < r <= 1.
  double ratio_tolerance = 0.8;
  // Of rates against what came true, group minus reference: tolerated up to
  // this either way, 0 to 1.
  double difference_tolerance = 0.1;
  // Of prices, group over reference: tolerated from its inverse to this, > 1.
  double price_tolerance = 1.05;
  // Cases that each denominator needs before two are compared, from 1.
  int64_t minimum = 30;
  // Fewer cases than these are told of in no form (small_cells.h), from 0.
  int64_t suppress_below = 10;
  // Groups of intersections with fewer cases are put together, from 0.
  int64_t pool_below = 30;
  // A positive prediction is the favourable one for the customer.
  bool positive_is_favourable = true;
  // Each variant for itself as well.
  bool by_variant = false;
  // Places of a ranked list that skew looks at, from 1.
  size_t ranking_depth = 10;
  // Which of kAuditFigures are told; empty: all that the table has data for.
  std::set<std::string, std::less<>> figures;
  // Rather than withhold what would tell too much beside an earlier audit,
  // nothing is told.
  bool refuse_beside_earlier = false;
  // Nothing that tells values or outcomes of few people each, even where all
  // of them together are many.
  bool coarse = false;

  bool Asks(const AuditFigure& figure) const {
    if (coarse && (figure.name == kCalibration.name ||
                   figure.name == kDistribution.name)) {
      return false;
    }
    return figures.empty() || figures.contains(figure.name);
  }
  // What decides a figure of this comparison; absent: it describes.
  std::optional<AuditTolerance> Decides(AuditMetric metric,
                                        Comparison comparison,
                                        size_t column = 0) const;
};

// An audit of some of the same cases that was told before: two reports of
// nearly the same cases tell about those that only one of them counts.
struct EarlierAudit {
  // Outlives the audit.
  const v1::FairnessReport* report = nullptr;
  // For each case whether it counted it as well.
  std::vector<bool> counted;
};

// Audits of some of the same cases whose figures are not at hand, and who is
// left out for their sake (kept_back.h).
struct KeptBack;

// Bounds of what is looked at: more groups have too few cases each and make a
// table that nobody reads.
inline constexpr size_t kMaxAuditGroups = 500;
inline constexpr size_t kMaxAuditVariants = 50;
inline constexpr size_t kMaxAuditFigures = 200'000;
// Squares of variances of greater ones are no numbers any more.
inline constexpr double kMostValue = 1e60;

// Runs the audit. Of the report it fills what follows from plan and table;
// ids, profile, period, words about prediction and label, digest and note are
// the caller's. InvalidArgument for a plan outside its ranges, columns of
// another length than the table, codes without a value, and more groups,
// variants or figures than the bounds. FailedPrecondition, naming the earlier
// report, where the plan refuses; OutOfRange where it does, since beside `kept`
// no group is left to tell. Cancelled soon after `stop`, where there is
// one, says true: it is asked between groupings, and between inputs.
absl::StatusOr<v1::FairnessReport> RunAudit(
    const AuditPlan& plan, const AuditTable& table,
    std::span<const EarlierAudit> earlier = {},
    const std::function<bool()>& stop = nullptr,
    const KeptBack* kept = nullptr);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_AUDIT_H_
