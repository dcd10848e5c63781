#include "audit/verify/findings.h"

#include <utility>

namespace consentry::audit {

std::string_view NameOf(Fault fault) {
  switch (fault) {
    case Fault::kChanged:
      return "changed";
    case Fault::kRemoved:
      return "removed";
    case Fault::kInserted:
      return "inserted";
    case Fault::kReordered:
      return "reordered";
    case Fault::kDuplicated:
      return "duplicated";
    case Fault::kTailCut:
      return "tail-cut";
    case Fault::kRewound:
      return "rewound";
    case Fault::kBadSignature:
      return "bad-signature";
    case Fault::kUnknownKey:
      return "unknown-key";
    case Fault::kMalformedCheckpoint:
      return "malformed-checkpoint";
    case Fault::kMissingCheckpoint:
      return "missing-checkpoint";
    case Fault::kRootMismatch:
      return "root-mismatch";
    case Fault::kBadFrame:
      return "bad-frame";
    case Fault::kBadTile:
      return "bad-tile";
    case Fault::kOtherLog:
      return "other-log";
  }
  return "unknown";
}

void VerifyReport::Add(Finding finding) {
  ++finding_count;
  if (findings.size() < kMaxFindings) findings.push_back(std::move(finding));
}

}  // namespace consentry::audit
