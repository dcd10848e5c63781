#include "gateway/erasure/suppression_list.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/crypto/opener.h"
#include "gateway/crypto/seal_context.h"
#include "gateway/crypto/system_seal.h"
#include "gateway/vault/head_codec.h"
#include "policy/engine/civil.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::erasure {
namespace {

using crypto::SuppressionHash;
using store::Query;

constexpr uint32_t kDocSchema = 1;

std::string_view AsBytes(const SuppressionHash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

crypto::SystemContext ContextOf(const SuppressionHash& hash) {
  uint64_t row = 0;
  for (size_t i = 0; i < sizeof(row); ++i) row = row << 8 | hash[i];
  return {.table = crypto::SystemTable::kSuppressed,
          .row = row,
          .field = {},
          .schema = kDocSchema,
          .row_generation = 0};
}

int64_t MonthOf(int64_t time_us) {
  return absl::ToCivilMonth(absl::FromUnixMicros(time_us),
                            absl::UTCTimeZone()) -
         absl::CivilMonth(1970, 1);
}

absl::Status Corrupt() {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a suppressed identifier does not verify");
}

void MergeChoices(const store::v1::StandingChoices& from,
                  store::v1::StandingChoices* to) {
  std::set<std::string> objections(to->objections().begin(),
                                   to->objections().end());
  objections.insert(from.objections().begin(), from.objections().end());
  to->mutable_objections()->Assign(objections.begin(), objections.end());
  std::set<int32_t> opt_outs(to->opt_outs().begin(), to->opt_outs().end());
  opt_outs.insert(from.opt_outs().begin(), from.opt_outs().end());
  to->mutable_opt_outs()->Assign(opt_outs.begin(), opt_outs.end());
  if (from.global_privacy_control()) to->set_global_privacy_control(true);
  for (const auto& refusal : from.refusals()) {
    auto* const all = to->mutable_refusals();
    const auto same =
        std::find_if(all->begin(), all->end(), [&](const auto& one) {
          return one.purpose() == refusal.purpose() &&
                 one.withdrawn() == refusal.withdrawn();
        });
    if (same == all->end()) {
      *to->add_refusals() = refusal;
    } else if (same->time_us() < refusal.time_us()) {
      *same = refusal;
    }
  }
}

}  // namespace

void AddStanding(const store::v1::SubjectHead& head,
                 store::v1::StandingChoices* choices) {
  store::v1::StandingChoices own;
  *own.mutable_objections() = head.objections();
  *own.mutable_opt_outs() = head.opt_outs();
  own.set_global_privacy_control(head.global_privacy_control());
  for (const store::v1::DerivedConsent& consent : head.consents()) {
    const bool withdrawn = consent.status() == v1::CONSENT_STATUS_WITHDRAWN;
    if (!withdrawn && consent.status() != v1::CONSENT_STATUS_REFUSED) continue;
    auto* refusal = own.add_refusals();
    refusal->set_purpose(consent.purpose());
    refusal->set_withdrawn(withdrawn);
    refusal->set_time_us(consent.since_us());
    refusal->set_client_id(consent.attested_by());
  }
  MergeChoices(own, choices);
}

int64_t SuppressionList::Until(int64_t now_us) const {
  return policy::AddMonths(now_us, months_());
}

absl::StatusOr<SuppressionList::Row> SuppressionList::Read(
    store::Connection* connection, const SuppressionHash& hash) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query, connection->Prepare("SELECT version, erasure_id, doc FROM "
                                       "suppressed WHERE hash = $1"));
  query.Bind(AsBytes(hash));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  Row row;
  if (!found) return row;
  row.version = query.Int64(0);
  row.erasure_id = query.Int64(1);
  const auto opened = crypto::SystemSeal::Open(*epochs_->keys(),
                                               ContextOf(hash), query.Blob(2));
  if (!opened.ok() ||
      !row.doc.ParseFromArray(opened->view().data(),
                              static_cast<int>(opened->size()))) {
    return Corrupt();
  }
  return row;
}

absl::Status SuppressionList::Write(store::ChangeContext& context,
                                    const SuppressionHash& hash,
                                    const Row& row) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string doc,
      crypto::SystemSeal::Seal(*epochs_->keys(), ContextOf(hash),
                               row.doc.SerializeAsString()));
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      context.connection()->Prepare(
          "INSERT INTO suppressed (hash, version, erasure_id, expires_month, "
          "doc) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hash) DO UPDATE SET "
          "version = excluded.version, erasure_id = excluded.erasure_id, "
          "expires_month = excluded.expires_month, doc = excluded.doc"));
  // Rounded up: not before the last day has passed.
  return query
      .Bind(AsBytes(hash), context.number(), row.erasure_id,
            MonthOf(row.doc.until_us()) + 1, doc)
      .Run();
}

absl::StatusOr<vault::Suppression::Look> SuppressionList::Find(
    store::Connection* connection,
    const vault::NormalizedIdentifier& identifier) {
  const std::shared_ptr<const crypto::EpochKeys> keys = epochs_->keys();
  Look look;
  for (const uint32_t number : keys->suppression_keys()) {
    CONSENTRY_ASSIGN_OR_RETURN(const SuppressionHash hash,
                               crypto::ComputeSuppressionHash(
                                   *keys, number, identifier.crypto_type,
                                   identifier.name_space, identifier.value));
    CONSENTRY_ASSIGN_OR_RETURN(const Row row, Read(connection, hash));
    look.seen.push_back({hash, row.version});
    if (row.version == 0) continue;
    look.erased = look.erased || row.doc.erased_us() != 0;
    look.erased_us = std::max(look.erased_us, row.doc.erased_us());
    MergeChoices(row.doc.choices(), &look.choices);
  }
  return look;
}

absl::StatusOr<bool> SuppressionList::AreCurrent(
    store::Connection* connection, const std::vector<Seen>& seen) {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection->Prepare("SELECT version FROM suppressed WHERE hash = $1"));
  for (const Seen& one : seen) {
    query.Bind(AsBytes(one.hash));
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    const int64_t version = found ? query.Int64(0) : 0;
    query.Reset();
    if (version != one.version) return false;
  }
  return true;
}

absl::Status SuppressionList::Keep(
    store::ChangeContext& context,
    const vault::NormalizedIdentifier& identifier,
    const store::v1::StandingChoices& choices) {
  const std::shared_ptr<const crypto::EpochKeys> keys = epochs_->keys();
  if (keys->suppression_keys().empty()) {
    return absl::InternalError("no suppression key");
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const SuppressionHash hash,
      crypto::ComputeSuppressionHash(*keys, keys->suppression_keys().front(),
                                     identifier.crypto_type,
                                     identifier.name_space, identifier.value));
  CONSENTRY_ASSIGN_OR_RETURN(Row row, Read(context.connection(), hash));
  MergeChoices(choices, row.doc.mutable_choices());
  row.doc.set_until_us(std::max(row.doc.until_us(), Until(context.now_us())));
  return Write(context, hash, row);
}

absl::StatusOr<std::vector<SuppressionHash>> SuppressionList::HashesOf(
    const crypto::SubjectKeys& keys, const store::v1::SubjectHead& head) const {
  const std::shared_ptr<const crypto::EpochKeys> epochs = epochs_->keys();
  if (epochs->suppression_keys().empty()) {
    return absl::InternalError("no suppression key");
  }
  std::vector<SuppressionHash> hashes;
  for (const store::v1::HeldIdentifier& held : head.identifiers()) {
    // Sealed with the first source that reports it.
    if (held.sealed().empty()) continue;
    crypto::IdentifierType type = crypto::IdentifierType::kCustom;
    switch (held.type()) {
      case v1::IDENTIFIER_TYPE_EMAIL:
        type = crypto::IdentifierType::kEmail;
        break;
      case v1::IDENTIFIER_TYPE_PHONE:
        type = crypto::IdentifierType::kPhone;
        break;
      case v1::IDENTIFIER_TYPE_EXTERNAL_ID:
        type = crypto::IdentifierType::kExternalId;
        break;
      default:
        break;
    }
    CONSENTRY_ASSIGN_OR_RETURN(
        const SuppressionHash hash,
        crypto::SealedIdentifierHasher::Hash(
            keys, vault::IdentifierContext(held.digest(), held.name_space()),
            held.sealed(), *epochs, epochs->suppression_keys().front(), type,
            held.name_space()));
    hashes.push_back(hash);
  }
  return hashes;
}

absl::StatusOr<int64_t> SuppressionList::Suppress(
    store::ChangeContext& context, std::span<const SuppressionHash> hashes,
    int64_t erasure_id, std::string_view ground,
    const store::v1::StandingChoices& choices) const {
  const int64_t until_us = Until(context.now_us());
  for (const SuppressionHash& hash : hashes) {
    CONSENTRY_ASSIGN_OR_RETURN(Row row, Read(context.connection(), hash));
    row.erasure_id = erasure_id;
    row.doc.set_erased_us(context.now_us());
    row.doc.set_ground(std::string(ground));
    row.doc.set_until_us(std::max(row.doc.until_us(), until_us));
    MergeChoices(choices, row.doc.mutable_choices());
    CONSENTRY_RETURN_IF_ERROR(Write(context, hash, row));
  }
  return until_us;
}

absl::StatusOr<std::vector<SuppressionHash>> SuppressionList::OfErasure(
    store::Connection* connection, int64_t erasure_id) const {
  std::vector<SuppressionHash> hashes;
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection->Prepare("SELECT hash FROM suppressed WHERE erasure_id = $1"));
  query.Bind(erasure_id);
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return hashes;
    SuppressionHash hash;
    const std::string_view bytes = query.Blob(0);
    if (bytes.size() != hash.size()) return Corrupt();
    std::copy(bytes.begin(), bytes.end(), hash.begin());
    hashes.push_back(hash);
  }
}

absl::Status SuppressionList::Release(store::ChangeContext& context,
                                      int64_t erasure_id) const {
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<SuppressionHash> hashes,
                             OfErasure(context.connection(), erasure_id));
  for (const SuppressionHash& hash : hashes) {
    CONSENTRY_ASSIGN_OR_RETURN(Row row, Read(context.connection(), hash));
    row.erasure_id = 0;
    row.doc.clear_erased_us();
    row.doc.clear_ground();
    if (!vault::IsEmpty(row.doc.choices())) {
      CONSENTRY_RETURN_IF_ERROR(Write(context, hash, row));
      continue;
    }
    CONSENTRY_ASSIGN_OR_RETURN(Query query,
                               context.connection()->Prepare(
                                   "DELETE FROM suppressed WHERE hash = $1"));
    CONSENTRY_RETURN_IF_ERROR(query.Bind(AsBytes(hash)).Run());
  }
  return absl::OkStatus();
}

absl::Status SuppressionList::Settle(store::ChangeContext& context,
                                     int64_t erasure_id) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      context.connection()->Prepare(
          "UPDATE suppressed SET erasure_id = 0 WHERE erasure_id = $1"));
  return query.Bind(erasure_id).Run();
}

absl::StatusOr<bool> SuppressionList::AnyExpired(store::Connection* connection,
                                                 int64_t now_us) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query, connection->Prepare("SELECT expires_month FROM suppressed "
                                       "WHERE expires_month <= $1 LIMIT 1"));
  query.Bind(MonthOf(now_us));
  return query.Step();
}

absl::StatusOr<int64_t> SuppressionList::DropExpired(
    store::ChangeContext& context, int64_t limit) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      context.connection()->Prepare(
          "DELETE FROM suppressed WHERE hash IN (SELECT hash FROM suppressed "
          "WHERE expires_month <= $1 AND erasure_id = 0 LIMIT $2)"));
  CONSENTRY_RETURN_IF_ERROR(query.Bind(MonthOf(context.now_us()), limit).Run());
  return context.connection()->Changes();
}

}  // namespace consentry::erasure
