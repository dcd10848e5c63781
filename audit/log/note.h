#ifndef CONSENTRY_AUDIT_LOG_NOTE_H_
#define CONSENTRY_AUDIT_LOG_NOTE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/log/signer.h"

namespace consentry::audit {

// C2SP signed-note v1 with Ed25519 keys (signature type 1).

// A verifier must take at least 16 signatures; what is beyond these bounds is
// malformed, so that nobody can make us check without end.
inline constexpr size_t kMaxNoteSignatures = 100;
inline constexpr size_t kMaxNoteBytes = size_t{1} << 20;

struct NoteSignature {
  std::string name;
  uint32_t key_id = 0;
  std::string signature;  // Without the key id.
};

struct Note {
  std::string text;  // Ends with a newline; signed as it is.
  std::vector<NoteSignature> signatures;
};

// InvalidArgument for anything but `text`, an empty line and one or more
// signature lines, in UTF-8 without control characters.
absl::StatusOr<Note> ParseNote(std::string_view bytes);

std::string FormatNote(const Note& note);

// Not empty; no space of any kind, no plus sign, no control character; UTF-8.
bool IsValidKeyName(std::string_view name);

// The first four bytes of SHA-256(name || 0x0A || 0x01 || public key).
uint32_t Ed25519KeyId(std::string_view name, std::string_view public_key);

// A public key with its name: what a person who verifies holds.
// "<name>+<key id, 8 hex digits>+<base64 of 0x01 and the key>".
class NoteVerifier {
 public:
  // InvalidArgument unless it is exactly of that form and the key id fits.
  static absl::StatusOr<NoteVerifier> FromVkey(std::string_view vkey);
  // `public_key` of 32 bytes.
  static absl::StatusOr<NoteVerifier> Create(std::string_view name,
                                             std::string_view public_key);

  const std::string& name() const { return name_; }
  uint32_t key_id() const { return key_id_; }
  const std::string& public_key() const { return public_key_; }
  std::string Vkey() const;

  bool Verify(std::string_view text, std::string_view signature) const;

 private:
  NoteVerifier() = default;

  std::string name_;
  std::string public_key_;
  uint32_t key_id_ = 0;
};

enum class NoteTrust {
  kVerified,      // A known key signed it, and no known key's signature is bad.
  kUnknownKey,    // No signature is by a known key.
  kBadSignature,  // One that claims a known key is not by it.
};
NoteTrust CheckNote(const Note& note, std::span<const NoteVerifier> known);

// Signs `text`, which must be the text of a well-formed note.
absl::StatusOr<Note> SignNote(std::string_view text, const Signer& signer);

// A signer that holds its seed in memory, wiped at the end:
// "PRIVATE+KEY+<name>+<key id>+<base64 of 0x01 and the seed>". For tests and
// tools; a gateway signs with a key of its own key store.
class SkeySigner final : public Signer {
 public:
  static absl::StatusOr<std::unique_ptr<SkeySigner>> FromSkey(
      std::string_view skey);
  // `seed` of 32 bytes.
  static absl::StatusOr<std::unique_ptr<SkeySigner>> FromSeed(
      std::string_view name, std::string_view seed);
  SkeySigner(const SkeySigner&) = delete;
  SkeySigner& operator=(const SkeySigner&) = delete;
  ~SkeySigner() override;

  std::string name() const override { return name_; }
  std::string public_key() const override { return public_key_; }
  absl::StatusOr<std::string> Sign(std::string_view message) const override;

 private:
  SkeySigner() = default;

  std::string name_;
  std::string public_key_;
  std::string secret_key_;
};

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_NOTE_H_
