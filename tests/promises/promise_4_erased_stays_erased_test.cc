// Promise 4. Erased stays erased: erasure destroys the keys of what is erased.
// It is unreadable in the live store and in every older copy of the data, and
// neither an older copy nor a re-import brings anyone back; the customer gets a
// signed certificate of what was erased and what is kept on which ground until
// when.
//
// Shown on a gateway whose process is killed at each step of an erasure in turn
// (and once not at all), for a customer of whom nothing is kept and for one
// whose invoice is. Afterwards, on the gateway that comes up again:
//  - Whatever the store held of her yesterday does not open with today's keys,
//    value by value, while her neighbour's does.
//  - The rows of yesterday are held back when they are imported again, and so
//    are new rows under her names, until a source states a new relationship.
//  - No entry from before is tied to her: not by the index, and not by a tag of
//    any key that is left.
//  - The certificate verifies with the log's key, its entry stands in the log,
//    and the log verifies offline.
//  - Of the kept invoice exactly the fields with a ground are answered, for the
//    purpose of the ground alone.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
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

#include "audit/log/note.h"
#include "consentry/store/v1/subject.pb.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/locked_slab.h"
#include "gateway/crypto/opener.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/erasure/certificate.h"
#include "gateway/erasure/erasure_desk.h"
#include "gateway/server/gateway.h"
#include "gateway/server/initialise.h"
#include "gateway/server/tag_resolver.h"
#include "gateway/store/sqlcipher/engine.h"
#include "gateway/vault/head_codec.h"
#include "gateway/vault/identifier_key.h"
#include "gateway/vault/record_number.h"
#include "policy/engine/bundle.h"
#include "tests/promises/canaries.h"
#include "tests/promises/gateway_lives.h"
#include "tests/promises/offline_log.h"
#include "tests/testing/grant_for_test.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry {
namespace {

using erasure::ErasureState;
using testing::As;
using testing::ByEmail;
using testing::ById;
using testing::Canaries;
using testing::Import;
using testing::Read;
using testing::Register;
using testing::Site;
using testing::StatusIs;

constexpr const char* kService = testing::kServicePurpose;
constexpr char kLegal[] = "essential.legal_obligation";
constexpr char kCase[] = "rgt_test";
constexpr std::chrono::seconds kPatience{60};

// What a source delivers of one customer, as a file would hold it.
struct Person {
  std::string key;
  std::string email;
  std::string name;
  bool ordered = false;

  std::vector<v1::ImportRow> Rows() const {
    std::vector<v1::ImportRow> rows;
    rows.push_back(Row("profile", key));
    (*rows[0].mutable_values())["given_name"].set_string_value(name);
    (*rows[0].mutable_values())["email"].set_string_value(email);
    if (ordered) {
      rows.push_back(Row("order", key + "-1"));
      (*rows[1].mutable_values())["number"].set_string_value("R-" + key);
      (*rows[1].mutable_values())["total"].set_string_value("12.50 EUR");
      (*rows[1].mutable_values())["items"].set_string_value("one " + name);
    }
    return rows;
  }

  v1::ImportRow Row(const std::string& kind,
                    const std::string& source_key) const {
    v1::ImportRow row;
    row.set_number(1);
    row.set_kind(kind);
    row.set_source_key(source_key);
    auto* id = row.add_identifiers();
    id->set_type(v1::IDENTIFIER_TYPE_EXTERNAL_ID);
    id->set_namespace_("crm");
    id->set_value(key);
    id = row.add_identifiers();
    id->set_type(v1::IDENTIFIER_TYPE_EMAIL);
    id->set_value(email);
    return row;
  }
};

uint64_t NumberOf(server::Gateway* gateway, const std::string& id) {
  const auto parsed = crypto::ParseId(crypto::IdKind::kSubject, id);
  EXPECT_OK(parsed);
  auto lease = gateway->readers()->Acquire();
  EXPECT_OK(lease);
  auto query = (*lease)->Prepare("SELECT subject FROM lookup WHERE key = $1");
  EXPECT_OK(query);
  const crypto::BlindIndex key = vault::PublicIdKey(*parsed);
  query->Bind(vault::AsBytes(key));
  const auto found = query->Step();
  EXPECT_OK(found);
  return *found ? static_cast<uint64_t>(query->Int64(0)) : 0;
}

int64_t Decide(server::Gateway* gateway, uint64_t subject) {
  store::Change change;
  int64_t id = 0;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    store::v1::Leaf leaf =
        clients::LeafOf(*gateway->registry()->current(),
                        As("compliance", "rights.complete"), context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    erasure::ErasureOrder order;
    order.subject = subject;
    order.case_id = kCase;
    auto decided = gateway->erasures()->Decide(context, order, &leaf);
    if (!decided.ok()) return decided.status();
    id = *decided;
    context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  };
  EXPECT_OK(
      gateway->committer()->CommitChangeAndWait(std::move(change)).status);
  return id;
}

int StateNumber(server::Gateway* gateway) {
  auto lease = gateway->readers()->Acquire();
  if (!lease.ok()) return -1;
  const auto status = gateway->erasures()->StatusOf(lease->get(), kCase);
  if (!status.ok() || !status->has_value()) return -1;
  return static_cast<int>((*status)->state);
}

// Waits until the erasure is done.
ErasureState WaitDone(server::Gateway* gateway) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    auto lease = gateway->readers()->Acquire();
    EXPECT_OK(lease);
    const auto status = gateway->erasures()->StatusOf(lease->get(), kCase);
    EXPECT_OK(status);
    if (!status.ok() || !status->has_value()) return ErasureState::kCancelled;
    if ((*status)->state == ErasureState::kDone ||
        (*status)->state == ErasureState::kKept) {
      return (*status)->state;
    }
    lease->GiveBack();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ADD_FAILURE() << "the erasure did not end; it is in state "
                << StateNumber(gateway);
  return ErasureState::kWaiting;
}

// Runs in a process of its own, which `step` ends by SIGKILL; empty: it ends
// by itself when the erasure is done. No gateway may be open in this one.
void EraseAndDie(const Site& site, uint64_t subject, const std::string& step) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto gateway = site.Open([&step](std::string_view now) {
      if (now == step) kill(getpid(), SIGKILL);
    });
    if (gateway == nullptr || Decide(gateway.get(), subject) == 0) _exit(2);
    WaitDone(gateway.get());
    // The step may still come.
    if (!step.empty()) std::this_thread::sleep_for(kPatience);
    _exit(step.empty() && gateway->Close().ok() ? 0 : 3);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (step.empty()) {
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
        << "status " << status;
  } else {
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        << "the erasure never came to: " << step;
  }
}

// Today's keys, without a gateway.
struct Keys {
  crypto::LockedSlab slab;
  std::unique_ptr<crypto::RootKey> root;
  std::unique_ptr<crypto::EpochFile> epochs;
  std::unique_ptr<crypto::SlotFile> slots;

  explicit Keys(const Site& site) {
    auto config = server::LoadConfig(site.folder(), server::PackIds());
    EXPECT_OK(config);
    auto loaded = server::LoadRootKey(config->message.keys());
    EXPECT_OK(loaded);
    root = std::make_unique<crypto::RootKey>(*std::move(loaded));
    auto opened = crypto::EpochFile::Open(
        audit::FileSystem::Posix(), config->message.keys().epoch_file(), *root);
    EXPECT_OK(opened);
    epochs = *std::move(opened);
    auto file = crypto::SlotFile::Open({.fs = audit::FileSystem::Posix(),
                                        .path = site.data() + "/slots",
                                        .epochs = epochs.get(),
                                        .slab = &slab});
    EXPECT_OK(file);
    slots = *std::move(file);
  }
};

// How much of one customer a store gives up to today's keys.
struct Opened {
  int heads = 0;
  int metas = 0;
  int values = 0;
  int events = 0;
  int sealed = 0;  // Looked at.
};

// For whoever has a store of another time: a copy, or one that a backup was
// restored into.
Opened OpenAll(const Keys& keys, const std::string& store, uint64_t subject) {
  Opened opened;
  const crypto::GuardedKey pages =
      keys.root->Derive(crypto::KeyPurpose::kStorePages);
  auto engine = store::OpenSqlcipher({.path = store}, pages.view());
  EXPECT_OK(engine);
  if (!engine.ok()) return opened;
  auto connection = (*engine)->ConnectReader();
  EXPECT_OK(connection);
  const auto living = keys.slots->Load(subject);
  const crypto::Grant grant = testing::GrantForTest::Make("test");

  for (const char* sql : {"SELECT version, head FROM subjects WHERE subject = "
                          "$1",
                          "SELECT version, head FROM facts WHERE subject = "
                          "$1"}) {
    auto query = (*connection)->Prepare(sql);
    EXPECT_OK(query);
    query->Bind(static_cast<int64_t>(subject));
    while (*query->Step()) {
      ++opened.sealed;
      if (living.ok() &&
          vault::OpenHead(*living, query->Int64(0), query->Blob(1)).ok()) {
        ++opened.heads;
      }
    }
  }
  {
    auto query = (*connection)
                     ->Prepare(
                         "SELECT seq, event FROM consent_events WHERE "
                         "subject = $1");
    EXPECT_OK(query);
    query->Bind(static_cast<int64_t>(subject));
    while (*query->Step()) {
      ++opened.sealed;
      crypto::FactContext context{};
      context.table = crypto::FactTable::kConsentEvent;
      context.row = crypto::RowId(static_cast<uint64_t>(query->Int64(0)));
      context.schema = 1;
      context.row_generation = 1;
      if (living.ok() &&
          crypto::FactOpener::Open(*living, context, query->Blob(1)).ok()) {
        ++opened.events;
      }
    }
  }
  auto query = (*connection)
                   ->Prepare(
                       "SELECT record_id, row_gen, fields FROM records "
                       "WHERE record_no BETWEEN $1 AND $2");
  EXPECT_OK(query);
  query->Bind(vault::RecordNumber(subject, 0, 0),
              vault::RecordNumber(subject, vault::kMaxKindPosition,
                                  vault::kMaxRecordIndex));
  while (*query->Step()) {
    store::v1::RecordBlob blob;
    EXPECT_TRUE(blob.ParseFromString(std::string(query->Blob(2))));
    crypto::ObjectId id{};
    std::copy(query->Blob(0).begin(), query->Blob(0).end(), id.begin());
    const auto generation = static_cast<uint32_t>(query->Int64(1));
    for (const char* kind : {"profile", "order"}) {
      if (living.ok() &&
          vault::OpenMeta(*living, id, kind, generation, blob).ok()) {
        ++opened.metas;
      }
    }
    for (const auto& field : blob.fields()) {
      ++opened.sealed;
      for (const char* name : {"profile.given_name", "profile.email",
                               "order.number", "order.total", "order.items"}) {
        if (living.ok() &&
            crypto::Opener::Open(grant, *living,
                                 vault::ValueContext(id, name, generation),
                                 field.sealed())
                .ok()) {
          ++opened.values;
        }
      }
    }
  }
  return opened;
}

class Promise4 : public ::testing::TestWithParam<std::string> {
 protected:
  // Everything that the promise says, for one customer.
  void Erase(bool keeps) {
    SCOPED_TRACE(keeps ? "with an invoice" : "without");
    Site site;
    const Person victim{.key = "v-" + Canaries::NewCore(),
                        .email = Canaries::NewCore() + "@example.com",
                        .name = Canaries::NewCore(),
                        .ordered = keeps};
    const Person other{.key = "neighbour",
                       .email = "neighbour@example.com",
                       .name = "Bela",
                       .ordered = true};
    Canaries canaries;
    canaries.Add("address", victim.email.substr(0, victim.email.find('@')));
    canaries.Add("name", victim.name);

    // Yesterday.
    uint64_t subject = 0;
    uint64_t neighbour = 0;
    std::string id;
    uint64_t size = 0;
    {
      auto gateway = site.Open();
      ASSERT_NE(gateway, nullptr);
      Register(gateway.get(), "shop", kService);
      Register(gateway.get(), "books", kLegal);
      for (const Person* person : {&victim, &other}) {
        for (const auto& result : Import(gateway.get(), person->Rows())) {
          ASSERT_EQ(result.outcome(), v1::WRITE_OUTCOME_CREATED)
              << result.ShortDebugString();
        }
      }
      const auto seen = Read(gateway.get(), "shop", kService,
                             ByEmail(victim.email), {"profile.given_name"});
      ASSERT_EQ(seen.decision().effect(), v1::EFFECT_PERMIT);
      id = seen.subject_id();
      subject = NumberOf(gateway.get(), id);
      neighbour = NumberOf(gateway.get(),
                           Read(gateway.get(), "shop", kService,
                                ByEmail(other.email), {"profile.given_name"})
                               .subject_id());
      ASSERT_NE(subject, 0u);
      ASSERT_NE(neighbour, 0u);
      size = gateway->log()->size();
      ASSERT_OK(gateway->Close());
    }
    const std::string yesterday = site.CopyOfStore();
    {
      // What is looked at below can be opened as long as the keys are there.
      const Keys keys(site);
      const Opened before = OpenAll(keys, yesterday, subject);
      ASSERT_EQ(before.values, keeps ? 5 : 2);
      ASSERT_GT(before.heads, 0);
    }

    EraseAndDie(site, subject, GetParam());

    // The gateway comes up again.
    {
      auto gateway = site.Open();
      ASSERT_NE(gateway, nullptr);
      ASSERT_EQ(WaitDone(gateway.get()),
                keeps ? ErasureState::kKept : ErasureState::kDone);
      CheckCertificate(site, gateway.get(), keeps);
      CheckReads(gateway.get(), victim, id, keeps);
      CheckReimport(gateway.get(), victim);
      for (uint64_t index = 0; index < size; ++index) {
        ASSERT_TRUE(gateway->log()->reader().Read(index).ok());
      }
      ASSERT_OK(gateway->Close());
    }
    // Long files, and the same after every crash.
    if (GetParam().empty()) {
      EXPECT_TRUE(canaries.SearchFolder(site.folder()).empty());
    }
    auto log = testing::OfflineLog::Make(site.folder());
    ASSERT_OK(log);
    ASSERT_OK((*log)->VerifyAndRead());
    const Keys keys(site);
    CheckTags(keys, site, (*log)->leaves(), size, subject, neighbour);
    const Opened after = OpenAll(keys, yesterday, subject);
    EXPECT_GT(after.sealed, 0);
    EXPECT_EQ(after.heads, 0);
    EXPECT_EQ(after.metas, 0);
    EXPECT_EQ(after.values, 0);
    EXPECT_EQ(after.events, 0);
    EXPECT_EQ(OpenAll(keys, yesterday, neighbour).values, 5);
    // And what the live store still holds is what is kept, no more.
    const Opened live = OpenAll(keys, site.data() + "/store.db", subject);
    EXPECT_EQ(live.values, keeps ? 2 : 0);
  }

  static void CheckCertificate(const Site& site, server::Gateway* gateway,
                               bool keeps) {
    auto lease = gateway->readers()->Acquire();
    ASSERT_OK(lease);
    const auto certificate =
        gateway->erasures()->CertificateOf(lease->get(), kCase);
    ASSERT_OK(certificate);
    const auto note = audit::ParseNote(certificate->note());
    ASSERT_OK(note);
    const auto verifier = audit::NoteVerifier::FromVkey(site.vkey());
    ASSERT_OK(verifier);
    EXPECT_EQ(audit::CheckNote(*note, {&*verifier, 1}),
              audit::NoteTrust::kVerified);
    EXPECT_EQ(note->text.rfind(erasure::kCertificateTitle, 0), 0u);
    std::map<std::string, v1::RightsDisposition> told;
    for (const auto& outcome : certificate->outcomes()) {
      told[outcome.target()] = outcome.disposition();
      if (outcome.disposition() == v1::RIGHTS_DISPOSITION_KEPT) {
        EXPECT_FALSE(outcome.ground().empty());
        EXPECT_TRUE(outcome.has_keep_until());
      }
    }
    EXPECT_EQ(told.at("profile.email"), v1::RIGHTS_DISPOSITION_GRANTED);
    EXPECT_EQ(told.at("identifiers"), v1::RIGHTS_DISPOSITION_GRANTED);
    if (keeps) {
      EXPECT_EQ(told.at("order.number"), v1::RIGHTS_DISPOSITION_KEPT);
      EXPECT_EQ(told.at("order.total"), v1::RIGHTS_DISPOSITION_KEPT);
      EXPECT_EQ(told.at("order.items"), v1::RIGHTS_DISPOSITION_GRANTED);
    }
    // No backup of keys was ever made.
    EXPECT_EQ(certificate->final_time().seconds(),
              certificate->destroy_time().seconds());
    EXPECT_TRUE(certificate->has_suppression_until());
    const auto bytes =
        gateway->log()->reader().Read(certificate->audit_index());
    ASSERT_OK(bytes);
    store::v1::Leaf leaf;
    ASSERT_TRUE(leaf.ParseFromString(*bytes));
    EXPECT_EQ(leaf.event(), "system.erasure_begun");
  }

  static void CheckReads(server::Gateway* gateway, const Person& victim,
                         const std::string& id, bool keeps) {
    for (const v1::SubjectRef& ref : {ByEmail(victim.email), ById(id)}) {
      const auto answer = Read(gateway, "shop", kService, ref,
                               {"profile.given_name", "profile.email"});
      EXPECT_EQ(answer.decision().effect(), v1::EFFECT_DENY);
      EXPECT_TRUE(answer.fields().empty());
      EXPECT_TRUE(answer.records().empty());
    }
    const auto kept = Read(
        gateway, "books", kLegal, ById(id),
        {"order.number", "order.total", "order.items", "profile.given_name"});
    std::set<std::string> fields;
    for (const auto& record : kept.records()) {
      for (const auto& field : record.fields()) fields.insert(field.name());
    }
    for (const auto& field : kept.fields()) fields.insert(field.name());
    if (keeps) {
      EXPECT_EQ(kept.decision().effect(), v1::EFFECT_PERMIT)
          << kept.ShortDebugString();
      EXPECT_EQ(fields, (std::set<std::string>{"order.number", "order.total"}))
          << kept.ShortDebugString();
    } else {
      EXPECT_EQ(kept.decision().effect(), v1::EFFECT_DENY);
      EXPECT_TRUE(fields.empty());
    }
  }

  static void CheckReimport(server::Gateway* gateway, const Person& victim) {
    const auto held_back = [&](const std::vector<v1::ImportRow>& rows) {
      for (const auto& result : Import(gateway, rows)) {
        EXPECT_EQ(result.outcome(), v1::WRITE_OUTCOME_QUARANTINED)
            << result.ShortDebugString();
        ASSERT_FALSE(result.faults().empty());
        EXPECT_EQ(result.faults(0).reason(), v1::ERROR_REASON_SUBJECT_ERASED);
      }
    };
    held_back(victim.Rows());
    // Under one of her names, by another key.
    v1::ImportRow row = victim.Row("profile", "another key");
    row.mutable_identifiers()->DeleteSubrange(0, 1);
    (*row.mutable_values())["given_name"].set_string_value("Anna");
    held_back({row});
    // A new relationship is one only after the erasure.
    row.set_new_relationship(true);
    held_back({row});
    row.mutable_collect_time()->set_seconds(1'700'000'000);
    held_back({row});
    // Which the clock may not have passed yet, to the second.
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    const int64_t now_us = gateway->committer()->NowUs();
    row.mutable_collect_time()->set_seconds(now_us / 1'000'000);
    const auto results = Import(gateway, {row});
    ASSERT_EQ(results.size(), 1u);
    EXPECT_EQ(results[0].outcome(), v1::WRITE_OUTCOME_CREATED)
        << results[0].ShortDebugString();
  }

  // No tag of any key that is left stands in an entry from before, but the
  // neighbour's.
  static void CheckTags(const Keys& keys, const Site& site,
                        const std::vector<store::v1::Leaf>& leaves,
                        uint64_t size, uint64_t subject, uint64_t neighbour) {
    auto config = server::LoadConfig(site.folder(), server::PackIds());
    ASSERT_OK(config);
    std::set<uint32_t> months;
    for (const auto& leaf : leaves) {
      months.insert(crypto::MonthOf(leaf.time_us()));
    }
    const auto tags = server::MakeTagResolver(
        keys.slots.get(),
        config->message.storage().log_origin())({months.begin(), months.end()});
    ASSERT_OK(tags);
    bool neighbour_found = false;
    for (uint64_t index = 0; index < size; ++index) {
      for (const auto& told : leaves[index].subjects()) {
        const auto known = tags->find(told.tag());
        if (known == tags->end()) continue;
        EXPECT_NE(known->second, subject) << "entry " << index;
        neighbour_found |= known->second == neighbour;
      }
    }
    EXPECT_TRUE(neighbour_found);
  }
};

TEST_P(Promise4, NothingOfTheCustomerIsLeft) { Erase(/*keeps=*/false); }

INSTANTIATE_TEST_SUITE_P(KilledAt, Promise4,
                         ::testing::Values("", "destroy", "rows", "end"),
                         [](const auto& step) {
                           return step.param.empty() ? std::string("nothing")
                                                     : step.param;
                         });

class Promise4Keeping : public Promise4 {};

TEST_P(Promise4Keeping, OfAKeptInvoiceExactlyThatIsLeft) {
  Erase(/*keeps=*/true);
}

INSTANTIATE_TEST_SUITE_P(KilledAt, Promise4Keeping,
                         ::testing::Values("", "begin", "new_keys", "reseal",
                                           "destroy", "drop_old_keys", "rows",
                                           "forget", "end", "done"),
                         [](const auto& step) {
                           return step.param.empty() ? std::string("nothing")
                                                     : step.param;
                         });

// The index of the log can be made anew; that it is broken keeps nobody from
// withdrawing.
TEST(Promise4BrokenIndex, AnErasureWaitsForItAndTheGatewayDoesNot) {
  Site site;
  const Person victim{.key = "victim",
                      .email = "victim@example.com",
                      .name = "Anna",
                      .ordered = false};
  uint64_t subject = 0;
  {
    auto gateway = site.Open();
    ASSERT_NE(gateway, nullptr);
    Register(gateway.get(), "shop", kService);
    Import(gateway.get(), victim.Rows());
    subject = NumberOf(gateway.get(),
                       Read(gateway.get(), "shop", kService,
                            ByEmail(victim.email), {"profile.given_name"})
                           .subject_id());
    ASSERT_NE(subject, 0u);
    ASSERT_OK(gateway->Close());
  }
  EraseAndDie(site, subject, "forget");
  const std::string index = site.data() + "/trail.db";
  {
    auto gateway = site.Open([&](std::string_view step) {
      if (step != "forget") return;
      for (const char* suffix : {"", "-wal"}) {
        std::error_code none;
        const auto size = std::filesystem::file_size(index + suffix, none);
        if (none || size == 0) continue;
        std::fstream file(index + suffix,
                          std::ios::in | std::ios::out | std::ios::binary);
        file << std::string(size, '\x5a');
      }
    });
    ASSERT_NE(gateway, nullptr);
    {
      auto lease = gateway->readers()->Acquire();
      ASSERT_OK(lease);
      const auto status = gateway->erasures()->StatusOf(lease->get(), kCase);
      ASSERT_OK(status);
      ASSERT_TRUE(status->has_value());
      EXPECT_EQ((*status)->state, ErasureState::kDestroyed);
    }
    EXPECT_EQ(Read(gateway.get(), "shop", kService, ByEmail(victim.email),
                   {"profile.given_name"})
                  .decision()
                  .effect(),
              v1::EFFECT_DENY);
    ASSERT_OK(gateway->Close());
  }
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(index + suffix);
  }
  auto gateway = site.Open();
  ASSERT_NE(gateway, nullptr);
  EXPECT_EQ(WaitDone(gateway.get()), ErasureState::kDone);
}

}  // namespace
}  // namespace consentry
