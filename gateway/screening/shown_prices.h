#ifndef CONSENTRY_GATEWAY_SCREENING_SHOWN_PRICES_H_
#define CONSENTRY_GATEWAY_SCREENING_SHOWN_PRICES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/screening.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/screening/item_rows.h"
#include "gateway/screening/screening_rows.h"
#include "gateway/store/engine.h"

namespace consentry::screening {

// What customers were shown for an item, as ItemRows counts it: each customer
// once for a day, place and amount. Where an output was counted stands in its
// row, so that her own part can be taken off again, whatever day it went out
// on and whoever changed its amount since. Safe for many threads.
class ShownPrices {
 public:
  // Both outlive the object.
  ShownPrices(const ScreeningRows* rows, const ItemRows* items)
      : rows_(rows), items_(items) {}

  // How long an output may wait for a human and be found here all the same.
  static constexpr int64_t kBackUs = 31 * kUsPerDay;
  // Times that customers who are one are counted for an item in a day: what is
  // looked through for each price is bounded, and all that counts is found.
  static constexpr size_t kMaxCounted = 64;

  // Where these customers, who are one, were counted for the item on the day of
  // `time_us`, once for each time. Of outputs of the 31 days before; opens
  // those alone that were counted on that day or since.
  absl::StatusOr<std::vector<store::v1::CountedPrice>> Counted(
      store::Connection* connection, const std::vector<uint64_t>& subjects,
      const std::string& item, int64_t time_us) const;

  // Inside of the change that lets the output of `doc` go out: counts its
  // price, unless she was counted for it today, or too often. Nothing for what
  // has no price or no item.
  absl::Status Count(store::Connection* connection,
                     const std::vector<uint64_t>& subjects,
                     const v1::Output& output, int64_t now_us,
                     store::v1::ScreeningDoc* doc) const;

 private:
  const ScreeningRows* const rows_;
  const ItemRows* const items_;
};

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_SHOWN_PRICES_H_
