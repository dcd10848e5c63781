#include <grpcpp/grpcpp.h>

#include <array>
#include <atomic>
#include <iostream>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/bench_site.h"
#include "tools/consentry/grpc_import.h"
#include "tools/consentry/importer.h"
#include "tools/consentry/progress.h"

namespace consentry::tools {
namespace {

constexpr char kNamespace[] = "crm";
// 2026-01-15, when all of it was collected.
constexpr int64_t kCollectedSeconds = 1'768'435'200;
// Messages under way on each stream, and streams.
constexpr uint64_t kAhead = 4;
constexpr uint64_t kStreams = 2;

std::string CustomerNumber(uint64_t number) {
  return absl::StrFormat("B-%08u", number);
}

v1::Value Text(std::string text) {
  v1::Value value;
  value.set_string_value(std::move(text));
  return value;
}

v1::ImportRow Row(uint64_t number) {
  constexpr std::array<const char*, 8> kGiven = {
      "Anna", "Bruno", "Clara", "David", "Elif", "Farid", "Greta", "Henrik"};
  constexpr std::array<const char*, 8> kFamily = {"Adler", "Brandt", "Conrad",
                                                  "Dietz", "Ehlers", "Fischer",
                                                  "Graf",  "Huber"};
  const auto name = [&](const auto& names, uint64_t salt) {
    return names[(number * 2654435761u >> salt) % names.size()];
  };
  v1::ImportRow row;
  row.set_number(number + 1);
  v1::Identifier* id = row.add_identifiers();
  id->set_type(v1::IDENTIFIER_TYPE_EXTERNAL_ID);
  id->set_namespace_(kNamespace);
  id->set_value(CustomerNumber(number));
  const std::string email = absl::StrCat("customer.", number, "@example.com");
  id = row.add_identifiers();
  id->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  id->set_value(email);
  row.set_kind("profile");
  row.set_source_key(CustomerNumber(number));
  auto& values = *row.mutable_values();
  values["given_name"] = Text(name(kGiven, 7));
  values["family_name"] = Text(name(kFamily, 13));
  values["email"] = Text(email);
  values["street"] = Text(absl::StrCat("Lange Reihe ", number % 190 + 1));
  values["postal_code"] = Text(absl::StrFormat("%05u", 10000 + number % 80000));
  values["city"] = Text("Hamburg");
  values["country"] = Text("DE");
  values["language"] = Text("de");
  values["birth_date"].set_date_value(absl::StrFormat(
      "%04u-%02u-%02u", 1940 + number % 65, number % 12 + 1, number % 28 + 1));
  row.mutable_legal_facts()->set_residence("DE");
  row.mutable_legal_facts()->set_birth_date(values["birth_date"].date_value());
  v1::ImportedChoice* choice = row.add_choices();
  choice->set_purpose(kBenchPurpose);
  choice->set_action(v1::CONSENT_ACTION_GIVE);
  choice->mutable_capture_time()->set_seconds(kCollectedSeconds);
  choice->set_method("web form");
  choice->set_channel(v1::CHANNEL_WEB);
  choice->mutable_notice()->set_id("marketing-consent");
  choice->mutable_notice()->set_version(1);
  choice->mutable_notice()->set_language("de");
  row.mutable_collect_time()->set_seconds(kCollectedSeconds);
  return row;
}

absl::Status Check(const v1::ImportRecordsResponse& answer) {
  for (const v1::ImportRowResult& row : answer.results()) {
    if (row.outcome() == v1::WRITE_OUTCOME_CREATED && row.faults().empty()) {
      continue;
    }
    return absl::InternalError(absl::StrCat(
        "a generated row was not taken as it is: outcome ",
        v1::WriteOutcome_Name(row.outcome()),
        row.faults().empty() ? ""
                             : v1::ErrorReason_Name(row.faults(0).reason())));
  }
  return absl::OkStatus();
}

// The rows [first, last), in messages of the largest size.
absl::Status ImportPart(const std::shared_ptr<grpc::Channel>& channel,
                        uint64_t first, uint64_t last,
                        std::atomic<uint64_t>* done) {
  grpc::Status ended;
  const auto transport = OpenImport(channel, &ended);
  v1::ImportRecordsRequest header;
  header.mutable_header()->set_source("crm");
  header.mutable_header()->set_purpose("essential.service.operations");
  header.mutable_header()->set_label("bench");
  // When a send fails the reason comes from the receiving side.
  bool open = transport->Send(header).ok();
  uint64_t next = first;
  uint64_t ahead = 0;
  while (open && (next < last || ahead > 0)) {
    while (open && next < last && ahead < kAhead) {
      v1::ImportRecordsRequest message;
      for (int i = 0; i < kImportRowsPerMessage && next < last; ++i) {
        *message.mutable_rows()->add_rows() = Row(next++);
      }
      open = transport->Send(message).ok();
      ++ahead;
    }
    if (!open) break;
    const auto answer = transport->Receive();
    if (!answer) break;
    --ahead;
    CONSENTRY_RETURN_IF_ERROR(Check(*answer));
    done->fetch_add(static_cast<uint64_t>(answer->results_size()));
  }
  if (open) (void)transport->DoneSending();
  while (transport->Receive()) {
  }
  return transport->Finish();
}

}  // namespace

v1::SubjectRef BenchSubject(uint64_t number) {
  v1::SubjectRef ref;
  v1::Identifier* id = ref.mutable_identifier();
  id->set_type(v1::IDENTIFIER_TYPE_EXTERNAL_ID);
  id->set_namespace_(kNamespace);
  id->set_value(CustomerNumber(number));
  return ref;
}

absl::Status ImportPopulation(const std::shared_ptr<grpc::Channel>& channel,
                              uint64_t subjects) {
  Progress progress(
      &std::cerr,
      {.label = absl::StrCat("import of ", WithCommas(subjects), " customers"),
       .total = subjects,
       .unit = "",
       .terminal = Progress::StderrIsTerminal(),
       .now_us = Progress::SteadyNowUs});
  std::atomic<uint64_t> done{0};
  std::atomic<uint64_t> running{kStreams};
  std::array<absl::Status, kStreams> ended;
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < kStreams; ++i) {
    threads.emplace_back([&, i] {
      ended[i] = ImportPart(channel, subjects * i / kStreams,
                            subjects * (i + 1) / kStreams, &done);
      running.fetch_sub(1);
    });
  }
  while (running.load() > 0) {
    progress.Update(done.load());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& status : ended) {
    CONSENTRY_RETURN_IF_ERROR(status);
  }
  progress.Finish();
  return absl::OkStatus();
}

}  // namespace consentry::tools
