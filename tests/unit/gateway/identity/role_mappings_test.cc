#include "gateway/identity/role_mappings.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gateway/clients/policy_admin.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/store_fixture.h"
#include "tests/unit/gateway/clients/sample_policy.h"

namespace consentry::identity {
namespace {

using clients::ApprovalRules;
using config::v1::Identity;
using config::v1::StaffRole;

constexpr char kIssuer[] = "https://login.example";
constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;

Identity Mapping(const std::string& group, StaffRole::Value role) {
  Identity identity;
  auto* issuer = identity.add_issuers();
  issuer->set_issuer(kIssuer);
  issuer->set_audience("consentry");
  auto* rule = issuer->add_roles();
  rule->set_group(group);
  rule->add_roles(role);
  return identity;
}

class RoleMappingsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(store_.Start());
    writer_.emplace(store_.committer(), &registry_);
    ASSERT_OK_AND_ASSIGN(readers_, store::ReaderPool::Open(store_.engine()));
    clients::PolicyAdmin policy(&*writer_, &registry_);
    ASSERT_OK_AND_ASSIGN(auto lease, readers_->Acquire());
    ASSERT_OK(policy.LoadFiles(lease.get(), clients::SampleSources(), true));
  }

  void Start(const Identity& configured, bool first = false,
             ApprovalRules::Mode mode = ApprovalRules::Mode::kByAnother) {
    mappings_.reset();
    proposals_.emplace(clients::Proposals::Options{
        .writer = &*writer_,
        .committer = store_.committer(),
        .readers = readers_.get(),
        .registry = &registry_,
        .rules = {.mode = mode, .wait_us = 24 * kHourUs}});
    mappings_.emplace(&*writer_, &*proposals_);
    ASSERT_OK_AND_ASSIGN(auto lease, readers_->Acquire());
    ASSERT_OK(mappings_->Load(lease.get(), configured, first));
  }
  // The group whose members have a role; empty: nobody's.
  std::string Group() {
    const Identity& now = *mappings_->current();
    const auto& issuer = IssuerOf(now, kIssuer);
    return issuer.roles_size() == 1 ? issuer.roles(0).group() : "";
  }
  std::vector<v1::Proposal> Open() {
    auto lease = readers_->Acquire();
    EXPECT_OK(lease);
    int64_t next = 0;
    const auto page = proposals_->List(lease->get(), v1::PROPOSAL_STATE_OPEN,
                                       INT64_MAX, 100, &next);
    EXPECT_OK(page);
    return {page->proposals().begin(), page->proposals().end()};
  }
  absl::Status Approve(const std::string& id) {
    clients::CallerContext caller;
    caller.client_id = "officer";
    v1::ApproveProposalRequest request;
    request.set_id(id);
    std::promise<absl::Status> promise;
    proposals_->Approve(caller, request, [&](const auto& outcome) {
      promise.set_value(outcome.status());
    });
    return promise.get_future().get();
  }
  size_t Entries() { return store_.log().entries().size(); }

  testing::StoreFixture store_;
  clients::Registry registry_{
      {.engine_version = "test 1", .extra_permissions = {}}};
  std::optional<clients::ConfigurationWriter> writer_;
  std::unique_ptr<store::ReaderPool> readers_;
  std::optional<clients::Proposals> proposals_;
  std::optional<RoleMappings> mappings_;
};

TEST_F(RoleMappingsTest, TheFirstIsInForceAtOnceAndEntered) {
  const size_t entries = Entries();
  Start(Mapping("admins", StaffRole::ADMIN), /*first=*/true);
  EXPECT_EQ(Group(), "admins");
  EXPECT_TRUE(Open().empty());
  ASSERT_EQ(Entries(), entries + 1);
  EXPECT_TRUE(absl::StrContains(store_.log().entries().back(), "roles="));
  Start(Mapping("admins", StaffRole::ADMIN));
  EXPECT_EQ(Group(), "admins");
  EXPECT_EQ(Entries(), entries + 1);
}

TEST_F(RoleMappingsTest, AnotherWaitsForAnotherPerson) {
  Start(Mapping("admins", StaffRole::ADMIN), /*first=*/true);
  const Identity wider = Mapping("everybody", StaffRole::ADMIN);
  Start(wider);
  EXPECT_EQ(Group(), "admins");
  ASSERT_EQ(Open().size(), 1u);
  // Whoever approves sees what it is.
  const v1::Proposal proposal = Open().front();
  ASSERT_EQ(proposal.changes_size(), 3);
  EXPECT_EQ(proposal.changes(1),
            "adds https://login.example group=everybody: ADMIN");
  EXPECT_EQ(proposal.changes(2),
            "removes https://login.example group=admins: ADMIN");
  // Once, however often the gateway starts.
  Start(wider);
  EXPECT_EQ(Open().size(), 1u);
  const auto before = mappings_->current();
  ASSERT_OK(Approve(proposal.id()));
  EXPECT_EQ(Group(), "everybody");
  EXPECT_NE(mappings_->current(), before);
  Start(wider);
  EXPECT_EQ(Group(), "everybody");
  EXPECT_TRUE(Open().empty());
}

TEST_F(RoleMappingsTest, WhatTheFileNoLongerHoldsIsTakenBack) {
  Start(Mapping("admins", StaffRole::ADMIN), /*first=*/true);
  Start(Mapping("everybody", StaffRole::ADMIN));
  const std::string id = Open().front().id();
  Start(Mapping("admins", StaffRole::ADMIN));
  EXPECT_TRUE(Open().empty());
  EXPECT_FALSE(Approve(id).ok());
  EXPECT_EQ(Group(), "admins");
}

TEST_F(RoleMappingsTest, AnIssuerThatIsAddedLaterGivesNobodyARoleAtOnce) {
  Start({}, /*first=*/true);
  Start(Mapping("admins", StaffRole::ADMIN));
  EXPECT_EQ(Group(), "");
  EXPECT_EQ(Open().size(), 1u);
  Start(Mapping("admins", StaffRole::ADMIN), /*first=*/false,
        ApprovalRules::Mode::kAtOnce);
  EXPECT_EQ(Group(), "admins");
}

TEST_F(RoleMappingsTest, OneOperatorWaits) {
  Start(Mapping("admins", StaffRole::ADMIN), /*first=*/true);
  Start(Mapping("everybody", StaffRole::ADMIN), /*first=*/false,
        ApprovalRules::Mode::kAfterWait);
  store_.clock().AdvanceUs(23 * kHourUs);
  ASSERT_OK(proposals_->RunDue());
  EXPECT_EQ(Group(), "admins");
  store_.clock().AdvanceUs(2 * kHourUs);
  ASSERT_OK(proposals_->RunDue());
  EXPECT_EQ(Group(), "everybody");
}

}  // namespace
}  // namespace consentry::identity
