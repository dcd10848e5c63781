#ifndef CONSENTRY_GATEWAY_ERASURE_ERASURE_PARTS_H_
#define CONSENTRY_GATEWAY_ERASURE_ERASURE_PARTS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "audit/log/signer.h"
#include "consentry/v1/rights_service.pb.h"
#include "gateway/access/caller.h"
#include "gateway/base/threads.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/page_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/erasure/suppression_list.h"
#include "gateway/store/committer.h"
#include "gateway/store/engine.h"
#include "gateway/store/reader_pool.h"
#include "gateway/trail/trail_index.h"
#include "gateway/vault/head_cache.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::erasure {

// Rows of another part about a customer whose keys are gone or going: removes
// up to `limit` of them and tells how many.
using RowsEraser = std::function<absl::StatusOr<int64_t>(
    store::ChangeContext& context, uint64_t subject, int64_t limit)>;

// What erasures stand on. All outlive them.
struct ErasureParts {
  access::ConfigurationSource configuration;
  store::Committer* committer = nullptr;
  store::ReaderPool* readers = nullptr;
  const vault::SubjectReader* subjects = nullptr;
  crypto::SlotFile* slots = nullptr;
  const crypto::EpochFile* epochs = nullptr;
  vault::HeadCache* cache = nullptr;
  SuppressionList* suppression = nullptr;
  const audit::Signer* signer = nullptr;
  // Null: there is no index of the log to be forgotten in.
  trail::TrailIndex* trail = nullptr;
  base::WorkerPool* workers = nullptr;
  const crypto::PageTokens* page_tokens = nullptr;
  const crypto::RequestDigests* digests = nullptr;
  std::string log_origin;

  // Between decision and destruction.
  int64_t wait_us = int64_t{24} * 3600 * 1'000'000;
  // From when on no copy of keys that were destroyed then can be opened: the
  // last backup of keys that is older has expired. Not before `destroyed_us`.
  std::function<absl::StatusOr<int64_t>(store::Connection* connection,
                                        int64_t destroyed_us)>
      final_us;
  // Finds, before anything of the customers is destroyed, who received their
  // data; what it returns runs inside of the change that begins the
  // destruction, and queues what these are told. May be null.
  std::function<absl::StatusOr<std::function<absl::Status(
      store::ChangeContext& context)>>(const std::vector<uint64_t>& subjects)>
      tell_recipients;
  // Names of those whom `tell_recipients` would tell about the customer and all
  // who are joined with her, sorted. For a worker. May be null.
  std::function<absl::StatusOr<std::vector<std::string>>(uint64_t subject)>
      name_recipients;
  // Rows that other parts hold about customers.
  std::vector<RowsEraser> rows;
  // Runs inside of the change that ends an erasure of a case, so that the case
  // ends with it. May be null.
  std::function<absl::Status(store::ChangeContext& context,
                             const v1::ErasureCertificate& certificate)>
      finished;
  // Called when something is to be done before its time. Never blocks.
  std::function<void()> wake;
  // Told of each step before it is taken, for tests that end the process
  // there. May be null.
  std::function<void(std::string_view step)> on_step;
};

}  // namespace consentry::erasure

#endif  // CONSENTRY_GATEWAY_ERASURE_ERASURE_PARTS_H_
