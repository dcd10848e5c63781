#include "tools/consentry/protos.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::tools {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

size_t FilesBelow(const std::string& directory, const std::string& extension) {
  size_t count = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.path().extension() == extension) ++count;
  }
  return count;
}

TEST(ProtosTest, FilesAreWrittenByteForByte) {
  testing::TempDir dir;
  ASSERT_OK_AND_ASSIGN(const auto names, WriteProtos(dir.File("out/api")));
  EXPECT_THAT(names, Contains("consentry/v1/data_service.proto"));
  EXPECT_THAT(names, Contains("google/rpc/error_details.proto"));
  EXPECT_EQ(ReadFile(dir.File("out/api/consentry/v1/data_service.proto")),
            ReadFile(absl::StrCat(CONSENTRY_SOURCE_DIR,
                                  "/proto/consentry/v1/data_service.proto")));
  // Again, over what is there.
  ASSERT_OK(WriteProtos(dir.File("out/api")));
}

TEST(ProtosTest, ForeignCodeIsGeneratedFromTheFolderAlone) {
  testing::TempDir dir;
  ASSERT_OK_AND_ASSIGN(const auto names, WriteProtos(dir.File("api")));
  for (const char* language : {"java", "python", "csharp"}) {
    const std::string out = dir.File(language);
    std::filesystem::create_directory(out);
    const std::string command = absl::StrCat(
        "cd ", dir.File("api"), " && ", CONSENTRY_PROTOC, " -I . --", language,
        "_out=", out, " ", absl::StrJoin(names, " "));
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  // java_multiple_files: one class a message, all in the package.
  EXPECT_TRUE(std::filesystem::exists(
      dir.File("java/dev/consentry/v1/ReadSubjectRequest.java")));
  EXPECT_EQ(FilesBelow(dir.File("python"), ".py"), names.size());
  for (const std::string& name : names) {
    EXPECT_THAT(ReadFile(dir.File("api/" + name)), HasSubstr("go_package"))
        << name;
  }
}

TEST(ProtosTest, FolderThatCannotBeMadeIsNamed) {
  testing::TempDir dir;
  std::ofstream(dir.File("file")) << "x";
  const auto names = WriteProtos(dir.File("file"));
  ASSERT_THAT(names, testing::StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(names.status().message()), HasSubstr("cannot make"));
}

}  // namespace
}  // namespace consentry::tools
