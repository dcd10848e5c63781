#ifndef CONSENTRY_GATEWAY_DELIVERY_WEBHOOK_H_
#define CONSENTRY_GATEWAY_DELIVERY_WEBHOOK_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/root_key.h"
#include "gateway/crypto/secret.h"
#include "gateway/delivery/address_guard.h"

namespace consentry::delivery {

// Signs requests to recipients (Standard Webhooks, scheme v1a): Ed25519 over
// "<id>.<timestamp>.<body>". The key follows from the root key. Immutable; safe
// for many threads.
class WebhookSigner {
 public:
  explicit WebhookSigner(const crypto::RootKey& root);

  // The first 8 hexadecimal digits of SHA-256 of the public key.
  const std::string& key_id() const { return key_id_; }
  // "<key id>+<base64 of the public key>": Notify.webhook_key.
  std::string PublicKey() const;
  // "v1a," and the signature in base64.
  std::string Sign(std::string_view id, int64_t timestamp_seconds,
                   std::string_view body) const;

 private:
  crypto::SecretBuffer secret_;  // Seed and public key, as libsodium wants it.
  std::array<uint8_t, 32> public_key_{};
  std::string key_id_;
};

// What a webhook is told.
struct WebhookEvent {
  std::string id;  // "evt_..."
  std::string event;
  std::string pseudonym;
  std::vector<std::string> targets;
  int64_t time_us = 0;
};

// {"event_id":...,"event":...,"pseudonym":...,"targets":[...],"time":...}
std::string WebhookBody(const WebhookEvent& event);

// Posts to recipients. Blocks up to ten seconds; one thread at a time. A
// hostile receiver can waste that time and nothing else: certificates are
// checked, redirects are not followed, at most 64 KiB of an answer are read and
// dropped, and no address is connected to that the guard does not allow.
class WebhookPoster {
 public:
  struct Options {
    // PEM file; empty: the system's.
    std::string authorities;
    std::vector<Network> allow_networks;
    long timeout_seconds = 10;
    // Outlives the poster: a call ends soon after it is set.
    const std::atomic<bool>* stop = nullptr;
  };
  WebhookPoster(const WebhookSigner* signer, Options options)
      : signer_(signer),
        options_(std::move(options)),
        guard_(options_.allow_networks) {}

  // OK: answered with 2xx. Unavailable: anything else; the message holds codes
  // alone.
  absl::Status Post(const std::string& url, const WebhookEvent& event,
                    int64_t now_us) const;

 private:
  const WebhookSigner* const signer_;
  const Options options_;
  const AddressGuard guard_;
};

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_WEBHOOK_H_
