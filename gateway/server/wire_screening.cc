#include "gateway/server/wire_screening.h"

#include <chrono>
#include <utility>
#include <vector>

#include "audit/io/file.h"
#include "audit/log/note.h"
#include "gateway/base/log.h"
#include "gateway/crypto/signing.h"
#include "gateway/screening/release_note.h"
#include "gateway/server/config.h"
#include "gateway/server/gateway.h"
#include "policy/conduct/text_scanner.h"
#include "policy/engine/text_config.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

constexpr base::LogEvent kTickFailed = {base::LogLevel::kWarn, 6501,
                                        "screening.upkeep_failed"};
constexpr std::chrono::seconds kTick{60};
constexpr size_t kMaxPolicyBytes = 1 << 20;

absl::StatusOr<std::vector<conduct::PolicyFile>> OwnRules(
    const std::string& path) {
  std::vector<conduct::PolicyFile> own;
  if (path.empty()) return own;
  const auto text =
      audit::ReadFile(audit::FileSystem::Posix(), path, kMaxPolicyBytes);
  if (!text.ok()) {
    return MakeError(v1::ERROR_REASON_CONFIG_INVALID,
                     "screening.conduct_policy_file: cannot read " + path);
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      conduct::PolicyFile file,
      policy::ParseText<config::v1::ConductPolicy>(path, *text));
  own.push_back(std::move(file));
  return own;
}

}  // namespace

absl::StatusOr<std::unique_ptr<crypto::NoteSigner>> OpenReleaseKey(
    const std::string& path, const std::string& log_origin) {
  auto key = crypto::SigningKey::Load(path);
  if (absl::IsNotFound(key.status())) key = crypto::SigningKey::Create(path);
  CONSENTRY_RETURN_IF_ERROR(key.status());
  return crypto::NoteSigner::Create(screening::ReleaseKeyName(log_origin),
                                    *std::move(key));
}

absl::StatusOr<std::string> ReadReleaseKey(const std::string& folder) {
  CONSENTRY_ASSIGN_OR_RETURN(const Config config,
                             LoadConfig(folder, PackIds()));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto signer,
      OpenReleaseKey(config.message.screening().release_key_file(),
                     config.message.storage().log_origin()));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto verifier,
      audit::NoteVerifier::Create(signer->name(), signer->public_key()));
  return verifier.Vkey();
}

absl::StatusOr<std::unique_ptr<Screening>> Screening::Open(Options options) {
  auto made = std::unique_ptr<Screening>(new Screening);
  made->parts_ = std::move(options.parts);
  screening::ScreeningParts& parts = made->parts_;
  conduct::Rulebook::Options rules;
  if (!options.settings.time_zone().empty()) {
    rules.default_time_zone = options.settings.time_zone();
  }
  CONSENTRY_ASSIGN_OR_RETURN(rules.own,
                             OwnRules(options.settings.conduct_policy_file()));
  CONSENTRY_ASSIGN_OR_RETURN(made->rules_,
                             conduct::Rulebook::Create(std::move(rules)));
  CONSENTRY_ASSIGN_OR_RETURN(
      made->signer_,
      OpenReleaseKey(options.settings.release_key_file(), parts.log_origin));
  made->keys_ = std::make_unique<screening::ScreeningKeys>(options.digests);
  made->rows_ = std::make_unique<screening::ScreeningRows>(
      options.slots, options.epochs, made->keys_.get());
  made->release_rows_ = std::make_unique<screening::ReleaseRows>(
      options.epochs, made->keys_.get());
  made->items_ =
      std::make_unique<screening::ItemRows>(options.epochs, made->keys_.get());
  made->outcome_rows_ = std::make_unique<screening::OutcomeRows>(
      options.epochs, made->keys_.get());
  made->conduct_ = std::make_unique<screening::ConductCheck>(
      screening::ConductCheck::Options{
          .rules = made->rules_.get(),
          .scanner = &conduct::TextScanner::Shipped(),
          .items = made->items_.get()});
  parts.rows = made->rows_.get();
  parts.releases = made->release_rows_.get();
  parts.items = made->items_.get();
  parts.outcomes = made->outcome_rows_.get();
  parts.conduct = made->conduct_.get();
  parts.signer = made->signer_.get();
  parts.settings = options.settings;
  made->screener_ = std::make_unique<screening::Screener>(parts);
  made->releases_ =
      std::make_unique<screening::ReleaseDesk>(&parts, options.page_tokens);
  made->outcomes_ = std::make_unique<screening::OutcomeDesk>(&parts);
  made->reads_ =
      std::make_unique<screening::ScreeningReads>(&parts, options.page_tokens);
  const screening::VulnerabilityDesk::Options vulnerabilities{
      .parts = &parts,
      .slots = options.slots,
      .cache = options.cache,
      .digests = options.digests,
      .page_tokens = options.page_tokens};
  made->vulnerabilities_ =
      std::make_unique<screening::VulnerabilityDesk>(vulnerabilities);
  made->vulnerability_target_ =
      std::make_unique<screening::VulnerabilityTarget>(vulnerabilities);
  made->target_ = std::make_unique<screening::ScreeningTarget>(&parts);
  made->upkeep_ = std::make_unique<screening::ScreeningUpkeep>(&parts);
  made->of_subjects_ = std::make_unique<screening::SubjectOutputs>(&parts);
  made->inferences_ = std::make_unique<screening::Inferences>(
      screening::Inferences::Options{.parts = &parts,
                                     .writer = options.writer,
                                     .slots = options.slots,
                                     .cache = options.cache});
  return made;
}

void Screening::Start() {
  thread_ = std::make_unique<base::Periodic>(base::Constant("screening"), kTick,
                                             [this] { Tick(); });
  thread_->Wake();
}

void Screening::Stop() {
  // A run may wake it once more until it has ended.
  if (thread_ != nullptr) thread_->Stop();
  thread_.reset();
}

void Screening::Tick() {
  // Each for itself: a broken row of one stops none of the others.
  const auto all = releases_->Refresh();
  // Goes on at once, unless it is to stop.
  if (all.ok() && !*all) {
    thread_->Wake();
    return;
  }
  for (const absl::Status& status :
       {all.status(), inferences_->Sweep(), upkeep_->Run()}) {
    if (!status.ok()) base::Log(kTickFailed, {{"status", status}});
  }
}

}  // namespace consentry::server
