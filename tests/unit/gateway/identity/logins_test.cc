#include "gateway/identity/logins.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>

#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/vault_fixture.h"

namespace consentry::identity {
namespace {

using testing::RowBuilder;

constexpr char kShop[] = "https://shop.example";
constexpr char kClub[] = "https://club.example";

class LoginsTest : public ::testing::Test, protected testing::VaultFixture {
 protected:
  LoginsTest() : logins_(&keys().epochs(), &keys().slots()) {}

  uint64_t Person(const std::string& name) {
    return FindById(ImportOne("crm", RowBuilder("profile", name)
                                         .Email(name + "@example.com")
                                         .Text("first_name", name))
                        .subject_id);
  }
  absl::Status Change(
      std::function<absl::Status(store::ChangeContext&)> apply) {
    store::Change change;
    change.apply = [apply = std::move(apply)](store::ChangeContext& context) {
      const absl::Status status = apply(context);
      if (status.ok()) context.SetEntry("an entry");
      return status;
    };
    return committer()->CommitChangeAndWait(std::move(change)).status;
  }
  // Whether the link is new.
  absl::StatusOr<bool> Add(uint64_t subject, const std::string& issuer,
                           const std::string& login) {
    bool added = false;
    CONSENTRY_RETURN_IF_ERROR(
        Change([&](store::ChangeContext& context) -> absl::Status {
          store::v1::LoginFact fact;
          fact.set_issuer(issuer);
          fact.set_login(login);
          CONSENTRY_ASSIGN_OR_RETURN(const auto keys_of,
                                     keys().slots().Load(subject));
          CONSENTRY_ASSIGN_OR_RETURN(added,
                                     logins_.Add(&context, keys_of, fact));
          return absl::OkStatus();
        }));
    return added;
  }
  uint64_t Find(const std::string& issuer, const std::string& login) {
    const auto link = logins_.Find(reader_connection(), issuer, login);
    EXPECT_OK(link);
    return link.ok() && link->has_value() ? (*link)->subject : 0;
  }
  static v1::ErrorReason Why(const absl::Status& status) {
    return consentry::ReasonOf(status).value_or(v1::ERROR_REASON_UNSPECIFIED);
  }

  Logins logins_;
};

TEST_F(LoginsTest, ALoginLeadsToWhomItWasLinkedAndToNobodyElse) {
  const uint64_t ada = Person("ada");
  const uint64_t bob = Person("bob");
  const uint64_t before = logins_.generation();
  ASSERT_OK_AND_ASSIGN(const bool added, Add(ada, kShop, "one"));
  EXPECT_TRUE(added);
  EXPECT_GT(logins_.generation(), before);
  EXPECT_EQ(Find(kShop, "one"), ada);
  // The same login of another issuer is somebody else's, as is another's here.
  EXPECT_EQ(Find(kClub, "one"), 0u);
  EXPECT_EQ(Find(kShop, "One"), 0u);
  ASSERT_OK_AND_ASSIGN(const bool again, Add(ada, kShop, "one"));
  EXPECT_FALSE(again);
  EXPECT_EQ(Why(Add(bob, kShop, "one").status()),
            v1::ERROR_REASON_ALREADY_EXISTS);
  EXPECT_EQ(Find(kShop, "one"), ada);
}

TEST_F(LoginsTest, IssuerAndLoginDoNotRunTogether) {
  const uint64_t ada = Person("ada");
  ASSERT_OK(Add(ada, "https://a", "bc"));
  EXPECT_EQ(Find("https://ab", "c"), 0u);
  EXPECT_EQ(Find("https://a", "bc"), ada);
}

TEST_F(LoginsTest, UnlinkingTakesThoseOfOneIssuer) {
  const uint64_t ada = Person("ada");
  ASSERT_OK(Add(ada, kShop, "one"));
  ASSERT_OK(Add(ada, kShop, "two"));
  ASSERT_OK(Add(ada, kClub, "one"));
  const uint64_t before = logins_.generation();
  int removed = 0;
  ASSERT_OK(Change([&](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(const auto keys_of, keys().slots().Load(ada));
    CONSENTRY_ASSIGN_OR_RETURN(removed,
                               logins_.Remove(&context, keys_of, kShop));
    return absl::OkStatus();
  }));
  EXPECT_EQ(removed, 2);
  EXPECT_GT(logins_.generation(), before);
  EXPECT_EQ(Find(kShop, "one"), 0u);
  EXPECT_EQ(Find(kShop, "two"), 0u);
  EXPECT_EQ(Find(kClub, "one"), ada);
}

TEST_F(LoginsTest, ACustomerHasSoManyLoginsAndNoMore) {
  const uint64_t ada = Person("ada");
  for (int i = 0; i < kMaxLogins; ++i) {
    ASSERT_OK(Add(ada, kShop, std::to_string(i)));
  }
  EXPECT_EQ(Why(Add(ada, kShop, "one more").status()),
            v1::ERROR_REASON_TOO_LARGE);
}

// Whoever can write the store leads no login to somebody else.
TEST_F(LoginsTest, ARowThatWasMovedLeadsNowhere) {
  const uint64_t ada = Person("ada");
  const uint64_t bob = Person("bob");
  ASSERT_OK(Add(ada, kShop, "one"));
  ASSERT_OK(Change([&](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        context.connection()->Prepare("UPDATE logins SET subject = $1"));
    return query.Bind(static_cast<int64_t>(bob)).Run();
  }));
  EXPECT_EQ(Why(logins_.Find(reader_connection(), kShop, "one").status()),
            v1::ERROR_REASON_DATA_CORRUPT);
}

TEST_F(LoginsTest, ALoginOfTheErasedIsNobodys) {
  const uint64_t ada = Person("ada");
  ASSERT_OK(Add(ada, kShop, "one"));
  ASSERT_OK(keys().slots().Destroy(ada, 1));
  EXPECT_EQ(Find(kShop, "one"), 0u);
}

}  // namespace
}  // namespace consentry::identity
