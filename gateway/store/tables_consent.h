#ifndef CONSENTRY_GATEWAY_STORE_TABLES_CONSENT_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_CONSENT_H_

namespace consentry::store {

// Notices, and codes that customers were sent. Part of version 2 of the schema.
inline constexpr char kConsentTables[] = R"sql(
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_CONSENT_H_
