#ifndef CONSENTRY_TOOLS_CONSENTRY_POLICY_FILES_H_
#define CONSENTRY_TOOLS_CONSENTRY_POLICY_FILES_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/config/v1/controller.pb.h"
#include "consentry/config/v1/policy_case.pb.h"
#include "policy/engine/bundle.h"
#include "policy/engine/text_config.h"

namespace consentry::tools {

// Where the policy commands take what they work on. Each path names a file of
// protobuf text; what is left empty comes with the program.
struct PolicySources {
  // The gateway's configuration or the folder that holds it: catalog, purposes,
  // owner's pack, pack ids and the business's profile come from there unless
  // given below.
  std::string config;
  std::string catalog;
  std::string purposes;
  // ControllerProfile. Cases may bring their own.
  std::string profile;
  // Legal packs, files or folders of *.txtpb; they stand in place of the
  // shipped ones.
  std::vector<std::string> packs;
  std::string owner_pack;
};

// A file's text, at most TextProto::kMaxBytes. "-" is not special here.
absl::StatusOr<std::string> ReadPolicyFile(const std::string& path);

// Every *.txtpb at or below `path`, sorted; `path` itself when it is a file.
absl::StatusOr<std::vector<std::string>> ListPolicyFiles(
    const std::string& path);

// What the sources name. `cases` takes the catalog and purposes that the
// shipped cases speak of where none are given, otherwise the shop's defaults.
// The profile is empty where none is named.
absl::StatusOr<policy::BundleSources> LoadPolicySources(
    const PolicySources& sources, bool cases);

// Compiles one bundle per profile, once each. One thread.
class BundleCache {
 public:
  explicit BundleCache(policy::BundleSources sources)
      : sources_(std::move(sources)) {}

  // The bundle for `profile`; for an empty one, that of the sources.
  // INVALID_ARGUMENT when there is none.
  absl::StatusOr<std::shared_ptr<const policy::Bundle>> Get(
      const config::v1::ControllerProfile& profile);

  const policy::BundleSources& sources() const { return sources_; }

 private:
  policy::BundleSources sources_;
  std::map<std::string, std::shared_ptr<const policy::Bundle>> bundles_;
};

// The cases of a file, each with the profile that counts for it. Refuses names
// that stand twice, and cases without a name.
struct CaseFile {
  std::string name;
  policy::Located<config::v1::PolicyCaseFile> located;

  const config::v1::ControllerProfile& ProfileOf(size_t index) const;
  // "cases/eu-gdpr/minors.txtpb:12:1".
  std::string PlaceOf(size_t index) const;
};

absl::StatusOr<CaseFile> ParseCaseFile(std::string_view name,
                                       std::string_view text);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_POLICY_FILES_H_
