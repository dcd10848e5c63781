// What a ticket stands for: it goes only when the transport has the answer.
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_interceptor.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "consentry/v1/data_service.grpc.pb.h"
#include "gateway/rpc/method_table.h"
#include "gateway/rpc/pipeline.h"
#include "gateway/rpc/stream_call.h"
#include "gateway/rpc/unary_call.h"
#include "gateway/server/gateway.h"
#include "gateway/store/release_ticket.h"
#include "tests/e2e/test_gateway.h"
#include "tests/testing/status_matchers.h"

namespace consentry::rpc {
namespace {

using testing::ReadAll;
using testing::TestGateway;

// The order in which things happened; 0: not yet.
struct Order {
  std::atomic<int> clock{0};
  std::atomic<int> handed_over{0};
  std::atomic<int> released{0};

  void Note(std::atomic<int>* what) { *what = ++clock; }
};

// Notes when gRPC begins to send a message.
class Tap final : public grpc::experimental::Interceptor,
                  public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Tap(Order* order) : order_(order) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo*) override {
    return new Tap(order_);
  }
  void Intercept(grpc::experimental::InterceptorBatchMethods* batch) override {
    if (batch->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::PRE_SEND_MESSAGE)) {
      order_->Note(&order_->handed_over);
    }
    batch->Proceed();
  }

 private:
  Order* const order_;
};

class NoRefusals final : public RefusalSink {
  void Record(const clients::Configuration&, const Method&, std::string_view,
              const absl::Status&) override {}
};

store::ReleaseTicket TicketOf(
    const std::shared_ptr<store::ReleaseTracker>& tracker, Order* order) {
  tracker->OpenBatch(1, 1);
  store::ReleaseTicket ticket = tracker->Issue(1);
  tracker->WhenReleasedBefore(2, [order] { order->Note(&order->released); });
  return ticket;
}

// One message, at once.
class OneMessage final : public StreamSource<v1::StreamReadsResponse> {
 public:
  explicit OneMessage(Order* order) : order_(order) {}
  void Next(v1::StreamReadsResponse*, NextCompletion done) override {
    if (std::exchange(ended_, true)) {
      done.End(absl::OkStatus());
      return;
    }
    const store::ReleaseTicket ticket = TicketOf(tracker_, order_);
    done.Message();
  }

 private:
  Order* const order_;
  const std::shared_ptr<store::ReleaseTracker> tracker_ =
      std::make_shared<store::ReleaseTracker>();
  bool ended_ = false;
};

class Service final : public v1::DataService::CallbackService {
 public:
  Service(Pipeline* pipeline, Order* order)
      : pipeline_(pipeline), order_(order) {}

  // Answered by another thread before the method has returned.
  grpc::ServerUnaryReactor* ReadSubject(
      grpc::CallbackServerContext* context,
      const v1::ReadSubjectRequest* request,
      v1::ReadSubjectResponse* response) override {
    return StartUnary(
        pipeline_,
        pipeline_->methods().Get("/consentry.v1.DataService/"
                                 "ReadSubject"),
        context, request, response,
        [](const v1::ReadSubjectRequest&, FaultList*) {},
        [this](const CallInfo&, const v1::ReadSubjectRequest&,
               v1::ReadSubjectResponse* out, Completion done) {
          const auto tracker = std::make_shared<store::ReleaseTracker>();
          Tickets tickets;
          tickets.push_back(TicketOf(tracker, order_));
          out->set_subject_id("answered");
          std::thread([&] {
            done(absl::OkStatus(), std::move(tickets));
          }).join();
        });
  }

  grpc::ServerWriteReactor<v1::StreamReadsResponse>* StreamReads(
      grpc::CallbackServerContext* context,
      const v1::StreamReadsRequest* request) override {
    return StartStream<v1::StreamReadsResponse>(
        pipeline_,
        pipeline_->methods().Get("/consentry.v1.DataService/"
                                 "StreamReads"),
        context, request, [](const v1::StreamReadsRequest&, FaultList*) {},
        [this](const CallInfo&, const v1::StreamReadsRequest&)
            -> absl::StatusOr<
                std::unique_ptr<StreamSource<v1::StreamReadsResponse>>> {
          return std::make_unique<OneMessage>(order_);
        });
  }

 private:
  Pipeline* const pipeline_;
  Order* const order_;
};

class HandOverTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    files_ = new TestGateway();
    // Registered while a whole server runs, then served by ours.
    files_->Start();
    shop_ = new testing::Identity(files_->Register(
        testing::ServiceClient("shop", "essential.service.operations")));
    ASSERT_OK(files_->Stop());
  }
  static void TearDownTestSuite() {
    delete shop_;
    delete files_;
  }
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(
        const server::Config config,
        server::LoadConfig(files_->folder(), server::PackIds()));
    ASSERT_OK_AND_ASSIGN(gateway_, server::Gateway::Open(config, {}));
    ASSERT_OK_AND_ASSIGN(methods_, MethodTable::CreateForApi());
    pipeline_ = std::make_unique<Pipeline>(gateway_->registry(), methods_.get(),
                                           &refusals_, gateway_->clock(),
                                           Pipeline::Options());
    service_ = std::make_unique<Service>(pipeline_.get(), &order_);

    grpc::SslServerCredentialsOptions tls(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    tls.pem_root_certs = ReadAll(files_->File("tls/authority.pem"));
    tls.pem_key_cert_pairs.push_back({ReadAll(files_->File("tls/server.key")),
                                      ReadAll(files_->File("tls/server.pem"))});
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(tls),
                             &port);
    builder.RegisterService(service_.get());
    std::vector<
        std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
        taps;
    taps.push_back(std::make_unique<Tap>(&order_));
    builder.experimental().SetInterceptorCreators(std::move(taps));
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);

    grpc::SslCredentialsOptions client;
    client.pem_root_certs = tls.pem_root_certs;
    client.pem_cert_chain = shop_->certificate;
    client.pem_private_key = shop_->key;
    stub_ = v1::DataService::NewStub(grpc::CreateChannel(
        "127.0.0.1:" + std::to_string(port), grpc::SslCredentials(client)));
    context_.set_deadline(std::chrono::system_clock::now() +
                          std::chrono::seconds(20));
  }
  void TearDown() override {
    if (server_ != nullptr) {
      server_->Shutdown();
      server_->Wait();
    }
  }

  static TestGateway* files_;
  static testing::Identity* shop_;
  std::unique_ptr<server::Gateway> gateway_;
  std::unique_ptr<const MethodTable> methods_;
  NoRefusals refusals_;
  std::unique_ptr<Pipeline> pipeline_;
  Order order_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::DataService::Stub> stub_;
  grpc::ClientContext context_;
};

TestGateway* HandOverTest::files_ = nullptr;
testing::Identity* HandOverTest::shop_ = nullptr;

TEST_F(HandOverTest, AnAnswerMadeBeforeItsMethodReturnsKeepsItsTicket) {
  v1::ReadSubjectResponse response;
  const grpc::Status status =
      stub_->ReadSubject(&context_, v1::ReadSubjectRequest(), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.subject_id(), "answered");
  server_->Shutdown();
  server_->Wait();
  EXPECT_EQ(order_.handed_over, 1);
  EXPECT_EQ(order_.released, 2);
}

TEST_F(HandOverTest, TheFirstMessageOfAStreamIsHandedOverWhenItsSourceIsTold) {
  const auto stream = stub_->StreamReads(&context_, v1::StreamReadsRequest());
  v1::StreamReadsResponse message;
  EXPECT_TRUE(stream->Read(&message));
  EXPECT_FALSE(stream->Read(&message));
  const grpc::Status status = stream->Finish();
  ASSERT_TRUE(status.ok()) << status.error_message();
  server_->Shutdown();
  server_->Wait();
  EXPECT_EQ(order_.handed_over, 1);
  EXPECT_EQ(order_.released, 2);
}

}  // namespace
}  // namespace consentry::rpc
