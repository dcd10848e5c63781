#include <array>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "consentry/config/v1/vocabulary.pb.h"
#include "policy/signals/meaning.h"
#include "tools/consentry/signal_text.h"

namespace consentry::tools {
namespace {

constexpr std::array<std::string_view, 11> kPurposes = {
    "store and read information on a device",
    "advertising with limited data",
    "profiles for personalised advertising",
    "personalised advertising",
    "profiles for personalised content",
    "personalised content",
    "measuring advertising",
    "measuring content",
    "audience statistics",
    "improving services",
    "content with limited data"};
constexpr std::array<std::string_view, 2> kFeatures = {
    "precise location", "scanning the device to identify it"};

constexpr size_t kRangesShown = 12;

std::string Date(int64_t us) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixMicros(us),
                          absl::UTCTimeZone());
}

template <size_t kCount>
void Mask(std::string_view title, uint64_t mask,
          const std::array<std::string_view, kCount>& names, std::string* out) {
  out->append("  ").append(title);
  if (mask == 0) {
    out->append(": none\n");
    return;
  }
  out->append(":\n");
  for (size_t n = 1; mask != 0; ++n, mask >>= 1) {
    if ((mask & 1) == 0) continue;
    absl::StrAppend(out, "    ", n);
    if (n <= kCount) out->append(" ").append(names[n - 1]);
    out->append("\n");
  }
}

void Vendors(std::string_view title, const signals::VendorSet& vendors,
             std::string* out) {
  out->append("  ").append(title);
  absl::StrAppend(out, ": ", vendors.Count());
  const auto ranges = vendors.Ranges();
  for (size_t i = 0; i < ranges.size() && i < kRangesShown; ++i) {
    absl::StrAppend(out, i == 0 ? " (" : ", ", ranges[i].first);
    if (ranges[i].last != ranges[i].first) {
      absl::StrAppend(out, "-", ranges[i].last);
    }
  }
  if (ranges.size() > kRangesShown) out->append(", ...");
  if (!ranges.empty()) out->append(")");
  out->append("\n");
}

void Words(const signals::TcString& tc, std::string* out) {
  absl::StrAppend(out, "TCF, policy version ", int{tc.policy_version},
                  ", made ", Date(tc.created_us), "\n");
  absl::StrAppend(out, "  consent tool ", tc.cmp_id, " version ",
                  tc.cmp_version, ", screen ", int{tc.consent_screen},
                  ", language ", tc.consent_language, ", vendor list ",
                  tc.vendor_list_version, ", publisher in ",
                  tc.publisher_country, "\n");
  Mask("consent to purposes", tc.purpose_consents, kPurposes, out);
  Mask("legitimate interest for purposes", tc.purpose_legitimate_interests,
       kPurposes, out);
  Mask("special features", tc.special_feature_opt_ins, kFeatures, out);
  Vendors("vendors with consent", tc.vendor_consents, out);
  Vendors("vendors with legitimate interest", tc.vendor_legitimate_interests,
          out);
  for (const signals::PublisherRestriction& restriction : tc.restrictions) {
    static constexpr std::array<std::string_view, 3> kTypes = {
        "not allowed", "only with consent", "only on legitimate interest"};
    const std::string_view type = kTypes[static_cast<size_t>(restriction.type)];
    std::string title = absl::StrCat("purpose ", int{restriction.purpose}, " ");
    title.append(type).append(", vendors");
    Vendors(title, restriction.vendors, out);
  }
  if (tc.disclosed_vendors) {
    Vendors("vendors shown", *tc.disclosed_vendors, out);
  } else {
    out->append("  vendors shown: not told\n");
  }
  if (!tc.publisher) return;
  Mask("publisher's own purposes with consent", tc.publisher->consents,
       kPurposes, out);
  Mask("publisher's own purposes on legitimate interest",
       tc.publisher->legitimate_interests, kPurposes, out);
  if (tc.publisher->custom_purposes == 0) return;
  absl::StrAppend(
      out, "  custom purposes: ", int{tc.publisher->custom_purposes}, "\n");
  constexpr std::array<std::string_view, 0> kUnnamed = {};
  Mask("custom purposes with consent", tc.publisher->custom_consents, kUnnamed,
       out);
  Mask("custom purposes on legitimate interest",
       tc.publisher->custom_legitimate_interests, kUnnamed, out);
}

void Words(const signals::UspString& usp, std::string* out) {
  const auto word = [](char c) {
    return c == 'Y' ? "yes" : c == 'N' ? "no" : "does not apply";
  };
  absl::StrAppend(
      out, "US Privacy, version 1\n  notice given: ", word(usp.notice),
      "\n  opted out of sale: ", word(usp.opt_out_sale),
      "\n  covered by the service provider agreement: ", word(usp.lspa_covered),
      "\n");
}

std::string_view Word(signals::UsMeaning meaning, uint8_t value) {
  using M = signals::UsMeaning;
  if (value == 0) return "does not apply";
  switch (meaning) {
    case M::kNotice:
      return value == 1 ? "given" : "not given";
    case M::kSaleOptOut:
    case M::kSharingOptOut:
    case M::kTargetedOptOut:
      return value == 1 ? "opted out" : "did not opt out";
    case M::kMspa:
    case M::kMspaCovered:
      return value == 1 ? "yes" : "no";
    case M::kSensitive:
    case M::kChild:
    case M::kChildSellAndShare:
    case M::kFurtherUse:
      break;
  }
  return value == 1 ? "no" : "yes";
}

void Line(std::string_view name, signals::UsMeaning meaning,
          std::span<const uint8_t> values, std::string* out) {
  out->append("  ").append(name).append(":");
  for (size_t i = 0; i < values.size(); ++i) {
    if (values.size() > 1) {
      absl::StrAppend(out, i == 0 ? " " : ", ", i + 1);
    }
    out->append(" ").append(Word(meaning, values[i]));
  }
  out->append("\n");
}

void Words(const signals::UsSection& us, std::string* out) {
  const std::span<const uint8_t> numbers = us.core;
  size_t at = 0;
  for (const signals::UsField& field : us.layout->core) {
    Line(field.name, field.meaning, numbers.subspan(at, field.count), out);
    at += field.count;
  }
  if (!us.sensitive.empty()) {
    Line("SensitiveDataProcessing", signals::UsMeaning::kSensitive,
         us.sensitive, out);
  }
  if (us.gpc) {
    out->append("  Gpc: ").append(*us.gpc ? "sent" : "not sent").append("\n");
  }
}

void Words(const std::monostate&, std::string* out) {
  out->append("  not decoded\n");
}

void Words(const signals::GppString& gpp, std::string* out) {
  absl::StrAppend(out, "GPP, ", gpp.sections.size(),
                  gpp.sections.size() == 1 ? " section\n" : " sections\n");
  for (const signals::GppSection& section : gpp.sections) {
    absl::StrAppend(out, "section ", section.id);
    if (!section.name.empty()) out->append(" ").append(section.name);
    if (const auto* us = std::get_if<signals::UsSection>(&section.content)) {
      absl::StrAppend(out, " version ", int{us->layout->version});
    }
    out->append("\n");
    std::visit([out](const auto& content) { Words(content, out); },
               section.content);
  }
}

void Words(const signals::GpcSignal&, std::string* out) {
  out->append("Global Privacy Control\n");
}

}  // namespace

std::string SignalWords(const signals::Signal& signal) {
  std::string out;
  std::visit([&out](const auto& decoded) { Words(decoded, &out); }, signal);
  const signals::Meaning meaning = signals::MeaningOf(signal);
  out.append("what follows\n");
  if (meaning.global_privacy_control) {
    out.append("  Global Privacy Control is on\n");
  }
  for (const signals::SignalledOptOut& opt_out : meaning.opt_outs) {
    out.append("  opted out: ")
        .append(config::v1::OptOut::Value_Name(opt_out.kind))
        .append(" (")
        .append(opt_out.field)
        .append(")\n");
  }
  if (meaning.tcf.present) {
    Mask("the business has consent for", meaning.tcf.consents, kPurposes, &out);
    Mask("the business has legitimate interest for",
         meaning.tcf.legitimate_interests, kPurposes, &out);
  } else if (!meaning.global_privacy_control && meaning.opt_outs.empty()) {
    out.append("  no choice\n");
  }
  return out;
}

}  // namespace consentry::tools
