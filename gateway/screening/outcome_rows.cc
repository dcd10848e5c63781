#include "gateway/screening/outcome_rows.h"

#include <algorithm>
#include <utility>

#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "gateway/crypto/system_seal.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::screening {
namespace {

constexpr uint32_t kSchema = 1;
constexpr uint32_t kGeneration = 1;
// Outcomes of one output that are shown, and joined at once.
constexpr int64_t kMaxOutcomes = 256;

// The key is 32 bytes of a keyed hash and names the row: as the field of the
// seal, since a row id has 15.
crypto::FactContext FactOf(std::string_view outcome_key) {
  return {crypto::FactTable::kOutcome, uint64_t{0}, outcome_key, kSchema,
          kGeneration};
}
crypto::SystemContext SystemOf(std::string_view outcome_key) {
  return {crypto::SystemTable::kOutcome, uint64_t{0}, outcome_key, kSchema,
          kGeneration};
}

}  // namespace

absl::StatusOr<std::string> OutcomeRows::Seal(
    const std::string& outcome_key, const crypto::SubjectKeys* keys,
    const store::v1::OutcomeDoc& doc) const {
  const std::string bytes = doc.SerializeAsString();
  if (keys == nullptr) {
    return crypto::SystemSeal::Seal(*epochs_->keys(), SystemOf(outcome_key),
                                    bytes);
  }
  return crypto::Sealer::Seal(*keys, FactOf(outcome_key), bytes);
}

absl::StatusOr<store::v1::OutcomeDoc> OutcomeRows::Open(
    std::string_view outcome_key, const crypto::SubjectKeys* keys,
    std::string_view sealed) const {
  const auto opened =
      keys == nullptr
          ? crypto::SystemSeal::Open(*epochs_->keys(), SystemOf(outcome_key),
                                     sealed)
          : crypto::FactOpener::Open(*keys, FactOf(outcome_key), sealed);
  store::v1::OutcomeDoc doc;
  if (!opened.ok() || !doc.ParseFromArray(opened->view().data(),
                                          static_cast<int>(opened->size()))) {
    return CorruptScreening();
  }
  return doc;
}

absl::StatusOr<bool> OutcomeRows::Add(store::Connection* connection,
                                      const std::string& output_key,
                                      int64_t screening_no,
                                      const crypto::SubjectKeys* keys,
                                      const v1::Outcome& outcome,
                                      std::string_view client_id,
                                      int64_t now_us) const {
  const std::string outcome_key = keys_->Outcome(output_key, outcome);
  store::v1::OutcomeDoc doc;
  doc.set_kind(outcome.kind());
  doc.set_value(outcome.value());
  doc.set_minor_units(outcome.money().minor_units());
  doc.set_currency(outcome.money().currency());
  doc.set_time_us(MicrosOf(outcome.time()));
  doc.set_received_us(now_us);
  doc.set_client_id(std::string(client_id));
  CONSENTRY_ASSIGN_OR_RETURN(const std::string sealed,
                             Seal(outcome_key, keys, doc));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "INSERT INTO screening_outcomes (outcome_key, output_key, "
          "screening_no, subject, hour, doc) VALUES ($1, $2, $3, $4, $5, $6) "
          "ON CONFLICT (outcome_key) DO NOTHING"));
  query.Bind(
      outcome_key, output_key, screening_no,
      keys == nullptr ? int64_t{0} : static_cast<int64_t>(keys->subject()),
      now_us / kUsPerHour, sealed);
  CONSENTRY_RETURN_IF_ERROR(query.Run());
  return connection->Changes() > 0;
}

absl::StatusOr<std::vector<store::v1::OutcomeDoc>> OutcomeRows::Join(
    store::Connection* connection, const std::string& output_key,
    int64_t screening_no, const crypto::SubjectKeys* keys) const {
  struct Early {
    std::string key;
    std::string sealed;
  };
  std::vector<Early> early;
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        connection->Prepare("SELECT outcome_key, doc FROM screening_outcomes "
                            "WHERE output_key = $1 AND screening_no = 0 "
                            "LIMIT $2"));
    query.Bind(output_key, kMaxOutcomes);
    for (;;) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
      if (!more) break;
      early.push_back({std::string(query.Blob(0)), std::string(query.Blob(1))});
    }
  }
  std::vector<store::v1::OutcomeDoc> joined;
  for (const Early& row : early) {
    CONSENTRY_ASSIGN_OR_RETURN(const store::v1::OutcomeDoc doc,
                               Open(row.key, nullptr, row.sealed));
    CONSENTRY_ASSIGN_OR_RETURN(const std::string sealed,
                               Seal(row.key, keys, doc));
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        connection->Prepare("UPDATE screening_outcomes SET screening_no = $2, "
                            "subject = $3, doc = $4 WHERE outcome_key = $1"));
    query.Bind(
        row.key, screening_no,
        keys == nullptr ? int64_t{0} : static_cast<int64_t>(keys->subject()),
        sealed);
    CONSENTRY_RETURN_IF_ERROR(query.Run());
    joined.push_back(doc);
  }
  return joined;
}

absl::StatusOr<std::vector<v1::Outcome>> OutcomeRows::List(
    store::Connection* connection, const std::string& output_key,
    const crypto::SubjectKeys* keys) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("SELECT outcome_key, doc FROM screening_outcomes "
                          "WHERE output_key = $1 AND screening_no > 0 "
                          "LIMIT $2"));
  query.Bind(output_key, kMaxOutcomes);
  std::vector<v1::Outcome> outcomes;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) break;
    CONSENTRY_ASSIGN_OR_RETURN(const auto doc,
                               Open(query.Blob(0), keys, query.Blob(1)));
    v1::Outcome& outcome = outcomes.emplace_back();
    outcome.set_kind(static_cast<v1::OutcomeKind>(doc.kind()));
    outcome.set_value(doc.value());
    if (!doc.currency().empty()) {
      outcome.mutable_money()->set_currency(doc.currency());
      outcome.mutable_money()->set_minor_units(doc.minor_units());
    }
    SetTime(doc.time_us(), outcome.mutable_time());
  }
  std::stable_sort(outcomes.begin(), outcomes.end(),
                   [](const v1::Outcome& a, const v1::Outcome& b) {
                     return MicrosOf(a.time()) < MicrosOf(b.time());
                   });
  return outcomes;
}

absl::StatusOr<int64_t> OutcomeRows::Drop(store::Connection* connection,
                                          int64_t hour, bool unjoined,
                                          int64_t limit) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "DELETE FROM screening_outcomes WHERE outcome_key IN (SELECT "
          "outcome_key FROM screening_outcomes WHERE hour < $1 AND ($2 = 0 OR "
          "screening_no = 0) LIMIT $3)"));
  query.Bind(hour, unjoined ? 1 : 0, limit);
  CONSENTRY_RETURN_IF_ERROR(query.Run());
  return connection->Changes();
}

}  // namespace consentry::screening
