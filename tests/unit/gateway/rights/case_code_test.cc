#include "gateway/rights/case_code.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace consentry::rights {
namespace {

TEST(CaseCodeTest, CodeOpensItsOwnCaseAlone) {
  store::v1::RightsCaseDoc doc;
  doc.set_id("rgt_one");
  const std::string code = NewCode();
  SetCode(code, 1'000'000, &doc);
  EXPECT_TRUE(IsCode(code, doc));
  std::string lower = " " + code + "\n";
  for (char& c : lower) c = static_cast<char>(std::tolower(c));
  EXPECT_TRUE(IsCode(lower, doc));
  EXPECT_FALSE(IsCode("", doc));
  EXPECT_FALSE(IsCode(NewCode(), doc));
  // The digest says nothing about another case with the same code.
  store::v1::RightsCaseDoc other = doc;
  other.set_id("rgt_two");
  EXPECT_FALSE(IsCode(code, other));
  EXPECT_EQ(doc.code().digest().find(code), std::string::npos);
  EXPECT_EQ(doc.code().expire_us(), 1'000'000 + int64_t{86400} * 1'000'000);
}

TEST(CaseCodeTest, CodesAreUnlikeOneAnother) {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string code = NewCode();
    EXPECT_EQ(code.size(), 11u);
    EXPECT_EQ(code.find_first_of("IO01"), std::string::npos);
    EXPECT_TRUE(seen.insert(code).second);
  }
}

}  // namespace
}  // namespace consentry::rights
