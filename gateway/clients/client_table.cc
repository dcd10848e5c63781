#include "gateway/clients/client_table.h"

#include "gateway/clients/configuration.h"
#include "gateway/clients/registration.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::clients {
namespace {

// bundles.kind
constexpr int64_t kBundleDoc = 1;
constexpr int64_t kPolicyDoc = 2;
constexpr int64_t kClientDoc = 3;

absl::Status Corrupt() {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a stored configuration does not parse");
}

template <class Message>
absl::StatusOr<Message> ReadDoc(store::Connection* connection,
                                std::string_view hash, int64_t kind) {
  CONSENTRY_ASSIGN_OR_RETURN(
      store::Query query,
      connection->Prepare(
          "SELECT doc FROM bundles WHERE hash = $1 AND kind = $2"));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Bind(hash, kind).Step());
  if (!found) {
    return MakeError(v1::ERROR_REASON_NOT_FOUND,
                     "no configuration with that hash");
  }
  const std::string_view doc = query.Blob(0);
  Message message;
  if (Sha256(doc) != hash ||
      !message.ParseFromArray(doc.data(), static_cast<int>(doc.size()))) {
    return Corrupt();
  }
  return message;
}

absl::StatusOr<std::string> WriteDoc(store::Connection* writer, int64_t kind,
                                     const google::protobuf::Message& doc) {
  const std::string bytes = CanonicalBytes(doc);
  std::string hash = Sha256(bytes);
  CONSENTRY_ASSIGN_OR_RETURN(
      store::Query query,
      writer->Prepare("INSERT INTO bundles (hash, kind, doc) VALUES "
                      "($1, $2, $3) ON CONFLICT DO NOTHING"));
  CONSENTRY_RETURN_IF_ERROR(query.Bind(hash, kind, bytes).Run());
  return hash;
}

std::string KeyBytes(const v1::Client& client) {
  const auto key = ParseKey(client.public_key_hash());
  if (!key.ok()) return "";
  return std::string(key->begin(), key->end());
}

absl::Status KeyTaken(absl::Status status) {
  if (status.code() != absl::StatusCode::kAlreadyExists) return status;
  return MakeError(v1::ERROR_REASON_ALREADY_EXISTS,
                   "a registration with this id or key exists, or existed");
}

}  // namespace

absl::StatusOr<std::vector<v1::Client>> ReadClients(
    store::Connection* connection) {
  CONSENTRY_ASSIGN_OR_RETURN(
      store::Query query,
      connection->Prepare("SELECT doc FROM clients ORDER BY client_id"));
  std::vector<v1::Client> clients;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return clients;
    const std::string_view doc = query.Blob(0);
    if (!clients.emplace_back().ParseFromArray(doc.data(),
                                               static_cast<int>(doc.size()))) {
      return Corrupt();
    }
  }
}

absl::StatusOr<v1::Client> ReadClient(store::Connection* connection,
                                      std::string_view id) {
  CONSENTRY_ASSIGN_OR_RETURN(
      store::Query query,
      connection->Prepare("SELECT doc FROM clients WHERE client_id = $1"));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Bind(id).Step());
  if (!found) {
    return MakeError(v1::ERROR_REASON_NOT_FOUND, "no client has this id");
  }
  const std::string_view doc = query.Blob(0);
  v1::Client client;
  if (!client.ParseFromArray(doc.data(), static_cast<int>(doc.size()))) {
    return Corrupt();
  }
  return client;
}

absl::Status InsertClient(store::Connection* writer, const v1::Client& client) {
  CONSENTRY_ASSIGN_OR_RETURN(
      store::Query query,
      writer->Prepare("INSERT INTO clients (client_id, spki, state, version, "
                      "doc) VALUES ($1, $2, $3, $4, $5)"));
  const std::string key = KeyBytes(client);
  const std::string doc = CanonicalBytes(client);
  return KeyTaken(query
                      .Bind(client.id(), key,
                            static_cast<int64_t>(client.state()),
                            static_cast<int64_t>(client.version()), doc)
                      .Run());
}

absl::Status ReplaceClient(store::Connection* writer,
                           const v1::Client& client) {
  CONSENTRY_ASSIGN_OR_RETURN(
      store::Query query,
      writer->Prepare("UPDATE clients SET spki = $2, state = $3, version = $4, "
                      "doc = $5 WHERE client_id = $1"));
  const std::string key = KeyBytes(client);
  const std::string doc = CanonicalBytes(client);
  CONSENTRY_RETURN_IF_ERROR(
      KeyTaken(query
                   .Bind(client.id(), key, static_cast<int64_t>(client.state()),
                         static_cast<int64_t>(client.version()), doc)
                   .Run()));
  if (writer->Changes() != 1) {
    return MakeError(v1::ERROR_REASON_NOT_FOUND, "no client has this id");
  }
  return absl::OkStatus();
}

absl::StatusOr<store::v1::StoredBundle> ReadNewestBundle(
    store::Connection* connection) {
  CONSENTRY_ASSIGN_OR_RETURN(const auto newest,
                             ReadBundleHistory(connection, INT64_MAX, 1));
  if (newest.empty()) {
    return MakeError(v1::ERROR_REASON_NOT_FOUND,
                     "no configuration was ever put in force");
  }
  return ReadBundle(connection, newest.front().hash);
}

absl::StatusOr<store::v1::StoredBundle> ReadBundle(
    store::Connection* connection, std::string_view hash) {
  return ReadDoc<store::v1::StoredBundle>(connection, hash, kBundleDoc);
}

absl::StatusOr<store::v1::StoredPolicy> ReadPolicy(
    store::Connection* connection, std::string_view hash) {
  return ReadDoc<store::v1::StoredPolicy>(connection, hash, kPolicyDoc);
}

absl::StatusOr<v1::Client> ReadClientVersion(store::Connection* connection,
                                             std::string_view hash) {
  return ReadDoc<v1::Client>(connection, hash, kClientDoc);
}

absl::StatusOr<std::vector<BundleVersion>> ReadBundleHistory(
    store::Connection* connection, int64_t before, int limit) {
  CONSENTRY_ASSIGN_OR_RETURN(
      store::Query query,
      connection->Prepare("SELECT change_number, hash FROM bundle_history "
                          "WHERE change_number < $1 "
                          "ORDER BY change_number DESC LIMIT $2"));
  query.Bind(before, static_cast<int64_t>(limit));
  std::vector<BundleVersion> versions;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return versions;
    versions.push_back({query.Int64(0), std::string(query.Blob(1))});
  }
}

absl::StatusOr<std::string> WritePolicy(store::Connection* writer,
                                        const store::v1::StoredPolicy& policy) {
  return WriteDoc(writer, kPolicyDoc, policy);
}

absl::StatusOr<std::string> WriteBundle(
    store::Connection* writer, int64_t change_number,
    std::string_view policy_hash,
    const std::vector<std::string>& suspended_purposes,
    std::string_view engine_version) {
  store::v1::StoredBundle bundle;
  bundle.set_policy_hash(std::string(policy_hash));
  bundle.set_engine_version(std::string(engine_version));
  for (const std::string& purpose : suspended_purposes) {
    bundle.add_suspended_purposes(purpose);
  }
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<v1::Client> clients,
                             ReadClients(writer));
  for (const v1::Client& client : clients) {
    if (client.state() == v1::CLIENT_STATE_REVOKED) continue;
    CONSENTRY_ASSIGN_OR_RETURN(std::string hash,
                               WriteDoc(writer, kClientDoc, client));
    auto* stored = bundle.add_clients();
    stored->set_client_id(client.id());
    stored->set_hash(std::move(hash));
  }
  CONSENTRY_ASSIGN_OR_RETURN(std::string hash,
                             WriteDoc(writer, kBundleDoc, bundle));
  CONSENTRY_ASSIGN_OR_RETURN(
      store::Query query,
      writer->Prepare("INSERT INTO bundle_history (change_number, hash) "
                      "VALUES ($1, $2)"));
  CONSENTRY_RETURN_IF_ERROR(query.Bind(change_number, hash).Run());
  return hash;
}

}  // namespace consentry::clients
