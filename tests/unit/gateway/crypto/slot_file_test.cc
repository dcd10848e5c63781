#include "gateway/crypto/slot_file.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/grant_for_test.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_keys.h"

namespace consentry::crypto {
namespace {

using testing::GrantForTest;
using testing::MemoryFileSystem;
using testing::StatusIs;
using testing::TestKeys;

constexpr int64_t kNowUs = TestKeys::kNowUs;
constexpr FieldContext kWhere{FieldTable::kRecord, RowId(1), "a.b", 1, 1};

class SlotFileTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<SlotFile>> Open() {
    return SlotFile::Open(all_.options());
  }
  std::string Seal(const SubjectKeys& keys) {
    return Sealer::Seal(keys, kWhere, "value").value();
  }
  // Whether the keys that `slots` holds for `subject` open `sealed`.
  bool Opens(const SlotFile& slots, uint64_t subject,
             const std::string& sealed) {
    const auto keys = slots.Load(subject);
    return keys.ok() &&
           Opener::Open(GrantForTest::Make(), *keys, kWhere, sealed).ok();
  }
  std::string Bytes() {
    return audit::ReadFile(&all_.disk(), "/slots", 1 << 24).value();
  }
  void Flip(uint64_t offset, int bit) {
    auto file =
        all_.disk().Open("/slots", audit::FileSystem::Mode::kReadWrite).value();
    std::string byte = file->ReadAt(offset, 1).value();
    byte[0] = static_cast<char>(byte[0] ^ (1 << bit));
    ASSERT_OK(file->WriteAt(offset, byte));
  }

  TestKeys all_;
};

TEST_F(SlotFileTest, NumbersRunFromOneWithoutGapAlsoAfterReopening) {
  SlotFile& slots = all_.slots();
  EXPECT_EQ(slots.last_subject(), 0u);
  EXPECT_EQ(slots.Allocate(3, kNowUs).value(), 1u);
  EXPECT_EQ(slots.Allocate(1, kNowUs).value(), 4u);
  const std::string sealed = Seal(slots.Load(2).value());
  ASSERT_OK_AND_ASSIGN(const auto again, Open());
  EXPECT_EQ(again->last_subject(), 4u);
  EXPECT_EQ(again->Allocate(2, kNowUs).value(), 5u);
  EXPECT_TRUE(Opens(*again, 2, sealed));
  EXPECT_FALSE(Opens(*again, 3, sealed));
  EXPECT_THAT(again->Load(0), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(again->Load(7), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(again->Load(UINT64_MAX), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(again->Allocate(0, kNowUs),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(again->Allocate(65537, kNowUs),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(SlotFileTest, SlotIsSmallAndSaysWhatItIs) {
  ASSERT_OK(all_.slots().Allocate(1000, kNowUs));
  EXPECT_EQ(Bytes().size(), kSlotsOffset + 1000 * kSlotBytes);
  EXPECT_LE(kSlotBytes, 192u);
  ASSERT_OK_AND_ASSIGN(const SlotInfo info, all_.slots().Info(1000));
  EXPECT_EQ(info.state, SlotState::kLive);
  EXPECT_EQ(info.epoch, 1u);
  EXPECT_EQ(info.data_generation, 1u);
  EXPECT_EQ(info.audit_generation, 1u);
  EXPECT_FALSE(info.previous_data_generation.has_value());
  EXPECT_EQ(info.created_day, kNowUs / 86'400'000'000);
  EXPECT_EQ(info.log_index, 0u);
}

TEST_F(SlotFileTest, DestroyedKeysAreGoneFromTheFile) {
  SlotFile& slots = all_.slots();
  ASSERT_OK(slots.Allocate(3, kNowUs));
  const std::string first = Seal(slots.Load(1).value());
  const std::string before = Bytes();
  ASSERT_OK(slots.Destroy(2, 77));
  EXPECT_THAT(slots.Load(2), StatusIs(absl::StatusCode::kFailedPrecondition));
  ASSERT_OK_AND_ASSIGN(const SlotInfo info, slots.Info(2));
  EXPECT_EQ(info.state, SlotState::kDestroyed);
  EXPECT_EQ(info.log_index, 77u);
  EXPECT_EQ(slots.erased_through(), 77u);

  // Nothing of what wrapped them stands anywhere in the file.
  const std::string after = Bytes();
  for (size_t i = 32; i + 16 <= kSlotBytes; i += 16) {
    const std::string piece = before.substr(SlotOffset(2) + i, 16);
    EXPECT_EQ(after.find(piece), std::string::npos) << i;
  }
  ASSERT_OK_AND_ASSIGN(const auto again, Open());
  EXPECT_THAT(again->Load(2), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(again->erased_through(), 77u);
  EXPECT_TRUE(Opens(*again, 1, first));
}

TEST_F(SlotFileTest, DestroyingTwiceKeepsTheFirstIndex) {
  SlotFile& slots = all_.slots();
  ASSERT_OK(slots.Allocate(3, kNowUs));
  ASSERT_OK(slots.Destroy(2, 77));
  const uint64_t both[] = {2, 3};
  ASSERT_OK(slots.Destroy(both, 90));
  EXPECT_EQ(slots.Info(2).value().log_index, 77u);
  EXPECT_EQ(slots.Info(3).value().log_index, 90u);
  EXPECT_EQ(slots.erased_through(), 90u);
  ASSERT_OK(slots.Destroy(1, 80));
  EXPECT_EQ(slots.erased_through(), 90u);
  EXPECT_THAT(slots.Destroy(4, 91), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(SlotFileTest, GenerationsComeOneByOneAndGo) {
  SlotFile& slots = all_.slots();
  ASSERT_OK(slots.Allocate(1, kNowUs));
  const std::string old_value = Seal(slots.Load(1).value());
  ASSERT_OK(slots.AddGeneration(1, {.data = true, .audit = true}));
  EXPECT_TRUE(Opens(slots, 1, old_value));
  EXPECT_THAT(slots.AddGeneration(1, {.data = true}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  const std::string new_value = Seal(slots.Load(1).value());
  {
    ASSERT_OK_AND_ASSIGN(const auto again, Open());
    ASSERT_OK_AND_ASSIGN(const SubjectKeys keys, again->Load(1));
    EXPECT_EQ(keys.data_generation(), 2u);
    EXPECT_EQ(keys.previous_data_generation(), 1u);
    EXPECT_EQ(keys.audit_generation(), 2u);
    EXPECT_EQ(keys.previous_audit_generation(), 1u);
    EXPECT_TRUE(Opens(*again, 1, old_value));
  }
  ASSERT_OK(slots.DropPrevious(1, {.data = true}, 12));
  EXPECT_FALSE(Opens(slots, 1, old_value));
  EXPECT_TRUE(Opens(slots, 1, new_value));
  ASSERT_OK_AND_ASSIGN(SlotInfo info, slots.Info(1));
  EXPECT_FALSE(info.previous_data_generation.has_value());
  EXPECT_EQ(info.previous_audit_generation, 1u);
  EXPECT_EQ(info.log_index, 12u);
  EXPECT_EQ(slots.erased_through(), 12u);
  // The audit key that was kept stays while the data key changes again.
  ASSERT_OK(slots.AddGeneration(1, {.data = true}));
  ASSERT_OK(slots.DropPrevious(1, {.data = true, .audit = true}, 13));
  ASSERT_OK(slots.DropPrevious(1, {.data = true, .audit = true}, 14));
  ASSERT_OK_AND_ASSIGN(info, slots.Info(1));
  EXPECT_EQ(info.data_generation, 3u);
  EXPECT_FALSE(info.previous_audit_generation.has_value());
  EXPECT_EQ(slots.erased_through(), 14u);
}

TEST_F(SlotFileTest, EveryChangedBitOfASlotIsFoundAndHarmsNoOther) {
  SlotFile& slots = all_.slots();
  ASSERT_OK(slots.Allocate(4, kNowUs));
  ASSERT_OK(slots.Destroy(3, 5));
  for (const uint64_t subject : {uint64_t{2}, uint64_t{3}}) {
    for (size_t i = 0; i < kSlotBytes * 8; ++i) {
      Flip(SlotOffset(subject) + i / 8, static_cast<int>(i % 8));
      const absl::Status status = slots.Info(subject).status();
      // A live slot of another epoch is one without a key.
      EXPECT_TRUE(status.code() == absl::StatusCode::kDataLoss ||
                  status.code() == absl::StatusCode::kNotFound)
          << subject << " " << i << " " << status;
      Flip(SlotOffset(subject) + i / 8, static_cast<int>(i % 8));
    }
  }
  EXPECT_OK(slots.Load(1));
  EXPECT_OK(slots.Load(2));
  EXPECT_OK(slots.Load(4));
}

TEST_F(SlotFileTest, EveryChangedByteOfAHeaderIsFoundAndTheOtherServes) {
  SlotFile& slots = all_.slots();
  ASSERT_OK(slots.Allocate(2, kNowUs));
  ASSERT_OK(slots.RememberLogSize(10));
  // The older of the two headers counts fewer facts; it must never win over a
  // newer one that is whole, and must serve when that is damaged.
  for (const uint64_t offset : {uint64_t{0}, uint64_t{kSlotHeaderBytes}}) {
    for (size_t i = 0; i < 104; ++i) {
      // The version is told by name: a newer one is refused.
      if (i >= 8 && i < 12) continue;
      Flip(offset + i, 3);
      const auto opened = Open();
      ASSERT_OK(opened) << i;
      EXPECT_GE((*opened)->last_subject(), 2u);
      Flip(offset + i, 3);
    }
  }
  Flip(3, 0);
  Flip(kSlotHeaderBytes + 3, 0);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SlotFileTest, HeaderTornAtAnyByteIsTheOldOrTheNew) {
  SlotFile& slots = all_.slots();
  ASSERT_OK(slots.RememberLogSize(10));
  const std::string before = Bytes();
  ASSERT_OK(slots.RememberLogSize(20));
  const std::string after = Bytes();
  for (size_t cut = 0; cut <= 2 * kSlotHeaderBytes; ++cut) {
    if (cut % kSlotHeaderBytes > 120 && cut % 512 != 0) continue;
    auto file =
        all_.disk().Open("/slots", audit::FileSystem::Mode::kReadWrite).value();
    ASSERT_OK(file->WriteAt(0, after.substr(0, cut) + before.substr(cut)));
    ASSERT_OK_AND_ASSIGN(const auto torn, Open());
    EXPECT_TRUE(torn->log_size() == 10 || torn->log_size() == 20) << cut;
  }
  ASSERT_OK_AND_ASSIGN(const auto last, Open());
  EXPECT_EQ(last->log_size(), 20u);
}

TEST_F(SlotFileTest, FailedSyncClosesTheFile) {
  testing::FaultFileSystem faults(&all_.disk());
  SlotFile::Options options = all_.options();
  options.fs = &faults;
  ASSERT_OK(all_.slots().Allocate(2, kNowUs));
  const std::string sealed = Seal(all_.slots().Load(1).value());
  int syncs = 0;
  // Each sync of AddGeneration in turn, until none is left to fail.
  for (uint64_t after = 0; after < 20; ++after) {
    ASSERT_OK_AND_ASSIGN(const auto slots, SlotFile::Open(options));
    if (slots->Info(1).value().previous_data_generation.has_value()) {
      ASSERT_OK(slots->DropPrevious(1, {.data = true}, 1));
    }
    faults.FailAt({.call = faults.call_count() + after});
    const auto added = slots->AddGeneration(1, {.data = true});
    const std::string failed = faults.calls().back().name;
    faults.Heal();
    if (added.ok()) break;
    if (failed != "sync") continue;
    ++syncs;
    EXPECT_THAT(slots->Load(1), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(slots->Load(2), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(slots->Info(2), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(slots->Allocate(1, kNowUs),
                StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(slots->Destroy(2, 1), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(slots->RememberLogSize(9),
                StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(slots->Rewrap(1, 9), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(slots->ForEach(1,
                               [](uint64_t, const absl::StatusOr<SlotInfo>&) {
                                 return absl::OkStatus();
                               }),
                StatusIs(absl::StatusCode::kUnavailable));
  }
  EXPECT_EQ(syncs, 3);
}

TEST_F(SlotFileTest, FullDiskStopsAllocationAndNothingElse) {
  SlotFile& slots = all_.slots();
  ASSERT_OK(slots.Allocate(2, kNowUs));
  all_.disk().SetFreeSpace(0);
  EXPECT_THAT(slots.Allocate(100, kNowUs),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_OK(slots.Load(1));
  ASSERT_OK(slots.AddGeneration(1, {.data = true}));
  ASSERT_OK(slots.DropPrevious(1, {.data = true}, 3));
  ASSERT_OK(slots.Destroy(2, 4));
  EXPECT_EQ(slots.last_subject(), 2u);
}

TEST_F(SlotFileTest, NewerFileIsRefusedByName) {
  Flip(11, 1);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(SlotFileTest, FileThatEndsBeforeItsLastSlotIsRefused) {
  ASSERT_OK(all_.slots().Allocate(3, kNowUs));
  auto file =
      all_.disk().Open("/slots", audit::FileSystem::Mode::kReadWrite).value();
  ASSERT_OK(file->Truncate(SlotOffset(4)));
  EXPECT_OK(Open());
  ASSERT_OK(file->Truncate(SlotOffset(4) - 1));
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SlotFileTest, AnotherEpochFileDoesNotOpenIt) {
  ASSERT_OK(all_.slots().Allocate(1, kNowUs));
  TestKeys others;
  SlotFile::Options options = all_.options();
  options.epochs = &others.epochs();
  EXPECT_THAT(SlotFile::Open(options), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SlotFileTest, SlotMovedToAnotherPlaceIsFound) {
  SlotFile& slots = all_.slots();
  ASSERT_OK(slots.Allocate(2, kNowUs));
  auto file =
      all_.disk().Open("/slots", audit::FileSystem::Mode::kReadWrite).value();
  const std::string second = file->ReadAt(SlotOffset(2), kSlotBytes).value();
  ASSERT_OK(file->WriteAt(SlotOffset(1), second));
  EXPECT_THAT(slots.Load(1), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_OK(slots.Load(2));
}

TEST_F(SlotFileTest, DamagedSlotCanBeDestroyed) {
  SlotFile& slots = all_.slots();
  ASSERT_OK(slots.Allocate(1, kNowUs));
  Flip(SlotOffset(1) + 60, 0);
  EXPECT_THAT(slots.Load(1), StatusIs(absl::StatusCode::kDataLoss));
  ASSERT_OK(slots.Destroy(1, 3));
  EXPECT_EQ(slots.Info(1).value().state, SlotState::kDestroyed);
}

TEST_F(SlotFileTest, OrphansAreSweptAndNobodyElse) {
  SlotFile& slots = all_.slots();
  ASSERT_OK(slots.Allocate(10, kNowUs));
  ASSERT_OK(slots.Destroy(4, 9));
  ASSERT_OK_AND_ASSIGN(const uint64_t swept,
                       slots.SweepOrphans(1, 8, [](uint64_t subject) {
                         return absl::StatusOr<bool>(subject % 2 == 1);
                       }));
  EXPECT_EQ(swept, 3u);  // 2, 6, 8; 4 is destroyed, 10 out of range.
  for (const uint64_t subject : {1, 3, 5, 7, 9, 10}) {
    EXPECT_OK(slots.Load(subject)) << subject;
  }
  for (const uint64_t subject : {2, 6, 8}) {
    EXPECT_THAT(slots.Load(subject), StatusIs(absl::StatusCode::kNotFound));
    EXPECT_THAT(slots.Destroy(subject, 10),
                StatusIs(absl::StatusCode::kNotFound));
  }
  EXPECT_EQ(slots.Info(4).value().state, SlotState::kDestroyed);
  EXPECT_EQ(slots.Allocate(1, kNowUs).value(), 11u);
  EXPECT_THAT(slots.SweepOrphans(1, 11,
                                 [](uint64_t) -> absl::StatusOr<bool> {
                                   return absl::UnavailableError("store");
                                 }),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(SlotFileTest, RotationKeepsEveryKeyAndFreesTheOldEpoch) {
  SlotFile& slots = all_.slots();
  constexpr uint64_t kSubjects = 1500;
  ASSERT_OK(slots.Allocate(kSubjects, kNowUs));
  ASSERT_OK(slots.Destroy(5, 9));
  std::map<uint64_t, std::string> sealed;
  for (uint64_t subject = 1; subject <= kSubjects; subject += 100) {
    sealed[subject] = Seal(slots.Load(subject).value());
  }
  ASSERT_OK(all_.epochs().AddEpoch(kNowUs));
  int calls = 0;
  uint64_t next = 1;
  do {
    ASSERT_OK_AND_ASSIGN(next, slots.Rewrap(next, 100));
    ++calls;
    ASSERT_LT(calls, 100);
  } while (next != 0);
  EXPECT_GE(calls, 15);
  ASSERT_OK(all_.epochs().DestroyEpoch(1, kNowUs));
  ASSERT_OK(slots.ForEach(
      1, [](uint64_t subject, const absl::StatusOr<SlotInfo>& info) {
        EXPECT_OK(info) << subject;
        EXPECT_EQ(info->epoch, subject == 5 ? 0u : 2u);
        return absl::OkStatus();
      }));
  for (const auto& [subject, value] : sealed) {
    EXPECT_TRUE(Opens(slots, subject, value)) << subject;
  }
  EXPECT_EQ(slots.Rewrap(1, 100).value(), 0u);
}

TEST_F(SlotFileTest, ForEachTellsDamagedSlotsAndGoesOn) {
  SlotFile& slots = all_.slots();
  ASSERT_OK(slots.Allocate(2000, kNowUs));
  Flip(SlotOffset(1500) + 100, 7);
  uint64_t seen = 0;
  uint64_t damaged = 0;
  ASSERT_OK(slots.ForEach(
      2, [&](uint64_t subject, const absl::StatusOr<SlotInfo>& info) {
        EXPECT_EQ(subject, seen + 2);
        ++seen;
        if (!info.ok()) {
          EXPECT_THAT(info, StatusIs(absl::StatusCode::kDataLoss));
          damaged = subject;
        }
        return absl::OkStatus();
      }));
  EXPECT_EQ(seen, 1999u);
  EXPECT_EQ(damaged, 1500u);
  EXPECT_THAT(slots.ForEach(1,
                            [](uint64_t, const absl::StatusOr<SlotInfo>&) {
                              return absl::CancelledError("enough");
                            }),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(SlotFileTest, RememberedLogSizeNeverFalls) {
  SlotFile& slots = all_.slots();
  ASSERT_OK(slots.RememberLogSize(100));
  ASSERT_OK(slots.RememberLogSize(50));
  EXPECT_EQ(slots.log_size(), 100u);
  ASSERT_OK_AND_ASSIGN(const auto again, Open());
  EXPECT_EQ(again->log_size(), 100u);
}

TEST_F(SlotFileTest, SlabThatIsFullAnswersResourceExhausted) {
  LockedSlab small(1);
  SlotFile::Options options = all_.options();
  options.slab = &small;
  ASSERT_OK(all_.slots().Allocate(1, kNowUs));
  ASSERT_OK_AND_ASSIGN(const auto slots, SlotFile::Open(options));
  std::vector<SubjectKeys> held;
  for (size_t i = 0; i < small.capacity(); ++i) {
    held.push_back(slots->Load(1).value());
  }
  EXPECT_THAT(slots->Load(1), StatusIs(absl::StatusCode::kResourceExhausted));
  held.pop_back();
  EXPECT_OK(slots->Load(1));
}

}  // namespace
}  // namespace consentry::crypto
