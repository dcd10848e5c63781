#ifndef CONSENTRY_GATEWAY_FAIRNESS_INTERRUPTION_H_
#define CONSENTRY_GATEWAY_FAIRNESS_INTERRUPTION_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "consentry/store/v1/leaf.pb.h"
#include "gateway/fairness/fairness_rows.h"
#include "gateway/store/engine.h"

namespace consentry::fairness {

// What the log says about monitors behind a backup. One thread at a time.
class CountedBehind {
 public:
  // Each entry behind it, in any order.
  void Add(const store::v1::Leaf& leaf);
  bool empty() const { return records_.empty(); }

  // Says in the records of a backup that is restored what they lack: how many
  // units were counted behind it, and since when. A violation that was found
  // stands on, without the ends of its sequence; of a version that began behind
  // the backup too, under a new record. Where it was found under another text
  // of the profile than the record's, it stands against the version alone. What
  // a profile that is gone watched is nowhere. Inside of a change.
  absl::Status Mark(const FairnessRows& rows, store::Connection* connection,
                    int64_t now_us, store::v1::Leaf* leaf) const;

 private:
  struct Record {
    uint64_t units = 0;
    // By version of the profile and stream, when it was found.
    std::map<std::pair<uint64_t, size_t>, int64_t> violations;
  };
  // "credit/v7".
  std::map<std::string, Record> records_;
};

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_INTERRUPTION_H_
