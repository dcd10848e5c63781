// Data folders that earlier programs made (tests/compatibility/make-fixture)
// are opened, read and continued by this one. What a later program made is
// refused with the way out. The clock stands at the time of each folder, so
// that nothing in it ends.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "audit/log/format.h"
#include "audit/log/segment.h"
#include "gateway/crypto/certificates.h"
#include "gateway/server/config.h"
#include "gateway/server/gateway.h"
#include "gateway/store/schema.h"
#include "gateway/store/sqlcipher/engine.h"
#include "tests/testing/child_process.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tools/consentry/audit_offline.h"

namespace consentry {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::ManualClock;
using testing::TempDir;

constexpr char kService[] = "essential.service.operations";
constexpr char kMarketing[] = "marketing.communications.email";

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

v1::SubjectRef Crm(const std::string& number) {
  v1::SubjectRef ref;
  ref.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EXTERNAL_ID);
  ref.mutable_identifier()->set_namespace_("crm");
  ref.mutable_identifier()->set_value(number);
  return ref;
}

// The answer of a call that ends on another thread.
template <class Response, class Call>
absl::StatusOr<Response> Await(Call call) {
  std::promise<absl::StatusOr<Response>> promise;
  call([&](auto released) {
    if (released.ok()) {
      promise.set_value(std::move(released->response));
    } else {
      promise.set_value(released.status());
    }
  });
  return promise.get_future().get();
}

// A copy of one folder, and what is known of it.
class DataFolderTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string stem =
        std::string(CONSENTRY_SOURCE_DIR "/tests/compatibility/") + GetParam();
    const testing::Ended unpacked = testing::RunToEnd(
        {.words = {"tar", "-xzf", stem + ".tar.gz"}, .folder = dir_.path()});
    ASSERT_EQ(unpacked.code, 0) << unpacked.err;
    std::ifstream facts(stem + ".txt");
    for (std::string line; std::getline(facts, line);) {
      const size_t equals = line.find('=');
      if (equals != std::string::npos) {
        facts_[line.substr(0, equals)] = line.substr(equals + 1);
      }
    }
    ASSERT_EQ(facts_.count("time_s"), 1u);
    clock_.SetNowUs((std::stoll(facts_["time_s"]) + 60) * 1'000'000);
    checkpoint_ = stem + ".checkpoint";
  }

  std::string File(const std::string& name) const {
    return dir_.File("gateway/" + name);
  }

  absl::StatusOr<server::Config> Config() const {
    return server::LoadConfig(dir_.File("gateway"), server::PackIds());
  }

  absl::StatusOr<std::unique_ptr<server::Gateway>> Open() {
    const auto config = Config();
    if (!config.ok()) return config.status();
    return server::Gateway::Open(*config,
                                 {.clock = &clock_, .on_serving = nullptr});
  }

  // What opening it says; empty: it opens.
  std::string Refusal() {
    const auto gateway = Open();
    return gateway.ok() ? "" : std::string(gateway.status().message());
  }

  // Whom the gateway takes the holder of that certificate for.
  absl::StatusOr<clients::Caller> Authenticate(server::Gateway* gateway,
                                               const std::string& client) {
    const auto certificate =
        crypto::ParseCertificate(ReadAll(File("clients/" + client + ".pem")));
    if (!certificate.ok()) return certificate.status();
    return gateway->registry()->Authenticate(certificate->spki, clock_.NowUs());
  }

  static clients::CallerContext Caller(const std::string& client,
                                       const std::string& method,
                                       const std::string& event) {
    clients::CallerContext caller;
    caller.client_id = client;
    caller.method = method;
    caller.event = event;
    return caller;
  }

  static absl::StatusOr<v1::ReadSubjectResponse> Read(
      server::Gateway* gateway, const std::string& client,
      const std::string& purpose, v1::Channel channel) {
    v1::ReadSubjectRequest request;
    *request.mutable_subject() = Crm("K-1");
    request.set_purpose(purpose);
    request.set_channel(channel);
    request.add_fields("profile.email");
    return Await<v1::ReadSubjectResponse>([&](auto done) {
      gateway->reads()->Read(
          Caller(client, "DataService.ReadSubject", "data.read"), request,
          std::move(done));
    });
  }

  // Checks the log offline with the public key and the checkpoint that was kept
  // when the folder was made; gives the number of entries.
  int VerifiedEntries() const {
    std::ostringstream out;
    std::ostringstream err;
    const int code = tools::RunAuditVerify(
        {File("data/log"), File("log-verifier.txt"), checkpoint_, true}, out,
        err);
    EXPECT_EQ(code, 0) << out.str() << err.str();
    const std::string text = out.str();
    const size_t at = text.find("\"entries\":");
    return at == std::string::npos ? -1 : std::stoi(text.substr(at + 10));
  }

  void Overwrite(const std::string& name, off_t at, const std::string& bytes) {
    const int file = open(File(name).c_str(), O_WRONLY | O_CLOEXEC);
    ASSERT_GE(file, 0);
    EXPECT_EQ(pwrite(file, bytes.data(), bytes.size(), at),
              static_cast<ssize_t>(bytes.size()));
    close(file);
  }

  // Changes a number in the meta table of a database of the folder.
  void SetMeta(const std::string& name, crypto::KeyPurpose purpose,
               int64_t format) {
    const auto config = Config();
    ASSERT_OK(config);
    const auto root = server::LoadRootKey(config->message.keys());
    ASSERT_OK(root);
    const auto engine = store::OpenSqlcipher({.path = File(name)},
                                             root->Derive(purpose).view());
    ASSERT_OK(engine);
    const auto writer = (*engine)->ConnectWriter();
    ASSERT_OK(writer);
    const auto now = store::GetMetaInt64(writer->get(), "format");
    ASSERT_OK(now);
    EXPECT_GE(*now, 1);
    format_before_ = *now;
    ASSERT_OK(store::PutMetaInt64(writer->get(), "format", format));
  }

  TempDir dir_;
  ManualClock clock_;
  // What SetMeta found.
  int64_t format_before_ = 0;
  std::map<std::string, std::string> facts_;
  std::string checkpoint_;
};

TEST_P(DataFolderTest, ItsLogVerifiesAgainstTheCheckpointThatWasKept) {
  EXPECT_EQ(VerifiedEntries(), std::stoi(facts_["entries"]));
}

TEST_P(DataFolderTest, AKnownCustomerIsReadAndOneWhoWithdrewIsDenied) {
  const auto gateway = Open();
  ASSERT_OK(gateway);
  const auto read =
      Read(gateway->get(), "shop", kService, v1::CHANNEL_INTERNAL);
  ASSERT_OK(read);
  ASSERT_EQ(read->fields_size(), 1);
  EXPECT_EQ(read->fields(0).value().string_value(), "ada@shop.example");
  EXPECT_EQ(read->fields(0).provenance().source(), "crm");
  const auto denied =
      Read(gateway->get(), "newsletter", kMarketing, v1::CHANNEL_EMAIL);
  ASSERT_OK(denied);
  EXPECT_EQ(denied->decision().effect(), v1::EFFECT_DENY);
  EXPECT_EQ(denied->fields_size(), 0);
}

TEST_P(DataFolderTest, ItsChoicesStand) {
  const auto gateway = Open();
  ASSERT_OK(gateway);
  const auto state_of = [&](const std::string& number) {
    v1::GetConsentStateRequest request;
    *request.mutable_subject() = Crm(number);
    return Await<v1::GetConsentStateResponse>([&](auto done) {
      (*gateway)->ledger()->GetState(
          Caller("compliance", "ConsentService.GetConsentState",
                 "consent.state"),
          request, /*all_purposes=*/true, std::move(done));
    });
  };
  const auto withdrew = state_of("K-1");
  ASSERT_OK(withdrew);
  bool found = false;
  for (const auto& state : withdrew->states()) {
    if (state.purpose() != kMarketing) continue;
    found = true;
    EXPECT_EQ(state.status(), v1::CONSENT_STATUS_WITHDRAWN);
    EXPECT_EQ(state.attested_by(), "newsletter");
  }
  EXPECT_TRUE(found);
  const auto opted_out = state_of("K-2");
  ASSERT_OK(opted_out);
  EXPECT_THAT(opted_out->ShortDebugString(),
              HasSubstr("opt_outs: OPT_OUT_KIND_SALE"));
}

TEST_P(DataFolderTest, EarlierDecisionsAreExplainedAndReplayedTheSame) {
  const auto gateway = Open();
  ASSERT_OK(gateway);
  for (const auto& [fact, effect] : {std::pair{"permitted", v1::EFFECT_PERMIT},
                                     std::pair{"denied", v1::EFFECT_DENY}}) {
    v1::ExplainDecisionRequest request;
    request.set_decision_id(facts_[fact]);
    clients::CallerContext caller =
        Caller("compliance", "DataService.ExplainDecision", "decision.explain");
    caller.may_explain = true;
    const auto why = Await<v1::ExplainDecisionResponse>([&](auto done) {
      (*gateway)->explainer()->Explain(caller, request, /*of_others=*/true,
                                       std::move(done));
    });
    ASSERT_OK(why) << fact;
    EXPECT_EQ(why->decision().effect(), effect) << fact;
    EXPECT_TRUE(why->replay_agrees()) << fact;
    EXPECT_EQ(why->client_id(), "newsletter");
    EXPECT_EQ(why->purpose(), kMarketing);
    EXPECT_GT(why->steps_size(), 2);
    if (effect == v1::EFFECT_DENY) {
      EXPECT_EQ(why->decision().reason(), v1::ERROR_REASON_CONSENT_WITHDRAWN);
    }
  }
}

TEST_P(DataFolderTest, ItsRegistrationsStand) {
  const auto gateway = Open();
  ASSERT_OK(gateway);
  for (const char* client : {"operator", "compliance", "shop", "newsletter"}) {
    const auto caller = Authenticate(gateway->get(), client);
    ASSERT_OK(caller) << client;
    EXPECT_EQ(caller->registration->id(), client);
  }
  EXPECT_EQ(ReasonOf(Authenticate(gateway->get(), "former").status()),
            v1::ERROR_REASON_CLIENT_REVOKED);
}

TEST_P(DataFolderTest, WhatHappensNowContinuesItsLog) {
  {
    const auto gateway = Open();
    ASSERT_OK(gateway);
    ASSERT_OK(Read(gateway->get(), "shop", kService, v1::CHANNEL_INTERNAL));
    v1::QueryAuditEntriesRequest request;
    *request.mutable_subject() = Crm("K-1");
    const auto found = Await<v1::QueryAuditEntriesResponse>([&](auto done) {
      (*gateway)->audit_reader()->Query(
          Caller("compliance", "AuditService.QueryAuditEntries", "audit.query"),
          request, std::move(done));
    });
    ASSERT_OK(found);
    // Written, asked twice about marketing, given, withdrawn; and read now.
    EXPECT_GE(found->entries_size(), 6);
    EXPECT_EQ(found->entries(0).event(), "data.read");
    EXPECT_EQ(found->entries(found->entries_size() - 1).event(), "data.write");
    EXPECT_OK((*gateway)->Close());
  }
  EXPECT_GE(VerifiedEntries(), std::stoi(facts_["entries"]) + 3);
}

TEST_P(DataFolderTest, ALaterLogIsRefusedWithTheWayOut) {
  const std::string name = "data/log/segments/" + audit::SegmentName(1);
  const std::string before =
      ReadAll(File(name)).substr(0, audit::kSegmentHeaderBytes);
  const auto header = audit::ParseSegmentHeader(before);
  ASSERT_OK(header);
  audit::SegmentHeader other = *header;
  other.version = audit::kLogFormatVersion + 1;
  Overwrite(name, 0, audit::EncodeSegmentHeader(other));
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("audit log"), HasSubstr("newer than"),
                               HasSubstr("use the version that wrote it")));
  other.version = audit::kLogFormatVersion - 1;
  Overwrite(name, 0, audit::EncodeSegmentHeader(other));
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("no released program wrote"),
                               HasSubstr("restore it from a backup")));
  // Nothing was changed by the attempts.
  Overwrite(name, 0, before);
  EXPECT_EQ(Refusal(), "");
}

TEST_P(DataFolderTest, LaterKeysAreRefusedWithTheWayOut) {
  // Both files: magic of eight bytes, then the version in four.
  for (const auto& [name, words] :
       {std::pair{"data/slots", "key slots"},
        std::pair{"keys/epochs.key", "epoch file"}}) {
    const std::string before = ReadAll(File(name)).substr(8, 4);
    ASSERT_EQ(before, std::string("\0\0\0\1", 4)) << name;
    Overwrite(name, 8, std::string("\0\0\0\2", 4));
    EXPECT_THAT(Refusal(), AllOf(HasSubstr(words), HasSubstr("newer version"),
                                 HasSubstr("start that version")));
    Overwrite(name, 8, before);
    EXPECT_EQ(Refusal(), "") << name;
  }
}

TEST_P(DataFolderTest, ALaterStoreIsRefusedWithTheWayOut) {
  SetMeta("data/store.db", crypto::KeyPurpose::kStorePages,
          store::kSchemaVersion + 1);
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("store"), HasSubstr("newer"),
                               HasSubstr("use a newer program")));
  SetMeta("data/store.db", crypto::KeyPurpose::kStorePages, format_before_);
  EXPECT_EQ(Refusal(), "");
}

TEST_P(DataFolderTest, ALaterConfigurationIsRefusedWithTheWayOut) {
  std::string text = ReadAll(File("consentry.txtpb"));
  const size_t at = text.find("format: 1");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 9, "format: 2");
  std::ofstream(File("consentry.txtpb")) << text;
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("newer than this program"),
                               HasSubstr("use the version")));
}

TEST_P(DataFolderTest, ALaterIndexOfTheLogIsMadeAnew) {
  SetMeta("data/trail.db", crypto::KeyPurpose::kTrailPages, 1000);
  const auto gateway = Open();
  ASSERT_OK(gateway);
  v1::QueryAuditEntriesRequest request;
  request.set_effect(v1::EFFECT_DENY);
  const auto found = Await<v1::QueryAuditEntriesResponse>([&](auto done) {
    (*gateway)->audit_reader()->Query(
        Caller("compliance", "AuditService.QueryAuditEntries", "audit.query"),
        request, std::move(done));
  });
  ASSERT_OK(found);
  ASSERT_EQ(found->entries_size(), 1);
  EXPECT_EQ(found->entries(0).subjects(0).decision_id(), facts_["denied"]);
}

INSTANTIATE_TEST_SUITE_P(Folders, DataFolderTest, ::testing::Values("data-1"));

}  // namespace
}  // namespace consentry
