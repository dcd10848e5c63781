#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "gateway/crypto/slot_file.h"
#include "tests/testing/grant_for_test.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::crypto {
namespace {

using testing::GrantForTest;

constexpr int64_t kNowUs = 1'795'000'000'000'000;
constexpr uint64_t kSubjects = 64;
constexpr FieldContext kWhere{FieldTable::kRecord, RowId(1), "a.b", 1, 1};

// On the machine's own disk, where reads and writes of one slot really meet.
class SlotFileThreadsTest : public ::testing::Test {
 protected:
  SlotFileThreadsTest()
      : root_(RootKey::FromBytes(SecretBytes<32>::Random().view())),
        epochs_(EpochFile::Create(audit::FileSystem::Posix(),
                                  dir_.File("epochs"), root_, kNowUs)
                    .value()),
        slots_(SlotFile::Create({audit::FileSystem::Posix(), dir_.File("slots"),
                                 epochs_.get(), &slab_},
                                kNowUs)
                   .value()) {
    EXPECT_EQ(slots_->Allocate(kSubjects, kNowUs).value(), 1u);
    for (uint64_t subject = 1; subject <= kSubjects; ++subject) {
      sealed_.push_back(Sealer::Seal(slots_->Load(subject).value(), kWhere,
                                     "value of " + std::to_string(subject))
                            .value());
    }
  }

  testing::TempDir dir_;
  LockedSlab slab_;
  RootKey root_;
  std::unique_ptr<EpochFile> epochs_;
  std::unique_ptr<SlotFile> slots_;
  std::vector<std::string> sealed_;
};

TEST_F(SlotFileThreadsTest, ReadersSeeWholeKeysWhileSlotsAreRewritten) {
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> reads{0};
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&, r] {
      const Grant grant = GrantForTest::Make();
      for (uint64_t i = static_cast<uint64_t>(r); !stop; ++i) {
        const uint64_t subject = i % kSubjects + 1;
        const auto keys = slots_->Load(subject);
        ASSERT_OK(keys) << subject;
        const auto opened =
            Opener::Open(grant, *keys, kWhere, sealed_[subject - 1]);
        ASSERT_OK(opened) << subject;
        ++reads;
      }
    });
  }
  // Rotations re-wrap every slot in place, and old epochs go at once.
  for (uint32_t epoch = 1; epoch <= 12; ++epoch) {
    ASSERT_OK(epochs_->AddEpoch(kNowUs));
    uint64_t next = 1;
    do {
      ASSERT_OK_AND_ASSIGN(next, slots_->Rewrap(next, 16));
    } while (next != 0);
    ASSERT_OK(epochs_->DestroyEpoch(epoch, kNowUs));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(reads.load(), 0u);
}

TEST_F(SlotFileThreadsTest, NoKeyIsLoadedOnceItsDestructionWasAnswered) {
  std::vector<std::atomic<bool>> destroyed(kSubjects + 1);
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&, r] {
      for (uint64_t i = static_cast<uint64_t>(r); !stop; ++i) {
        const uint64_t subject = i % kSubjects + 1;
        const bool gone = destroyed[subject];
        const auto keys = slots_->Load(subject);
        if (gone) {
          ASSERT_EQ(keys.status().code(),
                    absl::StatusCode::kFailedPrecondition);
        } else if (!keys.ok()) {
          ASSERT_EQ(keys.status().code(), absl::StatusCode::kFailedPrecondition)
              << keys.status();
        }
      }
    });
  }
  std::vector<std::thread> writers;
  for (uint64_t w = 0; w < 2; ++w) {
    writers.emplace_back([&, w] {
      for (uint64_t subject = w + 1; subject <= kSubjects; subject += 2) {
        ASSERT_OK(slots_->Destroy(subject, subject));
        destroyed[subject] = true;
        ASSERT_OK(slots_->Allocate(1, kNowUs));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(slots_->erased_through(), kSubjects);
  EXPECT_EQ(slots_->last_subject(), 2 * kSubjects);
  EXPECT_EQ(slab_.taken(), 0u);
}

}  // namespace
}  // namespace consentry::crypto
