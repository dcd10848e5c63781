// The reader of backups, behind its seal: any head, and any frames that a
// holder of the keys could have made.
#include <cstdint>
#include <memory>
#include <string>

#include "gateway/upkeep/backup_file.h"
#include "gateway/upkeep/log_replay.h"
#include "tests/testing/memory_file_system.h"
#include "tests/testing/test_keys.h"

namespace {

using consentry::crypto::StreamOpener;
using consentry::upkeep::BackupKind;
using consentry::upkeep::BackupReader;

constexpr char kPath[] = "/backup";

void ReadAll(consentry::audit::FileSystem* fs,
             const consentry::upkeep::BackupReader::OpenStream& open) {
  const auto reader = BackupReader::Open(fs, kPath, BackupKind::kData, open);
  if (!reader.ok()) return;
  while (true) {
    const auto frame = (*reader)->Next();
    if (!frame.ok() || !frame->has_value()) return;
  }
}

void Put(consentry::audit::FileSystem* fs, const std::string& bytes) {
  if (!consentry::audit::ReplaceFile(fs, kPath, bytes).ok()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static consentry::testing::TestKeys* const keys =
      new consentry::testing::TestKeys();
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  consentry::testing::MemoryFileSystem disk;
  Put(&disk, bytes);
  ReadAll(&disk, [](const consentry::crypto::ObjectId& id, std::string_view key,
                    std::string_view header) {
    return StreamOpener::WithSystemKey(*keys->epochs().keys(), id, key, header);
  });

  // The same bytes as frames inside of a good seal, cut at each zero.
  consentry::crypto::StreamSealer stream;
  std::string sealed = "CSTRYBAK";
  sealed += std::string("\0\0\0\1\0\0\0\0", 8) + std::string(16, '\0');
  sealed += stream.header();
  const std::string prefix = sealed;
  bool first = true;
  for (size_t at = 0; at <= bytes.size();) {
    size_t end = bytes.find('\0', at);
    if (end == std::string::npos) end = bytes.size();
    const std::string frame =
        stream.Seal(bytes.substr(at, end - at), first ? prefix : std::string(),
                    end == bytes.size());
    const auto length = static_cast<uint32_t>(frame.size());
    for (int shift = 24; shift >= 0; shift -= 8) {
      sealed.push_back(static_cast<char>(length >> shift));
    }
    sealed += frame;
    first = false;
    at = end + 1;
  }
  Put(&disk, sealed);
  ReadAll(&disk, [&stream](const consentry::crypto::ObjectId&, std::string_view,
                           std::string_view) { return stream.Reopen(); });

  consentry::upkeep::MeaningOf(consentry::upkeep::ParseReplayLine(bytes));
  return 0;
}
