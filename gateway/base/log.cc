#include "gateway/base/log.h"

#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>
#include <utility>

#include "proto/support/mutex.h"

namespace consentry::base {
namespace {

constexpr size_t kMaxIdLength = 80;
constexpr size_t kQueueLength = 8192;

struct State {
  Mutex mu;
  std::shared_ptr<spdlog::details::thread_pool> pool ABSL_GUARDED_BY(mu);
  std::shared_ptr<spdlog::async_logger> logger ABSL_GUARDED_BY(mu);
  std::atomic<bool> open{false};
};

State& GetState() {
  static State* const state = new State();
  return *state;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

bool IsIdCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':' ||
         c == '/' || c == '-';
}

}  // namespace

LogField::LogField(Constant key, LogId value) : key_(key), text_("?") {
  if (value.id.empty() || value.id.size() > kMaxIdLength) return;
  for (const char c : value.id) {
    if (!IsIdCharacter(c)) return;
  }
  text_ = std::string(value.id);
}

LogField::LogField(Constant key, const absl::Status& value)
    : key_(key), text_(absl::StatusCodeToString(value.code())) {}

absl::Status StartLog(const LogOptions& options) {
  State& state = GetState();
  MutexLock lock(&state.mu);
  if (state.logger != nullptr) {
    return absl::FailedPreconditionError("the log is open already");
  }
  try {
    spdlog::sink_ptr sink;
    if (options.path.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.path);
    }
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%fZ %v", spdlog::pattern_time_type::utc));
    state.pool =
        std::make_shared<spdlog::details::thread_pool>(kQueueLength, 1);
    state.logger = std::make_shared<spdlog::async_logger>(
        "consentry", std::move(sink), state.pool,
        spdlog::async_overflow_policy::overrun_oldest);
    state.logger->set_level(ToSpdlog(options.level));
    state.logger->flush_on(spdlog::level::info);
  } catch (const spdlog::spdlog_ex&) {
    state.logger.reset();
    state.pool.reset();
    return absl::UnavailableError("could not open the log file");
  }
  state.open.store(true, std::memory_order_release);
  return absl::OkStatus();
}

void StopLog() {
  State& state = GetState();
  MutexLock lock(&state.mu);
  state.open.store(false, std::memory_order_release);
  if (state.logger != nullptr) state.logger->flush();
  state.logger.reset();
  state.pool.reset();  // Joins its thread once the queue is written.
}

void Log(const LogEvent& event, std::initializer_list<LogField> fields) {
  State& state = GetState();
  if (!state.open.load(std::memory_order_acquire)) return;
  std::shared_ptr<spdlog::async_logger> logger;
  {
    MutexLock lock(&state.mu);
    logger = state.logger;
  }
  if (logger == nullptr || !logger->should_log(ToSpdlog(event.level))) return;
  std::string line(LevelName(event.level));
  line.append(" ").append(std::to_string(event.code)).append(" ");
  line.append(event.name.text());
  for (const LogField& field : fields) {
    line.append(" ").append(field.key()).append("=").append(field.text());
  }
  logger->log(ToSpdlog(event.level), line);
}

}  // namespace consentry::base
