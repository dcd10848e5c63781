#ifndef CONSENTRY_TESTS_TESTING_GRANT_FOR_TEST_H_
#define CONSENTRY_TESTS_TESTING_GRANT_FOR_TEST_H_

#include <string_view>

#include "gateway/crypto/grant.h"

namespace consentry::testing {

// A Grant without a decision, which only tests may have.
class GrantForTest {
 public:
  static crypto::Grant Make(std::string_view purpose = "test") {
    return crypto::Grant(purpose);
  }
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_TESTING_GRANT_FOR_TEST_H_
