#include "gateway/identity/key_set.h"

#include <jansson.h>
#include <rhonabwy.h>
#include <sodium.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace consentry::identity {
namespace {

using config::v1::TokenAlgorithm;

constexpr unsigned kMinRsaBits = 2048;
constexpr unsigned kMaxRsaBits = 8192;

struct JwkFree {
  void operator()(jwk_t* key) const { r_jwk_free(key); }
};
using Jwk = std::unique_ptr<jwk_t, JwkFree>;
struct JwsFree {
  void operator()(jws_t* jws) const { r_jws_free(jws); }
};
struct JsonFree {
  void operator()(json_t* value) const { json_decref(value); }
};
using Json = std::unique_ptr<json_t, JsonFree>;

jwa_alg LibraryAlgorithm(Algorithm algorithm) {
  switch (algorithm) {
    case TokenAlgorithm::RS256:
      return R_JWA_ALG_RS256;
    case TokenAlgorithm::PS256:
      return R_JWA_ALG_PS256;
    case TokenAlgorithm::ES256:
      return R_JWA_ALG_ES256;
    case TokenAlgorithm::EDDSA:
      return R_JWA_ALG_EDDSA;
    default:
      return R_JWA_ALG_UNKNOWN;
  }
}

// What a key is for: the algorithms that its kind can serve, or the one of them
// that it names.
std::vector<Algorithm> AlgorithmsOf(const JsonObject& key) {
  std::vector<std::pair<std::string_view, Algorithm>> able;
  const std::string kind = key.Text("kty").value_or("");
  const std::string curve = key.Text("crv").value_or("");
  if (kind == "RSA") {
    able = {{"RS256", TokenAlgorithm::RS256}, {"PS256", TokenAlgorithm::PS256}};
  } else if (kind == "EC" && curve == "P-256") {
    able = {{"ES256", TokenAlgorithm::ES256}};
  } else if (kind == "OKP" && curve == "Ed25519") {
    able = {{"EdDSA", TokenAlgorithm::EDDSA}};
  }
  std::vector<Algorithm> algorithms;
  for (const auto& [word, algorithm] : able) {
    if (!key.Has("alg") || key.Text("alg") == word) {
      algorithms.push_back(algorithm);
    }
  }
  return algorithms;
}

bool IsForVerifying(const JsonObject& key) {
  if (key.Has("d") || key.Has("k")) return false;
  if (key.Has("use") && key.Text("use") != "sig") return false;
  if (!key.Has("key_ops")) return true;
  const auto operations = key.Texts("key_ops");
  return operations && std::find(operations->begin(), operations->end(),
                                 "verify") != operations->end();
}

// Coordinates of a curve, and its public keys, have 32 bytes.
bool HasItsLength(const JsonObject& key) {
  if (key.Text("kty") == "RSA") return true;
  for (const char* name : {"x", "y"}) {
    if (!key.Has(name) && key.Text("kty") == "OKP") continue;
    const auto bytes = DecodeBase64Url(key.Text(name).value_or(""));
    if (!bytes.ok() || bytes->size() != 32) return false;
  }
  return true;
}

// The key's numbers and nothing else of it.
std::optional<std::vector<std::pair<const char*, std::string>>> NumbersOf(
    const JsonObject& key) {
  std::vector<std::pair<const char*, std::string>> members;
  const std::string kind = key.Text("kty").value_or("");
  std::vector<const char*> names = {"kty"};
  if (kind == "RSA") {
    names.insert(names.end(), {"e", "n"});
  } else if (kind == "EC") {
    names.insert(names.end(), {"crv", "x", "y"});
  } else {
    names.insert(names.end(), {"crv", "x"});
  }
  for (const char* name : names) {
    auto value = key.Text(name);
    if (!value) return std::nullopt;
    members.emplace_back(name, *std::move(value));
  }
  return members;
}

Jwk Import(const std::vector<std::pair<const char*, std::string>>& members) {
  const Json object(json_object());
  for (const auto& [name, value] : members) {
    if (json_object_set_new(object.get(), name,
                            json_stringn(value.data(), value.size())) != 0) {
      return nullptr;
    }
  }
  jwk_t* made = nullptr;
  if (r_jwk_init(&made) != RHN_OK) return nullptr;
  Jwk key(made);
  if (r_jwk_import_from_json_t(key.get(), object.get()) != RHN_OK) {
    return nullptr;
  }
  unsigned bits = 0;
  const int type = r_jwk_key_type(key.get(), &bits, R_FLAG_IGNORE_REMOTE);
  if ((type & R_KEY_TYPE_PUBLIC) == 0) return nullptr;
  if ((type & R_KEY_TYPE_RSA) != 0 &&
      (bits < kMinRsaBits || bits > kMaxRsaBits)) {
    return nullptr;
  }
  return key;
}

}  // namespace

struct KeySet::Key {
  std::string id;
  std::vector<Algorithm> algorithms;
  Jwk jwk;

  bool Serves(Algorithm algorithm) const {
    return std::find(algorithms.begin(), algorithms.end(), algorithm) !=
           algorithms.end();
  }
};

KeySet::KeySet() = default;
KeySet::~KeySet() = default;

absl::StatusOr<std::shared_ptr<const KeySet>> KeySet::Parse(
    std::string_view text) {
  const auto object = JsonObject::Parse(text, kMaxKeySetBytes);
  const auto listed = object.ok() ? object->Objects("keys") : std::nullopt;
  if (!listed || listed->size() > kMaxKeys) {
    return absl::InvalidArgumentError("not a JSON Web Key Set of 1 to 32 keys");
  }
  std::shared_ptr<KeySet> set(new KeySet);
  std::set<std::string> lines;
  for (const JsonObject& one : *listed) {
    std::vector<Algorithm> algorithms = AlgorithmsOf(one);
    if (algorithms.empty() || !IsForVerifying(one)) continue;
    const auto numbers = NumbersOf(one);
    if (!numbers || !HasItsLength(one)) continue;
    Jwk jwk = Import(*numbers);
    if (jwk == nullptr) continue;
    std::string id = one.Text("kid").value_or("");
    for (const auto& other : set->keys_) {
      if (other->id == id) {
        return absl::InvalidArgumentError("two keys of the set have one id");
      }
    }
    std::string line = id;
    for (const auto& [name, value] : *numbers) line += "\n" + value;
    for (const Algorithm algorithm : algorithms) {
      line += "\n" + std::to_string(algorithm);
    }
    lines.insert(std::move(line));
    set->keys_.push_back(std::make_unique<Key>(
        Key{std::move(id), std::move(algorithms), std::move(jwk)}));
  }
  if (set->keys_.empty()) {
    return absl::InvalidArgumentError("no key of the set can be used");
  }
  for (const std::string& line : lines) set->digest_ += line + "\n\n";
  return std::shared_ptr<const KeySet>(std::move(set));
}

bool KeySet::Has(std::string_view key_id) const {
  return std::any_of(keys_.begin(), keys_.end(),
                     [key_id](const auto& key) { return key->id == key_id; });
}

absl::Status KeySet::Verify(std::string_view token,
                            const ParsedToken& parsed) const {
  const Key* found = nullptr;
  for (const auto& key : keys_) {
    if (!key->Serves(parsed.algorithm)) continue;
    if (!parsed.key_id.empty() && key->id != parsed.key_id) continue;
    if (found != nullptr) return TokenError("key");
    found = key.get();
  }
  if (found == nullptr) return TokenError("key");
  jws_t* made = nullptr;
  if (r_jws_init(&made) != RHN_OK) return absl::InternalError("no memory");
  const std::unique_ptr<jws_t, JwsFree> jws(made);
  // Its header was read by ParseToken, which lets no key and no address in.
  if (r_jws_advanced_parse(jws.get(), std::string(token).c_str(), R_PARSE_NONE,
                           R_FLAG_IGNORE_REMOTE) != RHN_OK ||
      r_jws_get_alg(jws.get()) != LibraryAlgorithm(parsed.algorithm) ||
      r_jws_verify_signature(jws.get(), found->jwk.get(),
                             R_FLAG_IGNORE_REMOTE) != RHN_OK) {
    return TokenError("signature");
  }
  return absl::OkStatus();
}

}  // namespace consentry::identity
