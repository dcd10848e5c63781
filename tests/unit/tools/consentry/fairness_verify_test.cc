#include "tools/consentry/fairness_verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "audit/log/note.h"
#include "audit/merkle/hash.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/log_key.h"

namespace consentry::tools {
namespace {

using ::testing::HasSubstr;

constexpr char kFile[] = "{\n \"id\": \"fre_1\",\n \"count\": \"1000\"\n}\n";

std::unique_ptr<audit::SkeySigner> SignerOf(char seed) {
  auto signer =
      audit::SkeySigner::FromSeed("shop.example/log", std::string(32, seed));
  EXPECT_OK(signer);
  return *std::move(signer);
}

std::string KeyOf(const audit::Signer& signer) {
  return audit::NoteVerifier::Create(signer.name(), signer.public_key())
      ->Vkey();
}

class FairnessVerifyTest : public ::testing::Test {
 protected:
  FairnessVerifyTest() : signer_(SignerOf('a')) {
    Write("report.json", kFile);
    Write("report.note", Sign(Text()));
  }

  static std::string Text() {
    return absl::StrCat(
        "consentry fairness report v1\nlog shop.example/log\nreport "
        "fre_1\nprofile credit 3\ndigest sha256:",
        audit::HexOf(audit::Sha256({kFile})), "\n");
  }
  std::string Sign(const std::string& text) const {
    const auto note = audit::SignNote(text, *signer_);
    EXPECT_OK(note);
    return audit::FormatNote(*note);
  }
  void Write(const std::string& name, const std::string& text) {
    ASSERT_OK(WriteWhole(folder_.File(name), text));
  }

  int Verify() { return Verify(KeyOf(*signer_)); }
  int Verify(const std::string& key) {
    out_.str("");
    err_.str("");
    return FairnessVerify(
        folder_.path(),
        {folder_.File("report.json"), folder_.File("report.note"), key}, out_,
        err_);
  }

  testing::TempDir folder_;
  const std::unique_ptr<audit::SkeySigner> signer_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(FairnessVerifyTest, AReportAndItsNoteAreVerified) {
  EXPECT_EQ(Verify(), kExitOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("verified with the key of shop.example"));
  EXPECT_THAT(out_.str(), HasSubstr("report fre_1"));
  // Also with the key that `init` left in the folder.
  Write("log-verifier.txt", KeyOf(*signer_) + "\n");
  EXPECT_EQ(Verify(""), kExitOk) << err_.str();
}

TEST_F(FairnessVerifyTest, AnyOtherByteOfTheFileIsNotVerified) {
  const std::string file = kFile;
  for (const std::string& other :
       {absl::StrReplaceAll(file, {{"1000", "1001"}}), file + "\n",
        file.substr(1), std::string()}) {
    Write("report.json", other);
    EXPECT_EQ(Verify(), kExitNo);
    EXPECT_THAT(err_.str(), HasSubstr("not the one that was signed"));
    EXPECT_EQ(out_.str(), "");
  }
}

TEST_F(FairnessVerifyTest, AChangedNoteIsNotVerified) {
  const std::string note = Sign(Text());
  Write("report.note", absl::StrReplaceAll(note, {{"credit 3", "credit 4"}}));
  EXPECT_EQ(Verify(), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("the note was changed"));
  // File and digest alike.
  Write("report.json", "{}");
  Write("report.note",
        absl::StrReplaceAll(note, {{audit::HexOf(audit::Sha256({kFile})),
                                    audit::HexOf(audit::Sha256({"{}"}))}}));
  EXPECT_EQ(Verify(), kExitNo);
  Write("report.note", "digest sha256:");
  EXPECT_EQ(Verify(), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("no signed note"));
}

TEST_F(FairnessVerifyTest, AnotherKeyDoesNotVerify) {
  EXPECT_EQ(Verify(KeyOf(*SignerOf('b'))), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("not signed by this key"));
}

// The same key signs more than reports.
TEST_F(FairnessVerifyTest, ANoteOfSomethingElseIsNotVerified) {
  Write("report.note", Sign(absl::StrReplaceAll(
                           Text(), {{"fairness report", "other things"}})));
  EXPECT_EQ(Verify(), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("not that of a fairness report"));
  // One that names two files names none.
  Write(
      "report.note",
      Sign(absl::StrCat(Text(), "digest sha256:", std::string(64, '0'), "\n")));
  EXPECT_EQ(Verify(), kExitNo);
}

TEST_F(FairnessVerifyTest, WhatCannotBeReadIsAnError) {
  EXPECT_EQ(Verify("no key"), kExitError);
  EXPECT_EQ(Verify(""), kExitError);
  EXPECT_THAT(err_.str(), HasSubstr("--key"));
  std::ostringstream out;
  EXPECT_EQ(FairnessVerify(folder_.path(),
                           {folder_.File("absent"), folder_.File("report.note"),
                            KeyOf(*signer_)},
                           out, out),
            kExitError);
}

}  // namespace
}  // namespace consentry::tools
