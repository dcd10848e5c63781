#include "gateway/fairness/monitor_list.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/fairness/show_monitor.h"

namespace consentry::fairness {
namespace {

// One stream. Ordered as they are listed.
struct Name {
  int64_t version = 0;
  size_t stream = 0;

  friend bool operator<(const Name& one, const Name& other) {
    return one.version != other.version ? one.version > other.version
                                        : one.stream < other.stream;
  }
};

// "7.0", version and stream.
std::optional<Name> NameOf(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('.', 1));
  Name name;
  uint64_t stream = 0;
  if (!absl::SimpleAtoi(parts.first, &name.version) ||
      !absl::SimpleAtoi(parts.second, &stream)) {
    return std::nullopt;
  }
  name.stream = stream;
  return name;
}

// "2|7.0,7.3,5.1|7.2": how many of those in front were listed, their names, and
// the last of the others. That one is empty before them.
struct Place {
  size_t listed = 0;
  std::vector<Name> front;
  std::optional<Name> last;
};

absl::StatusOr<Place> PlaceOf(std::string_view text) {
  const auto bad = [] {
    return absl::InvalidArgumentError("a place in a list of monitors is none");
  };
  const std::vector<absl::string_view> parts =
      absl::StrSplit(absl::string_view(text.data(), text.size()), '|');
  Place place;
  uint64_t listed = 0;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &listed)) return bad();
  for (const absl::string_view one :
       absl::StrSplit(parts[1], ',', absl::SkipEmpty())) {
    const auto name = NameOf(one);
    if (!name) return bad();
    place.front.push_back(*name);
  }
  if (listed > place.front.size()) return bad();
  place.listed = listed;
  if (!parts[2].empty()) {
    place.last = NameOf(parts[2]);
    if (!place.last) return bad();
  }
  return place;
}

std::string TextOf(const Place& place) {
  std::string text = absl::StrCat(place.listed, "|");
  const auto add = [&](const Name& name) {
    absl::StrAppend(&text, name.version, ".", name.stream);
  };
  for (size_t i = 0; i < place.front.size(); ++i) {
    if (i > 0) text += ",";
    add(place.front[i]);
  }
  text += "|";
  if (place.last) add(*place.last);
  return text;
}

using Versions = std::map<int64_t, std::shared_ptr<const WatchedVersion>,
                          std::greater<int64_t>>;

std::vector<Name> FrontOf(const Versions& versions) {
  std::vector<Name> front;
  for (const bool violations : {true, false}) {
    for (const auto& [no, version] : versions) {
      const auto& found = version->violations;
      for (const size_t stream : violations ? found : version->alarms) {
        if (front.size() == kMostInFront) return front;
        if (!violations &&
            std::find(found.begin(), found.end(), stream) != found.end()) {
          continue;
        }
        front.push_back({no, stream});
      }
    }
  }
  return front;
}

// Shows streams until the page is full and one more is found.
class Pager {
 public:
  Pager(const Versions& versions,
        const v1::ListFairnessMonitorsRequest& request, size_t size,
        int64_t now_us)
      : versions_(versions), request_(request), size_(size), now_us_(now_us) {}

  // False: the page ends before this one.
  bool Offer(const Name& name) {
    const auto version = versions_.find(name.version);
    if (version == versions_.end() ||
        name.stream >= version->second->monitors.size()) {
      return true;
    }
    if (!MayBe(*version->second, name.stream, request_.verdict())) return true;
    if (looks_ == size_ + kMostLooks) return false;
    const bool any = request_.verdict() == v1::FAIRNESS_VERDICT_UNSPECIFIED;
    if (any && monitors_.size() == size_) return false;
    ++looks_;
    std::unique_ptr<const ShownMonitors>& shown = shown_[name.version];
    if (shown == nullptr) {
      shown = std::make_unique<const ShownMonitors>(*version->second, now_us_);
    }
    v1::FairnessMonitor one = shown->Show(name.stream);
    if (!any && one.verdict() != request_.verdict()) return true;
    if (monitors_.size() == size_) return false;
    monitors_.push_back(std::move(one));
    return true;
  }

  std::vector<v1::FairnessMonitor> Take() { return std::move(monitors_); }

 private:
  const Versions& versions_;
  const v1::ListFairnessMonitorsRequest& request_;
  const size_t size_;
  const int64_t now_us_;
  std::map<int64_t, std::unique_ptr<const ShownMonitors>> shown_;
  std::vector<v1::FairnessMonitor> monitors_;
  size_t looks_ = 0;
};

}  // namespace

absl::StatusOr<MonitorPage> ListMonitors(
    std::vector<std::shared_ptr<const WatchedVersion>> versions,
    const v1::ListFairnessMonitorsRequest& request, std::string_view place,
    size_t size, int64_t now_us) {
  Versions asked;
  for (auto& version : versions) {
    if ((!request.profile_id().empty() &&
         version->doc.profile_id() != request.profile_id()) ||
        (!request.model().empty() && version->doc.model() != request.model())) {
      continue;
    }
    const int64_t no = version->no;
    asked[no] = std::move(version);
  }
  Place at;
  if (place.empty()) {
    at.front = FrontOf(asked);
  } else {
    auto given = PlaceOf(place);
    if (!given.ok()) return given.status();
    at = *std::move(given);
  }
  const std::set<Name> in_front(at.front.begin(), at.front.end());
  Pager pager(asked, request, size, now_us);
  MonitorPage page;
  const auto end = [&] {
    page.monitors = pager.Take();
    page.next = TextOf(at);
    return page;
  };
  for (; at.listed < at.front.size(); ++at.listed) {
    if (!pager.Offer(at.front[at.listed])) return end();
  }
  for (auto version = at.last ? asked.lower_bound(at.last->version)
                              : asked.begin();
       version != asked.end(); ++version) {
    for (size_t i = 0; i < version->second->monitors.size(); ++i) {
      const Name name{version->first, i};
      if ((at.last && !(*at.last < name)) || in_front.contains(name)) continue;
      if (!pager.Offer(name)) return end();
      at.last = name;
    }
  }
  page.monitors = pager.Take();
  return page;
}

}  // namespace consentry::fairness
