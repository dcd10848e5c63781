// Counts what the program allocates: a program of its own, since it replaces
// the global operator new.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <vector>

#include "policy/engine/engine.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/policy/engine/small_bundle.h"

namespace {
size_t allocations = 0;
}  // namespace

void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace consentry::policy {
namespace {

TEST(DecideAllocation, NothingIsAllocatedOnceTheAnswerHasGrown) {
  ASSERT_OK_AND_ASSIGN(const auto bundle, SmallTexts().Compile());
  SubjectFacts facts;
  facts.residences = {*bundle->FindJurisdiction("DE"),
                      *bundle->FindJurisdiction("US-CA")};
  facts.birth_day = 15000;
  facts.restricted = true;
  facts.objected_to_all = true;
  facts.opt_outs = ~0u;
  facts.contexts = {{*bundle->FindKind("ticket"), 1'700'000'000'000'000}};
  std::vector<FieldId> fields;
  for (size_t f = 0; f < bundle->field_count(); ++f) {
    fields.push_back(FieldId{static_cast<uint16_t>(f)});
  }
  const std::vector<int64_t> collected(fields.size(), 1'000'000);
  Decision decision;
  bool all_ok = true;
  const auto ask_all = [&] {
    for (size_t p = 0; p < bundle->purpose_count(); ++p) {
      DecisionRequest request;
      request.purpose = PurposeId{static_cast<uint16_t>(p)};
      request.fields = fields;
      request.collected_us = collected;
      request.time_us = 1'790'000'000'000'000;
      for (const int channel : bundle->purpose(request.purpose).channels()) {
        request.channel = static_cast<Channel>(channel);
        for (const bool open : {true, false}) {
          facts.restricted = facts.objected_to_all = !open;
          facts.opt_outs = open ? 0 : ~0u;
          // The matchers of ASSERT_OK allocate.
          all_ok = all_ok && Decide(*bundle, facts, request, &decision).ok();
        }
      }
    }
  };
  ask_all();
  const size_t before = allocations;
  ask_all();
  EXPECT_EQ(allocations, before);
  EXPECT_TRUE(all_ok);
  EXPECT_GT(before, 0u) << "nothing is counted";
}

}  // namespace
}  // namespace consentry::policy
