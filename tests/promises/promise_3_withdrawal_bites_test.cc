// Promise 3. Withdrawal bites at once: when a withdrawal or opt-out has
// returned, nothing is released any more that was decided before it, reads in
// flight included.
//
// Shown by 999 withdrawals and 201 opt-outs that race reads, batches, streams
// and selections of eight threads for the data of the same few customers, in
// three ways that know nothing of one another:
//  - At the server's edge: a tap on gRPC itself numbers, with one counter,
//  every
//    answer that holds values right before the transport gets it, and every
//    withdrawal right before its answer is sent. No value is handed over behind
//    the withdrawal of the consent that it rested on. The tap holds some
//    answers back for a moment, so that withdrawals meet them there.
//  - At the clients: a read that began after the withdrawal was answered gets
//    nothing.
//  - In the log: behind the entry of a withdrawal no entry claims a release for
//    that customer, up to the entry of the next consent.
//
// One stream whose reader never reads stands by all the time: no withdrawal
// waits for it.
//
// CONSENTRY_SEED repeats the choices of a run.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "proto/support/mutex.h"
#include "tests/e2e/test_gateway.h"
#include "tests/promises/edge_tap.h"
#include "tests/promises/gateway_process.h"
#include "tests/promises/offline_log.h"
#include "tests/testing/status_matchers.h"

namespace consentry {
namespace {

using testing::Identity;
using testing::OfflineLog;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
// Rests on consent, which the first kConsenting customers give and withdraw,
// each once: what a service reports later would not open it again.
constexpr char kLetters[] = "marketing.communications.email";
// Rests on an interest of the business, until the customer objects: the others.
constexpr char kCatalogue[] = "marketing.communications.post";
constexpr int kConsenting = 999;
constexpr int kObjecting = 201;
constexpr int kCustomers = kConsenting + kObjecting;
// Three give and withdraw, one objects.
constexpr int kChangers = 3;
constexpr char kCustomerKey[] = "test-customer";

std::unique_ptr<grpc::ClientContext> Context() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() +
                        std::chrono::seconds(50));
  return context;
}

// What happened to the data of one customer, in the order in which it did.
struct Event {
  enum class Kind {
    kOpened,    // A consent is about to be sent.
    kReleased,  // Values are about to be handed to the transport.
    kClosed,    // The answer to a withdrawal or opt-out is.
  };
  Kind kind;
  int customer;
};

class Record {
 public:
  static Record* Get() {
    static Record* const record = new Record();
    return record;
  }

  void Note(Event::Kind kind, int customer) {
    MutexLock lock(&mu_);
    events_.push_back({kind, customer});
  }
  // Before there is load.
  void Know(const std::string& id, int customer) { customers_[id] = customer; }

  void NoteReleased(const v1::ReadSubjectResponse& answer) {
    const auto known = customers_.find(answer.subject_id());
    if (known == customers_.end()) return;  // Nothing has begun yet.
    const int customer = known->second;
    Note(Event::Kind::kReleased, customer);
    ++releases_[static_cast<size_t>(customer)];
  }
  // So far.
  uint64_t releases(int customer) const {
    return releases_[static_cast<size_t>(customer)];
  }

  std::vector<Event> Take() {
    MutexLock lock(&mu_);
    return std::exchange(events_, {});
  }

 private:
  std::map<std::string, int> customers_;
  std::array<std::atomic<uint64_t>, kCustomers> releases_{};
  Mutex mu_;
  std::vector<Event> events_ ABSL_GUARDED_BY(mu_);
};

// Sees every message that the server begins to send.
void Note(const testing::Sending& sending) {
  static std::atomic<uint64_t> sent{0};
  Record* const record = Record::Get();
  if (sending.method == "WithdrawConsent" || sending.method == "OptOut") {
    if (const auto customer = sending.NumberIn(kCustomerKey)) {
      record->Note(Event::Kind::kClosed, *customer);
    }
    return;
  }
  // Held back first, noted last.
  if (++sent % 4 == 0) {
    std::this_thread::sleep_for(std::chrono::microseconds(400));
  }
  for (const auto* answer : sending.Released()) record->NoteReleased(*answer);
}

class WithdrawalTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { testing::TapServers(consentry::Note); }

  void SetUp() override {
    seed_ = testing::FromEnvironment(
        "CONSENTRY_SEED",
        static_cast<uint64_t>(
            std::chrono::system_clock::now().time_since_epoch().count()));
    std::printf("CONSENTRY_SEED=%llu\n",
                static_cast<unsigned long long>(seed_));
    gateway_.Start();
    v1::Client shop = ServiceClient("shop", kService);
    shop.add_permissions("data.import");
    shop.add_permissions("data.legal_facts");
    v1::Client letters = ServiceClient("letters", kLetters);
    letters.add_purposes(kCatalogue);
    letters.add_permissions("consent.record");
    letters.add_permissions("data.select");
    letters.add_attests(kLetters);
    for (v1::Client* client : {&shop, &letters}) {
      client->mutable_limits()->set_calls_per_second(100'000);
      client->mutable_limits()->set_subjects_per_hour(10'000'000);
    }
    const Identity shop_identity = gateway_.Register(shop);
    letters_ = gateway_.Register(letters);
    const auto stub = v1::DataService::NewStub(gateway_.Connect(shop_identity));
    Import(stub.get());
    for (int first = 0; first < kCustomers; first += 200) {
      v1::BatchReadSubjectsRequest request;
      for (int customer = first; customer < first + 200; ++customer) {
        SetEmail(customer, request.add_subjects()->mutable_identifier());
      }
      request.set_purpose(kService);
      request.add_fields("profile.email");
      v1::BatchReadSubjectsResponse response;
      const auto status =
          stub->BatchReadSubjects(Context().get(), request, &response);
      ASSERT_TRUE(status.ok()) << status.error_message();
      for (const auto& result : response.results()) {
        const auto customer = static_cast<int>(ids_.size());
        ids_.push_back(result.subject_id());
        numbers_[result.subject_id()] = customer;
        Record::Get()->Know(result.subject_id(), customer);
      }
    }
    ASSERT_EQ(numbers_.size(), size_t{kCustomers});
  }

  static void SetEmail(int customer, v1::Identifier* identifier) {
    identifier->set_type(v1::IDENTIFIER_TYPE_EMAIL);
    identifier->set_value(std::to_string(customer) + "@shop.example");
  }

  static void Import(v1::DataService::Stub* stub) {
    const auto context = Context();
    const auto stream = stub->ImportRecords(context.get());
    v1::ImportRecordsRequest header;
    header.mutable_header()->set_source("crm");
    header.mutable_header()->set_purpose(kService);
    header.mutable_header()->set_label("customers");
    ASSERT_TRUE(stream->Write(header));
    for (int first = 0; first < kCustomers; first += 200) {
      v1::ImportRecordsRequest message;
      for (int customer = first; customer < first + 200; ++customer) {
        v1::ImportRow* row = message.mutable_rows()->add_rows();
        row->set_number(static_cast<uint64_t>(customer + 1));
        row->set_kind("profile");
        row->set_source_key(std::to_string(customer));
        SetEmail(customer, row->add_identifiers());
        auto& values = *row->mutable_values();
        values["email"].set_string_value(row->identifiers(0).value());
        values["street"].set_string_value("Marktplatz 1");
        row->mutable_legal_facts()->set_residence("DE");
      }
      ASSERT_TRUE(stream->Write(message));
      v1::ImportRecordsResponse answer;
      ASSERT_TRUE(stream->Read(&answer));
    }
    stream->WritesDone();
    const auto status = stream->Finish();
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  // --- Those who change their mind ---

  struct Changer {
    std::unique_ptr<v1::ConsentService::Stub> stub;
    std::mt19937_64 random;

    // Until somebody uses what is open now, and a little longer.
    void WaitForUse(int customer) {
      const Record* const record = Record::Get();
      const uint64_t before = record->releases(customer);
      for (int i = 0; i < 200 && record->releases(customer) == before; ++i) {
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 400));
    }
  };
  Changer MakeChanger(uint64_t salt) {
    return {v1::ConsentService::NewStub(gateway_.Connect(letters_)),
            std::mt19937_64(seed_ + salt)};
  }

  void Expect(const grpc::Status& status, const char* what) {
    if (status.ok()) return;
    ++failures_;
    ADD_FAILURE() << what << ": " << status.error_message();
  }

  // Every third customer, one after another.
  void GiveAndWithdraw(int first) {
    Changer changer = MakeChanger(static_cast<uint64_t>(first));
    for (int customer = first; customer < kConsenting && failures_ == 0;
         customer += kChangers) {
      current_[static_cast<size_t>(first)] = customer;
      v1::RecordConsentRequest give;
      give.mutable_subject()->set_id(Id(customer));
      give.add_purposes(kLetters);
      give.set_action(v1::CONSENT_ACTION_GIVE);
      give.mutable_notice()->set_id("marketing-consent");
      give.mutable_notice()->set_version(1);
      Record::Get()->Note(Event::Kind::kOpened, customer);
      v1::RecordConsentResponse given;
      Expect(changer.stub->RecordConsent(Context().get(), give, &given),
             "giving");
      changer.WaitForUse(customer);

      v1::WithdrawConsentRequest withdraw;
      withdraw.mutable_subject()->set_id(Id(customer));
      if (customer % 2 == 0) withdraw.add_purposes(kLetters);
      const auto context = Context();
      context->AddMetadata(kCustomerKey, std::to_string(customer));
      v1::WithdrawConsentResponse withdrawn;
      Expect(changer.stub->WithdrawConsent(context.get(), withdraw, &withdrawn),
             "withdrawing");
      Close(customer);
      ++closed_;
    }
  }

  void Object() {
    Changer changer = MakeChanger(99);
    for (int i = 0; i < kObjecting && failures_ == 0; ++i) {
      const int customer = kConsenting + i;
      current_[kChangers] = customer;
      changer.WaitForUse(customer);
      v1::OptOutRequest request;
      request.mutable_subject()->set_id(Id(customer));
      request.add_kinds(v1::OPT_OUT_KIND_DIRECT_MARKETING);
      const auto context = Context();
      context->AddMetadata(kCustomerKey, std::to_string(customer));
      v1::OptOutResponse response;
      Expect(changer.stub->OptOut(context.get(), request, &response),
             "opting out");
      Close(customer);
      ++closed_;
    }
  }

  const std::string& Id(int customer) const {
    return ids_[static_cast<size_t>(customer)];
  }
  void Close(int customer) { withdrawn_[static_cast<size_t>(customer)] = true; }

  // --- Those who read ---

  struct Reader {
    std::unique_ptr<v1::DataService::Stub> stub;
    std::mt19937_64 random;
    // Whose withdrawal had been answered when the reader's call began.
    std::vector<bool> before;

    int Pick(int from, int count) {
      return from + static_cast<int>(random() % static_cast<uint64_t>(count));
    }
  };

  void Begin(Reader* reader) {
    reader->before.clear();
    for (const auto& withdrawn : withdrawn_) {
      reader->before.push_back(withdrawn);
    }
  }

  // A call that began after the withdrawal was answered brought nothing.
  void Check(const Reader& reader, const v1::ReadSubjectResponse& answer) {
    if (answer.fields().empty()) return;
    ++values_;
    const auto number = numbers_.find(answer.subject_id());
    ASSERT_NE(number, numbers_.end());
    const auto customer = static_cast<size_t>(number->second);
    if (reader.before[customer]) {
      ++too_late_;
    } else if (withdrawn_[customer]) {
      ++met_;
    }
  }

  // Someone whose mind is being changed, or just was.
  int Somebody(Reader* reader, bool letters) {
    const int changer = letters ? reader->Pick(0, kChangers) : kChangers;
    const int customer = current_[static_cast<size_t>(changer)];
    if (reader->Pick(0, 4) != 0) return customer;
    return letters ? std::max(customer - kChangers, changer)
                   : std::max(customer - 1, kConsenting);
  }
  template <class Request>
  void Ask(bool letters, Request* request) {
    request->set_purpose(letters ? kLetters : kCatalogue);
    request->add_fields(letters ? "profile.email" : "profile.street");
    request->set_channel(letters ? v1::CHANNEL_EMAIL : v1::CHANNEL_POST);
  }

  void ReadOnce(Reader* reader, int kind) {
    const bool letters = reader->Pick(0, 4) != 0;
    const auto context = Context();
    Begin(reader);
    switch (kind) {
      case 0: {
        v1::ReadSubjectRequest request;
        Ask(letters, &request);
        request.mutable_subject()->set_id(Id(Somebody(reader, letters)));
        v1::ReadSubjectResponse answer;
        Note(reader->stub->ReadSubject(context.get(), request, &answer));
        Check(*reader, answer);
        return;
      }
      case 1: {
        v1::BatchReadSubjectsRequest request;
        Ask(letters, &request);
        for (int i = 0; i < 8; ++i) {
          request.add_subjects()->set_id(Id(Somebody(reader, letters)));
        }
        v1::BatchReadSubjectsResponse answer;
        Note(reader->stub->BatchReadSubjects(context.get(), request, &answer));
        for (const auto& result : answer.results()) Check(*reader, result);
        return;
      }
      case 2: {
        v1::StreamReadsRequest request;
        Ask(letters, &request);
        for (int i = 0; i < 300; ++i) {
          request.add_subjects()->set_id(Id(Somebody(reader, letters)));
        }
        const auto stream = reader->stub->StreamReads(context.get(), request);
        v1::StreamReadsResponse message;
        while (stream->Read(&message)) {
          for (const auto& result : message.results()) Check(*reader, result);
        }
        Note(stream->Finish());
        return;
      }
      default: {
        v1::SelectSubjectsRequest request;
        Ask(true, &request);
        v1::SelectSubjectsResponse page;
        Note(reader->stub->SelectSubjects(context.get(), request, &page));
        for (const auto& result : page.results()) Check(*reader, result);
        // It looks at everybody each time: the others want to get on.
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    }
  }

  // Of many changes at once a read may give up.
  void Note(const grpc::Status& status) {
    ++calls_;
    if (status.ok()) return;
    if (testing::ReasonOf(status) == v1::ERROR_REASON_CONTENDED) {
      ++contended_;
    } else {
      Expect(status, "reading");
    }
  }

  TestGateway gateway_;
  uint64_t seed_ = 0;
  Identity letters_;
  std::vector<std::string> ids_;
  std::map<std::string, int> numbers_;
  std::array<std::atomic<bool>, kCustomers> withdrawn_{};
  // By changer, the one who objects last.
  std::array<std::atomic<int>, kChangers + 1> current_{0, 1, 2, kConsenting};
  std::atomic<int> failures_{0};
  std::atomic<int> closed_{0};
  std::atomic<int64_t> calls_{0};
  std::atomic<int64_t> contended_{0};
  std::atomic<int64_t> values_{0};
  // Reads during which a withdrawal was answered.
  std::atomic<int64_t> met_{0};
  std::atomic<int64_t> too_late_{0};
};

// What the log says of it; tags name the customer within a month.
void CheckLog(const OfflineLog& log) {
  std::map<std::string, bool> closed;
  size_t releases = 0;
  for (size_t i = 0; i < log.leaves().size(); ++i) {
    const store::v1::Leaf& leaf = log.leaves()[i];
    for (const auto& subject : leaf.subjects()) {
      if (leaf.event() == "consent.record") {
        closed[subject.tag()] = false;
      } else if (leaf.event() == "consent.withdraw" ||
                 leaf.event() == "consent.opt_out") {
        closed[subject.tag()] = true;
      } else if ((leaf.purpose() == kLetters || leaf.purpose() == kCatalogue) &&
                 subject.released() != 0) {
        ++releases;
        ASSERT_FALSE(closed[subject.tag()]) << "entry " << i;
      }
    }
  }
  EXPECT_GT(releases, 0u);
}

TEST_F(WithdrawalTest, NothingIsHandedOverBehindAWithdrawal) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (const int kind : {0, 0, 0, 1, 1, 2, 2, 3}) {
    readers.emplace_back([this, kind, &stop, number = readers.size()] {
      Reader reader{v1::DataService::NewStub(gateway_.Connect(letters_)),
                    std::mt19937_64(seed_ + 1000 + number),
                    {}};
      while (!stop && failures_ == 0) {
        ReadOnce(&reader, kind);
        // The changes want to get on.
        std::this_thread::sleep_for(
            std::chrono::microseconds(reader.random() % 2000));
      }
    });
  }
  // Takes one message of its stream and no other.
  const auto idle = v1::DataService::NewStub(gateway_.Connect(letters_));
  grpc::ClientContext idle_context;
  v1::StreamReadsRequest long_request;
  Ask(true, &long_request);
  for (int i = 0; i < 50'000; ++i) {
    long_request.add_subjects()->set_id(Id(i % kCustomers));
  }
  const auto idle_stream = idle->StreamReads(&idle_context, long_request);
  v1::StreamReadsResponse message;
  EXPECT_TRUE(idle_stream->Read(&message));

  std::vector<std::thread> changers;
  for (int i = 0; i < kChangers; ++i) {
    changers.emplace_back([this, i] { GiveAndWithdraw(i); });
  }
  changers.emplace_back([this] { Object(); });
  for (std::thread& changer : changers) changer.join();
  stop = true;
  for (std::thread& reader : readers) reader.join();
  idle_context.TryCancel();
  idle_stream->Finish();
  ASSERT_OK(gateway_.Stop());

  EXPECT_EQ(too_late_, 0);
  std::vector<bool> open(static_cast<size_t>(kCustomers), true);
  int64_t released = 0;
  // Closings before which something had been released since the opening.
  int64_t bitten = 0;
  std::vector<bool> used(static_cast<size_t>(kCustomers), false);
  for (const Event& event : Record::Get()->Take()) {
    const auto customer = static_cast<size_t>(event.customer);
    switch (event.kind) {
      case Event::Kind::kOpened:
        open[customer] = true;
        used[customer] = false;
        break;
      case Event::Kind::kReleased:
        ++released;
        used[customer] = true;
        ASSERT_TRUE(open[customer])
            << "customer " << customer << ", release " << released;
        break;
      case Event::Kind::kClosed:
        open[customer] = false;
        bitten += used[customer] ? 1 : 0;
        break;
    }
  }
  const auto log = OfflineLog::Make(gateway_.folder());
  ASSERT_OK(log);
  const auto report = (*log)->VerifyAndRead();
  ASSERT_OK(report);
  EXPECT_TRUE(report->ok());
  CheckLog(**log);

  std::printf(
      "%d closings, %lld of them of a consent in use; %lld calls, %lld given "
      "up, %lld values handed over, %lld to calls that met a withdrawal\n",
      closed_.load(), static_cast<long long>(bitten),
      static_cast<long long>(calls_), static_cast<long long>(contended_),
      static_cast<long long>(released), static_cast<long long>(met_));
  // That it was a race at all.
  EXPECT_EQ(closed_, kCustomers);
  EXPECT_GT(bitten, kCustomers / 2);
  EXPECT_GT(met_, 0);
}

}  // namespace
}  // namespace consentry
