#include "gateway/base/threads.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <future>
#include <string>

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

}  // namespace
}  // namespace consentry::base
