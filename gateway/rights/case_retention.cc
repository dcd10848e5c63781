#include "gateway/rights/case_retention.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/rights/case_law.h"
#include "policy/engine/rights_tables.h"
#include "policy/rights/clock.h"
#include "proto/support/status_macros.h"

namespace consentry::rights {
namespace {

// Cases that one step opens; those that it removes are among them.
constexpr size_t kCasesPerStep = 128;
constexpr char kEvent[] = "system.cases_expired";

}  // namespace

int64_t KeptUntil(const policy::Bundle& bundle,
                  const store::v1::RightsCaseDoc& doc) {
  if (policy::IsOpen(static_cast<v1::RightsState>(doc.state())) ||
      doc.closed_us() == 0) {
    return 0;
  }
  // It is by the case that a restriction is lifted.
  if (doc.kind() == v1::RIGHTS_KIND_RESTRICTION && doc.in_force()) return 0;
  std::vector<std::string> regimes(doc.without_right().begin(),
                                   doc.without_right().end());
  for (const auto& clock : doc.clocks()) regimes.push_back(clock.regime());
  policy::Reckoning reckoning;
  reckoning.utc_offset_minutes = bundle.profile().utc_offset_minutes();
  int64_t until = 0;
  for (const std::string& name : regimes) {
    const auto regime = bundle.FindRegime(name);
    if (!regime) continue;
    const auto* proof = policy::ProofOf(bundle, *regime, doc.closed_us());
    if (proof == nullptr || !proof->has_keep()) continue;
    until =
        std::max(until, policy::EndOf(proof->keep(), doc.closed_us(), reckoning,
                                      policy::Holidays::Shipped()));
  }
  return until;
}

absl::StatusOr<bool> CaseRetention::HasPassed(store::Connection* connection,
                                              const CaseRow& row,
                                              int64_t now_us) const {
  const auto configuration = options_.configuration();
  const int64_t until = KeptUntil(configuration->bundle(), row.doc);
  if (until == 0 || until >= now_us) return false;
  if (!row.doc.appealed_by().empty()) {
    const auto id =
        crypto::ParseId(crypto::IdKind::kRightsRequest, row.doc.appealed_by());
    const auto appeal =
        id.ok() ? options_.rows->Read(connection, *id) : id.status();
    if (appeal.ok() &&
        policy::IsOpen(static_cast<v1::RightsState>(appeal->doc.state()))) {
      return false;
    }
  }
  if (row.subject != 0 && options_.is_held) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool held,
                               options_.is_held(connection, row.subject));
    return !held;
  }
  return true;
}

absl::StatusOr<int64_t> CaseRetention::Run() {
  int64_t removed = 0;
  CasePlace place{.open = false};
  for (bool more = true; more;) {
    const int64_t now_us = options_.committer->NowUs();
    std::vector<crypto::ObjectId> passed;
    {
      CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
      const CasePlace before = place;
      CONSENTRY_ASSIGN_OR_RETURN(
          const auto rows,
          options_.rows->List(lease.get(), {}, before, kCasesPerStep, &place));
      more = place.case_no != before.case_no;
      for (const CaseRow& row : rows) {
        CONSENTRY_ASSIGN_OR_RETURN(const bool gone,
                                   HasPassed(lease.get(), row, now_us));
        if (gone) passed.push_back(row.id);
      }
    }
    if (passed.empty()) continue;
    store::Change change;
    change.apply = [&](store::ChangeContext& context) -> absl::Status {
      clients::CallerContext self;
      self.event = kEvent;
      store::v1::Leaf leaf =
          clients::LeafOf(*options_.configuration(), self, context.now_us());
      leaf.set_change_number(static_cast<uint64_t>(context.number()));
      for (const crypto::ObjectId& id : passed) {
        auto row = options_.rows->Read(context.connection(), id);
        if (absl::IsNotFound(row.status())) continue;
        CONSENTRY_RETURN_IF_ERROR(row.status());
        // Reopened or held meanwhile.
        CONSENTRY_ASSIGN_OR_RETURN(
            const bool still,
            HasPassed(context.connection(), *row, context.now_us()));
        if (!still) continue;
        CONSENTRY_RETURN_IF_ERROR(
            options_.rows->Remove(context.connection(), row->case_no));
        leaf.add_details("case=" +
                         crypto::FormatId(crypto::IdKind::kRightsRequest, id));
        ++removed;
      }
      context.SetEntry(clients::CanonicalBytes(leaf));
      return absl::OkStatus();
    };
    CONSENTRY_RETURN_IF_ERROR(
        options_.committer->CommitChangeAndWait(std::move(change)).status);
  }
  return removed;
}

}  // namespace consentry::rights
