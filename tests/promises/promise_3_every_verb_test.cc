// Promise 3. Withdrawal bites at once, whatever the verb is called: objection,
// restriction, an accepted erasure, each opt-out, a signal, one click, a
// suspension. PROTOCOLS G5 says which call it is that takes effect; once that
// call was answered, nothing is handed out that it forbids.
//
// Shown for each verb in the table below, on customers who were readable by it
// a moment before, in two ways:
//  - In flight: reads, batches, streams and selections race the verb. A tap on
//    gRPC itself sees no value handed to the transport behind the answer of the
//    verb, and a read that began after that answer brings nothing.
//  - In any state of the process: the gateway is killed (SIGKILL) right when
//    the verb was answered. The one that comes up on what is left, and each one
//    after it, hands out nothing in any way of asking.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "consentry/v1/rights_service.grpc.pb.h"
#include "proto/support/mutex.h"
#include "tests/promises/asking.h"
#include "tests/promises/edge_tap.h"
#include "tests/promises/gateway_process.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/policy/signals/tc_writer.h"

namespace consentry {
namespace {

using testing::Ask;
using testing::ById;
using testing::FullClient;
using testing::GatewayProcess;
using testing::Identity;
using testing::ProfileOf;
using testing::Question;
using testing::TestGateway;
using testing::Timed;
using testing::Told;
using testing::Way;

constexpr char kService[] = "essential.service.operations";
constexpr char kFraud[] = "essential.fraud_detection";
constexpr char kReporting[] = "analytics.reporting";
constexpr char kImprove[] = "functional.service.improve";
constexpr char kContent[] = "personalize.content.profiled";
constexpr char kSegments[] = "personalize.content.profiling";
constexpr char kLetters[] = "marketing.communications.email";
constexpr char kPost[] = "marketing.communications.post";
constexpr char kAds[] = "marketing.advertising.third_party.targeted";
constexpr char kPartners[] = "third_party_sharing";
constexpr char kCustomerKey[] = "test-customer";
constexpr char kDigest[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

// Purpose, what of it is read, over which channel, by which consent.
struct Use {
  const char* client;
  const char* purpose;
  const char* field;
  v1::Channel channel;
  // Empty: needs none.
  const char* notice;
};
constexpr Use kUses[] = {
    {"shop", kService, "profile.email", v1::CHANNEL_INTERNAL, ""},
    {"guard", kFraud, "profile.email", v1::CHANNEL_INTERNAL, ""},
    {"reports", kReporting, "profile.postal_code", v1::CHANNEL_INTERNAL, ""},
    {"reviews", kReporting, "ticket.text", v1::CHANNEL_INTERNAL, ""},
    {"content", kContent, "profile.language", v1::CHANNEL_WEB,
     "personalization-consent"},
    {"segments", kSegments, "profile.country", v1::CHANNEL_INTERNAL,
     "personalization-consent"},
    {"letters", kLetters, "profile.email", v1::CHANNEL_EMAIL,
     "marketing-consent"},
    {"post", kPost, "profile.given_name", v1::CHANNEL_POST, ""},
    {"ads", kAds, "profile.email", v1::CHANNEL_SOCIAL, "advertising-consent"},
    {"partners", kPartners, "profile.email", v1::CHANNEL_PARTNER,
     "partner-consent"},
};
const Use& UseOf(const std::string& client) {
  for (const Use& use : kUses) {
    if (use.client == client) return use;
  }
  ADD_FAILURE() << client;
  return kUses[0];
}

using Connect = std::function<std::shared_ptr<grpc::Channel>(const Identity&)>;

// The people and systems that call the gateway, whichever process it is.
class Callers {
 public:
  void Add(const std::string& name, Identity identity) {
    identities_[name] = std::move(identity);
  }
  void ConnectBy(Connect connect) {
    connect_ = std::move(connect);
    channels_.clear();
    for (const auto& [name, identity] : identities_) {
      channels_[name] = connect_(identity);
    }
  }
  const std::shared_ptr<grpc::Channel>& As(const std::string& name) const {
    return channels_.at(name);
  }
  template <class Service>
  std::unique_ptr<typename Service::Stub> To(const std::string& name) const {
    return Service::NewStub(As(name));
  }

 private:
  std::map<std::string, Identity> identities_;
  Connect connect_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;
};

// One customer on her way through one verb.
struct Customer {
  std::string id;
  std::string address;
  // Made by what precedes the verb: a case, a token.
  std::string made;
};

struct Verb {
  std::string name;
  const char* residence;
  const char* client;
  // What precedes it and takes nothing away; null: nothing.
  std::function<void(const Callers&, Customer*)> prepare;
  // The call whose answer is the moment.
  std::function<grpc::Status(const Callers&, const Customer&,
                             grpc::ClientContext*)>
      act;
};

grpc::Status Withdraw(const Callers& callers, const Customer& customer,
                      const char* client, grpc::ClientContext* context) {
  v1::WithdrawConsentRequest request;
  *request.mutable_subject() = ById(customer.id);
  request.add_purposes(UseOf(client).purpose);
  v1::WithdrawConsentResponse response;
  return callers.To<v1::ConsentService>(client)->WithdrawConsent(
      context, request, &response);
}

Verb OptOut(const char* client, const char* residence, v1::OptOutKind kind) {
  return {"opt-out " + v1::OptOutKind_Name(kind), residence, client, nullptr,
          [client, kind](const Callers& callers, const Customer& customer,
                         grpc::ClientContext* context) {
            v1::OptOutRequest request;
            *request.mutable_subject() = ById(customer.id);
            request.add_kinds(kind);
            v1::OptOutResponse response;
            return callers.To<v1::ConsentService>(client)->OptOut(
                context, request, &response);
          }};
}

v1::SubmitRightsCaseRequest CaseOf(const Customer& customer,
                                   v1::RightsKind kind, const char* purpose) {
  v1::SubmitRightsCaseRequest request;
  *request.mutable_subject() = ById(customer.id);
  request.set_kind(kind);
  request.set_channel(v1::CHANNEL_POST);
  request.mutable_context()->set_acting_person("p1");
  if (purpose != nullptr) request.add_purposes(purpose);
  return request;
}

std::string CaseName(v1::RightsKind kind, const char* client) {
  return "case " + v1::RightsKind_Name(kind) + " for " + client;
}

// In force when it is submitted: nobody is identified.
Verb AtSubmission(const char* client, const char* residence,
                  v1::RightsKind kind, const char* purpose = nullptr) {
  return {CaseName(kind, client), residence, client, nullptr,
          [kind, purpose](const Callers& callers, const Customer& customer,
                          grpc::ClientContext* context) {
            v1::RightsCase opened;
            return callers.To<v1::RightsService>("compliance")
                ->SubmitRightsCase(context, CaseOf(customer, kind, purpose),
                                   &opened);
          }};
}

std::string EtagOf(const Callers& callers, const std::string& id) {
  v1::GetRightsCaseRequest request;
  request.set_id(id);
  v1::RightsCase shown;
  const grpc::Status status =
      callers.To<v1::RightsService>("compliance")
          ->GetRightsCase(Timed().get(), request, &shown);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return shown.etag();
}

grpc::Status Verify(const Callers& callers, const std::string& id,
                    grpc::ClientContext* context) {
  v1::VerifyRightsCaseRequest request;
  request.set_id(id);
  request.set_etag(EtagOf(callers, id));
  request.set_level(v1::VERIFICATION_LEVEL_REASONABLY_HIGH);
  request.set_evidence_digest(kDigest);
  request.mutable_context()->set_acting_person("p1");
  v1::RightsCase answer;
  return callers.To<v1::RightsService>("compliance")
      ->VerifyRightsCase(context, request, &answer);
}

void Submit(const Callers& callers, v1::RightsKind kind, const char* purpose,
            Customer* customer) {
  v1::RightsCase opened;
  const grpc::Status status =
      callers.To<v1::RightsService>("compliance")
          ->SubmitRightsCase(Timed().get(), CaseOf(*customer, kind, purpose),
                             &opened);
  EXPECT_TRUE(status.ok()) << status.error_message();
  customer->made = opened.id();
}

// In force when the requester turned out to be the customer.
Verb AtVerification(const char* client, const char* residence,
                    v1::RightsKind kind, const char* purpose = nullptr) {
  return {CaseName(kind, client), residence, client,
          [kind, purpose](const Callers& callers, Customer* customer) {
            Submit(callers, kind, purpose, customer);
          },
          [](const Callers& callers, const Customer& customer,
             grpc::ClientContext* context) {
            return Verify(callers, customer.made, context);
          }};
}

// In force when it was accepted by a second person.
Verb AcceptedErasure(const char* client) {
  return {std::string("accepted erasure, ") + client, "DE", client,
          [](const Callers& callers, Customer* customer) {
            Submit(callers, v1::RIGHTS_KIND_ERASURE, nullptr, customer);
            const grpc::Status status =
                Verify(callers, customer->made, Timed().get());
            EXPECT_TRUE(status.ok()) << status.error_message();
          },
          [](const Callers& callers, const Customer& customer,
             grpc::ClientContext* context) {
            v1::ApproveRightsCaseRequest request;
            request.set_id(customer.made);
            request.set_etag(EtagOf(callers, customer.made));
            request.mutable_context()->set_acting_person("p2");
            v1::RightsCase answer;
            return callers.To<v1::RightsService>("dpo")->ApproveRightsCase(
                context, request, &answer);
          }};
}

Verb Signal(const std::string& name, const char* client, const char* residence,
            std::function<void(v1::RecordSignalRequest*)> set) {
  return {"signal " + name, residence, client, nullptr,
          [client, set](const Callers& callers, const Customer& customer,
                        grpc::ClientContext* context) {
            v1::RecordSignalRequest request;
            *request.mutable_subject() = ById(customer.id);
            set(&request);
            v1::RecordSignalResponse response;
            return callers.To<v1::ConsentService>(client)->RecordSignal(
                context, request, &response);
          }};
}

// Consents to nothing but storage, made today.
std::string TcOfToday() {
  constexpr int64_t kDay = 86'400;
  const int64_t day = std::chrono::duration_cast<std::chrono::seconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count() /
                      kDay;
  signals::TcWriter writer;
  writer.created = writer.updated = static_cast<uint64_t>(day * kDay * 10);
  writer.consents = signals::TcWriter::Mask({1});
  return writer.Text();
}

Verb Suspend(const char* client, bool whole_purpose) {
  return {std::string("suspended ") + (whole_purpose ? "purpose" : "client"),
          "DE", client, nullptr,
          [client, whole_purpose](const Callers& callers, const Customer&,
                                  grpc::ClientContext* context) {
            v1::SuspendRequest request;
            if (whole_purpose) {
              request.set_purpose(UseOf(client).purpose);
            } else {
              request.set_client_id(client);
            }
            v1::SuspendResponse response;
            return callers.To<v1::AdminService>("operator")
                ->Suspend(context, request, &response);
          }};
}

// Suspensions are of everybody's data: they stand last.
std::vector<Verb> EveryVerb() {
  return {
      {"withdrawal", "DE", "letters", nullptr,
       [](const Callers& callers, const Customer& customer,
          grpc::ClientContext* context) {
         return Withdraw(callers, customer, "letters", context);
       }},
      {"refusal", "DE", "letters", nullptr,
       [](const Callers& callers, const Customer& customer,
          grpc::ClientContext* context) {
         v1::RecordConsentRequest request;
         *request.mutable_subject() = ById(customer.id);
         request.add_purposes(kLetters);
         request.set_action(v1::CONSENT_ACTION_REFUSE);
         request.mutable_notice()->set_id("marketing-consent");
         request.mutable_notice()->set_version(1);
         v1::RecordConsentResponse response;
         return callers.To<v1::ConsentService>("letters")->RecordConsent(
             context, request, &response);
       }},
      {"one click", "DE", "letters",
       [](const Callers& callers, Customer* customer) {
         v1::CreateUnsubscribeLinkRequest request;
         *request.mutable_subject() = ById(customer->id);
         request.add_purposes(kLetters);
         v1::CreateUnsubscribeLinkResponse link;
         const grpc::Status status =
             callers.To<v1::ConsentService>("letters")->CreateUnsubscribeLink(
                 Timed().get(), request, &link);
         EXPECT_TRUE(status.ok()) << status.error_message();
         customer->made = link.url().substr(link.url().find("?t=") + 3);
       },
       [](const Callers& callers, const Customer& customer,
          grpc::ClientContext* context) {
         v1::WithdrawByTokenRequest request;
         request.set_token(customer.made);
         v1::WithdrawByTokenResponse response;
         return callers.To<v1::ConsentService>("shop")->WithdrawByToken(
             context, request, &response);
       }},
      OptOut("post", "DE", v1::OPT_OUT_KIND_DIRECT_MARKETING),
      OptOut("partners", "US-CA", v1::OPT_OUT_KIND_SALE),
      OptOut("ads", "US-CA", v1::OPT_OUT_KIND_SHARING),
      OptOut("ads", "US-CA", v1::OPT_OUT_KIND_TARGETED_ADVERTISING),
      OptOut("segments", "BR", v1::OPT_OUT_KIND_PROFILING),
      OptOut("reviews", "US-CA", v1::OPT_OUT_KIND_SENSITIVE_DATA),
      AtSubmission("partners", "US-CA", v1::RIGHTS_KIND_OPT_OUT_OF_SALE),
      AtSubmission("ads", "US-CA", v1::RIGHTS_KIND_OPT_OUT_OF_SALE),
      AtSubmission("reviews", "US-CA", v1::RIGHTS_KIND_LIMIT_SENSITIVE),
      AtSubmission("segments", "BR", v1::RIGHTS_KIND_OPT_OUT_OF_PROFILING),
      AtSubmission("post", "DE", v1::RIGHTS_KIND_OBJECTION),
      AtSubmission("post", "DE", v1::RIGHTS_KIND_OBJECTION, kPost),
      AtVerification("reports", "DE", v1::RIGHTS_KIND_OBJECTION, kReporting),
      AtVerification("reports", "DE", v1::RIGHTS_KIND_OBJECTION),
      AtVerification("shop", "DE", v1::RIGHTS_KIND_RESTRICTION),
      AtVerification("letters", "DE", v1::RIGHTS_KIND_RESTRICTION),
      AcceptedErasure("shop"),
      AcceptedErasure("reports"),
      Signal("GPC", "ads", "US-CA",
             [](v1::RecordSignalRequest* request) { request->set_gpc("1"); }),
      Signal("GPP", "partners", "US-CA",
             [](v1::RecordSignalRequest* request) {
               request->set_gpp("DBABBg~BVVgYICA.YA");
             }),
      Signal(
          "US Privacy", "partners", "US-CA",
          [](v1::RecordSignalRequest* request) { request->set_usp("1NYN"); }),
      Signal("TCF", "content", "DE",
             [](v1::RecordSignalRequest* request) {
               request->set_tcf(TcOfToday());
             }),
      Suspend("reports", /*whole_purpose=*/false),
      Suspend("guard", /*whole_purpose=*/true),
  };
}

class EveryVerbTest : public ::testing::Test {
 protected:
  EveryVerbTest()
      : gateway_([](server::InitialiseOptions* options) {
          options->markets = {"DE", "US-CA", "BR"};
          options->thresholds = {"us-ca.business"};
        }) {}

  void SetUp() override {
    // What Californians call sensitive, for a purpose beyond the service.
    std::string purposes = testing::ReadAll(gateway_.File("purposes.txtpb"));
    const size_t key = purposes.find(std::string("\"") + kReporting + "\"");
    ASSERT_NE(key, std::string::npos);
    const size_t fields = purposes.find("  fields {", key);
    ASSERT_NE(fields, std::string::npos);
    purposes.insert(fields,
                    "  fields {\n    field: \"ticket.text\"\n    transform: "
                    "NONE\n    why: \"what customers ask\"\n  }\n");
    std::ofstream(gateway_.File("purposes.txtpb")) << purposes;
    std::ofstream(gateway_.File("consentry.txtpb"), std::ios::app)
        << "unsubscribe_url: \"https://shop.example/off?t=\"\n";
    gateway_.Start();
    for (const Use& use : kUses) {
      v1::Client client = FullClient(use.client, use.purpose);
      client.add_permissions("consent.unsubscribe_link");
      client.mutable_limits()->set_calls_per_second(100'000);
      client.mutable_limits()->set_subjects_per_hour(10'000'000);
      callers_.Add(use.client, gateway_.Register(client));
    }
    v1::Client dpo;
    dpo.set_id("dpo");
    dpo.set_title("Data protection officer");
    dpo.set_role(v1::ROLE_DPO);
    callers_.Add("dpo", gateway_.Register(dpo));
    for (const char* made : {"operator", "compliance"}) {
      callers_.Add(made, gateway_.Made(made));
    }
    callers_.ConnectBy([this](const Identity& identity) {
      return gateway_.Connect(identity);
    });
  }

  // Somebody whose data the verb's client may read, by consent where it needs
  // one.
  Customer NewCustomer(const Verb& verb) {
    Customer customer;
    const std::string key = "c" + std::to_string(++customers_);
    customer.address = key + "@shop.example";
    v1::WriteRecordRequest request =
        ProfileOf(key, customer.address, verb.residence);
    auto& values = *request.mutable_values();
    values["postal_code"].set_string_value("10115");
    values["language"].set_string_value("de");
    values["country"].set_string_value(
        std::string(verb.residence).substr(0, 2));
    values["birth_date"].set_date_value("1980-05-06");
    request.mutable_legal_facts()->set_birth_date("1980-05-06");
    customer.id = testing::MustWrite(callers_.As("shop"), request);
    v1::WriteRecordRequest ticket;
    *ticket.add_subjects() = ById(customer.id);
    ticket.set_source("crm");
    ticket.set_kind("ticket");
    ticket.set_source_key("ticket-" + key);
    ticket.set_purpose(kService);
    (*ticket.mutable_values())["number"].set_string_value("T-" + key);
    (*ticket.mutable_values())["text"].set_string_value("My health");
    testing::MustWrite(callers_.As("shop"), ticket);
    const Use& use = UseOf(verb.client);
    if (*use.notice != '\0') {
      v1::RecordConsentRequest consent;
      *consent.mutable_subject() = ById(customer.id);
      consent.add_purposes(use.purpose);
      consent.set_action(v1::CONSENT_ACTION_GIVE);
      consent.mutable_notice()->set_id(use.notice);
      consent.mutable_notice()->set_version(1);
      v1::RecordConsentResponse response;
      const grpc::Status status =
          callers_.To<v1::ConsentService>(use.client)
              ->RecordConsent(Timed().get(), consent, &response);
      EXPECT_TRUE(status.ok()) << verb.name << ": " << status.error_message();
    }
    return customer;
  }

  Question AboutHer(const Verb& verb, const std::string& id) const {
    const Use& use = UseOf(verb.client);
    Question question;
    question.subjects = {ById(id)};
    question.purpose = use.purpose;
    question.fields = {use.field};
    question.channel = use.channel;
    return question;
  }

  // Values of hers that come back, or a permission of kCheck.
  bool IsOpen(Way way, const Verb& verb, const std::string& id,
              std::string* why = nullptr) const {
    Question question = AboutHer(verb, id);
    question.page_size = 250;
    const Told told = Ask(way, callers_.As(verb.client), question);
    if (why != nullptr) *why = told.status.error_message();
    for (const auto& result : told.results) {
      if (why != nullptr && result.subject_id() == id) {
        *why += result.decision().ShortDebugString();
      }
      if (way == Way::kCheck) {
        return result.decision().effect() == v1::EFFECT_PERMIT;
      }
      if (result.subject_id() == id &&
          (result.fields_size() > 0 || result.records_size() > 0)) {
        return true;
      }
    }
    return false;
  }

  void ExpectOpen(const Verb& verb, const std::string& id) const {
    for (const Way way : testing::kWays) {
      std::string why;
      EXPECT_TRUE(IsOpen(way, verb, id, &why))
          << testing::NameOf(way) << ": " << why;
    }
  }
  void ExpectClosed(const Verb& verb, const std::string& id) const {
    for (const Way way : testing::kWays) {
      EXPECT_FALSE(IsOpen(way, verb, id)) << testing::NameOf(way);
    }
  }

  TestGateway gateway_;
  Callers callers_;
  int customers_ = 0;
};

// --- In flight ---

// What left the server about the customers of one run, by number.
class Edge {
 public:
  static Edge* Get() {
    static Edge* const edge = new Edge();
    return edge;
  }
  // From now on it is about this customer alone: selections for another
  // purpose rightly find those that came before her.
  void Watch(const std::string& id, int customer) {
    MutexLock lock(&mu_);
    customers_ = {{id, customer}};
  }
  void Close(int customer) {
    MutexLock lock(&mu_);
    closed_[customer] = true;
  }
  void Release(const std::string& id) {
    MutexLock lock(&mu_);
    const auto known = customers_.find(id);
    if (known == customers_.end()) return;
    ++releases_[known->second];
    too_late_ += closed_[known->second] ? 1 : 0;
  }
  int releases(int customer) const {
    MutexLock lock(&mu_);
    const auto found = releases_.find(customer);
    return found == releases_.end() ? 0 : found->second;
  }
  bool closed(int customer) const {
    MutexLock lock(&mu_);
    const auto found = closed_.find(customer);
    return found != closed_.end() && found->second;
  }
  // Values handed over behind the answer of the verb that forbids it.
  int too_late() const {
    MutexLock lock(&mu_);
    return too_late_;
  }

 private:
  mutable Mutex mu_;
  std::map<std::string, int> customers_ ABSL_GUARDED_BY(mu_);
  std::map<int, bool> closed_ ABSL_GUARDED_BY(mu_);
  std::map<int, int> releases_ ABSL_GUARDED_BY(mu_);
  int too_late_ ABSL_GUARDED_BY(mu_) = 0;
};

void Note(const testing::Sending& sending) {
  if (const auto customer = sending.NumberIn(kCustomerKey)) {
    Edge::Get()->Close(*customer);
    return;
  }
  const auto released = sending.Released();
  if (released.empty()) return;
  // Held back, so that a verb meets some of them here.
  static std::atomic<uint64_t> sent{0};
  if (++sent % 3 == 0) {
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  for (const auto* answer : released)
    Edge::Get()->Release(answer->subject_id());
}

TEST_F(EveryVerbTest, NothingIsHandedOverBehindItsAnswer) {
  testing::TapServers(Note);
  ASSERT_OK(gateway_.Stop());
  gateway_.Start();
  callers_.ConnectBy(
      [this](const Identity& identity) { return gateway_.Connect(identity); });
  constexpr int kRounds = 6;
  int used = 0;
  int rounds = 0;
  std::atomic<int> began_late{0};
  for (const Verb& verb : EveryVerb()) {
    SCOPED_TRACE(verb.name);
    const bool once = verb.name.starts_with("suspended");
    for (int round = 0; round < (once ? 1 : kRounds); ++round) {
      Customer customer = NewCustomer(verb);
      const int number = ++rounds;
      Edge::Get()->Watch(customer.id, number);
      if (verb.prepare) verb.prepare(callers_, &customer);
      std::atomic<bool> stop{false};
      std::vector<std::thread> readers;
      for (const Way way :
           {Way::kRead, Way::kBatch, Way::kStream, Way::kSelect, Way::kRead}) {
        readers.emplace_back([&, way] {
          while (!stop) {
            const bool late = Edge::Get()->closed(number);
            Question question = AboutHer(verb, customer.id);
            if (way == Way::kBatch || way == Way::kStream) {
              for (int i = 0; i < 40; ++i) {
                question.subjects.push_back(ById(customer.id));
              }
            }
            question.page_size = 250;
            const Told told = Ask(way, callers_.As(verb.client), question);
            for (const auto& result : told.results) {
              if (late && result.subject_id() == customer.id &&
                  result.fields_size() > 0) {
                ++began_late;
              }
            }
          }
        });
      }
      for (int i = 0; i < 2000 && Edge::Get()->releases(number) < 20; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      used += Edge::Get()->releases(number) >= 20 ? 1 : 0;
      const auto context = Timed();
      context->AddMetadata(kCustomerKey, std::to_string(number));
      const grpc::Status status = verb.act(callers_, customer, context.get());
      EXPECT_TRUE(status.ok()) << status.error_message();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      stop = true;
      for (std::thread& reader : readers) reader.join();
      EXPECT_TRUE(Edge::Get()->closed(number));
      ExpectClosed(verb, customer.id);
      if (HasFailure()) return;
    }
  }
  EXPECT_EQ(Edge::Get()->too_late(), 0);
  EXPECT_EQ(began_late, 0);
  // That it was a race at all.
  EXPECT_EQ(used, rounds);
}

// --- In any state of the process ---

TEST_F(EveryVerbTest, NoDeathOfTheProcessOpensItAgain) {
  std::vector<std::pair<Verb, Customer>> people;
  for (Verb& verb : EveryVerb()) {
    Customer customer = NewCustomer(verb);
    if (verb.prepare) verb.prepare(callers_, &customer);
    people.emplace_back(std::move(verb), std::move(customer));
  }
  for (const auto& [verb, customer] : people) {
    SCOPED_TRACE(verb.name);
    ExpectOpen(verb, customer.id);
  }
  ASSERT_OK(gateway_.Stop());

  std::unique_ptr<GatewayProcess> process;
  const auto spawn = [&] {
    process = GatewayProcess::Spawn({.folder = gateway_.folder(),
                                     .output_file = gateway_.File("output"),
                                     .environment = {},
                                     .file_limit = std::nullopt,
                                     .working_folder = ""});
    const bool serving = process != nullptr && process->WaitServing();
    if (serving) {
      callers_.ConnectBy(
          [&](const Identity& identity) { return process->Connect(identity); });
    }
    return serving;
  };
  ASSERT_TRUE(spawn());
  for (size_t i = 0; i < people.size(); ++i) {
    const auto& [verb, customer] = people[i];
    SCOPED_TRACE(verb.name);
    EXPECT_TRUE(IsOpen(Way::kRead, verb, customer.id));
    const grpc::Status status = verb.act(callers_, customer, Timed().get());
    process->Kill();
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_TRUE(spawn());
    for (size_t earlier = 0; earlier <= i; ++earlier) {
      SCOPED_TRACE("after it: " + people[earlier].first.name);
      if (earlier == i) {
        ExpectClosed(verb, customer.id);
      } else {
        EXPECT_FALSE(IsOpen(Way::kRead, people[earlier].first,
                            people[earlier].second.id));
      }
    }
  }
  EXPECT_EQ(process->Stop(), 0);
}

}  // namespace
}  // namespace consentry
