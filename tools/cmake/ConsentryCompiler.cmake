# Language level, warnings, sanitizers, ccache.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# Release keeps asserts: a gateway that goes on after a broken invariant is
# worse than one that stops.
set(CMAKE_C_FLAGS_RELEASE "-O2")
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_C_FLAGS_SANITIZE "-O1 -g1 -fno-omit-frame-pointer")
set(CMAKE_CXX_FLAGS_SANITIZE "-O1 -g1 -fno-omit-frame-pointer")

find_program(CCACHE ccache)
if(CCACHE)
  # Paths relative to the checkout, so that two checkouts share one cache.
  set(CMAKE_C_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      CCACHE_NOHASHDIR=1 ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()

add_library(consentry_warnings INTERFACE)
target_compile_options(consentry_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)

# Hardening that costs next to nothing.
add_compile_options(-fstack-protector-strong)
if(NOT CONSENTRY_SANITIZE AND NOT CONSENTRY_FUZZ)
  add_compile_options("$<$<CONFIG:Release>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
endif()
add_link_options(-Wl,-z,relro,-z,now)

if(CONSENTRY_SANITIZE)
  add_compile_options(-fsanitize=${CONSENTRY_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CONSENTRY_SANITIZE})
  if(CONSENTRY_SANITIZE MATCHES "undefined")
    # Packaged libraries carry no type information for our instantiations.
    add_compile_options(-fno-sanitize=vptr)
  endif()
  if(CONSENTRY_SANITIZE MATCHES "thread")
    # Protobuf's headers lay map fields out differently where this is defined,
    # and the packaged library was built without. The C++ library alone is told.
    add_compile_options(-U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
  endif()
endif()
if(CONSENTRY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=vptr
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()
