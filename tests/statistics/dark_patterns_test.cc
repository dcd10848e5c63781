// Precision and recall of the rules of conduct on texts of real shops (Yada et
// al. 2022 and Mathur et al. 2019, half of them). The rules are written by
// hand, so what counts is which texts were looked at while writing: those of
// folds 0 and 1 at first, of 2 and 3 afterwards, of fold 4 never. Texts that
// differ in numbers, case and punctuation alone stand in the same fold.
//
//   rules as of         looked at   on         precision  recall
//   first writing       0, 1        2, 3, 4    0.991      0.916
//   second              0 to 3      4          0.985      0.964

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "policy/conduct/text_scanner.h"
#include "tools/consentry/csv.h"

namespace consentry::conduct {
namespace {

constexpr uint64_t kFolds = 5;
constexpr uint64_t kUnseenFold = 4;

struct Sample {
  std::string text;
  std::string category;
  bool dark = false;
  uint64_t fold = 0;
};

// The text in small ASCII letters, every number as one sign.
std::string Template(std::string_view text) {
  std::string masked;
  char last = ' ';
  for (const char c : text) {
    char sign = ' ';
    if (c >= 'a' && c <= 'z') sign = c;
    if (c >= 'A' && c <= 'Z') sign = static_cast<char>(c - 'A' + 'a');
    if (c >= '0' && c <= '9') sign = '#';
    if ((sign == ' ' || sign == '#') && sign == last) continue;
    masked += sign;
    last = sign;
  }
  if (!masked.empty() && masked.back() == ' ') masked.pop_back();
  return masked;
}

// FNV-1a and a mixing step.
uint64_t FoldOf(std::string_view text) {
  uint64_t hash = 1469598103934665603u;
  for (const char c : "consentry conduct 1\n" + Template(text)) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;
  }
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdu;
  hash ^= hash >> 33;
  return hash % kFolds;
}

std::string DataFile() {
  const char* folder = std::getenv("CONSENTRY_SHARED_DATA");
  const std::filesystem::path path =
      folder != nullptr
          ? std::filesystem::path(folder)
          : std::filesystem::path(CONSENTRY_SOURCE_DIR) / "../shared/data";
  return (path / "dark-patterns-dev.tsv").string();
}

std::vector<Sample> ReadSamples(std::istream* in) {
  std::vector<Sample> samples;
  const auto reader = tools::CsvReader::Open(in, '\t');
  if (!reader.ok()) return samples;
  tools::CsvRow row;
  for (;;) {
    const auto more = (*reader)->Next(&row);
    if (!more.ok() || !*more) return samples;
    // The file was cut by lines: a few rows are halves.
    if (row.fault != tools::CsvFault::kNone || row.fields.size() != 4) continue;
    samples.push_back({row.fields[1], row.fields[3], row.fields[2] == "1",
                       FoldOf(row.fields[1])});
  }
}

struct Figures {
  int true_positives = 0;
  int false_positives = 0;
  int false_negatives = 0;

  double precision() const {
    return static_cast<double>(true_positives) /
           (true_positives + false_positives);
  }
  double recall() const {
    return static_cast<double>(true_positives) /
           (true_positives + false_negatives);
  }
  void Count(bool dark, bool found) {
    true_positives += dark && found ? 1 : 0;
    false_positives += !dark && found ? 1 : 0;
    false_negatives += dark && !found ? 1 : 0;
  }
};

// "Social Proof" of the data is SOCIAL_PROOF here.
std::string CategoryOf(config::v1::ConductType::Value type) {
  std::string name = config::v1::ConductType::Value_Name(type);
  bool first = true;
  for (char& c : name) {
    if (c == '_') c = ' ';
    if (!first && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    first = c == ' ';
  }
  return name;
}

TEST(DarkPatternsTest, PrecisionAndRecallHold) {
  std::ifstream in(DataFile(), std::ios::binary);
  if (!in) GTEST_SKIP() << "no " << DataFile();
  const std::vector<Sample> samples = ReadSamples(&in);
  ASSERT_GT(samples.size(), 1100u);

  Figures all;
  Figures unseen;
  std::map<uint64_t, Figures> folds;
  std::map<std::string, int> of_category;
  std::map<std::string, int> found_in;
  // Per type: whether a finding of that type says that the text was marked, and
  // marked as that type.
  std::map<std::string, Figures> marked;
  std::map<std::string, int> same_type;
  for (const Sample& sample : samples) {
    const TextScan scan = TextScanner::Shipped().Scan(sample.text);
    const bool found = !scan.findings.empty();
    all.Count(sample.dark, found);
    folds[sample.fold].Count(sample.dark, found);
    if (sample.fold == kUnseenFold) unseen.Count(sample.dark, found);
    if (sample.dark) {
      ++of_category[sample.category];
      found_in[sample.category] += found ? 1 : 0;
    }
    std::map<std::string, bool> types;
    for (const TextFinding& finding : scan.findings) {
      types[CategoryOf(finding.type)] = true;
    }
    for (const auto& [type, unused] : types) {
      marked[type].Count(sample.dark, true);
      same_type[type] += sample.category == type ? 1 : 0;
    }
  }

  for (const auto& [fold, figures] : folds) {
    std::printf("fold %d: precision %.3f, recall %.3f\n",
                static_cast<int>(fold), figures.precision(), figures.recall());
  }
  std::printf("all:    precision %.3f, recall %.3f (%d, %d false, %d missed)\n",
              all.precision(), all.recall(), all.true_positives,
              all.false_positives, all.false_negatives);
  for (const auto& [category, count] : of_category) {
    std::printf("%-14s recall %.3f (%d of %d, %d by a rule of its type)",
                category.c_str(),
                static_cast<double>(found_in[category]) / count,
                found_in[category], count, same_type[category]);
    if (marked.count(category) != 0) {
      std::printf("; precision %.3f", marked[category].precision());
    }
    std::printf("\n");
  }

  EXPECT_GE(all.precision(), 0.95);
  EXPECT_GE(all.recall(), 0.85);
  EXPECT_GE(unseen.precision(), 0.95);
  EXPECT_GE(unseen.recall(), 0.85);
  // The types that text can show best.
  for (const char* category : {"Scarcity", "Urgency", "Social Proof"}) {
    EXPECT_GE(found_in[category], 0.9 * of_category[category]) << category;
    EXPECT_GE(marked[category].precision(), 0.95) << category;
  }
}

}  // namespace
}  // namespace consentry::conduct
