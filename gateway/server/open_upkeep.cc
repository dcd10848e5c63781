#include "gateway/server/open_upkeep.h"

#include <algorithm>
#include <filesystem>

#include "gateway/server/gateway.h"
#include "gateway/server/recovery.h"

namespace consentry::server {
namespace {

constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;
constexpr uint32_t kRetentionHours = 24;
// Beyond the longest time that a call may take.
constexpr int64_t kSettleUs = int64_t{70} * 1'000'000;

}  // namespace

std::unique_ptr<upkeep::UpkeepDesk> OpenUpkeep(const Config& config,
                                               const UpkeepParts& parts) {
  upkeep::UpkeepDesk::Options options;
  options.retention = {.configuration = parts.configuration,
                       .committer = parts.committer,
                       .readers = parts.readers,
                       .epochs = parts.epochs,
                       .slots = parts.slots,
                       .cache = parts.cache,
                       .log_origin = config.message.storage().log_origin()};
  const auto before = [on_step = parts.on_step](std::string_view step) {
    if (on_step) on_step(step);
    return absl::OkStatus();
  };
  options.rotation = {
      .configuration = parts.configuration,
      .committer = parts.committer,
      .readers = parts.readers,
      .epochs = parts.epochs,
      .slots = parts.slots,
      .clock = parts.clock,
      .settle_us = std::min(
          kSettleUs,
          int64_t{config.message.limits().max_call_ms()} * 1000 + 1'000'000),
      .before_step = before};
  const std::string keys =
      std::filesystem::path(config.message.keys().epoch_file())
          .parent_path()
          .string();
  const config::v1::Backup& backup = config.message.backup();
  const auto days = [](uint32_t value, uint32_t otherwise) {
    return 24 * kHourUs * int64_t{value == 0 ? otherwise : value};
  };
  options.backups = {
      .fs = audit::FileSystem::Posix(),
      .engine = parts.engine,
      .configuration = parts.configuration,
      .committer = parts.committer,
      .readers = parts.readers,
      .epochs = parts.epochs,
      .slots = parts.slots,
      .log = parts.log,
      .signer = parts.signer,
      .log_folder = config.DataFile(kLogFolder),
      .data_folder = backup.data_directory(),
      .keys_folder = backup.keys_directory(),
      .logs_folder = backup.log_directory(),
      .keep_data_us = days(backup.keep_data_days(), 35),
      .keep_keys_us = days(backup.keep_keys_days(), 7),
      .recovery_key = [keys] { return RecoveryPublicKeyIn(keys); },
      .before_step = before};
  options.backup_every_us = kHourUs * backup.every_hours();
  const config::v1::Retention& retention = config.message.retention();
  if (!retention.manual()) {
    options.retention_every_us =
        kHourUs * (retention.every_hours() == 0 ? kRetentionHours
                                                : retention.every_hours());
  }
  options.rotate_every_us =
      24 * kHourUs * config.message.keys().rotate_every_days();
  options.recovery_confirmed = [keys] {
    return RecoveryStateIn(keys) == RecoveryState::kConfirmed;
  };
  return std::make_unique<upkeep::UpkeepDesk>(std::move(options));
}

}  // namespace consentry::server
