#include "gateway/server/consent_parts.h"

#include <chrono>

#include "gateway/access/subject_facts.h"
#include "gateway/base/log.h"
#include "policy/engine/minors.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

constexpr base::LogEvent kNotSwept = {base::LogLevel::kWarn, 8021,
                                      "server.expired_consents_not_recorded"};
// Ends are kept by the hour; a minute later is soon enough.
constexpr std::chrono::minutes kSweepInterval{1};

bool NeedsParent(const clients::Configuration& configuration,
                 std::span<const store::v1::SubjectHead* const> heads,
                 const std::string& purpose, int64_t now_us) {
  const policy::Bundle& bundle = configuration.bundle();
  const auto id = bundle.FindPurpose(purpose);
  return id && policy::NeedsParent(bundle, access::MakeFacts(bundle, heads),
                                   *id, now_us);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ConsentParts>> ConsentParts::Open(
    consent::LedgerOptions options, const audit::Signer* signer,
    const consent::CodeSender* sender) {
  std::unique_ptr<ConsentParts> parts(new ConsentParts);
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options.readers->Acquire());
    CONSENTRY_RETURN_IF_ERROR(parts->book_.Load(lease.get()));
  }
  options.notices = &parts->book_;
  options.needs_parent = NeedsParent;
  parts->ledger_ = std::make_unique<consent::Ledger>(options);
  parts->choices_ = std::make_unique<consent::ImportedChoices>(
      options.configuration, options.notices);
  parts->notices_ = std::make_unique<consent::Notices>(
      consent::Notices::Options{.configuration = options.configuration,
                                .committer = options.committer,
                                .readers = options.readers,
                                .book = &parts->book_,
                                .page_tokens = options.page_tokens,
                                .digests = options.digests});
  parts->receipts_ = std::make_unique<consent::Receipts>(options, signer);
  parts->double_opt_ins_ =
      std::make_unique<consent::DoubleOptIns>(options, sender);
  parts->sweep_ = std::make_unique<consent::ExpirySweep>(options);
  return parts;
}

void ConsentParts::StartWork() {
  sweeper_ = std::make_unique<base::Periodic>(
      base::Constant("expiry"), kSweepInterval, [this] {
        absl::Status status = sweep_->Run();
        if (status.ok()) status = double_opt_ins_->Sweep();
        if (!status.ok()) base::Log(kNotSwept, {{"status", status}});
      });
}

}  // namespace consentry::server
