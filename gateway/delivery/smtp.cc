#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "gateway/crypto/secret.h"
#include "gateway/crypto/secret_file.h"
#include "gateway/delivery/curl.h"
#include "gateway/delivery/transport.h"
#include "proto/support/status_macros.h"

namespace consentry::delivery {
namespace {

using config::v1::Smtp;

constexpr uint32_t kSubmissionPort = 587;
constexpr uint32_t kSubmissionsPort = 465;
constexpr uint32_t kPlainPort = 25;
constexpr long kDefaultTimeoutSeconds = 30;

std::string UrlOf(const Smtp& config) {
  const bool tls = config.security() == Smtp::TLS;
  uint32_t port = config.port();
  if (port == 0) {
    port = tls                                ? kSubmissionsPort
           : config.security() == Smtp::PLAIN ? kPlainPort
                                              : kSubmissionPort;
  }
  const bool v6 = config.host().find(':') != std::string::npos;
  return absl::StrCat(tls ? "smtps://" : "smtp://", v6 ? "[" : "",
                      config.host(), v6 ? "]" : "", ":", port);
}

size_t Read(char* to, size_t size, size_t count, void* from) {
  auto* const left = static_cast<std::string_view*>(from);
  const size_t taken = std::min(size * count, left->size());
  std::memcpy(to, left->data(), taken);
  left->remove_prefix(taken);
  return taken;
}

size_t Drop(char*, size_t size, size_t count, void*) { return size * count; }

class SmtpTransport final : public MailTransport {
 public:
  SmtpTransport(const Smtp& config, crypto::SecretBuffer password,
                const std::atomic<bool>* stop)
      : config_(config),
        url_(UrlOf(config)),
        password_(std::move(password)),
        stop_(stop) {}

  absl::Status Deliver(const std::string&, const std::string& from,
                       const std::string& to,
                       const std::string& mail) override {
    const long timeout = config_.timeout_seconds() == 0
                             ? kDefaultTimeoutSeconds
                             : static_cast<long>(config_.timeout_seconds());
    const CurlHandle handle =
        NewCurl("smtp,smtps", config_.authorities(), timeout, stop_);
    const CurlList receivers(curl_slist_append(nullptr, to.c_str()));
    if (handle == nullptr || receivers == nullptr) {
      return absl::UnavailableError("no memory for a connection");
    }
    CURL* const curl = handle.get();
    // What follows the slash is said in EHLO: the sender's own domain.
    const std::string url = url_ + "/" + from.substr(from.find('@') + 1);
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(
        curl, CURLOPT_USE_SSL,
        static_cast<long>(config_.security() == Smtp::PLAIN ? CURLUSESSL_NONE
                                                            : CURLUSESSL_ALL));
    if (!config_.user().empty()) {
      curl_easy_setopt(curl, CURLOPT_USERNAME, config_.user().c_str());
      // Zero-terminated by MakeSmtp.
      curl_easy_setopt(curl, CURLOPT_PASSWORD,
                       reinterpret_cast<const char*>(password_.data()));
    }
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from.c_str());
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, receivers.get());
    std::string_view left = mail;
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, Read);
    curl_easy_setopt(curl, CURLOPT_READDATA, &left);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, Drop);
    const CURLcode result = curl_easy_perform(curl);
    if (result == CURLE_OK) return absl::OkStatus();
    long code = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    // The server's words may repeat the address: none of them are passed on.
    switch (result) {
      case CURLE_SEND_ERROR:
      case CURLE_RECV_ERROR:
      case CURLE_WEIRD_SERVER_REPLY:
        if (code >= 500 && code <= 599) {
          return absl::FailedPreconditionError(
              absl::StrCat("refused with ", code));
        }
        if (code >= 400 && code <= 499) {
          return absl::AbortedError(absl::StrCat("put off with ", code));
        }
        break;
      default:
        break;
    }
    return absl::UnavailableError(
        absl::StrCat("the mail server cannot be used (",
                     static_cast<int>(result), ", ", code, ")"));
  }

 private:
  const Smtp config_;
  const std::string url_;
  const crypto::SecretBuffer password_;
  const std::atomic<bool>* const stop_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<MailTransport>> MakeSmtp(
    const Smtp& config, const std::atomic<bool>* stop) {
  crypto::SecretBuffer password;
  if (!config.password_file().empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(const crypto::SecretBuffer content,
                               crypto::ReadSecretFile(config.password_file()));
    size_t size = content.size();
    while (size > 0 && (content.data()[size - 1] == '\n' ||
                        content.data()[size - 1] == '\r')) {
      --size;
    }
    if (size == 0 || std::memchr(content.data(), '\0', size) != nullptr ||
        std::memchr(content.data(), '\n', size) != nullptr) {
      return absl::InvalidArgumentError(
          "the mail server's password must be one line");
    }
    password = crypto::SecretBuffer(size + 1);
    std::memcpy(password.mutable_data(), content.data(), size);
  }
  return std::make_unique<SmtpTransport>(config, std::move(password), stop);
}

}  // namespace consentry::delivery
