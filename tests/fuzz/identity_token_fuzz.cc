// Tokens and key sets as strangers may send them.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "consentry/config/v1/identity.pb.h"
#include "gateway/identity/key_set.h"
#include "gateway/identity/roles.h"
#include "gateway/identity/token.h"

using namespace consentry::identity;

namespace {

constexpr char kKeySet[] =
    R"({"keys":[{"kid":"k1","use":"sig","alg":"EdDSA","kty":"OKP",)"
    R"("crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";

consentry::config::v1::Issuer MakeIssuer() {
  consentry::config::v1::Issuer issuer;
  auto* by_email = issuer.add_roles();
  by_email->set_email("dpo@shop.example");
  by_email->add_roles(consentry::config::v1::StaffRole::DPO);
  auto* by_claim = issuer.add_roles();
  by_claim->add_claim("realm_access");
  by_claim->add_claim("roles");
  by_claim->set_value("admin");
  by_claim->add_roles(consentry::config::v1::StaffRole::ADMIN);
  return issuer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const keys =
      new std::shared_ptr<const KeySet>(KeySet::Parse(kKeySet).value());
  static const auto* const issuer =
      new consentry::config::v1::Issuer(MakeIssuer());
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1),
                              size - 1);
  std::string token(text);
  if (data[0] % 3 == 1) {
    // Header and claims as they stand.
    const size_t half = text.find('\n');
    token = EncodeBase64Url(text.substr(0, half)) + "." +
            (half == std::string_view::npos
                 ? ""
                 : EncodeBase64Url(text.substr(half + 1))) +
            ".AAAA";
  } else if (data[0] % 3 == 2) {
    (void)KeySet::Parse(text).ok();
  }
  const auto parsed = ParseToken(token);
  if (!parsed.ok()) return 0;
  if (token.size() > kMaxTokenBytes) std::abort();
  // Nobody here holds a key.
  if ((*keys)->Verify(token, *parsed).ok()) std::abort();
  const auto facts = CheckClaims(
      parsed->claims, {.issuer = "https://login.example", .audience = "c"},
      1'800'000'000'000'000);
  if (facts.ok() &&
      (facts->login.empty() || facts->client.empty() ||
       facts->expire_us + kTokenLeewayUs <= 1'800'000'000'000'000)) {
    std::abort();
  }
  (void)RolesOf(*issuer, parsed->claims);
  return 0;
}
