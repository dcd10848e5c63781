#include "audit/log/note.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "audit/log/base64.h"
#include "tests/testing/status_matchers.h"

namespace consentry::audit {
namespace {

using testing::StatusIs;

// The examples of C2SP signed-note and of golang.org/x/mod/sumdb/note.
constexpr char kFooVkey[] =
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
constexpr char kFooNote[] =
    "This is an example message.\n\n"
    "\xe2\x80\x94 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRK"
    "uwHjG1Yu72IneyaQM=\n";
constexpr char kPeterSkey[] =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+"
    "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
constexpr char kPeterVkey[] =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr char kEnochVkey[] =
    "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const std::string kText =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n";
const std::string kPeterLine =
    "\xe2\x80\x94 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngot"
    "pRZb6KE6RyyBwJnAM=\n";
const std::string kEnochLine =
    "\xe2\x80\x94 EnochRoot "
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwn"
    "WLox33WWd1RvMc+QQ=\n";

std::vector<NoteVerifier> Known(const std::vector<std::string>& vkeys) {
  std::vector<NoteVerifier> known;
  for (const std::string& vkey : vkeys) {
    known.push_back(*NoteVerifier::FromVkey(vkey));
  }
  return known;
}

NoteTrust TrustOf(const std::string& bytes,
                  const std::vector<std::string>& vkeys) {
  const auto note = ParseNote(bytes);
  EXPECT_OK(note);
  return CheckNote(*note, Known(vkeys));
}

TEST(NoteTest, TheSpecificationsExampleVerifies) {
  EXPECT_EQ(TrustOf(kFooNote, {kFooVkey}), NoteTrust::kVerified);
  const auto verifier = NoteVerifier::FromVkey(kFooVkey);
  ASSERT_OK(verifier);
  EXPECT_EQ(verifier->key_id(), 0x530d903au);
  EXPECT_EQ(verifier->Vkey(), kFooVkey);
}

TEST(NoteTest, SigningGivesThePublishedBytes) {
  const auto signer = SkeySigner::FromSkey(kPeterSkey);
  ASSERT_OK(signer);
  EXPECT_EQ(
      NoteVerifier::Create((*signer)->name(), (*signer)->public_key())->Vkey(),
      kPeterVkey);
  const auto note = SignNote(kText, **signer);
  ASSERT_OK(note);
  EXPECT_EQ(FormatNote(*note), kText + "\n" + kPeterLine);
}

TEST(NoteTest, AKnownKeyCountsAndUnknownOnesAreIgnored) {
  const std::string both = kText + "\n" + kPeterLine + kEnochLine;
  EXPECT_EQ(TrustOf(both, {kPeterVkey}), NoteTrust::kVerified);
  EXPECT_EQ(TrustOf(both, {kEnochVkey}), NoteTrust::kVerified);
  EXPECT_EQ(TrustOf(both, {kPeterVkey, kEnochVkey}), NoteTrust::kVerified);
  EXPECT_EQ(TrustOf(both, {}), NoteTrust::kUnknownKey);
  EXPECT_EQ(TrustOf(both, {kFooVkey}), NoteTrust::kUnknownKey);
}

TEST(NoteTest, ABadSignatureOfAKnownKeySpoilsTheNote) {
  const std::string other = "x" + kText + "\n" + kPeterLine + kEnochLine;
  EXPECT_EQ(TrustOf(other, {kPeterVkey}), NoteTrust::kBadSignature);
  std::string longer = kPeterLine;
  longer.insert(60, "ABCD");
  EXPECT_EQ(TrustOf(kText + "\n" + longer, {kPeterVkey}),
            NoteTrust::kBadSignature);
  // One good and one bad signature of the same key.
  std::string bad = kPeterLine;
  bad[60] = bad[60] == 'A' ? 'B' : 'A';
  EXPECT_EQ(TrustOf(kText + "\n" + kPeterLine + bad, {kPeterVkey}),
            NoteTrust::kBadSignature);
}

TEST(NoteTest, SixteenSignaturesAreTakenAndTooManyAreNot) {
  const auto with = [](size_t n) {
    std::string bytes = kText + "\n";
    for (size_t i = 0; i < n; ++i) bytes += kPeterLine;
    return bytes;
  };
  EXPECT_EQ(TrustOf(with(16), {kPeterVkey}), NoteTrust::kVerified);
  EXPECT_EQ(TrustOf(with(kMaxNoteSignatures), {kPeterVkey}),
            NoteTrust::kVerified);
  EXPECT_THAT(ParseNote(with(kMaxNoteSignatures + 1)),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(NoteTest, MalformedNotesAreRefused) {
  const std::string good = kText + "\n" + kPeterLine;
  ASSERT_OK(ParseNote(good));
  std::string cr = good;
  cr.insert(4, "\r");
  std::string odd_base64 = good;
  odd_base64[odd_base64.size() - 3] = 'N';
  const std::vector<std::string> bad = {
      "",
      "\n",
      "\n\n",
      kText,
      kText + "\n",
      good.substr(0, good.size() - 1),
      "\x01" + good,
      "\xff" + good,
      "\xc0\x80" + good,
      "\xed\xa0\x80" + good,
      cr,
      odd_base64,
      good + "Unexpected line.\n",
      good + "\n",
      kText + "\n\xe2\x80\x94 Bad Name " + kPeterLine.substr(17),
      kText + "\n\xe2\x80\x94 a+b " + kPeterLine.substr(17),
      kText + "\n\xe2\x80\x94 a\xc2\xa0z " + kPeterLine.substr(17),
      kText + "\n- PeterNeumann " + kPeterLine.substr(17),
      kText + "\n\xe2\x80\x94  " + kPeterLine.substr(17),
      kText + "\n\xe2\x80\x94 PeterNeumann\n",
      kText + "\n\xe2\x80\x94 PeterNeumann x08goA==\n",
      kText + "\n\xe2\x80\x94 PeterNeumann x08g\n",
      std::string(kMaxNoteBytes, 'a') + "\n" + good,
  };
  for (const std::string& note : bad) {
    EXPECT_THAT(ParseNote(note), StatusIs(absl::StatusCode::kInvalidArgument))
        << note.substr(0, 300);
  }
}

TEST(NoteTest, TheTextEndsAtTheLastEmptyLine) {
  const auto note = ParseNote("a\n\nb\n\n" + kPeterLine);
  ASSERT_OK(note);
  EXPECT_EQ(note->text, "a\n\nb\n");
  EXPECT_EQ(note->signatures.size(), 1u);
  EXPECT_EQ(FormatNote(*note), "a\n\nb\n\n" + kPeterLine);
}

// No part of a key, and no key with one character changed, is a key.
TEST(NoteTest, MangledKeysAreRefused) {
  const std::string vkey = kPeterVkey;
  for (size_t i = 0; i <= vkey.size(); ++i) {
    for (size_t j = i + 1; j <= vkey.size(); ++j) {
      if (i == 0 && j == vkey.size()) continue;
      EXPECT_FALSE(NoteVerifier::FromVkey(vkey.substr(i, j - i)).ok());
    }
  }
  for (size_t i = 0; i < vkey.size(); ++i) {
    std::string changed = vkey;
    ++changed[i];
    EXPECT_FALSE(NoteVerifier::FromVkey(changed).ok()) << changed;
    changed = kPeterSkey;
    ++changed[i];
    EXPECT_FALSE(SkeySigner::FromSkey(changed).ok()) << changed;
  }
  // Key ids that fit keys which are none.
  EXPECT_FALSE(NoteVerifier::FromVkey("PeterNeumann+cc469956+"
                                      "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/"
                                      "LDE4izWy10TWBADKEY==")
                   .ok());
  EXPECT_FALSE(
      NoteVerifier::FromVkey("PeterNeumann+173116ae+"
                             "ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
          .ok());
  EXPECT_FALSE(
      NoteVerifier::FromVkey("PeterNeumann+C74F20A3+"
                             "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
          .ok());
  const std::string skey = kPeterSkey;
  for (size_t n = 0; n < skey.size(); ++n) {
    EXPECT_FALSE(SkeySigner::FromSkey(skey.substr(0, n)).ok());
  }
}

TEST(Base64Test, OnlyTheCanonicalTextIsRead) {
  EXPECT_EQ(FromBase64(""), "");
  EXPECT_EQ(FromBase64("YQ=="), "a");
  for (const char* bad : {"YQ=", "YQ", "YR==", "YQ==\n",
                          "Y Q=", "YQ==YQ==", "_w==", "====", "="}) {
    EXPECT_EQ(FromBase64(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(Base64Of(std::string("\xff\xfe\x00", 3)), "//4A");
}

}  // namespace
}  // namespace consentry::audit
