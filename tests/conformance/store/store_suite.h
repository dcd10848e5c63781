#ifndef CONSENTRY_TESTS_CONFORMANCE_STORE_STORE_SUITE_H_
#define CONSENTRY_TESTS_CONFORMANCE_STORE_STORE_SUITE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "gateway/store/engine.h"

namespace consentry::store {

// An engine under test: `make` gives an empty store that nothing else uses and
// that is gone with the returned object.
struct EngineUnderTest {
  struct Instance {
    virtual ~Instance() = default;
    virtual Engine* engine() = 0;
  };
  std::string name;
  std::function<std::unique_ptr<Instance>()> make;

  friend void PrintTo(const EngineUnderTest& engine, std::ostream* os) {
    *os << engine.name;
  }
};

// What every engine must do, whatever it is made of. An engine joins by
// INSTANTIATE_TEST_SUITE_P(Name, StoreSuite, Values(EngineUnderTest{...})).
class StoreSuite : public ::testing::TestWithParam<EngineUnderTest> {
 protected:
  void SetUp() override;

  Engine* engine() { return instance_->engine(); }
  Connection* writer() { return writer_.get(); }
  std::unique_ptr<Connection> NewReader();
  // Executes, with dialect tokens, and expects success.
  void Do(const std::string& sql);
  // The first column of the first row, -1 when there is no row.
  int64_t Ask(Connection* connection, const std::string& sql);

 private:
  std::unique_ptr<EngineUnderTest::Instance> instance_;
  std::unique_ptr<Connection> writer_;
};

}  // namespace consentry::store

#endif  // CONSENTRY_TESTS_CONFORMANCE_STORE_STORE_SUITE_H_
