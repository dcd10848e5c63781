#include "gateway/identity/staff_directory.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "gateway/crypto/ids.h"
#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/store_fixture.h"
#include "tests/testing/test_keys.h"
#include "tests/unit/gateway/clients/sample_policy.h"

namespace consentry::identity {
namespace {

constexpr int64_t kDayUs = int64_t{86400} * 1'000'000;

TEST(StaffPseudonymsTest, OneForEachLoginAndNoneForAnother) {
  testing::TestKeys keys;
  testing::TestKeys others;
  const StaffPseudonyms pseudonyms(keys.root());
  const std::string one = pseudonyms.Of("https://login.example", "u-1");
  EXPECT_EQ(one.size(), 28u);
  EXPECT_EQ(one.substr(0, 4), "stf_");
  EXPECT_EQ(one, pseudonyms.Of("https://login.example", "u-1"));
  EXPECT_NE(one, pseudonyms.Of("https://login.example", "u-2"));
  EXPECT_NE(one, pseudonyms.Of("https://login.exampleu", "-1"));
  EXPECT_NE(one,
            StaffPseudonyms(others.root()).Of("https://login.example", "u-1"));
}

class StaffDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(store_.Start());
    clients::Configuration::Sources sources;
    sources.policy = clients::SamplePolicy();
    configuration_ = clients::Configuration::Build(std::move(sources), &uses_);
    Make(1);
    ASSERT_OK_AND_ASSIGN(reader_, store_.engine()->ConnectReader());
  }
  void Make(uint32_t months) {
    directory_ = std::make_unique<StaffDirectory>(StaffDirectory::Options{
        .epochs = &keys_.epochs(),
        .committer = store_.committer(),
        .configuration = [this] { return configuration_; },
        .retention_months = months});
  }

  void Note(const std::string& name) {
    store::v1::StaffEntry seen;
    seen.set_issuer("https://login.example");
    seen.set_login("u-1");
    seen.set_name(name);
    seen.set_email("grace@shop.example");
    directory_->Note(person_, seen, store_.clock().NowUs());
    // Noting does not wait: a change behind it does.
    ASSERT_OK(store_.CommitChange(testing::StoreFixture::Put(1)).get().status);
  }
  v1::ErrorReason WhyNotFound() {
    return consentry::ReasonOf(
               directory_->Find(reader_.get(), person_).status())
        .value_or(v1::ERROR_REASON_UNSPECIFIED);
  }
  size_t Entries(const std::string& event) {
    size_t count = 0;
    for (const std::string& entry : store_.log().entries()) {
      EXPECT_FALSE(absl::StrContains(entry, "Grace"));
      EXPECT_FALSE(absl::StrContains(entry, "grace@"));
      count += absl::StrContains(entry, event) ? 1 : 0;
    }
    return count;
  }

  testing::TestKeys keys_;
  testing::StoreFixture store_;
  clients::ClientUses uses_;
  std::shared_ptr<const clients::Configuration> configuration_;
  std::unique_ptr<StaffDirectory> directory_;
  std::unique_ptr<store::Connection> reader_;
  const std::string person_ =
      StaffPseudonyms(keys_.root()).Of("https://login.example", "u-1");
};

TEST_F(StaffDirectoryTest, WhoCameIsFoundByHerPseudonymAlone) {
  EXPECT_EQ(WhyNotFound(), v1::ERROR_REASON_NOT_FOUND);
  Note("Grace Example");
  ASSERT_OK_AND_ASSIGN(const v1::StaffMember member,
                       directory_->Find(reader_.get(), person_));
  EXPECT_EQ(member.name(), "Grace Example");
  EXPECT_EQ(member.email(), "grace@shop.example");
  EXPECT_EQ(member.login(), "u-1");
  EXPECT_FALSE(directory_->Find(reader_.get(), "u-1").ok());
  EXPECT_FALSE(directory_->Find(reader_.get(), "stf_").ok());
  EXPECT_EQ(Entries(person_), 1u);
}

TEST_F(StaffDirectoryTest, SheIsWrittenDownOnceAMonthAndWhenHerNameChanges) {
  Note("Grace Example");
  Note("Grace Example");
  EXPECT_EQ(Entries(person_), 1u);
  Note("Grace Married");
  EXPECT_EQ(Entries(person_), 2u);
  const auto first = directory_->Find(reader_.get(), person_);
  ASSERT_OK(first);
  EXPECT_EQ(first->name(), "Grace Married");
  store_.clock().AdvanceUs(31 * kDayUs);
  Note("Grace Married");
  EXPECT_EQ(Entries(person_), 3u);
  ASSERT_OK_AND_ASSIGN(const v1::StaffMember later,
                       directory_->Find(reader_.get(), person_));
  EXPECT_EQ(later.first_seen_time().seconds(),
            first->first_seen_time().seconds());
  EXPECT_GT(later.last_seen_time().seconds(),
            first->last_seen_time().seconds());
}

TEST_F(StaffDirectoryTest, WhoStayedAwayLongEnoughIsForgotten) {
  Note("Grace Example");
  const size_t before = store_.log().entries().size();
  ASSERT_OK(directory_->Sweep(reader_.get(), store_.clock().NowUs()));
  EXPECT_EQ(store_.log().entries().size(), before);
  EXPECT_OK(directory_->Find(reader_.get(), person_));
  // The month in which she came, the one kept behind it, and all of that.
  store_.clock().AdvanceUs(93 * kDayUs);
  ASSERT_OK(directory_->Sweep(reader_.get(), store_.clock().NowUs()));
  EXPECT_EQ(WhyNotFound(), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(Entries("entries=1"), 1u);
  // And noted anew when she comes again.
  Note("Grace Example");
  EXPECT_OK(directory_->Find(reader_.get(), person_));
}

TEST_F(StaffDirectoryTest, AnEntryThatWasMovedToAnotherPersonDoesNotOpen) {
  Note("Grace Example");
  const std::string other =
      StaffPseudonyms(keys_.root()).Of("https://login.example", "u-2");
  ASSERT_OK_AND_ASSIGN(const auto id,
                       crypto::ParseId(crypto::IdKind::kStaff, other));
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(auto query, context.connection()->Prepare(
                                               "UPDATE staff SET person = $1"));
    query.Bind(
        std::string_view(reinterpret_cast<const char*>(id.data()), id.size()));
    context.SetEntry("an entry");
    return query.Run();
  };
  ASSERT_OK(store_.CommitChange(std::move(change)).get().status);
  EXPECT_FALSE(directory_->Find(reader_.get(), other).ok());
}

}  // namespace
}  // namespace consentry::identity
