#ifndef CONSENTRY_GATEWAY_STORE_TABLES_UPKEEP_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_UPKEEP_H_

namespace consentry::store {

// Rotations of keys, and backups. Part of version 2 of the schema. Nothing
// here is about a customer; times are microseconds.
//
//   rotations(rotation key, state, base_epoch, next_subject, begun_us,
//             ended_us)
//            state: upkeep::Rotation::State; base_epoch: the one that was
//            current before; next_subject: the first whose blind indexes are
//            still to be made anew
//   backups(backup_id key, part, state, created_us, expires_us, bytes,
//           log_size, file)
//            state: upkeep::BackupState; expires_us 0: never; file: path
inline constexpr char kUpkeepTables[] = R"sql(
CREATE TABLE rotations (
  rotation {int} PRIMARY KEY,
  state {int} NOT NULL,
  base_epoch {int} NOT NULL,
  next_subject {int} NOT NULL,
  begun_us {int} NOT NULL,
  ended_us {int} NOT NULL
);

CREATE TABLE backups (
  backup_id {blob} NOT NULL PRIMARY KEY,
  part {int} NOT NULL,
  state {int} NOT NULL,
  created_us {int} NOT NULL,
  expires_us {int} NOT NULL,
  bytes {int} NOT NULL,
  log_size {int} NOT NULL,
  file TEXT NOT NULL
) {clustered};
CREATE INDEX backups_by_time ON backups (created_us);
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_UPKEEP_H_
