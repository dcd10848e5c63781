#include "gateway/access/refusals.h"

#include <gtest/gtest.h>

#include <future>
#include <string>

#include "proto/support/error.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::access {
namespace {

using testing::kServicePurpose;
using testing::Promised;

class RefusalsTest : public ::testing::Test, protected testing::AccessFixture {
 protected:
  std::future<absl::Status> Start(v1::ErrorReason reason,
                                  const std::string& purpose,
                                  const std::string& client = "shop") {
    auto [done, future] = Promised<absl::Status>();
    refusals().Record(*configuration(), As(client), purpose,
                      MakeError(reason, "refused"), std::move(done));
    return std::move(future);
  }
  v1::ErrorReason Refuse(v1::ErrorReason reason, const std::string& purpose,
                         const std::string& client = "shop") {
    return consentry::ReasonOf(Start(reason, purpose, client).get())
        .value_or(v1::ERROR_REASON_UNSPECIFIED);
  }
};

TEST_F(RefusalsTest, TheEntryIsOnStableStorageBeforeTheCallerHears) {
  log().Hold();
  auto told = Start(v1::ERROR_REASON_PURPOSE_NOT_ALLOWED, kServicePurpose);
  log().AwaitAppend();
  EXPECT_EQ(told.wait_for(std::chrono::milliseconds(50)),
            std::future_status::timeout);
  log().LetGo();
  EXPECT_EQ(consentry::ReasonOf(told.get()),
            v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
  const auto leaves = Leaves();
  ASSERT_EQ(leaves.size(), 1u);
  EXPECT_EQ(leaves[0].client_id(), "shop");
  EXPECT_EQ(leaves[0].purpose(), kServicePurpose);
  EXPECT_TRUE(leaves[0].released_nothing());
  EXPECT_EQ(leaves[0].subjects_size(), 0);
}

TEST_F(RefusalsTest, RepetitionsAreCountedAndWrittenAsOne) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Refuse(v1::ERROR_REASON_PURPOSE_NOT_ALLOWED, kServicePurpose),
              v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
  }
  EXPECT_EQ(Leaves().size(), 1u);
  refusals().Flush(/*all=*/true);
  // An entry behind it shows that it was written.
  Refuse(v1::ERROR_REASON_FIELD_NOT_ALLOWED, kServicePurpose);
  const auto leaves = Leaves();
  ASSERT_EQ(leaves.size(), 3u);
  EXPECT_EQ(leaves[1].count(), 4u);
  // Once only.
  refusals().Flush(/*all=*/true);
  Refuse(v1::ERROR_REASON_CHANNEL_NOT_ALLOWED, kServicePurpose);
  EXPECT_EQ(Leaves().size(), 4u);
}

TEST_F(RefusalsTest, AnotherCallerOrReasonIsNoRepetition) {
  Refuse(v1::ERROR_REASON_PURPOSE_NOT_ALLOWED, kServicePurpose);
  Refuse(v1::ERROR_REASON_PURPOSE_NOT_ALLOWED, kServicePurpose, "desk");
  Refuse(v1::ERROR_REASON_CATEGORY_NOT_ALLOWED, kServicePurpose);
  EXPECT_EQ(Leaves().size(), 3u);
}

TEST_F(RefusalsTest, AnUnknownPurposeIsNotRepeatedInTheLog) {
  Refuse(v1::ERROR_REASON_PURPOSE_NOT_ALLOWED, "anna@example.com");
  ASSERT_EQ(Leaves().size(), 1u);
  EXPECT_EQ(Leaves()[0].purpose(), "");
  EXPECT_EQ(log().entries()[0].find("anna@"), std::string::npos);
}

TEST_F(RefusalsTest, FaultsOfTheGatewayAreNoDecisions) {
  for (const auto reason :
       {v1::ERROR_REASON_AUDIT_UNAVAILABLE, v1::ERROR_REASON_DATA_CORRUPT,
        v1::ERROR_REASON_STORE_UNAVAILABLE, v1::ERROR_REASON_INTERNAL}) {
    EXPECT_EQ(Refuse(reason, kServicePurpose), reason);
  }
  EXPECT_TRUE(Leaves().empty());
}

TEST_F(RefusalsTest, ARefusalThatCannotBeWrittenIsToldAsThat) {
  log().Fail();
  EXPECT_EQ(Refuse(v1::ERROR_REASON_PURPOSE_NOT_ALLOWED, kServicePurpose),
            v1::ERROR_REASON_AUDIT_UNAVAILABLE);
}

}  // namespace
}  // namespace consentry::access
