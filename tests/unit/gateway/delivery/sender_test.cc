#include "gateway/delivery/sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::delivery {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RowBuilder;
using testing::StatusIs;

constexpr char kCase[] = "rig_mfrggzdfmztwq2lkmfrggzdf";
constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;

struct Sent {
  std::string id;
  std::string to;
  std::string mail;
};

// Answers with what it is told to, then OK.
class Post final : public MailTransport {
 public:
  Post(std::vector<Sent>* sent, std::deque<absl::Status>* answers)
      : sent_(sent), answers_(answers) {}
  absl::Status Deliver(const std::string& id, const std::string&,
                       const std::string& to,
                       const std::string& mail) override {
    absl::Status answer;
    if (!answers_->empty()) {
      answer = answers_->front();
      answers_->pop_front();
    }
    if (answer.ok()) sent_->push_back({id, to, mail});
    return answer;
  }

 private:
  std::vector<Sent>* const sent_;
  std::deque<absl::Status>* const answers_;
};

class SenderTest : public ::testing::Test {
 protected:
  SenderTest()
      : digests_(fixture_.keys().root()),
        contact_({.configuration = [this] { return fixture_.configuration(); },
                  .committer = fixture_.committer(),
                  .readers = fixture_.readers(),
                  .subjects = &fixture_.reader(),
                  .log_origin = "test.log"}) {
    Restart();
  }

  // Another sender on the same store, as after a restart.
  void Restart(bool with_way = true) {
    sender_.reset();
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
    options.sender.add_staff_addresses("compliance@shop.example");
    if (with_way) {
      options.make_transport = [this](const std::atomic<bool>*) {
        return std::make_unique<Post>(&sent_, &answers_);
      };
    }
    auto sender = Sender::Create(std::move(options));
    ASSERT_OK(sender);
    sender_ = *std::move(sender);
  }

  Message About(const std::string& subject_id) {
    Message message;
    message.text = "rights.answer_ready";
    message.arguments = {{"case", kCase}};
    message.language = "en";
    message.subject = fixture_.Number(subject_id);
    return message;
  }

  Message CodeTo(const std::string& address, uint64_t subject) {
    Message message;
    message.text = "code.double_opt_in";
    message.arguments = {{"code", "AB12-CD34"}};
    message.address = address;
    message.subject = subject;
    message.expire_us = fixture_.committer()->NowUs() + kHourUs;
    return message;
  }

  int64_t Rows() { return fixture_.Ask("SELECT COUNT(*) FROM messages"); }

  std::vector<std::string> Events() {
    std::vector<std::string> events;
    for (const auto& leaf : fixture_.Leaves()) events.push_back(leaf.event());
    return events;
  }

  absl::Status Commit(
      const std::function<absl::Status(store::ChangeContext&)>& rows) {
    store::Change change;
    change.apply = [&](store::ChangeContext& context) -> absl::Status {
      if (absl::Status status = rows(context); !status.ok()) return status;
      context.SetEntry(store::v1::Leaf().SerializeAsString());
      return absl::OkStatus();
    };
    return fixture_.committer()->CommitChangeAndWait(std::move(change)).status;
  }

  testing::AccessFixture fixture_;
  crypto::RequestDigests digests_;
  access::ContactPoint contact_;
  std::vector<Sent> sent_;
  std::deque<absl::Status> answers_;
  std::unique_ptr<Sender> sender_;
};

TEST_F(SenderTest, ACustomerIsWrittenToAtHerContactPointUnderAnEntry) {
  const std::string anna = fixture_.Person("anna");
  ASSERT_OK(sender_->SendAndWait(About(anna)));
  sender_->SendNow();
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].to, "anna@example.com");
  EXPECT_THAT(sent_[0].mail, HasSubstr(kCase));
  EXPECT_THAT(sent_[0].mail, Not(HasSubstr("Anna")));
  EXPECT_EQ(Rows(), 0);

  const auto leaves = fixture_.Leaves();
  ASSERT_GE(leaves.size(), 3u);
  const store::v1::Leaf& opened = leaves[leaves.size() - 2];
  EXPECT_EQ(opened.event(), "system.contact");
  EXPECT_EQ(opened.purpose(), "test.rights");
  EXPECT_EQ(opened.reason_code(), sent_[0].id);
  ASSERT_EQ(opened.subjects_size(), 1);
  EXPECT_EQ(opened.subjects(0).effect(), v1::EFFECT_PERMIT);
  EXPECT_EQ(opened.subjects(0).released(), 1u);
  const store::v1::Leaf& told = leaves.back();
  EXPECT_EQ(told.event(), "system.message_sent");
  EXPECT_THAT(told.details(), Contains("message=" + sent_[0].id));
  for (const auto& leaf : leaves) {
    EXPECT_THAT(leaf.SerializeAsString(), Not(HasSubstr("example.com")));
  }
}

TEST_F(SenderTest, AVerifiedAddressIsPreferredToANewerOne) {
  const auto made =
      fixture_.ImportOne("crm", RowBuilder("profile", "b")
                                    .Email("verified@example.com", true)
                                    .Email("typed@example.com")
                                    .Text("first_name", "Berta")
                                    .Residence("DE"));
  ASSERT_OK(sender_->SendAndWait(About(made.subject_id)));
  sender_->SendNow();
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].to, "verified@example.com");
}

TEST_F(SenderTest, WhoeverHasNoAddressIsGivenUpAndToldOf) {
  const auto made = fixture_.ImportOne(
      "crm", RowBuilder("profile", "c").External("crm", "c").Residence("DE"));
  ASSERT_OK(sender_->SendAndWait(About(made.subject_id)));
  sender_->SendNow();
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(Events().back(), "system.message_given_up");
  EXPECT_EQ(fixture_.Ask("SELECT state FROM messages"),
            static_cast<int64_t>(MessageState::kFailed));
  EXPECT_EQ(fixture_.Ask("SELECT LENGTH(doc) FROM messages"), 0);
}

TEST_F(SenderTest, ACodeGoesToTheAddressOfTheRequest) {
  const std::string anna = fixture_.Person("anna");
  ASSERT_OK(
      sender_->SendAndWait(CodeTo("Other@Example.com", fixture_.Number(anna))));
  ASSERT_OK(sender_->SendAndWait(CodeTo("stranger@example.com", 0)));
  sender_->SendNow();
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_EQ(sent_[0].to, "other@example.com");
  EXPECT_EQ(sent_[1].to, "stranger@example.com");
  EXPECT_THAT(sent_[0].mail, HasSubstr("AB12-CD34"));
}

TEST_F(SenderTest, WhatCannotBeAnAddressIsNotQueued) {
  for (const char* address :
       {"a@example.com\r\nBcc: b@example.com", "a b@example.com", "no",
        "m\xc3\xbcller@example.com", "a@example.com,b@example.com"}) {
    EXPECT_THAT(sender_->SendAndWait(CodeTo(address, 0)),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << address;
  }
  Message message = CodeTo("", 0);
  EXPECT_FALSE(sender_->SendAndWait(message).ok());
  message = CodeTo("a@example.com", 0);
  message.arguments = {{"code", "Anna"}};
  EXPECT_FALSE(sender_->SendAndWait(message).ok());
  EXPECT_EQ(Rows(), 0);
}

TEST_F(SenderTest, WithoutASenderNothingIsQueued) {
  Restart(/*with_way=*/false);
  EXPECT_FALSE(sender_->configured());
  EXPECT_THAT(sender_->SendAndWait(CodeTo("a@example.com", 0)),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(SenderTest, WhatFailsIsTriedAgainAfterAWaitAndARestart) {
  ASSERT_OK(sender_->SendAndWait(CodeTo("a@example.com", 0)));
  answers_ = {absl::UnavailableError("x"), absl::AbortedError("x")};
  sender_->SendNow();
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(Events().back(), "system.message_later");
  EXPECT_EQ(fixture_.Ask("SELECT attempts FROM messages"), 1);
  Restart();
  sender_->SendNow();
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(fixture_.Ask("SELECT attempts FROM messages"), 2);
  Restart();
  sender_->SendNow();
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(Rows(), 0);
}

// As a crash between delivery and its note would leave it.
TEST_F(SenderTest, ARepetitionHasTheSameId) {
  ASSERT_OK(sender_->SendAndWait(CodeTo("a@example.com", 0)));
  const std::string doc = fixture_.Blob("SELECT doc FROM messages");
  const std::string address = fixture_.Blob("SELECT address FROM messages");
  const int64_t number = fixture_.Ask("SELECT message_no FROM messages");
  const int64_t hour = fixture_.Ask("SELECT expire_hour FROM messages");
  sender_->SendNow();
  ASSERT_OK(Commit([&](store::ChangeContext& context) {
    MessageRow row;
    row.number = number;
    row.expire_hour = hour;
    row.doc = doc;
    row.address = address;
    return InsertMessage(context.connection(), row, "").status();
  }));
  sender_->SendNow();
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_EQ(sent_[0].id, sent_[1].id);
  EXPECT_THAT(sent_[0].mail, HasSubstr("Message-ID: <" + sent_[0].id + "@"));
}

TEST_F(SenderTest, ARefusalIsGivenUpAtOnceAndOthersGoOn) {
  ASSERT_OK(sender_->SendAndWait(CodeTo("a@example.com", 0)));
  ASSERT_OK(sender_->SendAndWait(CodeTo("b@example.com", 0)));
  answers_ = {absl::FailedPreconditionError("x")};
  sender_->SendNow();
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].to, "b@example.com");
  EXPECT_THAT(Events(), Contains("system.message_given_up"));
}

TEST_F(SenderTest, AServerThatIsDownIsAskedOnceForAll) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(sender_->SendAndWait(CodeTo("a@example.com", 0)));
  }
  answers_.assign(100, absl::UnavailableError("x"));
  sender_->SendNow();
  EXPECT_EQ(answers_.size(), 99u);
}

TEST_F(SenderTest, APastEndIsNotSent) {
  ASSERT_OK(sender_->SendAndWait(CodeTo("a@example.com", 0)));
  fixture_.clock().AdvanceUs(2 * kHourUs);
  sender_->SendNow();
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(Events().back(), "system.message_expired");
}

TEST_F(SenderTest, MessagesOfTheErasedAreNotSent) {
  const std::string anna = fixture_.Person("anna");
  const uint64_t number = fixture_.Number(anna);
  ASSERT_OK(sender_->SendAndWait(About(anna)));
  ASSERT_OK(sender_->SendAndWait(CodeTo("x@example.com", number)));
  ASSERT_OK(fixture_.keys().slots().Destroy(number, 1));
  fixture_.cache().Clear();
  sender_->SendNow();
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(Rows(), 0);
  EXPECT_EQ(Events().back(), "system.message_dropped");
}

TEST_F(SenderTest, ForgettingRemovesWhatIsQueuedAboutTheSubjectAlone) {
  const std::string anna = fixture_.Person("anna");
  ASSERT_OK(sender_->SendAndWait(About(anna)));
  ASSERT_OK(sender_->SendAndWait(CodeTo("x@example.com", 0)));
  ASSERT_OK(Commit([&](store::ChangeContext& context) {
    return Sender::Forget(context, fixture_.Number(anna));
  }));
  EXPECT_EQ(Rows(), 1);
}

TEST_F(SenderTest, TheLastMessageOutlivesTheKeysAndIsMadeOnce) {
  const std::string anna = fixture_.Person("anna");
  const uint64_t number = fixture_.Number(anna);
  Message last;
  last.text = "rights.erased";
  last.arguments = {{"case", kCase}, {"date", "2026-11-22"}};
  last.language = "de";
  last.once = std::string("erased:") + kCase;
  last.expire_us = fixture_.committer()->NowUs() + 72 * kHourUs;
  ASSERT_OK(sender_->CaptureLast(number, last));
  ASSERT_OK(sender_->CaptureLast(number, last));
  EXPECT_EQ(Rows(), 1);
  ASSERT_OK(fixture_.keys().slots().Destroy(number, 1));
  fixture_.cache().Clear();
  sender_->SendNow();
  EXPECT_TRUE(sent_.empty());
  // The step after it was repeated by a crash: it is there already.
  ASSERT_OK(sender_->CaptureLast(number, last));
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK(Commit([&](store::ChangeContext& context) {
      return sender_->ReleaseLast(context, last.once);
    }));
    sender_->SendNow();
  }
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].to, "anna@example.com");
  EXPECT_EQ(fixture_.Ask("SELECT LENGTH(address) FROM messages"), 0);
  fixture_.clock().AdvanceUs(80 * kHourUs);
  sender_->SendNow();
  EXPECT_EQ(Rows(), 0);
}

TEST_F(SenderTest, AHeldMessageGoesWhenItsEndPasses) {
  const std::string anna = fixture_.Person("anna");
  Message last;
  last.text = "rights.erased";
  last.arguments = {{"case", kCase}, {"date", "2026-11-22"}};
  last.once = "erased:1";
  last.expire_us = fixture_.committer()->NowUs() + kHourUs;
  ASSERT_OK(sender_->CaptureLast(fixture_.Number(anna), last));
  fixture_.clock().AdvanceUs(3 * kHourUs);
  sender_->SendNow();
  EXPECT_EQ(Rows(), 0);
  EXPECT_TRUE(sent_.empty());
}

TEST_F(SenderTest, StaffGetOneMessageEachAndOnceForTheSameThing) {
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK(Commit([&](store::ChangeContext& context) {
      return sender_->TellStaff(context, "staff.due",
                                {{"case", kCase}, {"due", "2026-12-01"}},
                                std::string("due:") + kCase);
    }));
    sender_->SendNow();
  }
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_EQ(sent_[0].to, "dpo@shop.example");
  EXPECT_EQ(sent_[1].to, "compliance@shop.example");
}

TEST_F(SenderTest, AMovedRowIsNotSentToSomebodyElse) {
  ASSERT_OK(sender_->SendAndWait(CodeTo("a@example.com", 0)));
  ASSERT_OK(sender_->SendAndWait(CodeTo("b@example.com", 0)));
  fixture_.Tamper(
      "UPDATE messages SET address = $1 WHERE message_no = (SELECT "
      "MIN(message_no) FROM messages)",
      fixture_.Blob(
          "SELECT address FROM messages ORDER BY message_no DESC LIMIT 1"));
  sender_->SendNow();
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].to, "b@example.com");
}

TEST_F(SenderTest, TheThreadSendsWhatIsQueued) {
  sender_->Start();
  ASSERT_OK(sender_->SendAndWait(CodeTo("a@example.com", 0)));
  for (int i = 0; i < 500 && Rows() > 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  sender_->Stop();
  EXPECT_EQ(sent_.size(), 1u);
}

}  // namespace
}  // namespace consentry::delivery
