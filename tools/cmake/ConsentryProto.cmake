# consentry_proto(NAME PROTOS a.proto ... [GRPC] [DEPS ...])
# Generated code in a target of its own. All files have one import root, the
# folder proto/ (and the fetched root for google/rpc): the same file compiled
# under two roots clashes at start.

set(CONSENTRY_GEN_DIR "${CMAKE_BINARY_DIR}/gen")
file(MAKE_DIRECTORY "${CONSENTRY_GEN_DIR}")

function(consentry_proto name)
  cmake_parse_arguments(A "GRPC" "ROOT" "PROTOS;DEPS" ${ARGN})
  if(NOT A_ROOT)
    set(A_ROOT "${CMAKE_SOURCE_DIR}/proto")
  endif()
  set(generated "")
  foreach(proto IN LISTS A_PROTOS)
    string(REGEX REPLACE "\\.proto$" "" stem "${proto}")
    set(out "${CONSENTRY_GEN_DIR}/${stem}.pb.h" "${CONSENTRY_GEN_DIR}/${stem}.pb.cc")
    set(grpc_args "")
    set(depends protobuf::protoc)
    if(A_GRPC)
      list(APPEND out "${CONSENTRY_GEN_DIR}/${stem}.grpc.pb.h"
                      "${CONSENTRY_GEN_DIR}/${stem}.grpc.pb.cc")
      set(grpc_args --grpc_out=${CONSENTRY_GEN_DIR}
          --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>)
    endif()
    string(REPLACE "/" "_" depfile "${stem}.d")
    add_custom_command(
      OUTPUT ${out}
      COMMAND protobuf::protoc -I ${A_ROOT} -I ${CMAKE_SOURCE_DIR}/proto
              -I ${CONSENTRY_FETCHED_PROTO_ROOT} --cpp_out=${CONSENTRY_GEN_DIR} ${grpc_args}
              --dependency_out=${CMAKE_CURRENT_BINARY_DIR}/${depfile} ${A_ROOT}/${proto}
      DEPENDS ${A_ROOT}/${proto} ${depends}
      DEPFILE ${CMAKE_CURRENT_BINARY_DIR}/${depfile}
      VERBATIM)
    list(APPEND generated ${out})
  endforeach()
  add_library(${name} STATIC ${generated})
  target_include_directories(${name} SYSTEM PUBLIC ${CONSENTRY_GEN_DIR})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf ${A_DEPS})
  if(A_GRPC)
    target_link_libraries(${name} PUBLIC gRPC::grpc++)
  endif()
  set_target_properties(${name} PROPERTIES CXX_CLANG_TIDY "")
  target_compile_options(${name} PRIVATE -w)
  add_library(consentry::${name} ALIAS ${name})
endfunction()
