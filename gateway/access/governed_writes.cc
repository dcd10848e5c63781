#include "gateway/access/governed_writes.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/clients/configuration.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::access {
namespace {

// Whether the registration's categories cover a field; one that the catalog
// does not know is for the vault to hold back.
bool MayWrite(const clients::Configuration& configuration,
              const clients::Registration& registration, std::string_view kind,
              std::string_view field) {
  const auto id = configuration.bundle().FindField(
      absl::StrCat(std::string(kind), ".", std::string(field)));
  return !id.has_value() || registration.MayWrite(*id);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const vault::CatalogIndex>>
GovernedWrites::CatalogOf(const clients::Configuration& configuration) {
  MutexLock lock(&mu_);
  if (policy_ != configuration.shared_policy()) {
    const policy::Bundle& bundle = configuration.bundle();
    const int64_t now_us = options_.committer->NowUs();
    CONSENTRY_ASSIGN_OR_RETURN(
        catalog_,
        vault::CatalogIndex::Build(
            bundle.catalog(), [&bundle, now_us](std::string_view name) {
              const auto field = bundle.FindField(name);
              return field ? bundle.KeptMonths(*field, now_us) : 0;
            }));
    policy_ = configuration.shared_policy();
  }
  return catalog_;
}

absl::StatusOr<GovernedWrites::Plan> GovernedWrites::MakePlan(
    const Caller& caller, std::string_view purpose, std::string_view source,
    bool writes_legal_facts) {
  Plan plan;
  plan.configuration = options_.configuration();
  plan.registration = plan.configuration->FindById(caller.client_id);
  const int64_t now_us = options_.committer->NowUs();
  if (plan.registration == nullptr) {
    return MakeError(v1::ERROR_REASON_CLIENT_UNKNOWN,
                     "no registration of this caller");
  }
  CONSENTRY_RETURN_IF_ERROR(plan.registration->CheckState(now_us));
  CONSENTRY_RETURN_IF_ERROR(
      plan.configuration->ResolvePurpose(*plan.registration, purpose).status());
  CONSENTRY_RETURN_IF_ERROR(plan.registration->CheckContext(caller.context));
  if (!plan.registration->AllowsSource(source)) {
    absl::Status status = MakeError(v1::ERROR_REASON_CATEGORY_NOT_ALLOWED,
                                    "the source is not in the registration");
    AddErrorMetadata(&status, "field", "source");
    return status;
  }
  static const clients::PermissionSet legal_facts =
      *clients::PermissionSet::Of("data.legal_facts");
  const bool may_write_legal_facts =
      plan.registration->permissions().Contains(legal_facts);
  if (writes_legal_facts && !may_write_legal_facts) {
    return MakeError(v1::ERROR_REASON_LEGAL_FACT_NOT_ALLOWED,
                     "the registration may not write facts that law reads");
  }
  CONSENTRY_ASSIGN_OR_RETURN(plan.context.catalog,
                             CatalogOf(*plan.configuration));
  plan.context.source = std::string(source);
  plan.context.purpose = std::string(purpose);
  plan.context.may_write_legal_facts = may_write_legal_facts;
  plan.context.now_us = now_us;
  plan.context.leaf = clients::LeafOf(*plan.configuration, caller, now_us);
  plan.context.leaf.set_purpose(std::string(purpose));
  return plan;
}

template <class Response, class Work>
void GovernedWrites::Submit(Caller caller, std::string purpose, Work work,
                            WriteDone<Response> done) {
  auto held = std::make_shared<WriteDone<Response>>(std::move(done));
  const bool taken = options_.workers->TrySubmit(
      [this, caller = std::move(caller), purpose = std::move(purpose),
       work = std::move(work), held] {
        absl::StatusOr<Response> result = work();
        if (result.ok()) {
          (*held)(std::move(result));
          return;
        }
        options_.refusals->Record(
            *options_.configuration(), caller, purpose, result.status(),
            [held](const absl::Status& status) { (*held)(status); });
      });
  if (!taken) {
    (*held)(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                      "too many writes wait; try again"));
  }
}

absl::StatusOr<v1::WriteRecordResponse> GovernedWrites::RunWrite(
    const Caller& caller, const v1::WriteRecordRequest& request) {
  CONSENTRY_ASSIGN_OR_RETURN(
      Plan plan, MakePlan(caller, request.purpose(), request.source(),
                          request.has_legal_facts()));
  for (const auto& [name, value] : request.values()) {
    if (!MayWrite(*plan.configuration, *plan.registration, request.kind(),
                  name)) {
      absl::Status status =
          MakeError(v1::ERROR_REASON_CATEGORY_NOT_ALLOWED,
                    "a field's category is not in the registration");
      AddErrorMetadata(&status, "field",
                       absl::StrCat(request.kind(), ".", name));
      return status;
    }
  }
  std::optional<store::RequestBinding> binding;
  if (!request.request_id().empty()) {
    v1::WriteRecordRequest canonical = request;
    canonical.clear_request_id();
    binding = store::RequestBinding{.client = clients::RequesterOf(caller),
                                    .request_id = request.request_id(),
                                    .method = caller.method,
                                    .request_hash = options_.digests->Of(
                                        clients::CanonicalBytes(canonical))};
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const vault::WrittenRecord written,
      options_.writer->WriteRecord(request, std::move(plan.context),
                                   std::move(binding)));
  v1::WriteRecordResponse response;
  response.set_record_id(written.record_id);
  response.set_subject_id(written.subject_id);
  response.set_outcome(written.outcome);
  response.set_consistency_token(options_.tokens->Encode(
      crypto::TokenKind::kConsistency, static_cast<uint64_t>(written.change)));
  if (!written.repeated) {
    response.set_audit_reference(options_.tokens->Encode(
        crypto::TokenKind::kAudit,
        crypto::LogPosition{.index = written.log_index, .item = 0}.Pack()));
  }
  return response;
}

void GovernedWrites::Write(const Caller& caller,
                           const v1::WriteRecordRequest& request,
                           WriteDone<v1::WriteRecordResponse> done) {
  Submit<v1::WriteRecordResponse>(
      caller, request.purpose(),
      [this, caller, &request] { return RunWrite(caller, request); },
      std::move(done));
}

void GovernedWrites::CheckImport(const Caller& caller,
                                 const v1::ImportHeader& header,
                                 WriteDone<bool> done) {
  Submit<bool>(
      caller, header.purpose(),
      [this, caller, &header]() -> absl::StatusOr<bool> {
        CONSENTRY_RETURN_IF_ERROR(
            MakePlan(caller, header.purpose(), header.source(), false)
                .status());
        return true;
      },
      std::move(done));
}

absl::StatusOr<v1::ImportRecordsResponse> GovernedWrites::RunImport(
    const Caller& caller, const v1::ImportHeader& header,
    const v1::ImportRows& rows) {
  CONSENTRY_ASSIGN_OR_RETURN(
      Plan plan, MakePlan(caller, header.purpose(), header.source(), false));
  plan.context.validate_only = header.validate_only();
  // Rows with a column outside of the categories, without it; most have none.
  std::vector<std::unique_ptr<v1::ImportRow>> reduced;
  std::vector<std::vector<std::string>> withheld(
      static_cast<size_t>(rows.rows_size()));
  std::vector<const v1::ImportRow*> taken;
  taken.reserve(withheld.size());
  for (int i = 0; i < rows.rows_size(); ++i) {
    const v1::ImportRow& row = rows.rows(i);
    std::vector<std::string>& columns = withheld[static_cast<size_t>(i)];
    for (const auto& [name, value] : row.values()) {
      if (!MayWrite(*plan.configuration, *plan.registration, row.kind(),
                    name)) {
        columns.push_back(name);
      }
    }
    taken.push_back(&row);
    if (columns.empty()) continue;
    reduced.push_back(std::make_unique<v1::ImportRow>(row));
    for (const std::string& name : columns) {
      reduced.back()->mutable_values()->erase(name);
    }
    taken.back() = reduced.back().get();
  }
  CONSENTRY_ASSIGN_OR_RETURN(vault::WrittenRows written,
                             options_.writer->WriteRows(plan.context, taken));
  v1::ImportRecordsResponse response;
  for (size_t i = 0; i < written.rows.size(); ++i) {
    v1::ImportRowResult* result = response.add_results();
    *result = std::move(written.rows[i].result);
    for (const std::string& name : withheld[i]) {
      v1::ImportFault* fault = result->add_faults();
      fault->set_column(name);
      fault->set_reason(v1::ERROR_REASON_CATEGORY_NOT_ALLOWED);
    }
  }
  return response;
}

void GovernedWrites::Import(const Caller& caller,
                            const v1::ImportHeader& header,
                            const v1::ImportRows& rows,
                            WriteDone<v1::ImportRecordsResponse> done) {
  Submit<v1::ImportRecordsResponse>(
      caller, header.purpose(),
      [this, caller, &header, &rows] {
        return RunImport(caller, header, rows);
      },
      std::move(done));
}

}  // namespace consentry::access
