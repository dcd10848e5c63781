// Promise 2. No audit, no data: bytes leave only after the entry about them is
// on stable storage; there is no switch to turn that off.
//
// Shown on a real `consentry serve`, under load from several clients:
//  - It is killed (SIGKILL) at fifty moments, some of them while it recovers
//    from the one before, on a disk that loses with it what the log had written
//    and not synced. At each, with the process gone and before the next
//    one recovers, the log is verified offline against the checkpoint that was
//    kept from the time before, and everything that a client was ever told
//    (values that it got, refusals, changes that it made) is looked up in it by
//    the decision id or audit reference of the answer: the entry must be there,
//    be about that very call, and claim at least what was released. Each change
//    that was answered is still there after the next start.
//  - Its files stop taking bytes in the midst of reads: from then on no value
//    leaves, the answer is AUDIT_UNAVAILABLE, health says NOT_SERVING, and a
//    disk that works again does not heal it without a start.
//  - It does not start where the log cannot be written.
//
// CONSENTRY_SEED repeats a run, CONSENTRY_KILLS makes it longer.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <future>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "proto/support/mutex.h"
#include "tests/e2e/test_gateway.h"
#include "tests/promises/gateway_process.h"
#include "tests/promises/offline_log.h"
#include "tests/testing/status_matchers.h"

namespace consentry {
namespace {

using testing::GatewayProcess;
using testing::Identity;
using testing::OfflineLog;
using testing::ReasonOf;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr char kMarketing[] = "marketing.communications.email";
constexpr int kReaders = 3;
constexpr int kWriters = 2;
constexpr int kSubjectsPerWriter = 24;
constexpr int kSubjects = kWriters * kSubjectsPerWriter;

std::unique_ptr<grpc::ClientContext> Context() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() +
                        std::chrono::seconds(20));
  return context;
}

std::string Email(int subject) {
  return "customer" + std::to_string(subject) + "@shop.example";
}

void SetEmail(int subject, v1::SubjectRef* ref) {
  ref->mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  ref->mutable_identifier()->set_value(Email(subject));
}

// Something that a client was told about one customer.
struct Told {
  std::string ticket;  // Of its call alone.
  std::string event;
  std::string decision_id;
  std::string audit_reference;
  // Fields whose values it got.
  std::set<std::string> fields;
  bool change = false;
};

class ToldList {
 public:
  void Add(Told told) {
    MutexLock lock(&mu_);
    list_.push_back(std::move(told));
    ++count_;
  }
  int64_t count() {
    MutexLock lock(&mu_);
    return count_;
  }
  std::vector<Told> Take() {
    MutexLock lock(&mu_);
    return std::exchange(list_, {});
  }

 private:
  Mutex mu_;
  std::vector<Told> list_ ABSL_GUARDED_BY(mu_);
  int64_t count_ ABSL_GUARDED_BY(mu_) = 0;
};

// What is wrong with the entry about `told`; empty: nothing.
std::string Missing(const OfflineLog& log, const Told& told) {
  const auto place = log.Find(told.audit_reference);
  if (!place) return "no entry";
  if (!told.decision_id.empty()) {
    const auto decision = log.Find(told.decision_id);
    if (!decision || !(decision->position == place->position)) {
      return "the decision id names another entry";
    }
  }
  const store::v1::Leaf& leaf = *place->leaf;
  if (leaf.ticket() != told.ticket) return "an entry about another call";
  if (leaf.event() != told.event) return "an entry about another method";
  if (told.change != (leaf.change_number() > 0)) return "no change";
  std::set<std::string> claimed;
  for (int i = 0; place->subject != nullptr && i < leaf.fields_size(); ++i) {
    if (place->subject->released() >> i & 1) claimed.insert(leaf.fields(i));
  }
  for (const std::string& field : told.fields) {
    if (!claimed.contains(field))
      return "a value that the entry does not claim";
  }
  return "";
}

// What stands, as far as a client can know: the last change that was answered,
// and those that were sent after it and not answered.
struct Expected {
  std::string last;
  std::set<std::string> perhaps;

  void Answered(const std::string& value) {
    last = value;
    perhaps.clear();
  }
  bool Allows(const std::string& value) const {
    return value == last || perhaps.contains(value);
  }
};

// The clients of one gateway, over all its lives.
class Load {
 public:
  Load(Identity shop, Identity letters, uint64_t seed)
      : shop_(std::move(shop)), letters_(std::move(letters)), random_(seed) {
    names_.resize(kSubjects);
    consents_.resize(kSubjects);
    for (Expected& consent : consents_) consent.last = "none";
  }

  // Until Join.
  void Start(const GatewayProcess& gateway) {
    stop_ = false;
    for (int i = 0; i < kReaders + kWriters; ++i) {
      const uint64_t seed = random_();
      threads_.emplace_back([this, i, seed, shop = gateway.Connect(shop_),
                             letters = gateway.Connect(letters_)] {
        Client client{.data = v1::DataService::NewStub(shop),
                      .letters = v1::DataService::NewStub(letters),
                      .consent = v1::ConsentService::NewStub(letters),
                      .random = std::mt19937_64(seed)};
        while (!stop_) {
          if (i < kReaders) {
            Read(&client, i);
          } else {
            Write(&client, i - kReaders);
          }
        }
      });
    }
  }
  void Stop() { stop_ = true; }
  void Join() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  // Writes each customer once.
  bool Fill(const GatewayProcess& gateway) {
    Client client{.data = v1::DataService::NewStub(gateway.Connect(shop_)),
                  .letters = nullptr,
                  .consent = nullptr,
                  .random = std::mt19937_64(random_())};
    for (int subject = 0; subject < kSubjects; ++subject) {
      if (!WriteName(&client, subject)) return false;
    }
    return true;
  }

  std::vector<Told> TakeTold() { return told_.Take(); }
  // Answers of any kind, denials and changes included.
  int64_t answers() { return told_.count(); }
  int64_t values() const { return values_; }
  int64_t refused() const { return refused_; }
  int64_t unavailable() const { return unavailable_; }

  // Compares what stands with what was answered, and goes on from there.
  void CheckState(const GatewayProcess& gateway, const std::string& moment) {
    const auto data = v1::DataService::NewStub(gateway.Connect(shop_));
    const auto consent = v1::ConsentService::NewStub(gateway.Connect(letters_));
    for (int subject = 0; subject < kSubjects; ++subject) {
      const auto at = static_cast<size_t>(subject);
      v1::ReadSubjectRequest read;
      SetEmail(subject, read.mutable_subject());
      read.set_purpose(kService);
      read.add_fields("profile.given_name");
      v1::ReadSubjectResponse held;
      const grpc::Status status =
          data->ReadSubject(Context().get(), read, &held);
      ASSERT_TRUE(status.ok()) << moment << status.error_message();
      ASSERT_EQ(held.fields_size(), 1) << moment << "customer " << subject;
      const std::string& name = held.fields(0).value().string_value();
      EXPECT_TRUE(names_[at].Allows(name))
          << moment << "customer " << subject << ": " << name << " stands, but "
          << names_[at].last << " was answered";
      names_[at].Answered(name);

      v1::GetConsentStateRequest ask;
      SetEmail(subject, ask.mutable_subject());
      ask.add_purposes(kMarketing);
      v1::GetConsentStateResponse state;
      const grpc::Status asked =
          consent->GetConsentState(Context().get(), ask, &state);
      ASSERT_TRUE(asked.ok()) << moment << asked.error_message();
      ASSERT_EQ(state.states_size(), 1);
      const std::string stands =
          state.states(0).status() == v1::CONSENT_STATUS_GIVEN ? "given"
          : state.states(0).status() == v1::CONSENT_STATUS_WITHDRAWN
              ? "withdrawn"
              : "none";
      EXPECT_TRUE(consents_[at].Allows(stands))
          << moment << "customer " << subject << ": consent is " << stands
          << ", but " << consents_[at].last << " was answered";
      consents_[at].Answered(stands);
    }
  }

 private:
  struct Client {
    std::unique_ptr<v1::DataService::Stub> data;
    std::unique_ptr<v1::DataService::Stub> letters;
    std::unique_ptr<v1::ConsentService::Stub> consent;
    std::mt19937_64 random;

    int Pick(int below) {
      return static_cast<int>(random() % static_cast<uint64_t>(below));
    }
  };

  std::string NextTicket() { return "call-" + std::to_string(++calls_); }

  // Fails fast once the gateway is gone.
  void Note(const grpc::Status& status) {
    if (status.ok()) return;
    if (ReasonOf(status) == v1::ERROR_REASON_AUDIT_UNAVAILABLE) {
      ++refused_;
    } else {
      ++unavailable_;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  void Tell(const std::string& ticket, const std::string& event,
            const v1::ReadSubjectResponse& answer) {
    Told told{.ticket = ticket,
              .event = event,
              .decision_id = answer.decision().id(),
              .audit_reference = answer.decision().audit_reference(),
              .fields = {},
              .change = false};
    for (const auto& field : answer.fields()) told.fields.insert(field.name());
    values_ += answer.fields_size();
    told_.Add(std::move(told));
  }

  // The same question in all kinds of reads.
  template <class Request>
  std::string Ask(Client* client, const std::string& purpose,
                  Request* request) {
    request->set_purpose(purpose);
    request->add_fields("profile.email");
    if (client->Pick(2) == 0) request->add_fields("profile.given_name");
    if (purpose == kMarketing) request->set_channel(v1::CHANNEL_EMAIL);
    const std::string ticket = NextTicket();
    request->mutable_context()->set_ticket(ticket);
    return ticket;
  }

  void Read(Client* client, int reader) {
    const bool marketing = client->Pick(3) == 0;
    v1::DataService::Stub* stub =
        marketing ? client->letters.get() : client->data.get();
    const std::string purpose = marketing ? kMarketing : kService;
    const auto context = Context();
    const int kind = reader == 0 ? 3 + client->Pick(3) : client->Pick(4);
    if (kind == 3) {
      v1::CheckAccessRequest request;
      SetEmail(client->Pick(2 * kSubjects), request.mutable_subject());
      const std::string ticket = Ask(client, purpose, &request);
      v1::CheckAccessResponse answer;
      const auto status = stub->CheckAccess(context.get(), request, &answer);
      Note(status);
      if (!status.ok()) return;
      v1::ReadSubjectResponse as_read;
      *as_read.mutable_decision() = answer.decision();
      Tell(ticket, "data.check", as_read);
    } else if (kind < 3) {
      v1::ReadSubjectRequest request;
      SetEmail(client->Pick(kSubjects + 4), request.mutable_subject());
      const std::string ticket = Ask(client, purpose, &request);
      v1::ReadSubjectResponse answer;
      const auto status = stub->ReadSubject(context.get(), request, &answer);
      Note(status);
      if (status.ok()) Tell(ticket, "data.read", answer);
    } else if (kind == 4) {
      v1::BatchReadSubjectsRequest request;
      for (int i = 0; i < 16; ++i) {
        SetEmail(client->Pick(kSubjects + 4), request.add_subjects());
      }
      const std::string ticket = Ask(client, purpose, &request);
      v1::BatchReadSubjectsResponse answer;
      const auto status =
          stub->BatchReadSubjects(context.get(), request, &answer);
      Note(status);
      for (const auto& result : answer.results()) {
        Tell(ticket, "data.batch_read", result);
      }
    } else {
      v1::StreamReadsRequest request;
      for (int i = 0; i < 600; ++i) {
        SetEmail(client->Pick(kSubjects + 4), request.add_subjects());
      }
      const std::string ticket = Ask(client, purpose, &request);
      const auto stream = stub->StreamReads(context.get(), request);
      v1::StreamReadsResponse chunk;
      while (stream->Read(&chunk)) {
        for (const auto& result : chunk.results()) {
          Tell(ticket, "data.stream_read", result);
        }
      }
      Note(stream->Finish());
    }
  }

  void Write(Client* client, int writer) {
    const int subject =
        writer * kSubjectsPerWriter + client->Pick(kSubjectsPerWriter);
    switch (client->Pick(3)) {
      case 0:
        WriteName(client, subject);
        return;
      case 1:
        GiveConsent(client, subject);
        return;
      default:
        Withdraw(client, subject);
    }
  }

  bool WriteName(Client* client, int subject) {
    Expected* expected = &names_[static_cast<size_t>(subject)];
    v1::WriteRecordRequest request;
    SetEmail(subject, request.add_subjects());
    request.set_source("crm");
    request.set_kind("profile");
    request.set_source_key("key" + std::to_string(subject));
    request.set_purpose(kService);
    request.mutable_context()->set_ticket(NextTicket());
    // Of all writes of this test only one.
    const std::string name = "Name " + std::to_string(++calls_);
    (*request.mutable_values())["email"].set_string_value(Email(subject));
    (*request.mutable_values())["given_name"].set_string_value(name);
    request.mutable_legal_facts()->set_residence("DE");
    expected->perhaps.insert(name);
    v1::WriteRecordResponse answer;
    const auto status =
        client->data->WriteRecord(Context().get(), request, &answer);
    Note(status);
    if (!status.ok()) return false;
    expected->Answered(name);
    TellChange(request.context().ticket(), "data.write",
               answer.audit_reference());
    return true;
  }

  void GiveConsent(Client* client, int subject) {
    Expected* expected = &consents_[static_cast<size_t>(subject)];
    v1::RecordConsentRequest request;
    SetEmail(subject, request.mutable_subject());
    request.add_purposes(kMarketing);
    request.set_action(v1::CONSENT_ACTION_GIVE);
    request.mutable_notice()->set_id("marketing-consent");
    request.mutable_notice()->set_version(1);
    request.mutable_context()->set_ticket(NextTicket());
    expected->perhaps.insert("given");
    v1::RecordConsentResponse answer;
    const auto status =
        client->consent->RecordConsent(Context().get(), request, &answer);
    Note(status);
    if (!status.ok()) return;
    // A consent that was captured in the same microsecond as a withdrawal does
    // not undo it: what stands is what the answer says.
    expected->Answered(answer.states(0).status() == v1::CONSENT_STATUS_GIVEN
                           ? "given"
                           : "withdrawn");
    TellChange(request.context().ticket(), "consent.record",
               answer.audit_reference());
  }

  void Withdraw(Client* client, int subject) {
    Expected* expected = &consents_[static_cast<size_t>(subject)];
    v1::WithdrawConsentRequest request;
    SetEmail(subject, request.mutable_subject());
    request.add_purposes(kMarketing);
    request.mutable_context()->set_ticket(NextTicket());
    expected->perhaps.insert("withdrawn");
    v1::WithdrawConsentResponse answer;
    const auto status =
        client->consent->WithdrawConsent(Context().get(), request, &answer);
    Note(status);
    if (!status.ok()) return;
    expected->Answered("withdrawn");
    TellChange(request.context().ticket(), "consent.withdraw",
               answer.audit_reference());
  }

  void TellChange(const std::string& ticket, const std::string& event,
                  const std::string& reference) {
    told_.Add({.ticket = ticket,
               .event = event,
               .decision_id = "",
               .audit_reference = reference,
               .fields = {},
               .change = true});
  }

  const Identity shop_;
  const Identity letters_;
  std::mt19937_64 random_;
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> calls_{0};
  std::atomic<int64_t> values_{0};
  std::atomic<int64_t> refused_{0};
  std::atomic<int64_t> unavailable_{0};
  std::vector<std::thread> threads_;
  ToldList told_;
  // By customer; each belongs to one writer.
  std::vector<Expected> names_;
  std::vector<Expected> consents_;
};

// grpc.health.v1.Health/Check of the whole server; "" when it fails.
std::string CheckHealth(const std::shared_ptr<grpc::Channel>& channel) {
  const grpc::Slice nothing("");
  grpc::ByteBuffer sent(&nothing, 1);
  grpc::ByteBuffer received;
  grpc::GenericStub stub(channel);
  std::promise<grpc::Status> ended;
  const auto context = Context();
  stub.UnaryCall(context.get(), "/grpc.health.v1.Health/Check", {}, &sent,
                 &received,
                 [&](const grpc::Status& status) { ended.set_value(status); });
  grpc::Slice answer;
  if (!ended.get_future().get().ok() || received.Length() == 0 ||
      !received.DumpToSingleSlice(&answer).ok()) {
    return "";
  }
  return std::string(answer.begin(), answer.end());
}
constexpr char kHealthServing[] = "\x08\x01";
constexpr char kHealthNotServing[] = "\x08\x02";

class NoAuditNoDataTest : public ::testing::Test {
 protected:
  NoAuditNoDataTest() {
    gateway_.Start();
    v1::Client shop = ServiceClient("shop", kService);
    shop.add_permissions("data.legal_facts");
    v1::Client letters = ServiceClient("letters", kMarketing);
    letters.add_permissions("consent.record");
    letters.add_attests(kMarketing);
    for (v1::Client* client : {&shop, &letters}) {
      client->mutable_limits()->set_calls_per_second(100'000);
      client->mutable_limits()->set_subjects_per_hour(10'000'000);
    }
    const Identity shop_identity = gateway_.Register(shop);
    const Identity letters_identity = gateway_.Register(letters);
    EXPECT_OK(gateway_.Stop());
    seed_ = testing::FromEnvironment(
        "CONSENTRY_SEED",
        static_cast<uint64_t>(
            std::chrono::system_clock::now().time_since_epoch().count()));
    std::printf("CONSENTRY_SEED=%llu\n",
                static_cast<unsigned long long>(seed_));
    load_ = std::make_unique<Load>(shop_identity, letters_identity, seed_);
    auto log = OfflineLog::Make(gateway_.folder());
    EXPECT_OK(log);
    if (log.ok()) log_ = *std::move(log);
  }

  std::unique_ptr<GatewayProcess> Spawn(
      std::optional<uint64_t> file_limit = std::nullopt) {
    return GatewayProcess::Spawn({.folder = gateway_.folder(),
                                  .output_file = gateway_.File("output"),
                                  .environment = environment_,
                                  .file_limit = file_limit,
                                  .working_folder = ""});
  }

  // Verifies the log at rest, and finds `told` in it.
  void CheckLog(const std::vector<Told>& told, const std::string& moment) {
    const auto report = log_->VerifyAndRead();
    ASSERT_OK(report) << moment;
    for (const auto& finding : report->findings) {
      ADD_FAILURE() << moment << "the log does not verify: "
                    << audit::NameOf(finding.fault) << " at entry "
                    << finding.index;
    }
    EXPECT_EQ(report->entries, log_->leaves().size()) << moment;
    for (const Told& one : told) {
      const std::string missing = Missing(*log_, one);
      ASSERT_EQ(missing, "") << moment << one.event << ' ' << one.ticket;
    }
  }

  TestGateway gateway_;
  std::vector<std::string> environment_;
  uint64_t seed_ = 0;
  std::unique_ptr<Load> load_;
  std::unique_ptr<OfflineLog> log_;
};

TEST_F(NoAuditNoDataTest, WhateverAClientWasToldIsInTheLogOfAKilledGateway) {
  const auto kills =
      static_cast<int>(testing::FromEnvironment("CONSENTRY_KILLS", 50));
  // Killed, it loses what was not synced. (What AddressSanitizer is told: it
  // would rather be the first library.)
  environment_ = {"LD_PRELOAD=" CONSENTRY_LOSING_DISK,
                  "ASAN_OPTIONS=verify_asan_link_order=0"};
  std::mt19937_64 random(seed_);
  std::vector<Told> all;
  int while_serving = 0;
  for (int kill = 0; kill < kills && !HasFatalFailure(); ++kill) {
    const std::string moment = "kill " + std::to_string(kill) + ": ";
    auto gateway = Spawn();
    // Some while it starts, which is while it recovers.
    if (kill % 5 == 4) {
      std::this_thread::sleep_for(
          std::chrono::microseconds(random() % 150'000));
      gateway->Kill();
      CheckLog({}, moment);
      continue;
    }
    ASSERT_TRUE(gateway->WaitServing())
        << moment << testing::ReadAll(gateway_.File("output"));
    if (kill == 0) {
      ASSERT_TRUE(load_->Fill(*gateway));
    } else {
      load_->CheckState(*gateway, moment);
    }
    load_->Start(*gateway);
    std::this_thread::sleep_for(
        std::chrono::microseconds(50'000 + random() % 700'000));
    gateway->Kill();
    load_->Join();
    ++while_serving;
    const std::vector<Told> told = load_->TakeTold();
    CheckLog(told, moment);
    all.insert(all.end(), told.begin(), told.end());
  }

  // Everything at once, in a log that ended well and is signed to its end.
  auto gateway = Spawn();
  ASSERT_TRUE(gateway->WaitServing());
  load_->CheckState(*gateway, "at the end: ");
  EXPECT_EQ(gateway->Stop(), 0);
  log_->Forget();
  CheckLog(all, "at the end: ");
  const auto report = log_->VerifyAndRead();
  ASSERT_OK(report);
  EXPECT_EQ(report->signed_size, report->entries);

  std::printf("%d kills, %zu answers with %lld values, %llu entries\n", kills,
              all.size(), static_cast<long long>(load_->values()),
              static_cast<unsigned long long>(report->entries));
  EXPECT_GT(load_->values(), while_serving * 20);
}

TEST_F(NoAuditNoDataTest, NoValueLeavesOnceTheLogTakesNoMoreBytes) {
  auto gateway = Spawn();
  ASSERT_TRUE(gateway->WaitServing());
  ASSERT_TRUE(load_->Fill(*gateway));
  const Identity operator_identity = gateway_.Made("operator");
  EXPECT_EQ(CheckHealth(gateway->Connect(operator_identity)), kHealthServing);
  load_->Start(*gateway);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_GT(load_->values(), 0);
  EXPECT_EQ(load_->refused(), 0);

  ASSERT_TRUE(gateway->LimitFiles(1));
  // A call that was answered before the limit may still be on its way here.
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  const int64_t answers = load_->answers();
  const int64_t refused = load_->refused();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(load_->answers(), answers);
  EXPECT_GT(load_->refused(), refused);
  EXPECT_EQ(CheckHealth(gateway->Connect(operator_identity)),
            kHealthNotServing);

  // Room again: what a failed write left behind is unknown all the same.
  ASSERT_TRUE(gateway->LimitFiles(RLIM_INFINITY));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  load_->Join();
  EXPECT_EQ(load_->answers(), answers);
  EXPECT_EQ(CheckHealth(gateway->Connect(operator_identity)),
            kHealthNotServing);
  gateway->Kill();
  CheckLog(load_->TakeTold(), "");

  gateway = Spawn();
  ASSERT_TRUE(gateway->WaitServing());
  EXPECT_EQ(CheckHealth(gateway->Connect(operator_identity)), kHealthServing);
  load_->CheckState(*gateway, "after the next start: ");
  EXPECT_EQ(gateway->Stop(), 0);
  CheckLog({}, "after the next start: ");
}

TEST_F(NoAuditNoDataTest, ItDoesNotStartWhereItCannotWriteItsLog) {
  auto gateway = Spawn(/*file_limit=*/1);
  EXPECT_FALSE(gateway->WaitServing());
  EXPECT_GT(gateway->Wait(), 0);
  CheckLog({}, "");
}

}  // namespace
}  // namespace consentry
