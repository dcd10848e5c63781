#ifndef CONSENTRY_GATEWAY_UPKEEP_LOG_REPLAY_H_
#define CONSENTRY_GATEWAY_UPKEEP_LOG_REPLAY_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/log/reader.h"
#include "consentry/store/v1/subject.pb.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/store/change.h"
#include "gateway/upkeep/configuration_replay.h"
#include "gateway/vault/head_edit.h"
#include "policy/conduct/pressure.h"

namespace consentry::upkeep {

// The event of entries by which a restore does it again.
inline constexpr std::string_view kReplayedEvent = "system.restore_replayed";
// The event of entries by which a restore makes every consent uncertain.
inline constexpr std::string_view kUncertainEvent = "system.restore_uncertain";

// A line of LeafSubject.changes.
struct ReplayLine {
  // "marketing.email=withdrawn"
  std::string scope;
  std::string state;
};
// Empty scope: the line is not of that form.
ReplayLine ParseReplayLine(std::string_view line);
enum class ReplayMeaning {
  // Gives, lifts, or says what became of values: what was lost of it has to be
  // given anew.
  kGives,
  // Withdrawals, refusals, ends of consents, opt-outs, objections,
  // restrictions, holds, erasures, logins unlinked, agents revoked, customers
  // joined and parted.
  kTakes,
  // Of no form that this program knows: the customer is restricted.
  kUnknown,
};
ReplayMeaning MeaningOf(const ReplayLine& line);

struct ReplayEntry {
  uint64_t index = 0;
  int64_t time_us = 0;
  std::string client_id;
  // Number of the join that it tells of; 0: of none.
  int64_t merge = 0;
  // By subject, in the order of the log; negative lines alone.
  std::map<uint64_t, std::vector<ReplayLine>> subjects;
};

// How far the log says that an erasure of a subject has come.
struct ReplayedErasure {
  uint64_t index = 0;  // Of the first entry that tells of it.
  bool begun = false;  // Its keys were to be destroyed from then on.
};

// What outputs spent of one customer's budgets, and what she refused.
struct SpentReplay {
  std::vector<conduct::Contact> contacts;
  std::vector<conduct::Refusal> refusals;
};

// What the log says about customers behind a backup: every line that takes
// something away, every erasure, and what was spent of budgets.
struct LogReplay {
  std::vector<ReplayEntry> entries;
  std::map<uint64_t, ReplayedErasure> erasures;
  std::map<uint64_t, SpentReplay> spent;
  // Customers whose erasure was cancelled: last heard of them.
  std::set<uint64_t> cancelled;
  ConfigurationReplay configuration;
  // An earlier restore made every consent uncertain.
  bool uncertain = false;
  // The highest change number, and the latest time, of any entry read.
  int64_t last_change = 0;
  int64_t last_time_us = 0;
  // Lines of no known form.
  uint64_t unknown = 0;
  // Lines about customers whose keys are gone, or were never here.
  uint64_t about_nobody = 0;
};

// Reads the log from `from` to its end. Entries of changes up to `last_change`
// are in the backup and passed over. Subjects are found by their tags, one
// keyed hash for each living subject and month. DataLoss when an entry is no
// leaf, or the log does not verify.
absl::StatusOr<LogReplay> ReadReplay(const audit::LogReader& log,
                                     const crypto::SlotFile& slots,
                                     const std::string& log_origin,
                                     uint64_t from, int64_t last_change);

// Applies lines to one customer inside of a change; the caller writes the head.
// Joins are for LinkReplay.
absl::Status ApplyReplay(store::ChangeContext& context,
                         const ReplayEntry& entry,
                         const std::vector<ReplayLine>& lines,
                         vault::HeadEdit* edit);

// Counts again what was spent, in up to `limit` customers above `after`, inside
// of a change. The last one's number, 0 at the end. Customers who are not in
// the store are passed over.
absl::StatusOr<uint64_t> ApplySpent(
    store::ChangeContext& context, const crypto::SlotFile& slots,
    const std::map<uint64_t, SpentReplay>& spent, uint64_t after, int limit);

}  // namespace consentry::upkeep

#endif  // CONSENTRY_GATEWAY_UPKEEP_LOG_REPLAY_H_
