// Any text as a policy case: it is refused, or is decided without a fault, and
// the case made of the decision asks and gets the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "policy/engine/explain.h"
#include "policy/engine/policy_case.h"
#include "tests/differential/small_world.h"

namespace {

using consentry::policy::Bundle;
using consentry::policy::Decision;

void Require(bool condition) {
  if (!condition) std::abort();
}

const Bundle& SmallBundle() {
  static const std::shared_ptr<const Bundle>& bundle = *[] {
    const auto world = consentry::policy_model::SmallWorld();
    consentry::policy::BundleSources sources;
    sources.catalog = consentry::policy::Unlocated(world.catalog);
    sources.purposes = consentry::policy::Unlocated(world.purposes);
    sources.profile = consentry::policy::Unlocated(world.profile);
    for (const auto& pack : world.packs) {
      sources.packs.push_back(consentry::policy::Unlocated(pack));
    }
    auto compiled = Bundle::Compile(std::move(sources));
    Require(compiled.ok());
    return new std::shared_ptr<const Bundle>(*std::move(compiled));
  }();
  return *bundle;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using consentry::policy::BindCase;
  using consentry::policy::ParseText;
  const auto located = ParseText<consentry::config::v1::PolicyCase>(
      "fuzz", std::string_view(reinterpret_cast<const char*>(data), size));
  if (!located.ok()) return 0;
  const Bundle& bundle = SmallBundle();
  const auto bound =
      BindCase(bundle, located->message, consentry::policy::PlaceOf(*located));
  if (!bound.ok()) return 0;
  Decision decision;
  Require(Decide(bundle, bound->facts, bound->request, &decision).ok());
  Require(!Explain(bundle, bound->facts, bound->request, decision)
               .ToText()
               .empty());
  // Any expectation is compared or refused.
  CompareWithExpectation(bundle, decision, located->message.expect())
      .IgnoreError();
  const auto again = ToCase(bundle, bound->facts, bound->request, decision);
  const auto bound_again = BindCase(bundle, again, consentry::policy::Place());
  Require(bound_again.ok());
  Decision second;
  Require(
      Decide(bundle, bound_again->facts, bound_again->request, &second).ok());
  Require(decision == second);
  return 0;
}
