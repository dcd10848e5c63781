#include "gateway/server/recovery.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "audit/io/file.h"
#include "gateway/server/config.h"
#include "gateway/server/gateway.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

constexpr char kPublicFile[] = "/recovery.pub";
constexpr char kConfirmedFile[] = "/recovery.confirmed";
constexpr size_t kMaxFile = 4096;

std::string Text(const crypto::RecoveryPublicKey& key) {
  return absl::StrCat(
      absl::BytesToHexString(absl::string_view(
          reinterpret_cast<const char*>(key.data()), key.size())),
      "\n");
}

std::optional<std::string> Read(const std::string& path) {
  auto text = audit::ReadFile(audit::FileSystem::Posix(), path, kMaxFile);
  if (!text.ok()) return std::nullopt;
  return *std::move(text);
}

}  // namespace

absl::Status KeepRecoveryKey(const std::string& key_folder,
                             const crypto::RecoveryKey& key) {
  return audit::ReplaceFile(audit::FileSystem::Posix(),
                            key_folder + kPublicFile, Text(key.public_key()));
}

std::optional<crypto::RecoveryPublicKey> RecoveryPublicKeyIn(
    const std::string& key_folder) {
  const auto text = Read(key_folder + kPublicFile);
  crypto::RecoveryPublicKey key;
  if (!text || text->size() < 2 * key.size()) return std::nullopt;
  const std::string bytes =
      absl::HexStringToBytes(text->substr(0, 2 * key.size()));
  std::copy(bytes.begin(), bytes.end(), key.begin());
  if (Text(key) != *text) return std::nullopt;
  return key;
}

RecoveryState RecoveryStateIn(const std::string& key_folder) {
  const auto made = Read(key_folder + kPublicFile);
  if (!made) return RecoveryState::kNone;
  // Of another key it says nothing about this one.
  return Read(key_folder + kConfirmedFile) == made
             ? RecoveryState::kConfirmed
             : RecoveryState::kUnconfirmed;
}

absl::Status ConfirmRecoveryKey(const std::string& config,
                                std::string_view typed) {
  CONSENTRY_ASSIGN_OR_RETURN(const Config loaded,
                             LoadConfig(config, PackIds()));
  const std::string folder =
      std::filesystem::path(loaded.message.keys().epoch_file())
          .parent_path()
          .string();
  const auto made = Read(folder + kPublicFile);
  if (!made) {
    return absl::NotFoundError("no recovery key was made for this gateway");
  }
  CONSENTRY_ASSIGN_OR_RETURN(const crypto::RecoveryKey key,
                             crypto::RecoveryKey::Parse(typed));
  const std::string text = Text(key.public_key());
  if (text != *made) {
    return absl::InvalidArgumentError(
        "this is a recovery key, but not the one of this gateway");
  }
  return audit::ReplaceFile(audit::FileSystem::Posix(), folder + kConfirmedFile,
                            text);
}

}  // namespace consentry::server
