#ifndef CONSENTRY_TOOLS_CONSENTRY_DRAFT_COMMAND_H_
#define CONSENTRY_TOOLS_CONSENTRY_DRAFT_COMMAND_H_

#include <string>

namespace consentry::tools {

// `consentry import --draft FILE.csv`: writes FILE.map.txtpb, and
// FILE.catalog.txtpb with the catalog entries that `folder`'s catalog lacks.
// Existing files are not replaced. Empty `source`: the one of the catalog whose
// key the file's name holds, else the most trusted one. The exit code.
int RunDraft(const std::string& folder, const std::string& file,
             const std::string& source);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_DRAFT_COMMAND_H_
