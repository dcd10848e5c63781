#include "gateway/crypto/secret.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <concepts>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gateway/crypto/grant.h"
#include "gateway/crypto/hardening.h"
#include "gateway/crypto/locked_slab.h"
#include "gateway/crypto/root_key.h"
#include "gateway/crypto/subject_keys.h"
#include "tests/testing/status_matchers.h"

namespace consentry::crypto {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& t) {
  out << t;
};

// What holds a secret is neither printable, nor copied by accident, nor turned
// into text by a conversion that nobody sees.
template <class T>
constexpr bool kGuarded =
    !Printable<T> && !std::is_copy_constructible_v<T> &&
    !std::is_copy_assignable_v<T> && std::is_move_constructible_v<T> &&
    !std::is_convertible_v<T, std::string> &&
    !std::is_convertible_v<T, std::string_view> &&
    !std::is_convertible_v<T, bool> && !std::is_convertible_v<T, const char*>;

static_assert(kGuarded<SecretBytes<32>>);
static_assert(kGuarded<SecretBuffer>);
static_assert(kGuarded<GuardedKey>);
static_assert(kGuarded<Plaintext>);
static_assert(kGuarded<SubjectKeys>);
static_assert(kGuarded<RootKey>);
static_assert(kGuarded<Grant>);
static_assert(!Printable<KeyView>);
// Only the issuer makes a grant.
static_assert(!std::is_default_constructible_v<Grant>);
static_assert(!std::is_constructible_v<Grant, std::string_view>);

TEST(SecretBytesTest, MovedFromIsZero) {
  SecretBytes<32> a = SecretBytes<32>::Random();
  const SecretBytes<32> copy = a.Clone();
  SecretBytes<32> b = std::move(a);
  EXPECT_TRUE(b == copy);
  EXPECT_TRUE(a == SecretBytes<32>());  // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(b == a);
}

TEST(SecretBytesTest, IsWipedAtItsEnd) {
  alignas(SecretBytes<32>) unsigned char room[sizeof(SecretBytes<32>)];
  auto* secret = new (room) SecretBytes<32>(SecretBytes<32>::Random());
  secret->~SecretBytes();
  const volatile unsigned char* seen = room;
  for (size_t i = 0; i < sizeof(room); ++i) EXPECT_EQ(seen[i], 0);
}

TEST(SecretBufferTest, EqualityNeedsLengthAndBytes) {
  const std::vector<uint8_t> bytes = {1, 2, 3};
  const SecretBuffer a = SecretBuffer::CopyOf(bytes);
  SecretBuffer b = SecretBuffer::CopyOf(bytes);
  EXPECT_TRUE(a == b);
  b.mutable_data()[2] = 4;
  EXPECT_FALSE(a == b);
  EXPECT_FALSE(a == SecretBuffer::CopyOf(std::vector<uint8_t>{1, 2}));
  EXPECT_TRUE(SecretBuffer() == SecretBuffer(0));
}

TEST(SecretBufferTest, ShrinkKeepsTheFront) {
  SecretBuffer a = SecretBuffer::CopyOf(std::vector<uint8_t>{1, 2, 3});
  a.Shrink(2);
  EXPECT_TRUE(a == SecretBuffer::CopyOf(std::vector<uint8_t>{1, 2}));
}

TEST(GuardedKeyTest, ViewOfAnEmptyKeyStopsTheProcess) {
  EXPECT_DEATH((void)GuardedKey().view(), "");
}

TEST(LockedSlabTest, BlocksAreDistinctZeroAndWipedOnReturn) {
  LockedSlab slab(1);
  EXPECT_EQ(slab.capacity(), LockedSlab::kChunkBytes / LockedSlab::kBlockBytes);
  std::set<uint8_t*> seen;
  {
    std::vector<LockedSlab::Block> blocks;
    for (size_t i = 0; i < slab.capacity(); ++i) {
      ASSERT_OK_AND_ASSIGN(LockedSlab::Block block, slab.Take());
      for (size_t j = 0; j < LockedSlab::kBlockBytes; ++j) {
        ASSERT_EQ(block.data()[j], 0);
        block.data()[j] = 0xff;
      }
      seen.insert(block.data());
      blocks.push_back(std::move(block));
    }
    EXPECT_EQ(seen.size(), slab.capacity());
    EXPECT_THAT(slab.Take(),
                testing::StatusIs(absl::StatusCode::kResourceExhausted));
  }
  EXPECT_EQ(slab.taken(), 0u);
  ASSERT_OK_AND_ASSIGN(const LockedSlab::Block block, slab.Take());
  for (size_t j = 0; j < LockedSlab::kBlockBytes; ++j) {
    EXPECT_EQ(block.data()[j], 0);
  }
}

TEST(HardeningTest, CoreDumpsAreOffAfterwards) {
  const HardeningReport report = HardenProcess();
  EXPECT_TRUE(report.core_dumps_off);
  EXPECT_TRUE(report.not_dumpable);
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_CORE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, 0u);
  EXPECT_EQ(limit.rlim_max, 0u);
}

}  // namespace
}  // namespace consentry::crypto
