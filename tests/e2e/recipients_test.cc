// Recipients learn of what customers take back: by webhook, stream or staff,
// whatever crashes, and no message holds a value.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "gateway/base/clock.h"
#include "gateway/crypto/certificates.h"
#include "tests/e2e/test_gateway.h"
#include "tests/promises/asking.h"
#include "tests/promises/gateway_process.h"
#include "tests/testing/https_server.h"
#include "tests/testing/status_matchers.h"

namespace consentry {
namespace {

using testing::ById;
using testing::GatewayProcess;
using testing::HttpsServer;
using testing::Identity;
using testing::TestGateway;
using testing::Timed;

constexpr char kService[] = "essential.service.operations";
constexpr char kMarketing[] = "marketing.communications.email";
constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;
constexpr char kAddress[] = "canary.person@canary.example";

// "reader" has no way of its own, "hook" a webhook, "watch" follows, "other"
// reads under another purpose, "letters" reports choices.
class RecipientsTest : public ::testing::Test {
 protected:
  RecipientsTest() {
    const int64_t now_us = base::Clock::System()->NowUs();
    auto authority = crypto::CertificateAuthority::Generate("Hooks", now_us);
    EXPECT_OK(authority);
    auto issued =
        (*authority)->IssueServer({}, now_us - kDayUs, now_us + kDayUs);
    EXPECT_OK(issued);
    hook_ = std::make_unique<HttpsServer>(
        issued->certificate_pem,
        std::string(reinterpret_cast<const char*>(issued->key_pem.data()),
                    issued->key_pem.size()));
    const std::string folder = gateway_.folder();
    std::ofstream(folder + "/hooks.pem") << (*authority)->certificate_pem();
    std::ofstream(folder + "/consentry.txtpb", std::ios::app)
        << "delivery { allow_networks: \"127.0.0.0/8\" authorities: "
           "\"hooks.pem\" }\nerasure { wait_hours: 0 }\n";
    gateway_.Start();
    channels_.emplace("shop", Register("shop", kService));
    channels_.emplace("other", Register("other", kService));
    for (const char* id : {"letters", "reader", "hook", "watch"}) {
      channels_.emplace(id, Register(id, kMarketing));
    }
    v1::Client dpo;
    dpo.set_id("dpo");
    dpo.set_title("Data protection officer");
    dpo.set_role(v1::ROLE_DPO);
    channels_.emplace("dpo", gateway_.Register(dpo));
  }

  Identity Register(const std::string& id, const std::string& purpose) {
    v1::Client client = testing::FullClient(id, purpose);
    client.clear_permissions();
    client.clear_attests();
    if (id == "shop") client.add_permissions("data.legal_facts");
    if (id == "letters") {
      client.add_permissions("consent.record");
      client.add_attests(kMarketing);
      client.mutable_notify()->set_way(v1::Notify::WAY_NONE);
    }
    if (id == "hook") {
      client.mutable_notify()->set_way(v1::Notify::WAY_WEBHOOK);
      client.mutable_notify()->set_webhook_url(
          "https://127.0.0.1:" + std::to_string(hook_->port()) + "/consentry");
    }
    if (id == "watch") client.add_permissions("consent.watch");
    return gateway_.Register(client);
  }

  std::shared_ptr<grpc::Channel> As(const std::string& id) {
    const Identity& identity =
        id == "compliance" ? compliance_ : channels_.at(id);
    return process_ != nullptr ? process_->Connect(identity)
                               : gateway_.Connect(identity);
  }

  // A customer with a consent, whom all four have received.
  std::string Customer(const std::string& key) {
    const std::string id = testing::MustWrite(
        As("shop"),
        testing::ProfileOf(key, key == "0" ? kAddress : key + "@x.example"));
    v1::RecordConsentRequest give;
    *give.mutable_subject() = ById(id);
    give.add_purposes(kMarketing);
    give.set_action(v1::CONSENT_ACTION_GIVE);
    give.mutable_notice()->set_id("marketing-consent");
    give.mutable_notice()->set_version(1);
    v1::RecordConsentResponse given;
    const grpc::Status status =
        v1::ConsentService::NewStub(As("letters"))
            ->RecordConsent(Timed().get(), give, &given);
    EXPECT_TRUE(status.ok()) << status.error_message();
    for (const char* reader : {"reader", "hook", "watch"}) {
      Receive(reader, id, kMarketing);
    }
    Receive("other", id, kService);
    return id;
  }

  void Receive(const std::string& client, const std::string& id,
               const std::string& purpose) {
    testing::Question question;
    question.subjects = {ById(id)};
    question.purpose = purpose;
    question.fields = {"profile.email"};
    const auto told = testing::Ask(testing::Way::kRead, As(client), question);
    EXPECT_TRUE(told.has_values()) << client << told.status.error_message();
  }

  void Withdraw(const std::string& id) {
    v1::WithdrawConsentRequest request;
    *request.mutable_subject() = ById(id);
    request.add_purposes(kMarketing);
    v1::WithdrawConsentResponse response;
    const grpc::Status status =
        v1::ConsentService::NewStub(As("letters"))
            ->WithdrawConsent(Timed().get(), request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  // Waits until there are `count` open tasks.
  std::vector<v1::RecipientTask> Tasks(int count) {
    const auto rights = v1::RightsService::NewStub(As("compliance"));
    v1::ListRecipientTasksResponse page;
    for (int i = 0; i < 400; ++i) {
      const grpc::Status status =
          rights->ListRecipientTasks(Timed().get(), {}, &page);
      EXPECT_TRUE(status.ok()) << status.error_message();
      if (page.tasks_size() >= count) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(25));
    }
    return {page.tasks().begin(), page.tasks().end()};
  }

  // The next messages of a stream that begins at `token`.
  std::vector<v1::WatchChangesResponse> Watch(const std::string& token,
                                              size_t count,
                                              const std::string& as = "watch") {
    const auto context = Timed();
    v1::WatchChangesRequest request;
    request.set_resume_token(token);
    const auto stream = v1::ConsentService::NewStub(As(as))->WatchChanges(
        context.get(), request);
    std::vector<v1::WatchChangesResponse> messages;
    v1::WatchChangesResponse message;
    while (messages.size() < count && stream->Read(&message)) {
      messages.push_back(message);
    }
    context->TryCancel();
    while (stream->Read(&message)) {
    }
    stream->Finish();
    return messages;
  }

  TestGateway gateway_;
  std::unique_ptr<HttpsServer> hook_;
  const Identity compliance_ = gateway_.Made("compliance");
  std::map<std::string, Identity> channels_;
  std::unique_ptr<GatewayProcess> process_;
};

TEST_F(RecipientsTest, EachRecipientOfThePurposeLearnsInItsWay) {
  const std::string id = Customer("0");
  // From here on.
  std::vector<v1::WatchChangesResponse> watched;
  std::thread watching([&] { watched = Watch("", 1); });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  Withdraw(id);
  watching.join();

  ASSERT_EQ(watched.size(), 1u);
  EXPECT_EQ(watched[0].event(), "consent");
  EXPECT_EQ(watched[0].state().purpose(), kMarketing);
  EXPECT_EQ(watched[0].state().status(), v1::CONSENT_STATUS_WITHDRAWN);

  ASSERT_TRUE(hook_->WaitFor(1));
  const std::string body = hook_->received()[0].body;
  EXPECT_NE(body.find("\"event\":\"withdrawal\""), std::string::npos) << body;
  EXPECT_NE(body.find(kMarketing), std::string::npos) << body;
  for (const char* canary : {"canary", "Theodolinde", "@", "cus_"}) {
    EXPECT_EQ(body.find(canary), std::string::npos) << canary;
  }

  const auto tasks = Tasks(1);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].event(), "withdrawal");
  EXPECT_TRUE(tasks[0].has_due_time());
  EXPECT_FALSE(tasks[0].has_complete_time());
  // Each knows her by its own name: nobody can join what they were told.
  EXPECT_NE(tasks[0].pseudonym(), watched[0].pseudonym());
  EXPECT_EQ(body.find(watched[0].pseudonym()), std::string::npos);

  // The name is one that the recipient can ask with.
  v1::GetConsentStateRequest ask;
  *ask.mutable_subject() = testing::ByPseudonym(watched[0].pseudonym());
  v1::GetConsentStateResponse state;
  EXPECT_TRUE(v1::ConsentService::NewStub(As("watch"))
                  ->GetConsentState(Timed().get(), ask, &state)
                  .ok());

  v1::CompleteRecipientTaskRequest done;
  done.set_id(tasks[0].id());
  done.set_evidence("letter-7");
  v1::RecipientTask ticked;
  const auto rights = v1::RightsService::NewStub(As("compliance"));
  grpc::Status status =
      rights->CompleteRecipientTask(Timed().get(), done, &ticked);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(ticked.has_complete_time());
  status = rights->CompleteRecipientTask(Timed().get(), done, &ticked);
  EXPECT_EQ(testing::ReasonOf(status), v1::ERROR_REASON_STATE_INVALID);
  EXPECT_TRUE(Tasks(0).empty());
  v1::ListRecipientTasksRequest all;
  all.set_include_completed(true);
  v1::ListRecipientTasksResponse page;
  ASSERT_TRUE(rights->ListRecipientTasks(Timed().get(), all, &page).ok());
  EXPECT_EQ(page.tasks_size(), 1);

  // Not for everybody to see.
  EXPECT_FALSE(v1::RightsService::NewStub(As("reader"))
                   ->ListRecipientTasks(Timed().get(), {}, &page)
                   .ok());
}

TEST_F(RecipientsTest, AWatcherMissesNothingWhileItOrTheGatewayIsAway) {
  const std::string first = Customer("1");
  const std::string second = Customer("2");
  const std::string third = Customer("3");
  std::vector<v1::WatchChangesResponse> seen;
  std::thread watching([&] { seen = Watch("", 1); });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  Withdraw(first);
  watching.join();
  ASSERT_EQ(seen.size(), 1u);
  Withdraw(second);
  ASSERT_OK(gateway_.Stop());
  gateway_.Start();
  Withdraw(third);
  const auto rest = Watch(seen[0].resume_token(), 2);
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_NE(rest[0].pseudonym(), rest[1].pseudonym());
  EXPECT_NE(rest[0].pseudonym(), seen[0].pseudonym());
  // From the same place the same comes again.
  const auto again = Watch(seen[0].resume_token(), 2);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].event_id(), rest[0].event_id());
  EXPECT_EQ(again[1].event_id(), rest[1].event_id());
}

// GDPR Art. 19: who received or wrote her data learns of what she had done, and
// staff see beforehand whom an erasure will be told to.
TEST_F(RecipientsTest, RightsAreToldToAllWhoHoldHerData) {
  const std::string id = Customer("0");
  const auto staff = v1::RightsService::NewStub(As("compliance"));
  const auto dpo = v1::RightsService::NewStub(As("dpo"));
  v1::PreviewErasureRequest preview;
  *preview.mutable_subject() = ById(id);
  v1::ErasurePlan plan;
  grpc::Status status = staff->PreviewErasure(Timed().get(), preview, &plan);
  ASSERT_TRUE(status.ok()) << status.error_message();
  std::set<std::string> names(plan.recipients().begin(),
                              plan.recipients().end());
  EXPECT_EQ(names.size(), static_cast<size_t>(plan.recipients_size()));
  std::string all;
  for (const std::string& name : names) all += name + ";";
  for (const char* told : {"(shop)", "(other)", "(reader)", "(hook)"}) {
    EXPECT_NE(all.find(told), std::string::npos) << all;
  }
  // Keeps nothing, as it said.
  EXPECT_EQ(all.find("(letters)"), std::string::npos) << all;

  const auto submit = [&](v1::RightsKind kind) {
    v1::SubmitRightsCaseRequest request;
    *request.mutable_subject() = ById(id);
    request.set_kind(kind);
    request.set_channel(v1::CHANNEL_POST);
    request.mutable_context()->set_acting_person("p1");
    if (kind == v1::RIGHTS_KIND_RECTIFICATION) {
      (*request.mutable_corrections())["profile.city"].set_string_value("Ulm");
    }
    v1::RightsCase opened;
    EXPECT_TRUE(staff->SubmitRightsCase(Timed().get(), request, &opened).ok());
    v1::VerifyRightsCaseRequest verify;
    verify.set_id(opened.id());
    verify.set_etag(opened.etag());
    verify.set_level(v1::VERIFICATION_LEVEL_REASONABLY_HIGH);
    verify.set_evidence_digest(std::string(64, 'a'));
    verify.mutable_context()->set_acting_person("p1");
    v1::RightsCase verified;
    const grpc::Status done =
        staff->VerifyRightsCase(Timed().get(), verify, &verified);
    EXPECT_TRUE(done.ok()) << done.error_message();
    return verified;
  };
  const auto approve = [&](const v1::RightsCase& on) {
    v1::ApproveRightsCaseRequest request;
    request.set_id(on.id());
    request.set_etag(on.etag());
    request.mutable_context()->set_acting_person("p2");
    v1::RightsCase answer;
    const grpc::Status done =
        dpo->ApproveRightsCase(Timed().get(), request, &answer);
    EXPECT_TRUE(done.ok()) << done.error_message();
    return answer;
  };
  // Three systems without a way of their own: staff have a task for each.
  const auto expect_told = [&](const std::string& event, int tasks_so_far,
                               size_t hooks) {
    const auto tasks = Tasks(tasks_so_far);
    std::set<std::string> told;
    for (const auto& task : tasks) {
      if (task.event() == event) told.insert(task.pseudonym());
    }
    EXPECT_EQ(told.size(), 3u) << event;
    ASSERT_TRUE(hook_->WaitFor(hooks)) << event;
    EXPECT_NE(hook_->received().back().body.find("\"" + event + "\""),
              std::string::npos)
        << hook_->received().back().body;
  };
  const v1::RightsCase corrected =
      approve(submit(v1::RIGHTS_KIND_RECTIFICATION));
  v1::CompleteRightsCaseRequest complete;
  complete.set_id(corrected.id());
  complete.set_etag(corrected.etag());
  complete.mutable_context()->set_acting_person("p1");
  v1::RightsCase answer;
  status = staff->CompleteRightsCase(Timed().get(), complete, &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  expect_told("rectification", 3, 1);
  submit(v1::RIGHTS_KIND_RESTRICTION);
  expect_told("restriction", 6, 2);
  approve(submit(v1::RIGHTS_KIND_ERASURE));
  expect_told("erasure", 9, 3);
}

TEST_F(RecipientsTest, AStreamIsForItsOwnCallerAndEndsWithItsRegistration) {
  const std::string id = Customer("4");
  std::vector<v1::WatchChangesResponse> seen;
  std::thread first([&] { seen = Watch("", 1); });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  Withdraw(id);
  first.join();
  ASSERT_EQ(seen.size(), 1u);

  v1::Client client = testing::FullClient("stranger", kMarketing);
  client.add_permissions("consent.watch");
  channels_.emplace("stranger", gateway_.Register(client));
  const auto refused = [&](const std::string& as,
                           const v1::WatchChangesRequest& request) {
    const auto context = Timed();
    const auto stream = v1::ConsentService::NewStub(As(as))->WatchChanges(
        context.get(), request);
    v1::WatchChangesResponse message;
    EXPECT_FALSE(stream->Read(&message));
    return testing::ReasonOf(stream->Finish());
  };
  v1::WatchChangesRequest request;
  request.set_resume_token(seen[0].resume_token());
  EXPECT_EQ(refused("stranger", request), v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(refused("reader", {}), v1::ERROR_REASON_PERMISSION_MISSING);
  request.Clear();
  request.add_purposes(kService);
  EXPECT_EQ(refused("watch", request), v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);

  // A stream that nothing comes on.
  const auto context = Timed();
  const auto stream =
      v1::ConsentService::NewStub(As("watch"))->WatchChanges(context.get(), {});
  v1::RevokeClientRequest revoke;
  revoke.set_id("watch");
  v1::Client revoked;
  ASSERT_TRUE(
      v1::AdminService::NewStub(gateway_.Connect(gateway_.Made("operator")))
          ->RevokeClient(Timed().get(), revoke, &revoked)
          .ok());
  v1::WatchChangesResponse message;
  EXPECT_FALSE(stream->Read(&message));
  EXPECT_EQ(testing::ReasonOf(stream->Finish()),
            v1::ERROR_REASON_CLIENT_REVOKED);
}

// The withdrawal is answered, the recipient has not been told, and the gateway
// dies.
TEST_F(RecipientsTest, KilledBetweenCommitAndDeliveryNothingIsLost) {
  const std::string id = Customer("5");
  ASSERT_OK(gateway_.Stop());
  hook_->Behave(HttpsServer::Manner::kFail);
  GatewayProcess::Options options;
  options.folder = gateway_.folder();
  options.output_file = gateway_.File("output");
  process_ = GatewayProcess::Spawn(options);
  ASSERT_TRUE(process_->WaitServing());
  Withdraw(id);
  process_->Kill();
  process_.reset();

  // It comes to the recipient, which fails, and again it dies.
  process_ = GatewayProcess::Spawn(options);
  ASSERT_TRUE(process_->WaitServing());
  ASSERT_TRUE(hook_->WaitFor(1));
  process_->Kill();
  process_.reset();

  hook_->Behave(HttpsServer::Manner::kOk);
  const size_t before = hook_->received().size();
  process_ = GatewayProcess::Spawn(options);
  ASSERT_TRUE(process_->WaitServing());
  ASSERT_TRUE(hook_->WaitFor(before + 1));
  EXPECT_EQ(Tasks(1).size(), 1u);
  // Whoever was told before recognises it.
  auto received = hook_->received();
  for (auto& request : received) {
    EXPECT_EQ(request.headers["webhook-id"],
              received.front().headers["webhook-id"]);
  }
  process_->Kill();
  process_.reset();
}

}  // namespace
}  // namespace consentry
