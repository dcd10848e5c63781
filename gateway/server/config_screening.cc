#include "gateway/server/config_screening.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"

namespace consentry::server {
namespace {

using Faults = std::vector<FieldViolation>;

constexpr uint32_t kMaxReleaseHours = 168;
constexpr uint32_t kMaxDays = 3660;
constexpr uint32_t kMaxDueHours = 720;
constexpr uint32_t kMostSamples = 10'000;
constexpr char kReleaseKeyFile[] = "release.key";

void AtMost(uint32_t value, uint32_t most, const char* field, Faults* faults) {
  if (value > most) {
    faults->push_back({field, absl::StrCat("must be at most ", most)});
  }
}

std::string KindOf(const std::string& field) {
  return field.substr(0, field.find('.'));
}

void CheckInferred(const config::v1::InferredRecord& record,
                   const std::string& at, Faults* faults) {
  if (record.output() != "segment" && record.output() != "persona" &&
      record.output() != "score") {
    faults->push_back(
        {at + ".output", "must be \"segment\", \"persona\" or \"score\""});
  }
  if (record.label_field().empty() && record.score_field().empty()) {
    faults->push_back({at, "keeps neither a label nor a score"});
  }
  for (const std::string& field :
       {record.label_field(), record.score_field()}) {
    if (!field.empty() && field.find('.') == std::string::npos) {
      faults->push_back({at, "names a field without its kind"});
    }
  }
  if (!record.label_field().empty() && !record.score_field().empty() &&
      KindOf(record.label_field()) != KindOf(record.score_field())) {
    faults->push_back({at + ".score_field", "is of another kind"});
  }
  AtMost(record.keep_days(), kMaxDays, "screening.inferred.keep_days", faults);
}

}  // namespace

std::vector<FieldViolation> CheckScreening(
    const config::v1::GatewayConfig& message) {
  Faults faults;
  const config::v1::Screening& screening = message.screening();
  AtMost(screening.release_hours(), kMaxReleaseHours, "screening.release_hours",
         &faults);
  AtMost(screening.keep_days(), kMaxDays, "screening.keep_days", &faults);
  const config::v1::Reviewing& reviewing = screening.reviewing();
  AtMost(reviewing.due_hours(), kMaxDueHours, "screening.reviewing.due_hours",
         &faults);
  AtMost(reviewing.customer_due_hours(), kMaxDueHours,
         "screening.reviewing.customer_due_hours", &faults);
  AtMost(reviewing.hand_over_due_hours(), kMaxDueHours,
         "screening.reviewing.hand_over_due_hours", &faults);
  AtMost(reviewing.sample_per_10000(), kMostSamples,
         "screening.reviewing.sample_per_10000", &faults);
  std::set<std::pair<std::string, std::string>> seen;
  for (int i = 0; i < screening.inferred_size(); ++i) {
    const config::v1::InferredRecord& record = screening.inferred(i);
    const std::string at = absl::StrCat("screening.inferred[", i, "]");
    CheckInferred(record, at, &faults);
    if (!seen.insert({record.output(), record.model()}).second) {
      faults.push_back({at, "stands twice for this output and model"});
    }
  }
  return faults;
}

void ResolveScreeningPaths(const std::filesystem::path& folder,
                           config::v1::GatewayConfig* message) {
  config::v1::Screening* const screening = message->mutable_screening();
  if (screening->release_key_file().empty()) {
    screening->set_release_key_file(
        (std::filesystem::path(message->keys().log_key_file()).parent_path() /
         kReleaseKeyFile)
            .string());
  } else {
    screening->set_release_key_file(
        (folder / screening->release_key_file()).lexically_normal().string());
  }
  if (!screening->conduct_policy_file().empty()) {
    screening->set_conduct_policy_file(
        (folder / screening->conduct_policy_file())
            .lexically_normal()
            .string());
  }
}

}  // namespace consentry::server
