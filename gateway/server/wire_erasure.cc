#include "gateway/server/wire_erasure.h"

#include <chrono>

#include "gateway/base/constant.h"
#include "gateway/base/log.h"
#include "gateway/upkeep/backups.h"

namespace consentry::server {
namespace {

constexpr base::LogEvent kRunFailed{base::LogLevel::kError, 8020,
                                    "server.erasures_failed"};
constexpr std::chrono::seconds kInterval{15};
constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;

constexpr uint32_t kDefaultWaitHours = 24;
constexpr uint32_t kDefaultSuppressionMonths = 120;

}  // namespace

ErasureWiring::ErasureWiring(const config::v1::GatewayConfig& config,
                             const crypto::EpochFile* epochs)
    : suppression_(epochs,
                   [months = config.erasure().suppression_months() == 0
                                 ? kDefaultSuppressionMonths
                                 : config.erasure().suppression_months()] {
                     return months;
                   }) {
  parts_.epochs = epochs;
  parts_.suppression = &suppression_;
  parts_.log_origin = config.storage().log_origin();
  parts_.wait_us =
      int64_t{config.erasure().has_wait_hours() ? config.erasure().wait_hours()
                                                : kDefaultWaitHours} *
      kHourUs;
  parts_.final_us = &upkeep::KeysOpenUntil;
  parts_.wake = [this] {
    if (base::Periodic* const waker = waker_.load()) waker->Wake();
  };
}

void ErasureWiring::Start() {
  periodic_ = std::make_unique<base::Periodic>(
      base::Constant("erasure"), kInterval, [this] {
        if (const absl::Status status = eraser_.Run(); !status.ok()) {
          base::Log(kRunFailed, {{"status", status}});
        }
      });
  waker_.store(periodic_.get());
  periodic_->Wake();
}

}  // namespace consentry::server
