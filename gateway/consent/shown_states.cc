#include "gateway/consent/shown_states.h"

#include <utility>

#include "gateway/vault/head_update.h"
#include "policy/consent/consent_state.h"
#include "proto/support/timestamp.h"

namespace consentry::consent {
namespace {

policy::ConsentState Weight(const v1::ConsentState& state) {
  return {static_cast<policy::ConsentStatus>(state.status()),
          MicrosOf(state.since()),
          state.has_valid_until() ? MicrosOf(state.valid_until()) : 0, nullptr};
}

}  // namespace

v1::ConsentState NoneState(const std::string& purpose) {
  v1::ConsentState state;
  state.set_purpose(purpose);
  state.set_status(v1::CONSENT_STATUS_NONE);
  return state;
}

void AddUnknown(const std::vector<std::string>& purposes,
                v1::ConsentStatus status,
                const std::map<std::string, v1::ConsentState>& known,
                google::protobuf::RepeatedPtrField<v1::ConsentState>* states) {
  for (const std::string& purpose : purposes) {
    if (known.contains(purpose)) continue;
    v1::ConsentState state = NoneState(purpose);
    state.set_status(status);
    *states->Add() = std::move(state);
  }
  for (const auto& [purpose, state] : known) *states->Add() = state;
}

void AddState(const vault::CachedSubject& member, bool joined,
              v1::ConsentState state, v1::ConsentState* held) {
  if (state.status() == v1::CONSENT_STATUS_NONE) return;
  if (joined && state.status() == v1::CONSENT_STATUS_GIVEN &&
      !vault::HasVerifiedIdentity(member.head())) {
    return;
  }
  if (held->status() == v1::CONSENT_STATUS_NONE ||
      policy::Outweighs(Weight(state), Weight(*held))) {
    *held = std::move(state);
  }
}

void SayWhetherAskedFor(const policy::Bundle& bundle, v1::ConsentState* state) {
  const auto purpose = bundle.FindPurpose(state->purpose());
  if (state->status() != v1::CONSENT_STATUS_GIVEN || !purpose) return;
  bool named = false;
  for (const config::v1::Basis& basis : bundle.purpose(*purpose).bases()) {
    if (basis.notice_id().empty()) continue;
    if (basis.notice_id() == state->notice().id() &&
        basis.notice_version() <= state->notice().version()) {
      return;
    }
    named = true;
  }
  if (named) state->set_invalid_reason("notice_not_asked_for");
}

}  // namespace consentry::consent
