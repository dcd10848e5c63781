#ifndef CONSENTRY_POLICY_CONDUCT_RULEBOOK_H_
#define CONSENTRY_POLICY_CONDUCT_RULEBOOK_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/config/v1/conduct_policy.pb.h"
#include "policy/engine/text_config.h"

namespace consentry::conduct {

using PolicyFile = policy::Located<config::v1::ConductPolicy>;

// The rules by which outputs are judged. Immutable; any thread.
class Rulebook {
 public:
  struct Options {
    // The owner's own files, beside those that the program brings along.
    std::vector<PolicyFile> own;
    // IANA name: the clock of customers of whom no place is known.
    std::string default_time_zone = "UTC";
  };

  // Refuses with CONFIG_INVALID and every fault found in the owner's files, and
  // where this computer does not know the clocks of the world (package tzdata).
  static absl::StatusOr<std::unique_ptr<Rulebook>> Create(Options options);
  // What the program brings along, alone, in UTC.
  static const Rulebook& Shipped();

  ~Rulebook();
  Rulebook(const Rulebook&) = delete;
  Rulebook& operator=(const Rulebook&) = delete;

  // Everything that is loaded; for the judges and for those who show it.
  struct Tables;
  const Tables& tables() const { return *tables_; }

 private:
  explicit Rulebook(std::unique_ptr<Tables> tables);

  std::unique_ptr<Tables> tables_;
};

// The file that the program brings along, parsed.
absl::StatusOr<PolicyFile> ShippedPolicy();

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_RULEBOOK_H_
