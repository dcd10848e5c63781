#include "gateway/review/review_state.h"

#include <algorithm>

#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::review {
namespace {

using store::v1::ReviewActor;
using store::v1::ReviewDoc;
using store::v1::ReviewOpinion;

constexpr int kMaxTimeoutTimes = 20;
// Who asked for one review, and who is barred from it, each.
constexpr int kMaxPersons = 200;
constexpr int64_t kLeastTermUs = int64_t{3600} * 1'000'000;

absl::Status WrongState(std::string_view message) {
  return MakeError(v1::ERROR_REASON_STATE_INVALID, message);
}

bool Among(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool Same(const ReviewActor& a, const ReviewActor& b) {
  return a.client_id() == b.client_id() && a.person() == b.person();
}

// Whoever holds the key of one registration can name two persons; tokens, and
// keys of two registrations, are of two.
bool AreProvenTwo(const ReviewActor& a, const ReviewActor& b) {
  return a.person() != b.person() &&
         ((a.proven() && b.proven()) || a.client_id() != b.client_id());
}

absl::Status TooMany() {
  return WrongState("too many persons asked for the review");
}

// Who asked for it, spoke for the customer or made what is looked at.
bool HasPart(const std::string& person, const ReviewDoc& doc) {
  if (person.empty()) return false;
  return doc.requested_by().person() == person ||
         std::any_of(doc.joined_by().begin(), doc.joined_by().end(),
                     [&](const ReviewActor& actor) {
                       return actor.person() == person;
                     }) ||
         std::find(doc.barred().begin(), doc.barred().end(), person) !=
             doc.barred().end();
}

void Free(ReviewDoc* doc) {
  doc->clear_holder();
  doc->clear_claimed_us();
  doc->clear_lease_us();
}

// Where it stands apart from a question to the customer.
int StateBehind(const ReviewDoc& doc) {
  return doc.state() == v1::REVIEW_STATE_AWAITING_CUSTOMER
             ? doc.asked_in_state()
             : doc.state();
}

// The last opinion that decided rather than passed on.
const ReviewOpinion* LastDecision(const ReviewDoc& doc) {
  for (int i = doc.opinions_size() - 1; i >= 0; --i) {
    if (doc.opinions(i).verdict() != v1::REVIEW_VERDICT_ESCALATE) {
      return &doc.opinions(i);
    }
  }
  return nullptr;
}

Ruling RulingOf(v1::ReviewVerdict verdict) {
  switch (verdict) {
    case v1::REVIEW_VERDICT_CHANGE:
      return Ruling::kReleaseChanged;
    case v1::REVIEW_VERDICT_REVERSE:
      return Ruling::kReverse;
    default:
      return Ruling::kRelease;
  }
}

}  // namespace

bool IsOpen(const ReviewDoc& doc) {
  return doc.state() != v1::REVIEW_STATE_RESOLVED &&
         doc.state() != v1::REVIEW_STATE_DROPPED;
}

bool IsHeld(const ReviewDoc& doc, int64_t now_us) {
  return IsOpen(doc) && doc.has_holder() && now_us < doc.lease_us();
}

v1::ReviewState ShownState(const ReviewDoc& doc, int64_t now_us) {
  return IsHeld(doc, now_us) ? v1::REVIEW_STATE_CLAIMED
                             : static_cast<v1::ReviewState>(doc.state());
}

absl::Status NoteRequester(const ReviewActor& who, ReviewDoc* doc) {
  if (doc->requested_by().client_id().empty()) {
    *doc->mutable_requested_by() = who;
    return absl::OkStatus();
  }
  const auto& joined = doc->joined_by();
  if (Same(doc->requested_by(), who) ||
      std::any_of(joined.begin(), joined.end(),
                  [&](const ReviewActor& other) { return Same(other, who); })) {
    return absl::OkStatus();
  }
  if (joined.size() >= kMaxPersons) return TooMany();
  *doc->add_joined_by() = who;
  return absl::OkStatus();
}

bool IsAskedForBy(std::string_view client_id, const ReviewDoc& doc) {
  return doc.requested_by().client_id() == client_id ||
         std::any_of(doc.joined_by().begin(), doc.joined_by().end(),
                     [&](const ReviewActor& actor) {
                       return actor.client_id() == client_id;
                     });
}

absl::Status Bar(const std::string& person, ReviewDoc* doc) {
  if (person.empty() || HasPart(person, *doc)) return absl::OkStatus();
  if (doc->barred_size() >= kMaxPersons) return TooMany();
  doc->add_barred(person);
  return absl::OkStatus();
}

absl::Status MayDecide(const ReviewActor& who, int64_t now_us,
                       const Powers& powers, const ReviewDoc& doc) {
  if (!IsOpen(doc)) return WrongState("the review is decided");
  const bool escalated = StateBehind(doc) == v1::REVIEW_STATE_ESCALATED;
  const std::vector<std::string>& needed =
      escalated && !powers.higher.empty() ? powers.higher : powers.authorities;
  if (!needed.empty() && !Among(needed, who.person()) &&
      !(!escalated && Among(powers.higher, who.person()))) {
    return MakeError(v1::ERROR_REASON_PERMISSION_MISSING,
                     escalated ? "the review needs a person of more authority"
                               : "this person may not change outcomes");
  }
  if (HasPart(who.person(), doc)) {
    return WrongState(
        "whoever asked for a review, or had a part in it, does not decide it");
  }
  for (const ReviewOpinion& opinion : doc.opinions()) {
    if (opinion.reviewer().person() != who.person()) {
      if (doc.high_risk() && opinion.verdict() != v1::REVIEW_VERDICT_ESCALATE &&
          !AreProvenTwo(opinion.reviewer(), who) &&
          now_us < opinion.time_us() + powers.single_wait_us) {
        return WrongState(
            "nothing proves that this is another person than the one before: "
            "no token, and the same key; the wait that stands in for it is not "
            "over");
      }
      continue;
    }
    if (powers.single_operator &&
        now_us >= opinion.time_us() + powers.single_wait_us) {
      continue;
    }
    return WrongState(powers.single_operator
                          ? "the wait that stands in for a second person is "
                            "not over"
                          : "another person than the one before must look");
  }
  return absl::OkStatus();
}

absl::Status Claim(const ReviewActor& who, int64_t lease_us, int64_t now_us,
                   const Powers& powers, ReviewDoc* doc) {
  CONSENTRY_RETURN_IF_ERROR(MayDecide(who, now_us, powers, *doc));
  const bool held = IsHeld(*doc, now_us);
  if (held && !Same(doc->holder(), who)) {
    return WrongState("another person holds the review");
  }
  // Renewing keeps the time since when she looks at it.
  if (!held) doc->set_claimed_us(now_us);
  *doc->mutable_holder() = who;
  doc->set_lease_us(now_us + std::clamp(lease_us, int64_t{1}, kMaxLeaseUs));
  return absl::OkStatus();
}

absl::Status CheckHolds(const ReviewActor& who, int64_t now_us,
                        const ReviewDoc& doc) {
  if (!IsOpen(doc)) return WrongState("the review is decided");
  if (IsHeld(doc, now_us) && Same(doc.holder(), who)) return absl::OkStatus();
  return WrongState("the caller does not hold the review; claim it first");
}

absl::Status GiveBack(const ReviewActor& who, int64_t now_us, ReviewDoc* doc) {
  CONSENTRY_RETURN_IF_ERROR(CheckHolds(who, now_us, *doc));
  Free(doc);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Ruling>> Decide(const ReviewActor& who,
                                             v1::ReviewVerdict verdict,
                                             std::string_view reason_code,
                                             int64_t now_us,
                                             const Powers& powers,
                                             ReviewDoc* doc) {
  CONSENTRY_RETURN_IF_ERROR(CheckHolds(who, now_us, *doc));
  // Her powers may have gone since she claimed it.
  CONSENTRY_RETURN_IF_ERROR(MayDecide(who, now_us, powers, *doc));
  const ReviewOpinion* const before = LastDecision(*doc);
  const bool had = before != nullptr;
  const bool agrees = had && before->verdict() == verdict;
  const bool escalated = StateBehind(*doc) == v1::REVIEW_STATE_ESCALATED;
  ReviewOpinion* const opinion = doc->add_opinions();
  *opinion->mutable_reviewer() = who;
  opinion->set_verdict(verdict);
  opinion->set_reason_code(std::string(reason_code));
  opinion->set_time_us(now_us);
  opinion->set_spent_us(std::max<int64_t>(0, now_us - doc->claimed_us()));
  Free(doc);
  if (verdict == v1::REVIEW_VERDICT_ESCALATE) {
    doc->set_state(v1::REVIEW_STATE_ESCALATED);
    return std::optional<Ruling>();
  }
  if (doc->high_risk() && !had) {
    doc->set_state(v1::REVIEW_STATE_SECOND_LOOK);
    return std::optional<Ruling>();
  }
  // Two who do not agree, and neither has more authority than the other. Of
  // two changes, nobody can tell whether they say the same.
  if (doc->high_risk() && !escalated &&
      (!agrees || verdict == v1::REVIEW_VERDICT_CHANGE)) {
    doc->set_state(v1::REVIEW_STATE_ESCALATED);
    return std::optional<Ruling>();
  }
  doc->set_state(v1::REVIEW_STATE_RESOLVED);
  doc->set_verdict(verdict);
  doc->set_reason_code(std::string(reason_code));
  doc->set_decided_us(now_us);
  return std::optional<Ruling>(RulingOf(verdict));
}

absl::Status AskCustomer(const ReviewActor& who, int64_t now_us,
                         ReviewDoc* doc) {
  CONSENTRY_RETURN_IF_ERROR(GiveBack(who, now_us, doc));
  doc->set_asked_in_state(StateBehind(*doc));
  doc->set_state(v1::REVIEW_STATE_AWAITING_CUSTOMER);
  return absl::OkStatus();
}

absl::Status HearCustomer(ReviewDoc* doc) {
  if (!IsOpen(*doc)) return WrongState("the review is decided");
  if (doc->state() == v1::REVIEW_STATE_AWAITING_CUSTOMER) {
    doc->set_state(doc->asked_in_state());
  }
  return absl::OkStatus();
}

bool ConcernsHer(const ReviewDoc& doc) {
  switch (doc.trigger()) {
    case v1::REVIEW_TRIGGER_CONDUCT:
    case v1::REVIEW_TRIGGER_FAIRNESS:
    case v1::REVIEW_TRIGGER_SAMPLE:
      return !doc.requested_by().client_id().empty();
    default:
      return true;
  }
}

bool TimeOut(int64_t now_us, ReviewDoc* doc) {
  if (!IsOpen(*doc) || now_us < doc->due_us()) return false;
  doc->set_timeouts(doc->timeouts() + 1);
  if (doc->timeout_us_size() >= kMaxTimeoutTimes) {
    doc->mutable_timeout_us()->erase(doc->mutable_timeout_us()->begin());
  }
  doc->add_timeout_us(now_us);
  doc->set_due_us(now_us + std::max(doc->term_us(), kLeastTermUs));
  Free(doc);
  // Nobody waits for a sample.
  if (doc->trigger() == v1::REVIEW_TRIGGER_SAMPLE) return true;
  doc->set_state(v1::REVIEW_STATE_ESCALATED);
  doc->set_priority(1);
  return true;
}

}  // namespace consentry::review
