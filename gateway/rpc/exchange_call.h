#ifndef CONSENTRY_GATEWAY_RPC_EXCHANGE_CALL_H_
#define CONSENTRY_GATEWAY_RPC_EXCHANGE_CALL_H_

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "gateway/rpc/fault_list.h"
#include "gateway/rpc/person_scope.h"
#include "gateway/rpc/pipeline.h"

namespace consentry::rpc {

// The receiver of what an Exchange makes of one message.
class TurnReceiver {
 public:
  virtual void Turn(const absl::Status& status, bool answer) = 0;

 protected:
  ~TurnReceiver() = default;
};

// Ends one turn of an Exchange, once, from any thread. When it returns, the
// answer was handed to the transport or dropped. Movable; destroyed unused it
// ends the call with INTERNAL.
class TurnCompletion {
 public:
  explicit TurnCompletion(TurnReceiver* call) : call_(call) {}
  TurnCompletion(TurnCompletion&& other) noexcept
      : call_(std::exchange(other.call_, nullptr)) {}
  TurnCompletion& operator=(TurnCompletion&&) = delete;
  ~TurnCompletion() {
    if (call_ != nullptr) {
      call_->Turn(absl::InternalError("a handler dropped its turn"), false);
    }
  }

  // The answer stands in `out`.
  void Answer() { std::exchange(call_, nullptr)->Turn({}, true); }
  // The message is taken and has no answer.
  void Silence() { std::exchange(call_, nullptr)->Turn({}, false); }
  // The whole call ends.
  void Fail(const absl::Status& status) {
    std::exchange(call_, nullptr)->Turn(status, false);
  }

 private:
  TurnReceiver* call_;
};

// Takes the messages of one bidirectional call, one at a time, in order.
template <class Request, class Response>
class Exchange {
 public:
  virtual ~Exchange() = default;

  // Both messages live until `done` was run. Must not block.
  virtual void Take(const Request& request, Response* out,
                    TurnCompletion done) = 0;
  // The caller has sent its last message and all were taken. What it returns
  // ends the call.
  virtual absl::Status End() = 0;
};

// One bidirectional call through the pipeline: read, take, answer, read again.
// The registration is checked again for each message. Owns itself and its
// exchange.
template <class Request, class Response>
class ExchangeCall final : public grpc::ServerBidiReactor<Request, Response>,
                           private CallBase,
                           private TurnReceiver {
 public:
  using Validate = void (*)(const Request&, FaultList*);

  ExchangeCall(Pipeline* pipeline, const Method* method, Validate validate)
      : CallBase(pipeline, method), validate_(validate) {}

  // `open(const CallInfo&)` makes the exchange:
  // absl::StatusOr<std::unique_ptr<Exchange<Request, Response>>>.
  template <class Open>
  void Run(const grpc::ServerContextBase& context, Open open) {
    absl::Status status = pipeline()->Admit(context, false, &info());
    if (status.ok()) {
      try {
        auto exchange = open(static_cast<const CallInfo&>(info()));
        status = exchange.status();
        if (status.ok()) exchange_ = *std::move(exchange);
      } catch (...) {
        status = absl::InternalError("opening a call failed");
      }
    }
    if (status.ok()) {
      this->StartRead(&request_);
    } else {
      Close(status);
    }
  }

 private:
  void OnReadDone(bool ok) override {
    absl::Status status = info().CheckAlive();
    if (status.ok()) status = info().Refresh().status();
    if (status.ok() && ok) {
      FaultList faults;
      status = CheckClaims(info(), request_, &faults);
      if (status.ok()) {
        validate_(request_, &faults);
        status = faults.ToStatus();
      }
    }
    if (!status.ok()) {
      Close(status);
      return;
    }
    try {
      if (ok) {
        answer_.Clear();
        exchange_->Take(request_, &answer_, TurnCompletion(this));
      } else {
        Close(exchange_->End());
      }
    } catch (...) {
    }
  }
  void Turn(const absl::Status& status, bool answer) override {
    if (!status.ok()) {
      Close(status);
    } else if (answer) {
      this->StartWrite(&answer_);
    } else {
      this->StartRead(&request_);
    }
  }
  void Close(const absl::Status& status) {
    this->Finish(pipeline()->Finish(info(), status));
  }

  void OnWriteDone(bool ok) override {
    if (ok) {
      this->StartRead(&request_);
    } else {
      MarkCancelled();
      Close(info().CheckAlive());
    }
  }
  void OnCancel() override { MarkCancelled(); }
  void OnDone() override { delete this; }

  const Validate validate_;
  Request request_;
  Response answer_;
  std::unique_ptr<Exchange<Request, Response>> exchange_;
};

template <class Request, class Response, class Open>
grpc::ServerBidiReactor<Request, Response>* StartExchange(
    Pipeline* pipeline, const Method* method,
    const grpc::ServerContextBase* context,
    typename ExchangeCall<Request, Response>::Validate validate, Open open) {
  auto* call = new ExchangeCall<Request, Response>(pipeline, method, validate);
  call->Run(*context, std::move(open));
  return call;
}

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_EXCHANGE_CALL_H_
