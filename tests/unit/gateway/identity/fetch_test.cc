#include "gateway/identity/fetch.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "gateway/base/clock.h"
#include "gateway/crypto/certificates.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::identity {
namespace {

constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;

// A server on loopback with a certificate for 127.0.0.1 of its own authority
// that gives one answer to whoever asks.
class OneAnswer {
 public:
  OneAnswer(const std::string& at, std::string answer)
      : at_(at), answer_(std::move(answer)) {
    std::signal(SIGPIPE, SIG_IGN);
    const int64_t now_us = base::Clock::System()->NowUs();
    auto authority =
        crypto::CertificateAuthority::Generate("Test", now_us).value();
    EXPECT_OK(authority->Save(dir_.File("ca.pem"), dir_.File("ca.key")));
    const auto issued =
        authority->IssueServer({}, now_us - kDayUs, now_us + kDayUs).value();
    std::ofstream(dir_.File("server.pem")) << issued.certificate_pem;
    std::ofstream(dir_.File("server.key"))
        << std::string(reinterpret_cast<const char*>(issued.key_pem.data()),
                       issued.key_pem.size());
    context_ = SSL_CTX_new(TLS_server_method());
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(
                  context_, dir_.File("server.pem").c_str()),
              1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(
                  context_, dir_.File("server.key").c_str(), SSL_FILETYPE_PEM),
              1);
    socket_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    EXPECT_EQ(inet_pton(AF_INET, at.c_str(), &address.sin_addr), 1);
    EXPECT_EQ(
        bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
        0);
    EXPECT_EQ(listen(socket_, 8), 0);
    socklen_t size = sizeof(address);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~OneAnswer() {
    stopping_ = true;
    shutdown(socket_, SHUT_RDWR);
    thread_.join();
    close(socket_);
    SSL_CTX_free(context_);
  }

  std::string Url() const {
    return "https://" + at_ + ":" + std::to_string(port_) + "/keys";
  }
  std::string authorities() const { return dir_.File("ca.pem"); }

 private:
  void Serve() {
    while (!stopping_) {
      const int peer = accept(socket_, nullptr, nullptr);
      if (peer < 0) return;
      SSL* tls = SSL_new(context_);
      SSL_set_fd(tls, peer);
      if (SSL_accept(tls) == 1) {
        char asked[4096];
        if (SSL_read(tls, asked, sizeof(asked)) > 0 && !answer_.empty()) {
          SSL_write(tls, answer_.data(), static_cast<int>(answer_.size()));
          SSL_shutdown(tls);
        }
        // An empty answer: the connection stays open until the other ends.
        if (answer_.empty()) SSL_read(tls, asked, sizeof(asked));
      }
      SSL_free(tls);
      close(peer);
    }
  }

  testing::TempDir dir_;
  const std::string at_;
  const std::string answer_;
  SSL_CTX* context_ = nullptr;
  int socket_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

std::string Ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

TEST(FetchTest, ABodyComesOverTlsFromAKnownAuthority) {
  OneAnswer server("127.0.0.1", Ok("{\"keys\":[]}"));
  ASSERT_OK_AND_ASSIGN(
      const std::string body,
      HttpsGet(server.Url(), {.authorities = server.authorities()}));
  EXPECT_EQ(body, "{\"keys\":[]}");
  // The system's authorities do not know it.
  EXPECT_THAT(HttpsGet(server.Url(), {}).status(),
              testing::StatusIs(absl::StatusCode::kUnavailable));
}

TEST(FetchTest, AnotherNameInTheCertificateIsRefused) {
  // The certificate names 127.0.0.1.
  OneAnswer server("127.0.0.2", Ok("{}"));
  EXPECT_FALSE(
      HttpsGet(server.Url(), {.authorities = server.authorities()}).ok());
}

TEST(FetchTest, OtherAnswersAndLongOnesAreRefused) {
  for (const std::string& answer :
       {std::string("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n"
                    "Connection: close\r\n\r\n{}"),
        std::string("HTTP/1.1 302 Found\r\nLocation: "
                    "https://127.0.0.1:1/\r\nContent-Length: 0\r\n"
                    "Connection: close\r\n\r\n"),
        Ok(std::string(1001, 'x')),
        // Without a length.
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" +
            std::string(1001, 'x')}) {
    OneAnswer server("127.0.0.1", answer);
    EXPECT_FALSE(HttpsGet(server.Url(), {.authorities = server.authorities(),
                                         .most_bytes = 1000})
                     .ok())
        << answer.substr(0, 30);
  }
}

TEST(FetchTest, OtherSchemesAreNotFetched) {
  for (const char* url : {"http://127.0.0.1/keys", "file:///etc/passwd",
                          "ftp://127.0.0.1/", "", "127.0.0.1"}) {
    EXPECT_THAT(HttpsGet(url, {}).status(),
                testing::StatusIs(absl::StatusCode::kInvalidArgument))
        << url;
  }
}

TEST(FetchTest, AServerThatIsSilentEndsWithTheTime) {
  OneAnswer server("127.0.0.1", "");
  const auto before = std::chrono::steady_clock::now();
  EXPECT_FALSE(HttpsGet(server.Url(),
                        {.authorities = server.authorities(), .total_ms = 300})
                   .ok());
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

}  // namespace
}  // namespace consentry::identity
