#ifndef CONSENTRY_GATEWAY_SCREENING_ITEM_ROWS_H_
#define CONSENTRY_GATEWAY_SCREENING_ITEM_ROWS_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/screening.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/screening/screening_rows.h"
#include "gateway/store/engine.h"
#include "policy/conduct/conduct.h"

namespace consentry::screening {

// What was shown for items, as counts about nobody: amounts by UTC day and
// place, and the ends that offers were given. Under a system key. Safe for many
// threads.
class ItemRows {
 public:
  // Both outlive the object.
  ItemRows(const crypto::EpochFile* epochs, const ScreeningKeys* keys)
      : epochs_(epochs), keys_(keys) {}

  // Amounts shown on the day of `time_us` at `place`, in any currency.
  absl::StatusOr<store::v1::ItemPriceDoc> Shown(store::Connection* connection,
                                                std::string_view item,
                                                int64_t time_us,
                                                std::string_view place) const;
  // Ends that offers for the item were given in the last 90 days.
  absl::StatusOr<std::vector<conduct::ShownDeadline>> Ends(
      store::Connection* connection, std::string_view item,
      int64_t now_us) const;

  // One customer more was shown the amount. In a change.
  absl::Status AddShown(store::Connection* connection, std::string_view item,
                        int64_t time_us, std::string_view place,
                        const v1::Money& price) const;
  // Every end that the output's evidence names, proof or not: what its item was
  // offered until. Nothing where it names no item.
  absl::Status AddEnds(store::Connection* connection, const v1::Output& output,
                       int64_t shown_us) const;

 private:
  struct Place {
    int64_t item = 0;
    int64_t day = 0;
    int64_t place = 0;
    int64_t generation = 0;
  };
  absl::StatusOr<store::v1::ItemPriceDoc> Read(store::Connection* connection,
                                               Place* at) const;
  absl::Status Write(store::Connection* connection, const Place& at,
                     const store::v1::ItemPriceDoc& doc) const;

  const crypto::EpochFile* const epochs_;
  const ScreeningKeys* const keys_;
};

// What others were shown, apart from `own` amounts of the customer herself, in
// the currency of `price`.
conduct::OthersShown OthersOf(const store::v1::ItemPriceDoc& shown,
                              const v1::Money& price,
                              const std::vector<int64_t>& own);

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_ITEM_ROWS_H_
