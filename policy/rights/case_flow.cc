#include "policy/rights/case_flow.h"

namespace consentry::policy {
namespace {

using v1::RightsState;
using PackRight = config::v1::Right;

RightsState Answered(const CaseStanding& standing) {
  if (standing.nobody) return v1::RIGHTS_STATE_NOTHING_HELD;
  if (standing.refuses_all) return v1::RIGHTS_STATE_REFUSED;
  if (standing.refuses_some) return v1::RIGHTS_STATE_PARTIAL;
  return v1::RIGHTS_STATE_COMPLETED;
}

RightsState Working(const CaseStanding& standing) {
  return standing.verified ? v1::RIGHTS_STATE_WORKING
                           : v1::RIGHTS_STATE_VERIFYING;
}

bool MayComplete(const CaseStanding& standing) {
  if (standing.state != v1::RIGHTS_STATE_WORKING) {
    // "Nothing held" reveals nothing that needs an identity.
    return standing.nobody && (standing.state == v1::RIGHTS_STATE_VERIFYING ||
                               standing.state == v1::RIGHTS_STATE_APPROVING);
  }
  if (standing.nobody) return true;
  if (standing.refuses_all || standing.refuses_some) return standing.approved;
  // An erasure ends by its job alone.
  if (standing.kind == v1::RIGHTS_KIND_ERASURE) return false;
  return standing.approved || !NeedsApproval(standing.kind);
}

}  // namespace

bool IsOpen(RightsState state) {
  switch (state) {
    case v1::RIGHTS_STATE_VERIFYING:
    case v1::RIGHTS_STATE_WORKING:
    case v1::RIGHTS_STATE_APPROVING:
    case v1::RIGHTS_STATE_WAITING:
    case v1::RIGHTS_STATE_PAUSED:
      return true;
    default:
      return false;
  }
}

std::optional<RightsState> After(const CaseStanding& standing,
                                 CaseAction action) {
  const RightsState state = standing.state;
  switch (action) {
    case CaseAction::kVerify:
      if (state == v1::RIGHTS_STATE_VERIFYING ||
          state == v1::RIGHTS_STATE_PAUSED) {
        return state == v1::RIGHTS_STATE_PAUSED ? state : Working(standing);
      }
      return std::nullopt;
    case CaseAction::kExtend:
      if (state == v1::RIGHTS_STATE_VERIFYING ||
          state == v1::RIGHTS_STATE_WORKING ||
          state == v1::RIGHTS_STATE_APPROVING ||
          state == v1::RIGHTS_STATE_PAUSED) {
        return state;
      }
      return std::nullopt;
    case CaseAction::kPause:
      if (state == v1::RIGHTS_STATE_VERIFYING ||
          state == v1::RIGHTS_STATE_WORKING) {
        return v1::RIGHTS_STATE_PAUSED;
      }
      return std::nullopt;
    case CaseAction::kResume:
      if (state != v1::RIGHTS_STATE_PAUSED) return std::nullopt;
      return Working(standing);
    case CaseAction::kPlan:
      // Who cannot be identified is refused without having been.
      if (state == v1::RIGHTS_STATE_VERIFYING ||
          state == v1::RIGHTS_STATE_WORKING ||
          state == v1::RIGHTS_STATE_APPROVING) {
        return v1::RIGHTS_STATE_APPROVING;
      }
      return std::nullopt;
    case CaseAction::kApprove:
      if (state != v1::RIGHTS_STATE_APPROVING) return std::nullopt;
      return standing.kind == v1::RIGHTS_KIND_ERASURE && !standing.refuses_all
                 ? v1::RIGHTS_STATE_WAITING
                 : v1::RIGHTS_STATE_WORKING;
    case CaseAction::kComplete:
      if (!MayComplete(standing)) return std::nullopt;
      return Answered(standing);
    case CaseAction::kErased:
      if (state != v1::RIGHTS_STATE_WAITING) return std::nullopt;
      // Nobody is held any more, and somebody was.
      if (standing.refuses_all || standing.refuses_some) {
        return v1::RIGHTS_STATE_PARTIAL;
      }
      return v1::RIGHTS_STATE_COMPLETED;
    case CaseAction::kCancel:
      if (IsOpen(state)) return v1::RIGHTS_STATE_CANCELLED;
      return std::nullopt;
    case CaseAction::kAppeal:
      if (state == v1::RIGHTS_STATE_REFUSED ||
          state == v1::RIGHTS_STATE_PARTIAL) {
        return state;
      }
      return std::nullopt;
  }
  return std::nullopt;
}

std::string_view WaitsFor(const CaseStanding& standing) {
  switch (standing.state) {
    case v1::RIGHTS_STATE_VERIFYING:
      return standing.nobody ? "staff" : "customer";
    case v1::RIGHTS_STATE_PAUSED:
      return "customer";
    case v1::RIGHTS_STATE_WORKING:
    case v1::RIGHTS_STATE_APPROVING:
      return "staff";
    case v1::RIGHTS_STATE_WAITING:
      return "gateway";
    default:
      return "";
  }
}

bool IsUnverified(v1::RightsKind kind) {
  return kind == v1::RIGHTS_KIND_OPT_OUT_OF_SALE ||
         kind == v1::RIGHTS_KIND_LIMIT_SENSITIVE ||
         kind == v1::RIGHTS_KIND_OPT_OUT_OF_PROFILING;
}

bool NeedsApproval(v1::RightsKind kind) {
  return kind == v1::RIGHTS_KIND_RECTIFICATION ||
         kind == v1::RIGHTS_KIND_ERASURE;
}

bool HasReport(v1::RightsKind kind) {
  return kind == v1::RIGHTS_KIND_ACCESS || kind == v1::RIGHTS_KIND_PORTABILITY;
}

PackRight::Value RightOf(v1::RightsKind kind) {
  switch (kind) {
    case v1::RIGHTS_KIND_ACCESS:
      return PackRight::ACCESS;
    case v1::RIGHTS_KIND_PORTABILITY:
      return PackRight::PORTABILITY;
    case v1::RIGHTS_KIND_RECTIFICATION:
      return PackRight::RECTIFICATION;
    case v1::RIGHTS_KIND_ERASURE:
      return PackRight::ERASURE;
    case v1::RIGHTS_KIND_RESTRICTION:
      return PackRight::RESTRICTION;
    case v1::RIGHTS_KIND_OBJECTION:
      return PackRight::OBJECTION;
    case v1::RIGHTS_KIND_OPT_OUT_OF_SALE:
      return PackRight::OPT_OUT_SALE_SHARE;
    case v1::RIGHTS_KIND_LIMIT_SENSITIVE:
      return PackRight::LIMIT_SENSITIVE;
    case v1::RIGHTS_KIND_COMPLAINT:
      return PackRight::COMPLAINT;
    case v1::RIGHTS_KIND_OPT_OUT_OF_PROFILING:
      return PackRight::OPT_OUT_PROFILING;
    case v1::RIGHTS_KIND_HUMAN_REVIEW:
      return PackRight::HUMAN_REVIEW;
    case v1::RIGHTS_KIND_EXPLANATION:
      return PackRight::EXPLANATION;
    default:
      return PackRight::UNSPECIFIED;
  }
}

}  // namespace consentry::policy
