#include "gateway/oversight/processing_record.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/oversight/field_sets.h"

namespace consentry::oversight {
namespace {

store::v1::Leaf LeafWith(const std::vector<std::string>& fields) {
  store::v1::Leaf leaf;
  leaf.set_event("data.read");
  leaf.set_client_id("crm");
  leaf.set_purpose("service");
  for (const std::string& field : fields) leaf.add_fields(field);
  return leaf;
}

void AddItem(store::v1::Leaf* leaf, uint64_t released, int32_t effect) {
  auto* item = leaf->add_subjects();
  item->set_released(released);
  item->set_effect(effect);
}

TEST(FieldSetsTest, TheSameFieldsAreOneSetInWhateverOrderTheyWereAsked) {
  FieldSets sets;
  store::v1::Leaf one = LeafWith({"a.x", "a.y", "b.z"});
  AddItem(&one, 0b101, v1::EFFECT_PERMIT);
  store::v1::Leaf other = LeafWith({"b.z", "a.x"});
  AddItem(&other, 0b11, v1::EFFECT_PERMIT);
  const uint32_t set = sets.ReleasedIn(one, one.subjects(0));
  EXPECT_EQ(set, sets.ReleasedIn(other, other.subjects(0)));
  EXPECT_EQ(sets.Names(set), (std::vector<std::string_view>{"a.x", "b.z"}));
}

TEST(FieldSetsTest, AUnionHoldsBothAndNothingIsTheEmptySet) {
  FieldSets sets;
  store::v1::Leaf leaf = LeafWith({"a.x", "a.y", "b.z"});
  AddItem(&leaf, 0b001, v1::EFFECT_PERMIT);
  AddItem(&leaf, 0b110, v1::EFFECT_PERMIT);
  AddItem(&leaf, 0, v1::EFFECT_DENY);
  const uint32_t first = sets.ReleasedIn(leaf, leaf.subjects(0));
  const uint32_t second = sets.ReleasedIn(leaf, leaf.subjects(1));
  EXPECT_EQ(sets.ReleasedIn(leaf, leaf.subjects(2)), 0u);
  EXPECT_EQ(sets.Union(first, 0), first);
  EXPECT_EQ(sets.Union(0, first), first);
  const uint32_t both = sets.Union(first, second);
  EXPECT_EQ(both, sets.Union(second, first));
  EXPECT_EQ(sets.Names(both).size(), 3u);
}

TEST(FieldSetsTest, SurvivesAMove) {
  FieldSets sets;
  store::v1::Leaf leaf = LeafWith({"a.x"});
  AddItem(&leaf, 1, v1::EFFECT_PERMIT);
  const uint32_t set = sets.ReleasedIn(leaf, leaf.subjects(0));
  const FieldSets moved = std::move(sets);
  EXPECT_EQ(moved.Names(set), std::vector<std::string_view>{"a.x"});
}

TEST(ProcessingSumsTest, CountsEachCustomerOnceAndDenialsApart) {
  ProcessingSums sums;
  store::v1::Leaf leaf = LeafWith({"a.x"});
  AddItem(&leaf, 1, v1::EFFECT_PERMIT);
  AddItem(&leaf, 1, v1::EFFECT_PERMIT);
  AddItem(&leaf, 0, v1::EFFECT_DENY);
  AddItem(&leaf, 1, v1::EFFECT_PERMIT);
  const std::vector<uint64_t> subjects = {5, 900, 7, 0};
  sums.Add(leaf, subjects);
  sums.Add(leaf, subjects);
  const PurposeUse& use = sums.purposes["service"];
  EXPECT_EQ(use.subject_count, 2);
  EXPECT_EQ(use.releases, 6);
  EXPECT_EQ(use.denials, 2);
  EXPECT_EQ(use.clients.size(), 1u);
}

TEST(ProcessingSumsTest, PassesOverWhatReleasedNothing) {
  ProcessingSums sums;
  store::v1::Leaf check = LeafWith({"a.x"});
  check.set_released_nothing(true);
  AddItem(&check, 1, v1::EFFECT_PERMIT);
  sums.Add(check, std::vector<uint64_t>{1});
  store::v1::Leaf consent = LeafWith({});
  consent.set_event("consent.record");
  consent.add_subjects();
  sums.Add(consent, std::vector<uint64_t>{1});
  EXPECT_TRUE(sums.purposes.empty());
}

}  // namespace
}  // namespace consentry::oversight
