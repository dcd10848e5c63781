#include "gateway/clients/registry.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gateway/clients/client_table.h"
#include "gateway/clients/configuration_writer.h"
#include "gateway/clients/policy_admin.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/store_fixture.h"
#include "tests/unit/gateway/clients/sample_policy.h"

namespace consentry::clients {
namespace {

using testing::StatusIs;

constexpr int64_t kNowUs = 1'800'000'000'000'000;

crypto::SpkiHash Key(char digit) { return *ParseKey(std::string(64, digit)); }

std::shared_ptr<const Configuration> Build(int64_t epoch,
                                           std::vector<v1::Client> clients,
                                           ClientUses* uses) {
  Configuration::Sources sources;
  sources.epoch = epoch;
  sources.policy = SamplePolicy();
  sources.clients = std::move(clients);
  sources.engine_version = "test 1";
  return Configuration::Build(std::move(sources), uses);
}

TEST(RegistryTest, CallersAreKnownByTheirKeyAlone) {
  Registry registry({.engine_version = "test 1", .extra_permissions = {}});
  EXPECT_EQ(ReasonOf(registry.Authenticate(Key('a'), kNowUs).status()),
            v1::ERROR_REASON_CLIENT_UNKNOWN);
  ClientUses uses;
  registry.Publish(Build(1, {StoredClient("crm", 'a')}, &uses));
  ASSERT_OK_AND_ASSIGN(const Caller caller,
                       registry.Authenticate(Key('a'), kNowUs));
  EXPECT_EQ(caller.registration->id(), "crm");
  EXPECT_EQ(ReasonOf(registry.Authenticate(Key('b'), kNowUs).status()),
            v1::ERROR_REASON_CLIENT_UNKNOWN);
}

TEST(RegistryTest, ARevokedCallerIsToldSo) {
  Registry registry({.engine_version = "test 1", .extra_permissions = {}});
  v1::Client client = StoredClient("crm", 'a');
  client.set_state(v1::CLIENT_STATE_REVOKED);
  ClientUses uses;
  registry.Publish(Build(1, {client}, &uses));
  EXPECT_EQ(ReasonOf(registry.Authenticate(Key('a'), kNowUs).status()),
            v1::ERROR_REASON_CLIENT_REVOKED);
}

TEST(RegistryTest, AnOlderConfigurationNeverReplacesANewerOne) {
  Registry registry({.engine_version = "test 1", .extra_permissions = {}});
  ClientUses uses;
  registry.Publish(Build(5, {}, &uses));
  registry.Publish(Build(4, {StoredClient("crm", 'a')}, &uses));
  EXPECT_EQ(registry.current()->epoch(), 5);
  EXPECT_FALSE(registry.Authenticate(Key('a'), kNowUs).ok());
}

TEST(RegistryTest, WhatWasUsedStaysUsedAcrossConfigurations) {
  Registry registry({.engine_version = "test 1", .extra_permissions = {}});
  ClientUses uses;
  v1::Client client = StoredClient("crm", 'a');
  client.mutable_limits()->set_subjects_per_hour(1);
  registry.Publish(Build(1, {client}, &uses));
  ASSERT_OK_AND_ASSIGN(Caller caller, registry.Authenticate(Key('a'), 0));
  EXPECT_TRUE(caller.registration->use().budget.Charge(1, 0));
  client.set_title("changed");
  registry.Publish(Build(2, {client}, &uses));
  ASSERT_OK_AND_ASSIGN(caller, registry.Authenticate(Key('a'), 0));
  EXPECT_EQ(caller.registration->client().title(), "changed");
  EXPECT_FALSE(caller.registration->use().budget.Charge(2, 0));
}

TEST(RegistryTest, EndsThatAreNearAreListedSoonestFirst) {
  Registry registry({.engine_version = "test 1", .extra_permissions = {}});
  const auto ends = [](const char* id, char digit, int64_t seconds) {
    v1::Client client = StoredClient(id, digit);
    client.mutable_expire_time()->set_seconds(seconds);
    return client;
  };
  ClientUses uses;
  registry.Publish(Build(
      1, {ends("aa", 'a', 300), ends("bb", 'b', 100), ends("cc", 'c', 5000)},
      &uses));
  const auto warnings = registry.Expiring(0, 1'000'000'000);
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0].client_id, "bb");
  EXPECT_EQ(warnings[1].client_id, "aa");
}

TEST(ConfigurationTest, TheHashNamesPolicyClientsSuspensionsAndProgram) {
  ClientUses uses;
  const auto base = Build(1, {StoredClient("crm", 'a')}, &uses);
  EXPECT_EQ(base->hash().size(), 32u);
  EXPECT_EQ(Build(2, {StoredClient("crm", 'a')}, &uses)->hash(), base->hash());
  EXPECT_NE(Build(1, {}, &uses)->hash(), base->hash());
  v1::Client changed = StoredClient("crm", 'a');
  changed.add_purposes(kService);
  EXPECT_NE(Build(1, {changed}, &uses)->hash(), base->hash());
  Configuration::Sources sources = base->sources();
  sources.suspended_purposes.insert(kSupport);
  EXPECT_NE(Configuration::Build(sources, &uses)->hash(), base->hash());
  sources = base->sources();
  sources.engine_version = "test 2";
  EXPECT_NE(Configuration::Build(sources, &uses)->hash(), base->hash());
}

TEST(ConfigurationTest, PurposesAreResolvedOrRefusedByTheRegistration) {
  ClientUses uses;
  Configuration::Sources sources =
      Build(1, {StoredClient("crm", 'a')}, &uses)->sources();
  const auto open = Configuration::Build(sources, &uses);
  const Registration& crm = *open->FindById("crm");
  EXPECT_OK(open->ResolvePurpose(crm, kSupport));
  const absl::Status other = open->ResolvePurpose(crm, kMarketing).status();
  EXPECT_EQ(ReasonOf(other), v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
  const absl::Status unknown =
      open->ResolvePurpose(crm, "ada@example.com").status();
  EXPECT_EQ(ReasonOf(unknown), v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
  EXPECT_EQ(unknown.ToString().find("ada"), std::string::npos);
  sources.suspended_purposes.insert(kSupport);
  const auto closed = Configuration::Build(sources, &uses);
  EXPECT_EQ(
      ReasonOf(
          closed->ResolvePurpose(*closed->FindById("crm"), kSupport).status()),
      v1::ERROR_REASON_SUSPENDED);
}

// On a real store and committer.
class ConfigurationWriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(store_.Start());
    writer_.emplace(store_.committer(), &registry_);
    ASSERT_OK_AND_ASSIGN(reader_, store_.engine()->ConnectReader());
    PolicyAdmin policy(&*writer_, &registry_);
    ASSERT_OK(policy.LoadFiles(reader_.get(), SampleSources(), true));
  }

  store::ChangeOutcome Insert(const v1::Client& client) {
    ConfigurationWriter::Plan plan;
    plan.caller.event = "client.create";
    plan.edit = [client](store::Connection* writer, int64_t,
                         ConfigurationDraft* draft) {
      draft->details.push_back("client=" + client.id());
      return InsertClient(writer, client);
    };
    return writer_->CommitAndWait(std::move(plan));
  }

  testing::StoreFixture store_;
  Registry registry_{{.engine_version = "test 1", .extra_permissions = {}}};
  std::optional<ConfigurationWriter> writer_;
  std::unique_ptr<store::Connection> reader_;
};

TEST_F(ConfigurationWriterTest, AChangeIsInForceWhenItIsAnswered) {
  const auto before = registry_.current();
  const auto outcome = Insert(StoredClient("crm", 'a'));
  ASSERT_OK(outcome.status);
  const auto after = registry_.current();
  EXPECT_EQ(after->epoch(), outcome.change);
  EXPECT_EQ(store_.committer()->configuration_epoch(), outcome.change);
  EXPECT_NE(after->FindById("crm"), nullptr);
  EXPECT_EQ(before->FindById("crm"), nullptr);
  EXPECT_EQ(after->shared_policy(), before->shared_policy());
}

TEST_F(ConfigurationWriterTest, TheKeptBundleIsTheOneInMemory) {
  ASSERT_OK(Insert(StoredClient("shop", 'b')).status);
  ASSERT_OK(Insert(StoredClient("crm", 'a')).status);
  ASSERT_OK_AND_ASSIGN(const auto history,
                       ReadBundleHistory(reader_.get(), INT64_MAX, 10));
  ASSERT_EQ(history.size(), 3u);
  const auto current = registry_.current();
  EXPECT_EQ(history[0].hash, current->hash());
  EXPECT_EQ(history[0].change_number, current->epoch());
  ASSERT_OK_AND_ASSIGN(const auto bundle,
                       ReadBundle(reader_.get(), current->hash()));
  ASSERT_EQ(bundle.clients_size(), 2);
  EXPECT_EQ(bundle.clients(0).client_id(), "crm");
  ASSERT_OK_AND_ASSIGN(
      const v1::Client kept,
      ReadClientVersion(reader_.get(), bundle.clients(0).hash()));
  EXPECT_EQ(kept.id(), "crm");
  EXPECT_OK(ReadPolicy(reader_.get(), bundle.policy_hash()));
}

TEST_F(ConfigurationWriterTest, ARestartFindsTheSameConfiguration) {
  ASSERT_OK(Insert(StoredClient("crm", 'a')).status);
  const auto before = registry_.current();
  reader_.reset();
  store_.Stop();
  ASSERT_OK(store_.Start());
  ASSERT_OK_AND_ASSIGN(reader_, store_.engine()->ConnectReader());
  Registry registry({.engine_version = "test 1", .extra_permissions = {}});
  ASSERT_OK_AND_ASSIGN(
      const auto after,
      registry.Load(reader_.get(), store_.committer()->configuration_epoch()));
  EXPECT_EQ(after->hash(), before->hash());
  EXPECT_EQ(after->epoch(), before->epoch());
}

TEST_F(ConfigurationWriterTest, AnIdOrKeyIsNeverUsedTwice) {
  ASSERT_OK(Insert(StoredClient("crm", 'a')).status);
  const auto before = registry_.current();
  EXPECT_EQ(ReasonOf(Insert(StoredClient("crm", 'b')).status),
            v1::ERROR_REASON_ALREADY_EXISTS);
  EXPECT_EQ(ReasonOf(Insert(StoredClient("shop", 'a')).status),
            v1::ERROR_REASON_ALREADY_EXISTS);
  EXPECT_EQ(registry_.current(), before);
}

TEST_F(ConfigurationWriterTest, AFailedEditChangesNothing) {
  const auto before = registry_.current();
  ConfigurationWriter::Plan plan;
  plan.caller.event = "client.create";
  plan.edit = [](store::Connection* writer, int64_t, ConfigurationDraft*) {
    EXPECT_OK(InsertClient(writer, StoredClient("crm", 'a')));
    return MakeError(v1::ERROR_REASON_STATE_INVALID, "no");
  };
  EXPECT_EQ(ReasonOf(writer_->CommitAndWait(std::move(plan)).status),
            v1::ERROR_REASON_STATE_INVALID);
  EXPECT_EQ(registry_.current(), before);
  EXPECT_THAT(ReadClient(reader_.get(), "crm"),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ConfigurationWriterTest, FilesAreTakenUpWhenTheyChangeAndNotOtherwise) {
  PolicyAdmin policy(&*writer_, &registry_);
  const int64_t epoch = registry_.current()->epoch();
  ASSERT_OK(policy.LoadFiles(reader_.get(), SampleSources(), true));
  EXPECT_EQ(registry_.current()->epoch(), epoch);
  auto sources = SampleSources();
  sources.mutable_catalog()->append("# a comment more\n");
  ASSERT_OK(policy.LoadFiles(reader_.get(), sources, true));
  EXPECT_GT(registry_.current()->epoch(), epoch);
}

TEST_F(ConfigurationWriterTest, APolicyThatDoesNotCompileIsNotTakenUp) {
  PolicyAdmin policy(&*writer_, &registry_);
  const auto before = registry_.current();
  auto sources = SampleSources();
  sources.set_purposes("purposes { key: 'x' }");
  EXPECT_EQ(ReasonOf(policy.LoadFiles(reader_.get(), sources, true)),
            v1::ERROR_REASON_CONFIG_INVALID);
  EXPECT_EQ(registry_.current(), before);
}

// Readers see a whole configuration at every moment while others change it.
TEST_F(ConfigurationWriterTest, ReadersAndWritersRunBesideEachOther) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 2; ++t) {
    readers.emplace_back([&] {
      int64_t last = 0;
      while (!stop) {
        const auto now = registry_.current();
        EXPECT_GE(now->epoch(), last);
        last = now->epoch();
        for (const auto& [id, registration] : now->registrations()) {
          EXPECT_EQ(now->FindByKey(registration->key()), registration.get());
        }
      }
    });
  }
  for (const char digit : std::string("abcdef")) {
    EXPECT_OK(Insert(StoredClient(std::string("c-") + digit, digit)).status);
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(registry_.current()->registrations().size(), 6u);
}

}  // namespace
}  // namespace consentry::clients
