#ifndef CONSENTRY_TOOLS_CONSENTRY_KEY_PAIR_H_
#define CONSENTRY_TOOLS_CONSENTRY_KEY_PAIR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace consentry::tools {

// A new key of a caller (EC P-256), with what an authority needs to certify it.
// The key never leaves the machine on which this runs.
struct KeyPair {
  std::string key_pem;
  // PKCS #10, signed by the key.
  std::string signing_request_pem;
};
absl::StatusOr<KeyPair> MakeKeyPair(const std::string& common_name);

// A certificate that nobody vouches for: what a stranger would show.
absl::StatusOr<std::string> SelfSign(const KeyPair& pair,
                                     const std::string& common_name);

// When the first certificate of a PEM text ends. InvalidArgument.
absl::StatusOr<absl::Time> CertificateEnd(const std::string& pem);

// A new file of mode 0600. AlreadyExists.
absl::Status WritePrivate(const std::string& path, const std::string& content);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_KEY_PAIR_H_
