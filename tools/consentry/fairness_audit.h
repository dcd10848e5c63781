#ifndef CONSENTRY_TOOLS_CONSENTRY_FAIRNESS_AUDIT_H_
#define CONSENTRY_TOOLS_CONSENTRY_FAIRNESS_AUDIT_H_

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "policy/fairness/audit.h"
#include "tools/consentry/fairness_table.h"

namespace CLI {
class App;
}

namespace consentry::tools {

struct CommandContext;

struct FairnessAuditOptions {
  // CSV or TSV with a header.
  std::string csv;
  FairnessColumns columns;
  // Without groupings, which follow from the columns.
  policy::fairness::AuditPlan plan;
  // Of kAuditFigures. Empty: all.
  std::vector<std::string> figures;
  bool json = false;
  // Writes a page there as well. Empty: none.
  std::string html;
};

// Audits a file: no gateway, nothing recorded. With `json` the report as
// consentry.v1.FairnessReport. kExitNo for columns, expressions or groups that
// are not there; the findings of a report do not change the exit code.
int FairnessAudit(const FairnessAuditOptions& options, std::ostream& out,
                  std::ostream& err);

// Of `audit --run`: an audit that a gateway makes of what it screened.
struct FairnessRunOptions {
  std::string profile;
  // Registration to ask as.
  std::string as;
  // As ParseTime. Empty: the gateway's own.
  std::string from;
  std::string to;
  std::string model_version;
  // Of time to come, for alpha; else of the past, and descriptive.
  bool confirmatory = false;
  std::string html;
  bool json = false;
};
using FairnessRun =
    std::function<int(const std::string& folder, const FairnessRunOptions&)>;

// Under `fairness`. Without `run` it knows no gateway.
void AddFairnessAudit(CLI::App* fairness, CommandContext* context,
                      FairnessRun run = nullptr);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_FAIRNESS_AUDIT_H_
