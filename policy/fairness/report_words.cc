#include "policy/fairness/report_words.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "policy/fairness/figure_words.h"
#include "policy/fairness/groups.h"
#include "policy/fairness/plots.h"
#include "policy/fairness/still_needed.h"
#include "proto/support/html.h"

namespace consentry::policy::fairness {

using v1::FairnessFigure;

std::string CountText(int64_t count) {
  std::string digits = absl::StrCat(count);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) {
    // A thin space, as ISO 80000 has it; no line breaks there.
    digits.insert(static_cast<size_t>(at), "\u202f");
  }
  return digits;
}

std::string PercentText(double share) {
  return absl::StrFormat("%.1f\u00a0%%", 100 * share);
}

std::string MomentText(const google::protobuf::Timestamp& time) {
  const bool day = time.seconds() % 86400 == 0 && time.nanos() == 0;
  return absl::FormatTime(day ? "%Y-%m-%d" : "%Y-%m-%d %H:%M:%S UTC",
                          absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

std::string GroupText(const std::string& name) {
  std::string shown;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '\\' && i + 1 < name.size()) {
      shown += name[++i];
    } else if (name[i] == '*') {
      shown += " × ";
    } else {
      shown += name[i];
    }
  }
  return shown;
}

std::string SectionText(const std::string& attribute,
                        const std::string& variant) {
  return variant.empty()
             ? GroupText(attribute)
             : absl::StrCat(GroupText(attribute), ", variant ", variant);
}

std::string Capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  }
  return text;
}

std::string RateText(const std::string& metric) {
  return absl::StrReplaceAll(FigureTitle(metric), {{", minus reference", ""},
                                                   {", over reference", ""}});
}

bool IsWithheld(const FairnessFigure& figure) {
  return figure.remark() == kTooFewToTell;
}

std::string CasesText(int64_t count, std::string_view noun) {
  if (count <= 1) return "a case or so";
  return absl::StrCat("some ", CountText(count), " ", std::string(noun));
}

std::string BeyondText(const FairnessFigure& figure) {
  if ((figure.clipped_count() == 0 && figure.reference_clipped_count() == 0) ||
      (!figure.reference().empty() && !figure.has_tolerance_lower())) {
    return "";
  }
  std::string text = CountText(figure.clipped_count());
  if (!figure.reference().empty()) {
    absl::StrAppend(&text, " / ", CountText(figure.reference_clipped_count()));
  }
  return text + " beyond the range";
}

std::optional<Interval> IntervalOf(const FairnessFigure& figure) {
  if (!figure.has_lower() || !figure.has_upper()) return std::nullopt;
  return Interval{figure.lower(), figure.upper()};
}

namespace {

std::string Bracket(const FairnessFigure& figure) {
  return absl::StrCat("<span class=\"iv\">[", PlotNumber(figure.lower()), ", ",
                      PlotNumber(figure.upper()), "]</span>");
}

}  // namespace

std::string ValueHtml(const FairnessFigure& figure) {
  if (!figure.has_value()) return "–";
  std::string text = PlotNumber(figure.value());
  if (IntervalOf(figure)) absl::StrAppend(&text, " ", Bracket(figure));
  return text;
}

std::string ChanceHtml(double p) {
  return p < 0.0001 ? "&lt;\u00a00.0001" : absl::StrFormat("%.4f", p);
}

std::string FindingHtml(const v1::FairnessReport& report,
                        const FairnessFigure& figure) {
  switch (figure.finding()) {
    case v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE:
      return "<span class=\"tag out\">outside tolerance</span>";
    case v1::FAIRNESS_FINDING_WITHIN_TOLERANCE:
      return "<span class=\"tag in\">within tolerance</span>";
    case v1::FAIRNESS_FINDING_INSUFFICIENT: {
      std::string text =
          absl::StrCat("<span class=\"tag few\">insufficient</span>: ",
                       HtmlText(figure.remark()));
      if (const auto more =
              StillNeeded(figure, report.alpha(), report.tests())) {
        absl::StrAppend(&text, "; ", CasesText(*more, "more cases of both"),
                        ", if all else stays");
      }
      return text;
    }
    default:
      return figure.has_value() ? "" : HtmlText(figure.remark());
  }
}

std::string ComparedHtml(const FairnessFigure& figure) {
  const std::string reference = HtmlText(GroupText(figure.reference()));
  const std::string rate = HtmlText(RateText(figure.metric()));
  if (!figure.has_value() || reference.empty()) {
    return absl::StrCat(rate, " ", ValueHtml(figure));
  }
  std::string text;
  if (figure.metric().find("_group_over_reference") != std::string::npos) {
    text = absl::StrCat(rate, " ", PlotNumber(figure.value()),
                        " times that of ", reference);
  } else if (figure.metric().find("_group_minus_reference") !=
             std::string::npos) {
    text = absl::StrCat(rate, " ", PlotNumber(std::fabs(figure.value())),
                        figure.value() < 0 ? " below" : " above", " that of ",
                        reference);
  } else {
    text =
        absl::StrCat(rate, " (", reference, "): ", PlotNumber(figure.value()));
  }
  if (IntervalOf(figure)) absl::StrAppend(&text, " ", Bracket(figure));
  return text;
}

}  // namespace consentry::policy::fairness
