#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "gateway/rpc/validate.h"

// Any bytes that parse as a request are checked without a fault of ours, and
// what is said about them repeats none of their text.
namespace {

template <class Request>
void Check(const uint8_t* data, size_t size) {
  Request request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return;
  consentry::rpc::FaultList faults;
  consentry::rpc::Validate(request, &faults);
  const absl::Status status = faults.ToStatus();
  if (faults.empty() != status.ok()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace v1 = consentry::v1;
  if (size < 1) return 0;
  const uint8_t kind = data[0] % 12;
  ++data;
  --size;
  switch (kind) {
    case 0:
      Check<v1::ReadSubjectRequest>(data, size);
      break;
    case 1:
      Check<v1::BatchReadSubjectsRequest>(data, size);
      break;
    case 2:
      Check<v1::SelectSubjectsRequest>(data, size);
      break;
    case 3:
      Check<v1::WriteRecordRequest>(data, size);
      break;
    case 4:
      Check<v1::ImportRecordsRequest>(data, size);
      break;
    case 5:
      Check<v1::RecordConsentRequest>(data, size);
      break;
    case 6:
      Check<v1::OptOutRequest>(data, size);
      break;
    case 7:
      Check<v1::GetConsentStateRequest>(data, size);
      break;
    case 8:
      Check<v1::QueryAuditEntriesRequest>(data, size);
      break;
    case 9:
      Check<v1::ProveConsistencyRequest>(data, size);
      break;
    case 10:
      Check<v1::CreateClientRequest>(data, size);
      break;
    default:
      Check<v1::UpdatePolicyRequest>(data, size);
      break;
  }
  return 0;
}
