#include "policy/conduct/rulebook.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

#include "policy/conduct/policy_tables.h"
#include "policy/conduct/rulebook_tables.h"
#include "policy/engine/civil.h"

namespace consentry::conduct {
namespace {

using policy::Fault;
using policy::kUsPerDay;

Scope ScopeOf(const config::v1::RuleInfo& rule,
              const config::v1::ConductScope& scope) {
  Scope made;
  for (const int value : scope.classes()) made.classes |= uint32_t{1} << value;
  for (const int value : scope.channels()) {
    made.channels |= uint32_t{1} << value;
  }
  for (const int value : scope.kinds()) made.kinds |= uint32_t{1} << value;
  made.places.assign(scope.places().begin(), scope.places().end());
  made.regimes.assign(scope.regimes().begin(), scope.regimes().end());
  if (const auto from = policy::ParseDay(rule.valid_from())) {
    made.from_us = *from * kUsPerDay;
  }
  const auto to = policy::ParseDay(rule.valid_to());
  made.to_us = to ? *to * kUsPerDay : policy::kNever;
  return made;
}

template <class Row>
void Load(const google::protobuf::RepeatedPtrField<Row>& rows,
          std::vector<Loaded<Row>>* to) {
  for (const Row& row : rows) {
    to->push_back({row, ScopeOf(row.rule(), row.scope())});
  }
}

}  // namespace

void AddPolicy(const config::v1::ConductPolicy& file,
               Rulebook::Tables* tables) {
  Load(file.claims(), &tables->claims);
  Load(file.combinations(), &tables->combinations);
  Load(file.inputs(), &tables->inputs);
  Load(file.prices(), &tables->prices);
  Load(file.disclosures(), &tables->disclosures);
  Load(file.vulnerabilities(), &tables->vulnerabilities);
  Load(file.budgets(), &tables->budgets);
  Load(file.quiet_hours(), &tables->quiet_hours);
  Load(file.cool_downs(), &tables->cool_downs);
  for (const auto& topic : file.topics()) tables->topics.Add(topic);
  tables->generative_models.insert(file.generative_models().begin(),
                                   file.generative_models().end());
  tables->minor_below_age = std::max(tables->minor_below_age,
                                     static_cast<int>(file.minor_below_age()));
  for (const auto& budget : file.budgets()) {
    tables->most_contacts =
        std::max<size_t>(tables->most_contacts, budget.limit());
  }
}

absl::StatusOr<PolicyFile> ShippedPolicy() {
  const EmbeddedFile& file = EmbeddedConductPolicy()[0];
  return policy::ParseText<config::v1::ConductPolicy>(file.name, file.content);
}

Rulebook::Rulebook(std::unique_ptr<Tables> tables)
    : tables_(std::move(tables)) {}
Rulebook::~Rulebook() = default;

absl::StatusOr<std::unique_ptr<Rulebook>> Rulebook::Create(Options options) {
  auto tables = std::make_unique<Tables>();
  tables->scanner = &TextScanner::Shipped();
  CONSENTRY_ASSIGN_OR_RETURN(tables->local_times,
                             LocalTimes::Create(options.default_time_zone));
  std::vector<const PolicyFile*> files;
  CONSENTRY_ASSIGN_OR_RETURN(const PolicyFile shipped, ShippedPolicy());
  files.push_back(&shipped);
  for (const PolicyFile& own : options.own) files.push_back(&own);
  CONSENTRY_RETURN_IF_ERROR(CheckPolicies(files, *tables->scanner));
  for (const PolicyFile* file : files) AddPolicy(file->message, tables.get());
  return std::unique_ptr<Rulebook>(new Rulebook(std::move(tables)));
}

const Rulebook& Rulebook::Shipped() {
  static const Rulebook* const shipped = [] {
    auto made = Create({});
    // A build whose own rules are broken must not judge; a test reads them.
    if (!made.ok()) std::abort();
    return made->release();
  }();
  return *shipped;
}

}  // namespace consentry::conduct
