#ifndef CONSENTRY_POLICY_ENGINE_TEXT_CONFIG_H_
#define CONSENTRY_POLICY_ENGINE_TEXT_CONFIG_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/support/status_macros.h"
#include "proto/support/text_proto.h"

namespace consentry::policy {

// One thing wrong with, or worth saying about, a configuration file.
struct Fault {
  // "purposes.txtpb:12:3"; only the file where the value is not written.
  std::string place;
  // A path such as "uses[3].mode".
  std::string field;
  std::string message;

  // "purposes.txtpb:12:3: purposes[0].key: is not unique".
  std::string ToString() const;
};

// CONFIG_INVALID that tells all faults; OK for none.
absl::Status FaultsToStatus(const std::vector<Fault>& faults);

// A message and the text that it was read from, if any.
template <class T>
struct Located {
  T message;
  // Null for a message made in memory.
  std::shared_ptr<const TextProto> text;
};

// Parses protobuf text strictly. `file` is how messages name it.
template <class T>
absl::StatusOr<Located<T>> ParseText(std::string_view file,
                                     std::string_view text) {
  Located<T> located;
  auto parser = std::make_shared<TextProto>(std::string(file));
  CONSENTRY_RETURN_IF_ERROR(parser->Parse(text, &located.message));
  located.text = std::move(parser);
  return located;
}

// A message made in memory, without positions.
template <class T>
Located<T> Unlocated(T message) {
  return Located<T>{std::move(message), nullptr};
}

// A place in a file while it is checked: descends by field name. Keeps a
// pointer to the text.
class Place {
 public:
  Place() = default;
  explicit Place(const TextProto* text) : text_(text) {}

  // The place of a field of the message at this place.
  Place At(std::string_view field) const;
  // One element of a repeated field.
  Place At(std::string_view field, int index) const;

  Fault MakeFault(std::string message) const;

 private:
  const TextProto* text_ = nullptr;
  std::string path_;
};

template <class T>
Place PlaceOf(const Located<T>& located) {
  return Place(located.text.get());
}

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_TEXT_CONFIG_H_
