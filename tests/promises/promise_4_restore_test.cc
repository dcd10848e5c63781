// Promise 4, the part about backups: neither an erased customer nor a withdrawn
// consent comes back with an older state.
//
// Shown on a real gateway: customers give consents, backups are taken, then
// consents are withdrawn and objected to; every older state is restored, with
// the keys that are here and on a machine that has lost everything but its
// configuration and the key of its log, and each time what was taken back stays
// taken back. A restore stopped at any of its steps lets no gateway start, and
// goes on when it is run again. Without the newest checkpoint, or with a log
// that is shorter, nothing is restored; whoever accepts the loss finds every
// consent uncertain. Damaged and foreign files are refused.
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "consentry/v1/rights_service.grpc.pb.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "gateway/server/restore.h"
#include "gateway/server/wire_screening.h"
#include "tests/promises/asking.h"
#include "tests/testing/status_matchers.h"

namespace consentry {
namespace {

namespace fs = std::filesystem;
using testing::StatusIs;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr char kLegal[] = "essential.legal_obligation";
constexpr char kLetters[] = "marketing.communications.email";

class RestoreTest : public ::testing::Test {
 protected:
  RestoreTest()
      : gateway_([this](server::InitialiseOptions* options) {
          options->single_operator = false;
          options->show_recovery_key = [this](std::string_view key) {
            recovery_key_ = std::string(key);
          };
        }) {
    std::ofstream config(gateway_.File("consentry.txtpb"), std::ios::app);
    config << "backup { data_directory: \"backups/data\" keys_directory: "
              "\"backups/keys\" log_directory: \"backups/log\" }\n";
    config.close();
    fs::create_directories(gateway_.File("backups"));
    gateway_.Start();
    v1::Client shop = testing::FullClient("shop", kService);
    v1::Client letters = testing::FullClient("letters", kLetters);
    letters.add_permissions("screening.screen");
    shop_ = gateway_.Register(shop);
    letters_ = gateway_.Register(letters);
    for (const char* key : {"anna", "ben", "carla"}) {
      ids_[key] = testing::MustWrite(
          gateway_.Connect(shop_),
          testing::ProfileOf(key, std::string(key) + "@example.com"));
      Give(key);
      EXPECT_TRUE(Allowed(key)) << key;
    }
  }

  void Give(const std::string& key) {
    v1::RecordConsentRequest request;
    *request.mutable_subject() = testing::ById(ids_[key]);
    request.add_purposes(kLetters);
    request.set_action(v1::CONSENT_ACTION_GIVE);
    request.mutable_notice()->set_id("marketing-consent");
    request.mutable_notice()->set_version(1);
    v1::RecordConsentResponse response;
    const grpc::Status status =
        v1::ConsentService::NewStub(gateway_.Connect(letters_))
            ->RecordConsent(testing::Timed().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  void Withdraw(const std::string& key) {
    v1::WithdrawConsentRequest request;
    *request.mutable_subject() = testing::ById(ids_[key]);
    v1::WithdrawConsentResponse response;
    EXPECT_TRUE(
        v1::ConsentService::NewStub(gateway_.Connect(letters_))
            ->WithdrawConsent(testing::Timed().get(), request, &response)
            .ok());
  }
  void OptOut(const std::string& key) {
    v1::OptOutRequest request;
    *request.mutable_subject() = testing::ById(ids_[key]);
    request.add_kinds(v1::OPT_OUT_KIND_DIRECT_MARKETING);
    v1::OptOutResponse response;
    const grpc::Status status =
        v1::ConsentService::NewStub(gateway_.Connect(letters_))
            ->OptOut(testing::Timed().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  // By her address, so that the blind index is asked too.
  testing::Told Read(const std::string& key, const char* purpose,
                     const testing::Identity& as) {
    testing::Question question;
    question.subjects = {testing::ByEmail(key + "@example.com")};
    question.purpose = purpose;
    question.fields = {"profile.email"};
    question.channel = purpose == std::string(kLetters) ? v1::CHANNEL_EMAIL
                                                        : v1::CHANNEL_INTERNAL;
    return testing::Ask(testing::Way::kRead, gateway_.Connect(as), question);
  }
  bool Allowed(const std::string& key) {
    return Read(key, kLetters, letters_).has_values();
  }
  bool Known(const std::string& key) {
    return Read(key, kService, shop_).has_values();
  }

  void Backup() {
    auto admin =
        v1::AdminService::NewStub(gateway_.Connect(gateway_.Made("operator")));
    v1::Backup made;
    ASSERT_TRUE(admin->CreateBackup(testing::Timed(60).get(), {}, &made).ok());
    for (int i = 0; i < 600; ++i) {
      v1::ListBackupsResponse all;
      ASSERT_TRUE(admin->ListBackups(testing::Timed().get(), {}, &all).ok());
      int open = 0;
      for (const v1::Backup& each : all.backups()) open += !each.verified();
      if (open == 0) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  // The newest file in the folder.
  std::string Newest(const std::string& folder) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(gateway_.File(folder))) {
      names.insert(entry.path().string());
    }
    return names.empty() ? std::string() : *names.rbegin();
  }
  // The last one that the log has signed, kept elsewhere.
  void KeepCheckpoint() {
    fs::copy_file(gateway_.File("data/log/checkpoint"),
                  gateway_.File("kept-checkpoint"),
                  fs::copy_options::overwrite_existing);
  }
  server::RestoreOptions Options(bool with_keys = false) {
    server::RestoreOptions options;
    options.config = gateway_.folder();
    options.data_file = data_;
    options.checkpoint_file = gateway_.File("kept-checkpoint");
    if (with_keys) {
      options.keys_file = keys_;
      options.recovery_key = recovery_key_;
    }
    return options;
  }
  // Backs up, then takes back what two of the three gave, and stops.
  void BackUpAndTakeBack() {
    Backup();
    data_ = Newest("backups/data");
    keys_ = Newest("backups/keys");
    Withdraw("anna");
    OptOut("ben");
    EXPECT_FALSE(Allowed("anna"));
    EXPECT_FALSE(Allowed("ben"));
  }
  void ExpectTakenBack() {
    EXPECT_FALSE(Allowed("anna"));
    EXPECT_FALSE(Allowed("ben"));
    EXPECT_TRUE(Allowed("carla"));
    EXPECT_TRUE(Known("anna"));
  }

  std::string recovery_key_;
  TestGateway gateway_;
  testing::Identity shop_;
  testing::Identity letters_;
  std::map<std::string, std::string> ids_;
  std::string data_;
  std::string keys_;
};

TEST_F(RestoreTest, WhatWasTakenBackStaysTakenBack) {
  BackUpAndTakeBack();
  ASSERT_OK(gateway_.Stop());
  KeepCheckpoint();
  const auto report = server::Restore(Options());
  ASSERT_OK(report);
  EXPECT_EQ(report->customers, 3);
  EXPECT_GE(report->replayed, 2);
  EXPECT_FALSE(report->uncertain);
  gateway_.Start();
  ExpectTakenBack();
}

// A vulnerability is not named in the log; releases since the backup are known
// to nobody.
TEST_F(RestoreTest, WhatOutputsMustNotDoStandsAgain) {
  const testing::Identity staff = gateway_.Made("compliance");
  BackUpAndTakeBack();
  v1::SetVulnerabilityRequest set;
  *set.mutable_subject() = testing::ById(ids_["carla"]);
  set.mutable_vulnerability()->set_kind(v1::VULNERABILITY_KIND_DEBT);
  set.mutable_vulnerability()->set_basis("told us");
  set.mutable_vulnerability()->mutable_expire_time()->set_seconds(
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) +
      86'400);
  v1::Vulnerability declared;
  grpc::Status status =
      v1::ScreeningService::NewStub(gateway_.Connect(staff))
          ->SetVulnerability(testing::Timed().get(), set, &declared);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_OK(gateway_.Stop());
  KeepCheckpoint();
  const std::string key =
      testing::ReadAll(gateway_.File("release-verifier.txt"));
  ASSERT_OK(server::Restore(Options()));
  const std::string renewed =
      testing::ReadAll(gateway_.File("release-verifier.txt"));
  EXPECT_NE(renewed, key);
  EXPECT_EQ(*server::ReadReleaseKey(gateway_.folder()) + "\n", renewed);
  gateway_.Start();
  ExpectTakenBack();
  v1::ListVulnerabilitiesRequest list;
  *list.mutable_subject() = testing::ById(ids_["carla"]);
  v1::ListVulnerabilitiesResponse page;
  status = v1::ScreeningService::NewStub(gateway_.Connect(staff))
               ->ListVulnerabilities(testing::Timed().get(), list, &page);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(page.vulnerabilities_size(), 1);
  EXPECT_FALSE(page.vulnerabilities(0).has_clear_time());
  EXPECT_TRUE(Known("carla"));
}

// What monitors counted since is in the log alone, and each record says so.
TEST_F(RestoreTest, MonitorsSayWhatTheyLost) {
  v1::Client client = testing::FullClient("engine", kService);
  client.add_permissions("screening.screen");
  const testing::Identity engine = gateway_.Register(client);
  const testing::Identity staff = gateway_.Made("compliance");
  const auto hint = [&](const std::string& key, const std::string& version) {
    v1::ScreenOutputRequest request;
    *request.mutable_subject() = testing::ById(ids_[key]);
    request.set_purpose(kService);
    request.set_channel(v1::CHANNEL_INTERNAL);
    v1::Output* const output = request.mutable_output();
    output->set_id(key + version + std::to_string(std::rand()));
    output->set_kind(v1::OUTPUT_KIND_SEGMENT);
    output->set_model("hints");
    output->set_model_version(version);
    output->set_label("garden");
    output->set_favourable(false);
    v1::ScreenOutputResponse response;
    const grpc::Status status =
        v1::ScreeningService::NewStub(gateway_.Connect(engine))
            ->ScreenOutput(testing::Timed().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  };
  const auto monitors = [&] {
    std::map<std::string, v1::FairnessMonitor> found;
    v1::ListFairnessMonitorsResponse response;
    const grpc::Status status =
        v1::ScreeningService::NewStub(gateway_.Connect(staff))
            ->ListFairnessMonitors(testing::Timed().get(), {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    for (const auto& one : response.monitors()) {
      found[one.model_version()] = one;
    }
    return found;
  };
  const auto put = [&](const std::string& minimum, const std::string& etag) {
    v1::PutFairnessProfileRequest request;
    request.mutable_profile()->set_etag(etag);
    request.mutable_profile()->set_text(R"pb(
                                          id: "hints"
                                          model: "hints"
                                          favourable { stated: true }
                                          purpose: "bias_detection"
                                          attributes {
                                            name: "age"
                                            source: BIRTH_DATE
                                            field: "profile.birth_date"
                                            bands: 45
                                            reference: "under_45"
                                          }
                                          metrics { kind: SELECTION_RATE }
                                        )pb" +
                                        minimum);
    v1::FairnessProfile profile;
    const grpc::Status status =
        v1::ScreeningService::NewStub(gateway_.Connect(staff))
            ->PutFairnessProfile(testing::Timed().get(), request, &profile);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return profile;
  };
  const auto ask = [&] {
    v1::RunFairnessAuditRequest request;
    request.set_profile_id("hints");
    request.set_confirmatory(true);
    request.mutable_to_time()->set_seconds(std::time(nullptr) + 86400);
    v1::FairnessReport report;
    const grpc::Status status =
        v1::ScreeningService::NewStub(gateway_.Connect(staff))
            ->RunFairnessAudit(testing::Timed().get(), request, &report);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return report;
  };
  put("", "");
  const double before = ask().alpha();
  hint("anna", "1");
  BackUpAndTakeBack();
  // Of these the backup knows nothing.
  EXPECT_EQ(put("minimum: 40", "v1").version(), 2u);
  const v1::FairnessReport lost = ask();
  EXPECT_NEAR(lost.alpha(), before / 2, 1e-9);
  hint("ben", "1");
  hint("carla", "1");
  hint("carla", "2");
  EXPECT_FALSE(monitors().at("1").has_interrupted_time());
  ASSERT_OK(gateway_.Stop());
  KeepCheckpoint();
  // On another machine, with another root key.
  fs::remove(gateway_.File("keys/root.key"));
  const auto restored = server::Restore(Options(true));
  ASSERT_OK(restored);
  EXPECT_EQ(restored->lost_audits, 1);
  EXPECT_EQ(restored->older_profiles, std::vector<std::string>{"hints"});
  gateway_.Start();
  // What was spent stays spent, under another root key too.
  EXPECT_NEAR(ask().alpha(), before / 4, 1e-9);
  v1::ListFairnessReportsRequest of_hints;
  of_hints.set_profile_id("hints");
  v1::ListFairnessReportsResponse reports;
  ASSERT_TRUE(
      v1::ScreeningService::NewStub(gateway_.Connect(staff))
          ->ListFairnessReports(testing::Timed().get(), of_hints, &reports)
          .ok());
  ASSERT_EQ(reports.reports_size(), 3);
  EXPECT_EQ(reports.reports(1).id(), lost.id());
  EXPECT_NE(reports.reports(1).DebugString().find("lost in a restore"),
            std::string::npos);
  auto found = monitors();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found.at("1").lost_count(), 2);
  EXPECT_TRUE(found.at("1").has_interrupted_time());
  EXPECT_EQ(found.at("2").lost_count(), 1);
  // It goes on, and so do profiles.
  hint("ben", "1");
  EXPECT_EQ(monitors().at("1").lost_count(), 2);
  // The second version is that of a text which is lost.
  EXPECT_EQ(put("minimum: 50", "v3").version(), 4u);
  ASSERT_OK(gateway_.Stop());
  gateway_.Start();
  v1::ListFairnessProfilesResponse profiles;
  ASSERT_TRUE(v1::ScreeningService::NewStub(gateway_.Connect(staff))
                  ->ListFairnessProfiles(testing::Timed().get(), {}, &profiles)
                  .ok());
  ASSERT_EQ(profiles.profiles_size(), 1);
  EXPECT_EQ(profiles.profiles(0).version(), 4u);
}

// One letter released before the backup and two after it are all of a week's
// budget; none of them is handed out any more, nor may another follow.
TEST_F(RestoreTest, WhatWasSentSinceCountsAndWhatWasReleasedEnds) {
  const auto screen = [&](const std::string& id) {
    v1::ScreenOutputRequest request;
    *request.mutable_subject() = testing::ById(ids_["carla"]);
    request.set_purpose(kLetters);
    request.set_channel(v1::CHANNEL_EMAIL);
    v1::Output* output = request.mutable_output();
    output->set_id(id);
    output->set_kind(v1::OUTPUT_KIND_MESSAGE);
    output->set_model("letters");
    output->set_model_version("1");
    output->set_text("Hello. Our new catalogue of garden chairs is here.");
    output->add_input_categories("user.contact.email");
    // Never within quiet hours, whenever this runs.
    const auto noon = (std::chrono::system_clock::now().time_since_epoch() /
                           std::chrono::hours(24) +
                       2) *
                          86'400 +
                      17 * 3600;
    output->mutable_deliver_time()->set_seconds(noon);
    v1::ScreenOutputResponse answer;
    const grpc::Status status =
        v1::ScreeningService::NewStub(gateway_.Connect(letters_))
            ->ScreenOutput(testing::Timed().get(), request, &answer);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return answer;
  };
  ASSERT_EQ(screen("l-1").verdict(), v1::VERDICT_RELEASED);
  BackUpAndTakeBack();
  ASSERT_EQ(screen("l-2").verdict(), v1::VERDICT_RELEASED);
  ASSERT_EQ(screen("l-3").verdict(), v1::VERDICT_RELEASED);
  ASSERT_EQ(screen("l-4").verdict(), v1::VERDICT_BLOCKED);
  ASSERT_OK(gateway_.Stop());
  KeepCheckpoint();
  ASSERT_OK(server::Restore(Options()));
  gateway_.Start();
  ExpectTakenBack();
  const v1::ScreenOutputResponse again = screen("l-1");
  EXPECT_EQ(again.verdict(), v1::VERDICT_BLOCKED);
  EXPECT_FALSE(again.has_release());
  const v1::ScreenOutputResponse next = screen("l-5");
  EXPECT_EQ(next.verdict(), v1::VERDICT_BLOCKED);
  EXPECT_EQ(next.verdict_class(), v1::VERDICT_CLASS_PRESSURE);
}

// Registrations, purposes in use, joins, holds, agents, cancelled erasures.
TEST_F(RestoreTest, WhatElseWasTakenAwaySinceIsTakenAwayAgain) {
  const auto staff = [&](const char* name) {
    return gateway_.Connect(gateway_.Made(name));
  };
  for (const char* name : {"revoked", "paused", "changed", "untouched"}) {
    gateway_.Register(testing::FullClient(name, kService));
  }
  const testing::Identity books =
      gateway_.Register(testing::FullClient("books", kLegal));
  v1::Agent agent;
  {
    v1::AuthorizeAgentRequest request;
    *request.mutable_subject() = testing::ById(ids_["carla"]);
    request.mutable_agent()->set_display_name("Helping Hand");
    request.mutable_agent()->add_kinds(v1::RIGHTS_KIND_ACCESS);
    request.mutable_agent()->set_permission_digest(std::string(64, 'a'));
    const grpc::Status status =
        v1::RightsService::NewStub(staff("compliance"))
            ->AuthorizeAgent(testing::Timed().get(), request, &agent);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  // An erasure that waits when the backup is taken, and is cancelled then.
  ids_["dora"] = testing::MustWrite(
      gateway_.Connect(shop_), testing::ProfileOf("dora", "dora@example.com"));
  v1::RightsCase erasure;
  {
    const auto stub = v1::RightsService::NewStub(staff("compliance"));
    v1::SubmitRightsCaseRequest submit;
    *submit.mutable_subject() = testing::ById(ids_["dora"]);
    submit.set_kind(v1::RIGHTS_KIND_ERASURE);
    submit.set_channel(v1::CHANNEL_POST);
    ASSERT_TRUE(
        stub->SubmitRightsCase(testing::Timed().get(), submit, &erasure).ok());
    v1::VerifyRightsCaseRequest verify;
    verify.set_id(erasure.id());
    verify.set_etag(erasure.etag());
    verify.set_level(v1::VERIFICATION_LEVEL_LOGIN);
    verify.set_evidence_digest(std::string(64, '0'));
    ASSERT_TRUE(
        stub->VerifyRightsCase(testing::Timed().get(), verify, &erasure).ok());
    v1::ApproveRightsCaseRequest approve;
    approve.set_id(erasure.id());
    approve.set_etag(erasure.etag());
    const grpc::Status status =
        v1::RightsService::NewStub(staff("dpo"))
            ->ApproveRightsCase(testing::Timed().get(), approve, &erasure);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_FALSE(Known("dora"));
  }
  Backup();
  data_ = Newest("backups/data");

  {
    const auto admin = v1::AdminService::NewStub(staff("operator"));
    v1::RevokeClientRequest revoke;
    revoke.set_id("revoked");
    v1::Client client;
    ASSERT_TRUE(
        admin->RevokeClient(testing::Timed().get(), revoke, &client).ok());
    v1::SuspendRequest suspend;
    suspend.set_client_id("paused");
    v1::SuspendResponse suspended;
    ASSERT_TRUE(
        admin->Suspend(testing::Timed().get(), suspend, &suspended).ok());
    suspend.set_purpose(kLegal);
    ASSERT_TRUE(
        admin->Suspend(testing::Timed().get(), suspend, &suspended).ok());
    v1::GetClientRequest get;
    get.set_id("changed");
    ASSERT_TRUE(admin->GetClient(testing::Timed().get(), get, &client).ok());
    v1::UpdateClientRequest update;
    *update.mutable_client() = client;
    update.mutable_client()->clear_write_categories();
    const grpc::Status updated =
        admin->UpdateClient(testing::Timed().get(), update, &client);
    ASSERT_TRUE(updated.ok()) << updated.error_message();
    v1::MergeSubjectsRequest merge;
    merge.add_subject_ids(ids_["ben"]);
    merge.add_subject_ids(ids_["carla"]);
    v1::Merge merged;
    const grpc::Status joined =
        admin->MergeSubjects(testing::Timed().get(), merge, &merged);
    ASSERT_TRUE(joined.ok()) << joined.error_message();
  }
  {
    v1::RevokeAgentRequest revoke;
    revoke.set_id(agent.id());
    v1::Agent ended;
    ASSERT_TRUE(v1::RightsService::NewStub(staff("compliance"))
                    ->RevokeAgent(testing::Timed().get(), revoke, &ended)
                    .ok());
    v1::PlaceLegalHoldRequest hold;
    *hold.mutable_subject() = testing::ById(ids_["anna"]);
    hold.add_fields("profile.email");
    hold.set_ground("GDPR Art. 17(3)(e)");
    hold.set_document("matter 7");
    v1::LegalHold held;
    const grpc::Status placed =
        v1::RightsService::NewStub(staff("dpo"))
            ->PlaceLegalHold(testing::Timed().get(), hold, &held);
    ASSERT_TRUE(placed.ok()) << placed.error_message();
    v1::CancelRightsCaseRequest cancel;
    cancel.set_id(erasure.id());
    const grpc::Status cancelled =
        v1::RightsService::NewStub(staff("compliance"))
            ->CancelRightsCase(testing::Timed().get(), cancel, &erasure);
    ASSERT_TRUE(cancelled.ok()) << cancelled.error_message();
    EXPECT_TRUE(Known("dora"));
  }
  OptOut("ben");
  EXPECT_FALSE(Allowed("carla"));
  ASSERT_OK(gateway_.Stop());
  KeepCheckpoint();
  const auto report = server::Restore(Options());
  ASSERT_OK(report);
  EXPECT_EQ(report->configuration.revoked, 1);
  EXPECT_EQ(report->configuration.suspended, 2);
  EXPECT_EQ(report->configuration.purposes, 1);
  EXPECT_FALSE(report->configuration.policy_lost);
  EXPECT_EQ(report->unknown, 0);

  gateway_.Start();
  const auto admin = v1::AdminService::NewStub(staff("operator"));
  const std::map<std::string, v1::ClientState> expected = {
      {"revoked", v1::CLIENT_STATE_REVOKED},
      {"paused", v1::CLIENT_STATE_SUSPENDED},
      {"changed", v1::CLIENT_STATE_SUSPENDED},
      {"untouched", v1::CLIENT_STATE_ACTIVE}};
  for (const auto& [name, state] : expected) {
    v1::GetClientRequest get;
    get.set_id(name);
    v1::Client client;
    ASSERT_TRUE(admin->GetClient(testing::Timed().get(), get, &client).ok());
    EXPECT_EQ(client.state(), state) << name;
  }
  {
    v1::ReadSubjectRequest read;
    *read.mutable_subject() = testing::ById(ids_["anna"]);
    read.set_purpose(kLegal);
    read.add_fields("profile.email");
    v1::ReadSubjectResponse response;
    EXPECT_EQ(testing::ReasonOf(
                  v1::DataService::NewStub(gateway_.Connect(books))
                      ->ReadSubject(testing::Timed().get(), read, &response)),
              v1::ERROR_REASON_SUSPENDED);
  }
  // As if they were one.
  EXPECT_FALSE(Allowed("ben"));
  EXPECT_FALSE(Allowed("carla"));
  EXPECT_TRUE(Known("carla"));
  // Nobody erases her now.
  EXPECT_TRUE(Known("dora"));
  {
    const auto stub = v1::RightsService::NewStub(staff("compliance"));
    v1::ListAgentsRequest agents;
    *agents.mutable_subject() = testing::ById(ids_["carla"]);
    v1::ListAgentsResponse found;
    ASSERT_TRUE(stub->ListAgents(testing::Timed().get(), agents, &found).ok());
    ASSERT_EQ(found.agents_size(), 1);
    EXPECT_TRUE(found.agents(0).has_revoke_time());
    v1::ListLegalHoldsRequest holds;
    *holds.mutable_subject() = testing::ById(ids_["anna"]);
    v1::ListLegalHoldsResponse held;
    ASSERT_TRUE(
        stub->ListLegalHolds(testing::Timed().get(), holds, &held).ok());
    ASSERT_EQ(held.legal_holds_size(), 1);
    EXPECT_TRUE(held.legal_holds(0).fields().empty());
  }
}

// The log has the policy's hash and not its words.
TEST_F(RestoreTest, AfterAnotherPolicyNothingIsUsedUntilSomebodyLooked) {
  Backup();
  data_ = Newest("backups/data");
  {
    const auto admin =
        v1::AdminService::NewStub(gateway_.Connect(gateway_.Made("operator")));
    v1::Policy policy;
    ASSERT_TRUE(admin->GetPolicy(testing::Timed().get(), {}, &policy).ok());
    v1::UpdatePolicyRequest update;
    update.set_purposes("# Looked through.\n" + policy.purposes());
    update.set_etag(policy.etag());
    const grpc::Status status =
        admin->UpdatePolicy(testing::Timed().get(), update, &policy);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_TRUE(policy.proposal_id().empty());
  }
  EXPECT_TRUE(Known("carla"));
  ASSERT_OK(gateway_.Stop());
  KeepCheckpoint();
  const auto report = server::Restore(Options());
  ASSERT_OK(report);
  EXPECT_TRUE(report->configuration.policy_lost);
  EXPECT_GT(report->configuration.purposes, 1);
  gateway_.Start();
  EXPECT_EQ(Read("carla", kService, shop_).reason(),
            v1::ERROR_REASON_SUSPENDED);
  EXPECT_EQ(Read("carla", kLetters, letters_).reason(),
            v1::ERROR_REASON_SUSPENDED);
}

// Before and after the backup, under one address.
TEST_F(RestoreTest, WhatSomebodyUnknownProhibitsStands) {
  const auto prohibit = [&](v1::OptOutKind kind) {
    v1::OptOutRequest request;
    *request.mutable_subject() = testing::ByEmail("eve@example.com");
    request.add_kinds(kind);
    v1::OptOutResponse response;
    EXPECT_TRUE(v1::ConsentService::NewStub(gateway_.Connect(letters_))
                    ->OptOut(testing::Timed().get(), request, &response)
                    .ok());
  };
  prohibit(v1::OPT_OUT_KIND_DIRECT_MARKETING);
  Backup();
  data_ = Newest("backups/data");
  prohibit(v1::OPT_OUT_KIND_SALE);
  ASSERT_OK(gateway_.Stop());
  KeepCheckpoint();
  ASSERT_OK(server::Restore(Options()));
  gateway_.Start();
  ids_["eve"] = testing::MustWrite(
      gateway_.Connect(shop_), testing::ProfileOf("eve", "eve@example.com"));
  v1::GetConsentStateRequest request;
  *request.mutable_subject() = testing::ById(ids_["eve"]);
  request.add_purposes(kLetters);
  v1::GetConsentStateResponse state;
  const grpc::Status status =
      v1::ConsentService::NewStub(gateway_.Connect(letters_))
          ->GetConsentState(testing::Timed().get(), request, &state);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(state.opt_outs_size(), 2);
}

TEST_F(RestoreTest, AlsoOnAMachineThatHasLostEverything) {
  BackUpAndTakeBack();
  // The log goes on being copied.
  Backup();
  ASSERT_OK(gateway_.Stop());
  KeepCheckpoint();
  const std::string log = gateway_.File("log-copy");
  fs::copy(gateway_.File("data/log"), log, fs::copy_options::recursive);
  fs::remove_all(gateway_.File("data"));
  fs::remove(gateway_.File("keys/epochs.key"));
  fs::remove(gateway_.File("keys/root.key"));
  server::RestoreOptions options = Options(/*with_keys=*/true);
  options.log_folder = log;
  const auto report = server::Restore(options);
  ASSERT_OK(report);
  EXPECT_EQ(report->customers, 3);
  gateway_.Start();
  ExpectTakenBack();
}

TEST_F(RestoreTest, WithoutTheNewestCheckpointNothingIsRestored) {
  BackUpAndTakeBack();
  ASSERT_OK(gateway_.Stop());
  server::RestoreOptions options = Options();
  options.checkpoint_file.clear();
  EXPECT_THAT(server::Restore(options),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  // Nor does anything run on what it left.
  EXPECT_FALSE(server::Server::Open(gateway_.folder(), {}).ok());
  options.accept_loss = true;
  const auto report = server::Restore(options);
  ASSERT_OK(report);
  EXPECT_TRUE(report->uncertain);
  gateway_.Start();
  for (const char* key : {"anna", "ben", "carla"}) {
    EXPECT_FALSE(Allowed(key)) << key;
    EXPECT_TRUE(Known(key)) << key;
  }
  Give("carla");
  EXPECT_TRUE(Allowed("carla"));
}

TEST_F(RestoreTest, AShorterLogIsRefused) {
  Backup();
  data_ = Newest("backups/data");
  keys_ = Newest("backups/keys");
  Withdraw("anna");
  ASSERT_OK(gateway_.Stop());
  KeepCheckpoint();
  // Everything is lost but what was copied before the withdrawal.
  fs::remove_all(gateway_.File("data"));
  server::RestoreOptions options = Options(/*with_keys=*/true);
  options.log_folder = gateway_.File("backups/log");
  EXPECT_THAT(server::Restore(options),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  options.accept_loss = true;
  ASSERT_OK(server::Restore(options));
  gateway_.Start();
  EXPECT_FALSE(Allowed("anna"));
  EXPECT_FALSE(Allowed("carla"));
  EXPECT_TRUE(Known("carla"));
}

TEST_F(RestoreTest, StoppedAtAnyStepItGoesOnFromTheStart) {
  BackUpAndTakeBack();
  ASSERT_OK(gateway_.Stop());
  KeepCheckpoint();
  std::vector<std::string> steps;
  server::RestoreOptions options = Options(/*with_keys=*/true);
  options.before_step = [&](std::string_view step) {
    steps.emplace_back(step);
    return absl::OkStatus();
  };
  ASSERT_OK(server::Restore(options));
  ASSERT_GT(steps.size(), 7u);
  for (size_t stop = 0; stop < steps.size(); ++stop) {
    size_t at = 0;
    options.before_step = [&](std::string_view) {
      return at++ == stop ? absl::CancelledError("stopped") : absl::OkStatus();
    };
    EXPECT_FALSE(server::Restore(options).ok()) << steps[stop];
    // Before the first step nothing has happened.
    if (stop > 0) {
      EXPECT_THAT(server::Server::Open(gateway_.folder(), {}),
                  StatusIs(absl::StatusCode::kFailedPrecondition))
          << steps[stop];
    }
  }
  options.before_step = nullptr;
  ASSERT_OK(server::Restore(options));
  gateway_.Start();
  ExpectTakenBack();
}

TEST_F(RestoreTest, DamagedAndForeignFilesAreRefused) {
  BackUpAndTakeBack();
  ASSERT_OK(gateway_.Stop());
  KeepCheckpoint();
  const auto flip = [](const std::string& path, int64_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(at);
    file.put(byte);
  };
  const auto middle = [](const std::string& path) {
    return static_cast<int64_t>(fs::file_size(path) / 2);
  };
  flip(data_, middle(data_));
  EXPECT_FALSE(server::Restore(Options()).ok());
  flip(data_, middle(data_));
  flip(keys_, middle(keys_));
  EXPECT_FALSE(server::Restore(Options(true)).ok());
  flip(keys_, middle(keys_));
  server::RestoreOptions swapped = Options();
  swapped.data_file = keys_;
  EXPECT_THAT(server::Restore(swapped),
              StatusIs(absl::StatusCode::kInvalidArgument));
  server::RestoreOptions mistyped = Options(true);
  mistyped.recovery_key = "0000-0000-0000-0000-0000-0000-0000-0000-0000";
  EXPECT_FALSE(server::Restore(mistyped).ok());
  const uintmax_t whole = fs::file_size(data_);
  fs::copy_file(data_, data_ + ".whole");
  fs::resize_file(data_, whole - 1);
  EXPECT_THAT(server::Restore(Options()),
              StatusIs(absl::StatusCode::kDataLoss));
  fs::rename(data_ + ".whole", data_);
  ASSERT_OK(server::Restore(Options(true)));
  gateway_.Start();
  ExpectTakenBack();
}

TEST_F(RestoreTest, RotatedKeysOpenOlderBackupsOfTheData) {
  BackUpAndTakeBack();
  auto admin =
      v1::AdminService::NewStub(gateway_.Connect(gateway_.Made("operator")));
  v1::KeyStatus keys;
  ASSERT_TRUE(admin->RotateKeys(testing::Timed().get(), {}, &keys).ok());
  for (int i = 0; keys.remaining() > 0 && i < 300; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ASSERT_TRUE(admin->GetKeyStatus(testing::Timed().get(), {}, &keys).ok());
  }
  ASSERT_EQ(keys.remaining(), 0);
  EXPECT_EQ(keys.epoch(), 2u);
  EXPECT_TRUE(Known("carla"));
  ASSERT_OK(gateway_.Stop());
  KeepCheckpoint();
  ASSERT_OK(server::Restore(Options()));
  gateway_.Start();
  ExpectTakenBack();
}

}  // namespace
}  // namespace consentry
