#ifndef CONSENTRY_GATEWAY_DELIVERY_WATCHER_H_
#define CONSENTRY_GATEWAY_DELIVERY_WATCHER_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/access/caller.h"
#include "gateway/access/governed_reads.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/delivery/notice_rows.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/subject_reader.h"
#include "proto/support/mutex.h"

namespace consentry::delivery {

// What a registration that follows changes gets, one message at a time, each
// with its entry before it is given out. A watcher gets what the outbox wrote
// for it: customers and purposes that it received or wrote. Where it goes on is
// a number of a stored notice, so that nothing is skipped while the gateway, or
// the watcher, is away (as long as notices are kept).
//
// Safe for many threads. All methods but Wake wait; not for threads that answer
// calls.
class Watcher {
 public:
  struct Options {
    // All outlive the watcher.
    access::ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    const crypto::OpaqueTokens* tokens = nullptr;
    NoticeKeys keys;
    std::string log_origin;
  };
  explicit Watcher(Options options) : options_(std::move(options)) {}

  // Where `resume_token` leads on; from now where it is empty. FIELD_INVALID
  // for a token that is not one of this caller.
  absl::StatusOr<int64_t> Position(const access::Caller& caller,
                                   const std::string& resume_token) const;

  // The next message behind `*position`, which moves to it; none when nothing
  // is there now. `purposes`: those asked for; empty: all. PURPOSE_NOT_ALLOWED
  // is not checked here.
  absl::StatusOr<std::optional<access::Released<v1::WatchChangesResponse>>>
  Next(const access::Caller& caller, const std::vector<std::string>& purposes,
       int64_t* position) const;

  // Waits until there may be more, at most `timeout`.
  void WaitForMore(std::chrono::milliseconds timeout);
  // There may be more.
  void Wake();

 private:
  absl::StatusOr<std::optional<access::Released<v1::WatchChangesResponse>>>
  Release(const access::Caller& caller, const NoticeRow& row,
          const store::v1::RecipientNotice& notice) const;

  const Options options_;
  Mutex mu_;
  CondVar more_;
};

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_WATCHER_H_
