// Two verifiers that share no code, the C++ one behind `consentry audit verify`
// and tests/e2e/verify_log.py, over the same exported folders, good and broken:
// they must give the same answer and name the same fault at the same entry.

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "audit/io/file.h"
#include "audit/log/checkpoint.h"
#include "audit/log/note.h"
#include "tests/e2e/two_verifiers.h"
#include "tests/testing/memory_file_system.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tampered_log.h"
#include "tests/testing/temp_dir.h"

namespace consentry {
namespace {

using audit::FileSystem;
using testing::BuildLog;
using testing::CopyFolder;
using testing::Entries;
using testing::FaultOf;
using testing::ForgeBundles;
using testing::HavePython;
using testing::OurVerdict;
using testing::PythonsVerdict;
using testing::SomeEntries;
using testing::Tamperings;
using testing::TestSigner;
using testing::TestVerifier;

class VerifyLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HavePython()) GTEST_SKIP() << "no python3";
  }

  // Both say `expected`, where one is given; and the same in any case.
  void Expect(const std::string& folder, const std::string& expected,
              const std::string& checkpoint = "") {
    const std::string key = TestVerifier().Vkey();
    const std::string ours = OurVerdict(folder, key, checkpoint);
    EXPECT_EQ(ours, PythonsVerdict(folder, key, checkpoint)) << folder;
    if (!expected.empty()) {
      EXPECT_EQ(FaultOf(ours), expected) << folder;
    }
  }

  // An export of a log of these entries.
  std::string Exported(const std::string& name, const Entries& entries) {
    // Made in memory: hundreds of real syncs would show nothing more.
    testing::MemoryFileSystem memory;
    BuildLog(&memory, "/log", entries);
    testing::Export(&memory, "/log", "/exported");
    CopyFolder(&memory, "/exported", fs_, dir_.File(name));
    return dir_.File(name);
  }
  std::string Copy(const std::string& folder, const std::string& name) {
    CopyFolder(fs_, folder, dir_.File(name));
    return dir_.File(name);
  }
  void Write(const std::string& path, const std::string& bytes) {
    ASSERT_OK(audit::ReplaceFile(fs_, path, bytes));
  }
  std::string Read(const std::string& path) {
    return *audit::ReadFile(fs_, path, 1 << 20);
  }

  FileSystem* const fs_ = FileSystem::Posix();
  testing::TempDir dir_;
};

TEST_F(VerifyLogTest, BothFindGoodLogsSound) {
  for (const size_t n : {0u, 1u, 255u, 256u, 257u, 700u}) {
    Expect(Exported("good" + std::to_string(n), SomeEntries(n)), "ok true");
  }
}

TEST_F(VerifyLogTest, BothNameEachTamperingAlike) {
  constexpr size_t kSize = 300;
  const std::string good = Exported("good", SomeEntries(kSize));
  for (const auto& tampering : Tamperings(kSize)) {
    const std::string bad = Copy(good, tampering.name);
    Entries entries = SomeEntries(kSize);
    tampering.apply(&entries);
    ForgeBundles(fs_, bad, entries);
    Expect(bad, std::string(audit::NameOf(tampering.fault)) + " " +
                    std::to_string(tampering.index));
  }
}

TEST_F(VerifyLogTest, BothNameMixedTamperingsAlike) {
  constexpr size_t kSize = 60;
  const std::string good = Exported("good", SomeEntries(kSize));
  const auto tamperings = Tamperings(kSize);
  for (uint32_t seed = 0; seed < 25; ++seed) {
    std::mt19937 random(seed);
    const std::string bad = Copy(good, "mixed" + std::to_string(seed));
    Entries entries = SomeEntries(kSize);
    for (int i = 0; i < 3 && entries.size() > 20; ++i) {
      tamperings[random() % tamperings.size()].apply(&entries);
    }
    ForgeBundles(fs_, bad, entries);
    Expect(bad, "");
  }
}

TEST_F(VerifyLogTest, BothSeeWhatTheCheckpointGivenTells) {
  const std::string log = Exported("log", SomeEntries(300));
  const std::string later = log + "/checkpoint";
  Expect(log, "ok true", later);
  const std::string older = Exported("older", SomeEntries(200));
  Expect(older, "ok true");
  Expect(older, "rewound 200", later);
  Expect(log, "ok true", older + "/checkpoint");
  Entries other = SomeEntries(400);
  other[100] = "another history";
  const std::string anew = Exported("anew", other);
  Expect(anew, "rewound 0", later);
  const std::string cut = Copy(older, "cut");
  ASSERT_OK(fs_->Remove(cut + "/checkpoint"));
  Expect(cut, "missing-checkpoint 0");
  Expect(cut, "tail-cut 200", later);
}

TEST_F(VerifyLogTest, BothNameForgedCheckpointsAlike) {
  const std::string log = Exported("log", SomeEntries(30));
  const std::string path = log + "/checkpoint";
  const std::string good = Read(path);
  std::string forged = good;
  forged[forged.find("\n30\n") + 1] = '2';
  Write(path, forged);
  Expect(log, "bad-signature 0");
  audit::Checkpoint checkpoint = audit::ParseCheckpointNote(good)->checkpoint;
  const auto signed_by = [&](const audit::Signer& signer) {
    return audit::FormatNote(
        *audit::SignNote(audit::FormatCheckpoint(checkpoint), signer));
  };
  const auto other =
      *audit::SkeySigner::FromSeed(testing::kTestOrigin, std::string(32, 'o'));
  Write(path, signed_by(*other));
  Expect(log, "unknown-key 0");
  checkpoint.root = audit::LeafHash("else");
  Write(path, signed_by(*TestSigner()));
  Expect(log, "root-mismatch 0");
  checkpoint.origin = "other.example/log";
  Write(path, signed_by(*TestSigner()));
  Expect(log, "other-log 0");
  for (const std::string& bad :
       {std::string(), std::string("no checkpoint\n"), good + "x", "\n" + good,
        good.substr(0, good.size() - 1), "\xff" + good}) {
    Write(path, bad);
    Expect(log, "malformed-checkpoint 0");
  }
}

TEST_F(VerifyLogTest, BothNameDamagedAndMissingFilesAlike) {
  const std::string good = Exported("good", SomeEntries(700));
  const auto remove = [&](const std::string& name, const std::string& file) {
    const std::string bad = Copy(good, name);
    EXPECT_OK(fs_->Remove(bad + "/" + file));
    return bad;
  };
  Expect(remove("a", "tile/entries/001"), "removed 256");
  Expect(remove("b", "tile/entries/002.p/188"), "tail-cut 512");
  Expect(remove("c", "tile/0/001"), "bad-tile 256");
  Expect(remove("d", "tile/1/000.p/2"), "bad-tile 0");
  const std::string both = remove("e", "tile/0/000");
  ASSERT_OK(fs_->Remove(both + "/tile/entries/000"));
  Expect(both, "tail-cut 444");
  const std::string half = Copy(good, "half");
  const std::string bundle = Read(half + "/tile/entries/001");
  Write(half + "/tile/entries/001", bundle.substr(0, bundle.size() / 2));
  Expect(half, "");
}

}  // namespace
}  // namespace consentry
