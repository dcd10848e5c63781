#include "gateway/upkeep/log_replay.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "consentry/store/v1/consent.pb.h"
#include "consentry/store/v1/leaf.pb.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/consent/event_rows.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/erasure/holds.h"
#include "gateway/identity/logins.h"
#include "gateway/rights/agent_book.h"
#include "gateway/screening/pressure_rows.h"
#include "gateway/screening/pressure_words.h"
#include "gateway/screening/vulnerability_desk.h"
#include "gateway/screening/vulnerability_rows.h"
#include "policy/conduct/rulebook.h"
#include "proto/support/status_macros.h"

namespace consentry::upkeep {
namespace {

constexpr std::string_view kOptOut = "opt_out.";
constexpr std::string_view kObjection = "objection.";
constexpr std::string_view kLogin = "login:";
constexpr std::string_view kAgent = "agent.";
constexpr std::string_view kRetention = "retention.";
constexpr std::string_view kSoftOptIn = "soft_opt_in.";
constexpr std::string_view kMerge = "merge=";

bool StartsWith(std::string_view text, std::string_view front) {
  return text.substr(0, front.size()) == front;
}

// Of a choice about a purpose; nullopt for states that give.
std::optional<store::v1::ConsentEvent::Type> EventOf(std::string_view state) {
  if (state == "withdrawn") return store::v1::ConsentEvent::WITHDRAWN;
  if (state == "refused") return store::v1::ConsentEvent::REFUSED;
  if (state == "invalidated") return store::v1::ConsentEvent::INVALIDATED;
  if (state == "expired") return store::v1::ConsentEvent::EXPIRED;
  return std::nullopt;
}

// What the hold covered, and its ground, are lost: everything, until somebody
// who knows has set it anew and lifts this one.
absl::Status HoldEverything(store::ChangeContext& context,
                            const ReplayEntry& entry,
                            const crypto::SubjectKeys& keys) {
  erasure::Hold hold;
  hold.id = context.number();
  hold.public_id = crypto::NewObjectId();
  hold.subject = keys.subject();
  hold.in_force = true;
  hold.doc.set_ground("restore");
  hold.doc.set_document("entry " + std::to_string(entry.index) + " of the log");
  hold.doc.set_created_us(entry.time_us);
  return erasure::WriteHold(context, keys, hold);
}

// Which one was declared is lost: any, until somebody who knows has declared it
// anew and clears this one.
absl::Status DeclareVulnerable(store::ChangeContext& context,
                               const ReplayEntry& entry,
                               const crypto::SubjectKeys& keys) {
  screening::VulnerabilityRow row;
  row.no = context.number();
  row.id = crypto::NewObjectId();
  row.subject = keys.subject();
  row.doc.set_kind(v1::VULNERABILITY_KIND_UNSPECIFIED);
  row.doc.set_basis("restore: entry " + std::to_string(entry.index) +
                    " of the log");
  row.doc.set_set_us(entry.time_us);
  row.doc.set_expire_us(context.now_us() +
                        screening::VulnerabilityDesk::kMaxSpanUs);
  row.doc.set_set_by("restore");
  return screening::VulnerabilityRows::Insert(context.connection(), keys, row);
}

using Tags = std::map<std::string, uint64_t, std::less<>>;

absl::StatusOr<Tags> TagsOf(const crypto::SlotFile& slots,
                            const std::string& origin,
                            const std::set<crypto::Month>& months) {
  Tags tags;
  CONSENTRY_RETURN_IF_ERROR(slots.ForEach(
      1, [&](uint64_t subject, const absl::StatusOr<crypto::SlotInfo>& info) {
        if (!info.ok() || info->state != crypto::SlotState::kLive) {
          return absl::OkStatus();
        }
        const auto keys = slots.Load(subject);
        if (!keys.ok()) return absl::OkStatus();
        for (const crypto::Month month : months) {
          const auto add = [&](const crypto::SubjectTag& tag) {
            tags.emplace(std::string(tag.begin(), tag.end()), subject);
          };
          add(crypto::ComputeSubjectTag(*keys, origin, month));
          if (const auto before = keys->previous_audit_generation()) {
            const auto older =
                crypto::ComputeSubjectTag(*keys, *before, origin, month);
            if (older.ok()) add(*older);
          }
        }
        return absl::OkStatus();
      }));
  return tags;
}

}  // namespace

ReplayLine ParseReplayLine(std::string_view line) {
  const size_t equals = line.rfind('=');
  if (equals == std::string_view::npos) return {};
  return {std::string(line.substr(0, equals)),
          std::string(line.substr(equals + 1))};
}

ReplayMeaning MeaningOf(const ReplayLine& line) {
  const std::string_view scope = line.scope;
  const std::string_view state = line.state;
  // Which of two words it is.
  const auto word = [state](std::string_view takes, std::string_view gives) {
    if (state == takes) return ReplayMeaning::kTakes;
    return state == gives ? ReplayMeaning::kGives : ReplayMeaning::kUnknown;
  };
  if (scope == "erasure") {
    return state == "cancelled" ? ReplayMeaning::kGives : ReplayMeaning::kTakes;
  }
  if (scope == "hold") return word("placed", "lifted");
  if (scope == "vulnerability") return word("set", "cleared");
  if (scope == "link") {
    return state == "undone" ? ReplayMeaning::kTakes
                             : word("merged", "dismissed");
  }
  if (StartsWith(scope, kLogin)) return word("unlinked", "linked");
  if (scope == "gpc" || scope == "restricted" || StartsWith(scope, kOptOut) ||
      StartsWith(scope, kObjection)) {
    return word("set", "lifted");
  }
  if (EventOf(state).has_value() && !scope.empty()) {
    return ReplayMeaning::kTakes;
  }
  if (StartsWith(scope, kAgent) && state == "revoked") {
    return ReplayMeaning::kTakes;
  }
  // Consents, records, fields of an erasure's plan.
  for (const std::string_view gives :
       {"given", "none", "uncertain", "created", "updated", "kept"}) {
    if (state == gives && !scope.empty()) return ReplayMeaning::kGives;
  }
  if ((scope == "agent" && state == "authorized") ||
      (StartsWith(scope, kRetention) && state == "removed") ||
      (StartsWith(scope, kSoftOptIn) && state == "set")) {
    return ReplayMeaning::kGives;
  }
  return ReplayMeaning::kUnknown;
}

absl::StatusOr<LogReplay> ReadReplay(const audit::LogReader& log,
                                     const crypto::SlotFile& slots,
                                     const std::string& log_origin,
                                     uint64_t from, int64_t last_change) {
  LogReplay replay;
  absl::Status fault;
  struct Told {
    ReplayEntry entry;
    std::vector<std::pair<std::string, std::vector<std::string>>> tags;
    // Tag and what was spent.
    std::vector<std::pair<std::string, screening::ToldPressure>> spent;
  };
  std::vector<Told> told;
  std::set<crypto::Month> months;
  CONSENTRY_RETURN_IF_ERROR(
      log.Scan(from, log.size(), [&](uint64_t index, std::string_view bytes) {
        store::v1::Leaf leaf;
        if (!leaf.ParseFromArray(bytes.data(),
                                 static_cast<int>(bytes.size()))) {
          fault = absl::DataLossError("an entry of the log is no leaf");
          return false;
        }
        const auto change = static_cast<int64_t>(leaf.change_number());
        replay.last_change = std::max(replay.last_change, change);
        replay.last_time_us = std::max(replay.last_time_us, leaf.time_us());
        if (change <= last_change) return true;
        // What it tells of stands in the log before it.
        if (leaf.event() == kReplayedEvent) return true;
        replay.uncertain |= leaf.event() == kUncertainEvent;
        replay.configuration.Add(leaf);
        Told one;
        for (const store::v1::LeafSubject& subject : leaf.subjects()) {
          if (subject.changes().empty()) continue;
          one.tags.emplace_back(
              subject.tag(), std::vector<std::string>(subject.changes().begin(),
                                                      subject.changes().end()));
        }
        for (const std::string& detail : leaf.details()) {
          auto spent = screening::ParsePressureDetail(detail);
          if (!spent || spent->subject < 0 ||
              spent->subject >= leaf.subjects_size()) {
            continue;
          }
          const std::string& tag = leaf.subjects(spent->subject).tag();
          one.spent.emplace_back(tag, *std::move(spent));
        }
        if (one.tags.empty() && one.spent.empty()) return true;
        one.entry.index = index;
        one.entry.time_us = leaf.time_us();
        one.entry.client_id = leaf.client_id();
        for (const std::string& detail : leaf.details()) {
          if (!StartsWith(detail, kMerge)) continue;
          if (!absl::SimpleAtoi(detail.substr(kMerge.size()),
                                &one.entry.merge)) {
            one.entry.merge = 0;
          }
        }
        months.insert(crypto::MonthOf(leaf.time_us()));
        told.push_back(std::move(one));
        return true;
      }));
  CONSENTRY_RETURN_IF_ERROR(fault);
  if (told.empty()) return replay;
  CONSENTRY_ASSIGN_OR_RETURN(const Tags tags,
                             TagsOf(slots, log_origin, months));
  for (Told& one : told) {
    for (auto& [tag, spent] : one.spent) {
      const auto found = tags.find(tag);
      if (found == tags.end()) continue;
      SpentReplay& again = replay.spent[found->second];
      if (auto* contact = std::get_if<conduct::Contact>(&spent.what)) {
        again.contacts.push_back(std::move(*contact));
      } else {
        again.refusals.push_back(std::get<conduct::Refusal>(spent.what));
      }
    }
    for (const auto& [tag, lines] : one.tags) {
      const auto found = tags.find(tag);
      if (found == tags.end()) {
        ++replay.about_nobody;
        continue;
      }
      const uint64_t subject = found->second;
      for (const std::string& line : lines) {
        ReplayLine parsed = ParseReplayLine(line);
        if (parsed.scope == "erasure") {
          if (parsed.state == "cancelled") {
            replay.erasures.erase(subject);
            replay.cancelled.insert(subject);
            for (ReplayEntry& before : replay.entries) {
              const auto own = before.subjects.find(subject);
              if (own == before.subjects.end()) continue;
              auto& all = own->second;
              all.erase(std::remove_if(all.begin(), all.end(),
                                       [](const ReplayLine& each) {
                                         return each.scope == "erasure";
                                       }),
                        all.end());
            }
            continue;
          }
          replay.cancelled.erase(subject);
          ReplayedErasure& erasure = replay.erasures[subject];
          if (erasure.index == 0) erasure.index = one.entry.index;
          erasure.begun |= parsed.state == "begun" ||
                           parsed.state == "resealed" || parsed.state == "kept";
        }
        switch (MeaningOf(parsed)) {
          case ReplayMeaning::kGives:
            break;
          case ReplayMeaning::kUnknown:
            ++replay.unknown;
            parsed = {"restricted", "set"};
            [[fallthrough]];
          case ReplayMeaning::kTakes:
            one.entry.subjects[subject].push_back(std::move(parsed));
            break;
        }
      }
    }
    if (!one.entry.subjects.empty()) {
      replay.entries.push_back(std::move(one.entry));
    }
  }
  return replay;
}

absl::Status ApplyReplay(store::ChangeContext& context,
                         const ReplayEntry& entry,
                         const std::vector<ReplayLine>& lines,
                         vault::HeadEdit* edit) {
  store::Connection* const connection = context.connection();
  std::vector<store::v1::ConsentEvent> events;
  store::v1::SubjectHead& head = edit->head();
  for (const ReplayLine& line : lines) {
    if (line.scope == "erasure") {
      // Held ones must not be destroyed; neither may be read.
      if (line.state == "held") {
        head.set_restricted(true);
      } else {
        head.set_erasing(true);
      }
    } else if (line.scope == "hold") {
      head.set_legal_hold(true);
      CONSENTRY_RETURN_IF_ERROR(HoldEverything(context, entry, edit->keys()));
    } else if (line.scope == "vulnerability") {
      CONSENTRY_RETURN_IF_ERROR(
          DeclareVulnerable(context, entry, edit->keys()));
    } else if (line.scope == "restricted") {
      head.set_restricted(true);
    } else if (StartsWith(line.scope, kLogin)) {
      CONSENTRY_RETURN_IF_ERROR(
          identity::RemoveLogins(connection, edit->keys(),
                                 line.scope.substr(kLogin.size()))
              .status());
    } else if (line.scope == "gpc") {
      head.set_global_privacy_control(true);
    } else if (StartsWith(line.scope, kOptOut)) {
      v1::OptOutKind kind;
      if (!v1::OptOutKind_Parse(line.scope.substr(kOptOut.size()), &kind)) {
        // A kind that this program does not know closes everything.
        head.set_restricted(true);
        continue;
      }
      if (std::find(head.opt_outs().begin(), head.opt_outs().end(), kind) ==
          head.opt_outs().end()) {
        head.add_opt_outs(kind);
      }
    } else if (StartsWith(line.scope, kObjection)) {
      const std::string purpose = line.scope.substr(kObjection.size());
      if (std::find(head.objections().begin(), head.objections().end(),
                    purpose) == head.objections().end()) {
        head.add_objections(purpose);
      }
    } else if (StartsWith(line.scope, kAgent) && line.state == "revoked") {
      const absl::Status revoked = rights::AgentBook::RevokeIn(
          connection, edit->keys(), line.scope.substr(kAgent.size()),
          entry.time_us);
      // Authorized after the backup.
      if (!absl::IsNotFound(revoked)) CONSENTRY_RETURN_IF_ERROR(revoked);
    } else if (const auto type = EventOf(line.state)) {
      store::v1::ConsentEvent event;
      event.set_purpose(line.scope);
      event.set_type(*type);
      event.set_actor(store::v1::ConsentEvent::ATTESTED);
      event.set_client_id(entry.client_id);
      event.set_captured_at_us(entry.time_us);
      event.set_received_at_us(entry.time_us);
      event.set_method("restore");
      event.set_evidence("audit:" + std::to_string(entry.index));
      events.push_back(std::move(event));
    }
  }
  if (events.empty()) return absl::OkStatus();
  return consent::AppendEvents(connection, edit, std::move(events)).status();
}

absl::StatusOr<uint64_t> ApplySpent(
    store::ChangeContext& context, const crypto::SlotFile& slots,
    const std::map<uint64_t, SpentReplay>& spent, uint64_t after, int limit) {
  store::Connection* const connection = context.connection();
  int done = 0;
  for (auto at = spent.upper_bound(after); at != spent.end(); ++at) {
    if (done++ == limit) return after;
    after = at->first;
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        connection->Prepare("SELECT 1 FROM subjects WHERE subject = $1"));
    query.Bind(static_cast<int64_t>(at->first));
    CONSENTRY_ASSIGN_OR_RETURN(const bool held, query.Step());
    const auto keys = slots.Load(at->first);
    if (!held || absl::IsFailedPrecondition(keys.status())) continue;
    CONSENTRY_RETURN_IF_ERROR(keys.status());
    for (const conduct::Contact& contact : at->second.contacts) {
      CONSENTRY_RETURN_IF_ERROR(screening::PressureRows::Add(
          connection, *keys, conduct::Rulebook::Shipped(), contact));
    }
    for (const conduct::Refusal& refusal : at->second.refusals) {
      CONSENTRY_RETURN_IF_ERROR(screening::PressureRows::Add(
          connection, *keys, refusal, context.now_us()));
    }
  }
  return 0;
}

}  // namespace consentry::upkeep
