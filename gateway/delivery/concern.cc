#include "gateway/delivery/concern.h"

#include <algorithm>
#include <utility>

#include "consentry/v1/consent_service.pb.h"

namespace consentry::delivery {
namespace {

using config::v1::PurposeClass;

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// Whether an opt-out of `kind` reaches purposes of that class.
bool Reaches(v1::OptOutKind kind, policy::PurposeClass purpose_class) {
  switch (kind) {
    case v1::OPT_OUT_KIND_SALE:
    case v1::OPT_OUT_KIND_SHARING:
    case v1::OPT_OUT_KIND_TARGETED_ADVERTISING:
      return purpose_class == PurposeClass::SALE_OR_SHARE ||
             purpose_class == PurposeClass::TARGETED_ADS;
    case v1::OPT_OUT_KIND_PROFILING:
      return purpose_class == PurposeClass::PROFILING ||
             purpose_class == PurposeClass::PERSONALIZATION;
    case v1::OPT_OUT_KIND_DIRECT_MARKETING:
      return purpose_class == PurposeClass::DIRECT_MARKETING;
    case v1::OPT_OUT_KIND_AUTOMATED_DECISIONS:
      return purpose_class == PurposeClass::SIGNIFICANT_DECISION;
    // Which purposes it limits depends on the fields: everybody is told.
    case v1::OPT_OUT_KIND_SENSITIVE_DATA:
      return true;
    default:
      return false;
  }
}

template <class Chosen>
std::vector<std::string> PurposesWhere(const policy::Bundle& bundle,
                                       Chosen chosen) {
  std::vector<std::string> purposes;
  for (size_t i = 0; i < bundle.purpose_count(); ++i) {
    const auto& purpose = bundle.purpose(static_cast<policy::PurposeId>(i));
    if (chosen(purpose)) purposes.push_back(purpose.key());
  }
  return purposes;
}

Concern OptOut(const policy::Bundle& bundle,
               const std::vector<v1::OptOutKind>& kinds) {
  Concern concern;
  concern.event = "opt_out";
  concern.targets = PurposesWhere(bundle, [&](const auto& purpose) {
    return std::any_of(kinds.begin(), kinds.end(), [&](v1::OptOutKind kind) {
      return Reaches(kind, purpose.purpose_class());
    });
  });
  return concern;
}

std::optional<Concern> ConsentChange(std::string_view purpose,
                                     std::string_view state) {
  Concern concern;
  concern.targets.emplace_back(purpose);
  if (state == "given") {
    concern.event = "consent";
    concern.only_watchers = true;
    return concern;
  }
  for (const std::string_view negative :
       {"withdrawn", "refused", "expired", "invalidated", "uncertain"}) {
    if (state != negative) continue;
    concern.event = "withdrawal";
    return concern;
  }
  return std::nullopt;
}

bool Watches(const clients::Registration& registration) {
  static const clients::PermissionSet watching =
      *clients::PermissionSet::Of("consent.watch");
  return registration.permissions().Contains(watching);
}

// The ways of a registration. Of one that is gone: staff.
std::vector<NoticeChannel> WaysOf(const clients::Registration* registration) {
  if (registration == nullptr ||
      registration->client().state() == v1::CLIENT_STATE_REVOKED) {
    return {NoticeChannel::kTask};
  }
  const bool watches = Watches(*registration);
  std::vector<NoticeChannel> ways;
  if (watches) ways.push_back(NoticeChannel::kWatch);
  switch (registration->client().notify().way()) {
    case v1::Notify::WAY_WEBHOOK:
      ways.push_back(NoticeChannel::kWebhook);
      break;
    case v1::Notify::WAY_TASK:
      ways.push_back(NoticeChannel::kTask);
      break;
    case v1::Notify::WAY_NONE:
      break;
    default:
      if (!watches) ways.push_back(NoticeChannel::kTask);
      break;
  }
  return ways;
}

}  // namespace

std::optional<Concern> ConcernOf(const policy::Bundle& bundle,
                                 std::string_view change) {
  const size_t equals = change.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const std::string_view scope = change.substr(0, equals);
  const std::string_view state = change.substr(equals + 1);
  if (scope == "restricted") {
    Concern concern;
    concern.event = state == "set" ? "restriction" : "restriction_lifted";
    concern.concerns_all = true;
    return concern;
  }
  if (scope == "gpc") {
    if (state != "set") return std::nullopt;
    return OptOut(bundle, {v1::OPT_OUT_KIND_SALE, v1::OPT_OUT_KIND_SHARING,
                           v1::OPT_OUT_KIND_TARGETED_ADVERTISING});
  }
  if (StartsWith(scope, "opt_out.")) {
    v1::OptOutKind kind;
    if (state != "set" ||
        !v1::OptOutKind_Parse(std::string(scope.substr(8)), &kind)) {
      return std::nullopt;
    }
    return OptOut(bundle, {kind});
  }
  if (StartsWith(scope, "objection.")) {
    if (state != "set") return std::nullopt;
    const std::string_view target = scope.substr(10);
    Concern concern;
    concern.event = "objection";
    concern.targets = PurposesWhere(bundle, [&](const auto& purpose) {
      return target == "*" || purpose.key() == target;
    });
    return concern;
  }
  if (!bundle.FindPurpose(scope)) return std::nullopt;
  return ConsentChange(scope, state);
}

bool AnybodyWatches(const clients::Configuration& configuration) {
  const auto& registrations = configuration.registrations();
  return std::any_of(
      registrations.begin(), registrations.end(), [](const auto& entry) {
        return entry.second->client().state() != v1::CLIENT_STATE_REVOKED &&
               Watches(*entry.second);
      });
}

void PlanNotices(const clients::Configuration& configuration,
                 const Concern& concern, std::string_view originator,
                 const std::vector<Recipient>& recipients,
                 std::vector<Planned>* planned) {
  for (const Recipient& recipient : recipients) {
    const clients::Registration* registration =
        configuration.FindById(recipient.client_id);
    // Staff look at data through the gateway and keep none.
    if (registration != nullptr &&
        registration->client().role() != v1::ROLE_SERVICE) {
      continue;
    }
    std::vector<std::string> targets;
    for (const std::string& target : concern.targets) {
      if (concern.concerns_all || recipient.purposes.count(target) > 0) {
        targets.push_back(target);
      }
    }
    if (targets.empty() && !concern.concerns_all) continue;
    for (const NoticeChannel way : WaysOf(registration)) {
      const bool watch = way == NoticeChannel::kWatch;
      if (!watch &&
          (concern.only_watchers || recipient.client_id == originator)) {
        continue;
      }
      Planned notice;
      notice.channel = way;
      notice.client_id = recipient.client_id;
      notice.subject = recipient.subject;
      notice.event =
          watch && concern.event == "withdrawal" ? "consent" : concern.event;
      notice.targets = targets;
      // One of the same kind to the same recipient: its targets grow. A watcher
      // gets the state of one purpose at a time.
      auto same = planned->end();
      if (notice.event != "consent") {
        same = std::find_if(planned->begin(), planned->end(),
                            [&](const Planned& other) {
                              return other.channel == notice.channel &&
                                     other.client_id == notice.client_id &&
                                     other.subject == notice.subject &&
                                     other.event == notice.event;
                            });
      }
      if (same == planned->end()) {
        planned->push_back(std::move(notice));
        continue;
      }
      for (std::string& target : notice.targets) {
        if (std::find(same->targets.begin(), same->targets.end(), target) ==
            same->targets.end()) {
          same->targets.push_back(std::move(target));
        }
      }
    }
  }
}

}  // namespace consentry::delivery
