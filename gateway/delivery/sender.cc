#include "gateway/delivery/sender.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/base/log.h"
#include "gateway/crypto/identifiers.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "gateway/crypto/system_seal.h"
#include "gateway/delivery/mail.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::delivery {
namespace {

constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;
constexpr uint32_t kDefaultGiveUpHours = 72;
// Messages of one change: their numbers follow from its own.
constexpr int64_t kPerChange = 64;

int64_t HourOf(int64_t time_us) { return time_us / kHourUs; }

// Rounded up: an hour in clear never ends a message early.
int64_t HourAfter(int64_t time_us) { return HourOf(time_us + kHourUs - 1); }

absl::Status NoSender() {
  return MakeError(v1::ERROR_REASON_STATE_INVALID,
                   "nobody can be written to: the configuration names no "
                   "sender");
}

absl::StatusOr<int64_t> NextNumber(const store::ChangeContext& context) {
  const int64_t first = context.number() * kPerChange;
  CONSENTRY_ASSIGN_OR_RETURN(auto query,
                             context.connection()->Prepare(
                                 "SELECT MAX(message_no) FROM messages WHERE "
                                 "message_no >= $1 AND message_no < $2"));
  query.Bind(first, first + kPerChange);
  CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
  const int64_t number = row && !query.IsNull(0) ? query.Int64(0) + 1 : first;
  if (number < first + kPerChange) return number;
  return MakeError(v1::ERROR_REASON_TOO_LARGE,
                   "more messages than one change may have");
}

absl::StatusOr<std::string> PlainAddress(std::string_view address) {
  auto normal = crypto::NormalizeEmail(address);
  if (normal.ok() && IsPlainAddress(*normal)) return *std::move(normal);
  return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                   "not an address that mail reaches");
}

}  // namespace

Sender::Sender(Options options) : options_(std::move(options)) {}

absl::StatusOr<std::unique_ptr<Sender>> Sender::Create(Options options) {
  std::unique_ptr<Sender> sender(new Sender(std::move(options)));
  const Options& set = sender->options_;
  if (set.make_transport != nullptr) {
    CONSENTRY_ASSIGN_OR_RETURN(sender->transport_,
                               set.make_transport(&sender->stop_));
  } else if (set.sender.has_smtp()) {
    CONSENTRY_ASSIGN_OR_RETURN(sender->transport_,
                               MakeSmtp(set.sender.smtp(), &sender->stop_));
  } else if (set.sender.has_file_drop()) {
    CONSENTRY_ASSIGN_OR_RETURN(sender->transport_,
                               MakeFileDrop(set.sender.file_drop()));
  }
  sender->configured_ = sender->transport_ != nullptr;
  return sender;
}

Sender::~Sender() { Stop(); }

void Sender::Start() {
  if (!configured_) return;
  MutexLock lock(&mu_);
  thread_ = std::make_unique<base::Periodic>(base::Constant("sender"),
                                             options_.interval,
                                             [this] { Pass(/*all=*/false); });
}

void Sender::Stop() {
  stop_.store(true);
  std::unique_ptr<base::Periodic> thread;
  {
    MutexLock lock(&mu_);
    thread = std::move(thread_);
  }
}

absl::Status Sender::Insert(store::ChangeContext& context,
                            const Message& message, MessageState state,
                            uint32_t staff) const {
  if (!configured_) return NoSender();
  CONSENTRY_RETURN_IF_ERROR(
      options_.texts->Check(message.text, message.arguments));
  std::string address;
  if (!message.address.empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(address, PlainAddress(message.address));
  } else if (message.subject == 0 && staff == 0) {
    return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                     "a message to nobody has no address");
  }
  CONSENTRY_ASSIGN_OR_RETURN(const int64_t number, NextNumber(context));
  const uint32_t hours = options_.sender.give_up_hours() == 0
                             ? kDefaultGiveUpHours
                             : options_.sender.give_up_hours();
  store::v1::QueuedMessage doc;
  doc.set_text(message.text);
  doc.set_language(message.language);
  for (const auto& [name, value] : message.arguments) {
    auto* argument = doc.add_arguments();
    argument->set_name(name);
    argument->set_value(value);
  }
  doc.set_id(crypto::NewId(crypto::IdKind::kMessage));
  doc.set_queued_us(context.now_us());
  doc.set_expire_us(message.expire_us != 0
                        ? message.expire_us
                        : context.now_us() + hours * kHourUs);
  doc.set_staff(staff);

  MessageRow row;
  row.number = number;
  row.subject = message.subject;
  row.state = state;
  row.expire_hour = HourAfter(doc.expire_us());
  const std::string bytes = doc.SerializeAsString();
  if (message.subject != 0) {
    CONSENTRY_ASSIGN_OR_RETURN(const crypto::SubjectKeys keys,
                               options_.slots->Load(message.subject));
    CONSENTRY_ASSIGN_OR_RETURN(
        row.doc, crypto::Sealer::Seal(keys, MessageContext(number), bytes));
    if (!address.empty()) {
      CONSENTRY_ASSIGN_OR_RETURN(
          row.address,
          crypto::Sealer::Seal(keys, AddressContext(number), address));
    }
  } else {
    const auto keys = options_.epochs->keys();
    CONSENTRY_ASSIGN_OR_RETURN(
        row.doc,
        crypto::SystemSeal::Seal(*keys, SystemMessageContext(number), bytes));
    if (!address.empty()) {
      CONSENTRY_ASSIGN_OR_RETURN(
          row.address, crypto::SystemSeal::Seal(
                           *keys, SystemAddressContext(number), address));
    }
  }
  const std::string once =
      message.once.empty()
          ? std::string()
          : options_.digests->Of(absl::StrCat(message.once, "/", staff));
  CONSENTRY_RETURN_IF_ERROR(
      InsertMessage(context.connection(), row, once).status());
  context.OnStored([this] {
    MutexLock lock(&mu_);
    if (thread_ != nullptr) thread_->Wake();
  });
  return absl::OkStatus();
}

absl::Status Sender::Queue(store::ChangeContext& context,
                           const Message& message) const {
  return Insert(context, message, MessageState::kQueued, 0);
}

absl::Status Sender::SendCode(store::ChangeContext& context,
                              std::string_view text, std::string_view language,
                              std::string_view address, uint64_t subject,
                              Arguments arguments, int64_t expire_us) const {
  Message message;
  message.text = std::string(text);
  message.arguments = std::move(arguments);
  message.language = std::string(language);
  message.address = std::string(address);
  message.subject = subject;
  message.expire_us = expire_us;
  return Queue(context, message);
}

absl::Status Sender::TellCustomer(store::ChangeContext& context,
                                  uint64_t subject, std::string_view text,
                                  std::string_view language,
                                  Arguments arguments) const {
  Message message;
  message.text = std::string(text);
  message.arguments = std::move(arguments);
  message.language = std::string(language);
  message.subject = subject;
  return Queue(context, message);
}

absl::Status Sender::TellStaff(store::ChangeContext& context,
                               std::string_view text, Arguments arguments,
                               std::string_view once) const {
  if (staff_count() == 0) return absl::OkStatus();
  Message message;
  message.text = std::string(text);
  message.arguments = std::move(arguments);
  message.language = options_.sender.staff_language();
  message.once = std::string(once);
  for (uint32_t staff = 1; staff <= staff_count(); ++staff) {
    CONSENTRY_RETURN_IF_ERROR(
        Insert(context, message, MessageState::kQueued, staff));
  }
  return absl::OkStatus();
}

namespace {

// A change about a message alone, and its entry.
store::Change ChangeOf(
    clients::ConfigurationSource configuration, std::string_view event,
    std::vector<std::string> details,
    std::function<absl::Status(store::ChangeContext&)> rows) {
  clients::CallerContext self;
  self.event = std::string(event);
  store::Change change;
  change.apply =
      [configuration = std::move(configuration), self = std::move(self),
       details = std::move(details),
       rows = std::move(rows)](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_RETURN_IF_ERROR(rows(context));
    store::v1::Leaf leaf =
        clients::LeafOf(*configuration(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    for (const std::string& detail : details) leaf.add_details(detail);
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  return change;
}

}  // namespace

void Sender::Send(Message message,
                  absl::AnyInvocable<void(absl::Status)> done) const {
  std::vector<std::string> details = {"text=" + message.text};
  options_.committer->CommitChange(
      ChangeOf(
          options_.configuration, "system.message_queued", std::move(details),
          [this, message = std::move(message)](store::ChangeContext& context) {
            return Queue(context, message);
          }),
      [done = std::move(done)](store::ChangeOutcome outcome) mutable {
        done(std::move(outcome.status));
      });
}

absl::Status Sender::SendAndWait(Message message) const {
  std::vector<std::string> details = {"text=" + message.text};
  return options_.committer
      ->CommitChangeAndWait(ChangeOf(
          options_.configuration, "system.message_queued", std::move(details),
          [this, message = std::move(message)](store::ChangeContext& context) {
            return Queue(context, message);
          }))
      .status;
}

absl::Status Sender::CaptureLast(uint64_t subject, Message message) const {
  if (!configured_) return NoSender();
  if (message.once.empty() || message.expire_us == 0) {
    return absl::InvalidArgumentError("a last message needs its end and once");
  }
  CONSENTRY_RETURN_IF_ERROR(
      options_.texts->Check(message.text, message.arguments));
  {
    const std::string once =
        options_.digests->Of(absl::StrCat(message.once, "/", 0));
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(const auto there,
                               FindMessageOnce(lease.get(), once));
    if (there) return absl::OkStatus();
  }
  CONSENTRY_ASSIGN_OR_RETURN(const crypto::Plaintext address,
                             options_.contact->Find(subject, "last_message"));
  message.address = std::string(address.view());
  message.subject = 0;
  std::vector<std::string> details = {"text=" + message.text, "held"};
  return options_.committer
      ->CommitChangeAndWait(ChangeOf(
          options_.configuration, "system.message_queued", std::move(details),
          [this, message = std::move(message)](store::ChangeContext& context) {
            return Insert(context, message, MessageState::kHeld, 0);
          }))
      .status;
}

absl::Status Sender::ReleaseLast(store::ChangeContext& context,
                                 std::string_view once) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, context.connection()->Prepare(
                      "UPDATE messages SET state = $2 WHERE once = $1 AND "
                      "state = $3"));
  const std::string digest =
      options_.digests->Of(absl::StrCat(std::string(once), "/", 0));
  query.Bind(std::string_view(digest),
             static_cast<int64_t>(MessageState::kQueued),
             static_cast<int64_t>(MessageState::kHeld));
  CONSENTRY_RETURN_IF_ERROR(query.Run());
  context.OnStored([this] {
    MutexLock lock(&mu_);
    if (thread_ != nullptr) thread_->Wake();
  });
  return absl::OkStatus();
}

absl::Status Sender::DropLast(store::ChangeContext& context,
                              std::string_view once) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, context.connection()->Prepare(
                      "DELETE FROM messages WHERE once = $1 AND state = $2"));
  const std::string digest =
      options_.digests->Of(absl::StrCat(std::string(once), "/", 0));
  query.Bind(std::string_view(digest),
             static_cast<int64_t>(MessageState::kHeld));
  return query.Run();
}

absl::Status Sender::Forget(store::ChangeContext& context, uint64_t subject) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      context.connection()->Prepare("DELETE FROM messages WHERE subject = $1"));
  query.Bind(static_cast<int64_t>(subject));
  return query.Run();
}

}  // namespace consentry::delivery
