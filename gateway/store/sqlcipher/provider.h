#ifndef CONSENTRY_GATEWAY_STORE_SQLCIPHER_PROVIDER_H_
#define CONSENTRY_GATEWAY_STORE_SQLCIPHER_PROVIDER_H_

#include "absl/status/status.h"

// Where SQLCipher gets its cryptography from. The stock provider looks its
// algorithms up by name and makes new OpenSSL contexts for every page; ours
// keeps keyed contexts for each connection, wiped when it closes. The files are
// the same: AES-256-CBC, HMAC-SHA1/256/512, PBKDF2.
namespace consentry::store {

// Makes SQLite ready and this provider the one of every connection opened from
// now on. Safe for many threads; cheap after the first call. Does nothing where
// an installed SQLCipher is used.
absl::Status InstallCipherProvider();

// The provider of connections opened from now on; tests set both side by side.
void UseStockCipherProviderForTest();
void UseOwnCipherProviderForTest();

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_SQLCIPHER_PROVIDER_H_
