#include "gateway/server/doctor_upkeep.h"

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/server/restore.h"
#include "gateway/upkeep/backups.h"
#include "gateway/upkeep/rotation.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;
// Where no schedule says how old a backup may be.
constexpr int64_t kOldUs = int64_t{7} * 24 * kHourUs;

struct Last {
  int64_t created_us = 0;  // 0: there is none.
  std::string file;
};

absl::StatusOr<Last> LastVerified(store::Connection* reader,
                                  v1::BackupPart part) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      reader->Prepare("SELECT created_us, file FROM backups WHERE part = $1 "
                      "AND state = $2 ORDER BY created_us DESC LIMIT 1"));
  query.Bind(static_cast<int64_t>(part),
             static_cast<int64_t>(upkeep::BackupState::kVerified));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  Last last;
  if (found) last = {query.Int64(0), std::string(query.TextAt(1))};
  return last;
}

Finding CheckPart(const Config& config, store::Connection* reader,
                  v1::BackupPart part, const char* name,
                  const std::string& folder, int64_t now_us) {
  const std::string what = absl::StrCat("of the ", name);
  if (folder.empty()) {
    return {Health::kWarning, "backup",
            absl::StrCat("none ", what,
                         " is configured: name a folder in `backup`")};
  }
  const auto last = LastVerified(reader, part);
  if (!last.ok()) {
    return {Health::kFailure, "backup", "the list of backups cannot be read"};
  }
  if (last->created_us == 0) {
    return {Health::kWarning, "backup",
            absl::StrCat("none ", what, " was made yet: consentry backup")};
  }
  std::error_code ignored;
  if (!std::filesystem::exists(last->file, ignored)) {
    return {
        Health::kFailure, "backup",
        absl::StrCat("the last one ", what, " is not where it was written")};
  }
  const int64_t age_us = now_us - last->created_us;
  const int64_t every = config.message.backup().every_hours();
  const int64_t old_us = every == 0 ? kOldUs : 2 * every * kHourUs;
  const std::string text =
      absl::StrCat("the last one ", what, ", read back, is ", age_us / kHourUs,
                   " hours old");
  return {age_us > old_us ? Health::kWarning : Health::kGood, "backup", text};
}

}  // namespace

std::vector<Finding> CheckUpkeep(const Config& config,
                                 store::Connection* reader, int64_t now_us) {
  std::vector<Finding> findings;
  std::error_code ignored;
  if (std::filesystem::exists(config.DataFile(kUnfinishedRestoreFile),
                              ignored)) {
    findings.push_back({Health::kFailure, "restore",
                        "one was begun and not finished; run it again"});
  }
  const config::v1::Backup& backup = config.message.backup();
  findings.push_back(CheckPart(config, reader, v1::BACKUP_PART_DATA, "data",
                               backup.data_directory(), now_us));
  findings.push_back(CheckPart(config, reader, v1::BACKUP_PART_KEYS, "keys",
                               backup.keys_directory(), now_us));
  findings.push_back(CheckPart(config, reader, v1::BACKUP_PART_LOG, "log",
                               backup.log_directory(), now_us));
  auto query = reader->Prepare(
      "SELECT state, begun_us FROM rotations ORDER BY rotation DESC LIMIT 1");
  if (!query.ok()) return findings;
  const auto found = query->Step();
  if (!found.ok() || !*found) return findings;
  if (query->Int64(0) < static_cast<int64_t>(upkeep::Rotation::State::kDone)) {
    const int64_t hours = (now_us - query->Int64(1)) / kHourUs;
    findings.push_back(
        {hours >= 24 ? Health::kWarning : Health::kGood, "keys",
         absl::StrCat("a rotation is under way for ", hours, " hours")});
  }
  return findings;
}

}  // namespace consentry::server
