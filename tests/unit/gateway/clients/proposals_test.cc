#include "gateway/clients/proposals.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/clients/client_table.h"
#include "gateway/clients/policy_admin.h"
#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/store_fixture.h"
#include "tests/unit/gateway/clients/sample_policy.h"

namespace consentry::clients {
namespace {

constexpr char kMethod[] = "Test.AddClient";
constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;

// Proposals to add the registration whose id is their request, on a real store.
class ProposalsTest : public ::testing::Test {
 protected:
  void Open(ApprovalRules rules) {
    ASSERT_OK(store_.Start());
    writer_.emplace(store_.committer(), &registry_);
    ASSERT_OK_AND_ASSIGN(auto readers,
                         store::ReaderPool::Open(store_.engine()));
    readers_ = std::move(readers);
    PolicyAdmin policy(&*writer_, &registry_);
    {
      ASSERT_OK_AND_ASSIGN(auto lease, readers_->Acquire());
      ASSERT_OK(policy.LoadFiles(lease.get(), SampleSources(), true));
    }
    for (const auto& [id, digit] :
         {std::pair("alice", 'a'), {"bob", 'b'}, {"carol", 'c'}}) {
      ConfigurationWriter::Plan plan;
      plan.caller.event = "client.create";
      plan.edit = [client = StoredClient(id, digit)](
                      store::Connection* writer, int64_t, ConfigurationDraft*) {
        return InsertClient(writer, client);
      };
      ASSERT_OK(writer_->CommitAndWait(std::move(plan)).status);
    }
    Make(rules);
  }
  void Make(ApprovalRules rules) {
    proposals_.emplace(Proposals::Options{.writer = &*writer_,
                                          .committer = store_.committer(),
                                          .readers = readers_.get(),
                                          .registry = &registry_,
                                          .rules = rules});
    proposals_->SetBuilder(
        kMethod,
        [](const store::v1::StoredProposal& proposal)
            -> absl::StatusOr<ConfigurationWriter::Edit> {
          const std::string id = proposal.request();
          return ConfigurationWriter::Edit(
              [id](store::Connection* writer, int64_t, ConfigurationDraft*) {
                return InsertClient(writer, StoredClient(id, id.back()));
              });
        });
  }

  static CallerContext By(const std::string& client,
                          const std::string& person = "") {
    CallerContext caller;
    caller.client_id = client;
    caller.method = kMethod;
    caller.event = "client.create";
    if (!person.empty()) {
      caller.person = Person{};
      caller.person->id = person;
    }
    return caller;
  }

  std::string Propose(const CallerContext& caller, const std::string& client) {
    store::v1::StoredProposal proposal;
    proposal.set_method(kMethod);
    proposal.set_request(client);
    proposal.set_target("client " + client);
    std::promise<store::ChangeOutcome> promise;
    proposals_->Propose(
        caller, proposal, std::nullopt,
        [](const std::string& id) { return id; },
        [&](store::ChangeOutcome outcome) {
          promise.set_value(std::move(outcome));
        });
    const auto outcome = promise.get_future().get();
    EXPECT_OK(outcome.status);
    return outcome.result;
  }
  absl::StatusOr<v1::Proposal> Approve(const CallerContext& caller,
                                       const std::string& id) {
    v1::ApproveProposalRequest request;
    request.set_id(id);
    std::promise<absl::StatusOr<v1::Proposal>> promise;
    proposals_->Approve(caller, request, [&](auto outcome) {
      promise.set_value(std::move(outcome));
    });
    return promise.get_future().get();
  }
  absl::StatusOr<v1::Proposal> Reject(const CallerContext& caller,
                                      const std::string& id) {
    v1::RejectProposalRequest request;
    request.set_id(id);
    std::promise<absl::StatusOr<v1::Proposal>> promise;
    proposals_->Reject(caller, request, [&](auto outcome) {
      promise.set_value(std::move(outcome));
    });
    return promise.get_future().get();
  }

  bool Exists(const std::string& client) const {
    return registry_.current()->FindById(client) != nullptr;
  }
  std::vector<std::string> Listed(v1::ProposalState state) {
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
  size_t Entries() { return store_.log().entries().size(); }
  static v1::ErrorReason Why(const absl::Status& status) {
    return consentry::ReasonOf(status).value_or(v1::ERROR_REASON_UNSPECIFIED);
  }

  testing::StoreFixture store_;
  Registry registry_{{.engine_version = "test 1", .extra_permissions = {}}};
  std::optional<ConfigurationWriter> writer_;
  std::unique_ptr<store::ReaderPool> readers_;
  std::optional<Proposals> proposals_;
};

constexpr ApprovalRules kTwo = {.mode = ApprovalRules::Mode::kByAnother};
constexpr ApprovalRules kAlone = {.mode = ApprovalRules::Mode::kAfterWait,
                                  .wait_us = 24 * kHourUs};

TEST_F(ProposalsTest, OneProposesAndOnlyAnotherApproves) {
  Open(kTwo);
  const size_t entries = Entries();
  const std::string id = Propose(By("alice"), "new-d");
  EXPECT_EQ(Entries(), entries + 1);
  EXPECT_FALSE(Exists("new-d"));
  EXPECT_EQ(Why(Approve(By("alice"), id).status()),
            v1::ERROR_REASON_STATE_INVALID);
  EXPECT_FALSE(Exists("new-d"));
  EXPECT_EQ(Entries(), entries + 1);
  const auto approved = Approve(By("bob"), id);
  ASSERT_OK(approved);
  EXPECT_EQ(approved->state(), v1::PROPOSAL_STATE_APPROVED);
  EXPECT_EQ(approved->proposed_by(), "alice");
  EXPECT_EQ(approved->decided_by(), "bob");
  EXPECT_TRUE(Exists("new-d"));
  EXPECT_EQ(Entries(), entries + 2);
  EXPECT_EQ(Why(Approve(By("carol"), id).status()),
            v1::ERROR_REASON_STATE_INVALID);
  EXPECT_EQ(Why(Approve(By("bob"), "prp_nothing").status()),
            v1::ERROR_REASON_NOT_FOUND);
}

// A person behind two registrations is one, two behind one are two.
TEST_F(ProposalsTest, TokensTellPersonsApart) {
  Open(kTwo);
  const std::string first = Propose(By("alice", "stf_one"), "new-d");
  EXPECT_EQ(Why(Approve(By("bob", "stf_one"), first).status()),
            v1::ERROR_REASON_STATE_INVALID);
  // Without a token nobody knows whether it is another person.
  EXPECT_EQ(Why(Approve(By("alice"), first).status()),
            v1::ERROR_REASON_STATE_INVALID);
  ASSERT_OK(Approve(By("alice", "stf_two"), first));
  EXPECT_TRUE(Exists("new-d"));
}

TEST_F(ProposalsTest, ARejectedOneNeverTakesEffect) {
  Open(kTwo);
  const std::string refused = Propose(By("alice"), "new-d");
  const auto rejected = Reject(By("bob"), refused);
  ASSERT_OK(rejected);
  EXPECT_EQ(rejected->state(), v1::PROPOSAL_STATE_REJECTED);
  const std::string taken_back = Propose(By("alice"), "new-d");
  ASSERT_OK_AND_ASSIGN(const v1::Proposal withdrawn,
                       Reject(By("alice"), taken_back));
  EXPECT_EQ(withdrawn.state(), v1::PROPOSAL_STATE_WITHDRAWN);
  for (const std::string& id : {refused, taken_back}) {
    EXPECT_EQ(Why(Approve(By("carol"), id).status()),
              v1::ERROR_REASON_STATE_INVALID);
    EXPECT_EQ(Why(Reject(By("carol"), id).status()),
              v1::ERROR_REASON_STATE_INVALID);
  }
  EXPECT_FALSE(Exists("new-d"));
}

TEST_F(ProposalsTest, WhoeverWorksAloneWaits) {
  Open(kAlone);
  const std::string id = Propose(By("alice"), "new-d");
  store_.clock().AdvanceUs(23 * kHourUs);
  ASSERT_OK(proposals_->RunDue());
  EXPECT_FALSE(Exists("new-d"));
  EXPECT_EQ(Why(Approve(By("alice"), id).status()),
            v1::ERROR_REASON_STATE_INVALID);
  store_.clock().AdvanceUs(kHourUs);
  ASSERT_OK(proposals_->RunDue());
  EXPECT_TRUE(Exists("new-d"));
  EXPECT_EQ(Listed(v1::PROPOSAL_STATE_APPROVED), std::vector<std::string>{id});
}

// What waited under one operator does not come into force by time once two are
// needed.
TEST_F(ProposalsTest, TimeApprovesNothingWhereAnotherPersonMust) {
  Open(kAlone);
  const std::string id = Propose(By("alice"), "new-d");
  Make(kTwo);
  store_.clock().AdvanceUs(48 * kHourUs);
  ASSERT_OK(proposals_->RunDue());
  EXPECT_FALSE(Exists("new-d"));
  ASSERT_OK(Approve(By("bob"), id));
  EXPECT_TRUE(Exists("new-d"));
}

TEST_F(ProposalsTest, WhatNobodyApprovedInTimeIsOver) {
  Open(kTwo);
  const std::string id = Propose(By("alice"), "new-d");
  store_.clock().AdvanceUs(Proposals::kLifetimeUs - kHourUs);
  ASSERT_OK(proposals_->RunDue());
  EXPECT_EQ(Listed(v1::PROPOSAL_STATE_OPEN).size(), 1u);
  store_.clock().AdvanceUs(kHourUs);
  const size_t entries = Entries();
  ASSERT_OK(proposals_->RunDue());
  EXPECT_EQ(Entries(), entries + 1);
  EXPECT_EQ(Listed(v1::PROPOSAL_STATE_EXPIRED), std::vector<std::string>{id});
  EXPECT_EQ(Why(Approve(By("bob"), id).status()),
            v1::ERROR_REASON_STATE_INVALID);
  EXPECT_FALSE(Exists("new-d"));
}

// Not even before the sweep that closes it came by.
TEST_F(ProposalsTest, APastOneIsNotApprovedBeforeItIsClosed) {
  Open(kTwo);
  const std::string id = Propose(By("alice"), "new-d");
  store_.clock().AdvanceUs(Proposals::kLifetimeUs);
  EXPECT_EQ(Why(Approve(By("bob"), id).status()),
            v1::ERROR_REASON_STATE_INVALID);
  EXPECT_FALSE(Exists("new-d"));
}

TEST_F(ProposalsTest, TwoApprovalsAtOnceMakeOne) {
  Open(kTwo);
  const std::string id = Propose(By("alice"), "new-d");
  const size_t entries = Entries();
  absl::StatusOr<v1::Proposal> first;
  absl::StatusOr<v1::Proposal> second;
  {
    std::thread one([&] { first = Approve(By("bob"), id); });
    second = Approve(By("carol"), id);
    one.join();
  }
  EXPECT_NE(first.ok(), second.ok());
  EXPECT_EQ(Why(first.ok() ? second.status() : first.status()),
            v1::ERROR_REASON_STATE_INVALID);
  EXPECT_EQ(Entries(), entries + 1);
  EXPECT_TRUE(Exists("new-d"));
}

// Everything is checked anew: of two that want the same the second stays open,
// for somebody to reject, and fails where time would have put it into force.
TEST_F(ProposalsTest, WhatAnotherOvertookDoesNotTakeEffect) {
  Open(kTwo);
  const std::string first = Propose(By("alice"), "new-d");
  const std::string second = Propose(By("alice"), "new-d");
  ASSERT_OK(Approve(By("bob"), first));
  EXPECT_EQ(Why(Approve(By("bob"), second).status()),
            v1::ERROR_REASON_ALREADY_EXISTS);
  EXPECT_EQ(Listed(v1::PROPOSAL_STATE_OPEN), std::vector<std::string>{second});
  ASSERT_OK(Reject(By("bob"), second));

  Make(kAlone);
  const std::string late = Propose(By("alice"), "new-d");
  store_.clock().AdvanceUs(24 * kHourUs);
  ASSERT_OK(proposals_->RunDue());
  EXPECT_EQ(Listed(v1::PROPOSAL_STATE_FAILED), std::vector<std::string>{late});
}

TEST_F(ProposalsTest, RevokingTheProposerStopsWhatItProposed) {
  Open(kTwo);
  const std::string id = Propose(By("alice"), "new-d");
  ConfigurationWriter::Plan plan;
  plan.caller.event = "client.revoke";
  plan.edit = [](store::Connection* writer, int64_t,
                 ConfigurationDraft*) -> absl::Status {
    auto client = ReadClient(writer, "alice");
    EXPECT_OK(client);
    client->set_state(v1::CLIENT_STATE_REVOKED);
    return ReplaceClient(writer, *client);
  };
  ASSERT_OK(writer_->CommitAndWait(std::move(plan)).status);
  EXPECT_EQ(Why(Approve(By("bob"), id).status()),
            v1::ERROR_REASON_STATE_INVALID);
  EXPECT_FALSE(Exists("new-d"));
}

TEST_F(ProposalsTest, NothingWaitsDuringSetupNorForTheGatewayItself) {
  ApprovalRules rules = kTwo;
  rules.setup_ends_us = INT64_MAX;
  Open(rules);
  EXPECT_FALSE(proposals_->Needed(By("alice")));
  Make(kTwo);
  EXPECT_TRUE(proposals_->Needed(By("alice")));
  EXPECT_FALSE(proposals_->Needed({}));
}

}  // namespace
}  // namespace consentry::clients
