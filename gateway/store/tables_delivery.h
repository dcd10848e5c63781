#ifndef CONSENTRY_GATEWAY_STORE_TABLES_DELIVERY_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_DELIVERY_H_

namespace consentry::store {

// What recipients and people are still to be told. Part of version 2 of the
// schema.
inline constexpr char kDeliveryTables[] = R"sql(
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_DELIVERY_H_
