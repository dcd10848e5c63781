// Promise 4, the part about dying: a rotation of keys, a backup or a restore
// that is ended by SIGKILL loses nothing and leaves nothing behind.
//
// Shown on a real gateway, in a process of its own that is killed before each
// step in turn: it comes up again, every customer is found by her name and
// opens, what was begun goes on and ends, the log verifies, and doctor finds no
// failure. A restore that was killed lets no gateway start until it was run
// again, and then what was withdrawn since the backup is withdrawn.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gateway/server/doctor.h"
#include "gateway/server/restore.h"
#include "tests/promises/gateway_lives.h"
#include "tests/testing/status_matchers.h"

namespace consentry {
namespace {

namespace fs = std::filesystem;
using testing::ByEmail;
using testing::Site;

constexpr char kConfig[] =
    "backup { data_directory: \"backups/data\" keys_directory: "
    "\"backups/keys\" log_directory: \"backups/log\" }";
constexpr int kPeople = 20;
constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kLookAgain{20};

std::string Email(int number) {
  return "person" + std::to_string(number) + "@example.com";
}

bool WaitUntil(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(kLookAgain);
  }
  return true;
}

class KilledUpkeepTest : public ::testing::Test {
 protected:
  KilledUpkeepTest() : site_(kConfig) {
    fs::create_directories(site_.folder() + "/backups");
    ShortenCalls();
    auto gateway = site_.Open();
    EXPECT_NE(gateway, nullptr);
    testing::Register(gateway.get(), "shop", testing::kServicePurpose);
    std::vector<v1::ImportRow> rows;
    for (int i = 0; i < kPeople; ++i) {
      v1::ImportRow& row = rows.emplace_back();
      row.set_number(static_cast<uint32_t>(i) + 1);
      row.set_kind("profile");
      row.set_source_key("p" + std::to_string(i));
      auto* id = row.add_identifiers();
      id->set_type(v1::IDENTIFIER_TYPE_EMAIL);
      id->set_value(Email(i));
      (*row.mutable_values())["given_name"].set_string_value("Anna");
    }
    for (const auto& result : testing::Import(gateway.get(), rows)) {
      EXPECT_EQ(result.outcome(), v1::WRITE_OUTCOME_CREATED);
    }
    EXPECT_OK(gateway->Close());
  }

  // A rotation waits for the longest call.
  void ShortenCalls() const {
    const std::string path = site_.folder() + "/consentry.txtpb";
    std::ifstream in(path);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    const std::string limit = "max_call_ms: 0";
    const size_t place = text.find(limit);
    ASSERT_NE(place, std::string::npos);
    text.replace(place, limit.size(), "max_call_ms: 100");
    std::ofstream(path, std::ios::trunc) << text;
  }

  // `act` in a process of its own that the step ends; whether it did. No
  // gateway may be open in this one.
  static bool Dies(
      const std::string& step,
      const std::function<void(const std::function<void(std::string_view)>&)>&
          act) {
    const pid_t child = fork();
    if (child == 0) {
      act([&step](std::string_view now) {
        if (now == step) kill(getpid(), SIGKILL);
      });
      _exit(0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

  static void ExpectAllOpen(server::Gateway* gateway) {
    for (int i = 0; i < kPeople; ++i) {
      const auto answer =
          testing::Read(gateway, "shop", testing::kServicePurpose,
                        ByEmail(Email(i)), {"profile.given_name"});
      ASSERT_EQ(answer.fields_size(), 1) << i;
      EXPECT_EQ(answer.fields(0).value().string_value(), "Anna");
    }
  }

  void ExpectHealthy() const {
    server::DoctorOptions options;
    options.config = site_.folder();
    options.dev = true;
    options.now_us = base::Clock::System()->NowUs();
    for (const auto& finding : server::RunDoctor(options)) {
      EXPECT_NE(finding.health, server::Health::kFailure)
          << finding.check << ": " << finding.text;
    }
  }

  static bool RotationIsOver(server::Gateway* gateway) {
    const auto status = gateway->upkeep()->KeyStatus();
    EXPECT_OK(status);
    return status.ok() && status->remaining() == 0;
  }

  static bool BackupsAreMade(server::Gateway* gateway, int count) {
    std::string next;
    const auto all = gateway->upkeep()->ListBackups("", 100, &next);
    EXPECT_OK(all);
    int made = 0;
    for (const auto& backup : all->backups()) made += backup.verified();
    return made == count && made == all->backups_size();
  }

  std::set<std::string> FilesIn(const std::string& folder) const {
    std::set<std::string> names;
    for (const auto& file :
         fs::directory_iterator(site_.folder() + "/" + folder)) {
      names.insert(file.path().string());
    }
    return names;
  }

  Site site_;
};

TEST_F(KilledUpkeepTest, ARotationGoesOn) {
  uint32_t epoch = 1;
  for (const char* step :
       {"add_epoch", "note_epoch", "wrap", "note_wrapped", "reindex",
        "note_reindexed", "destroy", "note_done"}) {
    SCOPED_TRACE(step);
    ASSERT_TRUE(Dies(step, [this](const auto& on_step) {
      auto gateway = site_.Open(nullptr, on_step);
      if (gateway == nullptr) return;
      gateway->upkeep()->RotateKeys(
          testing::As("operator", "keys.rotate"), {},
          [](const absl::StatusOr<v1::KeyStatus>&) {});
      std::this_thread::sleep_for(kPatience);
    }));
    auto gateway = site_.Open();
    ASSERT_NE(gateway, nullptr);
    // In the midst of it, and when it is over.
    ExpectAllOpen(gateway.get());
    ASSERT_TRUE(WaitUntil([&] { return RotationIsOver(gateway.get()); }));
    ExpectAllOpen(gateway.get());
    const auto status = gateway->upkeep()->KeyStatus();
    ASSERT_OK(status);
    EXPECT_EQ(status->epoch(), ++epoch);
    ASSERT_OK(gateway->Close());
    ExpectHealthy();
  }
}

TEST_F(KilledUpkeepTest, ABackupIsMadeAnew) {
  int made = 0;
  for (const char* step :
       {"begin_backup", "write_rows", "write_slots", "note_backup"}) {
    SCOPED_TRACE(step);
    ASSERT_TRUE(Dies(step, [this](const auto& on_step) {
      auto gateway = site_.Open(nullptr, on_step);
      if (gateway == nullptr) return;
      gateway->upkeep()
          ->CreateBackup(testing::As("operator", "backup.create"), {})
          .IgnoreError();
      std::this_thread::sleep_for(kPatience);
    }));
    auto gateway = site_.Open();
    ASSERT_NE(gateway, nullptr);
    made += 3;
    ASSERT_TRUE(WaitUntil([&] { return BackupsAreMade(gateway.get(), made); }));
    ExpectAllOpen(gateway.get());
    ASSERT_OK(gateway->Close());
    // Nothing half written lies beside them.
    EXPECT_EQ(FilesIn("backups/data").size(), static_cast<size_t>(made / 3));
    EXPECT_EQ(FilesIn("backups/keys").size(), static_cast<size_t>(made / 3));
    ExpectHealthy();
  }
}

TEST_F(KilledUpkeepTest, ARestoreIsRunAgain) {
  server::RestoreOptions options;
  options.config = site_.folder();
  options.recovery_key = site_.recovery_key();
  options.checkpoint_file = site_.folder() + "/kept-checkpoint";
  {
    auto gateway = site_.Open();
    ASSERT_NE(gateway, nullptr);
    ASSERT_OK(gateway->upkeep()->CreateBackup(
        testing::As("operator", "backup.create"), {}));
    ASSERT_TRUE(WaitUntil([&] { return BackupsAreMade(gateway.get(), 3); }));
    v1::OptOutRequest request;
    *request.mutable_subject() = ByEmail(Email(0));
    request.add_kinds(v1::OPT_OUT_KIND_DIRECT_MARKETING);
    std::promise<absl::Status> promise;
    gateway->ledger()->OptOut(
        testing::As("shop", "consent.opt_out"), request,
        [&](auto answer) { promise.set_value(answer.status()); });
    ASSERT_OK(promise.get_future().get());
    ASSERT_OK(gateway->Close());
  }
  options.data_file = *FilesIn("backups/data").rbegin();
  options.keys_file = *FilesIn("backups/keys").rbegin();
  fs::copy_file(site_.data() + "/log/checkpoint", options.checkpoint_file);
  std::vector<std::string> steps;
  options.before_step = [&](std::string_view step) {
    if (steps.empty() || steps.back() != step) steps.emplace_back(step);
    return absl::OkStatus();
  };
  ASSERT_OK(server::Restore(options));
  ASSERT_GT(steps.size(), 7u);

  for (const std::string& step : steps) {
    SCOPED_TRACE(step);
    ASSERT_TRUE(Dies(step, [&options](const auto& on_step) {
      server::RestoreOptions own = options;
      own.before_step = [&on_step](std::string_view now) {
        on_step(now);
        return absl::OkStatus();
      };
      server::Restore(own).IgnoreError();
    }));
    // Before the first step nothing has happened.
    if (step != steps.front()) {
      const auto config = server::LoadConfig(site_.folder(), server::PackIds());
      ASSERT_OK(config);
      EXPECT_FALSE(server::Gateway::Open(*config, {}).ok());
    }
    options.before_step = nullptr;
    const auto report = server::Restore(options);
    ASSERT_OK(report);
    EXPECT_EQ(report->customers, kPeople);
  }
  auto gateway = site_.Open();
  ASSERT_NE(gateway, nullptr);
  ExpectAllOpen(gateway.get());
  v1::GetConsentStateRequest request;
  *request.mutable_subject() = ByEmail(Email(0));
  std::promise<v1::GetConsentStateResponse> promise;
  gateway->ledger()->GetState(
      testing::As("shop", "consent.state"), request, /*all_purposes=*/true,
      [&](auto answer) {
        EXPECT_OK(answer);
        promise.set_value(answer.ok() ? answer->response
                                      : v1::GetConsentStateResponse());
      });
  EXPECT_EQ(promise.get_future().get().opt_outs_size(), 1);
  ASSERT_OK(gateway->Close());
  ExpectHealthy();
}

}  // namespace
}  // namespace consentry
