#include <memory>
#include <string>
#include <utility>

#include "consentry/v1/audit_service.grpc.pb.h"
#include "gateway/access/audit_reader.h"
#include "gateway/oversight/breach_register.h"
#include "gateway/oversight/exposures.h"
#include "gateway/oversight/records_of_processing.h"
#include "gateway/rpc/audit_streams.h"
#include "gateway/rpc/deliver.h"
#include "gateway/rpc/entries.h"
#include "gateway/rpc/services.h"
#include "gateway/rpc/unary_call.h"
#include "gateway/rpc/validate.h"

namespace consentry::rpc {
namespace {

class AuditServer final : public v1::AuditService::CallbackService {
 public:
  AuditServer(Pipeline* pipeline, AuditCapabilities capabilities)
      : pipeline_(pipeline),
        reader_(capabilities.reader),
        can_(capabilities),
        waiters_("audit-stream", 2, 64) {}

  grpc::ServerUnaryReactor* GetAuditLog(grpc::CallbackServerContext* context,
                                        const v1::GetAuditLogRequest* request,
                                        v1::AuditLog* response) override {
    return StartUnary(
        pipeline_, describe_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::GetAuditLogRequest&,
               v1::AuditLog* out, Completion done) {
          reader_->Describe(CallerOf(call, {}), Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* GetAuditEntry(
      grpc::CallbackServerContext* context,
      const v1::GetAuditEntryRequest* request,
      v1::AuditEntry* response) override {
    return StartUnary(
        pipeline_, get_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::GetAuditEntryRequest& asked,
               v1::AuditEntry* out, Completion done) {
          reader_->Get(CallerOf(call, {}), asked,
                       Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* QueryAuditEntries(
      grpc::CallbackServerContext* context,
      const v1::QueryAuditEntriesRequest* request,
      v1::QueryAuditEntriesResponse* response) override {
    return StartUnary(
        pipeline_, query_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::QueryAuditEntriesRequest& asked,
               v1::QueryAuditEntriesResponse* out, Completion done) {
          reader_->Query(CallerOf(call, asked.context()), asked,
                         Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* GetCheckpoint(
      grpc::CallbackServerContext* context,
      const v1::GetCheckpointRequest* request,
      v1::Checkpoint* response) override {
    return StartUnary(
        pipeline_, checkpoint_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::GetCheckpointRequest& asked,
               v1::Checkpoint* out, Completion done) {
          reader_->GetCheckpoint(CallerOf(call, {}), asked,
                                 Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* ProveInclusion(
      grpc::CallbackServerContext* context,
      const v1::ProveInclusionRequest* request,
      v1::InclusionProof* response) override {
    return StartUnary(
        pipeline_, inclusion_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::ProveInclusionRequest& asked,
               v1::InclusionProof* out, Completion done) {
          reader_->ProveInclusion(CallerOf(call, {}), asked,
                                  Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* ProveConsistency(
      grpc::CallbackServerContext* context,
      const v1::ProveConsistencyRequest* request,
      v1::ConsistencyProof* response) override {
    return StartUnary(
        pipeline_, consistency_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::ProveConsistencyRequest& asked,
               v1::ConsistencyProof* out, Completion done) {
          reader_->ProveConsistency(CallerOf(call, {}), asked,
                                    Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* GetProcessingRecord(
      grpc::CallbackServerContext* context,
      const v1::GetProcessingRecordRequest* request,
      v1::ProcessingRecord* response) override {
    return StartUnary(pipeline_, processing_, context, request, response,
                      Validator(),
                      [this](const CallInfo& call,
                             const v1::GetProcessingRecordRequest& asked,
                             v1::ProcessingRecord* out, Completion done) {
                        can_.processing->Get(CallerOf(call, {}), asked,
                                             Deliver(out, std::move(done)));
                      });
  }

  grpc::ServerUnaryReactor* ListExposures(
      grpc::CallbackServerContext* context,
      const v1::ListExposuresRequest* request,
      v1::ListExposuresResponse* response) override {
    return StartUnary(
        pipeline_, exposures_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::ListExposuresRequest& asked,
               v1::ListExposuresResponse* out, Completion done) {
          can_.exposures->List(CallerOf(call, {}), asked,
                               Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* CreateBreach(grpc::CallbackServerContext* context,
                                         const v1::CreateBreachRequest* request,
                                         v1::Breach* response) override {
    return StartUnary(
        pipeline_, create_breach_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::CreateBreachRequest& asked,
               v1::Breach* out, Completion done) {
          can_.breaches->Create(CallerOf(call, {}), asked,
                                Written(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* UpdateBreach(grpc::CallbackServerContext* context,
                                         const v1::UpdateBreachRequest* request,
                                         v1::Breach* response) override {
    return StartUnary(
        pipeline_, update_breach_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::UpdateBreachRequest& asked,
               v1::Breach* out, Completion done) {
          can_.breaches->Update(CallerOf(call, {}), asked,
                                Written(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* ListBreaches(
      grpc::CallbackServerContext* context,
      const v1::ListBreachesRequest* request,
      v1::ListBreachesResponse* response) override {
    return StartUnary(
        pipeline_, list_breaches_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::ListBreachesRequest& asked,
               v1::ListBreachesResponse* out, Completion done) {
          can_.breaches->List(CallerOf(call, {}), asked,
                              Deliver(out, std::move(done)));
        });
  }

  grpc::ServerWriteReactor<v1::ExportAuditEntriesResponse>* ExportAuditEntries(
      grpc::CallbackServerContext* context,
      const v1::ExportAuditEntriesRequest* request) override {
    return StartStream<v1::ExportAuditEntriesResponse>(
        pipeline_, export_, context, request, Validator(),
        [this](const CallInfo& call, const v1::ExportAuditEntriesRequest& asked)
            -> absl::StatusOr<
                std::unique_ptr<StreamSource<v1::ExportAuditEntriesResponse>>> {
          return MakeExportSource(reader_, &waiters_, &call, asked);
        });
  }

  grpc::ServerWriteReactor<v1::AuditEntry>* TailAuditEntries(
      grpc::CallbackServerContext* context,
      const v1::TailAuditEntriesRequest* request) override {
    return StartStream<v1::AuditEntry>(
        pipeline_, tail_, context, request, Validator(),
        [this](const CallInfo& call, const v1::TailAuditEntriesRequest& asked)
            -> absl::StatusOr<std::unique_ptr<StreamSource<v1::AuditEntry>>> {
          return MakeTailSource(reader_, &waiters_, &call, asked);
        });
  }

 private:
  const Method* Get(const std::string& name) const {
    return pipeline_->methods().Get("/consentry.v1.AuditService/" + name);
  }

  // A change has its entry already.
  static oversight::BreachRegister::Done Written(v1::Breach* out,
                                                 Completion done) {
    return [out,
            done = std::move(done)](absl::StatusOr<v1::Breach> breach) mutable {
      const absl::Status status = breach.status();
      if (status.ok()) *out = *std::move(breach);
      done(status);
    };
  }

  Pipeline* const pipeline_;
  access::AuditReader* const reader_;
  const AuditCapabilities can_;
  base::WorkerPool waiters_;
  const Method* const describe_ = Get("GetAuditLog");
  const Method* const get_ = Get("GetAuditEntry");
  const Method* const query_ = Get("QueryAuditEntries");
  const Method* const checkpoint_ = Get("GetCheckpoint");
  const Method* const inclusion_ = Get("ProveInclusion");
  const Method* const consistency_ = Get("ProveConsistency");
  const Method* const export_ = Get("ExportAuditEntries");
  const Method* const tail_ = Get("TailAuditEntries");
  const Method* const processing_ = Get("GetProcessingRecord");
  const Method* const exposures_ = Get("ListExposures");
  const Method* const create_breach_ = Get("CreateBreach");
  const Method* const update_breach_ = Get("UpdateBreach");
  const Method* const list_breaches_ = Get("ListBreaches");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAuditService(
    Pipeline* pipeline, AuditCapabilities capabilities) {
  return std::make_unique<AuditServer>(pipeline, capabilities);
}

}  // namespace consentry::rpc
