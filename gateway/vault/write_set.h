#ifndef CONSENTRY_GATEWAY_VAULT_WRITE_SET_H_
#define CONSENTRY_GATEWAY_VAULT_WRITE_SET_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "consentry/store/v1/leaf.pb.h"
#include "consentry/store/v1/subject.pb.h"
#include "gateway/crypto/blind_index.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/store/change.h"
#include "gateway/vault/consent_sink.h"
#include "gateway/vault/head_cache.h"
#include "gateway/vault/suppression.h"

namespace consentry::vault {

// State of a row of merges.
enum class MergeState : int64_t {
  kCandidate = 1,  // A person should look at it.
  kMerged = 2,
  kUndone = 3,
  kDismissed = 4,  // A person said that they are two.
};

struct LookupRow {
  crypto::BlindIndex key{};
  // consentry.v1.IdentifierType; 0 for the public id.
  int64_t kind = 0;
};

struct RecordRow {
  int64_t number = 0;
  crypto::ObjectId id{};
  uint32_t kind = 0;
  uint32_t row_generation = 1;
  int64_t due_month = 0;
  std::string fields;  // A RecordBlob.
};

struct SourceRow {
  crypto::BlindIndex key{};
  std::string content;
  int64_t record_number = 0;
  crypto::ObjectId record{};
};

struct CandidateRow {
  uint64_t other = 0;
  std::string grounds;  // Sealed MergeGrounds.
};

// All that one change writes about one subject, sealed as far as it can be
// beforehand. The head is sealed while the change is applied, because it binds
// the change's number.
struct SubjectWrite {
  SubjectWrite() = default;
  SubjectWrite(SubjectWrite&&) = default;
  SubjectWrite& operator=(SubjectWrite&&) = default;
  // Wipes the head.
  ~SubjectWrite();

  uint64_t subject = 0;
  // 0: the subject is new.
  int64_t base_version = 0;
  crypto::ObjectId public_id{};  // Of a new one.
  std::shared_ptr<const crypto::SubjectKeys> keys;
  store::v1::SubjectHead head;
  std::vector<LookupRow> lookups;
  std::vector<RecordRow> records;
  std::vector<SourceRow> source_rows;
  std::vector<ConsentRow> consent_rows;
  std::vector<CandidateRow> candidates;
  // For the audit entry, see LeafSubject.changes.
  std::vector<std::string> changes;
  // Rows of merges that were read as merged or candidate and change state.
  struct MergeRow {
    int64_t merge_id = 0;  // 0: a new row.
    uint64_t into = 0;
    MergeState state = MergeState::kMerged;
    std::string grounds;
  };
  std::vector<MergeRow> merges;
};

// What planning saw in lookup or source_rows under one key, so that applying
// can find out whether another writer was faster.
struct Observation {
  crypto::BlindIndex key{};
  bool source_row = false;
  // Ascending.
  std::vector<uint64_t> subjects;
};

// The last change that gave identifiers or source rows to subjects, as far as
// it was applied: a plan that read a state with that change in it has seen them
// all. Safe for many threads.
class IdentityMark {
 public:
  int64_t change() const { return change_.load(std::memory_order_acquire); }
  // By the committer's store thread alone.
  void Set(int64_t change) { change_.store(change, std::memory_order_release); }

 private:
  std::atomic<int64_t> change_{0};
};

// One change of the vault. Built on any thread, applied on the committer's.
class WriteSet {
 public:
  struct Options {
    HeadCache* cache = nullptr;
    IdentityMark* identities = nullptr;  // Outlives the change.
    // Where set, a change that was planned under another epoch than the current
    // one is refused: its blind indexes may lie where nobody looks any more.
    const crypto::EpochFile* epochs = nullptr;
    uint32_t planned_epoch = 0;
    std::string log_origin;
  };
  WriteSet(const Options& options, store::v1::Leaf leaf)
      : options_(options), leaf_(std::move(leaf)) {}
  WriteSet(const WriteSet&) = delete;
  WriteSet& operator=(const WriteSet&) = delete;

  // Committer::LastStored() from before planning read anything.
  void set_planned_on(int64_t change) { planned_on_ = change; }
  void set_result(std::string result) { result_ = std::move(result); }
  void set_negative() { negative_ = true; }
  bool negative() const { return negative_; }

  store::v1::Leaf* mutable_leaf() { return &leaf_; }
  std::vector<SubjectWrite>* mutable_subjects() { return &subjects_; }
  std::vector<Observation>* mutable_observations() { return &observations_; }
  // What was seen of the list of suppressed identifiers, which outlives this.
  void set_suppression(Suppression* suppression,
                       std::vector<Suppression::Seen> seen) {
    suppression_ = suppression;
    suppression_seen_ = std::move(seen);
  }

  // Writes everything. Aborted when a subject is at another version than it
  // was read at (ETAG_MISMATCH), or an identifier went to somebody or was
  // suppressed meanwhile (CONTENDED): build it anew. May be called again.
  absl::Status Apply(store::ChangeContext& context) const;

 private:
  absl::Status CheckObservations(store::Connection* connection) const;
  absl::Status ApplySubject(store::ChangeContext& context,
                            const SubjectWrite& write, int64_t* merge_id) const;
  void FillLeaf(const store::ChangeContext& context,
                store::v1::Leaf* leaf) const;

  const Options options_;
  store::v1::Leaf leaf_;
  std::vector<SubjectWrite> subjects_;
  std::vector<Observation> observations_;
  Suppression* suppression_ = nullptr;
  std::vector<Suppression::Seen> suppression_seen_;
  int64_t planned_on_ = 0;
  std::string result_;
  bool negative_ = false;
};

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_WRITE_SET_H_
