#ifndef CONSENTRY_POLICY_ENGINE_TEXT_CONFIG_H_
#define CONSENTRY_POLICY_ENGINE_TEXT_CONFIG_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"

namespace consentry::policy {

// One thing wrong with a configuration file. Line and column start at 1; 0
// means unknown. `field` is a path such as "uses[3].mode".
struct Fault {
  std::string file;
  int line = 0;
  int column = 0;
  std::string field;
  std::string message;

  // "purposes.txtpb:12:3: purposes[0].key: is not unique".
  std::string ToString() const;
};

// CONFIG_INVALID that tells all faults, the first 32 of them as violations.
// OK for none.
absl::Status FaultsToStatus(const std::vector<Fault>& faults);

// A place in a parsed file: cheap to copy, descends by field name.
class Place {
 public:
  Place() = default;
  Place(std::string file, const google::protobuf::Message* message,
        const google::protobuf::TextFormat::ParseInfoTree* tree);

  // The place of a field of the message at this place; `index` for one element
  // of a repeated field. Unknown positions keep those of the enclosing one.
  Place At(std::string_view field, int index = -1) const;

  Fault MakeFault(std::string message) const;

 private:
  std::shared_ptr<const std::string> file_;
  const google::protobuf::Descriptor* descriptor_ = nullptr;
  const google::protobuf::TextFormat::ParseInfoTree* tree_ = nullptr;
  int line_ = 0;
  int column_ = 0;
  std::string path_;
};

// A message and where each part of it stands.
template <class T>
struct Located {
  std::string file;
  T message;
  std::shared_ptr<google::protobuf::TextFormat::ParseInfoTree> tree;

  Place place() const { return Place(file, &message, tree.get()); }
};

// Parses protobuf text of at most kMaxConfigBytes into `message`. Beyond what
// the parser refuses (unknown fields, a scalar given twice), it refuses enum
// numbers without a name, and text that is not UTF-8 or holds a NUL. `message`
// is undefined after an error. `file` is only used in messages.
absl::Status ParseTextInto(
    std::string_view file, std::string_view text,
    google::protobuf::Message* message,
    std::shared_ptr<google::protobuf::TextFormat::ParseInfoTree>* tree);

template <class T>
absl::StatusOr<Located<T>> ParseText(std::string_view file,
                                     std::string_view text) {
  Located<T> located;
  located.file = std::string(file);
  if (absl::Status status =
          ParseTextInto(file, text, &located.message, &located.tree);
      !status.ok()) {
    return status;
  }
  return located;
}

// A message made in memory, without positions.
template <class T>
Located<T> Unlocated(T message, std::string_view file = "(memory)") {
  Located<T> located;
  located.file = std::string(file);
  located.message = std::move(message);
  return located;
}

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_TEXT_CONFIG_H_
