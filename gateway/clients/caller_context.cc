#include "gateway/clients/caller_context.h"

#include "absl/strings/str_cat.h"

namespace consentry::clients {

namespace {
// Leaf.signals.
constexpr uint32_t kSignalGpc = 1;
}  // namespace

std::string RequesterOf(const CallerContext& caller) {
  if (!caller.person.has_value()) return caller.client_id;
  return absl::StrCat(
      caller.client_id, "/",
      caller.IsCustomer() ? caller.person->subject_id : caller.person->id);
}

store::v1::Leaf LeafOf(const Configuration& configuration,
                       const CallerContext& caller, int64_t now_us) {
  store::v1::Leaf leaf;
  leaf.set_time_us(now_us);
  leaf.set_event(caller.event);
  leaf.set_client_id(caller.client_id);
  if (const auto* registration = configuration.FindById(caller.client_id)) {
    leaf.set_client_version(registration->version());
  }
  leaf.set_acting_person(caller.context.acting_person());
  leaf.set_reason_code(caller.context.reason_code());
  leaf.set_ticket(caller.context.ticket());
  if (caller.context.signals().global_privacy_control()) {
    leaf.set_signals(kSignalGpc);
  }
  if (caller.person.has_value()) leaf.set_person_roles(caller.person->roles);
  leaf.set_bundle_hash(configuration.hash());
  leaf.set_config_epoch(static_cast<uint64_t>(configuration.epoch()));
  return leaf;
}

}  // namespace consentry::clients
