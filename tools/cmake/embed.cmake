# Run by consentry_embed: OUT, FUNCTION, FILES (name=path|name=path).
string(REPLACE "|" ";" entries "${FILES}")
string(REGEX MATCH "^(.*)::([^:]+)$" _ "${FUNCTION}")
set(namespace "${CMAKE_MATCH_1}")
set(function "${CMAKE_MATCH_2}")
set(arrays "")
set(table "")
set(i 0)
foreach(entry IN LISTS entries)
  string(REGEX MATCH "^([^=]*)=(.*)$" _ "${entry}")
  set(name "${CMAKE_MATCH_1}")
  file(READ "${CMAKE_MATCH_2}" hex HEX)
  if(hex STREQUAL "")
    message(FATAL_ERROR "${CMAKE_MATCH_2} is empty")
  endif()
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "constexpr unsigned char k${i}[] = {\n${bytes}};\n")
  string(APPEND table
    "    {\"${name}\", {reinterpret_cast<const char*>(k${i}), sizeof(k${i})}},\n")
  math(EXPR i "${i} + 1")
endforeach()
file(WRITE "${OUT}"
"// Generated; do not edit.
#include \"absl/types/span.h\"
#include \"proto/support/embedded.h\"

namespace ${namespace} {
absl::Span<const consentry::EmbeddedFile> ${function}();

namespace {
${arrays}
}  // namespace

absl::Span<const consentry::EmbeddedFile> ${function}() {
  static const consentry::EmbeddedFile kFiles[] = {
${table}  };
  return kFiles;
}
}  // namespace ${namespace}
")
