#include "tools/consentry/audit_offline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>

#include "audit/io/file.h"
#include "audit/log/segment.h"
#include "tests/testing/memory_file_system.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tampered_log.h"
#include "tests/testing/temp_dir.h"

namespace consentry::tools {
namespace {

using audit::FileSystem;
using ::testing::HasSubstr;

class AuditOfflineTest : public ::testing::Test {
 protected:
  AuditOfflineTest() {
    // Made in memory: hundreds of real syncs would show nothing more.
    testing::BuildLog(&memory_, "/log", testing::SomeEntries(300));
    testing::CopyFolder(&memory_, "/log", fs_, log_);
    key_ = testing::TestVerifier().Vkey();
  }

  template <class Options>
  int Run(int (*command)(const Options&, std::ostream&, std::ostream&),
          const Options& options) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = command(options, out, err);
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  std::string Read(const std::string& path) {
    return *audit::ReadFile(fs_, path, 1 << 20);
  }

  FileSystem* const fs_ = FileSystem::Posix();
  testing::MemoryFileSystem memory_;
  testing::TempDir dir_;
  const std::string log_ = dir_.File("log");
  std::string key_;
  std::string out_;
  std::string err_;
};

TEST_F(AuditOfflineTest, VerifySaysSoundInWordsAndInJson) {
  EXPECT_EQ(Run(RunAuditVerify, {log_, key_, "", false}), 0);
  EXPECT_THAT(out_, HasSubstr("sound: the audit log in"));
  EXPECT_THAT(out_, HasSubstr("300, of which 300 signed"));
  EXPECT_THAT(out_, HasSubstr("--checkpoint FILE"));
  EXPECT_EQ(Run(RunAuditVerify, {log_, key_, log_ + "/checkpoint", false}), 0);
  EXPECT_THAT(out_, ::testing::Not(HasSubstr("--checkpoint FILE")));
  EXPECT_EQ(Run(RunAuditVerify, {log_, key_, "", true}), 0);
  EXPECT_THAT(out_, HasSubstr("{\"ok\":true,"));
  EXPECT_THAT(out_, HasSubstr("\"entries\":300"));
  EXPECT_THAT(out_, HasSubstr("\"findings\":[]}"));
}

TEST_F(AuditOfflineTest, TheKeyMayStandInAFile) {
  ASSERT_OK(audit::ReplaceFile(fs_, dir_.File("key"), key_ + "\n"));
  EXPECT_EQ(Run(RunAuditVerify, {log_, dir_.File("key"), "", false}), 0);
}

TEST_F(AuditOfflineTest, ATamperedLogExitsWithTwoAndNamesTheEntry) {
  testing::Entries entries = testing::SomeEntries(300);
  entries[42] += "!";
  testing::ForgeSegments(&memory_, "/log", entries);
  ASSERT_OK(audit::ReplaceFile(
      fs_, log_ + "/segments/" + audit::SegmentName(1),
      *audit::ReadFile(&memory_, "/log/segments/" + audit::SegmentName(1),
                       1 << 20)));
  EXPECT_EQ(Run(RunAuditVerify, {log_, key_, "", false}), 2);
  EXPECT_THAT(out_, HasSubstr("NOT SOUND"));
  EXPECT_THAT(out_, HasSubstr("changed: entry 42 was changed"));
  EXPECT_EQ(Run(RunAuditVerify, {log_, key_, "", true}), 2);
  EXPECT_THAT(out_, HasSubstr("{\"ok\":false,"));
  EXPECT_THAT(out_, HasSubstr("{\"fault\":\"changed\",\"index\":42,"
                              "\"count\":1,"));
  EXPECT_EQ(Run(RunAuditExport, {log_, dir_.File("x"), false}), 2);
  EXPECT_EQ(Run(RunAuditProve, {log_, 42, ""}), 2);
  EXPECT_EQ(Run(RunAuditProve, {log_, 41, ""}), 0);
}

TEST_F(AuditOfflineTest, WhatCannotBeFoundOutExitsWithOne) {
  EXPECT_EQ(Run(RunAuditVerify, {dir_.File("none"), key_, "", false}), 1);
  EXPECT_THAT(err_, HasSubstr("holds no audit log"));
  EXPECT_EQ(Run(RunAuditVerify, {log_, "no key", "", false}), 1);
  EXPECT_EQ(Run(RunAuditVerify, {log_, "", "", false}), 1);
  EXPECT_EQ(Run(RunAuditVerify, {log_, key_, dir_.File("none"), false}), 1);
  EXPECT_EQ(Run(RunAuditProve, {log_, 300, ""}), 1);
  EXPECT_THAT(err_, HasSubstr("no entry 300"));
  EXPECT_EQ(Run(RunAuditVerifyProof, {dir_.File("none"), key_, "", false}), 1);
  EXPECT_EQ(Run(RunAuditExport, {dir_.File("none"), dir_.File("x"), false}), 1);
}

TEST_F(AuditOfflineTest, AProofIsMadeAndCheckedLiveAndExported) {
  EXPECT_EQ(Run(RunAuditExport, {log_, dir_.File("x"), false}), 0);
  EXPECT_EQ(out_, "300 entries of consentry.example/log written to " +
                      dir_.File("x") + "\n");
  EXPECT_EQ(Run(RunAuditVerify, {dir_.File("x"), key_, "", false}), 0);
  // Not over anything that is there.
  EXPECT_EQ(Run(RunAuditExport, {log_, dir_.File("x"), false}), 1);
  const std::string file = dir_.File("e.tlog-proof");
  for (const uint64_t index : {0u, 7u, 255u, 256u, 299u}) {
    EXPECT_EQ(Run(RunAuditProve, {log_, index, ""}), 0);
    const std::string live = out_;
    EXPECT_EQ(Run(RunAuditProve, {dir_.File("x"), index, ""}), 0);
    EXPECT_EQ(out_, live);
    EXPECT_EQ(Run(RunAuditProve, {log_, index, file}), 0);
    EXPECT_EQ(out_, "");
    EXPECT_EQ(Read(file), live);
    EXPECT_EQ(Run(RunAuditVerifyProof, {file, key_, "", false}), 0);
    EXPECT_THAT(out_, HasSubstr("holds: it is entry " + std::to_string(index)));
  }
}

TEST_F(AuditOfflineTest, StoredHashesAreNotNeededForAProof) {
  EXPECT_EQ(Run(RunAuditProve, {log_, 77, ""}), 0);
  const std::string with = out_;
  EXPECT_EQ(Run(RunAuditExport, {log_, dir_.File("x"), false}), 0);
  ASSERT_OK(audit::ReplaceFile(fs_, log_ + "/tree/0", "damaged"));
  EXPECT_EQ(Run(RunAuditProve, {log_, 77, ""}), 0);
  EXPECT_EQ(out_, with);
  ASSERT_OK(fs_->Remove(dir_.File("x/tile/0/000")));
  EXPECT_EQ(Run(RunAuditProve, {dir_.File("x"), 77, ""}), 0);
  EXPECT_EQ(out_, with);
}

TEST_F(AuditOfflineTest, AWrongProofExitsWithTwo) {
  const std::string file = dir_.File("p");
  EXPECT_EQ(Run(RunAuditProve, {log_, 7, file}), 0);
  ASSERT_OK(
      audit::ReplaceFile(fs_, dir_.File("e"), testing::SomeEntries(8)[7]));
  EXPECT_EQ(Run(RunAuditVerifyProof, {file, key_, dir_.File("e"), true}), 0);
  EXPECT_THAT(out_, HasSubstr("{\"ok\":true,\"index\":7,"));
  ASSERT_OK(audit::ReplaceFile(fs_, dir_.File("e"), "another entry"));
  EXPECT_EQ(Run(RunAuditVerifyProof, {file, key_, dir_.File("e"), true}), 2);
  EXPECT_THAT(out_, HasSubstr("{\"ok\":false,\"index\":7,\"why\":"));
  std::string changed = Read(file);
  changed.replace(changed.find("index 7"), 7, "index 8");
  ASSERT_OK(audit::ReplaceFile(fs_, file, changed));
  EXPECT_EQ(Run(RunAuditVerifyProof, {file, key_, "", false}), 2);
  EXPECT_THAT(out_, HasSubstr("DOES NOT HOLD"));
  ASSERT_OK(audit::ReplaceFile(fs_, file, "nonsense"));
  EXPECT_EQ(Run(RunAuditVerifyProof, {file, key_, "", false}), 2);
}

}  // namespace
}  // namespace consentry::tools
