#include "gateway/clients/client_rules.h"

#include <set>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "gateway/clients/permissions.h"
#include "gateway/clients/registration.h"
#include "gateway/clients/webhook_url.h"

namespace consentry::clients {
namespace {

using config::v1::PurposeClass;

bool IsIdChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

bool IsMarketingSide(policy::PurposeClass purpose_class) {
  switch (purpose_class) {
    case PurposeClass::DIRECT_MARKETING:
    case PurposeClass::PROFILING:
    case PurposeClass::TARGETED_ADS:
    case PurposeClass::SALE_OR_SHARE:
      return true;
    default:
      return false;
  }
}

bool IsServiceSide(policy::PurposeClass purpose_class) {
  return purpose_class == PurposeClass::SERVICE ||
         purpose_class == PurposeClass::SUPPORT;
}

class Faults {
 public:
  explicit Faults(std::string_view path) : path_(path) {}

  void Add(std::string_view field, std::string_view description) {
    faults_.push_back(
        {absl::StrCat(path_, std::string(field)), std::string(description)});
  }
  void AddAt(std::string_view field, int index, std::string_view description) {
    Add(absl::StrCat(std::string(field), "[", index, "]"), description);
  }
  std::vector<FieldViolation> Take() { return std::move(faults_); }

  // Bounded, without an empty or repeated element.
  void CheckList(const google::protobuf::RepeatedPtrField<std::string>& list,
                 std::string_view field, int most) {
    if (list.size() > most) Add(field, absl::StrCat("more than ", most));
    std::set<std::string_view> seen;
    for (int i = 0; i < list.size(); ++i) {
      if (list[i].empty() || list[i].size() > 160) {
        AddAt(field, i, "must have 1 to 160 characters");
      } else if (!seen.insert(list[i]).second) {
        AddAt(field, i, "stands twice");
      }
    }
  }

  void CheckText(const std::string& text, std::string_view field) {
    if (text.size() > kMaxTextBytes) {
      Add(field, absl::StrCat("longer than ", kMaxTextBytes, " bytes"));
    }
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
        Add(field, "holds a control character");
        break;
      }
    }
  }

 private:
  const std::string path_;
  std::vector<FieldViolation> faults_;
};

void CheckId(const v1::Client& client, Faults* faults) {
  const std::string& id = client.id();
  bool good = id.size() >= 2 && id.size() <= 64 && id.front() != '-' &&
              id.back() != '-';
  for (const char c : id) good = good && IsIdChar(c);
  if (!good) {
    faults->Add("id", "must be 2 to 64 characters of [a-z0-9-]");
  }
}

void CheckPurposes(const v1::Client& client, const policy::Bundle& bundle,
                   Faults* faults) {
  faults->CheckList(client.purposes(), "purposes", kMaxPurposes);
  for (int i = 0; i < client.purposes_size(); ++i) {
    if (!bundle.FindPurpose(client.purposes(i))) {
      faults->AddAt("purposes", i, "is not in the purpose registry");
    }
  }
  if (MixesClasses(client, bundle)) {
    faults->Add("purposes",
                "direct marketing, targeted advertising, profiling and sale do "
                "not mix with service and support: register two systems");
  }
  faults->CheckList(client.attests(), "attests", kMaxAttests);
  for (int i = 0; i < client.attests_size(); ++i) {
    const std::string_view entry = client.attests(i);
    if (!bundle.FindPurpose(entry.substr(0, entry.find('@')))) {
      faults->AddAt("attests", i, "is not in the purpose registry");
    }
  }
}

void CheckCategories(
    const google::protobuf::RepeatedPtrField<std::string>& categories,
    std::string_view field, const policy::Bundle& bundle, Faults* faults) {
  faults->CheckList(categories, field, kMaxCategories);
  for (int i = 0; i < categories.size(); ++i) {
    bool known = false;
    for (size_t f = 0; f < bundle.field_count() && !known; ++f) {
      known = CategoryBelow(
          bundle.field(static_cast<policy::FieldId>(f)).category(),
          categories[i]);
    }
    if (!known) {
      faults->AddAt(field, i, "no field of the catalog has this category");
    }
  }
}

void CheckRole(const v1::Client& client, Faults* faults) {
  switch (client.role()) {
    case v1::ROLE_SERVICE:
    case v1::ROLE_ADMIN:
    case v1::ROLE_COMPLIANCE:
    case v1::ROLE_DPO:
    case v1::ROLE_REVIEWER:
      break;
    case v1::ROLE_CUSTOMER:
      faults->Add("role", "customers come with tokens, not with certificates");
      return;
    default:
      faults->Add("role", "is required");
      return;
  }
  for (int i = 0; i < client.permissions_size(); ++i) {
    if (!PermissionSet::Of(client.permissions(i))) {
      faults->AddAt("permissions", i, "no such permission");
    } else if (!MayBeGranted(client.role(), client.permissions(i))) {
      faults->AddAt("permissions", i, "cannot be given to this role");
    }
  }
  if (client.role() == v1::ROLE_SERVICE) return;
  if (client.purposes_size() + client.read_categories_size() +
          client.write_categories_size() + client.sources_size() +
          client.attests_size() >
      0) {
    faults->Add("role",
                "only services have purposes, categories, sources and "
                "attestations");
  }
}

bool IsStaffRole(int role) {
  return role == v1::ROLE_ADMIN || role == v1::ROLE_COMPLIANCE ||
         role == v1::ROLE_DPO || role == v1::ROLE_REVIEWER;
}

// Whose tokens it may carry. Somebody who administers must not come to data by
// the side door of a system that reads it, and what customers see must not hold
// staff's tokens.
void CheckDelegation(const v1::Client& client, Faults* faults) {
  bool staff = false;
  bool customers = false;
  std::set<int> seen;
  for (int i = 0; i < client.may_delegate_size(); ++i) {
    const int role = client.may_delegate(i);
    if (role == v1::ROLE_UNSPECIFIED || !v1::Role_IsValid(role)) {
      faults->AddAt("may_delegate", i, "no such role");
    } else if (!seen.insert(role).second) {
      faults->AddAt("may_delegate", i, "stands twice");
    } else if (role != client.role() && client.role() != v1::ROLE_SERVICE) {
      faults->AddAt("may_delegate", i,
                    "only services carry tokens of other roles than their own");
    }
    staff = staff || IsStaffRole(role);
    customers = customers || role == v1::ROLE_CUSTOMER;
  }
  if (staff && customers) {
    faults->Add("may_delegate",
                "customers and staff do not mix: register two systems");
  }
  if (staff && client.purposes_size() + client.read_categories_size() +
                       client.write_categories_size() >
                   0) {
    faults->Add("may_delegate",
                "a system for compliance, dpo, reviewer or admin has no "
                "purposes and no categories: register two systems");
  }
  if (customers && client.context_rules().acting_person_required()) {
    faults->Add("context_rules.acting_person_required",
                "customers act for themselves: register two systems");
  }
  faults->CheckText(client.token_client(), "token_client");
  if (client.context_rules().token_required() &&
      client.may_delegate().empty()) {
    faults->Add("context_rules.token_required",
                "needs may_delegate: it may carry no token");
  }
}

void CheckNotify(const v1::Client& client, Faults* faults) {
  if (!client.has_notify()) return;
  const v1::Notify& notify = client.notify();
  if (client.role() != v1::ROLE_SERVICE) {
    faults->Add("notify", "only services are recipients");
  }
  if (!v1::Notify::Way_IsValid(notify.way())) {
    faults->Add("notify.way", "no such way");
  }
  const bool webhook = notify.way() == v1::Notify::WAY_WEBHOOK;
  if (webhook != !notify.webhook_url().empty()) {
    faults->Add("notify.webhook_url", "goes with WAY_WEBHOOK: both or neither");
  } else if (webhook && !IsWebhookUrl(notify.webhook_url())) {
    faults->Add("notify.webhook_url",
                "must be https, or http to a loopback address, without user "
                "and fragment");
  }
  bool may_watch = false;
  for (const std::string& permission : client.permissions()) {
    may_watch = may_watch || permission == "consent.watch";
  }
  if (notify.way() == v1::Notify::WAY_WATCH && !may_watch) {
    faults->Add("notify.way", "WAY_WATCH needs the permission consent.watch");
  }
}

}  // namespace

bool MixesClasses(const v1::Client& client, const policy::Bundle& bundle) {
  bool marketing = false;
  bool service = false;
  for (const std::string& key : client.purposes()) {
    const auto purpose = bundle.FindPurpose(key);
    if (!purpose.has_value()) continue;
    const auto purpose_class = bundle.purpose(*purpose).purpose_class();
    marketing = marketing || IsMarketingSide(purpose_class);
    service = service || IsServiceSide(purpose_class);
  }
  return marketing && service;
}

std::vector<FieldViolation> CheckClient(const v1::Client& client,
                                        const policy::Bundle& bundle,
                                        int64_t now_us, std::string_view path) {
  Faults faults(path);
  CheckId(client, &faults);
  CheckRole(client, &faults);
  CheckDelegation(client, &faults);
  CheckPurposes(client, bundle, &faults);
  CheckCategories(client.read_categories(), "read_categories", bundle, &faults);
  CheckCategories(client.write_categories(), "write_categories", bundle,
                  &faults);
  for (int i = 0; i < client.channels_size(); ++i) {
    if (client.channels(i) == v1::CHANNEL_UNSPECIFIED ||
        !v1::Channel_IsValid(client.channels(i))) {
      faults.AddAt("channels", i, "no such channel");
    }
  }
  faults.CheckList(client.sources(), "sources", kMaxSources);
  for (int i = 0; i < client.sources_size(); ++i) {
    bool known = false;
    for (const auto& source : bundle.catalog().sources()) {
      known = known || source.key() == client.sources(i);
    }
    if (!known) faults.AddAt("sources", i, "is no source of the catalog");
  }
  faults.CheckText(client.title(), "title");
  faults.CheckText(client.contract(), "contract");
  faults.CheckText(client.recipient(), "recipient");
  if (!client.country().empty() &&
      (client.country().size() != 2 ||
       !bundle.FindJurisdiction(client.country()))) {
    faults.Add("country", "must be an ISO 3166-1 alpha-2 code, upper case");
  }
  policy::Safeguard safeguard;
  if (!ParseTransferGround(client.transfer_ground(), &safeguard)) {
    faults.Add("transfer_ground",
               "must be empty or one of adequacy, scc, bcr, certification, "
               "explicit_consent, derogation");
  }
  CheckNotify(client, &faults);
  if (client.limits().calls_per_second() > kMaxCallsPerSecond) {
    faults.Add("limits.calls_per_second",
               absl::StrCat("at most ", kMaxCallsPerSecond));
  }
  if (client.limits().subjects_per_hour() > kMaxSubjectsPerHour) {
    faults.Add("limits.subjects_per_hour",
               absl::StrCat("at most ", kMaxSubjectsPerHour));
  }
  if (client.has_expire_time()) {
    const int64_t expire_us = client.expire_time().seconds() * 1'000'000;
    if (expire_us <= now_us) {
      faults.Add("expire_time", "lies in the past");
    } else if (expire_us - now_us > kMaxLifetimeUs) {
      faults.Add("expire_time", "more than 825 days ahead");
    }
  }
  return faults.Take();
}

}  // namespace consentry::clients
