#ifndef CONSENTRY_GATEWAY_SERVER_CONFIG_TEXT_H_
#define CONSENTRY_GATEWAY_SERVER_CONFIG_TEXT_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/server/initialise.h"

// Texts that `init` writes. Pure.
namespace consentry::server {

// A string as protobuf text: in quotes, everything unusual escaped.
std::string Quote(std::string_view text);

// consentry.txtpb, every setting commented.
std::string ConfigText(const InitialiseOptions& options,
                       std::string_view log_origin);

// The owner's own pack without a rule, with what it is for.
std::string OwnerPackText();

// `catalog` with these sources instead of its own; with its own when there are
// none. Sources that it has keep what it says about them but the priority.
std::string WithSources(std::string_view catalog,
                        const std::vector<SourceChoice>& sources);

// `purposes` without those that `keep` refuses.
std::string WithPurposes(std::string_view purposes,
                         const std::function<bool(std::string_view)>& keep);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_CONFIG_TEXT_H_
