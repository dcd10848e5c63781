#include "policy/signals/us_section.h"

#include <algorithm>
#include <array>
#include <string>

#include "policy/signals/bit_reader.h"
#include "policy/signals/signal_error.h"

namespace consentry::signals {
namespace {

using M = UsMeaning;

constexpr UsField kSharingNotice{"SharingNotice", M::kNotice};
constexpr UsField kProcessingNotice{"ProcessingNotice", M::kNotice};
constexpr UsField kSaleNotice{"SaleOptOutNotice", M::kNotice};
constexpr UsField kSharingOptOutNotice{"SharingOptOutNotice", M::kNotice};
constexpr UsField kTargetedNotice{"TargetedAdvertisingOptOutNotice",
                                  M::kNotice};
constexpr UsField kSensitiveNotice{"SensitiveDataProcessingOptOutNotice",
                                   M::kNotice};
constexpr UsField kIowaNotice{"SensitiveDataOptOutNotice", M::kNotice};
constexpr UsField kLimitNotice{"SensitiveDataLimitUseNotice", M::kNotice};
constexpr UsField kSale{"SaleOptOut", M::kSaleOptOut};
constexpr UsField kSharing{"SharingOptOut", M::kSharingOptOut};
constexpr UsField kTargeted{"TargetedAdvertisingOptOut", M::kTargetedOptOut};
constexpr UsField kPersonal{"PersonalDataConsents", M::kFurtherUse};
constexpr UsField kAdditional{"AdditionalDataProcessingConsent",
                              M::kFurtherUse};
constexpr UsField kCovered{"MspaCoveredTransaction", M::kMspaCovered};
constexpr UsField kOptOutMode{"MspaOptOutOptionMode", M::kMspa};
constexpr UsField kProviderMode{"MspaServiceProviderMode", M::kMspa};
constexpr UsField kMode{"MspaMode", M::kMspa};
constexpr UsField Sensitive(uint8_t count) {
  return {"SensitiveDataProcessing", M::kSensitive, count};
}
constexpr UsField Child(uint8_t count) {
  return {"KnownChildSensitiveDataConsents", M::kChild, count};
}

template <uint8_t kSensitiveCount, uint8_t kChildCount>
constexpr std::array<UsField, 15> kNational = {kSharingNotice,
                                               kSaleNotice,
                                               kSharingOptOutNotice,
                                               kTargetedNotice,
                                               kSensitiveNotice,
                                               kLimitNotice,
                                               kSale,
                                               kSharing,
                                               kTargeted,
                                               Sensitive(kSensitiveCount),
                                               Child(kChildCount),
                                               kPersonal,
                                               kCovered,
                                               kOptOutMode,
                                               kProviderMode};

constexpr std::array<UsField, 11> kCalifornia = {
    kSaleNotice,
    kSharingOptOutNotice,
    kLimitNotice,
    kSale,
    kSharing,
    Sensitive(9),
    UsField{"KnownChildSensitiveDataConsents", M::kChildSellAndShare, 2},
    kPersonal,
    kCovered,
    kOptOutMode,
    kProviderMode};

// Virginia, Colorado, Connecticut.
template <uint8_t kSensitiveCount, uint8_t kChildCount>
constexpr std::array<UsField, 10> kEarly = {
    kSharingNotice,     kSaleNotice,
    kTargetedNotice,    kSale,
    kTargeted,          Sensitive(kSensitiveCount),
    Child(kChildCount), kCovered,
    kOptOutMode,        kProviderMode};

constexpr std::array<UsField, 11> kUtah = {
    kSharingNotice, kSaleNotice, kTargetedNotice, kSensitiveNotice,
    kSale,          kTargeted,   Sensitive(8),    Child(1),
    kCovered,       kOptOutMode, kProviderMode};

constexpr std::array<UsField, 11> kIowa = {
    kProcessingNotice, kSaleNotice,  kTargetedNotice, kIowaNotice, kSale,
    kTargeted,         Sensitive(8), Child(1),        kCovered,    kOptOutMode,
    kProviderMode};

// The states from 2023 on.
template <uint8_t kSensitiveCount, uint8_t kChildCount>
constexpr std::array<UsField, 11> kLater = {
    kProcessingNotice,  kSaleNotice,
    kTargetedNotice,    kSale,
    kTargeted,          Sensitive(kSensitiveCount),
    Child(kChildCount), kAdditional,
    kCovered,           kOptOutMode,
    kProviderMode};

constexpr std::array<UsField, 11> kMontana = {
    kSharingNotice, kSaleNotice,  kTargetedNotice, kSale,
    kTargeted,      Sensitive(8), Child(3),        kAdditional,
    kCovered,       kOptOutMode,  kProviderMode};

constexpr std::array<UsField, 8> kMaryland = {
    kCovered,        kMode, kProcessingNotice, kSaleNotice,
    kTargetedNotice, kSale, kTargeted,         kAdditional};

// Indiana, Kentucky, Rhode Island.
constexpr std::array<UsField, 9> kLatest = {
    kCovered, kMode,     kProcessingNotice, kSaleNotice, kTargetedNotice,
    kSale,    kTargeted, Child(1),          kAdditional};

constexpr std::string_view kVersion = "Version";
constexpr std::string_view kMspaVersion = "MspaVersion";

constexpr std::array<UsLayout, 22> kLayouts = {{
    {7, "usnat", 1, kVersion, kNational<12, 2>, UsSecond::kGpc},
    {7, "usnat", 2, kVersion, kNational<16, 3>, UsSecond::kGpc},
    {8, "usca", 1, kVersion, kCalifornia, UsSecond::kGpc},
    {9, "usva", 1, kVersion, kEarly<8, 1>, UsSecond::kNone},
    {10, "usco", 1, kVersion, kEarly<7, 1>, UsSecond::kGpc},
    {11, "usut", 1, kVersion, kUtah, UsSecond::kNone},
    {12, "usct", 1, kVersion, kEarly<8, 3>, UsSecond::kGpc},
    {13, "usfl", 1, kVersion, kLater<8, 3>, UsSecond::kNone},
    {14, "usmt", 1, kVersion, kMontana, UsSecond::kGpc},
    {15, "usor", 1, kVersion, kLater<11, 3>, UsSecond::kGpc},
    {16, "ustx", 1, kVersion, kLater<8, 1>, UsSecond::kGpc},
    {17, "usde", 1, kVersion, kLater<9, 5>, UsSecond::kGpc},
    {18, "usia", 1, kVersion, kIowa, UsSecond::kGpc},
    {19, "usne", 1, kVersion, kLater<8, 1>, UsSecond::kGpc},
    {20, "usnh", 1, kVersion, kLater<8, 3>, UsSecond::kGpc},
    {21, "usnj", 1, kVersion, kLater<10, 5>, UsSecond::kGpc},
    {22, "ustn", 1, kVersion, kLater<8, 1>, UsSecond::kGpc},
    {23, "usmn", 1, kVersion, kLater<8, 1>, UsSecond::kGpc},
    {24, "usmd", 1, kMspaVersion, kMaryland, UsSecond::kGpc},
    {25, "usin", 1, kMspaVersion, kLatest, UsSecond::kSensitive},
    {26, "usky", 1, kMspaVersion, kLatest, UsSecond::kSensitive},
    {27, "usri", 1, kMspaVersion, kLatest, UsSecond::kSensitive},
}};

constexpr uint8_t kSecondSensitive = 8;

const UsLayout* FindLayout(uint16_t section, uint64_t version) {
  const auto found = std::find_if(
      kLayouts.begin(), kLayouts.end(), [&](const UsLayout& layout) {
        return layout.section == section && layout.version == version;
      });
  return found == kLayouts.end() ? nullptr : &*found;
}

const UsLayout& AnyLayout(uint16_t section) {
  return *std::find_if(
      kLayouts.begin(), kLayouts.end(),
      [&](const UsLayout& layout) { return layout.section == section; });
}

void ReadNumber(BitReader* reader, const UsField& field,
                std::vector<uint8_t>* out) {
  const uint64_t value = reader->Read(2, field.name);
  if (reader->ok() &&
      (value == 3 || (value == 0 && field.meaning == M::kMspaCovered))) {
    reader->Refuse(Fault::kValue, field.name);
  }
  out->push_back(static_cast<uint8_t>(value));
}

void ReadCore(BitReader* reader, uint16_t section, UsSection* out) {
  const std::string_view version_field = AnyLayout(section).version_field;
  out->layout = FindLayout(section, reader->Read(6, version_field));
  if (out->layout == nullptr) {
    reader->Refuse(Fault::kVersion, version_field);
    return;
  }
  for (const UsField& field : out->layout->core) {
    for (uint8_t i = 0; i < field.count && reader->ok(); ++i) {
      ReadNumber(reader, field, &out->core);
    }
  }
  reader->ExpectEnd();
}

void ReadSecond(BitReader* reader, UsSection* out) {
  if (out->layout->second == UsSecond::kGpc) {
    if (reader->Read(2, "GpcSegmentType") != 1) {
      reader->Refuse(Fault::kSegmentUnknown, "GpcSegmentType");
    }
    out->gpc = reader->ReadFlag("Gpc");
  } else {
    for (uint8_t i = 0; i < kSecondSensitive && reader->ok(); ++i) {
      ReadNumber(reader, Sensitive(kSecondSensitive), &out->sensitive);
    }
  }
  reader->ExpectEnd();
}

}  // namespace

std::span<const UsLayout> UsLayouts() { return kLayouts; }

absl::StatusOr<UsSection> DecodeUs(uint16_t section, std::string_view text,
                                   size_t offset) {
  const std::string name = "gpp." + std::string(AnyLayout(section).name);
  UsSection decoded;
  const size_t dot = text.find('.');
  BitReader core(text.substr(0, dot), offset, name);
  ReadCore(&core, section, &decoded);
  if (!core.ok()) return ToStatus(core.error());
  if (dot == std::string_view::npos) return decoded;
  const size_t begin = dot + 1;
  if (decoded.layout->second == UsSecond::kNone) {
    return ToStatus({Fault::kSegmentUnknown, name, offset + begin, 0});
  }
  const size_t extra = text.find('.', begin);
  if (extra != std::string_view::npos) {
    return ToStatus({Fault::kSegmentUnknown, name, offset + extra + 1, 0});
  }
  BitReader second(text.substr(begin), offset + begin, name);
  ReadSecond(&second, &decoded);
  if (!second.ok()) return ToStatus(second.error());
  return decoded;
}

}  // namespace consentry::signals
