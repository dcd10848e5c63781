#include "gateway/store/migrations.h"

#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/store/schema.h"
#include "gateway/store/tables_consent.h"
#include "gateway/store/tables_delivery.h"
#include "gateway/store/tables_erasure.h"
#include "gateway/store/tables_fairness.h"
#include "gateway/store/tables_identity.h"
#include "gateway/store/tables_oversight.h"
#include "gateway/store/tables_review.h"
#include "gateway/store/tables_rights.h"
#include "gateway/store/tables_screening.h"
#include "gateway/store/tables_upkeep.h"

namespace consentry::store {
namespace {

// {int} PRIMARY KEY alone already lies in the order of its key in SQLite.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE subjects (
  subject {int} PRIMARY KEY,
  public_id {blob} NOT NULL,
  version {int} NOT NULL,
  key_gen {int} NOT NULL,
  head {blob} NOT NULL,
  due_month {int}
);
CREATE INDEX subjects_due ON subjects (due_month);

CREATE TABLE lookup (
  key {blob} NOT NULL,
  subject {int} NOT NULL,
  kind {int} NOT NULL,
  PRIMARY KEY (key, subject)
) {clustered};
CREATE INDEX lookup_by_subject ON lookup (subject);

CREATE TABLE records (
  record_no {int} PRIMARY KEY,
  kind {int} NOT NULL,
  record_id {blob} NOT NULL,
  row_gen {int} NOT NULL,
  due_month {int},
  fields {blob} NOT NULL
);
CREATE INDEX records_due ON records (due_month);

CREATE TABLE facts (
  subject {int} NOT NULL,
  version {int} NOT NULL,
  head {blob} NOT NULL,
  PRIMARY KEY (subject, version)
) {clustered};

CREATE TABLE consent_events (
  subject {int} NOT NULL,
  seq {int} NOT NULL,
  row_gen {int} NOT NULL,
  event {blob} NOT NULL,
  PRIMARY KEY (subject, seq)
) {clustered};

CREATE TABLE source_rows (
  row_key {blob} NOT NULL PRIMARY KEY,
  content_hash {blob} NOT NULL,
  record_no {int} NOT NULL,
  record_id {blob} NOT NULL
) {clustered};
CREATE INDEX source_rows_by_record ON source_rows (record_no);

CREATE TABLE outbox (
  change_number {int} PRIMARY KEY,
  entry {blob} NOT NULL
);

CREATE TABLE requests (
  client {blob} NOT NULL,
  request_id {blob} NOT NULL,
  method {blob} NOT NULL,
  request_hash {blob} NOT NULL,
  result {blob} NOT NULL,
  change_number {int} NOT NULL,
  negative {int} NOT NULL,
  expires_hour {int} NOT NULL,
  PRIMARY KEY (client, request_id)
) {clustered};
CREATE INDEX requests_by_expiry ON requests (expires_hour);

CREATE TABLE clients (
  client_id {blob} NOT NULL PRIMARY KEY,
  spki {blob} NOT NULL UNIQUE,
  state {int} NOT NULL,
  version {int} NOT NULL,
  doc {blob} NOT NULL
) {clustered};

CREATE TABLE bundles (
  hash {blob} NOT NULL PRIMARY KEY,
  kind {int} NOT NULL,
  doc {blob} NOT NULL
) {clustered};

CREATE TABLE bundle_history (
  change_number {int} PRIMARY KEY,
  hash {blob} NOT NULL
);

CREATE TABLE merges (
  merge_id {int} PRIMARY KEY,
  subject {int} NOT NULL,
  into_subject {int} NOT NULL,
  state {int} NOT NULL,
  change_number {int} NOT NULL,
  doc {blob} NOT NULL
);
CREATE INDEX merges_by_subject ON merges (subject);
CREATE INDEX merges_by_into ON merges (into_subject);

CREATE TABLE quarantine (
  item {int} PRIMARY KEY,
  source {int} NOT NULL,
  import_id {int} NOT NULL,
  row_number {int} NOT NULL,
  column_name TEXT NOT NULL,
  reason {int} NOT NULL,
  due_month {int}
);
CREATE INDEX quarantine_by_import ON quarantine (import_id, row_number);

CREATE TABLE jobs (
  job_id {int} PRIMARY KEY,
  kind {int} NOT NULL,
  state {int} NOT NULL,
  subject {int},
  due_hour {int},
  doc {blob} NOT NULL
);
CREATE INDEX jobs_by_state ON jobs (kind, state, due_hour);
)sql";

}  // namespace

std::span<const std::string_view> Migrations() {
  static const std::string* const version2 = new std::string(absl::StrCat(
      kConsentTables, kIdentityTables, kDeliveryTables, kErasureTables,
      kRightsTables, kOversightTables, kUpkeepTables));
  static const std::string* const version3 = new std::string(
      absl::StrCat(kScreeningTables, kReviewTables, kFairnessTables));
  static const std::string_view migrations[] = {kVersion1, *version2,
                                                *version3};
  static_assert(std::size(migrations) == kSchemaVersion);
  return migrations;
}

}  // namespace consentry::store
