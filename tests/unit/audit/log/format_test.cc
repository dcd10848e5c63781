// The worked example of audit/FORMAT.md is made here, byte by byte, and must
// stand in that file as it comes out.

#include "audit/log/format.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "audit/log/audit_log.h"
#include "audit/log/export.h"
#include "audit/log/segment.h"
#include "tests/testing/memory_file_system.h"
#include "tests/testing/status_matchers.h"

namespace consentry::audit {
namespace {

static_assert(kSegmentHeaderBytes == 128);
static_assert(kFrameHeaderBytes == 56);
static_assert(kMinFrameBytes == 90);
static_assert(kSegmentMagic.size() == 8 && kFrameMagic.size() == 8);

// "0040  43 53 ...", 16 bytes a line.
std::string Dump(std::string_view bytes, size_t begin, size_t end) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t at = begin; at < end; ++at) {
    if ((at - begin) % 16 == 0) {
      if (at != begin) text += "\n";
      for (int shift = 12; shift >= 0; shift -= 4) {
        text += kDigits[(at >> shift) & 15];
      }
      text += " ";
    }
    const auto byte = static_cast<unsigned char>(bytes[at]);
    text += " ";
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text + "\n";
}

class FormatDocument : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(std::string(CONSENTRY_SOURCE_DIR) + "/audit/FORMAT.md");
    std::stringstream content;
    content << file.rdbuf();
    document_ = content.str();

    signer_ = *SkeySigner::FromSeed("consentry.example/log",
                                    "0123456789abcdef0123456789abcdef");
    AuditLog::Options options;
    options.writer.segment_bytes = 4096;
    options.writer.prepare_in_background = false;
    options.writer.random = [](size_t) { return "saltsaltsaltsalt"; };
    RecoveryReport report;
    auto opened =
        AuditLog::Open(&disk_, "/log", signer_.get(), options, &report);
    ASSERT_OK(opened);
    const auto log = *std::move(opened);
    const std::vector<std::string_view> first = {"first", "second"};
    ASSERT_OK(log->Append(first));
    const std::vector<std::string_view> second = {"third"};
    ASSERT_OK(log->Append(second));
    const auto proof = log->Prove(2, std::chrono::minutes(1));
    ASSERT_OK(proof);
    proof_ = FormatTlogProof(*proof);
    ASSERT_OK(log->Close());
  }

  void ExpectInDocument(const std::string& block) {
    EXPECT_NE(document_.find("```\n" + block + "```\n"), std::string::npos)
        << "not in audit/FORMAT.md:\n```\n"
        << block << "```";
  }

  std::string document_;
  std::unique_ptr<SkeySigner> signer_;
  testing::MemoryFileSystem disk_;
  std::string proof_;
};

TEST_F(FormatDocument, HoldsTheBytesOfASegment) {
  const std::string bytes =
      *ReadFile(&disk_, "/log/segments/" + SegmentName(1), 4096);
  ASSERT_EQ(bytes.size(), 4096u);
  ExpectInDocument(Dump(bytes, 0, 128));
  ExpectInDocument(Dump(bytes, 128, 232));
  ExpectInDocument(Dump(bytes, 232, 328));
  EXPECT_EQ(bytes.find_first_not_of('\0', 328), std::string::npos);
}

TEST_F(FormatDocument, HoldsTheHashesCheckpointAndProof) {
  const auto tree = Tree::Open(&disk_, "/log/tree");
  ASSERT_OK(tree);
  std::string hashes;
  for (uint64_t i = 0; i < 3; ++i) {
    hashes +=
        "leaf " + std::to_string(i) + "  " + HexOf(*(*tree)->Leaf(i)) + "\n";
  }
  hashes +=
      "node    " + HexOf(NodeHash(*(*tree)->Leaf(0), *(*tree)->Leaf(1))) + "\n";
  hashes += "root    " + HexOf(*(*tree)->Root(3)) + "\n";
  ExpectInDocument(hashes);
  ExpectInDocument(
      NoteVerifier::Create(signer_->name(), signer_->public_key())->Vkey() +
      "\n");
  ExpectInDocument(*ReadFile(&disk_, "/log/checkpoint", 4096));
  ExpectInDocument(proof_);
}

TEST_F(FormatDocument, HoldsTheBytesOfAnEntryBundle) {
  const auto log = LogReader::Open(&disk_, "/log");
  ASSERT_OK(log);
  SignedCheckpoint checkpoint;
  checkpoint.note = *ReadFile(&disk_, "/log/checkpoint", 4096);
  checkpoint.checkpoint = ParseCheckpointNote(checkpoint.note)->checkpoint;
  ASSERT_OK(ExportLog(**log, checkpoint, &disk_, "/x", [](uint64_t) {}));
  const std::string bundle = *ReadFile(&disk_, "/x/tile/entries/000.p/3", 4096);
  ExpectInDocument(Dump(bundle, 0, bundle.size()));
}

}  // namespace
}  // namespace consentry::audit
