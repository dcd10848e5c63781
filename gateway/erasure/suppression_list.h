#ifndef CONSENTRY_GATEWAY_ERASURE_SUPPRESSION_LIST_H_
#define CONSENTRY_GATEWAY_ERASURE_SUPPRESSION_LIST_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/erasure.pb.h"
#include "consentry/store/v1/subject.pb.h"
#include "gateway/crypto/blind_index.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/store/change.h"
#include "gateway/store/engine.h"
#include "gateway/vault/suppression.h"

namespace consentry::erasure {

// The rows of `suppressed`: a hash of an identifier under a suppression key,
// with what binds it. Used for nothing but holding rows back and applying
// prohibitions. Safe for many threads.
class SuppressionList final : public vault::Suppression {
 public:
  // `epochs` outlives the list. What is added is forgotten `months` after the
  // last addition; asked at each.
  SuppressionList(const crypto::EpochFile* epochs,
                  std::function<uint32_t()> months)
      : epochs_(epochs), months_(std::move(months)) {}

  absl::StatusOr<Look> Find(
      store::Connection* connection,
      const vault::NormalizedIdentifier& identifier) override;
  absl::StatusOr<bool> AreCurrent(store::Connection* connection,
                                  const std::vector<Seen>& seen) override;
  absl::Status Keep(store::ChangeContext& context,
                    const vault::NormalizedIdentifier& identifier,
                    const store::v1::StandingChoices& choices) override;

  // Hashes of all identifiers of a customer, under the newest key, without
  // opening one.
  absl::StatusOr<std::vector<crypto::SuppressionHash>> HashesOf(
      const crypto::SubjectKeys& keys,
      const store::v1::SubjectHead& head) const;

  // Holds rows with these identifiers back from now on. `choices` bind whoever
  // comes back. `erasure_id` names an erasure that may still be cancelled.
  // Returns when they are forgotten.
  absl::StatusOr<int64_t> Suppress(
      store::ChangeContext& context,
      std::span<const crypto::SuppressionHash> hashes, int64_t erasure_id,
      std::string_view ground, const store::v1::StandingChoices& choices) const;
  // The erasure was cancelled: only prohibitions stay.
  absl::Status Release(store::ChangeContext& context, int64_t erasure_id) const;
  // The erasure is done: nothing leads from the rows to it.
  absl::Status Settle(store::ChangeContext& context, int64_t erasure_id) const;

  // Removes up to `limit` rows whose time is over; how many.
  absl::StatusOr<int64_t> DropExpired(store::ChangeContext& context,
                                      int64_t limit) const;
  // Whether there is one to remove.
  absl::StatusOr<bool> AnyExpired(store::Connection* connection,
                                  int64_t now_us) const;

 private:
  struct Row {
    int64_t version = 0;
    int64_t erasure_id = 0;
    store::v1::Suppressed doc;
  };
  // version 0: there is none.
  absl::StatusOr<Row> Read(store::Connection* connection,
                           const crypto::SuppressionHash& hash) const;
  absl::Status Write(store::ChangeContext& context,
                     const crypto::SuppressionHash& hash, const Row& row) const;
  int64_t Until(int64_t now_us) const;
  absl::StatusOr<std::vector<crypto::SuppressionHash>> OfErasure(
      store::Connection* connection, int64_t erasure_id) const;

  const crypto::EpochFile* const epochs_;
  const std::function<uint32_t()> months_;
};

// Whatever the head prohibits and somebody who comes back is bound by:
// objections, opt-outs, withdrawals and refusals.
void AddStanding(const store::v1::SubjectHead& head,
                 store::v1::StandingChoices* choices);

}  // namespace consentry::erasure

#endif  // CONSENTRY_GATEWAY_ERASURE_SUPPRESSION_LIST_H_
