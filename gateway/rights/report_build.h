#ifndef CONSENTRY_GATEWAY_RIGHTS_REPORT_BUILD_H_
#define CONSENTRY_GATEWAY_RIGHTS_REPORT_BUILD_H_

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "consentry/store/v1/leaf.pb.h"
#include "consentry/store/v1/report.pb.h"
#include "consentry/store/v1/rights.pb.h"
#include "consentry/v1/common.pb.h"
#include "gateway/access/subject_export.h"
#include "gateway/clients/configuration.h"

namespace consentry::rights {

// What a report is made of.
struct ReportInput {
  const clients::Configuration* configuration = nullptr;
  const store::v1::RightsCaseDoc* doc = nullptr;
  const access::SubjectExport* data = nullptr;
  // Her cases, this one included.
  std::vector<store::v1::RightsCaseDoc> cases;
  bool suppressed = false;
  // Fields that may name others and were looked at, and what stands in place of
  // single values ("rec_.../kind.field").
  std::set<std::string> others_checked;
  std::map<std::string, std::string> redactions;
  int64_t now_us = 0;
};

// All of GDPR Art. 15(1) and (2) but for who looked at the data; for a
// portability case what is hers to take along: provided or observed data that
// is used on a basis that the right reaches (PROTOCOLS G6). Values that a
// regime forbids to hand out (11 CCR 7024(d)), or that may name others and
// nobody has looked at, are named and not shown. Pure.
store::v1::AccessReport BuildReport(const ReportInput& input);

// Adds what an entry of the log says about the subjects of `items`: date,
// purpose, organisation, system or role. Never a member of staff. Entries come
// newest first.
class ConsultationList {
 public:
  ConsultationList(const clients::Configuration* configuration,
                   store::v1::AccessReport* report)
      : configuration_(configuration), report_(report) {}
  void Add(const store::v1::Leaf& leaf, std::span<const uint16_t> items);
  // Puts them into order and sums up the recipients.
  void Finish();

 private:
  struct Received {
    std::string country;
    std::set<std::string> purposes;
    uint64_t releases = 0;
    int64_t first_us = INT64_MAX;
    int64_t last_us = 0;
  };
  const clients::Configuration* const configuration_;
  store::v1::AccessReport* const report_;
  std::map<std::string, Received> received_;
};

// A value as people read it; amounts with their currency, times in RFC 3339.
std::string TextOf(const v1::Value& value);

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_REPORT_BUILD_H_
