#include <algorithm>
#include <cmath>

#include "gateway/rpc/validate.h"
#include "gateway/rpc/validate_common.h"
#include "proto/support/utf8.h"

namespace consentry::rpc {
namespace {

constexpr size_t kMaxOutputTextBytes = 32 << 10;
constexpr size_t kMaxExplanationBytes = 4 << 10;
constexpr size_t kMaxItemBytes = 128;
constexpr size_t kMaxOutputLabelBytes = 128;
constexpr size_t kMaxIdBytes = 64;
constexpr size_t kMaxSourceBytes = 64;
constexpr size_t kMaxDisclosureBytes = 256;
constexpr size_t kMaxCategoryBytes = 128;
constexpr int kMaxRanking = 500;
constexpr int kMaxInputs = 64;
constexpr int kMaxEvidence = 16;
constexpr int kMaxDisclosures = 16;
constexpr int32_t kMaxRevokedPage = 10'000;
constexpr size_t kMaxBasisBytes = 500;
// 1970 and 2200: times that decisions and evidence may have.
constexpr int64_t kLastSecond = 7'258'118'400;

// 1 to `most` characters of [A-Za-z0-9_.-].
void CheckId(std::string_view value, std::string field, bool required,
             FaultList* faults) {
  if (value.empty()) {
    if (required) faults->Add(std::move(field), "is required");
    return;
  }
  const bool good = value.size() <= kMaxIdBytes &&
                    std::all_of(value.begin(), value.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '_' || c == '.' ||
                             c == '-';
                    });
  if (!good) {
    faults->Add(std::move(field),
                "must be 1 to 64 characters of [A-Za-z0-9_.-]");
  }
}

// Free text: any UTF-8 that a customer could be shown, control characters
// included, for what hides in it is looked for later.
void CheckFreeText(const std::string& value, std::string field, size_t most,
                   FaultList* faults) {
  if (value.size() > most) {
    faults->AddTooMany(std::move(field), most);
  } else if (!IsUtf8(value)) {
    faults->Add(std::move(field), "must be UTF-8");
  }
}

void CheckMoney(const v1::Money& money, const std::string& field,
                FaultList* faults) {
  const std::string& currency = money.currency();
  if (currency.size() != 3 ||
      !std::all_of(currency.begin(), currency.end(),
                   [](char c) { return c >= 'A' && c <= 'Z'; })) {
    faults->Add(Dot(field, "currency"), "must be an ISO 4217 code");
  }
}

void CheckPrice(const v1::Money& price, const std::string& field,
                FaultList* faults) {
  CheckMoney(price, field, faults);
  if (price.minor_units() < 0) {
    faults->Add(Dot(field, "minor_units"), "must not be negative");
  }
}

void CheckMoment(bool present, const google::protobuf::Timestamp& time,
                 std::string field, FaultList* faults) {
  if (present && (time.seconds() < 0 || time.seconds() >= kLastSecond ||
                  time.nanos() < 0 || time.nanos() > 999'999'999)) {
    faults->Add(std::move(field), "must be a time of the years 1970 to 2199");
  }
}

void CheckEvidence(const v1::Evidence& evidence, const std::string& field,
                   FaultList* faults) {
  if (evidence.source().empty()) {
    faults->Add(Dot(field, "source"), "is required");
  }
  CheckText(evidence.source(), Dot(field, "source"), kMaxSourceBytes, faults);
  CheckMoment(evidence.has_time(), evidence.time(), Dot(field, "time"), faults);
  switch (evidence.fact_case()) {
    case v1::Evidence::FACT_NOT_SET:
      faults->Add(field, "needs one fact");
      break;
    case v1::Evidence::kOfferEnd:
      CheckMoment(true, evidence.offer_end(), Dot(field, "offer_end"), faults);
      break;
    case v1::Evidence::kReferencePrice:
      CheckPrice(evidence.reference_price(), Dot(field, "reference_price"),
                 faults);
      break;
    default:
      break;
  }
}

void CheckCategory(std::string_view value, std::string field,
                   FaultList* faults) {
  const bool good = !value.empty() && value.size() <= kMaxCategoryBytes &&
                    std::all_of(value.begin(), value.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                             c == '_' || c == '.';
                    });
  if (!good) faults->Add(std::move(field), "must be a data category");
}

void CheckOutput(const v1::Output& output, const std::string& field,
                 FaultList* faults) {
  CheckId(output.id(), Dot(field, "id"), true, faults);
  if (output.kind() == v1::OUTPUT_KIND_UNSPECIFIED ||
      !v1::OutputKind_IsValid(output.kind())) {
    faults->Add(Dot(field, "kind"), "is required");
  }
  CheckKey(output.model(), Dot(field, "model"), faults);
  CheckId(output.model_version(), Dot(field, "model_version"), true, faults);
  CheckId(output.experiment(), Dot(field, "experiment"), false, faults);
  CheckId(output.variant(), Dot(field, "variant"), false, faults);
  CheckText(output.item(), Dot(field, "item"), kMaxItemBytes, faults);
  CheckFreeText(output.text(), Dot(field, "text"), kMaxOutputTextBytes, faults);
  CheckLanguage(output.language(), Dot(field, "language"), faults);
  if (output.ranking_size() > kMaxRanking) {
    faults->AddTooMany(Dot(field, "ranking"), kMaxRanking);
  } else {
    for (int i = 0; i < output.ranking_size(); ++i) {
      CheckText(output.ranking(i), At(Dot(field, "ranking"), i), kMaxItemBytes,
                faults);
    }
  }
  if (output.has_price()) {
    CheckPrice(output.price(), Dot(field, "price"), faults);
  }
  if (output.has_base_price()) {
    CheckPrice(output.base_price(), Dot(field, "base_price"), faults);
  }
  CheckText(output.label(), Dot(field, "label"), kMaxOutputLabelBytes, faults);
  if (!std::isfinite(output.score())) {
    faults->Add(Dot(field, "score"), "must be finite");
  }
  if (output.input_categories_size() > kMaxInputs) {
    faults->AddTooMany(Dot(field, "input_categories"), kMaxInputs);
  } else {
    for (int i = 0; i < output.input_categories_size(); ++i) {
      CheckCategory(output.input_categories(i),
                    At(Dot(field, "input_categories"), i), faults);
    }
  }
  CheckFreeText(output.explanation(), Dot(field, "explanation"),
                kMaxExplanationBytes, faults);
  if (output.evidence_size() > kMaxEvidence) {
    faults->AddTooMany(Dot(field, "evidence"), kMaxEvidence);
  } else {
    for (int i = 0; i < output.evidence_size(); ++i) {
      CheckEvidence(output.evidence(i), At(Dot(field, "evidence"), i), faults);
    }
  }
  if (output.disclosures_size() > kMaxDisclosures) {
    faults->AddTooMany(Dot(field, "disclosures"), kMaxDisclosures);
  } else {
    for (int i = 0; i < output.disclosures_size(); ++i) {
      CheckText(output.disclosures(i), At(Dot(field, "disclosures"), i),
                kMaxDisclosureBytes, faults);
    }
  }
  CheckMoment(output.has_deliver_time(), output.deliver_time(),
              Dot(field, "deliver_time"), faults);
}

// A channel that is really one.
void RequireChannel(v1::Channel channel, FaultList* faults) {
  if (channel == v1::CHANNEL_UNSPECIFIED) {
    faults->Add("channel", "is required");
  } else {
    CheckChannel(channel, "channel", faults);
  }
}

template <class Request>
void CheckBatch(const Request& request, FaultList* faults) {
  if (request.requests().empty()) faults->Add("requests", "is required");
  if (request.requests_size() > kMaxBatch) {
    faults->AddTooMany("requests", kMaxBatch);
  }
}

void CheckScreeningId(std::string_view id, FaultList* faults) {
  if (id.empty()) faults->Add("id", "is required");
  CheckToken(id, "id", kMaxTokenBytes, faults);
}

}  // namespace

void Validate(const v1::ScreenOutputRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckKey(request.purpose(), "purpose", faults);
  RequireChannel(request.channel(), faults);
  if (!request.has_output()) {
    faults->Add("output", "is required");
  } else {
    CheckOutput(request.output(), "output", faults);
  }
  CheckContext(request.context(), faults);
}

// What is wrong with one output of several is its own result.
void Validate(const v1::BatchScreenOutputsRequest& request, FaultList* faults) {
  CheckBatch(request, faults);
}
void Validate(const v1::StreamOutputsRequest& request, FaultList* faults) {
  CheckBatch(request, faults);
}

void Validate(const v1::FetchOutputsRequest& request, FaultList* faults) {
  CheckKey(request.purpose(), "purpose", faults);
  RequireChannel(request.channel(), faults);
  CheckPage(request.page_size(), kMaxBatch, request.page_token(), faults);
  CheckContext(request.context(), faults);
}

void Validate(const v1::ListRevokedReleasesRequest& request,
              FaultList* faults) {
  CheckPage(request.page_size(), kMaxRevokedPage, request.page_token(), faults);
}

void Validate(const v1::RecordOutcomeRequest& request, FaultList* faults) {
  if (request.outcomes().empty()) faults->Add("outcomes", "is required");
  if (request.outcomes_size() > kMaxBatch) {
    faults->AddTooMany("outcomes", kMaxBatch);
  }
  CheckContext(request.context(), faults);
}

void Validate(const v1::Outcome& outcome, FaultList* faults) {
  CheckId(outcome.output(), "output", true, faults);
  if (outcome.kind() == v1::OUTCOME_KIND_UNSPECIFIED ||
      !v1::OutcomeKind_IsValid(outcome.kind())) {
    faults->Add("kind", "is required");
  }
  const double value = outcome.value();
  bool good = std::isfinite(value);
  if (outcome.kind() == v1::OUTCOME_KIND_SATISFACTION) {
    good = good && value >= -1 && value <= 1;
  } else if (outcome.kind() == v1::OUTCOME_KIND_REPAID ||
             outcome.kind() == v1::OUTCOME_KIND_CONVERTED) {
    good = value == 0 || value == 1;
  }
  if (!good) faults->Add("value", "is out of range");
  if (outcome.kind() == v1::OUTCOME_KIND_REVENUE) {
    if (outcome.has_money()) {
      CheckMoney(outcome.money(), "money", faults);
    } else {
      faults->Add("money", "is required for REVENUE");
    }
  }
  if (!outcome.has_time()) faults->Add("time", "is required");
  CheckMoment(outcome.has_time(), outcome.time(), "time", faults);
}

void Validate(const v1::GetScreeningRequest& request, FaultList* faults) {
  CheckScreeningId(request.id(), faults);
  CheckContext(request.context(), faults);
}

void Validate(const v1::ListScreeningsRequest& request, FaultList* faults) {
  if (request.has_subject()) {
    CheckSubject(true, request.subject(), "subject", faults);
  }
  if (!request.model().empty()) CheckKey(request.model(), "model", faults);
  if (!v1::Verdict_IsValid(request.verdict())) {
    faults->Add("verdict", "no such verdict");
  }
  CheckTime(request.has_from_time(), request.from_time(), "from_time", faults);
  CheckTime(request.has_to_time(), request.to_time(), "to_time", faults);
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
  CheckContext(request.context(), faults);
}

void Validate(const v1::GetCaseRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  if (request.item().empty()) faults->Add("item", "is required");
  CheckText(request.item(), "item", kMaxItemBytes, faults);
  CheckTime(request.has_from_time(), request.from_time(), "from_time", faults);
  CheckTime(request.has_to_time(), request.to_time(), "to_time", faults);
  CheckContext(request.context(), faults);
}

void Validate(const v1::SetVulnerabilityRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  const v1::Vulnerability& declared = request.vulnerability();
  if (declared.kind() == v1::VULNERABILITY_KIND_UNSPECIFIED ||
      !v1::VulnerabilityKind_IsValid(declared.kind())) {
    faults->Add("vulnerability.kind", "is required");
  }
  if (declared.basis().empty()) {
    faults->Add("vulnerability.basis", "is required");
  }
  CheckText(declared.basis(), "vulnerability.basis", kMaxBasisBytes, faults);
  if (!declared.has_expire_time()) {
    faults->Add("vulnerability.expire_time", "is required");
  }
  CheckMoment(declared.has_expire_time(), declared.expire_time(),
              "vulnerability.expire_time", faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::ClearVulnerabilityRequest& request, FaultList* faults) {
  CheckScreeningId(request.id(), faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::ListVulnerabilitiesRequest& request,
              FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
  CheckContext(request.context(), faults);
}

}  // namespace consentry::rpc
