#ifndef CONSENTRY_GATEWAY_FAIRNESS_LOST_AUDITS_H_
#define CONSENTRY_GATEWAY_FAIRNESS_LOST_AUDITS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/store/v1/fairness.pb.h"
#include "consentry/store/v1/leaf.pb.h"
#include "gateway/fairness/fairness_rows.h"
#include "gateway/fairness/report_rows.h"
#include "gateway/store/engine.h"

namespace consentry::fairness {

// What the log says about audits and profiles behind a backup. A date that had
// its audit gets no second one, alpha that was spent is not spent again, and no
// number of a profile's version names two texts. One thread at a time.
class AuditsBehind {
 public:
  // Each entry behind it, in the order of the log.
  void Add(const store::v1::Leaf& leaf);
  bool empty() const {
    return registered_.empty() && ended_.empty() && versions_.empty();
  }

  struct Lost {
    // Audits of which the log alone knows, or whose report it alone has seen.
    int64_t reports = 0;
    // Profiles of which a later text was in force than the backup has.
    std::vector<std::string> profiles;
  };
  // Writes it into the store of a backup that is restored: rows of audits
  // without a file, and profiles with a version that no other text had. Inside
  // of a change.
  absl::StatusOr<Lost> Mark(const FairnessRows& profiles,
                            const ReportRows& reports,
                            store::Connection* connection,
                            store::v1::Leaf* leaf) const;

 private:
  struct Registered {
    // Number of the change.
    int64_t no = 0;
    store::v1::FairnessReportDoc doc;
  };
  struct Ended {
    // 32 bytes; empty: it was given up.
    std::string digest;
    int64_t cases = 0;
    int64_t time_us = 0;
  };
  // By id of the report.
  std::map<std::string, Registered> registered_;
  std::map<std::string, Ended> ended_;
  // By id of the profile, the highest.
  std::map<std::string, uint64_t> versions_;
};

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_LOST_AUDITS_H_
