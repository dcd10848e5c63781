// Entries of the log as another gateway, an older one or a forger may have
// written them: any bytes that parse can be shown, and what is shown is what
// stands there.

#include <google/protobuf/util/json_util.h>

#include <bit>
#include <cstdint>
#include <string>

#include "audit/merkle/hash.h"
#include "gateway/access/audit_view.h"
#include "tests/fuzz/input.h"

using namespace consentry;
using fuzz::Input;
using fuzz::Require;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const root = new crypto::RootKey(
      crypto::RootKey::FromBytes(crypto::SecretBytes<32>::Random().view()));
  static const auto* const tokens = new crypto::OpaqueTokens(*root);

  Input input(data, size);
  const uint64_t index = input.Number() >> 16;
  const std::string bytes(input.Rest());
  store::v1::Leaf leaf;
  if (!leaf.ParseFromString(bytes)) return 0;
  // An entry that the log takes has no more.
  if (leaf.subjects_size() > UINT16_MAX) return 0;
  const v1::AuditEntry view = access::ViewOf(index, leaf, bytes, *tokens);

  Require(view.index() == index && view.event() == leaf.event());
  Require(view.count() >= 1);
  Require(view.leaf_hash().size() == 2 * audit::LeafHash(bytes).size());
  Require(view.subjects_size() == leaf.subjects_size());
  for (int i = 0; i < leaf.subjects_size(); ++i) {
    const v1::AuditSubject& shown = view.subjects(i);
    Require(shown.released_size() ==
            std::popcount(leaf.subjects(i).released()));
    Require(shown.determining_rules_size() <= leaf.subjects(i).rules_size());
    if (shown.decision_id().empty()) continue;
    const auto payload =
        tokens->Decode(crypto::TokenKind::kDecision, shown.decision_id());
    Require(payload.ok() &&
            crypto::LogPosition::Unpack(*payload) ==
                crypto::LogPosition{index, static_cast<uint16_t>(i)});
  }
  Require(view.time().nanos() >= 0 && view.time().nanos() < 1'000'000'000);

  v1::AuditEntry again;
  Require(again.ParseFromString(view.SerializeAsString()));
  // JSON knows the years 1 to 9999 alone.
  if (view.time().seconds() < -62'135'596'800 ||
      view.time().seconds() > 253'402'300'799) {
    return 0;
  }
  std::string json;
  Require(google::protobuf::util::MessageToJsonString(view, &json).ok());
  return 0;
}
