#include "gateway/upkeep/rotation.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::upkeep {
namespace {

using testing::AccessFixture;
using testing::RowBuilder;

class RotationTest : public ::testing::Test, public AccessFixture {
 protected:
  Rotation Make(int64_t settle_us = 0) {
    return Rotation(
        {.configuration = [this] { return configuration(); },
         .committer = committer(),
         .readers = readers(),
         .epochs = &keys().epochs(),
         .slots = &keys().slots(),
         .clock = &clock(),
         .settle_us = settle_us,
         .before_step =
             [this](std::string_view step) { return Before(step); }});
  }
  absl::Status Before(std::string_view step) {
    steps_.insert(std::string(step));
    if (step != stop_before_ || stopped_) return absl::OkStatus();
    stopped_ = true;
    return absl::CancelledError("stopped");
  }
  absl::Status Start(Rotation& rotation) {
    clients::CallerContext caller;
    caller.client_id = "operator";
    caller.event = "keys.rotate";
    auto [done, future] = testing::Promised<absl::Status>();
    rotation.Start(caller, std::nullopt, std::move(done));
    return future.get();
  }
  // To the end, or to where it is stopped.
  absl::Status Finish(Rotation& rotation) {
    while (true) {
      auto progress = rotation.Step();
      if (!progress.ok()) return progress.status();
      if (*progress != Rotation::Progress::kMore) return absl::OkStatus();
    }
  }
  void People(int count) {
    std::vector<v1::ImportRow> rows;
    for (int i = 0; i < count; ++i) {
      const std::string key = "p" + std::to_string(i);
      rows.push_back(RowBuilder("profile", key)
                         .Email(key + "@example.com", true)
                         .Text("first_name", "Anna"));
    }
    Import("crm", rows);
  }
  void ExpectAllFound(int count) {
    for (int i = 0; i < count; ++i) {
      EXPECT_NE(FindByEmail("p" + std::to_string(i) + "@example.com"), 0u) << i;
    }
    // A row that comes again is recognised.
    EXPECT_EQ(ImportOne("crm", RowBuilder("profile", "p0")
                                   .Email("p0@example.com", true)
                                   .Text("first_name", "Anna"))
                  .result.outcome(),
              v1::WRITE_OUTCOME_UNCHANGED);
  }
  void ExpectRotated() {
    const auto epochs = keys().epochs().keys();
    EXPECT_EQ(epochs->current(), 2u);
    EXPECT_EQ(epochs->usable(), (std::vector<uint32_t>{2}));
    for (uint64_t s = 1; s <= keys().slots().last_subject(); ++s) {
      ASSERT_OK_AND_ASSIGN(const auto info, keys().slots().Info(s));
      EXPECT_EQ(info.epoch, 2u);
    }
  }

  std::set<std::string> steps_;
  std::string stop_before_;
  bool stopped_ = false;
};

TEST_F(RotationTest, EverybodyIsFoundUnderTheNewEpochAlone) {
  People(150);
  Rotation rotation = Make();
  ASSERT_OK(Start(rotation));
  ASSERT_OK(Finish(rotation));
  ExpectRotated();
  ExpectAllFound(150);
  ASSERT_OK_AND_ASSIGN(const auto status, rotation.Status());
  EXPECT_EQ(status.epoch(), 2u);
  EXPECT_EQ(status.remaining(), 0);
  EXPECT_EQ(Ask("SELECT count(*) FROM lookup"), 300);
  EXPECT_EQ(Ask("SELECT count(*) FROM source_rows"), 150);
}

TEST_F(RotationTest, GoesOnWhereItWasStoppedAtEachStep) {
  People(70);
  std::set<std::string> all;
  // Learns the steps as it goes.
  for (const char* step :
       {"add_epoch", "note_epoch", "wrap", "note_wrapped", "reindex",
        "note_reindexed", "destroy", "note_done"}) {
    stop_before_ = step;
    stopped_ = false;
    const uint32_t epoch = keys().epochs().keys()->current();
    {
      Rotation first = Make();
      ASSERT_OK(Start(first));
      EXPECT_FALSE(Finish(first).ok()) << step;
      EXPECT_TRUE(stopped_) << step;
    }
    // As after a crash: nothing of the first is known.
    Rotation second = Make();
    EXPECT_FALSE(Start(second).ok()) << step;
    ASSERT_OK(Finish(second));
    const auto epochs = keys().epochs().keys();
    EXPECT_EQ(epochs->current(), epoch + 1) << step;
    EXPECT_EQ(epochs->usable().size(), 1u) << step;
    ExpectAllFound(70);
  }
  EXPECT_EQ(steps_.size(), 8u);
}

TEST_F(RotationTest, WhoComesMeanwhileIsFoundAfterwards) {
  People(3);
  Rotation rotation = Make();
  ASSERT_OK(Start(rotation));
  for (int i = 0; i < 100; ++i) {
    const std::string key = "late" + std::to_string(i);
    ImportOne("crm", RowBuilder("profile", key)
                         .Email(key + "@example.com", true)
                         .Text("first_name", "Lea"));
    ASSERT_OK_AND_ASSIGN(const auto progress, rotation.Step());
    if (progress == Rotation::Progress::kIdle) break;
  }
  ASSERT_OK(Finish(rotation));
  ExpectRotated();
  ExpectAllFound(3);
  EXPECT_NE(FindByEmail("late0@example.com"), 0u);
  EXPECT_NE(FindByEmail("late2@example.com"), 0u);
}

TEST_F(RotationTest, NoRowGoesBeforeWhoAskedHasHadTheAnswer) {
  People(2);
  v1::Identifier name;
  name.set_type(v1::IDENTIFIER_TYPE_EMAIL);
  name.set_value("p0@example.com");
  ASSERT_OK_AND_ASSIGN(const auto asked, reader().MakeKey(name));
  Rotation rotation = Make(/*settle_us=*/1000);
  ASSERT_OK(Start(rotation));
  ASSERT_OK(Finish(rotation));
  ASSERT_OK_AND_ASSIGN(const auto progress, rotation.Step());
  EXPECT_EQ(progress, Rotation::Progress::kWait);
  ASSERT_OK_AND_ASSIGN(const auto found,
                       reader().Resolve(reader_connection(), asked));
  EXPECT_TRUE(found.has_value());
  clock().AdvanceUs(2000);
  ASSERT_OK(Finish(rotation));
  ExpectRotated();
}

TEST_F(RotationTest, EachStepHasItsEntry) {
  People(1);
  Rotation rotation = Make();
  ASSERT_OK(Start(rotation));
  ASSERT_OK(Finish(rotation));
  std::vector<std::string> events;
  for (const auto& leaf : Leaves()) {
    if (leaf.event().find("keys") != std::string::npos) {
      events.push_back(leaf.event());
    }
  }
  EXPECT_EQ(events, (std::vector<std::string>{
                        "keys.rotate", "system.keys_epoch_added",
                        "system.keys_wrapped", "system.keys_reindexed",
                        "system.keys_destroying", "system.keys_rotated"}));
}

}  // namespace
}  // namespace consentry::upkeep
