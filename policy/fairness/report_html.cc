#include "policy/fairness/report_html.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "policy/fairness/plots.h"
#include "policy/fairness/report_answer.h"
#include "policy/fairness/report_section.h"
#include "policy/fairness/report_style.h"
#include "policy/fairness/report_trends.h"
#include "policy/fairness/report_words.h"
#include "proto/support/html.h"

namespace consentry::policy::fairness {
namespace {

using v1::FairnessFigure;
using v1::FairnessReport;

void Fact(const std::string& name, const std::string& value,
          std::string* html) {
  if (value.empty()) return;
  absl::StrAppend(html, "<dt>", name, "</dt><dd>", value, "</dd>\n");
}

// What the report is about, in one line below its title.
std::string Subtitle(const FairnessReport& report) {
  std::vector<std::string> parts = {
      absl::StrCat(CountText(report.count()), " cases")};
  if (!report.model_version().empty()) {
    parts.push_back("version " + HtmlText(report.model_version()));
  }
  if (report.has_from_time() && report.has_to_time()) {
    parts.push_back(absl::StrCat("from ", MomentText(report.from_time()),
                                 ", before ", MomentText(report.to_time())));
  }
  if (!report.id().empty()) parts.push_back("report " + HtmlText(report.id()));
  return absl::StrCat("<p class=\"quiet\">", absl::StrJoin(parts, "; "),
                      "</p>\n");
}

std::string Rules(const FairnessReport& report) {
  std::vector<std::string> rules;
  for (const std::string& rule : report.rules()) {
    rules.push_back(HtmlText(rule));
  }
  if (report.confirmatory()) {
    rules.push_back(absl::StrCat("p-values of figures are corrected for ",
                                 report.tests(),
                                 " tests by Benjamini and Hochberg."));
  }
  return absl::StrJoin(rules, "<br>");
}

std::string Facts(const FairnessReport& report) {
  std::string html = "<h2>What was looked at</h2>\n<dl class=\"facts\">\n";
  if (!report.profile_id().empty()) {
    Fact("Profile",
         absl::StrCat(HtmlText(report.profile_id()), ", version ",
                      report.profile_version()),
         &html);
  }
  Fact("Version of the model", HtmlText(report.model_version()), &html);
  if (report.has_from_time() && report.has_to_time()) {
    Fact("Period",
         absl::StrCat(
             report.span().empty() ? "" : HtmlText(report.span()) + ": ",
             "from ", MomentText(report.from_time()), ", before ",
             MomentText(report.to_time())),
         &html);
  }
  if (report.has_register_time()) {
    Fact("Registered",
         absl::StrCat(MomentText(report.register_time()),
                      report.span().empty() ? ", as somebody asked"
                                            : ", by the calendar",
                      ", before anything was looked at"),
         &html);
  }
  if (report.has_create_time()) {
    Fact("Made", MomentText(report.create_time()), &html);
  }
  Fact("Cases",
       absl::StrCat(CountText(report.count()),
                    report.unit().empty()
                        ? ""
                        : absl::StrCat(", each a ", HtmlText(report.unit()))),
       &html);
  for (const auto& left : report.left_out()) {
    Fact("Left out",
         absl::StrCat(CountText(left.count()), ": ", HtmlText(left.reason())),
         &html);
  }
  if (!report.prediction().empty()) {
    Fact("Positive prediction",
         absl::StrCat(
             "<code>", HtmlText(report.prediction()), "</code>, ",
             report.positive_is_favourable() ? "favourable" : "unfavourable",
             " for the person"),
         &html);
  }
  if (!report.outcome().empty()) {
    Fact("Came true",
         absl::StrCat("<code>", HtmlText(report.outcome()), "</code>"), &html);
  }
  for (const auto& coverage : report.coverage()) {
    const double share = coverage.count() == 0
                             ? 0.0
                             : static_cast<double>(coverage.known()) /
                                   static_cast<double>(coverage.count());
    Fact("Group known",
         absl::StrCat(HtmlText(coverage.attribute()), ": ",
                      CountText(coverage.known()), " of ",
                      CountText(coverage.count()), " (", PercentText(share),
                      ")"),
         &html);
  }
  Fact("Rules", Rules(report), &html);
  return html + "</dl>\n";
}

std::string Proxies(const FairnessReport& report) {
  if (report.proxies().empty()) return "";
  std::vector<PlotRow> rows;
  for (const auto& proxy : report.proxies()) {
    PlotRow row;
    row.label = absl::StrCat(proxy.input(), " about ", proxy.attribute());
    row.value = proxy.uncertainty_removed();
    row.interval = Interval{0, proxy.uncertainty_removed()};
    row.text = absl::StrFormat(
        "removes %.1f %% of uncertainty<br><span class=\"quiet\">guessed "
        "%.1f %% with, %.1f %% without",
        100 * proxy.uncertainty_removed(), 100 * proxy.guessed_with(),
        100 * proxy.guessed_without());
    if (proxy.has_information_added_bits()) {
      absl::StrAppend(&row.text, "; adds ",
                      PlotNumber(proxy.information_added_bits()),
                      " bits to the other inputs");
    }
    row.text += "</span>";
    rows.push_back(std::move(row));
  }
  PlotAxis axis;
  // The whole axis, so that little looks like little.
  axis.title = "share of uncertainty removed; line: all of it";
  axis.equal = 1;
  axis.least = 0;
  axis.most = 1;
  return absl::StrCat(
      "<h2>What inputs tell about groups</h2>\n<p class=\"quiet\">0 nothing, 1 "
      "all. Guessed: share of groups guessed right on cases that were not "
      "learnt from.</p>\n",
      IntervalPlot(rows, axis));
}

std::string Limits(const FairnessReport& report) {
  std::string html =
      "<h2 id=\"limits\">What this report does not claim</h2>\n<ul>\n";
  for (const std::string& limit : report.limits()) {
    absl::StrAppend(&html, "<li>", HtmlText(limit), "</li>\n");
  }
  return html + "</ul>\n";
}

std::string CountsOf(const FairnessFigure& figure) {
  if (IsWithheld(figure)) return "–";
  std::string counts = CountText(figure.count());
  if (figure.has_hits()) {
    counts = absl::StrCat(CountText(figure.hits()), " of ", counts);
  }
  std::string beyond = BeyondText(figure);
  if (!beyond.empty()) {
    beyond = absl::StrCat("<br><span class=\"quiet\">", beyond, "</span>");
  }
  if (figure.reference().empty()) return counts + beyond;
  std::string against = CountText(figure.reference_count());
  if (figure.has_reference_hits()) {
    against = absl::StrCat(CountText(figure.reference_hits()), " of ", against);
  }
  return absl::StrCat("<span class=\"iv\">", counts,
                      " /</span> <span class=\"iv\">", against, "</span>",
                      beyond);
}

// A cell that is a line with a name of its own on a phone.
std::string Cell(const char* name, const std::string& value,
                 bool number = false) {
  const char* const kind = value.empty() ? "none" : number ? "n" : "t";
  return absl::StrCat("<td class=\"", kind, "\" data-h=\"", name, "\"><div>",
                      value, "</div></td>");
}

std::string AllFigures(const FairnessReport& report) {
  std::string html =
      "<h2 class=\"page\">All figures</h2>\n<div class=\"scroll\"><table "
      "class=\"all\"><colgroup><col class=\"g\"><col class=\"f\"><col "
      "class=\"v\"><col class=\"c\"><col class=\"p\"><col class=\"d\"><col>"
      "</colgroup><thead><tr><th scope=\"col\">Groups</th><th "
      "scope=\"col\">Figure</th><th scope=\"col\" class=\"n\">Value and "
      "interval</th><th scope=\"col\" class=\"n\">Counts</th><th scope=\"col\" "
      "class=\"n\">p</th><th scope=\"col\">Finding</th><th scope=\"col\">"
      "Formula and method</th></tr></thead><tbody>\n";
  for (const FairnessFigure& figure : report.figures()) {
    std::string groups =
        HtmlText(SectionText(figure.attribute(), figure.variant()));
    if (!figure.group().empty()) {
      absl::StrAppend(&groups, ": ", HtmlText(GroupText(figure.group())));
    }
    if (!figure.reference().empty()) {
      absl::StrAppend(&groups, " / ", HtmlText(GroupText(figure.reference())));
    }
    groups = absl::StrReplaceAll(groups, {{"_", "_<wbr>"}});
    std::string chance;
    if (figure.has_p_value()) chance = ChanceHtml(figure.p_value());
    if (figure.has_equivalence_p_value()) {
      absl::StrAppend(&chance, " (equi&shy;valence ",
                      ChanceHtml(figure.equivalence_p_value()), ")");
    }
    absl::StrAppend(
        &html, "<tr>", Cell("Groups", groups),
        Cell("Figure",
             absl::StrCat("<code>",
                          absl::StrReplaceAll(HtmlText(figure.metric()),
                                              {{"_", "_<wbr>"}}),
                          "</code>")),
        Cell("Value", ValueHtml(figure), true),
        Cell("Counts", CountsOf(figure), true), Cell("p", chance, true),
        Cell("Finding", FindingHtml(report, figure)),
        Cell("Formula",
             absl::StrCat(HtmlText(figure.formula()),
                          figure.method().empty()
                              ? ""
                              : absl::StrCat(". ", HtmlText(figure.method())))),
        "</tr>\n");
  }
  return html + "</tbody></table></div>\n";
}

std::string Proof(const FairnessReport& report) {
  if (report.digest().empty() && report.note().empty()) return "";
  std::string html =
      "<h2>Proof</h2>\n<p>The report as a JSON file has this digest, which "
      "stands in the audit log; the key of the log signed the note.</p>\n"
      "<dl class=\"facts\">\n";
  Fact("Report", HtmlText(report.id()), &html);
  Fact("SHA-256", absl::StrCat("<code>", HtmlText(report.digest()), "</code>"),
       &html);
  if (!report.profile_digest().empty()) {
    Fact("Of the profile",
         absl::StrCat("<code>", HtmlText(report.profile_digest()), "</code>"),
         &html);
  }
  html += "</dl>\n";
  if (!report.note().empty()) {
    absl::StrAppend(&html, "<pre>", HtmlText(report.note()), "</pre>\n");
  }
  return html;
}

}  // namespace

std::string FairnessReportHtml(const FairnessReport& report) {
  const std::string title =
      report.subject().empty()
          ? "Fairness report"
          : absl::StrCat("Fairness report: ", report.subject());
  std::string html =
      HtmlHead(title, "en", absl::StrCat(kReportStyle, PlotStyle()));
  absl::StrAppend(&html, "<h1>", HtmlText(title), "</h1>\n", Subtitle(report),
                  AnswerHtml(report), Facts(report));
  std::vector<std::pair<std::string, std::string>> sections;
  for (const auto& group : report.groups()) {
    auto key = std::pair(group.attribute(), group.variant());
    if (std::find(sections.begin(), sections.end(), key) == sections.end()) {
      sections.push_back(std::move(key));
    }
  }
  for (const auto& [attribute, variant] : sections) {
    html += SectionHtml(report, attribute, variant);
  }
  absl::StrAppend(&html, TrendsHtml(report), Proxies(report), Limits(report),
                  AllFigures(report), Proof(report), "</body>\n</html>\n");
  return html;
}

}  // namespace consentry::policy::fairness
