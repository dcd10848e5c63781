#ifndef CONSENTRY_GATEWAY_STORE_TABLES_CONSENT_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_CONSENT_H_

namespace consentry::store {

// Notices, and codes that customers were sent. Part of version 2 of the schema.
//
//   notices(notice, version, language key; change_number, doc, text)
//                                        a published text; never changes
//   consent_event_ids(event_id key, subject)
//                                        whose ledger an event stands in
//   consent_ends(due_hour, subject key)  a consent of hers ends then, or did
//                                        until it was renewed
//   double_opt_ins(handle key, subject, due_hour, doc sealed)
//                                        codes that were sent and not yet typed
inline constexpr char kConsentTables[] = R"sql(
CREATE TABLE notices (
  notice {blob} NOT NULL,
  version {int} NOT NULL,
  language {blob} NOT NULL,
  change_number {int} NOT NULL,
  doc {blob} NOT NULL,
  text {blob} NOT NULL,
  PRIMARY KEY (notice, version, language)
) {clustered};

CREATE TABLE consent_event_ids (
  event_id {blob} NOT NULL PRIMARY KEY,
  subject {int} NOT NULL
) {clustered};
CREATE INDEX consent_event_ids_by_subject ON consent_event_ids (subject);

CREATE TABLE consent_ends (
  due_hour {int} NOT NULL,
  subject {int} NOT NULL,
  PRIMARY KEY (due_hour, subject)
) {clustered};
CREATE INDEX consent_ends_by_subject ON consent_ends (subject);

CREATE TABLE double_opt_ins (
  handle {blob} NOT NULL PRIMARY KEY,
  subject {int} NOT NULL,
  due_hour {int} NOT NULL,
  doc {blob} NOT NULL
) {clustered};
CREATE INDEX double_opt_ins_by_subject ON double_opt_ins (subject);
CREATE INDEX double_opt_ins_due ON double_opt_ins (due_hour);
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_CONSENT_H_
