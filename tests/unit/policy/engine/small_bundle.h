#ifndef CONSENTRY_TESTS_UNIT_POLICY_ENGINE_SMALL_BUNDLE_H_
#define CONSENTRY_TESTS_UNIT_POLICY_ENGINE_SMALL_BUNDLE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/engine/bundle.h"

namespace consentry::policy {

// The texts of the small world (tests/differential/small_world.h), to be
// changed and compiled.
struct SmallTexts {
  SmallTexts();

  std::string catalog;
  std::string purposes;
  std::string profile;
  // "ask-first", "opt-out", "own".
  std::vector<std::string> packs;

  // Replaces the first `from` in `text`, which must hold it.
  static void Replace(std::string* text, std::string_view from,
                      std::string_view to);

  absl::StatusOr<std::shared_ptr<const Bundle>> Compile() const;
};

}  // namespace consentry::policy

#endif  // CONSENTRY_TESTS_UNIT_POLICY_ENGINE_SMALL_BUNDLE_H_
