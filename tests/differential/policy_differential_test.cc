// The engine and the naive model of SPEC.md agree on everything that a decision
// says, for generated worlds and requests.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "policy/engine/bundle.h"
#include "policy/packs/packs.h"
#include "tests/differential/policy_compare.h"
#include "tests/differential/policy_world.h"
#include "tests/differential/small_world.h"
#include "tests/testing/status_matchers.h"

namespace consentry::policy_model {
namespace {

// How many requests, and how many of them in one world. The slow program of the
// same source is compiled with more.
#ifdef CONSENTRY_DIFFERENTIAL_SLOW
constexpr int kRequests = 1'000'000;
// Of the enumeration, each one.
constexpr uint64_t kStride = 1;
#else
constexpr int kRequests = 50'000;
// A prime, so that every value of every dimension is met.
constexpr uint64_t kStride = 211;
#endif
constexpr int kRequestsPerWorld = 250;

// Another seed draws other worlds: CONSENTRY_SEED=7.
uint64_t Seed() {
  const char* seed = std::getenv("CONSENTRY_SEED");
  return seed == nullptr ? 20261122 : std::strtoull(seed, nullptr, 10);
}

TEST(PolicyDifferential, EngineAndModelAgreeOnGeneratedRequests) {
  seen_outcomes.clear();
  int requests = 0;
  int worlds = 0;
  int refused = 0;
  int failures = 0;
  for (uint64_t n = 0; requests < kRequests && failures < 3; ++n) {
    Random random(Seed() * 1000003 + n);
    const World world = MakeWorld(&random);
    const auto bundle = policy::Bundle::Compile(SourcesOf(world));
    if (!bundle.ok()) {
      ASSERT_THAT(bundle,
                  testing::StatusIs(absl::StatusCode::kInvalidArgument));
      ++refused;
      ASSERT_LT(refused, worlds + 100) << "worlds are mostly refused, lastly: "
                                       << bundle.status().ToString();
      continue;
    }
    ++worlds;
    for (int i = 0; i < kRequestsPerWorld && failures < 3; ++i, ++requests) {
      const auto policy_case = MakeCase(world, &random);
      if (!Agree(world, **bundle, policy_case,
                 absl::StrCat("seed-", Seed(), "-world-", n, "-", i))) {
        ++failures;
      }
    }
  }
  // Every outcome that SPEC.md knows was seen, or this proved little.
  for (const char* outcome : {"PERMIT",
                              "FIELD_NOT_ALLOWED",
                              "CHANNEL_NOT_ALLOWED",
                              "SUBJECT_ERASED",
                              "SUBJECT_RESTRICTED",
                              "OBJECTED",
                              "OPTED_OUT",
                              "MINOR",
                              "NO_LAWFUL_BASIS",
                              "CONSENT_WITHDRAWN",
                              "CONSENT_REFUSED",
                              "CONSENT_EXPIRED",
                              "CONSENT_INVALID",
                              "CONSENT_UNCERTAIN",
                              "CONSENT_MISSING",
                              "SPECIAL_CATEGORY",
                              "TRANSFER_NOT_ALLOWED",
                              "CONTEXT_NOT_FOUND",
                              "RETENTION_EXPIRED",
                              "REVIEW_REQUIRED",
                              "OWNER_FORBIDS",
                              "FORBID_UNDECIDED"}) {
    EXPECT_GT(seen_outcomes[outcome], kRequests / 2000) << outcome;
  }
  EXPECT_GT(seen_outcomes["PERMIT"], kRequests / 10);
  RecordProperty("requests", requests);
  RecordProperty("worlds", worlds);
  RecordProperty("refused", refused);
  std::string text;
  for (const auto& [outcome, count] : seen_outcomes) {
    absl::StrAppend(&text, " ", outcome, "=", count);
  }
  std::printf("%d requests in %d worlds (%d refused):%s\n", requests, worlds,
              refused, text.c_str());
}

template <class T>
T ReadEmbedded(absl::Span<const EmbeddedFile> files, std::string_view name) {
  for (const EmbeddedFile& file : files) {
    if (file.name != name) continue;
    auto located = policy::ParseText<T>(file.name, file.content);
    EXPECT_OK(located);
    return located.ok() ? located->message : T();
  }
  ADD_FAILURE() << "no file of this name is embedded: " << name;
  return T();
}

TEST(PolicyDifferential, EngineAndModelAgreeOnTheShippedPacks) {
  World world;
  world.catalog = ReadEmbedded<config::v1::Catalog>(policy::EmbeddedDefaults(),
                                                    "catalog.txtpb");
  world.purposes = ReadEmbedded<config::v1::PurposeRegistry>(
      policy::EmbeddedDefaults(), "purposes.txtpb");
  for (const EmbeddedFile& file : policy::EmbeddedPacks()) {
    world.packs.push_back(
        ReadEmbedded<config::v1::Pack>(policy::EmbeddedPacks(), file.name));
  }
  seen_outcomes.clear();
  int failures = 0;
  for (const char* home : {"DE", "GB", "US-CA", "BR"}) {
    world.profile.Clear();
    world.profile.set_home(home);
    world.profile.add_markets("US");
    for (const auto& pack : world.packs) {
      for (const auto& row : pack.attach()) {
        for (const auto& threshold : row.thresholds()) {
          world.profile.add_thresholds(threshold);
        }
      }
    }
    const auto bundle = policy::Bundle::Compile(SourcesOf(world));
    ASSERT_OK(bundle);
    Random random(Seed());
    for (int i = 0; i < kRequests / 40 && failures < 3; ++i) {
      if (!Agree(world, **bundle, MakeCase(world, &random),
                 absl::StrCat("shipped-", home, "-", Seed(), "-", i))) {
        ++failures;
      }
    }
  }
  EXPECT_GT(seen_outcomes["PERMIT"], kRequests / 100);
}

// One combination of the small dimensions: `number` is read digit by digit.
class Enumeration {
 public:
  explicit Enumeration(uint64_t number) : rest_(number) {}

  config::v1::PolicyCase Run() {
    using namespace config::v1;
    PolicyCase out;
    CaseSubject& subject = *out.mutable_subject();
    CaseRequest& request = *out.mutable_request();
    static constexpr const char* kPurposes[] = {
        "support",  "newsletter", "existing_customers",
        "partners", "analytics",  "credit"};
    static constexpr Channel::Value kFirst[] = {
        Channel::INTERNAL, Channel::EMAIL,    Channel::EMAIL,
        Channel::PARTNER,  Channel::INTERNAL, Channel::INTERNAL};
    const size_t purpose = Digit(6);
    request.set_purpose(kPurposes[purpose]);
    request.set_channel(Digit(2) == 0 ? kFirst[purpose] : Channel::POST);
    for (const char* field :
         {"profile.name", "profile.email", "profile.birth_date",
          "profile.allergies", "profile.segment"}) {
      request.add_fields()->set_field(field);
    }
    request.set_at("2026-11-22T12:00:00Z");
    request.set_recipient("DE");
    request.set_mode(Digit(2) == 0 ? CaseRequest::READ : CaseRequest::OUTPUT);
    AddConsent(kPurposes[purpose], &subject);
    static constexpr const char* kBirths[] = {"", "2014-11-22", "2012-11-22",
                                              "2009-11-23", "1980-01-01"};
    subject.set_birth_date(kBirths[Digit(5)]);
    static constexpr const char* kHomes[] = {"", "DE", "FR", "US-CA", "JP"};
    if (const size_t home = Digit(5); home > 0) {
      subject.add_residences(kHomes[home]);
    }
    subject.set_restricted(Digit(2) == 1);
    if (Digit(2) == 1) subject.add_objected_to("*");
    if (Digit(2) == 1) subject.add_opt_outs(OptOut::DIRECT_MARKETING);
    if (Digit(2) == 1) subject.add_opt_outs(OptOut::SALE);
    subject.set_gpc(Digit(2) == 1);
    if (const size_t fact = Digit(6); fact > 0) {
      subject.add_unreadable(static_cast<UnreadableFact::Value>(fact));
    }
    CaseContext& context = *subject.add_contexts();
    context.set_kind("ticket");
    context.set_opened_at("2026-11-01T00:00:00Z");
    CaseSoftOptIn& soft = *subject.add_soft_opt_ins();
    soft.set_purpose("existing_customers");
    soft.set_obtained_in_sale(true);
    soft.set_way_out_offered(true);
    soft.set_since("2026-01-01T00:00:00Z");
    done_ = rest_ > 0;
    return out;
  }

  // The number was beyond the last combination.
  bool done() const { return done_; }

 private:
  size_t Digit(uint64_t base) {
    const uint64_t digit = rest_ % base;
    rest_ /= base;
    return digit;
  }

  // None, each status but GIVEN, and GIVEN in its eight kinds.
  void AddConsent(const char* purpose, config::v1::CaseSubject* subject) {
    using namespace config::v1;
    const size_t kind = Digit(15);
    if (kind == 0) return;
    CaseConsent& consent = *subject->add_consents();
    consent.set_purpose(purpose);
    consent.set_since("2026-05-01T00:00:00Z");
    consent.set_notice_id(std::string(purpose) == "partners" ? "partners"
                                                             : "news");
    consent.set_notice_version(2);
    consent.set_actor(ConsentActor::SELF);
    static constexpr ConsentState::Value kStates[] = {
        ConsentState::NONE,        ConsentState::REFUSED,
        ConsentState::WITHDRAWN,   ConsentState::EXPIRED,
        ConsentState::INVALIDATED, ConsentState::UNCERTAIN};
    if (kind <= 6) {
      consent.set_state(kStates[kind - 1]);
      return;
    }
    const size_t given = kind - 7;
    consent.set_state(ConsentState::GIVEN);
    consent.set_explicit_statement((given & 1) != 0);
    consent.set_parental_authorisation((given & 2) != 0);
    if ((given & 4) != 0) consent.set_actor(ConsentActor::GUARDIAN);
  }

  uint64_t rest_;
  bool done_ = false;
};

TEST(PolicyDifferential, EngineAndModelAgreeOnEverySmallCombination) {
  const World world = SmallWorld();
  const auto bundle = policy::Bundle::Compile(SourcesOf(world));
  ASSERT_OK(bundle);
  seen_outcomes.clear();
  uint64_t asked = 0;
  int failures = 0;
  for (uint64_t number = 0; failures < 3; number += kStride) {
    Enumeration enumeration(number);
    const auto policy_case = enumeration.Run();
    if (enumeration.done()) break;
    ++asked;
    if (!Agree(world, **bundle, policy_case,
               absl::StrCat("combination-", number))) {
      ++failures;
    }
  }
  constexpr uint64_t kAll = uint64_t{6} * 2 * 2 * 15 * 5 * 5 * 32 * 6;
  EXPECT_EQ(asked, (kAll + kStride - 1) / kStride);
  EXPECT_GT(seen_outcomes["PERMIT"], 0);
}

}  // namespace
}  // namespace consentry::policy_model
