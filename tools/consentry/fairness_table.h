#ifndef CONSENTRY_TOOLS_CONSENTRY_FAIRNESS_TABLE_H_
#define CONSENTRY_TOOLS_CONSENTRY_FAIRNESS_TABLE_H_

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/fairness/audit.h"

namespace consentry::tools {

// Which columns of a file an audit looks at. Empty: none.
struct FairnessColumns {
  // Expressions (case_expression.h).
  std::string prediction;
  std::string label;
  // The value of `prediction` that is favourable for the person: of a
  // comparison "true" or "false", of a column alone one of its values.
  std::string favourable;
  // Columns, or expressions with the groups "yes" and "no".
  std::vector<std::string> groups;
  // "age=30,60": a column of numbers as groups "under 30", "30 to 59" and
  // "60 and over".
  std::vector<std::string> bands;
  // All `groups` at once as well.
  bool cross = false;
  // Of each group column the value that others are compared with: the value
  // alone where there is one group column, else "column=value".
  std::vector<std::string> references;
  std::string strata;
  std::string score;
  std::string price;
  // "0,1": what lies beyond counts as the end that it passed. Of prices from
  // above zero. Empty: nothing is cut.
  std::string score_range;
  std::string price_range;
  std::string variant;
  std::string list;
  std::string place;
  std::vector<std::string> inputs;
};

// A file as an audit sees it.
struct FairnessTable {
  policy::fairness::AuditTable table;
  // With references; the rest is the caller's.
  std::vector<policy::fairness::AuditGrouping> groupings;
  bool positive_is_favourable = true;
  // What holds of a positive prediction and of what came true, in words.
  std::string prediction;
  std::string outcome;
  // Rows that could not be read.
  uint64_t unread = 0;
};

// Reads a CSV or TSV file. What is not known case_expression.h says.
// InvalidArgument for columns that are not there, expressions that say nothing
// of any row, references that no row has, and too many groups; no value but
// names of groups is told.
absl::StatusOr<FairnessTable> ReadFairnessTable(const FairnessColumns& columns,
                                                std::istream* in);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_FAIRNESS_TABLE_H_
