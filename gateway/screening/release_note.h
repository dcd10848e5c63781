#ifndef CONSENTRY_GATEWAY_SCREENING_RELEASE_NOTE_H_
#define CONSENTRY_GATEWAY_SCREENING_RELEASE_NOTE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/log/note.h"
#include "audit/log/signer.h"
#include "consentry/v1/common.pb.h"
#include "consentry/v1/screening_service.pb.h"

// Releases as FORMAT.md lays them down: the digest of an output, and the signed
// note by which a front end knows that it may deliver it. Pure; any thread.
namespace consentry::screening {

// The bytes over which the digest of an output is taken.
std::string CanonicalOutput(const v1::Output& output);
// SHA-256 of them. 32 bytes.
std::string OutputDigest(const v1::Output& output);

// What a release says.
struct ReleaseTerms {
  // 32 bytes.
  std::string digest;
  // The caller's pseudonym of the customer.
  std::string pseudonym;
  v1::Channel channel = v1::CHANNEL_UNSPECIFIED;
  // Whole seconds since the epoch.
  int64_t expire_s = 0;

  friend bool operator==(const ReleaseTerms&, const ReleaseTerms&) = default;
};

// The name of the key that signs the releases of a gateway: that of its log,
// and "/release".
std::string ReleaseKeyName(std::string_view log_origin);

// Fails where the signer does.
absl::StatusOr<v1::Release> SignRelease(const audit::Signer& signer,
                                        const ReleaseTerms& terms);

// What a note says, if `key` signed it. InvalidArgument for anything else than
// a release; PermissionDenied for one that another key signed, or none.
absl::StatusOr<ReleaseTerms> ReadRelease(const audit::NoteVerifier& key,
                                         std::string_view note);

// Whether `note` lets `output` go to `pseudonym` by `channel` at `now_s`, so
// far as one can tell without the list of revoked releases. Errors as those of
// ReadRelease; FailedPrecondition, naming what does not agree: "the output",
// "the customer", "the channel", "the time".
absl::Status CheckRelease(const audit::NoteVerifier& key, std::string_view note,
                          const v1::Output& output, std::string_view pseudonym,
                          v1::Channel channel, int64_t now_s);

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_RELEASE_NOTE_H_
