// Promise 9. Personal data stays in its place: no value, e-mail address or name
// in a log, error, metric, audit entry or URL.
//
// Shown by two kinds of canaries, values that occur nowhere else, sent to a
// real `consentry serve` through every method of the API:
//  - a person's data in every field that holds some, and every identifier, in
//    calls that succeed: writes, imports, all reads, choices, explanations,
//    queries of the audit log;
//  - a text of its own in every text field of every request in turn, in six
//    hostile shapes, where it belongs and where it does not: names of purposes,
//    ids, page tokens, tickets, and in headers, method names, certificates.
// Then they are looked for, in clear and encoded, in everything that is written
// or told: the server's output and operating log, its metrics, the data folder
// with segments, databases, write-ahead logs and key slots (while it runs,
// after a crash, after a good end), its temporary and working folders, an
// export of the log, what the import command prints and lists, and every error
// that a call ended with. And no core is left by a crash.
//
// Three things are no customer's data, by the contract of the API:
//  - A plain word given as the id of a member of staff, as a ticket or as a
//    reason code stands in the audit log: the gateway cannot know that it is
//    somebody's name. (What has a space, an at sign or other letters is
//    refused.) These words are looked for too, and must be found: so the search
//    does read the log.
//  - The texts of a policy are quoted in the errors of UpdatePolicy and
//    DiffPolicy, so that faults can be found.
//  - So is the name of a field that the catalog does not know.
// The last two are not looked for in errors, but everywhere else.
#include <google/protobuf/stubs/logging.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "consentry/v1/review_service.pb.h"
#include "consentry/v1/rights_service.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "proto/support/mutex.h"
#include "tests/e2e/test_gateway.h"
#include "tests/promises/canaries.h"
#include "tests/promises/gateway_process.h"
#include "tests/promises/hostile_requests.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry {
namespace {

using testing::Canaries;
using testing::GatewayProcess;
using testing::Identity;
using testing::ServiceClient;
using testing::TempDir;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr char kSupport[] = "essential.service.operations.support";
constexpr char kMarketing[] = "marketing.communications.email";
constexpr char kBirthDate[] = "1931-07-23";
constexpr char kInternetAddress[] = "203.0.113.77";

// One of the hostile shapes.
constexpr int kPlainWord = 4;
// Fields that the API calls opaque.
const std::set<std::string>& OpaqueWords() {
  static const auto* const words =
      new std::set<std::string>{"acting_person", "reason_code", "ticket"};
  return *words;
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

std::string Digits(size_t count) {
  std::string digits;
  while (digits.size() < count) {
    for (const char c : Canaries::NewCore()) {
      if (c >= '0' && c <= '9' && digits.size() < count) digits.push_back(c);
    }
  }
  return digits;
}

int64_t Now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Somebody whose every value is a canary.
class Person {
 public:
  Person(std::string who, Canaries* canaries)
      : who_(std::move(who)), canaries_(canaries) {
    phone_ = "49151" + Digits(8);
    canaries->AddNumber(who_ + "'s telephone number", phone_);
    canaries->Add(who_ + "'s telephone number", phone_.substr(2));
  }

  // A new canary, with what may stand around it.
  std::string New(const std::string& what, const std::string& before = "",
                  const std::string& after = "") {
    const std::string core = Canaries::NewCore();
    canaries_->Add(who_ + "'s " + what, core);
    return before + core + after;
  }
  std::string Phone() const { return "+" + phone_; }

 private:
  const std::string who_;
  Canaries* const canaries_;
  std::string phone_;
};

class PlaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(outside_.File("tmp"));
    std::filesystem::create_directory(outside_.File("work"));
    gateway_.Start();
    v1::Client shop = ServiceClient("shop", kService);
    shop.add_purposes(kSupport);
    for (const char* permission :
         {"data.import", "data.legal_facts", "data.select", "decisions.explain",
          "consent.record"}) {
      shop.add_permissions(permission);
    }
    for (const char* source : {"web_shop", "pos"}) shop.add_sources(source);
    shop.add_attests(kMarketing);
    v1::Client letters = ServiceClient("letters", kMarketing);
    letters.add_permissions("consent.record");
    letters.add_permissions("data.select");
    letters.add_attests(kMarketing);
    for (v1::Client* client : {&shop, &letters}) {
      client->mutable_limits()->set_calls_per_second(100'000);
      client->mutable_limits()->set_subjects_per_hour(1'000'000);
    }
    shop_ = gateway_.Register(shop);
    letters_ = gateway_.Register(letters);
    ASSERT_OK(gateway_.Stop());
    // For the import command.
    WriteFile(gateway_.File("clients/shop.pem"), shop_.certificate);
    WriteFile(gateway_.File("clients/shop.key"), shop_.key);
    std::filesystem::permissions(gateway_.File("clients/shop.key"),
                                 std::filesystem::perms::owner_read |
                                     std::filesystem::perms::owner_write);
    std::string config = testing::ReadAll(gateway_.File("consentry.txtpb"));
    Replace("metrics { file: \"\" }", "metrics { file: \"metrics.prom\" }",
            &config);
    Replace("log { file: \"\" }", "log { file: \"operating.log\" debug: true }",
            &config);
    WriteFile(gateway_.File("consentry.txtpb"), config);
    canaries_.Add("a birth date", kBirthDate);
  }

  static void Replace(const std::string& old_text, const std::string& text,
                      std::string* config) {
    const size_t place = config->find(old_text);
    ASSERT_NE(place, std::string::npos) << old_text;
    config->replace(place, old_text.size(), text);
  }

  GatewayProcess::Options ProcessOptions(const std::string& output) const {
    return {.folder = gateway_.folder(),
            .output_file = gateway_.File(output),
            .environment = {"TMPDIR=" + outside_.File("tmp")},
            .file_limit = std::nullopt,
            .working_folder = outside_.File("work")};
  }
  void Spawn() {
    process_ = GatewayProcess::Spawn(ProcessOptions("output"));
    ASSERT_TRUE(process_->WaitServing())
        << testing::ReadAll(gateway_.File("output"));
  }

  std::unique_ptr<grpc::ClientContext> Context() {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() +
                          std::chrono::seconds(20));
    context->AddMetadata("x-customer", header_);
    context->AddMetadata("x-customer-bin", header_);
    return context;
  }

  // What the caller was told instead of an answer.
  void NoteError(const std::string& call, const grpc::Status& status,
                 const grpc::ClientContext& context) {
    if (status.ok()) return;
    std::string told = status.error_message() + "\n" + status.error_details();
    for (const auto& [key, value] : context.GetServerTrailingMetadata()) {
      told.append("\n").append(key.data(), key.size());
      told.append("\n").append(value.data(), value.size());
    }
    MutexLock lock(&mu_);
    told_.emplace_back("error of " + call, std::move(told));
  }
  // An answer that holds no value of a customer.
  void NoteAnswer(const std::string& call,
                  const google::protobuf::Message& answer) {
    MutexLock lock(&mu_);
    told_.emplace_back("answer of " + call, answer.SerializeAsString());
  }

  void ExpectNone(const std::vector<Canaries::Hit>& hits,
                  const std::string& moment) {
    for (const auto& hit : hits) {
      ADD_FAILURE() << moment << ": " << hit.name << ", in " << hit.where
                    << " at " << hit.offset;
    }
  }
  // Everything on disk.
  void SearchFiles(const std::string& moment) {
    ExpectNone(canaries_.SearchFolder(gateway_.folder()), moment);
    std::printf("%s: %zu files, %zu bytes\n", moment.c_str(),
                canaries_.looked().files, canaries_.looked().bytes);
    EXPECT_GT(canaries_.looked().files, 20u);
    ExpectNone(canaries_.SearchFolder(outside_.path()), moment);
  }

  void UseAll();
  void ReadAll(const v1::SubjectRef& subject);
  void ImportBadRows();
  void AskTheLog(const v1::SubjectRef& subject);
  void BeHostile();
  void SendHostile(
      const std::string& service, const Identity& identity,
      const std::vector<std::unique_ptr<google::protobuf::Message>>& bases);
  grpc::Status SendBytes(const std::shared_ptr<grpc::Channel>& channel,
                         const std::string& path, const std::string& bytes,
                         const std::string& call);
  void ImportByCommand();

  TempDir outside_;
  TestGateway gateway_;
  Canaries canaries_;
  // Looked for in files alone.
  Canaries quoted_;
  // Found in the log.
  Canaries words_;
  std::string header_ = Canaries::NewCore();
  Identity shop_;
  Identity letters_;
  std::unique_ptr<GatewayProcess> process_;
  Mutex mu_;  // For what follows, while there are several senders.
  std::vector<std::pair<std::string, std::string>> told_;
  int calls_ = 0;
  std::map<std::string, int> outcomes_;
  std::set<std::string> methods_;
};

// --- A person, through every method ---

void PlaceTest::UseAll() {
  canaries_.Add("a header", header_);
  canaries_.Add("an address of the internet", kInternetAddress);
  Person ada("Ada", &canaries_);
  const auto data = v1::DataService::NewStub(process_->Connect(shop_));
  const std::string email = ada.New("e-mail address", "", "@canary.example");
  const std::string customer_number = ada.New("customer number");
  const std::string card = ada.New("loyalty card");
  const auto write = [&](const std::string& kind,
                         const std::map<std::string, std::string>& values,
                         const std::map<std::string, int64_t>& times) {
    v1::WriteRecordRequest request;
    auto* by_email = request.add_subjects()->mutable_identifier();
    by_email->set_type(v1::IDENTIFIER_TYPE_EMAIL);
    by_email->set_value(email);
    by_email->set_verified(true);
    auto* by_phone = request.add_subjects()->mutable_identifier();
    by_phone->set_type(v1::IDENTIFIER_TYPE_PHONE);
    by_phone->set_value(ada.Phone());
    auto* by_number = request.add_subjects()->mutable_identifier();
    by_number->set_type(v1::IDENTIFIER_TYPE_EXTERNAL_ID);
    by_number->set_namespace_("crm");
    by_number->set_value(customer_number);
    auto* by_card = request.add_subjects()->mutable_identifier();
    by_card->set_type(v1::IDENTIFIER_TYPE_CUSTOM);
    by_card->set_namespace_("loyalty_card");
    by_card->set_value(card);
    request.set_source("crm");
    request.set_kind(kind);
    request.set_source_key(ada.New("key of a record"));
    request.set_purpose(kService);
    for (const auto& [name, value] : values) {
      (*request.mutable_values())[name].set_string_value(value);
    }
    for (const auto& [name, seconds] : times) {
      (*request.mutable_values())[name].mutable_time_value()->set_seconds(
          seconds);
    }
    if (kind == "profile") {
      (*request.mutable_values())["birth_date"].set_date_value(kBirthDate);
      request.mutable_legal_facts()->set_birth_date(kBirthDate);
      request.mutable_legal_facts()->set_residence("DE");
    }
    const auto context = Context();
    v1::WriteRecordResponse response;
    const auto status = data->WriteRecord(context.get(), request, &response);
    EXPECT_TRUE(status.ok()) << kind << ": " << status.error_message() << ' '
                             << status.error_details();
    NoteAnswer("WriteRecord", response);
    NoteError("WriteRecord", status, *context);
    return response;
  };
  const auto profile = write("profile",
                             {{"given_name", ada.New("given name", "", " Ærø")},
                              {"family_name", ada.New("family name", "von ")},
                              {"email", email},
                              {"phone", ada.Phone()},
                              {"street", ada.New("street", "", " Straße 5")},
                              {"city", ada.New("city")},
                              {"country", "DE"}},
                             {});
  write("order",
        {{"number", ada.New("order number")},
         {"items", ada.New("article")},
         {"store", ada.New("shop")}},
        {{"ordered_at", Now() - 60}});
  write("ticket",
        {{"number", ada.New("ticket number")},
         {"subject", ada.New("ticket's subject")},
         {"text", ada.New("question", "My son ", " is ill.\nPlease call.")}},
        {{"opened_at", Now() - 60}});
  write("visit",
        {{"page", ada.New("page", "https://shop.example/?find=")},
         {"ip_address", kInternetAddress}},
        {{"visited_at", Now() - 60}});
  write("insight",
        {{"segment", ada.New("segment")},
         {"favourite_articles", ada.New("favourite article")}},
        {});
  // Hers from now on, too.
  canaries_.Add("Ada's id", profile.subject_id().substr(4));
  told_.clear();  // Answers of writes name her id to the writer.

  v1::SubjectRef subject;
  subject.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  subject.mutable_identifier()->set_value(email);
  ImportBadRows();
  ReadAll(subject);
  AskTheLog(subject);
}

void PlaceTest::ReadAll(const v1::SubjectRef& subject) {
  const auto data = v1::DataService::NewStub(process_->Connect(shop_));
  const auto letters = v1::DataService::NewStub(process_->Connect(letters_));
  const auto consent = v1::ConsentService::NewStub(process_->Connect(letters_));

  v1::ReadSubjectRequest read;
  *read.mutable_subject() = subject;
  read.set_purpose(kService);
  read.add_fields("profile.*");
  read.add_fields("order.*");
  read.set_want_pseudonym(true);
  v1::ReadSubjectResponse answer;
  auto context = Context();
  auto status = data->ReadSubject(context.get(), read, &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  // That it is about her data at all.
  EXPECT_GE(answer.fields_size(), 6);
  EXPECT_GE(answer.records_size(), 1);
  ASSERT_FALSE(answer.pseudonym().empty());
  canaries_.Add("Ada's pseudonym", answer.pseudonym().substr(4));
  const std::string decision = answer.decision().id();

  read.mutable_subject()->set_pseudonym(answer.pseudonym());
  read.set_purpose(kSupport);
  read.clear_fields();
  read.add_fields("profile.given_name");
  read.add_fields("ticket.*");
  read.set_want_pseudonym(false);
  status = data->ReadSubject(Context().get(), read, &answer);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answer.decision().effect(), v1::EFFECT_PERMIT);

  v1::BatchReadSubjectsRequest batch;
  *batch.add_subjects() = subject;
  batch.add_subjects()->set_id("cus_" + std::string(24, 'a'));
  batch.set_purpose(kService);
  batch.add_fields("profile.email");
  v1::BatchReadSubjectsResponse results;
  status = data->BatchReadSubjects(Context().get(), batch, &results);
  EXPECT_TRUE(status.ok()) << status.error_message();

  v1::StreamReadsRequest stream_request;
  *stream_request.add_subjects() = subject;
  stream_request.set_purpose(kService);
  stream_request.add_fields("profile.phone");
  context = Context();
  const auto stream = data->StreamReads(context.get(), stream_request);
  v1::StreamReadsResponse message;
  EXPECT_TRUE(stream->Read(&message));
  stream->Finish();

  v1::SelectSubjectsRequest select;
  select.set_purpose(kService);
  select.add_fields("profile.email");
  select.add_fields("profile.city");
  select.set_channel(v1::CHANNEL_INTERNAL);
  v1::SelectSubjectsResponse page;
  context = Context();
  status = data->SelectSubjects(context.get(), select, &page);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_GE(page.results_size(), 1);
  auto* filter = select.add_filters();
  filter->set_field("profile.email");
  filter->mutable_equals()->set_string_value(subject.identifier().value());
  context = Context();
  status = data->SelectSubjects(context.get(), select, &page);
  NoteError("SelectSubjects", status, *context);

  v1::CheckAccessRequest check;
  *check.mutable_subject() = subject;
  check.set_purpose(kService);
  check.add_fields("profile.email");
  v1::CheckAccessResponse checked;
  status = data->CheckAccess(Context().get(), check, &checked);
  EXPECT_TRUE(status.ok());
  NoteAnswer("CheckAccess", checked);

  // Choices, by identifier.
  v1::RecordConsentRequest give;
  *give.mutable_subject() = subject;
  give.add_purposes(kMarketing);
  give.set_action(v1::CONSENT_ACTION_GIVE);
  give.mutable_notice()->set_id("marketing-consent");
  give.mutable_notice()->set_version(1);
  v1::RecordConsentResponse given;
  status = consent->RecordConsent(Context().get(), give, &given);
  EXPECT_TRUE(status.ok()) << status.error_message();
  NoteAnswer("RecordConsent", given);
  read.set_purpose(kMarketing);
  read.clear_fields();
  read.add_fields("profile.email");
  *read.mutable_subject() = subject;
  read.set_channel(v1::CHANNEL_EMAIL);
  status = letters->ReadSubject(Context().get(), read, &answer);
  EXPECT_TRUE(status.ok()) << status.error_message();
  v1::WithdrawConsentRequest withdraw;
  *withdraw.mutable_subject() = subject;
  withdraw.add_purposes(kMarketing);
  v1::WithdrawConsentResponse withdrawn;
  status = consent->WithdrawConsent(Context().get(), withdraw, &withdrawn);
  EXPECT_TRUE(status.ok()) << status.error_message();
  NoteAnswer("WithdrawConsent", withdrawn);
  v1::OptOutRequest opt_out;
  *opt_out.mutable_subject() = subject;
  opt_out.add_kinds(v1::OPT_OUT_KIND_DIRECT_MARKETING);
  v1::OptOutResponse opted_out;
  status = consent->OptOut(Context().get(), opt_out, &opted_out);
  EXPECT_TRUE(status.ok()) << status.error_message();
  NoteAnswer("OptOut", opted_out);
  v1::GetConsentStateRequest ask;
  *ask.mutable_subject() = subject;
  v1::GetConsentStateResponse state;
  status = consent->GetConsentState(Context().get(), ask, &state);
  EXPECT_TRUE(status.ok()) << status.error_message();
  NoteAnswer("GetConsentState", state);
  status = letters->ReadSubject(Context().get(), read, &answer);
  EXPECT_EQ(answer.decision().effect(), v1::EFFECT_DENY);
  NoteAnswer("a denied ReadSubject", answer);

  v1::ExplainDecisionRequest explain;
  explain.set_decision_id(decision);
  v1::ExplainDecisionResponse explained;
  status = data->ExplainDecision(Context().get(), explain, &explained);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(explained.replay_agrees());
  NoteAnswer("ExplainDecision", explained);
}

void PlaceTest::ImportBadRows() {
  Person bob("Bob", &canaries_);
  const auto data = v1::DataService::NewStub(process_->Connect(shop_));
  const auto context = Context();
  const auto stream = data->ImportRecords(context.get());
  v1::ImportRecordsRequest header;
  header.mutable_header()->set_source("web_shop");
  header.mutable_header()->set_purpose(kService);
  header.mutable_header()->set_label("customers.csv");
  ASSERT_TRUE(stream->Write(header));
  v1::ImportRecordsRequest message;
  const auto row = [&](const std::string& field, const std::string& value) {
    v1::ImportRow* made = message.mutable_rows()->add_rows();
    made->set_number(static_cast<uint64_t>(message.rows().rows_size()));
    made->set_kind("profile");
    made->set_source_key(bob.New("key of a record"));
    auto* identifier = made->add_identifiers();
    identifier->set_type(v1::IDENTIFIER_TYPE_EMAIL);
    identifier->set_value(bob.New("e-mail address", "", "@canary.example"));
    (*made->mutable_values())[field].set_string_value(value);
    return made;
  };
  row("email", bob.New("broken address", "", " at nowhere"));
  row("phone", bob.New("broken number"));
  row("postal_code", bob.New("broken postal code", "", std::string(400, 'x')));
  row("country", bob.New("country"));
  row("language", bob.New("language"));
  row("birth_date", bob.New("broken date"));
  row("given_name", bob.New("given name"))
      ->mutable_identifiers(0)
      ->set_value(bob.New("broken identifier"));
  row("given_name", bob.New("given name"))
      ->mutable_legal_facts()
      ->set_residence(bob.New("residence"));
  row("given_name", bob.New("given name"))
      ->mutable_legal_facts()
      ->set_birth_date(bob.New("birth date"));
  v1::ImportRow* chosen = row("given_name", bob.New("given name"));
  auto* choice = chosen->add_choices();
  choice->set_purpose(kMarketing);
  choice->set_action(v1::CONSENT_ACTION_GIVE);
  ASSERT_TRUE(stream->Write(message));
  v1::ImportRecordsResponse answer;
  EXPECT_TRUE(stream->Read(&answer));
  stream->WritesDone();
  while (stream->Read(&answer)) {
  }
  const auto status = stream->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  int faults = 0;
  for (const auto& result : answer.results()) faults += result.faults_size();
  EXPECT_GE(faults, 8);
  NoteAnswer("ImportRecords", answer);
}

void PlaceTest::AskTheLog(const v1::SubjectRef& subject) {
  const auto audit =
      v1::AuditService::NewStub(process_->Connect(gateway_.Made("compliance")));
  v1::QueryAuditEntriesRequest query;
  v1::QueryAuditEntriesResponse page;
  if (subject.has_identifier()) {
    *query.mutable_subject() = subject;
    const auto status = audit->QueryAuditEntries(Context().get(), query, &page);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_GE(page.entries_size(), 5);
    NoteAnswer("QueryAuditEntries", page);
    query.Clear();
  }
  query.set_page_size(1000);
  auto status = audit->QueryAuditEntries(Context().get(), query, &page);
  EXPECT_TRUE(status.ok()) << status.error_message();
  NoteAnswer("QueryAuditEntries", page);
  const auto tail_context = Context();
  const auto tail = audit->TailAuditEntries(tail_context.get(),
                                            v1::TailAuditEntriesRequest());
  v1::AuditEntry entry;
  while (tail->Read(&entry)) NoteAnswer("TailAuditEntries", entry);
  EXPECT_TRUE(tail->Finish().ok());
  const auto export_context = Context();
  const auto exported = audit->ExportAuditEntries(
      export_context.get(), v1::ExportAuditEntriesRequest());
  v1::ExportAuditEntriesResponse leaves;
  while (exported->Read(&leaves)) NoteAnswer("ExportAuditEntries", leaves);
  EXPECT_TRUE(exported->Finish().ok());
  // The operating side.
  const auto admin =
      v1::AdminService::NewStub(process_->Connect(gateway_.Made("operator")));
  v1::GatewayStatus state;
  status = admin->GetStatus(Context().get(), v1::GetStatusRequest(), &state);
  EXPECT_TRUE(status.ok());
  NoteAnswer("GetStatus", state);
}

// --- Hostile requests ---

grpc::Status PlaceTest::SendBytes(const std::shared_ptr<grpc::Channel>& channel,
                                  const std::string& path,
                                  const std::string& bytes,
                                  const std::string& call) {
  grpc::Slice slice(bytes);
  grpc::ByteBuffer sent(&slice, 1);
  grpc::ByteBuffer received;
  grpc::GenericStub stub(channel);
  std::promise<grpc::Status> ended;
  const auto context = Context();
  stub.UnaryCall(context.get(), path, {}, &sent, &received,
                 [&](const grpc::Status& status) { ended.set_value(status); });
  const grpc::Status status = ended.get_future().get();
  NoteError(call, status, *context);
  MutexLock lock(&mu_);
  ++calls_;
  ++outcomes_[status.ok() ? "OK"
                          : v1::ErrorReason_Name(testing::ReasonOf(status))];
  return status;
}

// Calls of one service as one caller: all methods, each text field in turn.
// `bases` are well-formed requests; other methods begin with an empty one.
void PlaceTest::SendHostile(
    const std::string& service, const Identity& identity,
    const std::vector<std::unique_ptr<google::protobuf::Message>>& bases) {
  struct Call {
    std::string path;
    std::string bytes;
    std::string name;
  };
  std::vector<Call> calls;
  const auto* described =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
          "consentry.v1." + service);
  ASSERT_NE(described, nullptr) << service;
  for (int i = 0; i < described->method_count(); ++i) {
    const auto* method = described->method(i);
    const std::string path =
        "/" + described->full_name() + "/" + method->name();
    methods_.insert(path);
    std::unique_ptr<google::protobuf::Message> base(
        google::protobuf::MessageFactory::generated_factory()
            ->GetPrototype(method->input_type())
            ->New());
    for (const auto& known : bases) {
      if (known->GetDescriptor() == method->input_type()) {
        base->CopyFrom(*known);
      }
    }
    std::string core;
    for (int shape = 0; shape < 6; ++shape) {
      testing::ForEachHostile(
          *base,
          [&](const std::string& field) {
            core = Canaries::NewCore();
            const std::string name =
                "the text in " + method->name() + "." + field;
            const bool word =
                shape == kPlainWord &&
                OpaqueWords().contains(field.substr(field.rfind('.') + 1));
            const bool quoted = ((method->name() == "UpdatePolicy" ||
                                  method->name() == "DiffPolicy") &&
                                 field != "etag" && field != "request_id") ||
                                field == "values.key";
            (word ? words_ : quoted ? quoted_ : canaries_).Add(name, core);
            switch (shape) {
              case 0:
                return core + "@canary.example";
              case 1:
                return "Frau " + core + " von Ærø";
              case 2:
                return core + "\r\nx-injected: 1\x01%s%n<b>";
              case 3:
                return core + std::string(20'000, 'x');
              case kPlainWord:
                return core;
              default:
                return core + "\xff\xfe";
            }
          },
          [&](const std::string& field,
              const google::protobuf::Message& request) {
            calls.push_back({path, request.SerializePartialAsString(),
                             method->name() + " with hostile " + field});
          });
    }
  }
  // Most wait for the disk: several at once.
  std::atomic<size_t> next{0};
  std::vector<std::thread> senders;
  for (int i = 0; i < 8; ++i) {
    senders.emplace_back([&, channel = process_->Connect(identity)] {
      for (size_t at = next++; at < calls.size(); at = next++) {
        SendBytes(channel, calls[at].path, calls[at].bytes, calls[at].name);
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
}

template <class Request>
Request* AddBase(
    std::vector<std::unique_ptr<google::protobuf::Message>>* bases) {
  auto base = std::make_unique<Request>();
  Request* const made = base.get();
  bases->push_back(std::move(base));
  return made;
}

template <class Request>
void Ask(Request* request) {
  request->set_purpose(kService);
  request->add_fields("profile.email");
}

void PlaceTest::BeHostile() {
  std::vector<std::unique_ptr<google::protobuf::Message>> bases;
  const auto nobody = [](v1::SubjectRef* subject) {
    subject->mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
    subject->mutable_identifier()->set_value("nobody@shop.example");
  };
  auto* read = AddBase<v1::ReadSubjectRequest>(&bases);
  Ask(read);
  nobody(read->mutable_subject());
  auto* batch = AddBase<v1::BatchReadSubjectsRequest>(&bases);
  Ask(batch);
  nobody(batch->add_subjects());
  auto* stream = AddBase<v1::StreamReadsRequest>(&bases);
  Ask(stream);
  nobody(stream->add_subjects());
  auto* select = AddBase<v1::SelectSubjectsRequest>(&bases);
  Ask(select);
  select->set_channel(v1::CHANNEL_INTERNAL);
  auto* check = AddBase<v1::CheckAccessRequest>(&bases);
  Ask(check);
  nobody(check->mutable_subject());
  auto* write = AddBase<v1::WriteRecordRequest>(&bases);
  nobody(write->add_subjects());
  write->set_source("crm");
  write->set_kind("profile");
  write->set_source_key("k");
  write->set_purpose(kService);
  (*write->mutable_values())["given_name"].set_string_value("Somebody");
  auto* import = AddBase<v1::ImportRecordsRequest>(&bases);
  import->mutable_header()->set_source("crm");
  import->mutable_header()->set_purpose(kService);
  import->mutable_header()->set_label("customers.csv");
  auto* give = AddBase<v1::RecordConsentRequest>(&bases);
  nobody(give->mutable_subject());
  give->add_purposes(kMarketing);
  give->set_action(v1::CONSENT_ACTION_GIVE);
  give->mutable_notice()->set_id("marketing-consent");
  give->mutable_notice()->set_version(1);
  auto* withdraw = AddBase<v1::WithdrawConsentRequest>(&bases);
  nobody(withdraw->mutable_subject());
  withdraw->add_purposes(kMarketing);
  auto* opt_out = AddBase<v1::OptOutRequest>(&bases);
  nobody(opt_out->mutable_subject());
  opt_out->add_kinds(v1::OPT_OUT_KIND_PROFILING);
  nobody(AddBase<v1::GetConsentStateRequest>(&bases)->mutable_subject());
  auto* client = AddBase<v1::CreateClientRequest>(&bases);
  *client->mutable_client() = ServiceClient("another", kService);
  client->set_certificate_pem(gateway_.Issue("another").certificate);
  auto* update = AddBase<v1::UpdateClientRequest>(&bases);
  *update->mutable_client() = ServiceClient("letters", kMarketing);
  update->set_validate_only(true);
  auto* suspend = AddBase<v1::SuspendRequest>(&bases);
  suspend->set_purpose("analytics.reporting");
  auto* policy = AddBase<v1::UpdatePolicyRequest>(&bases);
  policy->set_validate_only(true);

  const Identity compliance = gateway_.Made("compliance");
  const Identity operator_identity = gateway_.Made("operator");
  SendHostile("DataService", shop_, bases);
  SendHostile("ConsentService", letters_, bases);
  SendHostile("AuditService", compliance, bases);
  SendHostile("AdminService", operator_identity, bases);
  SendHostile("RightsService", compliance, bases);
  SendHostile("ScreeningService", shop_, bases);
  SendHostile("ReviewService", compliance, bases);

  // No message at all, no such method, no such caller.
  const auto channel = process_->Connect(shop_);
  const std::string core = Canaries::NewCore();
  canaries_.Add("a text that is no message", core);
  SendBytes(channel, "/consentry.v1.DataService/ReadSubject", core, "garbage");
  SendBytes(channel, "/consentry.v1.DataService/" + core, "", "no method");
  SendBytes(channel, "/" + core + "/Read", "", "no service");
  const std::string name = Canaries::NewCore();
  canaries_.Add("a name in a certificate", name);
  const auto stranger = process_->Connect(gateway_.Issue(name));
  EXPECT_FALSE(SendBytes(stranger, "/consentry.v1.DataService/ReadSubject",
                         read->SerializeAsString(), "a stranger")
                   .ok());
}

// --- The import command ---

void PlaceTest::ImportByCommand() {
  Person eve("Eve", &canaries_);
  TempDir elsewhere;  // The file itself is full of her.
  const auto line = [&](const std::string& email, const std::string& phone,
                        const std::string& birth, const std::string& country) {
    return eve.New("number") + ";" + eve.New("name") + ";" + email + ";" +
           phone + ";" + birth + ";" + country + "\n";
  };
  WriteFile(elsewhere.File("customers.csv"),
            "Number;Name;Mail;Phone;Birth;Country\n" +
                line(eve.New("mail", "", "@canary.example"), eve.Phone(),
                     kBirthDate, "DE") +
                line(eve.New("broken mail"), eve.New("broken phone"),
                     eve.New("broken date"), eve.New("broken country")) +
                line(eve.New("mail", "", "@canary.example"), "", "",
                     "DE;" + eve.New("cell too many")) +
                eve.New("unclosed", "1;\"") + "\n");
  WriteFile(elsewhere.File("map.txtpb"),
            "source: 'crm' purpose: 'essential.service.operations'\n"
            "phone_country: 'DE' date_formats: 'YYYY-MM-DD'\n"
            "identifiers { type: 'external_id' column: 'Number' }\n"
            "identifiers { type: 'email' column: 'Mail' }\n"
            "residence { country: 'Country' }\n"
            "birth_date { column: 'Birth' }\n"
            "records { kind: 'profile' key: 'Number'\n"
            "  fields { field: 'given_name' columns: 'Name' }\n"
            "  fields { field: 'email' columns: 'Mail' type: EMAIL }\n"
            "  fields { field: 'phone' columns: 'Phone' type: PHONE }\n"
            "  fields { field: 'birth_date' columns: 'Birth' type: DATE } }\n");
  EXPECT_EQ(testing::RunProgram(
                {"import", "--as", "shop", "--map", elsewhere.File("map.txtpb"),
                 "--quarantine", gateway_.File("quarantine.csv"),
                 elsewhere.File("customers.csv")},
                ProcessOptions("import.out")),
            0)
      << testing::ReadAll(gateway_.File("import.out"));
  EXPECT_NE(testing::ReadAll(gateway_.File("quarantine.csv")).find("Birth"),
            std::string::npos)
      << testing::ReadAll(gateway_.File("quarantine.csv"));
  testing::RunProgram(
      {"import", "--as", "shop", "--map", elsewhere.File("map.txtpb"),
       "--quarantine", gateway_.File("quarantine2.csv"), "--json", "--dry-run",
       elsewhere.File("customers.csv")},
      ProcessOptions("import.out"));
  // What cannot work: errors of the command.
  WriteFile(elsewhere.File("bad.csv"),
            eve.New("a header") + "\n" + eve.New("a lonely cell") + "\n");
  testing::RunProgram(
      {"import", "--as", "shop", "--map", elsewhere.File("map.txtpb"),
       "--quarantine", gateway_.File("quarantine3.csv"),
       elsewhere.File("bad.csv")},
      ProcessOptions("import.out"));
  testing::RunProgram({"doctor"}, ProcessOptions("doctor.out"));
  testing::RunProgram({"audit", "tail", "--as", "compliance", "-n", "1000"},
                      ProcessOptions("tail.out"));
  EXPECT_EQ(
      testing::RunProgram({"audit", "export", outside_.File("work/export"),
                           "--folder", gateway_.File("data/log")},
                          ProcessOptions("export.out")),
      0)
      << testing::ReadAll(gateway_.File("export.out"));
  // The search does find her where she belongs.
  EXPECT_GT(canaries_.SearchFolder(elsewhere.path()).size(), 10u);
}

TEST_F(PlaceTest, NothingOfAPersonIsFoundOutsideOfTheStore) {
  // It would tell of texts that are no UTF-8, which are so on purpose.
  google::protobuf::SetLogHandler(nullptr);
  Spawn();
  UseAll();
  BeHostile();
  AskTheLog(v1::SubjectRef());
  std::printf("%d hostile calls of %zu methods, %zu texts told\n", calls_,
              methods_.size(), told_.size());
  EXPECT_GT(methods_.size(), 80u);
  for (const auto& [outcome, count] : outcomes_) {
    std::printf("  %-40s %5d\n", outcome.c_str(), count);
  }
  // Some were taken, most were understood and refused, none for being many.
  EXPECT_GT(outcomes_["OK"], 10);
  EXPECT_GT(outcomes_["ERROR_REASON_FIELD_INVALID"], 200);
  EXPECT_EQ(outcomes_["ERROR_REASON_RATE_LIMITED"], 0);

  for (const auto& [where, text] : told_) {
    ExpectNone(canaries_.Search(text, where), "told");
  }
  SearchFiles("while it runs");
  ExpectNone(quoted_.SearchFolder(gateway_.folder()), "quoted");
  EXPECT_GT(words_.SearchFolder(gateway_.File("data/log")).size(), 20u);
  // Figures are written every five seconds.
  const auto metrics = gateway_.File("metrics.prom");
  const auto before = std::filesystem::last_write_time(metrics);
  for (int i = 0; i < 100; ++i) {
    if (std::filesystem::last_write_time(metrics) != before) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_NE(std::filesystem::last_write_time(metrics), before);
  EXPECT_FALSE(testing::ReadAll(metrics).empty());
  EXPECT_FALSE(testing::ReadAll(gateway_.File("operating.log")).empty());
  // That it serves, and nothing that callers could make it print.
  EXPECT_LT(testing::ReadAll(gateway_.File("output")).size(), 100u)
      << testing::ReadAll(gateway_.File("output"));

  EXPECT_FALSE(process_->DumpsCoreOn(SIGABRT));
  SearchFiles("after a crash");
  Spawn();
  EXPECT_EQ(process_->Stop(), 0);
  SearchFiles("after a good end");
  ImportByCommand();
  SearchFiles("after an import");
}

// The search itself: whatever it is to find is found, at its place.
TEST(CanariesTest, EachFormIsFoundWhereItStands) {
  TempDir folder;
  Canaries canaries;
  const std::string core = Canaries::NewCore();
  const std::string digits = "49151" + Digits(8);
  canaries.Add("a name", core);
  canaries.AddNumber("a number", digits);
  EXPECT_TRUE(canaries.SearchFolder(folder.path()).empty());
  std::map<std::string, std::string> forms = Canaries::FormsOf(core);
  for (const auto& [form, bytes] : Canaries::FormsOfNumber(digits)) {
    forms["number: " + form] = bytes;
  }
  EXPECT_GE(forms.size(), 40u);
  for (const auto& [form, bytes] : forms) {
    std::filesystem::create_directory(folder.File("deep"));
    WriteFile(folder.File("deep/file"),
              std::string(12'345, '\0') + bytes + std::string(7, '\xff'));
    const auto hits = canaries.SearchFolder(folder.path());
    ASSERT_FALSE(hits.empty()) << form;
    for (const auto& hit : hits) {
      EXPECT_EQ(hit.where, folder.File("deep/file"));
      EXPECT_EQ(hit.offset, 12'345u) << form << ' ' << hit.name;
      EXPECT_EQ(hit.name.find(core), std::string::npos);
    }
  }
  WriteFile(folder.File("deep/file"), "");
  EXPECT_TRUE(canaries.SearchFolder(folder.path()).empty());
  // In other letters, inside of a longer encoded text, and in a file's name.
  std::string upper = core;
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  WriteFile(folder.File("deep/file"), "Frau " + upper);
  EXPECT_EQ(canaries.SearchFolder(folder.path()).size(), 1u);
  WriteFile(folder.File("deep/file"), "");
  WriteFile(folder.File(core + ".csv"), "");
  EXPECT_EQ(canaries.SearchFolder(folder.path()).size(), 1u);
}

}  // namespace
}  // namespace consentry
