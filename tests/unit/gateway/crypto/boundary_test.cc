// What the compiler cannot see: which files may name the ways to keys and to
// plaintext.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace consentry::crypto {
namespace {

namespace fs = std::filesystem;

// Files of `folders` that contain `text`, relative to the project's root.
std::vector<std::string> FilesWith(const std::string& text,
                                   const std::vector<std::string>& folders) {
  std::vector<std::string> found;
  const fs::path root = CONSENTRY_SOURCE_DIR;
  for (const std::string& folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".cc" && extension != ".h") continue;
      std::ifstream in(entry.path());
      const std::string content(std::istreambuf_iterator<char>(in), {});
      if (content.find(text) != std::string::npos) {
        found.push_back(entry.path().lexically_relative(root));
      }
    }
  }
  return found;
}

bool In(const std::string& file, const std::string& folder) {
  return file.rfind(folder, 0) == 0;
}

const std::vector<std::string> kShipped = {"audit", "gateway", "policy",
                                           "proto", "tools"};

TEST(BoundaryTest, InnerHeadersStayInTheirFolder) {
  for (const char* header :
       {"gateway/crypto/key_access.h", "gateway/crypto/sealed_box.h",
        "gateway/crypto/x509_parts.h"}) {
    const auto files = FilesWith(std::string("#include \"") + header, kShipped);
    EXPECT_FALSE(files.empty()) << header;
    for (const std::string& file : files) {
      EXPECT_TRUE(In(file, "gateway/crypto/")) << file;
    }
  }
}

TEST(BoundaryTest, GrantsAreMadeByTheIssuerAlone) {
  // Whoever has a friend of Grant's name can make one.
  for (const std::string& file : FilesWith("class GrantIssuer", kShipped)) {
    EXPECT_TRUE(file == "gateway/crypto/grant.h" || In(file, "gateway/access/"))
        << file;
  }
  for (const std::string& file : FilesWith("GrantForTest", kShipped)) {
    EXPECT_EQ(file, "gateway/crypto/grant.h");
  }
}

TEST(BoundaryTest, FieldsAreOpenedByAccessAlone) {
  for (const std::string call : {" Opener::Open(", "crypto::Opener::Open("}) {
    for (const std::string& file : FilesWith(call, kShipped)) {
      EXPECT_TRUE(file == "gateway/crypto/opener.cc" ||
                  In(file, "gateway/access/"))
          << file;
    }
  }
}

}  // namespace
}  // namespace consentry::crypto
