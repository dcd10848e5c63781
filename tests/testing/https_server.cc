#include "tests/testing/https_server.h"

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <chrono>
#include <cstdlib>

namespace consentry::testing {
namespace {

BIO* Reading(const std::string& text) {
  return BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
}

void UseIdentity(SSL_CTX* context, const std::string& certificate,
                 const std::string& key) {
  BIO* certificate_bio = Reading(certificate);
  BIO* key_bio = Reading(key);
  X509* x509 = PEM_read_bio_X509(certificate_bio, nullptr, nullptr, nullptr);
  EVP_PKEY* pkey = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
  if (x509 == nullptr || pkey == nullptr ||
      SSL_CTX_use_certificate(context, x509) != 1 ||
      SSL_CTX_use_PrivateKey(context, pkey) != 1) {
    std::abort();
  }
  X509_free(x509);
  EVP_PKEY_free(pkey);
  BIO_free(certificate_bio);
  BIO_free(key_bio);
}

void Say(SSL* ssl, const std::string& text) {
  SSL_write(ssl, text.data(), static_cast<int>(text.size()));
}

std::string Lower(std::string text) {
  for (char& c : text) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

// A whole request; false when the connection ended before.
bool ReadRequest(SSL* ssl, HttpsServer::Received* request) {
  std::string text;
  size_t end = std::string::npos;
  size_t length = 0;
  for (;;) {
    if (end == std::string::npos) {
      end = text.find("\r\n\r\n");
      if (end != std::string::npos) {
        size_t at = text.find("\r\n");
        while (at < end) {
          const size_t next = text.find("\r\n", at + 2);
          const std::string line = text.substr(at + 2, next - at - 2);
          const size_t colon = line.find(": ");
          if (colon != std::string::npos) {
            request->headers[Lower(line.substr(0, colon))] =
                line.substr(colon + 2);
          }
          at = next;
        }
        length = std::strtoul(request->headers["content-length"].c_str(),
                              nullptr, 10);
      }
    }
    if (end != std::string::npos && text.size() >= end + 4 + length) {
      request->body = text.substr(end + 4, length);
      return true;
    }
    char bytes[4096];
    const int count = SSL_read(ssl, bytes, sizeof bytes);
    if (count <= 0) return false;
    text.append(bytes, static_cast<size_t>(count));
  }
}

}  // namespace

HttpsServer::HttpsServer(const std::string& certificate_pem,
                         const std::string& key_pem) {
  // A peer that hangs up must not end the test.
  signal(SIGPIPE, SIG_IGN);
  context_ = SSL_CTX_new(TLS_server_method());
  UseIdentity(context_, certificate_pem, key_pem);
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) !=
          0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

HttpsServer::~HttpsServer() {
  stop_.store(true);
  thread_.join();
  close(listener_);
  SSL_CTX_free(context_);
}

std::vector<HttpsServer::Received> HttpsServer::received() const {
  MutexLock lock(&mu_);
  return received_;
}

bool HttpsServer::WaitFor(size_t count) const {
  for (int i = 0; i < 1000; ++i) {
    if (received().size() >= count) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

void HttpsServer::Run() {
  while (!stop_.load()) {
    pollfd ready{listener_, POLLIN, 0};
    if (poll(&ready, 1, 50) <= 0) continue;
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    ++connections_;
    timeval patience{5, 0};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    Serve(connection);
    close(connection);
  }
}

void HttpsServer::Serve(int connection) {
  SSL* ssl = SSL_new(context_);
  SSL_set_fd(ssl, connection);
  Received request;
  if (SSL_accept(ssl) == 1 && ReadRequest(ssl, &request)) {
    const Manner manner = manner_.load();
    {
      MutexLock lock(&mu_);
      received_.push_back(request);
    }
    switch (manner) {
      case Manner::kOk:
        Say(ssl, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        break;
      case Manner::kFail:
        Say(ssl, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
        break;
      case Manner::kRedirect:
        Say(ssl, "HTTP/1.1 307 There\r\nLocation: https://127.0.0.1:" +
                     std::to_string(port_) +
                     "/other\r\nContent-Length: 0\r\n\r\n");
        break;
      case Manner::kHuge: {
        Say(ssl, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        const std::string much(size_t{16} << 10, 'x');
        for (int i = 0; i < 4096 && !stop_.load(); ++i) {
          if (SSL_write(ssl, much.data(), static_cast<int>(much.size())) <= 0) {
            break;
          }
        }
        break;
      }
      case Manner::kSlow:
        for (int i = 0; i < 500 && !stop_.load(); ++i) {
          pollfd gone{connection, POLLIN, 0};
          if (poll(&gone, 1, 10) > 0) break;
        }
        break;
    }
    SSL_shutdown(ssl);
  }
  SSL_free(ssl);
}

}  // namespace consentry::testing
