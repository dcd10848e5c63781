#ifndef CONSENTRY_GATEWAY_RPC_ENTRIES_H_
#define CONSENTRY_GATEWAY_RPC_ENTRIES_H_

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "consentry/store/v1/leaf.pb.h"
#include "gateway/clients/caller_context.h"
#include "gateway/rpc/call.h"
#include "gateway/store/committer.h"

namespace consentry::rpc {

// The caller as access and the ledger take it: what the pipeline established,
// and the request's context with the transport's privacy signal merged in.
clients::CallerContext CallerOf(const CallInfo& call,
                                const v1::CallContext& context);

// The leaf of a call that is about no customer: event, caller, bundle, epoch.
// The time is set when it is committed.
store::v1::Leaf LeafOf(const CallInfo& call);

// Commits an entry that rests on no subject's facts (a list of clients, a
// refusal, a view of the log) and is not a change. `done` runs once, with what
// to hold until the answer is out: see store::ReadOutcome. Retried when the
// configuration changed meanwhile: such an entry stays true.
using EntryDone =
    absl::AnyInvocable<void(absl::Status, store::ReleaseTicket, uint64_t)>;
void CommitEntry(store::Committer* committer, store::v1::Leaf leaf,
                 EntryDone done);

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_ENTRIES_H_
