#ifndef CONSENTRY_GATEWAY_BASE_LOG_H_
#define CONSENTRY_GATEWAY_BASE_LOG_H_

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gateway/base/constant.h"

// The operating log: one line per event, for the people who run the gateway.
// It is not the audit log and proves nothing.
//
//   2026-08-01T09:30:00.123456Z warn 2003 store.disk_low free_mib=212
//
// No value of anybody's data can reach it by accident: text is taken only as
// constants of the program, everything else is a number or an opaque id.
namespace consentry::base {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

// What happened. Each part of the gateway declares its own beside the code that
// logs them; a number never changes its meaning:
//   1000 base  2000 store  2500 crypto  3000 vault  3200 consent  3400 trail
//   3600 clients  4000 access  5000 review  6000 rights  6500 screening
//   6700 fairness  7000 rpc  8000 server
struct LogEvent {
  LogLevel level;
  uint32_t code;
  Constant name;  // lower_snake words joined by dots
};

// An opaque id of ours (client, change, job, file of ours). Shown as it is when
// it has at most 80 characters of [A-Za-z0-9_.:/-], otherwise as "?": neither
// an e-mail address nor a name with a space passes.
struct LogId {
  std::string_view id;
};

class LogField {
 public:
  template <std::integral T>
  LogField(Constant key, T value) : key_(key) {
    if constexpr (std::same_as<T, bool>) {
      text_ = value ? "true" : "false";
    } else {
      text_ = std::to_string(value);
    }
  }
  LogField(Constant key, double value)
      : key_(key), text_(std::to_string(value)) {}
  LogField(Constant key, Constant value) : key_(key), text_(value.text()) {}
  LogField(Constant key, LogId value);
  // The code only; messages stay where they were made.
  LogField(Constant key, const absl::Status& value);

  std::string_view key() const { return key_.text(); }
  const std::string& text() const { return text_; }

 private:
  Constant key_;
  std::string text_;
};

struct LogOptions {
  std::string path;  // Empty: standard error.
  LogLevel level = LogLevel::kInfo;
};

// Opens the log and its writer thread. Before this, and after StopLog(), events
// are dropped. Events are queued and written by one thread of their own, so
// that no caller waits for the disk; when 8192 wait, the oldest are dropped.
absl::Status StartLog(const LogOptions& options);
// Writes out what is queued.
void StopLog();

// Safe for many threads.
void Log(const LogEvent& event, std::initializer_list<LogField> fields = {});

}  // namespace consentry::base

#endif  // CONSENTRY_GATEWAY_BASE_LOG_H_
