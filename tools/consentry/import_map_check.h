#ifndef CONSENTRY_TOOLS_CONSENTRY_IMPORT_MAP_CHECK_H_
#define CONSENTRY_TOOLS_CONSENTRY_IMPORT_MAP_CHECK_H_

#include <string>
#include <vector>

#include "consentry/config/v1/import_map.pb.h"
#include "proto/support/error.h"

namespace consentry::tools {

// Every fault of an import map: by itself, and against the columns of a file
// when `header` is given. Whether kinds, fields and purposes exist is the
// gateway's to say. Pure.
std::vector<FieldViolation> CheckImportMap(
    const config::v1::ImportMap& map, const std::vector<std::string>* header);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_IMPORT_MAP_CHECK_H_
