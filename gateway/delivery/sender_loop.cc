#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/base/log.h"
#include "gateway/crypto/opener.h"
#include "gateway/crypto/system_seal.h"
#include "gateway/delivery/mail.h"
#include "gateway/delivery/sender.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

// The thread that empties the queue; sender.cc fills it.
namespace consentry::delivery {
namespace {

constexpr base::LogEvent kLater = {base::LogLevel::kWarn, 5501,
                                   "delivery.message_later"};
constexpr base::LogEvent kGivenUp = {base::LogLevel::kError, 5502,
                                     "delivery.message_given_up"};
constexpr base::LogEvent kNotNoted = {base::LogLevel::kError, 5503,
                                      "delivery.outcome_not_noted"};
constexpr base::LogEvent kQueueUnread = {base::LogLevel::kError, 5504,
                                         "delivery.queue_not_read"};

constexpr size_t kPerRead = 64;
constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;
constexpr int64_t kDropEveryUs = 60'000'000;
constexpr int64_t kDropAtOnce = 256;

int64_t WaitAfter(int64_t attempts, int64_t first_us, int64_t longest_us) {
  const int64_t doublings = std::clamp<int64_t>(attempts - 1, 0, 20);
  return std::min(first_us << doublings, longest_us);
}

}  // namespace

absl::StatusOr<store::v1::QueuedMessage> Sender::OpenDoc(
    const MessageRow& row) const {
  crypto::Plaintext plain;
  if (row.subject != 0) {
    CONSENTRY_ASSIGN_OR_RETURN(const crypto::SubjectKeys keys,
                               options_.slots->Load(row.subject));
    CONSENTRY_ASSIGN_OR_RETURN(
        plain,
        crypto::FactOpener::Open(keys, MessageContext(row.number), row.doc));
  } else {
    CONSENTRY_ASSIGN_OR_RETURN(
        plain,
        crypto::SystemSeal::Open(*options_.epochs->keys(),
                                 SystemMessageContext(row.number), row.doc));
  }
  store::v1::QueuedMessage doc;
  if (!doc.ParseFromArray(plain.view().data(),
                          static_cast<int>(plain.size()))) {
    return absl::DataLossError("a queued message does not verify");
  }
  return doc;
}

absl::StatusOr<crypto::Plaintext> Sender::OpenAddress(
    const MessageRow& row, const store::v1::QueuedMessage& doc) const {
  if (row.subject == 0) {
    return crypto::SystemSeal::Open(*options_.epochs->keys(),
                                    SystemAddressContext(row.number),
                                    row.address);
  }
  if (row.address.empty()) {
    return options_.contact->Find(row.subject, doc.id());
  }
  return options_.contact->Open(row.subject, AddressContext(row.number),
                                row.address, doc.id());
}

absl::Status Sender::Attempt(const MessageRow& row,
                             const store::v1::QueuedMessage& doc,
                             int64_t now_us) {
  Arguments arguments;
  for (const auto& argument : doc.arguments()) {
    arguments[argument.name()] = argument.value();
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const Rendered text,
      options_.texts->Render(doc.text(), doc.language(), arguments));
  crypto::Plaintext address;
  Mail mail;
  if (doc.staff() != 0) {
    if (doc.staff() > staff_count()) {
      return MakeError(v1::ERROR_REASON_NO_VALUE,
                       "the staff address is not configured any more");
    }
    mail.to =
        options_.sender.staff_addresses(static_cast<int>(doc.staff()) - 1);
  } else {
    CONSENTRY_ASSIGN_OR_RETURN(address, OpenAddress(row, doc));
    mail.to = std::string(address.view());
  }
  mail.id = doc.id();
  mail.from_address = options_.sender.from_address();
  mail.from_name = options_.sender.from_name();
  mail.subject = text.subject;
  mail.body = text.body;
  mail.time_us = now_us;
  const auto formatted = FormatMail(mail);
  if (!formatted.ok()) return formatted.status();
  return transport_->Deliver(mail.id, mail.from_address, mail.to, *formatted);
}

absl::Status Sender::Note(const MessageRow& row,
                          const store::v1::QueuedMessage& doc, Outcome outcome,
                          std::string_view why) const {
  const auto word = [outcome]() -> std::string {
    switch (outcome) {
      case Outcome::kSent:
        return "system.message_sent";
      case Outcome::kLater:
        return "system.message_later";
      case Outcome::kGivenUp:
        return "system.message_given_up";
      case Outcome::kExpired:
        return "system.message_expired";
      case Outcome::kDropped:
        return "system.message_dropped";
    }
    return "";
  };
  clients::CallerContext self;
  self.event = word();
  store::Change change;
  change.apply =
      [this, self, number = row.number, attempts = row.attempts, id = doc.id(),
       text = doc.text(), outcome,
       why = std::string(why)](store::ChangeContext& context) -> absl::Status {
    if (outcome == Outcome::kLater) {
      CONSENTRY_RETURN_IF_ERROR(
          SetAttempts(context.connection(), number, attempts + 1));
    } else {
      CONSENTRY_RETURN_IF_ERROR(
          EndMessage(context.connection(), number,
                     outcome == Outcome::kSent || outcome == Outcome::kDropped
                         ? MessageState::kSent
                         : MessageState::kFailed));
    }
    store::v1::Leaf leaf =
        clients::LeafOf(*options_.configuration(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details("message=" + id);
    leaf.add_details("text=" + text);
    leaf.add_details(absl::StrCat("attempt=", attempts + 1));
    if (!why.empty()) leaf.add_details("why=" + why);
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  return options_.committer->CommitChangeAndWait(std::move(change)).status;
}

bool Sender::SendOne(const MessageRow& row, int64_t now_us) {
  auto doc = OpenDoc(row);
  if (!doc.ok()) {
    // Of somebody who was erased, or damaged: it will never open.
    const bool gone = absl::IsNotFound(doc.status()) ||
                      absl::IsFailedPrecondition(doc.status());
    if (!gone && !absl::IsDataLoss(doc.status())) return true;
    Note(row, {}, gone ? Outcome::kDropped : Outcome::kGivenUp,
         gone ? "subject_gone" : "damaged")
        .IgnoreError();
    return true;
  }
  absl::Status sent;
  Outcome outcome = Outcome::kExpired;
  std::string_view why;
  if (doc->expire_us() > now_us) {
    sent = Attempt(row, *doc, now_us);
    switch (sent.code()) {
      case absl::StatusCode::kOk:
        outcome = Outcome::kSent;
        break;
      case absl::StatusCode::kUnavailable:
      case absl::StatusCode::kAborted:
      case absl::StatusCode::kUnknown:
      case absl::StatusCode::kResourceExhausted:
        outcome = Outcome::kLater;
        why = absl::IsUnavailable(sent) ? "unavailable" : "put_off";
        break;
      default:
        outcome = Outcome::kGivenUp;
        why = ReasonOf(sent) == v1::ERROR_REASON_NO_VALUE ? "no_address"
              : ReasonOf(sent).has_value()                ? "not_allowed"
                                                          : "refused";
        break;
    }
  }
  if (stop_.load() && outcome == Outcome::kLater) return false;
  if (outcome == Outcome::kLater) {
    base::Log(kLater, {{"message", base::LogId{doc->id()}},
                       {"attempt", row.attempts + 1},
                       {"status", sent}});
  } else if (outcome != Outcome::kSent) {
    base::Log(kGivenUp, {{"message", base::LogId{doc->id()}},
                         {"attempt", row.attempts + 1}});
  }
  const absl::Status noted = Note(row, *doc, outcome, why);
  if (!noted.ok()) {
    base::Log(kNotNoted,
              {{"message", base::LogId{doc->id()}}, {"status", noted}});
    return false;
  }
  return outcome != Outcome::kLater || !absl::IsUnavailable(sent);
}

void Sender::Pass(bool all) {
  MutexLock pass(&pass_mu_);
  const int64_t start_us = options_.clock->MonotonicUs();
  if (!all && start_us < transport_until_us_) return;
  int64_t after = 0;
  std::map<int64_t, int64_t> waits;
  for (;;) {
    std::vector<MessageRow> rows;
    {
      auto lease = options_.readers->Acquire();
      auto read = lease.ok() ? MessagesIn(lease->get(), MessageState::kQueued,
                                          after, kPerRead)
                             : lease.status();
      if (!read.ok()) {
        base::Log(kQueueUnread, {{"status", read.status()}});
        return;
      }
      rows = *std::move(read);
    }
    for (const MessageRow& row : rows) {
      if (stop_.load()) return;
      after = row.number;
      const int64_t now_us = options_.clock->MonotonicUs();
      const auto waiting = waits_.find(row.number);
      if (!all && waiting != waits_.end() && waiting->second > now_us) {
        waits.insert(*waiting);
        continue;
      }
      const bool go_on = SendOne(row, options_.committer->NowUs());
      waits[row.number] =
          now_us + WaitAfter(row.attempts + 1, options_.first_wait_us,
                             options_.longest_wait_us);
      if (!go_on) {
        transport_until_us_ = now_us + WaitAfter(++transport_failures_,
                                                 options_.first_wait_us / 8,
                                                 options_.longest_wait_us / 6);
        waits_.merge(waits);
        return;
      }
      transport_failures_ = 0;
    }
    if (rows.size() < kPerRead) break;
  }
  waits_ = std::move(waits);
  if (start_us >= next_drop_us_) {
    next_drop_us_ = start_us + kDropEveryUs;
    DropOld(options_.committer->NowUs());
  }
}

void Sender::DropOld(int64_t now_us) {
  const int64_t hour = now_us / kHourUs;
  {
    auto lease = options_.readers->Acquire();
    if (!lease.ok()) return;
    const auto any = AnyEnded(lease->get(), hour);
    if (!any.ok() || !*any) return;
  }
  clients::CallerContext self;
  self.event = "system.messages_dropped";
  store::Change change;
  change.apply = [this, self,
                  hour](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(
        const int64_t count,
        DropEnded(context.connection(), hour, kDropAtOnce));
    store::v1::Leaf leaf =
        clients::LeafOf(*options_.configuration(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details(absl::StrCat("messages=", count));
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  options_.committer->CommitChangeAndWait(std::move(change))
      .status.IgnoreError();
}

}  // namespace consentry::delivery
