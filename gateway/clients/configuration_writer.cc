#include "gateway/clients/configuration_writer.h"

#include <utility>

#include "gateway/clients/client_table.h"
#include "proto/support/status_macros.h"

namespace consentry::clients {
namespace {

absl::StatusOr<ConfigurationDraft> DraftOf(store::Connection* connection) {
  ConfigurationDraft draft;
  auto bundle = ReadNewestBundle(connection);
  if (absl::IsNotFound(bundle.status())) return draft;
  if (!bundle.ok()) return bundle.status();
  draft.policy_hash = bundle->policy_hash();
  draft.suspended_purposes.insert(bundle->suspended_purposes().begin(),
                                  bundle->suspended_purposes().end());
  return draft;
}

}  // namespace

store::Change ConfigurationWriter::MakeChange(Plan plan) {
  store::Change change;
  change.negative = plan.negative;
  change.request = plan.request;
  change.apply = [registry = registry_, plan = std::move(plan)](
                     store::ChangeContext& context) -> absl::Status {
    store::Connection* const writer = context.connection();
    CONSENTRY_ASSIGN_OR_RETURN(ConfigurationDraft draft, DraftOf(writer));
    CONSENTRY_RETURN_IF_ERROR(plan.edit(writer, context.now_us(), &draft));
    CONSENTRY_RETURN_IF_ERROR(
        WriteBundle(
            writer, context.number(), draft.policy_hash,
            {draft.suspended_purposes.begin(), draft.suspended_purposes.end()},
            registry->options().engine_version)
            .status());
    CONSENTRY_ASSIGN_OR_RETURN(
        auto configuration,
        registry->Load(writer, context.number(), draft.policy));

    store::v1::Leaf leaf =
        LeafOf(*configuration, plan.caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    for (std::string& detail : draft.details) {
      leaf.add_details(std::move(detail));
    }
    context.SetEntry(CanonicalBytes(leaf));
    context.SetResult(std::move(draft.result));
    context.TouchConfiguration();
    if (plan.negative) context.MarkNegative();
    context.OnStored(
        [registry, configuration, then = std::move(draft.on_stored)] {
          registry->Publish(configuration);
          if (then) then();
        });
    return absl::OkStatus();
  };
  return change;
}

void ConfigurationWriter::Commit(Plan plan, store::ChangeCompletion done) {
  committer_->CommitChange(MakeChange(std::move(plan)), std::move(done));
}

store::ChangeOutcome ConfigurationWriter::CommitAndWait(Plan plan) {
  return committer_->CommitChangeAndWait(MakeChange(std::move(plan)));
}

std::optional<store::RequestBinding> BindRequest(
    const CallerContext& caller, std::string_view request_id,
    const google::protobuf::Message& request) {
  if (request_id.empty()) return std::nullopt;
  return store::RequestBinding{.client = RequesterOf(caller),
                               .request_id = std::string(request_id),
                               .method = caller.method,
                               .request_hash = Sha256(CanonicalBytes(request))};
}

}  // namespace consentry::clients
