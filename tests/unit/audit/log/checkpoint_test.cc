#include "audit/log/checkpoint.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "audit/log/tile.h"
#include "audit/log/tlog_proof.h"
#include "audit/merkle/proof.h"
#include "tests/testing/status_matchers.h"

namespace consentry::audit {
namespace {

using testing::StatusIs;

// Golden text of golang.org/x/mod/sumdb/tlog.
constexpr char kGolden[] =
    "go.sum database tree\n123456789012\n"
    "TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n";

TEST(CheckpointTest, TheGoldenTextIsReadAndWritten) {
  const auto checkpoint = ParseCheckpoint(kGolden);
  ASSERT_OK(checkpoint);
  EXPECT_EQ(checkpoint->origin, "go.sum database tree");
  EXPECT_EQ(checkpoint->size, 123456789012u);
  EXPECT_EQ(checkpoint->root, LeafHash("hello world"));
  EXPECT_EQ(FormatCheckpoint(*checkpoint), kGolden);
}

TEST(CheckpointTest, ExtensionsAreKept) {
  const std::string text = std::string(kGolden) + "one\ntwo\n";
  const auto checkpoint = ParseCheckpoint(text);
  ASSERT_OK(checkpoint);
  EXPECT_EQ(checkpoint->extensions, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(FormatCheckpoint(*checkpoint), text);
}

TEST(CheckpointTest, MalformedTextsAreRefused) {
  const std::string root = "TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n";
  for (const std::string& bad : std::vector<std::string>{
           "", "a\n", "a\n1\n", "a\n1\n" + root.substr(0, 44), "\n1\n" + root,
           "a\n01\n" + root, "a\n-1\n" + root, "a\n+1\n" + root,
           "a\n 1\n" + root, "a\n1 \n" + root, "a\n0x1\n" + root,
           "a\n\n" + root, "a\n18446744073709551616\n" + root, "a\n1\nAAAA\n",
           "a\n1\n\n", "a\n1\n" + root + "\n", "a\n1\n" + root + "x",
           "a\n1\n" + root.substr(0, 43) + "\n"}) {
    EXPECT_THAT(ParseCheckpoint(bad),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << bad;
  }
  EXPECT_OK(ParseCheckpoint("a\n18446744073709551615\n" + root));
  EXPECT_OK(ParseCheckpoint("a\n0\n" + root));
}

std::unique_ptr<SkeySigner> TestSigner() {
  return *SkeySigner::FromSeed("consentry.example/log", std::string(32, 's'));
}

NoteVerifier TestVerifier() {
  const auto signer = TestSigner();
  return *NoteVerifier::Create(signer->name(), signer->public_key());
}

TEST(CheckpointTest, NoBitOfASignedCheckpointCanChange) {
  Checkpoint checkpoint;
  checkpoint.origin = "consentry.example/log";
  checkpoint.size = 4711;
  checkpoint.root = LeafHash("x");
  const auto signer = TestSigner();
  const std::string good =
      FormatNote(*SignNote(FormatCheckpoint(checkpoint), *signer));
  const NoteVerifier verifier = TestVerifier();
  const auto accepted = [&](const std::string& bytes) {
    const auto parsed = ParseCheckpointNote(bytes);
    return parsed.ok() &&
           CheckNote(parsed->note, {&verifier, 1}) == NoteTrust::kVerified;
  };
  ASSERT_TRUE(accepted(good));
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = good;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      EXPECT_FALSE(accepted(changed)) << i << " " << bit;
    }
    EXPECT_FALSE(accepted(good.substr(0, i)));
  }
}

TEST(TileTest, PathsAreThoseOfTheSpecification) {
  const std::vector<std::pair<TileName, std::string>> cases = {
      {{0, 0, 256}, "tile/0/000"},
      {{0, 0, 1}, "tile/0/000.p/1"},
      {{0, 255, 256}, "tile/0/255"},
      {{0, 999, 256}, "tile/0/999"},
      {{1, 1000, 256}, "tile/1/x001/000"},
      {{0, 1234067, 256}, "tile/0/x001/x234/067"},
      {{0, 1234067, 89}, "tile/0/x001/x234/067.p/89"},
      {{3, 999, 7}, "tile/3/999.p/7"},
      {{kEntriesLevel, 5, 12}, "tile/entries/005.p/12"},
      {{kEntriesLevel, 1000000, 256}, "tile/entries/x001/x000/000"},
      {{63, 999999999999999999u, 255},
       "tile/63/x999/x999/x999/x999/x999/999.p/255"},
  };
  for (const auto& [name, path] : cases) {
    EXPECT_EQ(TilePath(name), path);
    EXPECT_EQ(ParseTilePath(path), name) << path;
  }
  for (const char* bad : {"",
                          "tile/",
                          "tile/0",
                          "tile/0/",
                          "tile/0/0",
                          "tile/0/00",
                          "tile/0/1000",
                          "tile/0/x000/000",
                          "tile/0/x001",
                          "tile/0/001/x234",
                          "tile/0/001/234",
                          "tile/00/000",
                          "tile/64/000",
                          "tile/-1/000",
                          "tile/data/000",
                          "tile/0/000.p/0",
                          "tile/0/000.p/256",
                          "tile/0/000.p/",
                          "tile/0/000.p/01",
                          "tile/0/000.p/1/2",
                          "/tile/0/000",
                          "tile/0/x001/x234/067/",
                          "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
                          "tile/0/../000"}) {
    EXPECT_EQ(ParseTilePath(bad), std::nullopt) << bad;
  }
}

TEST(TileTest, SeventyThousandEntriesHaveThePublishedTiles) {
  EXPECT_EQ(TileHashCount(0, 70000), 273u * 256 + 112);
  EXPECT_EQ(TileHashCount(1, 70000), 256u + 17);
  EXPECT_EQ(TileHashCount(2, 70000), 1u);
  EXPECT_EQ(TileHashCount(3, 70000), 0u);
  EXPECT_EQ(TileHashCount(7, UINT64_MAX), 255u);
  EXPECT_EQ(TileHashCount(8, UINT64_MAX), 0u);
}

class TlogProofTest : public ::testing::Test {
 protected:
  TlogProofTest() {
    const auto nodes = [](int level, uint64_t index) -> absl::StatusOr<Hash> {
      return NodeOf(level, index);
    };
    Checkpoint checkpoint;
    checkpoint.origin = "consentry.example/log";
    checkpoint.size = 11;
    checkpoint.root = *RootAt(11, nodes);
    proof_.index = 6;
    proof_.hashes = *InclusionProof(6, 11, nodes);
    proof_.extra = "6";
    proof_.checkpoint =
        FormatNote(*SignNote(FormatCheckpoint(checkpoint), *TestSigner()));
  }

  static Hash NodeOf(int level, uint64_t index) {
    if (level == 0) return LeafHash(std::to_string(index));
    return NodeHash(NodeOf(level - 1, 2 * index),
                    NodeOf(level - 1, 2 * index + 1));
  }

  absl::Status Verify(const TlogProof& proof, std::string_view entry) const {
    const NoteVerifier verifier = TestVerifier();
    return VerifyTlogProof(proof, entry, {&verifier, 1}).status();
  }

  TlogProof proof_;
};

TEST_F(TlogProofTest, AProofIsWrittenReadAndHolds) {
  const std::string text = FormatTlogProof(proof_);
  EXPECT_EQ(
      text.substr(0, 46),
      "c2sp.org/tlog-proof@v1\nextra Ng==\nindex 6\n" + text.substr(42, 4));
  const auto read = ParseTlogProof(text);
  ASSERT_OK(read);
  EXPECT_EQ(FormatTlogProof(*read), text);
  EXPECT_OK(Verify(*read, "6"));
  EXPECT_THAT(Verify(*read, "7"), StatusIs(absl::StatusCode::kInvalidArgument));
  proof_.extra.reset();
  EXPECT_EQ(ParseTlogProof(FormatTlogProof(proof_))->extra, std::nullopt);
}

TEST_F(TlogProofTest, AnotherKeyOrAnotherLogIsRefused) {
  const auto other =
      SkeySigner::FromSeed("consentry.example/log", std::string(32, 'o'));
  const auto verifier =
      NoteVerifier::Create((*other)->name(), (*other)->public_key());
  EXPECT_FALSE(VerifyTlogProof(proof_, "6", {&*verifier, 1}).ok());
  const auto named =
      NoteVerifier::Create("elsewhere.example", TestSigner()->public_key());
  EXPECT_FALSE(VerifyTlogProof(proof_, "6", {&*named, 1}).ok());
  EXPECT_FALSE(VerifyTlogProof(proof_, "6", {}).ok());
}

// Every byte of a proof file changed in one bit: it is refused, or says the
// same of the same entry.
TEST_F(TlogProofTest, NoBitOfAProofCanChangeWhatItProves) {
  const std::string good = FormatTlogProof(proof_);
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = good;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      const auto read = ParseTlogProof(changed);
      if (!read.ok()) continue;
      const bool in_extra = read->extra != proof_.extra;
      EXPECT_EQ(Verify(*read, "6").ok(), in_extra) << i << " " << bit;
      if (in_extra) {
        EXPECT_FALSE(Verify(*read, read->extra.value_or("")).ok());
      }
    }
    EXPECT_FALSE(ParseTlogProof(good.substr(0, i)).ok());
  }
}

}  // namespace
}  // namespace consentry::audit
