#include "tests/promises/edge_tap.h"

#include <grpcpp/impl/server_builder_plugin.h>
#include <grpcpp/support/server_interceptor.h>

#include <memory>
#include <string>
#include <utility>

namespace consentry::testing {
namespace {

using Tapped = std::shared_ptr<const std::function<void(const Sending&)>>;

class Tap final : public grpc::experimental::Interceptor {
 public:
  Tap(grpc::experimental::ServerRpcInfo* info, Tapped tap)
      : info_(info), tap_(std::move(tap)) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* batch) override {
    using Point = grpc::experimental::InterceptionHookPoints;
    if (batch->QueryInterceptionHookPoint(Point::PRE_SEND_MESSAGE)) {
      const std::string_view path = info_->method();
      (*tap_)({.method = path.substr(path.rfind('/') + 1),
               .call = info_->server_context(),
               .message = batch->GetSendMessage()});
    }
    batch->Proceed();
  }

 private:
  grpc::experimental::ServerRpcInfo* const info_;
  const Tapped tap_;
};

class TapFactory final
    : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit TapFactory(Tapped tap) : tap_(std::move(tap)) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    return new Tap(info, tap_);
  }

 private:
  const Tapped tap_;
};

class TapPlugin final : public grpc::ServerBuilderPlugin {
 public:
  explicit TapPlugin(Tapped tap) : tap_(std::move(tap)) {}
  std::string name() override { return "tap"; }
  void UpdateServerBuilder(grpc::ServerBuilder* builder) override {
    std::vector<
        std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
        taps;
    taps.push_back(std::make_unique<TapFactory>(tap_));
    builder->experimental().SetInterceptorCreators(std::move(taps));
  }
  void InitServer(grpc::ServerInitializer*) override {}
  void Finish(grpc::ServerInitializer*) override {}
  void ChangeArguments(const std::string&, void*) override {}

 private:
  const Tapped tap_;
};

// gRPC takes a function without a state.
Tapped installed;

template <class Message>
void AddResults(const void* message,
                std::vector<const v1::ReadSubjectResponse*>* found) {
  for (const auto& result : static_cast<const Message*>(message)->results()) {
    found->push_back(&result);
  }
}

}  // namespace

std::optional<int> Sending::NumberIn(const char* metadata_key) const {
  const auto& metadata = call->client_metadata();
  const auto found = metadata.find(metadata_key);
  if (found == metadata.end()) return std::nullopt;
  return std::stoi(std::string(found->second.data(), found->second.size()));
}

std::vector<const v1::ReadSubjectResponse*> Sending::Released() const {
  std::vector<const v1::ReadSubjectResponse*> found;
  if (method == "ReadSubject") {
    found.push_back(static_cast<const v1::ReadSubjectResponse*>(message));
  } else if (method == "BatchReadSubjects") {
    AddResults<v1::BatchReadSubjectsResponse>(message, &found);
  } else if (method == "StreamReads") {
    AddResults<v1::StreamReadsResponse>(message, &found);
  } else if (method == "SelectSubjects") {
    AddResults<v1::SelectSubjectsResponse>(message, &found);
  }
  std::erase_if(found, [](const v1::ReadSubjectResponse* answer) {
    return answer->fields().empty() && answer->records().empty();
  });
  return found;
}

void TapServers(std::function<void(const Sending&)> tap) {
  installed = std::make_shared<const std::function<void(const Sending&)>>(
      std::move(tap));
  grpc::ServerBuilder::InternalAddPluginFactory(
      []() -> std::unique_ptr<grpc::ServerBuilderPlugin> {
        return std::make_unique<TapPlugin>(installed);
      });
}

}  // namespace consentry::testing
