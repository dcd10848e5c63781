#ifndef CONSENTRY_GATEWAY_SERVER_DOCTOR_H_
#define CONSENTRY_GATEWAY_SERVER_DOCTOR_H_

#include <cstdint>
#include <string>
#include <vector>

namespace consentry::server {

enum class Health { kGood, kWarning, kFailure };

// One thing looked at. `text` says what was found and, where something is
// wrong, what to do.
struct Finding {
  Health health = Health::kGood;
  // "encryption", "keys", "certificates", ...
  std::string check;
  std::string text;
};

struct DoctorOptions {
  std::string config;
  // Keys beside the data are a warning and no failure.
  bool dev = false;
  int64_t now_us = 0;
};

// Looks at a gateway from outside, whether it runs or not: reads files, changes
// nothing, takes no lock.
//   configuration  loads, and what it points to is safe
//   keys           root key and epochs lie on another volume than the data;
//                  the recovery key was typed back
//   certificates   server, authorities and registered clients are not about to
//                  end
//   encryption     the raw bytes of every database file hold no header and no
//                  text that the store is known to hold, and look random
//   log            the whole log verifies with its public key
//   store          opens with the key and has a format that this program reads
//   backup         made, read back, and not too old; keys are not half rotated
//   sender         customers and staff can be written to
//   disk           below the high-water mark
//   clock          not behind the log, and synchronised
//   process        core dumps off, memory can be locked
std::vector<Finding> RunDoctor(const DoctorOptions& options);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_DOCTOR_H_
