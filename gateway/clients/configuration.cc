#include "gateway/clients/configuration.h"

#include <openssl/sha.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/message.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::clients {

std::string CanonicalBytes(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

std::string Sha256(std::string_view bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

absl::StatusOr<std::shared_ptr<const Policy>> CompilePolicy(
    store::v1::StoredPolicy sources) {
  policy::BundleSources parsed;
  CONSENTRY_ASSIGN_OR_RETURN(
      parsed.catalog,
      policy::ParseText<config::v1::Catalog>("catalog", sources.catalog()));
  CONSENTRY_ASSIGN_OR_RETURN(parsed.purposes,
                             policy::ParseText<config::v1::PurposeRegistry>(
                                 "purposes", sources.purposes()));
  parsed.profile = policy::Unlocated(sources.profile());
  for (const store::v1::StoredPack& pack : sources.packs()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto located,
        policy::ParseText<config::v1::Pack>(pack.name(), pack.text()));
    parsed.packs.push_back(std::move(located));
  }
  if (!sources.owner_pack().empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(auto located,
                               policy::ParseText<config::v1::Pack>(
                                   "owner_pack", sources.owner_pack()));
    parsed.packs.push_back(std::move(located));
  }
  auto made = std::make_shared<Policy>();
  CONSENTRY_ASSIGN_OR_RETURN(made->bundle,
                             policy::Bundle::Compile(std::move(parsed)));
  made->hash = Sha256(CanonicalBytes(sources));
  made->sources = std::move(sources);
  return std::shared_ptr<const Policy>(std::move(made));
}

std::shared_ptr<ClientUse> ClientUses::Of(std::string_view client_id) {
  MutexLock lock(&mu_);
  auto it = uses_.find(client_id);
  if (it == uses_.end()) {
    it = uses_.emplace(client_id, std::make_shared<ClientUse>()).first;
  }
  return it->second;
}

size_t Configuration::KeyHash::operator()(const crypto::SpkiHash& key) const {
  size_t head;
  std::memcpy(&head, key.data(), sizeof(head));
  return head;
}

std::shared_ptr<const Configuration> Configuration::Build(Sources sources,
                                                          ClientUses* uses) {
  std::shared_ptr<Configuration> made(new Configuration);
  made->sources_ = std::move(sources);
  const Sources& from = made->sources_;
  for (const v1::Client& client : from.clients) {
    made->by_id_[client.id()] =
        Registration::Compile(client, *from.policy->bundle,
                              from.extra_permissions, uses->Of(client.id()));
  }
  made->stored_.set_policy_hash(from.policy->hash);
  made->stored_.set_engine_version(from.engine_version);
  for (const std::string& purpose : from.suspended_purposes) {
    made->stored_.add_suspended_purposes(purpose);
  }
  for (const auto& [id, registration] : made->by_id_) {
    made->by_key_[registration->key()] = registration.get();
    if (registration->client().state() == v1::CLIENT_STATE_REVOKED) continue;
    auto* stored = made->stored_.add_clients();
    stored->set_client_id(id);
    stored->set_hash(Sha256(CanonicalBytes(registration->client())));
  }
  made->hash_ = Sha256(CanonicalBytes(made->stored_));
  return made;
}

const Registration* Configuration::FindByKey(
    const crypto::SpkiHash& key) const {
  const auto it = by_key_.find(key);
  return it == by_key_.end() ? nullptr : it->second;
}

const Registration* Configuration::FindById(std::string_view id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second.get();
}

absl::StatusOr<policy::PurposeId> Configuration::ResolvePurpose(
    const Registration& registration, std::string_view purpose) const {
  const auto id = bundle().FindPurpose(purpose);
  if (!id.has_value() || !registration.AllowsPurpose(*id)) {
    absl::Status status =
        MakeError(v1::ERROR_REASON_PURPOSE_NOT_ALLOWED,
                  "the purpose is unknown or not in the registration");
    if (id.has_value()) AddErrorMetadata(&status, "purpose", purpose);
    return status;
  }
  if (IsSuspended(purpose)) {
    absl::Status status =
        MakeError(v1::ERROR_REASON_SUSPENDED, "the purpose is suspended");
    AddErrorMetadata(&status, "purpose", purpose);
    return status;
  }
  return *id;
}

}  // namespace consentry::clients
