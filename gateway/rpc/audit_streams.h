#ifndef CONSENTRY_GATEWAY_RPC_AUDIT_STREAMS_H_
#define CONSENTRY_GATEWAY_RPC_AUDIT_STREAMS_H_

#include <memory>

#include "consentry/v1/audit_service.pb.h"
#include "gateway/access/audit_reader.h"
#include "gateway/base/threads.h"
#include "gateway/rpc/call.h"
#include "gateway/rpc/stream_call.h"

namespace consentry::rpc {

// The sources of AuditService's two streams. The entry about the stream is
// written before its first message. `reader` and `call` outlive the source;
// `waiters` reads from the disk and waits for new entries, a fifth of a second
// at a time, so that a few threads serve many streams.
std::unique_ptr<StreamSource<v1::ExportAuditEntriesResponse>> MakeExportSource(
    access::AuditReader* reader, base::WorkerPool* waiters,
    const CallInfo* call, const v1::ExportAuditEntriesRequest& request);

std::unique_ptr<StreamSource<v1::AuditEntry>> MakeTailSource(
    access::AuditReader* reader, base::WorkerPool* waiters,
    const CallInfo* call, const v1::TailAuditEntriesRequest& request);

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_AUDIT_STREAMS_H_
