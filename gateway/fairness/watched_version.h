#ifndef CONSENTRY_GATEWAY_FAIRNESS_WATCHED_VERSION_H_
#define CONSENTRY_GATEWAY_FAIRNESS_WATCHED_VERSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/store/v1/fairness.pb.h"
#include "policy/fairness/monitor.h"
#include "policy/fairness/profile.h"

namespace consentry::fairness {

namespace rules = policy::fairness;

// How entries of the log tell of monitors. An output that was counted, and
// where: "counted=credit/v7"; where the profile has several metrics also for
// which, by their numbers: "counted_metrics=0,2". Something found, an entry of
// its own: "record=" and "violation=fmo_credit.2.3" or "alarm=...".
inline constexpr std::string_view kCountedDetail = "counted=";
inline constexpr std::string_view kCountedMetricsDetail = "counted_metrics=";
inline constexpr std::string_view kFindingEvent = "system.fairness";
inline constexpr std::string_view kRecordDetail = "record=";
inline constexpr std::string_view kViolationDetail = "violation=";
inline constexpr std::string_view kAlarmDetail = "alarm=";
// And under which version of the profile's text: numbers of streams mean
// nothing under another.
inline constexpr std::string_view kProfileVersionDetail = "profile_version=";

// A profile as it was put into force. Immutable.
struct ProfileInForce {
  std::shared_ptr<const rules::Profile> profile;
  uint64_t version = 0;
  std::string text;

  std::string etag() const { return "v" + std::to_string(version); }
};

// Of all versions that began while too many were in use.
inline constexpr std::string_view kSharedVersion = "*";

// A version of a model as its monitors stand. Immutable once published.
struct WatchedVersion {
  int64_t no = 0;
  int64_t generation = 0;
  store::v1::FairnessVersionDoc doc;
  // The one that it started with.
  std::shared_ptr<const ProfileInForce> profile;
  // One for each stream of the profile.
  std::vector<std::shared_ptr<const rules::Monitor>> monitors;
  std::vector<int64_t> generations;
  // Streams in violation, and those with an alarm.
  std::vector<size_t> violations;
  std::vector<size_t> alarms;

  // One was found of a comparison that a restore lost with the text of the
  // profile: it stands against the version, and against no stream.
  bool lost_violation() const { return doc.lost_violation_us() != 0; }
};

// What was newly found, for whoever tells staff.
struct FairnessFinding {
  // "fmo_credit.2.3": profile, number of the version's record, stream.
  std::string monitor;
  // "credit/v7": profile and version of the model.
  std::string record;
  int64_t version_no = 0;
  uint64_t profile_version = 0;
  size_t stream = 0;
  bool violation = false;
};

// Of what was put into force as `text`, whatever is asked of new ones since.
// CONFIG_INVALID.
absl::StatusOr<std::shared_ptr<const ProfileInForce>> CompileProfile(
    const std::string& id, const std::string& text, uint64_t version);

// Of a version that nothing is counted of yet.
store::v1::FairnessVersionDoc NewVersionDoc(const ProfileInForce& profile,
                                            const std::string& model_version,
                                            int64_t now_us);

// "credit/v7", as entries name it.
std::string RecordName(const store::v1::FairnessVersionDoc& doc);

// Id of its record, "fmo_credit.2", and of one monitor of it, "fmo_credit.2.3".
std::string RecordId(const WatchedVersion& version);
std::string MonitorId(const WatchedVersion& version, size_t stream);

FairnessFinding FindingOf(const WatchedVersion& version, size_t stream,
                          bool violation);

// Sets `violations` and `alarms` from the monitors.
void NoteStanding(WatchedVersion* version);

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_WATCHED_VERSION_H_
