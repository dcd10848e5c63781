#include "tools/consentry/bench_decide.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "policy/engine/bundle.h"
#include "policy/engine/engine.h"
#include "policy/packs/packs.h"
#include "proto/support/status_macros.h"

namespace consentry::tools {
namespace {

using policy::Bundle;
using policy::FieldId;
using policy::PurposeId;
using policy::SubjectFacts;

constexpr size_t kFields = 10;
constexpr int64_t kUsPerDay = 86'400'000'000;
// 2026-11-22.
constexpr int64_t kNow = 20779 * kUsPerDay;

absl::StatusOr<std::shared_ptr<const Bundle>> ShippedBundle() {
  policy::BundleSources sources;
  for (const EmbeddedFile& file : policy::EmbeddedDefaults()) {
    if (file.name == "catalog.txtpb") {
      CONSENTRY_ASSIGN_OR_RETURN(
          sources.catalog,
          policy::ParseText<config::v1::Catalog>(file.name, file.content));
    } else if (file.name == "purposes.txtpb") {
      CONSENTRY_ASSIGN_OR_RETURN(sources.purposes,
                                 policy::ParseText<config::v1::PurposeRegistry>(
                                     file.name, file.content));
    }
  }
  for (const EmbeddedFile& file : policy::EmbeddedPacks()) {
    CONSENTRY_ASSIGN_OR_RETURN(auto pack, policy::ParseText<config::v1::Pack>(
                                              file.name, file.content));
    sources.packs.push_back(std::move(pack));
  }
  auto& profile = sources.profile.message;
  profile.set_home("DE");
  profile.add_markets("GB");
  profile.add_markets("US");
  for (const auto& pack : sources.packs) {
    for (const auto& row : pack.message.attach()) {
      for (const auto& threshold : row.thresholds()) {
        profile.add_thresholds(threshold);
      }
    }
  }
  return Bundle::Compile(std::move(sources));
}

struct Question {
  SubjectFacts facts;
  std::vector<FieldId> fields;
  std::vector<int64_t> collected_us;
  policy::DecisionRequest request;
};

SubjectFacts MakeFacts(const Bundle& bundle, const char* residence,
                       bool generous) {
  SubjectFacts facts;
  if (residence != nullptr) {
    facts.residences.push_back(*bundle.FindJurisdiction(residence));
  }
  facts.birth_day = 5479;  // 1985.
  if (!generous) return facts;
  for (size_t p = 0; p < bundle.purpose_count(); ++p) {
    const PurposeId id{static_cast<uint16_t>(p)};
    policy::ConsentFact consent;
    consent.purpose = id;
    consent.status = policy::ConsentStatus::kGiven;
    consent.actor = policy::ConsentActor::kSelf;
    consent.explicit_statement = true;
    consent.since_us = kNow - 30 * kUsPerDay;
    for (const auto& basis : bundle.purpose(id).bases()) {
      if (bundle.FindNotice(basis.notice_id()) != policy::kNoNotice) {
        consent.notice = bundle.FindNotice(basis.notice_id());
        consent.notice_version = basis.notice_version();
      }
    }
    facts.consents.push_back(consent);
    for (const auto& need : bundle.purpose(id).context()) {
      facts.contexts.push_back(
          {*bundle.FindKind(need.kind()), kNow - kUsPerDay});
    }
  }
  return facts;
}

std::vector<std::unique_ptr<Question>> MakeQuestions(const Bundle& bundle) {
  std::vector<std::unique_ptr<Question>> questions;
  for (const char* residence : {"DE", "FR", "GB", "US-CA", "US-VA",
                                static_cast<const char*>(nullptr)}) {
    for (const bool generous : {true, false}) {
      const SubjectFacts facts = MakeFacts(bundle, residence, generous);
      for (size_t p = 0; p < bundle.purpose_count(); ++p) {
        const PurposeId id{static_cast<uint16_t>(p)};
        const auto& purpose = bundle.purpose(id);
        if (purpose.fields_size() == 0) continue;
        for (const int channel : purpose.channels()) {
          auto question = std::make_unique<Question>();
          question->facts = facts;
          for (size_t f = 0; f < kFields; ++f) {
            const int need = static_cast<int>(f) % purpose.fields_size();
            question->fields.push_back(
                *bundle.FindField(purpose.fields(need).field()));
            question->collected_us.push_back(kNow - 60 * kUsPerDay);
          }
          question->request.purpose = id;
          question->request.channel = static_cast<policy::Channel>(channel);
          question->request.fields = question->fields;
          if (generous) {
            question->request.collected_us = question->collected_us;
          }
          question->request.time_us = kNow;
          question->request.recipient = *bundle.FindJurisdiction("DE");
          questions.push_back(std::move(question));
        }
      }
    }
  }
  return questions;
}

}  // namespace

absl::StatusOr<DecideTimes> MeasureDecide(uint64_t decisions) {
  CONSENTRY_ASSIGN_OR_RETURN(const auto bundle, ShippedBundle());
  const auto questions = MakeQuestions(*bundle);
  policy::Decision decision;
  DecideTimes times;
  std::vector<double> samples;
  samples.reserve(decisions);
  const uint64_t warm_up = decisions / 10;
  for (uint64_t i = 0; i < warm_up + decisions; ++i) {
    const Question& question = *questions[i % questions.size()];
    const auto start = std::chrono::steady_clock::now();
    const absl::Status status =
        policy::Decide(*bundle, question.facts, question.request, &decision);
    const auto end = std::chrono::steady_clock::now();
    if (!status.ok()) return status;
    if (i < warm_up) continue;
    samples.push_back(
        std::chrono::duration<double, std::nano>(end - start).count());
    ++times.decisions;
    if (decision.permitted) ++times.permitted;
  }
  if (samples.empty()) {
    return absl::InvalidArgumentError("no decisions to measure");
  }
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double share) {
    return samples[static_cast<size_t>(
        share * static_cast<double>(samples.size() - 1))];
  };
  times.p50_ns = at(0.50);
  times.p95_ns = at(0.95);
  times.p99_ns = at(0.99);
  return times;
}

}  // namespace consentry::tools
