#ifndef CONSENTRY_GATEWAY_ACCESS_GOVERNED_WRITES_H_
#define CONSENTRY_GATEWAY_ACCESS_GOVERNED_WRITES_H_

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/v1/data_service.pb.h"
#include "gateway/access/caller.h"
#include "gateway/access/refusals.h"
#include "gateway/base/threads.h"
#include "gateway/clients/registration.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/store/committer.h"
#include "gateway/vault/catalog_index.h"
#include "gateway/vault/vault_writer.h"
#include "proto/support/mutex.h"

namespace consentry::access {

// Writing records as a registration allows it: purpose of collection, source
// and categories are its own; facts that law reads need data.legal_facts. What
// is about the caller refuses the whole call, with an entry; a column of an
// import outside of its categories is held back alone. Values are then for
// vault::VaultWriter. Safe for many threads; work is done on the workers.
class GovernedWrites {
 public:
  struct Options {
    // All outlive the object.
    ConfigurationSource configuration;
    vault::VaultWriter* writer = nullptr;
    store::Committer* committer = nullptr;
    const crypto::OpaqueTokens* tokens = nullptr;
    const crypto::RequestDigests* digests = nullptr;
    base::WorkerPool* workers = nullptr;
    Refusals* refusals = nullptr;
  };
  explicit GovernedWrites(Options options) : options_(std::move(options)) {}

  template <class Response>
  using WriteDone = absl::AnyInvocable<void(absl::StatusOr<Response>)>;

  // `request` lives until `done` was called. CLIENT_*, PURPOSE_NOT_ALLOWED,
  // CATEGORY_NOT_ALLOWED, LEGAL_FACT_NOT_ALLOWED, CONTEXT_REQUIRED,
  // FIELD_INVALID, those of VaultWriter.
  void Write(const Caller& caller, const v1::WriteRecordRequest& request,
             WriteDone<v1::WriteRecordResponse> done);

  // Whether the caller may import under this header at all; has no entry when
  // it may, since each step has one.
  void CheckImport(const Caller& caller, const v1::ImportHeader& header,
                   WriteDone<bool> done);

  // One step of an import. The registration is looked at anew for each.
  void Import(const Caller& caller, const v1::ImportHeader& header,
              const v1::ImportRows& rows,
              WriteDone<v1::ImportRecordsResponse> done);

 private:
  struct Plan {
    std::shared_ptr<const clients::Configuration> configuration;
    const clients::Registration* registration = nullptr;
    vault::WriteContext context;
  };
  absl::StatusOr<Plan> MakePlan(const Caller& caller, std::string_view purpose,
                                std::string_view source,
                                bool writes_legal_facts);
  absl::StatusOr<std::shared_ptr<const vault::CatalogIndex>> CatalogOf(
      const clients::Configuration& configuration);
  absl::StatusOr<v1::WriteRecordResponse> RunWrite(
      const Caller& caller, const v1::WriteRecordRequest& request);
  absl::StatusOr<v1::ImportRecordsResponse> RunImport(
      const Caller& caller, const v1::ImportHeader& header,
      const v1::ImportRows& rows);
  // Runs `work` on a worker; what it refuses about the caller has its entry
  // before `done` hears of it.
  template <class Response, class Work>
  void Submit(Caller caller, std::string purpose, Work work,
              WriteDone<Response> done);

  const Options options_;
  Mutex mu_;
  // Of the policy last asked for.
  std::shared_ptr<const clients::Policy> policy_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<const vault::CatalogIndex> catalog_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_GOVERNED_WRITES_H_
