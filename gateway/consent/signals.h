#ifndef CONSENTRY_GATEWAY_CONSENT_SIGNALS_H_
#define CONSENTRY_GATEWAY_CONSENT_SIGNALS_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/consent.pb.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/clients/caller_context.h"
#include "gateway/clients/configuration.h"
#include "gateway/consent/ledger_changes.h"
#include "gateway/vault/head_edit.h"
#include "policy/signals/meaning.h"
#include "proto/support/mutex.h"

namespace consentry::consent {

// The notice that a consent by TCF was given on, as bases and registrations
// name it; its version is that of the vendor list.
inline constexpr char kTcfNotice[] = "iab-tcf";

// One signal as it came, and what it comes to.
struct ReceivedSignal {
  // "tcf", "gpp", "uspv1" or "gpc".
  std::string format;
  // The whole string.
  std::string text;
  signals::Meaning meaning;
  // When the customer chose, as far as the string tells (TCF: the day it was
  // last updated); 0: it does not.
  int64_t chosen_from_us = 0;
  int64_t chosen_until_us = 0;
  std::string language;
};

// The signals of a request, decoded strictly: the one in its oneof, and "gpc"
// where the call's metadata says so. FIELD_INVALID, with fault and place of
// what is refused and nothing of the string; for a Sec-GPC value that is not
// exactly "1"; and where there is no signal at all.
absl::StatusOr<std::vector<ReceivedSignal>> ReadSignals(
    const v1::RecordSignalRequest& request, bool gpc_in_metadata);

// What signals say to the purposes of the registry.
struct SignalPlan {
  std::vector<ReceivedSignal> signals;
  // Refused whatever the registration may report.
  std::vector<std::string> refused;
  struct Grant {
    std::string purpose;
    // Calendar months until the consent ends.
    uint32_t months = 0;
  };
  // Consented to, and the registration may report consents to them on
  // kTcfNotice.
  std::vector<Grant> given;
  std::vector<int> opt_outs;  // v1::OptOutKind.
  bool global_privacy_control = false;
  // Something is taken away.
  bool negative() const {
    return !refused.empty() || !opt_outs.empty() || global_privacy_control;
  }
};
SignalPlan PlanOf(std::vector<ReceivedSignal> signals,
                  const clients::Configuration& configuration,
                  const clients::CallerContext& caller);

// Records privacy signals in the ledger: the whole string as evidence, then
// what follows from it.
//
// What a signal takes away needs no attestation, holds for every customer who
// has the identifier, and is in force when `done` is called. A consent that it
// reports is recorded for one customer alone, where the registration may report
// it, and re-opens nothing that was refused or withdrawn (policy/consent); it
// takes no place of a consent that stands on another ground. A signal that was
// recorded before, word for word, adds nothing. Whether it counts against a
// choice that is stored is for the rules of each regime.
//
// Errors: FIELD_INVALID, those of the committer. Unknown customers are answered
// like known ones. Safe for many threads; does not wait for the disk.
class Signals {
 public:
  explicit Signals(const LedgerOptions& options)
      : options_(options), changes_(options) {}

  void Record(const clients::CallerContext& caller,
              const v1::RecordSignalRequest& request,
              Done<v1::RecordSignalResponse> done) const;

  // The same for a Global Privacy Control signal that came with a customer's
  // own request, told by the read that served it. Nobody waits for it; one that
  // fails is told again by the next read.
  void NoteGpc(const clients::CallerContext& caller, uint64_t subject) const;

 private:
  absl::StatusOr<Edited> Apply(const clients::CallerContext& caller,
                               const SignalPlan& plan, int64_t capture_us,
                               v1::Channel channel,
                               store::ChangeContext* context,
                               vault::HeadEdit* head,
                               v1::RecordSignalResponse* response) const;

  const LedgerOptions options_;
  const LedgerChanges changes_;
  // Whose signal is on its way, so that a burst of reads records it once.
  mutable Mutex mu_;
  mutable std::set<uint64_t> noting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_SIGNALS_H_
