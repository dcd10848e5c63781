#ifndef CONSENTRY_POLICY_ENGINE_RIGHTS_TABLES_H_
#define CONSENTRY_POLICY_ENGINE_RIGHTS_TABLES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/engine/bundle.h"
#include "policy/engine/facts.h"

// What the packs of a bundle say about rights at a time: who has which, within
// what time, proved how, refused on what ground. Reads the packs' own rows, so
// pointers live as long as the bundle. Pure; any thread may call.
namespace consentry::policy {

using Right = config::v1::Right::Value;

// The regimes that attach to a subject, in order. A residence that could not be
// read counts as unknown here: home and markets are assumed, for a right is not
// lost by an error.
std::vector<RegimeId> AttachedRegimes(const Bundle& bundle,
                                      const SubjectFacts& facts,
                                      int64_t time_us);

// The regime's clock for the right at a time, or null. HUMAN_REVIEW and
// EXPLANATION fall to that of AUTOMATED_DECISION where they have none.
const config::v1::ClockRule* ClockOf(const Bundle& bundle, RegimeId regime,
                                     Right right, int64_t time_us);

// One row that gives a right.
struct RightGrant {
  RegimeId regime{};
  const config::v1::RightRule* row = nullptr;
  // Never null.
  const config::v1::ClockRule* clock = nullptr;
};

// The rows by which the regime gives the right at a time, by rule id. Empty: it
// does not know the right.
std::vector<RightGrant> GrantsOf(const Bundle& bundle, RegimeId regime,
                                 Right right, int64_t time_us);

// Whether the row reaches purposes of this class on this basis; UNSPECIFIED
// asks for any.
bool Reaches(const config::v1::RightRule& row, PurposeClass purpose_class,
             LawfulBasis basis);

// Grounds that limit the right in the regime at a time, by rule id.
std::vector<const config::v1::GroundRule*> GroundsOf(const Bundle& bundle,
                                                     RegimeId regime,
                                                     Right right,
                                                     int64_t time_us);
// The ground of this id ("gdpr.17.3.e") if it limits the right then, or null.
const config::v1::GroundRule* FindGround(const Bundle& bundle, RegimeId regime,
                                         Right right, std::string_view id,
                                         int64_t time_us);
// Whether the ground speaks about the field: its category, or one that it
// reveals, is among the ground's, or the ground names none.
bool GroundHoldsField(const config::v1::GroundRule& ground,
                      const config::v1::Field& field);

// Where somebody who resides there complains, by rule id: of rows of one kind
// those that name the residence, or its country; else those that name no place.
std::vector<const config::v1::RedressRule*> RedressOf(
    const Bundle& bundle, RegimeId regime, std::string_view residence,
    int64_t time_us);

// The row that holds then, or null.
const config::v1::ProofRule* ProofOf(const Bundle& bundle, RegimeId regime,
                                     int64_t time_us);
const config::v1::BreachRule* BreachOf(const Bundle& bundle, RegimeId regime,
                                       int64_t time_us);
const config::v1::ReaskRule* ReaskOf(const Bundle& bundle, RegimeId regime,
                                     PurposeClass purpose_class,
                                     int64_t time_us);

// The row that holds then, or null: local days, home's holidays.
const config::v1::ReckoningRule* ReckoningOf(const Bundle& bundle,
                                             RegimeId regime, int64_t time_us);

// Whether the field is sensitive in the regime (verification_sensitive).
bool IsSensitive(const Bundle& bundle, RegimeId regime, FieldId field);

// "eu-gdpr/gdpr.17.3.e".
std::string RuleName(const Bundle& bundle, RegimeId regime,
                     const config::v1::RuleInfo& rule);

// The text in the language, in its primary language ("de" for "de-AT"), or in
// English; null where there is none.
const config::v1::LocalText* TextIn(
    const google::protobuf::RepeatedPtrField<config::v1::LocalText>& texts,
    std::string_view language);

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_RIGHTS_TABLES_H_
