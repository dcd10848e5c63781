#ifndef CONSENTRY_GATEWAY_ACCESS_SELECT_H_
#define CONSENTRY_GATEWAY_ACCESS_SELECT_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "consentry/v1/data_service.pb.h"
#include "gateway/access/governed_reads.h"

namespace consentry::access {

// Subjects that one call looks at before it answers with what it has: some
// tens of milliseconds of work.
inline constexpr size_t kMaxWalked = 2048;

// SelectSubjects: walks all subjects in the order of their numbers and reads
// each like a batch, released or not. Safe for many threads.
class Selection {
 public:
  // All outlive the object.
  Selection(GovernedReads* reads, const GovernedReads::Options& options)
      : reads_(reads), options_(options) {}

  // FIELD_INVALID for a filter on a field that was not asked for or a test that
  // does not fit; FIELD_NOT_ALLOWED for one that the catalog does not allow as
  // a filter; PAGE_TOKEN_INVALID.
  void Run(Caller caller, const v1::SelectSubjectsRequest& request,
           Done<v1::SelectSubjectsResponse> done);

 private:
  struct Walk;
  void Step(const std::shared_ptr<Walk>& walk);
  void Finish(const std::shared_ptr<Walk>& walk, bool more);

  GovernedReads* const reads_;
  const GovernedReads::Options& options_;
};

// Whether released fields or records pass every filter. Pure.
bool PassesFilters(
    const google::protobuf::RepeatedPtrField<v1::FieldFilter>& filters,
    const v1::ReadSubjectResponse& response);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_SELECT_H_
