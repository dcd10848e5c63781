#include "tools/consentry/bench_figures.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace consentry::tools {
namespace {

std::string Number(double value) {
  // JSON knows neither.
  if (!std::isfinite(value)) return "null";
  return absl::StrFormat("%.6g", value);
}

// For people: four digits that count.
std::string Short(double value) {
  if (std::abs(value) >= 1000) return absl::StrFormat("%.0f", value);
  return absl::StrFormat("%.3g", value);
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20) {
      absl::StrAppendFormat(&quoted, "\\u%04x", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string Aim(const FigureSpec& spec) {
  if (!spec.aim) return "";
  return (spec.better == Better::kHigher ? ">= " : "<= ") + Short(*spec.aim);
}

std::string ProcessorName() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind("model name", 0) != 0) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace

const std::vector<FigureSpec>& FigureSpecs() {
  constexpr Better kHigher = Better::kHigher;
  constexpr Better kLower = Better::kLower;
  static const auto* const specs = new std::vector<FigureSpec>{
      {"decide_ns", "ns", 1000, kLower, "one decision over 10 fields, median"},
      {"tc_decode_us", "us", std::nullopt, kLower,
       "decoding a TC string with its disclosed vendors, median"},
      {"monitor_update_us", "us", 2, kLower,
       "counting one output in one fairness monitor, median"},
      {"audit_entries_per_s", "1/s", std::nullopt, kHigher,
       "entries on stable storage a second, 64 waiters"},
      {"proof_us_1m", "us", 1000, kLower,
       "inclusion proof in a log of 1 million, median"},
      {"verify_s_1m", "s", 5, kLower,
       "offline verification of all of it, one core"},
      {"unary_over_echo", "ratio", 0.85, kHigher,
       "governed reads a second over bare gRPC echoes, 64 in flight"},
      {"unary_p99_over_echo", "ratio", 2, kLower,
       "p99 latency of the same two"},
      {"rss_mib_1m", "MiB", 256, kLower,
       "resident memory after serving 1 million subjects"},
      {"batch_subjects_per_s", "1/s", std::nullopt, kHigher,
       "subjects a second, read in batches of 100"},
      {"growth_read", "ratio", 1.25, kLower,
       "read latency at 1 million subjects over 10 thousand"},
      {"growth_withdraw", "ratio", 1.25, kLower,
       "withdrawal latency at 1 million subjects over 10 thousand"},
      {"growth_erase", "ratio", 1.25, kLower,
       "from approving an erasure to destroyed keys, likewise"},
      {"withdraw_to_deny_over_read", "ratio", 2, kLower,
       "p99 from withdrawing to the first denied read, over p99 of a read"},
      {"access_report_s", "s", 1, kLower,
       "seconds of one core, access report over 10 thousand entries"},
      {"screen_over_read", "ratio", 1.3, kLower,
       "reads a second over screenings of one message or price that are not "
       "stored"},
      {"screen_watched_over_read", "ratio", std::nullopt, kLower,
       "reads a second over screenings that are stored, and counted by five "
       "fairness monitors"},
      {"watched_over_unwatched", "ratio", std::nullopt, kLower,
       "stored screenings a second without monitors over those with them"},
      {"start_s_1m", "s", 5, kLower,
       "from kill -9 to serving, 1 million subjects, 10 million entries"},
  };
  return *specs;
}

const FigureSpec* FindFigure(std::string_view name) {
  for (const FigureSpec& spec : FigureSpecs()) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

void Figure::AddSummary(const std::string& prefix, const Summary& summary) {
  Add(prefix + "p50", summary.p50);
  Add(prefix + "p95", summary.p95);
  Add(prefix + "p99", summary.p99);
}

bool Met(const Figure& figure) {
  if (!figure.spec->aim) return true;
  return figure.spec->better == Better::kHigher
             ? figure.value >= *figure.spec->aim
             : figure.value <= *figure.spec->aim;
}

Machine ThisMachine() {
  Machine machine;
  machine.processor = ProcessorName();
  machine.cores = std::thread::hardware_concurrency();
  machine.memory_mib = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                           static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) >>
                       20;
  utsname name;
  if (uname(&name) == 0) {
    machine.system = absl::StrCat(name.sysname, " ", name.release);
  }
  return machine;
}

void WriteJson(const BenchReport& report, std::ostream* out) {
  const Machine& machine = report.machine;
  *out << "{\"machine\":{\"processor\":" << Quoted(machine.processor)
       << ",\"cores\":" << machine.cores
       << ",\"memory_mib\":" << machine.memory_mib
       << ",\"system\":" << Quoted(machine.system)
       << "},\"quick\":" << (report.quick ? "true" : "false")
       << ",\"subjects\":" << report.subjects << ",\"figures\":[";
  std::string_view separator;
  for (const Figure& figure : report.figures) {
    const FigureSpec& spec = *figure.spec;
    *out << separator << "{\"name\":" << Quoted(spec.name)
         << ",\"value\":" << Number(figure.value)
         << ",\"unit\":" << Quoted(spec.unit)
         << ",\"aim\":" << (spec.aim ? Number(*spec.aim) : "null")
         << ",\"better\":"
         << (spec.better == Better::kHigher ? "\"higher\"" : "\"lower\"")
         << ",\"detail\":{";
    std::string_view comma;
    for (const auto& [name, value] : figure.detail) {
      *out << comma << Quoted(name) << ":" << Number(value);
      comma = ",";
    }
    *out << "}}";
    separator = ",";
  }
  *out << "],\"failed\":[";
  separator = "";
  for (const auto& [name, why] : report.failed) {
    *out << separator << "{\"name\":" << Quoted(name)
         << ",\"why\":" << Quoted(why) << "}";
    separator = ",";
  }
  *out << "]}\n";
}

void WriteTable(const BenchReport& report, std::ostream* out) {
  const Machine& machine = report.machine;
  *out << machine.processor << ", " << machine.cores << " cores, "
       << machine.memory_mib << " MiB, " << machine.system << "\n";
  if (report.quick) {
    *out << "QUICK: " << report.subjects
         << " subjects and entries where the names say 1 million, and shorter "
            "spans. Not to be quoted.\n";
  }
  *out << "\n";
  for (const Figure& figure : report.figures) {
    const FigureSpec& spec = *figure.spec;
    *out << absl::StrFormat("%-27s %9s %-6s %-9s %-7s %s\n",
                            std::string(spec.name), Short(figure.value),
                            std::string(spec.unit), Aim(spec),
                            !spec.aim     ? ""
                            : Met(figure) ? "met"
                                          : "MISSED",
                            std::string(spec.what));
    std::string line;
    const auto flush = [&] {
      if (!line.empty()) *out << "    " << line << "\n";
      line.clear();
    };
    for (const auto& [name, value] : figure.detail) {
      const std::string part = absl::StrCat(name, " ", Short(value));
      if (line.size() + part.size() > 100) flush();
      if (!line.empty()) line += "  ";
      line += part;
    }
    flush();
  }
  std::string missed;
  for (const Figure& figure : report.figures) {
    if (Met(figure)) continue;
    absl::StrAppend(&missed, "  ", std::string(figure.spec->name), ": ",
                    Short(figure.value), ", the aim is ", Aim(*figure.spec),
                    "\n");
  }
  if (!missed.empty()) {
    *out << "\nMissed:\n" << missed;
  } else if (report.failed.empty()) {
    *out << "\nEvery aim was met.\n";
  }
  for (const auto& [name, why] : report.failed) {
    *out << "Not measured: " << name << ": " << why << "\n";
  }
}

}  // namespace consentry::tools
