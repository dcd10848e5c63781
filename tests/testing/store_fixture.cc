#include "tests/testing/store_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <span>
#include <utility>

#include "gateway/store/sqlcipher/engine.h"
#include "proto/support/status_macros.h"
#include "tests/testing/status_matchers.h"

namespace consentry::testing {

StoreFixture::StoreFixture() {
  static constexpr uint8_t kKey[32] = {7};
  auto engine =
      store::OpenSqlcipher({.path = dir_.File("store"), .create = true},
                           std::span<const uint8_t, 32>(kKey));
  EXPECT_OK(engine);
  engine_ = *std::move(engine);
}

absl::Status StoreFixture::Start(store::CommitterOptions options) {
  options.metrics = &metrics_;
  CONSENTRY_ASSIGN_OR_RETURN(
      committer_, store::Committer::Start(engine_.get(), &log_, &clock_,
                                          std::move(options)));
  return absl::OkStatus();
}

std::vector<int64_t> StoreFixture::LoggedChanges() const {
  std::vector<int64_t> changes;
  for (const std::string& entry : log_.entries()) {
    long long number = 0;
    if (std::sscanf(entry.c_str(), "change %lld", &number) == 1) {
      changes.push_back(number);
    }
  }
  return changes;
}

store::Change StoreFixture::Put(int64_t subject, const std::string& row,
                                bool negative) {
  store::Change change;
  change.negative = negative;
  change.apply = [subject, row](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(
        store::Query put,
        context.connection()->Prepare(
            "INSERT INTO subjects (subject, public_id, version, key_gen, head)"
            " VALUES ($1, $2, $3, 1, $4) ON CONFLICT (subject) DO UPDATE SET"
            " version = excluded.version, head = excluded.head"));
    CONSENTRY_RETURN_IF_ERROR(put.Bind(subject,
                                       "cus_" + std::to_string(subject),
                                       context.number(), row)
                                  .Run());
    context.Touch(subject);
    context.SetEntry("change " + std::to_string(context.number()) + " " +
                     std::to_string(subject));
    context.SetResult("result " + std::to_string(context.number()));
    return absl::OkStatus();
  };
  return change;
}

std::future<store::ChangeOutcome> StoreFixture::CommitChange(
    store::Change change) {
  std::promise<store::ChangeOutcome> told;
  auto outcome = told.get_future();
  committer_->CommitChange(
      std::move(change),
      [told = std::move(told)](store::ChangeOutcome result) mutable {
        told.set_value(std::move(result));
      });
  return outcome;
}

store::ReadCommit StoreFixture::Snapshot(int64_t subject) {
  store::ReadCommit read;
  read.as_of_change = committer_->LastStored();
  read.configuration_epoch = committer_->configuration_epoch();
  read.decided_at_us = committer_->NowUs();
  const int64_t version =
      std::max<int64_t>(0, Ask("SELECT version FROM subjects WHERE subject = " +
                               std::to_string(subject)));
  read.subjects = {{subject, version}};
  read.entry =
      "read " + std::to_string(subject) + " " + std::to_string(version);
  return read;
}

std::future<store::ReadOutcome> StoreFixture::CommitRead(
    store::ReadCommit read) {
  std::promise<store::ReadOutcome> told;
  auto outcome = told.get_future();
  committer_->CommitRead(
      std::move(read),
      [told = std::move(told)](store::ReadOutcome result) mutable {
        told.set_value(std::move(result));
      });
  return outcome;
}

int64_t StoreFixture::Ask(const std::string& sql) {
  auto reader = engine_->ConnectReader();
  EXPECT_OK(reader);
  if (!reader.ok()) return -2;
  auto query = (*reader)->Prepare(sql);
  EXPECT_OK(query);
  if (!query.ok()) return -2;
  auto row = query->Step();
  EXPECT_OK(row);
  return row.ok() && *row ? query->Int64(0) : -1;
}

}  // namespace consentry::testing
