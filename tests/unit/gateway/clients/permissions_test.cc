#include "gateway/clients/permissions.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "consentry/v1/annotations.pb.h"
#include "consentry/v1/audit_service.pb.h"
#include "consentry/v1/consent_service.pb.h"
#include "consentry/v1/data_service.pb.h"
#include "consentry/v1/review_service.pb.h"
#include "consentry/v1/rights_service.pb.h"
#include "consentry/v1/screening_service.pb.h"

namespace consentry::clients {
namespace {

PermissionSet Of(std::string_view name) { return *PermissionSet::Of(name); }

const google::protobuf::FileDescriptor* const kFiles[] = {
    v1::CreateClientRequest::descriptor()->file(),
    v1::GetAuditLogRequest::descriptor()->file(),
    v1::RecordConsentRequest::descriptor()->file(),
    v1::ReadSubjectRequest::descriptor()->file(),
    v1::Review::descriptor()->file(),
    v1::RightsCase::descriptor()->file(),
    v1::Screening::descriptor()->file(),
};

TEST(PermissionsTest, EveryPermissionOfTheApiIsKnownAndNoOther) {
  // Asked for inside of methods that need another one first.
  std::set<std::string> used = {"data.legal_facts", "consent.parental"};
  for (const auto* file : kFiles) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        used.insert(file->service(s)->method(m)->options().GetExtension(
            v1::permission));
      }
    }
  }
  const auto all = AllPermissions();
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()), used);
}

TEST(PermissionsTest, EveryPermissionBelongsToSomebody) {
  for (const std::string_view name : AllPermissions()) {
    bool held = false;
    for (int role = 1; role <= v1::Role_MAX; ++role) {
      held = held ||
             PermissionsOf(static_cast<v1::Role>(role)).Contains(Of(name)) ||
             MayBeGranted(static_cast<v1::Role>(role), name);
    }
    EXPECT_TRUE(held) << name;
  }
}

TEST(PermissionsTest, AdministratorsReadNeitherDataNorAudit) {
  for (const char* name : {"data.read", "data.select", "data.check",
                           "decisions.explain", "audit.read", "consent.read"}) {
    EXPECT_FALSE(PermissionsOf(v1::ROLE_ADMIN).Contains(Of(name))) << name;
    EXPECT_FALSE(MayBeGranted(v1::ROLE_ADMIN, name)) << name;
  }
}

TEST(PermissionsTest, OnlyServicesReadData) {
  for (int role = 0; role <= v1::Role_MAX; ++role) {
    EXPECT_EQ(
        PermissionsOf(static_cast<v1::Role>(role)).Contains(Of("data.read")),
        role == v1::ROLE_SERVICE);
  }
}

TEST(PermissionsTest, AServiceMayDeclareVulnerabilitiesAndEndsNone) {
  EXPECT_TRUE(MayBeGranted(v1::ROLE_SERVICE, "vulnerability.write"));
  EXPECT_FALSE(
      PermissionsOf(v1::ROLE_SERVICE).Contains(Of("vulnerability.write")));
  for (const char* name : {"vulnerability.clear", "vulnerability.read"}) {
    EXPECT_FALSE(MayBeGranted(v1::ROLE_SERVICE, name)) << name;
    EXPECT_FALSE(PermissionsOf(v1::ROLE_SERVICE).Contains(Of(name))) << name;
    EXPECT_TRUE(PermissionsOf(v1::ROLE_COMPLIANCE).Contains(Of(name))) << name;
  }
}

TEST(PermissionsTest, UnknownNamesAndRolesHoldNothing) {
  EXPECT_FALSE(PermissionSet::Of(""));
  EXPECT_FALSE(PermissionSet::Of("data"));
  EXPECT_FALSE(PermissionSet::Of("data.read "));
  EXPECT_FALSE(MayBeGranted(v1::ROLE_SERVICE, "clients.write"));
  EXPECT_FALSE(MayBeGranted(v1::ROLE_SERVICE, "no.such"));
  EXPECT_EQ(PermissionsOf(v1::ROLE_UNSPECIFIED), PermissionSet());
  EXPECT_EQ(PermissionsOf(static_cast<v1::Role>(77)), PermissionSet());
  EXPECT_EQ(PermissionsOf(static_cast<v1::Role>(-1)), PermissionSet());
}

TEST(PermissionsTest, CustomersHoldWhatIsAboutThemselvesAndNothingElse) {
  const std::set<std::string_view> own = {
      "consent.record",  "consent.withdraw",  "consent.opt_out",
      "consent.read",    "rights.submit",     "rights.read",
      "agents.read",     "notices.read",      "rights.download",
      "reviews.request", "vulnerability.read"};
  for (const std::string_view name : AllPermissions()) {
    EXPECT_EQ(PermissionsOf(v1::ROLE_CUSTOMER).Contains(Of(name)),
              own.count(name) == 1)
        << name;
    EXPECT_FALSE(MayBeGranted(v1::ROLE_CUSTOMER, name)) << name;
  }
}

}  // namespace
}  // namespace consentry::clients
