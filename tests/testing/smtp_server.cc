#include "tests/testing/smtp_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace consentry::testing {
namespace {

// One line without its end; false at the end of the connection.
bool ReadLine(int connection, std::string* buffer, std::string* line) {
  for (;;) {
    const size_t end = buffer->find("\r\n");
    if (end != std::string::npos) {
      *line = buffer->substr(0, end);
      buffer->erase(0, end + 2);
      return true;
    }
    char bytes[4096];
    const ssize_t count = recv(connection, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    buffer->append(bytes, static_cast<size_t>(count));
  }
}

void Say(int connection, const std::string& line) {
  const std::string bytes = line + "\r\n";
  (void)send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

std::string Inside(const std::string& line) {
  const size_t open = line.find('<');
  const size_t close = line.find('>');
  if (open == std::string::npos || close == std::string::npos) return "";
  return line.substr(open + 1, close - open - 1);
}

}  // namespace

SmtpServer::SmtpServer() {
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

SmtpServer::~SmtpServer() {
  stop_.store(true);
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

void SmtpServer::AnswerReceiversWith(const std::string& line) {
  MutexLock lock(&mu_);
  receiver_answer_ = line;
}

std::vector<SmtpServer::Received> SmtpServer::received() const {
  MutexLock lock(&mu_);
  return received_;
}

std::vector<std::string> SmtpServer::commands() const {
  MutexLock lock(&mu_);
  return commands_;
}

bool SmtpServer::WaitFor(size_t count) const {
  for (int i = 0; i < 1000; ++i) {
    if (received().size() >= count) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

void SmtpServer::Run() {
  while (!stop_.load()) {
    pollfd ready{listener_, POLLIN, 0};
    if (poll(&ready, 1, 100) <= 0) continue;
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    timeval patience{5, 0};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    Serve(connection);
    close(connection);
  }
}

void SmtpServer::Serve(int connection) {
  std::string buffer;
  std::string line;
  Received message;
  Say(connection, "220 test ESMTP");
  while (!stop_.load() && ReadLine(connection, &buffer, &line)) {
    std::string receiver_answer;
    {
      MutexLock lock(&mu_);
      commands_.push_back(line);
      receiver_answer = receiver_answer_;
    }
    const std::string verb = line.substr(0, 4);
    if (verb == "EHLO" || verb == "HELO") {
      Say(connection, "250-test");
      Say(connection, "250 8BITMIME");
    } else if (verb == "MAIL") {
      message = {};
      message.from = Inside(line);
      Say(connection, "250 ok");
    } else if (verb == "RCPT") {
      message.to = Inside(line);
      Say(connection, receiver_answer.empty() ? "250 ok" : receiver_answer);
    } else if (verb == "DATA") {
      Say(connection, "354 go on");
      while (ReadLine(connection, &buffer, &line) && line != ".") {
        if (!line.empty() && line[0] == '.') line.erase(0, 1);
        message.data += line + "\r\n";
      }
      {
        MutexLock lock(&mu_);
        received_.push_back(message);
      }
      Say(connection, "250 taken");
    } else if (verb == "QUIT") {
      Say(connection, "221 bye");
      return;
    } else {
      Say(connection, "502 no");
    }
  }
}

}  // namespace consentry::testing
