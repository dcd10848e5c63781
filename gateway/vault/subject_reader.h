#ifndef CONSENTRY_GATEWAY_VAULT_SUBJECT_READER_H_
#define CONSENTRY_GATEWAY_VAULT_SUBJECT_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/subject.pb.h"
#include "consentry/v1/common.pb.h"
#include "gateway/crypto/blind_index.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/seal_context.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/store/engine.h"
#include "gateway/vault/head_cache.h"
#include "gateway/vault/identifier_key.h"

namespace consentry::vault {

// Records of one kind that a read looks at, newest first.
inline constexpr size_t kMaxRecordsRead = 100;
// Records of one kind that a subject may have; more are refused on writing.
inline constexpr size_t kMaxRecordsPerKind = 1000;
// Subjects that may be joined with one another.
inline constexpr size_t kMaxGroup = 16;

// A customer's name as the store is asked for it.
struct LookupKey {
  // Blind indexes, one for each usable epoch, newest first; for a public id
  // one alone.
  std::vector<crypto::BlindIndex> keys;
  // The normalised identifier itself, which tells holders apart who share it;
  // nullopt for a public id.
  std::optional<NormalizedIdentifier> identifier;
};

// Whether the head itself says that its subject is known by that name. Rows of
// lookup are not sealed: this is what vouches for where they lead. A head that
// was read before the name was added to it does not know it yet; one of whom an
// erasure keeps something knows no name any more, and amid it speaks against
// none.
bool IsKnownBy(const store::v1::SubjectHead& head, const LookupKey& key);

// One record as it lies in the store. Its values are still sealed; `meta` is
// about the record and must not be released.
struct StoredRecord {
  crypto::ObjectId id{};
  std::string kind;
  uint32_t row_generation = 0;
  store::v1::RecordBlob blob;
  store::v1::RecordMeta meta;
};

// All that is read of one kind of a subject, newest first. What their metas say
// in words is wiped at the end.
struct RecordSet {
  std::string kind;
  std::vector<StoredRecord> records;
  // Memory in use, an estimate.
  size_t bytes = 0;

  RecordSet(std::string_view of_kind, std::vector<StoredRecord> all);
  RecordSet(const RecordSet&) = delete;
  RecordSet& operator=(const RecordSet&) = delete;
  ~RecordSet();
};

// The context by which crypto::Opener opens `record`'s value of the field with
// this full name ("profile.email"), which must outlive the result.
crypto::FieldContext FieldContextOf(const StoredRecord& record,
                                    std::string_view field_name);

// Finds subjects and reads what the store holds about them. Opens heads and
// metas (FactOpener) and no value of any field: that takes a Grant.
//
// A unary read, Resolve + ReadHead + SharedRecords of one kind, touches at most
// one leaf page each of lookup, subjects and records. What it reads may be of
// different versions: take Committer::LastStored() before, and commit with the
// head's version, which every write of a record raises too. A
// store::ReadTransaction around it gives one state; then take HeadCache::Now()
// before that.
//
// Safe for many threads, each with a connection of its own.
class SubjectReader {
 public:
  struct Options {
    // All outlive the reader.
    const crypto::EpochFile* epochs = nullptr;
    const crypto::SlotFile* slots = nullptr;
    HeadCache* cache = nullptr;
    // ISO 3166-1 alpha-2, for phone numbers without a country code.
    std::string home_country;
  };
  explicit SubjectReader(const Options& options) : options_(options) {}

  // FIELD_INVALID for what cannot be the name of a customer: malformed or
  // empty, or a pseudonym, which its maker translates to an id first.
  absl::StatusOr<LookupKey> MakeKey(const v1::SubjectRef& ref) const;
  absl::StatusOr<LookupKey> MakeKey(const v1::Identifier& identifier) const;

  // The subject that `key` leads to. None when there is no such subject, or
  // when several that are not joined share the identifier and not exactly one
  // of them holds it verified.
  absl::StatusOr<std::optional<uint64_t>> Resolve(store::Connection* connection,
                                                  const LookupKey& key) const;

  // Every subject that holds the identifier, ascending, up to `most`: whom a
  // withdrawal or objection reaches. Empty when there is none.
  absl::StatusOr<std::vector<uint64_t>> ResolveAll(
      store::Connection* connection, const LookupKey& key, int64_t most) const;

  // The subject's head and keys, from the cache or the store. NotFound when
  // there is no such subject or its keys are destroyed. DATA_CORRUPT when it
  // does not verify, KEY_UNAVAILABLE when its keys cannot be read. With
  // `past_cache` the store is read in any case: after a read came back as
  // stale.
  struct HeadOptions {
    int64_t as_of_change = 0;
    bool past_cache = false;
    // False for long walks, which would empty the cache of what is hot.
    bool keep = true;
    // Required inside of a store::ReadTransaction: from before it began.
    // Without one ReadHead takes its own.
    std::optional<HeadCache::Moment> began;
  };
  absl::StatusOr<std::shared_ptr<const CachedSubject>> ReadHead(
      store::Connection* connection, uint64_t subject,
      const HeadOptions& options) const;

  // `subject` and all that are joined with it, itself first.
  absl::StatusOr<std::vector<std::shared_ptr<const CachedSubject>>> ReadGroup(
      store::Connection* connection, uint64_t subject,
      const HeadOptions& options) const;

  // The head as it was at `version`. NotFound when it never was, or is gone.
  absl::StatusOr<store::v1::SubjectHead> ReadHeadAt(
      store::Connection* connection, uint64_t subject, int64_t version) const;

  // The subject's records of these kinds, for each kind newest first (by
  // collection, then id) and at most kMaxRecordsRead; none whose key an erasure
  // has destroyed.
  absl::StatusOr<std::vector<StoredRecord>> ReadRecords(
      store::Connection* connection, const CachedSubject& subject,
      std::span<const std::string_view> kinds) const;

  // The same, one set for each kind that has records, kept beside the head:
  // found there without a look at the store.
  absl::StatusOr<std::vector<std::shared_ptr<const RecordSet>>> SharedRecords(
      store::Connection* connection, const CachedSubject& subject,
      std::span<const std::string_view> kinds) const;

  // For a name that leads nowhere: what Resolve leaves to be done, done to
  // somebody's rows, always the same for one name, and forgotten. So an
  // unknown name takes the steps of a known one. Errors are left out.
  void ReadDecoy(store::Connection* connection, const LookupKey& key,
                 std::span<const std::string_view> kinds,
                 const HeadOptions& options) const;

  // Up to `limit` subject numbers above `after`, ascending: a walk in stable
  // order, in bounded steps. Empty at the end.
  absl::StatusOr<std::vector<uint64_t>> SubjectsAfter(
      store::Connection* connection, uint64_t after, size_t limit) const;

  HeadCache* cache() const { return options_.cache; }

 private:
  absl::StatusOr<crypto::SubjectKeys> LoadKeys(uint64_t subject) const;
  absl::StatusOr<std::shared_ptr<const CachedSubject>> ReadStored(
      store::Connection* connection, uint64_t subject,
      int64_t as_of_change) const;
  absl::StatusOr<std::vector<StoredRecord>> ReadKind(
      store::Connection* connection, const CachedSubject& subject,
      std::string_view kind) const;

  const Options options_;
};

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_SUBJECT_READER_H_
