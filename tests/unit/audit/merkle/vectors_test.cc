// Constants and cases that others published: the RFC 6962 reference values of
// transparency-dev/merkle and its 196 verification cases.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/log/base64.h"
#include "audit/merkle/compact_range.h"
#include "audit/merkle/hash.h"
#include "audit/merkle/proof.h"

namespace consentry::audit {
namespace {

std::string Bytes(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(
        std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

TEST(HashVectorsTest, LeafAndNodeHashesAreThoseOfRfc6962) {
  EXPECT_EQ(HexOf(EmptyRoot()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HexOf(LeafHash("")),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  EXPECT_EQ(HexOf(LeafHash("L123456")),
            "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
  // The published node hash is over four-byte children.
  EXPECT_EQ(HexOf(Sha256({std::string_view("\1", 1), "N123", "N456"})),
            "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb");
  const Hash left = LeafHash("a");
  const Hash right = LeafHash("b");
  EXPECT_EQ(NodeHash(left, right),
            Sha256({std::string_view("\1", 1), AsView(left), AsView(right)}));
}

TEST(HashVectorsTest, TheEightPublishedRootsComeOut) {
  const std::vector<std::string> leaves = {"",
                                           "00",
                                           "10",
                                           "2021",
                                           "3031",
                                           "40414243",
                                           "5051525354555657",
                                           "606162636465666768696a6b6c6d6e6f"};
  const std::vector<std::string> roots = {
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  CompactRange range;
  for (size_t i = 0; i < leaves.size(); ++i) {
    range.Append(LeafHash(Bytes(leaves[i])));
    EXPECT_EQ(HexOf(range.Root()), roots[i]) << i + 1;
  }
}

// One flat JSON object on a line, as those files hold it.
class Case {
 public:
  explicit Case(std::string line) : line_(std::move(line)) {}

  std::string Raw(const std::string& key) const {
    const size_t at = line_.find("\"" + key + "\": ");
    if (at == std::string::npos) return "";
    const size_t start = at + key.size() + 4;
    const char first = line_[start];
    if (first == '"') {
      return line_.substr(start + 1, line_.find('"', start + 1) - start - 1);
    }
    if (first == '[') {
      return line_.substr(start + 1, line_.find(']', start) - start - 1);
    }
    return line_.substr(start, line_.find_first_of(",}", start) - start);
  }
  uint64_t Int(const std::string& key) const {
    return std::strtoull(Raw(key).c_str(), nullptr, 10);
  }
  // Some cases have words for roots, which only have to be equal or not: a
  // hash of the words keeps that.
  std::optional<Hash> AsHash(const std::string& key) const {
    const auto bytes = FromBase64(Raw(key));
    if (!bytes.has_value() || bytes->empty()) return std::nullopt;
    const auto hash = HashFromBytes(*bytes);
    return hash.has_value() ? hash : Sha256({*bytes});
  }
  // None where a part of the proof is no hash at all.
  std::optional<std::vector<Hash>> Proof() const {
    std::vector<Hash> proof;
    const std::string raw = Raw("proof");
    for (size_t at = raw.find('"'); at != std::string::npos;) {
      const size_t end = raw.find('"', at + 1);
      const auto hash = HashFromBytes(
          FromBase64(raw.substr(at + 1, end - at - 1)).value_or(""));
      if (!hash.has_value()) return std::nullopt;
      proof.push_back(*hash);
      at = raw.find('"', end + 1);
    }
    return proof;
  }
  bool WantError() const { return Raw("wantErr") == "true"; }

 private:
  std::string line_;
};

std::filesystem::path SharedData() {
  const char* set = std::getenv("CONSENTRY_SHARED_DATA");
  if (set != nullptr) return set;
  return std::filesystem::path(CONSENTRY_SOURCE_DIR) / ".." / "shared" / "data";
}

std::vector<Case> Load(const std::string& name) {
  std::vector<Case> cases;
  std::ifstream file(SharedData() / "rfc6962" / name);
  for (std::string line; std::getline(file, line);) cases.emplace_back(line);
  return cases;
}

TEST(Rfc6962CasesTest, InclusionIsAcceptedAndRefusedAsPublished) {
  const std::vector<Case> cases = Load("inclusion.jsonl");
  if (cases.empty()) GTEST_SKIP() << "no rfc6962/inclusion.jsonl";
  EXPECT_EQ(cases.size(), 98u);
  for (const Case& c : cases) {
    const auto proof = c.Proof();
    const auto root = c.AsHash("root");
    const auto leaf = c.AsHash("leafHash");
    const bool ok = proof.has_value() && root.has_value() && leaf.has_value() &&
                    VerifyInclusion(c.Int("leafIdx"), c.Int("treeSize"), *leaf,
                                    *proof, *root)
                        .ok();
    EXPECT_EQ(ok, !c.WantError()) << c.Raw("case") << ": " << c.Raw("desc");
  }
}

TEST(Rfc6962CasesTest, ConsistencyIsAcceptedAndRefusedAsPublished) {
  const std::vector<Case> cases = Load("consistency.jsonl");
  if (cases.empty()) GTEST_SKIP() << "no rfc6962/consistency.jsonl";
  EXPECT_EQ(cases.size(), 98u);
  for (const Case& c : cases) {
    const auto proof = c.Proof();
    const auto root1 = c.AsHash("root1");
    const auto root2 = c.AsHash("root2");
    const bool ok = proof.has_value() && root1.has_value() &&
                    root2.has_value() &&
                    VerifyConsistency(c.Int("size1"), c.Int("size2"), *root1,
                                      *root2, *proof)
                        .ok();
    EXPECT_EQ(ok, !c.WantError()) << c.Raw("case") << ": " << c.Raw("desc");
  }
}

}  // namespace
}  // namespace consentry::audit
