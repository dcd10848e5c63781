# Pinned source packages, fetched into the build folder and never committed.

function(consentry_fetch package version sha256 directory)
  execute_process(
    COMMAND ${CMAKE_SOURCE_DIR}/tools/fetch ${package} ${version} ${sha256} ${directory}
    RESULT_VARIABLE result)
  if(result)
    message(FATAL_ERROR "could not fetch ${package} ${version}; see above")
  endif()
endfunction()

# google/rpc/{status,error_details}.proto, which no Debian package ships.
set(CONSENTRY_FETCHED_PROTO_ROOT "${CMAKE_BINARY_DIR}/fetched/google-proto-files")
consentry_fetch(google-proto-files 5.0.3
  73a90e656be2ef3ba03fabc82bbb3b5213d29bd4ceb41e25364250d25606200c
  "${CONSENTRY_FETCHED_PROTO_ROOT}")

# SQLCipher 4.14.0 on SQLite 3.51.3: Debian's own package is ten years behind
# and carries a WAL corruption bug.
option(CONSENTRY_SYSTEM_SQLCIPHER "Use an installed SQLCipher (4.14 or newer)" OFF)
if(NOT CONSENTRY_SYSTEM_SQLCIPHER)
  set(CONSENTRY_SQLCIPHER_ROOT "${CMAKE_BINARY_DIR}/fetched/sqlcipher")
  consentry_fetch(@journeyapps/sqlcipher 6.0.0
    ad3ee0e551de315b230db78e2294d41868b5c166d44c0c87da35fb6b87bde54c
    "${CONSENTRY_SQLCIPHER_ROOT}")
endif()
