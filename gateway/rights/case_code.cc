#include "gateway/rights/case_code.h"

#include <sodium.h>

#include "absl/strings/ascii.h"

namespace consentry::rights {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
static_assert(kAlphabet.size() == 32);
constexpr int64_t kLifetimeUs = int64_t{24} * 3600 * 1'000'000;

std::string DigestOf(std::string_view code, std::string_view case_id) {
  std::string digest(crypto_generichash_BYTES, '\0');
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, digest.size());
  for (const std::string_view part : {case_id, code}) {
    crypto_generichash_update(
        &state, reinterpret_cast<const unsigned char*>(part.data()),
        part.size());
  }
  crypto_generichash_final(
      &state, reinterpret_cast<unsigned char*>(digest.data()), digest.size());
  return digest;
}

}  // namespace

std::string NewCode() {
  std::string code;
  for (int i = 0; i < 11; ++i) {
    code.push_back(i == 5 ? '-' : kAlphabet[randombytes_uniform(32)]);
  }
  return code;
}

void SetCode(std::string_view code, int64_t now_us,
             store::v1::RightsCaseDoc* doc) {
  store::v1::CaseCode* kept = doc->mutable_code();
  kept->set_digest(DigestOf(code, doc->id()));
  kept->set_expire_us(now_us + kLifetimeUs);
  kept->set_wrong(0);
}

bool IsCode(std::string_view code, const store::v1::RightsCaseDoc& doc) {
  std::string upper;
  for (const char c : code) {
    if (!absl::ascii_isspace(static_cast<unsigned char>(c))) {
      upper.push_back(absl::ascii_toupper(static_cast<unsigned char>(c)));
    }
  }
  const std::string digest = DigestOf(upper, doc.id());
  return doc.code().digest().size() == digest.size() &&
         sodium_memcmp(digest.data(), doc.code().digest().data(),
                       digest.size()) == 0;
}

}  // namespace consentry::rights
