#ifndef CONSENTRY_GATEWAY_SERVER_WIRE_DELIVERY_H_
#define CONSENTRY_GATEWAY_SERVER_WIRE_DELIVERY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/access/contact_point.h"
#include "gateway/clients/registry.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/page_token.h"
#include "gateway/crypto/root_key.h"
#include "gateway/delivery/code_post.h"
#include "gateway/delivery/digest.h"
#include "gateway/delivery/outbox.h"
#include "gateway/delivery/recipients.h"
#include "gateway/delivery/sender.h"
#include "gateway/delivery/task_desk.h"
#include "gateway/delivery/watcher.h"
#include "gateway/delivery/webhooks.h"
#include "gateway/server/config.h"
#include "gateway/trail/trail_index.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::server {

// What writes to people and recipients, wired. Safe for many threads.
class Delivery {
 public:
  struct Options {
    // All outlive the object.
    const Config* config = nullptr;
    bool dev = false;
    const crypto::RootKey* root = nullptr;
    const clients::Registry* registry = nullptr;
    clients::ConfigurationSource configuration;
    trail::TrailIndex* trail = nullptr;
    base::WorkerPool* workers = nullptr;
    const crypto::OpaqueTokens* tokens = nullptr;
    const crypto::PageTokens* page_tokens = nullptr;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    const crypto::SlotFile* slots = nullptr;
    const crypto::EpochFile* epochs = nullptr;
    const crypto::RequestDigests* digests = nullptr;
    const base::Clock* clock = nullptr;
    // Entries of the audit log.
    std::function<uint64_t()> log_size;
  };
  // CONFIG_INVALID for a folder of messages without --dev.
  static absl::StatusOr<std::unique_ptr<Delivery>> Open(const Options& options);

  // After recovery; says so in the operating log where nobody can be written
  // to.
  void Start();
  // Before anything that it uses.
  void Stop();

  // Never null; perhaps not configured().
  delivery::Sender* sender() const { return sender_.get(); }
  const consent::CodeSender* codes() const { return codes_.get(); }
  const access::ContactPoint* contact() const { return contact_.get(); }
  const delivery::Recipients* recipients() const { return recipients_.get(); }
  const delivery::Outbox* outbox() const { return outbox_.get(); }
  const delivery::TaskDesk* tasks() const { return tasks_.get(); }
  delivery::Watcher* watcher() const { return watcher_.get(); }
  // For sources of other parts, before Start.
  delivery::Digest* digest() const { return digest_.get(); }
  // For erasure::ErasureParts::tell_recipients: finds who received the data of
  // `subjects`; the result queues their notices.
  absl::StatusOr<std::function<absl::Status(store::ChangeContext&)>>
  TellErasureOf(const std::vector<uint64_t>& subjects) const;
  // For erasure::ErasureParts::name_recipients: the organisation of each
  // registration that would be told, else the business and the system.
  absl::StatusOr<std::vector<std::string>> NamesToldOfErasure(
      uint64_t subject) const;
  // GatewayStatus.webhook_key.
  std::string WebhookKey() const { return signer_->PublicKey(); }
  // For AdminService.GetStatus.
  std::vector<std::string> warnings() const;

 private:
  Delivery() = default;
  absl::Status OpenOutbox(const Options& options);

  clients::ConfigurationSource configuration_;
  std::unique_ptr<access::ContactPoint> contact_;
  std::unique_ptr<delivery::Sender> sender_;
  std::unique_ptr<delivery::CodePost> codes_;
  std::unique_ptr<delivery::Recipients> recipients_;
  std::unique_ptr<delivery::Outbox> outbox_;
  std::unique_ptr<delivery::WebhookSigner> signer_;
  std::unique_ptr<delivery::Webhooks> webhooks_;
  std::unique_ptr<delivery::Watcher> watcher_;
  std::unique_ptr<delivery::TaskDesk> tasks_;
  std::unique_ptr<delivery::Digest> digest_;
};

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_WIRE_DELIVERY_H_
