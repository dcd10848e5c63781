#include "audit/verify/diff.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <vector>

namespace consentry::audit {
namespace {

// "abc": three leaves.
std::vector<Hash> Leaves(const std::string& names) {
  std::vector<Hash> leaves;
  for (const char name : names) leaves.push_back(LeafHash({&name, 1}));
  return leaves;
}

// "changed 2 x1, removed 5 x3".
std::string Compare(const std::string& standing,
                    const std::string& signed_ones) {
  std::string text;
  for (const Finding& finding :
       CompareLeaves(Leaves(standing), Leaves(signed_ones))) {
    if (!text.empty()) text += ", ";
    text += std::string(NameOf(finding.fault)) + " " +
            std::to_string(finding.index) + " x" +
            std::to_string(finding.count);
  }
  return text;
}

TEST(CompareLeavesTest, EqualLogsHaveNoFinding) {
  EXPECT_EQ(Compare("", ""), "");
  EXPECT_EQ(Compare("abcdef", "abcdef"), "");
}

TEST(CompareLeavesTest, EachFaultIsNamedWithItsPlace) {
  const std::string good = "abcdefghij";
  EXPECT_EQ(Compare("abcXefghij", good), "changed 3 x1");
  EXPECT_EQ(Compare("Xbcdefghij", good), "changed 0 x1");
  EXPECT_EQ(Compare("abcdefghiX", good), "changed 9 x1");
  EXPECT_EQ(Compare("abcefghij", good), "removed 3 x1");
  EXPECT_EQ(Compare("bcdefghij", good), "removed 0 x1");
  EXPECT_EQ(Compare("abfghij", good), "removed 2 x3");
  EXPECT_EQ(Compare("abcXdefghij", good), "inserted 3 x1");
  EXPECT_EQ(Compare("abcdefghijX", good), "inserted 10 x1");
  EXPECT_EQ(Compare("abccdefghij", good), "duplicated 3 x1");
  EXPECT_EQ(Compare("abcdefgahij", good), "duplicated 7 x1");
  EXPECT_EQ(Compare("abcdefghija", good), "duplicated 10 x1");
  EXPECT_EQ(Compare("abdcefghij", good), "reordered 2 x1");
  EXPECT_EQ(Compare("aicdefghbj", good), "reordered 1 x2");
  EXPECT_EQ(Compare("jihgfedcba", good), "reordered 0 x9");
  EXPECT_EQ(Compare("abcdefg", good), "tail-cut 7 x3");
  EXPECT_EQ(Compare("", good), "tail-cut 0 x10");
}

TEST(CompareLeavesTest, SeveralFaultsAreAllNamed) {
  const std::string good = "abcdefghijklmnop";
  EXPECT_EQ(Compare("abXdefgYijklmnop", good), "changed 2 x1, changed 7 x1");
  EXPECT_EQ(Compare("abdefgijklmnop", good), "removed 2 x1, removed 6 x1");
  EXPECT_EQ(Compare("abXcdefhijklmn", good),
            "inserted 2 x1, removed 7 x1, tail-cut 14 x2");
  EXPECT_EQ(Compare("XY", "abcd"), "changed 0 x2, tail-cut 2 x2");
}

TEST(CompareLeavesTest, WhatFollowsTheReferenceIsFreeWhereTheEndIsOpen) {
  const auto compare = [](const std::string& standing) {
    const auto findings =
        CompareLeaves(Leaves(standing), Leaves("abcdef"), /*open_end=*/true);
    return findings.empty() ? std::string()
                            : std::string(NameOf(findings[0].fault)) + " " +
                                  std::to_string(findings[0].index);
  };
  EXPECT_EQ(compare("abcdef"), "");
  EXPECT_EQ(compare("abcdefXYZ"), "");
  EXPECT_EQ(compare("abdefXYZ"), "removed 2");
  EXPECT_EQ(compare("abcedfXYZ"), "reordered 3");
  EXPECT_EQ(compare("abcdeXYZ"), "changed 5");
  EXPECT_EQ(compare("abcde"), "tail-cut 5");
}

TEST(CompareLeavesTest, NothingIsFoundExactlyWhereNothingWasDone) {
  EXPECT_TRUE(rc::check("findings iff different", [] {
    const auto text =
        rc::gen::container<std::string>(rc::gen::inRange<char>('a', 'h'));
    const std::string a = *text;
    const std::string b = *text;
    RC_ASSERT(Compare(a, a).empty());
    RC_ASSERT(Compare(a, b).empty() == (a == b));
    for (const Finding& finding : CompareLeaves(Leaves(a), Leaves(b))) {
      RC_ASSERT(finding.index <= a.size());
      RC_ASSERT(finding.count > 0u);
    }
  }));
}

TEST(CompareLeavesTest, OneRandomFaultIsFoundAtItsPlace) {
  EXPECT_TRUE(rc::check("one fault", [] {
    std::vector<Hash> good;
    const int size = *rc::gen::inRange(2, 400);
    for (int i = 0; i < size; ++i) good.push_back(LeafHash(std::to_string(i)));
    const size_t at = *rc::gen::inRange<size_t>(0, good.size() - 1);
    const auto it = [&](std::vector<Hash>& v) {
      return v.begin() + static_cast<long>(at);
    };
    const auto check = [&](const std::vector<Hash>& bad, Fault fault,
                           size_t index) {
      const auto findings = CompareLeaves(bad, good);
      RC_ASSERT(findings.size() == 1u);
      RC_ASSERT(findings[0].fault == fault);
      RC_ASSERT(findings[0].index == index);
    };
    std::vector<Hash> bad = good;
    *it(bad) = LeafHash("other");
    check(bad, Fault::kChanged, at);
    bad = good;
    bad.erase(it(bad));
    check(bad, Fault::kRemoved, at);
    bad = good;
    bad.insert(it(bad), LeafHash("other"));
    check(bad, Fault::kInserted, at);
    bad = good;
    bad.insert(it(bad), good[at]);
    check(bad, Fault::kDuplicated, at + 1);
    bad = good;
    std::swap(*it(bad), *(it(bad) + 1));
    check(bad, Fault::kReordered, at);
    bad = good;
    bad.resize(at + 1);
    check(bad, Fault::kTailCut, at + 1);
  }));
}

}  // namespace
}  // namespace consentry::audit
