#ifndef CONSENTRY_POLICY_CONDUCT_PRESSURE_H_
#define CONSENTRY_POLICY_CONDUCT_PRESSURE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "policy/engine/types.h"

// What reached a customer, as far as it is needed to say whether something may
// reach her again. A plain value; the caller keeps it sealed and changes it
// together with the verdict.
namespace consentry::conduct {

class Rulebook;

// One output that reaches her.
struct Contact {
  // When it does: the time of the decision or, where later, of delivery.
  int64_t time_us = 0;
  // When it was decided. One that was decided after the time of a question
  // counts whatever its time: the clock was set back.
  int64_t decided_us = 0;
  std::string purpose;
  policy::PurposeClass purpose_class = config::v1::PurposeClass::UNSPECIFIED;
  policy::Channel channel = config::v1::Channel::UNSPECIFIED;
  // It claims scarcity, urgency or social proof.
  bool pressing = false;

  friend bool operator==(const Contact&, const Contact&) = default;
};

// A no: an unsubscription, "not interested", an objection on the phone.
struct Refusal {
  int64_t time_us = 0;
  // Empty, UNSPECIFIED: to everything, on every channel.
  std::string purpose;
  policy::Channel channel = config::v1::Channel::UNSPECIFIED;

  friend bool operator==(const Refusal&, const Refusal&) = default;
};

struct ContactHistory {
  // In any order.
  std::vector<Contact> contacts;
  std::vector<Refusal> refusals;

  friend bool operator==(const ContactHistory&,
                         const ContactHistory&) = default;
};

// Adds a contact and drops what no rule can ask for any more. Never drops by
// the clock alone: of each purpose, channel and degree of pressure the last
// contacts are kept, as many as the greatest limit of any budget, so that a
// clock that ran ahead and was set back frees nothing. At most kMaxContacts,
// the latest.
void Record(const Rulebook& rules, const Contact& contact,
            ContactHistory* history);
// Of each purpose and channel the last is kept. At most kMaxRefusals, the
// latest.
void Record(const Refusal& refusal, ContactHistory* history);

inline constexpr size_t kMaxContacts = 512;
inline constexpr size_t kMaxRefusals = 128;

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_PRESSURE_H_
