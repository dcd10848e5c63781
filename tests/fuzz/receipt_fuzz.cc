// Receipts as whoever shows one writes them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/consent/receipt_text.h"

namespace {

using consentry::audit::NoteVerifier;
using consentry::audit::SkeySigner;

struct Key {
  std::unique_ptr<SkeySigner> signer =
      *SkeySigner::FromSeed("fuzz/log", std::string(32, 'k'));
  NoteVerifier verifier =
      *NoteVerifier::Create(signer->name(), signer->public_key());
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Key* const key = new Key;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // As it is: nobody but the signer makes one.
  (void)consentry::consent::ReadReceiptFile(bytes, key->verifier);
  // Signed: whatever is read holds all that it must.
  const auto note = consentry::audit::SignNote(
      consentry::consent::SignedText(bytes), *key->signer);
  if (!note.ok()) return 0;
  const auto record = consentry::consent::ReadReceiptFile(
      consentry::audit::FormatNote(*note), key->verifier);
  if (record.ok() && !consentry::consent::MissingFields(*record).empty()) {
    std::abort();
  }
  return 0;
}
