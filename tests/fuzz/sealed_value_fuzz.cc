// Sealed values out of a database that somebody wrote into. The input is a
// value by itself, and a change laid over a good one: neither may open.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "gateway/crypto/system_seal.h"
#include "tests/testing/grant_for_test.h"
#include "tests/testing/test_keys.h"

using namespace consentry::crypto;
using consentry::testing::GrantForTest;
using consentry::testing::TestKeys;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* const all = new TestKeys();
  static const auto* const keys = new SubjectKeys(all->NewSubject());
  static const FieldContext where{FieldTable::kRecord, RowId(1), "a.b", 1, 1};
  static const std::string good =
      Sealer::Seal(*keys, where, "a value of somebody").value();
  const Grant grant = GrantForTest::Make();

  const std::string raw(reinterpret_cast<const char*>(data), size);
  if (Opener::Open(grant, *keys, where, raw).ok() && raw != good) std::abort();
  const FactContext fact{FactTable::kSubjectHead, RowId(1), raw, 1, 1};
  if (FactOpener::Open(*keys, fact, good).ok()) std::abort();
  const SystemContext system{SystemTable::kStaff, RowId(1), "", 1, 1};
  if (SystemSeal::Open(*all->epochs().keys(), system, raw).ok()) std::abort();

  std::string laid = good;
  for (size_t i = 0; i < size; ++i) {
    laid[i % laid.size()] = static_cast<char>(laid[i % laid.size()] ^ data[i]);
  }
  const bool opened = Opener::Open(grant, *keys, where, laid).ok();
  if (opened != (laid == good)) std::abort();

  // Whatever the name of a field, a value opens under it and no other.
  FieldContext named = where;
  named.field = raw;
  const auto sealed = Sealer::Seal(*keys, named, raw);
  if (sealed.ok()) {
    const auto back = Opener::Open(grant, *keys, named, *sealed);
    if (!back.ok() || back->view() != raw) std::abort();
    if (raw != where.field && Opener::Open(grant, *keys, where, *sealed).ok()) {
      std::abort();
    }
  }
  return 0;
}
