#ifndef CONSENTRY_GATEWAY_CONSENT_IMPORTED_CHOICES_H_
#define CONSENTRY_GATEWAY_CONSENT_IMPORTED_CHOICES_H_

#include <utility>

#include "gateway/clients/caller_context.h"
#include "gateway/consent/notice_book.h"
#include "gateway/vault/consent_sink.h"

namespace consentry::consent {

// Choices that an import brings become events of the ledger, attested by the
// importing client. A grant needs the registration's word for its purpose and
// notice; a refusal or withdrawal needs nothing. A choice without a date, or
// from the future, proves nothing and is held back. A choice that is reported
// again, word for word, adds nothing. Safe for many threads.
class ImportedChoices final : public vault::ConsentSink {
 public:
  // `notices`, where given, outlives this.
  explicit ImportedChoices(clients::ConfigurationSource configuration,
                           const NoticeBook* notices = nullptr)
      : configuration_(std::move(configuration)), notices_(notices) {}

  absl::Status CheckAttested(std::string_view client_id,
                             const v1::ImportedChoice& choice,
                             int64_t now_us) override;
  absl::Status AppendAttested(const vault::ConsentTarget& target,
                              const v1::ImportedChoice& choice,
                              store::v1::SubjectHead* head,
                              vault::ConsentAddition* addition) override;
  absl::Status AppendStanding(const vault::ConsentTarget& target,
                              const store::v1::StandingChoices& choices,
                              store::v1::SubjectHead* head,
                              vault::ConsentAddition* addition) override;

 private:
  // Adds one event, unless the same was reported before.
  absl::Status Append(const vault::ConsentTarget& target,
                      store::v1::ConsentEvent event,
                      store::v1::SubjectHead* head,
                      vault::ConsentAddition* addition) const;

  const clients::ConfigurationSource configuration_;
  const NoticeBook* const notices_;
};

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_IMPORTED_CHOICES_H_
