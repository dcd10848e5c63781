#ifndef CONSENTRY_POLICY_ENGINE_COMPILE_H_
#define CONSENTRY_POLICY_ENGINE_COMPILE_H_

#include <memory>

#include "policy/engine/bundle.h"
#include "policy/engine/tables.h"

namespace consentry::policy {

// Compiles sources that passed every check. The tables point into `sources`,
// which must outlive them and stay where it is.
std::unique_ptr<BundleTables> CompileTables(const BundleSources& sources);

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_COMPILE_H_
