#include "gateway/server/wire_delivery.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "gateway/base/log.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

constexpr base::LogEvent kNoSender = {base::LogLevel::kWarn, 8030,
                                      "server.nobody_can_be_written_to"};
constexpr base::LogEvent kNoStaff = {base::LogLevel::kWarn, 8031,
                                     "server.no_staff_address"};
constexpr int64_t kEndsSoonUs = int64_t{14} * 24 * 3600 * 1'000'000;

}  // namespace

absl::StatusOr<std::unique_ptr<Delivery>> Delivery::Open(
    const Options& options) {
  const config::v1::Sender& sender = options.config->message.sender();
  if (sender.has_file_drop() && !options.dev) {
    return MakeError(v1::ERROR_REASON_CONFIG_INVALID,
                     "sender.file_drop: works with --dev alone: it writes "
                     "codes and addresses into files; use sender.smtp");
  }
  std::unique_ptr<Delivery> made(new Delivery());
  made->configuration_ = options.configuration;
  made->contact_ =
      std::make_unique<access::ContactPoint>(access::ContactPoint::Options{
          .configuration = options.configuration,
          .committer = options.committer,
          .readers = options.readers,
          .subjects = options.subjects,
          .log_origin = options.config->message.storage().log_origin()});
  delivery::Sender::Options sending;
  sending.configuration = options.configuration;
  sending.committer = options.committer;
  sending.readers = options.readers;
  sending.slots = options.slots;
  sending.epochs = options.epochs;
  sending.digests = options.digests;
  sending.contact = made->contact_.get();
  sending.clock = options.clock;
  sending.sender = sender;
  CONSENTRY_ASSIGN_OR_RETURN(made->sender_,
                             delivery::Sender::Create(std::move(sending)));
  made->codes_ = std::make_unique<delivery::CodePost>(made->sender_.get());
  CONSENTRY_RETURN_IF_ERROR(made->OpenOutbox(options));
  return made;
}

absl::Status Delivery::OpenOutbox(const Options& options) {
  const config::v1::Delivery& settings = options.config->message.delivery();
  const std::string& origin = options.config->message.storage().log_origin();
  recipients_ = std::make_unique<delivery::Recipients>(
      delivery::Recipients::Options{.configuration = options.configuration,
                                    .trail = options.trail,
                                    .readers = options.readers,
                                    .subjects = options.subjects,
                                    .log_size = options.log_size});
  const delivery::NoticeKeys keys{options.slots, options.epochs};
  delivery::Outbox::Options outbox;
  outbox.configuration = options.configuration;
  outbox.committer = options.committer;
  outbox.readers = options.readers;
  outbox.trail = options.trail;
  outbox.recipients = recipients_.get();
  outbox.tokens = options.tokens;
  outbox.keys = keys;
  outbox.settings = settings;
  outbox_ = std::make_unique<delivery::Outbox>(std::move(outbox));
  signer_ = std::make_unique<delivery::WebhookSigner>(*options.root);
  delivery::Webhooks::Options webhooks;
  webhooks.configuration = options.configuration;
  webhooks.committer = options.committer;
  webhooks.readers = options.readers;
  webhooks.tokens = options.tokens;
  webhooks.outbox = outbox_.get();
  webhooks.signer = signer_.get();
  webhooks.clock = options.clock;
  webhooks.poster.authorities = settings.authorities();
  for (const std::string& network : settings.allow_networks()) {
    CONSENTRY_ASSIGN_OR_RETURN(auto parsed, delivery::ParseNetwork(network));
    webhooks.poster.allow_networks.push_back(parsed);
  }
  webhooks_ = std::make_unique<delivery::Webhooks>(std::move(webhooks));
  watcher_ = std::make_unique<delivery::Watcher>(
      delivery::Watcher::Options{.configuration = options.configuration,
                                 .committer = options.committer,
                                 .readers = options.readers,
                                 .subjects = options.subjects,
                                 .tokens = options.tokens,
                                 .keys = keys,
                                 .log_origin = origin});
  tasks_ = std::make_unique<delivery::TaskDesk>(delivery::TaskDesk::Options{
      .answers = {.configuration = options.configuration,
                  .committer = options.committer,
                  .workers = options.workers},
      .committer = options.committer,
      .readers = options.readers,
      .tokens = options.tokens,
      .page_tokens = options.page_tokens,
      .digests = options.digests,
      .keys = keys});
  delivery::Digest::Options digest;
  digest.configuration = options.configuration;
  digest.committer = options.committer;
  digest.readers = options.readers;
  digest.sender = sender_.get();
  digest_ = std::make_unique<delivery::Digest>(std::move(digest));
  digest_->Add([registry = options.registry](
                   int64_t now_us) -> absl::StatusOr<std::vector<std::string>> {
    std::vector<std::string> lines;
    for (const auto& ending : registry->Expiring(now_us, kEndsSoonUs)) {
      lines.push_back("certificate_ends: " + ending.client_id);
    }
    return lines;
  });
  outbox_->OnNotices([this] {
    webhooks_->Wake();
    watcher_->Wake();
  });
  return absl::OkStatus();
}

absl::StatusOr<std::function<absl::Status(store::ChangeContext&)>>
Delivery::TellErasureOf(const std::vector<uint64_t>& subjects) const {
  std::vector<delivery::Recipient> all;
  for (const uint64_t subject : subjects) {
    auto found = recipients_->Of(subject);
    // Her keys are gone already: nothing leads to anybody any more.
    if (absl::IsNotFound(found.status())) continue;
    CONSENTRY_RETURN_IF_ERROR(found.status());
    for (delivery::Recipient& one : *found) {
      delivery::Recipient* known =
          delivery::FindOrAdd(one.client_id, one.subject, &all);
      known->purposes.merge(one.purposes);
      known->fields.merge(one.fields);
      known->wrote |= one.wrote;
    }
  }
  return [outbox = outbox_.get(),
          all = std::move(all)](store::ChangeContext& context) {
    return outbox->TellErasure(context, all, {});
  };
}

absl::StatusOr<std::vector<std::string>> Delivery::NamesToldOfErasure(
    uint64_t subject) const {
  CONSENTRY_ASSIGN_OR_RETURN(const auto found, recipients_->Of(subject));
  const auto configuration = configuration_();
  std::set<std::string> names;
  for (const std::string& id : outbox_->ToldOfErasure(found)) {
    const auto* registration = configuration->FindById(id);
    if (registration == nullptr) {
      names.insert(id);
      continue;
    }
    const v1::Client& client = registration->client();
    names.insert(
        client.recipient().empty()
            ? absl::StrCat(configuration->bundle().profile().name(), " (",
                           client.title().empty() ? id : client.title(), ")")
            : client.recipient());
  }
  return std::vector<std::string>(names.begin(), names.end());
}

void Delivery::Start() {
  if (!sender_->configured()) {
    base::Log(kNoSender);
  } else if (sender_->staff_count() == 0) {
    base::Log(kNoStaff);
  }
  sender_->Start();
  outbox_->Start();
  webhooks_->Start();
  digest_->Start();
}

void Delivery::Stop() {
  digest_->Stop();
  outbox_->Stop();
  webhooks_->Stop();
  sender_->Stop();
}

std::vector<std::string> Delivery::warnings() const {
  if (!sender_->configured()) return {"no_sender"};
  if (sender_->staff_count() == 0) return {"no_staff_address"};
  return {};
}

}  // namespace consentry::server
