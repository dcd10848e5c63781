#include <algorithm>
#include <memory>
#include <utility>

#include "consentry/v1/data_service.grpc.pb.h"
#include "gateway/access/explainer.h"
#include "gateway/access/governed_reads.h"
#include "gateway/access/governed_writes.h"
#include "gateway/access/select.h"
#include "gateway/rpc/deliver.h"
#include "gateway/rpc/entries.h"
#include "gateway/rpc/exchange_call.h"
#include "gateway/rpc/limits.h"
#include "gateway/rpc/services.h"
#include "gateway/rpc/stream_call.h"
#include "gateway/rpc/stream_room.h"
#include "gateway/rpc/unary_call.h"
#include "gateway/rpc/validate.h"
#include "proto/support/error.h"

namespace consentry::rpc {
namespace {

using Api = v1::DataService;
using Base = Api::WithCallbackMethod_ReadSubject<
    Api::WithCallbackMethod_BatchReadSubjects<
        Api::WithCallbackMethod_StreamReads<
            Api::WithCallbackMethod_SelectSubjects<
                Api::WithCallbackMethod_CheckAccess<
                    Api::WithCallbackMethod_ExplainDecision<
                        Api::WithCallbackMethod_WriteRecord<
                            Api::WithCallbackMethod_ImportRecords<
                                Api::Service>>>>>>>>;

// Subjects of one stream, in chunks: each is decided when the transport takes
// it, not before.
class ReadSource final : public StreamSource<v1::StreamReadsResponse> {
 public:
  ReadSource(access::GovernedReads* reads, const CallInfo* call,
             const v1::StreamReadsRequest* request, StreamRoom::Place place)
      : reads_(reads),
        call_(call),
        request_(request),
        place_(std::move(place)) {}

  void Next(v1::StreamReadsResponse* out, NextCompletion done) override {
    const auto total = static_cast<size_t>(request_->subjects_size());
    if (first_ >= total) {
      done.End(absl::OkStatus());
      return;
    }
    const size_t count = std::min(access::kMaxChunk, total - first_);
    const size_t first = std::exchange(first_, first_ + count);
    reads_->StreamChunk(
        CallerOf(*call_, request_->context()), *request_, first, count,
        [out, done = std::move(done)](
            absl::StatusOr<access::Released<v1::StreamReadsResponse>>
                released) mutable {
          if (!released.ok()) {
            done.End(released.status());
            return;
          }
          *out = std::move(released->response);
          done.Message();
        });
  }

 private:
  access::GovernedReads* const reads_;
  const CallInfo* const call_;
  const v1::StreamReadsRequest* const request_;
  const StreamRoom::Place place_;
  size_t first_ = 0;
};

// An import: a header, then rows, each message answered in its turn.
class ImportExchange final
    : public Exchange<v1::ImportRecordsRequest, v1::ImportRecordsResponse> {
 public:
  ImportExchange(access::GovernedWrites* writes, const CallInfo* call)
      : writes_(writes), call_(call) {}

  void Take(const v1::ImportRecordsRequest& request,
            v1::ImportRecordsResponse* out, TurnCompletion done) override {
    if (request.has_header() == begun_) {
      done.Fail(MakeError(v1::ERROR_REASON_FIELD_INVALID,
                          begun_ ? "a header stands in the first message alone"
                                 : "the first message must hold the header"));
      return;
    }
    if (!begun_) {
      begun_ = true;
      header_ = request.header();
      writes_->CheckImport(CallerOf(*call_, header_.context()), header_,
                           [done = std::move(done)](
                               const absl::StatusOr<bool>& allowed) mutable {
                             if (allowed.ok()) {
                               done.Silence();
                             } else {
                               done.Fail(allowed.status());
                             }
                           });
      return;
    }
    writes_->Import(
        CallerOf(*call_, header_.context()), header_, request.rows(),
        [out, done = std::move(done)](
            absl::StatusOr<v1::ImportRecordsResponse> response) mutable {
          if (response.ok()) {
            *out = *std::move(response);
            done.Answer();
          } else {
            done.Fail(response.status());
          }
        });
  }

  absl::Status End() override {
    if (begun_) return absl::OkStatus();
    return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                     "the first message must hold the header");
  }

 private:
  access::GovernedWrites* const writes_;
  const CallInfo* const call_;
  v1::ImportHeader header_;
  bool begun_ = false;
};

class DataServer final : public Base {
 public:
  DataServer(Pipeline* pipeline, DataCapabilities capabilities)
      : pipeline_(pipeline),
        can_(capabilities),
        read_(Get("ReadSubject")),
        batch_(Get("BatchReadSubjects")),
        stream_(Get("StreamReads")),
        select_(Get("SelectSubjects")),
        check_(Get("CheckAccess")),
        explain_(Get("ExplainDecision")),
        write_(Get("WriteRecord")),
        import_(Get("ImportRecords")) {}

  grpc::ServerUnaryReactor* ReadSubject(
      grpc::CallbackServerContext* context,
      const v1::ReadSubjectRequest* request,
      v1::ReadSubjectResponse* response) override {
    return StartUnary(
        pipeline_, read_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::ReadSubjectRequest& asked,
               v1::ReadSubjectResponse* out, Completion done) {
          can_.reads->Read(CallerOf(call, asked.context()), asked,
                           Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* BatchReadSubjects(
      grpc::CallbackServerContext* context,
      const v1::BatchReadSubjectsRequest* request,
      v1::BatchReadSubjectsResponse* response) override {
    return StartUnary(
        pipeline_, batch_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::BatchReadSubjectsRequest& asked,
               v1::BatchReadSubjectsResponse* out, Completion done) {
          can_.reads->Batch(CallerOf(call, asked.context()), asked,
                            Deliver(out, std::move(done)));
        });
  }

  grpc::ServerWriteReactor<v1::StreamReadsResponse>* StreamReads(
      grpc::CallbackServerContext* context,
      const v1::StreamReadsRequest* request) override {
    return StartStream<v1::StreamReadsResponse>(
        pipeline_, stream_, context, request, Validator(),
        [this](const CallInfo& call, const v1::StreamReadsRequest& asked)
            -> absl::StatusOr<
                std::unique_ptr<StreamSource<v1::StreamReadsResponse>>> {
          auto place = room_.Take(call.registration().id(),
                                  static_cast<size_t>(asked.subjects_size()));
          if (!place.ok()) {
            pipeline_->NoteRefusal(call, place.status());
            return place.status();
          }
          return std::make_unique<ReadSource>(can_.reads, &call, &asked,
                                              *std::move(place));
        });
  }

  grpc::ServerUnaryReactor* SelectSubjects(
      grpc::CallbackServerContext* context,
      const v1::SelectSubjectsRequest* request,
      v1::SelectSubjectsResponse* response) override {
    return StartUnary(
        pipeline_, select_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::SelectSubjectsRequest& asked,
               v1::SelectSubjectsResponse* out, Completion done) {
          can_.selection->Run(CallerOf(call, asked.context()), asked,
                              Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* CheckAccess(
      grpc::CallbackServerContext* context,
      const v1::CheckAccessRequest* request,
      v1::CheckAccessResponse* response) override {
    return StartUnary(
        pipeline_, check_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::CheckAccessRequest& asked,
               v1::CheckAccessResponse* out, Completion done) {
          can_.reads->Check(CallerOf(call, asked.context()), asked,
                            Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* ExplainDecision(
      grpc::CallbackServerContext* context,
      const v1::ExplainDecisionRequest* request,
      v1::ExplainDecisionResponse* response) override {
    return StartUnary(
        pipeline_, explain_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::ExplainDecisionRequest& asked,
               v1::ExplainDecisionResponse* out, Completion done) {
          const bool of_others =
              call.registration().client().role() != v1::ROLE_SERVICE;
          can_.explainer->Explain(CallerOf(call, {}), asked, of_others,
                                  Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* WriteRecord(
      grpc::CallbackServerContext* context,
      const v1::WriteRecordRequest* request,
      v1::WriteRecordResponse* response) override {
    return StartUnary(
        pipeline_, write_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::WriteRecordRequest& asked,
               v1::WriteRecordResponse* out, Completion done) {
          can_.writes->Write(
              CallerOf(call, asked.context()), asked,
              [out, done = std::move(done)](
                  absl::StatusOr<v1::WriteRecordResponse> written) mutable {
                const absl::Status status = written.status();
                if (status.ok()) *out = *std::move(written);
                done(status);
              });
        });
  }

  grpc::ServerBidiReactor<v1::ImportRecordsRequest, v1::ImportRecordsResponse>*
  ImportRecords(grpc::CallbackServerContext* context) override {
    return StartExchange<v1::ImportRecordsRequest, v1::ImportRecordsResponse>(
        pipeline_, import_, context,
        [](const v1::ImportRecordsRequest& message, FaultList* faults) {
          Validate(message, faults);
        },
        [this](const CallInfo& call)
            -> absl::StatusOr<std::unique_ptr<Exchange<
                v1::ImportRecordsRequest, v1::ImportRecordsResponse>>> {
          return std::make_unique<ImportExchange>(can_.writes, &call);
        });
  }

 private:
  const Method* Get(const std::string& name) const {
    return pipeline_->methods().Get("/consentry.v1.DataService/" + name);
  }

  Pipeline* const pipeline_;
  const DataCapabilities can_;
  StreamRoom room_{kMaxStreamed, kMaxStreamedOfOne};
  const Method* const read_;
  const Method* const batch_;
  const Method* const stream_;
  const Method* const select_;
  const Method* const check_;
  const Method* const explain_;
  const Method* const write_;
  const Method* const import_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeDataService(Pipeline* pipeline,
                                               DataCapabilities capabilities) {
  return std::make_unique<DataServer>(pipeline, capabilities);
}

}  // namespace consentry::rpc
