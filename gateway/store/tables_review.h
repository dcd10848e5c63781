#ifndef CONSENTRY_GATEWAY_STORE_TABLES_REVIEW_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_REVIEW_H_

namespace consentry::store {

// Reviews by humans. Part of version 3 of the schema.
inline constexpr char kReviewTables[] = R"sql(
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_REVIEW_H_
