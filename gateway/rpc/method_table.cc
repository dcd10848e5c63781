#include "gateway/rpc/method_table.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "consentry/v1/admin_service.pb.h"
#include "consentry/v1/annotations.pb.h"
#include "consentry/v1/audit_service.pb.h"
#include "consentry/v1/common.pb.h"
#include "consentry/v1/consent_service.pb.h"
#include "consentry/v1/data_service.pb.h"
#include "consentry/v1/review_service.pb.h"
#include "consentry/v1/rights_service.pb.h"
#include "consentry/v1/screening_service.pb.h"

namespace consentry::rpc {
namespace {

// Permissions whose methods answer with what is released: customer data,
// choices, decisions, entries of the log.
constexpr std::string_view kReleasing[] = {
    "data.read",         "data.select",     "data.check",
    "decisions.explain", "consent.read",    "audit.read",
    "audit.export",      "staff.read",      "rights.read",
    "rights.download",   "reviews.request", "reviews.decide",
    "screening.fetch",   "screening.read",  "screening.case",
    "vulnerability.read"};

// Methods for customers whose requests name no subject but something that has
// one. Each compares it with CallerContext::customer() and answers NOT_FOUND
// for somebody else's. Notices are nobody's.
constexpr std::string_view kOfCustomers[] = {
    "RightsService.GetRightsCase",         "RightsService.CancelRightsCase",
    "RightsService.AppealRightsCase",      "RightsService.DownloadReport",
    "RightsService.GetErasureCertificate", "ConsentService.GetConsentReceipt",
    "ConsentService.ListNotices",          "ReviewService.AddStatement"};

bool IsForCustomers(const google::protobuf::MethodDescriptor& method,
                    std::string_view name) {
  const auto* subject = method.input_type()->FindFieldByName("subject");
  if (subject != nullptr &&
      subject->message_type() == v1::SubjectRef::descriptor() &&
      !subject->is_repeated()) {
    return true;
  }
  return std::find(std::begin(kOfCustomers), std::end(kOfCustomers), name) !=
         std::end(kOfCustomers);
}

bool Releases(std::string_view permission) {
  for (const std::string_view name : kReleasing) {
    if (name == permission) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<const MethodTable>> MethodTable::Create(
    std::span<const google::protobuf::ServiceDescriptor* const> services) {
  std::unique_ptr<MethodTable> table(new MethodTable);
  std::vector<std::string> faults;
  for (const auto* service : services) {
    table->services_.push_back(service->full_name());
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* described = service->method(i);
      const auto& options = described->options();
      Method method;
      method.path =
          absl::StrCat("/", service->full_name(), "/", described->name());
      method.name = absl::StrCat(service->name(), ".", described->name());
      method.permission_name = options.GetExtension(v1::permission);
      method.audit_event = options.GetExtension(v1::audit_event);
      method.releases = Releases(method.permission_name);
      method.for_customers = IsForCustomers(*described, method.name);
      const auto permission =
          clients::PermissionSet::Of(method.permission_name);
      if (method.permission_name.empty()) {
        faults.push_back(absl::StrCat(method.name, " has no permission"));
      } else if (!permission.has_value()) {
        faults.push_back(
            absl::StrCat(method.name, " names a permission of no role"));
      } else {
        method.permission = *permission;
      }
      if (method.audit_event.empty()) {
        faults.push_back(absl::StrCat(method.name, " has no audit event"));
      }
      std::string path = method.path;
      table->methods_.emplace(std::move(path), std::move(method));
    }
  }
  if (!faults.empty()) {
    return absl::FailedPreconditionError(absl::StrJoin(faults, "; "));
  }
  return std::unique_ptr<const MethodTable>(std::move(table));
}

absl::StatusOr<std::unique_ptr<const MethodTable>> MethodTable::CreateForApi() {
  std::vector<const google::protobuf::ServiceDescriptor*> services;
  for (const auto* file :
       {v1::CreateClientRequest::descriptor()->file(),
        v1::GetAuditLogRequest::descriptor()->file(),
        v1::RecordConsentRequest::descriptor()->file(),
        v1::ReadSubjectRequest::descriptor()->file(),
        v1::Review::descriptor()->file(), v1::RightsCase::descriptor()->file(),
        v1::Screening::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      services.push_back(file->service(i));
    }
  }
  return Create(services);
}

const Method* MethodTable::Find(std::string_view path) const {
  const auto it = methods_.find(path);
  return it == methods_.end() ? nullptr : &it->second;
}

const Method* MethodTable::Get(std::string_view path) const {
  const Method* method = Find(path);
  if (method == nullptr) std::abort();
  return method;
}

}  // namespace consentry::rpc
