#ifndef CONSENTRY_TOOLS_CONSENTRY_BENCH_FIGURES_H_
#define CONSENTRY_TOOLS_CONSENTRY_BENCH_FIGURES_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/consentry/bench_stats.h"

namespace consentry::tools {

enum class Better { kHigher, kLower };

// One figure that `consentry bench` knows, measured or not.
struct FigureSpec {
  std::string_view name;
  std::string_view unit;
  // None: reported, without an aim.
  std::optional<double> aim;
  Better better;
  std::string_view what;
};

// All, in the order in which they are measured and shown.
const std::vector<FigureSpec>& FigureSpecs();
// Null for no such name.
const FigureSpec* FindFigure(std::string_view name);

// A figure as it was measured.
struct Figure {
  const FigureSpec* spec = nullptr;
  double value = 0;
  // What the value was made from, in the order in which to show it.
  std::vector<std::pair<std::string, double>> detail;

  void Add(std::string name, double number) {
    detail.emplace_back(std::move(name), number);
  }
  // p50, p95, p99, each behind `prefix`.
  void AddSummary(const std::string& prefix, const Summary& summary);
};

// True where there is no aim.
bool Met(const Figure& figure);

struct Machine {
  std::string processor;
  uint32_t cores = 0;
  uint64_t memory_mib = 0;
  std::string system;
};
Machine ThisMachine();

struct BenchReport {
  Machine machine;
  bool quick = false;
  uint64_t subjects = 0;
  std::vector<Figure> figures;
  // Names of figures that could not be measured, and why.
  std::vector<std::pair<std::string, std::string>> failed;
};

// {"machine":{...},"quick":...,"subjects":...,"figures":[{"name","value",
// "unit","aim","better","detail":{...}}],"failed":[{"name","why"}]}, one line.
// An aim that there is none of is null.
void WriteJson(const BenchReport& report, std::ostream* out);

// For people: a table, then what was missed.
void WriteTable(const BenchReport& report, std::ostream* out);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_BENCH_FIGURES_H_
