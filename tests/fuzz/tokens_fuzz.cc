// Page tokens, link tokens and opaque tokens as callers may send them.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/crypto/link_token.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/page_token.h"

using namespace consentry::crypto;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kNowUs = 1'795'000'000'000'000;
  static const auto* const root =
      new RootKey(RootKey::FromBytes(SecretBytes<32>::Random().view()));
  static const auto* const pages = new PageTokens(*root);
  static const auto* const tokens = new OpaqueTokens(*root);
  static const std::string good =
      pages->Seal("caller", "query", "position", kNowUs).value();

  static const auto* const links = new LinkTokens(*root);
  static const std::string link =
      links->Seal({7, {"marketing"}}, kNowUs).value();

  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (pages->Open("caller", "query", text, kNowUs).ok() && text != good) {
    std::abort();
  }
  std::string laid = good;
  for (size_t i = 0; i < size; ++i) {
    laid[i % laid.size()] = static_cast<char>(laid[i % laid.size()] ^ data[i]);
  }
  if (pages->Open("caller", "query", laid, kNowUs).ok() != (laid == good)) {
    std::abort();
  }
  if (links->Open(text, kNowUs).ok() && text != link) std::abort();
  laid = link;
  for (size_t i = 0; i < size; ++i) {
    laid[i % laid.size()] = static_cast<char>(laid[i % laid.size()] ^ data[i]);
  }
  if (links->Open(laid, kNowUs).ok() != (laid == link)) std::abort();
  for (size_t kind = 0; kind < kTokenKinds; ++kind) {
    const auto k = static_cast<TokenKind>(kind);
    const auto payload = tokens->Decode(k, text, "bound");
    if (payload.ok() && tokens->Encode(k, *payload, "bound") != text) {
      std::abort();
    }
  }
  return 0;
}
