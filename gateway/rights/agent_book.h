#ifndef CONSENTRY_GATEWAY_RIGHTS_AGENT_BOOK_H_
#define CONSENTRY_GATEWAY_RIGHTS_AGENT_BOOK_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/rights.pb.h"
#include "consentry/v1/rights_service.pb.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/head_cache.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::rights {

// Who may act for whom: agents on signed permission, guardians of minors.
// Sealed under the key of the customer. Safe for many threads; the methods read
// the store and are for a worker.
class AgentBook {
 public:
  struct Options {
    // All outlive the book.
    clients::ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    const crypto::SlotFile* slots = nullptr;
    vault::HeadCache* cache = nullptr;
    const crypto::RequestDigests* digests = nullptr;
    std::string log_origin;
  };
  explicit AgentBook(Options options) : options_(std::move(options)) {}

  using Done = absl::AnyInvocable<void(absl::StatusOr<v1::Agent>)>;

  // FIELD_INVALID for what lacks a permission's digest or names nothing that
  // the agent may do; ACCESS_DENIED for a customer whom the gateway does not
  // hold.
  void Authorize(const clients::CallerContext& caller,
                 const v1::AuthorizeAgentRequest& request, Done done) const;
  // Ends the power of one of this customer's agents, inside of a change that
  // tells it. Of one that has ended nothing changes. NotFound: she has no such
  // agent.
  static absl::Status RevokeIn(store::Connection* connection,
                               const crypto::SubjectKeys& keys,
                               std::string_view agent_id, int64_t now_us);
  // In force when `done` is called. Repeated it changes nothing.
  void Revoke(const clients::CallerContext& caller,
              const v1::RevokeAgentRequest& request, Done done) const;

  // Agents of the subject after the one with number `after` (0: from the
  // newest), newest first. `next`: of the last one shown when there may be
  // more, else 0.
  absl::StatusOr<std::vector<v1::Agent>> List(
      store::Connection* connection, const vault::CachedSubject& subject,
      int64_t after, size_t limit, int64_t* next) const;

  // Whose agent it is, and what was recorded of it, ended or not. NotFound when
  // there is no such agent, or the customer was erased.
  struct Recorded {
    uint64_t subject = 0;
    store::v1::AgentDoc doc;
  };
  absl::StatusOr<Recorded> Find(store::Connection* connection,
                                std::string_view agent_id) const;

  // The agent's power over the subject whose keys these are. NotFound when
  // there is none, it is another customer's, or it has ended.
  absl::StatusOr<store::v1::AgentDoc> FindPower(store::Connection* connection,
                                                const crypto::SubjectKeys& keys,
                                                std::string_view agent_id,
                                                int64_t now_us) const;

 private:
  struct Row {
    int64_t agent_no = 0;
    crypto::ObjectId id{};
    uint64_t subject = 0;
    uint32_t row_generation = 1;
    store::v1::AgentDoc doc;
  };
  static absl::StatusOr<Row> Read(store::Connection* connection,
                                  const crypto::SlotFile& slots,
                                  const crypto::ObjectId& id);
  void Commit(const clients::CallerContext& caller, std::string request_id,
              std::string canonical, bool negative,
              std::function<absl::Status(store::ChangeContext&)> apply,
              Done done) const;

  const Options options_;
};

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_AGENT_BOOK_H_
