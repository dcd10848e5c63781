#include "tools/consentry/monitor_text.h"

#include <cmath>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

// What was counted of late, on which no verdict rests.
void ShowWindow(const v1::FairnessMonitor& one, std::ostream& out) {
  if (one.window_days() == 0) return;
  out << "\n    of the last " << one.window_days() << " days: ";
  if (!one.has_window_group_mean() || !one.has_window_reference_mean()) {
    out << "nothing, or too few to be told";
    return;
  }
  out << absl::StrFormat("%.4g of %d against %.4g of %d",
                         one.window_group_mean(), one.window_group_count(),
                         one.window_reference_mean(),
                         one.window_reference_count());
}

// What is known besides the comparison itself.
void ShowAround(const v1::FairnessMonitor& one, std::ostream& out) {
  if (one.has_violation_time()) {
    out << "\n    found " << Text(one.violation_time());
  }
  if (one.alarm()) {
    out << absl::StrFormat(
        "\n    ALARM since %s: look here (%.2g false alarms expected in 10,000 "
        "outputs)",
        Text(one.alarm_time()), one.false_alarm_rate());
  }
  if (one.has_interrupted_time()) {
    out << absl::StrFormat(
        "\n    set back to a backup %s: %d outputs counted before are not in "
        "it",
        Text(one.interrupted_time()), one.lost_count());
  }
  if (one.clipped_count() + one.reference_clipped_count() > 0) {
    out << absl::StrFormat(
        "\n    %d values of the group and %d of the reference lie beyond the "
        "range and count as its ends",
        one.clipped_count(), one.reference_clipped_count());
  }
  if (one.unreadable_count() > 0) {
    out << absl::StrFormat("\n    of %d people an output says nothing about it",
                           one.unreadable_count());
  }
}

void ShowShare(const v1::FairnessMonitor& one, std::ostream& out) {
  if (one.has_coverage()) {
    out << absl::StrFormat("\n    group known of %.1f %%",
                           100 * one.coverage());
  }
  out << "\n";
}

}  // namespace

void ShowFairnessMonitor(const v1::FairnessMonitor& one, std::ostream& out) {
  out << one.id() << "  " << one.model() << " " << one.model_version() << "  "
      << one.attribute() << ": " << one.group() << " against "
      << one.reference() << "\n    " << one.metric() << "  ";
  const std::string verdict = absl::StrReplaceAll(
      absl::AsciiStrToLower(absl::StripPrefix(
          v1::FairnessVerdict_Name(one.verdict()), "FAIRNESS_VERDICT_")),
      {{"_", " "}});
  out << (one.verdict() == v1::FAIRNESS_VERDICT_VIOLATION
              ? absl::AsciiStrToUpper(verdict)
              : verdict);
  if (one.suppressed()) {
    out << ", with no figure: too few, or others would tell about too few";
    ShowAround(one, out);
    ShowShare(one, out);
    return;
  }
  if (one.has_estimate()) out << absl::StrFormat("  %.4g", one.estimate());
  // Of a ratio, while nobody of the reference may have got it.
  const std::string upper = std::isinf(one.upper())
                                ? std::string("no upper end")
                                : absl::StrFormat("%.4g", one.upper());
  out << absl::StrFormat("  [%.4g, %s]  %d and %d outputs, %d pairs",
                         one.lower(), upper, one.group_count(),
                         one.reference_count(), one.pairs());
  if (one.unpaired_count() > 0) {
    out << absl::StrFormat(", %d met nobody in time", one.unpaired_count());
  }
  if (one.verdict() == v1::FAIRNESS_VERDICT_INSUFFICIENT) {
    if (one.needed() < 0) {
      out << "; as things are there will be no verdict";
    } else {
      out << "; some " << one.needed() << " more needed";
      if (one.has_expected_time()) {
        out << ", " << Text(one.expected_time()) << " at this rate";
      }
    }
  }
  ShowWindow(one, out);
  ShowAround(one, out);
  ShowShare(one, out);
}

}  // namespace consentry::tools
