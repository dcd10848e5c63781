// Rows of the audit index as a disk may hold them: what decodes is what would
// be written, and a summary never says "no" of a block with a match.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "gateway/trail/block_summary.h"
#include "gateway/trail/posting_run.h"
#include "tests/fuzz/input.h"

using namespace consentry::trail;
using consentry::fuzz::Input;
using consentry::fuzz::Require;
using consentry::store::v1::Leaf;

namespace {

void DecodeChunk(std::string_view bytes) {
  const auto postings = DecodePostings(bytes);
  if (!postings.ok()) return;
  const auto chunks = EncodePostings(*postings);
  Require(chunks.size() == 1 && chunks[0].bytes == bytes);
}

void EncodeList(Input* input) {
  std::vector<Posting> postings;
  while (!input->empty()) {
    Posting posting;
    posting.subject = input->Flag() ? input->Byte() : input->Number();
    posting.index = input->Flag() ? input->Byte() : input->Number();
    posting.item = input->Byte();
    // A hundred for one, so that chunks fill.
    for (uint64_t i = 0; i < 100; ++i) {
      postings.push_back(posting);
      posting.index += 1;
    }
  }
  std::sort(postings.begin(), postings.end());
  postings.erase(std::unique(postings.begin(), postings.end()), postings.end());
  std::vector<Posting> again;
  for (const PostingChunk& chunk : EncodePostings(postings)) {
    const auto part = DecodePostings(chunk.bytes);
    Require(part.ok() && part->front().subject == chunk.first_subject &&
            part->back().subject == chunk.last_subject);
    again.insert(again.end(), part->begin(), part->end());
  }
  Require(again == postings);
}

std::string_view Word(Input* input) {
  static constexpr std::string_view kWords[] = {
      "", "a", "b", "data.read", "data.", "client.create"};
  return kWords[input->Below(6)];
}

Leaf MakeLeaf(Input* input) {
  Leaf leaf;
  leaf.set_time_us(
      static_cast<int64_t>(input->Flag() ? input->Byte() : input->Number()));
  leaf.set_client_id(std::string(Word(input)));
  leaf.set_acting_person(std::string(Word(input)));
  leaf.set_purpose(std::string(Word(input)));
  leaf.set_event(std::string(Word(input)));
  for (int i = input->Below(3); i > 0; --i) {
    auto* subject = leaf.add_subjects();
    subject->set_effect(input->Below(4));
    subject->set_reason(input->Below(4));
  }
  return leaf;
}

EntryFilter MakeFilter(Input* input) {
  EntryFilter filter;
  const uint8_t set = input->Byte();
  if (set & 1) filter.client_id = Word(input);
  if (set & 2) filter.acting_person = Word(input);
  if (set & 4) filter.purpose = Word(input);
  if (set & 8) filter.event = Word(input);
  if (set & 16) filter.effect = input->Below(4);
  if (set & 32) filter.reason = input->Below(4);
  if (set & 64) filter.from_us = input->Byte();
  if (set & 128) filter.to_us = input->Byte();
  return filter;
}

void Summarise(Input* input) {
  BlockSummary summary;
  std::vector<Leaf> leaves;
  for (int i = input->Below(8); i > 0; --i) {
    leaves.push_back(MakeLeaf(input));
    summary.Add(leaves.back());
  }
  const auto decoded = BlockSummary::Decode(summary.Encode());
  Require(decoded.ok() && decoded->Encode() == summary.Encode());
  Require(decoded->entries() == leaves.size());
  while (!input->empty()) {
    const EntryFilter filter = MakeFilter(input);
    for (const Leaf& leaf : leaves) {
      Require(!filter.Matches(leaf) || decoded->MayMatch(filter));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  switch (input.Below(4)) {
    case 0:
      DecodeChunk(input.Rest());
      break;
    case 1:
      EncodeList(&input);
      break;
    case 2:
      Summarise(&input);
      break;
    default: {
      const auto summary = BlockSummary::Decode(input.Rest());
      if (!summary.ok()) break;
      const std::string bytes = summary->Encode();
      const auto again = BlockSummary::Decode(bytes);
      Require(again.ok() && again->Encode() == bytes);
      break;
    }
  }
  return 0;
}
