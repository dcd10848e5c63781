#ifndef CONSENTRY_TESTS_UNIT_GATEWAY_SCREENING_SCREENING_FIXTURE_H_
#define CONSENTRY_TESTS_UNIT_GATEWAY_SCREENING_SCREENING_FIXTURE_H_

#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "audit/log/note.h"
#include "gateway/crypto/ids.h"
#include "gateway/screening/outcome_desk.h"
#include "gateway/screening/release_desk.h"
#include "gateway/screening/screener.h"
#include "gateway/screening/screening_reads.h"
#include "gateway/screening/screening_target.h"
#include "gateway/screening/screening_upkeep.h"
#include "gateway/screening/vulnerability_desk.h"
#include "policy/conduct/rulebook.h"
#include "policy/conduct/text_scanner.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::screening {

// A queue that keeps what it was handed in memory.
class MemoryQueue final : public review::ReviewQueue {
 public:
  absl::StatusOr<review::QueuedReview> Enqueue(
      store::ChangeContext& context, const review::NewReview& review) override {
    held.push_back(review);
    return review::QueuedReview{crypto::NewId(crypto::IdKind::kReview),
                                context.now_us() + 1'000'000};
  }

  std::vector<review::NewReview> held;
};

// Says what it is told to of each version of a model; counts nothing.
class ToldGate final : public FairnessGate {
 public:
  Answer Ask(const v1::Output& output, const access::Snapshot&,
             int64_t) const override {
    const auto found = standing_.find(output.model_version());
    if (found == standing_.end()) return {};
    return {found->second, {"fmo_test.1.0"}};
  }
  uint64_t changes() const override { return changes_; }
  absl::StatusOr<Unit> Weigh(
      store::Connection*, const v1::Output&, v1::Channel,
      const access::Snapshot&, int64_t,
      const vault::SubjectReader::HeadOptions&) override {
    return Unit();
  }
  absl::Status Count(store::ChangeContext&, const Unit&,
                     store::v1::Leaf*) override {
    return absl::OkStatus();
  }

  // Not while others ask.
  void Stand(const std::string& model_version, conduct::Action action) {
    standing_[model_version] = action;
    ++changes_;
  }
  void LetGo() { standing_.clear(); }

 private:
  std::map<std::string, conduct::Action> standing_;
  uint64_t changes_ = 0;
};

// Outputs on a real store, a real policy and the rules of conduct that the
// program brings along; the log is in memory, the clock stands still.
class ScreeningFixture : public testing::AccessFixture {
 public:
  ScreeningFixture()
      : keys_of_(&digests()),
        rows_(&keys().slots(), &keys().epochs(), &keys_of_),
        releases_(&keys().epochs(), &keys_of_),
        items_(&keys().epochs(), &keys_of_),
        outcomes_(&keys().epochs(), &keys_of_),
        conduct_({.rules = &conduct::Rulebook::Shipped(),
                  .scanner = &conduct::TextScanner::Shipped(),
                  .items = &items_}) {
    auto signer =
        audit::SkeySigner::FromSeed("test.log/release", std::string(32, 's'));
    EXPECT_OK(signer);
    signer_ = *std::move(signer);
    parts_.configuration = [this] { return configuration(); };
    parts_.committer = committer();
    parts_.readers = readers();
    parts_.subjects = &reader();
    parts_.tokens = &tokens();
    parts_.clock = &clock();
    parts_.workers = &workers();
    parts_.refusals = &refusals();
    parts_.log_origin = "test.log";
    parts_.rows = &rows_;
    parts_.releases = &releases_;
    parts_.items = &items_;
    parts_.outcomes = &outcomes_;
    parts_.conduct = &conduct_;
    parts_.reviews = &queue;
    parts_.signer = signer_.get();
    screener_ = std::make_unique<Screener>(parts_);
    desk_ = std::make_unique<ReleaseDesk>(&parts_, &page_tokens());
    outcome_desk_ = std::make_unique<OutcomeDesk>(&parts_);
    reads_ = std::make_unique<ScreeningReads>(&parts_, &page_tokens());
    vulnerabilities_ = std::make_unique<VulnerabilityDesk>(
        VulnerabilityDesk::Options{.parts = &parts_,
                                   .slots = &keys().slots(),
                                   .cache = &cache(),
                                   .digests = &digests(),
                                   .page_tokens = &page_tokens()});
    target_ = std::make_unique<ScreeningTarget>(&parts_);
    upkeep_ = std::make_unique<ScreeningUpkeep>(&parts_);
  }

  // A letter that breaks no rule.
  static v1::ScreenOutputRequest Letter(const std::string& subject_id,
                                        const std::string& output_id) {
    v1::ScreenOutputRequest request;
    request.mutable_subject()->set_id(subject_id);
    request.set_purpose(testing::kLettersPurpose);
    request.set_channel(v1::CHANNEL_EMAIL);
    v1::Output* output = request.mutable_output();
    output->set_id(output_id);
    output->set_kind(v1::OUTPUT_KIND_MESSAGE);
    output->set_model("letters");
    output->set_model_version("1");
    output->set_text("Hello. Our new catalogue of garden chairs is here.");
    output->add_input_categories("user.contact.email");
    return request;
  }

  // A decision about credit that is not in the customer's favour.
  static v1::ScreenOutputRequest Refusal(const std::string& subject_id,
                                         const std::string& output_id) {
    v1::ScreenOutputRequest request;
    request.mutable_subject()->set_id(subject_id);
    request.set_purpose(testing::kCreditPurpose);
    request.set_channel(v1::CHANNEL_EMAIL);
    v1::Output* output = request.mutable_output();
    output->set_id(output_id);
    output->set_kind(v1::OUTPUT_KIND_DECISION);
    output->set_model("credit");
    output->set_model_version("3");
    output->set_label("refused");
    output->set_score(0.2);
    output->add_input_categories("user.account");
    output->set_explanation("The tier is low.");
    return request;
  }

  absl::StatusOr<v1::ScreenOutputResponse> Screen(
      const std::string& client, const v1::ScreenOutputRequest& request) {
    auto [done, future] = testing::Promised<
        absl::StatusOr<access::Released<v1::ScreenOutputResponse>>>();
    access::Caller caller = As(client);
    caller.method = "ScreeningService.ScreenOutput";
    caller.event = "screening.screen";
    caller.context = request.context();
    screener_->Screen(caller, request, std::move(done));
    auto released = future.get();
    if (!released.ok()) return released.status();
    return std::move(released->response);
  }

  template <class Response, class Call>
  absl::StatusOr<Response> Wait(Call call) {
    auto [done, future] =
        testing::Promised<absl::StatusOr<access::Released<Response>>>();
    call(std::move(done));
    auto released = future.get();
    if (!released.ok()) return released.status();
    return std::move(released->response);
  }

  absl::StatusOr<v1::FetchOutputsResponse> Fetch(
      const std::string& client, const std::string& purpose,
      const std::string& page_token = "") {
    v1::FetchOutputsRequest request;
    request.set_purpose(purpose);
    request.set_channel(v1::CHANNEL_EMAIL);
    request.set_page_token(page_token);
    return Wait<v1::FetchOutputsResponse>(
        [&](auto done) { desk_->Fetch(As(client), request, std::move(done)); });
  }

  absl::StatusOr<v1::ListRevokedReleasesResponse> Revoked(
      const std::string& page_token = "") {
    v1::ListRevokedReleasesRequest request;
    request.set_page_token(page_token);
    return Wait<v1::ListRevokedReleasesResponse>([&](auto done) {
      desk_->ListRevoked(As("letters"), request, std::move(done));
    });
  }

  absl::StatusOr<v1::Vulnerability> Declare(const std::string& subject,
                                            v1::VulnerabilityKind kind,
                                            int64_t end_us = kNowUs +
                                                             30 * kUsPerDay) {
    v1::SetVulnerabilityRequest request;
    request.mutable_subject()->set_id(subject);
    request.mutable_vulnerability()->set_kind(kind);
    request.mutable_vulnerability()->set_basis("customer told us");
    request.mutable_vulnerability()->mutable_expire_time()->set_seconds(
        end_us / 1'000'000);
    auto [done, future] =
        testing::Promised<absl::StatusOr<v1::Vulnerability>>();
    vulnerabilities().Set(As("letters"), request, std::move(done));
    return future.get();
  }

  absl::StatusOr<v1::Screening> Get(const std::string& id) {
    v1::GetScreeningRequest request;
    request.set_id(id);
    return Wait<v1::Screening>([&](auto done) {
      reads_->Get(As("letters"), request, std::move(done));
    });
  }

  audit::NoteVerifier verifier() const {
    return *audit::NoteVerifier::Create(signer_->name(), signer_->public_key());
  }

  store::v1::Leaf LastLeaf() { return Leaves().back(); }

  int64_t Rows(const std::string& table) {
    auto query = reader_connection()->Prepare("SELECT COUNT(*) FROM " + table);
    EXPECT_OK(query);
    EXPECT_TRUE(*query->Step());
    return query->Int64(0);
  }

  // From now on.
  void WatchWith(FairnessGate* gate) {
    parts_.fairness = gate;
    screener_ = std::make_unique<Screener>(parts_);
  }

  ScreeningParts& parts() { return parts_; }
  ReleaseDesk& desk() { return *desk_; }
  OutcomeDesk& outcome_desk() { return *outcome_desk_; }
  ScreeningReads& screening_reads() { return *reads_; }
  VulnerabilityDesk& vulnerabilities() { return *vulnerabilities_; }
  ScreeningTarget& target() { return *target_; }
  ScreeningUpkeep& upkeep() { return *upkeep_; }
  Screener& screener() { return *screener_; }

  MemoryQueue queue;

 private:
  const ScreeningKeys keys_of_;
  const ScreeningRows rows_;
  const ReleaseRows releases_;
  const ItemRows items_;
  const OutcomeRows outcomes_;
  const ConductCheck conduct_;
  std::unique_ptr<audit::SkeySigner> signer_;
  ScreeningParts parts_;
  std::unique_ptr<Screener> screener_;
  std::unique_ptr<ReleaseDesk> desk_;
  std::unique_ptr<OutcomeDesk> outcome_desk_;
  std::unique_ptr<ScreeningReads> reads_;
  std::unique_ptr<VulnerabilityDesk> vulnerabilities_;
  std::unique_ptr<ScreeningTarget> target_;
  std::unique_ptr<ScreeningUpkeep> upkeep_;
};

}  // namespace consentry::screening

#endif  // CONSENTRY_TESTS_UNIT_GATEWAY_SCREENING_SCREENING_FIXTURE_H_
