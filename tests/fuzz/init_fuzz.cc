// Whatever is answered to the questions of `consentry init`: places are codes,
// keys are keys, and the files written from them read back what was answered.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "consentry/config/v1/catalog.pb.h"
#include "gateway/server/config.h"
#include "gateway/server/config_text.h"
#include "policy/packs/packs.h"
#include "proto/support/text_proto.h"
#include "proto/support/utf8.h"
#include "tests/fuzz/input.h"
#include "tools/consentry/init_questions.h"

using namespace consentry;
using fuzz::Require;

namespace {

std::string_view DefaultCatalog() {
  for (const EmbeddedFile& file : policy::EmbeddedDefaults()) {
    if (file.name == "catalog.txtpb") return file.content;
  }
  std::abort();
}

bool Brings(std::string_view key) {
  return DefaultCatalog().find("\n  key: \"" + std::string(key) + "\"") !=
         std::string_view::npos;
}

void CheckCatalog(const std::vector<server::SourceChoice>& sources) {
  config::v1::Catalog catalog;
  TextProto text("catalog");
  Require(text.Parse(server::WithSources(DefaultCatalog(), sources), &catalog)
              .ok());
  Require(catalog.sources_size() == static_cast<int>(sources.size()));
  for (int i = 0; i < catalog.sources_size(); ++i) {
    const server::SourceChoice& asked = sources[static_cast<size_t>(i)];
    Require(catalog.sources(i).key() == asked.key);
    // Those that the catalog brings along keep their titles.
    Require(asked.title.empty() || Brings(asked.key) ||
            catalog.sources(i).title() == asked.title);
  }
}

void CheckConfig(const std::string& place, const std::string& name) {
  server::InitialiseOptions options;
  options.home = place;
  options.name = name;
  const auto config = server::ParseConfig(
      "/etc/consentry.txtpb", server::ConfigText(options, "consentry/abc"),
      {"eu-gdpr", "uk-gdpr", "us-ca", "us-va"});
  Require(config.ok() && config->message.controller().home() == place &&
          config->message.controller().name() == name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string line(reinterpret_cast<const char*>(data), size);
  std::vector<server::SourceChoice> sources;
  std::string place = "DE";
  for (const std::string& word : tools::SplitAnswer(line)) {
    if (const auto found = tools::ParsePlace(word); found.ok()) {
      // A code reads as itself.
      const auto again = tools::ParsePlace(*found);
      Require(again.ok() && *again == *found);
      place = *found;
    }
    auto source = tools::ParseSource(word);
    if (!source.ok() || !IsUtf8(source->title)) continue;
    const bool known = std::any_of(
        sources.begin(), sources.end(),
        [&](const auto& other) { return other.key == source->key; });
    if (!known && sources.size() < 8) sources.push_back(*std::move(source));
  }
  if (!sources.empty()) CheckCatalog(sources);
  if (IsUtf8(line) && size <= 128) CheckConfig(place, line);
  return 0;
}
