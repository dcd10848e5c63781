#include "gateway/base/threads.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>

namespace consentry::base {
namespace {

TEST(ThreadsTest, ThreadCarriesItsNameCutToTheSystemsLimit) {
  std::string name;
  Thread thread("a-name-far-too-long", [&] {
    char buffer[32];
    pthread_getname_np(pthread_self(), buffer, sizeof(buffer));
    name = buffer;
  });
  thread.Join();
  EXPECT_EQ(name, "a-name-far-too-");
}

TEST(ThreadsTest, PoolRunsAllItAcceptedBeforeItEnds) {
  std::atomic<int> done{0};
  int accepted = 0;
  {
    WorkerPool pool("pool", 3, 1000);
    for (int i = 0; i < 500; ++i) accepted += pool.TrySubmit([&] { ++done; });
  }
  EXPECT_EQ(accepted, 500);
  EXPECT_EQ(done, 500);
}

TEST(ThreadsTest, PoolRefusesBeyondItsCapacity) {
  std::promise<void> started;
  std::promise<void> release;
  auto released = release.get_future().share();
  WorkerPool pool("pool", 1, 2);
  ASSERT_TRUE(pool.TrySubmit([&] {
    started.set_value();
    released.wait();
  }));
  started.get_future().wait();
  EXPECT_TRUE(pool.TrySubmit([] {}));
  EXPECT_TRUE(pool.TrySubmit([] {}));
  EXPECT_FALSE(pool.TrySubmit([] {}));
  release.set_value();
}

TEST(ThreadsTest, PeriodicRunsByItselfAndWhenWoken) {
  std::atomic<int> runs{0};
  Periodic often("often", std::chrono::milliseconds(1), [&] { ++runs; });
  while (runs < 3) std::this_thread::yield();
  std::promise<void> ran;
  Periodic rarely("rarely", std::chrono::hours(1), [&] { ran.set_value(); });
  rarely.Wake();
  ran.get_future().wait();
}

TEST(ThreadsTest, PeriodicRunsOnceMoreForAWakeDuringARun) {
  std::atomic<int> runs{0};
  Periodic* self = nullptr;
  std::promise<void> ready;
  auto set = ready.get_future().share();
  std::promise<void> twice;
  Periodic periodic("self", std::chrono::hours(1), [&] {
    set.wait();
    if (++runs == 1) {
      self->Wake();
      self->Wake();
    } else {
      twice.set_value();
    }
  });
  self = &periodic;
  ready.set_value();
  periodic.Wake();
  twice.get_future().wait();
  periodic.Stop();
  EXPECT_EQ(runs, 2);
}

TEST(ThreadsTest, PeriodicThatWaitsStopsAtOnceAndRunsNoMore) {
  bool ran = false;
  {
    Periodic rarely("rarely", std::chrono::hours(1), [&] { ran = true; });
    rarely.Stop();
    rarely.Wake();
  }
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace consentry::base
