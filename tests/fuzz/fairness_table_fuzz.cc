// Any file and any words about its columns, as somebody may hand them to an
// audit without a gateway: refused with a message, or audited, and then the
// report holds no figure that is no number, parses as JSON, and has a page.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>

#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "policy/fairness/audit.h"
#include "policy/fairness/report_html.h"
#include "tests/fuzz/input.h"
#include "tools/consentry/fairness_table.h"

using consentry::fuzz::Require;
using google::protobuf::FieldDescriptor;

namespace {

void RequireNumbers(const google::protobuf::Message& message) {
  const auto* const reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int count =
        field->is_repeated() ? reflection->FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
        const double value =
            field->is_repeated()
                ? reflection->GetRepeatedDouble(message, field, i)
                : reflection->GetDouble(message, field);
        Require(std::isfinite(value));
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        RequireNumbers(field->is_repeated()
                           ? reflection->GetRepeatedMessage(message, field, i)
                           : reflection->GetMessage(message, field));
      }
    }
  }
}

std::vector<std::string> Words(std::string_view text) {
  if (text.empty()) return {};
  return absl::StrSplit(absl::string_view(text.data(), text.size()), '|');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A line for each of the words, then the file.
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&rest]() -> std::string {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string taken(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return taken;
  };
  consentry::tools::FairnessColumns columns;
  columns.prediction = line();
  columns.label = line();
  columns.favourable = line();
  columns.groups = Words(line());
  columns.references = Words(line());
  columns.bands = Words(line());
  columns.strata = line();
  const std::vector<std::string> numbers = Words(line());
  if (!numbers.empty()) columns.score = numbers[0];
  if (numbers.size() > 1) columns.price = numbers[1];
  if (numbers.size() > 3) {
    columns.list = numbers[2];
    columns.place = numbers[3];
  }
  if (numbers.size() > 5) {
    columns.score_range = numbers[4];
    columns.price_range = numbers[5];
  }
  columns.inputs = Words(line());
  columns.cross = columns.groups.size() > 1;

  std::istringstream in{std::string(rest)};
  const auto read = consentry::tools::ReadFairnessTable(columns, &in);
  if (!read.ok()) {
    Require(!read.status().message().empty());
    return 0;
  }
  consentry::policy::fairness::AuditPlan plan;
  plan.groupings = read->groupings;
  plan.positive_is_favourable = read->positive_is_favourable;
  plan.minimum = 1;
  plan.suppress_below = 0;
  plan.pool_below = 0;
  const auto report = consentry::policy::fairness::RunAudit(plan, read->table);
  if (!report.ok()) {
    Require(!report.status().message().empty());
    return 0;
  }
  RequireNumbers(*report);
  std::string json;
  Require(google::protobuf::util::MessageToJsonString(*report, &json).ok());
  Require(!consentry::policy::fairness::FairnessReportHtml(*report).empty());
  return 0;
}
