// Any bytes as a signal of whatever format, and sections after a good header:
// the decoders end, keep their bounds and tell every fault at a place inside
// the string; what they take has numbers that mean something, and a meaning.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "policy/signals/meaning.h"
#include "policy/signals/signal.h"
#include "policy/signals/signal_error.h"
#include "tests/fuzz/input.h"

namespace consentry::signals {
namespace {

using fuzz::Require;

void CheckSection(const GppSection& section) {
  Require(section.id != 0 && section.id != 3 && !section.raw.empty());
  const auto* us = std::get_if<UsSection>(&section.content);
  if (us == nullptr) return;
  Require(us->layout != nullptr && us->layout->section == section.id);
  size_t count = 0;
  for (const UsField& field : us->layout->core) count += field.count;
  Require(us->core.size() == count);
  for (const uint8_t number : us->core) Require(number <= 2);
  Require(us->sensitive.empty() || us->sensitive.size() == 8);
}

void Check(std::string_view text) {
  const auto signal = DecodeSignal(text);
  if (!signal.ok()) {
    const auto error = ErrorOf(signal.status());
    Require(error.has_value());
    Require(error->character <= text.size());
    return;
  }
  const Meaning meaning = MeaningOf(*signal);
  for (size_t i = 1; i < meaning.opt_outs.size(); ++i) {
    Require(meaning.opt_outs[i - 1].kind < meaning.opt_outs[i].kind);
  }
  const auto* gpp = std::get_if<GppString>(&*signal);
  if (gpp == nullptr) return;
  uint16_t last = 0;
  for (const GppSection& section : gpp->sections) {
    Require(section.id > last);
    last = section.id;
    CheckSection(section);
  }
}

}  // namespace
}  // namespace consentry::signals

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  consentry::fuzz::Input input(data, size);
  // tcfeuv2 and uspv1; usnat, usca and usva; every section from 6 to 27.
  static constexpr std::string_view kHeaders[] = {"DBACNYA~", "DBABrYA~",
                                                  "DBABzAw~", ""};
  const std::string_view header = kHeaders[input.Below(4)];
  consentry::signals::Check(std::string(header) + std::string(input.Rest()));
  return 0;
}
