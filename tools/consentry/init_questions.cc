#include "tools/consentry/init_questions.h"

#include <algorithm>
#include <charconv>
#include <iomanip>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "consentry/config/v1/purposes.pb.h"
#include "gateway/server/answers.h"
#include "policy/engine/text_config.h"
#include "policy/packs/packs.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/countries.h"

namespace consentry::tools {
namespace {

constexpr size_t kMaxKey = 32;

bool IsKey(std::string_view text) {
  return !text.empty() && text.size() <= kMaxKey && text[0] >= 'a' &&
         text[0] <= 'z' && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

std::string KeyOf(std::string_view title) {
  std::string key;
  for (const char c : title) {
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
    if ((lower >= 'a' && lower <= 'z') ||
        (!key.empty() && lower >= '0' && lower <= '9')) {
      key.push_back(lower);
    } else if (!key.empty() && key.back() != '_') {
      key.push_back('_');
    }
  }
  while (!key.empty() && key.back() == '_') key.pop_back();
  return key.substr(0, kMaxKey);
}

class Asker {
 public:
  Asker(std::istream& in, std::ostream& out) : in_(in), out_(out) {}

  // Asks until `take(line)` is OK. An empty line stands for `suggestion`.
  template <class Take>
  absl::Status Ask(std::string_view question, std::string_view suggestion,
                   Take take) {
    while (true) {
      out_ << question;
      if (!suggestion.empty()) out_ << " [" << suggestion << "]";
      out_ << "\n> " << std::flush;
      std::string line;
      if (!std::getline(in_, line)) {
        return absl::AbortedError(
            "nothing was made: a question was not "
            "answered");
      }
      line = std::string(absl::StripAsciiWhitespace(line));
      if (line.empty()) line = std::string(suggestion);
      const absl::Status taken = take(line);
      if (taken.ok()) return taken;
      out_ << "  " << taken.message() << "\n";
    }
  }

 private:
  std::istream& in_;
  std::ostream& out_;
};

// By number or key.
absl::StatusOr<std::string> PickPurpose(const std::vector<SamplePurpose>& all,
                                        const std::string& word) {
  size_t number = 0;
  const auto parsed =
      std::from_chars(word.data(), word.data() + word.size(), number);
  if (parsed.ec == std::errc() && parsed.ptr == word.data() + word.size() &&
      number >= 1 && number <= all.size()) {
    return all[number - 1].key;
  }
  for (const SamplePurpose& purpose : all) {
    if (purpose.key == word) return word;
  }
  return absl::InvalidArgumentError(
      absl::StrCat(word, " is no number or key of this list"));
}

}  // namespace

absl::StatusOr<std::string> ParsePlace(std::string_view text) {
  const absl::Status unknown = absl::InvalidArgumentError(
      absl::StrCat(std::string(text),
                   " is no country or state that ISO 3166 lists: DE, US-CA"));
  const size_t dash = text.find('-');
  const std::optional<std::string> country = FindCountry(text.substr(0, dash));
  if (!country) return unknown;
  if (dash == std::string_view::npos) return *country;
  const std::string_view part = text.substr(dash + 1);
  if (const auto region = FindRegion(*country, part)) return *region;
  const bool known_parts = *country == "US" || *country == "CA";
  if (known_parts || part.empty() || part.size() > 3 ||
      !std::all_of(part.begin(), part.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c));
      })) {
    return unknown;
  }
  return absl::StrCat(*country, "-", absl::AsciiStrToUpper(std::string(part)));
}

absl::StatusOr<server::SourceChoice> ParseSource(std::string_view text) {
  const size_t equals = text.find('=');
  server::SourceChoice source;
  source.key = std::string(
      absl::StripAsciiWhitespace(std::string(text.substr(0, equals))));
  if (equals != std::string_view::npos) {
    source.title = std::string(
        absl::StripAsciiWhitespace(std::string(text.substr(equals + 1))));
  } else if (!IsKey(source.key)) {
    source.title = source.key;
    source.key = KeyOf(source.title);
  }
  if (IsKey(source.key)) return source;
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(text),
                   " makes no key: 1 to 32 of a-z, 0-9 and _, a letter first"));
}

std::vector<std::string> SplitAnswer(std::string_view line) {
  const std::string text(line);
  const char separator = text.find(',') == std::string::npos ? ' ' : ',';
  std::vector<std::string> parts;
  for (const absl::string_view piece : absl::StrSplit(text, separator)) {
    const absl::string_view part = absl::StripAsciiWhitespace(piece);
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

std::vector<SamplePurpose> SamplePurposes() {
  std::vector<SamplePurpose> purposes;
  for (const EmbeddedFile& file : policy::EmbeddedDefaults()) {
    if (file.name != "purposes.txtpb") continue;
    const auto registry =
        policy::ParseText<config::v1::PurposeRegistry>(file.name, file.content);
    if (!registry.ok()) continue;
    for (const auto& purpose : registry->message.purposes()) {
      purposes.push_back({purpose.key(), purpose.text().empty()
                                             ? ""
                                             : purpose.text(0).title()});
    }
  }
  return purposes;
}

absl::Status AskQuestions(std::istream& in, std::ostream& out,
                          server::InitialiseOptions* options) {
  Asker asker(in, out);
  CONSENTRY_RETURN_IF_ERROR(asker.Ask(
      "1/5 Countries: where do you sit, and whom do you sell to? The home "
      "first, such as: DE, FR, US-CA",
      "DE", [&](const std::string& line) -> absl::Status {
        std::vector<std::string> places;
        for (const std::string& word : SplitAnswer(line)) {
          CONSENTRY_ASSIGN_OR_RETURN(std::string place, ParsePlace(word));
          places.push_back(std::move(place));
        }
        if (places.empty()) return absl::InvalidArgumentError("at least one");
        options->home = places.front();
        options->markets = std::move(places);
        return absl::OkStatus();
      }));
  if (const auto open = server::OpenThresholds(*options); !open.empty()) {
    CONSENTRY_RETURN_IF_ERROR(asker.Ask(
        absl::StrCat("    Some laws there attach to larger businesses alone. "
                     "Which of these sizes do you reach: ",
                     absl::StrJoin(open, ", "), "?"),
        "none", [&](const std::string& line) -> absl::Status {
          options->thresholds =
              line == "none" ? std::vector<std::string>() : SplitAnswer(line);
          for (const std::string& word : options->thresholds) {
            if (std::find(open.begin(), open.end(), word) == open.end()) {
              return absl::InvalidArgumentError(
                  absl::StrCat(word, " is none of these"));
            }
          }
          return absl::OkStatus();
        }));
  }
  CONSENTRY_RETURN_IF_ERROR(asker.Ask(
      "\n2/5 Sources: which systems hold customers? The most trusted first; "
      "it wins where two disagree",
      "crm, web_shop, pos", [&](const std::string& line) -> absl::Status {
        std::vector<server::SourceChoice> sources;
        for (const std::string& word : SplitAnswer(line)) {
          CONSENTRY_ASSIGN_OR_RETURN(server::SourceChoice source,
                                     ParseSource(word));
          sources.push_back(std::move(source));
        }
        options->sources = std::move(sources);
        return absl::OkStatus();
      }));

  const std::vector<SamplePurpose> all = SamplePurposes();
  out << "\n";
  for (size_t i = 0; i < all.size(); ++i) {
    out << std::setw(4) << i + 1 << "  " << std::left << std::setw(46)
        << all[i].key << std::right << all[i].title << "\n";
  }
  CONSENTRY_RETURN_IF_ERROR(asker.Ask(
      "3/5 Purposes: what do you use data for? Numbers or keys of this list; "
      "purposes.txtpb can be edited later",
      "all", [&](const std::string& line) -> absl::Status {
        std::vector<std::string> keys;
        if (line != "all") {
          for (const std::string& word : SplitAnswer(line)) {
            CONSENTRY_ASSIGN_OR_RETURN(std::string key, PickPurpose(all, word));
            keys.push_back(std::move(key));
          }
        }
        options->purposes = std::move(keys);
        return absl::OkStatus();
      }));
  CONSENTRY_RETURN_IF_ERROR(asker.Ask(
      "\n4/5 Where does the gateway listen? Address and port",
      "127.0.0.1:50051", [&](const std::string& line) {
        options->address = line;
        server::InitialiseOptions answer;
        answer.address = line;
        const auto faults = server::CheckAnswers(answer);
        return faults.empty()
                   ? absl::OkStatus()
                   : absl::InvalidArgumentError(faults.front().description);
      }));
  CONSENTRY_RETURN_IF_ERROR(asker.Ask(
      "\n5/5 Who are you? The name of the business, as customers know it", "",
      [&](const std::string& line) {
        options->name = line;
        return line.empty() ? absl::InvalidArgumentError(
                                  "letters to customers need a name")
                            : absl::OkStatus();
      }));
  return asker.Ask(
      "    Where do customers reach you about their data? An address or a page",
      "", [&](const std::string& line) {
        options->contact = line;
        return absl::OkStatus();
      });
}

}  // namespace consentry::tools
