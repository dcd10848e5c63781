#ifndef CONSENTRY_POLICY_CONDUCT_RULEBOOK_TABLES_H_
#define CONSENTRY_POLICY_CONDUCT_RULEBOOK_TABLES_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "consentry/config/v1/conduct_policy.pb.h"
#include "policy/conduct/local_time.h"
#include "policy/conduct/rulebook.h"
#include "policy/conduct/text_scanner.h"
#include "policy/conduct/topics.h"

// A rulebook from within, for the judges of this folder and for who prints it.
namespace consentry::conduct {

// Which outputs a row is about, made quick to ask.
struct Scope {
  // Bit 1 << value; 0: all.
  uint32_t classes = 0;
  uint32_t channels = 0;
  uint32_t kinds = 0;
  std::vector<std::string> places;
  std::vector<std::string> regimes;
  // The days on which the row holds.
  int64_t from_us = 0;
  int64_t to_us = 0;
};

template <class Row>
struct Loaded {
  Row row;
  Scope scope;
};

struct Rulebook::Tables {
  std::vector<Loaded<config::v1::EvidenceRule>> claims;
  std::vector<Loaded<config::v1::CombinationRule>> combinations;
  std::vector<Loaded<config::v1::InputRule>> inputs;
  std::vector<Loaded<config::v1::PriceRule>> prices;
  std::vector<Loaded<config::v1::DisclosureRule>> disclosures;
  std::vector<Loaded<config::v1::VulnerabilityRule>> vulnerabilities;
  std::vector<Loaded<config::v1::PressureBudget>> budgets;
  std::vector<Loaded<config::v1::QuietHours>> quiet_hours;
  std::vector<Loaded<config::v1::CoolDown>> cool_downs;
  Topics topics;
  std::set<std::string, std::less<>> generative_models;
  int minor_below_age = 0;
  // The greatest limit of any budget.
  size_t most_contacts = 0;
  LocalTimes local_times;
  // For the law behind a claim. Never null.
  const TextScanner* scanner = nullptr;
};

// All faults of all files, each for itself and together: ids that are not
// unique, topics and claims that nobody knows. OK for none.
absl::Status CheckPolicies(const std::vector<const PolicyFile*>& files,
                           const TextScanner& scanner);
// Adds the rows of a file that CheckPolicies found nothing in.
void AddPolicy(const config::v1::ConductPolicy& file, Rulebook::Tables* tables);

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_RULEBOOK_TABLES_H_
