#include "tests/unit/policy/engine/small_bundle.h"

#include <gtest/gtest.h>

#include "proto/support/status_macros.h"
#include "tests/differential/small_world.h"

namespace consentry::policy {

SmallTexts::SmallTexts()
    : catalog(policy_model::kSmallCatalog),
      purposes(policy_model::kSmallPurposes),
      profile(policy_model::kSmallProfile),
      packs({policy_model::kSmallAskFirst, policy_model::kSmallOptOut,
             policy_model::kSmallOwner}) {}

void SmallTexts::Replace(std::string* text, std::string_view from,
                         std::string_view to) {
  const size_t at = text->find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text->replace(at, from.size(), to);
}

absl::StatusOr<std::shared_ptr<const Bundle>> SmallTexts::Compile() const {
  BundleSources sources;
  CONSENTRY_ASSIGN_OR_RETURN(sources.catalog, ParseText<config::v1::Catalog>(
                                                  "catalog.txtpb", catalog));
  CONSENTRY_ASSIGN_OR_RETURN(
      sources.purposes,
      ParseText<config::v1::PurposeRegistry>("purposes.txtpb", purposes));
  CONSENTRY_ASSIGN_OR_RETURN(
      sources.profile,
      ParseText<config::v1::ControllerProfile>("profile.txtpb", profile));
  int number = 0;
  for (const std::string& pack : packs) {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto located, ParseText<config::v1::Pack>(
                          "pack" + std::to_string(number++) + ".txtpb", pack));
    sources.packs.push_back(std::move(located));
  }
  return Bundle::Compile(std::move(sources));
}

}  // namespace consentry::policy
