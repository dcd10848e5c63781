#include "tools/consentry/policy_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "consentry/config/v1/gateway.pb.h"
#include "policy/packs/pack_cases.h"
#include "policy/packs/packs.h"
#include "proto/support/status_macros.h"

namespace consentry::tools {
namespace {

namespace fs = std::filesystem;
using config::v1::ControllerProfile;
using config::v1::Pack;

std::string_view EmbeddedText(absl::Span<const EmbeddedFile> files,
                              std::string_view name) {
  for (const EmbeddedFile& file : files) {
    if (file.name == name) return file.content;
  }
  return "";
}

template <class T>
absl::StatusOr<policy::Located<T>> LoadFile(const std::string& path) {
  CONSENTRY_ASSIGN_OR_RETURN(const std::string text, ReadPolicyFile(path));
  return policy::ParseText<T>(path, text);
}

template <class T>
absl::StatusOr<policy::Located<T>> LoadFileOr(
    const std::string& path, absl::Span<const EmbeddedFile> embedded,
    std::string_view name) {
  if (!path.empty()) return LoadFile<T>(path);
  return policy::ParseText<T>(absl::StrCat("(shipped)/", std::string(name)),
                              EmbeddedText(embedded, name));
}

// A path in the configuration, relative to its folder.
std::string Beside(const std::string& config, const std::string& path) {
  if (path.empty() || fs::path(path).is_absolute()) return path;
  return (fs::path(config).parent_path() / path).string();
}

absl::Status LoadPacks(const PolicySources& sources,
                       const std::set<std::string>& ids,
                       policy::BundleSources* out) {
  if (sources.packs.empty()) {
    for (const EmbeddedFile& file : policy::EmbeddedPacks()) {
      CONSENTRY_ASSIGN_OR_RETURN(
          auto pack, policy::ParseText<Pack>(
                         absl::StrCat("(shipped)/", std::string(file.name)),
                         file.content));
      if (ids.empty() || ids.contains(pack.message.id())) {
        out->packs.push_back(std::move(pack));
      }
    }
  }
  for (const std::string& path : sources.packs) {
    CONSENTRY_ASSIGN_OR_RETURN(const auto files, ListPolicyFiles(path));
    for (const std::string& file : files) {
      CONSENTRY_ASSIGN_OR_RETURN(auto pack, LoadFile<Pack>(file));
      out->packs.push_back(std::move(pack));
    }
  }
  if (!sources.owner_pack.empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(auto pack, LoadFile<Pack>(sources.owner_pack));
    if (pack.message.kind() != Pack::OWNER) {
      return absl::InvalidArgumentError(
          absl::StrCat(sources.owner_pack, ": must be of kind OWNER"));
    }
    out->packs.push_back(std::move(pack));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadPolicyFile(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) {
    return absl::NotFoundError(
        absl::StrCat(path, ": cannot be read: ", error.message()));
  }
  if (size > TextProto::kMaxBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is larger than 4 MiB"));
  }
  std::ifstream in(path, std::ios::binary);
  std::string text(size, '\0');
  in.read(text.data(), static_cast<std::streamsize>(size));
  if (!in || in.gcount() != static_cast<std::streamsize>(size)) {
    return absl::UnavailableError(absl::StrCat(path, ": cannot be read"));
  }
  return text;
}

absl::StatusOr<std::vector<std::string>> ListPolicyFiles(
    const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (auto it = fs::recursive_directory_iterator(path, error);
       !error && it != fs::recursive_directory_iterator();
       it.increment(error)) {
    if (it->is_regular_file(error) && it->path().extension() == ".txtpb") {
      files.push_back(it->path().string());
    }
  }
  if (error) {
    return absl::UnavailableError(
        absl::StrCat(path, ": cannot be listed: ", error.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<policy::BundleSources> LoadPolicySources(
    const PolicySources& given, bool cases) {
  PolicySources sources = given;
  policy::BundleSources out;
  std::set<std::string> ids;
  if (!sources.config.empty()) {
    std::error_code error;
    if (fs::is_directory(sources.config, error)) {
      sources.config = (fs::path(sources.config) / "consentry.txtpb").string();
    }
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto config, LoadFile<config::v1::GatewayConfig>(sources.config));
    const auto& files = config.message.policy();
    const auto take = [&](std::string* to, const std::string& from) {
      if (to->empty()) *to = Beside(sources.config, from);
    };
    take(&sources.catalog, files.catalog());
    take(&sources.purposes, files.purposes());
    take(&sources.owner_pack, files.owner_pack());
    ids.insert(files.packs().begin(), files.packs().end());
    out.profile = policy::Unlocated(config.message.controller());
  }
  if (!sources.profile.empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(out.profile,
                               LoadFile<ControllerProfile>(sources.profile));
  }
  const auto embedded =
      cases ? policy::EmbeddedCases() : policy::EmbeddedDefaults();
  CONSENTRY_ASSIGN_OR_RETURN(
      out.catalog, LoadFileOr<config::v1::Catalog>(sources.catalog, embedded,
                                                   "catalog.txtpb"));
  CONSENTRY_ASSIGN_OR_RETURN(out.purposes,
                             LoadFileOr<config::v1::PurposeRegistry>(
                                 sources.purposes, embedded, "purposes.txtpb"));
  CONSENTRY_RETURN_IF_ERROR(LoadPacks(sources, ids, &out));
  return out;
}

absl::StatusOr<std::shared_ptr<const policy::Bundle>> BundleCache::Get(
    const ControllerProfile& profile) {
  const bool own = !profile.home().empty();
  const ControllerProfile& used = own ? profile : sources_.profile.message;
  if (used.home().empty()) {
    return absl::InvalidArgumentError(
        "no profile of the business: give one in the case file, by --profile "
        "or by --config");
  }
  auto& bundle = bundles_[used.SerializeAsString()];
  if (bundle == nullptr) {
    policy::BundleSources sources = sources_;
    if (own) sources.profile = policy::Unlocated(profile);
    auto compiled = policy::Bundle::Compile(std::move(sources));
    if (!compiled.ok()) return compiled.status();
    bundle = *std::move(compiled);
  }
  return bundle;
}

const ControllerProfile& CaseFile::ProfileOf(size_t index) const {
  const auto& one = located.message.cases(static_cast<int>(index));
  return one.has_profile() ? one.profile() : located.message.profile();
}

std::string CaseFile::PlaceOf(size_t index) const {
  return policy::PlaceOf(located)
      .At("cases", static_cast<int>(index))
      .MakeFault("")
      .place;
}

absl::StatusOr<CaseFile> ParseCaseFile(std::string_view name,
                                       std::string_view text) {
  CaseFile file;
  file.name = std::string(name);
  CONSENTRY_ASSIGN_OR_RETURN(
      file.located, policy::ParseText<config::v1::PolicyCaseFile>(name, text));
  std::vector<policy::Fault> faults;
  std::set<std::string> names;
  for (int i = 0; i < file.located.message.cases_size(); ++i) {
    const policy::Place at =
        policy::PlaceOf(file.located).At("cases", i).At("name");
    const std::string& case_name = file.located.message.cases(i).name();
    if (case_name.empty()) faults.push_back(at.MakeFault("is missing"));
    if (!names.insert(case_name).second) {
      faults.push_back(at.MakeFault("stands twice in the file"));
    }
  }
  CONSENTRY_RETURN_IF_ERROR(policy::FaultsToStatus(faults));
  return file;
}

}  // namespace consentry::tools
