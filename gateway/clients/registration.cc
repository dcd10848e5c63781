#include "gateway/clients/registration.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "proto/support/error.h"
#include "proto/support/timestamp.h"

namespace consentry::clients {
namespace {

using v1::Role;

bool Covers(const google::protobuf::RepeatedPtrField<std::string>& prefixes,
            std::string_view category) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [category](const std::string& prefix) {
                       return CategoryBelow(category, prefix);
                     });
}

bool CoversAll(const google::protobuf::RepeatedPtrField<std::string>& prefixes,
               const config::v1::Field& field) {
  return Covers(prefixes, field.category()) &&
         std::all_of(field.reveals().begin(), field.reveals().end(),
                     [&prefixes](const std::string& category) {
                       return Covers(prefixes, category);
                     });
}

}  // namespace

bool CategoryBelow(std::string_view category, std::string_view prefix) {
  if (prefix.empty() || category.substr(0, prefix.size()) != prefix) {
    return false;
  }
  return category.size() == prefix.size() || category[prefix.size()] == '.';
}

std::unique_ptr<const Registration> Registration::Compile(
    const v1::Client& client, const policy::Bundle& bundle, PermissionSet extra,
    std::shared_ptr<ClientUse> use) {
  std::unique_ptr<Registration> made(new Registration);
  made->client_ = client;
  if (auto key = ParseKey(client.public_key_hash()); key.ok()) {
    made->key_ = *key;
  }
  made->permissions_ = PermissionsOf(client.role());
  for (const std::string& name : client.permissions()) {
    if (MayBeGranted(client.role(), name)) {
      made->permissions_.Add(*PermissionSet::Of(name));
    }
  }
  if (client.role() == v1::ROLE_SERVICE) made->permissions_.Add(extra);
  for (const int role : client.may_delegate()) {
    if (v1::Role_IsValid(role) && role != v1::ROLE_UNSPECIFIED) {
      made->delegable_ |= uint32_t{1} << role;
    }
  }
  made->expire_us_ = MicrosOf(client.expire_time());
  for (const int channel : client.channels()) {
    if (v1::Channel_IsValid(channel)) made->channels_ |= uint64_t{1} << channel;
  }
  made->purposes_.resize(bundle.purpose_count());
  for (const std::string& key : client.purposes()) {
    if (const auto purpose = bundle.FindPurpose(key)) {
      made->purposes_[policy::Index(*purpose)] = true;
    }
  }
  made->readable_.resize(bundle.field_count());
  made->writable_.resize(bundle.field_count());
  for (size_t i = 0; i < bundle.field_count(); ++i) {
    const config::v1::Field& field =
        bundle.field(static_cast<policy::FieldId>(i));
    made->readable_[i] = CoversAll(client.read_categories(), field);
    made->writable_[i] = CoversAll(client.write_categories(), field);
  }
  if (const auto country = bundle.FindJurisdiction(client.country())) {
    made->country_ = *country;
  }
  ParseTransferGround(client.transfer_ground(), &made->safeguard_);
  made->use_ = std::move(use);
  const v1::ClientLimits& limits = client.limits();
  made->use_->rate.SetRate(limits.calls_per_second() == 0
                               ? kDefaultCallsPerSecond
                               : limits.calls_per_second());
  made->use_->budget.SetLimit(limits.subjects_per_hour() == 0
                                  ? kDefaultSubjectsPerHour
                                  : limits.subjects_per_hour());
  return made;
}

PermissionSet Registration::PermissionsFor(uint32_t roles) const {
  PermissionSet set;
  const uint32_t carried = Carries(roles);
  for (int role = v1::ROLE_SERVICE; role <= v1::Role_MAX; ++role) {
    if ((carried >> role & 1) == 0) continue;
    set.Add(role == client_.role() ? permissions_
                                   : PermissionsOf(static_cast<Role>(role)));
  }
  return set;
}

bool Registration::AllowsSource(std::string_view source) const {
  return std::find(client_.sources().begin(), client_.sources().end(),
                   source) != client_.sources().end();
}

bool Registration::MayAttest(std::string_view purpose,
                             std::string_view notice_id) const {
  return std::any_of(client_.attests().begin(), client_.attests().end(),
                     [&](std::string_view entry) {
                       const size_t at = entry.find('@');
                       if (entry.substr(0, at) != purpose) return false;
                       return at == std::string_view::npos ||
                              entry.substr(at + 1) == notice_id;
                     });
}

absl::Status Registration::CheckContext(const v1::CallContext& context) const {
  const v1::ContextRules& rules = client_.context_rules();
  std::string missing;
  const auto need = [&missing](bool required, const std::string& value,
                               const char* name) {
    if (!required || !value.empty()) return;
    if (!missing.empty()) missing += ",";
    missing += name;
  };
  need(rules.acting_person_required(), context.acting_person(),
       "acting_person");
  need(rules.reason_code_required(), context.reason_code(), "reason_code");
  need(rules.ticket_required(), context.ticket(), "ticket");
  if (missing.empty()) return absl::OkStatus();
  absl::Status status =
      MakeError(v1::ERROR_REASON_CONTEXT_REQUIRED,
                "the registration demands more in the request's context");
  AddErrorMetadata(&status, "missing", missing);
  return status;
}

absl::Status Registration::CheckState(int64_t now_us) const {
  switch (client_.state()) {
    case v1::CLIENT_STATE_ACTIVE:
      break;
    case v1::CLIENT_STATE_SUSPENDED:
      return MakeError(v1::ERROR_REASON_SUSPENDED,
                       "the registration is suspended");
    default:
      return MakeError(v1::ERROR_REASON_CLIENT_REVOKED,
                       "the registration was revoked");
  }
  if (now_us >= expire_us_) {
    return MakeError(v1::ERROR_REASON_CLIENT_EXPIRED,
                     "the registration is past its end");
  }
  return absl::OkStatus();
}

bool ParseTransferGround(std::string_view word, policy::Safeguard* safeguard) {
  using config::v1::Safeguard;
  static constexpr std::pair<std::string_view, policy::Safeguard> kWords[] = {
      {"", Safeguard::UNSPECIFIED},
      {"adequacy", Safeguard::ADEQUACY},
      {"scc", Safeguard::STANDARD_CLAUSES},
      {"bcr", Safeguard::BINDING_RULES},
      {"certification", Safeguard::CERTIFICATION},
      {"explicit_consent", Safeguard::EXPLICIT_CONSENT},
      {"derogation", Safeguard::DEROGATION},
  };
  for (const auto& [known, value] : kWords) {
    if (known == word) {
      *safeguard = value;
      return true;
    }
  }
  return false;
}

std::string FormatKey(const crypto::SpkiHash& key) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(key.data()), key.size()));
}

absl::StatusOr<crypto::SpkiHash> ParseKey(std::string_view text) {
  crypto::SpkiHash key;
  const bool hex = text.size() == 2 * key.size() &&
                   std::all_of(text.begin(), text.end(), [](char c) {
                     return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                   });
  if (!hex) {
    return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                     "a key hash is 64 lower-case hexadecimal digits");
  }
  const std::string bytes =
      absl::HexStringToBytes(absl::string_view(text.data(), text.size()));
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

}  // namespace consentry::clients
