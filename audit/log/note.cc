#include "audit/log/note.h"

#include <sodium.h>

#include <optional>
#include <utility>

#include "audit/log/base64.h"
#include "audit/log/bytes.h"
#include "audit/merkle/hash.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

constexpr char kEd25519 = 1;
constexpr std::string_view kSignaturePrefix = "\xe2\x80\x94 ";  // U+2014.
constexpr std::string_view kPrivatePrefix = "PRIVATE+KEY+";
constexpr size_t kKeyIdBytes = 4;

const unsigned char* Unsigned(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// The next code point of `text`, moved over; none where it is not UTF-8.
std::optional<uint32_t> NextCodePoint(std::string_view* text) {
  const auto byte = [&](size_t i) -> uint32_t {
    return static_cast<unsigned char>((*text)[i]);
  };
  const uint32_t first = byte(0);
  size_t length = 1;
  uint32_t point = first;
  uint32_t least = 0;
  if (first >= 0xf0 && first < 0xf8) {
    length = 4, point = first & 0x07, least = 0x10000;
  } else if (first >= 0xe0 && first < 0xf0) {
    length = 3, point = first & 0x0f, least = 0x800;
  } else if (first >= 0xc0 && first < 0xe0) {
    length = 2, point = first & 0x1f, least = 0x80;
  } else if (first >= 0x80) {
    return std::nullopt;
  }
  if (text->size() < length) return std::nullopt;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    point = (point << 6) | (byte(i) & 0x3f);
  }
  if (point < least || point > 0x10ffff ||
      (point >= 0xd800 && point < 0xe000)) {
    return std::nullopt;
  }
  text->remove_prefix(length);
  return point;
}

bool IsSpace(uint32_t point) {
  return (point >= 0x09 && point <= 0x0d) || point == 0x20 || point == 0x85 ||
         point == 0xa0 || point == 0x1680 ||
         (point >= 0x2000 && point <= 0x200a) || point == 0x2028 ||
         point == 0x2029 || point == 0x202f || point == 0x205f ||
         point == 0x3000;
}

// UTF-8 whose only control character is the newline.
bool IsPlainText(std::string_view text) {
  while (!text.empty()) {
    const auto point = NextCodePoint(&text);
    if (!point.has_value() || (*point < 0x20 && *point != '\n')) return false;
  }
  return true;
}

absl::Status Malformed(const char* why) {
  return absl::InvalidArgumentError(std::string("malformed note: ") + why);
}

std::string HexOfKeyId(uint32_t key_id) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (int shift = 28; shift >= 0; shift -= 4) {
    hex.push_back(kDigits[(key_id >> shift) & 15]);
  }
  return hex;
}

// The parts of "<name>+<key id>+<base64 of 0x01 and 32 bytes>".
struct KeyText {
  std::string name;
  std::string key_id;
  std::string key;
};
std::optional<KeyText> ParseKeyText(std::string_view text) {
  const size_t first = text.find('+');
  if (first == std::string_view::npos) return std::nullopt;
  const size_t second = text.find('+', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  KeyText parts;
  parts.name = text.substr(0, first);
  parts.key_id = text.substr(first + 1, second - first - 1);
  const auto key = FromBase64(text.substr(second + 1));
  if (!IsValidKeyName(parts.name) || !key.has_value() ||
      key->size() != 1 + crypto_sign_PUBLICKEYBYTES || (*key)[0] != kEd25519) {
    return std::nullopt;
  }
  parts.key = key->substr(1);
  return parts;
}

}  // namespace

bool IsValidKeyName(std::string_view name) {
  if (name.empty()) return false;
  while (!name.empty()) {
    const auto point = NextCodePoint(&name);
    if (!point.has_value() || *point < 0x20 || *point == '+' ||
        IsSpace(*point)) {
      return false;
    }
  }
  return true;
}

uint32_t Ed25519KeyId(std::string_view name, std::string_view public_key) {
  return GetInt<uint32_t>(
      AsView(Sha256({name, "\n", std::string_view(&kEd25519, 1), public_key})),
      0);
}

absl::StatusOr<Note> ParseNote(std::string_view bytes) {
  if (bytes.size() > kMaxNoteBytes) return Malformed("too long");
  if (!IsPlainText(bytes)) return Malformed("not plain UTF-8");
  const size_t split = bytes.rfind("\n\n");
  if (split == std::string_view::npos) return Malformed("no empty line");
  Note note;
  note.text = bytes.substr(0, split + 1);
  std::string_view rest = bytes.substr(split + 2);
  if (rest.empty()) return Malformed("no signature");
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return Malformed("no final newline");
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.substr(0, kSignaturePrefix.size()) != kSignaturePrefix) {
      return Malformed("a line after the text is no signature");
    }
    line.remove_prefix(kSignaturePrefix.size());
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return Malformed("no key name");
    NoteSignature signature;
    signature.name = line.substr(0, space);
    const auto raw = FromBase64(line.substr(space + 1));
    if (!IsValidKeyName(signature.name) || !raw.has_value() ||
        raw->size() <= kKeyIdBytes) {
      return Malformed("a signature line is not of its form");
    }
    signature.key_id = GetInt<uint32_t>(*raw, 0);
    signature.signature = raw->substr(kKeyIdBytes);
    if (note.signatures.size() == kMaxNoteSignatures) {
      return Malformed("too many signatures");
    }
    note.signatures.push_back(std::move(signature));
  }
  return note;
}

std::string FormatNote(const Note& note) {
  std::string bytes = note.text + "\n";
  for (const NoteSignature& signature : note.signatures) {
    std::string raw;
    PutInt(signature.key_id, &raw);
    raw += signature.signature;
    bytes.append(kSignaturePrefix);
    bytes += signature.name + " " + Base64Of(raw) + "\n";
  }
  return bytes;
}

absl::StatusOr<NoteVerifier> NoteVerifier::FromVkey(std::string_view vkey) {
  const std::optional<KeyText> parts = ParseKeyText(vkey);
  if (!parts.has_value()) {
    return absl::InvalidArgumentError(
        "not a public key of the form <name>+<key id>+<base64>");
  }
  CONSENTRY_ASSIGN_OR_RETURN(NoteVerifier verifier,
                             Create(parts->name, parts->key));
  if (verifier.Vkey() != vkey) {
    return absl::InvalidArgumentError(
        "key id of the public key does not fit its name and key");
  }
  return verifier;
}

absl::StatusOr<NoteVerifier> NoteVerifier::Create(std::string_view name,
                                                  std::string_view public_key) {
  if (!IsValidKeyName(name)) {
    return absl::InvalidArgumentError("key name is empty or has a space or +");
  }
  if (public_key.size() != crypto_sign_PUBLICKEYBYTES) {
    return absl::InvalidArgumentError("an Ed25519 public key has 32 bytes");
  }
  NoteVerifier verifier;
  verifier.name_ = name;
  verifier.public_key_ = public_key;
  verifier.key_id_ = Ed25519KeyId(name, public_key);
  return verifier;
}

std::string NoteVerifier::Vkey() const {
  return name_ + "+" + HexOfKeyId(key_id_) + "+" +
         Base64Of(std::string(1, kEd25519) + public_key_);
}

bool NoteVerifier::Verify(std::string_view text,
                          std::string_view signature) const {
  return signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(Unsigned(signature), Unsigned(text),
                                     text.size(), Unsigned(public_key_)) == 0;
}

NoteTrust CheckNote(const Note& note, std::span<const NoteVerifier> known) {
  NoteTrust trust = NoteTrust::kUnknownKey;
  for (const NoteSignature& signature : note.signatures) {
    for (const NoteVerifier& verifier : known) {
      if (signature.name != verifier.name() ||
          signature.key_id != verifier.key_id()) {
        continue;
      }
      if (!verifier.Verify(note.text, signature.signature)) {
        return NoteTrust::kBadSignature;
      }
      trust = NoteTrust::kVerified;
    }
  }
  return trust;
}

absl::StatusOr<Note> SignNote(std::string_view text, const Signer& signer) {
  if (text.empty() || text.back() != '\n' || !IsPlainText(text)) {
    return Malformed("text is not lines of plain UTF-8");
  }
  if (!IsValidKeyName(signer.name())) {
    return absl::InvalidArgumentError("key name is empty or has a space or +");
  }
  CONSENTRY_ASSIGN_OR_RETURN(std::string signature, signer.Sign(text));
  if (signature.size() != crypto_sign_BYTES) {
    return absl::InternalError("an Ed25519 signature has 64 bytes");
  }
  Note note;
  note.text = text;
  note.signatures.push_back({signer.name(),
                             Ed25519KeyId(signer.name(), signer.public_key()),
                             std::move(signature)});
  return note;
}

absl::StatusOr<std::unique_ptr<SkeySigner>> SkeySigner::FromSkey(
    std::string_view skey) {
  const absl::Status bad = absl::InvalidArgumentError(
      "not a private key of the form PRIVATE+KEY+<name>+<key id>+<base64>");
  if (skey.substr(0, kPrivatePrefix.size()) != kPrivatePrefix) return bad;
  std::optional<KeyText> parts =
      ParseKeyText(skey.substr(kPrivatePrefix.size()));
  if (!parts.has_value()) return bad;
  absl::StatusOr<std::unique_ptr<SkeySigner>> signer =
      FromSeed(parts->name, parts->key);
  sodium_memzero(parts->key.data(), parts->key.size());
  CONSENTRY_RETURN_IF_ERROR(signer.status());
  const uint32_t key_id = Ed25519KeyId(parts->name, (*signer)->public_key());
  if (parts->key_id != HexOfKeyId(key_id)) return bad;
  return signer;
}

absl::StatusOr<std::unique_ptr<SkeySigner>> SkeySigner::FromSeed(
    std::string_view name, std::string_view seed) {
  if (!IsValidKeyName(name)) {
    return absl::InvalidArgumentError("key name is empty or has a space or +");
  }
  if (seed.size() != crypto_sign_SEEDBYTES) {
    return absl::InvalidArgumentError("an Ed25519 seed has 32 bytes");
  }
  std::unique_ptr<SkeySigner> signer(new SkeySigner());
  signer->name_ = name;
  signer->public_key_.resize(crypto_sign_PUBLICKEYBYTES);
  signer->secret_key_.resize(crypto_sign_SECRETKEYBYTES);
  crypto_sign_seed_keypair(
      reinterpret_cast<unsigned char*>(signer->public_key_.data()),
      reinterpret_cast<unsigned char*>(signer->secret_key_.data()),
      Unsigned(seed));
  return signer;
}

SkeySigner::~SkeySigner() {
  sodium_memzero(secret_key_.data(), secret_key_.size());
}

absl::StatusOr<std::string> SkeySigner::Sign(std::string_view message) const {
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()),
                       nullptr, Unsigned(message), message.size(),
                       Unsigned(secret_key_));
  return signature;
}

}  // namespace consentry::audit
