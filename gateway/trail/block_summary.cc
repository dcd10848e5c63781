#include "gateway/trail/block_summary.h"

#include <algorithm>

#include "absl/status/status.h"
#include "consentry/store/v1/trail.pb.h"

namespace consentry::trail {
namespace {

bool IsPrefix(std::string_view filter) {
  return !filter.empty() && filter.back() == '.';
}

bool EventMatches(std::string_view filter, std::string_view event) {
  return IsPrefix(filter) ? event.substr(0, filter.size()) == filter
                          : event == filter;
}

template <class Set>
bool Has(const Set& set, const std::optional<std::string>& wanted) {
  return !wanted || set.contains(*wanted);
}

}  // namespace

bool EntryFilter::Matches(const store::v1::Leaf& leaf) const {
  if (leaf.time_us() < from_us || leaf.time_us() >= to_us) return false;
  if (client_id && leaf.client_id() != *client_id) return false;
  if (acting_person && leaf.acting_person() != *acting_person) return false;
  if (purpose && leaf.purpose() != *purpose) return false;
  if (event && !EventMatches(*event, leaf.event())) return false;
  if (!effect && !reason) return true;
  return std::any_of(leaf.subjects().begin(), leaf.subjects().end(),
                     [&](const store::v1::LeafSubject& subject) {
                       return (!effect || subject.effect() == *effect) &&
                              (!reason || subject.reason() == *reason);
                     });
}

void BlockSummary::Add(const store::v1::Leaf& leaf) {
  ++entries_;
  first_us_ = std::min(first_us_, leaf.time_us());
  last_us_ = std::max(last_us_, leaf.time_us());
  clients_.insert(leaf.client_id());
  persons_.insert(leaf.acting_person());
  purposes_.insert(leaf.purpose());
  events_.insert(leaf.event());
  for (const auto& subject : leaf.subjects()) {
    effects_.insert(subject.effect());
    reasons_.insert(subject.reason());
  }
}

bool BlockSummary::MayMatch(const EntryFilter& filter) const {
  if (entries_ == 0 || last_us_ < filter.from_us || first_us_ >= filter.to_us) {
    return false;
  }
  if (!Has(clients_, filter.client_id) ||
      !Has(persons_, filter.acting_person) || !Has(purposes_, filter.purpose)) {
    return false;
  }
  if (filter.effect && !effects_.contains(*filter.effect)) return false;
  if (filter.reason && !reasons_.contains(*filter.reason)) return false;
  return !filter.event ||
         std::any_of(events_.begin(), events_.end(),
                     [&](const std::string& event) {
                       return EventMatches(*filter.event, event);
                     });
}

std::string BlockSummary::Encode() const {
  store::v1::BlockSummary message;
  message.set_entries(entries_);
  message.set_first_us(first_us_);
  message.set_last_us(last_us_);
  message.mutable_clients()->Assign(clients_.begin(), clients_.end());
  message.mutable_persons()->Assign(persons_.begin(), persons_.end());
  message.mutable_purposes()->Assign(purposes_.begin(), purposes_.end());
  message.mutable_events()->Assign(events_.begin(), events_.end());
  message.mutable_effects()->Assign(effects_.begin(), effects_.end());
  message.mutable_reasons()->Assign(reasons_.begin(), reasons_.end());
  return message.SerializeAsString();
}

absl::StatusOr<BlockSummary> BlockSummary::Decode(std::string_view bytes) {
  store::v1::BlockSummary message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("a summary of the audit index does not decode");
  }
  BlockSummary summary;
  summary.entries_ = message.entries();
  summary.first_us_ = message.first_us();
  summary.last_us_ = message.last_us();
  summary.clients_ = {message.clients().begin(), message.clients().end()};
  summary.persons_ = {message.persons().begin(), message.persons().end()};
  summary.purposes_ = {message.purposes().begin(), message.purposes().end()};
  summary.events_ = {message.events().begin(), message.events().end()};
  summary.effects_ = {message.effects().begin(), message.effects().end()};
  summary.reasons_ = {message.reasons().begin(), message.reasons().end()};
  return summary;
}

}  // namespace consentry::trail
