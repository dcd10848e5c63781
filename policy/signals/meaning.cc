#include "policy/signals/meaning.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace consentry::signals {
namespace {

namespace cv = config::v1;
using Kind = config::v1::OptOut;

constexpr uint32_t Purposes(std::initializer_list<int> numbers) {
  uint32_t mask = 0;
  for (const int number : numbers) mask |= uint32_t{1} << (number - 1);
  return mask;
}

struct UseRow {
  std::string_view data_use;
  uint32_t purposes;
};

// fideslang, gvl_data_use_mapping.json. None lies below another.
constexpr std::array<UseRow, 15> kUses = {{
    {"functional.storage", Purposes({1})},
    {"marketing.advertising.first_party.contextual", Purposes({2})},
    {"marketing.advertising.third_party.contextual", Purposes({2})},
    {"marketing.advertising.frequency_capping", Purposes({2})},
    {"marketing.advertising.negative_targeting", Purposes({2})},
    {"marketing.advertising.profiling", Purposes({3})},
    {"marketing.advertising.first_party.targeted", Purposes({4})},
    {"marketing.advertising.third_party.targeted", Purposes({4})},
    {"personalize.content.profiling", Purposes({5})},
    {"personalize.content.profiled", Purposes({6})},
    {"analytics.reporting.ad_performance", Purposes({7})},
    {"analytics.reporting.content_performance", Purposes({8})},
    {"analytics.reporting.campaign_insights", Purposes({9})},
    {"functional.service.improve", Purposes({10})},
    {"personalize.content.limited", Purposes({11})},
}};

struct ClassRow {
  PurposeClass purpose_class;
  uint32_t purposes;
};

constexpr std::array<ClassRow, 5> kClasses = {{
    {cv::PurposeClass::TARGETED_ADS, Purposes({3, 4})},
    {cv::PurposeClass::CONTENT_PERSONALIZATION, Purposes({5, 6})},
    {cv::PurposeClass::PERSONALIZATION, Purposes({5, 6})},
    {cv::PurposeClass::PROFILING, Purposes({3, 5})},
    {cv::PurposeClass::ANALYTICS, Purposes({8, 9})},
}};

bool IsOrIsBelow(std::string_view key, std::string_view ancestor) {
  return key.starts_with(ancestor) &&
         (key.size() == ancestor.size() || key[ancestor.size()] == '.');
}

class Gatherer {
 public:
  void Add(OptOut kind, std::string_view section, std::string_view field) {
    const auto at = std::lower_bound(
        meaning_.opt_outs.begin(), meaning_.opt_outs.end(), kind,
        [](const SignalledOptOut& a, OptOut b) { return a.kind < b; });
    if (at != meaning_.opt_outs.end() && at->kind == kind) return;
    std::string name(section);
    name.append(".").append(field);
    meaning_.opt_outs.insert(at, {kind, std::move(name)});
  }

  void Add(const TcString& tc) {
    uint32_t consents = tc.purpose_consents;
    uint32_t interests = tc.purpose_legitimate_interests;
    const auto& own = tc.publisher;
    if (own && (own->consents | own->legitimate_interests) != 0) {
      consents &= own->consents;
      interests &= own->legitimate_interests;
    }
    TcfChoices& choices = meaning_.tcf;
    choices.consents = choices.present ? choices.consents & consents : consents;
    choices.legitimate_interests =
        choices.present ? choices.legitimate_interests & interests : interests;
    choices.vendor_list_version =
        std::max(choices.vendor_list_version, tc.vendor_list_version);
    choices.present = true;
  }

  void Add(const UspString& usp) {
    if (usp.opt_out_sale != 'Y') return;
    Add(Kind::SALE, "uspv1", "OptOutSale");
    Add(Kind::SHARING, "uspv1", "OptOutSale");
  }

  void Add(const UsSection& us) {
    size_t at = 0;
    for (const UsField& field : us.layout->core) {
      const std::span<const uint8_t> values(us.core.data() + at, field.count);
      at += field.count;
      AddField(us.layout->name, field, values);
    }
    constexpr UsField kSecond{"SensitiveDataProcessing", UsMeaning::kSensitive,
                              8};
    AddField(us.layout->name, kSecond, us.sensitive);
    if (us.gpc.value_or(false)) meaning_.global_privacy_control = true;
  }

  void Add(const GppString& gpp) {
    for (const GppSection& section : gpp.sections) {
      std::visit([this](const auto& content) { Add(content); },
                 section.content);
    }
  }

  void Add(const GpcSignal&) { meaning_.global_privacy_control = true; }
  void Add(const std::monostate&) {}

  Meaning Take() { return std::move(meaning_); }

 private:
  void AddField(std::string_view section, const UsField& field,
                std::span<const uint8_t> values) {
    const bool no = std::find(values.begin(), values.end(), 1) != values.end();
    if (!no) return;
    switch (field.meaning) {
      case UsMeaning::kSaleOptOut:
        Add(Kind::SALE, section, field.name);
        break;
      case UsMeaning::kSharingOptOut:
        Add(Kind::SHARING, section, field.name);
        break;
      case UsMeaning::kTargetedOptOut:
        Add(Kind::TARGETED_ADVERTISING, section, field.name);
        break;
      case UsMeaning::kSensitive:
        Add(Kind::SENSITIVE_DATA, section, field.name);
        break;
      case UsMeaning::kChild:
        Add(Kind::SALE, section, field.name);
        Add(Kind::SHARING, section, field.name);
        Add(Kind::TARGETED_ADVERTISING, section, field.name);
        break;
      case UsMeaning::kChildSellAndShare:
        if (values[0] == 1) Add(Kind::SALE, section, field.name);
        if (values[1] == 1) Add(Kind::SHARING, section, field.name);
        break;
      case UsMeaning::kNotice:
      case UsMeaning::kFurtherUse:
      case UsMeaning::kMspa:
      case UsMeaning::kMspaCovered:
        break;
    }
  }

  Meaning meaning_;
};

}  // namespace

Meaning MeaningOf(const Signal& signal) {
  Gatherer gatherer;
  std::visit([&](const auto& decoded) { gatherer.Add(decoded); }, signal);
  return gatherer.Take();
}

uint32_t TcfPurposesOf(std::string_view purpose_key,
                       PurposeClass purpose_class) {
  for (const UseRow& row : kUses) {
    if (IsOrIsBelow(purpose_key, row.data_use)) return row.purposes;
  }
  for (const ClassRow& row : kClasses) {
    if (row.purpose_class == purpose_class) return row.purposes;
  }
  return 0;
}

Choice ChoiceFor(const TcfChoices& choices, uint32_t tcf_purposes,
                 bool rests_on_consent) {
  if (!choices.present || tcf_purposes == 0) return Choice::kNone;
  const uint32_t open = choices.consents | choices.legitimate_interests;
  if ((tcf_purposes & ~open) != 0) return Choice::kRefuse;
  if ((tcf_purposes & ~choices.consents) == 0) return Choice::kGive;
  return rests_on_consent ? Choice::kRefuse : Choice::kNone;
}

}  // namespace consentry::signals
