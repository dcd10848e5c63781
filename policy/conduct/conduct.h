#ifndef CONSENTRY_POLICY_CONDUCT_CONDUCT_H_
#define CONSENTRY_POLICY_CONDUCT_CONDUCT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "consentry/v1/errors.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "policy/conduct/pressure.h"
#include "policy/conduct/text_scanner.h"
#include "policy/engine/types.h"

// Whether an output keeps the rules of conduct. Pure: all that is judged comes
// in as values, times in microseconds since the epoch, UTC.
namespace consentry::conduct {

class Rulebook;

// Worse is greater.
enum class Action : uint8_t { kRelease = 0, kHold = 1, kBlock = 2 };

// What is known about the customer. A vulnerability, a lower age, a contact or
// a refusal more never makes a judgement milder.
struct SubjectState {
  // Completed years at the time of the question; the lowest that may be.
  // Absent: unknown, and nobody is taken for a minor.
  std::optional<int> age;
  // The age is on record and could not be read: taken for a minor.
  bool age_unreadable = false;
  // In force now.
  std::set<v1::VulnerabilityKind> vulnerabilities;
  // Could not be read: every vulnerability is taken to be there.
  bool vulnerabilities_unreadable = false;
  // ISO 3166; of several all count. Empty: unknown.
  std::vector<std::string> residences;
  // IANA name, where the customer gave one. Empty, or unknown to this
  // computer: the zones of `residences`; without those the rulebook's default.
  std::string time_zone;
  // What reached her, and what she refused.
  ContactHistory contacts;
};

// What others were shown for the same item, time and place.
struct OthersShown {
  // Customers besides this one. 0: the rest says nothing.
  int64_t count = 0;
  // ISO 4217, in which all of them were shown.
  std::string currency;
  // In minor units.
  int64_t min = 0;
  int64_t max = 0;
  int64_t median = 0;
};

// An end that an offer for the same item was given before, to anybody.
struct ShownDeadline {
  int64_t offer_end_us = 0;
  // When it was shown.
  int64_t shown_us = 0;
};

// One output and what it is judged by. Points to what the caller keeps alive.
struct Question {
  // As its engine made it; any content. Never null.
  const v1::Output* output = nullptr;
  // What its text claims; null: the text was not read, which is a finding
  // unless there is none.
  const TextScan* scan = nullptr;
  // Key and class of the purpose.
  std::string purpose;
  policy::PurposeClass purpose_class = config::v1::PurposeClass::UNSPECIFIED;
  policy::Channel channel = config::v1::Channel::UNSPECIFIED;
  // Ids of the legal packs that attach at `time_us`: "eu-gdpr".
  std::vector<std::string> regimes;
  SubjectState subject;
  OthersShown others;
  // In any order; those of the last 90 days are enough.
  std::vector<ShownDeadline> deadlines;
  // What the output itself was charged when it was released, where it is judged
  // once more; its contact is not among the customer's then. A budget that it
  // was charged to is not asked again within the budget's window, unless it
  // became smaller since for a vulnerability.
  std::optional<Contact> reserved;
  // Now, in [0, policy::kMaxTimeUs); another time blocks.
  int64_t time_us = 0;
};

struct Finding {
  // The rule's id: "claim.stock". "output." begins those of no rulebook: the
  // output itself cannot be understood.
  std::string rule;
  // The law, the rule's and, for a claim, that which the claim is about.
  std::string citation;
  // Where in Output.text, in bytes; length 0: the whole output.
  size_t start = 0;
  size_t length = 0;
  // What is missing or wrong, in words; no value of anybody's data.
  std::string message;
  Action action = Action::kRelease;
  // CONDUCT: a fault of the output itself, which its engine may be told.
  // PRESSURE: too often or at the wrong time; the engine is told nothing but
  // the class and `retry_us`.
  // NOT_PERMITTED: rests on what is known about the customer; for row and log,
  // never for the engine.
  v1::VerdictClass verdict_class = v1::VERDICT_CLASS_CONDUCT;

  friend bool operator==(const Finding&, const Finding&) = default;
};

struct Judgement {
  // The worst of all findings.
  Action action = Action::kRelease;
  // Of the worst findings NOT_PERMITTED before CONDUCT before PRESSURE;
  // UNSPECIFIED for RELEASE.
  v1::VerdictClass verdict_class = v1::VERDICT_CLASS_UNSPECIFIED;
  // By start, length, rule, message; none twice.
  std::vector<Finding> findings;
  // Disclosures that were asked for and missed, sorted: words of
  // Output.disclosures, or the exact text.
  std::vector<std::string> missing_disclosures;
  // When the same output would keep all budgets, quiet hours and cool-downs,
  // if nothing else happens. Only where nothing but these blocks it, and only
  // if that day comes within 400 days and not after a month of quiet hours
  // without a gap.
  std::optional<int64_t> retry_us;
  // When quiet hours come that end the leave to deliver it: the first moment
  // within any, not before its delivery. Absent: none in the next eight days.
  std::optional<int64_t> quiet_from_us;
  // What to add to ContactHistory with Record() when the output is released;
  // absent where it reaches nobody or is blocked.
  std::optional<Contact> charge;

  friend bool operator==(const Judgement&, const Judgement&) = default;
};

// Judges one output. Equal questions give equal judgements; the order of
// evidence, claims, categories, deadlines and rules does not matter. Adding a
// rule, a vulnerability, a contact or a refusal never makes it milder. Never
// fails: what cannot be understood is a finding. Any thread.
Judgement Judge(const Rulebook& rules, const Question& question);

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_CONDUCT_H_
