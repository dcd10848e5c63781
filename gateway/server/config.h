#ifndef CONSENTRY_GATEWAY_SERVER_CONFIG_H_
#define CONSENTRY_GATEWAY_SERVER_CONFIG_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/config/v1/gateway.pb.h"
#include "proto/support/error.h"
#include "proto/support/text_proto.h"

namespace consentry::server {

// The name of the configuration file in the folder that `init` makes.
inline constexpr std::string_view kConfigFileName = "consentry.txtpb";

struct Address {
  std::string host;  // Without brackets.
  int port = 0;
  bool loopback = false;

  // "127.0.0.1:50051", "[::1]:50051".
  std::string ToString() const;
};
// InvalidArgument for anything but a numeric IP address or "localhost", a colon
// and a port.
absl::StatusOr<Address> ParseAddress(std::string_view text);

// A configuration with defaults filled in and paths made absolute.
struct Config {
  std::string file;
  config::v1::GatewayConfig message;
  Address listen;

  // In storage.data_directory.
  std::string DataFile(std::string_view name) const;
};

// Reads and checks a configuration file, or the one in a folder. Everything
// wrong with its content is told at once, with file, line, column and field;
// what it points to is not looked at. `known_packs`: ids of the legal packs.
absl::StatusOr<Config> LoadConfig(const std::string& path,
                                  const std::vector<std::string>& known_packs);
absl::StatusOr<Config> ParseConfig(const std::string& file,
                                   std::string_view text,
                                   const std::vector<std::string>& known_packs);

// What the gateway refuses to start on although the file is well-formed: keys
// that others can read, certificates that are missing, expired, for another
// use or without their key, authorities that are none or far too many, a data
// directory that others can read. Each fault names the setting and what to do;
// none: all is well.
std::vector<FieldViolation> CheckFiles(const Config& config, int64_t now_us);

// CheckFiles as one error with places in the file.
absl::Status RefuseUnsafe(const Config& config, int64_t now_us);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_CONFIG_H_
