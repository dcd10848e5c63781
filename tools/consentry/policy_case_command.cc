#include <istream>
#include <memory>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/struct.pb.h"
#include "policy/engine/engine.h"
#include "policy/engine/explain.h"
#include "policy/engine/policy_case.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/policy_commands.h"
#include "tools/consentry/policy_report.h"

namespace consentry::tools {
namespace {

using config::v1::PolicyCase;
using google::protobuf::Struct;

// A case, the bundle for it, and what was decided.
struct Evaluated {
  PolicyCase one;
  std::shared_ptr<const policy::Bundle> bundle;
  policy::BoundCase bound;
  policy::Decision decision;
};

absl::StatusOr<std::string> ReadCaseText(const std::string& file,
                                         std::istream& in) {
  if (file != "-") return ReadPolicyFile(file);
  std::string text;
  char buffer[4096];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    text.append(buffer, static_cast<size_t>(in.gcount()));
    if (text.size() > TextProto::kMaxBytes) {
      return absl::InvalidArgumentError("standard input: is larger than 4 MiB");
    }
  }
  return text;
}

// A file of cases, made of one where the text is a bare PolicyCase.
absl::StatusOr<CaseFile> ParseOneOrMany(const std::string& file,
                                        const std::string& text) {
  auto many = ParseCaseFile(file, text);
  if (many.ok() && many->located.message.cases_size() > 0) return many;
  auto one = policy::ParseText<PolicyCase>(file, text);
  if (!one.ok()) {
    // Tell the fault of what the text looks like.
    return text.find("cases {") != std::string::npos ||
                   text.find("cases:") != std::string::npos
               ? many.status()
               : one.status();
  }
  CaseFile out;
  out.name = file;
  *out.located.message.add_cases() = std::move(one->message);
  return out;
}

absl::StatusOr<Evaluated> Evaluate(const PolicyEvalOptions& options,
                                   std::istream& in) {
  CONSENTRY_ASSIGN_OR_RETURN(const std::string text,
                             ReadCaseText(options.file, in));
  const std::string name =
      options.file == "-" ? "(standard input)" : options.file;
  CONSENTRY_ASSIGN_OR_RETURN(const CaseFile file, ParseOneOrMany(name, text));
  int index = -1;
  for (int i = 0; i < file.located.message.cases_size(); ++i) {
    if (options.name.empty() ||
        file.located.message.cases(i).name() == options.name) {
      if (index >= 0) {
        return absl::InvalidArgumentError(
            absl::StrCat(name, ": holds several cases: say which by --case"));
      }
      index = i;
    }
  }
  if (index < 0) {
    return absl::NotFoundError(absl::StrCat(name, ": holds no such case"));
  }
  CONSENTRY_ASSIGN_OR_RETURN(auto sources,
                             LoadPolicySources(options.sources, false));
  BundleCache bundles(std::move(sources));
  Evaluated out;
  out.one = file.located.message.cases(index);
  CONSENTRY_ASSIGN_OR_RETURN(
      out.bundle, bundles.Get(file.ProfileOf(static_cast<size_t>(index))));
  CONSENTRY_ASSIGN_OR_RETURN(
      out.bound,
      policy::BindCase(*out.bundle, out.one,
                       policy::PlaceOf(file.located).At("cases", index)));
  CONSENTRY_RETURN_IF_ERROR(policy::Decide(*out.bundle, out.bound.facts,
                                           out.bound.request, &out.decision));
  return out;
}

// With an expectation, whether it holds, after printing what differs; without,
// whether the answer is a permit.
int ExitCodeOf(const Evaluated& evaluated, std::ostream& err) {
  if (!evaluated.one.has_expect()) {
    return evaluated.decision.permitted ? kExitOk : kExitNo;
  }
  const auto differences = policy::CompareWithExpectation(
      *evaluated.bundle, evaluated.decision, evaluated.one.expect());
  if (!differences.ok()) return FailPolicy(differences.status(), err);
  for (const std::string& line : *differences) {
    err << "not as expected: " << line << "\n";
  }
  return differences->empty() ? kExitOk : kExitNo;
}

}  // namespace

int RunPolicyEval(const PolicyEvalOptions& options, std::istream& in,
                  std::ostream& out, std::ostream& err) {
  const auto evaluated = Evaluate(options, in);
  if (!evaluated.ok()) return FailPolicy(evaluated.status(), err);
  out << (options.json
              ? ToJson(DecisionJson(*evaluated->bundle, evaluated->decision))
              : DecisionText(*evaluated->bundle, evaluated->decision));
  return ExitCodeOf(*evaluated, err);
}

int RunPolicyExplain(const PolicyEvalOptions& options, std::istream& in,
                     std::ostream& out, std::ostream& err) {
  const auto evaluated = Evaluate(options, in);
  if (!evaluated.ok()) return FailPolicy(evaluated.status(), err);
  const policy::Explanation explanation =
      policy::Explain(*evaluated->bundle, evaluated->bound.facts,
                      evaluated->bound.request, evaluated->decision);
  if (options.json) {
    Struct root = DecisionJson(*evaluated->bundle, evaluated->decision);
    Struct steps = ExplanationJson(explanation);
    (*root.mutable_fields())["steps"] = (*steps.mutable_fields())["steps"];
    out << ToJson(root);
  } else {
    if (!evaluated->one.name().empty()) out << evaluated->one.name() << "\n\n";
    out << explanation.ToText() << "\n"
        << DecisionText(*evaluated->bundle, evaluated->decision);
  }
  return ExitCodeOf(*evaluated, err);
}

}  // namespace consentry::tools
