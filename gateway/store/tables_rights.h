#ifndef CONSENTRY_GATEWAY_STORE_TABLES_RIGHTS_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_RIGHTS_H_

namespace consentry::store {

// Cases of customers, and agents. Part of version 2 of the schema.
//
//   rights_cases(case_no key, case_id, subject, by_system, kind, state, open,
//                due_hour, row_gen, doc sealed, words sealed)
//            case_no: number of the change that opened it. subject 0: nobody
//            was found, or she was erased. by_system 1: a system key seals doc,
//            since it outlives her keys. open: 1 until it is answered;
//            due_hour: of the earliest answer. words: empty where there are
//            none
//   rights_reports(case_no, part; subject, expire_hour, body sealed)
//            the report of an access or portability case, in pieces
//   rights_agents(agent_no key, agent_id, subject, row_gen, doc sealed)
inline constexpr char kRightsTables[] = R"sql(
CREATE TABLE rights_cases (
  case_no {int} PRIMARY KEY,
  case_id {blob} NOT NULL UNIQUE,
  subject {int} NOT NULL,
  by_system {int} NOT NULL,
  kind {int} NOT NULL,
  state {int} NOT NULL,
  open {int} NOT NULL,
  due_hour {int} NOT NULL,
  row_gen {int} NOT NULL,
  doc {blob} NOT NULL,
  words {blob} NOT NULL
);
CREATE INDEX rights_cases_due ON rights_cases (open, due_hour, case_no);
CREATE INDEX rights_cases_subject ON rights_cases (subject, case_no);

CREATE TABLE rights_reports (
  case_no {int} NOT NULL,
  part {int} NOT NULL,
  subject {int} NOT NULL,
  expire_hour {int} NOT NULL,
  body {blob} NOT NULL,
  PRIMARY KEY (case_no, part)
);
CREATE INDEX rights_reports_expiry ON rights_reports (expire_hour);
CREATE INDEX rights_reports_subject ON rights_reports (subject);

CREATE TABLE rights_agents (
  agent_no {int} PRIMARY KEY,
  agent_id {blob} NOT NULL UNIQUE,
  subject {int} NOT NULL,
  row_gen {int} NOT NULL,
  doc {blob} NOT NULL
);
CREATE INDEX rights_agents_subject ON rights_agents (subject, agent_no);
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_RIGHTS_H_
