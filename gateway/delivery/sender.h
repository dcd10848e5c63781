#ifndef CONSENTRY_GATEWAY_DELIVERY_SENDER_H_
#define CONSENTRY_GATEWAY_DELIVERY_SENDER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/config/v1/sender.pb.h"
#include "gateway/access/contact_point.h"
#include "gateway/base/clock.h"
#include "gateway/base/threads.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/delivery/message_rows.h"
#include "gateway/delivery/texts.h"
#include "gateway/delivery/transport.h"
#include "gateway/store/change.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"

namespace consentry::delivery {

// Something to be written to one person.
struct Message {
  // Key and arguments of the text; see Texts.
  std::string text;
  Arguments arguments;
  // BCP 47; English where there is no such text.
  std::string language;
  // The customer whom it is about: it is sealed under her keys and ends with
  // them. 0: nobody who is held; sealed under a system key, so give it a short
  // life.
  uint64_t subject = 0;
  // Where it goes. Empty: the contact point of `subject`, looked up when it is
  // sent.
  std::string address;
  // Not sent from then on; 0: when the sender gives up.
  int64_t expire_us = 0;
  // Empty, or what it is sent for, such as "erased:job_...": with the same
  // words it is made once, however often it is asked for, until it expires.
  std::string once;
};

// Writes to people: a durable queue, and a thread that empties it. A message is
// queued in the change that makes it necessary, so that neither stands without
// the other; it is then sent at least once, by `expire_us` or never, with an
// entry for each attempt. A repetition after a crash has the same Message-ID.
//
// The messages of an erased customer do not open any more and are dropped; the
// last one, which says that it is done, is captured before (CaptureLast) and
// released when it is.
//
// Safe for many threads. Queue and ReleaseLast are for Change::apply and do not
// wait.
class Sender {
 public:
  struct Options {
    // All outlive the sender. `contact` opens addresses.
    clients::ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const crypto::SlotFile* slots = nullptr;
    const crypto::EpochFile* epochs = nullptr;
    const crypto::RequestDigests* digests = nullptr;
    const access::ContactPoint* contact = nullptr;
    const base::Clock* clock = nullptr;
    const Texts* texts = &Texts::Shipped();
    config::v1::Sender sender;
    // How often the queue is looked at when nothing wakes the thread.
    std::chrono::milliseconds interval{1000};
    // Waits after a failure, doubled each time.
    int64_t first_wait_us = 30'000'000;
    int64_t longest_wait_us = int64_t{3600} * 1'000'000;
    // Tests bring their own; else as `sender` says.
    std::function<absl::StatusOr<std::unique_ptr<MailTransport>>(
        const std::atomic<bool>* stop)>
        make_transport = nullptr;
  };

  // Without `options.sender.way` nothing can be sent: see configured().
  static absl::StatusOr<std::unique_ptr<Sender>> Create(Options options);
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  // As Stop().
  ~Sender();

  // Begins to send. Once, after recovery.
  void Start();
  // Ends within a second. What is queued stays.
  void Stop();

  // False: no way to send is configured, and Queue refuses.
  bool configured() const { return configured_; }
  size_t staff_count() const {
    return static_cast<size_t>(options_.sender.staff_addresses_size());
  }

  // Adds the message to `context`'s change. STATE_INVALID: nothing can be sent.
  // FIELD_INVALID: arguments that the text does not take, an address that mail
  // does not reach. NotFound: the subject's keys are gone.
  absl::Status Queue(store::ChangeContext& context,
                     const Message& message) const;

  // A code to an address that the customer gave in a request.
  absl::Status SendCode(store::ChangeContext& context, std::string_view text,
                        std::string_view language, std::string_view address,
                        uint64_t subject, Arguments arguments,
                        int64_t expire_us) const;
  // To the customer's contact point.
  absl::Status TellCustomer(store::ChangeContext& context, uint64_t subject,
                            std::string_view text, std::string_view language,
                            Arguments arguments) const;
  // To every staff address; OK and nothing where there is none.
  absl::Status TellStaff(store::ChangeContext& context, std::string_view text,
                         Arguments arguments, std::string_view once) const;

  // As a change of its own, with its entry.
  void Send(Message message, absl::AnyInvocable<void(absl::Status)> done) const;
  absl::Status SendAndWait(Message message) const;

  // The last message to a customer who is about to be erased, while her address
  // still opens: sealed under a system key, held until ReleaseLast, at most
  // until `message.expire_us` (required). Waits; idempotent by `message.once`
  // (required). NO_VALUE: she has no address. Call it before the erasure is
  // decided: afterwards nobody may read.
  absl::Status CaptureLast(uint64_t subject, Message message) const;
  // Lets it go, in the change that says that the erasure is done. OK when there
  // is none.
  absl::Status ReleaseLast(store::ChangeContext& context,
                           std::string_view once) const;
  // Or does not.
  absl::Status DropLast(store::ChangeContext& context,
                        std::string_view once) const;

  // Removes what is queued about the subject.
  static absl::Status Forget(store::ChangeContext& context, uint64_t subject);

  // Looks at the queue now, and not for times to wait: for tests.
  void SendNow() { Pass(/*all=*/true); }

 private:
  explicit Sender(Options options);

  // What came of an attempt.
  enum class Outcome { kSent, kLater, kGivenUp, kExpired, kDropped };

  absl::Status Insert(store::ChangeContext& context, const Message& message,
                      MessageState state, uint32_t staff) const;
  absl::StatusOr<store::v1::QueuedMessage> OpenDoc(const MessageRow& row) const;
  absl::StatusOr<crypto::Plaintext> OpenAddress(
      const MessageRow& row, const store::v1::QueuedMessage& doc) const;
  // Runs on the sender's thread.
  void Pass(bool all);
  // False: nothing more can be sent now.
  bool SendOne(const MessageRow& row, int64_t now_us);
  absl::Status Attempt(const MessageRow& row,
                       const store::v1::QueuedMessage& doc, int64_t now_us);
  absl::Status Note(const MessageRow& row, const store::v1::QueuedMessage& doc,
                    Outcome outcome, std::string_view why) const;
  void DropOld(int64_t now_us);

  const Options options_;
  bool configured_ = false;
  std::atomic<bool> stop_{false};
  std::unique_ptr<MailTransport> transport_;

  // One pass at a time.
  Mutex pass_mu_;
  // By message, on the monotonic clock: a start forgets them and tries all.
  std::map<int64_t, int64_t> waits_ ABSL_GUARDED_BY(pass_mu_);
  int64_t transport_until_us_ ABSL_GUARDED_BY(pass_mu_) = 0;
  int64_t transport_failures_ ABSL_GUARDED_BY(pass_mu_) = 0;
  int64_t next_drop_us_ ABSL_GUARDED_BY(pass_mu_) = 0;

  mutable Mutex mu_;
  mutable std::unique_ptr<base::Periodic> thread_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_SENDER_H_
