# Generated code, in targets of its own. All files have one import root, the
# folder proto/ (and the fetched root for google/rpc): the same file compiled
# under two roots clashes at start.

set(CONSENTRY_GEN_DIR "${CMAKE_BINARY_DIR}/gen")
file(MAKE_DIRECTORY "${CONSENTRY_GEN_DIR}")

function(_consentry_generate out_var root suffix options protos)
  set(generated "")
  foreach(proto IN LISTS protos)
    string(REGEX REPLACE "\\.proto$" "" stem "${proto}")
    string(REPLACE "/" "_" depfile "${stem}${suffix}.d")
    set(out "${CONSENTRY_GEN_DIR}/${stem}${suffix}.h" "${CONSENTRY_GEN_DIR}/${stem}${suffix}.cc")
    add_custom_command(
      OUTPUT ${out}
      COMMAND protobuf::protoc -I ${root} -I ${CMAKE_SOURCE_DIR}/proto
              -I ${CONSENTRY_FETCHED_PROTO_ROOT} ${options}
              --dependency_out=${CMAKE_CURRENT_BINARY_DIR}/${depfile} ${root}/${proto}
      DEPENDS ${root}/${proto} protobuf::protoc
      DEPFILE ${CMAKE_CURRENT_BINARY_DIR}/${depfile}
      VERBATIM)
    list(APPEND generated ${out})
  endforeach()
  set(${out_var} "${generated}" PARENT_SCOPE)
endfunction()

# consentry_proto(NAME PROTOS a.proto ... [ROOT dir] [DEPS consentry::other]): messages.
function(consentry_proto name)
  cmake_parse_arguments(A "" "ROOT" "PROTOS;DEPS" ${ARGN})
  if(NOT A_ROOT)
    set(A_ROOT "${CMAKE_SOURCE_DIR}/proto")
  endif()
  _consentry_generate(generated "${A_ROOT}" ".pb" "--cpp_out=${CONSENTRY_GEN_DIR}" "${A_PROTOS}")
  add_library(${name} STATIC ${generated})
  target_include_directories(${name} SYSTEM PUBLIC ${CONSENTRY_GEN_DIR})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf ${A_DEPS})
  target_compile_options(${name} PRIVATE -w)
  add_library(consentry::${name} ALIAS ${name})
endfunction()

# consentry_grpc(NAME PROTOS a_service.proto ... DEPS consentry::messages): stubs.
function(consentry_grpc name)
  cmake_parse_arguments(A "" "" "PROTOS;DEPS" ${ARGN})
  _consentry_generate(generated "${CMAKE_SOURCE_DIR}/proto" ".grpc.pb"
    "--grpc_out=${CONSENTRY_GEN_DIR};--plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>"
    "${A_PROTOS}")
  add_library(${name} STATIC ${generated})
  target_include_directories(${name} SYSTEM PUBLIC ${CONSENTRY_GEN_DIR})
  target_link_libraries(${name} PUBLIC ${A_DEPS} gRPC::grpc++)
  target_compile_options(${name} PRIVATE -w)
  add_library(consentry::${name} ALIAS ${name})
endfunction()
