#ifndef CONSENTRY_TESTS_PROMISES_CANARIES_H_
#define CONSENTRY_TESTS_PROMISES_CANARIES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace consentry::testing {

// Values that stand for somebody's data, and a search for them in whatever form
// they might turn up: in either case, backwards, in hexadecimal, base64 (at
// each alignment, both alphabets), percent-encoded and UTF-16; numbers also as
// 64-bit integers of either byte order and as protobuf's varint.
class Canaries {
 public:
  // Letters and digits that occur nowhere else; another one each time.
  static std::string NewCore();

  // `core` is the part of the value that is looked for: at least ten bytes.
  // `name` says in a failure what was found: never the value itself.
  void Add(const std::string& name, std::string_view core);
  // Digits, at least ten of them: forms of a number as well.
  void AddNumber(const std::string& name, std::string_view digits);

  struct Hit {
    std::string name;  // "e-mail address in base64"
    std::string where;
    size_t offset = 0;
  };
  std::vector<Hit> Search(std::string_view bytes,
                          const std::string& where) const;
  // All files in `folder` and below, by their paths. A file that goes while
  // this looks at it is passed over.
  std::vector<Hit> SearchFolder(const std::string& folder) const;
  // What SearchFolder looked at last.
  struct Looked {
    size_t files = 0;
    size_t bytes = 0;
  };
  Looked looked() const { return looked_; }

  // The forms of a value, by name, for whoever plants them.
  static std::map<std::string, std::string> FormsOf(std::string_view core);
  static std::map<std::string, std::string> FormsOfNumber(
      std::string_view digits);

 private:
  struct Pattern {
    std::string name;
    std::string bytes;
  };
  // Patterns by their first four bytes, and a sieve for the first two.
  struct Index {
    std::array<bool, 65536> sieve{};
    std::map<uint32_t, std::vector<Pattern>> patterns;

    void Add(Pattern pattern);
    void Search(std::string_view bytes, const std::string& where,
                std::vector<Hit>* hits) const;
  };

  void AddForms(const std::string& name,
                const std::map<std::string, std::string>& forms);

  // Looked for in lower-cased bytes, and in bytes as they are.
  Index folded_;
  Index exact_;
  mutable Looked looked_;
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_PROMISES_CANARIES_H_
