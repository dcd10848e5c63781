// Heads and records out of a database that somebody wrote into. Nothing opens
// but what was sealed for its place; and a decision over any head ends, denies
// whom nothing may be read of, and is the same whenever it is asked.

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/access/subject_facts.h"
#include "gateway/vault/head_codec.h"
#include "gateway/vault/head_update.h"
#include "policy/engine/engine.h"
#include "policy/engine/text_config.h"
#include "tests/differential/small_world.h"
#include "tests/fuzz/input.h"
#include "tests/testing/test_keys.h"

using namespace consentry;
using fuzz::Input;
using fuzz::LayOver;
using fuzz::Require;
using store::v1::SubjectHead;

namespace {

const policy::Bundle& SmallBundle() {
  static const auto* const bundle = [] {
    const auto world = policy_model::SmallWorld();
    policy::BundleSources sources;
    sources.catalog = policy::Unlocated(world.catalog);
    sources.purposes = policy::Unlocated(world.purposes);
    sources.profile = policy::Unlocated(world.profile);
    for (const auto& pack : world.packs) {
      sources.packs.push_back(policy::Unlocated(pack));
    }
    return new std::shared_ptr<const policy::Bundle>(
        policy::Bundle::Compile(std::move(sources)).value());
  }();
  return **bundle;
}

void CheckSeals(const crypto::SubjectKeys& keys,
                const crypto::SubjectKeys& other, const SubjectHead& head,
                std::string_view raw, size_t at) {
  const auto version = static_cast<int64_t>(head.version());
  const std::string sealed = vault::SealHead(keys, head).value();
  const auto opened = vault::OpenHead(keys, version, sealed);
  Require(opened.ok() &&
          opened->SerializeAsString() == head.SerializeAsString());
  Require(!vault::OpenHead(keys, version + 1, sealed).ok());
  Require(!vault::OpenHead(other, version, sealed).ok());
  Require(!vault::OpenHead(keys, version, raw).ok());
  const std::string laid = LayOver(sealed, at, raw);
  Require(vault::OpenHead(keys, version, laid).ok() == (laid == sealed));

  // A record whose list of fields somebody changed.
  const crypto::ObjectId id{1};
  store::v1::RecordMeta meta;
  for (int i = 0; i < 3; ++i) {
    meta.add_digests()->set_field(static_cast<uint32_t>(i + 1));
  }
  store::v1::RecordBlob blob;
  blob.set_meta(vault::SealMeta(keys, id, "k", 1, meta).value());
  for (int i = 0; i < 3; ++i) {
    blob.add_fields()->set_field(static_cast<uint32_t>(i + 1));
  }
  store::v1::RecordBlob changed;
  if (!changed.ParseFromString(LayOver(blob.SerializeAsString(), at, raw))) {
    return;
  }
  bool same = changed.meta() == blob.meta() &&
              changed.fields_size() == blob.fields_size();
  for (int i = 0; same && i < 3; ++i) {
    same = changed.fields(i).field() == blob.fields(i).field();
  }
  Require(vault::OpenMeta(keys, id, "k", 1, changed).ok() == same);
  Require(!vault::OpenMeta(keys, id, "l", 1, changed).ok());
  Require(!vault::OpenMeta(keys, id, "k", 2, changed).ok());
}

void CheckUpdates(SubjectHead head, Input input) {
  const int texts = head.residences_size();
  const int held = head.identifiers_size();
  for (int i = 0; i < 4; ++i) {
    const std::string source(input.Text(2));
    if (!vault::TakeSourcedText(input.Text(3), source, input.Byte(),
                                head.mutable_residences())) {
      Require(texts >= vault::kMaxSourcedTexts);
    }
    vault::CheckedIdentifier identifier;
    identifier.verified = input.Flag();
    if (!vault::TakeIdentifier(identifier, input.Byte(), source, input.Byte(),
                               &head)) {
      Require(held >= vault::kMaxHeldIdentifiers);
    }
    const std::string kind(input.Text(2));
    const uint32_t before = vault::RecordCount(kind, head);
    const auto place = vault::AddRecord(kind, &head);
    if (place.has_value()) {
      Require(vault::RecordCount(kind, head) == before + 1);
      Require(vault::KindPosition(kind, head) == place->position);
    } else {
      Require(vault::RecordCount(kind, head) == before);
    }
  }
}

void CheckDecisions(const SubjectHead& head) {
  const policy::Bundle& bundle = SmallBundle();
  const SubjectHead* const one[] = {&head};
  const SubjectHead* const two[] = {&head, &head};
  const policy::SubjectFacts facts = access::MakeFacts(bundle, one);
  const policy::SubjectFacts twice = access::MakeFacts(bundle, two);
  policy::Decision decision;
  policy::Decision again;
  for (size_t p = 0; p < bundle.purpose_count(); ++p) {
    policy::DecisionRequest request;
    request.purpose = policy::PurposeId{static_cast<uint16_t>(p)};
    request.time_us = 1'790'000'000'000'000;
    std::vector<policy::FieldId> fields;
    for (const auto& need : bundle.purpose(request.purpose).fields()) {
      fields.push_back(*bundle.FindField(need.field()));
    }
    request.fields = fields;
    Require(Decide(bundle, facts, request, &decision).ok());
    Require(!decision.permitted || !head.erasing());
    Require(Decide(bundle, facts, request, &again).ok());
    Require(decision == again);
    // Joined with herself she is who she was, or less is known for certain.
    Require(Decide(bundle, twice, request, &again).ok());
    Require(decision.permitted || !again.permitted);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* const all = new testing::TestKeys();
  static const auto* const keys = new crypto::SubjectKeys(all->NewSubject());
  static const auto* const other = new crypto::SubjectKeys(all->NewSubject());
  Input input(data, size);
  const size_t at = input.Number() & 0xffff;
  const std::string raw(input.Rest());
  SubjectHead head;
  const bool parsed = head.ParseFromString(raw);
  if (!parsed) head.Clear();
  CheckSeals(*keys, *other, head, raw, at);
  if (!parsed) return 0;
  CheckUpdates(head, Input(data, size));
  CheckDecisions(head);
  return 0;
}
