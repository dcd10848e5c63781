#ifndef CONSENTRY_GATEWAY_STORE_TABLES_OVERSIGHT_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_OVERSIGHT_H_

namespace consentry::store {

// Part of version 2 of the schema.
//
//   breaches(breach_no, version; breach_id, doc sealed for the system)
//                                    the register of breaches: every version
inline constexpr char kOversightTables[] = R"sql(
CREATE TABLE breaches (
  breach_no {int} NOT NULL,
  version {int} NOT NULL,
  breach_id {blob} NOT NULL,
  doc {blob} NOT NULL,
  PRIMARY KEY (breach_no, version)
) {clustered};
CREATE INDEX breaches_by_id ON breaches (breach_id);
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_OVERSIGHT_H_
