// Claims against what proves them.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string_view>

#include "policy/conduct/amount_text.h"
#include "policy/conduct/evidence_time.h"
#include "policy/conduct/judges.h"
#include "policy/engine/civil.h"

namespace consentry::conduct {
namespace {

using config::v1::ConductProof;
using config::v1::EvidenceRule;
using policy::kUsPerDay;
using policy::kUsPerSecond;

__extension__ typedef __int128 Wide;

constexpr int64_t kUsPerMinute = 60 * kUsPerSecond;
// Clocks of other computers.
constexpr int64_t kClockSkewUs = kUsPerMinute;

// What one piece of evidence says about one claim, better to worse.
enum class Says { kNothing, kHolds, kOtherwise };

struct Opinion {
  Says says = Says::kNothing;
  std::string_view why;
};

constexpr Opinion kHolds = {Says::kHolds, ""};

Opinion Otherwise(std::string_view why) { return {Says::kOtherwise, why}; }
Opinion Nothing(std::string_view why) { return {Says::kNothing, why}; }

// Empty: the evidence may be looked at.
std::string_view WhyUseless(const Case& at, const EvidenceRule& row,
                            const v1::Evidence& evidence) {
  if (evidence.source().empty()) return "its evidence names no source";
  if (!evidence.has_time()) return "its evidence has no time";
  const auto time = TimeOf(evidence.time());
  if (!time) return "its evidence has no time";
  if (*time > at.question.time_us + kClockSkewUs) {
    return "its evidence is from the future";
  }
  if (row.max_age_minutes() != 0 &&
      at.deliver_us - *time > int64_t{row.max_age_minutes()} * kUsPerMinute) {
    return "its evidence is too old when it is delivered";
  }
  return "";
}

Opinion OnStock(const EvidenceRule& row, const TextFinding& claim,
                int64_t stock) {
  if (stock < 0) return Nothing("its evidence is no count");
  if (stock == 0) return Otherwise("nothing is left at all");
  const int64_t most = claim.quantity.value_or(int64_t{row.few()});
  return stock <= most ? kHolds : Otherwise("more is in stock than it says");
}

Opinion OnCount(const EvidenceRule& row, const TextFinding& claim,
                int64_t count) {
  if (count < 0) return Nothing("its evidence is no count");
  const int64_t least = claim.quantity.value_or(int64_t{row.many()});
  return count >= least ? kHolds : Otherwise("fewer were counted than it says");
}

// Why the ends shown before do not let `end_us` be true; empty: they do.
std::string_view WhyNotHonoured(const Case& at, const EvidenceRule& row,
                                int64_t end_us) {
  bool moved = false;
  bool made_again = false;
  for (const ShownDeadline& shown : at.question.deadlines) {
    const int64_t earlier = shown.offer_end_us;
    if (earlier >= end_us - kUsPerMinute && earlier <= end_us + kUsPerMinute) {
      continue;
    }
    if (earlier > at.deliver_us) {
      moved = true;
    } else if (earlier >
               at.deliver_us - int64_t{row.honoured_days()} * kUsPerDay) {
      made_again = true;
    }
  }
  if (moved) return "another end of the same offer was shown";
  if (made_again) return "the offer ended before and is made again";
  return "";
}

Opinion OnOfferEnd(const Case& at, const EvidenceRule& row,
                   const TextFinding& claim,
                   const google::protobuf::Timestamp& offer_end) {
  const auto end_us = TimeOf(offer_end);
  if (!end_us) return Nothing("its evidence names no end");
  if (*end_us <= at.deliver_us) return Otherwise("the offer is over by then");
  if (claim.left_s) {
    const Wide left_us = Wide{*claim.left_s} * kUsPerSecond;
    // Texts round: "24 hours" is good for 26.
    const Wide slack = std::max(Wide{5 * kUsPerMinute}, left_us / 10);
    const Wide apart = Wide{*end_us} - at.deliver_us - left_us;
    if (apart > slack || apart < -slack) {
      return Otherwise("the offer ends at another time than it says");
    }
  }
  const std::string_view why = WhyNotHonoured(at, row, *end_us);
  if (!why.empty()) return Otherwise(why);
  // Whose end it is: without that nobody can say whether it is honoured.
  if (at.output.item().empty()) {
    return Nothing("its evidence names an end, and the output no item");
  }
  return kHolds;
}

Opinion OnReferencePrice(const Case& at, const TextFinding& claim,
                         const v1::Money& reference) {
  const v1::Money& price = at.output.price();
  if (!at.output.has_price() || price.minor_units() < 0) {
    return Nothing("the output names no price to compare");
  }
  if (reference.minor_units() <= 0 ||
      reference.currency() != price.currency()) {
    return Nothing("its evidence is no price in the same currency");
  }
  const Wide was = reference.minor_units();
  const Wide is = price.minor_units();
  if (is >= was) return Otherwise("it was not dearer in the last 30 days");
  if (claim.percent) {
    // Rounded to the next whole percent, and no further.
    const Wide percent = *claim.percent;
    if (percent < 0 || percent > 100 ||
        2 * percent * was > 200 * (was - is) + was) {
      return Otherwise("the reduction is smaller than it says");
    }
  }
  if (!claim.former_price.empty()) {
    const auto former = AmountIn(claim.former_price, reference.currency());
    if (former && *former > reference.minor_units()) {
      return Otherwise("it was cheaper before than it says");
    }
  }
  return kHolds;
}

Opinion OpinionOf(const Case& at, const EvidenceRule& row,
                  const TextFinding& claim, const v1::Evidence& evidence) {
  ConductProof::Value kind = ConductProof::UNSPECIFIED;
  switch (evidence.fact_case()) {
    case v1::Evidence::kStock:
      kind = ConductProof::STOCK;
      break;
    case v1::Evidence::kOfferEnd:
      kind = ConductProof::OFFER_END;
      break;
    case v1::Evidence::kCount:
      kind = ConductProof::COUNT;
      break;
    case v1::Evidence::kReferencePrice:
      kind = ConductProof::REFERENCE_PRICE;
      break;
    case v1::Evidence::FACT_NOT_SET:
      break;
  }
  if (kind != claim.proof || kind == ConductProof::UNSPECIFIED) {
    return Nothing("");
  }
  const std::string_view useless = WhyUseless(at, row, evidence);
  if (!useless.empty()) return Nothing(useless);
  switch (kind) {
    case ConductProof::STOCK:
      return OnStock(row, claim, evidence.stock());
    case ConductProof::OFFER_END:
      return OnOfferEnd(at, row, claim, evidence.offer_end());
    case ConductProof::COUNT:
      return OnCount(row, claim, evidence.count());
    default:
      return OnReferencePrice(at, claim, evidence.reference_price());
  }
}

void JudgeClaim(const Case& at, const EvidenceRule& row,
                const TextFinding& claim, Judgement* out) {
  const auto find = [&](config::v1::ConductAction::Value action,
                        std::string_view message) {
    AddClaimFinding(at, row.rule(), ActionOf(action), v1::VERDICT_CLASS_CONDUCT,
                    message, claim, out);
  };
  if (claim.proof == ConductProof::NO_FACT) {
    find(row.missing(), "these words must not stand in it");
    return;
  }
  bool proved = false;
  bool contradicted = false;
  // Of several reasons all are told.
  std::set<std::string_view> useless;
  for (const v1::Evidence& evidence : at.output.evidence()) {
    const Opinion opinion = OpinionOf(at, row, claim, evidence);
    switch (opinion.says) {
      case Says::kHolds:
        proved = true;
        break;
      case Says::kOtherwise:
        contradicted = true;
        find(row.contradicted(), opinion.why);
        break;
      case Says::kNothing:
        if (!opinion.why.empty()) useless.insert(opinion.why);
        break;
    }
  }
  if (proved || contradicted) return;
  if (useless.empty()) useless.insert("a claim without evidence");
  for (const std::string_view why : useless) find(row.missing(), why);
}

bool IsAbout(const EvidenceRule& row, const TextFinding& claim) {
  const auto has = [](const auto& values, const auto& value) {
    return std::find(values.begin(), values.end(), value) != values.end();
  };
  return has(row.proofs(), static_cast<int>(claim.proof)) &&
         (row.types().empty() ||
          has(row.types(), static_cast<int>(claim.type))) &&
         (row.claims().empty() || has(row.claims(), claim.claim));
}

void JudgeCombinations(const Case& at, Judgement* out) {
  for (const auto& [row, scope] : at.tables.combinations) {
    if (!Applies(scope, at)) continue;
    std::set<int> types;
    for (const TextFinding& claim : at.claims) {
      if (std::find(row.types().begin(), row.types().end(),
                    static_cast<int>(claim.type)) != row.types().end()) {
        types.insert(claim.type);
      }
    }
    if (types.size() >= row.at_least()) {
      AddFinding(row.rule(), ActionOf(row.action()), v1::VERDICT_CLASS_CONDUCT,
                 "several kinds of pressure at once", out);
    }
  }
}

}  // namespace

void JudgeClaims(const Case& at, Judgement* out) {
  for (const auto& [row, scope] : at.tables.claims) {
    if (!Applies(scope, at)) continue;
    for (const TextFinding& claim : at.claims) {
      if (IsAbout(row, claim)) JudgeClaim(at, row, claim, out);
    }
  }
  JudgeCombinations(at, out);
}

}  // namespace consentry::conduct
