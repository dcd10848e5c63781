#include "tools/consentry/fairness_table.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "policy/fairness/groups.h"
#include "policy/fairness/proxies.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/case_expression.h"
#include "tools/consentry/csv.h"

namespace consentry::tools {
namespace {

using policy::fairness::Answer;
using policy::fairness::AuditColumn;
using policy::fairness::AuditGrouping;
using policy::fairness::AuditRange;
using policy::fairness::kNoCode;

// Numbers with more distinct values than these are put into bins as inputs.
constexpr size_t kMostInputValues = 20;
constexpr size_t kInputBins = 10;
constexpr size_t kMostNamedGroups = 20;

absl::Status Bad(const std::string& what) {
  return absl::InvalidArgumentError(what);
}

std::string Cell(const std::string& raw) {
  return std::string(absl::StripAsciiWhitespace(raw));
}

// Names of a column as codes, in the order of their first row.
class Names {
 public:
  explicit Names(std::string name, size_t most) : most_(most) {
    column_.name = std::move(name);
  }

  absl::Status Add(const std::string& value) {
    const auto [found, added] =
        codes_.try_emplace(value, static_cast<uint32_t>(column_.values.size()));
    if (added) {
      if (column_.values.size() >= most_) {
        return Bad(absl::StrCat(
            column_.name, " has more than ", most_,
            " values; put them together into fewer, such as --bands ",
            column_.name, "=30,60"));
      }
      column_.values.push_back(value);
    }
    column_.codes.push_back(found->second);
    return absl::OkStatus();
  }
  void AddUnknown() { column_.codes.push_back(kNoCode); }
  // Keeps the values in their order, and no rows.
  void Forget() { column_.codes.clear(); }

  // With the values in order.
  AuditColumn Sorted() && {
    std::vector<std::string> sorted = column_.values;
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
      const auto x = NumberOf(a);
      const auto y = NumberOf(b);
      if (x && y && *x != *y) return *x < *y;
      return a < b;
    });
    std::map<std::string, uint32_t> place;
    for (size_t i = 0; i < sorted.size(); ++i) {
      place[sorted[i]] = static_cast<uint32_t>(i);
    }
    for (uint32_t& code : column_.codes) {
      if (code != kNoCode) code = place[column_.values[code]];
    }
    column_.values = std::move(sorted);
    return std::move(column_);
  }

  AuditColumn Take() && { return std::move(column_); }

 private:
  const size_t most_;
  AuditColumn column_;
  std::map<std::string, uint32_t> codes_;
};

std::string NumberText(double number) { return absl::StrCat(number); }

// Bands of one column of numbers.
struct Bands {
  std::string column;
  std::vector<double> edges;

  std::vector<std::string> Values() const {
    std::vector<std::string> names = {
        absl::StrCat("under ", NumberText(edges.front()))};
    for (size_t i = 0; i + 1 < edges.size(); ++i) {
      // Whole numbers end before the next band.
      const bool whole = edges[i + 1] == std::floor(edges[i + 1]);
      names.push_back(
          absl::StrCat(NumberText(edges[i]), whole ? " to " : " to under ",
                       NumberText(whole ? edges[i + 1] - 1 : edges[i + 1])));
    }
    names.push_back(absl::StrCat(NumberText(edges.back()), " and over"));
    return names;
  }
};

absl::StatusOr<Bands> ParseBands(const std::string& text) {
  const size_t equals = text.rfind('=');
  Bands bands;
  if (equals != std::string::npos) {
    bands.column = Cell(text.substr(0, equals));
    for (const absl::string_view part :
         absl::StrSplit(text.substr(equals + 1), ',')) {
      const auto edge = NumberOf(std::string_view(part.data(), part.size()));
      if (!edge || (!bands.edges.empty() && *edge <= bands.edges.back())) {
        bands.edges.clear();
        break;
      }
      bands.edges.push_back(*edge);
    }
  }
  if (bands.column.empty() || bands.edges.empty()) {
    return Bad(absl::StrCat(
        "bands are written as column=30,60 with rising numbers: ", text));
  }
  return bands;
}

// One column of the file, and what becomes of its cells.
struct Reader {
  size_t column = 0;
  std::function<absl::Status(const std::string& cell)> read;
};

class TableReader {
 public:
  TableReader(const FairnessColumns& columns, const CsvReader& csv)
      : columns_(columns), csv_(csv) {}

  absl::Status Prepare() {
    CONSENTRY_RETURN_IF_ERROR(PreparePrediction());
    for (const std::string& text : columns_.bands) {
      CONSENTRY_ASSIGN_OR_RETURN(Bands bands, ParseBands(text));
      CONSENTRY_RETURN_IF_ERROR(PlaceOf(bands.column).status());
      bands_.push_back(std::move(bands));
    }
    if (columns_.groups.empty()) return Bad("no column to tell groups apart");
    for (const std::string& group : columns_.groups) {
      CONSENTRY_RETURN_IF_ERROR(PrepareGroup(group));
    }
    for (const Bands& bands : bands_) {
      if (std::none_of(columns_.groups.begin(), columns_.groups.end(),
                       [&](const auto& one) { return one == bands.column; })) {
        return Bad(absl::StrCat("bands of ", bands.column,
                                ", which is no column of groups"));
      }
    }
    CONSENTRY_RETURN_IF_ERROR(PrepareNumbers(columns_.score, &table_.score));
    CONSENTRY_RETURN_IF_ERROR(PrepareNumbers(columns_.price, &table_.price));
    CONSENTRY_RETURN_IF_ERROR(PrepareNumbers(columns_.place, &table_.place));
    CONSENTRY_RETURN_IF_ERROR(PrepareNames(columns_.strata, &strata_));
    CONSENTRY_RETURN_IF_ERROR(PrepareNames(columns_.variant, &variant_));
    CONSENTRY_RETURN_IF_ERROR(PrepareNames(columns_.list, &list_));
    inputs_.resize(columns_.inputs.size());
    for (size_t i = 0; i < columns_.inputs.size(); ++i) {
      CONSENTRY_RETURN_IF_ERROR(PrepareNames(columns_.inputs[i], &inputs_[i]));
    }
    if (columns_.list.empty() != columns_.place.empty()) {
      return Bad("a ranking needs both --list and --place");
    }
    return absl::OkStatus();
  }

  absl::Status Read(const CsvRow& row) {
    ++table_.cases;
    for (const Reader& reader : readers_) {
      CONSENTRY_RETURN_IF_ERROR(reader.read(Cell(row.fields[reader.column])));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<FairnessTable> Finish() && {
    FairnessTable result;
    if (table_.cases == 0) return Bad("the file has no row that can be read");
    CONSENTRY_RETURN_IF_ERROR(
        SaysSomething(table_.predicted, prediction_, "--prediction"));
    CONSENTRY_RETURN_IF_ERROR(SaysSomething(table_.label, label_, "--label"));
    for (size_t i = 0; i < groups_.size(); ++i) {
      AuditColumn column = sorted_[i] ? std::move(*groups_[i]).Sorted()
                                      : std::move(*groups_[i]).Take();
      table_.attributes.push_back(std::move(column));
      result.groupings.push_back({{i}, ""});
    }
    if (columns_.cross && table_.attributes.size() > 1) {
      AuditGrouping all;
      for (size_t i = 0; i < table_.attributes.size(); ++i) {
        all.attributes.push_back(i);
      }
      result.groupings.push_back(std::move(all));
    }
    CONSENTRY_RETURN_IF_ERROR(SetReferences(&result.groupings));
    if (strata_) table_.stratum = std::move(*strata_).Sorted();
    if (variant_) table_.variant = std::move(*variant_).Sorted();
    if (list_) table_.list = std::move(*list_).Sorted();
    for (std::optional<Names>& input : inputs_) {
      table_.inputs.push_back(Binned(std::move(*input).Sorted()));
    }
    CONSENTRY_RETURN_IF_ERROR(Cut(columns_.score_range, "--score-range",
                                  /*above_zero=*/false, &table_.score,
                                  &table_.score_range));
    CONSENTRY_RETURN_IF_ERROR(Cut(columns_.price_range, "--price-range",
                                  /*above_zero=*/true, &table_.price,
                                  &table_.price_range));
    result.positive_is_favourable = positive_is_favourable_;
    result.prediction = prediction_ ? prediction_->text() : "";
    result.outcome = label_ ? label_->text() : "";
    result.table = std::move(table_);
    return result;
  }

 private:
  absl::StatusOr<size_t> PlaceOf(const std::string& name) const {
    const auto& header = csv_.header();
    const auto found = std::find(header.begin(), header.end(), name);
    if (found == header.end()) {
      return Bad(absl::StrCat("no column ", name, "; there are ",
                              absl::StrJoin(header, ", ")));
    }
    return static_cast<size_t>(found - header.begin());
  }

  absl::Status PreparePrediction() {
    const std::string& favourable = columns_.favourable;
    if (!columns_.prediction.empty()) {
      CONSENTRY_ASSIGN_OR_RETURN(prediction_,
                                 CaseExpression::Parse(columns_.prediction));
      const bool alone = prediction_->op() == CaseExpression::Operator::kNone;
      if (favourable == "false") {
        positive_is_favourable_ = false;
      } else if (alone && !favourable.empty() && favourable != "true") {
        prediction_->SetValue(favourable);
      } else if (!favourable.empty() && favourable != "true") {
        return Bad(
            "of a comparison either true or false is favourable; to name a "
            "value give the column alone as --prediction");
      }
      CONSENTRY_RETURN_IF_ERROR(
          PrepareAnswers(*prediction_, &table_.predicted));
    }
    if (!columns_.label.empty()) {
      if (columns_.prediction.empty()) return Bad("--label needs --prediction");
      CONSENTRY_ASSIGN_OR_RETURN(label_, CaseExpression::Parse(columns_.label));
      CONSENTRY_RETURN_IF_ERROR(PrepareAnswers(*label_, &table_.label));
    }
    return absl::OkStatus();
  }

  absl::Status PrepareAnswers(const CaseExpression& expression,
                              std::vector<Answer>* answers) {
    CONSENTRY_ASSIGN_OR_RETURN(const size_t place,
                               PlaceOf(expression.column()));
    readers_.push_back({place, [expression, answers](const std::string& cell) {
                          const auto holds = expression.Holds(cell);
                          answers->push_back(!holds   ? Answer::kUnknown
                                             : *holds ? Answer::kYes
                                                      : Answer::kNo);
                          return absl::OkStatus();
                        }});
    return absl::OkStatus();
  }

  absl::Status PrepareGroup(const std::string& text) {
    const auto bands =
        std::find_if(bands_.begin(), bands_.end(),
                     [&](const Bands& one) { return one.column == text; });
    CONSENTRY_ASSIGN_OR_RETURN(const CaseExpression expression,
                               CaseExpression::Parse(text));
    const bool alone = expression.op() == CaseExpression::Operator::kNone;
    const std::string& column = expression.column();
    CONSENTRY_ASSIGN_OR_RETURN(const size_t place, PlaceOf(column));
    Names* names = groups_
                       .emplace_back(std::make_unique<Names>(
                           alone ? column : expression.text(),
                           policy::fairness::kMaxAuditGroups))
                       .get();
    sorted_.push_back(bands == bands_.end());
    if (bands != bands_.end()) {
      std::vector<std::string> values = bands->Values();
      for (const std::string& value : values) {
        CONSENTRY_RETURN_IF_ERROR(names->Add(value));
      }
      names->Forget();
      readers_.push_back(
          {place,
           [names, values,
            edges = bands->edges](const std::string& cell) -> absl::Status {
             const auto number = NumberOf(cell);
             if (!number) {
               names->AddUnknown();
               return absl::OkStatus();
             }
             const auto above =
                 std::upper_bound(edges.begin(), edges.end(), *number);
             return names->Add(
                 values[static_cast<size_t>(above - edges.begin())]);
           }});
      return absl::OkStatus();
    }
    readers_.push_back(
        {place,
         [names, alone, expression](const std::string& cell) -> absl::Status {
           if (alone) {
             if (!IsNotKnown(cell)) return names->Add(cell);
             names->AddUnknown();
             return absl::OkStatus();
           }
           const auto holds = expression.Holds(cell);
           if (holds) return names->Add(*holds ? "yes" : "no");
           names->AddUnknown();
           return absl::OkStatus();
         }});
    return absl::OkStatus();
  }

  absl::Status PrepareNumbers(const std::string& column,
                              std::vector<double>* numbers) {
    if (column.empty()) return absl::OkStatus();
    CONSENTRY_ASSIGN_OR_RETURN(const size_t place, PlaceOf(column));
    readers_.push_back({place, [numbers](const std::string& cell) {
                          numbers->push_back(NumberOf(cell).value_or(
                              std::numeric_limits<double>::quiet_NaN()));
                          return absl::OkStatus();
                        }});
    return absl::OkStatus();
  }

  absl::Status PrepareNames(const std::string& column,
                            std::optional<Names>* names) {
    if (column.empty()) return absl::OkStatus();
    CONSENTRY_ASSIGN_OR_RETURN(const size_t place, PlaceOf(column));
    names->emplace(column, std::numeric_limits<uint32_t>::max() - 1);
    readers_.push_back(
        {place, [names](const std::string& cell) -> absl::Status {
           if (!IsNotKnown(cell)) return (*names)->Add(cell);
           (*names)->AddUnknown();
           return absl::OkStatus();
         }});
    return absl::OkStatus();
  }

  static absl::Status Cut(const std::string& text, const char* option,
                          bool above_zero, std::vector<double>* numbers,
                          std::optional<AuditRange>* range) {
    if (text.empty()) return absl::OkStatus();
    if (numbers->empty()) {
      return Bad(absl::StrCat(option, " has no effect without its column"));
    }
    const std::vector<std::string> ends = absl::StrSplit(text, ',');
    const auto lower = NumberOf(ends.front());
    const auto upper = NumberOf(ends.back());
    if (ends.size() != 2 || !lower || !upper || !(*lower < *upper) ||
        (above_zero && *lower <= 0)) {
      return Bad(absl::StrCat(option, " is written as LOWER,UPPER",
                              above_zero ? ", both above zero: " : ": ", text));
    }
    range->emplace();
    (*range)->lower = *lower;
    (*range)->upper = *upper;
    for (double& number : *numbers) {
      const double cut = std::clamp(number, *lower, *upper);
      // What is no number stays none.
      (*range)->beyond.push_back(number < *lower || number > *upper);
      number = std::isnan(number) ? number : cut;
    }
    return absl::OkStatus();
  }

  static absl::Status SaysSomething(
      const std::vector<Answer>& answers,
      const std::optional<CaseExpression>& expression, const char* option) {
    if (!expression) return absl::OkStatus();
    if (std::any_of(answers.begin(), answers.end(),
                    [](Answer answer) { return answer != Answer::kUnknown; })) {
      return absl::OkStatus();
    }
    return Bad(absl::StrCat(
        option, " ", expression->text(),
        " says neither yes nor no of any row; compare it with a value, such "
        "as ",
        expression->column(), " = VALUE"));
  }

  absl::Status SetReferences(std::vector<AuditGrouping>* groupings) const {
    for (const std::string& text : columns_.references) {
      std::string attribute;
      std::string value = text;
      if (table_.attributes.size() > 1) {
        const size_t equals = text.rfind('=');
        if (equals == std::string::npos) {
          return Bad(
              "with several columns of groups a reference is written as "
              "column=value");
        }
        attribute = Cell(text.substr(0, equals));
        value = Cell(text.substr(equals + 1));
      } else {
        attribute = table_.attributes[0].name;
      }
      const auto named = std::find_if(
          table_.attributes.begin(), table_.attributes.end(),
          [&](const AuditColumn& one) { return one.name == attribute; });
      if (named == table_.attributes.end()) {
        return Bad(absl::StrCat("a reference for ", attribute,
                                ", which is no column of groups"));
      }
      if (std::find(named->values.begin(), named->values.end(), value) ==
          named->values.end()) {
        std::vector<std::string> first = named->values;
        const bool more = first.size() > kMostNamedGroups;
        if (more) first.resize(kMostNamedGroups);
        return Bad(absl::StrCat(attribute, " has no group ", value,
                                "; there are ", absl::StrJoin(first, ", "),
                                more ? " and others" : ""));
      }
      (*groupings)[static_cast<size_t>(named - table_.attributes.begin())]
          .reference = value;
    }
    // The intersection of all references is that of the crossed groups.
    const size_t count = table_.attributes.size();
    if (groupings->size() > count &&
        std::all_of(groupings->begin(),
                    groupings->begin() + static_cast<std::ptrdiff_t>(count),
                    [](const auto& one) { return !one.reference.empty(); })) {
      std::vector<std::string_view> parts;
      for (size_t i = 0; i < count; ++i) {
        parts.push_back((*groupings)[i].reference);
      }
      groupings->back().reference = policy::fairness::JoinGroups(parts);
    }
    return absl::OkStatus();
  }

  // Numbers of many values as bins.
  static AuditColumn Binned(AuditColumn column) {
    if (column.values.size() <= kMostInputValues) return column;
    std::vector<double> numbers;
    for (const std::string& value : column.values) {
      const auto number = NumberOf(value);
      if (!number) return column;
      numbers.push_back(*number);
    }
    std::vector<double> cells;
    for (const uint32_t code : column.codes) {
      cells.push_back(code == kNoCode ? std::numeric_limits<double>::quiet_NaN()
                                      : numbers[code]);
    }
    column.codes = policy::fairness::CodesOfNumbers(cells, kInputBins);
    column.values.clear();
    for (size_t i = 0; i <= kInputBins + 1; ++i) {
      column.values.push_back(absl::StrCat("bin ", i));
    }
    return column;
  }

  const FairnessColumns& columns_;
  const CsvReader& csv_;
  policy::fairness::AuditTable table_;
  std::optional<CaseExpression> prediction_;
  std::optional<CaseExpression> label_;
  bool positive_is_favourable_ = true;
  std::vector<Bands> bands_;
  std::vector<std::unique_ptr<Names>> groups_;
  std::vector<bool> sorted_;
  std::optional<Names> strata_;
  std::optional<Names> variant_;
  std::optional<Names> list_;
  std::vector<std::optional<Names>> inputs_;
  std::vector<Reader> readers_;
};

}  // namespace

absl::StatusOr<FairnessTable> ReadFairnessTable(const FairnessColumns& columns,
                                                std::istream* in) {
  CONSENTRY_ASSIGN_OR_RETURN(const std::unique_ptr<CsvReader> csv,
                             CsvReader::Open(in));
  TableReader reader(columns, *csv);
  CONSENTRY_RETURN_IF_ERROR(reader.Prepare());
  CsvRow row;
  uint64_t unread = 0;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, csv->Next(&row));
    if (!more) break;
    if (row.fault != CsvFault::kNone) {
      ++unread;
      continue;
    }
    CONSENTRY_RETURN_IF_ERROR(reader.Read(row));
  }
  CONSENTRY_ASSIGN_OR_RETURN(FairnessTable table, std::move(reader).Finish());
  table.unread = unread;
  return table;
}

}  // namespace consentry::tools
