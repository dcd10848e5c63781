#ifndef CONSENTRY_GATEWAY_CRYPTO_HARDENING_H_
#define CONSENTRY_GATEWAY_CRYPTO_HARDENING_H_

#include <cstdint>

namespace consentry::crypto {

// What HardenProcess achieved; `doctor` and health show it.
struct HardeningReport {
  bool core_dumps_off = false;    // RLIMIT_CORE is 0, hard limit too.
  bool not_dumpable = false;      // PR_SET_DUMPABLE 0: no ptrace by equals.
  bool memory_locking = false;    // A probe page could be locked.
  uint64_t lock_limit_bytes = 0;  // RLIMIT_MEMLOCK; UINT64_MAX: no limit.

  bool complete() const {
    return core_dumps_off && not_dumpable && memory_locking;
  }
};

// Switches core dumps and tracing off and tries whether memory can be locked.
// Call once, early in main, before secrets are read; after it a process that
// is not root can no longer read its own /proc/self/environ. Never fails:
// read the report. libsodium hands out unlocked memory without an error once
// the limit is reached, hence the probe and LockedSlab::locked().
HardeningReport HardenProcess();

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_HARDENING_H_
