#ifndef CONSENTRY_GATEWAY_VAULT_DRAFT_H_
#define CONSENTRY_GATEWAY_VAULT_DRAFT_H_

// Working state of BatchPlanner; nobody else includes it.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/vault/batch_planner.h"
#include "gateway/vault/head_update.h"
#include "gateway/vault/wipe.h"

namespace consentry::vault {

// What is known of a source's record that was taken before.
struct BatchPlanner::StoredRow {
  int64_t number = 0;
  uint64_t subject = 0;
  crypto::ObjectId record{};
  std::string content;
  uint32_t row_generation = 0;
  int64_t collected_us = 0;
  // Set when an earlier row of the batch wrote it.
  StagedRow* staged = nullptr;
};

// One record to be written.
struct BatchPlanner::StagedRow {
  Draft* draft = nullptr;
  crypto::BlindIndex key{};
  std::string content;
  crypto::ObjectId record{};
  // Of a record that is there; a new one has a place within its subject.
  int64_t number = 0;
  RecordPlace place;
  uint32_t row_generation = 1;
  bool is_new = true;
  CheckedRow row;
  std::vector<RowOutcome*> outcomes;
};

// One subject that rows of the batch are about, or might have been.
struct BatchPlanner::Draft {
  ~Draft() { WipeMessage(&head); }

  void Note(const CheckedRow& row, v1::WriteOutcome outcome) {
    changes.insert(row.kind->kind->key() + (outcome == v1::WRITE_OUTCOME_CREATED
                                                ? "=created"
                                                : "=updated"));
  }

  // The real number, or a provisional one until keys are allocated.
  uint64_t subject = 0;
  uint64_t number = 0;
  crypto::ObjectId public_id{};
  std::shared_ptr<const CachedSubject> base;  // Null for a new one.
  int64_t base_version = 0;
  std::shared_ptr<const crypto::SubjectKeys> keys;
  store::v1::SubjectHead head;
  // Rows before, and of this batch; only whether there are any counts.
  size_t rows = 0;

  struct Known {
    crypto::ObjectId id{};
    uint32_t row_generation = 0;
    store::v1::RecordMeta meta;
  };
  std::vector<Known> records;
  std::set<uint32_t> loaded_kinds;

  struct Lookup {
    crypto::BlindIndex key{};
    uint64_t digest = 0;
    NormalizedIdentifier identifier;
  };
  std::vector<Lookup> lookups;

  struct Candidate {
    std::string_view ground;
    std::set<int32_t> types;
  };
  std::map<uint64_t, Candidate> candidates;

  std::vector<StagedRow*> staged;
  std::set<std::string> changes;
  ConsentAddition consents;
  // Prohibitions from before she was known here, to be appended.
  store::v1::StandingChoices standing;
  bool narrowed = false;
};

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_DRAFT_H_
