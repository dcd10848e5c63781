// Any history of consent events: the state does not depend on their order nor
// on how many came at once, a withdrawal that is the last word ends a consent,
// and another customer's events change nothing.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "gateway/consent/event_rows.h"
#include "policy/consent/consent_state.h"
#include "tests/fuzz/input.h"

using namespace consentry;
using fuzz::Input;
using fuzz::Require;
using policy::ConsentState;
using policy::ConsentStatus;
using store::v1::ConsentEvent;

namespace {

// Small, so that times meet; now and then any.
int64_t Time(Input* input) {
  const uint8_t byte = input->Byte();
  return byte == 255 ? static_cast<int64_t>(input->Number() >> 2) : byte;
}

std::vector<ConsentEvent> Events(Input* input) {
  std::vector<ConsentEvent> events;
  while (!input->empty() && events.size() < 12) {
    ConsentEvent& event = events.emplace_back();
    event.set_event_id("con_" + std::to_string(events.size()));
    event.set_purpose(input->Flag() ? "a" : "b");
    // Types and actors that a newer version may have written, too.
    event.set_type(static_cast<ConsentEvent::Type>(input->Below(8)));
    event.set_actor(static_cast<ConsentEvent::Actor>(input->Below(7)));
    event.set_captured_at_us(Time(input));
    event.set_received_at_us(Time(input));
    const uint8_t flags = input->Byte();
    event.set_explicit_statement(flags & 1);
    event.set_parental_authorisation(flags & 2);
    if (flags & 4) event.set_valid_until_us(Time(input));
  }
  return events;
}

bool Same(const ConsentState& a, const ConsentState& b) {
  return a.status == b.status && a.since_us == b.since_us &&
         a.valid_until_us == b.valid_until_us &&
         (a.event == nullptr) == (b.event == nullptr) &&
         (a.event == nullptr || a.event->event_id() == b.event->event_id());
}

void CheckOrder(const std::vector<ConsentEvent>& events, Input* input,
                const ConsentState& state) {
  std::vector<ConsentEvent> turned = events;
  std::reverse(turned.begin(), turned.end());
  Require(Same(policy::DeriveConsent(turned, "a"), state));
  if (!turned.empty()) {
    std::rotate(turned.begin(),
                turned.begin() + input->Below(static_cast<int>(turned.size())),
                turned.end());
  }
  Require(Same(policy::DeriveConsent(turned, "a"), state));
  std::erase_if(turned, [](const auto& e) { return e.purpose() != "a"; });
  Require(Same(policy::DeriveConsent(turned, "a"), state));
}

// All at once, or one by one: the head holds the same.
void CheckSteps(const std::vector<ConsentEvent>& events) {
  store::v1::SubjectHead whole;
  consent::DeriveInto(events, 0, &whole);
  store::v1::SubjectHead steps;
  std::vector<ConsentEvent> so_far;
  for (const ConsentEvent& event : events) {
    const auto before = policy::StatusAt(
        policy::DeriveConsent(so_far, event.purpose()), INT64_MIN);
    so_far.push_back(event);
    const auto appended =
        consent::DeriveInto(so_far, so_far.size() - 1, &steps);
    Require(appended.states.size() == 1 && appended.changes.size() == 1);
    // What was allowed and no longer is must be told to the committer.
    Require(before != ConsentStatus::kGiven || appended.narrows ||
            appended.states[0].status() == v1::CONSENT_STATUS_GIVEN);
  }
  Require(whole.SerializeAsString() == steps.SerializeAsString());
}

void CheckLastWord(std::vector<ConsentEvent> events) {
  int64_t last = 0;
  for (const ConsentEvent& event : events) {
    last = std::max({last, event.captured_at_us(), event.received_at_us()});
  }
  ConsentEvent& word = events.emplace_back();
  word.set_event_id("con_last");
  word.set_purpose("a");
  word.set_type(ConsentEvent::WITHDRAWN);
  word.set_actor(ConsentEvent::ATTESTED);
  word.set_captured_at_us(last);
  word.set_received_at_us(last);
  const ConsentState state = policy::DeriveConsent(events, "a");
  Require(state.status != ConsentStatus::kGiven);
  // It also ended what had been given when it was captured.
  policy::ConsentOptions options;
  options.as_of_us = last;
  Require(policy::DeriveConsent(events, "a", options).status !=
          ConsentStatus::kGiven);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  const int turn = input.Below(8);
  const int64_t at = Time(&input);
  const std::vector<ConsentEvent> events = Events(&input);
  const ConsentState state = policy::DeriveConsent(events, "a");
  const uint8_t rotation = static_cast<uint8_t>(turn);
  Input rest(&rotation, 1);
  CheckOrder(events, &rest, state);

  // A consent rests on a grant that had been made when it was received.
  if (state.status == ConsentStatus::kGiven) {
    Require(state.event != nullptr &&
            state.event->captured_at_us() <= state.event->received_at_us());
    Require(state.valid_until_us == 0 || at < state.valid_until_us ||
            policy::StatusAt(state, at) == ConsentStatus::kExpired);
  }
  const v1::ConsentState shown = consent::StateOf("a", state, at);
  Require(shown.purpose() == "a" &&
          !consent::StatusWord(shown.status()).empty());
  Require(shown.since().nanos() >= 0 && shown.valid_until().nanos() >= 0);
  CheckSteps(events);
  CheckLastWord(events);
  return 0;
}
