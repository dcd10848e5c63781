#include "tests/unit/policy/conduct/conduct_world.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "policy/engine/civil.h"

namespace consentry::conduct {
namespace {

using config::v1::ConductProof;
using config::v1::ConductType;
using policy::kUsPerDay;
using policy::kUsPerHour;
using policy::kUsPerSecond;

constexpr const char* kCategories[] = {"user.behavior.purchase_history",
                                       "user.behavior.emotion",
                                       "user.behavior.distress",
                                       "user.demographic",
                                       "user.demographic.gender",
                                       "user.health_and_medical.record",
                                       "user.location",
                                       "system.operations"};
constexpr const char* kTexts[] = {
    "",
    "Your parcel is here",
    "Buy it now",
    "Your instant loan is ready",
    "Spin the wheel",
    "THIS PRICE WAS SET BY AN ALGORITHM USING YOUR PERSONAL DATA."};
constexpr const char* kDisclosures[] = {"personalised_price", "ai_chat",
                                        "ai_generated", "emotion_recognition"};
constexpr const char* kPlaces[] = {"DE", "FR", "ES", "US", "US-NY", "JP"};
constexpr const char* kPurposes[] = {"marketing.newsletter", "marketing.calls"};

void SetTime(int64_t time_us, google::protobuf::Timestamp* to) {
  to->set_seconds(time_us / kUsPerSecond);
}

}  // namespace

Asked::Asked() {
  question.output = &output;
  question.scan = &scan;
}
Asked::Asked(const Asked& other)
    : output(other.output), scan(other.scan), question(other.question) {
  question.output = &output;
  question.scan = &scan;
}

int64_t ConductWorld::AnyTime() {
  return kNowUs - 20 * kUsPerDay + Below(21 * 24) * kUsPerHour;
}
int ConductWorld::AnyMoney() { return 9000 + Below(9000); }

Contact ConductWorld::AnyContact() {
  Contact contact;
  contact.time_us = Chance(8) ? kNowUs + Below(48) * kUsPerHour : AnyTime();
  contact.decided_us =
      Chance(8) ? kNowUs + kUsPerHour : std::min(contact.time_us, kNowUs);
  contact.purpose = kPurposes[Below(2)];
  contact.purpose_class = static_cast<policy::PurposeClass>(1 + Below(12));
  if (Chance(2))
    contact.purpose_class = config::v1::PurposeClass::DIRECT_MARKETING;
  contact.channel = static_cast<policy::Channel>(1 + Below(13));
  contact.pressing = Chance(2);
  return contact;
}

Refusal ConductWorld::AnyRefusal() {
  Refusal refusal;
  refusal.time_us = AnyTime();
  if (!Chance(3)) refusal.purpose = kPurposes[Below(2)];
  if (!Chance(3)) refusal.channel = static_cast<policy::Channel>(1 + Below(13));
  return refusal;
}

TextFinding ConductWorld::AnyClaim() {
  TextFinding claim;
  claim.proof = static_cast<ConductProof::Value>(1 + Below(5));
  claim.type = static_cast<ConductType::Value>(1 + Below(8));
  claim.claim = absl::StrCat("claim", Below(3));
  claim.rule = absl::StrCat("en.", claim.claim, ".x");
  claim.start = static_cast<size_t>(Below(100));
  claim.length = 1 + static_cast<size_t>(Below(20));
  if (Chance(2)) claim.quantity = Below(60);
  if (Chance(2)) claim.percent = Below(110);
  if (Chance(3)) claim.left_s = Below(5) * 3600;
  if (Chance(3)) claim.former_price = "129.00";
  return claim;
}

v1::Evidence ConductWorld::AnyEvidence() {
  v1::Evidence evidence;
  if (!Chance(8)) evidence.set_source("shop");
  if (!Chance(8)) {
    SetTime(kNowUs - Below(90) * 60 * kUsPerSecond + 5 * kUsPerSecond,
            evidence.mutable_time());
  }
  switch (Below(5)) {
    case 0:
      evidence.set_stock(Below(20) - 1);
      break;
    case 1:
      SetTime(kNowUs + (Below(8) - 1) * kUsPerHour,
              evidence.mutable_offer_end());
      break;
    case 2:
      evidence.set_count(Below(80) - 1);
      break;
    case 3:
      evidence.mutable_reference_price()->set_currency(Chance(6) ? "USD"
                                                                 : "EUR");
      evidence.mutable_reference_price()->set_minor_units(AnyMoney());
      break;
    default:
      break;
  }
  return evidence;
}

v1::VulnerabilityKind ConductWorld::AnyVulnerability() {
  return static_cast<v1::VulnerabilityKind>(1 + Below(5));
}

std::unique_ptr<Asked> ConductWorld::Ask() {
  auto asked = std::make_unique<Asked>();
  v1::Output& output = asked->output;
  output.set_kind(static_cast<v1::OutputKind>(1 + Below(9)));
  output.set_model(Chance(2) ? "writer" : "ranker");
  output.set_text(kTexts[Below(6)]);
  if (Chance(4)) output.set_item("loan-1");
  if (Chance(2)) {
    output.mutable_price()->set_currency("EUR");
    output.mutable_price()->set_minor_units(AnyMoney());
  }
  if (Chance(3)) {
    output.mutable_base_price()->set_currency("EUR");
    output.mutable_base_price()->set_minor_units(AnyMoney());
  }
  while (Chance(2)) output.add_input_categories(kCategories[Below(8)]);
  while (!Chance(2)) *output.add_evidence() = AnyEvidence();
  while (Chance(2)) output.add_disclosures(kDisclosures[Below(4)]);
  if (Chance(5)) {
    SetTime(kNowUs + Below(30) * kUsPerHour, output.mutable_deliver_time());
  }
  while (Chance(2)) asked->scan.findings.push_back(AnyClaim());
  asked->scan.complete = !Chance(20);

  Question& question = asked->question;
  question.purpose = kPurposes[Below(2)];
  question.purpose_class = static_cast<policy::PurposeClass>(1 + Below(19));
  if (Chance(2)) {
    question.purpose_class = config::v1::PurposeClass::DIRECT_MARKETING;
  }
  question.channel = static_cast<policy::Channel>(1 + Below(13));
  if (Chance(2)) question.regimes = {"eu-gdpr"};
  question.time_us = kNowUs;
  SubjectState& subject = question.subject;
  if (Chance(3)) subject.age = 8 + Below(60);
  if (Chance(3)) subject.vulnerabilities.insert(AnyVulnerability());
  while (Chance(2)) subject.residences.push_back(kPlaces[Below(6)]);
  while (!Chance(3)) subject.contacts.contacts.push_back(AnyContact());
  while (Chance(4)) subject.contacts.refusals.push_back(AnyRefusal());
  if (Chance(2)) {
    const int median = AnyMoney();
    question.others = {.count = Below(30),
                       .currency = "EUR",
                       .min = median - Below(3000),
                       .max = median + Below(9000),
                       .median = median};
  }
  while (Chance(3)) {
    question.deadlines.push_back(
        {.offer_end_us = kNowUs + (Below(30) - 20) * kUsPerHour,
         .shown_us = kNowUs - kUsPerHour});
  }
  return asked;
}

config::v1::ConductPolicy ConductWorld::AnyRule() {
  config::v1::ConductPolicy policy;
  const auto describe = [&](config::v1::RuleInfo* rule) {
    rule->set_id(absl::StrCat("own.", ++rules_));
    rule->set_citation("own policy");
  };
  const auto action = [&] {
    return static_cast<config::v1::ConductAction::Value>(1 + Below(2));
  };
  switch (Below(9)) {
    case 0: {
      auto* row = policy.add_claims();
      describe(row->mutable_rule());
      row->add_proofs(ConductProof::STOCK);
      row->set_missing(action());
      row->set_contradicted(config::v1::ConductAction::BLOCK);
      row->set_max_age_minutes(static_cast<uint32_t>(Below(200)));
      row->set_few(static_cast<uint32_t>(1 + Below(50)));
      break;
    }
    case 1: {
      auto* row = policy.add_combinations();
      describe(row->mutable_rule());
      row->add_types(ConductType::PRICE);
      row->add_types(ConductType::URGENCY);
      row->set_at_least(2);
      row->set_action(action());
      break;
    }
    case 2: {
      auto* row = policy.add_inputs();
      describe(row->mutable_rule());
      row->add_categories("user.location");
      row->set_minors(Chance(2));
      row->set_action(action());
      break;
    }
    case 3: {
      auto* row = policy.add_prices();
      describe(row->mutable_rule());
      row->set_above_median_percent(static_cast<uint32_t>(Below(120)));
      row->set_min_others(static_cast<uint32_t>(2 + Below(20)));
      row->set_action(action());
      break;
    }
    case 4: {
      auto* row = policy.add_disclosures();
      describe(row->mutable_rule());
      row->set_when(config::v1::DisclosureRule::CHAT_REPLY);
      row->set_disclosure("ai_generated");
      row->set_action(action());
      break;
    }
    case 5: {
      auto* row = policy.add_vulnerabilities();
      describe(row->mutable_rule());
      row->set_action(action());
      break;
    }
    case 6: {
      auto* row = policy.add_budgets();
      describe(row->mutable_rule());
      row->set_limit(static_cast<uint32_t>(Below(12)));
      row->set_vulnerable_limit(row->limit() / 2);
      row->set_window_minutes(static_cast<uint32_t>(1 + Below(60'000)));
      row->set_pressing(Chance(2));
      row->set_same_channel(Chance(2));
      break;
    }
    case 7: {
      auto* row = policy.add_quiet_hours();
      describe(row->mutable_rule());
      row->set_from("00:00");
      row->set_to(absl::StrCat("1", Below(9), ":30"));
      break;
    }
    default: {
      auto* row = policy.add_cool_downs();
      describe(row->mutable_rule());
      row->set_days(static_cast<uint32_t>(1 + Below(60)));
      row->set_same_purpose(Chance(2));
    }
  }
  return policy;
}

}  // namespace consentry::conduct
