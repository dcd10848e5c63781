// The amount itself.
#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "policy/conduct/judges.h"

namespace consentry::conduct {
namespace {

using config::v1::PriceRule;

// Products of two amounts do not overflow it.
__extension__ typedef __int128 Wide;

bool IsCurrency(const std::string& code) {
  return code.size() == 3 &&
         std::all_of(code.begin(), code.end(), absl::ascii_isupper);
}

bool IsAmount(const v1::Money& money) {
  return IsCurrency(money.currency()) && money.minor_units() >= 0;
}

void Refuse(std::string_view id, std::string_view message, Judgement* out) {
  config::v1::RuleInfo rule;
  rule.set_id(std::string(id));
  rule.set_citation("own policy: what cannot be judged does not go out");
  AddFinding(rule, Action::kBlock, v1::VERDICT_CLASS_CONDUCT, message, out);
}

// False: there is no amount to go on with.
bool CheckAmounts(const v1::Output& output, Judgement* out) {
  bool good = output.has_price();
  if (output.kind() == v1::OUTPUT_KIND_PRICE && !output.has_price()) {
    Refuse("output.price", "a price without an amount", out);
  }
  if (output.has_price() && !IsAmount(output.price())) {
    Refuse("output.price", "the price is no amount of money", out);
    good = false;
  }
  if (output.has_base_price()) {
    if (!IsAmount(output.base_price())) {
      Refuse("output.base_price",
             "the price without personalization is no amount of money", out);
      good = false;
    } else if (output.has_price() &&
               output.price().currency() != output.base_price().currency()) {
      Refuse("output.base_price",
             "the price without personalization is in another currency", out);
      good = false;
    }
  }
  return good;
}

// amount > bound * (1 + percent / 100).
bool Exceeds(int64_t amount, int64_t bound, uint32_t percent) {
  return Wide{amount} * 100 > Wide{bound} * (Wide{100} + percent);
}

void JudgeOthers(const Case& at, const PriceRule& row, Judgement* out) {
  const OthersShown& others = at.question.others;
  if ((!row.has_above_median_percent() && !row.has_spread_percent()) ||
      others.count < int64_t{row.min_others()}) {
    return;
  }
  const auto find = [&](std::string_view message) {
    AddFinding(row.rule(), ActionOf(row.action()), v1::VERDICT_CLASS_CONDUCT,
               message, out);
  };
  const v1::Money& price = at.output.price();
  if (others.currency != price.currency() || others.min < 0 ||
      others.min > others.median || others.median > others.max) {
    find("cannot be compared with what others were shown");
    return;
  }
  if (row.has_above_median_percent() &&
      Exceeds(price.minor_units(), others.median, row.above_median_percent())) {
    find("others were shown a lower price for the same at the same time");
  }
  if (row.has_spread_percent() &&
      Exceeds(std::max(others.max, price.minor_units()),
              std::min(others.min, price.minor_units()),
              row.spread_percent())) {
    find("prices for the same at the same time lie too far apart");
  }
}

}  // namespace

void JudgePrice(const Case& at, Judgement* out) {
  const v1::Output& output = at.output;
  if (!CheckAmounts(output, out)) return;
  for (const auto& [row, scope] : at.tables.prices) {
    if (!Applies(scope, at)) continue;
    JudgeOthers(at, row, out);
    if (row.has_above_base_percent() && output.has_base_price() &&
        Exceeds(output.price().minor_units(), output.base_price().minor_units(),
                row.above_base_percent())) {
      AddFinding(row.rule(), ActionOf(row.action()), v1::VERDICT_CLASS_CONDUCT,
                 "is above the price without personalization", out);
    }
  }
}

}  // namespace consentry::conduct
