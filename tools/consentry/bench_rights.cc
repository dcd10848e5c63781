#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/bench_run.h"

namespace consentry::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kEntries = 10'000;
constexpr int kReaders = 32;
constexpr char kStaff[] = "compliance";
// What a document that was looked at might hash to.
constexpr char kEvidence[] =
    "0000000000000000000000000000000000000000000000000000000000000000";

absl::Status FromRpc(const grpc::Status& status, const char* what) {
  if (status.ok()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(what, " failed: ", status.error_message()));
}

// Leaves an entry about the customer for each of `count` reads.
absl::Status ReadOften(const std::shared_ptr<grpc::Channel>& channel,
                       uint64_t number, int count) {
  std::atomic<int> left{count};
  std::atomic<bool> failed{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      const auto stub = v1::DataService::NewStub(channel);
      v1::ReadSubjectRequest request;
      request.ParseFromString(ReadRequest(number));
      while (left.fetch_sub(1) > 0 && !failed.load()) {
        grpc::ClientContext context;
        v1::ReadSubjectResponse response;
        if (!stub->ReadSubject(&context, request, &response).ok()) {
          failed.store(true);
        }
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
  return failed.load() ? absl::InternalError("a read failed")
                       : absl::OkStatus();
}

}  // namespace

absl::Status MeasureAccessReport(BenchRun* run) {
  if (!run->Wants("access_report_s")) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(BenchSite* const site, run->Small());
  if (site->process() == nullptr) CONSENTRY_RETURN_IF_ERROR(site->Start());
  const uint64_t number = site->readable() / 2;
  CONSENTRY_ASSIGN_OR_RETURN(const auto reading,
                             site->Connect(kBenchReader, 1));
  CONSENTRY_RETURN_IF_ERROR(ReadOften(reading[0], number, kEntries));

  CONSENTRY_ASSIGN_OR_RETURN(const auto staff, site->Connect(kStaff, 1));
  const auto stub = v1::RightsService::NewStub(staff[0]);
  v1::RightsCase opened;
  {
    grpc::ClientContext context;
    v1::SubmitRightsCaseRequest request;
    *request.mutable_subject() = BenchSubject(number);
    request.set_kind(v1::RIGHTS_KIND_ACCESS);
    request.set_channel(v1::CHANNEL_POST);
    CONSENTRY_RETURN_IF_ERROR(FromRpc(
        stub->SubmitRightsCase(&context, request, &opened), "a request"));
  }
  {
    grpc::ClientContext context;
    v1::VerifyRightsCaseRequest request;
    request.set_id(opened.id());
    request.set_etag(opened.etag());
    request.set_level(v1::VERIFICATION_LEVEL_LOGIN);
    request.set_evidence_digest(kEvidence);
    CONSENTRY_RETURN_IF_ERROR(FromRpc(
        stub->VerifyRightsCase(&context, request, &opened), "identifying"));
  }
  // The index follows the log by some seconds; the report must not wait for it.
  std::this_thread::sleep_for(std::chrono::seconds(3));
  const pid_t pid = site->process()->pid();
  const double used_before = ProcessorSeconds(pid);
  const auto begin = Clock::now();
  {
    grpc::ClientContext context;
    v1::CompleteRightsCaseRequest request;
    request.set_id(opened.id());
    request.set_etag(opened.etag());
    CONSENTRY_RETURN_IF_ERROR(FromRpc(
        stub->CompleteRightsCase(&context, request, &opened), "the report"));
  }
  const auto made = Clock::now();
  // The aim is one second of one core.
  const double used = ProcessorSeconds(pid) - used_before;
  uint64_t bytes = 0;
  {
    grpc::ClientContext context;
    v1::DownloadReportRequest request;
    request.set_id(opened.id());
    request.set_format(v1::REPORT_FORMAT_JSON);
    const auto reader = stub->DownloadReport(&context, request);
    v1::DownloadReportResponse piece;
    while (reader->Read(&piece)) bytes += piece.data().size();
    CONSENTRY_RETURN_IF_ERROR(FromRpc(reader->Finish(), "the download"));
  }
  const auto seconds = [](Clock::duration span) {
    return std::chrono::duration<double>(span).count();
  };
  Figure* const figure = run->Add("access_report_s", used);
  figure->Add("answered_s", seconds(made - begin));
  figure->Add("download_s", seconds(Clock::now() - made));
  figure->Add("entries", kEntries);
  figure->Add("json_bytes", static_cast<double>(bytes));
  return absl::OkStatus();
}

}  // namespace consentry::tools
