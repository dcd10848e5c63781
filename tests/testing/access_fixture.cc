#include "tests/testing/access_fixture.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "policy/packs/packs.h"
#include "tests/testing/status_matchers.h"

namespace consentry::testing {
namespace {

constexpr char kPurposes[] = R"pb(
  version: "test"
  purposes {
    key: "test.service"
    purpose_class: SERVICE
    text { language: "en" title: "Orders" text: "To send what was ordered." }
    fields { field: "profile.first_name" transform: NONE why: "w" }
    fields { field: "profile.last_name" transform: NONE why: "w" }
    fields { field: "profile.email" transform: NONE why: "w" }
    fields { field: "profile.city" transform: NONE why: "w" }
    fields { field: "order.number" transform: NONE why: "w" }
    bases { regimes: "eu-gdpr" basis: CONTRACT necessity_note: "n" }
    channels: [ INTERNAL, WEB ]
  }
  purposes {
    key: "test.letters"
    purpose_class: DIRECT_MARKETING
    text { language: "en" title: "Letters" text: "To write to you." }
    fields { field: "profile.first_name" transform: NONE why: "w" }
    fields { field: "profile.email" transform: NONE why: "w" }
    bases {
      regimes: "eu-gdpr"
      basis: CONSENT
      notice_id: "letters"
      notice_version: 1
    }
    channels: [ EMAIL, INTERNAL ]
  }
  purposes {
    key: "test.customers"
    purpose_class: DIRECT_MARKETING
    text { language: "en" title: "Offers" text: "More of what you bought." }
    fields { field: "profile.email" transform: NONE why: "w" }
    bases { regimes: "eu-gdpr" basis: LEGITIMATE_INTEREST lia: "lia-2" }
    channels: [ EMAIL, INTERNAL ]
    soft_opt_in { own_similar_products: true way_out_in_every_message: true }
  }
  purposes {
    key: "test.stats"
    purpose_class: ANALYTICS
    text { language: "en" title: "Statistics" text: "To count." }
    fields { field: "profile.birth_date" transform: AGE_BAND why: "w" }
    fields { field: "profile.email" transform: PSEUDONYM why: "w" }
    fields { field: "profile.points" transform: ROUND why: "w" }
    fields { field: "profile.tier" transform: NONE why: "w" }
    fields { field: "profile.city" transform: NONE why: "w" }
    bases { regimes: "eu-gdpr" basis: LEGITIMATE_INTEREST lia: "lia-1" }
    channels: INTERNAL
  }
  purposes {
    key: "test.support"
    purpose_class: SUPPORT
    text { language: "en" title: "Help" text: "To answer you." }
    fields { field: "profile.first_name" transform: NONE why: "w" }
    fields { field: "ticket.text" transform: NONE why: "w" }
    bases { regimes: "eu-gdpr" basis: CONTRACT necessity_note: "n" }
    context { kind: "ticket" within_days: 30 }
    channels: INTERNAL
  }
  purposes {
    key: "test.credit"
    purpose_class: SIGNIFICANT_DECISION
    text { language: "en" title: "Credit" text: "To decide on credit." }
    fields { field: "profile.tier" transform: NONE why: "w" }
    bases { regimes: "eu-gdpr" basis: CONTRACT necessity_note: "n" }
    channels: [ EMAIL, INTERNAL ]
    dpia: "dpia-1"
  }
  purposes {
    key: "test.review"
    purpose_class: HUMAN_REVIEW
    text { language: "en" title: "Review" text: "To look at decisions." }
    fields { field: "profile.tier" transform: NONE why: "w" }
    bases { regimes: "eu-gdpr" basis: LEGAL_OBLIGATION law: "l" }
    channels: INTERNAL
  }
  purposes {
    key: "test.bias"
    purpose_class: BIAS_DETECTION
    text { language: "en" title: "Fairness" text: "To look for bias." }
    fields { field: "profile.birth_date" transform: NONE why: "w" }
    fields { field: "profile.tier" transform: NONE why: "w" }
    bases { regimes: "eu-gdpr" basis: LEGITIMATE_INTEREST lia: "lia-3" }
    channels: INTERNAL
  }
  purposes {
    key: "test.rights"
    purpose_class: RIGHTS_FULFILMENT
    text { language: "en" title: "Rights" text: "To answer requests." }
    fields { field: "profile.email" transform: NONE why: "w" }
    bases { regimes: "eu-gdpr" basis: LEGAL_OBLIGATION law: "l" }
    channels: [ EMAIL, INTERNAL ]
  }
)pb";

}  // namespace

AccessFixture::AccessFixture()
    : tokens_(keys().root()),
      page_tokens_(keys().root()),
      digests_(keys().root()),
      purposes_(kPurposes),
      workers_(new base::WorkerPool("test", 2, 64)),
      refusals_(std::make_unique<access::Refusals>(committer(), &clock())) {
  for (const auto& [id, purpose] :
       std::vector<std::pair<std::string, std::string>>{
           {"shop", kServicePurpose},
           {"letters", kLettersPurpose},
           {"offers", kOffersPurpose},
           {"stats", kStatsPurpose},
           {"stats-2", kStatsPurpose},
           {"desk", kSupportPurpose},
           {"bank", kCreditPurpose}}) {
    clients_[id] = ClientFor(id, purpose);
  }
  Build();
  const auto source = [this] { return configuration(); };
  options_.configuration = source;
  options_.committer = committer();
  options_.readers = readers();
  options_.subjects = &reader();
  options_.tokens = &tokens_;
  options_.page_tokens = &page_tokens_;
  options_.clock = &clock();
  options_.workers = workers_.get();
  options_.refusals = refusals_.get();
  options_.log_origin = "test.log";
  reads_ = std::make_unique<access::GovernedReads>(options_);
  selection_ = std::make_unique<access::Selection>(reads_.get(), options_);
  consent::LedgerOptions& ledger = ledger_options_;
  ledger.configuration = source;
  ledger.committer = committer();
  ledger.readers = readers();
  ledger.subjects = &reader();
  ledger.slots = &keys().slots();
  ledger.cache = &cache();
  ledger.tokens = &tokens_;
  ledger.digests = &digests_;
  ledger.workers = workers_.get();
  ledger.clock = &clock();
  ledger.log_origin = "test.log";
  ledger.notices = &notice_book_;
  ledger.page_tokens = &page_tokens_;
  ledger_ = std::make_unique<consent::Ledger>(ledger);
  choices_ = std::make_unique<consent::ImportedChoices>(source, &notice_book_);
  choice_writer_ = std::make_unique<vault::VaultWriter>(
      vault::VaultWriter::Options{.committer = committer(),
                                  .readers = readers(),
                                  .reader = &reader(),
                                  .epochs = &keys().epochs(),
                                  .slots = &keys().slots(),
                                  .consents = choices_.get(),
                                  .home_country = "DE",
                                  .log_origin = "test.log"});
}

AccessFixture::~AccessFixture() {
  workers_.reset();
  refusals_.reset();
  Stop();
}

v1::Client AccessFixture::ClientFor(const std::string& id,
                                    const std::string& purpose) {
  v1::Client client;
  client.set_id(id);
  client.set_role(v1::ROLE_SERVICE);
  client.add_purposes(purpose);
  client.add_read_categories("user");
  client.add_attests(purpose);
  client.add_permissions("decisions.explain");
  client.set_country("DE");
  client.set_state(v1::CLIENT_STATE_ACTIVE);
  client.set_version(1);
  client.mutable_expire_time()->set_seconds(4'000'000'000);
  std::string key;
  for (size_t i = 0; i < 64; ++i) {
    key.push_back(
        "0123456789abcdef"[static_cast<unsigned char>(id[i % id.size()]) % 16]);
  }
  client.set_public_key_hash(key);
  return client;
}

void AccessFixture::SetClient(const v1::Client& client) {
  clients_[client.id()] = client;
  Build();
}

void AccessFixture::SetOwnerPack(const std::string& pack) {
  owner_pack_ = pack;
  Build();
}

void AccessFixture::SetSuspended(const std::string& purpose, bool suspended) {
  if (suspended) {
    suspended_.insert(purpose);
  } else {
    suspended_.erase(purpose);
  }
  Build();
}

void AccessFixture::ReplaceInPurposes(const std::string& part,
                                      const std::string& with) {
  const size_t at = purposes_.find(part);
  ASSERT_NE(at, std::string::npos);
  purposes_.replace(at, part.size(), with);
  Build();
}

void AccessFixture::ShiftEpoch(int64_t by) {
  epoch_shift_ = by;
  Build();
}

void AccessFixture::Build() {
  store::v1::StoredPolicy sources;
  config::v1::Catalog own = catalog()->catalog();
  for (auto& kind : *own.mutable_kinds()) {
    for (auto& field : *kind.mutable_fields()) {
      if (field.key() == "tier" || field.key() == "points") {
        field.set_filterable(true);
      }
    }
  }
  for (auto& identifier : *own.mutable_identifiers()) {
    if (identifier.key() == "email") identifier.set_field("profile.email");
  }
  EXPECT_TRUE(google::protobuf::TextFormat::PrintToString(
      own, sources.mutable_catalog()));
  sources.set_purposes(purposes_);
  sources.set_owner_pack(owner_pack_);
  for (const EmbeddedFile& file : policy::EmbeddedPacks()) {
    if (file.name != "eu-gdpr.txtpb") continue;
    auto* pack = sources.add_packs();
    pack->set_name(std::string(file.name));
    pack->set_text(std::string(file.content));
  }
  sources.mutable_profile()->set_home("DE");
  auto policy = clients::CompilePolicy(sources);
  ASSERT_OK(policy);
  clients::Configuration::Sources made;
  made.epoch = committer()->configuration_epoch() + epoch_shift_;
  made.policy = *std::move(policy);
  for (const auto& [id, client] : clients_) made.clients.push_back(client);
  made.engine_version = "test";
  made.suspended_purposes = suspended_;
  auto built = clients::Configuration::Build(std::move(made), &uses_);
  MutexLock lock(&mu_);
  configuration_ = std::move(built);
}

access::Caller AccessFixture::As(const std::string& client, bool may_explain) {
  access::Caller caller;
  caller.client_id = client;
  caller.method = "DataService.ReadSubject";
  caller.event = "data.read";
  caller.may_explain = may_explain;
  return caller;
}

std::string AccessFixture::Person(const std::string& key) {
  return ImportOne("crm", RowBuilder("profile", key)
                              .Email(key + "@example.com")
                              .Text("first_name", "Anna")
                              .Text("email", key + "@example.com")
                              .Residence("DE"))
      .subject_id;
}

std::vector<vault::RowOutcome> AccessFixture::ImportChoices(
    const v1::ImportRow& row) {
  vault::WriteContext context = Context("crm");
  context.leaf.set_client_id("letters");
  context.now_us = clock().NowUs();
  const std::vector<const v1::ImportRow*> rows = {&row};
  auto written = choice_writer_->WriteRows(context, rows);
  EXPECT_OK(written);
  return written.ok() ? std::move(written->rows)
                      : std::vector<vault::RowOutcome>(1);
}

v1::ReadSubjectRequest AccessFixture::Request(
    const std::string& subject_id, const std::string& purpose,
    const std::vector<std::string>& fields) {
  v1::ReadSubjectRequest request;
  request.mutable_subject()->set_id(subject_id);
  request.set_purpose(purpose);
  for (const std::string& field : fields) request.add_fields(field);
  return request;
}

std::future<AccessFixture::ReadOutcome> AccessFixture::StartRead(
    const access::Caller& caller, const v1::ReadSubjectRequest& request) {
  auto [done, future] = Promised<ReadOutcome>();
  reads_->Read(caller, request, std::move(done));
  return std::move(future);
}

absl::StatusOr<v1::ReadSubjectResponse> AccessFixture::Read(
    const access::Caller& caller, const v1::ReadSubjectRequest& request) {
  ReadOutcome outcome = StartRead(caller, request).get();
  if (!outcome.ok()) return outcome.status();
  return std::move(outcome->response);
}

v1::RecordConsentResponse AccessFixture::Give(const std::string& subject_id,
                                              const std::string& purpose,
                                              int64_t valid_until_us) {
  v1::RecordConsentRequest request;
  request.mutable_subject()->set_id(subject_id);
  request.add_purposes(purpose);
  request.set_action(v1::CONSENT_ACTION_GIVE);
  request.mutable_notice()->set_id("letters");
  request.mutable_notice()->set_version(1);
  if (valid_until_us != 0) {
    request.mutable_valid_until()->set_seconds(valid_until_us / 1'000'000);
  }
  auto [done, future] =
      Promised<absl::StatusOr<consent::Answer<v1::RecordConsentResponse>>>();
  ledger_->Record(As("letters"), request, std::move(done));
  auto answer = future.get();
  EXPECT_OK(answer);
  return answer.ok() ? std::move(answer->response)
                     : v1::RecordConsentResponse();
}

std::future<absl::StatusOr<consent::Answer<v1::WithdrawConsentResponse>>>
AccessFixture::StartWithdraw(const std::string& subject_id) {
  v1::WithdrawConsentRequest request;
  request.mutable_subject()->set_id(subject_id);
  request.add_purposes(kLettersPurpose);
  auto [done, future] =
      Promised<absl::StatusOr<consent::Answer<v1::WithdrawConsentResponse>>>();
  ledger_->Withdraw(As("letters"), request, std::move(done));
  return std::move(future);
}

void AccessFixture::Withdraw(const std::string& subject_id) {
  EXPECT_OK(StartWithdraw(subject_id).get());
}

void AccessFixture::Merge(const std::string& subject_id,
                          const std::string& other_id) {
  vault::Merges::Decision decision;
  decision.decided_by = "clerk";
  EXPECT_OK(committer()
                ->CommitChangeAndWait(merges().Merge(
                    Number(subject_id), Number(other_id), decision))
                .status);
}

void AccessFixture::Tamper(const std::string& sql, const std::string& blob) {
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    auto query = context.connection()->Prepare(sql);
    if (!query.ok()) return query.status();
    query->Bind(std::string_view(blob));
    if (absl::Status status = query->Run(); !status.ok()) return status;
    context.SetEntry(store::v1::Leaf().SerializeAsString());
    return absl::OkStatus();
  };
  EXPECT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  cache().Clear();
}

std::string AccessFixture::Blob(const std::string& sql) {
  auto query = reader_connection()->Prepare(sql);
  EXPECT_OK(query);
  const auto row = query->Step();
  EXPECT_TRUE(row.ok() && *row) << sql;
  return std::string(query->Blob(0));
}

}  // namespace consentry::testing
