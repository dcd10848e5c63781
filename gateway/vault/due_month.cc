#include "gateway/vault/due_month.h"

#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace consentry::vault {

int64_t MonthNumber(int64_t time_us) {
  return absl::ToCivilMonth(absl::FromUnixMicros(time_us),
                            absl::UTCTimeZone()) -
         absl::CivilMonth(1970, 1);
}

int64_t DueMonth(int64_t collected_us, uint32_t months) {
  return MonthNumber(collected_us) + months + 1;
}

}  // namespace consentry::vault
