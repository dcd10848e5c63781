#include "gateway/screening/item_rows.h"

#include <algorithm>
#include <set>
#include <string>

#include "gateway/crypto/system_seal.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::screening {
namespace {

constexpr uint32_t kSchema = 1;
constexpr int kMaxAmounts = 256;
constexpr int kMaxEnds = 64;
constexpr int64_t kEndsUs = 90 * kUsPerDay;
// Ends are of no day and place.
constexpr int64_t kNoDay = 0;

// One row has one name: its three keys.
crypto::SystemContext ContextOf(const std::string& row, int64_t generation) {
  return {crypto::SystemTable::kItemPrices, uint64_t{0}, row, kSchema,
          static_cast<uint32_t>(generation)};
}

}  // namespace

absl::StatusOr<store::v1::ItemPriceDoc> ItemRows::Read(
    store::Connection* connection, Place* at) const {
  store::v1::ItemPriceDoc doc;
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare(
                      "SELECT row_gen, doc FROM item_prices WHERE item_key = "
                      "$1 AND day = $2 AND place_key = $3"));
  query.Bind(at->item, at->day, at->place);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return doc;
  at->generation = query.Int64(0);
  const std::string row = std::to_string(at->item) + "/" +
                          std::to_string(at->day) + "/" +
                          std::to_string(at->place);
  const auto opened = crypto::SystemSeal::Open(
      *epochs_->keys(), ContextOf(row, at->generation), query.Blob(1));
  if (!opened.ok() || !doc.ParseFromArray(opened->view().data(),
                                          static_cast<int>(opened->size()))) {
    return CorruptScreening();
  }
  return doc;
}

absl::Status ItemRows::Write(store::Connection* connection, const Place& at,
                             const store::v1::ItemPriceDoc& doc) const {
  const int64_t generation = at.generation + 1;
  const std::string row = std::to_string(at.item) + "/" +
                          std::to_string(at.day) + "/" +
                          std::to_string(at.place);
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string sealed,
      crypto::SystemSeal::Seal(*epochs_->keys(), ContextOf(row, generation),
                               doc.SerializeAsString()));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "INSERT INTO item_prices (item_key, day, place_key, row_gen, doc) "
          "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (item_key, day, place_key) "
          "DO UPDATE SET row_gen = excluded.row_gen, doc = excluded.doc"));
  query.Bind(at.item, at.day, at.place, generation, sealed);
  return query.Run();
}

absl::StatusOr<store::v1::ItemPriceDoc> ItemRows::Shown(
    store::Connection* connection, std::string_view item, int64_t time_us,
    std::string_view place) const {
  Place at{keys_->Item(item), time_us / kUsPerDay, keys_->Place(place), 0};
  return Read(connection, &at);
}

absl::StatusOr<std::vector<conduct::ShownDeadline>> ItemRows::Ends(
    store::Connection* connection, std::string_view item,
    int64_t now_us) const {
  Place at{keys_->Item(item), kNoDay, 0, 0};
  CONSENTRY_ASSIGN_OR_RETURN(const auto doc, Read(connection, &at));
  std::vector<conduct::ShownDeadline> ends;
  for (const auto& end : doc.ends()) {
    if (end.shown_us() > now_us - kEndsUs) {
      ends.push_back({end.offer_end_us(), end.shown_us()});
    }
  }
  return ends;
}

absl::Status ItemRows::AddShown(store::Connection* connection,
                                std::string_view item, int64_t time_us,
                                std::string_view place,
                                const v1::Money& price) const {
  Place at{keys_->Item(item), time_us / kUsPerDay, keys_->Place(place), 0};
  CONSENTRY_ASSIGN_OR_RETURN(auto doc, Read(connection, &at));
  const auto found =
      std::find_if(doc.mutable_counts()->begin(), doc.mutable_counts()->end(),
                   [&](const store::v1::PriceCount& count) {
                     return count.minor_units() == price.minor_units() &&
                            count.currency() == price.currency();
                   });
  if (found != doc.mutable_counts()->end()) {
    found->set_count(found->count() + 1);
  } else if (doc.counts_size() < kMaxAmounts) {
    store::v1::PriceCount* count = doc.add_counts();
    count->set_currency(price.currency());
    count->set_minor_units(price.minor_units());
    count->set_count(1);
  } else {
    doc.set_more(doc.more() + 1);
  }
  return Write(connection, at, doc);
}

absl::Status ItemRows::AddEnds(store::Connection* connection,
                               const v1::Output& output,
                               int64_t shown_us) const {
  std::set<int64_t> ends;
  for (const v1::Evidence& evidence : output.evidence()) {
    if (evidence.fact_case() != v1::Evidence::kOfferEnd) continue;
    ends.insert(MicrosOf(evidence.offer_end()));
  }
  if (ends.empty() || output.item().empty()) return absl::OkStatus();
  Place at{keys_->Item(output.item()), kNoDay, 0, 0};
  CONSENTRY_ASSIGN_OR_RETURN(auto doc, Read(connection, &at));
  bool changed = false;
  for (const int64_t end_us : ends) {
    const auto same =
        std::find_if(doc.mutable_ends()->begin(), doc.mutable_ends()->end(),
                     [&](const store::v1::OfferEnd& other) {
                       return other.offer_end_us() == end_us;
                     });
    if (same != doc.mutable_ends()->end()) {
      // Which was shown last is all that rules ask for; a write for each output
      // of a campaign is not.
      if (shown_us < same->shown_us() + kUsPerHour) continue;
      same->set_shown_us(shown_us);
    } else {
      if (doc.ends_size() >= kMaxEnds) {
        doc.mutable_ends()->erase(doc.ends().begin());
      }
      store::v1::OfferEnd* added = doc.add_ends();
      added->set_offer_end_us(end_us);
      added->set_shown_us(shown_us);
    }
    changed = true;
  }
  return changed ? Write(connection, at, doc) : absl::OkStatus();
}

conduct::OthersShown OthersOf(const store::v1::ItemPriceDoc& shown,
                              const v1::Money& price,
                              const std::vector<int64_t>& own) {
  std::vector<std::pair<int64_t, int64_t>> counts;
  conduct::OthersShown others;
  others.currency = price.currency();
  for (const store::v1::PriceCount& count : shown.counts()) {
    if (count.currency() != price.currency()) continue;
    const int64_t left =
        count.count() - std::count(own.begin(), own.end(), count.minor_units());
    if (left <= 0) continue;
    counts.emplace_back(count.minor_units(), left);
    others.count += left;
  }
  if (counts.empty()) return others;
  std::sort(counts.begin(), counts.end());
  others.min = counts.front().first;
  others.max = counts.back().first;
  int64_t before = 0;
  for (const auto& [amount, count] : counts) {
    before += count;
    if (before * 2 >= others.count) {
      others.median = amount;
      break;
    }
  }
  return others;
}

}  // namespace consentry::screening
