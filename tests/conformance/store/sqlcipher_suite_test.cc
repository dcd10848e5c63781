#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "gateway/store/sqlcipher/engine.h"
#include "tests/conformance/store/store_suite.h"
#include "tests/testing/temp_dir.h"

namespace consentry::store {
namespace {

class SqlcipherInstance final : public EngineUnderTest::Instance {
 public:
  static std::unique_ptr<Instance> Make() {
    auto instance = std::make_unique<SqlcipherInstance>();
    const auto key = crypto::SecretBytes<32>::CopyOf(
        std::span<const uint8_t, 32>(kKey, sizeof(kKey)));
    auto engine = OpenSqlcipher(
        {.path = instance->dir_.File("store"), .create = true}, key.view());
    if (!engine.ok()) return nullptr;
    instance->engine_ = *std::move(engine);
    return instance;
  }
  Engine* engine() override { return engine_.get(); }

 private:
  static constexpr uint8_t kKey[32] = {1, 2, 3};
  testing::TempDir dir_;
  std::unique_ptr<Engine> engine_;
};

INSTANTIATE_TEST_SUITE_P(Sqlcipher, StoreSuite,
                         ::testing::Values(EngineUnderTest{
                             "Sqlcipher", &SqlcipherInstance::Make}),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace consentry::store
