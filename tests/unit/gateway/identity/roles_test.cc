#include "gateway/identity/roles.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "consentry/v1/admin_service.pb.h"

namespace consentry::identity {
namespace {

constexpr uint32_t kAdmin = 1u << v1::ROLE_ADMIN;
constexpr uint32_t kCompliance = 1u << v1::ROLE_COMPLIANCE;
constexpr uint32_t kDpo = 1u << v1::ROLE_DPO;
constexpr uint32_t kService = 1u << v1::ROLE_SERVICE;

uint32_t Roles(const std::string& mappings, const std::string& claims) {
  config::v1::Issuer issuer;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(mappings, &issuer));
  const auto object = JsonObject::Parse(claims, 4096);
  EXPECT_TRUE(object.ok()) << claims;
  return object.ok() ? RolesOf(issuer, *object) : 0;
}

TEST(RolesTest, AnAddressCountsOnlyWhenItIsVerified) {
  const std::string map = R"(roles { email: "Dpo@shop.example" roles: DPO })";
  EXPECT_EQ(Roles(map, R"({"email":"dpo@SHOP.example","email_verified":true})"),
            kDpo);
  EXPECT_EQ(Roles(map, R"({"email":"dpo@shop.example"})"), 0u);
  EXPECT_EQ(
      Roles(map, R"({"email":"dpo@shop.example","email_verified":"true"})"),
      0u);
  EXPECT_EQ(
      Roles(map, R"({"email":"dpo@shop.example","email_verified":false})"), 0u);
  EXPECT_EQ(
      Roles(map, R"({"email":["dpo@shop.example"],"email_verified":true})"),
      0u);
}

TEST(RolesTest, GroupsAndNestedClaimsAreLookedUpWhole) {
  const std::string map = R"(
    roles { group: "admins" roles: ADMIN roles: COMPLIANCE }
    roles { claim: "realm_access" claim: "roles" value: "agent"
            roles: SYSTEM_USER })";
  EXPECT_EQ(Roles(map, R"({"groups":["x","admins"]})"), kAdmin | kCompliance);
  EXPECT_EQ(Roles(map, R"({"groups":["admins2","/admins"]})"), 0u);
  EXPECT_EQ(Roles(map, R"({"groups":[["admins"]]})"), 0u);
  EXPECT_EQ(Roles(map, R"({"groups":{"admins":true}})"), 0u);
  EXPECT_EQ(Roles(map, R"({"realm_access":{"roles":["agent"]}})"), kService);
  EXPECT_EQ(Roles(map, R"({"realm_access.roles":["agent"]})"), 0u);
  EXPECT_EQ(Roles(map, R"({"realm_access":[{"roles":["agent"]}]})"), 0u);
}

TEST(RolesTest, AllThatAMappingSetsMustHoldAndNothingGivesNothing) {
  const std::string both = R"(
    roles { group: "staff" claim: "level" value: "9" roles: ADMIN }
    roles { roles: DPO })";
  EXPECT_EQ(Roles(both, R"({"groups":"staff","level":"9"})"), kAdmin);
  EXPECT_EQ(Roles(both, R"({"groups":"staff","level":9})"), 0u);
  EXPECT_EQ(Roles(both, R"({"groups":"staff"})"), 0u);
  EXPECT_EQ(Roles(both, R"({})"), 0u);
}

}  // namespace
}  // namespace consentry::identity
