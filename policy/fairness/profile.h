#ifndef CONSENTRY_POLICY_FAIRNESS_PROFILE_H_
#define CONSENTRY_POLICY_FAIRNESS_PROFILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/config/v1/catalog.pb.h"
#include "consentry/config/v1/fairness.pb.h"
#include "consentry/v1/common.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "policy/engine/text_config.h"
#include "policy/fairness/audit_figures.h"
#include "policy/fairness/monitor.h"

namespace consentry::policy::fairness {

using ProfileFile = policy::Located<config::v1::FairnessProfile>;

// Where somebody stands in an attribute: the number of one of its groups, or
inline constexpr int kUnknownGroup = -1;  // nothing is known,
inline constexpr int kOtherGroup = -2;    // or no group names it.
// As names of groups.
inline constexpr std::string_view kUnknownName = "unknown";
inline constexpr std::string_view kOtherName = "other";
// The reference of an attribute with the rule REST.
inline constexpr std::string_view kRestName = "rest";

// First places of rankings that audits of a profile look at.
inline uint32_t AuditDepth(const config::v1::FairnessAudits& audits) {
  return audits.ranking_depth() == 0 ? 10 : audits.ranking_depth();
}

// What one unit says for one metric.
struct UnitValue {
  // In [0, 1].
  double value = 0;
  // Was cut to the declared range.
  bool clipped = false;
};

// A profile that was found to be whole. Immutable; any thread.
class Profile {
 public:
  static constexpr size_t kMaxStreams = 512;

  // CONFIG_INVALID with every fault found. With a catalog the fields must be
  // in it, and of a fitting type.
  static absl::StatusOr<std::shared_ptr<const Profile>> Create(
      ProfileFile file, const config::v1::Catalog* catalog = nullptr);

  // Of a text that was put into force earlier: bounds that have become narrower
  // since do not count. CONFIG_INVALID for what cannot be a profile at all.
  static absl::StatusOr<std::shared_ptr<const Profile>> CreateKept(
      ProfileFile file);

  struct Attribute {
    std::string name;
    // "person.birth_date".
    std::string field;
    config::v1::AttributeSource::Value source;
    // Lower ends of bands; else empty.
    std::vector<int32_t> bands;
    std::vector<std::string> groups;
    // Values of each group; of text in lower case.
    std::vector<std::vector<std::string>> values;

    // The group of a value as the store holds it.
    int GroupOf(const v1::Value& value, int64_t time_us) const;
    std::string_view GroupName(int group) const;
  };

  struct Metric {
    config::v1::FairnessMetricKind::Value kind;
    // Of values as engines send them.
    Tolerance tolerance;
    double lower = 0;
    double upper = 1;
    // "selection_rate_group_over_reference"; of the second set of items whose
    // exposure is watched "exposure_mean_2_group_over_reference".
    std::string name;
    std::vector<std::string> items;
    // Of exposures: which of the distinct sets of items, from 0.
    size_t exposure = 0;

    bool binary() const {
      return kind == config::v1::FairnessMetricKind::SELECTION_RATE;
    }
    // What one unit of a difference in [0, 1] is in the engine's terms.
    double scale() const {
      return tolerance.comparison == Comparison::kDifference ? upper - lower
                                                             : 1;
    }
  };

  // One group against one reference by one metric.
  struct Stream {
    // Indices into attributes().
    std::vector<int> attributes;
    // One group of each attribute.
    std::vector<int> group;
    // Empty: all others of whom the groups are known.
    std::vector<int> reference;
    // Index into metrics().
    size_t metric = 0;
    // "sex*age_band", "female*18_29", "male*30_44" or "rest".
    std::string attribute_name;
    std::string group_name;
    std::string reference_name;
    MonitorPlan plan;

    // The side on which somebody with these groups, one of each attribute of
    // the profile, counts; absent: on none.
    std::optional<Side> SideOf(std::span<const int> groups) const;
    // "sex: female against male, selection_rate_group_over_reference".
    std::string Title(const Profile& profile) const;
  };

  const config::v1::FairnessProfile& message() const { return message_; }
  const std::string& id() const { return message_.id(); }
  const std::vector<Attribute>& attributes() const { return attributes_; }
  const std::vector<Metric>& metrics() const { return metrics_; }
  // The same order always.
  const std::vector<Stream>& streams() const { return streams_; }
  double alpha() const { return alpha_; }
  // What audits decide: metrics as they are declared, and what
  // audits.tolerances names.
  const std::vector<AuditTolerance>& audit_tolerances() const {
    return audit_tolerances_;
  }
  uint32_t suppress_below() const { return suppress_below_; }
  Period period() const { return period_; }

  // Whether outputs of this model and kind are watched.
  bool Watches(const v1::Output& output) const;
  // What the output says for a metric; absent: it cannot be told, such as a
  // price without a price to compare it with.
  std::optional<UnitValue> ValueOf(const Metric& metric,
                                   const v1::Output& output) const;
  // With whom the unit can be compared, besides the time.
  uint64_t StratumOf(const v1::Output& output, v1::Channel channel) const;

 private:
  Profile() = default;
  static absl::StatusOr<std::shared_ptr<const Profile>> Build(
      const ProfileFile& file, size_t max_streams);

  config::v1::FairnessProfile message_;
  std::vector<Attribute> attributes_;
  std::vector<Metric> metrics_;
  std::vector<Stream> streams_;
  std::vector<AuditTolerance> audit_tolerances_;
  double alpha_ = 0.05;
  uint32_t suppress_below_ = 10;
  Period period_ = Period::kVersion;
};

// What a profile will test, and what it can and cannot see.
struct StreamOutlook {
  const Profile::Stream* stream = nullptr;
  double pairs_per_day = 0;
  // Days until "within tolerance" can be said of a model that treats both
  // alike. Absent: never, or there is no traffic.
  std::optional<double> days_if_equal;
  // What the comparison must be at most to be found in violation within 30, 90
  // and 365 days. Absent: not even the worst is found. For ratios and
  // differences of rates alone.
  std::optional<double> found_in_30;
  std::optional<double> found_in_90;
  std::optional<double> found_in_365;
};

struct Explanation {
  double units_per_day = 0;
  double alpha_per_stream = 0;
  std::vector<StreamOutlook> streams;
  // In words; no value of anybody's data.
  std::vector<std::string> remarks;
};

// By the traffic that the profile declares, unless `units_per_day` is given.
Explanation Explain(const Profile& profile,
                    std::optional<double> units_per_day = std::nullopt);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_PROFILE_H_
