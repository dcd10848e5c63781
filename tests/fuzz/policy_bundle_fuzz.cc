// Any text in place of one file of a bundle: it is refused with CONFIG_INVALID,
// or compiles to a bundle that decides every purpose without a fault and hashes
// the same whatever the order of its packs.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "policy/engine/engine.h"
#include "policy/engine/explain.h"
#include "proto/support/error.h"
#include "tests/differential/small_world.h"

namespace {

using consentry::policy::Bundle;
using consentry::policy::BundleSources;

void Require(bool condition) {
  if (!condition) std::abort();
}

// False when the text is refused.
template <class T>
bool Parse(std::string_view text, consentry::policy::Located<T>* out) {
  auto located = consentry::policy::ParseText<T>("fuzz", text);
  if (!located.ok()) {
    Require(consentry::ReasonOf(located.status()) ==
            consentry::v1::ERROR_REASON_CONFIG_INVALID);
    return false;
  }
  *out = *std::move(located);
  return true;
}

bool Load(size_t replaced, std::string_view with, BundleSources* out) {
  namespace model = consentry::policy_model;
  std::array<std::string_view, 6> texts = {
      model::kSmallCatalog,  model::kSmallPurposes, model::kSmallProfile,
      model::kSmallAskFirst, model::kSmallOptOut,   model::kSmallOwner};
  texts[replaced % texts.size()] = with;
  bool parsed = Parse(texts[0], &out->catalog) &&
                Parse(texts[1], &out->purposes) &&
                Parse(texts[2], &out->profile);
  for (size_t i = 3; i < texts.size() && parsed; ++i) {
    parsed = Parse(texts[i], &out->packs.emplace_back());
  }
  return parsed;
}

void DecideAll(const Bundle& bundle) {
  using consentry::policy::FieldId;
  consentry::policy::Decision decision;
  for (size_t p = 0; p < bundle.purpose_count(); ++p) {
    consentry::policy::SubjectFacts facts;
    consentry::policy::DecisionRequest request;
    request.purpose = consentry::policy::PurposeId{static_cast<uint16_t>(p)};
    request.time_us = 1'790'000'000'000'000;
    const auto& purpose = bundle.purpose(request.purpose);
    std::vector<FieldId> fields;
    for (const auto& need : purpose.fields()) {
      const auto field = bundle.FindField(need.field());
      Require(field.has_value());
      if (fields.size() < consentry::policy::kMaxFieldsPerRequest) {
        fields.push_back(*field);
      }
    }
    request.fields = fields;
    const std::vector<int64_t> collected(fields.size(), 1);
    request.collected_us = collected;
    for (const int channel : purpose.channels()) {
      request.channel = static_cast<consentry::policy::Channel>(channel);
      Require(Decide(bundle, facts, request, &decision).ok());
      Require(!Explain(bundle, facts, request, decision).steps.empty());
      // Nobody consented to anything: what is permitted names its basis.
      Require(!decision.permitted || !decision.bases.empty());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1),
                              size - 1);
  BundleSources sources;
  if (!Load(data[0], text, &sources)) return 0;
  BundleSources turned = sources;
  std::reverse(turned.packs.begin(), turned.packs.end());
  const auto bundle = Bundle::Compile(std::move(sources));
  const auto other = Bundle::Compile(std::move(turned));
  Require(bundle.ok() == other.ok());
  if (!bundle.ok()) {
    Require(consentry::ReasonOf(bundle.status()) ==
            consentry::v1::ERROR_REASON_CONFIG_INVALID);
    return 0;
  }
  Require((*bundle)->canonical_bytes() == (*other)->canonical_bytes());
  DecideAll(**bundle);
  return 0;
}
