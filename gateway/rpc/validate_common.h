#ifndef CONSENTRY_GATEWAY_RPC_VALIDATE_COMMON_H_
#define CONSENTRY_GATEWAY_RPC_VALIDATE_COMMON_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "consentry/v1/common.pb.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/rpc/fault_list.h"
#include "gateway/rpc/limits.h"
#include "google/protobuf/repeated_field.h"
#include "google/protobuf/timestamp.pb.h"

// Checks that several requests share. `field` is the path that faults name.
namespace consentry::rpc {

using Strings = google::protobuf::RepeatedPtrField<std::string>;

// "fields[3]".
std::string At(std::string_view field, int index);
// "subject.id".
std::string Dot(std::string_view field, std::string_view sub);

// 1 to `most` characters of [a-z0-9_.-]: purposes, kinds, sources, notices.
void CheckKey(std::string_view value, std::string field, FaultList* faults,
              size_t most = kMaxKeyBytes);
// Empty or printable text of at most `most` bytes without control characters.
void CheckText(std::string_view value, std::string field, size_t most,
               FaultList* faults);
// Empty or a UUID as RFC 9562 writes it.
void CheckRequestId(std::string_view value, FaultList* faults);
// Empty or at most `most` bytes of printable ASCII: tokens of ours.
void CheckToken(std::string_view value, std::string field, size_t most,
                FaultList* faults);
void CheckPage(int32_t size, int32_t most, std::string_view token,
               FaultList* faults);
// A channel with a name, UNSPECIFIED included.
void CheckChannel(v1::Channel channel, std::string field, FaultList* faults);
void CheckContext(const v1::CallContext& context, FaultList* faults);
// Years 1900 to 9999, nanoseconds in range. Absent passes.
void CheckTime(bool present, const google::protobuf::Timestamp& time,
               std::string field, FaultList* faults);

void CheckSubject(bool present, const v1::SubjectRef& subject,
                  std::string field, FaultList* faults);
void CheckSubjects(
    const google::protobuf::RepeatedPtrField<v1::SubjectRef>& subjects,
    int most, FaultList* faults);
void CheckIdentifier(const v1::Identifier& identifier, const std::string& field,
                     FaultList* faults);
// 1 to kMaxFields of "kind.field" or "kind.*".
void CheckFields(const Strings& fields, FaultList* faults);
void CheckValue(const v1::Value& value, std::string field, FaultList* faults);
// Empty or the shape of a BCP 47 tag.
void CheckLanguage(std::string_view language, std::string field,
                   FaultList* faults);
void CheckNotice(const v1::NoticeRef& notice, const std::string& field,
                 FaultList* faults);
// At most `most` keys, each once; at least `least`.
void CheckPurposes(const Strings& purposes, int least, FaultList* faults);

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_VALIDATE_COMMON_H_
