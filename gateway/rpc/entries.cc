#include "gateway/rpc/entries.h"

#include <memory>
#include <utility>

#include "gateway/clients/caller_context.h"
#include "gateway/clients/configuration.h"
#include "proto/support/error.h"

namespace consentry::rpc {
namespace {

constexpr int kTries = 5;

void Try(store::Committer* committer, std::shared_ptr<store::v1::Leaf> leaf,
         EntryDone done, int tries_left) {
  store::ReadCommit commit;
  commit.as_of_change = committer->LastStored();
  commit.configuration_epoch = committer->configuration_epoch();
  commit.decided_at_us = committer->NowUs();
  leaf->set_time_us(commit.decided_at_us);
  commit.entry = clients::CanonicalBytes(*leaf);
  committer->CommitRead(
      std::move(commit), [committer, leaf, done = std::move(done),
                          tries_left](store::ReadOutcome outcome) mutable {
        if (outcome.kind == store::ReadOutcome::Kind::kStale) {
          if (tries_left > 1) {
            Try(committer, std::move(leaf), std::move(done), tries_left - 1);
            return;
          }
          outcome.status = MakeError(v1::ERROR_REASON_CONTENDED,
                                     "the configuration keeps changing");
        }
        done(outcome.kind == store::ReadOutcome::Kind::kCommitted
                 ? absl::OkStatus()
                 : outcome.status,
             std::move(outcome.ticket), outcome.log_index);
      });
}

}  // namespace

clients::CallerContext CallerOf(const CallInfo& call,
                                const v1::CallContext& context) {
  clients::CallerContext caller;
  caller.client_id = call.registration().id();
  caller.method = call.method().name;
  caller.event = call.method().audit_event;
  caller.context = context;
  if (call.global_privacy_control()) {
    caller.context.mutable_signals()->set_global_privacy_control(true);
  }
  caller.may_explain = call.may_explain();
  if (const clients::Person* person = call.person()) {
    caller.person = *person;
    caller.context.set_acting_person(person->id);
  }
  return caller;
}

store::v1::Leaf LeafOf(const CallInfo& call) {
  return clients::LeafOf(call.configuration(), CallerOf(call, {}),
                         call.arrived_us());
}

void CommitEntry(store::Committer* committer, store::v1::Leaf leaf,
                 EntryDone done) {
  Try(committer, std::make_shared<store::v1::Leaf>(std::move(leaf)),
      std::move(done), kTries);
}

}  // namespace consentry::rpc
