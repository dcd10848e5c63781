#include "gateway/crypto/epoch_file.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "gateway/crypto/blind_index.h"
#include "tests/testing/memory_file_system.h"
#include "tests/testing/status_matchers.h"

namespace consentry::crypto {
namespace {

using testing::MemoryFileSystem;
using testing::StatusIs;

constexpr int64_t kNowUs = 1'795'000'000'000'000;

class EpochFileTest : public ::testing::Test {
 protected:
  static RootKey NewRoot() {
    return RootKey::FromBytes(SecretBytes<32>::Random().view());
  }
  std::unique_ptr<EpochFile> Create() {
    return EpochFile::Create(&disk_, "/epochs", root_, kNowUs).value();
  }
  absl::StatusOr<std::unique_ptr<EpochFile>> Open() {
    return EpochFile::Open(&disk_, "/epochs", root_);
  }
  std::string Bytes() {
    return audit::ReadFile(&disk_, "/epochs", 1 << 20).value();
  }
  void Put(const std::string& bytes) {
    ASSERT_OK(audit::ReplaceFile(&disk_, "/epochs", bytes));
  }
  static BlindIndex IndexOf(const EpochFile& file, uint32_t epoch) {
    return ComputeBlindIndex(*file.keys(), epoch, IdentifierType::kEmail, "",
                             "a@b.example")
        .value();
  }

  MemoryFileSystem disk_;
  RootKey root_ = NewRoot();
};

TEST_F(EpochFileTest, NewFileHasOneCurrentEpochAndOpensAgain) {
  const auto made = Create();
  EXPECT_EQ(made->keys()->current(), 1u);
  EXPECT_EQ(made->keys()->usable(), std::vector<uint32_t>{1});
  EXPECT_EQ(made->keys()->suppression_keys(), std::vector<uint32_t>{1});
  EXPECT_EQ(made->keys()->system_key(), 1u);
  ASSERT_OK_AND_ASSIGN(const auto opened, Open());
  EXPECT_EQ(IndexOf(*made, 1), IndexOf(*opened, 1));
  EXPECT_THAT(EpochFile::Create(&disk_, "/epochs", root_, kNowUs),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(EpochFileTest, WrongRootKeyDoesNotOpen) {
  Create();
  EXPECT_THAT(EpochFile::Open(&disk_, "/epochs", NewRoot()),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(EpochFile::Open(&disk_, "/none", root_),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(EpochFileTest, EveryChangedBitIsFound) {
  Create();
  const std::string good = Bytes();
  for (size_t i = 0; i < good.size() * 8; ++i) {
    std::string bad = good;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
    Put(bad);
    ASSERT_FALSE(Open().ok()) << i;
  }
  Put(good);
  EXPECT_OK(Open());
}

TEST_F(EpochFileTest, EveryCutAndAnAddedByteAreFound) {
  Create();
  const std::string good = Bytes();
  for (size_t length = 0; length < good.size(); ++length) {
    Put(good.substr(0, length));
    ASSERT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss)) << length;
  }
  Put(good + '\0');
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(EpochFileTest, NewerVersionIsRefusedByName) {
  Create();
  std::string bytes = Bytes();
  bytes[11] = 2;
  Put(bytes);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(EpochFileTest, RotationRetiresThenDestroys) {
  const auto file = Create();
  const BlindIndex old_index = IndexOf(*file, 1);
  ASSERT_OK_AND_ASSIGN(const uint32_t second, file->AddEpoch(kNowUs + 1));
  EXPECT_EQ(second, 2u);
  EXPECT_EQ(file->keys()->current(), 2u);
  EXPECT_EQ(file->keys()->usable(), (std::vector<uint32_t>{2, 1}));
  EXPECT_NE(IndexOf(*file, 2), old_index);
  EXPECT_EQ(IndexOf(*file, 1), old_index);

  EXPECT_THAT(file->DestroyEpoch(2, kNowUs),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(file->DestroyEpoch(3, kNowUs),
              StatusIs(absl::StatusCode::kNotFound));
  const auto before = file->keys();
  ASSERT_OK(file->DestroyEpoch(1, kNowUs + 2));
  ASSERT_OK(file->DestroyEpoch(1, kNowUs + 3));
  EXPECT_THAT(ComputeBlindIndex(*file->keys(), 1, IdentifierType::kEmail, "",
                                "a@b.example"),
              StatusIs(absl::StatusCode::kNotFound));

  ASSERT_OK_AND_ASSIGN(const auto opened, Open());
  ASSERT_EQ(opened->keys()->epochs().size(), 2u);
  EXPECT_EQ(opened->keys()->epochs()[0].state, EpochState::kDestroyed);
  EXPECT_EQ(opened->keys()->epochs()[0].destroyed_us, kNowUs + 2);
  EXPECT_EQ(opened->keys()->epochs()[1].state, EpochState::kCurrent);
  EXPECT_EQ(opened->keys()->usable(), std::vector<uint32_t>{2});
  EXPECT_EQ(IndexOf(*opened, 2), IndexOf(*file, 2));
}

TEST_F(EpochFileTest, SuppressionAndSystemKeysAreKeptWhenNewOnesCome) {
  const auto file = Create();
  ASSERT_OK_AND_ASSIGN(
      const SuppressionHash hash,
      ComputeSuppressionHash(*file->keys(), 1, IdentifierType::kEmail, "",
                             "a@b.example"));
  ASSERT_OK(file->AddSuppressionKey(kNowUs));
  ASSERT_OK(file->AddSystemKey(kNowUs));
  ASSERT_OK(file->AddEpoch(kNowUs));
  ASSERT_OK(file->DestroyEpoch(1, kNowUs));
  EXPECT_EQ(file->keys()->suppression_keys(), (std::vector<uint32_t>{2, 1}));
  EXPECT_EQ(file->keys()->system_key(), 2u);
  ASSERT_OK_AND_ASSIGN(
      const SuppressionHash again,
      ComputeSuppressionHash(*file->keys(), 1, IdentifierType::kEmail, "",
                             "a@b.example"));
  EXPECT_EQ(hash, again);
}

TEST_F(EpochFileTest, ReplacedFileIsOverwrittenWithZeros) {
  const auto file = Create();
  ASSERT_OK_AND_ASSIGN(const auto old,
                       disk_.Open("/epochs", audit::FileSystem::Mode::kRead));
  ASSERT_OK_AND_ASSIGN(const uint64_t size, old->Size());
  ASSERT_OK(file->AddEpoch(kNowUs));
  ASSERT_OK_AND_ASSIGN(const std::string left, old->ReadAt(0, size));
  EXPECT_EQ(left, std::string(size, '\0'));
}

TEST_F(EpochFileTest, AnotherRootKeyTakesOver) {
  const auto file = Create();
  const RootKey next = NewRoot();
  ASSERT_OK(file->ChangeRootKey(next));
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss));
  ASSERT_OK_AND_ASSIGN(const auto opened,
                       EpochFile::Open(&disk_, "/epochs", next));
  EXPECT_EQ(IndexOf(*opened, 1), IndexOf(*file, 1));
}

}  // namespace
}  // namespace consentry::crypto
