#include "gateway/fairness/known_groups.h"

#include <algorithm>
#include <string>

#include "policy/engine/civil.h"
#include "proto/support/error.h"

namespace consentry::fairness {

std::vector<size_t> UnreadableAttributes(
    const std::shared_ptr<const clients::Configuration>& configuration,
    const policy::fairness::Profile& profile) {
  std::vector<size_t> unreadable;
  const auto& attributes = profile.attributes();
  for (size_t i = 0; i < attributes.size(); ++i) {
    if (!access::MakeBiasPlan(configuration, profile.message().purpose(),
                              {attributes[i].field})
             .ok()) {
      unreadable.push_back(i);
    }
  }
  return unreadable;
}

absl::StatusOr<std::optional<std::vector<int>>> KnownGroups::Of(
    store::Connection* connection,
    const std::shared_ptr<const policy::fairness::Profile>& profile,
    const access::Snapshot& snapshot, int64_t now_us,
    const vault::SubjectReader::HeadOptions& options) {
  const uint64_t subject = snapshot.members[0]->subject();
  std::vector<std::pair<uint64_t, int64_t>> members;
  for (const auto& member : snapshot.members) {
    members.emplace_back(member->subject(), member->version());
  }
  const auto configuration = configuration_();
  const int64_t epoch = configuration->epoch();
  {
    MutexLock lock(&mu_);
    const auto found = known_.find(subject);
    if (found != known_.end() && found->second.members == members &&
        found->second.epoch == epoch && found->second.profile == profile &&
        now_us < found->second.until_us) {
      found->second.held.assign(snapshot.members.begin(),
                                snapshot.members.end());
      return found->second.groups;
    }
  }
  Known known;
  known.members = std::move(members);
  known.held.assign(snapshot.members.begin(), snapshot.members.end());
  known.epoch = epoch;
  known.profile = profile;
  // Ages change at midnight.
  known.until_us = (now_us / policy::kUsPerDay + 1) * policy::kUsPerDay;
  known.groups.assign(profile->attributes().size(),
                      policy::fairness::kUnknownGroup);
  const auto& purpose = profile->message().purpose();
  std::vector<std::string> fields;
  for (const auto& attribute : profile->attributes()) {
    fields.push_back(attribute.field);
  }
  auto plan = access::MakeBiasPlan(configuration, purpose, fields);
  if (!plan.ok()) {
    // A field that is gone takes its own attribute alone.
    std::vector<std::string> left = fields;
    for (const size_t i : UnreadableAttributes(configuration, *profile)) {
      std::erase(left, fields[i]);
    }
    if (left.empty()) return std::nullopt;
    plan = access::MakeBiasPlan(configuration, purpose, left);
    if (!plan.ok()) return plan.status();
  }
  const auto read = access::ReadForBias(*subjects_, connection, *plan, subject,
                                        now_us, options);
  if (read.ok()) {
    known.until_us = std::min(known.until_us, read->until_us);
    for (size_t i = 0; i < known.groups.size(); ++i) {
      for (const v1::Field& field : read->fields) {
        if (field.name() == fields[i]) {
          known.groups[i] =
              profile->attributes()[i].GroupOf(field.value(), now_us);
        }
      }
    }
  } else if (ReasonOf(read.status()) != v1::ERROR_REASON_DATA_CORRUPT) {
    return read.status();
  }
  std::vector<int> groups = known.groups;
  MutexLock lock(&mu_);
  if (known_.size() >= kMaxKnown) known_.clear();
  known_[subject] = std::move(known);
  return groups;
}

void KnownGroups::Sweep(int64_t now_us) {
  MutexLock lock(&mu_);
  std::erase_if(known_, [now_us](const auto& one) {
    const Known& known = one.second;
    return now_us >= known.until_us ||
           std::any_of(known.held.begin(), known.held.end(),
                       [](const auto& member) { return member.expired(); });
  });
}

size_t KnownGroups::size() const {
  MutexLock lock(&mu_);
  return known_.size();
}

}  // namespace consentry::fairness
