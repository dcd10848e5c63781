// Promise 5, "The log proves itself": whoever holds the public key and any
// later checkpoint can check, offline and without the gateway, that nothing up
// to it was changed, removed, inserted, reordered or cut off; and the log names
// no customer.
//
// Shown on the log of a real gateway that did all kinds of work, with a
// checkpoint that an auditor fetched half way and kept. The log, live and
// exported, is tampered with in copies, in every way, by somebody who can write
// all files, and at last by the operator, who has the private key too. Two
// verifiers that share no code (two_verifiers.h) must both find each, name what
// was done and the entry where it was done; and find the honest log sound.

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "audit/io/file.h"
#include "audit/log/checkpoint.h"
#include "audit/log/export.h"
#include "audit/log/note.h"
#include "audit/log/reader.h"
#include "consentry/store/v1/leaf.pb.h"
#include "gateway/crypto/ids.h"
#include "tests/e2e/two_verifiers.h"
#include "tests/promises/asking.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tampered_log.h"
#include "tools/consentry/audit_offline.h"

namespace consentry {
namespace {

namespace fs = std::filesystem;

using testing::Ask;
using testing::ByEmail;
using testing::ById;
using testing::Entries;
using testing::FaultOf;
using testing::FullClient;
using testing::MustWrite;
using testing::OurVerdict;
using testing::ProfileOf;
using testing::PythonsVerdict;
using testing::Question;
using testing::ReadAll;
using testing::TestGateway;
using testing::Timed;
using testing::Told;
using testing::Way;

constexpr char kService[] = "essential.service.operations";
constexpr char kMarketing[] = "marketing.communications.email";

std::string Raw(const crypto::ObjectId& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

// A business day at a gateway: everything that writes an entry.
class Work {
 public:
  explicit Work(TestGateway* gateway) : gateway_(gateway) {}

  // `name` keeps the customers and clients of several days apart.
  void Do(const std::string& name) {
    const auto shop =
        gateway_->Connect(gateway_->Register(FullClient(name, kService)));
    const auto letters = gateway_->Connect(
        gateway_->Register(FullClient(name + "-letters", kMarketing)));
    Question question;
    question.purpose = kService;
    question.fields = {"profile.*"};
    question.context.set_acting_person("clerk-7");
    question.want_pseudonym = true;
    for (int i = 0; i < 4; ++i) {
      const std::string email =
          "Hildegund." + name + std::to_string(i) + "@quast.example";
      v1::WriteRecordRequest profile =
          ProfileOf("source-key-" + name + std::to_string(i), email);
      (*profile.mutable_values())["phone"].set_string_value("+491701234567");
      (*profile.mutable_values())["city"].set_string_value("Kleinkleckersdorf");
      profile.mutable_legal_facts()->set_birth_date("1971-02-03");
      question.subjects.push_back(ById(MustWrite(shop, profile)));
      ids_.push_back(question.subjects.back().id());
      emails_.push_back(email);
    }
    for (const Way way : testing::kWays) {
      const Told told = Ask(way, shop, question);
      EXPECT_TRUE(told.status.ok()) << told.status.error_message();
      for (const auto& result : told.results) {
        if (!result.pseudonym().empty()) {
          pseudonyms_.push_back(result.pseudonym());
        }
        decision_ = result.decision().id();
        reference_ = result.decision().audit_reference();
      }
    }
    // Refused, unknown, denied.
    question.purpose = kMarketing;
    EXPECT_FALSE(Ask(Way::kRead, shop, question).status.ok());
    question.purpose = kService;
    question.subjects = {ByEmail("nobody." + name + "@quast.example")};
    EXPECT_TRUE(Ask(Way::kRead, shop, question).status.ok());
    Choose(letters, ByEmail(emails_.back()));
    v1::ExplainDecisionRequest explain;
    explain.set_decision_id(decision_);
    v1::ExplainDecisionResponse explained;
    EXPECT_TRUE(v1::DataService::NewStub(shop)
                    ->ExplainDecision(Timed().get(), explain, &explained)
                    .ok());
  }

  // A checkpoint that covers all that was done so far, as its note.
  std::string Checkpoint() {
    const auto audit = v1::AuditService::NewStub(
        gateway_->Connect(gateway_->Made("compliance")));
    v1::AuditLog log;
    EXPECT_TRUE(
        audit->GetAuditLog(Timed().get(), v1::GetAuditLogRequest(), &log).ok());
    v1::GetCheckpointRequest get;
    get.set_min_size(log.size());
    v1::Checkpoint checkpoint;
    const grpc::Status status =
        audit->GetCheckpoint(Timed().get(), get, &checkpoint);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_GE(checkpoint.size(), log.size());
    return checkpoint.note();
  }

  const std::vector<std::string>& ids() const { return ids_; }
  const std::vector<std::string>& emails() const { return emails_; }
  const std::vector<std::string>& pseudonyms() const { return pseudonyms_; }
  const std::string& reference() const { return reference_; }

 private:
  static void Choose(const std::shared_ptr<grpc::Channel>& letters,
                     const v1::SubjectRef& subject) {
    const auto consent = v1::ConsentService::NewStub(letters);
    v1::RecordConsentRequest give;
    *give.mutable_subject() = subject;
    give.add_purposes(kMarketing);
    give.set_action(v1::CONSENT_ACTION_GIVE);
    give.mutable_notice()->set_id("marketing-consent");
    give.mutable_notice()->set_version(1);
    v1::RecordConsentResponse given;
    EXPECT_TRUE(consent->RecordConsent(Timed().get(), give, &given).ok());
    v1::WithdrawConsentRequest withdraw;
    *withdraw.mutable_subject() = subject;
    v1::WithdrawConsentResponse withdrawn;
    EXPECT_TRUE(
        consent->WithdrawConsent(Timed().get(), withdraw, &withdrawn).ok());
  }

  TestGateway* const gateway_;
  std::vector<std::string> ids_;
  std::vector<std::string> emails_;
  std::vector<std::string> pseudonyms_;
  std::string decision_;
  std::string reference_;
};

std::string KeyOf(const TestGateway& gateway) {
  std::string vkey = ReadAll(gateway.File("log-verifier.txt"));
  vkey.erase(vkey.find_last_not_of('\n') + 1);
  return vkey;
}

Entries EntriesIn(const std::string& log_folder) {
  const auto log =
      audit::LogReader::Open(audit::FileSystem::Posix(), log_folder);
  EXPECT_OK(log);
  Entries entries;
  EXPECT_OK((*log)->Scan(0, (*log)->size(), [&](uint64_t, std::string_view e) {
    entries.emplace_back(e);
    return true;
  }));
  return entries;
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

class TheLogProvesItself : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new testing::TempDir();
    gateway_ = new TestGateway();
    gateway_->Start();
    work_ = new Work(gateway_);
    work_->Do("monday");
    // The auditor's, on paper if need be.
    WriteFile(Kept(), work_->Checkpoint());
    work_->Do("tuesday");
    ASSERT_OK(gateway_->Stop());
    // Tests that start the gateway again add to its own.
    fs::copy(gateway_->File("data/log"), Live(), fs::copy_options::recursive);
    std::ostringstream out;
    ASSERT_EQ(tools::RunAuditExport({Live(), Exported(), false}, out, out), 0);
    entries_ = new Entries(EntriesIn(Live()));
    ASSERT_GE(entries_->size(), 30u);
  }
  static void TearDownTestSuite() {
    delete entries_;
    delete work_;
    delete gateway_;
    delete dir_;
  }

  static std::string Live() { return dir_->File("live"); }
  static std::string Exported() { return dir_->File("exported"); }
  static std::string Kept() { return dir_->File("kept-checkpoint"); }
  static std::string Key() { return KeyOf(*gateway_); }
  static std::string Origin() { return Key().substr(0, Key().find('+')); }
  static uint64_t KeptSize() {
    return audit::ParseCheckpointNote(ReadAll(Kept()))->checkpoint.size;
  }

  // Both verifiers say this of an exported log.
  static void ExpectBoth(const std::string& folder, const std::string& expected,
                         const std::string& checkpoint = "",
                         const std::string& key = Key()) {
    EXPECT_EQ(FaultOf(OurVerdict(folder, key, checkpoint)), expected) << folder;
    if (testing::HavePython()) {
      EXPECT_EQ(FaultOf(PythonsVerdict(folder, key, checkpoint)), expected)
          << folder;
    }
  }

  static std::string CopyOf(const std::string& folder,
                            const std::string& name) {
    const std::string copy = dir_->File(name);
    fs::copy(folder, copy, fs::copy_options::recursive);
    return copy;
  }
  // The live log's tree and checkpoints, with these entries below them, in
  // segments that chain as they should.
  static std::string LiveWith(const Entries& entries, const std::string& name) {
    const std::string copy = dir_->File(name);
    fs::create_directory(copy);
    for (const auto& part : fs::directory_iterator(Live())) {
      if (part.path().filename() == "segments") continue;
      fs::copy(part.path(), fs::path(copy) / part.path().filename(),
               fs::copy_options::recursive);
    }
    fs::create_directory(copy + "/segments");
    testing::ForgeSegments(audit::FileSystem::Posix(), copy, entries, Origin());
    return copy;
  }
  static std::string ExportWith(const Entries& entries,
                                const std::string& name) {
    const std::string copy = CopyOf(Exported(), name);
    testing::ForgeBundles(audit::FileSystem::Posix(), copy, entries);
    return copy;
  }
  // As an attacker would do it who knows the format: entries and every hash
  // over them anew. The checkpoint he cannot sign.
  static std::string RebuiltWith(const Entries& entries,
                                 const std::string& name) {
    audit::FileSystem* const posix = audit::FileSystem::Posix();
    const std::string live = LiveWith(entries, name + "-live");
    const auto log = audit::LogReader::Open(posix, live);
    EXPECT_OK(log);
    audit::SignedCheckpoint checkpoint;
    checkpoint.note = ReadAll(Exported() + "/checkpoint");
    checkpoint.checkpoint =
        audit::ParseCheckpointNote(checkpoint.note)->checkpoint;
    const std::string folder = dir_->File(name);
    // Says that the entries are not those of the checkpoint, having written all
    // but that.
    EXPECT_THAT(
        audit::ExportLog(**log, checkpoint, posix, folder, [](uint64_t) {}),
        testing::StatusIs(absl::StatusCode::kDataLoss));
    fs::copy(Exported() + "/checkpoint", folder + "/checkpoint");
    return folder;
  }

  static testing::TempDir* dir_;
  static TestGateway* gateway_;
  static Work* work_;
  static Entries* entries_;
};
testing::TempDir* TheLogProvesItself::dir_ = nullptr;
TestGateway* TheLogProvesItself::gateway_ = nullptr;
Work* TheLogProvesItself::work_ = nullptr;
Entries* TheLogProvesItself::entries_ = nullptr;

TEST_F(TheLogProvesItself, TheHonestLogIsFoundSound) {
  ExpectBoth(Exported(), "ok true");
  ExpectBoth(Exported(), "ok true", Kept());
  EXPECT_EQ(FaultOf(OurVerdict(Live(), Key(), Kept())), "ok true");
  EXPECT_GT(KeptSize(), 15u);
  EXPECT_LT(KeptSize(), entries_->size());
}

TEST_F(TheLogProvesItself, EachTamperingIsNamedWithItsEntry) {
  for (const auto& tampering : testing::Tamperings(entries_->size())) {
    Entries entries = *entries_;
    tampering.apply(&entries);
    const std::string expected = std::string(audit::NameOf(tampering.fault)) +
                                 " " + std::to_string(tampering.index);
    ExpectBoth(ExportWith(entries, tampering.name), expected, Kept());
    EXPECT_EQ(FaultOf(OurVerdict(LiveWith(entries, tampering.name + "-live"),
                                 Key(), Kept())),
              expected);
  }
}

TEST_F(TheLogProvesItself, AnEntryThatTellsAnotherStoryIsNamed) {
  // Every entry in turn, made to say that somebody else did it.
  int told_otherwise = 0;
  for (size_t i = 0; i < entries_->size(); i += 5) {
    Entries entries = *entries_;
    store::v1::Leaf leaf;
    ASSERT_TRUE(leaf.ParseFromString(entries[i]));
    leaf.set_client_id(leaf.client_id() == "monday" ? "tuesday" : "monday");
    entries[i] = leaf.SerializeAsString();
    ASSERT_NE(entries[i], (*entries_)[i]);
    ++told_otherwise;
    ExpectBoth(ExportWith(entries, "told" + std::to_string(i)),
               "changed " + std::to_string(i));
  }
  EXPECT_GE(told_otherwise, 6);
}

TEST_F(TheLogProvesItself, AnEntryWithAllHashesMadeAnewIsCaught) {
  // Before the kept checkpoint, and after it: then trust ends at that.
  for (const auto& [at, trust] :
       {std::pair<size_t, uint64_t>(3, 0),
        std::pair<size_t, uint64_t>(entries_->size() - 2, KeptSize())}) {
    Entries entries = *entries_;
    entries[at] += "x";
    const std::string folder =
        RebuiltWith(entries, "rebuilt" + std::to_string(at));
    ExpectBoth(folder, "root-mismatch 0");
    ExpectBoth(folder, "root-mismatch " + std::to_string(trust), Kept());
  }
}

TEST_F(TheLogProvesItself, AFlippedBitOfASegmentIsFound) {
  const std::string copy = CopyOf(Live(), "flipped");
  std::vector<std::string> segments;
  for (const auto& file : fs::directory_iterator(copy + "/segments")) {
    segments.push_back(file.path().string());
  }
  std::sort(segments.begin(), segments.end());
  std::string bytes = ReadAll(segments[0]);
  const size_t at = bytes.find("tuesday");
  ASSERT_NE(at, std::string::npos);
  bytes[at] ^= 1;
  WriteFile(segments[0], bytes);
  const std::string verdict = FaultOf(OurVerdict(copy, Key(), Kept()));
  const std::string changed = "changed ";
  ASSERT_EQ(verdict.substr(0, changed.size()), changed) << verdict;
  const auto index = std::stoul(verdict.substr(changed.size()));
  ASSERT_LT(index, entries_->size());
  EXPECT_NE((*entries_)[index].find("tuesday"), std::string::npos);
}

TEST_F(TheLogProvesItself, ATailThatWasCutBelowTheCheckpointIsFound) {
  Entries entries = *entries_;
  entries.resize(KeptSize() - 3);
  const std::string cut = "tail-cut " + std::to_string(entries.size());
  // With the log's own checkpoint, and without any but the kept one.
  std::string folder = ExportWith(entries, "cut");
  ExpectBoth(folder, cut);
  ExpectBoth(folder, cut, Kept());
  fs::remove(folder + "/checkpoint");
  fs::remove_all(folder + "/tile/0");
  ExpectBoth(folder, "missing-checkpoint 0");
  ExpectBoth(folder, cut, Kept());
}

TEST_F(TheLogProvesItself, ACheckpointThatTheLogsKeyDidNotSignIsFound) {
  const std::string path = CopyOf(Exported(), "forged") + "/checkpoint";
  const std::string folder = dir_->File("forged");
  const std::string good = ReadAll(path);
  const audit::Checkpoint checkpoint =
      audit::ParseCheckpointNote(good)->checkpoint;

  // Signed by another key, under the log's name.
  const auto stranger =
      *audit::SkeySigner::FromSeed(Origin(), std::string(32, 'x'));
  const std::string strange = audit::FormatNote(
      *audit::SignNote(audit::FormatCheckpoint(checkpoint), *stranger));
  WriteFile(path, strange);
  ExpectBoth(folder, "unknown-key 0");

  // Its text changed under the signature: a smaller log.
  std::string smaller = good;
  const std::string size = "\n" + std::to_string(checkpoint.size) + "\n";
  smaller.replace(smaller.find(size), size.size(),
                  "\n" + std::to_string(checkpoint.size - 1) + "\n");
  WriteFile(path, smaller);
  ExpectBoth(folder, "bad-signature 0");

  // As the one that is said to have been kept: neither passes for one.
  WriteFile(path, good);
  WriteFile(dir_->File("strange"), strange);
  ExpectBoth(folder, "unknown-key 0", dir_->File("strange"));
  WriteFile(dir_->File("smaller"), smaller);
  ExpectBoth(folder, "bad-signature 0", dir_->File("smaller"));
  ExpectBoth(folder, "ok true", Kept());
}

TEST_F(TheLogProvesItself, AnotherGatewaysLogDoesNotPassForThisOne) {
  TestGateway other;
  const std::string log = other.File("data/log");
  EXPECT_EQ(FaultOf(OurVerdict(log, KeyOf(other), "")), "ok true");
  EXPECT_NE(FaultOf(OurVerdict(log, Key(), "")), "ok true");
  EXPECT_NE(FaultOf(OurVerdict(log, KeyOf(other), Kept())), "ok true");
}

// --- The operator, who has the key ---

class TheOperator : public ::testing::Test {
 protected:
  static std::string Log(const TestGateway& gateway) {
    return gateway.File("data/log");
  }
};

TEST_F(TheOperator, ARewoundLogThatWasGoneOnWithIsCaughtByAKeptCheckpoint) {
  testing::TempDir dir;
  TestGateway gateway;
  gateway.Start();
  Work work(&gateway);
  work.Do("before");
  ASSERT_OK(gateway.Stop());
  fs::copy(gateway.File("data"), dir.File("backup"),
           fs::copy_options::recursive);

  gateway.Start();
  work.Do("regretted");
  const std::string kept = dir.File("kept");
  WriteFile(kept, work.Checkpoint());
  ASSERT_OK(gateway.Stop());
  const Entries honest = EntriesIn(Log(gateway));

  // The log alone does not go back: the gateway does not start.
  fs::rename(Log(gateway), dir.File("log"));
  fs::copy(dir.File("backup/log"), Log(gateway), fs::copy_options::recursive);
  EXPECT_THAT(
      server::Server::Open(gateway.folder(), {.address = "127.0.0.1:0"}),
      testing::StatusIs(absl::StatusCode::kDataLoss));

  // Everything goes back, and another history is written, longer than the one
  // that is to be forgotten, and signed.
  fs::remove_all(gateway.File("data"));
  fs::copy(dir.File("backup"), gateway.File("data"),
           fs::copy_options::recursive);
  gateway.Start();
  work.Do("instead");
  work.Do("and-more");
  ASSERT_OK(gateway.Stop());
  ASSERT_GT(EntriesIn(Log(gateway)).size(), honest.size());

  std::ostringstream ignored;
  const std::string exported = dir.File("exported");
  ASSERT_EQ(
      tools::RunAuditExport({Log(gateway), exported, false}, ignored, ignored),
      0);
  const std::string key = KeyOf(gateway);
  // Without a checkpoint from outside nothing shows: the limit that the README
  // states.
  EXPECT_EQ(FaultOf(OurVerdict(Log(gateway), key, "")), "ok true");
  // With it, the lie does.
  EXPECT_EQ(FaultOf(OurVerdict(Log(gateway), key, kept)), "rewound 0");
  EXPECT_EQ(FaultOf(OurVerdict(exported, key, kept)), "rewound 0");
  if (testing::HavePython()) {
    EXPECT_EQ(FaultOf(PythonsVerdict(exported, key, kept)), "rewound 0");
  }
}

// --- One entry ---

TEST_F(TheLogProvesItself, OneEntryIsProvedWithoutTheRest) {
  gateway_->Start();
  const auto audit = v1::AuditService::NewStub(
      gateway_->Connect(gateway_->Made("compliance")));
  v1::ProveInclusionRequest request;
  request.set_reference(work_->reference());
  v1::InclusionProof proof;
  const grpc::Status status =
      audit->ProveInclusion(Timed().get(), request, &proof);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_OK(gateway_->Stop());

  const std::string file = dir_->File("one.tlog-proof");
  WriteFile(file, proof.tlog_proof());
  const std::string entry = dir_->File("entry");
  const auto verify = [&](const std::string& bytes) {
    WriteFile(entry, bytes);
    std::ostringstream out;
    return tools::RunAuditVerifyProof({file, Key(), entry, false}, out, out);
  };
  EXPECT_EQ(verify(proof.leaf()), 0);
  store::v1::Leaf leaf;
  ASSERT_TRUE(leaf.ParseFromString(proof.leaf()));
  EXPECT_EQ(leaf.client_id(), "tuesday");
  leaf.set_client_id("monday");
  EXPECT_EQ(verify(leaf.SerializeAsString()), 2);
  EXPECT_EQ(verify(proof.leaf() + "x"), 2);
  EXPECT_EQ(verify(""), 2);
}

TEST_F(TheLogProvesItself, WhatTheApiExportsIsTheLog) {
  gateway_->Start();
  const auto stub = v1::AuditService::NewStub(
      gateway_->Connect(gateway_->Made("compliance")));
  const auto context = Timed();
  const auto stream =
      stub->ExportAuditEntries(context.get(), v1::ExportAuditEntriesRequest());
  v1::ExportAuditEntriesResponse message;
  Entries told;
  while (stream->Read(&message)) {
    told.insert(told.end(), message.leaves().begin(), message.leaves().end());
  }
  EXPECT_TRUE(stream->Finish().ok());
  ASSERT_OK(gateway_->Stop());
  ASSERT_GE(told.size(), entries_->size());
  told.resize(entries_->size());
  EXPECT_EQ(told, *entries_);
}

// --- It names no customer ---

TEST_F(TheLogProvesItself, ItNamesNoCustomer) {
  std::vector<std::string> names = {
      "Theodolinde", "Quastenflosser",    "hildegund",    "Hildegund",
      "@quast",      "quast.example",     "491701234567", "1701234567",
      "1971-02-03",  "Kleinkleckersdorf", "source-key-"};
  for (const std::string& id : work_->ids()) {
    const auto raw = crypto::ParseId(crypto::IdKind::kSubject, id);
    ASSERT_OK(raw);
    names.push_back(id);
    names.push_back(id.substr(4));
    names.push_back(Raw(*raw));
    names.push_back(absl::BytesToHexString(Raw(*raw)));
  }
  for (const std::string& pseudonym : work_->pseudonyms()) {
    names.push_back(pseudonym.substr(4));
  }
  // Nor anything that whoever knows an address can compute without a key.
  for (std::string email : work_->emails()) {
    for (char& c : email) c = static_cast<char>(std::tolower(c));
    unsigned char sha[crypto_hash_sha256_BYTES];
    unsigned char blake[crypto_generichash_BYTES];
    const auto* text = reinterpret_cast<const unsigned char*>(email.data());
    crypto_hash_sha256(sha, text, email.size());
    crypto_generichash(blake, sizeof blake, text, email.size(), nullptr, 0);
    for (const auto* hash : {sha, blake}) {
      // Half of it would do to recognise her.
      const std::string half(reinterpret_cast<const char*>(hash), 16);
      names.push_back(half);
      names.push_back(absl::BytesToHexString(half));
      names.push_back(absl::Base64Escape(half).substr(0, 20));
    }
  }

  std::vector<std::string> files;
  for (const std::string& folder : {Live(), Exported()}) {
    for (const auto& file : fs::recursive_directory_iterator(folder)) {
      if (file.is_regular_file()) files.push_back(file.path().string());
    }
  }
  bool control = false;
  for (const std::string& file : files) {
    std::string bytes = ReadAll(file);
    // Segments are made of zeros ahead of time.
    bytes.erase(bytes.find_last_not_of('\0') + 1);
    control = control || (bytes.find("tuesday") != std::string::npos &&
                          bytes.find(kMarketing) != std::string::npos);
    for (const std::string& name : names) {
      EXPECT_EQ(bytes.find(name), std::string::npos)
          << absl::CEscape(name) << " in " << file;
    }
  }
  EXPECT_TRUE(control) << "the search finds what is there";

  // Nor in what compliance is shown of it.
  gateway_->Start();
  const auto entries = testing::EntriesOf(*gateway_);
  ASSERT_OK(gateway_->Stop());
  ASSERT_GE(entries.size(), entries_->size());
  for (const v1::AuditEntry& entry : entries) {
    const std::string shown =
        entry.SerializeAsString() + entry.ShortDebugString();
    for (const std::string& name : names) {
      EXPECT_EQ(shown.find(name), std::string::npos) << absl::CEscape(name);
    }
  }
}

TEST_F(TheLogProvesItself, NobodyHasTheSameTagInTwoLogsOrAsAnother) {
  const auto tags_in = [](const Entries& entries) {
    std::vector<std::string> tags;
    for (const std::string& bytes : entries) {
      store::v1::Leaf leaf;
      EXPECT_TRUE(leaf.ParseFromString(bytes));
      for (const auto& subject : leaf.subjects()) {
        EXPECT_EQ(subject.tag().size(), 16u);
        tags.push_back(subject.tag());
      }
    }
    std::sort(tags.begin(), tags.end());
    tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
    return tags;
  };
  const std::vector<std::string> here = tags_in(*entries_);
  // One for each customer, and a new one for each who is not there: two days of
  // four customers and one stranger.
  EXPECT_EQ(here.size(), 10u);
  // The same people at another gateway.
  TestGateway other;
  other.Start();
  Work work(&other);
  work.Do("monday");
  ASSERT_OK(other.Stop());
  std::vector<std::string> both;
  const auto there = tags_in(EntriesIn(other.File("data/log")));
  std::set_intersection(here.begin(), here.end(), there.begin(), there.end(),
                        std::back_inserter(both));
  EXPECT_TRUE(both.empty());
}

}  // namespace
}  // namespace consentry
