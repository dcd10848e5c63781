#ifndef CONSENTRY_GATEWAY_DELIVERY_RECIPIENTS_H_
#define CONSENTRY_GATEWAY_DELIVERY_RECIPIENTS_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/clients/caller_context.h"
#include "gateway/clients/configuration.h"
#include "gateway/store/reader_pool.h"
#include "gateway/trail/trail_index.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::delivery {

// What one registration had to do with one customer.
struct Recipient {
  std::string client_id;
  // The member of a joined group that it knows her as.
  uint64_t subject = 0;
  // Purposes under which it received or wrote something of her, or reported or
  // asked for her choice.
  std::set<std::string, std::less<>> purposes;
  // Fields that it received.
  std::set<std::string, std::less<>> fields;
  // It wrote records of her.
  bool wrote = false;
};

// Knows from the audit trail and from the sources of records who received or
// wrote a customer's data (GDPR Art. 19). Safe for many threads; reads the log:
// not on threads that answer calls.
class Recipients {
 public:
  struct Options {
    // All outlive the object.
    clients::ConfigurationSource configuration;
    trail::TrailIndex* trail = nullptr;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    // Entries of the audit log.
    std::function<uint64_t()> log_size;
  };
  explicit Recipients(Options options) : options_(std::move(options)) {}

  // Registrations that received or wrote something of `subject` or of one
  // joined with her, by entries below `below` of the log, sorted by id and
  // subject. Revoked ones too: what they hold they still hold.
  //
  // For an erasure call it before anything is destroyed: afterwards no entry
  // leads to her any more. Waits up to a second until the trail has entries
  // below `below`, and fails with Unavailable where it has not.
  absl::StatusOr<std::vector<Recipient>> Of(uint64_t subject,
                                            uint64_t below) const;
  // By all entries so far.
  absl::StatusOr<std::vector<Recipient>> Of(uint64_t subject) const;

 private:
  absl::Status AddFromTrail(uint64_t subject, uint64_t below,
                            std::vector<Recipient>* found) const;

  const Options options_;
};

// Joins what is known of one client about one subject.
Recipient* FindOrAdd(std::string_view client_id, uint64_t subject,
                     std::vector<Recipient>* recipients);

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_RECIPIENTS_H_
