#include "gateway/clients/client_change.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace consentry::clients {
namespace {

v1::Client Crm() {
  v1::Client client;
  client.set_id("crm");
  client.set_role(v1::ROLE_SERVICE);
  client.add_purposes("a.service");
  client.add_purposes("a.support");
  client.add_read_categories("user.contact");
  client.add_write_categories("user.contact.email");
  client.add_channels(v1::CHANNEL_EMAIL);
  client.add_channels(v1::CHANNEL_WEB);
  client.add_sources("crm");
  client.add_permissions("data.import");
  client.add_attests("a.letters");
  client.add_may_delegate(v1::ROLE_CUSTOMER);
  client.set_country("DE");
  client.mutable_limits()->set_calls_per_second(100);
  client.mutable_context_rules()->set_ticket_required(true);
  client.mutable_expire_time()->set_seconds(2'000'000'000);
  return client;
}

using Edit = std::function<void(v1::Client*)>;

TEST(ClientChangeTest, LessOrTheSameIsNoPower) {
  const std::vector<Edit> edits = {
      [](v1::Client*) {},
      [](v1::Client* c) { c->clear_purposes(); },
      [](v1::Client* c) { c->set_read_categories(0, "user.contact.email"); },
      [](v1::Client* c) { c->mutable_channels()->RemoveLast(); },
      [](v1::Client* c) { c->clear_sources(); },
      [](v1::Client* c) { c->clear_permissions(); },
      [](v1::Client* c) { c->set_attests(0, "a.letters@notice-1"); },
      [](v1::Client* c) { c->clear_may_delegate(); },
      [](v1::Client* c) { c->set_title("Another name"); },
      [](v1::Client* c) { c->mutable_limits()->set_calls_per_second(99); },
      [](v1::Client* c) {
        c->mutable_context_rules()->set_token_required(true);
      },
      [](v1::Client* c) { c->clear_expire_time(); },
      [](v1::Client* c) { c->mutable_expire_time()->set_seconds(1); },
  };
  for (size_t i = 0; i < edits.size(); ++i) {
    v1::Client after = Crm();
    edits[i](&after);
    EXPECT_FALSE(Widens(Crm(), after)) << i;
  }
}

TEST(ClientChangeTest, WhateverGivesMoreOrLeadsElsewhereIsPower) {
  const std::vector<Edit> edits = {
      [](v1::Client* c) { c->add_purposes("a.marketing"); },
      [](v1::Client* c) { c->set_purposes(0, "a.servic"); },
      [](v1::Client* c) { c->set_read_categories(0, "user"); },
      [](v1::Client* c) { c->set_read_categories(0, "user.contacts"); },
      [](v1::Client* c) { c->add_write_categories("user.contact"); },
      [](v1::Client* c) { c->add_channels(v1::CHANNEL_SMS); },
      [](v1::Client* c) { c->clear_channels(); },
      [](v1::Client* c) { c->add_sources("pos"); },
      [](v1::Client* c) { c->add_permissions("data.select"); },
      [](v1::Client* c) { c->add_attests("a.letters2"); },
      [](v1::Client* c) { c->add_may_delegate(v1::ROLE_SERVICE); },
      [](v1::Client* c) { c->set_token_client("other"); },
      [](v1::Client* c) { c->set_country("US"); },
      [](v1::Client* c) { c->set_transfer_ground("scc"); },
      [](v1::Client* c) { c->set_contract("other"); },
      [](v1::Client* c) { c->set_recipient("other"); },
      // 0 stands for the default, which is more.
      [](v1::Client* c) { c->mutable_limits()->set_calls_per_second(0); },
      [](v1::Client* c) { c->mutable_limits()->set_subjects_per_hour(10'001); },
      [](v1::Client* c) { c->clear_context_rules(); },
      [](v1::Client* c) {
        c->mutable_expire_time()->set_seconds(2'000'000'001);
      },
      [](v1::Client* c) { c->set_role(v1::ROLE_ADMIN); },
  };
  for (size_t i = 0; i < edits.size(); ++i) {
    v1::Client after = Crm();
    edits[i](&after);
    EXPECT_TRUE(Widens(Crm(), after)) << i;
    EXPECT_FALSE(DescribeChange(Crm(), after).empty()) << i;
  }
}

TEST(ClientChangeTest, ANewRegistrationIsDescribedWhole) {
  const auto lines = DescribeChange(v1::Client(), Crm());
  EXPECT_NE(std::find(lines.begin(), lines.end(), "purposes + a.service"),
            lines.end());
  EXPECT_NE(std::find(lines.begin(), lines.end(), "ticket + must"),
            lines.end());
  EXPECT_TRUE(DescribeChange(Crm(), Crm()).empty());
}

}  // namespace
}  // namespace consentry::clients
