#include "gateway/consent/opt_outs.h"

#include <algorithm>

#include "consentry/v1/consent_service.pb.h"

namespace consentry::consent {

std::vector<std::string> TakeOptOuts(const std::set<int>& kinds,
                                     int64_t made_us,
                                     store::v1::SubjectHead* head) {
  std::vector<std::string> changes;
  std::set<int> all(head->opt_outs().begin(), head->opt_outs().end());
  for (const int kind : kinds) {
    all.insert(kind);
    changes.push_back("opt_out." +
                      v1::OptOutKind_Name(static_cast<v1::OptOutKind>(kind)) +
                      "=set");
    auto* dates = head->mutable_opt_out_dates();
    auto date =
        std::find_if(dates->begin(), dates->end(),
                     [&](const auto& one) { return one.kind() == kind; });
    store::v1::OptOutDate* held = date == dates->end() ? dates->Add() : &*date;
    held->set_kind(kind);
    held->set_since_us(std::max(held->since_us(), made_us));
  }
  head->mutable_opt_outs()->Assign(all.begin(), all.end());
  return changes;
}

int64_t OptOutDate(const store::v1::SubjectHead& head, int kind) {
  for (const auto& date : head.opt_out_dates()) {
    if (date.kind() == kind) return date.since_us();
  }
  return 0;
}

}  // namespace consentry::consent
