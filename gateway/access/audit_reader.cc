#include "gateway/access/audit_reader.h"

#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <utility>

#include "audit/log/tlog_proof.h"
#include "gateway/access/audit_view.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::access {
namespace {

// Holders of one identifier that a question may be about: each has its tag in
// the entry, which holds at most 64 KiB.
constexpr int64_t kMaxHoldersAsked = 1024;

constexpr std::chrono::milliseconds kIndexWait(5000);
constexpr std::chrono::seconds kCheckpointWait(5);
constexpr int32_t kDefaultPageSize = 50;
constexpr int32_t kMaxPageSize = 1000;
constexpr uint64_t kLeavesPerMessage = 256;
// Calls of the index for one page: each looks at a bounded part of the log.
constexpr int kSearchesPerPage = 16;

std::string Bytes(const audit::Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

absl::Status NotFound() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND, "no such entry");
}

absl::Status Corrupt() {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "an entry of the log does not verify");
}

v1::Checkpoint ToProto(const audit::SignedCheckpoint& checkpoint) {
  v1::Checkpoint message;
  message.set_size(checkpoint.checkpoint.size);
  message.set_root(Bytes(checkpoint.checkpoint.root));
  message.set_note(checkpoint.note);
  return message;
}

// What a page token is bound to.
std::string QueryHash(v1::QueryAuditEntriesRequest question) {
  question.clear_page_token();
  question.clear_page_size();
  question.clear_context();
  const std::string bytes = question.SerializeAsString();
  std::string hash(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size(), nullptr, 0);
  return hash;
}

trail::EntryFilter FilterOf(const v1::QueryAuditEntriesRequest& request) {
  trail::EntryFilter filter;
  if (!request.client_id().empty()) filter.client_id = request.client_id();
  if (!request.acting_person().empty()) {
    filter.acting_person = request.acting_person();
  }
  if (!request.purpose().empty()) filter.purpose = request.purpose();
  if (!request.event().empty()) filter.event = request.event();
  if (request.effect() != v1::EFFECT_UNSPECIFIED) {
    filter.effect = request.effect();
  }
  if (request.reason() != v1::ERROR_REASON_UNSPECIFIED) {
    filter.reason = request.reason();
  }
  if (request.has_from_time()) filter.from_us = MicrosOf(request.from_time());
  if (request.has_to_time()) filter.to_us = MicrosOf(request.to_time());
  return filter;
}

}  // namespace

template <class Response>
void AuditReader::Answer(
    Caller caller,
    std::function<absl::StatusOr<Response>(store::v1::Leaf*)> make,
    Done<Response> done) {
  AnswerAudited<Response>(
      parts_, std::move(caller),
      [make = std::move(make)](AnswerEntry* entry) {
        return make(&entry->leaf);
      },
      std::move(done));
}

absl::StatusOr<uint64_t> AuditReader::IndexOf(
    const std::string& reference) const {
  for (const auto kind :
       {crypto::TokenKind::kAudit, crypto::TokenKind::kDecision}) {
    if (const auto payload = options_.tokens->Decode(kind, reference);
        payload.ok()) {
      return crypto::LogPosition::Unpack(*payload).index;
    }
  }
  return NotFound();
}

absl::StatusOr<v1::Checkpoint> AuditReader::NewestCheckpoint() const {
  const auto checkpoint = options_.log->checkpoint();
  if (!checkpoint) {
    return MakeError(v1::ERROR_REASON_NOT_FOUND, "nothing is signed yet");
  }
  return ToProto(*checkpoint);
}

void AuditReader::Describe(Caller caller, Done<v1::AuditLog> done) {
  Answer<v1::AuditLog>(
      std::move(caller),
      [this](store::v1::Leaf*) -> absl::StatusOr<v1::AuditLog> {
        v1::AuditLog log;
        log.set_origin(options_.log_origin);
        log.set_size(options_.log->size());
        log.set_verifier_key(options_.verifier_key);
        if (const auto checkpoint = options_.log->checkpoint()) {
          *log.mutable_checkpoint() = ToProto(*checkpoint);
        }
        log.set_indexed_size(options_.trail->indexed_size());
        return log;
      },
      std::move(done));
}

void AuditReader::Get(Caller caller, const v1::GetAuditEntryRequest& request,
                      Done<v1::AuditEntry> done) {
  Answer<v1::AuditEntry>(
      std::move(caller),
      [this,
       request](store::v1::Leaf* entry) -> absl::StatusOr<v1::AuditEntry> {
        uint64_t index = request.index();
        if (request.entry_case() == v1::GetAuditEntryRequest::kReference) {
          CONSENTRY_ASSIGN_OR_RETURN(index, IndexOf(request.reference()));
        }
        entry->add_details("index=" + std::to_string(index));
        if (index >= options_.log->size()) return NotFound();
        CONSENTRY_ASSIGN_OR_RETURN(auto found, ReadEntries(index, index + 1));
        return std::move(found[0]);
      },
      std::move(done));
}

absl::StatusOr<v1::QueryAuditEntriesResponse> AuditReader::Find(
    const Caller& caller, const v1::QueryAuditEntriesRequest& request,
    AnswerEntry* entry) {
  if (request.page_size() < 0) {
    return MakeError(v1::ERROR_REASON_FIELD_INVALID, "page_size is negative");
  }
  const auto page_size = static_cast<size_t>(
      request.page_size() == 0 ? kDefaultPageSize
                               : std::min(request.page_size(), kMaxPageSize));
  const std::string query_hash = QueryHash(request);
  const int64_t now_us = options_.committer->NowUs();
  uint64_t below = UINT64_MAX;
  if (!request.page_token().empty()) {
    const auto position = options_.page_tokens->Open(
        caller.client_id, query_hash, request.page_token(), now_us);
    if (!position.ok() ||
        std::from_chars(position->data(), position->data() + position->size(),
                        below)
                .ec != std::errc()) {
      return MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                       "the page token is not one of this query");
    }
  }
  if (!options_.trail->WaitUntilIndexed(options_.log->size(), kIndexWait)) {
    return MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                     "the index of the log is still catching up");
  }

  v1::QueryAuditEntriesResponse response;
  response.set_complete_to(options_.trail->indexed_size());
  std::vector<uint64_t> subjects;
  if (request.has_subject()) {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(const auto key,
                               options_.subjects->MakeKey(request.subject()));
    CONSENTRY_ASSIGN_OR_RETURN(
        subjects,
        options_.subjects->ResolveAll(lease.get(), key, kMaxHoldersAsked + 1));
    if (subjects.size() > static_cast<size_t>(kMaxHoldersAsked)) {
      return MakeError(v1::ERROR_REASON_TOO_LARGE,
                       "more customers share this identifier than one "
                       "question may be about");
    }
    // The question is about her, so it is an entry about her.
    for (const uint64_t subject : subjects) {
      const auto head = options_.subjects->ReadHead(lease.get(), subject, {});
      entry->Tell(head.ok() ? head->get() : nullptr, options_.log_origin,
                  now_us);
    }
    if (subjects.empty()) return response;
  }
  const trail::EntryFilter filter = FilterOf(request);
  for (int search = 0; search < kSearchesPerPage; ++search) {
    const size_t room =
        page_size - static_cast<size_t>(response.entries_size());
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto page, options_.trail->Find(subjects, filter, below, room));
    for (const auto& hit : page.hits) {
      *response.add_entries() =
          ViewOf(hit.index, hit.leaf, hit.bytes, *options_.tokens);
    }
    below = page.next;
    if (below == 0 ||
        static_cast<size_t>(response.entries_size()) >= page_size) {
      break;
    }
  }
  if (below > 0) {
    CONSENTRY_ASSIGN_OR_RETURN(
        *response.mutable_next_page_token(),
        options_.page_tokens->Seal(caller.client_id, query_hash,
                                   std::to_string(below), now_us));
  }
  return response;
}

void AuditReader::Query(Caller caller,
                        const v1::QueryAuditEntriesRequest& request,
                        Done<v1::QueryAuditEntriesResponse> done) {
  AnswerAudited<v1::QueryAuditEntriesResponse>(
      parts_, caller,
      [this, caller, request](AnswerEntry* entry) {
        return Find(caller, request, entry);
      },
      std::move(done));
}

void AuditReader::GetCheckpoint(Caller caller,
                                const v1::GetCheckpointRequest& request,
                                Done<v1::Checkpoint> done) {
  Answer<v1::Checkpoint>(
      std::move(caller),
      [this, size = request.min_size()](
          store::v1::Leaf*) -> absl::StatusOr<v1::Checkpoint> {
        if (size > options_.log->size()) {
          return MakeError(v1::ERROR_REASON_NOT_FOUND,
                           "the log has fewer entries");
        }
        if (size > 0 && !options_.log->integrator()
                             .WaitForCheckpoint(size, kCheckpointWait)
                             .ok()) {
          return MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                           "no checkpoint covers it yet");
        }
        return NewestCheckpoint();
      },
      std::move(done));
}

void AuditReader::ProveInclusion(Caller caller,
                                 const v1::ProveInclusionRequest& request,
                                 Done<v1::InclusionProof> done) {
  Answer<v1::InclusionProof>(
      std::move(caller),
      [this,
       request](store::v1::Leaf* entry) -> absl::StatusOr<v1::InclusionProof> {
        uint64_t index = request.index();
        if (request.entry_case() == v1::ProveInclusionRequest::kReference) {
          CONSENTRY_ASSIGN_OR_RETURN(index, IndexOf(request.reference()));
        }
        entry->add_details("index=" + std::to_string(index));
        if (index >= options_.log->size()) return NotFound();
        const auto proof = options_.log->Prove(index, kCheckpointWait);
        if (!proof.ok()) return Corrupt();
        const auto leaf = options_.log->reader().Read(index);
        if (!leaf.ok()) return Corrupt();
        CONSENTRY_ASSIGN_OR_RETURN(
            const auto parsed, audit::ParseCheckpointNote(proof->checkpoint));
        v1::InclusionProof message;
        message.set_index(index);
        message.set_tree_size(parsed.checkpoint.size);
        std::vector<audit::Hash> hashes = proof->hashes;
        if (request.tree_size() != 0) {
          // Another tree than the checkpoint's: hashes alone, no proof file.
          if (request.tree_size() <= index ||
              request.tree_size() > parsed.checkpoint.size) {
            return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                             "tree_size must be above the index and not above "
                             "the newest checkpoint");
          }
          CONSENTRY_ASSIGN_OR_RETURN(
              hashes,
              options_.log->tree().InclusionProof(index, request.tree_size()));
          message.set_tree_size(request.tree_size());
        } else {
          message.set_tlog_proof(audit::FormatTlogProof(*proof));
        }
        for (const audit::Hash& hash : hashes) message.add_hashes(Bytes(hash));
        message.set_leaf(*leaf);
        return message;
      },
      std::move(done));
}

void AuditReader::ProveConsistency(Caller caller,
                                   const v1::ProveConsistencyRequest& request,
                                   Done<v1::ConsistencyProof> done) {
  Answer<v1::ConsistencyProof>(
      std::move(caller),
      [this,
       request](store::v1::Leaf*) -> absl::StatusOr<v1::ConsistencyProof> {
        uint64_t new_size = request.new_size();
        if (new_size == 0) {
          const auto checkpoint = options_.log->checkpoint();
          new_size = checkpoint ? checkpoint->checkpoint.size : 0;
        }
        if (request.old_size() == 0 || request.old_size() > new_size ||
            new_size > options_.log->tree().size()) {
          return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                           "sizes must be 1 or more, in order, and not above "
                           "the tree");
        }
        v1::ConsistencyProof message;
        message.set_old_size(request.old_size());
        message.set_new_size(new_size);
        CONSENTRY_ASSIGN_OR_RETURN(const auto hashes,
                                   options_.log->tree().ConsistencyProof(
                                       request.old_size(), new_size));
        for (const audit::Hash& hash : hashes) message.add_hashes(Bytes(hash));
        return message;
      },
      std::move(done));
}

void AuditReader::Open(Caller caller, Span span, Done<Span> done) {
  Answer<Span>(
      std::move(caller),
      [span](store::v1::Leaf* entry) -> absl::StatusOr<Span> {
        entry->add_details("from=" + std::to_string(span.from));
        entry->add_details("to=" + std::to_string(span.to));
        return span;
      },
      std::move(done));
}

absl::StatusOr<v1::ExportAuditEntriesResponse> AuditReader::ReadLeaves(
    uint64_t from, uint64_t to) const {
  v1::ExportAuditEntriesResponse message;
  message.set_first_index(from);
  const absl::Status status = options_.log->reader().Scan(
      from, std::min(to, from + kLeavesPerMessage),
      [&](uint64_t, std::string_view bytes) {
        message.add_leaves(bytes.data(), bytes.size());
        return true;
      });
  if (!status.ok()) return Corrupt();
  return message;
}

absl::StatusOr<std::vector<v1::AuditEntry>> AuditReader::ReadEntries(
    uint64_t from, uint64_t to) const {
  std::vector<v1::AuditEntry> entries;
  bool parsed = true;
  const absl::Status status = options_.log->reader().Scan(
      from, std::min(to, from + kLeavesPerMessage),
      [&](uint64_t index, std::string_view bytes) {
        store::v1::Leaf leaf;
        parsed =
            leaf.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
        if (parsed) {
          entries.push_back(ViewOf(index, leaf, bytes, *options_.tokens));
        }
        return parsed;
      });
  if (!status.ok() || !parsed) return Corrupt();
  return entries;
}

}  // namespace consentry::access
