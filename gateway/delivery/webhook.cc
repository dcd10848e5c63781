#include "gateway/delivery/webhook.h"

#include <sodium.h>
#include <sys/socket.h>

#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/clients/webhook_url.h"
#include "gateway/delivery/curl.h"

namespace consentry::delivery {
namespace {

constexpr size_t kMaxAnswer = size_t{64} << 10;

std::string Base64(const unsigned char* bytes, size_t size) {
  return absl::Base64Escape(
      absl::string_view(reinterpret_cast<const char*>(bytes), size));
}

// RFC 8259. What is told holds no characters that need it; whatever it holds
// stays inside of its string.
void AppendString(std::string_view text, std::string* json) {
  *json += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      *json += '\\';
      *json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppend(json, "\\u00", absl::Hex(c, absl::kZeroPad2));
    } else {
      *json += c;
    }
  }
  *json += '"';
}

size_t CountAnswer(char*, size_t size, size_t count, void* seen) {
  auto* const bytes = static_cast<size_t*>(seen);
  *bytes += size * count;
  // Less than was offered ends the transfer.
  return *bytes > kMaxAnswer ? 0 : size * count;
}

curl_socket_t OpenAllowed(void* guard, curlsocktype purpose,
                          curl_sockaddr* address) {
  if (purpose != CURLSOCKTYPE_IPCXN ||
      !static_cast<const AddressGuard*>(guard)->Allows(address->addr)) {
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC,
                address->protocol);
}

void AddHeader(const std::string& header, CurlList* list) {
  curl_slist* const longer = curl_slist_append(list->get(), header.c_str());
  if (longer == nullptr) return;
  (void)list->release();
  list->reset(longer);
}

}  // namespace

WebhookSigner::WebhookSigner(const crypto::RootKey& root)
    : secret_(crypto_sign_SECRETKEYBYTES) {
  const crypto::GuardedKey seed =
      root.Derive(crypto::KeyPurpose::kWebhookSigning);
  static_assert(crypto_sign_SEEDBYTES == crypto::kKeyBytes);
  crypto_sign_seed_keypair(public_key_.data(), secret_.mutable_data(),
                           seed.view().data());
  unsigned char hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(hash, public_key_.data(), public_key_.size());
  key_id_ = absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(hash), 4));
}

std::string WebhookSigner::PublicKey() const {
  return absl::StrCat(key_id_, "+",
                      Base64(public_key_.data(), public_key_.size()));
}

std::string WebhookSigner::Sign(std::string_view id, int64_t timestamp_seconds,
                                std::string_view body) const {
  std::string signed_text(id);
  absl::StrAppend(&signed_text, ".", timestamp_seconds, ".");
  signed_text += body;
  unsigned char signature[crypto_sign_BYTES];
  crypto_sign_detached(
      signature, nullptr,
      reinterpret_cast<const unsigned char*>(signed_text.data()),
      signed_text.size(), secret_.data());
  return "v1a," + Base64(signature, sizeof signature);
}

std::string WebhookBody(const WebhookEvent& event) {
  std::string json = "{\"event_id\":";
  AppendString(event.id, &json);
  json += ",\"event\":";
  AppendString(event.event, &json);
  json += ",\"pseudonym\":";
  AppendString(event.pseudonym, &json);
  json += ",\"targets\":[";
  for (size_t i = 0; i < event.targets.size(); ++i) {
    if (i > 0) json += ',';
    AppendString(event.targets[i], &json);
  }
  json += "],\"time\":";
  AppendString(absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ",
                                absl::FromUnixMicros(event.time_us),
                                absl::UTCTimeZone()),
               &json);
  json += '}';
  return json;
}

absl::Status WebhookPoster::Post(const std::string& url,
                                 const WebhookEvent& event,
                                 int64_t now_us) const {
  if (!clients::IsWebhookUrl(url))
    return absl::UnavailableError("no usable address");
  const bool plain = url.substr(0, 5) == "http:";
  const CurlHandle handle =
      NewCurl(plain ? "http" : "https", options_.authorities,
              options_.timeout_seconds, options_.stop);
  if (handle == nullptr) return absl::UnavailableError("no memory");
  CURL* const curl = handle.get();
  const std::string body = WebhookBody(event);
  const int64_t timestamp = now_us / 1'000'000;
  CurlList headers;
  AddHeader("content-type: application/json", &headers);
  AddHeader("webhook-id: " + event.id, &headers);
  AddHeader(absl::StrCat("webhook-timestamp: ", timestamp), &headers);
  AddHeader("webhook-signature: " + signer_->Sign(event.id, timestamp, body),
            &headers);
  AddHeader("consentry-key-id: " + signer_->key_id(), &headers);
  AddHeader("expect:", &headers);
  AddHeader("accept:", &headers);
  size_t seen = 0;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION,
                   static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_POST, 1L);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "consentry");
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, CountAnswer);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &seen);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, OpenAllowed);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA,
                   const_cast<AddressGuard*>(&guard_));
  const CURLcode result = curl_easy_perform(curl);
  long code = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
  // An answer that goes on and on was an answer all the same.
  const bool answered = result == CURLE_OK || result == CURLE_WRITE_ERROR;
  if (answered && code >= 200 && code <= 299) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("the webhook did not take it (",
                                             static_cast<int>(result), ", ",
                                             code, ")"));
}

}  // namespace consentry::delivery
