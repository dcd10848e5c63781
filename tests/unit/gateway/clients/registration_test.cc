#include "gateway/clients/registration.h"

#include <gtest/gtest.h>

#include "absl/strings/cord.h"
#include "gateway/clients/client_rules.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/gateway/clients/sample_policy.h"

namespace consentry::clients {
namespace {

constexpr int64_t kNowUs = 1'800'000'000'000'000;

std::unique_ptr<const Registration> Compile(const v1::Client& client,
                                            PermissionSet extra = {}) {
  return Registration::Compile(client, *SamplePolicy()->bundle, extra,
                               std::make_shared<ClientUse>());
}

policy::FieldId Field(const char* name) {
  return *SamplePolicy()->bundle->FindField(name);
}
policy::PurposeId Purpose(const char* key) {
  return *SamplePolicy()->bundle->FindPurpose(key);
}

TEST(RegistrationTest, PurposesAndCategoriesBecomeSets) {
  const auto registration = Compile(StoredClient("crm", 'a'));
  EXPECT_TRUE(registration->AllowsPurpose(Purpose(kSupport)));
  EXPECT_FALSE(registration->AllowsPurpose(Purpose(kService)));
  EXPECT_TRUE(registration->MayRead(Field("profile.email")));
  EXPECT_FALSE(registration->MayRead(Field("profile.given_name")));
  EXPECT_FALSE(registration->MayWrite(Field("profile.email")));
}

TEST(RegistrationTest, PrefixesEndAtADot) {
  EXPECT_TRUE(CategoryBelow("user.contact.email", "user.contact"));
  EXPECT_TRUE(CategoryBelow("user.contact", "user.contact"));
  EXPECT_FALSE(CategoryBelow("user.contacts", "user.contact"));
  EXPECT_FALSE(CategoryBelow("user.contact", "user.contact.email"));
  EXPECT_FALSE(CategoryBelow("user", ""));
}

TEST(RegistrationTest, NamesThatTheBundleDoesNotKnowAllowNothing) {
  v1::Client client = StoredClient("crm", 'a');
  client.clear_purposes();
  client.add_purposes("gone.purpose");
  client.clear_read_categories();
  client.add_read_categories("gone");
  const auto registration = Compile(client);
  for (size_t p = 0; p < SamplePolicy()->bundle->purpose_count(); ++p) {
    EXPECT_FALSE(
        registration->AllowsPurpose(static_cast<policy::PurposeId>(p)));
  }
  for (size_t f = 0; f < SamplePolicy()->bundle->field_count(); ++f) {
    EXPECT_FALSE(registration->MayRead(static_cast<policy::FieldId>(f)));
  }
}

TEST(RegistrationTest, NoChannelsMeansAll) {
  v1::Client client = StoredClient("crm", 'a');
  EXPECT_TRUE(Compile(client)->AllowsChannel(v1::CHANNEL_SMS));
  client.add_channels(v1::CHANNEL_EMAIL);
  EXPECT_TRUE(Compile(client)->AllowsChannel(v1::CHANNEL_EMAIL));
  EXPECT_FALSE(Compile(client)->AllowsChannel(v1::CHANNEL_SMS));
}

TEST(RegistrationTest, AttestationsMayBeBoundToANotice) {
  v1::Client client = StoredClient("crm", 'a');
  client.add_attests("a.purpose");
  client.add_attests("b.purpose@notice-1");
  const auto registration = Compile(client);
  EXPECT_TRUE(registration->MayAttest("a.purpose", "any"));
  EXPECT_TRUE(registration->MayAttest("b.purpose", "notice-1"));
  EXPECT_FALSE(registration->MayAttest("b.purpose", "notice-2"));
  EXPECT_FALSE(registration->MayAttest("c.purpose", "any"));
  EXPECT_FALSE(registration->MayAttest("a", "any"));
}

TEST(RegistrationTest, ExtrasOfTheGatewayAreForServicesAlone) {
  const PermissionSet explain = *PermissionSet::Of("decisions.explain");
  v1::Client client = StoredClient("crm", 'a');
  EXPECT_FALSE(Compile(client)->permissions().Contains(explain));
  EXPECT_TRUE(Compile(client, explain)->permissions().Contains(explain));
  client.set_role(v1::ROLE_ADMIN);
  EXPECT_FALSE(Compile(client, explain)->permissions().Contains(explain));
}

constexpr uint32_t Bit(v1::Role role) { return uint32_t{1} << role; }

TEST(RegistrationTest, ATokenGivesWhatPersonAndRegistrationBothHave) {
  const PermissionSet audit = *PermissionSet::Of("audit.read");
  const PermissionSet clients = *PermissionSet::Of("clients.write");
  const PermissionSet data = *PermissionSet::Of("data.read");
  v1::Client console = StoredClient("console", 'a');
  console.add_may_delegate(v1::ROLE_COMPLIANCE);
  console.add_may_delegate(v1::ROLE_ADMIN);
  const auto registration = Compile(console);
  const auto both = registration->PermissionsFor(Bit(v1::ROLE_ADMIN) |
                                                 Bit(v1::ROLE_COMPLIANCE));
  EXPECT_TRUE(both.Contains(audit));
  EXPECT_TRUE(both.Contains(clients));
  // Not what the registration may without a person.
  EXPECT_FALSE(both.Contains(data));
  const auto admin = registration->PermissionsFor(Bit(v1::ROLE_ADMIN));
  EXPECT_FALSE(admin.Contains(audit));
  // Roles that it may not carry, and none at all.
  EXPECT_EQ(registration->PermissionsFor(Bit(v1::ROLE_DPO)), PermissionSet());
  EXPECT_EQ(registration->PermissionsFor(0), PermissionSet());
}

TEST(RegistrationTest, OwnStaffMayWhatTheServiceMay) {
  v1::Client crm = StoredClient("crm", 'a');
  crm.add_permissions("data.select");
  EXPECT_EQ(Compile(crm)->PermissionsFor(Bit(v1::ROLE_SERVICE)),
            PermissionSet());
  crm.add_may_delegate(v1::ROLE_SERVICE);
  EXPECT_EQ(Compile(crm)->PermissionsFor(Bit(v1::ROLE_SERVICE)),
            Compile(crm)->permissions());
}

// The fields that `client` is refused for.
std::string FaultsOf(const v1::Client& client) {
  std::string fields;
  for (const FieldViolation& fault :
       CheckClient(client, *SamplePolicy()->bundle, kNowUs, "")) {
    fields += fault.field + ";";
  }
  return fields;
}

TEST(RegistrationTest, StaffAndCustomersAndDataDoNotMixInOneRegistration) {
  v1::Client client = StoredClient("crm", 'a');
  client.clear_expire_time();
  EXPECT_EQ(FaultsOf(client), "");
  client.add_may_delegate(v1::ROLE_CUSTOMER);
  client.add_may_delegate(v1::ROLE_SERVICE);
  EXPECT_EQ(FaultsOf(client), "");
  client.add_may_delegate(v1::ROLE_COMPLIANCE);
  EXPECT_EQ(FaultsOf(client), "may_delegate;may_delegate;");
  client.clear_may_delegate();
  client.add_may_delegate(v1::ROLE_ADMIN);
  EXPECT_EQ(FaultsOf(client), "may_delegate;");
  client.clear_purposes();
  client.clear_read_categories();
  client.clear_write_categories();
  EXPECT_EQ(FaultsOf(client), "");
  client.add_may_delegate(v1::ROLE_ADMIN);
  EXPECT_EQ(FaultsOf(client), "may_delegate[1];");
}

TEST(RegistrationTest, AnOfficeCarriesTokensOfItsOwnRoleAlone) {
  v1::Client client;
  client.set_id("audit-desk");
  client.set_role(v1::ROLE_COMPLIANCE);
  client.add_may_delegate(v1::ROLE_COMPLIANCE);
  client.mutable_context_rules()->set_token_required(true);
  EXPECT_EQ(FaultsOf(client), "");
  client.add_may_delegate(v1::ROLE_DPO);
  EXPECT_EQ(FaultsOf(client), "may_delegate[1];");
  client.clear_may_delegate();
  EXPECT_EQ(FaultsOf(client), "context_rules.token_required;");
}

TEST(RegistrationTest, PermissionsThatTheRoleCannotHaveAreIgnored) {
  v1::Client client = StoredClient("crm", 'a');
  client.add_permissions("clients.write");
  client.add_permissions("no.such");
  EXPECT_EQ(Compile(client)->permissions(), PermissionsOf(v1::ROLE_SERVICE));
}

TEST(RegistrationTest, MissingContextIsNamedTogether) {
  v1::Client client = StoredClient("crm", 'a');
  client.mutable_context_rules()->set_acting_person_required(true);
  client.mutable_context_rules()->set_ticket_required(true);
  const auto registration = Compile(client);
  v1::CallContext context;
  const absl::Status missing = registration->CheckContext(context);
  EXPECT_EQ(ReasonOf(missing), v1::ERROR_REASON_CONTEXT_REQUIRED);
  const auto info =
      missing.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  ASSERT_TRUE(info);
  EXPECT_NE(std::string(*info).find("acting_person,ticket"), std::string::npos);
  context.set_acting_person("stf-1");
  context.set_ticket("T1");
  EXPECT_OK(registration->CheckContext(context));
}

TEST(RegistrationTest, StateAndEndAreChecked) {
  v1::Client client = StoredClient("crm", 'a');
  EXPECT_OK(Compile(client)->CheckState(kNowUs));
  client.mutable_expire_time()->set_seconds(kNowUs / 1'000'000);
  EXPECT_EQ(ReasonOf(Compile(client)->CheckState(kNowUs)),
            v1::ERROR_REASON_CLIENT_EXPIRED);
  EXPECT_OK(Compile(client)->CheckState(kNowUs - 1));
  client.set_state(v1::CLIENT_STATE_SUSPENDED);
  EXPECT_EQ(ReasonOf(Compile(client)->CheckState(kNowUs)),
            v1::ERROR_REASON_SUSPENDED);
  for (const auto state :
       {v1::CLIENT_STATE_REVOKED, v1::CLIENT_STATE_UNSPECIFIED,
        v1::CLIENT_STATE_EXPIRED}) {
    client.set_state(state);
    EXPECT_EQ(ReasonOf(Compile(client)->CheckState(0)),
              v1::ERROR_REASON_CLIENT_REVOKED);
  }
}

TEST(RegistrationTest, KeysAreWrittenInOneWay) {
  crypto::SpkiHash key{};
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(7 * i);
  ASSERT_OK_AND_ASSIGN(const auto back, ParseKey(FormatKey(key)));
  EXPECT_EQ(back, key);
  EXPECT_FALSE(ParseKey("").ok());
  EXPECT_FALSE(ParseKey(std::string(63, 'a')).ok());
  EXPECT_FALSE(ParseKey(std::string(64, 'A')).ok());
  EXPECT_FALSE(ParseKey(std::string(64, 'g')).ok());
}

std::vector<std::string> Faults(const v1::Client& client) {
  std::vector<std::string> fields;
  for (const auto& fault :
       CheckClient(client, *SamplePolicy()->bundle, kNowUs, "")) {
    fields.push_back(fault.field);
  }
  return fields;
}

using Fields = std::vector<std::string>;

v1::Client Wanted() {
  v1::Client client;
  client.set_id("crm");
  client.set_role(v1::ROLE_SERVICE);
  client.add_purposes(kSupport);
  client.add_read_categories("user");
  return client;
}

TEST(ClientRulesTest, AGoodRegistrationPasses) {
  EXPECT_EQ(Faults(Wanted()), Fields());
}

TEST(ClientRulesTest, MarketingDoesNotMixWithServiceOrSupport) {
  for (const char* service : {kSupport, kService}) {
    for (const char* marketing :
         {kMarketing, "personalize.content.profiling", "third_party_sharing",
          "marketing.advertising.third_party.targeted"}) {
      v1::Client client = Wanted();
      client.clear_purposes();
      client.add_purposes(service);
      client.add_purposes(marketing);
      EXPECT_EQ(Faults(client), Fields{"purposes"}) << service << marketing;
    }
  }
}

TEST(ClientRulesTest, OtherClassesGoWithEitherSide) {
  v1::Client client = Wanted();
  client.add_purposes(kAnalytics);
  EXPECT_EQ(Faults(client), Fields());
  client.set_purposes(0, kMarketing);
  EXPECT_EQ(Faults(client), Fields());
}

TEST(ClientRulesTest, EachFaultIsNamed) {
  struct Case {
    const char* field;
    void (*spoil)(v1::Client*);
  };
  const Case cases[] = {
      {"id", [](v1::Client* c) { c->set_id("x"); }},
      {"id", [](v1::Client* c) { c->set_id("Crm"); }},
      {"id", [](v1::Client* c) { c->set_id("-crm"); }},
      {"id", [](v1::Client* c) { c->set_id("crm-"); }},
      {"id", [](v1::Client* c) { c->set_id(std::string(65, 'a')); }},
      {"role", [](v1::Client* c) { c->set_role(v1::ROLE_UNSPECIFIED); }},
      {"purposes[1]", [](v1::Client* c) { c->add_purposes("no.such"); }},
      {"purposes[1]", [](v1::Client* c) { c->add_purposes(kSupport); }},
      {"read_categories[0]",
       [](v1::Client* c) { c->set_read_categories(0, "system"); }},
      {"write_categories[0]",
       [](v1::Client* c) { c->add_write_categories("us"); }},
      {"channels[0]",
       [](v1::Client* c) { c->add_channels(v1::CHANNEL_UNSPECIFIED); }},
      {"sources[0]", [](v1::Client* c) { c->add_sources("fax"); }},
      {"permissions[0]",
       [](v1::Client* c) { c->add_permissions("clients.write"); }},
      {"permissions[0]", [](v1::Client* c) { c->add_permissions("no.such"); }},
      {"attests[0]", [](v1::Client* c) { c->add_attests("no.such@n"); }},
      {"country", [](v1::Client* c) { c->set_country("Germany"); }},
      {"country", [](v1::Client* c) { c->set_country("de"); }},
      {"transfer_ground",
       [](v1::Client* c) { c->set_transfer_ground("trust us"); }},
      {"title", [](v1::Client* c) { c->set_title("a\nb"); }},
      {"recipient",
       [](v1::Client* c) { c->set_recipient(std::string(257, 'r')); }},
      {"limits.calls_per_second",
       [](v1::Client* c) {
         c->mutable_limits()->set_calls_per_second(kMaxCallsPerSecond + 1);
       }},
      {"limits.subjects_per_hour",
       [](v1::Client* c) {
         c->mutable_limits()->set_subjects_per_hour(kMaxSubjectsPerHour + 1);
       }},
      {"expire_time",
       [](v1::Client* c) { c->mutable_expire_time()->set_seconds(1); }},
      {"expire_time",
       [](v1::Client* c) {
         c->mutable_expire_time()->set_seconds(kNowUs / 1'000'000 +
                                               826 * 24 * 3600);
       }},
  };
  for (const Case& bad : cases) {
    v1::Client client = Wanted();
    bad.spoil(&client);
    EXPECT_EQ(Faults(client), Fields{bad.field});
  }
}

TEST(ClientRulesTest, OnlyServicesHavePurposes) {
  v1::Client client = Wanted();
  client.set_role(v1::ROLE_ADMIN);
  EXPECT_EQ(Faults(client), Fields{"role"});
  client.set_role(v1::ROLE_CUSTOMER);
  EXPECT_EQ(Faults(client), Fields{"role"});
  client.clear_purposes();
  client.clear_read_categories();
  client.set_role(v1::ROLE_DPO);
  EXPECT_EQ(Faults(client), Fields());
}

}  // namespace
}  // namespace consentry::clients
