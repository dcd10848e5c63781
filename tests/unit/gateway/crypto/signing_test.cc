#include "gateway/crypto/signing.h"

#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "audit/log/note.h"
#include "gateway/crypto/note_signer.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::crypto {
namespace {

using testing::StatusIs;

std::string FromHex(const std::string& hex) {
  std::string bytes(hex.size() / 2, '\0');
  size_t made = 0;
  EXPECT_EQ(
      sodium_hex2bin(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size(),
                     hex.data(), hex.size(), nullptr, &made, nullptr),
      0);
  return bytes;
}

class SigningTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& content, mode_t mode = 0600) {
    const std::string path = dir_.File("key" + std::to_string(++files_));
    std::ofstream(path) << content;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
  testing::TempDir dir_;
  int files_ = 0;
};

// RFC 8032 section 7.1, tests 1 and 2; the seeds in the form of the file.
TEST_F(SigningTest, VectorsOfTheRfc) {
  struct Vector {
    std::string seed_base64;
    std::string public_key;
    std::string message;
    std::string signature;
  };
  const Vector kVectors[] = {
      {"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
       "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
      {"TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs=",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
       "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
  };
  for (const Vector& v : kVectors) {
    ASSERT_OK_AND_ASSIGN(const auto key,
                         SigningKey::Load(Write(
                             "consentry-ed25519-v1:" + v.seed_base64 + "\n")));
    const auto& public_key = key->public_key();
    EXPECT_EQ(std::string(public_key.begin(), public_key.end()),
              FromHex(v.public_key));
    EXPECT_EQ(key->Sign(FromHex(v.message)), FromHex(v.signature));
    EXPECT_TRUE(
        VerifySignature(public_key, FromHex(v.message), FromHex(v.signature)));
  }
}

TEST_F(SigningTest, CreatedKeyIsPrivateAndLoadsAgain) {
  const std::string path = dir_.File("log.key");
  ASSERT_OK_AND_ASSIGN(const auto made, SigningKey::Create(path));
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_OK_AND_ASSIGN(const auto loaded, SigningKey::Load(path));
  EXPECT_EQ(made->public_key(), loaded->public_key());
  EXPECT_EQ(made->Sign("note"), loaded->Sign("note"));
  EXPECT_THAT(SigningKey::Create(path),
              StatusIs(absl::StatusCode::kAlreadyExists));
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_THAT(SigningKey::Load(path),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(SigningTest, VerifierOfTheLogTrustsItsNotes) {
  ASSERT_OK_AND_ASSIGN(auto key, SigningKey::Create(dir_.File("key")));
  ASSERT_OK_AND_ASSIGN(const auto signer,
                       NoteSigner::Create("shop.example/log", std::move(key)));
  ASSERT_OK_AND_ASSIGN(const audit::Note note,
                       audit::SignNote("a checkpoint\n", *signer));
  ASSERT_OK_AND_ASSIGN(
      const audit::NoteVerifier verifier,
      audit::NoteVerifier::Create(signer->name(), signer->public_key()));
  EXPECT_EQ(audit::CheckNote(note, {&verifier, 1}),
            audit::NoteTrust::kVerified);
  ASSERT_OK_AND_ASSIGN(auto other, SigningKey::Create(dir_.File("other")));
  EXPECT_THAT(NoteSigner::Create("a name", std::move(other)),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(SigningTest, EveryChangedBitIsRefused) {
  ASSERT_OK_AND_ASSIGN(const auto key, SigningKey::Create(dir_.File("key")));
  const std::string signature = key->Sign("note");
  EXPECT_FALSE(VerifySignature(key->public_key(), "Note", signature));
  EXPECT_FALSE(VerifySignature(key->public_key(), "note", ""));
  EXPECT_FALSE(VerifySignature(key->public_key(), "note", signature + "x"));
  for (size_t i = 0; i < signature.size() * 8; ++i) {
    std::string bad = signature;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
    ASSERT_FALSE(VerifySignature(key->public_key(), "note", bad)) << i;
  }
}

TEST_F(SigningTest, OtherContentIsRefused) {
  const std::string good =
      "consentry-ed25519-v1:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
  EXPECT_OK(SigningKey::Load(Write(good)));
  const std::vector<std::string> kBad = {
      "", "\n", good + "\n\n", good.substr(1), good + "=",
      good.substr(0, good.size() - 1), "consentry-ed25519-v2" + good.substr(20),
      good.substr(0, 21) + std::string(44, '!'),
      // A byte that libsodium alone would take for a letter.
      good.substr(0, 30) + static_cast<char>(good[30] | '\x80') +
          good.substr(31),
      // Bits after the end.
      good.substr(0, good.size() - 2) + "B="};
  for (const std::string& bad : kBad) {
    EXPECT_THAT(SigningKey::Load(Write(bad)),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << bad;
  }
}

}  // namespace
}  // namespace consentry::crypto
