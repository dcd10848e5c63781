#include "policy/consent/consent_state.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace consentry::policy {
namespace {

using Event = store::v1::ConsentEvent;

bool IsGrant(const Event& e) {
  return e.type() == Event::GIVEN || e.type() == Event::RENEWED;
}

bool IsNegative(const Event& e) {
  return e.type() == Event::REFUSED || e.type() == Event::WITHDRAWN ||
         e.type() == Event::INVALIDATED;
}

// When the customer acted, as far as it can be believed.
int64_t EffectiveUs(const Event& e) {
  return std::min(e.captured_at_us(), e.received_at_us());
}

bool StandsAgainst(const Event& grant, const Event& negative) {
  if (grant.captured_at_us() <= EffectiveUs(negative)) return false;
  return grant.actor() == Event::SELF ||
         grant.received_at_us() <= negative.received_at_us();
}

int64_t EndOf(const Event& e) {
  return e.valid_until_us() == 0 ? std::numeric_limits<int64_t>::max()
                                 : e.valid_until_us();
}

// Less permissive first, so that the order of events cannot matter.
auto Permissiveness(const Event& e) {
  return std::tuple(e.explicit_statement(), e.parental_authorisation(),
                    EndOf(e), e.received_at_us(), e.event_id());
}

ConsentStatus StatusOfNegative(const Event& e) {
  switch (e.type()) {
    case Event::WITHDRAWN:
      return ConsentStatus::kWithdrawn;
    case Event::REFUSED:
      return ConsentStatus::kRefused;
    default:
      return ConsentStatus::kInvalidated;
  }
}

int NegativeRank(const Event& e) {
  switch (e.type()) {
    case Event::WITHDRAWN:
      return 2;
    case Event::REFUSED:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

ConsentState DeriveConsent(std::span<const Event> events,
                           std::string_view purpose,
                           const ConsentOptions& options) {
  std::vector<const Event*> grants;
  std::vector<const Event*> negatives;
  const Event* worthless = nullptr;
  int64_t expired_us = std::numeric_limits<int64_t>::min();
  const Event* expiry = nullptr;
  for (const Event& e : events) {
    if (e.purpose() != purpose || e.received_at_us() > options.as_of_us) {
      continue;
    }
    if (IsNegative(e)) {
      negatives.push_back(&e);
    } else if (e.type() == Event::EXPIRED) {
      const auto key = std::tuple(EffectiveUs(e), e.event_id());
      if (expiry == nullptr ||
          key > std::tuple(EffectiveUs(*expiry), expiry->event_id())) {
        expiry = &e;
        expired_us = EffectiveUs(e);
      }
    } else if (IsGrant(e) && e.captured_at_us() <= e.received_at_us()) {
      grants.push_back(&e);
    } else if (worthless == nullptr ||
               std::tuple(EffectiveUs(e), e.event_id()) >
                   std::tuple(EffectiveUs(*worthless), worthless->event_id())) {
      // A grant from its own future, or of a type that a newer version wrote.
      worthless = &e;
    }
  }

  const Event* winner = nullptr;
  for (const Event* grant : grants) {
    const bool stands =
        std::all_of(negatives.begin(), negatives.end(),
                    [&](const Event* n) { return StandsAgainst(*grant, *n); });
    if (!stands) continue;
    if (winner == nullptr ||
        grant->captured_at_us() > winner->captured_at_us() ||
        (grant->captured_at_us() == winner->captured_at_us() &&
         Permissiveness(*grant) < Permissiveness(*winner))) {
      winner = grant;
    }
  }

  ConsentState state;
  if (winner != nullptr) {
    state.event = winner;
    state.since_us = winner->captured_at_us();
    state.valid_until_us = winner->valid_until_us();
    state.status = ConsentStatus::kGiven;
    if (winner->captured_at_us() <= expired_us) {
      state.status = ConsentStatus::kExpired;
      state.since_us = expired_us;
      state.event = expiry;
    } else if (winner->received_at_us() < options.uncertain_before_us) {
      state.status = ConsentStatus::kUncertain;
    }
    return state;
  }

  const Event* negative = nullptr;
  for (const Event* n : negatives) {
    const auto key = [](const Event& e) {
      return std::tuple(EffectiveUs(e), NegativeRank(e), e.received_at_us(),
                        e.event_id());
    };
    if (negative == nullptr || key(*n) > key(*negative)) negative = n;
  }
  if (negative != nullptr) {
    state.event = negative;
    state.since_us = EffectiveUs(*negative);
    state.status = StatusOfNegative(*negative);
  } else if (expiry != nullptr) {
    state.event = expiry;
    state.since_us = expired_us;
    state.status = ConsentStatus::kExpired;
  } else if (worthless != nullptr) {
    state.event = worthless;
    state.since_us = EffectiveUs(*worthless);
    state.status = ConsentStatus::kInvalidated;
  }
  return state;
}

ConsentStatus StatusAt(const ConsentState& state, int64_t time_us) {
  if (state.status == ConsentStatus::kGiven && state.valid_until_us != 0 &&
      time_us >= state.valid_until_us) {
    return ConsentStatus::kExpired;
  }
  return state.status;
}

bool Outweighs(const ConsentState& a, const ConsentState& b) {
  const bool a_grants = a.status == ConsentStatus::kGiven;
  const bool b_grants = b.status == ConsentStatus::kGiven;
  if (a_grants != b_grants) return b_grants;
  if (!a_grants) return a.since_us > b.since_us;
  const auto end = [](const ConsentState& state) {
    return state.valid_until_us == 0 ? INT64_MAX : state.valid_until_us;
  };
  return end(a) < end(b);
}

std::vector<std::string_view> PurposesOf(std::span<const Event> events) {
  std::vector<std::string_view> purposes;
  for (const Event& e : events) purposes.push_back(e.purpose());
  std::sort(purposes.begin(), purposes.end());
  purposes.erase(std::unique(purposes.begin(), purposes.end()), purposes.end());
  return purposes;
}

}  // namespace consentry::policy
