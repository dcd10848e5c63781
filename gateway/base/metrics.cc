#include "gateway/base/metrics.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace consentry::base {
namespace {

constexpr size_t kMaxLabelValue = 64;

std::string CleanValue(std::string_view value) {
  std::string clean(value.substr(0, kMaxLabelValue));
  for (char& c : clean) {
    const bool keep = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (c >= '0' && c <= '9') || c == '_' || c == '.' ||
                      c == ':' || c == '/' || c == '-';
    if (!keep) c = '_';
  }
  return clean;
}

std::string Seconds(uint64_t us) {
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "%.6g", static_cast<double>(us) / 1e6);
  return buffer;
}

// `labels` is the inside of the braces, perhaps empty.
std::string Line(const std::string& name, const std::string& labels,
                 const std::string& value) {
  std::string line = name;
  if (!labels.empty()) line += "{" + labels + "}";
  return line + " " + value + "\n";
}

std::string Joined(const std::string& labels, const std::string& more) {
  return labels.empty() ? more : labels + "," + more;
}

void AppendHistogram(const std::string& name, const std::string& labels,
                     const Histogram& histogram, std::string* out) {
  uint64_t below = 0;
  for (int i = 0; i < Histogram::kBuckets; ++i) {
    below += histogram.bucket(i);
    *out +=
        Line(name + "_bucket",
             Joined(labels, "le=\"" + Seconds(Histogram::kBoundsUs[i]) + "\""),
             std::to_string(below));
  }
  below += histogram.bucket(Histogram::kBuckets);
  *out += Line(name + "_bucket", Joined(labels, "le=\"+Inf\""),
               std::to_string(below));
  *out += Line(name + "_sum", labels, Seconds(histogram.sum_us()));
  *out += Line(name + "_count", labels, std::to_string(below));
}

}  // namespace

const uint64_t Histogram::kBoundsUs[Histogram::kBuckets] = {
    10,     20,      50,      100,     200,     500,    1000,
    2000,   5000,    10000,   20000,   50000,   100000, 200000,
    500000, 1000000, 2000000, 5000000, 10000000};

void Histogram::ObserveUs(int64_t us) {
  const uint64_t value = us < 0 ? 0 : static_cast<uint64_t>(us);
  const auto* bound =
      std::lower_bound(std::begin(kBoundsUs), std::end(kBoundsUs), value);
  buckets_[bound - std::begin(kBoundsUs)].fetch_add(1,
                                                    std::memory_order_relaxed);
  sum_us_.fetch_add(value, std::memory_order_relaxed);
}

uint64_t Histogram::count() const {
  uint64_t total = 0;
  for (int i = 0; i <= kBuckets; ++i) total += bucket(i);
  return total;
}

MetricRegistry* MetricRegistry::Global() {
  static MetricRegistry* const registry = new MetricRegistry();
  return registry;
}

MetricRegistry::Series& MetricRegistry::Find(
    Type type, Constant name, Constant help,
    std::initializer_list<Label> labels) {
  auto [it, added] = families_.try_emplace(
      std::string(name.text()), Family{type, std::string(help.text()), {}});
  Family& family = it->second;
  if (family.type != type) {
    std::fprintf(stderr, "metric registered with two types\n");
    std::abort();
  }
  std::string key;
  std::string other;
  for (const Label& label : labels) {
    const std::string prefix = std::string(label.name.text()) + "=\"";
    key = Joined(key, prefix + CleanValue(label.value) + "\"");
    other = Joined(other, prefix + "other\"");
  }
  if (family.series.size() >= kMaxSeries && !family.series.contains(key)) {
    key = other;
  }
  return family.series[key];
}

Counter* MetricRegistry::GetCounter(Constant name, Constant help,
                                    std::initializer_list<Label> labels) {
  MutexLock lock(&mu_);
  Series& series = Find(Type::kCounter, name, help, labels);
  if (!series.counter) series.counter = std::make_unique<Counter>();
  return series.counter.get();
}

Histogram* MetricRegistry::GetHistogram(Constant name, Constant help,
                                        std::initializer_list<Label> labels) {
  MutexLock lock(&mu_);
  Series& series = Find(Type::kHistogram, name, help, labels);
  if (!series.histogram) series.histogram = std::make_unique<Histogram>();
  return series.histogram.get();
}

std::string MetricRegistry::Exposition() const {
  MutexLock lock(&mu_);
  std::string out;
  for (const auto& [name, family] : families_) {
    out += "# HELP " + name + " " + family.help + "\n";
    out += "# TYPE " + name +
           (family.type == Type::kCounter ? " counter\n" : " histogram\n");
    for (const auto& [labels, series] : family.series) {
      if (series.counter) {
        out += Line(name, labels, std::to_string(series.counter->value()));
      } else if (series.histogram) {
        AppendHistogram(name, labels, *series.histogram, &out);
      }
    }
  }
  return out;
}

}  // namespace consentry::base
