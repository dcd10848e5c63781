#include "gateway/trail/posting_run.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "tests/testing/status_matchers.h"

namespace consentry::trail {
namespace {

using testing::StatusIs;

std::vector<Posting> Decoded(const std::vector<PostingChunk>& chunks) {
  std::vector<Posting> all;
  for (const PostingChunk& chunk : chunks) {
    const auto postings = DecodePostings(chunk.bytes);
    EXPECT_OK(postings);
    if (!postings.ok()) return {};
    EXPECT_EQ(postings->front().subject, chunk.first_subject);
    EXPECT_EQ(postings->back().subject, chunk.last_subject);
    all.insert(all.end(), postings->begin(), postings->end());
  }
  return all;
}

TEST(PostingRunTest, OneSubjectOverManyChunksComesBack) {
  std::vector<Posting> postings;
  for (uint64_t i = 0; i < 3 * kPostingsPerChunk + 1; ++i) {
    postings.push_back({7, i * 3, static_cast<uint16_t>(i % 200)});
  }
  const auto chunks = EncodePostings(postings);
  EXPECT_EQ(chunks.size(), 4u);
  EXPECT_EQ(Decoded(chunks), postings);
}

TEST(PostingRunTest, NothingIsNoChunk) {
  EXPECT_TRUE(EncodePostings({}).empty());
}

TEST(PostingRunTest, CutBytesAreRefused) {
  const std::vector<Posting> postings = {{1, 2, 3}, {300, 70'000, 255}};
  const std::string bytes = EncodePostings(postings)[0].bytes;
  for (size_t length = 1; length < bytes.size(); ++length) {
    const auto decoded = DecodePostings(bytes.substr(0, length));
    // A cut between two postings is a shorter list; any other is refused.
    if (decoded.ok()) {
      EXPECT_EQ(decoded->size(), 1u);
    } else {
      EXPECT_THAT(decoded, StatusIs(absl::StatusCode::kDataLoss));
    }
  }
}

TEST(PostingRunTest, SecondSpellingOfANumberIsRefused) {
  const std::string one =
      EncodePostings(std::vector<Posting>{{1, 2, 3}})[0].bytes;
  EXPECT_OK(DecodePostings(one));
  EXPECT_THAT(DecodePostings(one.substr(0, 2) + std::string("\x83\x00", 2)),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST(PostingRunTest, ChunkOfAnotherSizeIsRefused) {
  EXPECT_THAT(DecodePostings(""), StatusIs(absl::StatusCode::kDataLoss));
  std::string bytes;
  for (size_t i = 0; i < kPostingsPerChunk; ++i) bytes.append("\1\0\0", 3);
  EXPECT_OK(DecodePostings(bytes));
  bytes.append("\1\0\0", 3);
  EXPECT_THAT(DecodePostings(bytes), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(PostingRunTest, EndlessNumberIsRefused) {
  EXPECT_THAT(DecodePostings(std::string(40, '\xff')),
              StatusIs(absl::StatusCode::kDataLoss));
}

RC_GTEST_PROP(PostingRunTest, AnySortedListComesBack, ()) {
  auto postings =
      *rc::gen::container<std::vector<Posting>>(rc::gen::construct<Posting>(
          rc::gen::inRange<uint64_t>(1, 1u << 20),
          rc::gen::arbitrary<uint64_t>(), rc::gen::arbitrary<uint16_t>()));
  std::sort(postings.begin(), postings.end());
  postings.erase(std::unique(postings.begin(), postings.end()), postings.end());
  RC_ASSERT(Decoded(EncodePostings(postings)) == postings);
}

}  // namespace
}  // namespace consentry::trail
