#ifndef CONSENTRY_GATEWAY_ACCESS_CHUNK_H_
#define CONSENTRY_GATEWAY_ACCESS_CHUNK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/data_service.pb.h"
#include "gateway/access/caller.h"
#include "gateway/access/read_plan.h"
#include "gateway/access/refusals.h"
#include "gateway/access/snapshot.h"
#include "gateway/base/clock.h"
#include "gateway/base/threads.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/page_token.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::access {

// Subjects of one chunk: of a batch, of a message of a stream, of a page.
inline constexpr size_t kMaxChunk = 256;

// What governed reads stand on. All outlive them.
struct ReadParts {
  ConfigurationSource configuration;
  store::Committer* committer = nullptr;
  store::ReaderPool* readers = nullptr;
  const vault::SubjectReader* subjects = nullptr;
  const crypto::OpaqueTokens* tokens = nullptr;
  const crypto::PageTokens* page_tokens = nullptr;
  const base::Clock* clock = nullptr;
  base::WorkerPool* workers = nullptr;
  Refusals* refusals = nullptr;
  std::string log_origin;
  // Told of a customer whose own request, which a read serves, carried a Global
  // Privacy Control signal that is not kept yet (11 CCR 7025(c)). After the
  // answer, on any thread; must not block. Null: nobody is told.
  std::function<void(const Caller& caller, uint64_t subject)> on_gpc = nullptr;
};

// Subjects that are asked about, decided on and committed together.
struct Chunk {
  Caller caller;
  ReadQuestion question;
  std::vector<SubjectName> names;
  // Decides and releases nothing.
  bool check_only = false;
  bool want_pseudonym = false;
  // Null but for a walk over subjects by number. What it refuses is not handed
  // over, and its response is empty; of subjects that are joined only the one
  // with the lowest number is looked at.
  std::function<bool(const v1::ReadSubjectResponse&)> keep;
};

// A chunk after the first three steps: what to commit, and what to release once
// that is done.
struct DecidedChunk {
  struct Entry {
    store::ReadCommit commit;
    // Which response is which item of the entry.
    std::vector<std::pair<size_t, uint16_t>> items;
  };
  std::vector<Entry> entries;
  // One for each name, without ids of decision and entry.
  std::vector<v1::ReadSubjectResponse> responses;
  // For ReadParts::on_gpc; 0: nobody.
  uint64_t gpc_subject = 0;
};

// Steps 1 to 3 (Snapshot, Decide, Shape) for every subject of `chunk`. After a
// first attempt came back as stale, `past_cache` reads the store; `charge`
// counts the subjects against the caller's budget. Errors are those of
// MakeReadPlan, TakeSnapshot and Shape, and BUDGET_EXHAUSTED. Blocks on short
// page reads alone.
absl::StatusOr<DecidedChunk> DecideChunk(const ReadParts& parts,
                                         const Chunk& chunk, bool past_cache,
                                         bool charge);

// Counts one subject against the hourly budget of the caller's registration: a
// name that leads nowhere counts like one that does. BUDGET_EXHAUSTED.
absl::Status ChargeBudget(const ReadPlan& plan, const SubjectName& name,
                          const Snapshot& snapshot, int64_t monotonic_us);

// The same for a caller who asks about somebody without a plan to read.
// `known`: number of the subject, 0 where the name leads nowhere. A customer's
// own call is not counted. CLIENT_UNKNOWN when the registration is gone.
absl::Status ChargeBudget(const clients::Configuration& configuration,
                          const Caller& caller, const SubjectName& name,
                          uint64_t known, int64_t monotonic_us);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_CHUNK_H_
