#include "gateway/identity/json.h"

#include <jansson.h>
#include <sodium.h>

#include <utility>

namespace consentry::identity {
namespace {

constexpr int64_t kMostSeconds = int64_t{1} << 40;

absl::Status NotJson() {
  return absl::InvalidArgumentError("not one JSON object");
}

std::string TextOf(const json_t* value) {
  return std::string(json_string_value(value), json_string_length(value));
}

std::optional<std::vector<std::string>> TextsOf(const json_t* value) {
  std::vector<std::string> texts;
  if (json_is_string(value)) {
    texts.push_back(TextOf(value));
    return texts;
  }
  if (!json_is_array(value)) return std::nullopt;
  for (size_t i = 0; i < json_array_size(value); ++i) {
    const json_t* element = json_array_get(value, i);
    if (!json_is_string(element)) return std::nullopt;
    texts.push_back(TextOf(element));
  }
  return texts;
}

}  // namespace

JsonObject::JsonObject(json_t* owned)
    : value_(owned, [](json_t* value) { json_decref(value); }) {}

JsonObject JsonObject::Shared(json_t* borrowed) {
  return JsonObject(json_incref(borrowed));
}

absl::StatusOr<JsonObject> JsonObject::Parse(std::string_view text,
                                             size_t most) {
  if (text.size() > most) return NotJson();
  json_t* const value =
      json_loadb(text.data(), text.size(), JSON_REJECT_DUPLICATES, nullptr);
  if (value == nullptr) return NotJson();
  JsonObject object(value);
  if (!json_is_object(value)) return NotJson();
  return object;
}

bool JsonObject::Has(const char* name) const {
  return json_object_get(value_.get(), name) != nullptr;
}

std::optional<std::string> JsonObject::Text(const char* name) const {
  const json_t* member = json_object_get(value_.get(), name);
  if (!json_is_string(member)) return std::nullopt;
  return TextOf(member);
}

std::optional<int64_t> JsonObject::Seconds(const char* name) const {
  const json_t* member = json_object_get(value_.get(), name);
  if (json_is_integer(member)) {
    const int64_t seconds = json_integer_value(member);
    if (seconds < -kMostSeconds || seconds > kMostSeconds) return std::nullopt;
    return seconds;
  }
  if (!json_is_real(member)) return std::nullopt;
  const double seconds = json_real_value(member);
  const auto most = static_cast<double>(kMostSeconds);
  if (!(seconds >= -most && seconds <= most)) return std::nullopt;
  return static_cast<int64_t>(seconds);
}

bool JsonObject::IsTrue(const char* name) const {
  return json_is_true(json_object_get(value_.get(), name));
}

std::optional<std::vector<std::string>> JsonObject::Texts(
    const char* name) const {
  return TextsOf(json_object_get(value_.get(), name));
}

std::optional<std::vector<std::string>> JsonObject::TextsAt(
    const std::vector<std::string>& path) const {
  const json_t* value = value_.get();
  for (const std::string& name : path) {
    value = json_object_get(value, name.c_str());
  }
  return TextsOf(value);
}

std::optional<JsonObject> JsonObject::Object(const char* name) const {
  json_t* const member = json_object_get(value_.get(), name);
  if (!json_is_object(member)) return std::nullopt;
  return Shared(member);
}

std::optional<std::vector<JsonObject>> JsonObject::Objects(
    const char* name) const {
  const json_t* list = json_object_get(value_.get(), name);
  if (!json_is_array(list)) return std::nullopt;
  std::vector<JsonObject> objects;
  for (size_t i = 0; i < json_array_size(list); ++i) {
    json_t* const element = json_array_get(list, i);
    if (!json_is_object(element)) return std::nullopt;
    objects.push_back(Shared(element));
  }
  return objects;
}

absl::StatusOr<std::string> DecodeBase64Url(std::string_view text) {
  std::string bytes(text.size() / 4 * 3 + 3, '\0');
  size_t size = 0;
  const char* end = nullptr;
  const int failed =
      sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()),
                        bytes.size(), text.data(), text.size(), nullptr, &size,
                        &end, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  if (failed != 0 || end != text.data() + text.size()) {
    return absl::InvalidArgumentError("not base64url without padding");
  }
  bytes.resize(size);
  return bytes;
}

std::string EncodeBase64Url(std::string_view bytes) {
  std::string text(sodium_base64_ENCODED_LEN(
                       bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                   '\0');
  sodium_bin2base64(text.data(), text.size(),
                    reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();  // The terminating NUL.
  return text;
}

}  // namespace consentry::identity
