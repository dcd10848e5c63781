#ifndef CONSENTRY_GATEWAY_IDENTITY_JSON_H_
#define CONSENTRY_GATEWAY_IDENTITY_JSON_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

struct json_t;

namespace consentry::identity {

// One JSON object (RFC 8259), read strictly: members stand once, nothing
// follows it, text is UTF-8 without NUL. Immutable; safe for many threads.
class JsonObject {
 public:
  // InvalidArgument for anything else, and beyond `most` bytes.
  static absl::StatusOr<JsonObject> Parse(std::string_view text, size_t most);

  bool Has(const char* name) const;
  // nullopt when there is no such member, or it is of another type.
  std::optional<std::string> Text(const char* name) const;
  // A number, its fraction cut off; nullopt also beyond 2^40, some 35 thousand
  // years of seconds.
  std::optional<int64_t> Seconds(const char* name) const;
  bool IsTrue(const char* name) const;
  // A text, or a list of texts and nothing else; nullopt otherwise.
  std::optional<std::vector<std::string>> Texts(const char* name) const;
  // The same for a member of a member: `path` leads from the outside in.
  std::optional<std::vector<std::string>> TextsAt(
      const std::vector<std::string>& path) const;
  // The member as an object of its own.
  std::optional<JsonObject> Object(const char* name) const;
  // Elements of a list of objects; nullopt when it is none.
  std::optional<std::vector<JsonObject>> Objects(const char* name) const;

 private:
  explicit JsonObject(json_t* owned);
  static JsonObject Shared(json_t* borrowed);

  std::shared_ptr<json_t> value_;
};

// Bytes of unpadded base64url (RFC 4648 section 5), in the one way of writing
// them that there is. InvalidArgument for another.
absl::StatusOr<std::string> DecodeBase64Url(std::string_view text);
std::string EncodeBase64Url(std::string_view bytes);

}  // namespace consentry::identity

#endif  // CONSENTRY_GATEWAY_IDENTITY_JSON_H_
