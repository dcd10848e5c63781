// Checkpoints and proof files: what is accepted is written again byte for byte,
// and nothing but the entry is ever proved.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "audit/log/checkpoint.h"
#include "audit/log/tlog_proof.h"

using namespace consentry::audit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const signer =
      SkeySigner::FromSeed("consentry.example/log", std::string(32, 's'))
          ->release();
  static const auto* const verifier = new NoteVerifier(
      *NoteVerifier::Create(signer->name(), signer->public_key()));
  static const auto* const good = [] {
    TlogProof proof;
    proof.index = 1;
    proof.extra = "entry";
    proof.hashes = {LeafHash("0")};
    Checkpoint checkpoint;
    checkpoint.origin = signer->name();
    checkpoint.size = 2;
    checkpoint.root = NodeHash(LeafHash("0"), LeafHash("entry"));
    proof.checkpoint =
        FormatNote(*SignNote(FormatCheckpoint(checkpoint), *signer));
    return new std::string(FormatTlogProof(proof));
  }();

  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto checkpoint = ParseCheckpoint(text);
  if (checkpoint.ok() && FormatCheckpoint(*checkpoint) != text) std::abort();
  const auto proof = ParseTlogProof(text);
  if (proof.ok() && FormatTlogProof(*proof) != text) std::abort();
  if (proof.ok() &&
      VerifyTlogProof(*proof, proof->extra.value_or(""), {verifier, 1}).ok() &&
      text != *good) {
    std::abort();
  }

  std::string laid = *good;
  for (size_t i = 0; i < size; ++i) {
    laid[i % laid.size()] = static_cast<char>(laid[i % laid.size()] ^ data[i]);
  }
  const auto changed = ParseTlogProof(laid);
  if (changed.ok() && laid != *good &&
      VerifyTlogProof(*changed, changed->extra.value_or(""), {verifier, 1})
          .ok()) {
    std::abort();
  }
  return 0;
}
