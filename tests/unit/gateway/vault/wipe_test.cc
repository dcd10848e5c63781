#include "gateway/vault/wipe.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "consentry/store/v1/subject.pb.h"

namespace consentry::vault {
namespace {

// Longer than what a string holds inside of itself.
constexpr char kText[] = "a text that lies in a block of its own";

// Where texts lay; a cleared message keeps their blocks.
class Blocks {
 public:
  void Add(std::string* text) {
    *text = kText;
    blocks_.push_back({text->data(), text->size()});
  }
  // Bytes that are still there.
  int Left() const {
    int left = 0;
    for (const std::string_view block : blocks_) {
      for (const char c : block) left += c != '\0';
    }
    return left;
  }

 private:
  std::vector<std::string_view> blocks_;
};

TEST(WipeTest, EveryTextOfAHeadIsWipedAtEveryDepth) {
  store::v1::SubjectHead head;
  head.set_version(7);
  Blocks blocks;
  blocks.Add(head.mutable_public_id());
  blocks.Add(head.mutable_digest_key());
  blocks.Add(head.add_objections());
  blocks.Add(head.add_objections());
  for (int i = 0; i < 3; ++i) {
    auto* place = head.add_residences();
    blocks.Add(place->mutable_value());
    blocks.Add(place->mutable_source());
    blocks.Add(head.add_consents()->mutable_event_id());
    blocks.Add(head.add_identifiers()->mutable_sealed());
  }
  ASSERT_GT(blocks.Left(), 0);
  WipeMessage(&head);
  EXPECT_EQ(blocks.Left(), 0);
  EXPECT_EQ(head.ByteSizeLong(), 0u);
}

TEST(WipeTest, AnEmptyMessageStaysOne) {
  store::v1::SubjectHead head;
  WipeMessage(&head);
  EXPECT_EQ(head.ByteSizeLong(), 0u);
}

TEST(WipeTest, AStringIsWipedBeforeItIsEmptied) {
  std::string text;
  Blocks blocks;
  blocks.Add(&text);
  WipeString(&text);
  EXPECT_EQ(blocks.Left(), 0);
  EXPECT_TRUE(text.empty());
}

}  // namespace
}  // namespace consentry::vault
