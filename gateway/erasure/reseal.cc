#include "gateway/erasure/reseal.h"

#include <sodium.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "gateway/crypto/opener.h"
#include "gateway/erasure/holds.h"
#include "gateway/vault/digest.h"
#include "gateway/vault/head_codec.h"
#include "gateway/vault/record_number.h"
#include "proto/support/status_macros.h"

namespace consentry::erasure {
namespace {

using store::Query;

uint64_t RandomNumber() {
  uint64_t number = 0;
  randombytes_buf(&number, sizeof(number));
  return number;
}

int Position(int64_t record_number) {
  return static_cast<int>(record_number >> vault::kRecordIndexBits &
                          vault::kMaxKindPosition);
}

// Whether anything of it is left.
absl::StatusOr<bool> ResealRecord(store::ChangeContext& context,
                                  const Member& member,
                                  const HeldRecord& record,
                                  const std::set<uint32_t>& fields,
                                  store::v1::ErasureJob* job) {
  const uint32_t generation = record.row_generation + 1;
  store::v1::RecordBlob blob;
  store::v1::RecordMeta meta;
  meta.set_collected_us(record.meta.collected_us());
  meta.set_updated_us(record.meta.updated_us());
  meta.set_purpose(record.meta.purpose());
  meta.set_source(record.meta.source());
  for (int i = 0; i < record.blob.fields_size(); ++i) {
    const store::v1::SealedField& field = record.blob.fields(i);
    if (fields.find(field.field()) == fields.end()) continue;
    const std::string& name = record.fields[static_cast<size_t>(i)];
    auto sealed = crypto::Resealer::Reseal(
        member.keys,
        vault::ValueContext(record.id, name, record.row_generation),
        vault::ValueContext(record.id, name, generation), field.sealed());
    if (!sealed.ok()) {
      job->add_failed(name);
      continue;
    }
    store::v1::SealedField* kept = blob.add_fields();
    kept->set_field(field.field());
    kept->set_sealed(*std::move(sealed));
    store::v1::FieldDigest* digest = meta.add_digests();
    digest->set_field(field.field());
    digest->set_digest(RandomNumber());
  }
  if (blob.fields().empty()) return false;
  CONSENTRY_ASSIGN_OR_RETURN(
      *blob.mutable_meta(),
      vault::SealMeta(member.keys, record.id, record.kind, generation, meta));
  // Its end is the erasure's to watch.
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query, context.connection()->Prepare(
                       "UPDATE records SET row_gen = $2, due_month = NULL, "
                       "fields = $3 WHERE record_no = $1"));
  CONSENTRY_RETURN_IF_ERROR(query
                                .Bind(record.number,
                                      static_cast<int64_t>(generation),
                                      blob.SerializeAsString())
                                .Run());
  return true;
}

}  // namespace

absl::Status ResealMember(store::ChangeContext& context, const Member& member,
                          const std::vector<uint64_t>& keeping,
                          store::v1::ErasureJob* job) {
  std::map<int64_t, std::set<uint32_t>> wanted;
  for (const store::v1::KeptRecord& kept : job->kept()) {
    wanted[kept.number()] = {kept.fields().begin(), kept.fields().end()};
  }
  store::v1::SubjectHead head;
  head.set_public_id(member.head.public_id());
  head.set_version(static_cast<uint64_t>(context.number()));
  head.set_restricted(true);
  head.set_erasing(true);
  std::string key(vault::kDigestKeyBytes, '\0');
  randombytes_buf(key.data(), key.size());
  head.set_digest_key(key);
  for (const uint64_t other : keeping) {
    if (other != member.subject()) {
      head.add_links(static_cast<int64_t>(other));
    }
  }
  // Positions of kinds are part of the numbers of records.
  for (const store::v1::KindCount& kind : member.head.kinds()) {
    head.add_kinds()->set_numbered(kind.numbered());
  }
  for (const HeldRecord& record : member.records) {
    const auto fields = wanted.find(record.number);
    if (fields == wanted.end()) continue;
    CONSENTRY_ASSIGN_OR_RETURN(
        const bool left,
        ResealRecord(context, member, record, fields->second, job));
    if (!left) continue;
    store::v1::KindCount* kind = head.mutable_kinds(Position(record.number));
    kind->set_kind(record.kind);
    kind->set_count(kind->count() + 1);
  }
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<Hold> holds,
                             HoldsOn(context.connection(), member.keys));
  for (const Hold& hold : holds) {
    head.set_legal_hold(true);
    CONSENTRY_RETURN_IF_ERROR(WriteHold(context, member.keys, hold));
  }
  CONSENTRY_ASSIGN_OR_RETURN(const std::string sealed,
                             vault::SealHead(member.keys, head));
  CONSENTRY_RETURN_IF_ERROR(
      vault::OpenHead(member.keys, context.number(), sealed).status());
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query, context.connection()->Prepare(
                       "UPDATE subjects SET version = $2, key_gen = $3, "
                       "head = $4, due_month = NULL WHERE subject = $1"));
  return query
      .Bind(static_cast<int64_t>(member.subject()), context.number(),
            static_cast<int64_t>(member.keys.data_generation()), sealed)
      .Run();
}

}  // namespace consentry::erasure
