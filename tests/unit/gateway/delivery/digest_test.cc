#include "gateway/delivery/digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::delivery {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;

class Post final : public MailTransport {
 public:
  explicit Post(std::vector<std::string>* mails) : mails_(mails) {}
  absl::Status Deliver(const std::string&, const std::string&,
                       const std::string&, const std::string& mail) override {
    mails_->push_back(mail);
    return absl::OkStatus();
  }

 private:
  std::vector<std::string>* const mails_;
};

class DigestTest : public ::testing::Test {
 protected:
  DigestTest()
      : digests_(fixture_.keys().root()),
        contact_({.configuration = [this] { return fixture_.configuration(); },
                  .committer = fixture_.committer(),
                  .readers = fixture_.readers(),
                  .subjects = &fixture_.reader(),
                  .log_origin = "test.log"}) {
    Sender::Options options;
    options.configuration = [this] { return fixture_.configuration(); };
    options.committer = fixture_.committer();
    options.readers = fixture_.readers();
    options.slots = &fixture_.keys().slots();
    options.epochs = &fixture_.keys().epochs();
    options.digests = &digests_;
    options.contact = &contact_;
    options.clock = &fixture_.clock();
    options.sender.set_from_address("privacy@shop.example");
    options.sender.add_staff_addresses("dpo@shop.example");
    options.make_transport = [this](const std::atomic<bool>*) {
      return std::make_unique<Post>(&mails_);
    };
    auto sender = Sender::Create(std::move(options));
    EXPECT_OK(sender);
    sender_ = *std::move(sender);
    Digest::Options own;
    own.configuration = [this] { return fixture_.configuration(); };
    own.committer = fixture_.committer();
    own.readers = fixture_.readers();
    own.sender = sender_.get();
    digest_ = std::make_unique<Digest>(std::move(own));
    digest_->Add([this](int64_t) { return Of(due_); });
    digest_->AddAlarm([this](int64_t) { return Of(urgent_); });
  }

  static absl::StatusOr<std::vector<std::string>> Of(
      const std::vector<std::string>& lines) {
    return lines;
  }
  int64_t NowUs() { return fixture_.committer()->NowUs(); }
  // What was written to staff since the last time.
  std::vector<std::string> Mails() {
    sender_->SendNow();
    return std::exchange(mails_, {});
  }

  testing::AccessFixture fixture_;
  crypto::RequestDigests digests_;
  access::ContactPoint contact_;
  std::vector<std::string> mails_;
  std::vector<std::string> due_;
  std::vector<std::string> urgent_;
  std::unique_ptr<Sender> sender_;
  std::unique_ptr<Digest> digest_;
};

TEST_F(DigestTest, ADayIsToldOnceAndADayWithoutAnythingNot) {
  ASSERT_OK(digest_->Run(NowUs()));
  EXPECT_TRUE(Mails().empty());
  fixture_.clock().AdvanceUs(kDayUs);
  due_ = {"case_due: rgt_a answer 2026-12-01"};
  ASSERT_OK(digest_->Run(NowUs()));
  ASSERT_OK(digest_->Run(NowUs()));
  const auto mails = Mails();
  ASSERT_EQ(mails.size(), 1u);
  EXPECT_THAT(mails[0], HasSubstr("case_due: rgt_a answer 2026-12-01"));
}

TEST_F(DigestTest, AnAlarmIsToldAtOnceAndOnce) {
  urgent_ = {"case_late: rgt_a answer 2026-11-20"};
  ASSERT_OK(digest_->Alarm(NowUs()));
  ASSERT_OK(digest_->Alarm(NowUs()));
  auto mails = Mails();
  ASSERT_EQ(mails.size(), 1u);
  EXPECT_THAT(mails[0], HasSubstr("case_late: rgt_a"));
  // What is new is told without what is known.
  fixture_.clock().AdvanceUs(1'000'000);
  urgent_.push_back("breach_authority_due: brc_b eu-gdpr 2026-11-25 10:00");
  ASSERT_OK(digest_->Alarm(NowUs()));
  mails = Mails();
  ASSERT_EQ(mails.size(), 1u);
  EXPECT_THAT(mails[0], HasSubstr("brc_b"));
  EXPECT_THAT(mails[0], Not(HasSubstr("rgt_a")));
  // What was over comes again.
  fixture_.clock().AdvanceUs(1'000'000);
  urgent_.erase(urgent_.begin());
  ASSERT_OK(digest_->Alarm(NowUs()));
  EXPECT_TRUE(Mails().empty());
  urgent_.push_back("case_late: rgt_a answer 2026-11-20");
  ASSERT_OK(digest_->Alarm(NowUs()));
  EXPECT_EQ(Mails().size(), 1u);
}

TEST_F(DigestTest, NothingThatIsNoIdOrDateGetsIntoIt) {
  urgent_ = {"Anna <anna@example.com>"};
  EXPECT_FALSE(digest_->Alarm(NowUs()).ok());
  EXPECT_TRUE(Mails().empty());
}

TEST_F(DigestTest, EachHasItsEntryWithoutALine) {
  urgent_ = {"case_late: rgt_a answer 2026-11-20"};
  ASSERT_OK(digest_->Alarm(NowUs()));
  const auto leaves = fixture_.Leaves();
  EXPECT_EQ(leaves.back().event(), "system.digest");
  ASSERT_EQ(leaves.back().details_size(), 1);
  EXPECT_EQ(leaves.back().details(0), "alarms=1");
}

}  // namespace
}  // namespace consentry::delivery
