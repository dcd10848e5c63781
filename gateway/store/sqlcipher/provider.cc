#include "gateway/store/sqlcipher/provider.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <sqlite3.h>

#include <array>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <string_view>

#ifndef CONSENTRY_STOCK_CIPHER_PROVIDER

// What the amalgamation exports and its header does not declare. The layout is
// that of SQLCipher 4.14; the source is pinned by its hash.
extern "C" {
struct sqlcipher_provider {
  int (*init)();
  void (*shutdown)();
  const char* (*get_provider_name)(void* ctx);
  int (*add_random)(void* ctx, const void* buffer, int length);
  int (*random)(void* ctx, void* buffer, int length);
  int (*hmac)(void* ctx, int algorithm, const unsigned char* key, int key_size,
              const unsigned char* in, int in_size, const unsigned char* in2,
              int in2_size, unsigned char* out);
  int (*kdf)(void* ctx, int algorithm, const unsigned char* pass, int pass_size,
             const unsigned char* salt, int salt_size, int rounds, int key_size,
             unsigned char* key);
  int (*cipher)(void* ctx, int mode, const unsigned char* key, int key_size,
                const unsigned char* iv, const unsigned char* in, int in_size,
                unsigned char* out);
  const char* (*get_cipher)(void* ctx);
  int (*get_key_sz)(void* ctx);
  int (*get_iv_sz)(void* ctx);
  int (*get_block_sz)(void* ctx);
  int (*get_hmac_sz)(void* ctx, int algorithm);
  int (*ctx_init)(void** ctx);
  int (*ctx_free)(void** ctx);
  int (*fips_status)(void* ctx);
  const char* (*get_provider_version)(void* ctx);
  sqlcipher_provider* next;
};
int sqlcipher_register_provider(sqlcipher_provider* provider);
sqlcipher_provider* sqlcipher_get_provider();
void* sqlcipher_malloc(sqlite3_uint64 size);
}

namespace consentry::store {
namespace {

constexpr int kAesKeySize = 32;
constexpr int kAesBlockSize = 16;
constexpr int kMaxHmacKeySize = 64;
constexpr int kDigests = 3;  // SHA-1, SHA-256, SHA-512, by SQLCipher's number.

// Fetched once: looking an algorithm up by name takes a lock in OpenSSL that
// all threads share.
struct Algorithms {
  EVP_CIPHER* aes = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  std::array<EVP_MD*, kDigests> digests = {
      EVP_MD_fetch(nullptr, "SHA1", nullptr),
      EVP_MD_fetch(nullptr, "SHA256", nullptr),
      EVP_MD_fetch(nullptr, "SHA512", nullptr)};
  bool ok() const {
    return aes != nullptr && hmac != nullptr && digests[0] != nullptr &&
           digests[1] != nullptr && digests[2] != nullptr;
  }
};

const Algorithms& GetAlgorithms() {
  static const Algorithms* const algorithms = new Algorithms();
  return *algorithms;
}

const char* const kDigestNames[kDigests] = {"SHA1", "SHA256", "SHA512"};

bool IsDigest(int algorithm) { return algorithm >= 0 && algorithm < kDigests; }

// A key that a context is set up with, to see whether it is still the one
// asked for.
class HeldKey {
 public:
  ~HeldKey() { Forget(); }
  bool Is(const unsigned char* key, int size) const {
    return size == size_ && CRYPTO_memcmp(key, bytes_, size) == 0;
  }
  void Hold(const unsigned char* key, int size) {
    Forget();
    std::memcpy(bytes_, key, size);
    size_ = size;
  }
  void Forget() {
    OPENSSL_cleanse(bytes_, sizeof(bytes_));
    size_ = -1;
  }

 private:
  unsigned char bytes_[kMaxHmacKeySize] = {};
  int size_ = -1;
};

// One for each connection, which one thread uses at a time. Freeing an OpenSSL
// context wipes its key schedule.
struct Contexts {
  ~Contexts() {
    for (EVP_CIPHER_CTX* cipher : ciphers) EVP_CIPHER_CTX_free(cipher);
    for (EVP_MAC_CTX* mac : macs) EVP_MAC_CTX_free(mac);
  }
  std::array<EVP_CIPHER_CTX*, 2> ciphers = {};  // Decrypt, encrypt.
  std::array<HeldKey, 2> cipher_keys;
  std::array<EVP_MAC_CTX*, kDigests> macs = {};
  std::array<HeldKey, kDigests> mac_keys;
};

bool StartCipher(Contexts* contexts, int mode, const unsigned char* key,
                 const unsigned char* iv) {
  EVP_CIPHER_CTX*& context = contexts->ciphers[mode];
  HeldKey& held = contexts->cipher_keys[mode];
  if (context == nullptr) context = EVP_CIPHER_CTX_new();
  if (context == nullptr) return false;
  if (held.Is(key, kAesKeySize)) {
    return EVP_CipherInit_ex2(context, nullptr, nullptr, iv, mode, nullptr) ==
           1;
  }
  held.Forget();
  if (EVP_CipherInit_ex2(context, GetAlgorithms().aes, key, iv, mode,
                         nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(context, 0) != 1) {
    return false;
  }
  held.Hold(key, kAesKeySize);
  return true;
}

int Cipher(void* ctx, int mode, const unsigned char* key, int key_size,
           const unsigned char* iv, const unsigned char* in, int in_size,
           unsigned char* out) {
  auto* contexts = static_cast<Contexts*>(ctx);
  if (contexts == nullptr || key_size != kAesKeySize ||
      (mode != 0 && mode != 1) || in_size % kAesBlockSize != 0) {
    return SQLITE_ERROR;
  }
  int written = 0;
  int rest = 0;
  if (!StartCipher(contexts, mode, key, iv) ||
      EVP_CipherUpdate(contexts->ciphers[mode], out, &written, in, in_size) !=
          1 ||
      EVP_CipherFinal_ex(contexts->ciphers[mode], out + written, &rest) != 1 ||
      written + rest != in_size) {
    contexts->cipher_keys[mode].Forget();
    return SQLITE_ERROR;
  }
  return SQLITE_OK;
}

bool StartMac(Contexts* contexts, int algorithm, const unsigned char* key,
              int key_size) {
  EVP_MAC_CTX*& context = contexts->macs[algorithm];
  HeldKey& held = contexts->mac_keys[algorithm];
  if (context == nullptr) {
    context = EVP_MAC_CTX_new(GetAlgorithms().hmac);
    if (context == nullptr) return false;
    const OSSL_PARAM digest[] = {
        OSSL_PARAM_construct_utf8_string(
            OSSL_MAC_PARAM_DIGEST, const_cast<char*>(kDigestNames[algorithm]),
            0),
        OSSL_PARAM_construct_end()};
    if (EVP_MAC_CTX_set_params(context, digest) != 1) return false;
  }
  if (held.Is(key, key_size)) {
    return EVP_MAC_init(context, nullptr, 0, nullptr) == 1;
  }
  held.Forget();
  if (EVP_MAC_init(context, key, key_size, nullptr) != 1) return false;
  held.Hold(key, key_size);
  return true;
}

int Hmac(void* ctx, int algorithm, const unsigned char* key, int key_size,
         const unsigned char* in, int in_size, const unsigned char* in2,
         int in2_size, unsigned char* out) {
  auto* contexts = static_cast<Contexts*>(ctx);
  if (contexts == nullptr || !IsDigest(algorithm) || in == nullptr ||
      key_size <= 0 || key_size > kMaxHmacKeySize) {
    return SQLITE_ERROR;
  }
  size_t written = 0;
  const size_t size = EVP_MD_get_size(GetAlgorithms().digests[algorithm]);
  if (!StartMac(contexts, algorithm, key, key_size) ||
      EVP_MAC_update(contexts->macs[algorithm], in, in_size) != 1 ||
      (in2 != nullptr &&
       EVP_MAC_update(contexts->macs[algorithm], in2, in2_size) != 1) ||
      EVP_MAC_final(contexts->macs[algorithm], out, &written, size) != 1) {
    contexts->mac_keys[algorithm].Forget();
    return SQLITE_ERROR;
  }
  return SQLITE_OK;
}

int Kdf(void*, int algorithm, const unsigned char* pass, int pass_size,
        const unsigned char* salt, int salt_size, int rounds, int key_size,
        unsigned char* key) {
  if (!IsDigest(algorithm)) return SQLITE_ERROR;
  return PKCS5_PBKDF2_HMAC(
             reinterpret_cast<const char*>(pass), pass_size, salt, salt_size,
             rounds, GetAlgorithms().digests[algorithm], key_size, key) == 1
             ? SQLITE_OK
             : SQLITE_ERROR;
}

int Random(void*, void* buffer, int length) {
  return RAND_bytes(static_cast<unsigned char*>(buffer), length) == 1
             ? SQLITE_OK
             : SQLITE_ERROR;
}

int AddRandom(void*, const void* buffer, int length) {
  RAND_add(buffer, length, 0);
  return SQLITE_OK;
}

int MakeContexts(void** ctx) {
  *ctx = new (std::nothrow) Contexts();
  return *ctx == nullptr ? SQLITE_NOMEM : SQLITE_OK;
}

int FreeContexts(void** ctx) {
  delete static_cast<Contexts*>(*ctx);
  *ctx = nullptr;
  return SQLITE_OK;
}

int DigestSize(void*, int algorithm) {
  return IsDigest(algorithm)
             ? EVP_MD_get_size(GetAlgorithms().digests[algorithm])
             : 0;
}

void Fill(sqlcipher_provider* provider) {
  *provider = {};
  provider->get_provider_name = [](void*) { return "consentry"; };
  provider->get_provider_version = [](void*) {
    return OpenSSL_version(OPENSSL_VERSION);
  };
  provider->get_cipher = [](void*) { return "aes-256-cbc"; };
  provider->get_key_sz = [](void*) { return kAesKeySize; };
  provider->get_iv_sz = [](void*) { return kAesBlockSize; };
  provider->get_block_sz = [](void*) { return kAesBlockSize; };
  provider->get_hmac_sz = DigestSize;
  provider->fips_status = [](void*) { return 0; };
  provider->add_random = AddRandom;
  provider->random = Random;
  provider->hmac = Hmac;
  provider->kdf = Kdf;
  provider->cipher = Cipher;
  provider->ctx_init = MakeContexts;
  provider->ctx_free = FreeContexts;
}

struct Providers {
  absl::Status status;
  sqlcipher_provider* stock = nullptr;
  sqlcipher_provider* own = nullptr;
};

Providers Install() {
  Providers made;
  if (!GetAlgorithms().ok()) {
    made.status = absl::FailedPreconditionError(
        "OpenSSL does not offer AES-256-CBC and HMAC");
    return made;
  }
  if (sqlite3_initialize() != SQLITE_OK) {
    made.status = absl::InternalError("SQLite could not be initialised");
    return made;
  }
  made.stock = sqlcipher_get_provider();
  // SQLCipher frees its providers itself when the process ends.
  void* memory = sqlcipher_malloc(sizeof(sqlcipher_provider));
  if (memory == nullptr) {
    made.status = absl::InternalError("no memory for the cipher provider");
    return made;
  }
  made.own = new (memory) sqlcipher_provider;
  Fill(made.own);
  if (sqlcipher_register_provider(made.own) != SQLITE_OK) {
    made.status = absl::InternalError("the cipher provider was refused");
  }
  return made;
}

const Providers& GetProviders() {
  static const Providers* const providers = new Providers(Install());
  return *providers;
}

}  // namespace

absl::Status InstallCipherProvider() { return GetProviders().status; }

void UseStockCipherProviderForTest() {
  sqlcipher_register_provider(GetProviders().stock);
}

void UseOwnCipherProviderForTest() {
  sqlcipher_register_provider(GetProviders().own);
}

}  // namespace consentry::store

#else  // CONSENTRY_STOCK_CIPHER_PROVIDER

namespace consentry::store {

absl::Status InstallCipherProvider() {
  return sqlite3_initialize() == SQLITE_OK
             ? absl::OkStatus()
             : absl::InternalError("SQLite could not be initialised");
}
void UseStockCipherProviderForTest() {}
void UseOwnCipherProviderForTest() {}

}  // namespace consentry::store

#endif  // CONSENTRY_STOCK_CIPHER_PROVIDER
