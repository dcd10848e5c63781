#include "gateway/clients/policy_admin.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/store_fixture.h"
#include "tests/unit/gateway/clients/sample_policy.h"

namespace consentry::clients {
namespace {

// What a start does with files and packs while two persons are needed.
class LoadFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(store_.Start());
    writer_.emplace(store_.committer(), &registry_);
    ASSERT_OK_AND_ASSIGN(readers_, store::ReaderPool::Open(store_.engine()));
    Start(SampleSources());
  }

  // A program starts with these files and packs.
  void Start(store::v1::StoredPolicy sources, bool all_packs = true) {
    proposals_.emplace(
        Proposals::Options{.writer = &*writer_,
                           .committer = store_.committer(),
                           .readers = readers_.get(),
                           .registry = &registry_,
                           .rules = {.mode = ApprovalRules::Mode::kByAnother}});
    policy_.emplace(&*writer_, &registry_);
    policy_->WaitIn(&*proposals_);
    ASSERT_OK_AND_ASSIGN(auto lease, readers_->Acquire());
    ASSERT_OK(policy_->LoadFiles(lease.get(), std::move(sources), all_packs));
  }

  static store::v1::StoredPack* PackOf(store::v1::StoredPolicy* policy,
                                       const std::string& name) {
    for (auto& pack : *policy->mutable_packs()) {
      if (pack.name() == name) return &pack;
    }
    ADD_FAILURE() << name;
    return policy->add_packs();
  }
  bool InForce(const std::string& name, const std::string& text) {
    store::v1::StoredPolicy policy = registry_.current()->policy().sources;
    for (const auto& pack : policy.packs()) {
      if (pack.name() == name) return absl::StrContains(pack.text(), text);
    }
    return false;
  }
  std::vector<std::string> Open(
      v1::ProposalState state = v1::PROPOSAL_STATE_OPEN) {
    auto lease = readers_->Acquire();
    EXPECT_OK(lease);
    int64_t next = 0;
    const auto page =
        proposals_->List(lease->get(), state, INT64_MAX, 100, &next);
    EXPECT_OK(page);
    std::vector<std::string> ids;
    for (const auto& proposal : page->proposals()) ids.push_back(proposal.id());
    return ids;
  }
  absl::Status Approve(const std::string& id) {
    CallerContext caller;
    caller.client_id = "officer";
    v1::ApproveProposalRequest request;
    request.set_id(id);
    std::promise<absl::Status> promise;
    proposals_->Approve(caller, request, [&](const auto& outcome) {
      promise.set_value(outcome.status());
    });
    return promise.get_future().get();
  }
  bool Entered(const std::string& text) {
    for (const std::string& entry : store_.log().entries()) {
      if (absl::StrContains(entry, text)) return true;
    }
    return false;
  }

  testing::StoreFixture store_;
  Registry registry_{{.engine_version = "test 1", .extra_permissions = {}}};
  std::optional<ConfigurationWriter> writer_;
  std::unique_ptr<store::ReaderPool> readers_;
  std::optional<Proposals> proposals_;
  std::optional<PolicyAdmin> policy_;
};

TEST_F(LoadFilesTest, PacksOfANewProgramWaitForNobodyAndAreEntered) {
  auto sources = SampleSources();
  PackOf(&sources, "us-tx.txtpb")->mutable_text()->append("# edition two\n");
  Start(sources);
  EXPECT_TRUE(InForce("us-tx.txtpb", "edition two"));
  EXPECT_TRUE(Open().empty());
  EXPECT_TRUE(Entered("system.packs_updated"));
  EXPECT_TRUE(Entered("pack=us-tx.txtpb"));
  EXPECT_FALSE(Entered("pack=us-ca.txtpb"));
  const size_t entries = store_.log().entries().size();
  Start(sources);
  EXPECT_EQ(store_.log().entries().size(), entries);
}

TEST_F(LoadFilesTest, WhatAPersonChangedWaitsBesideANewPack) {
  auto sources = SampleSources();
  PackOf(&sources, "us-tx.txtpb")->mutable_text()->append("# edition two\n");
  sources.mutable_catalog()->append("# by hand\n");
  Start(sources);
  EXPECT_TRUE(InForce("us-tx.txtpb", "edition two"));
  EXPECT_FALSE(absl::StrContains(
      registry_.current()->policy().sources.catalog(), "by hand"));
  ASSERT_EQ(Open().size(), 1u);
  // Approved under a later program, it brings no pack of the earlier back.
  PackOf(&sources, "us-tx.txtpb")->mutable_text()->append("# edition three\n");
  Start(sources);
  ASSERT_EQ(Open().size(), 1u);
  ASSERT_OK(Approve(Open().front()));
  EXPECT_TRUE(absl::StrContains(registry_.current()->policy().sources.catalog(),
                                "by hand"));
  EXPECT_TRUE(InForce("us-tx.txtpb", "edition three"));
}

TEST_F(LoadFilesTest, APackThatSomebodyChoseOrLeftOutWaits) {
  auto fewer = SampleSources();
  fewer.mutable_packs()->erase(fewer.packs().begin());
  Start(fewer, /*all_packs=*/false);
  ASSERT_EQ(Open().size(), 1u);
  EXPECT_TRUE(InForce(SampleSources().packs(0).name(), ""));
  ASSERT_OK(Approve(Open().front()));
  EXPECT_FALSE(InForce(SampleSources().packs(0).name(), ""));
  Start(SampleSources(), /*all_packs=*/false);
  EXPECT_FALSE(InForce(SampleSources().packs(0).name(), ""));
  EXPECT_EQ(Open().size(), 1u);
  // One that the program brings and nobody left out comes with it.
  Start(SampleSources(), /*all_packs=*/true);
  EXPECT_TRUE(InForce(SampleSources().packs(0).name(), ""));
}

TEST_F(LoadFilesTest, FilesThatChangeAgainTakeTheirProposalBack) {
  auto first = SampleSources();
  first.mutable_catalog()->append("# one\n");
  Start(first);
  const auto one = Open();
  ASSERT_EQ(one.size(), 1u);
  auto second = SampleSources();
  second.mutable_catalog()->append("# two\n");
  Start(second);
  ASSERT_EQ(Open().size(), 1u);
  EXPECT_NE(Open(), one);
  EXPECT_EQ(Open(v1::PROPOSAL_STATE_WITHDRAWN), one);
  EXPECT_FALSE(Approve(one.front()).ok());
  Start(SampleSources());
  EXPECT_TRUE(Open().empty());
  EXPECT_EQ(Open(v1::PROPOSAL_STATE_WITHDRAWN).size(), 2u);
}

}  // namespace
}  // namespace consentry::clients
