// Readers beside writers: nobody sees a state older than a change that has
// returned, and nothing that is half of one.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/vault/subject_reader.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/vault_fixture.h"

namespace consentry::vault {
namespace {

using testing::RowBuilder;

class VaultRaceTest : public ::testing::Test,
                      protected testing::VaultFixture {};

TEST_F(VaultRaceTest, ReadersSeeEachChangeOnceItHasReturned) {
  constexpr int kCustomers = 4;
  constexpr int kRounds = 30;
  const auto rows = [](int round) {
    std::vector<v1::ImportRow> made;
    for (int i = 0; i < kCustomers; ++i) {
      made.push_back(RowBuilder("profile", std::to_string(i))
                         .External("crm", std::to_string(i))
                         .Text("city", "City " + std::to_string(round)));
    }
    return made;
  };
  std::vector<uint64_t> subjects;
  for (const RowOutcome& outcome : Import("crm", rows(0))) {
    subjects.push_back(FindById(outcome.subject_id));
  }
  std::vector<std::atomic<uint64_t>> floor(kCustomers);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::atomic<int64_t> reads{0};
  // Opened and first used before there are threads: the library counts its
  // memory without a lock when a connection takes its key.
  std::vector<std::unique_ptr<store::Connection>> connections;
  for (int t = 0; t < 2; ++t) {
    ASSERT_OK_AND_ASSIGN(auto connection, engine()->ConnectReader());
    ASSERT_OK(reader().SubjectsAfter(connection.get(), 0, 1));
    connections.push_back(std::move(connection));
  }
  std::vector<std::thread> readers;
  for (const auto& connection : connections) {
    readers.emplace_back([&] {
      for (size_t i = 0; !stop.load(); ++i) {
        const size_t customer = i % kCustomers;
        const uint64_t least = floor[customer].load();
        const auto head =
            reader().ReadHead(connection.get(), subjects[customer], {});
        if (!head.ok() || (*head)->head().version() < least ||
            (*head)->head().version() !=
                static_cast<uint64_t>((*head)->version())) {
          ++wrong;
        }
        constexpr std::string_view kProfile = "profile";
        if (head.ok() &&
            !reader()
                 .ReadRecords(connection.get(), **head, std::span(&kProfile, 1))
                 .ok()) {
          ++wrong;
        }
        ++reads;
      }
    });
  }
  for (int round = 1; round <= kRounds; ++round) {
    Import("crm", rows(round));
    const auto version = static_cast<uint64_t>(committer()->LastStored());
    for (std::atomic<uint64_t>& least : floor) least = version;
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_GT(reads.load(), 0);
}

}  // namespace
}  // namespace consentry::vault
