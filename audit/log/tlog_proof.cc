#include "audit/log/tlog_proof.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "audit/log/base64.h"
#include "audit/merkle/proof.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

constexpr std::string_view kHeader = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";
constexpr size_t kMaxHashes = 64;

absl::Status Malformed(const char* why) {
  return absl::InvalidArgumentError(std::string("malformed proof: ") + why);
}

// Moves the first line out of `text`; none where there is no whole line.
std::optional<std::string_view> TakeLine(std::string_view* text) {
  const size_t end = text->find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(end + 1);
  return line;
}

}  // namespace

std::string FormatTlogProof(const TlogProof& proof) {
  std::string text = std::string(kHeader) + "\n";
  if (proof.extra.has_value()) {
    text += std::string(kExtra) + Base64Of(*proof.extra) + "\n";
  }
  text += std::string(kIndex) + std::to_string(proof.index) + "\n";
  for (const Hash& hash : proof.hashes) text += Base64Of(AsView(hash)) + "\n";
  return text + "\n" + proof.checkpoint;
}

absl::StatusOr<TlogProof> ParseTlogProof(std::string_view bytes) {
  if (bytes.size() > kMaxTlogProofBytes) return Malformed("too long");
  if (TakeLine(&bytes) != kHeader) return Malformed("not a tlog-proof@v1");
  TlogProof proof;
  auto line = TakeLine(&bytes);
  if (line.has_value() && line->substr(0, kExtra.size()) == kExtra) {
    proof.extra = FromBase64(line->substr(kExtra.size()));
    if (!proof.extra.has_value()) return Malformed("extra is not base64");
    line = TakeLine(&bytes);
  }
  if (!line.has_value() || line->substr(0, kIndex.size()) != kIndex) {
    return Malformed("no index line");
  }
  const auto index = ParseDecimal(line->substr(kIndex.size()));
  if (!index.has_value()) return Malformed("index is not a number");
  proof.index = *index;
  for (;;) {
    line = TakeLine(&bytes);
    if (!line.has_value()) return Malformed("no checkpoint");
    if (line->empty()) break;
    const auto hash = HashFromBytes(FromBase64(*line).value_or(""));
    if (!hash.has_value()) return Malformed("a line of the path is no hash");
    if (proof.hashes.size() == kMaxHashes) return Malformed("path too long");
    proof.hashes.push_back(*hash);
  }
  proof.checkpoint = bytes;
  CONSENTRY_RETURN_IF_ERROR(ParseCheckpointNote(proof.checkpoint).status());
  return proof;
}

absl::StatusOr<Checkpoint> VerifyTlogProof(
    const TlogProof& proof, std::string_view entry,
    std::span<const NoteVerifier> known) {
  CONSENTRY_ASSIGN_OR_RETURN(const ParsedCheckpoint parsed,
                             ParseCheckpointNote(proof.checkpoint));
  std::vector<NoteVerifier> of_this_log;
  std::copy_if(known.begin(), known.end(), std::back_inserter(of_this_log),
               [&](const NoteVerifier& verifier) {
                 return verifier.name() == parsed.checkpoint.origin;
               });
  if (of_this_log.empty()) {
    return absl::InvalidArgumentError(
        "the checkpoint of the proof is of another log than the key");
  }
  switch (CheckNote(parsed.note, of_this_log)) {
    case NoteTrust::kVerified:
      break;
    case NoteTrust::kUnknownKey:
      return absl::InvalidArgumentError(
          "no known key signed the checkpoint of the proof");
    case NoteTrust::kBadSignature:
      return absl::InvalidArgumentError(
          "the signature under the checkpoint of the proof is forged");
  }
  CONSENTRY_RETURN_IF_ERROR(VerifyInclusion(proof.index, parsed.checkpoint.size,
                                            LeafHash(entry), proof.hashes,
                                            parsed.checkpoint.root));
  return parsed.checkpoint;
}

}  // namespace consentry::audit
