#ifndef CONSENTRY_PROTO_SUPPORT_EMBEDDED_H_
#define CONSENTRY_PROTO_SUPPORT_EMBEDDED_H_

#include <string_view>

namespace consentry {

// A file that was put into the program when it was built (consentry_embed in
// tools/cmake/ConsentryEmbed.cmake). Lives as long as the program.
struct EmbeddedFile {
  // Relative, with slashes: "consentry/v1/common.proto".
  std::string_view name;
  std::string_view content;
};

}  // namespace consentry

#endif  // CONSENTRY_PROTO_SUPPORT_EMBEDDED_H_
