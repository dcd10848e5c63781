#include "tools/consentry/bench_load.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <deque>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"

namespace consentry::tools {
namespace {

using Clock = std::chrono::steady_clock;

// A server that answers nothing for this long has failed.
constexpr std::chrono::seconds kPatience{30};

std::string Bytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

class Load {
 public:
  explicit Load(const LoadOptions& options) : options_(options) {
    for (const auto& channel : options.channels) {
      stubs_.push_back(std::make_unique<grpc::GenericStub>(channel));
    }
  }

  absl::StatusOr<LoadResult> Run() {
    for (size_t i = 0; i < options_.in_flight; ++i) {
      calls_.emplace_back();
      calls_.back().stub = stubs_[i % stubs_.size()].get();
    }
    begin_ = Clock::now();
    end_ = begin_ + options_.span;
    for (Call& call : calls_) Begin(&call);
    while (open_ > 0) Take();
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
    if (!fault_.ok()) return fault_;
    result_.seconds = std::chrono::duration<double>(last_ - begin_).count();
    if (looked_ > 0) {
      result_.answer_bytes =
          static_cast<double>(looked_bytes_) / static_cast<double>(looked_);
    }
    return std::move(result_);
  }

 private:
  struct Call {
    grpc::GenericStub* stub = nullptr;
    std::optional<grpc::ClientContext> context;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
    grpc::ByteBuffer answer;
    grpc::Status status;
    Clock::time_point begun;
  };

  void Begin(Call* call) {
    if (!fault_.ok() ||
        (options_.max_calls > 0 && begun_ >= options_.max_calls))
      return;
    const grpc::Slice request(options_.request());
    const grpc::ByteBuffer buffer(&request, 1);
    call->context.emplace();
    call->begun = Clock::now();
    call->reader = call->stub->PrepareUnaryCall(
        &*call->context, options_.method, buffer, &queue_);
    call->reader->StartCall();
    call->reader->Finish(&call->answer, &call->status, call);
    ++begun_;
    ++open_;
  }

  void Take() {
    void* tag = nullptr;
    bool ok = false;
    const auto deadline = std::chrono::system_clock::now() + kPatience;
    if (queue_.AsyncNext(&tag, &ok, deadline) !=
        grpc::CompletionQueue::GOT_EVENT) {
      Fail("a server stopped to answer");
      for (Call& call : calls_) {
        if (call.context) call.context->TryCancel();
      }
      return;
    }
    --open_;
    Call* const call = static_cast<Call*>(tag);
    const auto now = Clock::now();
    last_ = now;
    if (!call->status.ok()) {
      Fail(absl::StrCat("a call of ", options_.method, " failed with code ",
                        static_cast<int>(call->status.error_code()), ": ",
                        call->status.error_message()));
      return;
    }
    result_.latencies_us.push_back(
        std::chrono::duration<double, std::micro>(now - call->begun).count());
    if (result_.calls++ % kLookEvery == 0) Look(call->answer);
    const bool stopped = options_.stop != nullptr && options_.stop->load();
    if (now < end_ && !stopped) Begin(call);
  }

  void Look(const grpc::ByteBuffer& answer) {
    ++looked_;
    looked_bytes_ += answer.Length();
    if (options_.expected && !options_.expected(Bytes(answer))) {
      Fail(absl::StrCat("an answer of ", options_.method,
                        " is not the one expected"));
    }
  }

  void Fail(std::string why) {
    if (fault_.ok()) fault_ = absl::InternalError(why);
  }

  const LoadOptions& options_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  std::deque<Call> calls_;
  Clock::time_point begin_;
  Clock::time_point end_;
  Clock::time_point last_;
  uint64_t begun_ = 0;
  size_t open_ = 0;
  uint64_t looked_ = 0;
  uint64_t looked_bytes_ = 0;
  LoadResult result_;
  absl::Status fault_;
};

// A thread for each call in flight.
absl::StatusOr<LoadResult> RunThreads(const LoadOptions& options) {
  struct Part {
    LoadResult result;
    absl::Status fault;
  };
  std::vector<Part> parts(options.in_flight);
  std::vector<std::thread> threads;
  std::atomic<bool> failed{false};
  const auto begin = Clock::now();
  const auto end = begin + options.span;
  for (size_t i = 0; i < parts.size(); ++i) {
    threads.emplace_back([&options, &failed, end, i, part = &parts[i]] {
      const auto call =
          options.make_caller(options.channels[i % options.channels.size()]);
      for (auto now = Clock::now(); now < end && !failed.load();) {
        part->fault = call();
        if (!part->fault.ok()) {
          failed.store(true);
          return;
        }
        const auto answered = Clock::now();
        part->result.latencies_us.push_back(
            std::chrono::duration<double, std::micro>(answered - now).count());
        now = answered;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  LoadResult all;
  all.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  for (Part& part : parts) {
    if (!part.fault.ok()) return part.fault;
    all.calls += part.result.latencies_us.size();
    all.latencies_us.insert(all.latencies_us.end(),
                            part.result.latencies_us.begin(),
                            part.result.latencies_us.end());
  }
  return all;
}

}  // namespace

absl::StatusOr<LoadResult> RunLoad(const LoadOptions& options) {
  if (options.channels.empty() || options.in_flight == 0) {
    return absl::InvalidArgumentError("a load needs a channel and calls");
  }
  if (options.make_caller) return RunThreads(options);
  Load load(options);
  return load.Run();
}

}  // namespace consentry::tools
