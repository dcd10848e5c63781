#ifndef CONSENTRY_GATEWAY_STORE_TABLES_IDENTITY_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_IDENTITY_H_

namespace consentry::store {

// Part of version 2 of the schema.
//
//   logins(login_no key, login_key unique, subject, public_id, row_gen,
//          fact sealed)                         customers' logins. login_no:
//          the
//                                               change that linked it.
//                                               login_key: blind index of
//                                               issuer and login, made anew by
//                                               a rotation from the fact, which
//                                               also vouches for where it
//                                               leads. Gone with the subject
//   staff(person key, row_gen, due_month, entry sealed by the system key)
//                                               who a pseudonym is; gone after
//                                               due_month
//   proposals(proposal_no key, proposal_id unique, state, due_hour, doc)
//                                               proposal_no: the change that
//                                               proposed it. due_hour: of one
//                                               that is open: when it takes
//                                               effect by itself, or ends
inline constexpr char kIdentityTables[] = R"sql(
CREATE TABLE logins (
  login_no {int} PRIMARY KEY,
  login_key {blob} NOT NULL UNIQUE,
  subject {int} NOT NULL,
  public_id {blob} NOT NULL,
  row_gen {int} NOT NULL,
  fact {blob} NOT NULL
);
CREATE INDEX logins_by_subject ON logins (subject);

CREATE TABLE staff (
  person {blob} NOT NULL PRIMARY KEY,
  row_gen {int} NOT NULL,
  due_month {int} NOT NULL,
  entry {blob} NOT NULL
) {clustered};
CREATE INDEX staff_due ON staff (due_month);

CREATE TABLE proposals (
  proposal_no {int} PRIMARY KEY,
  proposal_id {blob} NOT NULL UNIQUE,
  state {int} NOT NULL,
  due_hour {int} NOT NULL,
  doc {blob} NOT NULL
);
CREATE INDEX proposals_by_state ON proposals (state, due_hour);
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_IDENTITY_H_
