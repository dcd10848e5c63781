#include "gateway/store/release_ticket.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace consentry::store {
namespace {

class ReleaseTicketTest : public ::testing::Test {
 protected:
  std::vector<ReleaseTicket> Open(uint64_t batch, int reads) {
    tracker_->OpenBatch(batch, reads);
    std::vector<ReleaseTicket> tickets;
    for (int i = 0; i < reads; ++i) tickets.push_back(tracker_->Issue(batch));
    return tickets;
  }

  std::shared_ptr<ReleaseTracker> tracker_ = std::make_shared<ReleaseTracker>();
};

TEST_F(ReleaseTicketTest, NothingOutstandingAnswersAtOnce) {
  bool done = false;
  tracker_->WhenReleasedBefore(5, [&] { done = true; });
  EXPECT_TRUE(done);
}

TEST_F(ReleaseTicketTest, WaitsForTheLastTicketOfEarlierBatchesOnly) {
  auto first = Open(1, 2);
  auto second = Open(2, 1);
  bool done = false;
  tracker_->WhenReleasedBefore(2, [&] { done = true; });
  EXPECT_FALSE(done);
  first.pop_back();
  EXPECT_FALSE(done);
  first.pop_back();
  EXPECT_TRUE(done) << "batch 2 is not waited for";
}

TEST_F(ReleaseTicketTest, LaterBatchReleasedFirstDoesNotAnswer) {
  auto first = Open(1, 1);
  auto second = Open(2, 1);
  bool done = false;
  tracker_->WhenReleasedBefore(3, [&] { done = true; });
  second.clear();
  EXPECT_FALSE(done);
  first.clear();
  EXPECT_TRUE(done);
}

TEST_F(ReleaseTicketTest, MovedTicketIsReturnedOnce) {
  auto tickets = Open(1, 1);
  ReleaseTicket moved = std::move(tickets[0]);
  tickets.clear();
  EXPECT_EQ(tracker_->outstanding(), 1);
  ReleaseTicket assigned;
  assigned = std::move(moved);
  EXPECT_EQ(tracker_->outstanding(), 1);
  assigned.Release();
  assigned.Release();
  EXPECT_EQ(tracker_->outstanding(), 0);
}

TEST_F(ReleaseTicketTest, TicketTellsThatAWithdrawalWaits) {
  uint64_t drop_before = 0;
  tracker_->SetDropListener([&](uint64_t batch) { drop_before = batch; });
  auto first = Open(1, 1);
  auto second = Open(2, 1);
  EXPECT_FALSE(first[0].MustDrop());
  tracker_->WhenReleasedBefore(2, [] {});
  EXPECT_TRUE(first[0].MustDrop());
  EXPECT_FALSE(second[0].MustDrop());
  EXPECT_EQ(drop_before, 2u);
}

TEST_F(ReleaseTicketTest, TicketOutlivesTheTrackersOwner) {
  auto tickets = Open(1, 1);
  bool done = false;
  tracker_->WhenReleasedBefore(2, [&] { done = true; });
  tracker_.reset();
  tickets.clear();
  EXPECT_TRUE(done);
}

TEST_F(ReleaseTicketTest, ManyThreadsReleaseAndEveryWaiterIsAnsweredOnce) {
  constexpr int kBatches = 200;
  std::atomic<int> answered{0};
  std::vector<ReleaseTicket> tickets[4];
  for (uint64_t batch = 1; batch <= kBatches; ++batch) {
    tracker_->OpenBatch(batch, 4);
    for (auto& list : tickets) list.push_back(tracker_->Issue(batch));
  }
  std::vector<std::thread> threads;
  for (auto& list : tickets) {
    threads.emplace_back([&list] {
      for (ReleaseTicket& ticket : list) ticket.Release();
    });
  }
  for (uint64_t batch = 1; batch <= kBatches; ++batch) {
    tracker_->WhenReleasedBefore(batch + 1, [&] { ++answered; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, kBatches);
  EXPECT_EQ(tracker_->outstanding(), 0);
}

}  // namespace
}  // namespace consentry::store
