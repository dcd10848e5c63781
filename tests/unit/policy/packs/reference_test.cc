// The worked examples of policy/packs/REFERENCE.md, and the cases of the
// defaults.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/testing/temp_dir.h"
#include "tools/consentry/policy_commands.h"

namespace consentry::tools {
namespace {

struct Example {
  std::string title;
  std::string pack;
  std::string cases;
};

std::vector<Example> ReadExamples() {
  std::ifstream in(std::string(CONSENTRY_SOURCE_DIR) +
                   "/policy/packs/REFERENCE.md");
  std::vector<Example> out;
  std::string line;
  std::string block;
  bool inside = false;
  while (std::getline(in, line)) {
    if (line.rfind("## Example", 0) == 0) {
      out.push_back({line.substr(3), "", ""});
    } else if (line == "```txtpb") {
      inside = true;
      block.clear();
    } else if (line == "```" && inside) {
      inside = false;
      if (out.empty()) continue;
      if (block.rfind("# own.txtpb", 0) == 0) out.back().pack = block;
      if (block.rfind("# case.txtpb", 0) == 0) out.back().cases = block;
    } else if (inside) {
      block += line + "\n";
    }
  }
  return out;
}

std::string DefaultFile(const std::string& name) {
  return std::string(CONSENTRY_SOURCE_DIR) + "/policy/packs/defaults/" + name;
}

int RunExample(const Example& example, bool with_pack, std::string* output) {
  const testing::TempDir dir;
  PolicyTestOptions options;
  options.sources.catalog = DefaultFile("catalog.txtpb");
  options.sources.purposes = DefaultFile("purposes.txtpb");
  std::ofstream(dir.File("own.txtpb")) << example.pack;
  std::ofstream(dir.File("case.txtpb")) << example.cases;
  if (with_pack) options.sources.owner_pack = dir.File("own.txtpb");
  options.cases = {dir.File("case.txtpb")};
  std::ostringstream out, err;
  const int code = RunPolicyTest(options, out, err);
  *output = out.str() + err.str();
  return code;
}

TEST(ReferenceTest, EveryExampleHasAPackAndCasesThatComeOutAsWritten) {
  const std::vector<Example> examples = ReadExamples();
  ASSERT_EQ(examples.size(), 3u);
  for (const Example& example : examples) {
    SCOPED_TRACE(example.title);
    ASSERT_FALSE(example.pack.empty());
    ASSERT_FALSE(example.cases.empty());
    std::string output;
    EXPECT_EQ(RunExample(example, true, &output), 0) << output;
  }
}

TEST(ReferenceTest, NoExampleHoldsWithoutItsPack) {
  for (Example example : ReadExamples()) {
    SCOPED_TRACE(example.title);
    // Rules of the own pack are not known without it: look at outcomes alone.
    size_t at;
    while ((at = example.cases.find("rules: \"own/")) != std::string::npos) {
      example.cases.erase(at, example.cases.find('"', at + 8) + 1 - at);
    }
    std::string output;
    EXPECT_EQ(RunExample(example, false, &output), 2) << output;
  }
}

TEST(DefaultsTest, CasesOfTheDefaultsComeOutAsWritten) {
  PolicyTestOptions options;
  options.sources.catalog = DefaultFile("catalog.txtpb");
  options.sources.purposes = DefaultFile("purposes.txtpb");
  options.cases = {DefaultFile("cases.txtpb")};
  std::ostringstream out, err;
  EXPECT_EQ(RunPolicyTest(options, out, err), 0) << out.str() << err.str();
}

}  // namespace
}  // namespace consentry::tools
