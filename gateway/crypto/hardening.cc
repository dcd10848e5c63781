#include "gateway/crypto/hardening.h"

#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdint>
#include <vector>

#include "gateway/crypto/secret.h"

namespace consentry::crypto {

HardeningReport HardenProcess() {
  EnsureSodium();
  HardeningReport report;
  const rlimit no_core{0, 0};
  report.core_dumps_off = setrlimit(RLIMIT_CORE, &no_core) == 0;
  report.not_dumpable = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;

  rlimit lock{};
  if (getrlimit(RLIMIT_MEMLOCK, &lock) == 0) {
    report.lock_limit_bytes =
        lock.rlim_cur == RLIM_INFINITY ? UINT64_MAX : lock.rlim_cur;
  }
  std::vector<uint8_t> probe(4096);
  report.memory_locking = sodium_mlock(probe.data(), probe.size()) == 0;
  if (report.memory_locking) sodium_munlock(probe.data(), probe.size());
  return report;
}

}  // namespace consentry::crypto
