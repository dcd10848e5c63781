// Releases as front ends are handed them: nothing but what the gateway signed
// is read as one, and outputs of any content have a digest that follows from
// them alone.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "audit/log/note.h"
#include "gateway/screening/release_note.h"

using namespace consentry;
using namespace consentry::screening;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const signer =
      audit::SkeySigner::FromSeed("shop.example/release", std::string(32, 's'))
          ->release();
  static const auto* const key = new audit::NoteVerifier(
      *audit::NoteVerifier::Create(signer->name(), signer->public_key()));
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  // A text of any content under a good signature.
  if (const auto note = audit::SignNote(std::string(bytes) + "\n", *signer);
      note.ok()) {
    const auto terms = ReadRelease(*key, audit::FormatNote(*note));
    if (terms.ok()) {
      const auto again = SignRelease(*signer, *terms);
      if (!again.ok() || again->note() != audit::FormatNote(*note)) {
        std::abort();
      }
    }
  }
  (void)ReadRelease(*key, bytes);

  v1::Output output;
  if (!output.ParseFromArray(data, static_cast<int>(size))) return 0;
  const std::string canonical = CanonicalOutput(output);
  v1::Output same;
  if (!same.ParseFromString(output.SerializeAsString()) ||
      CanonicalOutput(same) != canonical) {
    std::abort();
  }
  v1::Output other = output;
  other.set_item(output.item() + "x");
  if (CanonicalOutput(other) == canonical) std::abort();
  return 0;
}
