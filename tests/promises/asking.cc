#include "tests/promises/asking.h"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

namespace consentry::testing {
namespace {

template <class Request>
Request RequestOf(const Question& question) {
  Request request;
  request.set_purpose(question.purpose);
  for (const std::string& field : question.fields) request.add_fields(field);
  request.set_channel(question.channel);
  *request.mutable_context() = question.context;
  return request;
}

template <class Request>
void AddSubjects(const Question& question, Request* request) {
  for (const auto& subject : question.subjects) {
    *request->add_subjects() = subject;
  }
  request->set_want_pseudonym(question.want_pseudonym);
}

template <class Request>
void SetSubject(const Question& question, Request* request) {
  if (!question.subjects.empty()) {
    *request->mutable_subject() = question.subjects[0];
  }
}

template <class Results>
void Keep(const Results& results, Told* told) {
  for (const auto& result : results) told->results.push_back(result);
}

Told Read(v1::DataService::Stub* stub, grpc::ClientContext* context,
          const Question& question) {
  auto request = RequestOf<v1::ReadSubjectRequest>(question);
  SetSubject(question, &request);
  request.set_want_pseudonym(question.want_pseudonym);
  v1::ReadSubjectResponse response;
  Told told;
  told.status = stub->ReadSubject(context, request, &response);
  told.bytes = response.SerializeAsString();
  if (told.status.ok()) told.results.push_back(response);
  return told;
}

Told Check(v1::DataService::Stub* stub, grpc::ClientContext* context,
           const Question& question) {
  auto request = RequestOf<v1::CheckAccessRequest>(question);
  SetSubject(question, &request);
  v1::CheckAccessResponse response;
  Told told;
  told.status = stub->CheckAccess(context, request, &response);
  told.bytes = response.SerializeAsString();
  if (told.status.ok()) {
    *told.results.emplace_back().mutable_decision() = response.decision();
  }
  return told;
}

Told Batch(v1::DataService::Stub* stub, grpc::ClientContext* context,
           const Question& question) {
  auto request = RequestOf<v1::BatchReadSubjectsRequest>(question);
  AddSubjects(question, &request);
  v1::BatchReadSubjectsResponse response;
  Told told;
  told.status = stub->BatchReadSubjects(context, request, &response);
  told.bytes = response.SerializeAsString();
  Keep(response.results(), &told);
  return told;
}

Told Stream(v1::DataService::Stub* stub, grpc::ClientContext* context,
            const Question& question) {
  auto request = RequestOf<v1::StreamReadsRequest>(question);
  AddSubjects(question, &request);
  const auto stream = stub->StreamReads(context, request);
  v1::StreamReadsResponse message;
  Told told;
  while (stream->Read(&message)) {
    told.bytes += message.SerializeAsString();
    Keep(message.results(), &told);
  }
  told.status = stream->Finish();
  return told;
}

Told Select(v1::DataService::Stub* stub, grpc::ClientContext* context,
            const Question& question) {
  auto request = RequestOf<v1::SelectSubjectsRequest>(question);
  request.set_page_token(question.page_token);
  request.set_page_size(question.page_size);
  request.set_want_pseudonym(question.want_pseudonym);
  v1::SelectSubjectsResponse response;
  Told told;
  told.status = stub->SelectSubjects(context, request, &response);
  told.bytes = response.SerializeAsString();
  told.next_page_token = response.next_page_token();
  Keep(response.results(), &told);
  return told;
}

}  // namespace

const char* NameOf(Way way) {
  switch (way) {
    case Way::kRead:
      return "ReadSubject";
    case Way::kBatch:
      return "BatchReadSubjects";
    case Way::kStream:
      return "StreamReads";
    case Way::kSelect:
      return "SelectSubjects";
    case Way::kCheck:
      return "CheckAccess";
  }
  return "";
}

bool Told::has_values() const {
  for (const auto& result : results) {
    if (result.fields_size() > 0 || result.records_size() > 0) return true;
  }
  return false;
}

Told Ask(Way way, const std::shared_ptr<grpc::Channel>& channel,
         const Question& question) {
  const auto stub = v1::DataService::NewStub(channel);
  const auto context = Timed();
  for (const auto& [key, value] : question.metadata) {
    context->AddMetadata(key, value);
  }
  Told told;
  switch (way) {
    case Way::kRead:
      told = Read(stub.get(), context.get(), question);
      break;
    case Way::kBatch:
      told = Batch(stub.get(), context.get(), question);
      break;
    case Way::kStream:
      told = Stream(stub.get(), context.get(), question);
      break;
    case Way::kSelect:
      told = Select(stub.get(), context.get(), question);
      break;
    case Way::kCheck:
      told = Check(stub.get(), context.get(), question);
      break;
  }
  told.bytes += told.status.error_message() + told.status.error_details();
  for (const auto& [key, value] : context->GetServerInitialMetadata()) {
    told.bytes.append(key.data(), key.size())
        .append(value.data(), value.size());
  }
  for (const auto& [key, value] : context->GetServerTrailingMetadata()) {
    told.bytes.append(key.data(), key.size())
        .append(value.data(), value.size());
  }
  return told;
}

v1::SubjectRef ById(const std::string& id) {
  v1::SubjectRef ref;
  ref.set_id(id);
  return ref;
}

v1::SubjectRef ByEmail(const std::string& address) {
  v1::SubjectRef ref;
  ref.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  ref.mutable_identifier()->set_value(address);
  return ref;
}

v1::SubjectRef ByPseudonym(const std::string& pseudonym) {
  v1::SubjectRef ref;
  ref.set_pseudonym(pseudonym);
  return ref;
}

std::unique_ptr<grpc::ClientContext> Timed(int seconds) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() +
                        std::chrono::seconds(seconds));
  return context;
}

v1::WriteRecordRequest ProfileOf(const std::string& key,
                                 const std::string& email,
                                 const std::string& residence) {
  v1::WriteRecordRequest request;
  *request.add_subjects() = ByEmail(email);
  request.set_source("crm");
  request.set_kind("profile");
  request.set_source_key(key);
  request.set_purpose("essential.service.operations");
  auto& values = *request.mutable_values();
  values["email"].set_string_value(email);
  values["given_name"].set_string_value("Theodolinde");
  values["family_name"].set_string_value("Quastenflosser");
  if (!residence.empty()) {
    request.mutable_legal_facts()->set_residence(residence);
  }
  return request;
}

v1::Client FullClient(const std::string& id, const std::string& purpose) {
  v1::Client client = ServiceClient(id, purpose);
  for (const char* permission :
       {"data.import", "data.legal_facts", "data.select", "decisions.explain",
        "consent.record"}) {
    client.add_permissions(permission);
  }
  client.add_attests(purpose);
  return client;
}

std::string MustWrite(const std::shared_ptr<grpc::Channel>& channel,
                      const v1::WriteRecordRequest& request) {
  v1::WriteRecordResponse response;
  const grpc::Status status = v1::DataService::NewStub(channel)->WriteRecord(
      Timed().get(), request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.subject_id();
}

std::vector<v1::AuditEntry> EntriesOf(const TestGateway& gateway) {
  const auto stub =
      v1::AuditService::NewStub(gateway.Connect(gateway.Made("compliance")));
  const auto context = Timed();
  const auto stream =
      stub->TailAuditEntries(context.get(), v1::TailAuditEntriesRequest());
  std::vector<v1::AuditEntry> entries;
  v1::AuditEntry entry;
  while (stream->Read(&entry)) entries.push_back(entry);
  const grpc::Status status = stream->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  return entries;
}

}  // namespace consentry::testing
