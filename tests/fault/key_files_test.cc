// Every call of the epoch file and the slot file to the disk fails in turn:
// with an error, a short write, torn at each 512 bytes, killed. Then the power
// goes, and what was acknowledged must be there.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "gateway/crypto/slot_file.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/grant_for_test.h"
#include "tests/testing/memory_file_system.h"
#include "tests/testing/status_matchers.h"

namespace consentry::crypto {
namespace {

using testing::FaultFileSystem;
using testing::GrantForTest;
using testing::MemoryFileSystem;
using testing::StatusIs;

constexpr int64_t kNowUs = 1'795'000'000'000'000;
constexpr FieldContext kWhere{FieldTable::kRecord, RowId(1), "a.b", 1, 1};

// Numbers of the steps of Life::Run.
enum Step {
  kCreateEpochs = 1,
  kCreateSlots,
  kAllocateFour,
  kAddGenerationToOne,
  kDropPreviousOfOne,
  kDestroyTwo,
  kRememberLog,
  kAddEpoch,
  kAllocateTwoMore,
  kRewrap,
  kDestroyEpoch,
  kSweepSix,
  kDestroyFour,
  kLast = kDestroyFour,
};

// One life of a key store on a disk that may fail, and what it acknowledged.
class Life {
 public:
  Life() : faults_(&disk_) {}

  MemoryFileSystem& disk() { return disk_; }
  FaultFileSystem& faults() { return faults_; }
  int done() const { return done_; }

  // Runs the steps up to the first that fails.
  void Run() {
    for (done_ = 0; done_ < kLast; ++done_) {
      if (!Do(done_ + 1).ok()) break;
    }
    // Whatever failed, no key is wrong afterwards, in the same process too.
    if (slots_ != nullptr && done_ >= kAllocateFour) {
      const auto keys = slots_->Load(3);
      if (!keys.ok()) {
        EXPECT_THAT(keys, StatusIs(absl::StatusCode::kUnavailable));
      } else {
        EXPECT_TRUE(Opens(*keys, first_[3]));
      }
    }
    slots_.reset();
    epochs_.reset();
  }

  // Opens what the disk holds now and compares it with what was acknowledged;
  // then finishes what erasures had begun.
  void Check() {
    auto epochs = EpochFile::Open(&disk_, "/epochs", root_);
    if (!epochs.ok()) {
      EXPECT_LT(done_, kCreateEpochs) << epochs.status();
      EXPECT_THAT(epochs, StatusIs(absl::StatusCode::kNotFound));
      return;
    }
    epochs_ = *std::move(epochs);
    auto slots = SlotFile::Open(Options(&disk_));
    if (!slots.ok()) {
      EXPECT_LT(done_, kCreateSlots) << slots.status();
      EXPECT_THAT(slots, StatusIs(absl::StatusCode::kNotFound));
      return;
    }
    slots_ = *std::move(slots);
    CheckHeader();
    CheckSubjects();
    FinishErasures();
  }

 private:
  SlotFile::Options Options(audit::FileSystem* fs) {
    return {fs, "/slots", epochs_.get(), &slab_};
  }

  static bool Opens(const SubjectKeys& keys, const std::string& sealed) {
    return Opener::Open(GrantForTest::Make(), keys, kWhere, sealed).ok();
  }
  bool Opens(uint64_t subject, const std::string& sealed) {
    const auto keys = slots_->Load(subject);
    return keys.ok() && Opens(*keys, sealed);
  }
  absl::Status Do(int step) {
    switch (step) {
      case kCreateEpochs: {
        auto made = EpochFile::Create(&faults_, "/epochs", root_, kNowUs);
        if (made.ok()) epochs_ = *std::move(made);
        return made.status();
      }
      case kCreateSlots: {
        auto made = SlotFile::Create(Options(&faults_), kNowUs);
        if (made.ok()) slots_ = *std::move(made);
        return made.status();
      }
      case kAllocateFour: {
        const auto first = slots_->Allocate(4, kNowUs);
        if (!first.ok()) return first.status();
        // Reading can be the call that fails; what cannot be sealed was not
        // acknowledged.
        for (uint64_t subject = 1; subject <= 4; ++subject) {
          const auto keys = slots_->Load(subject);
          if (!keys.ok()) return keys.status();
          first_[subject] = Sealer::Seal(*keys, kWhere, "value").value();
        }
        const std::string raw =
            audit::ReadFile(&disk_, "/slots", 1 << 20).value();
        wrapped_one_ = raw.substr(SlotOffset(1) + 32, 160);
        wrapped_two_ = raw.substr(SlotOffset(2) + 32, 160);
        return absl::OkStatus();
      }
      case kAddGenerationToOne: {
        const auto keys = slots_->AddGeneration(1, {.data = true});
        if (!keys.ok()) return keys.status();
        second_of_one_ = Sealer::Seal(*keys, kWhere, "value").value();
        return absl::OkStatus();
      }
      case kDropPreviousOfOne:
        return slots_->DropPrevious(1, {.data = true}, 10);
      case kDestroyTwo:
        return slots_->Destroy(2, 11);
      case kRememberLog:
        return slots_->RememberLogSize(12);
      case kAddEpoch:
        return epochs_->AddEpoch(kNowUs).status();
      case kAllocateTwoMore: {
        const auto first = slots_->Allocate(2, kNowUs);
        if (!first.ok()) return first.status();
        for (uint64_t subject = 5; subject <= 6; ++subject) {
          const auto keys = slots_->Load(subject);
          if (!keys.ok()) return keys.status();
          first_[subject] = Sealer::Seal(*keys, kWhere, "value").value();
        }
        return absl::OkStatus();
      }
      case kRewrap: {
        const auto next = slots_->Rewrap(1, 100);
        if (next.ok()) {
          EXPECT_EQ(*next, 0u);
        }
        return next.status();
      }
      case kDestroyEpoch:
        return epochs_->DestroyEpoch(1, kNowUs);
      case kSweepSix:
        return slots_
            ->SweepOrphans(5, 6,
                           [](uint64_t subject) {
                             return absl::StatusOr<bool>(subject == 5);
                           })
            .status();
      case kDestroyFour:
        // An index below the highest: no header is written with it.
        return slots_->Destroy(4, 9);
      default:
        return absl::InternalError("no such step");
    }
  }

  void CheckHeader() {
    const uint64_t last = slots_->last_subject();
    const uint64_t least = done_ >= kAllocateTwoMore ? 6
                           : done_ >= kAllocateFour  ? 4
                                                     : 0;
    const uint64_t most = done_ + 1 >= kAllocateTwoMore ? 6
                          : done_ + 1 >= kAllocateFour  ? 4
                                                        : 0;
    EXPECT_GE(last, least);
    EXPECT_LE(last, most);
    if (done_ >= kDropPreviousOfOne) {
      EXPECT_GE(slots_->erased_through(), 10u);
    }
    if (done_ >= kDestroyTwo) {
      EXPECT_EQ(slots_->erased_through(), 11u);
    }
    if (done_ >= kRememberLog) {
      EXPECT_EQ(slots_->log_size(), 12u);
    }
    if (done_ >= kAddEpoch) {
      EXPECT_EQ(epochs_->keys()->current(), 2u);
    }
    if (done_ >= kDestroyEpoch) {
      EXPECT_EQ(epochs_->keys()->usable(), std::vector<uint32_t>{2});
    }
    // Within the count no slot is damaged, but for one that was being
    // destroyed or freed.
    EXPECT_OK(slots_->ForEach(
        1, [this](uint64_t subject, const absl::StatusOr<SlotInfo>& info) {
          const bool open = (subject == 2 && done_ + 1 == kDestroyTwo) ||
                            (subject == 6 && done_ + 1 == kSweepSix) ||
                            (subject == 4 && done_ + 1 == kDestroyFour);
          if (!open) {
            EXPECT_OK(info) << subject;
          }
          return absl::OkStatus();
        }));
  }

  void CheckSubjects() {
    if (done_ >= kAllocateFour) {
      EXPECT_TRUE(Opens(3, first_[3]));
      if (done_ + 1 < kDestroyFour) {
        EXPECT_TRUE(Opens(4, first_[4]));
      }
      if (done_ >= kDestroyFour) {
        EXPECT_THAT(slots_->Load(4),
                    StatusIs(absl::StatusCode::kFailedPrecondition));
      }
      if (done_ + 1 < kDropPreviousOfOne) {
        EXPECT_TRUE(Opens(1, first_[1]));
      }
      if (done_ >= kDropPreviousOfOne) {
        EXPECT_FALSE(Opens(1, first_[1]));
      }
      if (done_ >= kAddGenerationToOne) {
        EXPECT_TRUE(Opens(1, second_of_one_));
      }
      if (done_ + 1 < kDestroyTwo) {
        EXPECT_TRUE(Opens(2, first_[2]));
      }
      if (done_ >= kDestroyTwo) {
        EXPECT_THAT(slots_->Load(2),
                    StatusIs(absl::StatusCode::kFailedPrecondition));
      }
    }
    if (done_ >= kAllocateTwoMore) {
      EXPECT_TRUE(Opens(5, first_[5]));
      if (done_ + 1 < kSweepSix) {
        EXPECT_TRUE(Opens(6, first_[6]));
      }
      if (done_ >= kSweepSix) {
        EXPECT_THAT(slots_->Load(6), StatusIs(absl::StatusCode::kNotFound));
      }
    }
  }

  void FinishErasures() {
    if (done_ < kAddGenerationToOne) return;
    ASSERT_OK(slots_->DropPrevious(1, {.data = true}, 10));
    ASSERT_OK(slots_->Destroy(2, 11));
    EXPECT_FALSE(Opens(1, first_[1]));
    EXPECT_TRUE(Opens(1, second_of_one_));
    EXPECT_EQ(slots_->erased_through(), 11u);
    const std::string raw = audit::ReadFile(&disk_, "/slots", 1 << 20).value();
    for (size_t i = 0; i < 160; i += 16) {
      EXPECT_EQ(raw.find(wrapped_one_.substr(i, 16)), std::string::npos);
      EXPECT_EQ(raw.find(wrapped_two_.substr(i, 16)), std::string::npos);
    }
    EXPECT_EQ(raw.substr(kSlotRedoOffset, kSlotRedoBytes),
              std::string(kSlotRedoBytes, '\0'));

    // What was replaced and then destroyed does not come back at the next
    // start.
    const auto subject = slots_->Allocate(1, kNowUs);
    ASSERT_OK(subject);
    ASSERT_OK(slots_->AddGeneration(*subject, {.data = true, .audit = true}));
    ASSERT_OK(slots_->Destroy(*subject, 20));
    auto again = SlotFile::Open(Options(&disk_));
    ASSERT_OK(again);
    EXPECT_THAT((*again)->Load(*subject),
                StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_TRUE(Opens(1, second_of_one_));
  }

  MemoryFileSystem disk_;
  FaultFileSystem faults_;
  LockedSlab slab_;
  RootKey root_ = RootKey::FromBytes(SecretBytes<32>::Random().view());
  std::unique_ptr<EpochFile> epochs_;
  std::unique_ptr<SlotFile> slots_;
  int done_ = 0;
  std::map<uint64_t, std::string> first_;  // Sealed under generation 1.
  std::string second_of_one_;
  std::string wrapped_one_;
  std::string wrapped_two_;
};

TEST(KeyFilesFaultTest, WithoutAFaultEveryStepIsDone) {
  Life life;
  life.Run();
  ASSERT_EQ(life.done(), kLast);
  life.disk().Reboot(MemoryFileSystem::Unsynced::kLost);
  life.Check();
}

TEST(KeyFilesFaultTest, NoFaultLosesWhatWasAcknowledged) {
  Life rehearsal;
  rehearsal.Run();
  ASSERT_EQ(rehearsal.done(), kLast);
  uint64_t seed = 0;
  int runs = 0;
  for (const FaultFileSystem::Call& call : rehearsal.faults().calls()) {
    // Sectors of the zeros that a new slot file begins with are alike.
    const bool long_write = call.bytes > 16 * 1024;
    int within = 0;
    for (const FaultFileSystem::Fault& fault :
         FaultFileSystem::FaultsOf(call)) {
      if (long_write && ++within > 40 && within % 16 != 0) continue;
      for (const auto unsynced :
           {MemoryFileSystem::Unsynced::kSome,
            seed % 2 == 0 ? MemoryFileSystem::Unsynced::kLost
                          : MemoryFileSystem::Unsynced::kKept}) {
        Life life;
        life.faults().FailAt(fault);
        life.Run();
        life.disk().Reboot(unsynced, ++seed);
        life.Check();
        ++runs;
        ASSERT_FALSE(::testing::Test::HasFailure())
            << "call " << call.number << " " << call.name << " " << call.path
            << " " << call.bytes << " bytes, kind "
            << static_cast<int>(fault.kind) << ", keep " << fault.keep
            << ", unsynced " << static_cast<int>(unsynced) << ", seed " << seed
            << ", steps done " << life.done();
      }
    }
  }
  EXPECT_GT(runs, 500);
}

}  // namespace
}  // namespace consentry::crypto
