#include "gateway/server/answers.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "gateway/server/config.h"
#include "gateway/server/config_text.h"
#include "policy/engine/places.h"
#include "policy/packs/packs.h"

namespace consentry::server {
namespace {

constexpr size_t kMaxSourceKey = 32;

bool IsSourceKey(std::string_view key) {
  if (key.empty() || key.size() > kMaxSourceKey || key[0] < 'a' ||
      key[0] > 'z') {
    return false;
  }
  return std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool Has(const std::vector<std::string>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

// "us-ca.business" belongs to the law of US-CA.
std::string PlaceOfThreshold(std::string_view threshold) {
  std::string place(threshold.substr(0, threshold.find('.')));
  for (char& c : place) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return place;
}

}  // namespace

std::vector<std::string> KnownThresholds() {
  constexpr std::string_view kField = "thresholds: \"";
  std::set<std::string> known;
  for (const EmbeddedFile& file : policy::EmbeddedPacks()) {
    for (size_t at = file.content.find(kField); at != std::string_view::npos;
         at = file.content.find(kField, at)) {
      at += kField.size();
      known.emplace(file.content.substr(at, file.content.find('"', at) - at));
    }
  }
  return {known.begin(), known.end()};
}

std::vector<std::string> OpenThresholds(const InitialiseOptions& options) {
  std::vector<std::string> markets = options.markets;
  markets.push_back(options.home);
  std::vector<std::string> open;
  for (const std::string& threshold : KnownThresholds()) {
    const std::string place = PlaceOfThreshold(threshold);
    const bool addressed = std::any_of(
        markets.begin(), markets.end(), [&](const std::string& market) {
          return !market.empty() && policy::Matches(market, place);
        });
    if (addressed && !Has(options.thresholds, threshold)) {
      open.push_back(threshold);
    }
  }
  return open;
}

std::vector<FieldViolation> CheckAnswers(const InitialiseOptions& options) {
  std::vector<FieldViolation> faults;
  const auto check_place = [&](const char* question, const std::string& code) {
    if (policy::IsPlaceCode(code)) return;
    faults.push_back(
        {question, absl::StrCat(Quote(code), " is no code like DE or US-CA")});
  };
  if (!options.home.empty()) check_place("home", options.home);
  for (const std::string& market : options.markets) {
    if (market != options.home) check_place("market", market);
  }
  const std::vector<std::string> thresholds = KnownThresholds();
  for (const std::string& threshold : options.thresholds) {
    if (Has(thresholds, threshold)) continue;
    std::string known;
    for (const std::string& one : thresholds) {
      absl::StrAppend(&known, known.empty() ? "" : ", ", one);
    }
    faults.push_back(
        {"threshold", absl::StrCat(Quote(threshold), " is none of ", known)});
  }
  std::set<std::string_view> sources;
  for (const SourceChoice& source : options.sources) {
    if (!IsSourceKey(source.key)) {
      faults.push_back(
          {"source",
           absl::StrCat(Quote(source.key),
                        " must be 1 to 32 characters of a-z, 0-9 and _, a "
                        "letter first")});
    } else if (!sources.insert(source.key).second) {
      faults.push_back(
          {"source", absl::StrCat(Quote(source.key), " stands twice")});
    }
  }
  std::vector<std::string> purposes;
  for (const EmbeddedFile& file : policy::EmbeddedDefaults()) {
    if (file.name != "purposes.txtpb") continue;
    WithPurposes(file.content, [&](std::string_view key) {
      purposes.emplace_back(key);
      return true;
    });
  }
  for (const std::string& purpose : options.purposes) {
    if (Has(purposes, purpose)) continue;
    faults.push_back({"purpose", absl::StrCat(Quote(purpose),
                                              " is no purpose of the sample")});
  }
  if (!options.address.empty() && !ParseAddress(options.address).ok()) {
    faults.push_back(
        {"listen", absl::StrCat(Quote(options.address),
                                " must be an IP address and a port, such as "
                                "127.0.0.1:50051")});
  }
  return faults;
}

}  // namespace consentry::server
