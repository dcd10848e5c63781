#ifndef CONSENTRY_TESTS_TESTING_HTTPS_SERVER_H_
#define CONSENTRY_TESTS_TESTING_HTTPS_SERVER_H_

#include <openssl/ssl.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "proto/support/mutex.h"

namespace consentry::testing {

// A web server with TLS on a free port of this machine that keeps what it is
// posted, and answers as it is told, kindly or not. One connection after
// another until it is destroyed.
class HttpsServer {
 public:
  struct Received {
    // Names in lower case.
    std::map<std::string, std::string> headers;
    std::string body;
  };
  enum class Manner {
    kOk,        // 204.
    kFail,      // 500.
    kRedirect,  // 307 to another path of its own.
    kHuge,      // 200, and a body without end.
    kSlow,      // Says nothing.
  };

  // PEM texts. The process stops when they cannot be used.
  HttpsServer(const std::string& certificate_pem, const std::string& key_pem);
  HttpsServer(const HttpsServer&) = delete;
  HttpsServer& operator=(const HttpsServer&) = delete;
  ~HttpsServer();

  int port() const { return port_; }
  void Behave(Manner manner) { manner_.store(manner); }

  std::vector<Received> received() const;
  // Waits until there are `count`; false after ten seconds.
  bool WaitFor(size_t count) const;
  int connections() const { return connections_.load(); }

 private:
  void Run();
  void Serve(int connection);

  SSL_CTX* context_ = nullptr;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<Manner> manner_{Manner::kOk};
  std::atomic<int> connections_{0};
  mutable Mutex mu_;
  std::vector<Received> received_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_TESTING_HTTPS_SERVER_H_
