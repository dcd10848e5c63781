#include "tools/consentry/policy_lint.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/engine/check.h"
#include "policy/engine/civil.h"
#include "policy/packs/fideslang.h"

namespace consentry::tools {
namespace {

using config::v1::Channel;
using config::v1::Evidence;
using config::v1::Pack;
using config::v1::PurposeClass;
using policy::Fault;
using policy::Located;
using policy::Place;
using policy::Validity;

class Linter {
 public:
  void Add(Severity severity, const Fault& fault) {
    findings_.push_back({severity, fault.place,
                         fault.field.empty()
                             ? fault.message
                             : absl::StrCat(fault.field, ": ", fault.message)});
  }
  void Add(Severity severity, const Place& place, std::string message) {
    Add(severity, place.MakeFault(std::move(message)));
  }

  std::vector<LintFinding> Take() {
    std::stable_sort(findings_.begin(), findings_.end(),
                     [](const LintFinding& a, const LintFinding& b) {
                       return a.severity > b.severity;
                     });
    return std::move(findings_);
  }

 private:
  std::vector<LintFinding> findings_;
};

void LintEvidence(const Located<Pack>& located, Linter* out) {
  const Pack& pack = located.message;
  if (pack.kind() != Pack::LEGAL) return;
  policy::ForEachRule(
      pack, [&](const config::v1::RuleInfo& rule, const char* rows, int i) {
        if (rule.evidence() == Evidence::CHECKED) return;
        out->Add(Severity::kNote,
                 policy::PlaceOf(located).At(rows, i).At("rule").At("citation"),
                 absl::StrCat(pack.id(), "/", rule.id(), ": ",
                              rule.evidence() == Evidence::SECONDARY
                                  ? "checked against a secondary source only"
                                  : "cited and not checked",
                              " (", rule.citation(), ")"));
      });
  for (int i = 0; i < pack.minors_size(); ++i) {
    for (int j = 0; j < pack.minors(i).below_age_in_size(); ++j) {
      const auto& age = pack.minors(i).below_age_in(j);
      if (age.evidence() == Evidence::CHECKED) continue;
      const auto evidence = age.evidence() == Evidence::UNSPECIFIED
                                ? pack.minors(i).rule().evidence()
                                : age.evidence();
      if (evidence == Evidence::CHECKED) continue;
      out->Add(
          Severity::kNote,
          policy::PlaceOf(located).At("minors", i).At("below_age_in", j),
          absl::StrCat(pack.id(), "/", pack.minors(i).rule().id(), " ",
                       age.jurisdictions_size() > 0 ? age.jurisdictions(0) : "",
                       ": age ", age.below_age(),
                       evidence == Evidence::SECONDARY
                           ? " checked against a secondary source only"
                           : " not checked"));
    }
  }
}

std::string Day(int64_t time_us) {
  return policy::FormatDay(static_cast<int32_t>(time_us / policy::kUsPerDay));
}

// Days of the pack on which no row of `rows` holds; empty: none.
std::string FirstGap(const Pack& pack, std::vector<Validity> rows) {
  config::v1::RuleInfo whole;
  const Validity pack_days = policy::ValidityOf(pack, whole);
  std::sort(rows.begin(), rows.end(), [](const Validity& a, const Validity& b) {
    return a.from_us < b.from_us;
  });
  int64_t reached = pack_days.from_us;
  for (const Validity& row : rows) {
    if (row.from_us > reached) {
      return absl::StrCat("from ",
                          reached == INT64_MIN ? "the beginning" : Day(reached),
                          " to ", Day(row.from_us));
    }
    reached = std::max(reached, row.to_us);
  }
  if (reached >= pack_days.to_us) return "";
  return reached == pack_days.from_us ? "ever"
                                      : absl::StrCat("from ", Day(reached));
}

void LintCells(const Located<Pack>& located, Linter* out) {
  const Pack& pack = located.message;
  if (pack.kind() != Pack::LEGAL) return;
  for (int c = 1; c < PurposeClass::Value_ARRAYSIZE; ++c) {
    if (!PurposeClass::Value_IsValid(c)) continue;
    std::set<std::string> gaps;
    std::vector<std::string> where;
    bool all = true;
    for (int ch = 1; ch < Channel::Value_ARRAYSIZE; ++ch) {
      if (!Channel::Value_IsValid(ch)) continue;
      std::vector<Validity> rows;
      for (const auto& use : pack.uses()) {
        const auto has = [](const auto& values, int value) {
          return std::find(values.begin(), values.end(), value) != values.end();
        };
        if (has(use.classes(), c) &&
            (use.channels().empty() || has(use.channels(), ch))) {
          rows.push_back(policy::ValidityOf(pack, use.rule()));
        }
      }
      const std::string gap = FirstGap(pack, std::move(rows));
      if (gap.empty()) {
        all = false;
      } else {
        gaps.insert(gap);
        where.push_back(Channel::Value_Name(static_cast<Channel::Value>(ch)));
      }
    }
    if (gaps.empty()) continue;
    std::string message = absl::StrCat(
        pack.id(), ": no use rule for ",
        PurposeClass::Value_Name(static_cast<PurposeClass::Value>(c)));
    if (!all) {
      absl::StrAppend(&message, " by");
      for (const std::string& channel : where) {
        absl::StrAppend(&message, " ", channel);
      }
    }
    out->Add(Severity::kWarning, policy::PlaceOf(located),
             absl::StrCat(message, ", ", *gaps.begin(), ": denied"));
  }
}

bool Together(const Pack& pack, const config::v1::RuleInfo& a,
              const config::v1::RuleInfo& b) {
  const Validity x = policy::ValidityOf(pack, a);
  const Validity y = policy::ValidityOf(pack, b);
  return x.from_us < y.to_us && y.from_us < x.to_us;
}

template <class Rows, class Same>
void LintTwice(const Located<Pack>& located, const Rows& rows, const char* name,
               Same same, Linter* out) {
  for (int i = 0; i < rows.size(); ++i) {
    for (int j = i + 1; j < rows.size(); ++j) {
      if (same(rows[i], rows[j]) &&
          Together(located.message, rows[i].rule(), rows[j].rule())) {
        out->Add(Severity::kWarning, policy::PlaceOf(located).At(name, j),
                 absl::StrCat("says the same thing as ", rows[i].rule().id(),
                              " on some day: which holds is not said"));
      }
    }
  }
}

void LintOverlaps(const Located<Pack>& located, Linter* out) {
  const Pack& pack = located.message;
  LintTwice(
      located, pack.clocks(), "clocks",
      [](const auto& a, const auto& b) { return a.right() == b.right(); }, out);
  LintTwice(
      located, pack.reasks(), "reasks",
      [](const auto& a, const auto& b) {
        for (const int x : a.classes()) {
          for (const int y : b.classes()) {
            if (x == y) return true;
          }
        }
        return a.classes().empty() || b.classes().empty();
      },
      out);
  const auto always = [](const auto&, const auto&) { return true; };
  LintTwice(located, pack.breaches(), "breaches", always, out);
  LintTwice(located, pack.proofs(), "proofs", always, out);
}

void LintCategories(const policy::BundleSources& sources, Linter* out) {
  const auto check = [&](const std::string& category, const Place& place) {
    if (!policy::IsFideslangCategory(category)) {
      out->Add(Severity::kWarning, place,
               absl::StrCat(category, " is no data category of fideslang"));
    }
  };
  const auto& kinds = sources.catalog.message.kinds();
  for (int k = 0; k < kinds.size(); ++k) {
    for (int f = 0; f < kinds[k].fields_size(); ++f) {
      const auto& field = kinds[k].fields(f);
      const Place at =
          policy::PlaceOf(sources.catalog).At("kinds", k).At("fields", f);
      check(field.category(), at.At("category"));
      for (int r = 0; r < field.reveals_size(); ++r) {
        check(field.reveals(r), at.At("reveals", r));
      }
    }
  }
  for (const auto& pack : sources.packs) {
    const Place root = policy::PlaceOf(pack);
    for (int i = 0; i < pack.message.sensitive_categories_size(); ++i) {
      check(pack.message.sensitive_categories(i),
            root.At("sensitive_categories", i));
    }
    for (int i = 0; i < pack.message.sensitive_size(); ++i) {
      for (int j = 0; j < pack.message.sensitive(i).categories_size(); ++j) {
        check(pack.message.sensitive(i).categories(j),
              root.At("sensitive", i).At("categories", j));
      }
    }
    for (int i = 0; i < pack.message.owner_rules_size(); ++i) {
      for (int j = 0; j < pack.message.owner_rules(i).categories_size(); ++j) {
        check(pack.message.owner_rules(i).categories(j),
              root.At("owner_rules", i).At("categories", j));
      }
    }
  }
}

}  // namespace

std::vector<LintFinding> LintPolicy(policy::BundleSources sources) {
  Linter out;
  for (const auto& pack : sources.packs) {
    LintEvidence(pack, &out);
    LintCells(pack, &out);
    LintOverlaps(pack, &out);
  }
  LintCategories(sources, &out);
  if (sources.profile.message.home().empty()) {
    // A user-assigned code: no place at all.
    sources.profile.message.set_home("ZZ");
  }
  const auto bundle = policy::Bundle::Compile(std::move(sources));
  if (bundle.ok()) {
    for (const Fault& fault : (*bundle)->warnings()) {
      const bool condition =
          fault.message.find(": only if ") != std::string::npos;
      out.Add(condition ? Severity::kNote : Severity::kWarning, fault);
    }
  } else {
    const std::string text(bundle.status().message().data(),
                           bundle.status().message().size());
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      if (!line.empty()) {
        Fault fault;
        fault.message = std::string(line.data(), line.size());
        out.Add(Severity::kError, fault);
      }
    }
  }
  return out.Take();
}

}  // namespace consentry::tools
