#ifndef CONSENTRY_GATEWAY_STORE_TABLES_ERASURE_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_ERASURE_H_

namespace consentry::store {

// Erasures, suppressed identifiers, legal holds. Part of version 2 of the
// schema.
//
//   erasures(erasure_id key, case_id, state, subject, due_hour, doc sealed)
//            erasure_id: the change that decided it; subject: 0 once nothing is
//            left of the customer; doc: an ErasureJob under the system key
//   suppressed(hash key, version, erasure_id, expires_month, doc sealed)
//            hash: of an identifier, under a suppression key; erasure_id: of
//            one that can still be cancelled, else 0; doc: a Suppressed under
//            the system key
//   holds(hold_id key, public_id unique, subject, state, end_hour, doc sealed)
//            state: 1 in force, 2 lifted or ended; doc: a HeldBack under the
//            customer's key
//
// Rows of requests are found by the changes that an erased customer's versions
// name.
inline constexpr char kErasureTables[] = R"sql(
CREATE TABLE erasures (
  erasure_id {int} PRIMARY KEY,
  case_id {blob} NOT NULL,
  state {int} NOT NULL,
  subject {int} NOT NULL,
  due_hour {int} NOT NULL,
  doc {blob} NOT NULL
);
CREATE INDEX erasures_by_state ON erasures (state, due_hour);
CREATE INDEX erasures_by_case ON erasures (case_id);
CREATE INDEX erasures_by_subject ON erasures (subject);

CREATE TABLE suppressed (
  hash {blob} NOT NULL PRIMARY KEY,
  version {int} NOT NULL,
  erasure_id {int} NOT NULL,
  expires_month {int} NOT NULL,
  doc {blob} NOT NULL
) {clustered};
CREATE INDEX suppressed_by_erasure ON suppressed (erasure_id);
CREATE INDEX suppressed_by_expiry ON suppressed (expires_month);

CREATE TABLE holds (
  hold_id {int} PRIMARY KEY,
  public_id {blob} NOT NULL UNIQUE,
  subject {int} NOT NULL,
  state {int} NOT NULL,
  end_hour {int},
  doc {blob} NOT NULL
);
CREATE INDEX holds_by_subject ON holds (subject);
CREATE INDEX holds_by_end ON holds (state, end_hour);

CREATE INDEX requests_by_change ON requests (change_number);
CREATE INDEX jobs_by_subject ON jobs (subject);
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_ERASURE_H_
