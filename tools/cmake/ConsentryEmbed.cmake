# consentry_embed(OUT_VAR FUNCTION consentry::tools::EmbeddedProtos
#                 FILES name=path ...)
# Writes a source file that defines
#   absl::Span<const consentry::EmbeddedFile> FUNCTION()
# over the bytes of the files, in this order, and appends it to OUT_VAR for SRCS
# of a consentry_library. Declare the function in a header of your own; the type
# stands in proto/support/embedded.h.
function(consentry_embed out_var)
  cmake_parse_arguments(A "" "FUNCTION" "FILES" ${ARGN})
  string(REPLACE "::" "_" stem "${A_FUNCTION}")
  set(out "${CMAKE_CURRENT_BINARY_DIR}/${stem}.cc")
  set(depends "")
  foreach(entry IN LISTS A_FILES)
    string(REGEX REPLACE "^[^=]*=" "" path "${entry}")
    list(APPEND depends "${path}")
  endforeach()
  string(REPLACE ";" "|" files "${A_FILES}")
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DFUNCTION=${A_FUNCTION} "-DFILES=${files}"
            -P ${CMAKE_SOURCE_DIR}/tools/cmake/embed.cmake
    DEPENDS ${depends} ${CMAKE_SOURCE_DIR}/tools/cmake/embed.cmake
    VERBATIM)
  set(${out_var} ${${out_var}} ${out} PARENT_SCOPE)
endfunction()
