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

using signals::TcString;

// Keys and texts are of fixed vocabularies or base64url, so nothing needs an
// escape.
class Json {
 public:
  void Begin(char bracket) {
    Comma();
    text_.push_back(bracket);
    first_ = true;
  }
  void End(char bracket) {
    text_.push_back(bracket);
    first_ = false;
  }
  void Key(std::string_view key) {
    Comma();
    text_.append("\"").append(key).append("\":");
    first_ = true;
  }
  void Number(uint64_t value) {
    Comma();
    absl::StrAppend(&text_, value);
  }
  void Flag(bool value) {
    Comma();
    text_.append(value ? "true" : "false");
  }
  void Null() {
    Comma();
    text_.append("null");
  }
  void Text(std::string_view value) {
    Comma();
    text_.append("\"").append(value).append("\"");
  }
  std::string Take() { return std::move(text_); }

 private:
  void Comma() {
    if (!first_) text_.push_back(',');
    first_ = false;
  }

  std::string text_;
  bool first_ = true;
};

void Mask(Json* json, std::string_view key, uint64_t mask) {
  json->Key(key);
  json->Begin('[');
  for (uint64_t n = 1; mask != 0; ++n, mask >>= 1) {
    if ((mask & 1) != 0) json->Number(n);
  }
  json->End(']');
}

void Time(Json* json, std::string_view key, int64_t us) {
  json->Key(key);
  json->Text(absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ",
                              absl::FromUnixMicros(us), absl::UTCTimeZone()));
}

void Ranges(Json* json, const signals::VendorSet& vendors) {
  json->Key("Ranges");
  json->Begin('[');
  for (const signals::VendorRange& range : vendors.Ranges()) {
    json->Begin('[');
    json->Number(range.first);
    json->Number(range.last);
    json->End(']');
  }
  json->End(']');
}

void Vendors(Json* json, std::string_view key,
             const signals::VendorSet& vendors) {
  json->Key(key);
  json->Begin('{');
  json->Key("MaxVendorId");
  json->Number(vendors.max_vendor_id());
  Ranges(json, vendors);
  json->End('}');
}

void Number(Json* json, std::string_view key, uint64_t value) {
  json->Key(key);
  json->Number(value);
}

void Flag(Json* json, std::string_view key, bool value) {
  json->Key(key);
  json->Flag(value);
}

void Text(Json* json, std::string_view key, std::string_view value) {
  json->Key(key);
  json->Text(value);
}

void Fields(Json* json, const TcString& tc) {
  Number(json, "Version", 2);
  Time(json, "Created", tc.created_us);
  Time(json, "LastUpdated", tc.last_updated_us);
  Number(json, "CmpId", tc.cmp_id);
  Number(json, "CmpVersion", tc.cmp_version);
  Number(json, "ConsentScreen", tc.consent_screen);
  Text(json, "ConsentLanguage", tc.consent_language);
  Number(json, "VendorListVersion", tc.vendor_list_version);
  Number(json, "TcfPolicyVersion", tc.policy_version);
  Flag(json, "IsServiceSpecific", true);
  Flag(json, "UseNonStandardTexts", tc.use_non_standard_texts);
  Mask(json, "SpecialFeatureOptIns", tc.special_feature_opt_ins);
  Mask(json, "PurposesConsent", tc.purpose_consents);
  Mask(json, "PurposesLITransparency", tc.purpose_legitimate_interests);
  Flag(json, "PurposeOneTreatment", tc.purpose_one_treatment);
  Text(json, "PublisherCC", tc.publisher_country);
  Vendors(json, "VendorsConsent", tc.vendor_consents);
  Vendors(json, "VendorsLegitimateInterest", tc.vendor_legitimate_interests);
  json->Key("PubRestrictions");
  json->Begin('[');
  for (const signals::PublisherRestriction& restriction : tc.restrictions) {
    json->Begin('{');
    Number(json, "PurposeId", restriction.purpose);
    Number(json, "RestrictionType", static_cast<uint64_t>(restriction.type));
    Ranges(json, restriction.vendors);
    json->End('}');
  }
  json->End(']');
  if (tc.disclosed_vendors) {
    Vendors(json, "VendorsDisclosed", *tc.disclosed_vendors);
  }
  if (tc.publisher) {
    json->Key("PublisherTC");
    json->Begin('{');
    Mask(json, "PubPurposesConsent", tc.publisher->consents);
    Mask(json, "PubPurposesLITransparency", tc.publisher->legitimate_interests);
    Number(json, "NumCustomPurposes", tc.publisher->custom_purposes);
    Mask(json, "CustomPurposesConsent", tc.publisher->custom_consents);
    Mask(json, "CustomPurposesLITransparency",
         tc.publisher->custom_legitimate_interests);
    json->End('}');
  }
}

void Fields(Json* json, const signals::UspString& usp) {
  Number(json, "Version", 1);
  Text(json, "Notice", std::string_view(&usp.notice, 1));
  Text(json, "OptOutSale", std::string_view(&usp.opt_out_sale, 1));
  Text(json, "LspaCovered", std::string_view(&usp.lspa_covered, 1));
}

void Numbers(Json* json, std::string_view key, std::span<const uint8_t> numbers,
             bool list) {
  json->Key(key);
  if (!list) {
    json->Number(numbers.front());
    return;
  }
  json->Begin('[');
  for (const uint8_t number : numbers) json->Number(number);
  json->End(']');
}

void Fields(Json* json, const signals::UsSection& us) {
  Number(json, us.layout->version_field, us.layout->version);
  const std::span<const uint8_t> numbers = us.core;
  size_t at = 0;
  for (const signals::UsField& field : us.layout->core) {
    Numbers(json, field.name, numbers.subspan(at, field.count),
            field.count > 1);
    at += field.count;
  }
  if (us.gpc) Flag(json, "Gpc", *us.gpc);
  if (!us.sensitive.empty()) {
    Numbers(json, "SensitiveDataProcessing", us.sensitive, true);
  }
}

void Fields(Json*, const std::monostate&) {}

void Fields(Json* json, const signals::GppString& gpp) {
  json->Key("Sections");
  json->Begin('[');
  for (const signals::GppSection& section : gpp.sections) {
    json->Begin('{');
    Number(json, "Id", section.id);
    json->Key("Name");
    if (section.name.empty()) {
      json->Null();
    } else {
      json->Text(section.name);
    }
    Text(json, "Raw", section.raw);
    std::visit([json](const auto& content) { Fields(json, content); },
               section.content);
    json->End('}');
  }
  json->End(']');
}

void Fields(Json* json, const signals::GpcSignal&) { Flag(json, "Gpc", true); }

void MeaningFields(Json* json, const signals::Meaning& meaning) {
  json->Key("meaning");
  json->Begin('{');
  Flag(json, "global_privacy_control", meaning.global_privacy_control);
  json->Key("opt_outs");
  json->Begin('[');
  for (const signals::SignalledOptOut& opt_out : meaning.opt_outs) {
    json->Begin('{');
    Text(json, "kind", config::v1::OptOut::Value_Name(opt_out.kind));
    Text(json, "field", opt_out.field);
    json->End('}');
  }
  json->End(']');
  if (meaning.tcf.present) {
    Mask(json, "tcf_consents", meaning.tcf.consents);
    Mask(json, "tcf_legitimate_interests", meaning.tcf.legitimate_interests);
  }
  json->End('}');
}

}  // namespace

std::string SignalJson(const signals::Signal& signal) {
  static constexpr std::array<std::string_view, 4> kFormats = {"tcf", "gpp",
                                                               "uspv1", "gpc"};
  static_assert(kFormats.size() == std::variant_size_v<signals::Signal>);
  Json json;
  json.Begin('{');
  Text(&json, "format", kFormats[signal.index()]);
  std::visit([&json](const auto& decoded) { Fields(&json, decoded); }, signal);
  MeaningFields(&json, signals::MeaningOf(signal));
  json.End('}');
  return json.Take();
}

}  // namespace consentry::tools
