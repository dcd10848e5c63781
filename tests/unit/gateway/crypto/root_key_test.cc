#include "gateway/crypto/root_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "gateway/crypto/secret_file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::crypto {
namespace {

using testing::StatusIs;

class RootKeyTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& content, mode_t mode = 0600) {
    const std::string path = dir_.File("root" + std::to_string(++files_));
    std::ofstream(path, std::ios::binary) << content;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
  static std::string Hex() {
    return "000102030405060708090a0b0c0d0e0f"
           "101112131415161718191a1b1c1d1e1f";
  }
  static std::string Raw() {
    std::string raw;
    for (int i = 0; i < 32; ++i) raw.push_back(static_cast<char>(i));
    return raw;
  }

  testing::TempDir dir_;
  int files_ = 0;
};

TEST_F(RootKeyTest, RawAndHexadecimalAreTheSameKey) {
  ASSERT_OK_AND_ASSIGN(const RootKey raw, RootKey::Load(Write(Raw())));
  ASSERT_OK_AND_ASSIGN(const RootKey hex, RootKey::Load(Write(Hex())));
  ASSERT_OK_AND_ASSIGN(const RootKey line, RootKey::Load(Write(Hex() + "\n")));
  EXPECT_TRUE(raw.Derive(KeyPurpose::kPageTokens) ==
              hex.Derive(KeyPurpose::kPageTokens));
  EXPECT_TRUE(raw.Derive(KeyPurpose::kPageTokens) ==
              line.Derive(KeyPurpose::kPageTokens));
}

TEST_F(RootKeyTest, DerivedKeysDifferByPurposeNumberAndRoot) {
  ASSERT_OK_AND_ASSIGN(const RootKey root, RootKey::Load(Write(Raw())));
  std::string other_bytes = Raw();
  other_bytes[31] ^= 1;
  ASSERT_OK_AND_ASSIGN(const RootKey other, RootKey::Load(Write(other_bytes)));
  const GuardedKey key = root.Derive(KeyPurpose::kStorePages);
  EXPECT_FALSE(key == root.Derive(KeyPurpose::kTrailPages));
  EXPECT_FALSE(key == root.Derive(KeyPurpose::kStorePages, 1));
  EXPECT_FALSE(key == other.Derive(KeyPurpose::kStorePages));
  EXPECT_TRUE(key == root.Derive(KeyPurpose::kStorePages));
}

TEST_F(RootKeyTest, CreatedKeyIsPrivateAndLoadsAgain) {
  const std::string path = dir_.File("root");
  ASSERT_OK_AND_ASSIGN(const RootKey made, RootKey::Create(path));
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(info.st_size, 65);
  ASSERT_OK_AND_ASSIGN(const RootKey loaded, RootKey::Load(path));
  EXPECT_TRUE(made.Derive(KeyPurpose::kEpochFile) ==
              loaded.Derive(KeyPurpose::kEpochFile));
  EXPECT_THAT(RootKey::Create(path),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(RootKeyTest, AnyAccessByOthersIsRefused) {
  for (const mode_t mode : {0601u, 0602u, 0604u, 0610u, 0620u, 0640u, 0777u}) {
    EXPECT_THAT(RootKey::Load(Write(Hex(), mode)),
                StatusIs(absl::StatusCode::kPermissionDenied))
        << std::oct << mode;
  }
  EXPECT_OK(RootKey::Load(Write(Hex(), 0400)));
}

TEST_F(RootKeyTest, AnotherOwnerIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const std::string path = Write(Hex());
  ASSERT_EQ(chown(path.c_str(), 12345, 12345), 0);
  EXPECT_THAT(RootKey::Load(path),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(RootKeyTest, WhatIsNoRegularFileIsRefused) {
  const std::string link = dir_.File("link");
  ASSERT_EQ(symlink(Write(Hex()).c_str(), link.c_str()), 0);
  EXPECT_THAT(RootKey::Load(link),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(RootKey::Load(dir_.path()),
              StatusIs(absl::StatusCode::kPermissionDenied));
  const std::string fifo = dir_.File("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(RootKey::Load(fifo),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(RootKey::Load(dir_.File("none")),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(RootKeyTest, OtherContentIsRefused) {
  const std::string kBad[] = {"",
                              Raw().substr(1),
                              Raw() + "x",
                              Hex() + " ",
                              Hex() + "\n\n",
                              Hex().substr(1),
                              Hex() + "0",
                              "g" + Hex().substr(1),
                              std::string(32, '\0'),
                              std::string(64, '0'),
                              std::string(32, '\xff'),
                              Hex().substr(0, 32) + "\n" + Hex().substr(32)};
  for (const std::string& bad : kBad) {
    EXPECT_THAT(RootKey::Load(Write(bad)),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << bad.size();
  }
  EXPECT_THAT(RootKey::Load(Write(std::string(kMaxSecretFileBytes + 1, 'a'))),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(RootKeyTest, CredentialComesFromTheServiceManagersFolder) {
  const std::string path = Write(Hex());
  const std::string name = path.substr(path.rfind('/') + 1);
  ASSERT_EQ(unsetenv("CREDENTIALS_DIRECTORY"), 0);
  EXPECT_THAT(RootKey::LoadCredential(name),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  ASSERT_EQ(setenv("CREDENTIALS_DIRECTORY", dir_.path().c_str(), 1), 0);
  EXPECT_OK(RootKey::LoadCredential(name));
  EXPECT_THAT(RootKey::LoadCredential("../" + name),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(RootKey::LoadCredential(".."),
              StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_EQ(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

}  // namespace
}  // namespace consentry::crypto
