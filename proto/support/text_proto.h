#ifndef CONSENTRY_PROTO_SUPPORT_TEXT_PROTO_H_
#define CONSENTRY_PROTO_SUPPORT_TEXT_PROTO_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "proto/support/error.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace consentry {

// A file of protobuf text that people write: configuration, catalog, packs.
// Stricter than protobuf's own parser, which accepts duplicate map keys, enum
// numbers that have no name and text that is not UTF-8. Remembers where each
// value stands, so that later checks can name the place. One thread at a time.
class TextProto {
 public:
  // `file` is how messages name it: the path as the operator gave it.
  explicit TextProto(std::string file);
  TextProto(const TextProto&) = delete;
  TextProto& operator=(const TextProto&) = delete;
  ~TextProto();

  // Fills `message` from `text`, at most `kMaxBytes`. On failure `message` is
  // empty and the error (CONFIG_INVALID, metadata file, line, field) names
  // file, line and column. Syntax faults are told one at a time, others all at
  // once.
  absl::Status Parse(std::string_view text, google::protobuf::Message* message);

  // "file:line:column" of a value named by its path ("kinds[2].fields[0].key");
  // of the nearest part that holds it where the value itself is not written.
  // The file alone where nothing of the path is.
  std::string Place(std::string_view path) const;

  // One error out of all `faults`, each with its place; OK when there are none.
  absl::Status Fail(const std::vector<FieldViolation>& faults) const;

  // A file of configuration; the largest shipped pack is below 200 KiB.
  static constexpr size_t kMaxBytes = 4 << 20;

 private:
  struct Tree;
  const std::string file_;
  std::unique_ptr<Tree> tree_;
};

}  // namespace consentry

#endif  // CONSENTRY_PROTO_SUPPORT_TEXT_PROTO_H_
