// Epoch file, slot header, slots and redo record with any bytes in them. The
// first byte says which; the rest is laid over a good one, so that both
// nonsense and near misses are tried. Nothing that differs may verify.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/crypto/slot_format.h"
#include "tests/testing/test_keys.h"

using namespace consentry::crypto;
using consentry::testing::TestKeys;

namespace {

// `good` with the bytes of `data` mixed in from offset `data[0..1]` on.
std::string Lay(std::string good, const uint8_t* data, size_t size) {
  if (size < 2 || good.empty()) return good;
  const size_t at = (size_t{data[0]} << 8 | data[1]) % good.size();
  for (size_t i = 2; i < size && at + i - 2 < good.size(); ++i) {
    good[at + i - 2] = static_cast<char>(good[at + i - 2] ^ data[i]);
  }
  return good;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* const all = new TestKeys();
  static const SlotFileId id{};
  if (size == 0) return 0;
  const std::string raw(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto keys = all->epochs().keys();
  SlotInfo info;
  info.data_generation = info.audit_generation = 1;
  SlotKeys out;
  const std::span<uint8_t, kSlotKeysBytes> room(out.mutable_data(),
                                                kSlotKeysBytes);
  static const std::string header =
      EncodeSlotHeader(*keys, id, {1, 2, 3, 4, 5});
  static const std::string slot =
      EncodeLiveSlot(*keys, id, 1, info, out.view(), std::array<uint8_t, 16>{});
  static const SlotWrite write{1, slot};
  static const std::string redo = EncodeSlotRedo(*keys, id, {&write, 1});
  static const std::string epochs =
      consentry::audit::ReadFile(&all->disk(), "/epochs", 1 << 20).value();

  switch (data[0] % 8) {
    case 0:
      (void)PeekSlotFileId(raw);
      if (DecodeSlotHeader(*keys, id, raw).ok() && raw != header) std::abort();
      break;
    case 1: {
      const std::string laid = Lay(header, data + 1, size - 1);
      if (DecodeSlotHeader(*keys, id, laid).ok() && laid != header) {
        std::abort();
      }
      break;
    }
    case 2:
      if (DecodeSlot(*keys, id, 1, raw, room).ok() && raw != slot) std::abort();
      break;
    case 3: {
      const std::string laid = Lay(slot, data + 1, size - 1);
      if (DecodeSlot(*keys, id, 1, laid, room).ok() && laid != slot) {
        std::abort();
      }
      break;
    }
    case 4:
      if (DecodeSlotRedo(*keys, id, raw).ok() && raw.find(redo) != 0) {
        std::abort();
      }
      break;
    case 5: {
      const std::string laid = Lay(redo, data + 1, size - 1);
      if (DecodeSlotRedo(*keys, id, laid).ok() && laid != redo) std::abort();
      break;
    }
    default: {
      const std::string bytes =
          data[0] % 8 == 6 ? raw : Lay(epochs, data + 1, size - 1);
      consentry::testing::MemoryFileSystem disk;
      if (!consentry::audit::ReplaceFile(&disk, "/epochs", bytes).ok()) {
        std::abort();
      }
      if (EpochFile::Open(&disk, "/epochs", all->root()).ok() &&
          bytes != epochs) {
        std::abort();
      }
      break;
    }
  }
  return 0;
}
