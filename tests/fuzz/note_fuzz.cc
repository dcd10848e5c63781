// Signed notes and keys, as files and peers may hold them: what is accepted is
// written again byte for byte, and no signature but the one made holds.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "audit/log/base64.h"
#include "audit/log/note.h"

using namespace consentry::audit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const signer =
      SkeySigner::FromSeed("consentry.example/log", std::string(32, 's'))
          ->release();
  static const auto* const verifier = new NoteVerifier(
      *NoteVerifier::Create(signer->name(), signer->public_key()));
  static const auto* const good =
      new std::string(FormatNote(*SignNote("a\nb\n", *signer)));

  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto note = ParseNote(text);
  if (note.ok()) {
    if (FormatNote(*note) != text) std::abort();
    if (CheckNote(*note, {verifier, 1}) == NoteTrust::kVerified &&
        note->text != "a\nb\n") {
      std::abort();
    }
  }
  const auto key = NoteVerifier::FromVkey(text);
  if (key.ok() && key->Vkey() != text) std::abort();
  (void)SkeySigner::FromSkey(text);
  const auto bytes = FromBase64(text);
  if (bytes.has_value() && Base64Of(*bytes) != text) std::abort();

  // A good note with some of its bits flipped.
  std::string laid = *good;
  for (size_t i = 0; i < size; ++i) {
    laid[i % laid.size()] = static_cast<char>(laid[i % laid.size()] ^ data[i]);
  }
  const auto changed = ParseNote(laid);
  if (changed.ok() && laid != *good &&
      CheckNote(*changed, {verifier, 1}) == NoteTrust::kVerified) {
    std::abort();
  }
  return 0;
}
