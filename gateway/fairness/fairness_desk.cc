#include "gateway/fairness/fairness_desk.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/base/log.h"
#include "gateway/clients/caller_context.h"
#include "gateway/fairness/monitor_list.h"
#include "policy/engine/civil.h"
#include "policy/engine/text_config.h"
#include "policy/fairness/audit_schedule.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::fairness {
namespace {

constexpr base::LogEvent kViolation = {base::LogLevel::kWarn, 6700,
                                       "fairness.violation"};
constexpr base::LogEvent kAlarm = {base::LogLevel::kWarn, 6701,
                                   "fairness.alarm"};
constexpr base::LogEvent kNotLogged = {base::LogLevel::kWarn, 6702,
                                       "fairness.finding_not_in_audit_log"};
// Of a version that made no output for so long staff are told no more.
constexpr int64_t kToldUs = int64_t{2} * 24 * 3600 * 1'000'000;
// So many versions in use come near to too many.
constexpr size_t kManyVersions = 200;
constexpr size_t kDefaultPage = 50;
// Texts of profiles on one page, in bytes.
constexpr size_t kMaxPageText = 1 << 20;

absl::Status BadToken() {
  return MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                   "the page token is not one of this question");
}

absl::Status NoProfile() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND,
                   "no fairness profile has this id");
}

// One page of what is counted from 0.
struct Page {
  size_t first = 0;
  size_t end = 0;
};
template <class Request>
absl::StatusOr<Page> PageOf(const crypto::PageTokens& tokens,
                            const std::string& who, const std::string& query,
                            const Request& request, size_t all,
                            int64_t now_us) {
  Page page;
  if (!request.page_token().empty()) {
    const auto position = tokens.Open(who, query, request.page_token(), now_us);
    uint64_t first = 0;
    if (!position.ok() || !absl::SimpleAtoi(*position, &first)) {
      return BadToken();
    }
    page.first = std::min<size_t>(first, all);
  }
  const size_t size = request.page_size() == 0
                          ? kDefaultPage
                          : static_cast<size_t>(request.page_size());
  page.end = std::min(all, page.first + size);
  return page;
}

// Of enough units to be judged, more than half are of nobody knows which group.
bool HasLowCoverage(const WatchedVersion& version) {
  const uint64_t units = version.doc.units();
  const auto& streams = version.profile->profile->streams();
  if (streams.empty() || units < streams[0].plan.minimum) return false;
  return std::any_of(version.doc.attributes().begin(),
                     version.doc.attributes().end(), [units](const auto& one) {
                       return one.unknown() > units - one.unknown();
                     });
}

// What is missing of what a version's comparisons are made of, as a line names
// it; null: nothing.
const char* GapOf(const FairnessWatch& watch, const WatchedVersion& version) {
  const rules::Profile& profile = *version.profile->profile;
  const auto unreadable = watch.Unreadable(profile);
  if (unreadable.size() == profile.attributes().size()) {
    return "fairness_not_counted";
  }
  if (!unreadable.empty()) return "fairness_unreadable";
  return HasLowCoverage(version) ? "fairness_low_coverage" : nullptr;
}

// The same of what is in force, and what stands against its versions, in words.
void TellStanding(const FairnessWatch& watch, const rules::Profile& profile,
                  int64_t now_us, v1::FairnessProfile* shown) {
  const auto unreadable = watch.Unreadable(profile);
  const auto& attributes = profile.attributes();
  if (unreadable.size() == attributes.size()) {
    shown->add_remarks(
        "No attribute may be read now: the purpose is suspended or gone, or "
        "lists none of their fields. Nobody is counted meanwhile.");
  } else if (!unreadable.empty()) {
    std::vector<std::string> names;
    for (const size_t i : unreadable) names.push_back(attributes[i].name);
    shown->add_remarks(absl::StrCat(
        "The purpose lists no field of ", absl::StrJoin(names, ", "),
        " now. Whoever is counted meanwhile is unknown there for the life of "
        "the version."));
  }
  for (const auto& version : watch.versions()) {
    const auto& doc = version->doc;
    if (doc.profile_id() != profile.id() ||
        watch.LastUse(doc) < now_us - kToldUs) {
      continue;
    }
    if (version->lost_violation()) {
      shown->add_remarks(absl::StrCat(
          "Against version ", doc.model_version(),
          " a violation stands that was found under a text of this profile "
          "which a restore lost. The log names its monitor; the comparisons of "
          "today's text are not accused by it."));
    }
    if (doc.uncounted_since_us() == 0) continue;
    shown->add_remarks(absl::StrCat(
        "Of version ", doc.model_version(), " nobody was counted since ",
        policy::FormatTime(doc.uncounted_since_us() -
                           doc.uncounted_since_us() % 1'000'000),
        ", since no attribute could be read."));
  }
}

}  // namespace

v1::FairnessProfile FairnessDesk::Show(const ProfileInForce& profile) const {
  v1::FairnessProfile shown;
  shown.set_id(profile.profile->id());
  shown.set_text(profile.text);
  shown.set_etag(profile.etag());
  shown.set_version(profile.version);
  shown.set_streams(static_cast<int>(profile.profile->streams().size()));
  // The traffic of versions that are in use, where there is any.
  const int64_t used_from_us =
      options_.answers.committer->NowUs() -
      int64_t{rules::Monitor::kWindowDays} * 24 * 3600 * 1'000'000;
  double units = 0;
  for (const auto& version : options_.watch->versions()) {
    if (version->doc.profile_id() != profile.profile->id() ||
        options_.watch->LastUse(version->doc) < used_from_us) {
      continue;
    }
    const int64_t span_us =
        std::max<int64_t>(version->doc.last_us() - version->doc.start_us(),
                          int64_t{24} * 3600 * 1'000'000);
    units = std::max(units, static_cast<double>(version->doc.units()) * 24 *
                                3600 * 1e6 / static_cast<double>(span_us));
  }
  const auto explained =
      rules::Explain(*profile.profile,
                     units > 0 ? std::optional<double>(units) : std::nullopt);
  for (const std::string& remark : explained.remarks) {
    shown.add_remarks(remark);
  }
  const auto& audits = profile.profile->message().audits();
  const int64_t span = rules::MostDaysOfSpan(audits.calendar());
  const int64_t wanted = span + int64_t{audits.outcome_days()};
  if (span > 0 && options_.keep_days > 0 && wanted > options_.keep_days) {
    shown.add_remarks(absl::StrCat(
        "Outputs are held for ", options_.keep_days,
        " days, and an audit of the calendar looks back on up to ", wanted,
        ": what its span begins with is gone by then, and the report says so. "
        "Hold them longer (screening.keep_days), or take a shorter span."));
  }
  const int64_t now_us = options_.answers.committer->NowUs();
  TellStanding(*options_.watch, *profile.profile, now_us, &shown);
  const size_t in_use = options_.watch->InUse(profile.profile->id(), now_us);
  if (in_use >= kManyVersions) {
    shown.add_remarks(absl::StrCat(
        in_use,
        " versions of the model were in use in the last 90 days. What "
        "begins while ",
        FairnessWatch::kMaxVersions,
        " are shares one record, \"*\", and is blocked with it."));
  }
  return shown;
}

void FairnessDesk::Get(const access::Caller& caller,
                       const v1::GetFairnessProfileRequest& request,
                       access::Done<v1::FairnessProfile> done) const {
  access::AnswerAudited<v1::FairnessProfile>(
      options_.answers, caller,
      [this, id = request.id()](
          access::AnswerEntry* entry) -> absl::StatusOr<v1::FairnessProfile> {
        const auto profiles = options_.watch->profiles();
        const auto found = profiles.find(id);
        if (found == profiles.end()) return NoProfile();
        entry->leaf.add_details(absl::StrCat("profile=", id));
        return Show(*found->second);
      },
      std::move(done));
}

void FairnessDesk::List(
    const access::Caller& caller,
    const v1::ListFairnessProfilesRequest& request,
    access::Done<v1::ListFairnessProfilesResponse> done) const {
  access::AnswerAudited<v1::ListFairnessProfilesResponse>(
      options_.answers, caller,
      [this, caller, request](access::AnswerEntry* entry)
          -> absl::StatusOr<v1::ListFairnessProfilesResponse> {
        const auto profiles = options_.watch->profiles();
        const std::string who = clients::RequesterOf(caller);
        const std::string query = "fairness.profiles";
        const int64_t now_us = entry->leaf.time_us();
        CONSENTRY_ASSIGN_OR_RETURN(
            const Page page, PageOf(*options_.page_tokens, who, query, request,
                                    profiles.size(), now_us));
        v1::ListFairnessProfilesResponse shown;
        size_t at = 0;
        size_t end = page.first;
        size_t text = 0;
        for (const auto& [id, profile] : profiles) {
          if (at++ < page.first || end >= page.end) continue;
          text += profile->text.size();
          if (end > page.first && text > kMaxPageText) break;
          *shown.add_profiles() = Show(*profile);
          ++end;
        }
        if (end < profiles.size()) {
          CONSENTRY_ASSIGN_OR_RETURN(
              *shown.mutable_next_page_token(),
              options_.page_tokens->Seal(who, query, absl::StrCat(end),
                                         now_us));
        }
        return shown;
      },
      std::move(done));
}

void FairnessDesk::Monitors(
    const access::Caller& caller,
    const v1::ListFairnessMonitorsRequest& request,
    access::Done<v1::ListFairnessMonitorsResponse> done) const {
  access::AnswerAudited<v1::ListFairnessMonitorsResponse>(
      options_.answers, caller,
      [this, caller, request](access::AnswerEntry* entry)
          -> absl::StatusOr<v1::ListFairnessMonitorsResponse> {
        const int64_t now_us = entry->leaf.time_us();
        const std::string who = clients::RequesterOf(caller);
        v1::ListFairnessMonitorsRequest asked = request;
        asked.clear_page_token();
        asked.clear_page_size();
        const std::string query =
            "fairness.monitors/" + clients::CanonicalBytes(asked);
        std::string place;
        if (!request.page_token().empty()) {
          auto given = options_.page_tokens->Open(who, query,
                                                  request.page_token(), now_us);
          if (!given.ok()) return BadToken();
          place = *std::move(given);
        }
        const size_t size = request.page_size() == 0
                                ? kDefaultPage
                                : static_cast<size_t>(request.page_size());
        auto page = ListMonitors(options_.watch->versions(), request, place,
                                 size, now_us);
        if (!page.ok()) return BadToken();
        v1::ListFairnessMonitorsResponse shown;
        for (auto& monitor : page->monitors) {
          *shown.add_monitors() = std::move(monitor);
        }
        if (!page->next.empty()) {
          CONSENTRY_ASSIGN_OR_RETURN(
              *shown.mutable_next_page_token(),
              options_.page_tokens->Seal(who, query, page->next, now_us));
        }
        return shown;
      },
      std::move(done));
}

void RecordFindings(store::Committer* committer, const FairnessRows* rows,
                    const clients::ConfigurationSource& configuration,
                    const std::vector<FairnessFinding>& found) {
  for (const FairnessFinding& one : found) {
    base::Log(one.violation ? kViolation : kAlarm,
              {{"monitor", base::LogId{one.monitor}}});
    store::Change change;
    change.apply = [configuration = configuration(), rows,
                    one](store::ChangeContext& context) -> absl::Status {
      if (one.violation) {
        CONSENTRY_ASSIGN_OR_RETURN(
            const bool is_new,
            rows->AddFinding(context.connection(), one.version_no,
                             static_cast<int64_t>(one.stream)));
        if (!is_new) {
          return MakeError(v1::ERROR_REASON_ALREADY_EXISTS,
                           "the violation has its entry");
        }
      }
      access::Caller self;
      self.event = std::string(kFindingEvent);
      self.method = self.event;
      store::v1::Leaf leaf =
          clients::LeafOf(*configuration, self, context.now_us());
      leaf.set_change_number(static_cast<uint64_t>(context.number()));
      leaf.add_details(absl::StrCat(std::string(kRecordDetail), one.record));
      leaf.add_details(absl::StrCat(
          std::string(one.violation ? kViolationDetail : kAlarmDetail),
          one.monitor));
      leaf.add_details(absl::StrCat(std::string(kProfileVersionDetail),
                                    one.profile_version));
      context.SetEntry(leaf.SerializeAsString());
      return absl::OkStatus();
    };
    committer->CommitChange(
        std::move(change), [](store::ChangeOutcome outcome) {
          // The monitors themselves are kept, and staff are told by them.
          if (!outcome.status.ok() && !absl::IsAlreadyExists(outcome.status)) {
            base::Log(kNotLogged, {{"status", outcome.status}});
          }
        });
  }
}

std::vector<std::string> FindingLines(const FairnessWatch& watch,
                                      int64_t now_us) {
  std::vector<std::string> lines;
  for (const auto& [id, profile] : watch.profiles()) {
    if (watch.InUse(id, now_us) >= kManyVersions) {
      lines.push_back(absl::StrCat("fairness_many_versions: ", id));
    }
  }
  for (const auto& version : watch.versions()) {
    if (watch.LastUse(version->doc) < now_us - kToldUs) continue;
    const char* const gap = GapOf(watch, *version);
    if (gap != nullptr) {
      lines.push_back(absl::StrCat(gap, ": ", RecordId(*version)));
    }
    const auto add = [&](const char* what, const std::vector<size_t>& streams) {
      for (const size_t stream : streams) {
        lines.push_back(absl::StrCat(what, ": ", MonitorId(*version, stream)));
      }
    };
    add("fairness_violation", version->violations);
    if (version->lost_violation()) {
      lines.push_back(
          absl::StrCat("fairness_lost_violation: ", RecordId(*version)));
    }
    add("fairness_alarm", version->alarms);
  }
  return lines;
}

}  // namespace consentry::fairness
