#ifndef CONSENTRY_POLICY_ENGINE_TYPES_H_
#define CONSENTRY_POLICY_ENGINE_TYPES_H_

#include <cstddef>
#include <cstdint>

#include "consentry/config/v1/vocabulary.pb.h"
#include "consentry/v1/errors.pb.h"

namespace consentry::policy {

// Dense handles of one Bundle. They mean nothing to another bundle: look names
// up again when the configuration changes. Numbering follows the sorted names,
// so it does not depend on the order of files or rows.
enum class PurposeId : uint16_t {};
enum class FieldId : uint16_t {};
enum class CategoryId : uint16_t {};
enum class KindId : uint16_t {};
enum class RegimeId : uint16_t {};
enum class RuleId : uint16_t {};
// One basis entry of one purpose for one regime.
enum class BasisId : uint16_t {};
enum class NoticeId : uint16_t {};
// A country or region. Bundles know all that their files name; any other code
// is read as its country, or as kElsewhere.
enum class JurisdictionId : uint16_t {};

inline constexpr RuleId kNoRule{0xffff};
inline constexpr BasisId kNoBasis{0xffff};
inline constexpr NoticeId kNoNotice{0xffff};
inline constexpr JurisdictionId kNoJurisdiction{0xffff};
// A place that no file names.
inline constexpr JurisdictionId kElsewhere{0};

template <class Id>
constexpr size_t Index(Id id) {
  return static_cast<size_t>(id);
}

using PurposeClass = config::v1::PurposeClass::Value;
using LawfulBasis = config::v1::LawfulBasis::Value;
using SpecialGate = config::v1::SpecialGate::Value;
using Channel = config::v1::Channel::Value;
using Transform = config::v1::Transform::Value;
using Safeguard = config::v1::Safeguard::Value;
using OptOut = config::v1::OptOut::Value;
using Reason = v1::ErrorReason;

// Bounds. A request or file beyond them is refused, never cut.
inline constexpr size_t kMaxFieldsPerRequest = 64;
inline constexpr size_t kMaxFieldsPerPurpose = 256;
inline constexpr size_t kMaxFields = 4096;
inline constexpr size_t kMaxPurposes = 1024;
inline constexpr size_t kMaxRegimes = 64;
inline constexpr size_t kMaxRules = 4096;
inline constexpr size_t kMaxOwnerRules = 256;
// Countries and regions that the files name.
inline constexpr size_t kMaxPlaces = 4096;
inline constexpr size_t kMaxBasesPerPurpose = 31;
// Days on which any row or pack begins or ends.
inline constexpr size_t kMaxBoundaries = 512;

inline constexpr int64_t kNever = INT64_MAX;

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_TYPES_H_
