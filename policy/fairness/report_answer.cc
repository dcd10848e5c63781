#include "policy/fairness/report_answer.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/fairness/groups.h"
#include "policy/fairness/plots.h"
#include "policy/fairness/report_trends.h"
#include "policy/fairness/report_words.h"
#include "policy/fairness/still_needed.h"
#include "proto/support/html.h"

namespace consentry::policy::fairness {
namespace {

using v1::FairnessFigure;
using v1::FairnessReport;

struct Found {
  std::vector<const FairnessFigure*> outside;
  int within = 0;
  std::vector<const FairnessFigure*> few;
  // Of `few`: more data would not help.
  size_t beyond = 0;
  int all() const {
    return static_cast<int>(outside.size() + few.size()) + within;
  }
};

Found FoundIn(const FairnessReport& report) {
  Found found;
  for (const FairnessFigure& figure : report.figures()) {
    switch (figure.finding()) {
      case v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE:
        found.outside.push_back(&figure);
        break;
      case v1::FAIRNESS_FINDING_WITHIN_TOLERANCE:
        ++found.within;
        break;
      case v1::FAIRNESS_FINDING_INSUFFICIENT:
        found.few.push_back(&figure);
        if (figure.remark() == kTooManyBeyond) ++found.beyond;
        break;
      default:
        break;
    }
  }
  return found;
}

std::string Comparisons(size_t count) {
  return absl::StrCat(count, count == 1 ? " comparison" : " comparisons");
}

std::string LeadOf(const Found& found) {
  if (found.all() == 0) {
    return "Nothing was tested: there was nothing to compare, which is no "
           "pass.";
  }
  const std::string few = absl::StrCat(
      "for ", Comparisons(found.few.size()),
      found.beyond == 0 ? " there is too little data" : " the data do not say",
      ", which is no pass");
  if (!found.outside.empty()) {
    return absl::StrCat(
        "Yes: of ", Comparisons(static_cast<size_t>(found.all())), " ",
        found.outside.size(), " ", found.outside.size() == 1 ? "is" : "are",
        " outside what is tolerated.");
  }
  if (found.within == 0) {
    return absl::StrCat("It cannot be said: ", few, ".");
  }
  if (!found.few.empty()) {
    return absl::StrCat("Nobody was found to be: of ",
                        Comparisons(static_cast<size_t>(found.all())), " ",
                        found.within, found.within == 1 ? " lies" : " lie",
                        " within what is tolerated; ", few, ".");
  }
  return absl::StrCat(
      "No: ",
      found.within == 1
          ? "the one comparison lies"
          : absl::StrCat("all ", Comparisons(static_cast<size_t>(found.within)),
                         " lie"),
      " within what is tolerated.");
}

// Who gets the favourable prediction how often, as a ratio.
bool IsOfFavour(const FairnessReport& report, const FairnessFigure& figure) {
  return figure.metric() == (report.positive_is_favourable()
                                 ? "selection_rate_group_over_reference"
                                 : "favourable_rate_group_over_reference") &&
         figure.has_value();
}

// Where the difference decides.
bool IsDifferenceOfFavour(const FairnessReport& report,
                          const FairnessFigure& figure) {
  return report.positive_is_favourable() && figure.has_value() &&
         figure.metric() == "selection_rate_group_minus_reference";
}

std::string WithRate(const std::string& group, int64_t hits, int64_t count) {
  std::string text =
      absl::StrCat("<strong>", HtmlText(GroupText(group)), "</strong>");
  if (count > 0) {
    absl::StrAppend(
        &text, " (",
        PercentText(static_cast<double>(hits) / static_cast<double>(count)),
        ")");
  }
  return text;
}

// "f (12 %), d (20 %) less often than m (40 %)", of one attribute each.
std::vector<std::string> WhoIsWorse(const FairnessReport& report,
                                    const Found& found) {
  struct Side {
    std::string section;
    std::string reference;
    // Groups that were named already.
    std::set<std::string> groups;
    std::vector<std::string> worse;
    std::vector<std::string> better;
  };
  std::vector<Side> sides;
  for (const FairnessFigure* figure : found.outside) {
    const bool ratio = IsOfFavour(report, *figure);
    if (!ratio && !IsDifferenceOfFavour(report, *figure)) continue;
    const std::string section =
        SectionText(figure->attribute(), figure->variant());
    const std::string reference =
        WithRate(figure->reference(), figure->reference_hits(),
                 figure->reference_count());
    // Of each group the rest is another.
    if (sides.empty() || sides.back().section != section ||
        sides.back().reference != reference) {
      sides.push_back({section, reference, {}, {}, {}});
    }
    if (!sides.back().groups.insert(figure->group()).second) continue;
    auto& groups = figure->value() < (ratio ? 1 : 0) ? sides.back().worse
                                                     : sides.back().better;
    groups.push_back(
        WithRate(figure->group(), figure->hits(), figure->count()));
  }
  std::vector<std::string> lines;
  constexpr std::string_view kLess =
      " got the favourable prediction less often than ";
  for (const Side& side : sides) {
    std::vector<std::string> clauses;
    if (!side.worse.empty()) {
      clauses.push_back(absl::StrCat(absl::StrJoin(side.worse, ", "),
                                     std::string(kLess), side.reference));
    }
    if (!side.better.empty()) {
      clauses.push_back(absl::StrCat(side.reference, std::string(kLess),
                                     absl::StrJoin(side.better, ", ")));
    }
    lines.push_back(absl::StrCat("By ", HtmlText(side.section), ": ",
                                 absl::StrJoin(clauses, "; "), "."));
  }
  return lines;
}

// "By sex: f 20.0 %, m 50.0 %", of the attributes that are looked at one by
// one.
std::string RatesHtml(const FairnessReport& report) {
  std::vector<std::string> lines;
  std::string section;
  for (const FairnessFigure& figure : report.figures()) {
    if (!IsOfFavour(report, figure) || !figure.variant().empty() ||
        figure.attribute().find('*') != std::string::npos) {
      continue;
    }
    if (section != figure.attribute()) {
      section = figure.attribute();
      lines.push_back(absl::StrCat("By ", HtmlText(GroupText(section)),
                                   ", the favourable prediction for "));
      if (figure.reference() != kRestGroupName) {
        absl::StrAppend(&lines.back(),
                        WithRate(figure.reference(), figure.reference_hits(),
                                 figure.reference_count()),
                        ", ");
      }
    } else {
      lines.back() += ", ";
    }
    lines.back() += WithRate(figure.group(), figure.hits(), figure.count());
  }
  return absl::StrJoin(lines, "<br>");
}

std::string DescriptiveHtml(const FairnessReport& report) {
  std::string html =
      SinceHtml(report, /*found=*/false).empty()
          ? "This report describes and does not say. A monitor, or an audit "
            "that was registered before its outputs were made, can."
          : "The monitor says yes. This report by itself describes and does "
            "not say.";
  const std::string rates = RatesHtml(report);
  if (!rates.empty()) absl::StrAppend(&html, "<br>", rates);
  return html;
}

std::string WorseHtml(const FairnessReport& report, const Found& found) {
  std::vector<std::string> lines = {LeadOf(found)};
  for (std::string& line : WhoIsWorse(report, found)) {
    lines.push_back(std::move(line));
  }
  const auto others = static_cast<size_t>(
      std::count_if(found.outside.begin(), found.outside.end(),
                    [&report](const auto* figure) {
                      return !IsOfFavour(report, *figure) &&
                             !IsDifferenceOfFavour(report, *figure);
                    }));
  if (others > 0) {
    // The line before says how many are outside in all.
    lines.push_back(
        lines.size() == 1
            ? std::string("All of it is about errors or values; see below.")
            : absl::StrCat(Comparisons(others), " of errors or values ",
                           others == 1 ? "is" : "are",
                           " outside as well; see below."));
  }
  return absl::StrJoin(lines, "<br>");
}

std::string SureHtml(const FairnessReport& report, const Found& found) {
  std::vector<std::string> lines;
  if (!found.outside.empty()) {
    lines.push_back(absl::StrCat(
        "Of all that is called outside tolerance in this way, at most ",
        PercentText(report.alpha()),
        " are expected to be wrong; that allows for ",
        report.tests() == 1 ? "the test"
                            : absl::StrCat("all ", report.tests(), " tests"),
        " of this report."));
  }
  if (found.within > 0) {
    lines.push_back(absl::StrCat(
        "What is called within tolerance is so, all of it together, with a "
        "chance of at least ",
        PercentText(1 - report.alpha()), "."));
  }
  if (found.beyond > 0) {
    lines.push_back(absl::StrCat(
        "For ", Comparisons(found.beyond),
        " too many values lie beyond the range that was declared: where they "
        "really lie was not looked at."));
  }
  const size_t few = found.few.size() - found.beyond;
  if (few > 0) {
    std::optional<int64_t> least;
    for (const FairnessFigure* figure : found.few) {
      const auto more = StillNeeded(*figure, report.alpha(), report.tests());
      if (more && (!least || *more < *least)) least = more;
    }
    std::string line =
        absl::StrCat("For ", Comparisons(few), " there is too little data");
    if (least) {
      absl::StrAppend(&line, "; ", few == 1 ? "it" : "the nearest to a finding",
                      " lacks ", CasesText(*least, "cases"));
    }
    lines.push_back(line + ".");
  }
  return absl::StrJoin(lines, " ");
}

void Answer(const std::string& question, const std::string& answer,
            std::string* html) {
  if (answer.empty()) return;
  absl::StrAppend(html, "<dt>", question, "</dt><dd>", answer, "</dd>\n");
}

std::string Counts(const Found& found) {
  std::string html = "<div class=\"sums\">";
  const auto sum = [&html](const char* name, size_t count, const char* text) {
    absl::StrAppend(&html, "<div class=\"sum ", name, "\"><b>", count, "</b>",
                    text, "</div>");
  };
  sum("out", found.outside.size(), "outside tolerance");
  sum("in", static_cast<size_t>(found.within), "within tolerance");
  sum("few", found.few.size(), "insufficient data, which is no pass");
  return html + "</div>\n";
}

std::string ListHtml(const Found& found) {
  std::string html =
      "<h2>What is outside tolerance</h2>\n<ul class=\"found\">\n";
  for (const FairnessFigure* figure : found.outside) {
    absl::StrAppend(
        &html, "<li><strong>", HtmlText(GroupText(figure->group())),
        "</strong> (",
        HtmlText(SectionText(figure->attribute(), figure->variant())),
        "): ", ComparedHtml(*figure), "; tolerated from ",
        ShortNumber(figure->tolerance_lower()), " to ",
        ShortNumber(figure->tolerance_upper()));
    if (figure->has_hits() && figure->count() > 0 &&
        figure->reference_count() > 0) {
      absl::StrAppend(&html, "; ", CountText(figure->hits()), " of ",
                      CountText(figure->count()), " against ",
                      CountText(figure->reference_hits()), " of ",
                      CountText(figure->reference_count()));
    }
    html += ".</li>\n";
  }
  return html + "</ul>\n";
}

}  // namespace

std::string AnswerHtml(const FairnessReport& report) {
  const std::string limits =
      absl::StrCat(report.limits().empty() ? "" : HtmlText(report.limits(0)),
                   " <a href=\"#limits\">All that it does not claim</a>");
  std::string html;
  if (!report.confirmatory()) {
    html =
        "<div class=\"sums\"><div class=\"sum plain\"><b>Descriptive</b>no "
        "error rate was set aside for this look: nothing is tested and "
        "nothing decided</div></div>\n<dl class=\"answer\">\n";
    Answer("Is anybody treated worse?", DescriptiveHtml(report), &html);
    Answer("Since when?", SinceHtml(report, /*found=*/false), &html);
    Answer("What is not claimed?", limits, &html);
    return html + "</dl>\n";
  }
  const Found found = FoundIn(report);
  html = Counts(found) + "<dl class=\"answer\">\n";
  Answer("Is anybody treated worse?", WorseHtml(report, found), &html);
  Answer("How sure is that?", SureHtml(report, found), &html);
  Answer("Since when?", SinceHtml(report, !found.outside.empty()), &html);
  Answer("What is not claimed?", limits, &html);
  html += "</dl>\n";
  if (!found.outside.empty()) html += ListHtml(found);
  return html;
}

}  // namespace consentry::policy::fairness
