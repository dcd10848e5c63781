#include "tests/differential/policy_compare.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "google/protobuf/text_format.h"
#include "policy/engine/policy_case.h"
#include "tests/testing/status_matchers.h"

namespace consentry::policy_model {
namespace {

std::string ReasonName(policy::Reason reason) {
  constexpr size_t kPrefix = std::string_view("ERROR_REASON_").size();
  return reason == v1::ERROR_REASON_UNSPECIFIED
             ? ""
             : v1::ErrorReason_Name(reason).substr(kPrefix);
}

std::string Text(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(message, &text);
  return text;
}

// Returns the folder.
std::string Keep(const World& world, const config::v1::PolicyCase& policy_case,
                 const std::string& label) {
  const std::filesystem::path folder =
      std::filesystem::path(CONSENTRY_BUILD_DIR) / "differential" / label;
  std::filesystem::create_directories(folder);
  const auto write = [&](const std::string& name,
                         const google::protobuf::Message& message) {
    std::ofstream(folder / (name + ".txtpb")) << Text(message);
  };
  write("catalog", world.catalog);
  write("purposes", world.purposes);
  write("profile", world.profile);
  for (const auto& pack : world.packs) write(pack.id(), pack);
  config::v1::PolicyCaseFile file;
  *file.mutable_profile() = world.profile;
  *file.add_cases() = policy_case;
  write("case", file);
  return folder.string();
}

}  // namespace

std::map<std::string, int> seen_outcomes;

policy::BundleSources SourcesOf(const World& world) {
  policy::BundleSources sources;
  sources.catalog = policy::Unlocated(world.catalog);
  sources.purposes = policy::Unlocated(world.purposes);
  sources.profile = policy::Unlocated(world.profile);
  for (const auto& pack : world.packs) {
    sources.packs.push_back(policy::Unlocated(pack));
  }
  return sources;
}

Answer AnswerOf(const policy::Bundle& bundle,
                const policy::Decision& decision) {
  Answer out;
  const auto rule = [&](policy::RuleId id) {
    return std::string(bundle.rule(id).id);
  };
  out.permitted = decision.permitted;
  out.reason = ReasonName(decision.reason);
  out.rule = rule(decision.rule);
  for (const auto& field : decision.fields) {
    FieldAnswer& answer = out.fields.emplace_back();
    answer.field = bundle.field_name(field.field);
    answer.permitted = field.permitted;
    if (field.permitted) {
      answer.transform = config::v1::Transform::Value_Name(field.transform);
    }
    answer.reason = ReasonName(field.reason);
    answer.rule = rule(field.rule);
  }
  for (const auto regime : decision.regimes) {
    out.regimes.insert(bundle.regime(regime));
  }
  for (const auto& used : decision.bases) {
    out.bases.insert({bundle.regime(used.regime),
                      bundle.basis(used.basis).ShortDebugString()});
  }
  for (const auto id : decision.rules) out.rules.insert(rule(id));
  out.consent = decision.consent >= 0;
  if ((decision.obligations & policy::kOweHumanOnRequest) != 0) {
    out.owed.insert("human_on_request");
  }
  if ((decision.obligations & policy::kOweHumanBeforeEffect) != 0) {
    out.owed.insert("human_before_effect");
  }
  if ((decision.obligations & policy::kOweNotice) != 0) {
    out.owed.insert("notice");
  }
  out.decided_until_us = decision.decided_until_us;
  return out;
}

bool Agree(const World& world, const policy::Bundle& bundle,
           const config::v1::PolicyCase& policy_case,
           const std::string& label) {
  const auto bound = policy::BindCase(bundle, policy_case, policy::Place());
  EXPECT_OK(bound) << label;
  if (!bound.ok()) return false;
  static policy::Decision decision;
  const absl::Status status =
      policy::Decide(bundle, bound->facts, bound->request, &decision);
  EXPECT_OK(status) << label;
  if (!status.ok()) return false;
  const Answer engine = AnswerOf(bundle, decision);
  const Answer model = Decide(world, policy_case);
  ++seen_outcomes[engine.permitted ? "PERMIT" : engine.reason];
  for (const auto& field : engine.fields) {
    ++seen_outcomes[field.permitted ? "PERMIT" : field.reason];
  }
  if (engine == model) return true;
  ADD_FAILURE() << label << ": kept in " << Keep(world, policy_case, label)
                << "\n"
                << Text(policy_case) << "\nengine: " << ToText(engine)
                << "model: " << ToText(model);
  return false;
}

}  // namespace consentry::policy_model
