#ifndef CONSENTRY_GATEWAY_VAULT_DUE_MONTH_H_
#define CONSENTRY_GATEWAY_VAULT_DUE_MONTH_H_

#include <cstdint>

namespace consentry::vault {

// Ends of retention as they stand in clear: rounded up to a month, so that a
// row says little about when its subject was seen. Months count from January
// 1970, UTC. Pure.

int64_t MonthNumber(int64_t time_us);

// The first month at whose beginning a value that is kept for `months` from its
// collection is past its time, wherever in the month it was collected.
int64_t DueMonth(int64_t collected_us, uint32_t months);

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_DUE_MONTH_H_
