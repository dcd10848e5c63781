#include "gateway/access/read_plan.h"

#include <algorithm>
#include <optional>

#include "gateway/vault/field_number.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::access {
namespace {

// The channels of the API and of the configuration are one list.
static_assert(static_cast<int>(v1::CHANNEL_INTERNAL) ==
              static_cast<int>(config::v1::Channel::INTERNAL));
static_assert(static_cast<int>(v1::Channel_MAX) ==
              static_cast<int>(config::v1::Channel::Value_MAX));

constexpr std::string_view kWildcard = ".*";

bool EndsWithWildcard(std::string_view name) {
  return name.size() > kWildcard.size() &&
         name.substr(name.size() - kWildcard.size()) == kWildcard;
}

class FieldCollector {
 public:
  // `all`: whatever the purpose needs; the registration names no categories.
  FieldCollector(ReadPlan* plan, bool all) : plan_(plan), all_(all) {}

  // A field by its name.
  void Add(const std::string& name) {
    const auto field = plan_->bundle().FindField(name);
    if (!field || !plan_->bundle().NeededAs(plan_->purpose, *field)) {
      Refuse(v1::ERROR_REASON_FIELD_NOT_ALLOWED, name,
             "not a field that the purpose needs");
    } else if (!all_ && !plan_->registration->MayRead(*field)) {
      Refuse(v1::ERROR_REASON_CATEGORY_NOT_ALLOWED, name,
             "of a category that the registration does not read");
    } else {
      Keep(*field);
    }
  }

  // All fields of a kind that the purpose needs and the registration reads.
  void AddKind(std::string_view kind_key, const std::string& name) {
    const policy::Bundle& bundle = plan_->bundle();
    const auto kind = bundle.FindKind(kind_key);
    bool any = false;
    for (size_t i = 0; kind && i < bundle.field_count(); ++i) {
      const auto field = static_cast<policy::FieldId>(i);
      if (bundle.kind_of(field) == *kind &&
          bundle.NeededAs(plan_->purpose, field) &&
          (all_ || plan_->registration->MayRead(field))) {
        Keep(field);
        any = true;
      }
    }
    if (!any) {
      Refuse(v1::ERROR_REASON_FIELD_NOT_ALLOWED, name,
             "no field of this kind is open to the purpose and the caller");
    }
  }

  absl::Status status() const { return status_; }

 private:
  void Refuse(v1::ErrorReason reason, const std::string& name,
              std::string_view why) {
    if (status_.ok()) {
      status_ = MakeError(reason, "a field may not be read for this purpose");
      AddErrorMetadata(&status_, "field", name);
    }
    AddFieldViolation(&status_, {"fields", name + ": " + std::string(why)});
  }

  void Keep(policy::FieldId field) {
    if (std::find(plan_->fields.begin(), plan_->fields.end(), field) !=
        plan_->fields.end()) {
      return;
    }
    const config::v1::RecordKind& kind =
        plan_->bundle().kind(plan_->bundle().kind_of(field));
    auto at = std::find(plan_->kinds.begin(), plan_->kinds.end(), kind.key());
    if (at == plan_->kinds.end()) {
      plan_->kinds.push_back(kind.key());
      plan_->kind_is_single.push_back(kind.single());
      at = plan_->kinds.end() - 1;
    }
    plan_->fields.push_back(field);
    plan_->numbers.push_back(
        vault::FieldNumber(plan_->bundle().field_name(field)));
    plan_->kind_of_field.push_back(
        static_cast<size_t>(at - plan_->kinds.begin()));
  }

  ReadPlan* const plan_;
  const bool all_;
  absl::Status status_;
};

// The purpose, when staff who review ask under that of human review. Their
// registrations name no purposes and no categories, and hold no permission to
// read by any other way than the review that they have claimed.
std::optional<policy::PurposeId> ReviewPurpose(const ReadPlan& plan,
                                               const Caller& caller,
                                               const std::string& purpose) {
  const bool reviews =
      caller.person ? caller.person->Is(v1::ROLE_REVIEWER)
                    : plan.registration->client().role() == v1::ROLE_REVIEWER;
  const auto found = plan.bundle().FindPurpose(purpose);
  if (!reviews || !found ||
      plan.bundle().purpose(*found).purpose_class() !=
          config::v1::PurposeClass::HUMAN_REVIEW) {
    return std::nullopt;
  }
  return *found;
}

// Names are echoed in errors, so they must look like names.
bool LooksLikeFieldName(std::string_view name) {
  return name.size() >= 3 && name.size() <= 80 &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '.' || c == '*';
         });
}

}  // namespace

absl::StatusOr<ReadPlan> MakeReadPlan(
    std::shared_ptr<const clients::Configuration> configuration,
    const Caller& caller, const ReadQuestion& question, int64_t now_us) {
  ReadPlan plan;
  plan.configuration = std::move(configuration);
  plan.registration = plan.configuration->FindById(caller.client_id);
  if (plan.registration == nullptr) {
    return MakeError(v1::ERROR_REASON_CLIENT_UNKNOWN,
                     "the registration is gone");
  }
  CONSENTRY_RETURN_IF_ERROR(plan.registration->CheckState(now_us));
  const auto review = ReviewPurpose(plan, caller, question.purpose);
  if (review) {
    plan.purpose = *review;
  } else {
    CONSENTRY_ASSIGN_OR_RETURN(
        plan.purpose, plan.configuration->ResolvePurpose(*plan.registration,
                                                         question.purpose));
  }
  const v1::Channel channel = question.channel == v1::CHANNEL_UNSPECIFIED
                                  ? v1::CHANNEL_INTERNAL
                                  : question.channel;
  if (!v1::Channel_IsValid(channel) ||
      !plan.registration->AllowsChannel(channel)) {
    return MakeError(v1::ERROR_REASON_CHANNEL_NOT_ALLOWED,
                     "the channel is not in the registration");
  }
  plan.channel = static_cast<policy::Channel>(channel);
  CONSENTRY_RETURN_IF_ERROR(plan.registration->CheckContext(caller.context));

  if (question.fields.empty() ||
      question.fields.size() > policy::kMaxFieldsPerRequest) {
    return MakeError(v1::ERROR_REASON_FIELD_INVALID, "ask for 1 to 64 fields");
  }
  FieldCollector collector(&plan, review.has_value());
  for (const std::string& name : question.fields) {
    if (!LooksLikeFieldName(name)) {
      return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                       "a field name is malformed");
    }
    if (EndsWithWildcard(name)) {
      collector.AddKind(
          std::string_view(name).substr(0, name.size() - kWildcard.size()),
          name);
    } else {
      collector.Add(name);
    }
  }
  CONSENTRY_RETURN_IF_ERROR(collector.status());
  if (plan.fields.size() > policy::kMaxFieldsPerRequest) {
    return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                     "the wildcards stand for more than 64 fields");
  }
  return plan;
}

}  // namespace consentry::access
