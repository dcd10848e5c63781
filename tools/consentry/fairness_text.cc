#include "tools/consentry/fairness_text.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "policy/fairness/figure_words.h"
#include "policy/fairness/groups.h"
#include "tools/consentry/printable.h"

namespace consentry::tools {
namespace {

using policy::fairness::FigureTitle;
using v1::FairnessFigure;
using v1::FairnessReport;

constexpr size_t kWidth = 80;
constexpr char kNothing[] = "-";

// Characters of UTF-8 text.
size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(),
      [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Rows of cells; the first column and the last are flush left, numbers right.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) {
    rows_.push_back(std::move(header));
  }
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.size() < 2; }

  void Print(std::ostream& out) const {
    std::vector<size_t> widths(rows_[0].size());
    // A column without anything to tell is left out.
    std::vector<bool> told(rows_[0].size());
    for (size_t r = 0; r < rows_.size(); ++r) {
      for (size_t i = 0; i < rows_[r].size(); ++i) {
        const std::string& cell = rows_[r][i];
        widths[i] = std::max(widths[i], Width(cell));
        if (r > 0 && !cell.empty() && cell != kNothing) told[i] = true;
      }
    }
    for (const auto& row : rows_) {
      std::string line = "  ";
      for (size_t i = 0; i < row.size(); ++i) {
        if (!told[i]) continue;
        const std::string pad(widths[i] - Width(row[i]), ' ');
        const bool left = i == 0 || i + 1 == row.size();
        if (i > 0) line += "  ";
        line += left ? row[i] + pad : pad + row[i];
      }
      line.erase(line.find_last_not_of(' ') + 1);
      out << line << "\n";
    }
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string Number(double number) {
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  const double size = std::fabs(number);
  if (size != 0 && (size >= 100000 || size < 0.0001)) {
    return absl::StrFormat("%.3g", number);
  }
  return size >= 100 ? absl::StrFormat("%.1f", number)
                     : absl::StrFormat("%.4f", number);
}

// An end of an interval.
std::string End(double number) {
  return std::fabs(number) < 100 ? absl::StrFormat("%.3f", number)
                                 : Number(number);
}

std::string ValueOf(const FairnessFigure* figure) {
  return figure == nullptr || !figure->has_value() ? kNothing
                                                   : Number(figure->value());
}

std::string WithInterval(const FairnessFigure* figure) {
  std::string text = ValueOf(figure);
  if (figure != nullptr && figure->has_value() && figure->has_lower()) {
    absl::StrAppend(&text, " [", End(figure->lower()), ", ",
                    End(figure->upper()), "]");
  }
  return text;
}

std::string Chance(const FairnessFigure* figure) {
  if (figure == nullptr || !figure->has_p_value()) return kNothing;
  return figure->p_value() < 0.0001
             ? absl::StrFormat("%.1e", figure->p_value())
             : absl::StrFormat("%.4f", figure->p_value());
}

// Neither its value nor its counts are told.
bool IsWithheld(const FairnessFigure& figure) {
  return figure.remark() == policy::fairness::kTooFewToTell;
}

std::string CasesOf(const FairnessFigure& figure) {
  return IsWithheld(figure) ? kNothing : absl::StrCat(figure.count());
}

std::string WithBeyond(const FairnessFigure& figure, std::string text) {
  // Once for each group, and where something is decided.
  if ((figure.clipped_count() == 0 && figure.reference_clipped_count() == 0) ||
      (!figure.reference().empty() && !figure.has_tolerance_lower())) {
    return text;
  }
  absl::StrAppend(&text, text.empty() ? "" : "; ", figure.clipped_count());
  if (!figure.reference().empty()) {
    absl::StrAppend(&text, " and ", figure.reference_clipped_count());
  }
  return text + " beyond the range";
}

std::string FindingOf(const FairnessFigure& figure) {
  switch (figure.finding()) {
    case v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE:
      return "OUTSIDE TOLERANCE";
    case v1::FAIRNESS_FINDING_WITHIN_TOLERANCE:
      return "within tolerance";
    case v1::FAIRNESS_FINDING_INSUFFICIENT:
      return absl::StrCat("insufficient: ", figure.remark());
    default:
      return figure.has_value() ? "" : figure.remark();
  }
}

// The groups of one attribute and variant, with all of their figures.
class Section {
 public:
  Section(const FairnessReport& report, const std::string& attribute,
          const std::string& variant) {
    for (const auto& group : report.groups()) {
      if (group.attribute() == attribute && group.variant() == variant) {
        groups_.push_back(&group);
        if (group.reference()) reference_ = group.group();
      }
    }
    for (const FairnessFigure& figure : report.figures()) {
      if (figure.attribute() != attribute || figure.variant() != variant) {
        continue;
      }
      figures_[{figure.group(), figure.metric()}] = &figure;
    }
  }

  const FairnessFigure* Find(const std::string& group,
                             const std::string& metric) const {
    const auto found = figures_.find({group, metric});
    return found == figures_.end() ? nullptr : found->second;
  }

  void Groups(std::ostream& out) const {
    TextTable table({"group", "cases", ""});
    for (const auto* group : groups_) {
      std::string remark = group->reference() ? "reference" : "";
      if (!group->pooled().empty()) {
        remark = absl::StrCat("together: ",
                              Printable(absl::StrJoin(group->pooled(), ", ")));
      }
      if (group->suppressed()) remark = "too few to be told";
      table.Add({Printable(group->group()),
                 group->suppressed() ? kNothing : absl::StrCat(group->count()),
                 remark});
    }
    table.Print(out);
  }

  // A rate of each group, and how it compares with the reference's.
  void Rate(const std::string& metric, std::ostream& out) const {
    TextTable table({"group", "of", "rate", "minus reference", "over reference",
                     "p", "finding"});
    std::string formula;
    for (const auto* group : groups_) {
      const FairnessFigure* rate = Find(group->group(), metric);
      if (rate == nullptr) continue;
      formula = rate->formula();
      const FairnessFigure* difference =
          Find(group->group(), metric + "_group_minus_reference");
      const FairnessFigure* ratio =
          Find(group->group(), metric + "_group_over_reference");
      std::string finding = group->reference() ? "reference" : "";
      for (const FairnessFigure* figure : {difference, ratio}) {
        if (figure != nullptr && finding.empty()) finding = FindingOf(*figure);
        if (figure != nullptr &&
            figure->finding() != v1::FAIRNESS_FINDING_UNSPECIFIED) {
          finding = FindingOf(*figure);
        }
      }
      if (IsWithheld(*rate)) finding = rate->remark();
      table.Add({Printable(group->group()), CasesOf(*rate), WithInterval(rate),
                 WithInterval(difference), WithInterval(ratio),
                 Chance(difference != nullptr && difference->has_p_value()
                            ? difference
                            : ratio),
                 finding});
    }
    if (table.empty()) return;
    out << "\n  " << FigureTitle(metric) << ": " << Printable(formula) << "\n";
    table.Print(out);
  }

  // Several figures of each group beside one another.
  void Beside(const std::vector<std::string>& metrics,
              std::ostream& out) const {
    std::vector<std::string> header = {"group"};
    for (const std::string& metric : metrics)
      header.push_back(FigureTitle(metric));
    header.push_back("");
    TextTable table(header);
    bool any = false;
    for (const auto* group : groups_) {
      std::vector<std::string> row = {Printable(group->group())};
      std::string remark;
      for (const std::string& metric : metrics) {
        const FairnessFigure* figure = Find(group->group(), metric);
        row.push_back(WithInterval(figure));
        if (figure == nullptr) continue;
        any = true;
        if (!figure->has_value()) remark = figure->remark();
      }
      row.push_back(remark);
      table.Add(std::move(row));
    }
    if (!any) return;
    out << "\n";
    table.Print(out);
  }

  // Figures of pairs, one below the other.
  void Pairs(const std::string& title, const std::vector<std::string>& metrics,
             std::ostream& out) const {
    TextTable table({"group", "of", "figure", "value", "p", "finding"});
    for (const auto* group : groups_) {
      for (const std::string& metric : metrics) {
        const FairnessFigure* figure = Find(group->group(), metric);
        if (figure == nullptr) continue;
        std::string finding = FindingOf(*figure);
        if (figure->has_equivalence_p_value()) {
          absl::StrAppend(&finding, finding.empty() ? "" : "; ",
                          absl::StrFormat("equivalence p %.4f",
                                          figure->equivalence_p_value()));
        }
        table.Add({Printable(group->group()), CasesOf(*figure),
                   FigureTitle(metric), WithInterval(figure), Chance(figure),
                   WithBeyond(*figure, std::move(finding))});
      }
    }
    if (table.empty()) return;
    out << "\n  " << title << "\n";
    table.Print(out);
  }

  void Overall(std::ostream& out) const {
    TextTable table({"over all groups", "value", ""});
    for (const auto& [key, figure] : figures_) {
      if (!key.first.empty()) continue;
      table.Add({FigureTitle(figure->metric()), ValueOf(figure),
                 figure->has_value() ? "" : figure->remark()});
    }
    if (table.empty()) return;
    out << "\n";
    table.Print(out);
  }

  std::vector<std::string> ExposureMetrics() const {
    std::set<std::string> metrics;
    for (const auto& [key, figure] : figures_) {
      if (key.second.rfind("mean_exposure", 0) == 0) metrics.insert(key.second);
    }
    return {metrics.begin(), metrics.end()};
  }

  std::vector<std::string> SkewMetrics() const {
    std::set<std::string> metrics;
    for (const auto& [key, figure] : figures_) {
      if (key.second.rfind("skew_of_first_", 0) == 0) {
        metrics.insert(key.second);
      }
    }
    return {metrics.begin(), metrics.end()};
  }

 private:
  std::vector<const v1::FairnessGroupCount*> groups_;
  std::string reference_;
  std::map<std::pair<std::string, std::string>, const FairnessFigure*> figures_;
};

void ShowProxies(const FairnessReport& report, std::ostream& out) {
  TextTable table({"input", "attribute", "uncertainty removed", "adds bits",
                   "guessed without", "with", "p"});
  for (const auto& proxy : report.proxies()) {
    table.Add({Printable(proxy.input()), Printable(proxy.attribute()),
               Number(proxy.uncertainty_removed()),
               proxy.has_information_added_bits()
                   ? Number(proxy.information_added_bits())
                   : kNothing,
               Number(proxy.guessed_without()), Number(proxy.guessed_with()),
               proxy.has_p_value() ? absl::StrFormat("%.2g", proxy.p_value())
                                   : kNothing});
  }
  if (table.empty()) return;
  out << "\nWhat inputs tell about groups\n";
  table.Print(out);
}

}  // namespace

void ShowWrapped(const std::string& text, const std::string& indent,
                 std::ostream& out) {
  std::string line = indent;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (line.size() > indent.size() && line.size() + word.size() > kWidth) {
      line.pop_back();
      out << line << "\n";
      line = std::string(indent.size(), ' ');
    }
    absl::StrAppend(&line, word, " ");
  }
  line.pop_back();
  out << line << "\n";
}

void ShowFairnessReport(const FairnessReport& report, std::ostream& out) {
  if (!report.subject().empty()) out << Printable(report.subject()) << ": ";
  out << report.count() << " cases";
  for (const auto& left : report.left_out()) {
    out << "; " << left.count() << " without: " << Printable(left.reason());
  }
  out << "\n";
  if (!report.prediction().empty()) {
    out << "Positive prediction, "
        << (report.positive_is_favourable() ? "favourable" : "unfavourable")
        << " for the person: " << Printable(report.prediction()) << "\n";
  }
  if (!report.outcome().empty()) {
    out << "Came true: " << Printable(report.outcome()) << "\n";
  }
  std::vector<std::pair<std::string, std::string>> sections;
  for (const auto& group : report.groups()) {
    const auto key = std::pair(group.attribute(), group.variant());
    if (std::find(sections.begin(), sections.end(), key) == sections.end()) {
      sections.push_back(key);
    }
  }
  for (const auto& [attribute, variant] : sections) {
    const Section section(report, attribute, variant);
    out << "\nBy " << Printable(attribute);
    if (!variant.empty()) out << ", variant " << Printable(variant);
    for (const auto& coverage : report.coverage()) {
      if (coverage.attribute() == attribute && variant.empty()) {
        out << absl::StrFormat(" (known of %d of %d)", coverage.known(),
                               coverage.count());
      }
    }
    out << "\n";
    section.Groups(out);
    for (const char* rate :
         {"selection_rate", "favourable_rate", "true_positive_rate",
          "false_positive_rate", "positive_predictive_value"}) {
      section.Rate(rate, out);
    }
    section.Beside({"base_rate", "false_negative_rate",
                    "negative_predictive_value", "accuracy"},
                   out);
    section.Beside(
        {"equalized_odds_distance", "average_odds_group_minus_reference"}, out);
    section.Pairs("Within equal strata",
                  {"selection_rate_group_minus_reference_within_strata",
                   "selection_odds_group_over_reference_within_strata"},
                  out);
    section.Pairs(
        "Scores",
        {"mean_score", "mean_score_group_minus_reference",
         "mean_score_group_over_reference", "score_kolmogorov_smirnov_distance",
         "score_wasserstein_1_distance", "expected_calibration_error",
         "outcome_rate_at_equal_score_group_minus_reference",
         "outcome_rate_at_equal_score_greatest_group_minus_reference"},
        out);
    section.Pairs(
        "Prices",
        {"mean_price", "mean_price_group_minus_reference",
         "mean_price_group_minus_reference_within_strata",
         "mean_price_group_over_reference", "price_group_over_reference",
         "price_group_over_reference_within_strata",
         "price_kolmogorov_smirnov_distance", "price_wasserstein_1_distance"},
        out);
    std::vector<std::string> ranking = section.ExposureMetrics();
    for (const std::string& metric : section.SkewMetrics()) {
      ranking.push_back(metric);
    }
    section.Pairs("Places in lists", ranking, out);
    section.Overall(out);
  }
  ShowProxies(report, out);
  out << "\nHow it was made\n";
  for (const std::string& rule : report.rules()) ShowWrapped(rule, "  ", out);
  if (report.confirmatory()) {
    ShowWrapped(
        absl::StrFormat("p-values of figures are corrected for %d tests "
                        "by Benjamini and Hochberg.",
                        report.tests()),
        "  ", out);
  }
  out << "\nWhat it does not say\n";
  for (const std::string& limit : report.limits())
    ShowWrapped(limit, "  ", out);
}

}  // namespace consentry::tools
