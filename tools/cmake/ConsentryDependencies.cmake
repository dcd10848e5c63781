# What comes from the system. tools/quickstart installs all of it.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(Boost 1.74 REQUIRED)  # Boost.Math, headers alone.
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(RHONABWY REQUIRED IMPORTED_TARGET librhonabwy)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
# Outgoing mail, webhooks, keys of identity providers.
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.85)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
# Hostile Unicode in texts to customers.
pkg_check_modules(ICU REQUIRED IMPORTED_TARGET icu-uc icu-i18n)
pkg_check_modules(ZIP REQUIRED IMPORTED_TARGET libzip)
# Optional: a read allocates some hundred blocks that another thread frees, which
# costs glibc a fifth of a gateway's processor time more.
pkg_check_modules(JEMALLOC IMPORTED_TARGET jemalloc)
if(CONSENTRY_TESTS)
  find_package(GTest REQUIRED)
  find_package(rapidcheck CONFIG REQUIRED)
endif()
