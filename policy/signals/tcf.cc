#include "policy/signals/tcf.h"

#include "policy/signals/bit_reader.h"
#include "policy/signals/signal_error.h"

namespace consentry::signals {
namespace {

constexpr int64_t kDeciseconds = 100'000;
// 2023-10-01 and 2026-03-01, the first days after.
constexpr int64_t kPolicyFourUs = 1'696'118'400'000'000;
constexpr int64_t kDisclosedUs = 1'772'323'200'000'000;
constexpr int kLowestPolicy = 4;
// Purposes 1 and 3 to 6.
constexpr uint32_t kConsentOnly = 0b111101;
constexpr uint8_t kPurposes = 24;
// Those below were given to nobody.
constexpr uint16_t kLowestCmp = 2;

enum SegmentType : uint64_t {
  kDisclosedVendors = 1,
  kPublisherTc = 3,
};

// The first bit read is number 1.
uint64_t ReadMask(BitReader* reader, size_t bits, std::string_view field) {
  uint64_t mask = 0;
  const uint64_t read = reader->Read(bits, field);
  for (size_t i = 0; i < bits; ++i) {
    mask |= ((read >> (bits - 1 - i)) & 1) << i;
  }
  return mask;
}

std::string ReadLetters(BitReader* reader, std::string_view field) {
  std::string letters;
  for (int i = 0; i < 2; ++i) {
    const uint64_t letter = reader->Read(6, field);
    if (letter > 25) reader->Refuse(Fault::kValue, field);
    letters.push_back(static_cast<char>('A' + letter));
  }
  return letters;
}

void ReadRestrictions(BitReader* reader, TcString* tc) {
  constexpr std::string_view kField = "PubRestrictions";
  const uint64_t count = reader->Read(12, kField);
  for (uint64_t i = 0; i < count && reader->ok(); ++i) {
    PublisherRestriction restriction;
    restriction.purpose = static_cast<uint8_t>(reader->Read(6, kField));
    if (reader->ok() &&
        (restriction.purpose == 0 || restriction.purpose > kPurposes)) {
      reader->Refuse(Fault::kValue, kField);
    }
    const uint64_t type = reader->Read(2, kField);
    if (type == 3) reader->Refuse(Fault::kValue, kField);
    restriction.type = static_cast<RestrictionType>(type);
    restriction.vendors = VendorSet::ReadRanges(reader, 0xffff, kField);
    tc->restrictions.push_back(std::move(restriction));
  }
}

void ReadCore(BitReader* reader, TcString* tc) {
  if (reader->Read(6, "Version") != 2) {
    reader->Refuse(Fault::kVersion, "Version");
  }
  tc->created_us =
      static_cast<int64_t>(reader->Read(36, "Created")) * kDeciseconds;
  tc->last_updated_us =
      static_cast<int64_t>(reader->Read(36, "LastUpdated")) * kDeciseconds;
  if (tc->last_updated_us < tc->created_us) {
    reader->Refuse(Fault::kValue, "LastUpdated");
  }
  tc->cmp_id = static_cast<uint16_t>(reader->Read(12, "CmpId"));
  if (tc->cmp_id < kLowestCmp) reader->Refuse(Fault::kValue, "CmpId");
  tc->cmp_version = static_cast<uint16_t>(reader->Read(12, "CmpVersion"));
  tc->consent_screen = static_cast<uint8_t>(reader->Read(6, "ConsentScreen"));
  tc->consent_language = ReadLetters(reader, "ConsentLanguage");
  tc->vendor_list_version =
      static_cast<uint16_t>(reader->Read(12, "VendorListVersion"));
  tc->policy_version =
      static_cast<uint8_t>(reader->Read(6, "TcfPolicyVersion"));
  if (tc->policy_version < kLowestPolicy && tc->created_us >= kPolicyFourUs) {
    reader->Refuse(Fault::kPolicyVersion, "TcfPolicyVersion");
  }
  if (!reader->ReadFlag("IsServiceSpecific")) {
    reader->Refuse(Fault::kScope, "IsServiceSpecific");
  }
  tc->use_non_standard_texts = reader->ReadFlag("UseNonStandardTexts");
  tc->special_feature_opt_ins =
      static_cast<uint16_t>(ReadMask(reader, 12, "SpecialFeatureOptIns"));
  tc->purpose_consents =
      static_cast<uint32_t>(ReadMask(reader, 24, "PurposesConsent"));
  tc->purpose_legitimate_interests =
      static_cast<uint32_t>(ReadMask(reader, 24, "PurposesLITransparency"));
  if (tc->policy_version >= kLowestPolicy &&
      (tc->purpose_legitimate_interests & kConsentOnly) != 0) {
    reader->Refuse(Fault::kValue, "PurposesLITransparency");
  }
  tc->purpose_one_treatment = reader->ReadFlag("PurposeOneTreatment");
  tc->publisher_country = ReadLetters(reader, "PublisherCC");
  tc->vendor_consents = VendorSet::Read(reader, "VendorsConsent");
  tc->vendor_legitimate_interests =
      VendorSet::Read(reader, "VendorsLegitimateInterest");
  ReadRestrictions(reader, tc);
}

PublisherTc ReadPublisher(BitReader* reader) {
  PublisherTc publisher;
  publisher.consents =
      static_cast<uint32_t>(ReadMask(reader, 24, "PubPurposesConsent"));
  publisher.legitimate_interests =
      static_cast<uint32_t>(ReadMask(reader, 24, "PubPurposesLITransparency"));
  publisher.custom_purposes =
      static_cast<uint8_t>(reader->Read(6, "NumCustomPurposes"));
  const size_t custom = publisher.custom_purposes;
  if (custom > 0) {
    publisher.custom_consents =
        ReadMask(reader, custom, "CustomPurposesConsent");
    publisher.custom_legitimate_interests =
        ReadMask(reader, custom, "CustomPurposesLITransparency");
  }
  return publisher;
}

absl::Status Fail(Fault fault, std::string_view field, size_t character) {
  return ToStatus({fault, std::string(field), character, 0});
}

// One segment behind the core.
absl::Status ReadSegment(std::string_view text, size_t offset, TcString* tc) {
  std::string_view name = "tcf.segment";
  // Its type stands in the first three bits, so in the first character.
  BitReader peek(text.substr(0, 1), offset, name);
  const uint64_t type = peek.Read(3, "SegmentType");
  if (!peek.ok()) return ToStatus(peek.error());
  if (type == kDisclosedVendors) {
    name = "tcf.disclosed_vendors";
  } else if (type == kPublisherTc) {
    name = "tcf.publisher_tc";
  } else {
    return Fail(Fault::kSegmentUnknown, name, offset);
  }
  if (type == kDisclosedVendors ? tc->disclosed_vendors.has_value()
                                : tc->publisher.has_value()) {
    return Fail(Fault::kSegmentRepeated, name, offset);
  }
  BitReader reader(text, offset, name);
  reader.Read(3, "SegmentType");
  if (type == kDisclosedVendors) {
    tc->disclosed_vendors = VendorSet::Read(&reader, "VendorsDisclosed");
  } else {
    tc->publisher = ReadPublisher(&reader);
  }
  reader.ExpectEnd();
  return reader.ok() ? absl::OkStatus() : ToStatus(reader.error());
}

}  // namespace

absl::StatusOr<TcString> DecodeTcf(std::string_view text, size_t offset) {
  if (text.empty()) return Fail(Fault::kFormat, "tcf", offset);
  if (text.size() > kMaxSignalBytes) {
    return Fail(Fault::kTooLong, "tcf", offset);
  }
  TcString tc;
  size_t end = text.find('.');
  BitReader core(text.substr(0, end), offset, "tcf.core");
  ReadCore(&core, &tc);
  core.ExpectEnd();
  if (!core.ok()) return ToStatus(core.error());
  while (end != std::string_view::npos) {
    const size_t begin = end + 1;
    end = text.find('.', begin);
    const std::string_view segment =
        text.substr(begin, end == std::string_view::npos ? end : end - begin);
    if (absl::Status fault = ReadSegment(segment, offset + begin, &tc);
        !fault.ok()) {
      return fault;
    }
  }
  if (!tc.disclosed_vendors && tc.created_us >= kDisclosedUs) {
    return Fail(Fault::kSegmentMissing, "tcf.disclosed_vendors",
                offset + text.size());
  }
  return tc;
}

std::optional<VendorUse::Basis> VendorMay(const TcString& tc,
                                          const VendorUse& use) {
  using Basis = VendorUse::Basis;
  if (use.purpose == 0 || use.purpose > kPurposes || use.vendor == 0) {
    return std::nullopt;
  }
  const uint32_t purpose = uint32_t{1} << (use.purpose - 1);
  const bool flexible = use.flexible && use.purpose != 1;
  bool wants_consent = false;
  bool wants_interest = false;
  for (const PublisherRestriction& restriction : tc.restrictions) {
    if (restriction.purpose != use.purpose ||
        !restriction.vendors.Contains(use.vendor)) {
      continue;
    }
    switch (restriction.type) {
      case RestrictionType::kNotAllowed:
        return std::nullopt;
      case RestrictionType::kRequireConsent:
        wants_consent = true;
        break;
      case RestrictionType::kRequireLegitimateInterest:
        wants_interest = true;
        break;
    }
  }
  if (wants_consent && wants_interest) return std::nullopt;
  Basis basis = use.registered;
  if (wants_consent) basis = Basis::kConsent;
  if (wants_interest) basis = Basis::kLegitimateInterest;
  if (basis != use.registered && !flexible) return std::nullopt;
  if ((use.special_features & ~tc.special_feature_opt_ins) != 0) {
    return std::nullopt;
  }
  if (tc.disclosed_vendors && !tc.disclosed_vendors->Contains(use.vendor)) {
    return std::nullopt;
  }
  const bool stands =
      basis == Basis::kConsent
          ? (tc.purpose_consents & purpose) != 0 &&
                tc.vendor_consents.Contains(use.vendor)
          : (purpose & kConsentOnly) == 0 &&
                (tc.purpose_legitimate_interests & purpose) != 0 &&
                tc.vendor_legitimate_interests.Contains(use.vendor);
  return stands ? std::optional<Basis>(basis) : std::nullopt;
}

}  // namespace consentry::signals
