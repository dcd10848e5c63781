#ifndef CONSENTRY_GATEWAY_RPC_STREAM_CALL_H_
#define CONSENTRY_GATEWAY_RPC_STREAM_CALL_H_

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/rpc/fault_list.h"
#include "gateway/rpc/person_scope.h"
#include "gateway/rpc/pipeline.h"

namespace consentry::rpc {

// The receiver of what a StreamSource makes.
class MessageReceiver {
 public:
  virtual void Receive(const absl::Status& status, bool more) = 0;

 protected:
  ~MessageReceiver() = default;
};

// Ends one StreamSource::Next, once, from any thread. When it returns, the
// message was handed to the transport or dropped. Movable; destroyed unused it
// ends the stream with INTERNAL.
class NextCompletion {
 public:
  explicit NextCompletion(MessageReceiver* stream) : stream_(stream) {}
  NextCompletion(NextCompletion&& other) noexcept
      : stream_(std::exchange(other.stream_, nullptr)) {}
  NextCompletion& operator=(NextCompletion&&) = delete;
  ~NextCompletion() {
    if (stream_ != nullptr) {
      stream_->Receive(absl::InternalError("a source dropped its stream"),
                       false);
    }
  }

  // One message stands in `out`.
  void Message() { std::exchange(stream_, nullptr)->Receive({}, true); }
  // No more messages: the stream ends well, or with the error.
  void End(const absl::Status& status) {
    std::exchange(stream_, nullptr)->Receive(status, false);
  }

 private:
  MessageReceiver* stream_;
};

// Makes the messages of one stream, one at a time.
template <class Response>
class StreamSource {
 public:
  virtual ~StreamSource() = default;

  // Puts the next message into `out`, which is empty and lives until `done` was
  // run, and commits it. Called only when the transport takes a message, so
  // that no committed message ever waits for a slow reader: a withdrawal has
  // nothing to wait for, and nothing is dropped and decided again. Must not
  // block; a source that waits for something ends within half a second after
  // the call has expired (CallInfo::Expired).
  virtual void Next(Response* out, NextCompletion done) = 0;
};

// One server stream through the pipeline. Registration and configuration are
// checked again before each message. Owns itself and its source.
template <class Response>
class StreamCall final : public grpc::ServerWriteReactor<Response>,
                         private CallBase,
                         private MessageReceiver {
 public:
  StreamCall(Pipeline* pipeline, const Method* method)
      : CallBase(pipeline, method) {}

  // `open(const CallInfo&, const Request&)` makes the source:
  // absl::StatusOr<std::unique_ptr<StreamSource<Response>>>.
  template <class Request, class Validate, class Open>
  void Run(const grpc::ServerContextBase& context, const Request& request,
           Validate validate, Open open) {
    absl::Status status = pipeline()->Admit(context, false, &info());
    const Request* asked = &request;
    if (status.ok()) {
      FaultList faults;
      status = BindPerson(info(), &asked, &bound_, &faults);
      if (status.ok()) {
        validate(*asked, &faults);
        status = faults.ToStatus();
      }
    }
    if (status.ok()) {
      try {
        auto source = open(static_cast<const CallInfo&>(info()), *asked);
        status = source.status();
        if (status.ok()) source_ = *std::move(source);
      } catch (...) {
        status = absl::InternalError("opening a stream failed");
      }
    }
    if (!status.ok()) {
      End(status);
      return;
    }
    // The reaction comes once the call is bound to this reactor. A message
    // before that would only be noted, and handed over later than its source
    // believes.
    this->StartSendInitialMetadata();
  }

 private:
  void OnSendInitialMetadataDone(bool ok) override {
    if (ok) {
      Pull();
    } else {
      MarkCancelled();
      End(info().CheckAlive());
    }
  }
  void Pull() {
    absl::Status status = info().CheckAlive();
    if (status.ok()) status = info().Refresh().status();
    if (!status.ok()) {
      End(status);
      return;
    }
    message_.Clear();
    try {
      source_->Next(&message_, NextCompletion(this));
    } catch (...) {
    }
  }
  void Receive(const absl::Status& ended, bool more) override {
    absl::Status status = ended;
    if (more && status.ok()) {
      status = pipeline()->BeforeRelease(info(), status);
    }
    if (more && status.ok()) {
      this->StartWrite(&message_);
    } else {
      End(status);
    }
  }
  void End(const absl::Status& status) {
    this->Finish(pipeline()->Finish(info(), status));
  }

  void OnWriteDone(bool ok) override {
    if (ok) {
      Pull();
    } else {
      MarkCancelled();
      End(info().CheckAlive());
    }
  }
  void OnCancel() override { MarkCancelled(); }
  void OnDone() override { delete this; }

  // The request of a customer, with her subject in it; else null.
  std::unique_ptr<google::protobuf::Message> bound_;
  Response message_;
  std::unique_ptr<StreamSource<Response>> source_;
};

template <class Response, class Request, class Validate, class Open>
grpc::ServerWriteReactor<Response>* StartStream(
    Pipeline* pipeline, const Method* method,
    const grpc::ServerContextBase* context, const Request* request,
    Validate validate, Open open) {
  auto* call = new StreamCall<Response>(pipeline, method);
  call->Run(*context, *request, std::move(validate), std::move(open));
  return call;
}

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_STREAM_CALL_H_
