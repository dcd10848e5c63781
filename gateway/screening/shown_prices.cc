#include "gateway/screening/shown_prices.h"

#include <algorithm>

#include "proto/support/status_macros.h"

namespace consentry::screening {
namespace {

constexpr size_t kRowsAtOnce = 64;

}  // namespace

absl::StatusOr<std::vector<store::v1::CountedPrice>> ShownPrices::Counted(
    store::Connection* connection, const std::vector<uint64_t>& subjects,
    const std::string& item, int64_t time_us) const {
  const int64_t day = time_us / kUsPerDay;
  std::vector<store::v1::CountedPrice> counted;
  for (const uint64_t subject : subjects) {
    ScreeningFilter filter;
    filter.subject = subject;
    filter.item = item;
    filter.counted_day = day;
    filter.first_hour = (time_us - kBackUs) / kUsPerHour;
    filter.end_hour = (day + 1) * kUsPerDay / kUsPerHour;
    for (int64_t before = 0;;) {
      int64_t last = 0;
      CONSENTRY_ASSIGN_OR_RETURN(
          const auto rows,
          rows_->List(connection, filter, before, kRowsAtOnce, &last));
      for (const ScreeningRow& row : rows) {
        for (const auto& one : row.doc.counted()) {
          if (one.time_us() / kUsPerDay == day) counted.push_back(one);
        }
      }
      if (last == 0) break;
      before = last;
    }
  }
  return counted;
}

absl::Status ShownPrices::Count(store::Connection* connection,
                                const std::vector<uint64_t>& subjects,
                                const v1::Output& output, int64_t now_us,
                                store::v1::ScreeningDoc* doc) const {
  if (!output.has_price() || output.item().empty()) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto before, Counted(connection, subjects, output.item(), now_us));
  if (before.size() >= kMaxCounted) return absl::OkStatus();
  const bool known = std::any_of(
      before.begin(), before.end(), [&](const store::v1::CountedPrice& one) {
        return one.place() == doc->place() &&
               one.currency() == output.price().currency() &&
               one.minor_units() == output.price().minor_units();
      });
  if (known) return absl::OkStatus();
  store::v1::CountedPrice* const counted = doc->add_counted();
  counted->set_time_us(now_us);
  counted->set_place(doc->place());
  counted->set_currency(output.price().currency());
  counted->set_minor_units(output.price().minor_units());
  return items_->AddShown(connection, output.item(), now_us, doc->place(),
                          output.price());
}

}  // namespace consentry::screening
