#ifndef CONSENTRY_TESTS_TESTING_TEMP_DIR_H_
#define CONSENTRY_TESTS_TESTING_TEMP_DIR_H_

#include <string>

namespace consentry::testing {

// A new empty folder of mode 0700, removed with all it holds at the end.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_TESTING_TEMP_DIR_H_
