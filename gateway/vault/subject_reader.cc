#include "gateway/vault/subject_reader.h"

#include <algorithm>
#include <set>
#include <utility>

#include "gateway/crypto/identifiers.h"
#include "gateway/vault/head_codec.h"
#include "gateway/vault/head_update.h"
#include "gateway/vault/record_number.h"
#include "gateway/vault/wipe.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::vault {
namespace {

using store::Connection;
using store::Query;
using store::v1::SubjectHead;

// Holders of one identifier that are looked at; a shared address may have
// more, and then leads nowhere.
constexpr int64_t kMaxHolders = 4096;

absl::Status BadReference(std::string_view field, std::string_view message) {
  absl::Status status =
      MakeError(v1::ERROR_REASON_FIELD_INVALID, "the subject is not named");
  AddFieldViolation(&status, {.field = std::string(field),
                              .description = std::string(message)});
  return status;
}

absl::Status NoSuchSubject() { return absl::NotFoundError("no such subject"); }

bool HoldsVerified(const SubjectHead& head, const LookupKey& key) {
  if (!key.identifier.has_value()) return false;
  const uint64_t digest = IdentifierDigest(head.digest_key(), *key.identifier);
  for (const store::v1::HeldIdentifier& held : head.identifiers()) {
    if (held.verified() && held.digest() == digest) return true;
  }
  return false;
}

// One number for all subjects that are joined with one another.
uint64_t GroupOf(uint64_t subject, const SubjectHead& head) {
  uint64_t lowest = subject;
  for (int64_t other : head.links()) {
    lowest = std::min(lowest, static_cast<uint64_t>(other));
  }
  return lowest;
}

}  // namespace

RecordSet::RecordSet(std::string_view of_kind, std::vector<StoredRecord> all)
    : kind(of_kind), records(std::move(all)), bytes(sizeof(RecordSet)) {
  constexpr size_t kPerRecord = 512;
  constexpr size_t kPerField = 128;
  for (const StoredRecord& record : records) {
    bytes += kPerRecord;
    for (const store::v1::SealedField& field : record.blob.fields()) {
      bytes += kPerField + field.sealed().size();
    }
  }
}

RecordSet::~RecordSet() {
  for (StoredRecord& record : records) {
    WipeString(record.meta.mutable_source_key());
    WipeString(record.meta.mutable_purpose());
    WipeString(record.meta.mutable_source());
  }
}

bool IsKnownBy(const SubjectHead& head, const LookupKey& key) {
  if (!key.identifier.has_value()) {
    const auto id = crypto::ParseId(crypto::IdKind::kSubject, head.public_id());
    return id.ok() && key.keys.size() == 1 && PublicIdKey(*id) == key.keys[0];
  }
  // An erasure that keeps something takes the names from the head first, and
  // only then their rows.
  if (head.erasing() && head.identifiers().empty()) return true;
  const uint64_t digest = IdentifierDigest(head.digest_key(), *key.identifier);
  return std::any_of(
      head.identifiers().begin(), head.identifiers().end(),
      [digest](const auto& held) { return held.digest() == digest; });
}

crypto::FieldContext FieldContextOf(const StoredRecord& record,
                                    std::string_view field_name) {
  return ValueContext(record.id, field_name, record.row_generation);
}

absl::StatusOr<LookupKey> SubjectReader::MakeKey(
    const v1::SubjectRef& ref) const {
  switch (ref.ref_case()) {
    case v1::SubjectRef::kId: {
      const absl::StatusOr<crypto::ObjectId> id =
          crypto::ParseId(crypto::IdKind::kSubject, ref.id());
      if (!id.ok()) return BadReference("id", "not the id of a subject");
      LookupKey key;
      key.keys.push_back(PublicIdKey(*id));
      return key;
    }
    case v1::SubjectRef::kIdentifier:
      return MakeKey(ref.identifier());
    case v1::SubjectRef::kPseudonym:
      return BadReference("pseudonym", "a pseudonym cannot be used here");
    case v1::SubjectRef::REF_NOT_SET:
      break;
  }
  return BadReference("ref", "one of id, identifier, pseudonym is required");
}

absl::StatusOr<LookupKey> SubjectReader::MakeKey(
    const v1::Identifier& identifier) const {
  absl::StatusOr<NormalizedIdentifier> normalized =
      NormalizeIdentifier(identifier, options_.home_country);
  if (!normalized.ok()) {
    return BadReference("identifier",
                        std::string(normalized.status().message()));
  }
  const std::shared_ptr<const crypto::EpochKeys> epochs =
      options_.epochs->keys();
  LookupKey key;
  for (uint32_t epoch : epochs->usable()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        crypto::BlindIndex index,
        crypto::ComputeBlindIndex(*epochs, epoch, normalized->crypto_type,
                                  normalized->name_space, normalized->value));
    key.keys.push_back(index);
  }
  key.identifier = *std::move(normalized);
  return key;
}

absl::StatusOr<std::vector<uint64_t>> SubjectReader::ResolveAll(
    Connection* connection, const LookupKey& key, int64_t most) const {
  std::vector<uint64_t> subjects;
  for (const crypto::BlindIndex& index : key.keys) {
    CONSENTRY_ASSIGN_OR_RETURN(
        Query query,
        connection->Prepare("SELECT subject FROM lookup WHERE key = $1 "
                            "ORDER BY subject LIMIT $2"));
    query.Bind(AsBytes(index), most);
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      subjects.push_back(static_cast<uint64_t>(query.Int64(0)));
    }
  }
  std::sort(subjects.begin(), subjects.end());
  subjects.erase(std::unique(subjects.begin(), subjects.end()), subjects.end());
  return subjects;
}

absl::StatusOr<std::optional<uint64_t>> SubjectReader::Resolve(
    Connection* connection, const LookupKey& key) const {
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<uint64_t> holders,
                             ResolveAll(connection, key, kMaxHolders));
  if (holders.empty()) return std::optional<uint64_t>();
  if (holders.size() == 1) return std::optional<uint64_t>(holders.front());
  // More than a family: a shared address, whoever claims to have verified it.
  if (holders.size() > kMaxGroup) return std::optional<uint64_t>();

  std::set<uint64_t> groups;
  std::set<uint64_t> verified_groups;
  uint64_t first = 0;
  uint64_t first_verified = 0;
  for (uint64_t subject : holders) {
    absl::StatusOr<std::shared_ptr<const CachedSubject>> head =
        ReadHead(connection, subject, HeadOptions());
    // A row of an erased subject that is still there names nobody.
    if (absl::IsNotFound(head.status())) continue;
    CONSENTRY_RETURN_IF_ERROR(head.status());
    const SubjectHead& facts = (*head)->head();
    const uint64_t group = GroupOf(subject, facts);
    if (groups.insert(group).second && first == 0) first = subject;
    if (HoldsVerified(facts, key) && verified_groups.insert(group).second &&
        first_verified == 0) {
      first_verified = subject;
    }
  }
  if (groups.size() == 1) return std::optional<uint64_t>(first);
  if (verified_groups.size() == 1) {
    return std::optional<uint64_t>(first_verified);
  }
  return std::optional<uint64_t>();
}

absl::StatusOr<crypto::SubjectKeys> SubjectReader::LoadKeys(
    uint64_t subject) const {
  absl::StatusOr<crypto::SubjectKeys> keys = options_.slots->Load(subject);
  if (absl::IsResourceExhausted(keys.status())) {
    // Cached keys give way to those that are needed now.
    options_.cache->Clear();
    keys = options_.slots->Load(subject);
  }
  if (keys.ok()) return keys;
  if (absl::IsNotFound(keys.status()) ||
      absl::IsFailedPrecondition(keys.status())) {
    return NoSuchSubject();
  }
  if (absl::IsDataLoss(keys.status())) {
    return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "a subject's keys do not verify");
  }
  return MakeError(v1::ERROR_REASON_KEY_UNAVAILABLE,
                   "a subject's keys cannot be read");
}

absl::StatusOr<std::shared_ptr<const CachedSubject>> SubjectReader::ReadHead(
    Connection* connection, uint64_t subject,
    const HeadOptions& options) const {
  if (!options.past_cache) {
    std::shared_ptr<const CachedSubject> cached = options_.cache->Find(subject);
    if (cached != nullptr) return cached;
  }
  const HeadCache::Moment before =
      options.began.has_value() ? *options.began : options_.cache->Now();
  auto entry = ReadStored(connection, subject, options.as_of_change);
  if (absl::IsNotFound(entry.status())) {
    // Between row and keys an erasure may have sealed it anew.
    entry = ReadStored(connection, subject, options.as_of_change);
  }
  if (entry.ok() && options.keep) options_.cache->Insert(before, *entry);
  return entry;
}

absl::StatusOr<std::shared_ptr<const CachedSubject>> SubjectReader::ReadStored(
    Connection* connection, uint64_t subject, int64_t as_of_change) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection->Prepare(
          "SELECT version, head FROM subjects WHERE subject = $1"));
  query.Bind(static_cast<int64_t>(subject));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return NoSuchSubject();

  CONSENTRY_ASSIGN_OR_RETURN(crypto::SubjectKeys keys, LoadKeys(subject));
  const int64_t version = query.Int64(0);
  CONSENTRY_ASSIGN_OR_RETURN(SubjectHead head,
                             OpenHead(keys, version, query.Blob(1)));
  return std::make_shared<const CachedSubject>(
      version, as_of_change, std::move(head), std::move(keys));
}

absl::StatusOr<std::vector<std::shared_ptr<const CachedSubject>>>
SubjectReader::ReadGroup(Connection* connection, uint64_t subject,
                         const HeadOptions& options) const {
  std::vector<std::shared_ptr<const CachedSubject>> group;
  CONSENTRY_ASSIGN_OR_RETURN(std::shared_ptr<const CachedSubject> first,
                             ReadHead(connection, subject, options));
  group.push_back(first);
  for (int64_t other : first->head().links()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        std::shared_ptr<const CachedSubject> member,
        ReadHead(connection, static_cast<uint64_t>(other), options));
    group.push_back(std::move(member));
  }
  return group;
}

absl::StatusOr<SubjectHead> SubjectReader::ReadHeadAt(Connection* connection,
                                                      uint64_t subject,
                                                      int64_t version) const {
  CONSENTRY_ASSIGN_OR_RETURN(const crypto::SubjectKeys keys, LoadKeys(subject));
  // What is current moves to facts when it is replaced: looked for there first
  // it could be missed between the two.
  for (std::string_view sql :
       {std::string_view("SELECT head FROM subjects "
                         "WHERE subject = $1 AND version = $2"),
        std::string_view("SELECT head FROM facts "
                         "WHERE subject = $1 AND version = $2")}) {
    CONSENTRY_ASSIGN_OR_RETURN(Query query, connection->Prepare(sql));
    query.Bind(static_cast<int64_t>(subject), version);
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    if (found) return OpenHead(keys, version, query.Blob(0));
  }
  return absl::NotFoundError("the subject never had this version");
}

absl::StatusOr<std::vector<StoredRecord>> SubjectReader::ReadKind(
    Connection* connection, const CachedSubject& subject,
    std::string_view kind) const {
  std::vector<StoredRecord> records;
  const std::optional<uint32_t> position = KindPosition(kind, subject.head());
  if (!position.has_value()) return records;
  // The count as limit spares the look at the next subject's row, which is
  // often another page.
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection->Prepare("SELECT record_id, row_gen, fields FROM records "
                          "WHERE record_no BETWEEN $1 AND $2 LIMIT $3"));
  // Amid an erasure rows are still there that the head counts no more.
  const int64_t most =
      subject.head().erasing()
          ? int64_t{kMaxRecordIndex} + 1
          : static_cast<int64_t>(RecordCount(kind, subject.head()));
  query.Bind(RecordNumber(subject.subject(), *position, 0),
             RecordNumber(subject.subject(), *position, kMaxRecordIndex), most);
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) break;
    StoredRecord record;
    const std::string_view id = query.Blob(0);
    const std::string_view fields = query.Blob(2);
    if (id.size() != record.id.size() ||
        !record.blob.ParseFromArray(fields.data(),
                                    static_cast<int>(fields.size()))) {
      return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                       "a record is not one of ours");
    }
    std::copy(id.begin(), id.end(), record.id.begin());
    record.kind = std::string(kind);
    record.row_generation = static_cast<uint32_t>(query.Int64(1));
    auto meta = OpenMeta(subject.keys(), record.id, kind, record.row_generation,
                         record.blob);
    // Its key was destroyed: erased, and not yet removed.
    if (absl::IsNotFound(meta.status())) continue;
    if (!meta.ok()) return meta.status();
    record.meta = *std::move(meta);
    records.push_back(std::move(record));
  }
  std::sort(records.begin(), records.end(),
            [](const StoredRecord& a, const StoredRecord& b) {
              if (a.meta.collected_us() != b.meta.collected_us()) {
                return a.meta.collected_us() > b.meta.collected_us();
              }
              return a.id < b.id;
            });
  if (records.size() > kMaxRecordsRead) records.resize(kMaxRecordsRead);
  return records;
}

absl::StatusOr<std::vector<StoredRecord>> SubjectReader::ReadRecords(
    Connection* connection, const CachedSubject& subject,
    std::span<const std::string_view> kinds) const {
  std::vector<StoredRecord> records;
  for (std::string_view kind : kinds) {
    CONSENTRY_ASSIGN_OR_RETURN(std::vector<StoredRecord> of_kind,
                               ReadKind(connection, subject, kind));
    std::move(of_kind.begin(), of_kind.end(), std::back_inserter(records));
  }
  return records;
}

absl::StatusOr<std::vector<std::shared_ptr<const RecordSet>>>
SubjectReader::SharedRecords(Connection* connection,
                             const CachedSubject& subject,
                             std::span<const std::string_view> kinds) const {
  std::vector<std::shared_ptr<const RecordSet>> sets;
  sets.reserve(kinds.size());
  for (std::string_view kind : kinds) {
    if (RecordCount(kind, subject.head()) == 0) continue;
    std::shared_ptr<const RecordSet> set = subject.FindRecords(kind);
    if (set == nullptr) {
      CONSENTRY_ASSIGN_OR_RETURN(std::vector<StoredRecord> records,
                                 ReadKind(connection, subject, kind));
      set = std::make_shared<const RecordSet>(kind, std::move(records));
      subject.KeepRecords(set);
    }
    sets.push_back(std::move(set));
  }
  return sets;
}

void SubjectReader::ReadDecoy(Connection* connection, const LookupKey& key,
                              std::span<const std::string_view> kinds,
                              const HeadOptions& options) const {
  const uint64_t subjects = options_.slots->last_subject();
  if (subjects == 0 || key.keys.empty()) return;
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof(number); ++i) {
    number = number << 8 | key.keys.front()[i];
  }
  const absl::StatusOr<std::shared_ptr<const CachedSubject>> head =
      ReadHead(connection, number % subjects + 1, options);
  if (!head.ok()) return;
  SharedRecords(connection, **head, kinds).IgnoreError();
}

absl::StatusOr<std::vector<uint64_t>> SubjectReader::SubjectsAfter(
    Connection* connection, uint64_t after, size_t limit) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection->Prepare("SELECT subject FROM subjects WHERE subject > $1 "
                          "ORDER BY subject LIMIT $2"));
  query.Bind(static_cast<int64_t>(after), static_cast<int64_t>(limit));
  std::vector<uint64_t> subjects;
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) break;
    subjects.push_back(static_cast<uint64_t>(query.Int64(0)));
  }
  return subjects;
}

}  // namespace consentry::vault
