#ifndef CONSENTRY_GATEWAY_STORE_TABLES_FAIRNESS_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_FAIRNESS_H_

namespace consentry::store {

// How models treat groups of customers. Part of version 3 of the schema. No row
// holds the group of anybody: only counts leave the moment of counting.
//
//   fairness_profiles(profile_key key, row_gen, doc sealed)
//            profile_key: keyed hash of its id. doc: the profile in force
//   fairness_versions(version_no key, version_key unique, row_gen, doc sealed)
//            a version of a model under the profile that it started with; the
//            record stays. version_key: keyed hash of profile and version
//   fairness_monitors(version_no, stream; row_gen, state sealed)
//            one comparison of that version. It changes in the transaction of
//            the verdicts that it counts, once for all of them
//   fairness_findings(version_no, stream)
//            a violation that the log has an entry of. The entry and this row
//            stand together; one that is missing is written at the next start
//   fairness_units(unit_key key, expire_hour)
//            who was counted in this period; unit_key: a keyed hash of version,
//            metric, customer and period that leads to nobody. Until the period
//            ended
//   fairness_reports(report_no key, report_id unique, profile_key, year, state,
//            row_gen, doc sealed, report sealed)
//            an audit. report_no: number of the change that registered it.
//            profile_key: as in fairness_profiles. year: in which it was
//            registered (UTC). state: 1 registered, 2 made, 3 cannot be made.
//            report: the signed file, empty until it is made
//   fairness_history(version_no, point; doc sealed)
//            how the monitors of that version stood, as counts and ends of
//            intervals alone. point: from 1; the oldest go
inline constexpr char kFairnessTables[] = R"sql(
CREATE TABLE fairness_profiles (
  profile_key {blob} NOT NULL PRIMARY KEY,
  row_gen {int} NOT NULL,
  doc {blob} NOT NULL
) {clustered};

CREATE TABLE fairness_versions (
  version_no {int} PRIMARY KEY,
  version_key {blob} NOT NULL UNIQUE,
  row_gen {int} NOT NULL,
  doc {blob} NOT NULL
);

CREATE TABLE fairness_monitors (
  version_no {int} NOT NULL,
  stream {int} NOT NULL,
  row_gen {int} NOT NULL,
  state {blob} NOT NULL,
  PRIMARY KEY (version_no, stream)
) {clustered};

CREATE TABLE fairness_findings (
  version_no {int} NOT NULL,
  stream {int} NOT NULL,
  PRIMARY KEY (version_no, stream)
) {clustered};

CREATE TABLE fairness_units (
  unit_key {blob} NOT NULL PRIMARY KEY,
  expire_hour {int} NOT NULL
) {clustered};
CREATE INDEX fairness_units_end ON fairness_units (expire_hour);

CREATE TABLE fairness_reports (
  report_no {int} PRIMARY KEY,
  report_id {blob} NOT NULL UNIQUE,
  profile_key {blob} NOT NULL,
  year {int} NOT NULL,
  state {int} NOT NULL,
  row_gen {int} NOT NULL,
  doc {blob} NOT NULL,
  report {blob} NOT NULL
);
CREATE INDEX fairness_reports_state ON fairness_reports (state);
CREATE INDEX fairness_reports_profile ON fairness_reports
  (profile_key, report_no);
CREATE INDEX fairness_reports_year ON fairness_reports (profile_key, year);

CREATE TABLE fairness_history (
  version_no {int} NOT NULL,
  point {int} NOT NULL,
  doc {blob} NOT NULL,
  PRIMARY KEY (version_no, point)
) {clustered};
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_FAIRNESS_H_
