#include "gateway/server/config_delivery.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/delivery/address_guard.h"
#include "gateway/delivery/mail.h"
#include "gateway/server/config.h"

namespace consentry::server {
namespace {

using config::v1::Sender;
using config::v1::Smtp;
using Faults = std::vector<FieldViolation>;

constexpr int kMaxStaff = 16;
constexpr uint32_t kMaxGiveUpHours = 336;
constexpr uint32_t kMaxTimeoutSeconds = 300;

bool HoldsControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

bool IsHostName(std::string_view host) {
  return !host.empty() && host.size() <= 253 &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':';
         });
}

bool IsLoopback(const std::string& host) {
  const bool v6 = host.find(':') != std::string::npos;
  const auto address =
      ParseAddress(v6 ? absl::StrCat("[", host, "]:0") : host + ":0");
  return address.ok() && address->loopback;
}

void CheckSmtp(const Smtp& smtp, Faults* faults) {
  if (!IsHostName(smtp.host())) {
    faults->push_back({"sender.smtp.host", "must be a name or an IP address"});
  } else if (smtp.security() == Smtp::PLAIN && !IsLoopback(smtp.host())) {
    faults->push_back(
        {"sender.smtp.security",
         "PLAIN is for a mail server on this machine alone; use STARTTLS or "
         "TLS"});
  }
  if (smtp.port() > 65535) {
    faults->push_back({"sender.smtp.port", "must be at most 65535"});
  }
  if (smtp.user().empty() != smtp.password_file().empty()) {
    faults->push_back({"sender.smtp.user",
                       "goes with sender.smtp.password_file: both or neither"});
  }
  if (HoldsControl(smtp.user())) {
    faults->push_back({"sender.smtp.user", "holds a control character"});
  }
  if (smtp.timeout_seconds() > kMaxTimeoutSeconds) {
    faults->push_back({"sender.smtp.timeout_seconds", "must be 1 to 300"});
  }
}

void CheckSender(const Sender& sender, Faults* faults) {
  if (!delivery::IsPlainAddress(sender.from_address())) {
    faults->push_back(
        {"sender.from_address", "must be an e-mail address of plain ASCII"});
  }
  if (HoldsControl(sender.from_name()) || sender.from_name().size() > 128) {
    faults->push_back({"sender.from_name", "must be one line of 128 bytes"});
  }
  switch (sender.way_case()) {
    case Sender::kSmtp:
      CheckSmtp(sender.smtp(), faults);
      break;
    case Sender::kFileDrop:
      if (sender.file_drop().folder().empty()) {
        faults->push_back({"sender.file_drop.folder", "is required"});
      }
      break;
    case Sender::WAY_NOT_SET:
      faults->push_back({"sender", "needs smtp, or file_drop with --dev"});
      break;
  }
  if (sender.staff_addresses_size() > kMaxStaff) {
    faults->push_back({"sender.staff_addresses", "at most 16"});
  }
  for (int i = 0; i < sender.staff_addresses_size(); ++i) {
    if (!delivery::IsPlainAddress(sender.staff_addresses(i))) {
      faults->push_back({absl::StrCat("sender.staff_addresses[", i, "]"),
                         "must be an e-mail address of plain ASCII"});
    }
  }
  if (sender.give_up_hours() > kMaxGiveUpHours) {
    faults->push_back({"sender.give_up_hours", "must be at most 336"});
  }
}

void Absolute(const std::filesystem::path& folder, std::string* path) {
  if (path->empty() || std::filesystem::path(*path).is_absolute()) return;
  *path = (folder / *path).lexically_normal().string();
}

}  // namespace

Faults CheckDelivery(const config::v1::GatewayConfig& message) {
  Faults faults;
  if (message.has_sender()) CheckSender(message.sender(), &faults);
  const config::v1::Delivery& delivery = message.delivery();
  for (int i = 0; i < delivery.allow_networks_size(); ++i) {
    const auto network = delivery::ParseNetwork(delivery.allow_networks(i));
    if (!network.ok()) {
      faults.push_back({absl::StrCat("delivery.allow_networks[", i, "]"),
                        std::string(network.status().message())});
    }
  }
  const auto at_most = [&](uint32_t days, uint32_t most, const char* field) {
    if (days > most) {
      faults.push_back({field, absl::StrCat("must be at most ", most)});
    }
  };
  at_most(delivery.give_up_days(), 30, "delivery.give_up_days");
  at_most(delivery.task_days(), 60, "delivery.task_days");
  at_most(delivery.watch_days(), 365, "delivery.watch_days");
  return faults;
}

void ResolveDeliveryPaths(const std::filesystem::path& folder,
                          config::v1::GatewayConfig* message) {
  if (message->has_delivery()) {
    Absolute(folder, message->mutable_delivery()->mutable_authorities());
  }
  if (!message->has_sender()) return;
  Sender* sender = message->mutable_sender();
  if (sender->has_smtp()) {
    Absolute(folder, sender->mutable_smtp()->mutable_password_file());
    Absolute(folder, sender->mutable_smtp()->mutable_authorities());
  } else if (sender->has_file_drop()) {
    Absolute(folder, sender->mutable_file_drop()->mutable_folder());
  }
}

}  // namespace consentry::server
