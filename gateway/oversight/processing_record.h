#ifndef CONSENTRY_GATEWAY_OVERSIGHT_PROCESSING_RECORD_H_
#define CONSENTRY_GATEWAY_OVERSIGHT_PROCESSING_RECORD_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "consentry/v1/audit_service.pb.h"
#include "gateway/clients/configuration.h"
#include "gateway/oversight/field_sets.h"

namespace consentry::oversight {

// What the log shows to have been done for one purpose in a span of time.
struct PurposeUse {
  uint32_t fields = 0;  // Of ProcessingSums::sets.
  std::set<std::string, std::less<>> clients;
  // By subject number: one bit for each customer about whom something was
  // released. Customers erased since are not in it.
  std::vector<bool> subjects;
  int64_t subject_count = 0;
  int64_t releases = 0;
  int64_t denials = 0;
};

struct ProcessingSums {
  FieldSets sets;
  // By key of the purpose registry.
  std::map<std::string, PurposeUse, std::less<>> purposes;

  // Adds an entry; `subjects` as in trail::TrailIndex::Walked.
  void Add(const store::v1::Leaf& leaf, std::span<const uint64_t> subjects);
};

// Records of processing activities (GDPR Art. 30(1)): what purposes, catalog
// and registrations declare, beside what was done, and where the two differ.
// Times, contacts and protection are the caller's to add. Pure.
v1::ProcessingRecord MakeProcessingRecord(
    const clients::Configuration& configuration, const ProcessingSums& sums);

}  // namespace consentry::oversight

#endif  // CONSENTRY_GATEWAY_OVERSIGHT_PROCESSING_RECORD_H_
