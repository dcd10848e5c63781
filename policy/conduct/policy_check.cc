// What may not stand in a file of conduct rules.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/conduct/local_time.h"
#include "policy/conduct/rulebook_tables.h"
#include "policy/engine/check.h"
#include "policy/engine/civil.h"
#include "policy/engine/places.h"

namespace consentry::conduct {
namespace {

using config::v1::ConductAction;
using config::v1::ConductPolicy;
using config::v1::ConductProof;
using config::v1::ConductScope;
using config::v1::RuleInfo;
using policy::Fault;
using policy::Place;

constexpr uint32_t kMaxMinutes = 400 * 24 * 60;
constexpr uint32_t kMaxDays = 400;
constexpr uint32_t kMaxLimit = 100;
constexpr uint32_t kMaxPercent = 10'000;
constexpr size_t kMaxRows = 1000;

class Checker {
 public:
  explicit Checker(const TextScanner& scanner) : scanner_(scanner) {}

  void CheckFile(const PolicyFile& file) {
    const ConductPolicy& policy = file.message;
    const Place at = policy::PlaceOf(file);
    CheckTopics(policy, at);
    Each(policy.claims(), at, "claims",
         [&](const auto& row, const Place& p) { CheckEvidence(row, p); });
    Each(policy.combinations(), at, "combinations",
         [&](const auto& row, const Place& p) {
           CheckTypes(row.types(), p.At("types"), /*required=*/true);
           Require(row.at_least() >= 2, p.At("at_least"), "must be at least 2");
           CheckAction(row.action(), p.At("action"));
         });
    Each(policy.inputs(), at, "inputs",
         [&](const auto& row, const Place& p) { CheckInput(row, p); });
    Each(policy.prices(), at, "prices",
         [&](const auto& row, const Place& p) { CheckPrice(row, p); });
    Each(policy.disclosures(), at, "disclosures",
         [&](const auto& row, const Place& p) { CheckDisclosure(row, p); });
    Each(policy.vulnerabilities(), at, "vulnerabilities",
         [&](const auto& row, const Place& p) { CheckVulnerability(row, p); });
    Each(policy.budgets(), at, "budgets",
         [&](const auto& row, const Place& p) { CheckBudget(row, p); });
    Each(policy.quiet_hours(), at, "quiet_hours",
         [&](const auto& row, const Place& p) { CheckQuiet(row, p); });
    Each(policy.cool_downs(), at, "cool_downs",
         [&](const auto& row, const Place& p) {
           Require(row.days() >= 1 && row.days() <= kMaxDays, p.At("days"),
                   "must lie in 1 to 400");
         });
    for (int i = 0; i < policy.generative_models_size(); ++i) {
      Require(!policy.generative_models(i).empty(),
              at.At("generative_models", i), "is empty");
    }
    Require(policy.minor_below_age() <= 21, at.At("minor_below_age"),
            "must be at most 21");
  }

  absl::Status Result() {
    for (const auto& [name, place] : asked_topics_) {
      Require(topics_.contains(name), place, "names no topic of any file");
    }
    return policy::FaultsToStatus(faults_);
  }

 private:
  void Require(bool good, const Place& place, std::string message) {
    if (!good) faults_.push_back(place.MakeFault(std::move(message)));
  }

  template <class Rows, class F>
  void Each(const Rows& rows, const Place& at, std::string_view name, F check) {
    Require(static_cast<size_t>(rows.size()) <= kMaxRows, at.At(name),
            "has too many rows");
    for (int i = 0; i < rows.size(); ++i) {
      const Place place = at.At(name, i);
      CheckInfo(rows[i].rule(), place.At("rule"));
      CheckScope(rows[i].scope(), place.At("scope"));
      check(rows[i], place);
    }
  }

  void CheckInfo(const RuleInfo& rule, const Place& at) {
    Require(policy::IsKey(rule.id(), "_.-", 64), at.At("id"),
            "must be 1 to 64 characters of [a-z0-9_.-], beginning with a "
            "letter");
    Require(!rule.id().starts_with("output."), at.At("id"),
            "output. is kept for outputs that cannot be judged");
    Require(ids_.insert(rule.id()).second, at.At("id"),
            "is not unique: a rule is tightened by one more beside it");
    Require(!rule.citation().empty(), at.At("citation"), "is required");
    const auto from = policy::ParseDay(rule.valid_from());
    const auto to = policy::ParseDay(rule.valid_to());
    Require(rule.valid_from().empty() || from, at.At("valid_from"),
            "must be YYYY-MM-DD");
    Require(rule.valid_to().empty() || to, at.At("valid_to"),
            "must be YYYY-MM-DD");
    Require(!from || !to || *from < *to, at.At("valid_to"),
            "must be after valid_from");
  }

  // Values of an enum that are written and say nothing.
  template <class Values>
  void CheckValues(const Values& values, const Place& at) {
    Require(std::find(values.begin(), values.end(), 0) == values.end(), at,
            "must not be UNSPECIFIED");
  }

  void CheckScope(const ConductScope& scope, const Place& at) {
    CheckValues(scope.classes(), at.At("classes"));
    CheckValues(scope.channels(), at.At("channels"));
    CheckValues(scope.kinds(), at.At("kinds"));
    for (int i = 0; i < scope.places_size(); ++i) {
      Require(policy::IsPlaceCode(scope.places(i)), at.At("places", i),
              "is no place of ISO 3166");
    }
    for (int i = 0; i < scope.regimes_size(); ++i) {
      Require(policy::IsKey(scope.regimes(i), "-", 32), at.At("regimes", i),
              "is no id of a legal pack");
    }
  }

  void CheckAction(ConductAction::Value action, const Place& at) {
    Require(action != ConductAction::UNSPECIFIED, at, "is required");
  }

  template <class Values>
  void CheckTypes(const Values& types, const Place& at, bool required) {
    CheckValues(types, at);
    Require(!required || !types.empty(), at, "is required");
  }

  void CheckEvidence(const config::v1::EvidenceRule& row, const Place& at) {
    const auto asks = [&](ConductProof::Value proof) {
      return std::find(row.proofs().begin(), row.proofs().end(),
                       static_cast<int>(proof)) != row.proofs().end();
    };
    CheckTypes(row.proofs(), at.At("proofs"), /*required=*/true);
    CheckTypes(row.types(), at.At("types"), /*required=*/false);
    for (int i = 0; i < row.claims_size(); ++i) {
      Require(scanner_.FindClaim(row.claims(i)) != nullptr, at.At("claims", i),
              "is no claim that is known");
    }
    CheckAction(row.missing(), at.At("missing"));
    const bool facts = !asks(ConductProof::NO_FACT) || row.proofs_size() > 1;
    Require(!facts || row.contradicted() != ConductAction::UNSPECIFIED,
            at.At("contradicted"), "is required");
    Require(row.contradicted() == ConductAction::UNSPECIFIED ||
                row.contradicted() >= row.missing(),
            at.At("contradicted"), "must not be milder than missing");
    Require(row.max_age_minutes() <= kMaxMinutes, at.At("max_age_minutes"),
            "must be at most 400 days");
    Require(asks(ConductProof::STOCK) == (row.few() != 0), at.At("few"),
            "goes with STOCK");
    Require(asks(ConductProof::COUNT) == (row.many() != 0), at.At("many"),
            "goes with COUNT");
    Require(asks(ConductProof::OFFER_END) == (row.honoured_days() != 0),
            at.At("honoured_days"), "goes with OFFER_END");
    Require(row.honoured_days() <= kMaxDays, at.At("honoured_days"),
            "must be at most 400");
  }

  void CheckInput(const config::v1::InputRule& row, const Place& at) {
    Require(!row.categories().empty() || !row.profiles().empty(),
            at.At("categories"), "is required");
    for (int i = 0; i < row.categories_size(); ++i) {
      Require(policy::IsKey(row.categories(i), "_.-", 128),
              at.At("categories", i), "is no category");
    }
    for (int i = 0; i < row.except_size(); ++i) {
      Require(std::any_of(row.categories().begin(), row.categories().end(),
                          [&](const std::string& category) {
                            return policy::HoldsCategory(category,
                                                         row.except(i));
                          }),
              at.At("except", i), "is within none of categories");
    }
    CheckValues(row.profiles(), at.At("profiles"));
    Require(row.minors() || row.profiles().empty(), at.At("profiles"),
            "goes with minors");
    CheckAction(row.action(), at.At("action"));
  }

  void CheckPrice(const config::v1::PriceRule& row, const Place& at) {
    const bool others =
        row.has_above_median_percent() || row.has_spread_percent();
    Require(others || row.has_above_base_percent(), at, "bounds nothing");
    Require(others == (row.min_others() != 0), at.At("min_others"),
            "goes with above_median_percent and spread_percent");
    Require(!others || row.min_others() >= 2, at.At("min_others"),
            "must be at least 2");
    Require(row.above_median_percent() <= kMaxPercent,
            at.At("above_median_percent"), "must be at most 10000");
    Require(row.spread_percent() <= kMaxPercent, at.At("spread_percent"),
            "must be at most 10000");
    Require(row.above_base_percent() <= kMaxPercent,
            at.At("above_base_percent"), "must be at most 10000");
    CheckAction(row.action(), at.At("action"));
  }

  void CheckDisclosure(const config::v1::DisclosureRule& row, const Place& at) {
    Require(row.when() != config::v1::DisclosureRule::UNSPECIFIED,
            at.At("when"), "is required");
    Require(row.disclosure().empty() != row.exact_text().empty(),
            at.At("disclosure"),
            "exactly one of disclosure and exact_text is required");
    CheckAction(row.action(), at.At("action"));
  }

  void CheckVulnerability(const config::v1::VulnerabilityRule& row,
                          const Place& at) {
    CheckValues(row.kinds(), at.At("kinds"));
    CheckTypes(row.claims(), at.At("claims"), /*required=*/false);
    for (int i = 0; i < row.topics_size(); ++i) {
      asked_topics_.emplace_back(row.topics(i), at.At("topics", i));
    }
    CheckAction(row.action(), at.At("action"));
  }

  void CheckBudget(const config::v1::PressureBudget& row, const Place& at) {
    Require(row.limit() <= kMaxLimit, at.At("limit"), "must be at most 100");
    Require(
        !row.has_vulnerable_limit() || row.vulnerable_limit() <= row.limit(),
        at.At("vulnerable_limit"), "must be at most limit");
    Require(row.window_minutes() >= 1 && row.window_minutes() <= kMaxMinutes,
            at.At("window_minutes"), "must lie between a minute and 400 days");
  }

  void CheckQuiet(const config::v1::QuietHours& row, const Place& at) {
    Require(DayTime::Parse(row.from()) >= 0, at.At("from"), "must be HH:MM");
    Require(DayTime::Parse(row.to()) >= 0, at.At("to"), "must be HH:MM");
    CheckValues(row.days(), at.At("days"));
  }

  void CheckTopics(const ConductPolicy& policy, const Place& at) {
    for (int i = 0; i < policy.topics_size(); ++i) {
      const auto& topic = policy.topics(i);
      const Place place = at.At("topics", i);
      Require(policy::IsKey(topic.name(), "_", 32), place.At("name"),
              "must be 1 to 32 characters of [a-z_]");
      topics_.insert(topic.name());
      for (int j = 0; j < topic.expressions_size(); ++j) {
        if (auto status = Topics::Check(topic.expressions(j)); !status.ok()) {
          Require(false, place.At("expressions", j),
                  std::string(status.message()));
        }
      }
      for (int j = 0; j < topic.prefixes_size(); ++j) {
        Require(!topic.prefixes(j).empty(), place.At("prefixes", j),
                "is empty");
      }
      Require(!topic.expressions().empty() || !topic.prefixes().empty(), place,
              "finds nothing");
    }
  }

  const TextScanner& scanner_;
  std::vector<Fault> faults_;
  std::set<std::string, std::less<>> ids_;
  std::set<std::string, std::less<>> topics_;
  std::vector<std::pair<std::string, Place>> asked_topics_;
};

}  // namespace

absl::Status CheckPolicies(const std::vector<const PolicyFile*>& files,
                           const TextScanner& scanner) {
  Checker checker(scanner);
  for (const PolicyFile* file : files) checker.CheckFile(*file);
  return checker.Result();
}

}  // namespace consentry::conduct
