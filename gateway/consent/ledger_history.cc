#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/consent/event_rows.h"
#include "gateway/consent/ledger.h"
#include "gateway/consent/ledger_request.h"
#include "gateway/consent/shown_states.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

// What was chosen, event by event.
namespace consentry::consent {
namespace {

constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1000;

// Where an event stands: by receipt, and of one moment by id. Newest first.
using Place = std::pair<int64_t, std::string>;

Place PlaceOf(const store::v1::ConsentEvent& event) {
  return {event.received_at_us(), event.event_id()};
}

std::string Write(const Place& place) {
  return absl::StrCat(place.first, ":", place.second);
}

std::optional<Place> Read(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  Place place;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + colon, place.first);
  if (error != std::errc() || end != text.data() + colon) return std::nullopt;
  place.second = text.substr(colon + 1);
  return place;
}

absl::Status WrongPage() {
  return MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                   "the page token is not of this query, or too old");
}

}  // namespace

void Ledger::ListEvents(const clients::CallerContext& caller,
                        const v1::ListConsentEventsRequest& request,
                        bool all_purposes,
                        Done<v1::ListConsentEventsResponse> done) {
  v1::ListConsentEventsRequest question = request;
  question.clear_page_token();
  question.clear_page_size();
  question.clear_context();
  const std::string query_hash =
      options_.digests->Of(question.SerializeAsString());
  google::protobuf::RepeatedPtrField<std::string> asked;
  if (!request.purpose().empty()) *asked.Add() = request.purpose();
  const auto check = [asked, all_purposes](const LedgerView& view) {
    return AskedPurposes(*view.configuration, *view.registration, asked,
                         all_purposes)
        .status();
  };
  const auto make = [this, request, query_hash, asked, all_purposes,
                     requester = clients::RequesterOf(caller)](
                        const LedgerView& view,
                        v1::ListConsentEventsResponse* response,
                        store::v1::Leaf* leaf) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(
        const std::vector<std::string> purposes,
        AskedPurposes(*view.configuration, *view.registration, asked,
                      all_purposes));
    leaf->set_purpose(request.purpose());
    std::optional<Place> before;
    if (!request.page_token().empty()) {
      const auto position = options_.page_tokens->Open(
          requester, query_hash, request.page_token(), view.now_us);
      if (!position.ok()) return WrongPage();
      before = Read(*position);
      if (!before) return WrongPage();
    }
    std::vector<store::v1::ConsentEvent> events;
    for (const auto& member : *view.members) {
      CONSENTRY_ASSIGN_OR_RETURN(auto held,
                                 ReadEvents(view.connection, member->keys(),
                                            member->head().consent_events()));
      for (store::v1::ConsentEvent& event : held) {
        // Purposes that the registry has lost are for those who see all.
        const bool open = std::find(purposes.begin(), purposes.end(),
                                    event.purpose()) != purposes.end();
        if (!open && (!all_purposes || !request.purpose().empty())) continue;
        if (before && PlaceOf(event) >= *before) continue;
        events.push_back(std::move(event));
      }
    }
    std::sort(events.begin(), events.end(), [](const auto& a, const auto& b) {
      return PlaceOf(a) > PlaceOf(b);
    });
    const auto limit = static_cast<size_t>(
        request.page_size() == 0
            ? kDefaultPageSize
            : std::clamp(request.page_size(), 1, kMaxPageSize));
    for (size_t i = 0; i < events.size() && i < limit; ++i) {
      *response->add_events() = ToEvent(events[i]);
    }
    if (events.size() > limit) {
      CONSENTRY_ASSIGN_OR_RETURN(
          *response->mutable_next_page_token(),
          options_.page_tokens->Seal(requester, query_hash,
                                     Write(PlaceOf(events[limit - 1])),
                                     view.now_us));
    }
    return absl::OkStatus();
  };
  reads_.Ask<v1::ListConsentEventsResponse>(
      {caller, request.subject(), nullptr, all_purposes}, {check, make},
      std::move(done));
}

}  // namespace consentry::consent
