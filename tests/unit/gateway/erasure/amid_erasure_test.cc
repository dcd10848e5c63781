// What others are told while an erasure that keeps something is at work: new
// keys are there and old ones gone, rows still lie there that nobody can open.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "tests/unit/gateway/erasure/erasure_bench.h"

namespace consentry::erasure {
namespace {

// Calls `look` before each step of the erasures, on their thread.
class AmidErasureTest : public ::testing::Test {
 protected:
  AmidErasureTest() : bench_("erasure { wait_hours: 0 }", Options()) {}
  ~AmidErasureTest() override { looking_ = false; }

  server::Gateway::Options Options() {
    server::Gateway::Options options;
    options.on_erasure_step = [this](std::string_view step) {
      if (looking_) look_(step);
    };
    return options;
  }
  void Look(std::function<void(std::string_view step)> look) {
    look_ = std::move(look);
    looking_ = true;
  }

  std::function<void(std::string_view step)> look_;
  std::atomic<bool> looking_ = false;
  ErasureBench bench_;
};

TEST_F(AmidErasureTest, ReadsSayThatSheIsErasedAtEveryStep) {
  // Of one kind two records, the first of which is not kept.
  const std::string id = bench_.gateway.Write("amy");
  v1::WriteRecordRequest second;
  *second.add_subjects() = ById(id);
  second.set_source("crm");
  second.set_kind("profile");
  second.set_source_key("second");
  second.set_purpose(kService);
  (*second.mutable_values())["family_name"].set_string_value("Amid");
  std::promise<absl::StatusOr<v1::WriteRecordResponse>> written;
  bench_.gateway->writes()->Write(
      WholeGateway::As("shop", "data.write"), second,
      [&](auto response) { written.set_value(std::move(response)); });
  const auto response = written.get_future().get();
  ASSERT_OK(response);
  ASSERT_EQ(response->subject_id(), id);
  ASSERT_EQ(bench_.gateway.Read(ByEmail("amy")).effect(), v1::EFFECT_PERMIT);
  ASSERT_OK(bench_.Place(id, {"profile.family_name"}));

  std::set<std::string> seen;
  Look([&](std::string_view step) {
    seen.insert(std::string(step));
    if (step == "done") return;
    for (const v1::SubjectRef& name : {ById(id), ByEmail("amy")}) {
      SCOPED_TRACE(std::string(step) + " " + name.ShortDebugString());
      EXPECT_EQ(bench_.gateway.Read(name).effect(), v1::EFFECT_DENY);
      if (step == "forget" || step == "end") continue;
      EXPECT_EQ(bench_.ReasonOfRead(name), v1::ERROR_REASON_SUBJECT_ERASED);
    }
  });
  ASSERT_OK(bench_.Decide(id, "rgt_amy"));
  ASSERT_TRUE(bench_.WaitFor("rgt_amy", ErasureState::kKept));
  looking_ = false;
  for (const char* step :
       {"begin", "new_keys", "reseal", "destroy", "drop_old_keys", "rows"}) {
    EXPECT_TRUE(seen.contains(step)) << step;
  }
  EXPECT_EQ(bench_.ReasonOfRead(id), v1::ERROR_REASON_SUBJECT_RESTRICTED);
}

}  // namespace
}  // namespace consentry::erasure
