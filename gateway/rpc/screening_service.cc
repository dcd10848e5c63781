#include "gateway/rpc/screening_service.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "consentry/v1/screening_service.grpc.pb.h"
#include "gateway/base/threads.h"
#include "gateway/fairness/audit_desk.h"
#include "gateway/fairness/fairness_desk.h"
#include "gateway/rpc/deliver.h"
#include "gateway/rpc/entries.h"
#include "gateway/rpc/exchange_call.h"
#include "gateway/rpc/services.h"
#include "gateway/rpc/stream_call.h"
#include "gateway/rpc/unary_call.h"
#include "gateway/rpc/validate.h"
#include "gateway/screening/outcome_desk.h"
#include "gateway/screening/release_desk.h"
#include "gateway/screening/screener.h"
#include "gateway/screening/screening_reads.h"
#include "gateway/screening/vulnerability_desk.h"

namespace consentry::rpc {
namespace {

using Api = v1::ScreeningService;

template <class Below>
using Screening = Api::WithCallbackMethod_ScreenOutput<
    Api::WithCallbackMethod_BatchScreenOutputs<
        Api::WithCallbackMethod_StreamOutputs<Below>>>;

template <class Below>
using Releasing = Api::WithCallbackMethod_FetchOutputs<
    Api::WithCallbackMethod_ListRevokedReleases<
        Api::WithCallbackMethod_RecordOutcome<Below>>>;

template <class Below>
using Looking =
    Api::WithCallbackMethod_GetScreening<Api::WithCallbackMethod_ListScreenings<
        Api::WithCallbackMethod_GetCase<Below>>>;

template <class Below>
using Declaring = Api::WithCallbackMethod_SetVulnerability<
    Api::WithCallbackMethod_ClearVulnerability<
        Api::WithCallbackMethod_ListVulnerabilities<Below>>>;

template <class Below>
using Watching = Api::WithCallbackMethod_GetFairnessProfile<
    Api::WithCallbackMethod_ListFairnessProfiles<
        Api::WithCallbackMethod_PutFairnessProfile<
            Api::WithCallbackMethod_ListFairnessMonitors<Below>>>>;

template <class Below>
using Auditing = Api::WithCallbackMethod_RunFairnessAudit<
    Api::WithCallbackMethod_GetFairnessReport<
        Api::WithCallbackMethod_ListFairnessReports<
            Api::WithCallbackMethod_DownloadFairnessReport<Below>>>>;

using Base =
    Screening<Releasing<Looking<Declaring<Watching<Auditing<Api::Service>>>>>>;

// What is wrong with one of several by itself.
template <class Message>
absl::Status CheckOne(const Message& message) {
  FaultList faults;
  Validate(message, &faults);
  return faults.ToStatus();
}

// A stream of outputs: each message is answered in its turn, once the verdicts
// of all of its outputs are in the log.
class OutputExchange final
    : public Exchange<v1::StreamOutputsRequest, v1::StreamOutputsResponse> {
 public:
  OutputExchange(screening::Screener* screener, const CallInfo* call)
      : screener_(screener), call_(call) {}

  void Take(const v1::StreamOutputsRequest& request,
            v1::StreamOutputsResponse* out, TurnCompletion done) override {
    screener_->ScreenAll(
        CallerOf(*call_, {}), request, CheckOne<v1::ScreenOutputRequest>,
        [out, done = std::move(done)](
            absl::StatusOr<
                access::Released<std::vector<v1::ScreenOutputResponse>>>
                released) mutable {
          if (!released.ok()) {
            done.Fail(released.status());
            return;
          }
          for (v1::ScreenOutputResponse& result : released->response) {
            *out->add_results() = std::move(result);
          }
          done.Answer();
        });
  }

  absl::Status End() override { return absl::OkStatus(); }

 private:
  screening::Screener* const screener_;
  const CallInfo* const call_;
};

// Hands the file of a report over, 64 KiB at a time.
class FileSource final
    : public StreamSource<v1::DownloadFairnessReportResponse> {
 public:
  FileSource(const fairness::AuditDesk* audits, const CallInfo* call,
             v1::DownloadFairnessReportRequest request)
      : audits_(audits), call_(call), request_(std::move(request)) {}

  void Next(v1::DownloadFairnessReportResponse* out,
            NextCompletion done) override {
    if (opened_) {
      Piece(out, std::move(done));
      return;
    }
    opened_ = true;
    audits_->Download(
        CallerOf(*call_, {}), request_,
        [this, out, done = std::move(done)](
            absl::StatusOr<access::Released<std::string>> answer) mutable {
          if (!answer.ok()) {
            done.End(answer.status());
            return;
          }
          file_ = std::move(answer->response);
          Piece(out, std::move(done));
        });
  }

 private:
  static constexpr size_t kPieceBytes = 64 << 10;

  void Piece(v1::DownloadFairnessReportResponse* out, NextCompletion done) {
    if (at_ >= file_.size()) {
      done.End(absl::OkStatus());
      return;
    }
    out->set_offset(at_);
    out->set_data(file_.substr(at_, kPieceBytes));
    at_ += out->data().size();
    done.Message();
  }

  const fairness::AuditDesk* const audits_;
  const CallInfo* const call_;
  const v1::DownloadFairnessReportRequest request_;
  std::string file_;
  size_t at_ = 0;
  bool opened_ = false;
};

class ScreeningServer final : public Base {
 public:
  ScreeningServer(Pipeline* pipeline, const ScreeningCapabilities& capabilities)
      : pipeline_(pipeline), can_(capabilities) {}

  grpc::ServerUnaryReactor* ScreenOutput(
      grpc::CallbackServerContext* context,
      const v1::ScreenOutputRequest* request,
      v1::ScreenOutputResponse* response) override {
    return StartUnary(
        pipeline_, screen_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::ScreenOutputRequest& asked,
               v1::ScreenOutputResponse* out, Completion done) {
          can_.screener->Screen(CallerOf(call, asked.context()), asked,
                                Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* BatchScreenOutputs(
      grpc::CallbackServerContext* context,
      const v1::BatchScreenOutputsRequest* request,
      v1::BatchScreenOutputsResponse* response) override {
    return StartUnary(
        pipeline_, batch_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::BatchScreenOutputsRequest& asked,
               v1::BatchScreenOutputsResponse* out, Completion done) {
          can_.screener->ScreenAll(
              CallerOf(call, {}), asked, CheckOne<v1::ScreenOutputRequest>,
              [out, done = std::move(done)](
                  absl::StatusOr<
                      access::Released<std::vector<v1::ScreenOutputResponse>>>
                      released) mutable {
                if (!released.ok()) {
                  done(released.status());
                  return;
                }
                for (v1::ScreenOutputResponse& result : released->response) {
                  *out->add_results() = std::move(result);
                }
                done(absl::OkStatus(), std::move(released->tickets));
              });
        });
  }

  grpc::ServerBidiReactor<v1::StreamOutputsRequest, v1::StreamOutputsResponse>*
  StreamOutputs(grpc::CallbackServerContext* context) override {
    return StartExchange<v1::StreamOutputsRequest, v1::StreamOutputsResponse>(
        pipeline_, stream_, context,
        [](const v1::StreamOutputsRequest& message, FaultList* faults) {
          Validate(message, faults);
        },
        [this](const CallInfo& call)
            -> absl::StatusOr<std::unique_ptr<Exchange<
                v1::StreamOutputsRequest, v1::StreamOutputsResponse>>> {
          return std::make_unique<OutputExchange>(can_.screener, &call);
        });
  }

  grpc::ServerUnaryReactor* FetchOutputs(
      grpc::CallbackServerContext* context,
      const v1::FetchOutputsRequest* request,
      v1::FetchOutputsResponse* response) override {
    return Ask(fetch_, context, request, response, can_.releases,
               &screening::ReleaseDesk::Fetch);
  }

  grpc::ServerUnaryReactor* ListRevokedReleases(
      grpc::CallbackServerContext* context,
      const v1::ListRevokedReleasesRequest* request,
      v1::ListRevokedReleasesResponse* response) override {
    return Ask(revoked_, context, request, response, can_.releases,
               &screening::ReleaseDesk::ListRevoked);
  }

  grpc::ServerUnaryReactor* RecordOutcome(
      grpc::CallbackServerContext* context,
      const v1::RecordOutcomeRequest* request,
      v1::RecordOutcomeResponse* response) override {
    return StartUnary(
        pipeline_, outcome_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::RecordOutcomeRequest& asked,
               v1::RecordOutcomeResponse* out, Completion done) {
          can_.outcomes->Record(CallerOf(call, asked.context()), asked,
                                CheckOne<v1::Outcome>,
                                Take(call, out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* GetScreening(grpc::CallbackServerContext* context,
                                         const v1::GetScreeningRequest* request,
                                         v1::Screening* response) override {
    return Ask(get_, context, request, response, can_.reads,
               &screening::ScreeningReads::Get);
  }

  grpc::ServerUnaryReactor* ListScreenings(
      grpc::CallbackServerContext* context,
      const v1::ListScreeningsRequest* request,
      v1::ListScreeningsResponse* response) override {
    return Ask(list_, context, request, response, can_.reads,
               &screening::ScreeningReads::List);
  }

  grpc::ServerUnaryReactor* GetCase(grpc::CallbackServerContext* context,
                                    const v1::GetCaseRequest* request,
                                    v1::OutputCase* response) override {
    return Ask(case_, context, request, response, can_.reads,
               &screening::ScreeningReads::GetCase);
  }

  grpc::ServerUnaryReactor* SetVulnerability(
      grpc::CallbackServerContext* context,
      const v1::SetVulnerabilityRequest* request,
      v1::Vulnerability* response) override {
    return Declare(set_, context, request, response,
                   &screening::VulnerabilityDesk::Set);
  }

  grpc::ServerUnaryReactor* ClearVulnerability(
      grpc::CallbackServerContext* context,
      const v1::ClearVulnerabilityRequest* request,
      v1::Vulnerability* response) override {
    return Declare(clear_, context, request, response,
                   &screening::VulnerabilityDesk::Clear);
  }

  grpc::ServerUnaryReactor* ListVulnerabilities(
      grpc::CallbackServerContext* context,
      const v1::ListVulnerabilitiesRequest* request,
      v1::ListVulnerabilitiesResponse* response) override {
    return Ask(vulnerabilities_, context, request, response,
               can_.vulnerabilities, &screening::VulnerabilityDesk::List);
  }

  grpc::ServerUnaryReactor* GetFairnessProfile(
      grpc::CallbackServerContext* context,
      const v1::GetFairnessProfileRequest* request,
      v1::FairnessProfile* response) override {
    return Ask(profile_get_, context, request, response, can_.fairness,
               &fairness::FairnessDesk::Get);
  }

  grpc::ServerUnaryReactor* ListFairnessProfiles(
      grpc::CallbackServerContext* context,
      const v1::ListFairnessProfilesRequest* request,
      v1::ListFairnessProfilesResponse* response) override {
    return Ask(profiles_, context, request, response, can_.fairness,
               &fairness::FairnessDesk::List);
  }

  grpc::ServerUnaryReactor* PutFairnessProfile(
      grpc::CallbackServerContext* context,
      const v1::PutFairnessProfileRequest* request,
      v1::FairnessProfile* response) override {
    return StartUnary(
        pipeline_, profile_put_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::PutFairnessProfileRequest& asked,
               v1::FairnessProfile* out, Completion done) {
          can_.fairness->Put(CallerOf(call, {}), asked,
                             Take(call, out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* ListFairnessMonitors(
      grpc::CallbackServerContext* context,
      const v1::ListFairnessMonitorsRequest* request,
      v1::ListFairnessMonitorsResponse* response) override {
    return Ask(monitors_, context, request, response, can_.fairness,
               &fairness::FairnessDesk::Monitors);
  }

  grpc::ServerUnaryReactor* RunFairnessAudit(
      grpc::CallbackServerContext* context,
      const v1::RunFairnessAuditRequest* request,
      v1::FairnessReport* response) override {
    return StartUnary(
        pipeline_, audit_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::RunFairnessAuditRequest& asked,
               v1::FairnessReport* out, Completion done) {
          can_.audits->Run(CallerOf(call, asked.context()), asked,
                           Take(call, out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* GetFairnessReport(
      grpc::CallbackServerContext* context,
      const v1::GetFairnessReportRequest* request,
      v1::FairnessReport* response) override {
    return Ask(report_get_, context, request, response, can_.audits,
               &fairness::AuditDesk::Get);
  }

  grpc::ServerUnaryReactor* ListFairnessReports(
      grpc::CallbackServerContext* context,
      const v1::ListFairnessReportsRequest* request,
      v1::ListFairnessReportsResponse* response) override {
    return Ask(reports_, context, request, response, can_.audits,
               &fairness::AuditDesk::List);
  }

  grpc::ServerWriteReactor<v1::DownloadFairnessReportResponse>*
  DownloadFairnessReport(
      grpc::CallbackServerContext* context,
      const v1::DownloadFairnessReportRequest* request) override {
    return StartStream<v1::DownloadFairnessReportResponse>(
        pipeline_, download_, context, request, Validator(),
        [this](const CallInfo& call,
               const v1::DownloadFairnessReportRequest& asked)
            -> absl::StatusOr<std::unique_ptr<
                StreamSource<v1::DownloadFairnessReportResponse>>> {
          return std::make_unique<FileSource>(can_.audits, &call, asked);
        });
  }

 private:
  const Method* Get(const std::string& name) const {
    return pipeline_->methods().Get("/consentry.v1.ScreeningService/" + name);
  }

  // A change: its own entry is written already, or it was refused.
  template <class Response>
  absl::AnyInvocable<void(absl::StatusOr<Response>)> Take(const CallInfo& call,
                                                          Response* out,
                                                          Completion done) {
    return [this, call = &call, out,
            done = std::move(done)](absl::StatusOr<Response> answer) mutable {
      const absl::Status status = answer.status();
      if (status.ok()) {
        *out = *std::move(answer);
      } else {
        pipeline_->NoteRefusal(*call, status);
      }
      done(status);
    };
  }

  template <class Request, class Response, class Part, class Member>
  grpc::ServerUnaryReactor* Ask(const Method* method,
                                grpc::CallbackServerContext* context,
                                const Request* request, Response* response,
                                Part* part, Member member) {
    return StartUnary(
        pipeline_, method, context, request, response, Validator(),
        [this, part, member](const CallInfo& call, const Request& asked,
                             Response* out, Completion done) {
          v1::CallContext told;
          if constexpr (requires { asked.context(); }) told = asked.context();
          (part->*member)(CallerOf(call, told), asked,
                          Noted(call, Deliver(out, std::move(done))));
        });
  }

  // What was refused has its entry: nobody learns who is a customer by trying
  // unseen.
  template <class Response>
  access::Done<Response> Noted(const CallInfo& call,
                               access::Done<Response> done) {
    return [this, call = &call, done = std::move(done)](
               absl::StatusOr<access::Released<Response>> released) mutable {
      if (!released.ok()) pipeline_->NoteRefusal(*call, released.status());
      done(std::move(released));
    };
  }

  template <class Request, class Member>
  grpc::ServerUnaryReactor* Declare(const Method* method,
                                    grpc::CallbackServerContext* context,
                                    const Request* request,
                                    v1::Vulnerability* response,
                                    Member member) {
    return StartUnary(
        pipeline_, method, context, request, response, Validator(),
        [this, member](const CallInfo& call, const Request& asked,
                       v1::Vulnerability* out, Completion done) {
          auto end = [this, call = &call, out, done = std::move(done)](
                         absl::StatusOr<v1::Vulnerability> answer) mutable {
            if (!answer.ok()) pipeline_->NoteRefusal(*call, answer.status());
            const absl::Status status = answer.status();
            if (status.ok()) *out = *std::move(answer);
            done(status);
          };
          // A refused task is destroyed, which ends its call.
          can_.workers->TrySubmit(
              [this, &call, &asked, member, end = std::move(end)]() mutable {
                (can_.vulnerabilities->*member)(CallerOf(call, asked.context()),
                                                asked, std::move(end));
              });
        });
  }

  Pipeline* const pipeline_;
  const ScreeningCapabilities can_;
  const Method* const screen_ = Get("ScreenOutput");
  const Method* const batch_ = Get("BatchScreenOutputs");
  const Method* const stream_ = Get("StreamOutputs");
  const Method* const fetch_ = Get("FetchOutputs");
  const Method* const revoked_ = Get("ListRevokedReleases");
  const Method* const outcome_ = Get("RecordOutcome");
  const Method* const get_ = Get("GetScreening");
  const Method* const list_ = Get("ListScreenings");
  const Method* const case_ = Get("GetCase");
  const Method* const set_ = Get("SetVulnerability");
  const Method* const clear_ = Get("ClearVulnerability");
  const Method* const vulnerabilities_ = Get("ListVulnerabilities");
  const Method* const profile_get_ = Get("GetFairnessProfile");
  const Method* const profiles_ = Get("ListFairnessProfiles");
  const Method* const profile_put_ = Get("PutFairnessProfile");
  const Method* const monitors_ = Get("ListFairnessMonitors");
  const Method* const audit_ = Get("RunFairnessAudit");
  const Method* const report_get_ = Get("GetFairnessReport");
  const Method* const reports_ = Get("ListFairnessReports");
  const Method* const download_ = Get("DownloadFairnessReport");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeScreeningService(
    Pipeline* pipeline, const ScreeningCapabilities& capabilities) {
  return std::make_unique<ScreeningServer>(pipeline, capabilities);
}

}  // namespace consentry::rpc
