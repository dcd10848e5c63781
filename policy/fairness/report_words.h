#ifndef CONSENTRY_POLICY_FAIRNESS_REPORT_WORDS_H_
#define CONSENTRY_POLICY_FAIRNESS_REPORT_WORDS_H_

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "consentry/v1/screening_service.pb.h"
#include "policy/fairness/proportion.h"

// How the page of a report says things. What ends in Html is HTML, escaped; all
// else is text. Pure; any thread. Internal to the page.
namespace consentry::policy::fairness {

// "1 234", with thin spaces that do not break.
std::string CountText(int64_t count);
// "15.9 %".
std::string PercentText(double share);
// "2026-11-23" of a whole day, else with the time, UTC.
std::string MomentText(const google::protobuf::Timestamp& time);
// "f × old" for "f*old", but for a star that is escaped.
std::string GroupText(const std::string& name);
// An attribute, and the arm of an experiment where there is one.
std::string SectionText(const std::string& attribute,
                        const std::string& variant);
std::string Capital(std::string text);
// "selection rate" of "selection_rate_group_over_reference".
std::string RateText(const std::string& metric);

// "0.217 [0.169, 0.278]", where value and interval may part at the end of a
// line; a dash for none.
std::string ValueHtml(const v1::FairnessFigure& figure);
// "0.0123", or that it is smaller.
std::string ChanceHtml(double p);
// The finding with what is still missing; else why there is no value.
std::string FindingHtml(const v1::FairnessReport& report,
                        const v1::FairnessFigure& figure);
// What a figure that compares says: "selection rate 0.217 times that of
// under_45 [0.169, 0.278]".
std::string ComparedHtml(const v1::FairnessFigure& figure);

// Neither its value nor its counts are told.
// "some 30 more cases of both", or as `noun` says; of one, "a case or so".
std::string CasesText(int64_t count, std::string_view noun);
bool IsWithheld(const v1::FairnessFigure& figure);
// "3 beyond the range" of the group, and of the reference where there is one;
// empty where nothing was cut, and for what compares and decides nothing.
std::string BeyondText(const v1::FairnessFigure& figure);

std::optional<Interval> IntervalOf(const v1::FairnessFigure& figure);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_REPORT_WORDS_H_
