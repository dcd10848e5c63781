#ifndef CONSENTRY_TESTS_TESTING_SMTP_SERVER_H_
#define CONSENTRY_TESTS_TESTING_SMTP_SERVER_H_

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "proto/support/mutex.h"

namespace consentry::testing {

// A mail server on a free port of this machine, without TLS, that keeps what it
// is given. Answers one connection after another until it is destroyed.
class SmtpServer {
 public:
  struct Received {
    std::string from;
    std::string to;
    std::string data;  // As it came, dots undoubled, lines end with CRLF.
  };

  SmtpServer();
  SmtpServer(const SmtpServer&) = delete;
  SmtpServer& operator=(const SmtpServer&) = delete;
  ~SmtpServer();

  int port() const { return port_; }

  // What RCPT TO is answered with from now on, such as "550 no"; empty: 250.
  void AnswerReceiversWith(const std::string& line);

  std::vector<Received> received() const;
  // Waits until there are `count`; false after ten seconds.
  bool WaitFor(size_t count) const;
  // Every line that clients said, message bodies apart.
  std::vector<std::string> commands() const;

 private:
  void Run();
  void Serve(int connection);

  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  mutable Mutex mu_;
  std::string receiver_answer_ ABSL_GUARDED_BY(mu_);
  std::vector<Received> received_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> commands_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_TESTING_SMTP_SERVER_H_
