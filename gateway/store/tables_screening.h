#ifndef CONSENTRY_GATEWAY_STORE_TABLES_SCREENING_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_SCREENING_H_

namespace consentry::store {

// Outputs on their way to customers. Part of version 3 of the schema. Names of
// models and items, and ids that engines gave, stand as keyed hashes.
//
//   screenings(screening_no key, screening_id unique, output_key unique,
//              request_hash, subject, model_key, item_key, counted_day,
//              verdict, hour, row_gen, doc sealed, output sealed)
//            screening_no: number of the change. output_key: of client and
//            output id. subject 0: nobody was found; a system key seals both.
//            counted_day: the last on which its price was counted among those
//            that the customer was shown; 0: never.
//            verdict: 1 released, 2 held, 3 blocked. doc: what was decided;
//            output: what would be read, opened with a Grant alone
//   screening_outcomes(outcome_key key, output_key, screening_no, subject,
//              hour, doc sealed)
//            outcome_key: of the output and all that the outcome says, so that
//            the same one counts once. screening_no 0: came before its output,
//            sealed under a system key until then
//   releases(release_no key, subject, subject_version, way_key, state,
//              expire_hour, doc sealed)
//            release_no: screening_no of the output; two releases of one output
//            do not stand side by side. way_key: of purpose and channel.
//            state: 1 may be delivered, 2 handed to its channel, 3 revoked.
//            doc, under a system key, so that a release is revoked although the
//            keys of its customer are gone: digest and end
//   revoked_releases(revoke_no key, release_no, expire_hour, doc sealed)
//            in the order of revocation; until the release would have ended
//   pressure(subject key, row_gen, hour, state sealed)
//            what was sent to a customer lately, by kind of budget
//   item_prices(item_key, day, place_key; row_gen, doc sealed)
//            how many customers were shown an amount: counts alone
//   vulnerabilities(vulnerability_no key, vulnerability_id unique, subject,
//              in_force, end_hour, row_gen, doc sealed)
//   inferences(inference_no key, subject, state, end_hour, row_gen, doc sealed)
//            records that a released output left in the vault; state: 1 to be
//            written, 2 written, 3 to be taken back
//
// subjects_by_version finds who changed since the last look, so that releases
// and inferences are decided anew.
inline constexpr char kScreeningTables[] = R"sql(
CREATE TABLE screenings (
  screening_no {int} PRIMARY KEY,
  screening_id {blob} NOT NULL UNIQUE,
  output_key {blob} NOT NULL UNIQUE,
  request_hash {blob} NOT NULL,
  subject {int} NOT NULL,
  model_key {int} NOT NULL,
  item_key {int} NOT NULL,
  counted_day {int} NOT NULL,
  verdict {int} NOT NULL,
  hour {int} NOT NULL,
  row_gen {int} NOT NULL,
  doc {blob} NOT NULL,
  output {blob} NOT NULL
);
CREATE INDEX screenings_subject ON screenings (subject, screening_no);
CREATE INDEX screenings_item ON screenings (subject, item_key, screening_no)
  WHERE item_key <> 0;
CREATE INDEX screenings_counted ON screenings (subject, item_key, counted_day)
  WHERE counted_day <> 0;
CREATE INDEX screenings_model ON screenings (model_key, screening_no);

CREATE TABLE screening_outcomes (
  outcome_key {blob} NOT NULL PRIMARY KEY,
  output_key {blob} NOT NULL,
  screening_no {int} NOT NULL,
  subject {int} NOT NULL,
  hour {int} NOT NULL,
  doc {blob} NOT NULL
) {clustered};
CREATE INDEX screening_outcomes_output ON screening_outcomes (output_key);
CREATE INDEX screening_outcomes_hour ON screening_outcomes (hour);
CREATE INDEX screening_outcomes_subject ON screening_outcomes (subject);

CREATE TABLE releases (
  release_no {int} PRIMARY KEY,
  subject {int} NOT NULL,
  subject_version {int} NOT NULL,
  way_key {int} NOT NULL,
  state {int} NOT NULL,
  expire_hour {int} NOT NULL,
  doc {blob} NOT NULL
);
CREATE INDEX releases_way ON releases (way_key, state, release_no);
CREATE INDEX releases_subject ON releases (subject);
CREATE INDEX releases_expiry ON releases (expire_hour);

CREATE TABLE revoked_releases (
  revoke_no {int} PRIMARY KEY,
  release_no {int} NOT NULL,
  expire_hour {int} NOT NULL,
  doc {blob} NOT NULL
);
CREATE INDEX revoked_releases_expiry ON revoked_releases (expire_hour);

CREATE TABLE pressure (
  subject {int} PRIMARY KEY,
  row_gen {int} NOT NULL,
  hour {int} NOT NULL,
  state {blob} NOT NULL
);
CREATE INDEX pressure_hour ON pressure (hour);

CREATE TABLE item_prices (
  item_key {int} NOT NULL,
  day {int} NOT NULL,
  place_key {int} NOT NULL,
  row_gen {int} NOT NULL,
  doc {blob} NOT NULL,
  PRIMARY KEY (item_key, day, place_key)
) {clustered};
CREATE INDEX item_prices_day ON item_prices (day);

CREATE TABLE vulnerabilities (
  vulnerability_no {int} PRIMARY KEY,
  vulnerability_id {blob} NOT NULL UNIQUE,
  subject {int} NOT NULL,
  in_force {int} NOT NULL,
  end_hour {int} NOT NULL,
  row_gen {int} NOT NULL,
  doc {blob} NOT NULL
);
CREATE INDEX vulnerabilities_subject
  ON vulnerabilities (subject, vulnerability_no);
CREATE INDEX vulnerabilities_end ON vulnerabilities (end_hour);

CREATE TABLE inferences (
  inference_no {int} PRIMARY KEY,
  subject {int} NOT NULL,
  state {int} NOT NULL,
  end_hour {int} NOT NULL,
  row_gen {int} NOT NULL,
  doc {blob} NOT NULL
);
CREATE INDEX inferences_subject ON inferences (subject, inference_no);
CREATE INDEX inferences_state ON inferences (state, end_hour);

CREATE INDEX subjects_by_version ON subjects (version);
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_SCREENING_H_
